//! Compressed messages of a socket: permessage-deflate (RFC 7692), in memory of the caller's.

use crate::ws::deflate::{Bytes, Deflater, Heads, Inflater, Parameters, WindowBits, WindowTooSmall};

/// Both directions of an open socket on which permessage-deflate was agreed on. Its memory is borrowed or owned: slices,
/// arrays, boxes.
///
/// [`SocketTask::receive_with`](super::SocketTask::receive_with) and [`Sending::next_with`](super::Sending::next_with)
/// take it. Apart from the memory it is about 2.5 KiB.
#[derive(Debug)]
pub struct Codec<W, H> {
    pub(super) inflater: Inflater<W>,
    pub(super) deflater: Deflater<W, H>,
}

impl<W: Bytes, H: Heads> Codec<W, H> {
    /// For what [`Opened::compression`](super::Opened::compression) says. `inflate` is the window of what comes,
    /// `deflate` that of what goes, and `heads` its table: see [`Inflater::new`] and [`Deflater::new`].
    ///
    /// # Errors
    /// [`WindowTooSmall`]; an offer of no more than there is prevents it.
    pub fn new(agreed: &Parameters, inflate: W, deflate: W, heads: H) -> Result<Self, WindowTooSmall> {
        Ok(Self { inflater: Inflater::new(agreed, inflate)?, deflater: Deflater::new(agreed, deflate, heads)? })
    }
}

/// The memory of one compressed socket, and what can be offered with it, for the sockets of [`drive`](crate::drive).
#[derive(Debug)]
pub struct Compression<'m> {
    offer: Parameters,
    memory: Option<(&'m mut [u8], &'m mut [u8], &'m mut [u16])>,
    codec: Option<Codec<&'m mut [u8], &'m mut [u16]>>,
}

impl<'m> Compression<'m> {
    /// Offers windows as large as these: `inflate` for what comes, `deflate` for what goes, each 256 bytes to 32 KiB, of
    /// which the largest power of two is used. `heads` finds repetitions; one entry for each two bytes of `deflate` is a
    /// good number.
    ///
    /// # Errors
    /// [`WindowTooSmall`]: less than 256 bytes.
    pub fn new(inflate: &'m mut [u8], deflate: &'m mut [u8], heads: &'m mut [u16]) -> Result<Self, WindowTooSmall> {
        let bits = |window: &[u8]| WindowBits::within(window.len()).ok_or(WindowTooSmall);
        let offer = Parameters {
            server_max_window_bits: bits(inflate)?,
            client_max_window_bits: bits(deflate)?,
            ..Parameters::DEFAULT
        };
        Ok(Self { offer, memory: Some((inflate, deflate, heads)), codec: None })
    }

    /// With every message compressed by itself, in both directions (section 7.1.1): less is saved, and a message of the
    /// past cannot be guessed from the size of a new one.
    pub const fn without_takeover(mut self) -> Self {
        self.offer.server_no_context_takeover = true;
        self.offer.client_no_context_takeover = true;
        self
    }

    /// What is offered.
    pub const fn offer(&self) -> Parameters {
        self.offer
    }

    /// Takes what was agreed on; nothing is compressed where that is nothing. The offer was this one, so the windows suffice.
    pub(crate) fn begin(&mut self, agreed: Option<Parameters>) {
        if let Some(agreed) = agreed
            && let Some((inflate, deflate, heads)) = self.memory.take()
        {
            self.codec = Codec::new(&agreed, inflate, deflate, heads).ok();
        }
    }

    /// What messages go through, if they are compressed.
    pub(crate) const fn codec(&mut self) -> Option<&mut Codec<&'m mut [u8], &'m mut [u16]>> {
        self.codec.as_mut()
    }

    /// Whether the server agreed to compress.
    pub const fn is_agreed(&self) -> bool {
        self.codec.is_some()
    }
}
