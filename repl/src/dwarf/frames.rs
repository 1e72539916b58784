//! Call frame information: how the caller's registers are found.

use super::Bytes;
use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, FrameDescriptionEntry, Register,
    RegisterRule, UnwindContext, UnwindSection,
};

/// Frame descriptions of a module at most.
const MAX_ENTRIES: usize = 5_000_000;

/// How a value of the caller is found; offsets are from the frame's address (CFA).
#[derive(Clone, Debug)]
pub enum Rule {
    /// It is lost.
    Undefined,
    /// The register has not been changed.
    Same,
    /// In memory there.
    At(i64),
    /// It is that address.
    Is(i64),
    /// In this other register (DWARF number).
    In(u16),
    /// In memory where the expression says.
    AtExpression(gimli::Expression<Bytes>),
    /// What the expression says.
    IsExpression(gimli::Expression<Bytes>),
}

/// How the frame's address is found.
#[derive(Clone, Debug)]
pub enum Cfa {
    /// A register (DWARF number) and an offset.
    Register(u16, i64),
    /// What the expression says.
    Expression(gimli::Expression<Bytes>),
}

/// The rules at one address.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The frame's address.
    pub cfa: Cfa,
    /// Rules of registers by DWARF number; those that are not listed have not been changed.
    pub registers: Vec<(u16, Rule)>,
    /// DWARF number of the register that holds where to return to.
    pub return_address: u16,
    /// The frame is a signal handler's: the caller is at the address itself, not behind a call.
    pub signal: bool,
    /// For the expressions.
    pub encoding: gimli::Encoding,
    /// Register numbers are those of `.eh_frame`.
    pub eh: bool,
}

enum Entry {
    Eh(FrameDescriptionEntry<Bytes>),
    Debug(FrameDescriptionEntry<Bytes>),
}

impl Entry {
    fn range(&self) -> (u64, u64) {
        let (Entry::Eh(f) | Entry::Debug(f)) = self;
        (f.initial_address(), f.end_address())
    }
}

/// The call frame information of a module.
pub struct Cfi {
    eh: EhFrame<Bytes>,
    debug: DebugFrame<Bytes>,
    bases: BaseAddresses,
    /// By first address.
    entries: Vec<Entry>,
}

impl Cfi {
    pub(super) fn build(
        (eh_addr, eh): (u64, Bytes),
        debug: Bytes,
        text: u64,
        address_size: u8,
    ) -> Cfi {
        let mut eh = EhFrame::from(eh);
        eh.set_address_size(address_size);
        let mut debug = DebugFrame::from(debug);
        debug.set_address_size(address_size);
        // Only AArch64 has vendor instructions among the guests.
        eh.set_vendor(gimli::Vendor::AArch64);
        debug.set_vendor(gimli::Vendor::AArch64);
        let bases = BaseAddresses::default()
            .set_eh_frame(eh_addr)
            .set_text(text);
        let mut entries = Vec::new();
        entries.extend(all(&debug, &bases).into_iter().map(Entry::Debug));
        entries.extend(all(&eh, &bases).into_iter().map(Entry::Eh));
        entries.retain(|e| e.range().0 < e.range().1 && e.range().0 != 0);
        entries.sort_by_key(Entry::range);
        Cfi {
            eh,
            debug,
            bases,
            entries,
        }
    }

    /// The rules for code at an address of the file.
    pub fn rules(&self, addr: u64) -> Option<Rules> {
        let end = self.entries.partition_point(|e| e.range().0 <= addr);
        let near = self.entries[..end].iter().rev().take(8);
        let entry = near.into_iter().find(|e| addr < e.range().1)?;
        match entry {
            Entry::Eh(fde) => rules(&self.eh, &self.bases, fde, addr, true),
            Entry::Debug(fde) => rules(&self.debug, &self.bases, fde, addr, false),
        }
    }
}

fn all<S: UnwindSection<Bytes>>(
    section: &S,
    bases: &BaseAddresses,
) -> Vec<FrameDescriptionEntry<Bytes>>
where
    S::Offset: gimli::UnwindOffset<usize>,
{
    let mut found = Vec::new();
    let mut entries = section.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        if let CieOrFde::Fde(partial) = entry
            && let Ok(fde) = partial.parse(S::cie_from_offset)
        {
            found.push(fde);
        }
        if found.len() == MAX_ENTRIES {
            break;
        }
    }
    found
}

fn rules<S: UnwindSection<Bytes>>(
    section: &S,
    bases: &BaseAddresses,
    fde: &FrameDescriptionEntry<Bytes>,
    addr: u64,
    eh: bool,
) -> Option<Rules> {
    let mut context = UnwindContext::new();
    let row = fde
        .unwind_info_for_address(section, bases, &mut context, addr)
        .ok()?;
    let cfa = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => Cfa::Register(register.0, *offset),
        CfaRule::Expression(e) => Cfa::Expression(e.get(section).ok()?),
    };
    let mut registers = Vec::new();
    for (register, rule) in row.registers() {
        let Register(number) = *register;
        let rule = match rule {
            RegisterRule::Undefined => Rule::Undefined,
            RegisterRule::SameValue => Rule::Same,
            RegisterRule::Offset(n) => Rule::At(*n),
            RegisterRule::ValOffset(n) => Rule::Is(*n),
            RegisterRule::Register(r) => Rule::In(r.0),
            RegisterRule::Expression(e) => Rule::AtExpression(e.get(section).ok()?),
            RegisterRule::ValExpression(e) => Rule::IsExpression(e.get(section).ok()?),
            _ => continue,
        };
        registers.push((number, rule));
    }
    Some(Rules {
        cfa,
        registers,
        return_address: fde.cie().return_address_register().0,
        signal: fde.is_signal_trampoline(),
        encoding: fde.cie().encoding(),
        eh,
    })
}
