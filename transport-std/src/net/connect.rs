//! One connection out of several addresses, in the spirit of RFC 8305 (Happy Eyeballs).
//!
//! The attempts run side by side on one thread: a new one starts every 250 ms, or at once when one fails; the first to
//! succeed wins, and the others are dropped.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use miniwire_core::reason::Fault;
use miniwire_core::time::Instant;
use mio::{Events, Interest, Poll, Token, Waker};

use super::clock::Clock;
use super::interrupt::{Switch, Wake};

/// RFC 8305 section 5: the connection attempt delay.
const ATTEMPT_DELAY_MS: u64 = 250;
/// How many attempts are under way at once.
const MOST_ATTEMPTS: usize = 8;
const INTERRUPT: Token = Token(usize::MAX);

/// Connects to the first of `addresses` that answers. The socket is blocking, and sends without delay.
///
/// # Errors
/// [`Fault::Connect`] when all attempts have failed, the deadline passes or an interrupt comes.
pub(crate) fn connect(
    addresses: &[SocketAddr],
    until: Instant,
    clock: Clock,
    switch: &Switch,
) -> Result<TcpStream, Fault> {
    race(addresses, until, clock, switch).ok().flatten().ok_or(Fault::Connect)
}

fn race(addresses: &[SocketAddr], until: Instant, clock: Clock, switch: &Switch) -> io::Result<Option<TcpStream>> {
    let mut poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), INTERRUPT)?);
    let weak = Arc::downgrade(&waker) as Weak<dyn Wake>;
    if switch.block_on(weak).is_err() {
        return Ok(None);
    }
    let mut waiting = interleaved(addresses);
    let mut attempts: Vec<(Token, mio::net::TcpStream)> = Vec::new();
    let mut events = Events::with_capacity(MOST_ATTEMPTS + 1);
    let mut next_token = 0;
    let mut next_start = clock.now();
    loop {
        let now = clock.now();
        if switch.interrupted().is_some() || now >= until {
            return Ok(None);
        }
        while attempts.len() < MOST_ATTEMPTS && (attempts.is_empty() || now >= next_start) {
            let Some(address) = waiting.pop_front() else { break };
            // An address that fails at once (no route, no such family) makes way for the next.
            let Ok(mut stream) = mio::net::TcpStream::connect(address) else { continue };
            let token = Token(next_token);
            next_token += 1;
            poll.registry().register(&mut stream, token, Interest::WRITABLE)?;
            attempts.push((token, stream));
            next_start = now.after(ATTEMPT_DELAY_MS);
        }
        if attempts.is_empty() {
            return Ok(None);
        }
        let mut wait = now.until(until);
        if !waiting.is_empty() && attempts.len() < MOST_ATTEMPTS {
            wait = wait.min(now.until(next_start));
        }
        match poll.poll(&mut events, Some(Duration::from_millis(wait))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Err(_) => continue,
            Ok(()) => {}
        }
        for event in &events {
            let Some(at) = attempts.iter().position(|(token, _)| *token == event.token()) else { continue };
            let state = attempts.get(at).map_or(State::Failed, |(_, stream)| state(stream));
            match state {
                State::Pending => {}
                State::Failed => {
                    attempts.swap_remove(at);
                    next_start = now;
                }
                State::Connected => {
                    let (_, mut stream) = attempts.swap_remove(at);
                    poll.registry().deregister(&mut stream)?;
                    let stream = TcpStream::from(stream);
                    stream.set_nonblocking(false)?;
                    stream.set_nodelay(true)?;
                    return Ok(Some(stream));
                }
            }
        }
    }
}

enum State {
    Pending,
    Connected,
    Failed,
}

fn state(stream: &mio::net::TcpStream) -> State {
    match stream.take_error() {
        Ok(None) => match stream.peer_addr() {
            Ok(_) => State::Connected,
            // A spurious event: the attempt is still under way.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => State::Pending,
            Err(_) => State::Failed,
        },
        Ok(Some(_)) | Err(_) => State::Failed,
    }
}

/// IPv6 and IPv4 in turns, IPv6 first; within a family, as the resolver sorted them (RFC 8305 section 4).
fn interleaved(addresses: &[SocketAddr]) -> VecDeque<SocketAddr> {
    let mut six = addresses.iter().filter(|address| address.is_ipv6());
    let mut four = addresses.iter().filter(|address| address.is_ipv4());
    let mut order = VecDeque::with_capacity(addresses.len());
    while order.len() < addresses.len() {
        order.extend(six.next());
        order.extend(four.next());
    }
    order
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, TcpListener};

    use miniwire_core::reason::Interrupt;

    use super::*;
    use crate::net::testing::{BlackHole, after, promptly, refused};

    fn connect_within(ms: u64, addresses: &[SocketAddr], switch: &Switch) -> Result<SocketAddr, Fault> {
        let clock = Clock::start();
        connect(addresses, clock.now().after(ms), clock, switch).map(|stream| stream.peer_addr().unwrap())
    }

    fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[test]
    fn req_03_families_take_turns() {
        let addresses = ["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1", "[::1]:1", "[::2]:1"].map(|a| a.parse().unwrap());
        let order: Vec<_> = interleaved(&addresses).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "3.3.3.3:1"]);
        assert!(interleaved(&[]).is_empty());
    }

    #[test]
    fn req_03_a_refused_address_gives_way_at_once() {
        let (_listener, good) = listen();
        promptly(0, || assert_eq!(connect_within(5000, &[refused(), good], &Switch::new()), Ok(good)));
    }

    #[test]
    fn req_03_a_silent_address_gives_way_after_250_ms() {
        let (hole, (_listener, good)) = (BlackHole::new(), listen());
        promptly(250, || assert_eq!(connect_within(5000, &[hole.address(), good], &Switch::new()), Ok(good)));
    }

    #[test]
    fn req_03_both_families_are_tried() {
        let (_four, four) = listen();
        // Nobody listens on the same port over IPv6, or there is no IPv6 at all.
        let dead = SocketAddr::from((Ipv6Addr::LOCALHOST, refused().port()));
        promptly(0, || assert_eq!(connect_within(5000, &[four, dead], &Switch::new()), Ok(four)));
        if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
            let six = listener.local_addr().unwrap();
            assert_eq!(connect_within(5000, &[four, six], &Switch::new()), Ok(six), "IPv6 goes first");
        }
    }

    #[test]
    fn req_03_all_refused_is_a_connect_fault() {
        promptly(0, || assert_eq!(connect_within(5000, &[refused(), refused()], &Switch::new()), Err(Fault::Connect)));
        assert_eq!(connect_within(5000, &[], &Switch::new()), Err(Fault::Connect));
    }

    #[test]
    fn req_03_the_deadline_holds_while_connecting() {
        let hole = BlackHole::new();
        let many = vec![hole.address(); 20];
        promptly(50, || assert_eq!(connect_within(50, &many, &Switch::new()), Err(Fault::Connect)));
    }

    #[test]
    fn req_15_abort_while_connecting() {
        let hole = BlackHole::new();
        promptly(50, || {
            let switch = Arc::new(Switch::new());
            let other = Arc::clone(&switch);
            after(50, move || other.interrupt(Interrupt::Abort));
            assert_eq!(connect_within(20_000, &[hole.address()], &switch), Err(Fault::Connect));
            let again = connect_within(20_000, &[hole.address()], &switch);
            assert_eq!(again, Err(Fault::Connect), "nor does a new one start");
        });
    }
}
