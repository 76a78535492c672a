//! The context as a client: what calls share, and how one call runs.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant as StdInstant;

use miniwire_core::context::{Context, Limits, Proxy, ProxyRule};
use miniwire_core::drive::{Transport, blocking};
use miniwire_core::policy::{Api, Policy, Whitelist};
use miniwire_core::reason::Reason;
use miniwire_core::request::{Collect, Event, Outcome, Request, RequestTask};
use miniwire_core::sink::{Full, Sink};

use crate::answer::{Failure, Response, Timings};
use crate::files::store::TemporaryFiles;
use crate::net::{Net, ProxyRules, Shared, Switch, Tracer};
use crate::session::{Parts, Session, Sessions};
use crate::socket::hub::Hub;

/// A mini program's context (CTX-01). Cheap to clone; clones share everything.
///
/// When the last clone is dropped, kept connections are closed and temporary files removed. Calls that are under way go
/// on: they hold a clone. To end them, too: [`shut_down`](Self::shut_down).
///
/// Everything may be called from any thread, and from inside a callback or a listener. A call has some 90 KiB of buffers,
/// which the next one uses again; a response head of more than 64 KiB is
/// [`Reason::HeadTooLarge`](miniwire_core::reason::Reason::HeadTooLarge).
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) app_id: String,
    pub(crate) app_version: String,
    pub(crate) rules: Rules,
    pub(crate) user_agent: String,
    pub(crate) limits: Limits,
    /// Bytes of a body that is taken whole.
    pub(crate) max_body: u64,
    pub(crate) proxy: ProxyRules,
    pub(crate) tracer: Option<Arc<Tracer>>,
    pub(crate) net: Arc<Shared>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) files: TemporaryFiles,
    pub(crate) hub: Arc<Hub>,
    /// Bytes of messages that may wait to be sent.
    pub(crate) socket_queue: usize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A connection ends with its page (CTX-06).
        self.hub.unload();
    }
}

/// What the policy is made of, owned.
pub(crate) enum Rules {
    Development,
    Release {
        /// Entries between spaces, found to be good.
        whitelist: String,
        /// It is also for what is downloaded.
        for_downloads: bool,
        /// And for sockets.
        for_sockets: bool,
    },
}

impl Client {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Calls `my.request` and waits for the answer, by the request's deadline at the latest. The same as
    /// [`request`](Self::request) and [`Call::send`](crate::Call::send), for who has a [`Request`].
    ///
    /// # Errors
    /// [`Failure`] is `fail`: code, reason, and the answer as far as it came.
    pub fn send(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let mut response = Response::new();
        match self.send_into(request, &mut response) {
            Ok(()) => Ok(response),
            Err(reason) => Err(Failure::new(Api::Request, reason, Some(response))),
        }
    }

    /// Calls `my.request` and waits for the answer, whose memory is used again: on a kept connection, with a response
    /// that has been filled before, nothing is allocated (over TLS, only what the TLS library allocates). What was in
    /// `response` is gone.
    ///
    /// # Errors
    /// The reason of `fail`. Where a head had arrived, `response` has the answer all the same; else its status is 0.
    pub fn send_into(&self, request: &Request<'_>, response: &mut Response) -> Result<(), Reason> {
        self.run(request, self.open(None), response)
    }

    /// `can_i_use`: whether this API, option or value is implemented (CTX-05).
    pub fn can_i_use(&self, schema: &str) -> bool {
        miniwire_core::can_i_use::can_i_use(schema)
    }

    /// The page was unloaded: every call under way ends, with code 1, or 12 for an upload or a download, and the socket
    /// closes with 1001 (CTX-06). Later calls are not affected. Does not wait for them.
    pub fn unload_page(&self) {
        self.inner.sessions.unload();
        // It may have no slot yet.
        self.inner.hub.unload();
    }

    /// The context shuts down: every call under way ends as on [`unload_page`](Self::unload_page), and so does every
    /// later one (CTX-06). Does not wait for them, may be said again, and is not taken back.
    pub fn shut_down(&self) {
        self.inner.sessions.shut_down();
        self.inner.hub.unload();
    }

    /// Takes a slot for a call, which is in flight from here on; see [`Sessions::open`].
    pub(crate) fn open(&self, switch: Option<&Arc<Switch>>) -> Result<Session, Reason> {
        self.inner.sessions.open(switch)
    }

    /// Runs a call in its slot, its answer taken whole.
    pub(crate) fn run(
        &self,
        request: &Request<'_>,
        session: Result<Session, Reason>,
        response: &mut Response,
    ) -> Result<(), Reason> {
        response.clear();
        let mut data = std::mem::take(&mut response.data).into_bytes();
        let mut collect = Collect::new(request.data_type, Some(Store(&mut response.head)), Store(&mut data));
        let ran = self.drive(request, session, false, |event| collect.event(event));
        let (mut outcome, timings) = ran?;
        collect.finish(&mut outcome);
        if !outcome.has_data() {
            data.clear();
        }
        // What dataType let pass is UTF-8.
        response.data = String::from_utf8(data).unwrap_or_default();
        response.status = outcome.status.unwrap_or(0);
        response.redirects = outcome.redirects;
        response.timings = timings;
        outcome.result
    }

