//! The program of a stream: what is around its chunks, its memory, its ELF file.

use super::chunks::{SIGNALS, fp_bits, integer};
use emu::abi::Endian;
use fastrand::Rng;

/// Registers with a fixed use in streams: index of indexed accesses, scratch of the harness, bases of memory accesses.
pub const INDEX: u32 = 25;
pub const K0: u32 = 26;
pub const K1: u32 = 27;
pub const GP: u32 = 28;
pub const SP: u32 = 29;

/// The registers that chunks may change.
pub fn free_registers() -> impl Iterator<Item = u32> {
    (1..25).chain([30, 31])
}

// Layout of the program's memory.
pub const TEXT: u32 = 0x0040_0000;
pub const CELLS: u32 = 0x1000_0000;
pub const CELL_IN: u32 = 0;
pub const CELL_OUT: u32 = 4;
pub const CELL_SIGNAL: u32 = 8;
pub const CELL_COUNT: u32 = 12;
pub const SIGACTION: u32 = 16;
pub const SIGALTSTACK: u32 = 48;
pub const ALTSTACK: u32 = CELLS + 0x1000;
pub const ALTSTACK_SIZE: u32 = 0xf000;
/// Memory that chunks read and write: any offset from a base in its middle.
pub const SCRATCH: u32 = CELLS + 0x1_0000;
pub const SCRATCH_SIZE: u32 = 0x1_1000;
pub const SCRATCH_MID: u32 = SCRATCH + 0x8800;
/// States to load, then room for the states stored.
pub const STATES: u32 = CELLS + 0x3_0000;

/// A state: general registers, HI, LO, FCSR, one word more, FP registers; a stored one then has signal and number of signals.
pub const HI: usize = 26;
pub const LO: usize = 27;
pub const FCSR: usize = 28;
pub const FPR: usize = 30;
pub const SIGNAL: usize = FPR + 64;
pub const COUNT: usize = SIGNAL + 1;
pub const WORDS: usize = COUNT + 1;
pub const STATE_SIZE: u32 = WORDS as u32 * 4;

/// Instruction words of the harness.
pub mod asm {
    pub const NOP: u32 = 0;
    pub const SYSCALL: u32 = 0xc;
    pub fn i(op: u32, rs: u32, rt: u32, imm: u32) -> u32 {
        op << 26 | rs << 21 | rt << 16 | imm & 0xffff
    }
    pub fn lui(rt: u32, imm: u32) -> u32 {
        i(0x0f, 0, rt, imm)
    }
    pub fn ori(rt: u32, rs: u32, imm: u32) -> u32 {
        i(0x0d, rs, rt, imm)
    }
    pub fn addiu(rt: u32, rs: u32, imm: u32) -> u32 {
        i(0x09, rs, rt, imm)
    }
    pub fn lw(rt: u32, offset: u32, base: u32) -> u32 {
        i(0x23, base, rt, offset)
    }
    pub fn sw(rt: u32, offset: u32, base: u32) -> u32 {
        i(0x2b, base, rt, offset)
    }
    pub fn ldc1(ft: u32, offset: u32, base: u32) -> u32 {
        i(0x35, base, ft, offset)
    }
    pub fn sdc1(ft: u32, offset: u32, base: u32) -> u32 {
        i(0x3d, base, ft, offset)
    }
    pub fn jr(rs: u32) -> u32 {
        rs << 21 | 8
    }
    pub fn jalr(rd: u32, rs: u32) -> u32 {
        rs << 21 | rd << 11 | 9
    }
    pub fn and(rd: u32, rs: u32, rt: u32) -> u32 {
        rs << 21 | rt << 16 | rd << 11 | 0x24
    }
    pub fn mthi(rs: u32) -> u32 {
        rs << 21 | 0x11
    }
    pub fn mtlo(rs: u32) -> u32 {
        rs << 21 | 0x13
    }
    pub fn mfhi(rd: u32) -> u32 {
        rd << 11 | 0x10
    }
    pub fn mflo(rd: u32) -> u32 {
        rd << 11 | 0x12
    }
    pub fn ctc1(rt: u32, fs: u32) -> u32 {
        0x11 << 26 | 6 << 21 | rt << 16 | fs << 11
    }
    pub fn cfc1(rt: u32, fs: u32) -> u32 {
        0x11 << 26 | 2 << 21 | rt << 16 | fs << 11
    }
    pub fn li(rt: u32, value: u32) -> [u32; 2] {
        [lui(rt, value >> 16), ori(rt, rt, value)]
    }
}

/// What is compared in one run.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub endian: Endian,
    pub fr: bool,
    /// FP exceptions may be enabled.
    pub fp_traps: bool,
    pub seed: u64,
    pub chunks: usize,
}

/// A random program.
pub struct Stream {
    pub config: Config,
    pub text: Vec<u32>,
    /// The memory from [`CELLS`] on, as words.
    pub data: Vec<u32>,
    /// Index in `text` of the first instruction of each chunk, and number of instructions.
    pub chunks: Vec<(usize, usize)>,
    pub out: u32,
}

