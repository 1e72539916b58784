//! What gdb's and lldb's documentation has beside packets: features of `qSupported`, stop replies with their keys, actions of `vCont`,
//! kinds of breakpoints. The reply to `qSupported` and `--list packets` both read it.

use crate::inferior::Capabilities;
use crate::packets::{Documented, Support};
use crate::session::Client;

/// Where a term stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A feature in the reply to `qSupported`.
    Feature,
    /// A stop reply by its first letter, or a key in one.
    Stop,
    /// An action of `vCont`.
    Action,
    /// A kind of breakpoint in `Z`, or what may follow it.
    Breakpoint,
}

/// When a feature is offered.
#[derive(Clone, Copy)]
pub(crate) enum Offer {
    /// By gdbstub, which knows the inferior's capabilities; or the term is no feature.
    Core,
    /// By our layer, where this says so.
    Ours(fn(Capabilities, &Client) -> bool),
}

/// One row.
pub struct Term {
    /// Where it stands.
    pub place: Place,
    /// Its name, without `+`, `=` or `:`.
    pub name: &'static str,
    /// Whose it is.
    pub documented: Documented,
    /// How much of it is supported.
    pub support: Support,
    /// The limit, or why not; "" if there is nothing to say.
    pub note: &'static str,
    pub(crate) offer: Offer,
}

const fn term(place: Place, name: &'static str) -> Term {
    Term {
        place,
        name,
        documented: Documented::Gdb,
        support: Support::Yes,
        note: "",
        offer: Offer::Core,
    }
}

/// A feature that gdbstub offers.
const fn core(name: &'static str) -> Term {
    term(Place::Feature, name)
}

/// A feature that our layer offers.
const fn ours(name: &'static str, offered: fn(Capabilities, &Client) -> bool) -> Term {
    Term {
        offer: Offer::Ours(offered),
        ..core(name)
    }
}

impl Term {
    const fn lldb(self) -> Term {
        Term {
            documented: Documented::Lldb,
            ..self
        }
    }

    const fn noted(self, note: &'static str) -> Term {
        Term { note, ..self }
    }

    const fn no(self, why: &'static str) -> Term {
        Term {
            support: Support::No,
            note: why,
            ..self
        }
    }
}

const fn stop(name: &'static str) -> Term {
    term(Place::Stop, name)
}

const fn action(name: &'static str) -> Term {
    term(Place::Action, name)
}

const fn breakpoint(name: &'static str) -> Term {
    term(Place::Breakpoint, name)
}

const TRACEPOINTS: &str = "tracepoints are not supported";
const BRANCH_TRACE: &str = "branch traces are a matter of hardware";
const NON_STOP: &str = "non-stop mode is not supported: a stop halts every thread";
const RECORDINGS: &str = "where the inferior is a recording, of which there are none yet";
const LAUNCH: &str = "the command line of emu says what runs, and how";

