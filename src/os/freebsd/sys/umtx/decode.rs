//! The arguments of `_umtx_op` as traces show them: the objects with what is in them, and what else means something else in each
//! operation (`sys/_umtx.h`, `_umtx_op(2)`).

use super::*;
use crate::abi::FlagTable;

/// The object. Of an operation that may wait it is shown before the wait, as what a trace that stands still is looked at for.
pub(super) fn object(op: u64) -> ArgType {
    let decode: Decoder = match op {
        WAIT => |v: &dyn View, at, _| word(v, at, Kind::Ulong),
        WAIT_UINT | WAIT_UINT_PRIVATE => |v: &dyn View, at, _| word(v, at, Kind::U32),
        MUTEX_TRYLOCK | MUTEX_LOCK | MUTEX_UNLOCK | MUTEX_WAIT | MUTEX_WAKE | MUTEX_WAKE2
        | SET_CEILING => mutex,
        CV_WAIT | CV_SIGNAL | CV_BROADCAST => condition,
        RW_RDLOCK | RW_WRLOCK | RW_UNLOCK => lock_of_readers,
        SEM_WAIT | SEM_WAKE => old_semaphore,
        SEM2_WAIT | SEM2_WAKE => semaphore,
        NWAKE_PRIVATE => return ArgType::Ints(Dir::In, Kind::Ulong, Show::Addr, Len::Arg(2)),
        _ => return ADDR,
    };
    let waits = [
        WAIT,
        WAIT_UINT,
        WAIT_UINT_PRIVATE,
        MUTEX_LOCK,
        MUTEX_WAIT,
        SET_CEILING,
        CV_WAIT,
        RW_RDLOCK,
        RW_WRLOCK,
        SEM_WAIT,
        SEM2_WAIT,
    ];
    match waits.contains(&op) {
        true => ArgType::Decoded(Dir::In, decode),
        false => ArgType::Decoded(Dir::InOut, decode),
    }
}

/// The value.
pub(super) fn value(op: u64) -> ArgType {
    const WORDS: [u64; 3] = [WAIT, WAIT_UINT, WAIT_UINT_PRIVATE];
    match op {
        op if WORDS.contains(&op) => BITS,
        CV_WAIT => flags(&f::CVWAIT),
        RW_RDLOCK => flags(&f::URWLOCK),
        MUTEX_WAKE2 => flags(&f::UMUTEX),
        SHM => flags(&f::UMTX_SHM),
        SET_MIN_TIMEOUT => LONG,
        _ => ULONG,
    }
}

/// The first address: with a timeout in the second one, its size.
pub(super) fn first(op: u64) -> ArgType {
    match op {
        CV_WAIT => ArgType::Decoded(Dir::In, mutex),
        SET_CEILING => ints_of(Dir::Out, Kind::U32, Show::Dec, 1),
        GET_MIN_TIMEOUT => ints_of(Dir::Out, Kind::Long, Show::Dec, 1),
        ROBUST_LISTS => ArgType::Decoded(Dir::In, robust_lists),
        _ => BITS,
    }
}

fn word(v: &dyn View, at: u64, kind: Kind) -> Option<String> {
    Some(format!("{at:#x}:[{:#x}]", v.int(at, kind)?))
}

/// The words of 32 bits that an object begins with.
fn words<const N: usize>(v: &dyn View, at: u64) -> Option<[u32; N]> {
    let mut all = [0; N];
    for (n, word) in all.iter_mut().enumerate() {
        *word = v.int(at + 4 * n as u64, Kind::U32)? as u32;
    }
    Some(all)
}

fn named(v: &dyn View, table: &'static FlagTable, flags: u32) -> String {
    v.value(Kind::U32, Show::Flags(table), flags.into())
}

/// `struct umutex`
fn mutex(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    const CONTESTED: u32 = 0x8000_0000;
    const OWNERDEAD: u32 = CONTESTED | 0x10;
    const NOTRECOV: u32 = CONTESTED | 0x11;
    let [owner, flags, ceilings @ ..] = words::<4>(v, at)?;
    let owner = match owner {
        0 => "UMUTEX_UNOWNED".to_owned(),
        CONTESTED => "UMUTEX_CONTESTED".to_owned(),
        OWNERDEAD => "UMUTEX_RB_OWNERDEAD".to_owned(),
        NOTRECOV => "UMUTEX_RB_NOTRECOV".to_owned(),
        tid if tid & CONTESTED != 0 => format!("{}|UMUTEX_CONTESTED", tid & !CONTESTED),
        tid => tid.to_string(),
    };
    let flags = named(v, &f::UMUTEX, flags);
    let [own, inherited] = ceilings;
    Some(format!(
        "{at:#x}:{{m_owner={owner}, m_flags={flags}, m_ceilings=[{own}, {inherited}]}}"
    ))
}

/// `struct ucond`
fn condition(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    let [waiters, flags, clock] = words::<3>(v, at)?;
    let (flags, clock) = (named(v, &f::USYNC, flags), named(v, &f::CLOCK, clock));
    Some(format!(
        "{at:#x}:{{c_has_waiters={waiters}, c_flags={flags}, c_clockid={clock}}}"
    ))
}

/// `struct urwlock`
fn lock_of_readers(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    const WAITERS: [(u32, &str); 3] = [
        (0x8000_0000, "URWLOCK_WRITE_OWNER"),
        (0x4000_0000, "URWLOCK_WRITE_WAITERS"),
        (0x2000_0000, "URWLOCK_READ_WAITERS"),
    ];
    let [state, flags, readers, writers] = words::<4>(v, at)?;
    let count = state & 0x1fff_ffff;
    let names = WAITERS.iter().filter(|(bit, _)| state & bit != 0);
    let mut state: Vec<String> = names.map(|(_, name)| (*name).to_owned()).collect();
    if count != 0 || state.is_empty() {
        state.push(count.to_string());
    }
    Some(format!(
        "{at:#x}:{{rw_state={}, rw_flags={}, rw_blocked_readers={readers}, rw_blocked_writers={writers}}}",
        state.join("|"),
        named(v, &f::URWLOCK, flags)
    ))
}

/// `struct _usem`
fn old_semaphore(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    let [waiters, count, flags] = words::<3>(v, at)?;
    let flags = named(v, &f::USYNC, flags);
    Some(format!(
        "{at:#x}:{{_has_waiters={waiters}, _count={count}, _flags={flags}}}"
    ))
}

/// `struct _usem2`
fn semaphore(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    const HAS_WAITERS: u32 = 0x8000_0000;
    let [count, flags] = words::<2>(v, at)?;
    let waiters = match count & HAS_WAITERS {
        0 => "",
        _ => "USEM_HAS_WAITERS|",
    };
    let (count, flags) = (count & !HAS_WAITERS, named(v, &f::USYNC, flags));
    Some(format!(
        "{at:#x}:{{_count={waiters}{count}, _flags={flags}}}"
    ))
}

/// `struct umtx_robust_lists_params`, as long as the value says.
fn robust_lists(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    const NAMES: [&str; 3] = [
        "robust_list_offset",
        "robust_priv_list_offset",
        "robust_inact_offset",
    ];
    let word = u64::from(v.abi().abi.word);
    let fields = NAMES.iter().zip(0..v.arg(2) / word);
    let shown = fields.map(|(name, n)| {
        let value = v.int(at + n * word, Kind::Ulong)?;
        Some(format!(
            "{name}={}",
            v.value(Kind::Ulong, Show::Addr, value)
        ))
    });
    Some(format!(
        "{{{}}}",
        shown.collect::<Option<Vec<_>>>()?.join(", ")
    ))
}
