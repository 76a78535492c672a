//! `my.sendSocketMessage`: a message on its way out, in as many frames as it takes (SOCK-04).

#[cfg(feature = "permessage-deflate")]
use super::compression::Codec;
use super::task::SocketTask;
use crate::base64;
use crate::reason::Reason;
use crate::ws::connection::Sent;
#[cfg(feature = "permessage-deflate")]
use crate::ws::deflate::{Bytes, Heads};
use crate::ws::frame::payload_room;
use crate::ws::mask::Mask;

/// A message, or a piece of one, that is being sent.
///
/// A message that fits `tx` goes out in one frame, a longer one in fragments; its bytes are copied once, into `tx`.
///
/// ```
/// # use miniwire_core::reason::Reason;
/// use miniwire_core::socket::{Sending, Settings, SocketTask};
/// use miniwire_core::time::Instant;
/// use miniwire_core::ws::mask::Mask;
///
/// let (mut task, mut tx) = (SocketTask::new(Settings::new(), Instant::from_millis(0)), [0; 256]);
/// let mut sending = Sending::text("hello");
/// while !sending.is_done() {
///     let length = sending.next(&mut task, Mask::fresh([0; 4]), &mut tx)?; // four random bytes, each time
///     assert_eq!(&tx[..length], b"\x81\x85\0\0\0\0hello"); // the caller writes them
/// }
/// # Ok::<(), Reason>(())
/// ```
#[derive(Debug)]
pub struct Sending<'d> {
    form: Form,
    rest: &'d [u8],
    /// The message ends with this.
    fin: bool,
    done: bool,
}

#[derive(Debug)]
enum Form {
    Text,
    Binary,
    Base64(base64::Decoder),
}

impl<'d> Sending<'d> {
    /// A text message.
    pub const fn text(data: &'d str) -> Self {
        Self::new(Form::Text, data.as_bytes())
    }

    /// A binary message.
    pub const fn binary(data: &'d [u8]) -> Self {
        Self::new(Form::Binary, data)
    }

    /// A binary message of the bytes whose base64 this is: `isBuffer` (standard alphabet, padded). It is decoded in the
    /// transmit buffer, half of it at a time.
    ///
    /// # Errors
    /// [`Reason::MalformedBuffer`] (code 11), before anything of it is sent.
    pub fn base64(data: &'d str) -> Result<Self, Reason> {
        let (mut decoder, mut rest) = (base64::Decoder::new(), data.as_bytes());
        while !rest.is_empty() {
            let progress = decoder.push(rest, &mut [0; 48]).map_err(|_| Reason::MalformedBuffer)?;
            rest = rest.get(progress.read..).unwrap_or_default();
        }
        decoder.finish().map_err(|_| Reason::MalformedBuffer)?;
        Ok(Self::new(Form::Base64(base64::Decoder::new()), data.as_bytes()))
    }

    const fn new(form: Form, rest: &'d [u8]) -> Self {
        Self { form, rest, fin: true, done: false }
    }

    /// Only a piece of a message: the next `Sending` of the same kind goes on with it.
    pub const fn unfinished(mut self) -> Self {
        self.fin = false;
        self
    }

    /// Whether everything is written.
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// Writes the next frame to `tx`. Returns its length, which is 0 only when there is nothing to send. Other frames of
    /// `task` may go before and behind it, but no other message.
    ///
    /// # Errors
    /// As [`SocketTask::send`]; the rest of the message cannot be sent then.
    pub fn next(&mut self, task: &mut SocketTask, mask: Mask, tx: &mut [u8]) -> Result<usize, Reason> {
        self.next_by(tx, false, |text, data, fin, tx| task.send(text, data, fin, mask, tx))
    }

    /// As [`next`](Self::next), compressed by `codec`, if there is one: the same for all frames of a message.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "permessage-deflate")]
    pub fn next_with<W: Bytes, H: Heads, T>(
        &mut self,
        task: &mut SocketTask,
        codec: Option<&mut Codec<W, H, T>>,
        mask: Mask,
        tx: &mut [u8],
    ) -> Result<usize, Reason> {
        let compressed = codec.is_some();
        self.next_by(tx, compressed, |text, data, fin, tx| task.send_with(codec, text, data, fin, mask, tx))
    }

    fn next_by(
        &mut self,
        tx: &mut [u8],
        compressed: bool,
        send: impl FnOnce(bool, &[u8], bool, &mut [u8]) -> Result<Sent, Reason>,
    ) -> Result<usize, Reason> {
        if self.done {
            return Ok(0);
        }
        let Form::Base64(decoder) = &mut self.form else {
            let sent = send(matches!(self.form, Form::Text), self.rest, self.fin, tx)?;
            self.rest = self.rest.get(sent.taken..).unwrap_or_default();
            self.done = self.rest.is_empty();
            return Ok(sent.length);
        };
        // Decoded in one half of the buffer, masked into the other.
        let (frame, free) = tx.split_at_mut_checked(tx.len().div_ceil(2)).ok_or(Reason::BufferTooSmall)?;
        let mut room = payload_room(frame.len()).unwrap_or(0).min(free.len());
        if compressed {
            // What does not compress becomes longer by an eighth, and by the ends of the block.
            room = room.saturating_sub(room >> 2);
        }
        let free = free.get_mut(..room).unwrap_or_default();
        let progress = decoder.push(self.rest, free).map_err(|_| Reason::MalformedBuffer)?;
        if progress.read == 0 && !self.rest.is_empty() {
            return Err(Reason::BufferTooSmall);
        }
        self.rest = self.rest.get(progress.read..).unwrap_or_default();
        self.done = self.rest.is_empty();
        let bytes = free.get(..progress.written).unwrap_or_default();
        let sent = send(false, bytes, self.fin && self.done, frame)?;
        // It has room for them in any buffer of the least size.
        if sent.taken < bytes.len() { Err(Reason::BufferTooSmall) } else { Ok(sent.length) }
    }
}
