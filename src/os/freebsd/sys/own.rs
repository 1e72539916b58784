//! What is kept for a process, where another that shares its memory (the child of a vfork, of rfork with RFMEM) has its own; bytes of
//! it as text, for the program that the process executes next.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use crate::os::Call;

/// The value of a process, and those of others that share its memory by process id.
#[derive(Default)]
pub struct Own<T> {
    /// Whether there is anything to look at.
    used: AtomicBool,
    all: Mutex<All<T>>,
}

#[derive(Default)]
struct All<T> {
    own: T,
    vforked: HashMap<i32, T>,
}

impl<T: Clone + Default> Own<T> {
    fn all<R>(&self, action: impl FnOnce(&mut All<T>) -> R) -> R {
        action(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it may differ from the default.
    pub(super) fn is_used(&self) -> bool {
        self.used.load(SeqCst)
    }

    /// Looks at or changes the calling process's. `vforked`: it has its own, but not its own memory.
    pub(super) fn with<R>(&self, vforked: bool, action: impl FnOnce(&mut T) -> R) -> R {
        self.used.store(true, SeqCst);
        self.all(|all| match vforked {
            false => action(&mut all.own),
            true => {
                let parents = &all.own;
                let child = all.vforked.entry(crate::host::pid());
                action(child.or_insert_with(|| parents.clone()))
            }
        })
    }

    /// As [`Own::with`] for what is kept of descriptors, if there is anything to look at.
    pub(super) fn if_used<R>(
        &self,
        call: &Call<'_>,
        action: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        self.is_used()
            .then(|| self.with(call.thread.handle.has_own_files(), action))
    }
}

/// What becomes of something kept as processes come and go, whatever it is.
pub(super) trait PerProcess {
    /// In a process that shares the memory of `parent`, or of the one whose memory `parent` shares: it begins with a copy.
    fn split(&self, parent: i32);

    /// A process that shared the memory has ended or executed a program.
    fn vfork_done(&self, child: i32);

    /// This is the child of a fork: it has what its parent had, which may have been the child of a vfork.
    fn forked(&self, parent: i32);

    /// Nothing is kept for the calling process any more. `vforked`: as for [`Own::with`].
    fn clear(&self, vforked: bool);
}

impl<T: Clone + Default> PerProcess for Own<T> {
    fn split(&self, parent: i32) {
        if self.is_used() {
            self.all(|all| {
                let copy = all.vforked.get(&parent).unwrap_or(&all.own).clone();
                all.vforked.insert(crate::host::pid(), copy);
            });
        }
    }

    fn vfork_done(&self, child: i32) {
        if self.is_used() {
            self.all(|all| all.vforked.remove(&child));
        }
    }

    fn forked(&self, parent: i32) {
        if self.is_used() {
            self.all(|all| {
                if let Some(own) = all.vforked.remove(&parent) {
                    all.own = own;
                }
                all.vforked.clear();
            });
        }
    }

    fn clear(&self, vforked: bool) {
        self.with(vforked, |kept| *kept = T::default());
    }
}

/// What is kept of descriptors goes where they go.
impl<T: Clone> Own<HashMap<i32, T>> {
    /// `new` is another descriptor of what `old` is, or was made from it.
    pub(super) fn copied(&self, call: &Call<'_>, old: i32, new: i32) {
        self.if_used(call, |all| match all.get(&old).cloned() {
            Some(kept) => all.insert(new, kept),
            None => all.remove(&new),
        });
    }

    /// Descriptors from `first` to `last` have been closed.
    pub(super) fn closed(&self, call: &Call<'_>, first: i32, last: i32) {
        self.if_used(call, |all| all.retain(|fd, _| !(first..=last).contains(fd)));
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What [`hex`] has written; `None` for anything else.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = pairs.iter().map(|pair| byte(pair)).collect();
    if rest.is_empty() { bytes } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_through_text() {
        assert_eq!(unhex(&hex(b"a|\0\xff")), Some(b"a|\0\xff".to_vec()));
        assert_eq!(unhex(""), Some(Vec::new()));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
    }

    #[test]
    fn the_child_of_a_vfork_has_its_own() {
        let own = Own::<Vec<i32>>::default();
        assert!(!own.is_used());
        own.with(false, |v| v.push(1));
        own.with(true, |v| v.push(2));
        assert_eq!(own.with(true, |v| v.clone()), [1, 2]);
        assert_eq!(own.with(false, |v| v.clone()), [1]);
        // Here the child has the number of its parent: it forks, and this is the new child.
        own.forked(crate::host::pid());
        assert_eq!(own.with(false, |v| v.clone()), [1, 2]);
        own.with(true, |v| v.push(3));
        own.vfork_done(crate::host::pid());
        assert_eq!(own.with(true, |v| v.clone()), [1, 2]);
    }
}