impl Stream {
    pub fn generate(config: Config) -> Stream {
        let mut rng = Rng::with_seed(config.seed);
        let out = STATES + config.chunks as u32 * STATE_SIZE;
        let mut s = Stream {
            config,
            text: Vec::new(),
            data: vec![0; (out - CELLS) as usize / 4],
            chunks: Vec::new(),
            out,
        };
        // Entry is a jump over the subroutines; they are at fixed places so that chunks can name them.
        s.text.extend([0, asm::NOP]);
        let load = s.here();
        s.emit_load();
        let store = s.here();
        s.emit_store();
        let handler = s.here();
        s.emit_handler();
        s.text[0] = 2 << 26 | s.here() >> 2;
        s.emit_start();
        for _ in 0..config.chunks {
            s.call(load);
            let first = s.text.len();
            s.emit_chunk(&mut rng);
            s.chunks.push((first, s.text.len() - first));
            s.call(store);
        }
        s.emit_end();
        s.fill_data(&mut rng, handler);
        s
    }

    pub fn here(&self) -> u32 {
        TEXT + 4 * self.text.len() as u32
    }

    pub fn call(&mut self, target: u32) {
        self.text.extend(asm::li(K0, target));
        self.text.extend([asm::jalr(K1, K0), asm::NOP]);
    }

    pub fn fp_registers(&self) -> impl Iterator<Item = u32> + use<> {
        (0..32).step_by(if self.config.fr { 1 } else { 2 })
    }

    pub fn emit_load(&mut self) {
        self.text.push(asm::lui(K0, CELLS >> 16));
        self.text.push(asm::lw(K0, CELL_IN, K0));
        for n in self.fp_registers() {
            self.text.push(asm::ldc1(n, 4 * FPR as u32 + 8 * n, K0));
        }
        for (word, insn) in [
            (HI, asm::mthi(1)),
            (LO, asm::mtlo(1)),
            (FCSR, asm::ctc1(1, 31)),
        ] {
            self.text.extend([asm::lw(1, 4 * word as u32, K0), insn]);
        }
        self.text.push(asm::addiu(1, K0, STATE_SIZE));
        self.text.push(asm::lui(2, CELLS >> 16));
        self.text.push(asm::sw(1, CELL_IN, 2));
        for (word, r) in free_registers().enumerate() {
            self.text.push(asm::lw(r, 4 * word as u32, K0));
        }
        self.text.extend([asm::jr(K1), asm::NOP]);
    }

    pub fn emit_store(&mut self) {
        self.text.push(asm::lui(K0, CELLS >> 16));
        self.text.push(asm::lw(K0, CELL_OUT, K0));
        for (word, r) in free_registers().enumerate() {
            self.text.push(asm::sw(r, 4 * word as u32, K0));
        }
        for n in self.fp_registers() {
            self.text.push(asm::sdc1(n, 4 * FPR as u32 + 8 * n, K0));
        }
        for (word, insn) in [(HI, asm::mfhi(1)), (LO, asm::mflo(1))] {
            self.text.extend([insn, asm::sw(1, 4 * word as u32, K0)]);
        }
        // Cause is that of the last operation, which here is in another block: chunks read it themselves.
        self.text.push(asm::cfc1(1, 31));
        self.text.extend(asm::li(2, !0x3f000));
        self.text.push(asm::and(1, 1, 2));
        self.text.push(asm::sw(1, 4 * FCSR as u32, K0));
        self.text.push(asm::lui(2, CELLS >> 16));
        for (cell, word) in [(CELL_SIGNAL, SIGNAL), (CELL_COUNT, COUNT)] {
            self.text.push(asm::lw(1, cell, 2));
            self.text.push(asm::sw(1, 4 * word as u32, K0));
            self.text.push(asm::sw(0, cell, 2));
        }
        self.text.push(asm::addiu(1, K0, STATE_SIZE));
        self.text.push(asm::sw(1, CELL_OUT, 2));
        self.text.extend([asm::jr(K1), asm::NOP]);
    }

    /// `handler(a0 = signal, a1 = siginfo, a2 = ucontext)`
    pub fn emit_handler(&mut self) {
        // uc_mcontext.sc_pc (Linux asm/sigcontext.h, o32), its low word.
        let pc = if self.config.endian == Endian::Big {
            36
        } else {
            32
        };
        self.text.extend([
            asm::lui(K0, CELLS >> 16),
            asm::sw(4, CELL_SIGNAL, K0),
            asm::lw(K1, CELL_COUNT, K0),
            asm::addiu(K1, K1, 1),
            asm::sw(K1, CELL_COUNT, K0),
            asm::lw(K1, pc, 6),
            asm::addiu(K1, K1, 4),
            asm::sw(K1, pc, 6),
            asm::jr(31),
            asm::NOP,
        ]);
    }

