//! Lines for the script: JSON, as `miniwire tour --json` prints it.

use core::fmt::{self, Write};

use miniwire_core::request::{Failure, Response};

use crate::board::console::Console;

/// A step under way to the console.
pub(super) struct Line(Console);

impl Line {
    pub(super) fn new(promise: &str) -> Self {
        Self(Console::default()).text("{\"promise\":", promise)
    }

    /// What came back of a call.
    pub(super) fn answer(self, came: &Result<Response<'_>, Failure<'_>>) -> Self {
        match came {
            Ok(response) => self.raw(format_args!(",\"answer\":{{\"ok\":true")).response(response),
            Err(failure) => {
                let (code, reason) = (failure.code(), failure.reason.name());
                let failed = format_args!(",\"answer\":{{\"ok\":false,\"error\":{code},\"reason\":\"{reason}\"");
                let line = self.raw(failed).text(",\"errorMessage\":", failure);
                match &failure.response {
                    Some(response) => line.response(response),
                    None => line,
                }
            }
        }
        .raw(format_args!("}}"))
    }

    /// What was seen, where that is more than an answer or less.
    pub(super) fn seen(self, what: impl fmt::Display) -> Self {
        self.text(",\"seen\":", what)
    }

    /// What a file is: its length, and FNV-1a of 64 bits.
    pub(super) fn file(self, checksum: &Checksum) -> Self {
        let Checksum { length, sum } = checksum;
        self.raw(format_args!(",\"file\":{{\"length\":{length},\"checksum\":\"{sum:016x}\"}}"))
    }

    pub(super) fn end(self) {
        let Self(mut console) = self.raw(format_args!("}}\n"));
        console.flush();
    }

    fn response(self, response: &Response<'_>) -> Self {
        let mut line = self.raw(format_args!(",\"status\":{},\"headers\":[", response.status()));
        for (at, (name, value)) in response.headers().enumerate() {
            line = line.text(if at == 0 { "[" } else { ",[" }, name);
            line = line.text(",", str::from_utf8(value).unwrap_or_default()).raw(format_args!("]"));
        }
        line.raw(format_args!("]")).text(",\"data\":", response.text())
    }

    fn text(self, before: &str, text: impl fmt::Display) -> Self {
        let mut line = self.raw(format_args!("{before}\""));
        let _ = write!(Quoted(&mut line.0), "{text}");
        line.raw(format_args!("\""))
    }

    fn raw(mut self, text: fmt::Arguments<'_>) -> Self {
        // A console cannot fail but by not being there.
        let _ = self.0.write_fmt(text);
        self
    }
}

/// A text with its single quotes escaped, as the desktop's tour writes texts.
pub(super) struct SingleQuoted<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for SingleQuoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escape<'f, 'b>(&'f mut fmt::Formatter<'b>);

        impl Write for Escape<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                let mut parts = text.split('\'');
                self.0.write_str(parts.next().unwrap_or_default())?;
                parts.try_for_each(|part| write!(self.0, "\\'{part}"))
            }
        }

        f.write_char('\'')?;
        write!(Escape(f), "{}", self.0)?;
        f.write_char('\'')
    }
}

/// Writes what may stand between the quotation marks of a JSON string.
struct Quoted<'c>(&'c mut Console);

impl Write for Quoted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '"' | '\\' => {
                    self.0.write_char('\\')?;
                    self.0.write_char(letter)?;
                }
                '\0'..' ' => write!(self.0, "\\u{:04x}", u32::from(letter))?,
                _ => self.0.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// FNV-1a of 64 bits, and a count.
pub(super) struct Checksum {
    pub(super) length: u64,
    pub(super) sum: u64,
}

impl Checksum {
    pub(super) const fn new() -> Self {
        Self { length: 0, sum: 0xcbf2_9ce4_8422_2325 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.sum = bytes.iter().fold(self.sum, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }
}
