//! Test cases, and the guest program that runs a batch of them and prints the resulting states.

use super::engines::{self, Kind, StopAt};
use super::guest::{AddressUse, Field, Guest};
use super::vectors::WINDOW;
use emu::abi::Endian;
use emu::cpu::Exit;
use emu::ir::{Block, BlockExit, BlockKey, CpuState, Interpreter, MemFault, Memory, OpCode, Trap};
use emu::isa::{CodeSource, FetchFault, Isa, Limits, translate_block};
use fastrand::Rng;
use std::sync::Arc;

/// Guest address of the program's code.
const CODE: u64 = 0x40_0000;
/// Guest address of the initial states.
const INPUT: u64 = 0x1000_0000;
/// Guest address of the memory windows and resulting states.
const OUTPUT: u64 = 0x2000_0000;
/// Initial values, instructions, and memory of one case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Row that each instruction was made from.
    pub rows: Vec<&'static str>,
    /// The instructions.
    pub words: Vec<u32>,
    /// Values of the layout's registers.
    pub registers: Vec<u128>,
    /// The memory window.
    pub memory: Vec<u8>,
}

/// What the instructions of a case so far mean for the initial value of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It can be anything.
    Free,
    /// An address depends on it.
    Fixed,
    /// An instruction may have written the register: its value is unknown.
    Written,
}

/// What a case left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Values of the layout's registers.
    pub registers: Vec<u128>,
    /// The memory window.
    pub memory: Vec<u8>,
}

/// Places of the parts of the program, from the number of cases and of words in each.
pub struct Plan<'a> {
    guest: &'a dyn Guest,
    layout: Vec<Field>,
    state_size: usize,
    load_words: usize,
    stride_words: usize,
}

impl<'a> Plan<'a> {
    /// The plan of a program whose cases have up to `words` instructions each.
    pub fn new(guest: &'a dyn Guest, words: usize) -> Self {
        let layout = guest.layout();
        let end = layout.iter().map(|f| f.offset + f.size).max().unwrap_or(0);
        let load_words = guest.load(INPUT).len();
        // Two words more: the last instruction may be a branch over the next, or have a delay slot.
        let stride_words = load_words + words + 2 + guest.save(OUTPUT).len();
        Plan {
            guest,
            layout,
            // Windows stay aligned for every access.
            state_size: end.next_multiple_of(64),
            load_words,
            stride_words,
        }
    }

    /// Address of the instructions of case `n`.
    pub fn code_address(&self, n: usize) -> u64 {
        CODE + 4 * (n * self.stride_words + self.load_words) as u64
    }

    /// Address of the memory window of case `n`.
    pub fn window(&self, n: usize) -> u64 {
        OUTPUT + (n * (WINDOW + self.state_size)) as u64
    }

    fn write_state(&self, registers: &[u128]) -> Vec<u8> {
        let mut bytes = vec![0; self.state_size];
        for (field, value) in self.layout.iter().zip(registers) {
            let out = &mut bytes[field.offset..][..field.size];
            out.copy_from_slice(&value.to_le_bytes()[..field.size]);
            if self.guest.isa().abi().endian == Endian::Big {
                out.reverse();
            }
        }
        bytes
    }

    fn read_state(&self, bytes: &[u8]) -> Vec<u128> {
        let read = |field: &Field| {
            let mut value = bytes[field.offset..][..field.size].to_vec();
            if self.guest.isa().abi().endian == Endian::Big {
                value.reverse();
            }
            value.resize(16, 0);
            u128::from_le_bytes(value.try_into().unwrap())
        };
        self.layout.iter().map(read).collect()
    }

    /// The program that runs `cases`.
    pub fn build(&self, cases: &[Case]) -> Image {
        let mut words = Vec::new();
        let (mut input, mut output) = (Vec::new(), Vec::new());
        for (n, case) in cases.iter().enumerate() {
            let window = self.window(n);
            words.extend(self.guest.load(INPUT + (n * self.state_size) as u64));
            words.extend(&case.words);
            let save = self.guest.save(window + WINDOW as u64);
            words.resize((n + 1) * self.stride_words - save.len(), self.guest.nop());
            words.extend(save);
            input.extend(self.write_state(&case.registers));
            output.extend(&case.memory);
            output.resize(output.len() + self.state_size, 0);
        }
        words.extend(self.guest.finish(OUTPUT, output.len() as u64));
        let big = self.guest.isa().abi().endian == Endian::Big;
        let bytes = |w: &u32| {
            if big {
                w.to_be_bytes()
            } else {
                w.to_le_bytes()
            }
        };
        Image {
            parts: vec![
                (CODE, words.iter().flat_map(bytes).collect()),
                (INPUT, input),
                (OUTPUT, output),
            ],
        }
    }

