//! Plain implementations over the whole input, to compare with.

mod base64;
mod frames;
mod http;
pub mod hyper;
mod json;
mod multipart;
mod target;

pub use base64::{base64_decode, base64_encode};
pub use frames::{
    ClientFrame, HeaderFound, Item, ServerHeader, client_frame, client_frames, is_receivable, messages, push_item,
    server_header, server_items, xor,
};
pub use http::{Ended, Head, HeadFound, Seen, head, response};
pub use json::{js_number, json, query, query_pairs, text};
pub use multipart::{Part, field_name, file_name, multipart};
pub use target::{Host, Target, admits, canonical_target, ends_in_dots, has_escaped_dots, is_standard, target};

/// `bytes`, with all but letters, digits and `kept` as `%XX`.
pub fn percent_encode(bytes: &[u8], kept: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || kept.contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `bytes` with every escape resolved; `None` where one is malformed.
pub fn percent_decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let (high, low) = (*bytes.get(at + 1)?, *bytes.get(at + 2)?);
            out.push(digit(high)? * 16 + digit(low)?);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    Some(out)
}
