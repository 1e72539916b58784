//! Executing a program: `execve` and its like of every guest system.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::linux::elf_machines;
use super::{Call, cstring};
use crate::abi::{Errno, Kind, SysResult};
use crate::host::nr::{SYS_access, SYS_execve};

/// What a file is to `execve`.
enum Program {
    /// The host's kernel runs it.
    Native,
    /// The emulator runs it.
    Foreign,
    /// `#!`: interpreter and its argument.
    Script(Vec<u8>, Option<Vec<u8>>),
}

/// EM_386, EM_X86_64
const NATIVE_MACHINES: [u16; 2] = [3, 62];

/// Bytes of a script's first line that count (`BINPRM_BUF_SIZE`).
const SCRIPT_LINE: usize = 256;

/// Interpreters of interpreters at most, as in the kernel.
const SCRIPT_DEPTH: usize = 5;

fn identify(path: &Path) -> SysResult<Program> {
    use std::io::Read;
    let error = |e: std::io::Error| Errno(e.raw_os_error().unwrap_or(Errno::EIO.0));
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(error)?;
    if !file.metadata().map_err(error)?.is_file() {
        return Err(Errno::EACCES);
    }
    file.take(SCRIPT_LINE as u64)
        .read_to_end(&mut head)
        .map_err(error)?;
    if head.starts_with(b"\x7fELF") && head.len() >= 20 {
        let machine = [head[18], head[19]];
        let machine = match head[5] {
            2 => u16::from_be_bytes(machine),
            _ => u16::from_le_bytes(machine),
        };
        return if NATIVE_MACHINES.contains(&machine) {
            Ok(Program::Native)
        } else if elf_machines().contains(&machine) {
            Ok(Program::Foreign)
        } else {
            Err(Errno::ENOEXEC)
        };
    }
    let Some(line) = head.strip_prefix(b"#!") else {
        return Err(Errno::ENOEXEC);
    };
    let line = line.split(|&b| b == b'\n').next().unwrap_or(line);
    let line = line.trim_ascii();
    let space = line.iter().position(|b| b" \t".contains(b));
    let (interpreter, argument) = match space {
        None => (line, None),
        Some(at) => (&line[..at], Some(line[at..].trim_ascii().to_vec())),
    };
    if interpreter.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    Ok(Program::Script(interpreter.to_vec(), argument))
}

/// `AT_EMPTY_PATH`
const AT_EMPTY_PATH: u64 = 0x1000;

/// Limit of what `execve` copies (the kernel's limit is a quarter of the stack limit, 2 MiB by default).
const ARG_MAX: usize = 2 << 20;

fn strings(call: &Call<'_>, addr: u64, total: &mut usize) -> SysResult<Vec<CString>> {
    let mut out = Vec::new();
    let word = u64::from(call.abi.abi.word);
    // Linux takes a null array for an empty one.
    if addr == 0 {
        return Ok(out);
    }
    loop {
        let at = call.read_int(addr.wrapping_add(out.len() as u64 * word), Kind::Ulong)?;
        if at == 0 {
            break;
        }
        // MAX_ARG_STRLEN
        let text = call.mem().read_cstr(at, 32 * 4096)?.ok_or(Errno::E2BIG)?;
        *total += text.len() + 1 + word as usize;
        if *total > ARG_MAX {
            return Err(Errno::E2BIG);
        }
        out.push(CString::new(text).map_err(|_| Errno::EINVAL)?);
    }
    Ok(out)
}

/// Replaces the process's program: the emulator starts over on a foreign one, the host runs its own. Argument `path` is the path,
/// argument `dirfd`, if there is one, the directory that it may be relative to; the arrays of strings follow the path. `how` are
/// flags of the host's execveat.
///
/// # Errors
/// Those of execve(2).
pub fn execute(call: &mut Call<'_>, dirfd: Option<usize>, path: usize, how: u64) -> SysResult {
    let name = call.read_str(call.arg(path))?;
    // Paths relative to a descriptor are reached through /proc, by the emulator that comes after as well.
    let given = match dirfd {
        Some(n) if !name.as_bytes().starts_with(b"/") && call.int(n) != -100 => {
            let fd = call.int(n);
            if name.is_empty() && how & AT_EMPTY_PATH == 0 {
                return Err(Errno::ENOENT);
            }
            let mut p = format!("/proc/self/fd/{fd}").into_bytes();
            if !name.is_empty() {
                p.push(b'/');
                p.extend_from_slice(name.as_bytes());
            }
            cstring(p)?
        }
        _ => name,
    };
    if given.is_empty() {
        return Err(Errno::ENOENT);
    }
    let program = call.resolve(given.clone());
    execute_program(call, given, program, path + 1)
}

