//! What reading and sending compressed messages needs of a connection; [`deflate`](crate::ws::deflate) does the rest.

use super::{Connection, SendError, Sent};
use crate::ws::frame::{self, Header, Opcode};
use crate::ws::mask::Mask;

impl Connection {
    /// Whether the data shown last is that of a compressed message.
    pub(in crate::ws) const fn is_compressed(&self) -> bool {
        self.headers.is_compressed()
    }

    pub(in crate::ws) const fn is_text(&self) -> bool {
        self.incoming.text
    }

    /// Takes back the last `length` bytes of the data that was shown last, with this `fin`: they come again.
    pub(in crate::ws) fn put_back(&mut self, fin: bool, length: usize) {
        if length > 0 {
            let header = self.frame.unwrap_or(Header { fin, opcode: Opcode::Continuation, length: 0 });
            self.frame = Some(Header { length: header.length.saturating_add(length as u64), ..header });
        }
    }

    /// Checks a piece of a message that was compressed.
    ///
    /// # Errors
    /// How much of it is before the fault.
    pub(in crate::ws) fn check_plain(&mut self, plain: &[u8], fin: bool) -> Result<(), usize> {
        let before = self.incoming;
        if self.incoming.check(plain, fin) {
            return Ok(());
        }
        self.incoming = before;
        Err(self.incoming.check_valid(plain).len())
    }

    /// As [`send`](Self::send), through `compress`: it is given data, whether the message ends with it, and room of `least`
    /// bytes or more; it says how much it took and how much it wrote. Nothing is taken that is not UTF-8 where it has to be.
    pub(in crate::ws) fn send_compressed(
        &mut self,
        (text, data, fin): (bool, &[u8], bool),
        mask: Mask,
        tx: &mut [u8],
        least: usize,
        compress: impl FnOnce(&[u8], bool, &mut [u8]) -> (usize, usize),
    ) -> Result<Sent, SendError> {
        let (opcode, message) = self.next_frame(text, true)?;
        if data.is_empty() && !fin {
            return Ok(Sent { taken: 0, length: 0 });
        }
        // What has been compressed cannot be taken back, so it is checked before; but not all that follows, each time.
        let part = data.get(..tx.len().saturating_mul(8)).unwrap_or(data);
        let fin = fin && part.len() == data.len();
        let mut checked = message;
        if !checked.check(part, fin) {
            return Err(SendError::NotUtf8);
        }
        let mut taken = 0;
        let length = frame::write_compressed(opcode, least, mask, tx, |room| {
            let length;
            (taken, length) = compress(part, fin, room);
            (length, fin && taken == part.len())
        });
        let length = length.ok_or(SendError::NoRoom)?;
        if taken < part.len() {
            checked = message;
            // It is the beginning of what was good.
            let _ = checked.check(part.get(..taken).unwrap_or_default(), false);
        }
        self.outgoing = if fin && taken == part.len() { None } else { Some(checked) };
        Ok(Sent { taken, length })
    }
}
