//! Sessions for a client: each is served by a future of its own, which owns the session's memory.
//!
//! embedded-tls borrows its buffers for as long as it lives, so a session can only end where it was begun: in the frame
//! that the buffers belong to. What a call holds is a [`Stream`] to there. That the two are apart has merits of its own:
//! nothing that a call drops leaves half a record behind, tickets and ends of kept connections are heard when they come,
//! and close_notify is said without anybody waiting for it.

use core::cell::RefCell;
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embassy_time::Timer;
use embedded_io::{ErrorKind, ErrorType};
use embedded_io_async::{Read, Write};
use miniwire_core::drive::NoRandomness;
use miniwire_core::reason::{CertificateFault, Fault};
use rand_core::{CryptoRng, CryptoRngCore, Error, RngCore};

use super::place::{Host, Job, Place, Stage};
use super::session::{Buffers, RECEIVE, Session, open};
use super::verifier::Trust;
use crate::link::Link;
use crate::secure::{Random, Secure};
use crate::sockets::{LONGEST_WRITE, Slot, Tcp};
use crate::waiting::Waiting;

/// Calls that can wait for a session at once without disturbing each other.
const WAITING: usize = 4;

/// The memory of one session: [`RECEIVE`] and `TX` bytes. A record carries at most `TX` - 134 bytes, and no more than has
/// room in the transmit buffer of the TCP socket, with 22 bytes around it. `TX` is at least [`TRANSMIT`](super::TRANSMIT).
pub struct TlsMemory<const TX: usize = 1153> {
    receive: [u8; RECEIVE],
    transmit: [u8; TX],
}

impl<const TX: usize> TlsMemory<TX> {
    /// Zeroed, so that a `static` of it takes no flash.
    pub const fn new() -> Self {
        Self { receive: [0; RECEIVE], transmit: [0; TX] }
    }
}

impl<const TX: usize> Default for TlsMemory<TX> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const TX: usize> fmt::Debug for TlsMemory<TX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsMemory").finish_non_exhaustive()
    }
}

/// TLS for a [`Client`](crate::Client), with up to `M` sessions at once.
///
/// It does nothing by itself: for each session that there may be at once, the application runs [`serve`](Self::serve)
/// with memory for it, as a task of its own on the executor of the calls. Where none is served, https fails at once with
/// [`Reason::Tls`](miniwire_core::reason::Reason::Tls); where all are in use, a kept one makes way, or the call waits
/// within its deadline.
///
/// ```
/// use miniwire_embassy::tls::{CryptoRngCore, Trust};
/// use miniwire_embassy::{Tls, TlsMemory};
///
/// // As a task of the executor: #[embassy_executor::task]
/// async fn session<R: CryptoRngCore>(tls: &Tls<'_, '_, fn() -> u64, R, 1>, memory: &mut TlsMemory) {
///     tls.serve(memory).await; // does not return
/// }
///
/// fn tls<'s, R: CryptoRngCore>(trust: Trust<'s>, unix_seconds: fn() -> u64, rng: R) -> Tls<'s, 's, fn() -> u64, R, 1> {
///     Tls::new(trust, unix_seconds, rng) // the client takes a reference to it
/// }
/// ```
pub struct Tls<'s, 'd, C, R, const M: usize> {
    trust: Trust<'s>,
    clock: C,
    rng: RefCell<R>,
    places: [Place<'s, 'd>; M],
    waiting: Waiting<WAITING>,
}

impl<'s, 'd, C: Fn() -> u64, R: CryptoRngCore, const M: usize> Tls<'s, 'd, C, R, M> {
    /// Trusts these roots. `clock` says the time in seconds since 1970 (UTC), and what it says is believed: a clock that
    /// was never set makes every certificate one that is not valid yet. It is asked once for each handshake. `rng` must
    /// be fit for keys.
    pub fn new(trust: Trust<'s>, clock: C, rng: R) -> Self {
        Self {
            trust,
            clock,
            rng: RefCell::new(rng),
            places: core::array::from_fn(|_| Place::new()),
            waiting: Waiting::new(),
        }
    }

    /// Serves one session after the other in this memory. Never returns, unless `M` are being served already. Dropped,
    /// it takes its session along: the call that uses it fails. Once that call has ended, the session can be served again.
    pub async fn serve<const TX: usize>(&self, memory: &mut TlsMemory<TX>) {
        let Some(place) = self.places.iter().find(|place| place.stage() == Stage::Absent) else { return };
        let _served = Served(place);
        loop {
            place.clear();
            self.waiting.wake();
            let Job { tcp, host } = place.job().await;
            let slot = tcp.slot();
            let buffers = Buffers { receive: &mut memory.receive, transmit: &mut memory.transmit };
            let now = (self.clock)();
            let mut rng = Shared(&self.rng);
            let opening = open(tcp, host.as_str(), &self.trust, now, &mut rng, buffers);
            match place.unless_left(opening).await {
                Some(Ok(session)) => {
                    place.opened(Ok(()));
                    carry(place, slot, session).await;
                }
                Some(Err(fault)) => place.opened(Err(fault)),
                None => {}
            }
            place.left().await;
        }
    }
}

/// Ends the service when it is dropped.
struct Served<'p, 's, 'd>(&'p Place<'s, 'd>);

impl Drop for Served<'_, '_, '_> {
    fn drop(&mut self) {
        let Self(place) = self;
        place.abandon();
    }
}

