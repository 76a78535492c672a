//! A relay between two sockets, for the client over real ones.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::lane::{Lane, Step};
use super::plan::{Direction, Plan};
use super::wrap::Passed;
use crate::peer::Peer;

/// No connection is relayed for longer.
const LONGEST: Duration = Duration::from_secs(25);
/// How long a gathering waits for more.
const GATHERING: Duration = Duration::from_millis(1);
/// How long one direction of a connection is delayed, in all: time is real here.
const DELAYS: Duration = Duration::from_millis(200);

/// A relay: what connects to it is connected to the server, through the faults of a plan.
#[derive(Debug)]
pub struct Relay {
    peer: Peer,
    passed: Arc<Mutex<Vec<Arc<Mutex<Passed>>>>>,
}

impl Relay {
    /// Starts one on a free port of the loopback interface.
    pub fn start(server: SocketAddr, plan: Plan) -> Self {
        let passed = Arc::new(Mutex::new(Vec::<Arc<Mutex<Passed>>>::new()));
        let log = Arc::clone(&passed);
        let peer = Peer::start(move |client, _| {
            let mut links = log.lock().unwrap_or_else(PoisonError::into_inner);
            let (link, own) = (links.len(), Arc::default());
            links.push(Arc::clone(&own));
            drop(links);
            if let Ok(server) = TcpStream::connect(server) {
                let _ = relay(&client, &server, &plan, link, &own);
            }
        });
        Self { peer, passed }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.peer.address()
    }

    /// What each connection has passed on to the client so far.
    pub fn passed(&self) -> Vec<Passed> {
        let links = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        links.iter().map(|passed| passed.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }
}

/// Both directions on one thread, so that a reset finds nobody else holding the sockets.
fn relay(client: &TcpStream, server: &TcpStream, plan: &Plan, link: usize, log: &Mutex<Passed>) -> std::io::Result<()> {
    for stream in [client, server] {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
    }
    let mut up = Pump::new(Lane::new(plan, link, Direction::Up));
    let mut down = Pump::new(Lane::new(plan, link, Direction::Down));
    let start = Instant::now();
    while start.elapsed() < LONGEST {
        let went = up.run(client, server, &mut |_| {});
        // Locked while it writes: who has the bytes finds them in the log.
        let mut passed = log.lock().unwrap_or_else(PoisonError::into_inner);
        let came = down.run(server, client, &mut |bytes| passed.bytes.extend_from_slice(bytes));
        passed.ended = down.over;
        passed.lied_up = up.lane.has_lied();
        passed.lied_down = down.lane.has_lied();
        drop(passed);
        match (went, came) {
            (Ok(false), Ok(false)) if up.over && down.over => return Ok(()),
            // Nobody waits for what is stalled any more.
            (Ok(false), Ok(false)) if up.source_ended && (up.stalled || down.stalled) => return Ok(()),
            (Ok(false), Ok(false)) => thread::sleep(Duration::from_micros(200)),
            (Ok(_), Ok(_)) => {}
            _ => {
                for stream in [client, server] {
                    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
                }
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One direction.
struct Pump {
    lane: Lane,
    held: Vec<u8>,
    source_ended: bool,
    over: bool,
    stalled: bool,
    delays: Duration,
    resumes: Option<Instant>,
    gathering: Option<(usize, Instant)>,
}

impl Pump {
    fn new(lane: Lane) -> Self {
        let (held, resumes, gathering) = (Vec::new(), None, None);
        Self { lane, held, source_ended: false, over: false, stalled: false, delays: DELAYS, resumes, gathering }
    }

    /// Does what can be done at once; whether that was anything.
    ///
    /// # Errors
    /// The link is to be reset.
    fn run(
        &mut self,
        mut from: &TcpStream,
        mut to: &TcpStream,
        passed: &mut impl FnMut(&[u8]),
    ) -> Result<bool, ErrorKind> {
        if self.over {
            return Ok(false);
        }
        if self.stalled {
            // Read all the same, for its end.
            self.held.clear();
        }
        let mut came = false;
        if !self.source_ended && self.held.len() < 1 << 16 {
            let mut block = [0; 16 << 10];
            match from.read(&mut block) {
                Ok(0) => self.source_ended = true,
                Ok(read) => self.held.extend_from_slice(&block[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.kind()),
            }
            came = self.source_ended || !self.held.is_empty();
        }
        if self.stalled {
            return Ok(false);
        }
        if self.resumes.is_some_and(|then| Instant::now() < then) {
            return Ok(false);
        }
        self.resumes = None;
        if let Some((bytes, since)) = self.gathering {
            if self.held.len() < bytes && !self.source_ended && since.elapsed() < GATHERING {
                return Ok(false);
            }
            self.gathering = None;
        }
        let bytes = match self.lane.step() {
            Step::Delay(ms) => {
                let delay = Duration::from_millis(ms / 4).min(self.delays);
                self.delays -= delay;
                self.resumes = Some(Instant::now() + delay);
                return Ok(true);
            }
            Step::Gather(bytes) => {
                self.gathering = Some((bytes, Instant::now()));
                return Ok(true);
            }
            Step::Insert(bytes) => {
                to.write_all(&bytes).map_err(|error| error.kind())?;
                passed(&bytes);
                return Ok(true);
            }
            Step::Reset => return Err(ErrorKind::ConnectionReset),
            Step::Stall => {
                self.stalled = true;
                return Ok(true);
            }
            Step::End => return Ok(self.end(to)),
            _ if self.held.is_empty() => return Ok(if self.source_ended { self.end(to) } else { came }),
            Step::Drop(bytes) => {
                let lost = bytes.min(self.held.len());
                self.held.drain(..lost);
                self.lane.advance(lost);
                return Ok(true);
            }
            Step::Corrupt(mask) => {
                self.held[0] ^= mask;
                1
            }
            Step::Pass(bytes) => bytes.min(self.held.len()),
        };
        match to.write(&self.held[..bytes]) {
            Ok(written) => {
                passed(&self.held[..written]);
                self.held.drain(..written);
                self.lane.advance(written);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.kind()),
        }
    }

    fn end(&mut self, to: &TcpStream) -> bool {
        self.over = true;
        let _ = to.shutdown(std::net::Shutdown::Write);
        true
    }
}
