//! What QEMU tells by semihosting: the command line, the time of day; and the end of the run.

use cortex_m_semihosting::{debug, syscall};

/// The command line: a name, then settings as `name=value`, with spaces between them.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    text: &'static str,
}

impl Settings {
    /// Asks QEMU. Empty if it has none, or a longer one.
    pub fn read(text: &'static mut [u8]) -> Self {
        // SAFETY: SYS_GET_CMDLINE writes at most so many bytes to this address, and the slice has them all.
        let failed = unsafe { syscall!(GET_CMDLINE, text.as_mut_ptr(), text.len()) } != 0;
        let end = text.iter().position(|byte| *byte == 0).filter(|_| !failed).unwrap_or(0);
        Self { text: str::from_utf8(text.get(..end).unwrap_or_default()).unwrap_or_default() }
    }

    /// The value of the setting of this name.
    pub fn get(&self, name: &str) -> Option<&'static str> {
        self.text
            .split(' ')
            .filter_map(|setting| setting.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The same as a number.
    pub fn number(&self, name: &str) -> Option<u16> {
        self.get(name)?.parse().ok()
    }

    /// The same as bytes, written as hexadecimal digits: as many as there are. `None` where they do not fit.
    pub fn bytes<'b>(&self, name: &str, into: &'b mut [u8]) -> Option<&'b [u8]> {
        let (digits, rest) = self.get(name)?.as_bytes().as_chunks::<2>();
        let into = into.get_mut(..digits.len()).filter(|_| rest.is_empty())?;
        for (byte, digits) in into.iter_mut().zip(digits) {
            *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(into)
    }
}

/// Seconds since 1970 by the host's clock, to judge certificates by. A product asks its RTC or an NTP server.
pub fn unix_seconds() -> u64 {
    // SAFETY: SYS_TIME takes no parameter and touches no memory.
    let seconds = unsafe { syscall!(TIME) };
    // 32 bits, good until 2106.
    seconds as u64
}

/// Ends QEMU.
pub fn exit(success: bool) -> ! {
    loop {
        debug::exit(if success { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}
