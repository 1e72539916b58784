//! FreeBSD as the guest's kernel.
//!
//! The same tables, rows and handlers as [`super::linux`]: a row whose types say all is passed on, the others have handlers in
//! [`sys`]. Numbers are those of `syscalls.master` of FreeBSD 13.2 and the ones that 14 and 15 added ([`nr`]).

pub mod core;
pub mod decode;
pub mod flags;
pub mod ioctl;
pub mod isa;
pub mod nr;
pub mod procinfo;
pub mod route;
pub mod siginfo;
pub mod structs;
pub mod sys;
pub mod sysctl;

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::tracing::{self, Tracee, Tracer};
use super::{Call, Run, pass};
use crate::abi::{Errno, OsAbi, Signal, SysResult};
use crate::cpu::Exit;
use crate::ir::{MemFault, Trap};
use crate::mem::{AddressSpace, Backing, Kind, Mapping, PAGE_SIZE, Place, Prot, page_down};
use crate::process::{
    self, Action, DefaultAction, End, Machine, Os, Outcome, SigFields, SigInfo, Thread,
    Unimplemented,
};
use isa::{CallResult, FreeBsdIsa};

/// `__FreeBSD_version` that is told to programs that were built for this or an earlier one: 13.2.
const RELEASE_DATE: u32 = 1_302_001;

/// The release that a program is told which was built for this one.
fn told_release(built_for: Option<u32>) -> u32 {
    built_for.unwrap_or(0).max(RELEASE_DATE)
}

/// FreeBSD on one instruction set, with what its kernel knows of the process.
pub struct FreeBsd {
    isa: &'static FreeBsdIsa,
    release_date: u32,
    /// Guest address of the code that handlers return to.
    sigcode: OnceLock<u64>,
    requests: sys::aio::Requests,
    maximums: sys::mem::Maximums,
    inherited: sys::mem::Inherited,
    wired: sys::mem::Wired,
    limits: sys::limits::Limits,
    login: sys::login::Login,
    sockets: sys::net::kept::Sockets,
    routes: sys::net::routing::RouteSockets,
    pipes: sys::pipe::Pipes,
    kqueues: sys::kqueue::Kqueues,
    umtx: sys::umtx::State,
    environment: sys::kernel::Environment,
    descriptors: sys::procdesc::Descriptors,
    capabilities: sys::capsicum::Capabilities,
    /// Signals that this process has taken (`ru_nsignals`).
    signals: AtomicU64,
    /// Whether the program has changed the ids of its process.
    credentials: sys::credentials::Credentials,
    /// What its tracer knows of the process.
    tracee: Arc<Tracee>,
    /// The processes that it traces.
    tracer: Tracer,
}

impl FreeBsd {
    /// FreeBSD for the instruction set of that name ([`crate::isa::Isa::name`]), if there is one. `built_for`: the release that
    /// the program's ABI note names (`__FreeBSD_version`).
    pub fn new(isa: &str, built_for: Option<u32>) -> Option<FreeBsd> {
        let isa = isa::ALL.iter().find(|i| i.name == isa)?;
        Some(FreeBsd {
            isa,
            release_date: told_release(built_for),
            sigcode: OnceLock::new(),
            requests: sys::aio::Requests::default(),
            maximums: sys::mem::Maximums::default(),
            inherited: sys::mem::Inherited::default(),
            wired: sys::mem::Wired::default(),
            limits: sys::limits::Limits::default(),
            login: sys::login::Login::default(),
            sockets: sys::net::kept::Sockets::default(),
            routes: sys::net::routing::RouteSockets::default(),
            pipes: sys::pipe::Pipes::default(),
            kqueues: sys::kqueue::Kqueues::default(),
            umtx: sys::umtx::State::default(),
            environment: sys::kernel::Environment::default(),
            descriptors: sys::procdesc::Descriptors::default(),
            capabilities: sys::capsicum::Capabilities::default(),
            signals: AtomicU64::new(0),
            credentials: sys::credentials::Credentials::default(),
            tracee: Arc::new(Tracee::new(tracing::System {
                serve: sys::ptrace::serve,
                stop_signal: Signal::SIGSTOP.to_guest(isa.abi.dialect) as i32,
                ends: sys::board::set_ended,
            })),
            tracer: Tracer::default(),
        })
    }

