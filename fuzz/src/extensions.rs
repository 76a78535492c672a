//! What a server answers to an offer of permessage-deflate, against a plain reading of RFC 7692 section 7.1.
//!
//! The first line of the input is letters that choose the offer; each line after it is a value of
//! `Sec-WebSocket-Extensions`.

use miniwire_core::http::head::HeadReader;
use miniwire_core::ws::deflate::{Parameters, WindowBits, check_offer};
use miniwire_core::ws::handshake::{Key, Protocols};

use crate::splits::gathered;

/// What answers the key of RFC 6455 section 1.3.
const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const FIELD: &[u8] = b"Sec-WebSocket-Extensions: ";

/// Reads an answer. Letters: `a` to `h` the server's window, 8 to 15 bits; `A` to `H` the client's; `s` and `c` the
/// server's and the client's messages each by itself.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let letters = lines.next().unwrap_or_default();
    let bits = |first: u8| {
        let chosen = letters.iter().find_map(|letter| WindowBits::new(letter.checked_sub(first)?.checked_add(8)?));
        chosen.unwrap_or(WindowBits::MAX)
    };
    let offer = Parameters {
        server_max_window_bits: bits(b'a'),
        server_no_context_takeover: letters.contains(&b's'),
        client_max_window_bits: bits(b'A'),
        client_no_context_takeover: letters.contains(&b'c'),
    };
    // What is offered reads as what is meant; the client's window stands there without a value where any will do.
    let written = gathered(|out| Ok(offer.write_field(out)?)).unwrap();
    let value = written.strip_prefix(FIELD).and_then(|line| line.strip_suffix(b"\r\n")).unwrap();
    let value = String::from_utf8(value.to_vec()).unwrap();
    let any = value.replace("; client_max_window_bits;", "; client_max_window_bits=15;");
    let any = any
        .strip_suffix("client_max_window_bits")
        .map_or(any.clone(), |before| before.to_owned() + "client_max_window_bits=15");
    assert_eq!(agreed(&[any.as_bytes()], &Parameters::DEFAULT), Some(Some(offer)), "{value}");

    let values = lines.collect::<Vec<_>>();
    let mut head = HEAD.to_vec();
    values.iter().for_each(|value| head.extend([FIELD, value, b"\r\n"].concat()));
    head.extend(b"\r\n");
    // A value may be no text, or have a line of its own that ends the head.
    let Ok(Some((head, _))) = HeadReader::new().read(&head) else { return };
    if head.raw().windows(FIELD.len()).filter(|bytes| *bytes == FIELD).count() != values.len() {
        return;
    }
    let ours = check_offer(&head, &Key::fresh(*b"the sample nonce"), Protocols::new(&[]).unwrap(), &offer);
    assert_eq!(ours.map(|(_, agreed)| agreed).ok(), agreed(&values, &offer), "{ours:?}");
}

/// What is agreed on, if anything; `None` where the answer is one to fail the connection for.
fn agreed(values: &[&[u8]], offer: &Parameters) -> Option<Option<Parameters>> {
    let mut extensions = Vec::new();
    for value in values {
        let before = extensions.len();
        for member in cut(value, b',') {
            if !member.is_empty() {
                extensions.push(cut(member, b';'));
            }
        }
        if extensions.len() == before {
            return None;
        }
    }
    let [extension] = &extensions[..] else { return if extensions.is_empty() { Some(None) } else { None } };
    let ([b"permessage-deflate"], parameters) = extension.split_at(1) else { return None };
    let mut agreed = Parameters { client_max_window_bits: offer.client_max_window_bits, ..Parameters::DEFAULT };
    let mut names = Vec::new();
    for parameter in parameters {
        let (name, value) = match cut(parameter, b'=')[..] {
            [name] => (name, None),
            [name, value] => (name, Some(value)),
            _ => return None,
        };
        if names.contains(&name) {
            return None;
        }
        names.push(name);
        match (name, value) {
            (b"server_no_context_takeover", None) => agreed.server_no_context_takeover = true,
            (b"client_no_context_takeover", None) => agreed.client_no_context_takeover = true,
            (b"server_max_window_bits", Some(value)) => agreed.server_max_window_bits = window_bits(value)?,
            (b"client_max_window_bits", Some(value)) => agreed.client_max_window_bits = window_bits(value)?,
            _ => return None,
        }
    }
    agreed.client_no_context_takeover |= offer.client_no_context_takeover;
    let is_offered = agreed.server_max_window_bits <= offer.server_max_window_bits
        && agreed.client_max_window_bits <= offer.client_max_window_bits
        && (agreed.server_no_context_takeover || !offer.server_no_context_takeover);
    is_offered.then_some(Some(agreed))
}

/// The parts between separators that stand outside quotes, trimmed.
fn cut(bytes: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if *byte == separator && !quoted => {
                parts.push(bytes[start..at].trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(bytes[start..].trim_ascii());
    parts
}

/// A token, or a quoted string that stands for one.
fn window_bits(value: &[u8]) -> Option<WindowBits> {
    let text = match value {
        [b'"', inside @ .., b'"'] => {
            let (mut text, mut inside) = (Vec::new(), inside.iter());
            while let Some(byte) = inside.next() {
                text.push(if *byte == b'\\' { *inside.next()? } else { *byte });
            }
            text
        }
        token => token.to_vec(),
    };
    let texts = ["8", "9", "10", "11", "12", "13", "14", "15"];
    let bits = texts.iter().position(|digits| digits.as_bytes() == text)?;
    WindowBits::new(8 + bits as u8)
}
