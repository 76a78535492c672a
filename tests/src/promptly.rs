//! Whether something ends in time, on a machine that may be busy.
//!
//! Also a module of the std transport's own tests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How late a call may be.
const LATE: Duration = Duration::from_millis(50);

/// How often the machine's own lateness is allowed: a call goes through the hands of some threads, its own and its peer's.
const HANDS: u32 = 10;

/// Runs `call`, which must end no earlier than `ms` milliseconds from its start, and less than 50 ms later.
///
/// A busy machine makes anything late. So a thread that does nothing but sleep runs beside the call; ten times what that
/// one was late is allowed in addition (on an idle machine, a millisecond or two), and the best of seven attempts counts.
#[track_caller]
pub fn promptly(ms: u64, mut call: impl FnMut()) {
    let due = Duration::from_millis(ms);
    let mut late = Vec::new();
    for _ in 0..7 {
        let (took, machine) = beside_a_sleeper(&mut call);
        // One millisecond for the rounding of the core's clock.
        assert!(took + Duration::from_millis(1) >= due, "too early, after {took:?}");
        if took <= due + LATE + machine * HANDS {
            return;
        }
        late.push((took, machine));
    }
    panic!("always too late, due after {due:?}: {late:?}, the machine's own lateness last");
}

/// How long the call took, and how late another thread was at most meanwhile.
fn beside_a_sleeper(call: &mut impl FnMut()) -> (Duration, Duration) {
    const NAP: Duration = Duration::from_millis(1);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let mut latest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let start = Instant::now();
                thread::sleep(NAP);
                latest = latest.max(start.elapsed().saturating_sub(NAP));
            }
            latest
        });
        // Also where the call panics, or the sleeper would never end.
        let ended = Ended(&over);
        let start = Instant::now();
        call();
        let took = start.elapsed();
        drop(ended);
        (took, sleeper.join().unwrap_or_default())
    })
}

struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