    /// Takes over what [`Os::inherited_state`] of the emulator before this one has told.
    pub fn inherit(&self, state: &str) {
        for part in state.split('|') {
            match part.split_once(':') {
                Some(("cap", text)) => self.capabilities.inherit(text),
                Some(("proc", text)) => self.descriptors.inherit(text),
                Some(("sock", text)) => self.sockets.inherit(text),
                Some(("pipe", text)) => self.pipes.inherit(text),
                Some(("limits", text)) => self.limits.inherit(text),
                Some(("login", text)) => self.login.inherit(text),
                Some(("kenv", text)) => self.environment.inherit(text),
                Some(("trace", text)) => self.tracee.inherit(text),
                _ => {}
            }
        }
    }

    /// Whether such a state holds the process in capability mode.
    pub fn confines(state: &str) -> bool {
        state.split('|').any(|part| part.starts_with("cap:m"))
    }

    /// `__FreeBSD_version` that the guest is told.
    pub fn release_date(&self) -> u32 {
        self.release_date
    }

    /// A signal that was pending has been taken by `sigwait` or its like.
    fn signal_consumed(&self, signal: Signal) {
        self.kqueues.signal_consumed(signal);
    }

    /// `uname -r` and `kern.osrelease` that go with it (`sys/param.h`: two digits each for the major and the minor release).
    pub fn release(&self) -> String {
        let (major, minor) = (self.release_date / 100_000, self.release_date / 1000 % 100);
        format!("{major}.{minor}-RELEASE")
    }
}

/// The personality of a thread's process. Only threads of a FreeBSD process come here.
fn of(thread: &Thread) -> Option<&FreeBsd> {
    of_process(&thread.process)
}

/// The personality of a process.
fn of_process(process: &process::Process) -> Option<&FreeBsd> {
    (&*process.os as &dyn Any).downcast_ref()
}

/// What the tracer of a process knows of it, if the process can have one.
pub(super) fn tracee_of(process: &process::Process) -> Option<&Tracee> {
    of_process(process).map(|os| &*os.tracee)
}

/// The processes that one traces, if it can.
pub(super) fn tracer_of(process: &process::Process) -> Option<&Tracer> {
    of_process(process).map(|os| &os.tracer)
}

/// Where `struct ps_strings` is: at the very top of the stack, which ends where the address space does.
fn ps_strings(mem: &AddressSpace, abi: OsAbi) -> u64 {
    page_down(mem.limit()) - 4 * u64::from(abi.abi.word)
}

/// What is particular to the instruction set of a thread.
fn isa_of(thread: &Thread) -> &'static FreeBsdIsa {
    of(thread).map_or(&isa::AARCH64, |os| os.isa)
}

fn run(call: &mut Call<'_>) -> SysResult {
    if call.names_own_descriptor() {
        return Err(Errno::EBADF);
    }
    if sys::capsicum::concerns(call) {
        // What it holds is needed until the call is made.
        let _held = sys::capsicum::check(call)?;
        return make(call);
    }
    make(call)
}

fn make(call: &mut Call<'_>) -> SysResult {
    match call.row.run {
        Run::Pass(number) => pass(call, number, false),
        Run::Wait(number) => pass(call, number, true),
        Run::Handler(f) => f(call),
        Run::Missing => {
            call.report_unimplemented(Unimplemented {
                kind: "syscall",
                what: call.row.name.to_owned(),
                ..Unimplemented::default()
            });
            Err(Errno::ENOSYS)
        }
    }
}

