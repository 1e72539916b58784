//! A value that one thread owns and lends to others while it waits.

use crate::ir::CpuState;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};

struct Shared<T: ?Sized> {
    /// True while the owner lends the value; the mutex is held by whoever borrows it.
    lent: Mutex<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by the owner, of which there is one, or by a borrower that holds `lent` and found it true; the
// owner gives up its access for as long as it is true (`Owner::lend` has it exclusively borrowed).
unsafe impl<T: Send + ?Sized> Sync for Shared<T> {}
// SAFETY: as for Sync.
unsafe impl<T: Send + ?Sized> Send for Shared<T> {}

/// The owning side: the thread that works with the value, without a lock.
pub struct Owner<T: ?Sized>(Arc<Shared<T>>);

/// The other side: may look in while the owner lends.
pub struct Borrower<T: ?Sized>(Arc<Shared<T>>);

/// Makes the two sides.
pub fn handover<T>(value: T) -> (Owner<T>, Borrower<T>) {
    let shared = Arc::new(Shared {
        lent: Mutex::new(false),
        value: UnsafeCell::new(value),
    });
    (Owner(shared.clone()), Borrower(shared))
}

impl<T: ?Sized> Owner<T> {
    /// Lends the value while `wait` runs, then waits for a borrower that is still at it.
    pub fn lend<R>(&mut self, wait: impl FnOnce() -> R) -> R {
        *self.0.lent.lock().unwrap_or_else(PoisonError::into_inner) = true;
        let result = wait();
        *self.0.lent.lock().unwrap_or_else(PoisonError::into_inner) = false;
        result
    }
}

impl<T: ?Sized> Deref for Owner<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: not lent, since lending needs `&mut self`; borrowers keep out.
        unsafe { &*self.0.value.get() }
    }
}

impl<T: ?Sized> DerefMut for Owner<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and `&mut self` makes this the only reference of the owner.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T: ?Sized> Borrower<T> {
    /// Runs `f` on the value if the owner lends it at this time; the owner cannot go on before `f` ends.
    pub fn borrow<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        let lent = self.0.lent.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: lent, and no other borrower holds the mutex.
        lent.then(|| f(unsafe { &mut *self.0.value.get() }))
    }
}

// SAFETY: its one pointer is the engine's, which sets it in the thread that runs and uses it nowhere else.
unsafe impl Send for CpuState {}

impl Borrower<CpuState> {
    /// The guest's PC as far as the state has it, for the report of an internal error: whatever the owner is doing.
    pub(super) fn pc_hint(&self) -> u64 {
        // SAFETY: alive as long as `self`; a plain word that is read as it is, and only by the owner's own thread.
        unsafe { (&raw const (*self.0.value.get()).pc).read_volatile() }
    }

    /// Runs `f` on the state, whatever the owner is doing. Only in a copy of the process that was made for its last words
    /// ([`super::in_copy`]): no other thread exists there, and the caller never goes back to what it was doing.
    pub fn peek_in_copy(&self, f: impl FnOnce(&mut CpuState)) {
        // SAFETY: alive as long as `self`. The owners are gone, or are the calling thread itself, which does not come back to
        // the reference that it may have on its stack.
        f(unsafe { &mut *self.0.value.get() });
    }

    /// The one field that other threads may set at any time.
    pub fn pending(&self) -> &AtomicU32 {
        // SAFETY: atomic, and alive as long as `self`; no reference to the rest of the state is made.
        unsafe { &(*self.0.value.get()).pending }
    }
}

impl<T: ?Sized> Clone for Borrower<T> {
    fn clone(&self) -> Self {
        Borrower(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrowed_only_while_lent() {
        let (mut owner, borrower) = handover(1);
        assert_eq!(borrower.borrow(|v| *v), None);
        let inside = owner.lend(|| {
            borrower.borrow(|v| {
                *v += 1;
                *v
            })
        });
        assert_eq!(inside, Some(2));
        assert_eq!(*owner, 2);
        assert_eq!(borrower.borrow(|v| *v), None);
    }
}
