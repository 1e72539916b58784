//! `#!` scripts.

use super::{Error, under_prefix};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Bytes of a script's first line that count (Linux's BINPRM_BUF_SIZE).
const LINE_MAX: usize = 256;
/// Scripts run by scripts at most.
const DEPTH_MAX: usize = 4;

/// Follows `#!` lines from `path` to a file that is no script, and changes `argv` as the kernel does: the interpreter, its one
/// optional argument, the script's path, then the arguments without the first.
pub(super) fn resolve(
    path: PathBuf,
    argv: &mut Vec<Vec<u8>>,
    prefix: Option<&Path>,
) -> Result<PathBuf, Error> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let first = path.clone();
    let mut path = path;
    for _ in 0..=DEPTH_MAX {
        let Some((interpreter, argument)) = read_line(&path)? else {
            return Ok(path);
        };
        let mut new = vec![interpreter.clone()];
        new.extend(argument);
        new.push(path.as_os_str().as_bytes().to_vec());
        new.extend(argv.drain(..).skip(1));
        *argv = new;
        let wanted = PathBuf::from(std::ffi::OsString::from_vec(interpreter));
        let found = under_prefix(prefix, &wanted);
        if !found.exists() {
            return Err(Error::NoInterpreter {
                program: path,
                interpreter: wanted,
            });
        }
        path = found;
    }
    Err(Error::ScriptLoop(first))
}

/// Interpreter and argument of a script's first line; `None` if the file is no script.
#[allow(clippy::type_complexity)]
fn read_line(path: &Path) -> Result<Option<(Vec<u8>, Option<Vec<u8>>)>, Error> {
    let file = File::open(path).map_err(|e| Error::Io(path.to_path_buf(), e))?;
    let mut buf = [0; LINE_MAX];
    let n = super::header::read_up_to(&file, &mut buf, 0)
        .map_err(|e| Error::Io(path.to_path_buf(), e))?;
    let Some(line) = buf[..n].strip_prefix(b"#!") else {
        return Ok(None);
    };
    let line = line
        .split(|c| *c == b'\n')
        .next()
        .unwrap_or(line)
        .trim_ascii();
    let end = line
        .iter()
        .position(|c| matches!(c, b' ' | b'\t'))
        .unwrap_or(line.len());
    let (interpreter, rest) = line.split_at(end);
    if interpreter.is_empty() || interpreter.contains(&0) {
        return Err(Error::NotElf(path.to_path_buf()));
    }
    let rest = rest.trim_ascii();
    Ok(Some((
        interpreter.to_vec(),
        (!rest.is_empty()).then(|| rest.to_vec()),
    )))
}
