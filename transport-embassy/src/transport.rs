//! embassy-net as a transport of the core's loop, for one call.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embassy_time::Timer;
use miniwire_core::drive::asynch::{Ended, SocketTransport, Transport};
use miniwire_core::drive::{NoRandomness, Route};
use miniwire_core::reason::Fault;
use miniwire_core::time::Instant;

use crate::abort::{AbortHandle, UnderWay};
use crate::client::Client;
use crate::connection::Connection;
use crate::link::Link as _;
use crate::resolve;
use crate::secure::{Random, Secure};
use crate::sockets::{Tcp, User};

/// What one call sees of the network.
pub(crate) struct CallTransport<'a, 's, 'd, S: Secure<'s, 'd>, const N: usize> {
    pub(crate) client: &'a Client<'s, 'd, S, N>,
    pub(crate) abort: Option<&'a AbortHandle>,
    /// `None` where every place was taken; the task was refused then.
    pub(crate) under_way: Option<UnderWay<'a>>,
    /// What a socket needs.
    pub(crate) random: Option<&'a dyn Random>,
}

/// The core's clock is embassy's, in milliseconds.
pub(crate) fn now() -> Instant {
    Instant::from_millis(embassy_time::Instant::now().as_millis())
}

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> Transport for CallTransport<'_, 's, 'd, S, N> {
    type Link = Connection<'s, 'd, S::Session>;

    fn now(&self) -> Instant {
        now()
    }

    async fn ended(&self, until: Instant) -> Ended {
        // The end of time is later than embassy's.
        let until = embassy_time::Instant::try_from_millis(until.as_millis()).unwrap_or(embassy_time::Instant::MAX);
        let mut timer = pin!(Timer::at(until));
        poll_fn(|context| {
            let under_way = self.under_way.as_ref();
            match under_way.and_then(|under_way| under_way.interrupted(self.abort, context.waker())) {
                Some(interrupt) => Poll::Ready(Ended::Interrupted(interrupt)),
                None => timer.as_mut().poll(context).map(|()| Ended::Deadline),
            }
        })
        .await
    }

    fn reuse(&self, route: &Route<'_>) -> Option<Self::Link> {
        let link = self.client.kept.take(route, |link| self.is_alive(link))?;
        link.slot().set_idle_limit(None);
        Some(link)
    }

    async fn connect(&self, route: &Route<'_>) -> Result<Self::Link, Fault> {
        let mut tcp = self.socket().await?;
        let (host, port) = route.first_hop();
        resolve::connect(self.client.sockets.stack(), &mut tcp, host, port).await?;
        if self.random.is_some() {
            tcp.make_duplex();
        }
        Ok(Connection::Plain(tcp))
    }

    async fn secure(&self, link: Self::Link, route: &Route<'_>) -> Result<Self::Link, Fault> {
        let Connection::Plain(tcp) = link else { return Err(Fault::Tls) };
        let secure = &self.client.secure;
        poll_fn(|context| {
            if secure.is_free(context.waker()) {
                return Poll::Ready(());
            }
            self.client.kept.close_oldest(Connection::is_secured);
            Poll::Pending
        })
        .await;
        let user = User(tcp.slot());
        match secure.secure(tcp, route.host).await {
            Ok(session) => Ok(Connection::Secured(session, user)),
            Err(fault) => {
                user.forget();
                Err(fault)
            }
        }
    }

    fn read_ready(&self, link: &mut Self::Link) -> bool {
        match link {
            Connection::Plain(tcp) => tcp.slot().is_readable(),
            // What has come under TLS may be a session ticket: to read then would be to wait.
            Connection::Secured(session, _) => self.client.secure.holds_bytes(session),
        }
    }

    fn keep(&self, route: &Route<'_>, link: Self::Link) {
        if let Some(limit) = self.client.idle_limit
            && !self.client.calls.is_shut_down()
        {
            link.slot().set_idle_limit(Some(limit));
            self.client.kept.put(route, link);
        }
    }
}

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> SocketTransport for CallTransport<'_, 's, 'd, S, N> {
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.random.ok_or(NoRandomness)?.fill(bytes)
    }

    async fn readable(&self, link: &mut Self::Link) {
        match link {
            Connection::Plain(tcp) => tcp.readable().await,
            Connection::Secured(session, _) => session.readable().await,
        }
    }
}

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> CallTransport<'_, 's, 'd, S, N> {
    /// A socket for a new connection, in the place of a kept one where that must be. A session gives its socket back in a
    /// task of its own, a moment later. [`Fault::Connect`] where other clients have them all.
    async fn socket(&self) -> Result<Tcp<'s, 'd>, Fault> {
        let Client { sockets, kept, .. } = self.client;
        kept.sweep(|link| self.is_alive(link));
        poll_fn(|context| {
            loop {
                if let Some(tcp) = sockets.take() {
                    return Poll::Ready(Ok(tcp));
                }
                if sockets.is_one_leaving(context.waker()) {
                    return Poll::Pending;
                }
                if !kept.close_oldest(|_| true) {
                    return Poll::Ready(Err(Fault::Connect));
                }
            }
        })
        .await
    }

    /// Whether a kept link can be believed to serve another call.
    fn is_alive(&self, link: &Connection<'s, 'd, S::Session>) -> bool {
        let stack = self.client.sockets.stack();
        let local = link.slot().with(|socket| socket.local_endpoint()).flatten();
        // What can be read now is the end, or what nobody asked for.
        stack.is_link_up() && local.is_some_and(|local| resolve::is_local(stack, local.addr)) && !self.is_readable(link)
    }

    fn is_readable(&self, link: &Connection<'s, 'd, S::Session>) -> bool {
        let held = match link {
            Connection::Plain(_) => false,
            Connection::Secured(session, _) => self.client.secure.holds_bytes(session),
        };
        held || link.slot().is_readable()
    }
}