/// All of them.
pub static TERMS: &[Term] = &[
    core("PacketSize"),
    core("vContSupported"),
    core("multiprocess"),
    core("QStartNoAckMode"),
    core("swbreak"),
    core("hwbreak"),
    core("QCatchSyscalls"),
    core("qXfer:auxv:read"),
    core("qXfer:exec-file:read"),
    core("qXfer:features:read"),
    core("qXfer:libraries-svr4:read"),
    // A gdb that does not know the guest's system looks for this list. lldb takes the SVR4 one.
    ours("qXfer:libraries:read", |c, client| {
        c.libraries && client.gdb
    }),
    ours("qXfer:threads:read", |_, _| true),
    ours("qXfer:siginfo:read", |c, _| c.siginfo),
    ours("qXfer:siginfo:write", |c, _| c.siginfo),
    ours("ConditionalBreakpoints", |c, _| c.conditions),
    ours("QPassSignals", |c, _| c.pass_signals),
    ours("QThreadEvents", |c, _| c.thread_events),
    ours("fork-events", |c, _| c.fork_events).noted("where the inferior reports forks"),
    ours("vfork-events", |c, _| c.fork_events).noted("where the inferior reports forks"),
    ours("vforkdone-events", |c, _| c.fork_events).noted("where the inferior reports forks"),
    ours("exec-events", |c, _| c.exec_events).noted("where the inferior reports them"),
    ours("ReverseStep", |c, _| c.reverse).noted(RECORDINGS),
    ours("ReverseContinue", |c, _| c.reverse).noted(RECORDINGS),
    // lldb before version 20 takes this for nothing and probes with `x0,0`; a later one would expect gdb's form of the reply.
    ours("binary-upload", |_, client| client.gdb).noted("to gdb; lldb has its own form of x"),
    ours("error-message", |_, client| client.gdb).noted("to gdb; lldb has QEnableErrorStrings"),
    ours("qEcho", |_, client| !client.gdb).lldb(),
    core("augmented-libraries-svr4-read").no("the whole list is short enough for each time"),
    core("BreakpointCommands")
        .no("commands at breakpoints are for printf without a debugger: see --strace"),
    core("ConditionalTracepoints").no(TRACEPOINTS),
    core("EnableDisableTracepoints").no(TRACEPOINTS),
    core("FastTracepoints").no(TRACEPOINTS),
    core("InstallInTrace").no(TRACEPOINTS),
    core("QTBuffer:size").no(TRACEPOINTS),
    core("StaticTracepoints").no(TRACEPOINTS),
    core("TracepointSource").no(TRACEPOINTS),
    core("tracenz").no(TRACEPOINTS),
    core("Qbtrace:bts").no(BRANCH_TRACE),
    core("Qbtrace:pt").no(BRANCH_TRACE),
    core("Qbtrace:off").no(BRANCH_TRACE),
    core("Qbtrace-conf:bts:size").no(BRANCH_TRACE),
    core("Qbtrace-conf:pt:size").no(BRANCH_TRACE),
    core("Qbtrace-conf:pt:ptwrite").no(BRANCH_TRACE),
    core("Qbtrace-conf:pt:event-tracing").no(BRANCH_TRACE),
    core("qXfer:btrace:read").no(BRANCH_TRACE),
    core("qXfer:btrace-conf:read").no(BRANCH_TRACE),
    core("memory-tagging").no("memory tagging (MTE) is not emulated"),
    core("no-resumed")
        .no("a thread that ends while the others are held is not reported: interrupt"),
    core("QAgent").no("no in-process agent"),
    core("QAllow").no("everything that is offered is allowed"),
    core("QDisableRandomization").no(LAUNCH),
    core("QEnvironmentHexEncoded").no(LAUNCH),
    core("QEnvironmentReset").no(LAUNCH),
    core("QEnvironmentUnset").no(LAUNCH),
    core("QSetWorkingDir").no(LAUNCH),
    core("QStartupWithShell").no(LAUNCH),
    core("single-inf-arg").no(LAUNCH),
    core("QNonStop").no(NON_STOP),
    core("QProgramSignals").no("on detach the guest gets its signals as the kernel has them"),
    core("QThreadOptions").no("no options of single threads"),
    core("qRelocInsn").no("no instructions are moved: breakpoints patch nothing"),
    core("SupportedCompressions")
        .lldb()
        .no("a local socket needs none"),
    core("native-signals")
        .lldb()
        .no("QThreadSuffixSupported says it: lldb gets the system's signal numbers"),
    // Stop replies.
    stop("S").no("T says the same and more"),
    stop("T"),
    stop("W"),
    stop("X"),
    stop("w"),
    stop("N").no("see the feature no-resumed"),
    stop("O"),
    stop("F").no("system calls of the guest are done here, never by the debugger"),
    stop("%Stop").no(NON_STOP),
    stop("NUMBER").noted("the registers that are asked for at each stop"),
    stop("thread"),
    stop("core").no("a thread has no CPU of its own here"),
    stop("watch"),
    stop("rwatch"),
    stop("awatch"),
    stop("swbreak"),
    stop("hwbreak"),
    stop("syscall_entry"),
    stop("syscall_return"),
    stop("create"),
    stop("library").noted("where the inferior reports them; for gdb a breakpoint in ld.so does"),
    stop("fork").noted("where the inferior reports forks"),
    stop("vfork").noted("where the inferior reports forks"),
    stop("vforkdone").noted("where the inferior reports forks"),
    stop("exec").noted("where the inferior reports them"),
    stop("clone").no("a thread that begins is told of by create"),
    stop("replaylog").noted(RECORDINGS),
    stop("process").noted("of W and X, with multiprocess"),
    stop("threads").lldb(),
    stop("thread-pcs").lldb(),
    stop("name").lldb(),
    stop("reason").lldb(),
    stop("description")
        .lldb()
        .no("the reason and the signal say it"),
    stop("memory").lldb().no("one m fetches what is needed"),
    stop("jstopinfo")
        .lldb()
        .no("jThreadsInfo tells of all threads"),
    stop("metype").lldb().no("for macOS only"),
    stop("qaddr").lldb().no("for macOS only"),
    // Actions of vCont.
    action("c"),
    action("C"),
    action("s"),
    action("S"),
    action("r"),
    action("t").no(NON_STOP),
    // Breakpoints.
    breakpoint("0"),
    breakpoint("1"),
    breakpoint("2"),
    breakpoint("3"),
    breakpoint("4"),
    breakpoint("cond_list").noted("where the inferior evaluates conditions"),
    breakpoint("cmds").no("see the feature BreakpointCommands"),
];

/// The features that our layer offers to this debugger over this inferior.
pub(crate) fn offered(c: Capabilities, client: &Client) -> impl Iterator<Item = &'static str> {
    TERMS
        .iter()
        .filter(move |t| match t.offer {
            Offer::Ours(offered) => offered(c, client),
            Offer::Core => false,
        })
        .map(|t| t.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_unique_and_denials_say_why() {
        for (i, t) in TERMS.iter().enumerate() {
            let same = |u: &&Term| (u.place, u.name) == (t.place, t.name);
            assert_eq!(TERMS[..i].iter().find(same).map(|u| u.name), None);
            assert!(
                t.support == Support::Yes || !t.note.is_empty(),
                "{}",
                t.name
            );
        }
    }
}
