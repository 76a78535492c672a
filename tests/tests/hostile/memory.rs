//! What is allocated: by the whole process, and by what a thread is told to watch.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;

struct Counting;

/// What is allocated and not freed yet, and the most that it was.
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    static WATCHED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        if WATCHING.get() {
            WATCHED.set(WATCHED.get() + 1);
        }
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Forgets the peak; what is allocated now.
pub(crate) fn begin() -> usize {
    let live = LIVE.load(Relaxed);
    PEAK.store(live, Relaxed);
    live
}

/// The most that was allocated since then.
pub(crate) fn peak() -> usize {
    PEAK.load(Relaxed)
}

/// Runs a future and counts what this thread allocates within its polls.
pub(crate) async fn watched<T>(future: impl Future<Output = T>) -> (T, usize) {
    let mut future = pin!(future);
    let mut allocated = 0;
    let result = std::future::poll_fn(|context| {
        let (polled, here) = watch(|| Pin::as_mut(&mut future).poll(context));
        allocated += here;
        polled
    })
    .await;
    (result, allocated)
}

/// Counts what this thread allocates while it calls.
pub(crate) fn watch<T>(call: impl FnOnce() -> Poll<T>) -> (Poll<T>, usize) {
    let before = WATCHED.get();
    WATCHING.set(true);
    let result = call();
    WATCHING.set(false);
    (result, WATCHED.get() - before)
}
