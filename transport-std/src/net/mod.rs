//! The network below the client: everything that a task asks of a transport, over std sockets and rustls.
//!
//! [`Shared`] belongs to a client: its TLS settings, its resolver, its kept links. A [`Net`] belongs to one call; its
//! [`Switch`] is what another thread ends that call with. The path of a link is
//! `resolve` → `connect` → `socket` → (`tls`, with `verify`) → `link` → `pool`.

mod clock;
mod connect;
mod duplex;
mod interrupt;
mod key;
mod link;
mod pool;
mod proxy;
mod resolve;
mod socket;
#[cfg(test)]
mod testing;
mod tls;
mod verify;

use std::sync::Arc;
use std::time::{Duration, Instant as StdInstant};

use miniwire_core::drive::blocking::SocketTransport;
use miniwire_core::drive::{Link, NoRandomness, Route, Trace, Transport};
use miniwire_core::reason::{Fault, Interrupt, Reason};
use miniwire_core::time::Instant;
use rustls::ClientConfig;

use clock::Clock;
pub(crate) use duplex::DuplexLink;
pub(crate) use interrupt::{Switch, Wake, lock};
pub(crate) use link::NetLink;
use pool::Pool;
pub(crate) use pool::PoolLimits;
pub(crate) use proxy::{NoProxy, Proxy, ProxyRules};
pub(crate) use resolve::{Lookup, Resolver};
use socket::Socket;
pub(crate) use tls::TlsOptions;

/// Is shown what happens on the wire.
pub(crate) type Tracer = dyn Fn(Trace<'_>) + Send + Sync;

/// What all calls of a client share.
pub(crate) struct Shared {
    clock: Clock,
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    pool: Pool,
}

impl Shared {
    /// `lookup` resolves names instead of the system's resolver.
    ///
    /// # Errors
    /// See [`TlsOptions::config`].
    pub(crate) fn new(
        tls: TlsOptions,
        lookup: Option<Arc<Lookup>>,
        limits: PoolLimits,
    ) -> Result<Arc<Self>, rustls::Error> {
        Ok(Arc::new(Self {
            clock: Clock::start(),
            resolver: lookup.map_or_else(Resolver::default, Resolver::new),
            tls: tls.config()?,
            pool: Pool::new(limits),
        }))
    }

    /// The time now, on the clock of every call.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// How long until then; `None` where that has passed.
    pub(crate) fn left(&self, until: Instant) -> Option<Duration> {
        self.clock.left(until)
    }

    /// Fills `bytes` with what nobody can foresee: the operating system's.
    ///
    /// # Errors
    /// [`NoRandomness`] where the system gives none.
    pub(crate) fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.tls.crypto_provider().secure_random.fill(bytes).map_err(|_| NoRandomness)
    }
}

/// How long the phases of a call took, all hops of all redirects added up. Zero for what did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timings {
    /// Names to addresses.
    pub(crate) resolve: Duration,
    /// The TCP connection.
    pub(crate) connect: Duration,
    /// The TLS handshake.
    pub(crate) tls: Duration,
    /// When the first byte came.
    pub(crate) first_byte: Option<StdInstant>,
}

/// The transport of one call.
pub(crate) struct Net {
    shared: Arc<Shared>,
    switch: Arc<Switch>,
    tracer: Option<Arc<Tracer>>,
    timings: Timings,
    // A reading of the clock that nobody has asked for yet: the task is told this one, and the clock not asked twice.
    fresh: Option<StdInstant>,
    // What the task was told last. Good enough for the age of a link, and cheaper than another look at the clock.
    last_now: Option<Instant>,
    /// The switch serves whatever comes after the call.
    keeps_switch: bool,
}

impl Net {
    /// A transport for the call that `switch` ends. When it is dropped, the call is over, and the switch does nothing more.
    /// It begins at `start`, which is now.
    pub(crate) fn new(shared: Arc<Shared>, switch: Arc<Switch>, start: StdInstant) -> Self {
        Self {
            shared,
            switch,
            tracer: None,
            timings: Timings::default(),
            fresh: Some(start),
            last_now: None,
            keeps_switch: false,
        }
    }

