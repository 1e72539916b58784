//! Why a program cannot be started, in one line that names the file and, where there is one, the remedy.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a program cannot be started.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be opened or read.
    Io(PathBuf, io::Error),
    /// It is a directory or another thing that is no regular file.
    NotAFile(PathBuf),
    /// It lacks execute permission for this user.
    NotExecutable(PathBuf),
    /// Neither ELF nor a script.
    NotElf(PathBuf),
    /// An ELF file that breaks the format's rules; the text says which.
    Malformed(PathBuf, String),
    /// A proper ELF file that `emu` has no guest for; the text says what it is.
    Unsupported(PathBuf, String),
    /// The interpreter that the program asks for is missing.
    NoInterpreter {
        /// The program.
        program: PathBuf,
        /// What it asks for.
        interpreter: PathBuf,
    },
    /// Scripts whose interpreters are scripts, too deep.
    ScriptLoop(PathBuf),
    /// Arguments and environment do not fit: bytes there are, bytes there may be.
    ArgumentsTooLong(u64, u64),
    /// The guest's memory could not be set up; the text says what was being done.
    Memory(PathBuf, String),
}

impl Error {
    /// The exit status a shell gives: 127 for a program that is not there, 126 for one that cannot be run.
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::Io(_, e) if e.kind() == io::ErrorKind::NotFound => 127,
            _ => 126,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(p, e) => {
                let text = e.to_string();
                // "No such file or directory (os error 2)" tells users nothing with its number.
                let text = text.split(" (os error").next().unwrap_or(&text);
                write!(f, "{}: {text}", p.display())
            }
            Error::NotAFile(p) => write!(f, "{}: is not a regular file", p.display()),
            Error::NotExecutable(p) => {
                write!(
                    f,
                    "{}: permission denied; make it executable with chmod +x",
                    p.display()
                )
            }
            Error::NotElf(p) => write!(
                f,
                "{}: neither an ELF program nor a script that starts with #!",
                p.display()
            ),
            Error::Malformed(p, why) => write!(f, "{}: damaged ELF file: {why}", p.display()),
            Error::Unsupported(p, what) => write!(
                f,
                "{}: unsupported guest: {what}; 'emu --list guests' prints what runs",
                p.display()
            ),
            Error::NoInterpreter {
                program,
                interpreter,
            } => write!(
                f,
                "{}: its interpreter {} is missing; give the guest's root folder with -L DIR",
                program.display(),
                interpreter.display()
            ),
            Error::ScriptLoop(p) => {
                write!(
                    f,
                    "{}: too many scripts that are run by scripts",
                    p.display()
                )
            }
            Error::ArgumentsTooLong(size, limit) => write!(
                f,
                "argument list too long: {size} bytes of arguments and environment, {limit} fit; enlarge the stack with -s"
            ),
            Error::Memory(p, what) => write!(
                f,
                "{}: {what}; see 'ulimit -v' and the free memory of the host",
                p.display()
            ),
        }
    }
}

impl std::error::Error for Error {}
