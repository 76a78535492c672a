//! What the calls of all APIs have in common: a thread of their own, and how they are ended early.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use miniwire_core::policy::Api;
use miniwire_core::reason::{Interrupt, Reason};

use crate::answer::Failure;
use crate::callbacks::{Callbacks, caught};
use crate::client::Client;
use crate::net::{Switch, lock};
use crate::session::Session;

/// What a call of an API does.
pub(crate) trait Work: Send + 'static {
    /// What `success` is given.
    type Answer: 'static;
    /// Whose table of codes it is.
    const API: Api;
    /// The name of its thread.
    const THREAD: &'static str;
    /// What the call fails with where code of the caller's panics within it.
    const PANICKED: Reason;

    /// Makes the call in its slot.
    fn run(&self, client: &Client, session: Result<Session, Reason>) -> Result<Self::Answer, Failure>;
}

/// A call that is being put together, whatever its API.
pub(crate) struct Draft<W: Work> {
    pub(crate) client: Client,
    pub(crate) work: W,
    pub(crate) callbacks: Callbacks<W::Answer>,
    switch: Option<Arc<Switch>>,
}

impl<W: Work> Draft<W> {
    pub(crate) fn new(client: Client, work: W) -> Self {
        Self { client, work, callbacks: Callbacks::default(), switch: None }
    }

    /// A handle that ends this call from any thread.
    pub(crate) fn abort_handle(&mut self) -> AbortHandle {
        AbortHandle { switch: Arc::clone(self.switch.get_or_insert_with(|| Arc::new(Switch::new()))) }
    }

    /// Takes a slot; the call is in flight from here on.
    pub(crate) fn open(&self) -> Result<Session, Reason> {
        self.client.open(self.switch.as_ref())
    }

    /// Makes the call and waits for its end. Callbacks are not called.
    pub(crate) fn send(self) -> Result<W::Answer, Failure> {
        self.work.run(&self.client, self.open())
    }

    /// Makes the call on a thread of its own (CTX-07).
    pub(crate) fn start(mut self) -> Started {
        let handle = self.abort_handle();
        let session = self.open();
        // In a cell that both sides reach: where no thread can be had, the callbacks are still here to be called.
        let cell = Arc::new(Mutex::new(Some((self, session))));
        let theirs = Arc::clone(&cell);
        let spawned = thread::Builder::new().name(W::THREAD.into()).spawn(move || {
            let taken = lock(&theirs).take();
            if let Some((Self { client, work, callbacks, .. }, session)) = taken {
                let ran = caught(|| work.run(&client, session));
                callbacks.report(ran.unwrap_or_else(|| Err(Failure::new(W::API, W::PANICKED, None))));
            }
        });
        let thread = match spawned {
            Ok(thread) => Some(thread),
            Err(error) => {
                let taken = lock(&cell).take();
                if let Some((Self { callbacks, .. }, session)) = taken {
                    drop(session);
                    let failure = Failure::new(W::API, Reason::TooManyTasks, None);
                    callbacks.report(Err(failure.with_detail(format!("no thread can be started: {error}"))));
                }
                None
            }
        };
        Started { handle, thread }
    }
}

/// Names and values, borrowed.
pub(crate) fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// Ends a call from any thread. Clones end the same call. Dropping it changes nothing.
///
/// ```
/// use miniwire_std::{Client, Reason};
///
/// let client = Client::builder("2021000000000001", "1.0.0").allow("example.com").build()?;
/// let mut call = client.request("https://example.com/slow");
/// let handle = call.abort_handle(); // for a button, a signal, another thread
/// handle.abort();
/// assert_eq!(call.send().unwrap_err().reason(), Reason::Aborted);
/// # Ok::<(), miniwire_std::BuildError>(())
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    switch: Arc<Switch>,
}

impl AbortHandle {
    /// `abort()`: the call fails with reason [`Aborted`](Reason::Aborted), whatever it is doing: code 20 for a request
    /// (REQ-15), 12 for an upload or a download (UP-06, DOWN-05). Before the call is made it fails as soon as it is;
    /// after its end this does nothing. Returns at once; the call ends within 50 ms.
    pub fn abort(&self) {
        self.switch.interrupt(Interrupt::Abort);
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").finish_non_exhaustive()
    }
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Started {
    handle: AbortHandle,
    thread: Option<JoinHandle<()>>,
}

impl Started {
    pub(crate) fn abort_handle(&self) -> &AbortHandle {
        &self.handle
    }

    /// Waits until the call has ended and its callbacks have returned. In one of these callbacks it does not wait.
    pub(crate) fn wait(self) {
        if let Some(thread) = self.thread.filter(|own| own.thread().id() != thread::current().id()) {
            // Panics of callbacks were caught.
            let _ = thread.join();
        }
    }
}
