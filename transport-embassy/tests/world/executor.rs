//! Runs tasks one after the other; when none can go on, the clock does.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::clock;

/// What no test needs.
const LONGEST_RUN: Duration = Duration::from_secs(300);

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    flag: Arc<Flag>,
}

#[derive(Default)]
pub(crate) struct Executor {
    tasks: Vec<Task>,
}

fn flag() -> Arc<Flag> {
    Arc::new(Flag(AtomicBool::new(true)))
}

impl Executor {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + 'static) {
        self.tasks.push(Task { future: Box::pin(task), flag: flag() });
    }

    /// Runs everything until `main` is done.
    pub(crate) fn run<T>(&mut self, main: impl Future<Output = T>) -> T {
        let (mut main, flag, start) = (pin!(main), flag(), Instant::now());
        let waker = Waker::from(Arc::clone(&flag));
        loop {
            let mut moved = false;
            if flag.0.swap(false, Ordering::Relaxed) {
                moved = true;
                if let Poll::Ready(value) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return value;
                }
            }
            self.tasks.retain_mut(|task| {
                if !task.flag.0.swap(false, Ordering::Relaxed) {
                    return true;
                }
                moved = true;
                let waker = Waker::from(Arc::clone(&task.flag));
                task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
            });
            assert!(moved || clock::advance(), "nothing will ever happen again");
            assert!(start.elapsed() < LONGEST_RUN, "stuck at {} ms of the world's time", clock::now_ms());
        }
    }
}
