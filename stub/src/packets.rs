//! The table of packets: every packet in gdb's and lldb's documentation, whether it is supported, and who answers it. Dispatch and
//! `--list packets` both read it.

use crate::gdb::{breakpoints, memory, query, registers, resume, stop, threads, vfile, xfer};
use crate::lldb::{info, memory as lldb_memory, threads as lldb_threads};
use crate::session::{Outcome, Session};

/// Whose documentation has the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Documented {
    /// gdb's manual, appendix "GDB Remote Serial Protocol".
    Gdb,
    /// lldb's `docs/resources/lldbgdbremote.md` and `lldbplatformpackets.md`.
    Lldb,
}

/// How much of a packet is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As documented, where the inferior can do it.
    Yes,
    /// With a limit that the note tells.
    Partial,
    /// Not at all; the note tells why.
    No,
}

/// What follows a packet's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Args {
    /// Nothing.
    None,
    /// Nothing, or a separator and arguments.
    Separated,
    /// Arguments at once.
    Joined,
}

/// Who answers a packet.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// A handler of ours, which may ask gdbstub in turn; it gets what follows the name and its separator.
    Ours(for<'s, 'i> fn(&'s mut Session<'i>, &[u8]) -> Outcome),
    /// gdbstub, as it came.
    Core,
    /// Nobody: the reply is empty, which means "not supported".
    Nobody,
}

/// One row.
pub struct Packet {
    /// Its name: the beginning of the packet.
    pub name: &'static str,
    args: Args,
    /// Whose it is.
    pub documented: Documented,
    /// How much of it is supported.
    pub support: Support,
    /// The limit, or why not; "" if there is nothing to say.
    pub note: &'static str,
    pub(crate) handler: Handler,
    /// Whether it is answered while the inferior runs.
    pub(crate) while_running: bool,
}

impl Packet {
    /// Whether it orders something, so that a refusal must not look like an unknown packet.
    pub(crate) fn is_command(&self) -> bool {
        self.name.len() <= 2 || matches!(self.name, "vCont" | "vKill" | "vRun" | "vAttach")
    }

    fn matches(&self, body: &[u8]) -> bool {
        let Some(rest) = body.strip_prefix(self.name.as_bytes()) else {
            return false;
        };
        match self.args {
            Args::None => rest.is_empty(),
            Args::Separated => matches!(rest, [] | [b':' | b';' | b',', ..]),
            Args::Joined => true,
        }
    }
}

/// The row of a packet: the longest name that matches.
pub(crate) fn find(body: &[u8]) -> Option<&'static Packet> {
    PACKETS
        .iter()
        .filter(|p| p.matches(body))
        .max_by_key(|p| p.name.len())
}

const fn row(documented: Documented, name: &'static str, args: Args, handler: Handler) -> Packet {
    Packet {
        name,
        args,
        documented,
        support: Support::Yes,
        note: "",
        handler,
        while_running: false,
    }
}

/// A packet of gdb's.
const fn gdb(name: &'static str, args: Args, handler: Handler) -> Packet {
    row(Documented::Gdb, name, args, handler)
}

/// A packet of lldb's.
const fn lldb(name: &'static str, args: Args, handler: Handler) -> Packet {
    row(Documented::Lldb, name, args, handler)
}

/// A packet that is not supported, and why.
const fn no(documented: Documented, name: &'static str, why: &'static str) -> Packet {
    Packet {
        support: Support::No,
        note: why,
        ..row(documented, name, Args::Separated, Handler::Nobody)
    }
}

impl Packet {
    const fn partial(self, note: &'static str) -> Packet {
        Packet {
            support: Support::Partial,
            note,
            ..self
        }
    }

    const fn noted(self, note: &'static str) -> Packet {
        Packet { note, ..self }
    }

    const fn while_running(self) -> Packet {
        Packet {
            while_running: true,
            ..self
        }
    }

    /// Refused as documented, but not unknown to the dispatcher.
    const fn refused(self, note: &'static str) -> Packet {
        Packet {
            support: Support::No,
            note,
            ..self
        }
    }
}

use Args::{Joined, None as Bare, Separated};
use Documented::{Gdb, Lldb};
use Handler::{Core, Ours};

