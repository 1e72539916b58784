//! Of System V IPC: the argument of `__semctl`, messages.

use crate::abi::{Kind, Show};
use crate::os::View;
use crate::os::freebsd::structs::SemidDs;

/// `union semun`, by the command: a value, or a pointer to what is known of the set or to its values.
pub fn semaphores(v: &dyn View, at: u64, returned: Option<u64>) -> Option<String> {
    const COMMAND: usize = 2;
    const IPC_SET: u64 = 1;
    const IPC_STAT: u64 = 2;
    const SETVAL: u64 = 8;
    const SEM_STAT: u64 = 10;
    const GETALL: u64 = 6;
    const SETALL: u64 = 9;
    let pointer = || v.int(at, Kind::Ulong);
    Some(match v.arg(COMMAND) {
        SETVAL => format!("{{val={}}}", v.int(at, Kind::I32)? as i32),
        IPC_SET => format!("{{buf={}}}", v.structure_at::<SemidDs>(pointer()?)?),
        IPC_STAT | SEM_STAT if returned.is_some() => {
            format!("{{buf={}}}", v.structure_at::<SemidDs>(pointer()?)?)
        }
        IPC_STAT | SEM_STAT => format!("{{buf={:#x}}}", pointer()?),
        // How many there are only the set knows.
        GETALL | SETALL => format!("{{array={:#x}}}", pointer()?),
        _ => return None,
    })
}

/// `struct msgbuf` with as many bytes as argument 2 says.
pub fn sent(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    message(v, at, v.arg(2))
}

/// Likewise, with as many as were received.
pub fn received(v: &dyn View, at: u64, returned: Option<u64>) -> Option<String> {
    message(v, at, returned?)
}

fn message(v: &dyn View, at: u64, len: u64) -> Option<String> {
    let kind = v.value(Kind::Long, Show::Dec, v.int(at, Kind::Long)?);
    let text = v.buffer(at + u64::from(v.abi().abi.word), len)?;
    Some(format!("{{mtype={kind}, mtext={text}}}"))
}
