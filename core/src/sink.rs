//! Where a writer puts its bytes, without an allocator.
//!
//! A writer that walks a value (a serde serialiser, a request head) cannot be paused, and the transmit buffer may
//! be smaller than what it writes. So a message is written once per buffer-full, each time through a [`Window`]
//! that passes over what has already been sent and stops when it is full.

/// The sink takes no more bytes: the window is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Takes bytes in order.
pub trait Sink {
    /// Takes all of `bytes`, or as many as still fit and then [`Full`].
    ///
    /// # Errors
    /// [`Full`] when not every byte was taken. The writer stops there.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full>;
}

/// Counts bytes and keeps none. Never full.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count(u64);

impl Count {
    /// Starts at zero.
    pub const fn new() -> Self {
        Self(0)
    }

    /// How many bytes were put.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0 = self.0.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

/// Keeps `out.len()` bytes from offset `skip` of what is written.
#[derive(Debug)]
pub struct Window<'b> {
    skip: u64,
    out: &'b mut [u8],
    len: usize,
}

impl<'b> Window<'b> {
    /// A window that begins `skip` bytes into the message.
    pub const fn new(skip: u64, out: &'b mut [u8]) -> Self {
        Self { skip, out, len: 0 }
    }

    /// How many bytes of the buffer are filled.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// How many bytes the buffer holds.
    pub const fn capacity(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was kept.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Drops what lies before the window.
    fn pass<'i>(&mut self, bytes: &'i [u8]) -> &'i [u8] {
        let passed = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
        self.skip = self.skip.saturating_sub(passed as u64);
        bytes.get(passed..).unwrap_or_default()
    }

    /// The bytes kept, for as long as the buffer lives.
    pub fn into_filled(self) -> &'b mut [u8] {
        self.out.split_at_mut_checked(self.len).map_or(&mut [], |(filled, _)| filled)
    }
}

impl Sink for Window<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let wanted = if self.skip == 0 { bytes } else { self.pass(bytes) };
        let taken = self.out.get_mut(self.len..).map_or(0, |free| copy(wanted, free));
        self.len += taken;
        if taken < wanted.len() { Err(Full) } else { Ok(()) }
    }
}

/// Copies as many bytes as fit, and says how many.
pub(crate) fn copy(from: &[u8], to: &mut [u8]) -> usize {
    // A loop, of which the compiler makes a memcpy. `copy_from_slice` compares the lengths and can panic, where it is not
    // inlined.
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    from.len().min(to.len())
}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use super::*;

    #[test]
    fn core_05_windows_of_any_size_add_up_to_the_message() {
        let message = |out: &mut dyn Sink| -> Result<(), Full> {
            out.put(b"GET ")?;
            out.put(b"")?;
            out.put(b"/a/longer/path HTTP/1.1")
        };
        for size in 1..32 {
            let (mut whole, mut buf) = (Vec::new(), vec![0; size]);
            loop {
                let mut window = Window::new(whole.len() as u64, &mut buf);
                let end = message(&mut window);
                whole.extend_from_slice(window.into_filled());
                if end.is_ok() {
                    break;
                }
            }
            assert_eq!(whole, b"GET /a/longer/path HTTP/1.1");
        }
        let mut count = Count::new();
        message(&mut count).unwrap();
        assert_eq!(count.bytes(), 27);
    }
}
