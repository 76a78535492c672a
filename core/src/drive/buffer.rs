//! The receive buffer: what has come and is not consumed, and the room for more.

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
            self.memory.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        self.memory.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes of the [`space`](Self::space) were filled.
    pub fn commit(&mut self, bytes: usize) {
        self.end = self.end.saturating_add(bytes).min(self.memory.len());
    }

    /// So many bytes of what was [`filled`](Self::filled) are done with.
    pub fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
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