    /// The outcomes in what the program printed.
    pub fn outcomes(&self, printed: &[u8]) -> Vec<Outcome> {
        let size = WINDOW + self.state_size;
        printed
            .chunks_exact(size)
            .map(|bytes| Outcome {
                registers: self.read_state(&bytes[WINDOW..]),
                memory: bytes[..WINDOW].to_vec(),
            })
            .collect()
    }

    /// Sets the case's registers so that the accesses of `word`, its instruction `k`, stay inside the memory window of case `n`.
    /// Returns whether that was possible.
    pub fn aim(
        &self,
        case: &mut Case,
        n: usize,
        k: usize,
        uses: &mut [Use],
        rng: &mut Rng,
    ) -> bool {
        let word = case.words[k];
        let pc = self.code_address(n) + 4 * k as u64;
        let place = |index: usize| self.layout.iter().position(|f| f.register == index);
        let register = match self.guest.address_use(word) {
            AddressUse::No => return true,
            AddressUse::Jump(register) => {
                let Some(at) = place(register).filter(|&at| uses[at] == Use::Free) else {
                    return false;
                };
                uses[at] = Use::Fixed;
                case.registers[at] = (pc + 8).into();
                return true;
            }
            AddressUse::Memory(register) => register,
        };
        let (start, end) = (self.window(n), self.window(n) + WINDOW as u64);
        let inside = |probe: &Probe| match probe.range {
            Some((low, high)) => start <= low && low < high && high <= end,
            None => false,
        };
        let Some(at) = place(register) else {
            return false;
        };
        let sources: Vec<usize> = self
            .guest
            .address_registers(word)
            .into_iter()
            .filter_map(place)
            .collect();
        if uses[at] == Use::Written || sources.iter().any(|&s| uses[s] == Use::Written) {
            return false;
        }
        if uses[at] == Use::Free {
            let wide = !self.guest.isa().abi().is_32bit();
            let mask = if wide { u64::MAX } else { 0xffff_ffff };
            // First with an aligned address, to learn where the access goes; then moved into the window, aligned or not.
            const FAR: u64 = 0x5000_0000;
            case.registers[at] = FAR.into();
            let Some((low, high)) = self.probe(case, pc, word).range else {
                return false;
            };
            let room = (WINDOW as u64).saturating_sub(high.wrapping_sub(low));
            let moved = |target: u64| u128::from(FAR.wrapping_add(target).wrapping_sub(low) & mask);
            let align = self.guest.alignment(word);
            case.registers[at] = moved(start + (rng.u64(..=room) & !(align - 1)));
            if !inside(&self.probe(case, pc, word)) || rng.bool() {
                case.registers[at] = moved(start + (rng.u64(..=room) & !63));
            }
        }
        uses[at] = Use::Fixed;
        for source in sources {
            uses[source] = Use::Fixed;
        }
        inside(&self.probe(case, pc, word))
    }

    /// The outcome of the instructions of a case alone, which has the addresses of case `n`, on the interpreter.
    pub fn run_alone(&self, case: &Case, n: usize) -> Option<Outcome> {
        let isa = self.guest.isa();
        let mut cpu = self.state(case);
        let pc = self.code_address(n);
        let big = isa.abi().endian == Endian::Big;
        let bytes = |w: &u32| {
            if big {
                w.to_be_bytes()
            } else {
                w.to_le_bytes()
            }
        };
        let mut image = Image {
            parts: vec![
                (pc, case.words.iter().flat_map(bytes).collect()),
                (self.window(n), case.memory.clone()),
            ],
        };
        let end = pc + 4 * case.words.len() as u64;
        cpu.pc = pc;
        let mut block = Block::default();
        while cpu.pc != end {
            let key = BlockKey {
                pc: cpu.pc,
                mode: cpu.mode,
                instrumentation: 0,
            };
            translate_block(isa, &mut image, key, &ONE_INSN, &mut block);
            match Interpreter::default().run(&mut cpu, &block, &mut image, isa.helpers()) {
                BlockExit::Goto | BlockExit::Leave | BlockExit::InvalidateCode { .. } => {}
                _ => return None,
            }
        }
        isa.sync_registers(&mut cpu);
        let table = isa.registers().registers;
        Some(Outcome {
            registers: self
                .layout
                .iter()
                .map(|f| table[f.register].read(&cpu))
                .collect(),
            memory: image.parts.remove(1).1,
        })
    }

    /// The initial state of a case.
    fn state(&self, case: &Case) -> Box<CpuState> {
        let isa = self.guest.isa();
        let mut cpu = CpuState::new();
        isa.reset(&mut cpu);
        let table = isa.registers().registers;
        for (field, value) in self.layout.iter().zip(&case.registers) {
            table[field.register].write(&mut cpu, *value);
        }
        isa.sync_derived(&mut cpu);
        cpu
    }

