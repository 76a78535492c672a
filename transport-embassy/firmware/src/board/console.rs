//! Lines of text for the person at the other end of the debugger (semihosting). A product has its log instead.

use core::fmt::{self, Write as _};

use cortex_m_semihosting::hio;

/// Writes a line. Whoever is not there does not read it.
pub fn line(text: fmt::Arguments<'_>) {
    let mut console = Console::default();
    // A console cannot fail but by not being there.
    let _ = console.write_fmt(text);
    let _ = console.write_char('\n');
    console.flush();
}

/// Text for the console, handed over in pieces: each piece stops the processor for a while.
pub struct Console {
    buffer: [u8; 256],
    length: usize,
}

impl Default for Console {
    fn default() -> Self {
        Self { buffer: [0; 256], length: 0 }
    }
}

impl Console {
    /// Hands over what was written.
    pub fn flush(&mut self) {
        if let Ok(mut out) = hio::hstdout() {
            let _ = out.write_all(self.buffer.get(..self.length).unwrap_or_default());
        }
        self.length = 0;
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.length == self.buffer.len() {
                self.flush();
            }
            if let Some(free) = self.buffer.get_mut(self.length) {
                *free = byte;
                self.length = self.length.saturating_add(1);
            }
        }
        Ok(())
    }
}
