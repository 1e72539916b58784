//! A program from opening to its first instruction.

use super::stack::{self, Arguments, aux};
use super::{Error, Header, OsKind, Target, freebsd, place, script, under_prefix};
use crate::abi::Abi;
use crate::mem::{
    AddressSpace, Backing, Kind, Mapping, PAGE_SIZE, Place, Prot, page_down, page_up,
};
use crate::process::Machine;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A program whose headers have been read and checked.
pub struct Program {
    /// Where it is on the host, absolute.
    pub path: PathBuf,
    /// Its headers.
    pub header: Header,
    /// The guest that it needs.
    pub target: Target,
    /// What it is started with; scripts have changed the arguments.
    pub arguments: Arguments,
    file: File,
    prefix: Option<PathBuf>,
}

/// A loaded ELF file.
#[derive(Clone, Debug)]
pub struct Module {
    /// Where it is on the host.
    pub path: PathBuf,
    /// To be added to its link-time addresses.
    pub bias: u64,
    /// Its entry point.
    pub entry: u64,
}

/// A program in memory.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Where the first instruction is: the interpreter's entry, or the program's.
    pub entry: u64,
    /// Stack pointer at entry.
    pub sp: u64,
    /// The program.
    pub program: Module,
    /// Its interpreter (dynamic linker).
    pub interpreter: Option<Module>,
    /// The auxiliary vector in the guest's layout.
    pub auxv: Vec<u8>,
    /// Addresses of the argument strings, for `/proc/self/cmdline`.
    pub arg_range: (u64, u64),
    /// Addresses of the environment strings, for `/proc/self/environ`.
    pub env_range: (u64, u64),
    /// Top of the main stack.
    pub stack_top: u64,
}

/// Ids that the auxiliary vector tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids {
    /// Real and effective user id, real and effective group id.
    pub all: [u32; 4],
}

impl Program {
    /// Opens the program at `path`, follows scripts, reads the headers.
    ///
    /// # Errors
    /// What is wrong, with the file's name.
    pub fn open(
        path: &Path,
        mut arguments: Arguments,
        prefix: Option<&Path>,
    ) -> Result<Program, Error> {
        arguments.execfn = path.as_os_str().as_bytes().to_vec();
        check_runnable(path)?;
        let path = script::resolve(path.to_path_buf(), &mut arguments.argv, prefix)?;
        let (file, header, path) = open_elf(&path)?;
        let target = Target::of(&header, &path)?;
        Ok(Program {
            path,
            header,
            target,
            arguments,
            file,
            prefix: prefix.map(Path::to_path_buf),
        })
    }