/// Carries bytes between a session and its stream until the stream is gone or nothing can come any more.
///
/// A record is begun once the socket has room for it, so that no write waits: what comes meanwhile can be read.
async fn carry<'s, 'd>(place: &Place<'s, 'd>, slot: &Slot<'d>, mut session: Session<'_, Tcp<'s, 'd>>) {
    session.fit_records(slot.send_capacity());
    loop {
        let step = poll_fn(|context| {
            place.awaits(context.waker());
            if place.stage() != Stage::Taken {
                Poll::Ready(Step::Leave)
            } else if place.has_to_write() && slot.poll_room(place.next_record(&session), context).is_ready() {
                Poll::Ready(Step::Write)
            } else if place.wants_to_read() {
                pin!(session.readable()).poll(context).map(|()| Step::Read)
            } else {
                Poll::Pending
            }
        })
        .await;
        let done = match step {
            Step::Leave => {
                // What was written and not flushed goes first: a WebSocket's Close.
                while place.has_to_write() {
                    if at_once(place.write_to(&mut session)).is_none() {
                        return;
                    }
                }
                if let Some(tcp) = session.close_at_once() {
                    tcp.finish();
                }
                return;
            }
            Step::Write => place.unless_left(place.write_to(&mut session)).await,
            Step::Read => place.unless_left(place.read_from(&mut session)).await,
        };
        // In the middle of a record there is no goodbye.
        if done.is_none() {
            return;
        }
    }
}

/// What comes of it without a wait.
fn at_once<T>(operation: impl Future<Output = T>) -> Option<T> {
    match pin!(operation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

enum Step {
    Leave,
    Write,
    Read,
}

/// One generator for all sessions. No borrow outlives a draw, so that it always comes about.
struct Shared<'r, R>(&'r RefCell<R>);

impl<R: CryptoRngCore> RngCore for Shared<'_, R> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        if let Ok(mut rng) = self.0.try_borrow_mut() {
            rng.fill_bytes(bytes);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: CryptoRngCore> CryptoRng for Shared<'_, R> {}

impl<C, R: CryptoRngCore, const M: usize> Random for Tls<'_, '_, C, R, M> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.rng.fill(bytes)
    }
}

impl<'p, 's, 'd, C: Fn() -> u64, R: CryptoRngCore, const M: usize> Secure<'s, 'd> for &'p Tls<'s, 'd, C, R, M> {
    type Session = Stream<'p, 's, 'd>;

    async fn secure(&self, tcp: Tcp<'s, 'd>, host: &str) -> Result<Self::Session, Fault> {
        let host = Host::new(host).ok_or(Fault::Certificate(CertificateFault::WrongHost))?;
        let place = self.places.iter().find(|place| place.stage() == Stage::Idle).ok_or(Fault::Tls)?;
        let stream = Stream { place };
        place.take(Job { tcp, host });
        poll_fn(|context| place.poll_opened(context.waker())).await?;
        Ok(stream)
    }

    fn is_free(&self, waker: &Waker) -> bool {
        // Where none is served there is nothing to wait for.
        let (mut free, mut served) = (false, false);
        for place in &self.places {
            free |= place.stage() == Stage::Idle;
            served |= place.stage() != Stage::Absent;
        }
        if served && !free {
            self.waiting.register(waker);
        }
        free || !served
    }

    fn holds_bytes(&self, session: &Self::Session) -> bool {
        session.place.is_readable()
    }
}

impl<C, R, const M: usize> fmt::Debug for Tls<'_, '_, C, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// A session as a call has it. Dropped, the session ends: with close_notify where it stands between two records and the
/// socket has room for it, with a reset where not.
pub struct Stream<'p, 's, 'd> {
    place: &'p Place<'s, 'd>,
}

impl Drop for Stream<'_, '_, '_> {
    fn drop(&mut self) {
        self.place.leave();
    }
}

impl fmt::Debug for Stream<'_, '_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl ErrorType for Stream<'_, '_, '_> {
    type Error = ErrorKind;
}

impl Read for Stream<'_, '_, '_> {
    /// Dropped while it waits, it has read nothing.
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|context| self.place.poll_read(context.waker(), buf)).await
    }
}

impl Write for Stream<'_, '_, '_> {
    /// Dropped while it waits, it has written nothing. Fails with [`ErrorKind::ConnectionAborted`] where the peer has
    /// taken nothing for a second and has answered meanwhile.
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.unless_answered(|context| self.place.poll_write(context.waker(), buf)).await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.place.begin_flush();
        self.unless_answered(|context| self.place.poll_flush(context.waker())).await
    }
}

impl Stream<'_, '_, '_> {
    async fn unless_answered<T>(
        &self,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<Result<T, ErrorKind>>,
    ) -> Result<T, ErrorKind> {
        let mut stalled = pin!(Timer::after(LONGEST_WRITE));
        let mut is_stalled = false;
        poll_fn(|context| {
            // Also woken when something comes.
            let polled = poll(context);
            is_stalled = is_stalled || (polled.is_pending() && stalled.as_mut().poll(context).is_ready());
            if polled.is_pending() && is_stalled && self.place.is_answered() {
                return Poll::Ready(Err(ErrorKind::ConnectionAborted));
            }
            polled
        })
        .await
    }
}

impl Link for Stream<'_, '_, '_> {
    async fn readable(&mut self) {
        poll_fn(|context: &mut Context<'_>| self.place.poll_readable(context.waker())).await;
    }
}
