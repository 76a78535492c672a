//! The wrapper of a transport, of either kind.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_io::{Error as _, ErrorKind};
use miniwire_core::drive::{self, NoRandomness, Route, Trace, asynch, blocking};
use miniwire_core::reason::{Fault as NetworkFault, Interrupt};
use miniwire_core::time::Instant;

use super::clock::Pace;
use super::lane::{Lane, Step};
use super::plan::{Direction, Fault, Plan};

/// A transport whose links suffer what the plan says.
///
/// It keeps links for reuse itself, the first one first, and never asks the transport within for kept ones.
#[derive(Debug)]
pub struct Faulty<T, L, C> {
    inner: T,
    clock: C,
    plan: Plan,
    shared: Mutex<Links<L, C>>,
}

#[derive(Debug)]
struct Links<L, C> {
    log: Vec<Arc<Mutex<Passed>>>,
    kept: Vec<(String, FaultyLink<L, C>)>,
}

/// What a link has passed on to the client.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// Every byte, in order.
    pub bytes: Vec<u8>,
    /// And then the end of the stream.
    pub ended: bool,
    /// Bytes towards the server were lost or changed.
    pub lied_up: bool,
    /// Bytes towards the client were lost or changed.
    pub lied_down: bool,
}

impl<T, L, C: Pace> Faulty<T, L, C> {
    /// Wraps a transport, which goes by this clock.
    pub fn new(inner: T, clock: C, plan: Plan) -> Self {
        Self { inner, clock, plan, shared: Mutex::new(Links { log: Vec::new(), kept: Vec::new() }) }
    }

    /// What each link has passed on so far, in the order in which they were opened.
    pub fn passed(&self) -> Vec<Passed> {
        self.shared().log.iter().map(|passed| locked(passed).clone()).collect()
    }