impl Os for FreeBsd {
    fn name(&self) -> &'static str {
        "freebsd"
    }

    fn default_action(&self, signal: Signal) -> DefaultAction {
        match signal {
            // SIGINFO has the place of the host's SIGPWR.
            Signal::SIGIO | Signal::SIGPWR => DefaultAction::Ignore,
            Signal::SIGEMT => DefaultAction::Core,
            Signal::SIGXCPU | Signal::SIGXFSZ => DefaultAction::Terminate,
            _ => DefaultAction::of(signal),
        }
    }

    fn syscall_name(&self, number: u64) -> Option<String> {
        Some(nr::row(number)?.name.to_owned())
    }

    fn syscall_number(&self, name: &str) -> Option<u64> {
        let at = nr::NUMBERS
            .iter()
            .position(|row| row.is_some_and(|r| r.name == name))?;
        Some(at as u64)
    }

    fn machine(&self) -> Machine {
        Machine {
            os_release_date: self.release_date,
            ..(self.isa.describe)()
        }
    }

    fn start(&self, thread: &mut Thread, entry: u64, sp: u64) {
        sys::kqueue::relatives::executes();
        let mem = thread.process.mem.clone();
        let ps_strings = ps_strings(&mem, self.isa.abi);
        (self.isa.start)(&mut thread.cpu, sp, entry, ps_strings);
        let on_stack = self.machine().stack_code;
        if on_stack != 0 {
            let at = ps_strings - on_stack;
            if mem.write(at, &self.isa.sigcode_bytes()).is_ok() {
                let _ = self.sigcode.set(at);
            }
            return;
        }
        let page = Mapping {
            backing: Backing::Anonymous(Kind::Special("sigcode")),
            ..Mapping::anonymous(Place::Hint(0), PAGE_SIZE, Prot::READ | Prot::EXEC)
        };
        // Without the page a handler's return faults, which is what a guest without memory has to expect.
        if let Ok(at) = mem.map(&page) {
            let _ = mem.write_forced(at, &self.isa.sigcode_bytes());
            let _ = self.sigcode.set(at);
        }
    }

    fn read_syscall(&self, thread: &mut Thread, _immediate: u16) -> process::Syscall {
        (self.isa.read_syscall)(thread)
    }

    fn syscall(&self, thread: &mut Thread, raw: &process::Syscall) -> Outcome {
        let Some(row) = nr::row(raw.number) else {
            thread.report_unimplemented(&Unimplemented {
                kind: "syscall",
                what: format!("number {}", raw.number),
                pc: raw.pc,
                ..Unimplemented::default()
            });
            // The kernel also sends SIGSYS: such a program has gone astray.
            let (pid, tid) = (crate::host::pid() as u64, thread.tid() as u64);
            let sigsys = u64::from(Signal::SIGSYS.0);
            let _ = thread.syscall(crate::host::nr::SYS_tgkill, [pid, tid, sigsys, 0, 0, 0]);
            return Outcome::Fail(Errno::ENOSYS);
        };
        self.credentials.follow(thread);
        let abi = self.isa.abi;
        let mut call = Call {
            args: row.arguments(abi, &raw.args),
            thread,
            row,
            abi,
            raw,
            outcome: None,
            found: Vec::new(),
        };
        let result = run(&mut call);
        match (call.outcome, result) {
            (Some(outcome), Ok(_)) => outcome,
            (_, result) => result.into(),
        }
    }

    fn write_outcome(&self, thread: &mut Thread, call: &process::Syscall, outcome: &Outcome) {
        let wide = || nr::row(call.number).is_some_and(|row| row.ret.0.size(self.isa.abi) == 8);
        let result = match *outcome {
            Outcome::Return(value) if wide() => CallResult::Wide(value),
            Outcome::Return(value) => CallResult::Value(value),
            Outcome::ReturnPair(first, second) => CallResult::Pair(first, second),
            Outcome::Fail(e) => CallResult::Error(e.to_guest(self.isa.abi.dialect)),
            Outcome::Keep | Outcome::ExitThread(_) | Outcome::ExitProcess(_) => return,
        };
        (self.isa.set_result)(&mut thread.cpu, result);
    }

    fn rewind_syscall(&self, thread: &mut Thread, call: &process::Syscall) {
        thread.cpu.pc = call.pc;
    }

    fn push_frame(
        &self,
        thread: &mut Thread,
        info: &SigInfo,
        action: &Action,
    ) -> Result<(), MemFault> {
        let sigcode = self.sigcode.get().copied().unwrap_or(0);
        (self.isa.push_frame)(thread, info, action, sigcode)
    }

    fn siginfo(&self, info: &SigInfo) -> Vec<u8> {
        siginfo::to_guest(self.isa.abi, info)
    }

    fn parse_siginfo(&self, bytes: &[u8]) -> Option<SigInfo> {
        siginfo::from_guest(self.isa.abi, bytes)
    }

    fn exception(&self, thread: &mut Thread, exit: Exit) -> SigInfo {
        exception(thread, exit)
    }

    fn signal_number(&self, signal: Signal) -> u32 {
        signal.to_guest(self.isa.abi.dialect)
    }

    fn is_unheard_of(&self, info: &SigInfo) -> bool {
        sys::wait::is_unheard_of(self, info)
    }

    fn signal_arrived(&self, signal: Signal, ignored: bool) {
        if !ignored {
            self.signals.fetch_add(1, Relaxed);
        }
        self.kqueues.signal_arrived(signal);
    }

    fn rung(&self, thread: &mut Thread) {
        sys::ptrace::rung(self, thread);
    }

    fn observer(&self) -> Option<Arc<dyn process::Observer>> {
        Some(self.tracee.clone())
    }

    fn holds_signals(&self, thread: &Thread) -> bool {
        thread.hold_word != 0 && sys::fastblock::is_held(thread, self.isa.abi)
    }

    fn around_fork(&self, fork: &mut dyn FnMut() -> bool) {
        self.requests.around_fork(&mut || {
            self.tracer
                .around_fork(&mut || self.tracee.around_fork(fork))
        });
    }

    fn inherited_state(&self, thread: &mut Thread, native: bool) -> SysResult<String> {
        let vforked = thread.is_vfork_child();
        // A program of the host's cannot be held to anything.
        if native && self.capabilities.mode(vforked) {
            return Err(Errno::ENOEXEC);
        }
        if native {
            sys::kqueue::relatives::executes();
        }
        self.tracee.executes(thread);
        sys::procctl::about_to_execute();
        let parts = [
            ("cap", self.capabilities.to_text(&thread.handle)),
            ("proc", self.descriptors.to_text(vforked)),
            ("sock", self.sockets.to_text(thread.handle.has_own_files())),
            (
                "pipe",
                self.pipes.to_text(thread.handle.has_own_files(), native),
            ),
            ("limits", self.limits.to_text(vforked)),
            ("login", self.login.to_text(vforked)),
            ("kenv", self.environment.to_text()),
            ("trace", self.tracee.to_text(thread, native)),
        ];
        let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
        let parts: Vec<String> = parts.map(|(name, text)| format!("{name}:{text}")).collect();
        Ok(parts.join("|"))
    }

    fn process_exit(&self, end: End) {
        sys::kqueue::relatives::ends(match end {
            End::Exit(status) => (status & 0xff) << 8,
            End::Signal(info) => self.signal_number(info.signal) as i32,
        });
        sys::wait::ends(end);
    }

    fn thread_exit(&self, thread: &mut Thread) {
        sys::umtx::thread_exit(thread, self.isa.abi);
    }
}

