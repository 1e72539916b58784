//! Negotiation and settings.

use crate::features;
use crate::framing::PACKET_SIZE;
use crate::hex;
use crate::inferior::Error;
use crate::session::{Answer, Outcome, Session, malformed};

/// `qSupported`: gdbstub's reply, with its size and what our layer adds.
pub(crate) fn supported(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    for feature in args.split(|b| *b == b';') {
        match feature {
            b"multiprocess+" => s.client.multiprocess = true,
            b"swbreak+" => s.client.swbreak = true,
            b"hwbreak+" => s.client.hwbreak = true,
            b"fork-events+" => s.client.fork_events = true,
            b"vfork-events+" => s.client.vfork_events = true,
            b"exec-events+" => s.client.exec_events = true,
            b"error-message+" => s.client.error_texts = true,
            // Only gdb has it, since version 7.1.
            b"qRelocInsn+" => s.client.gdb = true,
            _ => {}
        }
    }
    if s.client.fork_events && s.guest.capabilities.fork_events {
        s.guest.inferior.report_forks(true)?;
    }
    // gdbstub takes an empty list for malformed. What the features change is decided by our layer.
    s.ask_core(b"qSupported:multiprocess+")?;
    let capabilities = s.guest.capabilities;
    let ours: Vec<_> = features::offered(capabilities, &s.client).collect();
    s.out.patch(|reply| {
        let kept = reply
            .split(|b| *b == b';')
            .filter(|f| !f.starts_with(b"PacketSize=") && !f.is_empty())
            .map(|f| f.to_vec());
        let mut all = vec![format!("PacketSize={PACKET_SIZE:x}").into_bytes()];
        all.extend(kept);
        all.extend(ours.iter().map(|f| format!("{f}+").into_bytes()));
        all.join(&b';')
    });
    Ok(Answer::Body)
}

/// `QStartNoAckMode`: this reply is acknowledged, later ones are not.
pub(crate) fn start_no_ack_mode(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.client.no_ack = true;
    Ok(Answer::Ok)
}

/// `!`.
pub(crate) fn extended_mode(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.client.extended = true;
    Ok(Answer::Ok)
}

/// `qAttached`: 1 has the debugger detach when it quits, as from a process that ran before it came or the child of a fork; 0 has
/// it kill the process, which was started for it.
pub(crate) fn attached(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let child = s.guest.inferior.processes().len() > 1;
    s.out.text(if child || s.attached { "1" } else { "0" });
    Ok(Answer::Body)
}

/// `qOffsets`.
pub(crate) fn offsets(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.guest.inferior.section_offsets()?;
    s.ask_core(b"qOffsets")
}

/// `qSymbol`: no symbols are wanted.
pub(crate) fn symbol(_: &mut Session<'_>, _: &[u8]) -> Outcome {
    Ok(Answer::Ok)
}

/// `QNonStop`: all-stop only.
pub(crate) fn non_stop(_: &mut Session<'_>, args: &[u8]) -> Outcome {
    match args {
        b"0" => Ok(Answer::Ok),
        b"1" => Err(Error::Unsupported("non-stop mode")),
        _ => Err(malformed()),
    }
}

/// `QPassSignals`.
pub(crate) fn pass_signals(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let mut signals = Vec::new();
    for text in args.split(|b| *b == b';').filter(|t| !t.is_empty()) {
        let number = hex::number(text).ok_or_else(malformed)?;
        // gdb lists every signal that it knows of; those that the guest has not cannot come.
        let known = u8::try_from(number).ok().and_then(|n| s.meant_signal(n));
        signals.extend(known);
    }
    s.guest.inferior.pass_signals(&signals)?;
    Ok(Answer::Ok)
}

/// `QThreadEvents`.
pub(crate) fn thread_events(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let on = match args {
        b"0" => false,
        b"1" => true,
        _ => return Err(malformed()),
    };
    s.guest.inferior.report_thread_events(on)?;
    s.thread_events = on;
    Ok(Answer::Ok)
}

/// `qGetTLSAddr:thread,offset,lm`.
pub(crate) fn tls_address(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (thread, rest) = hex::split(args, b',').ok_or_else(malformed)?;
    let (offset, link_map) = hex::pair(rest).ok_or_else(malformed)?;
    let tid = s.parse_thread(thread)?;
    let addr = s.guest.inferior.tls_address(tid, offset, link_map)?;
    s.out.number(addr);
    Ok(Answer::Body)
}

/// `qRcmd,command`: gdbstub runs it; that it is in hex is checked here, since gdbstub takes an odd number of digits as well.
pub(crate) fn command(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    hex::decode(args).ok_or_else(malformed)?;
    s.ask_core(&[b"qRcmd,", args].concat())
}

/// `QCatchSyscalls`.
pub(crate) fn catch_syscalls(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    if !s.guest.capabilities.catch_syscalls {
        return Err(Error::Unsupported("no system calls to catch here"));
    }
    s.ask_core(&[b"QCatchSyscalls:", args].concat())
}