    fn shared(&self) -> MutexGuard<'_, Links<L, C>> {
        locked(&self.shared)
    }

    fn take(&self, route: &Route<'_>) -> Option<FaultyLink<L, C>> {
        let (mut shared, name) = (self.shared(), name(route));
        let at = shared.kept.iter().position(|(kept, _)| *kept == name)?;
        Some(shared.kept.remove(at).1)
    }

    fn put(&self, route: &Route<'_>, link: FaultyLink<L, C>) {
        self.shared().kept.push((name(route), link));
    }

    fn next_link(&self) -> usize {
        let mut shared = self.shared();
        shared.log.push(Arc::default());
        shared.log.len() - 1
    }

    fn wrap(&self, link: usize, inner: L) -> FaultyLink<L, C> {
        let log = Arc::clone(&self.shared().log[link]);
        let lane = |direction| Way::new(Lane::new(&self.plan, link, direction));
        let (up, down) = (lane(Direction::Up), lane(Direction::Down));
        let state = State { clock: self.clock.clone(), up, down, until: Instant::default(), broken: false, log };
        FaultyLink { inner, state }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name(route: &Route<'_>) -> String {
    format!("{route:?}")
}

/// A link that suffers.
#[derive(Debug)]
pub struct FaultyLink<L, C> {
    inner: L,
    state: State<C>,
}

#[derive(Debug)]
struct State<C> {
    clock: C,
    up: Way,
    down: Way,
    until: Instant,
    broken: bool,
    log: Arc<Mutex<Passed>>,
}

/// A lane, and what stands in it.
#[derive(Debug)]
struct Way {
    lane: Lane,
    held: Vec<u8>,
    ended: bool,
    gathering: Option<usize>,
    resumes: Option<Instant>,
}

impl Way {
    fn new(lane: Lane) -> Self {
        Self { lane, held: Vec::new(), ended: false, gathering: None, resumes: None }
    }

    fn waits(&mut self, now: Instant) -> Option<Instant> {
        self.resumes = self.resumes.filter(|then| now < *then);
        self.resumes
    }
}

/// What an operation needs.
enum Need {
    /// Nothing: this is what comes of it.
    Done(Result<usize, ErrorKind>),
    /// Bytes of the link within, to be held.
    More,
    /// These bytes written to the link within, all of them.
    Write(Vec<u8>),
    /// What is held written to the link within, or a part of it.
    Pass,
    /// Time.
    Until(Instant),
    /// What never comes.
    Never,
}

impl<C: Pace> State<C> {
    fn reading(&mut self, space: &mut [u8], is_ready: impl FnOnce() -> bool) -> Need {
        if self.broken {
            return Need::Done(Err(ErrorKind::ConnectionReset));
        }
        let way = &mut self.down;
        if let Some(then) = way.waits(self.clock.now()) {
            return Need::Until(then);
        }
        if let Some(bytes) = way.gathering {
            if way.held.len() < bytes && !way.ended && (way.held.is_empty() || is_ready()) {
                return Need::More;
            }
            way.gathering = None;
        }
        loop {
            let step = way.lane.step();
            locked(&self.log).lied_down = way.lane.has_lied();
            match step {
                Step::Delay(ms) => {
                    way.resumes = Some(self.clock.now().after(ms));
                    return Need::Until(self.clock.now().after(ms));
                }
                Step::Gather(bytes) => {
                    way.gathering = Some(bytes);
                    return Need::Until(self.clock.now());
                }
                Step::Insert(bytes) => {
                    let taken = bytes.len().min(space.len());
                    space[..taken].copy_from_slice(&bytes[..taken]);
                    locked(&self.log).bytes.extend_from_slice(&bytes[..taken]);
                    return Need::Done(Ok(taken));
                }
                Step::End => {
                    locked(&self.log).ended = true;
                    return Need::Done(Ok(0));
                }
                Step::Reset => {
                    self.broken = true;
                    return Need::Done(Err(ErrorKind::ConnectionReset));
                }
                Step::Stall => return Need::Never,
                Step::Pass(_) | Step::Corrupt(_) | Step::Drop(_) if way.held.is_empty() => {
                    if way.ended {
                        locked(&self.log).ended = true;
                        return Need::Done(Ok(0));
                    }
                    return Need::More;
                }
                Step::Drop(bytes) => {
                    let lost = bytes.min(way.held.len());
                    way.held.drain(..lost);
                    way.lane.advance(lost);
                }
                Step::Corrupt(mask) => {
                    let byte = way.held.remove(0) ^ mask;
                    way.lane.advance(1);
                    space[0] = byte;
                    locked(&self.log).bytes.push(byte);
                    return Need::Done(Ok(1));
                }
                Step::Pass(bytes) => {
                    let taken = bytes.min(way.held.len()).min(space.len());
                    space[..taken].copy_from_slice(&way.held[..taken]);
                    way.held.drain(..taken);
                    way.lane.advance(taken);
                    locked(&self.log).bytes.extend_from_slice(&space[..taken]);
                    return Need::Done(Ok(taken));
                }
            }
        }
    }

    /// What is to be waited for before a read has something to go on with. Nothing is taken.
    fn readable(&mut self) -> Need {
        if self.broken {
            return Need::Pass;
        }
        let way = &mut self.down;
        if let Some(then) = way.waits(self.clock.now()) {
            return Need::Until(then);
        }
        match way.lane.step() {
            Step::Delay(ms) => {
                way.resumes = Some(self.clock.now().after(ms));
                Need::Until(self.clock.now().after(ms))
            }
            Step::Gather(bytes) => {
                way.gathering = Some(bytes);
                Need::Until(self.clock.now())
            }
            Step::Stall => Need::Never,
            Step::Insert(bytes) => {
                // It is put in front of what is held, as it were.
                way.held.splice(..0, bytes);
                Need::Pass
            }
            Step::End | Step::Reset => Need::Pass,
            Step::Pass(_) | Step::Corrupt(_) | Step::Drop(_) if way.held.is_empty() && !way.ended => Need::More,
            Step::Pass(_) | Step::Corrupt(_) | Step::Drop(_) => Need::Pass,
        }
    }

    fn writing(&mut self, bytes: &[u8]) -> Need {
        if self.broken {
            return Need::Done(Err(ErrorKind::ConnectionReset));
        }
        let way = &mut self.up;
        if let Some(then) = way.waits(self.clock.now()) {
            return Need::Until(then);
        }
        loop {
            let step = way.lane.step();
            locked(&self.log).lied_up = way.lane.has_lied();
            match step {
                // Who writes cannot wait for more to be written.
                Step::Gather(_) => {}
                Step::Delay(ms) => {
                    way.resumes = Some(self.clock.now().after(ms));
                    return Need::Until(self.clock.now().after(ms));
                }
                Step::Insert(bytes) => return Need::Write(bytes),
                // The server does not listen any more.
                Step::End => return Need::Done(Err(ErrorKind::BrokenPipe)),
                Step::Reset => {
                    self.broken = true;
                    return Need::Done(Err(ErrorKind::ConnectionReset));
                }
                Step::Stall => return Need::Never,
                Step::Drop(most) => {
                    let lost = most.min(bytes.len());
                    way.lane.advance(lost);
                    return Need::Done(Ok(lost));
                }
                Step::Corrupt(mask) => {
                    let first = bytes[0] ^ mask;
                    way.held = vec![first];
                    return Need::Pass;
                }
                Step::Pass(most) => {
                    let taken = most.min(bytes.len());
                    way.held = bytes[..taken].to_vec();
                    return Need::Pass;
                }
            }
        }
    }

    fn wrote(&mut self, bytes: usize) -> usize {
        self.up.lane.advance(bytes);
        bytes
    }
}

const BLOCK: usize = 4096;

impl<L, C> embedded_io::ErrorType for FaultyLink<L, C> {
    type Error = ErrorKind;
}

impl<L: drive::Link, C: Pace> FaultyLink<L, C> {
    /// Waits, but not beyond the deadline.
    fn wait(&self, then: Option<Instant>) -> Result<(), ErrorKind> {
        let (clock, until) = (&self.state.clock, self.state.until);
        match then {
            Some(then) if then < until => {
                clock.block_until(then);
                Ok(())
            }
            _ => {
                clock.block_until(until);
                Err(ErrorKind::TimedOut)
            }
        }
    }
}

impl<L: drive::Link, C: Pace> embedded_io::Read for FaultyLink<L, C> {
    fn read(&mut self, space: &mut [u8]) -> Result<usize, ErrorKind> {
        loop {
            match self.state.reading(space, || self.inner.read_ready()) {
                Need::Done(result) => return result,
                Need::Until(then) => self.wait(Some(then))?,
                Need::Never => self.wait(None)?,
                Need::More | Need::Write(_) | Need::Pass => {
                    let mut block = [0; BLOCK];
                    let read = self.inner.read(&mut block).map_err(|error| error.kind())?;
                    self.state.down.ended |= read == 0;
                    self.state.down.held.extend_from_slice(&block[..read]);
                }
            }
        }
    }
}

impl<L: drive::Link, C: Pace> embedded_io::Write for FaultyLink<L, C> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        loop {
            match self.state.writing(bytes) {
                Need::Done(result) => return result,
                Need::Until(then) => self.wait(Some(then))?,
                Need::Never | Need::More => self.wait(None)?,
                Need::Write(extra) => self.inner.write_all(&extra).map_err(|error| error.kind())?,
                Need::Pass => {
                    let written = self.inner.write(&self.state.up.held).map_err(|error| error.kind())?;
                    return Ok(self.state.wrote(written));
                }
            }
        }
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.inner.flush().map_err(|error| error.kind())
    }
}