    /// Whether the word is an instruction that is implemented (the decode tests hold the others against Capstone).
    pub fn is_allocated(&self, word: u32) -> bool {
        let mut code = Probe::new(self.guest, CODE, word);
        let mut block = Block::default();
        let isa = self.guest.isa();
        let mut cpu = CpuState::new();
        isa.reset(&mut cpu);
        let key = BlockKey {
            pc: CODE,
            mode: cpu.mode,
            instrumentation: 0,
        };
        translate_block(isa, &mut code, key, &ONE_INSN, &mut block);
        !block
            .ops
            .iter()
            .any(|op| op.code == OpCode::Raise && op.aux == Trap::IllegalInstruction as u16)
    }

    /// Executes one instruction to see where it accesses memory.
    fn probe(&self, case: &Case, pc: u64, word: u32) -> Probe {
        let isa = self.guest.isa();
        let mut cpu = self.state(case);
        cpu.pc = pc;
        // A store-exclusive is to get as far as its access.
        if let AddressUse::Memory(register) = self.guest.address_use(word) {
            cpu.excl_addr = isa.registers().registers[register].read(&cpu) as u64;
        }
        let mut probe = Probe::new(self.guest, pc, word);
        let key = BlockKey {
            pc,
            mode: cpu.mode,
            instrumentation: 0,
        };
        let mut block = Block::default();
        translate_block(isa, &mut probe, key, &ONE_INSN, &mut block);
        let exit = Interpreter::default().run(&mut cpu, &block, &mut probe, isa.helpers());
        if matches!(exit, BlockExit::Trap(..)) {
            probe.range = None;
        }
        probe
    }
}

/// A memory that has everything and notes what is accessed.
struct Probe {
    pc: u64,
    word: u32,
    nop: u32,
    big: bool,
    range: Option<(u64, u64)>,
}

/// One instruction, without breakpoints.
const ONE_INSN: Limits<'static> = Limits {
    max_insns: 1,
    is_breakpoint: &|_| false,
    watch: None,
};

impl Probe {
    fn new(guest: &dyn Guest, pc: u64, word: u32) -> Probe {
        Probe {
            pc,
            word,
            nop: guest.nop(),
            big: guest.isa().abi().endian == Endian::Big,
            range: None,
        }
    }

    fn note(&mut self, addr: u64, len: usize) {
        let end = addr.wrapping_add(len as u64);
        let (low, high) = self.range.unwrap_or((addr, end));
        self.range = Some((low.min(addr), high.max(end)));
    }
}

impl Memory for Probe {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> Result<(), MemFault> {
        self.note(addr, buf.len());
        buf.fill(0);
        Ok(())
    }

    fn write(&mut self, addr: u64, data: &[u8]) -> Result<(), MemFault> {
        self.note(addr, data.len());
        Ok(())
    }

    fn compare_exchange(
        &mut self,
        addr: u64,
        size: usize,
        expected: u128,
        _: u128,
    ) -> Result<u128, MemFault> {
        self.note(addr, size);
        Ok(expected)
    }

    fn fence(&mut self) {}
}

impl CodeSource for Probe {
    fn fetch32(&mut self, pc: u64) -> Result<u32, FetchFault> {
        let word = if pc == self.pc { self.word } else { self.nop };
        Ok(if self.big { word.swap_bytes() } else { word })
    }

    fn fetch16(&mut self, _: u64) -> Result<u16, FetchFault> {
        Err(FetchFault)
    }
}

/// A program's memory.
#[derive(Clone)]
pub struct Image {
    /// Address and content of each part.
    pub parts: Vec<(u64, Vec<u8>)>,
}

