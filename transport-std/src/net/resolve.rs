//! Names to addresses, with a deadline and an interrupt.
//!
//! `getaddrinfo` can be neither cancelled nor bounded in time, so it runs on a thread of its own, and the call leaves it
//! behind when it cannot wait any longer. The number of such threads is bounded; a further call waits for a place.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use miniwire_core::reason::Fault;
use miniwire_core::time::Instant;

use super::clock::Clock;
use super::interrupt::{Switch, Wake, lock};

/// Turns a host's name (in lower case) and a port into addresses, blocking for as long as it needs.
pub(crate) type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// How many lookups run at once.
const PLACES: usize = 16;

/// Resolves names, at most [`PLACES`] at a time.
pub(crate) struct Resolver {
    lookup: Arc<Lookup>,
    desk: Arc<Desk>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new(Arc::new(|host, port| (host, port).to_socket_addrs().map(Iterator::collect)))
    }
}

impl Resolver {
    /// A resolver that asks `lookup` instead of the system.
    pub(crate) fn new(lookup: Arc<Lookup>) -> Self {
        Self { lookup, desk: Arc::default() }
    }

    /// The addresses of `host`: itself where it is an IP address (IPv6 without brackets), else what the lookup says.
    ///
    /// # Errors
    /// [`Fault::Dns`] when the lookup fails or finds nothing, the deadline passes or an interrupt comes.
    pub(crate) fn resolve(
        &self,
        host: &str,
        port: u16,
        until: Instant,
        clock: Clock,
        switch: &Switch,
    ) -> Result<Vec<SocketAddr>, Fault> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let desk = Arc::downgrade(&self.desk) as Weak<dyn Wake>;
        switch.block_on(desk).map_err(|_| Fault::Dns)?;

        let mut busy = lock(&self.desk.busy);
        while *busy >= PLACES {
            busy = self.desk.wait(busy, until, clock, switch)?;
        }
        *busy += 1;
        drop(busy);

        // From here on the place is given back by the drop of `Place`, even where no thread can be started.
        let answer = Arc::new(Mutex::new(None));
        let place = Place { desk: Arc::clone(&self.desk), answer: Arc::clone(&answer) };
        let (lookup, name) = (Arc::clone(&self.lookup), host.to_ascii_lowercase());
        thread::Builder::new()
            .name("miniwire-dns".to_owned())
            .spawn(move || {
                let found = lookup(&name, port);
                *lock(&place.answer) = Some(found);
            })
            .map_err(|_| Fault::Dns)?;

        let mut busy = lock(&self.desk.busy);
        let found = loop {
            if let Some(found) = lock(&answer).take() {
                break found;
            }
            busy = self.desk.wait(busy, until, clock, switch)?;
        };
        drop(busy);
        found.ok().filter(|addresses| !addresses.is_empty()).ok_or(Fault::Dns)
    }
}

/// Where calls wait for a place and for their answers, and where interrupts ring.
#[derive(Default)]
struct Desk {
    busy: Mutex<usize>,
    changed: Condvar,
}

impl Desk {
    /// Waits until something has changed.
    fn wait<'g>(
        &self,
        busy: MutexGuard<'g, usize>,
        until: Instant,
        clock: Clock,
        switch: &Switch,
    ) -> Result<MutexGuard<'g, usize>, Fault> {
        // With the lock held: an interrupt from now on must take it to ring, and so cannot be missed.
        let (None, Some(left)) = (switch.interrupted(), clock.left(until)) else { return Err(Fault::Dns) };
        let (busy, _) = self.changed.wait_timeout(busy, left).unwrap_or_else(PoisonError::into_inner);
        Ok(busy)
    }
}

impl Wake for Desk {
    fn wake(&self) {
        let _busy = lock(&self.busy);
        self.changed.notify_all();
    }
}

/// A lookup's place, and where its answer goes.
struct Place {
    desk: Arc<Desk>,
    answer: Arc<Mutex<Option<io::Result<Vec<SocketAddr>>>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // A lookup that panicked has given no answer.
        lock(&self.answer).get_or_insert_with(|| Err(io::ErrorKind::Other.into()));
        let mut busy = lock(&self.desk.busy);
        *busy = busy.saturating_sub(1);
        self.desk.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use miniwire_core::reason::Interrupt;