impl<L: drive::Link, C: Pace> drive::Link for FaultyLink<L, C> {
    fn set_deadline(&mut self, until: Instant) {
        self.state.until = until;
        self.inner.set_deadline(until);
    }

    fn read_ready(&mut self) -> bool {
        !self.state.down.held.is_empty() || self.inner.read_ready()
    }
}

impl<L: embedded_io_async::Read, C: Pace> embedded_io_async::Read for FaultyLink<L, C> {
    async fn read(&mut self, space: &mut [u8]) -> Result<usize, ErrorKind> {
        loop {
            // The link itself cannot say whether more is there at once.
            match self.state.reading(space, || false) {
                Need::Done(result) => return result,
                Need::Until(then) => self.state.clock.until(then).await,
                Need::Never => pending().await,
                Need::More | Need::Write(_) | Need::Pass => {
                    let mut block = [0; BLOCK];
                    let read = self.inner.read(&mut block).await.map_err(|error| error.kind())?;
                    self.state.down.ended |= read == 0;
                    self.state.down.held.extend_from_slice(&block[..read]);
                }
            }
        }
    }
}

impl<L: embedded_io_async::Write, C: Pace> embedded_io_async::Write for FaultyLink<L, C> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        loop {
            match self.state.writing(bytes) {
                Need::Done(result) => return result,
                Need::Until(then) => self.state.clock.until(then).await,
                Need::Never | Need::More => pending().await,
                Need::Write(extra) => self.inner.write_all(&extra).await.map_err(|error| error.kind())?,
                Need::Pass => {
                    let written = self.inner.write(&self.state.up.held).await.map_err(|error| error.kind())?;
                    return Ok(self.state.wrote(written));
                }
            }
        }
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.inner.flush().await.map_err(|error| error.kind())
    }
}

