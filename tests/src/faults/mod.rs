//! A fault injector for byte streams: delays, boundaries, losses, changes, ends, resets and stalls, decided by a seed.
//!
//! [`Faulty`] wraps a transport of either kind, and [`Relay`] stands between two sockets. What they do is a [`Plan`],
//! whose `Debug` form is the expression that makes it again. What a link has passed on is remembered, so that a test can
//! ask whether a success is what came, with a [reader](reader::answers) of its own.

mod clock;
mod lane;
mod origin;
mod plan;
pub mod reader;
mod relay;
pub mod talk;
mod wrap;

pub use clock::{Pace, Virtual};
pub use lane::{Lane, Step};
pub use origin::{Asked, Origin, Reply};
pub use plan::{Direction, Fault, Marks, Mix, Plan, Random};
pub use relay::Relay;
pub use wrap::{Faulty, FaultyLink, Passed};
