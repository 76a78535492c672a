//! How a call is ended from outside: by its caller, or because the page is unloaded.

use core::cell::Cell;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;

use embassy_sync::waitqueue::AtomicWaker;
use miniwire_core::reason::Interrupt;
use miniwire_core::socket::Ticket;

/// Ends a call from any task, or from an interrupt handler.
///
/// It can be a `static`. It is of use to one call at a time: of several that share it, all end, but only the one that
/// waited last is woken at once. 24 bytes on 64 bits.
///
/// ```
/// use miniwire_core::drive::Memory;
/// use miniwire_core::reason::Reason;
/// use miniwire_core::request::Request;
/// use miniwire_embassy::{AbortHandle, Client, Secure};
///
/// static STOP: AbortHandle = AbortHandle::new(); // a button's interrupt handler says STOP.abort()
///
/// async fn call<'s, 'd>(client: &Client<'s, 'd, impl Secure<'s, 'd>, 2>, memory: Memory<'_>) {
///     let answer = client.abortable(&STOP).request(&Request::new("https://example.com/slow"), memory).await;
///     if answer.is_err_and(|failure| failure.reason == Reason::Aborted) {
///         STOP.reset(); // for the next call
///     }
/// }
/// ```
pub struct AbortHandle {
    aborted: AtomicBool,
    waker: AtomicWaker,
}

impl AbortHandle {
    /// Of a call that is not aborted.
    pub const fn new() -> Self {
        Self { aborted: AtomicBool::new(false), waker: AtomicWaker::new() }
    }

    /// `abort()`: the call fails with reason [`Aborted`](miniwire_core::reason::Reason::Aborted), whatever it waits for:
    /// code 20 for a request (REQ-15), 12 for an upload or a download (UP-06, DOWN-05). An open socket has its Close
    /// with 1000 next. Before the call is made it fails as soon as it is; after its end this does nothing to it. Returns
    /// at once, from an interrupt handler too, and may be said again.
    pub fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Makes the handle new, for another call. While one is under way that has not heard of the abort, it may never hear of
    /// it.
    pub fn reset(&self) {
        self.aborted.store(false, Ordering::Release);
    }

    /// Whether it was aborted; if not, the waiting task is woken when it is.
    pub(crate) fn is_aborted(&self, waker: &Waker) -> bool {
        // In this order, so that an abort in between is not missed.
        self.waker.register(waker);
        self.aborted.load(Ordering::Acquire)
    }
}

impl Default for AbortHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").finish_non_exhaustive()
    }
}

/// The calls that are under way, of which there can be so many.
pub(crate) struct Calls<const N: usize> {
    places: [Place; N],
    /// The context has been shut down: no call begins.
    closed: Cell<bool>,
}

/// The place of one call.
#[derive(Default)]
pub(crate) struct Place {
    taken: Cell<bool>,
    unloaded: Cell<bool>,
    /// The socket that this is, and whether another took its place.
    socket: Cell<Option<Ticket>>,
    replaced: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl<const N: usize> Calls<N> {
    pub(crate) fn new() -> Self {
        Self { places: core::array::from_fn(|_| Place::default()), closed: Cell::new(false) }
    }

    /// A place for a call that begins; `None` if all are taken.
    pub(crate) fn begin(&self) -> Option<UnderWay<'_>> {
        let place = self.places.iter().find(|place| !place.taken.get())?;
        place.taken.set(true);
        place.unloaded.set(self.closed.get());
        place.socket.set(None);
        place.replaced.set(false);
        Some(UnderWay(place))
    }

    /// Ends a socket whose place another took (SOCK-02).
    pub(crate) fn replace(&self, ticket: Ticket) {
        for place in self.places.iter().filter(|place| place.taken.get() && place.socket.get() == Some(ticket)) {
            place.replaced.set(true);
            place.wake();
        }
    }

    /// Ends every call that is under way (CTX-06).
    pub(crate) fn unload(&self) {
        for place in self.places.iter().filter(|place| place.taken.get()) {
            place.unloaded.set(true);
            place.wake();
        }
    }

    /// Ends every call and lets no other begin (CTX-06).
    pub(crate) fn shut_down(&self) {
        self.closed.set(true);
        self.unload();
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.closed.get()
    }
}

impl Place {
    /// It is this socket's.
    pub(crate) fn is_of(&self, ticket: Ticket) {
        self.socket.set(Some(ticket));
    }

    /// What ends a socket that another has replaced: its page, if that was unloaded before.
    pub(crate) fn why(&self) -> Interrupt {
        if self.unloaded.get() { Interrupt::Unload } else { Interrupt::Abort }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A call's hold on its place.
pub(crate) struct UnderWay<'p>(&'p Place);

impl<'p> UnderWay<'p> {
    /// The place, which stays what it is until this is dropped.
    pub(crate) const fn place(&self) -> &'p Place {
        self.0
    }

    /// Who wants this call to end, if anybody does; if not, the waiting task is woken when somebody does.
    pub(crate) fn interrupted(&self, abort: Option<&AbortHandle>, waker: &Waker) -> Option<Interrupt> {
        let Self(place) = self;
        if place.unloaded.get() {
            return Some(Interrupt::Unload);
        }
        if place.replaced.get() {
            return Some(Interrupt::Abort);
        }
        let waits = match place.waker.take() {
            Some(known) if known.will_wake(waker) => known,
            _ => waker.clone(),
        };
        place.waker.set(Some(waits));
        abort.is_some_and(|abort| abort.is_aborted(waker)).then_some(Interrupt::Abort)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Self(place) = self;
        place.waker.take();
        place.taken.set(false);
    }
}
