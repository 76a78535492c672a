//! The receive buffer: what has come and is not consumed, and the room for more.

use crate::sink::copy;

/// Bytes received, over memory of the caller's.
#[derive(Debug)]
pub struct ReceiveBuffer<'m> {
    memory: &'m mut [u8],
    start: usize,
    end: usize,
}

impl<'m> ReceiveBuffer<'m> {
    /// Empty, over this memory.
    pub const fn new(memory: &'m mut [u8]) -> Self {
        Self { memory, start: 0, end: 0 }
    }

    /// What has come and is not consumed.
    pub fn filled(&self) -> &[u8] {
        self.memory.get(self.start..self.end).unwrap_or_default()
    }

    /// Room for more, made by moving what is there to the front where that is needed. Empty if the buffer is full.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.clear();
        } else if self.end == self.memory.len() && self.start > 0 && self.end <= self.memory.len() {
            self.move_to_front();
        }
        self.memory.get_mut(self.end..).unwrap_or_default()
    }

    /// In pieces that do not overlap: `copy_within` brings in `memmove`, 650 bytes of code for something rare.
    fn move_to_front(&mut self) {
        // Not empty, or there would be nothing to move.
        let gap = self.start.max(1);
        let mut pieces = self.memory.chunks_mut(gap);
        if let Some(mut free) = pieces.next() {
            for piece in pieces {
                copy(piece, free);
                free = piece;
            }
        }
        self.end = self.end.saturating_sub(gap);
        self.start = 0;
    }

    /// So many bytes of the [`space`](Self::space) were filled.
    pub fn commit(&mut self, bytes: usize) {
        self.end = self.end.saturating_add(bytes).min(self.memory.len());
    }

    /// So many bytes of what was [`filled`](Self::filled) are done with.
    pub fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
    }

    /// The size of the memory.
    pub const fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_05_a_buffer_gives_all_its_memory() {
        let mut memory = [0; 4];
        let mut buffer = ReceiveBuffer::new(&mut memory);
        buffer.space().copy_from_slice(b"abcd");
        buffer.commit(4);
        assert!(buffer.space().is_empty());
        buffer.consume(3);
        assert_eq!(buffer.filled(), b"d");
        assert_eq!(buffer.space().len(), 3);
        assert_eq!(buffer.filled(), b"d");
        buffer.consume(9);
        assert_eq!(buffer.space().len(), 4);
        buffer.commit(9);
        assert_eq!(buffer.filled().len(), 4);
    }
}