    use super::*;
    use crate::net::testing::{after, promptly};

    fn sleepy(time: Duration) -> Resolver {
        Resolver::new(Arc::new(move |_, port| {
            thread::sleep(time);
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        }))
    }

    fn resolve(resolver: &Resolver, host: &str, ms: u64, switch: &Switch) -> Result<Vec<SocketAddr>, Fault> {
        let clock = Clock::start();
        resolver.resolve(host, 80, clock.now().after(ms), clock, switch)
    }

    #[test]
    fn req_03_ip_literals_ask_nobody() {
        let resolver = Resolver::new(Arc::new(|_, _| panic!("asked")));
        let switch = Switch::new();
        assert_eq!(resolve(&resolver, "127.0.0.9", 1000, &switch), Ok(vec!["127.0.0.9:80".parse().unwrap()]));
        assert_eq!(resolve(&resolver, "::1", 1000, &switch), Ok(vec!["[::1]:80".parse().unwrap()]));
    }

    #[test]
    fn req_03_the_system_resolves_localhost() {
        let found = resolve(&Resolver::default(), "localhost", 5000, &Switch::new()).unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
    }

    #[test]
    fn req_03_no_answer_is_a_dns_fault() {
        let answers: [Arc<Lookup>; 3] = [
            Arc::new(|_, _| Ok(vec![])),
            Arc::new(|_, _| Err(io::ErrorKind::NotFound.into())),
            Arc::new(|_, _| std::panic::resume_unwind(Box::new("a lookup that panics"))),
        ];
        for lookup in answers {
            assert_eq!(resolve(&Resolver::new(lookup), "a.test", 5000, &Switch::new()), Err(Fault::Dns));
        }
    }

    #[test]
    fn req_03_the_deadline_holds_while_resolving() {
        let resolver = sleepy(Duration::from_secs(20));
        promptly(50, || assert_eq!(resolve(&resolver, "a.test", 50, &Switch::new()), Err(Fault::Dns)));
    }

    #[test]
    fn req_15_abort_while_resolving() {
        let resolver = sleepy(Duration::from_secs(20));
        promptly(50, || {
            let switch = Arc::new(Switch::new());
            let other = Arc::clone(&switch);
            after(50, move || other.interrupt(Interrupt::Abort));
            assert_eq!(resolve(&resolver, "a.test", 20_000, &switch), Err(Fault::Dns));
        });
    }

    #[test]
    fn core_05_lookups_are_bounded_and_a_further_one_waits() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (inside, peak) = (Arc::clone(&now), Arc::clone(&most));
        let resolver = Arc::new(Resolver::new(Arc::new(move |_, port| {
            peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Until every place is taken, and then until one more would have come.
            let start = std::time::Instant::now();
            while peak.load(Ordering::SeqCst) < PLACES && start.elapsed() < Duration::from_secs(10) {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis(50));
            inside.fetch_sub(1, Ordering::SeqCst);
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        })));
        let calls: Vec<_> = (0..PLACES + 4)
            .map(|_| {
                let resolver = Arc::clone(&resolver);
                thread::spawn(move || resolve(&resolver, "a.test", 30_000, &Switch::new()).is_ok())
            })
            .collect();
        assert!(calls.into_iter().all(|call| call.join().unwrap()));
        assert_eq!(most.load(Ordering::SeqCst), PLACES);
    }

    #[test]
    fn req_03_waiting_for_a_place_ends_with_the_deadline_and_with_an_interrupt() {
        let resolver = Arc::new(sleepy(Duration::from_secs(20)));
        let calls: Vec<_> = (0..PLACES)
            .map(|_| {
                let resolver = Arc::clone(&resolver);
                thread::spawn(move || resolve(&resolver, "a.test", 10, &Switch::new()))
            })
            .collect();
        calls.into_iter().for_each(|call| assert_eq!(call.join().unwrap(), Err(Fault::Dns)));
        promptly(50, || assert_eq!(resolve(&resolver, "a.test", 50, &Switch::new()), Err(Fault::Dns)));
        promptly(50, || {
            let switch = Arc::new(Switch::new());
            let other = Arc::clone(&switch);
            after(50, move || other.interrupt(Interrupt::Unload));
            assert_eq!(resolve(&resolver, "a.test", 20_000, &switch), Err(Fault::Dns));
        });
    }
}