impl<T: drive::Transport, C: Pace> drive::Transport for Faulty<T, T::Link, C> {
    type Link = FaultyLink<T::Link, C>;

    fn now(&mut self) -> Instant {
        self.inner.now()
    }

    fn interrupted(&mut self) -> Option<Interrupt> {
        self.inner.interrupted()
    }

    fn reuse(&mut self, route: &Route<'_>) -> Option<Self::Link> {
        self.take(route)
    }

    fn connect(&mut self, route: &Route<'_>, until: Instant) -> Result<Self::Link, NetworkFault> {
        let link = self.next_link();
        match self.plan.connecting(link) {
            Some(Fault::Delay(ms)) => self.clock.block_until(self.clock.now().after(ms).min(until)),
            Some(Fault::Stall) => {
                self.clock.block_until(until);
                return Err(NetworkFault::Connect);
            }
            Some(_) => return Err(NetworkFault::Connect),
            None => {}
        }
        self.inner.connect(route, until).map(|inner| self.wrap(link, inner))
    }

    fn secure(&mut self, link: Self::Link, route: &Route<'_>, until: Instant) -> Result<Self::Link, NetworkFault> {
        let FaultyLink { inner, state } = link;
        self.inner.secure(inner, route, until).map(|inner| FaultyLink { inner, state })
    }

    fn keep(&mut self, route: &Route<'_>, link: Self::Link) {
        self.put(route, link);
    }

    fn trace(&mut self, what: Trace<'_>) {
        self.inner.trace(what);
    }
}

impl<T: asynch::Transport, C: Pace> asynch::Transport for Faulty<T, T::Link, C> {
    type Link = FaultyLink<T::Link, C>;

    fn now(&self) -> Instant {
        self.inner.now()
    }

    async fn ended(&self, until: Instant) -> asynch::Ended {
        self.inner.ended(until).await
    }

    fn reuse(&self, route: &Route<'_>) -> Option<Self::Link> {
        self.take(route)
    }

    async fn connect(&self, route: &Route<'_>) -> Result<Self::Link, NetworkFault> {
        let link = self.next_link();
        match self.plan.connecting(link) {
            Some(Fault::Delay(ms)) => self.clock.until(self.clock.now().after(ms)).await,
            Some(Fault::Stall) => pending().await,
            Some(_) => return Err(NetworkFault::Connect),
            None => {}
        }
        self.inner.connect(route).await.map(|inner| self.wrap(link, inner))
    }

    async fn secure(&self, link: Self::Link, route: &Route<'_>) -> Result<Self::Link, NetworkFault> {
        let FaultyLink { inner, state } = link;
        self.inner.secure(inner, route).await.map(|inner| FaultyLink { inner, state })
    }

    fn read_ready(&self, link: &mut Self::Link) -> bool {
        !link.state.down.held.is_empty() || self.inner.read_ready(&mut link.inner)
    }

    fn keep(&self, route: &Route<'_>, link: Self::Link) {
        self.put(route, link);
    }

    fn trace(&self, what: Trace<'_>) {
        self.inner.trace(what);
    }
}

impl<T: blocking::SocketTransport, C: Pace> blocking::SocketTransport for Faulty<T, T::Link, C> {
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.inner.random(bytes)
    }
}

impl<T: asynch::SocketTransport, C: Pace> asynch::SocketTransport for Faulty<T, T::Link, C> {
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.inner.random(bytes)
    }

    async fn readable(&self, link: &mut Self::Link) {
        loop {
            match link.state.readable() {
                Need::Until(then) => link.state.clock.until(then).await,
                Need::Never => pending().await,
                Need::More => return self.inner.readable(&mut link.inner).await,
                Need::Done(_) | Need::Write(_) | Need::Pass => return,
            }
        }
    }
}