// si_code values, which are the host's here (`asm-generic/siginfo.h`); `siginfo` gives them FreeBSD's numbers.
const ILL_ILLTRP: i32 = 4;
const TRAP_BRKPT: i32 = 1;
const FPE_INTDIV: i32 = 1;
const FPE_INTOVF: i32 = 2;
const BUS_ADRALN: i32 = 1;
const BUS_ADRERR: i32 = 2;
const BUS_OBJERR: i32 = 3;

fn exception(thread: &Thread, exit: Exit) -> SigInfo {
    let pc = thread.cpu.pc;
    let fault = |signal, code, addr| SigInfo {
        signal,
        errno: 0,
        code,
        fields: SigFields::Fault { addr },
    };
    match exit {
        Exit::Fault(f) => {
            // What is not mapped for the guest is reserved without access on the host, whose code says so. Of what lies beyond the
            // end of a file FreeBSD says that the object has an error (`vm_fault_trap`).
            let code = match (f.bus, f.code) {
                (true, BUS_ADRERR) => BUS_OBJERR,
                (bus, code) => thread.process.mem.fault_code(f.addr, code, bus),
            };
            let signal = if f.bus {
                Signal::SIGBUS
            } else {
                Signal::SIGSEGV
            };
            fault(signal, code, f.addr)
        }
        Exit::Trap(trap, code) => match trap {
            Trap::Breakpoint | Trap::DebugBreakpoint => fault(Signal::SIGTRAP, TRAP_BRKPT, pc),
            Trap::TrapInstruction => fault(isa_of(thread).trap_signal, TRAP_BRKPT, pc),
            Trap::IntegerOverflow => fault(Signal::SIGFPE, FPE_INTOVF, pc),
            Trap::IntegerDivideByZero => fault(Signal::SIGFPE, FPE_INTDIV, pc),
            Trap::FloatingPoint => fault(Signal::SIGFPE, code.into(), pc),
            Trap::Alignment => fault(Signal::SIGBUS, BUS_ADRALN, thread.cpu.exit_arg),
            Trap::FetchFault => {
                let code = thread.process.mem.fault_code(pc, 1, false);
                fault(Signal::SIGSEGV, code, pc)
            }
            Trap::IllegalInstruction => fault(Signal::SIGILL, ILL_ILLTRP, pc),
        },
        // The run loop asks about exceptions only.
        Exit::Syscall(_) | Exit::Pending | Exit::Stepped | Exit::Watchpoint(_) => {
            fault(Signal::SIGTRAP, TRAP_BRKPT, pc)
        }
    }
}
