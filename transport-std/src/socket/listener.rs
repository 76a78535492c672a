//! What listens to the socket's events (SOCK-03).

use std::fmt;
use std::sync::Arc;

use miniwire_core::socket::EventKind;

use super::message::{Message, SocketClose, SocketOpen};
use crate::answer::Failure;

/// A listener of one kind of event. Clones are the same listener.
///
/// A closure becomes one where it is registered; to register it again, or for two contexts, make it first:
///
/// ```
/// # use miniwire_std::{Client, SocketListener, SocketClose};
/// # let client = Client::builder("2021000000000001", "1.0.0").build().unwrap();
/// let listener = SocketListener::new(|close: &SocketClose| println!("closed with {}", close.code));
/// client.on_socket_close(listener.clone())?;
/// client.on_socket_close(listener.clone())?; // it is called twice
/// client.off_socket_close(Some(&listener)); // and not any more
/// # Ok::<(), miniwire_std::RegistryFull>(())
/// ```
pub struct SocketListener<E> {
    call: Arc<Call<E>>,
}

type Call<E> = dyn Fn(&E) + Send + Sync;

impl<E> SocketListener<E> {
    /// A listener that calls this.
    pub fn new(listener: impl Fn(&E) + Send + Sync + 'static) -> Self
    where
        E: 'static,
    {
        // With a byte beside it, or two closures that hold nothing could have one address.
        let held = (listener, 0_u8);
        Self {
            call: Arc::new(move |event: &E| {
                let (listener, _) = &held;
                listener(event);
            }),
        }
    }
}

impl<E> Clone for SocketListener<E> {
    fn clone(&self) -> Self {
        Self { call: Arc::clone(&self.call) }
    }
}

impl<E> PartialEq for SocketListener<E> {
    fn eq(&self, other: &Self) -> bool {
        Arc::as_ptr(&self.call).addr() == Arc::as_ptr(&other.call).addr()
    }
}

impl<E> Eq for SocketListener<E> {}

impl<E> fmt::Debug for SocketListener<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketListener").finish_non_exhaustive()
    }
}

impl<E: 'static, F: Fn(&E) + Send + Sync + 'static> From<F> for SocketListener<E> {
    fn from(listener: F) -> Self {
        Self::new(listener)
    }
}

/// A listener in the registry.
#[derive(Clone, PartialEq)]
pub(super) enum Registered {
    Open(SocketListener<SocketOpen>),
    Error(SocketListener<Failure>),
    Message(SocketListener<Message>),
    Close(SocketListener<SocketClose>),
}

/// What listeners are told.
pub(super) enum Told<'e> {
    Open(&'e SocketOpen),
    Error(&'e Failure),
    Message(&'e Message),
    Close(&'e SocketClose),
}

impl Told<'_> {
    pub(super) fn kind(&self) -> EventKind {
        match self {
            Self::Open(_) => EventKind::Open,
            Self::Error(_) => EventKind::Error,
            Self::Message(_) => EventKind::Message,
            Self::Close(_) => EventKind::Close,
        }
    }
}

impl Registered {
    pub(super) fn call(&self, told: &Told<'_>) {
        match (self, told) {
            (Self::Open(listener), Told::Open(event)) => (listener.call)(event),
            (Self::Error(listener), Told::Error(event)) => (listener.call)(event),
            (Self::Message(listener), Told::Message(event)) => (listener.call)(event),
            (Self::Close(listener), Told::Close(event)) => (listener.call)(event),
            // Each is registered for its own kind.
            _ => {}
        }
    }
}
