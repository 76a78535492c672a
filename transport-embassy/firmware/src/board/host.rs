//! What QEMU tells by semihosting: the command line, the time of day; and the end of the run.

use cortex_m_semihosting::{debug, syscall};

/// The command line: a name, then settings as `name=value`, with spaces between them.
pub struct Settings {
    text: [u8; 512],
    length: usize,
}

impl Settings {
    /// Asks QEMU. Empty if it has none, or a longer one.
    pub fn read() -> Self {
        let mut text = [0; 512];
        // SAFETY: SYS_GET_CMDLINE writes at most so many bytes to this address, and the array has them all.
        let failed = unsafe { syscall!(GET_CMDLINE, text.as_mut_ptr(), text.len()) } != 0;
        let length = text.iter().position(|byte| *byte == 0).filter(|_| !failed).unwrap_or(0);
        Self { text, length }
    }

    /// The value of the setting of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let text = str::from_utf8(self.text.get(..self.length)?).ok()?;
        text.split(' ')
            .filter_map(|setting| setting.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The same as a number.
    pub fn number(&self, name: &str) -> Option<u16> {
        self.get(name)?.parse().ok()
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
