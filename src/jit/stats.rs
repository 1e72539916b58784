//! Counters of `--stats`, and the files by which `perf` knows generated code.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What the cache has translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Blocks.
    pub blocks: u64,
    /// Guest instructions in them.
    pub insns: u64,
    /// Bytes of host code.
    pub code_bytes: u64,
    /// Bytes with headers and side tables.
    pub total_bytes: u64,
    /// Time in nanoseconds from a missing block to its code, over all threads, page faults included; 0 unless
    /// [`super::CodeCache::measure_time`] was called.
    pub translate_ns: u64,
    /// Instructions in the blocks that this is the time of: all whose translation was not interrupted.
    pub timed_insns: u64,
    /// Times that the whole cache was given up because an area was full.
    pub flushes: u64,
}

impl std::fmt::Display for Stats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per = |x: u64, n: u64| if n == 0 { 0.0 } else { x as f64 / n as f64 };
        let each = per(self.translate_ns, self.timed_insns);
        write!(
            f,
            "jit: {} blocks, {} instructions ({:.1} a block), {} bytes of code ({:.1} an instruction), {:.3} ms translating ({each:.0} ns an instruction), {} flushes",
            self.blocks,
            self.insns,
            per(self.insns, self.blocks),
            self.code_bytes,
            per(self.code_bytes, self.insns),
            each * self.insns as f64 / 1e6,
            self.flushes
        )
    }
}

#[derive(Default)]
pub(super) struct Counters {
    blocks: AtomicU64,
    insns: AtomicU64,
    code_bytes: AtomicU64,
    total_bytes: AtomicU64,
    translate_ns: AtomicU64,
    timed_insns: AtomicU64,
    flushes: AtomicU64,
}

impl Counters {
    pub(super) fn add_block(&self, insns: u32, code: u32, total: u32) {
        self.blocks.fetch_add(1, Ordering::Relaxed);
        self.insns.fetch_add(insns.into(), Ordering::Relaxed);
        self.code_bytes.fetch_add(code.into(), Ordering::Relaxed);
        self.total_bytes.fetch_add(total.into(), Ordering::Relaxed);
    }

    pub(super) fn add_time(&self, ns: u64, insns: u32) {
        self.translate_ns.fetch_add(ns, Ordering::Relaxed);
        self.timed_insns.fetch_add(insns.into(), Ordering::Relaxed);
    }

    pub(super) fn add_flush(&self) {
        self.flushes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Stats {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        Stats {
            blocks: get(&self.blocks),
            insns: get(&self.insns),
            code_bytes: get(&self.code_bytes),
            total_bytes: get(&self.total_bytes),
            translate_ns: get(&self.translate_ns),
            timed_insns: get(&self.timed_insns),
            flushes: get(&self.flushes),
        }
    }
}

/// Writer of `/tmp/perf-PID.map`: one line a block, read by `perf report` (Linux tools/perf/Documentation/jit-interface.txt).
pub struct PerfMap(BufWriter<File>);

impl PerfMap {
    /// The file for process `pid` in `dir` (perf looks in `/tmp`).
    pub fn path(dir: &Path, pid: i32) -> PathBuf {
        dir.join(format!("perf-{pid}.map"))
    }

    /// Writes to that file.
    pub fn new(file: File) -> PerfMap {
        PerfMap(BufWriter::new(file))
    }

    /// Adds a block of `len` bytes at host address `addr`. Flushed at once: the guest may end at any time.
    pub fn add(&mut self, addr: u64, len: usize, pc: u64) -> io::Result<()> {
        writeln!(self.0, "{addr:x} {len:x} guest_{pc:x}")?;
        self.0.flush()
    }
}

/// Writer of a jitdump file (Linux tools/perf/Documentation/jitdump-specification.txt) for `perf inject --jit`.
pub struct JitDump {
    file: BufWriter<File>,
    pid: u32,
    index: u64,
}

/// "JiTD" in the byte order of the writer.
const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const HEADER_SIZE: u32 = 40;
/// EM_X86_64.
const ELF_MACHINE: u32 = 62;
const JIT_CODE_LOAD: u32 = 0;

impl JitDump {
    /// Writes the header to `file`, which is to be named `jit-PID.dump`; `timestamp` in nanoseconds of the clock that perf was
    /// told to use. perf finds the file by an executable mapping of it, which the owner makes.
    pub fn create(file: File, pid: u32, timestamp: u64) -> io::Result<JitDump> {
        let mut file = BufWriter::new(file);
        for word in [MAGIC, VERSION, HEADER_SIZE, ELF_MACHINE, 0, pid] {
            file.write_all(&word.to_ne_bytes())?;
        }
        file.write_all(&timestamp.to_ne_bytes())?;
        file.write_all(&0u64.to_ne_bytes())?;
        file.flush()?;
        Ok(JitDump {
            file,
            pid,
            index: 0,
        })
    }

    /// Adds the code of the block of guest address `pc` at host address `addr`, made by thread `tid`.
    pub fn add(
        &mut self,
        timestamp: u64,
        tid: u32,
        addr: u64,
        code: &[u8],
        pc: u64,
    ) -> io::Result<()> {
        let name = format!("guest_{pc:x}\0");
        let size = 16 + 8 + 4 * 8 + name.len() + code.len();
        self.file.write_all(&JIT_CODE_LOAD.to_ne_bytes())?;
        self.file.write_all(&(size as u32).to_ne_bytes())?;
        self.file.write_all(&timestamp.to_ne_bytes())?;
        self.file.write_all(&self.pid.to_ne_bytes())?;
        self.file.write_all(&tid.to_ne_bytes())?;
        for word in [addr, addr, code.len() as u64, self.index] {
            self.file.write_all(&word.to_ne_bytes())?;
        }
        self.file.write_all(name.as_bytes())?;
        self.file.write_all(code)?;
        self.index += 1;
        self.file.flush()
    }
}
