//! Tasks that wait for something which several may wait for.

use core::cell::Cell;
use core::task::Waker;

/// Who waits for a session. Of more than there is room for, one more wakes the first, which comes back.
pub(crate) struct Waiting<const N: usize>([Cell<Option<Waker>>; N]);

impl<const N: usize> Waiting<N> {
    pub(crate) fn new() -> Self {
        Self(core::array::from_fn(|_| Cell::new(None)))
    }

    pub(crate) fn register(&self, waker: &Waker) {
        register_in_one(self.0.iter(), waker);
    }

    pub(crate) fn wake(&self) {
        self.0.iter().for_each(wake);
    }
}

/// Puts the waker into one of the cells: where it is already, or a free one, or in the place of another, which is woken.
/// Whether there was any cell.
pub(crate) fn register_in_one<'c>(mut cells: impl Iterator<Item = &'c Cell<Option<Waker>>>, waker: &Waker) -> bool {
    let Some(first) = cells.next() else { return false };
    let mut free = first;
    for cell in core::iter::once(first).chain(cells) {
        match cell.take() {
            Some(known) => {
                let is_known = known.will_wake(waker);
                cell.set(Some(known));
                if is_known {
                    return true;
                }
            }
            None => free = cell,
        }
    }
    wake(free);
    free.set(Some(waker.clone()));
    true
}

pub(crate) fn wake(cell: &Cell<Option<Waker>>) {
    if let Some(waker) = cell.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctx_08_whoever_waits_for_a_session_is_woken() {
        struct Count(std::sync::atomic::AtomicUsize);
        impl std::task::Wake for Count {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let counts: Vec<_> = (0..3).map(|_| std::sync::Arc::new(Count(0.into()))).collect();
        let count = || counts.iter().map(|count| count.0.load(std::sync::atomic::Ordering::Relaxed));
        let waiting = Waiting::<2>::new();
        let register = |at: usize| waiting.register(&Waker::from(counts[at].clone()));
        [0, 1, 0].into_iter().for_each(register);
        assert!(count().eq([0, 0, 0]));
        register(2);
        assert_eq!(count().sum::<usize>(), 1, "there was no room for one");
        waiting.wake();
        assert!(count().eq([1, 1, 1]));
        waiting.wake();
        assert_eq!(count().sum::<usize>(), 3);
    }
}
