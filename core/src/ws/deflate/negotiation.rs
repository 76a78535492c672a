//! What is offered and what is agreed on (RFC 7692 sections 5 and 7.1).

use super::super::handshake::{HandshakeError, Key, Protocols, check_with};
use crate::http::fields::{Fields, list, trim};
use crate::http::head::Head;
use crate::scan::{find, split};
use crate::sink::{Full, Sink};

/// The size of a compressor's window, as a power of two: 8 to 15 bits, which are 256 bytes to 32 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WindowBits(u8);

impl WindowBits {
    /// 256 bytes.
    pub const MIN: Self = Self(8);
    /// 32 KiB, which is what holds where nothing else was agreed on.
    pub const MAX: Self = Self(15);

    /// A window of `2^bits` bytes; `None` unless `bits` is 8 to 15.
    pub const fn new(bits: u8) -> Option<Self> {
        if matches!(bits, 8..=15) { Some(Self(bits)) } else { None }
    }

    /// The largest window within so many bytes; `None` below 256.
    pub const fn within(bytes: usize) -> Option<Self> {
        match bytes.checked_ilog2() {
            Some(bits @ 8..=15) => Some(Self(bits as u8)),
            Some(16..) => Some(Self::MAX),
            _ => None,
        }
    }

    /// The power of two.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The size in bytes.
    pub const fn bytes(self) -> usize {
        1 << (self.0 & 15)
    }
}

/// The parameters of permessage-deflate, as they are offered or as they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The server compresses with no larger window: as large a one is needed to read its messages (section 7.1.2.1).
    pub server_max_window_bits: WindowBits,
    /// The server compresses each message by itself (section 7.1.1.1).
    pub server_no_context_takeover: bool,
    /// The client compresses with no larger window (section 7.1.2.2).
    pub client_max_window_bits: WindowBits,
    /// The client compresses each message by itself (section 7.1.1.2).
    pub client_no_context_takeover: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Parameters {
    /// Windows of 32 KiB that are kept from message to message.
    pub const DEFAULT: Self = Self {
        server_max_window_bits: WindowBits::MAX,
        server_no_context_takeover: false,
        client_max_window_bits: WindowBits::MAX,
        client_no_context_takeover: false,
    };

    /// Writes the header field that offers them, with its CRLF. It goes beside those of
    /// [`write_fields`](crate::ws::handshake::write_fields).
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn write_field(&self, out: &mut dyn Sink) -> Result<(), Full> {
        out.put(b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")?;
        // Without a value the server may choose any.
        if self.client_max_window_bits != WindowBits::MAX {
            put_value(self.client_max_window_bits, out)?;
        }
        if self.server_max_window_bits != WindowBits::MAX {
            out.put(b"; server_max_window_bits")?;
            put_value(self.server_max_window_bits, out)?;
        }
        if self.server_no_context_takeover {
            out.put(b"; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            out.put(b"; client_no_context_takeover")?;
        }
        out.put(b"\r\n")
    }

    /// What an answer to this offer agrees on; `None` where it chooses no extension.
    fn agreed(&self, fields: Fields<'_>) -> Result<Option<Self>, HandshakeError> {
        let mut agreed = None;
        for field in fields.all("Sec-WebSocket-Extensions") {
            // A comma within quotes makes no difference: no value that is legal has one.
            let mut members = list(field).peekable();
            if members.peek().is_none() {
                return Err(HandshakeError::Extension);
            }
            for member in members {
                let (name, parameters) = cut(b';', member);
                if name != b"permessage-deflate" || agreed.is_some() {
                    return Err(HandshakeError::Extension);
                }
                agreed = Some(self.answer(parameters)?);
            }
        }
        Ok(agreed)
    }

    /// What the parameters of the one answer make of this offer.
    fn answer(&self, parameters: Option<&[u8]>) -> Result<Self, HandshakeError> {
        const BAD: HandshakeError = HandshakeError::ExtensionParameter;
        let (mut server_bits, mut client_bits) = (None, None);
        let (mut server_alone, mut client_alone) = (false, false);
        for parameter in parameters.into_iter().flat_map(|all| split(b';', all)) {
            let (name, value) = cut(b'=', parameter);
            let again = match name {
                b"server_max_window_bits" => server_bits.replace(window_bits(value).ok_or(BAD)?).is_some(),
                b"client_max_window_bits" => client_bits.replace(window_bits(value).ok_or(BAD)?).is_some(),
                b"server_no_context_takeover" if value.is_none() => core::mem::replace(&mut server_alone, true),
                b"client_no_context_takeover" if value.is_none() => core::mem::replace(&mut client_alone, true),
                _ => true,
            };
            if again {
                return Err(BAD);
            }
        }
        let agreed = Self {
            server_max_window_bits: server_bits.unwrap_or(WindowBits::MAX),
            server_no_context_takeover: server_alone,
            // What the server does not limit is limited by the offer alone.
            client_max_window_bits: client_bits.unwrap_or(self.client_max_window_bits),
            // To be more modest than agreed on is always allowed.
            client_no_context_takeover: client_alone || self.client_no_context_takeover,
        };
        let good = agreed.server_max_window_bits <= self.server_max_window_bits
            && agreed.client_max_window_bits <= self.client_max_window_bits
            && agreed.server_no_context_takeover >= self.server_no_context_takeover;
        if good { Ok(agreed) } else { Err(BAD) }
    }
}

/// As [`check`](crate::ws::handshake::check), where the request offered permessage-deflate, too ([`Parameters::write_field`]). Returns what was agreed
/// on, or `None` where the server declined (RFC 7692 section 7.1).
///
/// # Errors
/// [`HandshakeError`].
pub fn check_offer<'p>(
    head: &Head<'_>,
    key: &Key,
    protocols: Protocols<'p>,
    offer: &Parameters,
) -> Result<(Option<&'p str>, Option<Parameters>), HandshakeError> {
    check_with(head, key, protocols, |fields| offer.agreed(fields))
}

fn put_value(bits: WindowBits, out: &mut dyn Sink) -> Result<(), Full> {
    out.put(b"=")?;
    crate::digits::put_decimal(bits.0.into(), out)
}

/// What is before and behind the first `separator`, trimmed.
fn cut(separator: u8, bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    match find(separator, bytes).and_then(|at| bytes.split_at_checked(at)) {
        Some((before, after)) => (trim(before), Some(trim(after.get(1..).unwrap_or_default()))),
        None => (trim(bytes), None),
    }
}

/// The value of a `max_window_bits`: 8 to 15 without leading zeros, as a token or as a quoted string of the same meaning.
fn window_bits(value: Option<&[u8]>) -> Option<WindowBits> {
    let value = value?;
    let (mut digits, mut length) = ([0; 2], 0_usize);
    let mut escaped = false;
    let (text, quoted) = match value {
        [b'"', inside @ .., b'"'] => (inside, true),
        _ => (value, false),
    };
    for byte in text {
        if *byte == b'\\' && quoted && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        *digits.get_mut(length)? = *byte;
        length = length.saturating_add(1);
    }
    let digits = digits.get(..length)?;
    if escaped || digits.first() == Some(&b'0') {
        return None;
    }
    WindowBits::new(u8::try_from(crate::digits::decimal(digits)?).ok()?)
}

#[cfg(test)]
mod tests;
