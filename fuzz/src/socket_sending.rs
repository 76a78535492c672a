//! A message that a watched connection sends, and what of it is still to come.

use std::sync::OnceLock;

use miniwire_core::reason::Reason;
use miniwire_core::socket::Sending;

use crate::oracle;

/// Messages to send are the beginnings of these.
const TEXT: &str = "Stra\u{df}e und \u{4f60}\u{597d} \u{1f600} and the rest of it. ";
const BASE64: [&str; 6] = ["", "AA==", "AAECAwQFBgcICQ==", "AAEC", "AA=", "A-=="];

/// A message on its way out.
pub struct Outgoing {
    /// It.
    pub sending: Sending<'static>,
    /// It is text.
    pub text: bool,
    /// The message ends with it.
    pub fin: bool,
    /// What is not sent yet.
    pub left: Vec<u8>,
}

impl Outgoing {
    /// A message, or where it is `unfinished` a part of one; none where it is refused.
    pub fn new(kind: u8, length: usize, unfinished: bool) -> Option<Self> {
        let length = length % 700;
        let long = long_text();
        let (sending, text, left) = match kind % 4 {
            0 => {
                let end = (0..=length).rev().find(|end| long.is_char_boundary(*end)).unwrap();
                (Sending::text(&long[..end]), true, long.as_bytes()[..end].to_vec())
            }
            1 => (Sending::binary(&long.as_bytes()[..length]), false, long.as_bytes()[..length].to_vec()),
            2 => {
                let text = &long_base64()[..length / 4 * 4];
                (Sending::base64(text).unwrap(), false, oracle::base64_decode(text.as_bytes()).0)
            }
            _ => {
                let text = BASE64[length % BASE64.len()];
                let (decoded, fault) = oracle::base64_decode(text.as_bytes());
                match Sending::base64(text) {
                    Ok(sending) => {
                        assert_eq!(fault, None);
                        (sending, false, decoded)
                    }
                    Err(reason) => {
                        assert!(fault.is_some());
                        assert_eq!(reason, Reason::MalformedBuffer);
                        return None;
                    }
                }
            }
        };
        let sending = if unfinished { sending.unfinished() } else { sending };
        Some(Self { sending, text, fin: !unfinished, left })
    }
}

fn long_text() -> &'static str {
    static LONG: OnceLock<String> = OnceLock::new();
    LONG.get_or_init(|| TEXT.repeat(20))
}

fn long_base64() -> &'static str {
    static LONG: OnceLock<String> = OnceLock::new();
    LONG.get_or_init(|| oracle::base64_encode(&long_text().as_bytes()[..600]))
}
