//! The body of a Close frame: a code and a reason (RFC 6455 sections 5.5.1 and 7.4).

use core::fmt;

use super::frame::MAX_CONTROL;
use super::violation::Violation;

/// The purpose of the connection is fulfilled.
pub const NORMAL: u16 = 1000;
/// An end goes away: a page was left, a program ends.
pub const GOING_AWAY: u16 = 1001;
/// The other end broke RFC 6455.
pub const PROTOCOL_ERROR: u16 = 1002;
/// Stands for a Close frame without a code; never sent.
pub const NO_CODE: u16 = 1005;
/// Stands for an end without a Close frame; never sent.
pub const ABNORMAL: u16 = 1006;
/// Text was not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// A message is larger than its recipient can take.
pub const TOO_BIG: u16 = 1009;
/// Something unexpected keeps an end from going on.
pub const INTERNAL_ERROR: u16 = 1011;

/// The longest reason, in bytes of UTF-8: what a control frame holds beside the code.
pub const MAX_REASON: usize = MAX_CONTROL - 2;

/// Whether a server may send this code: those of RFC 6455 section 7.4.1 that are meant for the wire, those that IANA has
/// registered since (1012 to 1014), and those of libraries and applications (3000 to 4999).
pub const fn is_receivable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Whether a client may choose this code: as [`is_receivable`], without those that only a server or a gateway can mean
/// (1012 to 1014).
pub const fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999)
}

/// Why a Close frame was not accepted for sending; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseError {
    /// Not [`is_sendable`].
    Code,
    /// Longer than [`MAX_REASON`]. It is for the caller to shorten it, on a character boundary.
    ReasonTooLong,
    /// The connection is closing or closed already.
    Closing,
}

/// Whether a Close frame may be sent with these.
///
/// # Errors
/// [`CloseError::Code`] and [`CloseError::ReasonTooLong`].
pub const fn check(code: u16, reason: &str) -> Result<(), CloseError> {
    if !is_sendable(code) {
        return Err(CloseError::Code);
    }
    if reason.len() > MAX_REASON { Err(CloseError::ReasonTooLong) } else { Ok(()) }
}

/// The code and the reason of a received Close frame; [`NO_CODE`] and an empty reason where its body is empty.
///
/// # Errors
/// [`Violation::CloseBody`], [`Violation::CloseCode`], [`Violation::NotUtf8`].
pub fn parse(body: &[u8]) -> Result<(u16, &str), Violation> {
    if body.is_empty() {
        return Ok((NO_CODE, ""));
    }
    let (code, reason) = body.split_first_chunk().ok_or(Violation::CloseBody)?;
    let code = u16::from_be_bytes(*code);
    if !is_receivable(code) {
        return Err(Violation::CloseCode);
    }
    let reason = core::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok((code, reason))
}

impl Violation {
    /// The code of the Close frame that answers it (section 7.4.1).
    pub const fn code(self) -> u16 {
        match self {
            Self::NotUtf8 => INVALID_DATA,
            // RFC 7692 names no code. The frames are sound; it is the data of a message that is not what it says it is.
            #[cfg(feature = "permessage-deflate")]
            Self::Compression => INVALID_DATA,
            _ => PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code => "a client may not send this close code",
            Self::ReasonTooLong => "the close reason is longer than 123 bytes",
            Self::Closing => "the connection is closing or closed",
        })
    }
}

impl core::error::Error for CloseError {}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use super::*;

    #[test]
    fn sock_11_codes_on_the_wire_are_those_of_the_registry() {
        let received = [1000..=1003, 1007..=1014, 3000..=4999];
        let sent = [1000..=1003, 1007..=1011, 3000..=4999];
        for code in 0..=u16::MAX {
            assert_eq!(is_receivable(code), received.iter().any(|range| range.contains(&code)), "{code}");
            assert_eq!(is_sendable(code), sent.iter().any(|range| range.contains(&code)), "{code}");
        }
    }

    #[test]
    fn sock_06_a_reason_is_refused_and_not_cut() {
        assert_eq!(check(NORMAL, ""), Ok(()));
        assert_eq!(check(4999, &"x".repeat(123)), Ok(()));
        assert_eq!(check(4999, &"x".repeat(124)), Err(CloseError::ReasonTooLong));
        // 41 characters of three bytes are 123 bytes; one of two bytes in place of the last three would fit as well.
        assert_eq!(check(NORMAL, &"\u{4f60}".repeat(41)), Ok(()));
        assert_eq!(check(NORMAL, &format!("{}\u{e9}", "x".repeat(122))), Err(CloseError::ReasonTooLong));
        for code in [0, 999, 1004, 1005, 1006, 1012, 1015, 2999, 5000, u16::MAX] {
            assert_eq!(check(code, ""), Err(CloseError::Code), "{code}");
        }
    }

    #[test]
    fn sock_10_a_close_body_is_empty_or_a_code_and_a_reason() {
        assert_eq!(parse(b""), Ok((NO_CODE, "")));
        assert_eq!(parse(b"\x03\xe8"), Ok((NORMAL, "")));
        assert_eq!(parse("\x0f\u{a0}gr\u{fc}n".as_bytes()), Err(Violation::NotUtf8));
        assert_eq!(parse(b"\x0f\xa0gr\xc3\xbcn"), Ok((4000, "gr\u{fc}n")));
        assert_eq!(parse(b"\x03"), Err(Violation::CloseBody));
        assert_eq!(parse(b"\x03\xed"), Err(Violation::CloseCode));
        assert_eq!(parse(b"\0\0reason"), Err(Violation::CloseCode));
        assert_eq!(parse(b"\x03\xe8\xc3"), Err(Violation::NotUtf8));
        assert_eq!(parse(b"\x03\xe8ok \xed\xa0\x80"), Err(Violation::NotUtf8));
    }
}