    pub fn syscall(&mut self, number: u32, args: &[u32]) {
        for (n, arg) in args.iter().enumerate() {
            self.text.extend(asm::li(4 + n as u32, *arg));
        }
        self.text.extend(asm::li(2, number));
        self.text.push(asm::SYSCALL);
    }

    pub fn emit_start(&mut self) {
        self.syscall(4206, &[CELLS + SIGALTSTACK, 0]);
        for signal in SIGNALS {
            self.syscall(4194, &[signal, CELLS + SIGACTION, 0, 16]);
        }
        // prctl(PR_SET_FP_MODE, PR_FP_MODE_FR or not)
        self.syscall(4192, &[45, self.config.fr.into()]);
        self.text.extend(asm::li(SP, SCRATCH_MID));
        self.text.extend(asm::li(GP, SCRATCH_MID + 0x128));
        self.text.extend(asm::li(INDEX, 24));
    }

    pub fn emit_end(&mut self) {
        let states = self.config.chunks as u32 * STATE_SIZE;
        self.syscall(4004, &[1, self.out, states]);
        self.syscall(4004, &[1, SCRATCH, SCRATCH_SIZE]);
        self.syscall(4001, &[0]);
    }

    pub fn fill_data(&mut self, rng: &mut Rng, handler: u32) {
        let cell = |offset: u32| offset as usize / 4;
        self.data[cell(CELL_IN)] = STATES;
        self.data[cell(CELL_OUT)] = self.out;
        // SA_SIGINFO | SA_ONSTACK | SA_NODEFER
        self.data[cell(SIGACTION)] = 0x4800_0008;
        self.data[cell(SIGACTION) + 1] = handler;
        self.data[cell(SIGALTSTACK)] = ALTSTACK;
        self.data[cell(SIGALTSTACK) + 1] = ALTSTACK_SIZE;
        for n in 0..SCRATCH_SIZE as usize / 4 {
            self.data[cell(SCRATCH - CELLS) + n] = rng.u32(..);
        }
        for chunk in 0..self.config.chunks {
            let at = cell(STATES - CELLS) + chunk * WORDS;
            for n in 0..28 {
                self.data[at + n] = integer(rng);
            }
            self.data[at + FCSR] = self.fcsr(rng);
            for n in 0..32 {
                let bits = fp_bits(rng);
                let (first, second) = match self.config.endian {
                    Endian::Big => ((bits >> 32) as u32, bits as u32),
                    Endian::Little => (bits as u32, (bits >> 32) as u32),
                };
                self.data[at + FPR + 2 * n] = first;
                self.data[at + FPR + 2 * n + 1] = second;
            }
        }
    }

    /// Rounding modes and condition codes; few flags; exceptions enabled in streams for that. Not FS: see the list of differences.
    pub fn fcsr(&self, rng: &mut Rng) -> u32 {
        let enables = if self.config.fp_traps {
            rng.u32(..) & 0xe80
        } else {
            0
        };
        rng.u32(..) & 0xfe80_0003 | rng.u32(..) & rng.u32(..) & 0x7c | enables
    }

    pub fn bytes(&self, words: &[u32]) -> Vec<u8> {
        words
            .iter()
            .flat_map(|w| match self.config.endian {
                Endian::Big => w.to_be_bytes(),
                Endian::Little => w.to_le_bytes(),
            })
            .collect()
    }

    /// Bytes of memory from [`CELLS`] on, with room for the stored states.
    pub fn data_size(&self) -> u32 {
        self.out - CELLS + self.config.chunks as u32 * STATE_SIZE
    }

    /// The program as ELF: header, two segments.
    pub fn elf(&self) -> Vec<u8> {
        let (text, data) = (self.bytes(&self.text), self.bytes(&self.data));
        let half = |x: u16| match self.config.endian {
            Endian::Big => x.to_be_bytes(),
            Endian::Little => x.to_le_bytes(),
        };
        let offset = 0x1000u32;
        let data_offset = (offset + text.len() as u32).next_multiple_of(0x1000);
        let mut elf = vec![0x7f, b'E', b'L', b'F', 1];
        elf.push(if self.config.endian == Endian::Big {
            2
        } else {
            1
        });
        elf.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        elf.extend([half(2), half(8)].concat()); // ET_EXEC, EM_MIPS
        // Version, entry, program headers, section headers, flags: MIPS32 release 2, o32.
        elf.extend(self.bytes(&[1, TEXT, 52, 0, 0x7000_1001]));
        elf.extend([half(52), half(32), half(2), half(0), half(0), half(0)].concat());
        let text_len = text.len() as u32;
        elf.extend(self.bytes(&[1, offset, TEXT, TEXT, text_len, text_len, 5, 0x1000]));
        let data_len = data.len() as u32;
        elf.extend(self.bytes(&[
            1,
            data_offset,
            CELLS,
            CELLS,
            data_len,
            self.data_size(),
            6,
            0x1000,
        ]));
        elf.resize(offset as usize, 0);
        elf.extend(text);
        elf.resize(data_offset as usize, 0);
        elf.extend(data);
        elf
    }
}
