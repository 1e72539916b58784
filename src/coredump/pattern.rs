//! Names of core files: the letters of the kernel's `core_pattern` (core(5), `fs/coredump.c`: `format_corename`, as facts).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A checked pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(OsString);

/// What the letters stand for. Numbers are the guest's.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `%p`: process.
    pub pid: i32,
    /// `%P`: process, as the outermost PID namespace that is known numbers it.
    pub outer_pid: i32,
    /// `%i`, `%I`: the thread that was hit.
    pub tid: i32,
    /// `%u`: real user.
    pub uid: u32,
    /// `%g`: real group.
    pub gid: u32,
    /// `%d`: whether it may be dumped, as PR_GET_DUMPABLE says.
    pub dumpable: i32,
    /// `%s`: signal.
    pub signal: u32,
    /// `%t`: seconds since 1970.
    pub time: u64,
    /// `%h`: name of the host.
    pub host: Vec<u8>,
    /// `%e`: name of the thread that was hit.
    pub name: Vec<u8>,
    /// `%f` and `%E`: path of the program.
    pub exe: PathBuf,
    /// `%c`: limit of a core's size in bytes.
    pub limit: u64,
}

impl Default for Pattern {
    fn default() -> Pattern {
        Pattern("core.%p".into())
    }
}

impl Pattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// What is wrong with it and what to do, in words.
    pub fn parse(text: &OsStr) -> Result<Pattern, String> {
        let bytes = text.as_bytes();
        if bytes.is_empty() {
            return Err("takes the name of the file, for example core.%p".into());
        }
        if bytes[0] == b'|' {
            return Err("writes to files only, not to a program's pipe".into());
        }
        let mut rest = bytes.iter();
        while let Some(&b) = rest.next() {
            if b != b'%' {
                continue;
            }
            match rest.next() {
                Some(b'%' | b'p' | b'P' | b'i' | b'I' | b'u' | b'g' | b'd' | b's') => {}
                Some(b't' | b'h' | b'e' | b'f' | b'E' | b'c') => {}
                Some(&other) => {
                    let letter = char::from(other).escape_default();
                    return Err(format!(
                        "knows no %{letter}; it has %p %P %i %I %u %g %d %s %t %h %e %f %E %c %%"
                    ));
                }
                None => return Err("ends in a single %; write %% for a percent sign".into()),
            }
        }
        Ok(Pattern(text.to_os_string()))
    }

    /// The text, for an emulator that the guest's `execve` starts.
    pub fn as_os_str(&self) -> &OsStr {
        &self.0
    }

    /// The name of a core file.
    pub fn expand(&self, facts: &Facts) -> PathBuf {
        let mut out = Vec::new();
        let mut rest = self.0.as_bytes().iter();
        while let Some(&b) = rest.next() {
            if b != b'%' {
                out.push(b);
                continue;
            }
            let number = match rest.next() {
                Some(b'p') => u64::from(facts.pid as u32),
                Some(b'P') => u64::from(facts.outer_pid as u32),
                Some(b'i' | b'I') => u64::from(facts.tid as u32),
                Some(b'u') => facts.uid.into(),
                Some(b'g') => facts.gid.into(),
                Some(b'd') => facts.dumpable as u64,
                Some(b's') => facts.signal.into(),
                Some(b't') => facts.time,
                Some(b'c') => facts.limit,
                Some(b'h') => {
                    append(&mut out, &facts.host);
                    continue;
                }
                Some(b'e') => {
                    append(&mut out, &facts.name);
                    continue;
                }
                Some(b'f') => {
                    let name = facts.exe.file_name().unwrap_or_default();
                    append(&mut out, name.as_bytes());
                    continue;
                }
                Some(b'E') => {
                    append(&mut out, facts.exe.as_os_str().as_bytes());
                    continue;
                }
                Some(&other) => {
                    out.push(other);
                    continue;
                }
                None => break,
            };
            out.extend_from_slice(number.to_string().as_bytes());
        }
        PathBuf::from(OsString::from_vec(out))
    }
}

/// Appends a name that must not lead to another folder: `!` for each `/`, and for the dot of `.` and `..`.
fn append(out: &mut Vec<u8>, name: &[u8]) {
    match name {
        b"." => out.push(b'!'),
        b".." => out.extend_from_slice(b"!."),
        _ => out.extend(name.iter().map(|&b| if b == b'/' { b'!' } else { b })),
    }
}

/// The name under which a file is written until it is whole.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".part");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(pattern: &str) -> String {
        let facts = Facts {
            pid: 12,
            outer_pid: 1012,
            tid: 13,
            uid: 1,
            gid: 2,
            dumpable: 1,
            signal: 11,
            time: 99,
            host: b"box".to_vec(),
            name: b"../a/b".to_vec(),
            exe: "/usr/bin/prog".into(),
            limit: u64::MAX,
        };
        let pattern = Pattern::parse(pattern.as_ref()).expect("a pattern");
        pattern.expand(&facts).display().to_string()
    }

    #[test]
    fn letters_are_the_kernels() {
        assert_eq!(expand("/tmp/core"), "/tmp/core");
        assert_eq!(
            expand("%p.%P.%i.%I.%u.%g.%d.%s.%t.%%"),
            "12.1012.13.13.1.2.1.11.99.%"
        );
        assert_eq!(expand("%h-%e-%f-%E"), "box-..!a!b-prog-!usr!bin!prog");
        assert_eq!(expand("%c"), u64::MAX.to_string());
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| Pattern::parse(text.as_ref()).expect_err(text);
        assert!(error("").contains("core.%p"));
        assert!(error("|/bin/cat").contains("pipe"));
        assert!(error("a%z").contains("%z"));
        assert!(error("a%").contains("%%"));
    }
}
