//! Engine selection, and what the translator tells the user: `-d`, `--stats`, perf's files.

use super::log::Log;
use super::{EngineKind, Failure, Options};
use crate::cpu::InterpEngine;
use crate::host;
use crate::isa::{Disassembler, Isa};
use crate::jit::{self, CodeCache, Dump, JitDump, JitEngine, PerfMap};
use crate::mem::{AddressSpace, Invalidate, View};
use crate::process::{End, Engines, Observer, Process, Thread};
use std::fmt::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};

/// What `-d` knows of translation.
pub(super) const DUMP_ITEMS: &[(&str, &str)] = &[
    ("in_asm", "guest instructions of each translated block"),
    ("ir", "its intermediate representation (also: op)"),
    ("out_asm", "its host instructions"),
];

/// Tells the counters of the translator, in lines.
pub(super) type Statistics = Arc<dyn Fn() -> String + Send + Sync>;

/// What [`engines`] makes.
pub(super) type Made = (Engines, Vec<Arc<dyn Observer>>, Option<Statistics>);

/// Makes the engines of the threads; observers that come along are to be told of events.
pub(super) fn engines(
    options: &Options,
    isa: &'static dyn Isa,
    mem: &Arc<AddressSpace>,
    log: &Log,
) -> Result<Made, Failure> {
    if options.engine == EngineKind::Interp {
        for (asked, name) in [
            (options.stats, "--stats"),
            (options.perfmap, "-perfmap"),
            (options.jitdump, "-jitdump"),
            (
                DUMP_ITEMS.iter().any(|(i, _)| options.logs(i)),
                "-d in_asm, ir and out_asm",
            ),
        ] {
            if asked {
                return Err(Failure::usage(format!(
                    "{name} tells of translated code; use --engine jit"
                )));
            }
        }
        return Ok((
            Engines::new(|process| Box::new(interpreter(process))),
            Vec::new(),
            None,
        ));
    }
    let mut cache = CodeCache::new(isa).map_err(|e| Failure {
        text: format!("{e} (--engine interp)"),
        status: 126,
    })?;
    if let Some(tell) = teller(options, isa, mem, log)? {
        cache.set_dump(tell);
    }
    if options.stats {
        cache.measure_time();
    }
    let cache = Arc::new(cache);
    host::signal::set_recover(jit::recover);
    let mut observers: Vec<Arc<dyn Observer>> = Vec::new();
    if options.stats {
        observers.push(Arc::new(Stats(cache.clone(), log.clone())));
    }
    let counted = cache.clone();
    let statistics: Statistics = Arc::new(move || counted.stats().to_string());
    let told = Once::new();
    let engines = Engines::new(move |process| {
        told.call_once(|| process.code.set_cache(Box::new(Cache(cache.clone()))));
        Box::new(JitEngine::new(
            cache.clone(),
            View::new(process.mem.clone()),
            interpreter(process),
            process.code.clone(),
        ))
    });
    Ok((engines, observers, Some(statistics)))
}

fn interpreter(process: &Process) -> InterpEngine<View> {
    let view = View::new(process.mem.clone());
    InterpEngine::new(process.isa, view, process.code.clone())
}

/// Passes changes of guest code on to the code cache.
struct Cache(Arc<CodeCache>);

impl Invalidate for Cache {
    fn invalidate(&self, start: u64, end: u64) {
        self.0.invalidate_range(start, end);
    }
}

/// Prints the counters at the end.
struct Stats(Arc<CodeCache>, Log);

impl Observer for Stats {
    fn process_exit(&self, _: &mut Thread, _: End) {
        self.1.write(&format!("emu: {}\n", self.0.stats()));
    }
}

/// Called for each translated block.
type Tell = Box<dyn Fn(&Dump<'_>) + Send + Sync>;

/// What is to be told of each translated block, if anything.
fn teller(
    options: &Options,
    isa: &'static dyn Isa,
    mem: &Arc<AddressSpace>,
    log: &Log,
) -> Result<Option<Tell>, Failure> {
    let (in_asm, ir, out_asm) = (
        options.logs("in_asm"),
        options.logs("ir") || options.logs("op"),
        options.logs("out_asm"),
    );
    let failed = |what: &str, e: std::io::Error| Failure {
        text: format!("{what}: cannot be written: {e}"),
        status: 1,
    };
    let perf_map = options
        .perfmap
        .then(open_perf_map)
        .transpose()
        .map_err(|e| failed("/tmp/perf-PID.map", e))?
        .map(Mutex::new);
    let jit_dump = options
        .jitdump
        .then(open_jit_dump)
        .transpose()
        .map_err(|e| failed("jit-PID.dump", e))?
        .map(Mutex::new);
    if !in_asm && !ir && !out_asm && perf_map.is_none() && jit_dump.is_none() {
        return Ok(None);
    }
    let (mem, log) = (mem.clone(), log.clone());
    Ok(Some(Box::new(move |dump| {
        let mut text = String::new();
        if in_asm {
            text += &guest_asm(isa, &mem, dump);
        }
        if ir {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "IR of {:#x}:\n{}", dump.block.key.pc, dump.block);
        }
        if out_asm {
            let code = jit::disassemble(dump.code, dump.addr);
            let _ = writeln!(text, "OUT of {:#x}:\n{code}", dump.block.key.pc);
        }
        if !text.is_empty() {
            log.write(&text);
        }
        let pc = dump.block.key.pc;
        // A full disk costs perf a symbol, not the guest its run.
        if let Some(map) = &perf_map {
            let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = map.add(dump.addr, dump.code.len(), pc);
        }
        if let Some(file) = &jit_dump {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let (now, tid) = (host::monotonic_ns(), host::tid() as u32);
            let _ = file.add(now, tid, dump.addr, dump.code, pc);
        }
    })))
}

/// The guest's instructions of a block.
fn guest_asm(isa: &'static dyn Isa, mem: &AddressSpace, dump: &Dump<'_>) -> String {
    let mut text = format!("IN of {:#x}:\n", dump.block.key.pc);
    let Some(disassembler) = Disassembler::new(isa) else {
        return text;
    };
    for &(addr, len) in &dump.block.ranges {
        let mut code = vec![0; len as usize];
        if mem.read(addr, &mut code).is_ok() {
            for line in disassembler.lines(&code, addr, usize::MAX) {
                text += &format!("  {line}\n");
            }
        }
    }
    text.push('\n');
    text
}

/// `/tmp/perf-PID.map`.
fn open_perf_map() -> std::io::Result<PerfMap> {
    let path = PerfMap::path(Path::new("/tmp"), host::pid());
    Ok(PerfMap::new(host::fd::raised(|| {
        std::fs::File::create(path)
    })?))
}

/// `jit-PID.dump` in the working folder, mapped so that perf notices it.
fn open_jit_dump() -> std::io::Result<JitDump> {
    let file = host::fd::raised(|| {
        std::fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(format!("jit-{}.dump", host::pid()))
    })?;
    host::map::mark_jit_dump(&file);
    JitDump::create(file, host::pid() as u32, host::monotonic_ns())
}