    /// Runs a call in its slot, its body handed out as it comes.
    pub(crate) fn run_streamed(
        &self,
        request: &Request<'_>,
        session: Result<Session, Reason>,
        response: &mut Response,
        mut on_bytes: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), Reason> {
        response.clear();
        let head = &mut response.head;
        let ran = self.drive(request, session, true, |event| match event {
            Event::Head { head: found, .. } => {
                head.extend_from_slice(found.raw());
                Ok(())
            }
            Event::Body(bytes) => match on_bytes(bytes) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Reason::Aborted),
            },
            _ => Ok(()),
        });
        let (outcome, timings) = ran?;
        response.status = outcome.status.unwrap_or(0);
        response.redirects = outcome.redirects;
        response.timings = timings;
        outcome.result
    }

    fn drive(
        &self,
        request: &Request<'_>,
        session: Result<Session, Reason>,
        streamed: bool,
        on_event: impl FnMut(Event<'_>) -> Result<(), Reason>,
    ) -> Result<(Outcome, Timings), Reason> {
        let mut session = session?;
        let mut ride = self.ride(&mut session)?;
        let now = ride.net.now();
        let task = RequestTask::new(&ride.context, request, ride.redirect, now);
        let task = if streamed { task.streamed() } else { task.with_limit(self.max_body()) };
        let outcome = blocking::run(&mut ride.net, task, ride.receive, ride.transmit, on_event);
        Ok((outcome, ride.timings()))
    }

    /// What a task of any API needs to run.
    pub(crate) fn ride<'s>(&'s self, session: &'s mut Session) -> Result<Ride<'s>, Reason> {
        let started = StdInstant::now();
        let inner = &*self.inner;
        let context = inner.context()?;
        let (switch, Parts { receive, transmit, redirect, .. }) = session.parts();
        let net = Net::new(Arc::clone(&inner.net), switch, started).with_tracer(inner.tracer.clone());
        Ok(Ride { context, net, receive, transmit, redirect, started })
    }

    /// Bytes of a body that is taken whole.
    pub(crate) fn max_body(&self) -> u64 {
        self.inner.max_body
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.inner.hub
    }

    pub(crate) fn socket_queue(&self) -> usize {
        self.inner.socket_queue
    }

    pub(crate) fn temporary_files(&self) -> &TemporaryFiles {
        &self.inner.files
    }
}

/// One call on its way: the core's context, the transport, the buffers. When it is dropped, the call is over.
pub(crate) struct Ride<'s> {
    pub(crate) context: Context<'s>,
    pub(crate) net: Net,
    pub(crate) receive: &'s mut [u8],
    pub(crate) transmit: &'s mut [u8],
    pub(crate) redirect: &'s mut [u8],
    started: StdInstant,
}

impl Ride<'_> {
    /// How long the phases took so far.
    pub(crate) fn timings(&self) -> Timings {
        let net = self.net.timings();
        Timings {
            resolve: net.resolve,
            connect: net.connect,
            tls: net.tls,
            first_byte: net.first_byte.map_or_else(Default::default, |at| at.duration_since(self.started)),
            total: self.started.elapsed(),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { app_id, app_version, .. } = &*self.inner;
        f.debug_struct("Client").field("app_id", app_id).field("app_version", app_version).finish_non_exhaustive()
    }
}

impl Inner {
    /// The core's view of this context. Everything in it was checked when the client was built.
    pub(crate) fn context(&self) -> Result<Context<'_>, Reason> {
        let policy = match &self.rules {
            Rules::Development => Policy::development(),
            Rules::Release { whitelist, for_downloads, for_sockets } => {
                let whitelist = Whitelist::from_list(whitelist).map_err(|_| Reason::HostNotAllowed)?;
                let policy = Policy::release(whitelist);
                let policy = if *for_downloads { policy.also_for_downloads() } else { policy };
                if *for_sockets { policy.also_for_sockets() } else { policy }
            }
        };
        let context = Context::new(&self.app_id, &self.app_version, policy)
            .and_then(|context| context.with_user_agent(&self.user_agent))
            .map_err(|_| Reason::IllegalOption)?;
        Ok(context.with_limits(self.limits).with_proxy(Some(&self.proxy)))
    }
}

impl ProxyRule for ProxyRules {
    fn proxy_for(&self, secure: bool, host: &str, port: u16) -> Option<Proxy<'_>> {
        let proxy = self.for_url(secure, host, port)?;
        Some(Proxy { host: &proxy.host, port: proxy.port, credentials: proxy.credentials.as_deref() })
    }
}

/// Memory that grows. The task's limit of the body bounds it.
struct Store<'v>(&'v mut Vec<u8>);

impl Sink for Store<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
