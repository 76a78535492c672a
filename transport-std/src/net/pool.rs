//! Links kept for later calls (REQ-16).
//!
//! There is no thread behind this: links grow old when the pool is used. Each link is looked at before it is used: bytes
//! that the server sent while nothing was asked of it must not pass for the next answer (RFC 9112 section 9.2), and a
//! link that it has closed need not be tried.

use std::sync::Mutex;

use miniwire_core::drive::{Link, Route};
use miniwire_core::time::Instant;

use super::interrupt::lock;
use super::link::NetLink;

/// How many links are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolLimits {
    /// Links in all; 0 keeps none.
    pub(crate) total: usize,
    /// Links per route.
    pub(crate) per_route: usize,
    /// How long a link may be idle, in milliseconds.
    pub(crate) idle_ms: u64,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { total: 16, per_route: 4, idle_ms: 60_000 }
    }
}

/// The kept links of one client.
pub(crate) struct Pool {
    limits: PoolLimits,
    // In the order in which they were put in: the oldest first.
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    link: NetLink,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(limits: PoolLimits) -> Self {
        Self { limits, kept: Mutex::default() }
    }

    /// The newest link over this route that seems to be alive.
    pub(crate) fn take(&self, route: &Route<'_>, now: Instant) -> Option<NetLink> {
        loop {
            let mut kept = lock(&self.kept);
            let closing = self.aged(&mut kept, now);
            let found = kept.iter().rposition(|kept| kept.link.serves(route)).map(|at| kept.remove(at));
            drop(kept);
            drop(closing);
            let Kept { mut link, .. } = found?;
            // What can be read now is the end, or what nobody asked for.
            if !link.read_ready() {
                return Some(link);
            }
        }
    }

    /// Keeps a link, in the place of the oldest ones where there are too many.
    pub(crate) fn put(&self, link: NetLink, now: Instant) {
        if self.limits.total == 0 || self.limits.per_route == 0 {
            return;
        }
        let mut kept = lock(&self.kept);
        let mut closing = self.aged(&mut kept, now);
        let mut same = (0..).zip(kept.iter()).filter(|(_, kept)| kept.link.key() == link.key()).map(|(at, _)| at);
        if let (Some(oldest), true) = (same.next(), same.count() + 1 >= self.limits.per_route) {
            closing.push(kept.remove(oldest));
        }
        if kept.len() >= self.limits.total {
            closing.push(kept.remove(0));
        }
        kept.push(Kept { link, since: now });
        drop(kept);
        drop(closing);
    }

    /// Takes out what is too old. To be dropped after the lock, since closing a link takes system calls. Allocates nothing
    /// for nothing.
    fn aged(&self, kept: &mut Vec<Kept>, now: Instant) -> Vec<Kept> {
        let aged = kept.iter().take_while(|kept| kept.since.until(now) > self.limits.idle_ms).count();
        kept.drain(..aged).collect()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.kept).len()
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
