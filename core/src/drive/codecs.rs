//! What the messages of a driver's socket go through: the caller's codec, or nothing.

use core::marker::PhantomData;

use crate::reason::Reason;
#[cfg(feature = "permessage-deflate")]
use crate::socket::Compression;
use crate::socket::{ConnectSocket, Event, Opened, Sending, SocketTask};
use crate::time::Instant;
use crate::ws::mask::Mask;

#[derive(Debug)]
pub(super) struct Codecs<'s> {
    #[cfg(feature = "permessage-deflate")]
    compression: Option<&'s mut Compression<'s>>,
    memory: PhantomData<&'s mut [u8]>,
}

impl<'s> Codecs<'s> {
    /// Nothing is compressed.
    pub(super) const NONE: Self = Self {
        #[cfg(feature = "permessage-deflate")]
        compression: None,
        memory: PhantomData,
    };

    /// What is compressed is up to the server.
    #[cfg(feature = "permessage-deflate")]
    pub(super) const fn new(compression: &'s mut Compression<'s>) -> Self {
        Self { compression: Some(compression), memory: PhantomData }
    }

    /// The call, with the offer that there is memory for.
    pub(super) const fn offer<'r>(&self, connect: &ConnectSocket<'r>) -> ConnectSocket<'r> {
        #[cfg_attr(not(feature = "permessage-deflate"), expect(unused_mut))]
        let mut connect = *connect;
        #[cfg(feature = "permessage-deflate")]
        {
            connect.compression = match &self.compression {
                Some(compression) => Some(compression.offer()),
                None => None,
            };
        }
        connect
    }

    /// Takes what the opening handshake agreed on.
    pub(super) fn begin(&mut self, opened: &Opened) {
        #[cfg(feature = "permessage-deflate")]
        if let Some(compression) = &mut self.compression {
            compression.begin(opened.compression);
        }
        #[cfg(not(feature = "permessage-deflate"))]
        let _ = opened;
    }

    /// [`SocketTask::receive`].
    pub(super) fn receive<'i>(
        &'i mut self,
        task: &mut SocketTask,
        now: Instant,
        rx: &'i [u8],
    ) -> (usize, Option<Event<'i>>) {
        #[cfg(feature = "permessage-deflate")]
        if let Some(compression) = &mut self.compression {
            return task.receive_with(now, compression.codec(), rx);
        }
        task.receive(now, rx)
    }

    /// [`Sending::next`].
    pub(super) fn next(
        &mut self,
        message: &mut Sending<'_>,
        task: &mut SocketTask,
        mask: Mask,
        tx: &mut [u8],
    ) -> Result<usize, Reason> {
        #[cfg(feature = "permessage-deflate")]
        if let Some(compression) = &mut self.compression {
            return message.next_with(task, compression.codec(), mask, tx);
        }
        message.next(task, mask, tx)
    }
}