const OBSOLETE: &str = "obsolete, gdb does not send it";
const EMBEDDED: &str = "for bare boards: a process has no such thing";
const TRACEPOINTS: &str = "tracepoints are not supported";
const BRANCH_TRACE: &str = "branch traces are a matter of hardware";
const LAUNCH: &str = "the command line of emu says what runs, and how";
const PLATFORM: &str = "a packet of lldb's platform server: emu is no such server";
const DARWIN: &str = "for macOS only";
const ONE_PROCESS: &str = "emu runs one program: start another emu";
const NO_RECORDING: &str = "there are no recordings yet to run backwards in";
const RESTART: &str = "where the inferior can be started anew: emu --multi";
const NON_STOP: &str = "non-stop mode is not supported: a stop halts every thread";
const MEMORY_TAGS: &str = "memory tagging (MTE) is not emulated";

/// All packets.
pub static PACKETS: &[Packet] = &[
    // General packets of gdb.
    gdb("!", Bare, Ours(query::extended_mode)),
    gdb("?", Bare, Ours(stop::why)),
    no(Gdb, "A", LAUNCH),
    no(Gdb, "b", OBSOLETE),
    no(Gdb, "B", OBSOLETE),
    gdb("bc", Bare, Ours(resume::go_back)).refused(NO_RECORDING),
    gdb("bs", Bare, Ours(resume::step_back)).refused(NO_RECORDING),
    gdb("c", Joined, Ours(resume::go)),
    gdb("C", Joined, Ours(resume::go_with_signal)),
    no(Gdb, "d", OBSOLETE),
    gdb("D", Joined, Ours(resume::detach)).while_running(),
    no(
        Gdb,
        "F",
        "system calls of the guest are done here, never by the debugger",
    ),
    gdb("g", Joined, Ours(registers::read_all)),
    gdb("G", Joined, Ours(registers::write_all)),
    gdb("H", Joined, Ours(threads::set_thread)),
    no(Gdb, "i", OBSOLETE),
    no(Gdb, "I", OBSOLETE),
    gdb("k", Bare, Ours(resume::kill)).while_running(),
    gdb("m", Joined, Ours(memory::read)),
    gdb("M", Joined, Ours(memory::write)),
    gdb("p", Joined, Ours(registers::read)),
    gdb("P", Joined, Ours(registers::write)),
    no(Gdb, "r", OBSOLETE),
    gdb("R", Joined, Ours(resume::restart)).partial(RESTART),
    gdb("s", Joined, Ours(resume::step)),
    gdb("S", Joined, Ours(resume::step_with_signal)),
    no(Gdb, "t", OBSOLETE),
    gdb("T", Joined, Ours(threads::is_alive)),
    gdb("vAttach", Separated, Ours(resume::attach))
        .partial("only to the process that is there already"),
    gdb("vCont", Separated, Ours(resume::vcont)).partial("`t` halts nothing: all-stop only"),
    gdb("vCont?", Bare, Ours(resume::query)),
    gdb("vCtrlC", Bare, Ours(resume::interrupt)).while_running(),
    gdb("vFile:open", Separated, Core),
    gdb("vFile:close", Separated, Core),
    gdb("vFile:pread", Separated, Core),
    gdb("vFile:pwrite", Separated, Core),
    gdb("vFile:fstat", Separated, Core),
    gdb("vFile:stat", Separated, Ours(vfile::stat)),
    gdb("vFile:lstat", Separated, Ours(vfile::lstat)),
    gdb("vFile:unlink", Separated, Core),
    gdb("vFile:readlink", Separated, Core),
    gdb("vFile:setfs", Separated, Core).noted("there is one file system: the guest's view"),
    no(Gdb, "vFlashErase", EMBEDDED),
    no(Gdb, "vFlashWrite", EMBEDDED),
    no(Gdb, "vFlashDone", EMBEDDED),
    gdb("vKill", Separated, Ours(resume::kill_process)).while_running(),
    no(Gdb, "vMustReplyEmpty", "the empty reply is the answer"),
    gdb("vRun", Separated, Ours(resume::run)).partial(RESTART),
    no(Gdb, "vStopped", NON_STOP),
    gdb("x", Joined, Ours(memory::read_binary)),
    gdb("X", Joined, Ours(memory::write_binary)),
    gdb("z", Joined, Ours(breakpoints::remove)),
    gdb("Z", Joined, Ours(breakpoints::insert)).partial(
        "Z0 to Z4, conditions where the inferior has them; commands at breakpoints are not",
    ),
    // General queries and settings of gdb.
    no(Gdb, "QAgent", "no in-process agent"),
    no(Gdb, "QAllow", "everything that is offered is allowed"),
    gdb("qC", Bare, Ours(threads::current)),
    gdb("QCatchSyscalls", Separated, Ours(query::catch_syscalls)),
    gdb("qCRC", Separated, Ours(memory::crc)).partial("up to 4 GiB at a time"),
    no(Gdb, "QDisableRandomization", LAUNCH),
    no(Gdb, "qExecAndArgs", LAUNCH),
    no(Gdb, "QEnvironmentHexEncoded", LAUNCH),
    no(Gdb, "QEnvironmentReset", LAUNCH),
    no(Gdb, "QEnvironmentUnset", LAUNCH),
    gdb("qfThreadInfo", Bare, Ours(threads::list)),
    gdb("qsThreadInfo", Bare, Ours(threads::list_rest)),
    gdb("qGetTLSAddr", Separated, Ours(query::tls_address))
        .partial("of the program itself; those of libraries are the C library's affair"),
    no(Gdb, "qGetTIBAddr", "for Windows only"),
    no(Gdb, "qIsAddressTagged", MEMORY_TAGS),
    no(Gdb, "qL", OBSOLETE),
    no(Gdb, "qMemTags", MEMORY_TAGS),
    no(Gdb, "QMemTags", MEMORY_TAGS),
    gdb("QNonStop", Separated, Ours(query::non_stop)).refused(NON_STOP),
    gdb("qOffsets", Bare, Ours(query::offsets)),
    no(Gdb, "qP", OBSOLETE),
    gdb("QPassSignals", Separated, Ours(query::pass_signals)),
    no(
        Gdb,
        "QProgramSignals",
        "on detach the guest gets its signals as the kernel has them",
    ),
    gdb("qRcmd", Separated, Ours(query::command)),
    gdb("qSearch:memory", Separated, Ours(memory::search)).partial("up to 4 GiB at a time"),
    no(Gdb, "QSetWorkingDir", LAUNCH),
    no(Gdb, "QStartupWithShell", LAUNCH),
    gdb("QStartNoAckMode", Bare, Ours(query::start_no_ack_mode)),
    gdb("qSupported", Separated, Ours(query::supported)),
    gdb("qSymbol", Separated, Ours(query::symbol)).noted("no symbols are asked for"),
    gdb("QThreadEvents", Separated, Ours(query::thread_events)),
    no(Gdb, "QThreadOptions", "no options of single threads"),
    gdb("qThreadExtraInfo", Separated, Ours(threads::extra_info)),
    gdb("qAttached", Separated, Ours(query::attached)),
    no(Gdb, "QTBuffer", TRACEPOINTS),
    no(Gdb, "QTDisable", TRACEPOINTS),
    no(Gdb, "QTDisconnected", TRACEPOINTS),
    no(Gdb, "QTDP", TRACEPOINTS),
    no(Gdb, "QTDPsrc", TRACEPOINTS),
    no(Gdb, "QTDV", TRACEPOINTS),
    no(Gdb, "QTEnable", TRACEPOINTS),
    no(Gdb, "QTFrame", TRACEPOINTS),
    no(Gdb, "QTinit", TRACEPOINTS),
    no(Gdb, "QTNotes", TRACEPOINTS),
    no(Gdb, "QTro", TRACEPOINTS),
    no(Gdb, "QTSave", TRACEPOINTS),
    no(Gdb, "QTStart", TRACEPOINTS),
    no(Gdb, "QTStop", TRACEPOINTS),
    no(Gdb, "qTBuffer", TRACEPOINTS),
    no(Gdb, "qTfP", TRACEPOINTS),
    no(Gdb, "qTfSTM", TRACEPOINTS),
    no(Gdb, "qTfV", TRACEPOINTS),
    no(Gdb, "qTMinFTPILen", TRACEPOINTS),
    no(Gdb, "qTP", TRACEPOINTS),
    no(Gdb, "qTsP", TRACEPOINTS),
    no(Gdb, "qTsSTM", TRACEPOINTS),
    no(Gdb, "qTStatus", TRACEPOINTS),
    no(Gdb, "qTSTMat", TRACEPOINTS),
    no(Gdb, "qTsV", TRACEPOINTS),
    no(Gdb, "qTV", TRACEPOINTS),
    no(Gdb, "Qbtrace:bts", BRANCH_TRACE),
    no(Gdb, "Qbtrace:pt", BRANCH_TRACE),
    no(Gdb, "Qbtrace:off", BRANCH_TRACE),
    no(Gdb, "Qbtrace-conf:bts:size", BRANCH_TRACE),
    no(Gdb, "Qbtrace-conf:pt:size", BRANCH_TRACE),
    no(Gdb, "Qbtrace-conf:pt:ptwrite", BRANCH_TRACE),
    no(Gdb, "Qbtrace-conf:pt:event-tracing", BRANCH_TRACE),
    gdb("qXfer:auxv:read", Separated, Ours(xfer::auxv)),
    no(Gdb, "qXfer:btrace:read", BRANCH_TRACE),
    no(Gdb, "qXfer:btrace-conf:read", BRANCH_TRACE),
    gdb("qXfer:exec-file:read", Separated, Ours(xfer::exec_file)),
    gdb("qXfer:features:read", Separated, Ours(xfer::features)),
    gdb("qXfer:libraries:read", Separated, Ours(xfer::library_list)),
    gdb(
        "qXfer:libraries-svr4:read",
        Separated,
        Ours(xfer::libraries),
    )
    .partial("the whole list each time: `start=` and `prev=` are passed over"),
    no(
        Gdb,
        "qXfer:memory-map:read",
        "mappings of a process change, and gdb would refuse addresses outside of the map",
    ),
    no(Gdb, "qXfer:sdata:read", TRACEPOINTS),
    no(Gdb, "qXfer:statictrace:read", TRACEPOINTS),
    gdb("qXfer:siginfo:read", Separated, Ours(xfer::siginfo)),
    gdb("qXfer:siginfo:write", Joined, Ours(xfer::write_siginfo)),
    gdb("qXfer:threads:read", Separated, Ours(xfer::threads)),
    no(Gdb, "qXfer:traceframe-info:read", TRACEPOINTS),
    no(Gdb, "qXfer:uib:read", "for OpenVMS only"),
    no(Gdb, "qXfer:fdpic:read", "no FDPIC guests"),
    no(
        Gdb,
        "qXfer:osdata:read",
        "the processes of the host are not the guest's",
    ),
    // lldb.
    no(Lldb, "jGetDyldProcessState", DARWIN),
    no(Lldb, "jGetLoadedDynamicLibrariesInfos", DARWIN),
    no(Lldb, "jGetSharedCacheInfo", DARWIN),
    no(Lldb, "jLLDBSettings", "no settings for lldb"),
    no(Lldb, "jLLDBTraceGetBinaryData", BRANCH_TRACE),
    no(Lldb, "jLLDBTraceGetState", BRANCH_TRACE),
    no(Lldb, "jLLDBTraceStart", BRANCH_TRACE),
    no(Lldb, "jLLDBTraceStop", BRANCH_TRACE),
    no(Lldb, "jLLDBTraceSupported", BRANCH_TRACE),
    no(Lldb, "jModulesInfo", "lldb reads the files itself"),
    no(Lldb, "jMultiBreakpoint", "lldb falls back to one Z each"),
    no(
        Lldb,
        "jSignalsInfo",
        "the system's signal numbers are used, which lldb knows",
    ),
    no(Lldb, "jThreadExtendedInfo", DARWIN),
    lldb("jThreadsInfo", Bare, Ours(lldb_threads::all_info)),
    no(Lldb, "MultiMemRead", "lldb falls back to one x each"),
    no(Lldb, "QEnvironment", LAUNCH),
    lldb("QEnableErrorStrings", Bare, Ours(info::error_strings)),
    no(Lldb, "QEnableCompression", "a local socket needs none"),
    lldb("QListThreadsInStopReply", Bare, Ours(info::threads_in_stop)),
    lldb(
        "QRestoreRegisterState",
        Separated,
        Ours(lldb_memory::restore_registers),
    ),
    lldb(
        "QSaveRegisterState",
        Separated,
        Ours(lldb_memory::save_registers),
    ),
    no(Lldb, "QLaunchArch", LAUNCH),
    no(
        Lldb,
        "QSetDetachOnError",
        "a lost connection leaves the process as it is",
    ),
    no(Lldb, "QSetDisableASLR", LAUNCH),
    no(Lldb, "QSetLogging", "no log channel for lldb"),
    no(Lldb, "QSetMaxPacketSize", OBSOLETE),
    no(Lldb, "QSetMaxPayloadSize", OBSOLETE),
    no(Lldb, "QSetSTDERR", LAUNCH),
    no(Lldb, "QSetSTDIN", LAUNCH),
    no(Lldb, "QSetSTDOUT", LAUNCH),
    no(
        Lldb,
        "QSupportsDetachAndStayStopped",
        "a detached process runs on",
    ),
    no(Lldb, "QSyncThreadState", DARWIN),
    lldb("QThreadSuffixSupported", Bare, Ours(info::thread_suffix)),
    lldb("qEcho", Separated, Ours(info::echo)).while_running(),
    lldb("qFileLoadAddress", Separated, Ours(info::file_load_address)),
    lldb("qGDBServerVersion", Bare, Ours(info::version)),
    no(Lldb, "qGetPid", OBSOLETE),
    no(Lldb, "qGetProfileData", DARWIN),
    no(Lldb, "QSetEnableAsyncProfiling", DARWIN),
    no(Lldb, "qGetWorkingDir", PLATFORM),
    lldb("qHostInfo", Bare, Ours(info::host_info)),
    no(Lldb, "qLaunchSuccess", LAUNCH),
    no(Lldb, "qLaunchGDBServer", PLATFORM),
    no(Lldb, "qQueryGDBServer", PLATFORM),
    no(Lldb, "qKillSpawnedProcess", PLATFORM),
    lldb(
        "qMemoryRegionInfo",
        Separated,
        Ours(lldb_memory::region_info),
    ),
    no(Lldb, "qModuleInfo", "lldb reads the files itself"),
    no(Lldb, "qPathComplete", PLATFORM),
    no(Lldb, "qPlatform_chmod", PLATFORM),
    no(Lldb, "qPlatform_mkdir", PLATFORM),
    no(Lldb, "qPlatform_shell", PLATFORM),
    lldb("qProcessInfo", Bare, Ours(info::process_info)),
    no(Lldb, "qProcessInfoPID", PLATFORM),
    no(Lldb, "qfProcessInfo", PLATFORM),
    no(Lldb, "qsProcessInfo", PLATFORM),
    lldb("qRegisterInfo", Joined, Ours(info::register_info)),
    lldb("qShlibInfoAddr", Bare, Ours(info::library_info_addr)),
    no(Lldb, "qSpeedTest", PLATFORM),
    no(Lldb, "qStepPacketSupported", "s is there; vCont? says so"),
    no(Lldb, "qStructuredDataPlugins", DARWIN),
    no(
        Lldb,
        "qSupportsDetachAndStayStopped",
        "a detached process runs on",
    ),
    no(Lldb, "qSyncThreadStateSupported", DARWIN),
    lldb("qThreadStopInfo", Joined, Ours(lldb_threads::stop_info)),
    no(Lldb, "qUserName", PLATFORM),
    no(Lldb, "qGroupName", PLATFORM),
    no(Lldb, "qAttachOrWaitSupported", ONE_PROCESS),
    no(Lldb, "qVAttachOrWaitSupported", ONE_PROCESS),
    no(Lldb, "qWasmCallStack", "no WebAssembly guests"),
    no(Lldb, "qWasmGlobal", "no WebAssembly guests"),
    no(Lldb, "qWasmLocal", "no WebAssembly guests"),
    no(Lldb, "qWasmStackValue", "no WebAssembly guests"),
    lldb(
        "qWatchpointSupportInfo",
        Separated,
        Ours(info::watchpoint_support),
    ),
    no(Lldb, "vAttachName", ONE_PROCESS),
    no(Lldb, "vAttachOrWait", ONE_PROCESS),
    no(Lldb, "vAttachWait", ONE_PROCESS),
    lldb("vFile:exists", Separated, Ours(vfile::exists)),
    no(Lldb, "vFile:chmod", PLATFORM),
    no(Lldb, "vFile:MD5", PLATFORM),
    lldb("vFile:mode", Separated, Ours(vfile::mode)),
    lldb("vFile:size", Separated, Ours(vfile::size)),
    no(Lldb, "vFile:symlink", PLATFORM),
    lldb("_M", Joined, Ours(lldb_memory::allocate)),
    lldb("_m", Joined, Ours(lldb_memory::deallocate)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_denials_say_why() {
        for (i, p) in PACKETS.iter().enumerate() {
            assert!(
                PACKETS[..i].iter().all(|q| q.name != p.name),
                "{} twice",
                p.name
            );
            assert!(
                p.support == Support::Yes || !p.note.is_empty(),
                "{}",
                p.name
            );
            let answered = !matches!(p.handler, Handler::Nobody);
            assert!(
                answered || p.support == Support::No,
                "{} is supported by nobody",
                p.name
            );
        }
    }

    #[test]
    fn the_longest_name_wins() {
        let name = |body: &str| find(body.as_bytes()).map(|p| p.name);
        assert_eq!(name("vCont?"), Some("vCont?"));
        assert_eq!(name("vCont;c"), Some("vCont"));
        assert_eq!(name("qC"), Some("qC"));
        assert_eq!(name("qCRC:0,1"), Some("qCRC"));
        assert_eq!(name("qRegisterInfo1f"), Some("qRegisterInfo"));
        assert_eq!(name("_M10,rw"), Some("_M"));
        assert_eq!(name("qUnheardOf"), None);
        assert_eq!(name(""), None);
    }
}
