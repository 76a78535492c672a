//! What the messages of one socket go through: a codec, or nothing. There are windows only where compression was agreed on.

use miniwire_core::reason::Reason;
#[cfg(feature = "permessage-deflate")]
use miniwire_core::socket;
use miniwire_core::socket::{Event, Opened, SocketTask};
use miniwire_core::time::Instant;
use miniwire_core::ws::connection::Sent;
use miniwire_core::ws::mask::Mask;

use super::control::Outgoing;

#[cfg(feature = "permessage-deflate")]
type Owned = socket::Codec<Box<[u8]>, Box<[u16]>>;

pub(super) struct Codec {
    #[cfg(feature = "permessage-deflate")]
    codec: Option<Box<Owned>>,
}

impl Codec {
    /// For what the opening handshake agreed on.
    #[cfg(feature = "permessage-deflate")]
    pub(super) fn after(opened: &Opened) -> Self {
        let codec = opened.compression.and_then(|agreed| {
            let (theirs, ours) = (agreed.server_max_window_bits.bytes(), agreed.client_max_window_bits.bytes());
            let windows = (vec![0; theirs].into(), vec![0; ours].into(), vec![0; ours / 2].into());
            // They are as large as was agreed on.
            Owned::new(&agreed, windows.0, windows.1, windows.2).ok()
        });
        Self { codec: codec.map(Box::new) }
    }

    /// Nothing is compressed.
    #[cfg(not(feature = "permessage-deflate"))]
    pub(super) const fn after(_: &Opened) -> Self {
        Self {}
    }

    /// [`SocketTask::receive`].
    pub(super) fn receive<'i>(
        &'i mut self,
        task: &mut SocketTask,
        now: Instant,
        rx: &'i [u8],
    ) -> (usize, Option<Event<'i>>) {
        #[cfg(feature = "permessage-deflate")]
        return task.receive_with(now, self.codec.as_deref_mut(), rx);
        #[cfg(not(feature = "permessage-deflate"))]
        task.receive(now, rx)
    }

    /// [`SocketTask::send`], of what is left of the message.
    pub(super) fn send(
        &mut self,
        task: &mut SocketTask,
        message: &Outgoing,
        mask: Mask,
        tx: &mut [u8],
    ) -> Result<Sent, Reason> {
        #[cfg(feature = "permessage-deflate")]
        return task.send_with(self.codec.as_deref_mut(), message.text, message.rest(), message.fin, mask, tx);
        #[cfg(not(feature = "permessage-deflate"))]
        task.send(message.text, message.rest(), message.fin, mask, tx)
    }
}