/// As [`execute`], for the program that descriptor `fd` is open for; argument `argv` and the one after it are the arrays of strings.
///
/// # Errors
/// Those of fexecve(3).
pub fn execute_descriptor(call: &mut Call<'_>, fd: i32, argv: usize) -> SysResult {
    let path = cstring(format!("/proc/self/fd/{fd}"))?;
    execute_program(call, path.clone(), path, argv)
}

/// Whether a descriptor is open for a script.
pub fn is_script(fd: i32) -> bool {
    let path = format!("/proc/self/fd/{fd}");
    matches!(identify(Path::new(&path)), Ok(Program::Script(..)))
}

/// `given` is the path as the guest would look it up, `program` the one by which the host finds it.
fn execute_program(
    call: &mut Call<'_>,
    given: CString,
    mut program: CString,
    argv: usize,
) -> SysResult {
    let mut total = 0;
    let envp_at = call.arg(argv + 1);
    let mut argv = strings(call, call.arg(argv), &mut total)?;
    let envp = strings(call, envp_at, &mut total)?;
    let mut shown = given;
    for _ in 0..SCRIPT_DEPTH {
        let file = Path::new(std::ffi::OsStr::from_bytes(program.as_bytes()));
        let x_ok = 1;
        call.host(SYS_access, [program.as_ptr() as u64, x_ok, 0, 0, 0, 0])?;
        match identify(file)? {
            Program::Native => {
                let observers = call.thread.process.clone();
                observers.os.inherited_state(call.thread, true)?;
                for o in observers.observers() {
                    o.exec(call.thread, file);
                }
                return run_program(call, &program, &argv, &envp);
            }
            Program::Foreign => {
                let observers = call.thread.process.clone();
                let state = observers.os.inherited_state(call.thread, false)?;
                for o in observers.observers() {
                    o.exec(call.thread, file);
                }
                let mut own = vec![cstring("emu")?];
                for option in &call.thread.process.config.exec_options {
                    own.push(cstring(option.as_bytes())?);
                }
                for o in observers.observers() {
                    for option in o.exec_options(call.thread) {
                        own.push(cstring(option.into_bytes())?);
                    }
                }
                if !state.is_empty() {
                    own.push(cstring(format!("--inherited={state}"))?);
                }
                own.push(cstring("-0")?);
                own.push(argv.first().cloned().unwrap_or_default());
                // An option-like path must not be taken for an option.
                if program.as_bytes().starts_with(b"-") {
                    program = cstring([b"./", program.as_bytes()].concat())?;
                }
                own.push(program);
                own.extend(argv.into_iter().skip(1));
                return run_program(call, &cstring("/proc/self/exe")?, &own, &envp);
            }
            Program::Script(interpreter, argument) => {
                let mut new = vec![cstring(interpreter.clone())?];
                if let Some(argument) = argument {
                    new.push(cstring(argument)?);
                }
                new.push(shown);
                new.extend(argv.into_iter().skip(1));
                argv = new;
                shown = cstring(interpreter)?;
                program = call.resolve(shown.clone());
            }
        }
    }
    Err(Errno::ELOOP)
}

fn run_program(
    call: &mut Call<'_>,
    path: &CString,
    argv: &[CString],
    envp: &[CString],
) -> SysResult {
    let pointers =
        |v: &[CString]| -> Vec<u64> { v.iter().map(|s| s.as_ptr() as u64).chain([0]).collect() };
    let (argv, envp) = (pointers(argv), pointers(envp));
    let args = [
        path.as_ptr() as u64,
        argv.as_ptr() as u64,
        envp.as_ptr() as u64,
        0,
        0,
        0,
    ];
    let failed = call
        .thread
        .leave_memory(|thread| thread.syscall(SYS_execve, args));
    let process = call.thread.process.clone();
    for observer in process.observers() {
        observer.exec_failed(call.thread);
    }
    failed
}
