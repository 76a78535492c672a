//! What the messages of a driver's socket go through: a codec in memory of the caller's, or nothing.

use core::marker::PhantomData;

use crate::reason::Reason;
#[cfg(feature = "permessage-deflate")]
use crate::socket::{Compression, LentCodec};
use crate::socket::{ConnectSocket, Event, Opened, Sending, SocketTask};
use crate::time::Instant;
use crate::ws::mask::Mask;

/// What is offered to the server.
#[derive(Debug)]
pub(super) struct Offer<'s> {
    #[cfg(feature = "permessage-deflate")]
    compression: Option<Compression<'s>>,
    memory: PhantomData<&'s mut [u8]>,
}

/// What was agreed on.
#[derive(Debug)]
pub(super) struct Codecs<'s> {
    #[cfg(feature = "permessage-deflate")]
    codec: Option<LentCodec<'s>>,
    memory: PhantomData<&'s mut [u8]>,
}

impl<'s> Offer<'s> {
    /// Nothing is compressed.
    pub(super) const NONE: Self = Self {
        #[cfg(feature = "permessage-deflate")]
        compression: None,
        memory: PhantomData,
    };

    /// What is compressed is up to the server.
    #[cfg(feature = "permessage-deflate")]
    pub(super) const fn new(compression: Compression<'s>) -> Self {
        Self { compression: Some(compression), memory: PhantomData }
    }

    /// The call, with the offer that there is memory for.
    pub(super) fn put<'r>(&self, connect: &ConnectSocket<'r>) -> ConnectSocket<'r> {
        #[cfg_attr(not(feature = "permessage-deflate"), expect(unused_mut))]
        let mut connect = *connect;
        #[cfg(feature = "permessage-deflate")]
        {
            connect.compression = self.compression.as_ref().map(Compression::offer);
        }
        connect
    }

    /// What the opening handshake agreed on.
    pub(super) fn agreed(self, opened: &Opened) -> Codecs<'s> {
        #[cfg(not(feature = "permessage-deflate"))]
        let _ = opened;
        Codecs {
            #[cfg(feature = "permessage-deflate")]
            codec: self.compression.and_then(|compression| compression.agreed(opened.compression)),
            memory: PhantomData,
        }
    }
}

impl Codecs<'_> {
    /// [`SocketTask::receive`].
    pub(super) fn receive<'i>(
        &'i mut self,
        task: &mut SocketTask,
        now: Instant,
        rx: &'i [u8],
    ) -> (usize, Option<Event<'i>>) {
        #[cfg(feature = "permessage-deflate")]
        return task.receive_with(now, self.codec.as_mut(), rx);
        #[cfg(not(feature = "permessage-deflate"))]
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
        return message.next_with(task, self.codec.as_mut(), mask, tx);
        #[cfg(not(feature = "permessage-deflate"))]
        message.next(task, mask, tx)
    }
}
