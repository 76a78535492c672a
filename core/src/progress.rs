//! How far an upload or a download is (UP-06, DOWN-05).

use crate::reason::Reason;

/// `onProgressUpdate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgressUpdate {
    /// Per cent, a whole number that never falls. 100 comes once, and on success always.
    pub progress: u8,
    /// Bytes of the file that were sent or received.
    pub total_bytes_written: u64,
    /// Bytes of the file in all; 0 while the server has not said how many there are.
    pub total_bytes_expected_to_write: u64,
}

/// Turns counts of bytes into updates, at most one per block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    last: ProgressUpdate,
}

impl Meter {
    /// So many bytes are expected in all.
    pub(crate) const fn expect(&mut self, bytes: u64) {
        self.last.total_bytes_expected_to_write = bytes;
    }

    /// The update of a call that has written so many bytes by now and, if it has, ended so.
    pub(crate) fn news(&mut self, bytes: u64, result: Option<Result<(), Reason>>) -> Option<ProgressUpdate> {
        match result {
            None => self.written(bytes),
            Some(Ok(())) => self.finish(),
            Some(Err(_)) => None,
        }
    }

    /// So many bytes were written by now: the update, if there is anything new to tell.
    fn written(&mut self, bytes: u64) -> Option<ProgressUpdate> {
        // A call that is sent anew begins again; its progress does not.
        if bytes <= self.last.total_bytes_written {
            return None;
        }
        self.last.total_bytes_written = bytes;
        let expected = self.last.total_bytes_expected_to_write;
        self.last.progress = self.last.progress.max(percent(bytes, expected));
        Some(self.last)
    }

    /// The call has succeeded: the last update, unless it was told.
    fn finish(&mut self) -> Option<ProgressUpdate> {
        if self.last.progress == 100 {
            return None;
        }
        self.last.progress = 100;
        Some(self.last)
    }
}

/// Rounded down, so that 100 means all.
fn percent(part: u64, whole: u64) -> u8 {
    let percent = match part.checked_mul(100) {
        Some(hundredfold) => hundredfold.checked_div(whole),
        None => part.checked_div(whole / 100),
    };
    u8::try_from(percent.unwrap_or(0).min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_06_progress_is_a_whole_number_that_never_falls() {
        let mut meter = Meter::default();
        meter.expect(1000);
        let told = |update: Option<ProgressUpdate>| update.map(|update| (update.progress, update.total_bytes_written));
        assert_eq!(told(meter.written(0)), None);
        assert_eq!(told(meter.written(999)), Some((99, 999)));
        assert_eq!(told(meter.written(500)), None);
        assert_eq!(told(meter.written(1000)), Some((100, 1000)));
        assert_eq!(told(meter.finish()), None);
    }

    #[test]
    fn up_06_the_last_update_on_success_is_at_100() {
        for (expected, written) in [(0, 0), (0, 5), (10, 4)] {
            let mut meter = Meter::default();
            meter.expect(expected);
            let before = meter.written(written).map_or(0, |update| update.progress);
            assert!(before < 100);
            let last = meter.finish().unwrap();
            assert_eq!((last.progress, last.total_bytes_written), (100, written));
            assert_eq!(meter.finish(), None);
        }
    }

    #[test]
    fn up_06_progress_of_the_largest_files_is_right() {
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
        assert_eq!(percent(u64::MAX / 2, u64::MAX), 50);
        assert_eq!(percent(1 << 32, 1 << 33), 50);
        assert_eq!(percent(7, 0), 0);
    }
}