impl Image {
    /// The program as an ELF file of that machine.
    pub fn elf(&self, guest: &dyn Guest) -> Vec<u8> {
        let (abi, (machine, flags)) = (guest.isa().abi(), guest.elf());
        let (extra_type, extra) = guest.elf_segment().unwrap_or_default();
        let wide = !abi.is_32bit();
        let mut file = Vec::new();
        let mut put = |value: u64, size: usize| {
            let bytes = value.to_le_bytes();
            if abi.endian == Endian::Big {
                file.extend(bytes[..size].iter().rev());
            } else {
                file.extend(&bytes[..size]);
            }
        };
        let word = if wide { 8 } else { 4 };
        let (header, entry_size) = if wide { (64, 56) } else { (52, 32) };
        let ident = [0x7f, b'E', b'L', b'F', if wide { 2 } else { 1 }];
        for byte in ident {
            put(byte.into(), 1);
        }
        put(if abi.endian == Endian::Big { 2 } else { 1 }, 1);
        put(1, 1); // EV_CURRENT
        for _ in 0..9 {
            put(0, 1);
        }
        put(2, 2); // ET_EXEC
        put(machine.into(), 2);
        put(1, 4);
        put(self.parts[0].0, word);
        put(header, word); // e_phoff
        put(0, word); // e_shoff
        put(flags.into(), 4);
        put(header, 2);
        put(entry_size, 2);
        put(self.parts.len() as u64 + u64::from(extra_type != 0), 2);
        for _ in 0..3 {
            put(0, 2);
        }
        let mut offset = 0x1000;
        // The extra one lies between the headers and the first page of memory.
        let extra = (extra_type != 0).then_some((extra_type, 0x800, 0, &extra));
        let loads = self.parts.iter().map(|(addr, bytes)| {
            let at = offset;
            offset += (bytes.len() as u64).next_multiple_of(0x1000);
            (1, at, *addr, bytes) // PT_LOAD
        });
        for (kind, offset, addr, bytes) in extra.into_iter().chain(loads) {
            let len = bytes.len() as u64;
            put(kind.into(), 4);
            if wide {
                put(7, 4); // read, write, execute
            }
            for value in [offset, addr, addr, len, len] {
                put(value, word);
            }
            if !wide {
                put(7, 4);
            }
            put(0x1000, word);
        }
        if let Some((_, at, _, bytes)) = extra {
            file.resize(at as usize, 0);
            file.extend(bytes);
        }
        for (_, bytes) in &self.parts {
            file.resize(file.len().next_multiple_of(0x1000), 0);
            file.extend(bytes);
        }
        file
    }

    fn find(&mut self, addr: u64, len: usize) -> Option<&mut [u8]> {
        let (base, bytes) = self
            .parts
            .iter_mut()
            .find(|(base, bytes)| addr.wrapping_sub(*base) < bytes.len() as u64)?;
        bytes.get_mut((addr - *base) as usize..)?.get_mut(..len)
    }

    fn fault(addr: u64, write: bool) -> MemFault {
        MemFault {
            addr,
            write,
            code: 1,
            bus: false,
        }
    }

    /// Runs the program on an engine; returns what it would print, or where and how it ended before.
    pub fn run(&self, kind: Kind, isa: &'static dyn Isa) -> Result<Vec<u8>, (u64, Exit)> {
        let parts: Vec<_> = self
            .parts
            .iter()
            .map(|(addr, bytes)| (*addr, &bytes[..]))
            .collect();
        let space = engines::memory(isa, &parts);
        let mut engine = engines::engine(kind, isa, &space, Arc::new(StopAt::default()));
        let mut cpu = CpuState::new();
        isa.reset(&mut cpu);
        cpu.pc = self.parts[0].0;
        cpu.guest_base = space.base();
        match engine.run(&mut cpu) {
            // The first system call is the one that prints.
            Exit::Syscall(_) => {
                let (addr, bytes) = &self.parts[2];
                let mut printed = vec![0; bytes.len()];
                space.read(*addr, &mut printed).unwrap();
                Ok(printed)
            }
            other => Err((cpu.pc, other)),
        }
    }
}

impl Memory for Image {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> Result<(), MemFault> {
        let bytes = self.find(addr, buf.len()).ok_or(Self::fault(addr, false))?;
        buf.copy_from_slice(bytes);
        Ok(())
    }

    fn write(&mut self, addr: u64, data: &[u8]) -> Result<(), MemFault> {
        let bytes = self.find(addr, data.len()).ok_or(Self::fault(addr, true))?;
        bytes.copy_from_slice(data);
        Ok(())
    }

    fn compare_exchange(
        &mut self,
        addr: u64,
        size: usize,
        expected: u128,
        new: u128,
    ) -> Result<u128, MemFault> {
        let bytes = self.find(addr, size).ok_or(Self::fault(addr, true))?;
        let mut old = [0; 16];
        old[..size].copy_from_slice(bytes);
        let old = u128::from_le_bytes(old);
        if old == expected {
            bytes.copy_from_slice(&new.to_le_bytes()[..size]);
        }
        Ok(old)
    }

    fn fence(&mut self) {}
}

impl CodeSource for Image {
    fn fetch32(&mut self, pc: u64) -> Result<u32, FetchFault> {
        let mut bytes = [0; 4];
        self.read(pc, &mut bytes).map_err(|_| FetchFault)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn fetch16(&mut self, pc: u64) -> Result<u16, FetchFault> {
        let mut bytes = [0; 2];
        self.read(pc, &mut bytes).map_err(|_| FetchFault)?;
        Ok(u16::from_le_bytes(bytes))
    }
}