    /// Maps the program and its interpreter and builds the stack. `stack_size` is in bytes.
    ///
    /// # Errors
    /// What is wrong, with the file's name.
    pub fn load(
        &self,
        mem: &AddressSpace,
        abi: Abi,
        machine: &Machine,
        stack_size: u64,
        ids: Ids,
    ) -> Result<Loaded, Error> {
        // Where Linux puts position-independent programs: two thirds up.
        let hint = page_down(mem.limit() / 3 * 2);
        let bias = place::place(mem, &self.file, &self.path, &self.header, hint)?;
        let entry = self.header.entry.wrapping_add(bias);
        let program = Module {
            path: self.path.clone(),
            bias,
            entry,
        };
        let (_, end) = self.header.extent();
        mem.set_heap_start(page_up(end.wrapping_add(bias)).unwrap_or(end));

        // Before the interpreter, which goes where there is room: at the top, were the stack not there.
        let stack_top = page_down(mem.limit());
        let stack_size =
            page_up(stack_size.clamp(32 * PAGE_SIZE, mem.limit() / 4)).unwrap_or(stack_size);
        let mut mapping = Mapping::anonymous(
            Place::Fixed(stack_top - stack_size),
            stack_size,
            machine.stack_prot.unwrap_or(Prot::RW),
        );
        mapping.backing = Backing::Anonymous(Kind::Stack);
        mem.map(&mapping).map_err(|e| {
            Error::Memory(
                self.path.clone(),
                format!("cannot map a stack of {stack_size} bytes: {e}"),
            )
        })?;

        let interpreter = self
            .header
            .interpreter
            .as_ref()
            .map(|name| self.load_interpreter(mem, name))
            .transpose()?;

        let image = [
            (
                aux::PHDR,
                self.header.phdr.map_or(0, |p| p.wrapping_add(bias)),
            ),
            (aux::PHENT, self.header.phent.into()),
            (aux::PHNUM, self.header.phnum.into()),
            (aux::PAGESZ, PAGE_SIZE),
            (aux::BASE, interpreter.as_ref().map_or(0, |i| i.bias)),
            (aux::FLAGS, 0),
            (aux::ENTRY, entry),
        ];
        let built = match self.target.os {
            OsKind::Linux => {
                let mut auxv = vec![(aux::HWCAP, machine.hwcap)];
                auxv.extend(image);
                auxv.extend([
                    // USER_HZ: the same on every Linux ABI.
                    (aux::CLKTCK, 100),
                    (aux::UID, ids.all[0].into()),
                    (aux::EUID, ids.all[1].into()),
                    (aux::GID, ids.all[2].into()),
                    (aux::EGID, ids.all[3].into()),
                    (aux::SECURE, 0),
                    (aux::HWCAP2, machine.hwcap2),
                ]);
                auxv.extend(
                    machine
                        .min_signal_stack
                        .map(|size| (aux::MINSIGSTKSZ, size)),
                );
                stack::build(
                    mem,
                    abi,
                    stack_top,
                    stack_size,
                    &self.arguments,
                    machine.platform,
                    &auxv,
                )?
            }
            OsKind::FreeBsd => freebsd::build(
                mem,
                abi,
                stack_top,
                stack_size,
                &self.arguments,
                &freebsd::Facts {
                    path: self.path.as_os_str().as_bytes(),
                    flags: self.header.flags,
                    machine,
                    image: &image,
                },
            )?,
        };
        Ok(Loaded {
            entry: interpreter.as_ref().map_or(entry, |i| i.entry),
            sp: built.sp,
            program,
            interpreter,
            auxv: built.auxv,
            arg_range: built.arg_range,
            env_range: built.env_range,
            stack_top,
        })
    }

    fn load_interpreter(&self, mem: &AddressSpace, name: &[u8]) -> Result<Module, Error> {
        let wanted = Path::new(OsStr::from_bytes(name));
        let (file, header, path) = match open_elf(&under_prefix(self.prefix.as_deref(), wanted)) {
            Err(Error::Io(_, e)) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NoInterpreter {
                    program: self.path.clone(),
                    interpreter: wanted.to_path_buf(),
                });
            }
            other => other?,
        };
        if Target::of(&header, &path)?.isa != self.target.isa {
            return Err(Error::Unsupported(
                path,
                format!(
                    "it is the interpreter of {} but for another machine",
                    self.path.display()
                ),
            ));
        }
        let bias = place::place(mem, &file, &path, &header, 0)?;
        Ok(Module {
            path,
            bias,
            entry: header.entry.wrapping_add(bias),
        })
    }
}

/// A regular file with execute permission, as `execve` demands.
fn check_runnable(path: &Path) -> Result<(), Error> {
    let meta = path
        .metadata()
        .map_err(|e| Error::Io(path.to_path_buf(), e))?;
    if !meta.is_file() {
        return Err(Error::NotAFile(path.to_path_buf()));
    }
    if meta.permissions().mode() & 0o111 == 0 {
        return Err(Error::NotExecutable(path.to_path_buf()));
    }
    Ok(())
}

fn open_elf(path: &Path) -> Result<(File, Header, PathBuf), Error> {
    let io = |e| Error::Io(path.to_path_buf(), e);
    if !path.metadata().map_err(io)?.is_file() {
        return Err(Error::NotAFile(path.to_path_buf()));
    }
    let file = File::open(path).map_err(io)?;
    let header = Header::read(&file, path)?;
    let absolute = path.canonicalize().map_err(io)?;
    Ok((file, header, absolute))
}
