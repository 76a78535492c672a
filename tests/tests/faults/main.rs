//! Whatever happens to the bytes on their way, a success is only ever reported with exactly the bytes that the server
//! sent, and a message only with those of a message: over both drive loops in memory, over real sockets, and on a board.
//!
//! A failing run prints its plan. `MINIWIRE_SEED=n` runs the seeds from `n` on, so that it comes first, and
//! `MINIWIRE_SEEDS=n` so many of them.

mod board;
mod memory;
mod offsets;
mod places;
mod sockets;
mod talks;
#[path = "../../../transport-embassy/tests/world/mod.rs"]
mod world;

/// The seeds of a test, `count` of them unless the environment says otherwise.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let first = number("MINIWIRE_SEED").unwrap_or(0);
    first..first + number("MINIWIRE_SEEDS").unwrap_or(count)
}

/// Says what was under way, should it panic.
struct Telling<T: std::fmt::Debug>(T);

impl<T: std::fmt::Debug> Drop for Telling<T> {
    #[expect(clippy::print_stderr)]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("under way: {:?}", self.0);
        }
    }
}
