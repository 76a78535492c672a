use miniwire_core::base64::DecodeError;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 section 4.
pub fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| (bits << 8) | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at > group.len() { '=' } else { char::from(symbol) });
        }
    }
    out
}

/// The bytes of the whole groups before the first fault, and the fault.
pub fn base64_decode(text: &[u8]) -> (Vec<u8>, Option<DecodeError>) {
    let mut out = Vec::new();
    let mut ended = false;
    for group in text.chunks(4) {
        if ended {
            return (out, Some(DecodeError::Padding));
        }
        if group.len() < 4 {
            return (out, Some(DecodeError::Truncated));
        }
        let value = |byte: &u8| ALPHABET.iter().position(|symbol| symbol == byte);
        if group.iter().any(|byte| *byte != b'=' && value(byte).is_none()) {
            return (out, Some(DecodeError::Symbol));
        }
        let symbols = group.iter().take_while(|byte| **byte != b'=').count();
        if symbols < 2 || group[symbols..].iter().any(|byte| *byte != b'=') {
            return (out, Some(DecodeError::Padding));
        }
        let bits = group.iter().fold(0, |bits, byte| (bits << 6) | value(byte).unwrap_or(0) as u32);
        let bytes = &bits.to_be_bytes()[1..];
        if bytes[symbols - 1..].iter().any(|byte| *byte != 0) {
            return (out, Some(DecodeError::TrailingBits));
        }
        out.extend_from_slice(&bytes[..symbols - 1]);
        ended = symbols < 4;
    }
    (out, None)
}
