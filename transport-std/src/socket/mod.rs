//! `my.connectSocket` and what belongs to it (SOCK-01 to SOCK-12), over std sockets.
//!
//! | part | what it is |
//! |---|---|
//! | [`connect`], [`attempt`] | the call; its options, and the opening handshake |
//! | [`pump`], [`waiter`] | an open socket: bytes both ways at once, without blocking and without spinning |
//! | [`threaded`], [`blocking`] | who runs the pump: a thread of its own, or the caller |
//! | [`assemble`], [`inbox`] | messages from their pieces; what came while something was sent |
//! | [`control`] | what other threads tell a pump: messages, to close, to end |
//! | [`hub`], [`listener`] | the context's one connection, and who is told what happens to it |

mod assemble;
mod attempt;
mod blocking;
mod codec;
mod connect;
mod control;
pub(crate) mod hub;
mod inbox;
mod listener;
mod message;
mod pump;
mod threaded;
mod waiter;

use miniwire_core::reason::Reason;
use miniwire_core::socket::{EventKind, RegistryFull};
use miniwire_core::ws::close;

pub use blocking::{NothingCame, Socket};
pub use connect::ConnectSocket;
use listener::Registered;
pub use listener::SocketListener;
use message::failure;
pub use message::{Message, SocketClose, SocketEvent, SocketOpen};

use crate::answer::Failure;
use crate::client::Client;

/// The socket's API. All of it may be called from any thread, and from inside a listener.
///
/// Listeners are called on the socket's thread, one after the other; they outlive a connection (SOCK-03). A listener that
/// is removed during an event is not called any more, one that is added is called from the next event on. A listener that
/// holds a clone of the client keeps the context alive: end it with [`shut_down`](Client::shut_down), or remove the
/// listener.
impl Client {
    /// `my.connectSocket`: a call to this URL, to be configured, then started or opened.
    pub fn connect_socket(&self, url: impl Into<String>) -> ConnectSocket {
        ConnectSocket::new(self.clone(), url.into())
    }

    /// `my.sendSocketMessage`: has a message sent, text or bytes; [`Message::from_data`] makes one of `data` and
    /// `isBuffer`. Returns at once (SOCK-04).
    ///
    /// # Errors
    /// Code 10 before the socket is open, and once it is closed or to be closed; 11 where too much waits to be sent
    /// ([`ClientBuilder::socket_queue`](crate::ClientBuilder::socket_queue)): the message is not sent then.
    pub fn send_socket_message(&self, message: impl Into<Message>) -> Result<(), Failure> {
        let control = self.hub().open().map_err(failure)?;
        control.send(message.into()).map_err(|reason| match reason {
            Reason::SendFailed => failure(reason).with_detail("too much is waiting to be sent"),
            reason => failure(reason),
        })
    }

    /// `my.closeSocket`: closes the connection with this code, 1000 by default in the reference, once what waits is sent.
    /// One that is still being opened is given up; its Close is 1000. Without a connection this succeeds (SOCK-06).
    ///
    /// # Errors
    /// Code 1 for a code that a client may not send, or a reason of more than 123 bytes. It may send 1000 to 1003, 1007 to
    /// 1011 and 3000 to 4999 (RFC 6455 section 7.4).
    pub fn close_socket(&self, code: u16, reason: &str) -> Result<(), Failure> {
        close::check(code, reason).map_err(|_| failure(Reason::IllegalOption))?;
        self.hub().close(code, reason);
        Ok(())
    }
}

/// `on_…` and `off_…` of one event.
macro_rules! listeners {
    ($(#[$on_doc:meta])* $on:ident, $(#[$off_doc:meta])* $off:ident, $kind:ident, $event:ty) => {
        $(#[$on_doc])*
        ///
        /// # Errors
        /// [`RegistryFull`] beyond 64 registrations of all events together.
        pub fn $on(
            &self,
            listener: impl Into<SocketListener<$event>>,
        ) -> Result<SocketListener<$event>, RegistryFull> {
            let listener = listener.into();
            self.hub().on(EventKind::$kind, Registered::$kind(listener.clone())).map(|()| listener)
        }

        $(#[$off_doc])*
        pub fn $off(&self, listener: Option<&SocketListener<$event>>) {
            let listener = listener.map(|listener| Registered::$kind(listener.clone()));
            self.hub().off(EventKind::$kind, listener.as_ref());
        }
    };
}

impl Client {
    listeners!(
        /// `my.onSocketOpen`: calls this when the socket is open. Returns the listener, to remove it with.
        on_socket_open,
        /// `my.offSocketOpen`: removes all registrations of this listener, or of every one.
        off_socket_open, Open, SocketOpen);
    listeners!(
        /// `my.onSocketError`: calls this at an abnormal end, before the Close. Returns the listener, to remove it with.
        on_socket_error,
        /// `my.offSocketError`: removes all registrations of this listener, or of every one.
        off_socket_error, Error, Failure);
    listeners!(
        /// `my.onSocketMessage`: calls this with each message. Returns the listener, to remove it with.
        on_socket_message,
        /// `my.offSocketMessage`: removes all registrations of this listener, or of every one.
        off_socket_message, Message, Message);
    listeners!(
        /// `my.onSocketClose`: calls this at the end of a connection. Returns the listener, to remove it with.
        on_socket_close,
        /// `my.offSocketClose`: removes all registrations of this listener, or of every one.
        off_socket_close, Close, SocketClose);
}
