//! What the child of a fork gets of its parent's memory (`minherit(2)`), where it is not what it gets otherwise: what is shared is
//! shared, what is private is copied. The child puts it right before it runs.

use super::ranges::Ranges;
use super::{limit, maximum, pages};
use crate::abi::{Errno, SysResult};
use crate::mem::{Mapping, Place};
use crate::os::Call;
use crate::os::freebsd::of_process;

/// What a child gets of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    Copy,
    Nothing,
    Zeros,
}

/// The ranges for which it has been said.
#[derive(Default)]
pub struct Inherited(Ranges<Share>);

impl Inherited {
    /// Something has been mapped in a range, or nothing is there any more.
    pub(super) fn forget(&self, start: u64, len: u64) {
        self.0.set(start..start.saturating_add(len), None);
    }
}

pub(super) fn inherit(call: &mut Call<'_>) -> SysResult {
    // sys/mman.h
    const INHERIT_SHARE: i32 = 0;
    const INHERIT_COPY: i32 = 1;
    const INHERIT_NONE: i32 = 2;
    const INHERIT_ZERO: i32 = 3;
    let share = match call.int(2) {
        INHERIT_SHARE => None,
        INHERIT_COPY => Some(Share::Copy),
        INHERIT_NONE => Some(Share::Nothing),
        INHERIT_ZERO => Some(Share::Zeros),
        _ => return Err(Errno::EINVAL),
    };
    let (start, len) = pages(call)?;
    let range = start..start.saturating_add(len);
    let regions = call.mem().regions();
    let mut inside = regions
        .iter()
        .filter(|r| r.start < range.end && range.start < r.end);
    if share.is_none() && inside.any(|r| !r.shared) {
        call.unimplemented("INHERIT_SHARE of private memory");
        return Err(Errno::EINVAL);
    }
    let process = call.thread.process.clone();
    if let Some(os) = of_process(&process) {
        os.inherited.0.set(range, share);
    }
    Ok(0)
}

/// In the child of a fork.
pub(in crate::os::freebsd::sys) fn forked(call: &Call<'_>) {
    let process = call.thread.process.clone();
    let Some(os) = of_process(&process) else {
        return;
    };
    for (range, share) in os.inherited.0.within(&(0..u64::MAX)) {
        for region in call.mem().regions() {
            let part = range.start.max(region.start)..range.end.min(region.end);
            let len = part.end.saturating_sub(part.start);
            if len == 0 || share == Share::Copy && !region.shared {
                continue;
            }
            // What cannot be replaced for want of memory is not there, rather than another's.
            let fresh = Mapping::anonymous(Place::Fixed(part.start), len, region.prot);
            let replaced = match share {
                Share::Nothing => Err(Errno::ENOMEM),
                Share::Zeros => call.mem().map(&fresh).map(drop),
                Share::Copy => {
                    let mut bytes = vec![0; len as usize];
                    let read = call.mem().read_forced(part.start, &mut bytes);
                    let made = read
                        .map_err(Errno::from)
                        .and_then(|()| call.mem().map(&fresh));
                    made.and_then(|at| Ok(call.mem().write_forced(at, &bytes)?))
                }
            };
            if replaced.is_err() {
                let _ = call.mem().unmap(part.start, len);
                limit(call, part.start, len, maximum::ALL);
            }
        }
    }
}
