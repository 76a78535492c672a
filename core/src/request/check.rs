//! Whether a body is what `dataType` asked for, byte by byte as it comes (REQ-11, REQ-12).

use super::options::DataType;
use crate::http::framing::{Charset, Facts};
use crate::json::validate::Validator;
use crate::reason::Reason;
use crate::utf8::Checker;

/// Checks one body.
#[derive(Clone, Debug)]
pub(super) enum Check {
    /// Nothing is asked of it: a redirect's body, a streamed body, base64.
    Bytes,
    Json(Validator),
    Utf8(Checker),
    Ascii,
    /// No body can be converted; an empty one needs no conversion.
    Never(Reason),
}

impl Check {
    /// The check for the body of this head.
    pub(super) fn new(data_type: DataType, facts: &Facts) -> Self {
        if facts.is_encoded() {
            return Self::Never(Reason::UnsupportedEncoding);
        }
        match (data_type, facts.charset()) {
            (DataType::Base64, _) => Self::Bytes,
            // RFC 8259 section 8.1: JSON between systems is UTF-8, whatever a charset parameter says.
            (DataType::Json, _) => Self::Json(Validator::new()),
            (DataType::Text, Charset::Utf8) => Self::Utf8(Checker::new()),
            (DataType::Text, Charset::Ascii) => Self::Ascii,
            (DataType::Text, Charset::Latin1) => Self::Bytes,
            (DataType::Text, Charset::Unsupported) => Self::Never(Reason::UnsupportedCharset),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        match self {
            Self::Bytes => Ok(()),
            Self::Json(validator) => validator.push(bytes).map_err(|_| Reason::NotJson),
            Self::Utf8(utf8) => utf8.push(bytes).map_err(|_| Reason::NotText),
            Self::Never(reason) => Err(*reason),
            Self::Ascii => {
                if bytes.is_ascii() {
                    Ok(())
                } else {
                    Err(Reason::NotText)
                }
            }
        }
    }

    /// The body has ended; `empty` if it had no byte, which is a success with empty data (REQ-11).
    pub(super) fn finish(&self, empty: bool) -> Result<(), Reason> {
        match self {
            _ if empty => Ok(()),
            Self::Json(validator) => validator.finish().map_err(|_| Reason::NotJson),
            Self::Utf8(utf8) => utf8.finish().map_err(|_| Reason::NotText),
            Self::Bytes | Self::Ascii | Self::Never(_) => Ok(()),
        }
    }
}