    /// Shows `tracer` what happens.
    pub(crate) fn with_tracer(mut self, tracer: Option<Arc<Tracer>>) -> Self {
        self.tracer = tracer;
        self
    }

    /// How long the phases took so far.
    pub(crate) fn timings(&self) -> Timings {
        self.timings
    }

    /// The call goes on after this: its switch stays as it is.
    pub(crate) fn keep_switch(&mut self) {
        self.keeps_switch = true;
    }

    /// Random bytes that nobody can foresee.
    ///
    /// # Errors
    /// [`Reason::Tls`] where the system gives none: nothing secure is possible then.
    pub(crate) fn entropy<const N: usize>(&self) -> Result<[u8; N], Reason> {
        let mut bytes = [0; N];
        self.shared.random(&mut bytes).map(|()| bytes).map_err(|NoRandomness| Reason::Tls)
    }

    fn roughly_now(&mut self) -> Instant {
        self.last_now.unwrap_or_else(|| self.now())
    }
}

impl Transport for Net {
    type Link = NetLink;

    fn now(&mut self) -> Instant {
        let now = self.shared.clock.at(self.fresh.take().unwrap_or_else(StdInstant::now));
        self.last_now = Some(now);
        now
    }

    fn interrupted(&mut self) -> Option<Interrupt> {
        self.switch.interrupted()
    }

    fn reuse(&mut self, route: &Route<'_>) -> Option<NetLink> {
        let now = self.roughly_now();
        let mut link = self.shared.pool.take(route, now)?;
        link.attach(&self.switch).ok()?;
        Some(link)
    }

    fn connect(&mut self, route: &Route<'_>, until: Instant) -> Result<NetLink, Fault> {
        let Shared { clock, resolver, .. } = &*self.shared;
        let (host, port) = route.first_hop();
        let (switch, timings) = (&*self.switch, &mut self.timings);
        let addresses = timed(&mut timings.resolve, || resolver.resolve(host, port, until, *clock, switch))?;
        let stream = timed(&mut timings.connect, || connect::connect(&addresses, until, *clock, switch))?;
        let mut link = NetLink::new(Socket::new(stream, *clock), route);
        link.attach(&self.switch).map_err(|_| Fault::Connect)?;
        link.set_deadline(until);
        Ok(link)
    }

    fn secure(&mut self, mut link: NetLink, route: &Route<'_>, until: Instant) -> Result<NetLink, Fault> {
        // TLS that was verified for one host must never be kept as a link to another.
        if !link.key().is(route) {
            return Err(Fault::Tls);
        }
        link.set_deadline(until);
        timed(&mut self.timings.tls, || link.secure(&self.shared.tls, route.host))
    }

    fn keep(&mut self, route: &Route<'_>, mut link: NetLink) {
        // Detached first: whatever interrupt comes from now on, it does not reach a kept link.
        if link.serves(route) && !link.has_unread() && link.detach().is_ok() {
            let now = self.roughly_now();
            self.shared.pool.put(link, now);
        }
    }

    fn trace(&mut self, what: Trace<'_>) {
        if let (Trace::Received(_), None) = (what, self.timings.first_byte) {
            let now = StdInstant::now();
            self.timings.first_byte = Some(now);
            self.fresh = Some(now);
        }
        if let Some(tracer) = &self.tracer {
            tracer(what);
        }
    }
}

impl SocketTransport for Net {
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.shared.random(bytes)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if !self.keeps_switch {
            self.switch.finish();
        }
    }
}

fn timed<T>(total: &mut Duration, call: impl FnOnce() -> T) -> T {
    let start = StdInstant::now();
    let result = call();
    *total += start.elapsed();
    result
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod x509_tests;
