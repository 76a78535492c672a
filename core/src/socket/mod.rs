//! `my.connectSocket` and the calls around it (SOCK-01 to SOCK-12).
//!
//! ```text
//!  Handshake --OpeningTask--> 101 ----> SocketTask: open --close, the server's Close, a fault--> Error? --> Close
//!                    \--failure, refusal-----------------------------------------------------------/
//! ```
//!
//! | part | what it is |
//! |---|---|
//! | [`ConnectSocket`], [`Handshake`] | what is asked for, and the request that asks for it |
//! | [`OpeningTask`] | the opening handshake, a [`Task`](crate::task::Task) as every call is |
//! | [`SocketTask`] | the open socket: frames, keep-alive, the closing handshake, the order of the events |
//! | [`Sending`] | a message on its way out |
//! | [`Assemble`] | a message put together in the caller's memory |
//! | [`OneSocket`], [`Listeners`] | one connection per context, and who listens to it |
//!
//! With the feature `permessage-deflate` messages can be compressed: `ConnectSocket::compression` offers it, and a `Codec`
//! goes along with each call of the open socket.
//!
//! The opening handshake and the open socket are two machines, so that an idle socket costs no more than it needs: a
//! [`SocketTask`] is smaller than 256 bytes. [`drive`](crate::drive) has a socket of both for blocking and asynchronous
//! transports.
//!
//! The law of the open socket: receiving and transmitting are methods of their own, to be called from one loop after each
//! other or from two that share the task.
//! 1. While [`has_output`](SocketTask::has_output), call [`transmit`](SocketTask::transmit) and write the bytes in full.
//! 2. Call [`receive`](SocketTask::receive), report the event, drop what was consumed; again, until it has consumed and
//!    shown nothing.
//! 3. Drop the link once it [`is_finished`](SocketTask::is_finished). Until then read more, not longer than until
//!    [`deadline`](SocketTask::deadline), and say how that ended.
//!
//! A whole life after the handshake, without a network:
//!
//! ```
//! use miniwire_core::socket::{Event, Settings, SocketTask};
//! use miniwire_core::time::Instant;
//! use miniwire_core::ws::mask::Mask;
//!
//! let (now, mut tx) = (Instant::from_millis(0), [0; 256]);
//! let mut task = SocketTask::new(Settings::new().close_timeout(1_000), now);
//!
//! let rx = b"\x81\x05hello\x88\x02\x03\xe8"; // a message, and the server's Close
//! let (n, event) = task.receive(now, rx);
//! assert_eq!((n, event), (7, Some(Event::Message { text: true, data: b"hello", fin: true })));
//! let (_, event) = task.receive(now, &rx[n..]);
//! assert_eq!(event, Some(Event::Close { code: 1000, reason: "" }));
//!
//! assert!(task.has_output(now)); // our Close
//! let length = task.transmit(now, Mask::fresh([0; 4]), &mut tx);
//! assert_eq!(&tx[..length], b"\x88\x82\0\0\0\0\x03\xe8");
//! assert!(!task.is_finished(now)); // the server closes the link now, or it is cut at the deadline
//! task.end_of_stream();
//! assert!(task.is_finished(now));
//! ```

#[cfg(feature = "permessage-deflate")]
mod compression;
mod listeners;
mod message;
mod one;
mod opening;
mod options;
mod sending;
mod task;

#[cfg(feature = "permessage-deflate")]
pub(crate) use compression::LentCodec;
#[cfg(feature = "permessage-deflate")]
pub use compression::{Codec, Compression, CompressionMemory};
pub use listeners::{EventKind, Listener, Listeners, RegistryFull, Round};
pub use message::{Assemble, Message};
pub use one::{Attempt, OneSocket, Rule, Ticket};
pub use opening::{ConnectFailure, Opened, Opening, OpeningEvent, OpeningTask};
pub use options::{ConnectSocket, Handshake};
pub use sending::Sending;
pub use task::{Event, Settings, SocketTask};

#[cfg(test)]
mod tests;
