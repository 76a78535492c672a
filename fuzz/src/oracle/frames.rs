//! WebSocket frames read from all of their bytes (RFC 6455 section 5).

use miniwire_core::ws::violation::Violation;

/// The header of a server's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHeader {
    /// It is the last of its message.
    pub fin: bool,
    /// The opcode.
    pub opcode: u8,
    /// The length of its payload.
    pub length: u64,
    /// How many bytes the header is long.
    pub size: usize,
}

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFound {
    /// More bytes are needed.
    Unfinished,
    /// No continuation makes a header of it.
    Bad(Violation),
    /// A header.
    Whole(ServerHeader),
}

/// Reads the header of a server's frame; `inside` a message, that is, its last data frame was not final.
pub fn server_header(bytes: &[u8], inside: bool) -> HeaderFound {
    use HeaderFound::{Bad, Unfinished, Whole};
    let Some(first) = bytes.first() else { return Unfinished };
    let (fin, reserved, opcode) = (*first >= 0x80, *first / 16 % 8, *first % 16);
    if reserved != 0 {
        return Bad(Violation::ReservedBit);
    }
    match (opcode, fin, inside) {
        (3..=7 | 11.., ..) => return Bad(Violation::ReservedOpcode),
        (8..=10, false, _) => return Bad(Violation::FragmentedControl),
        (0, _, false) => return Bad(Violation::UnexpectedContinuation),
        (1 | 2, _, true) => return Bad(Violation::InterleavedMessage),
        _ => {}
    }
    let Some(second) = bytes.get(1) else { return Unfinished };
    let extended = match second {
        128.. => return Bad(Violation::Masked),
        126.. if opcode >= 8 => return Bad(Violation::LongControl),
        127 => 8,
        126 => 2,
        _ => 0,
    };
    let size = 2 + extended;
    let Some(digits) = bytes.get(2..size) else { return Unfinished };
    let length = digits.iter().fold(0_u64, |number, digit| number * 256 + u64::from(*digit));
    match extended {
        2 if length <= 125 => Bad(Violation::OverlongLength),
        8 if length <= 65_535 => Bad(Violation::OverlongLength),
        8 if length >= 1 << 63 => Bad(Violation::LengthTopBit),
        0 => Whole(ServerHeader { fin, opcode, length: (*second).into(), size }),
        _ => Whole(ServerHeader { fin, opcode, length, size }),
    }
}

/// What a server's bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Of one message, what came until something else did.
    Data {
        /// It is text.
        text: bool,
        /// The bytes.
        data: Vec<u8>,
        /// The message ends with them.
        fin: bool,
    },
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A Close, after which nothing counts.
    Close(u16, String),
    /// It was wrong, after which nothing counts.
    Violation(Violation),
}

/// Appends an item; data to data of the same message.
pub fn push_item(items: &mut Vec<Item>, item: Item) {
    if let (Some(Item::Data { data, fin: fin @ false, text }), Item::Data { data: more, fin: end, text: same }) =
        (items.last_mut(), &item)
    {
        assert_eq!(text, same, "the type of a message has changed");
        data.extend_from_slice(more);
        *fin = *end;
    } else {
        items.push(item);
    }
}

/// Reads all that a server sent without an extension.
pub fn server_items(bytes: &[u8]) -> Vec<Item> {
    let (mut items, mut rest, mut inside) = (Vec::new(), bytes, false);
    let (mut text, mut message) = (false, Vec::new());
    loop {
        let header = match server_header(rest, inside) {
            HeaderFound::Unfinished => return items,
            HeaderFound::Bad(violation) => {
                items.push(Item::Violation(violation));
                return items;
            }
            HeaderFound::Whole(header) => header,
        };
        rest = &rest[header.size..];
        let length = usize::try_from(header.length).unwrap_or(usize::MAX).min(rest.len());
        let (payload, after) = rest.split_at(length);
        let whole = header.length == length as u64;
        rest = after;
        if header.opcode >= 8 {
            if !whole {
                return items;
            }
            match header.opcode {
                8 => {
                    items.push(close_body(payload).map_or_else(Item::Violation, |(code, why)| Item::Close(code, why)));
                    return items;
                }
                9 => items.push(Item::Ping(payload.to_vec())),
                _ => items.push(Item::Pong(payload.to_vec())),
            }
            continue;
        }
        if header.opcode != 0 {
            (text, message) = (header.opcode == 1, Vec::new());
        }
        inside = !header.fin;
        let fin = header.fin && whole;
        let before = message.len();
        message.extend_from_slice(payload);
        let good = if text { good_text(&message, before, fin) } else { message.len() };
        let fault = good < message.len() || (fin && text && std::str::from_utf8(&message).is_err());
        let (data, fin) = (payload[..good - before].to_vec(), fin && !fault);
        if fin || !data.is_empty() {
            push_item(&mut items, Item::Data { text, data, fin });
        }
        if fault {
            items.push(Item::Violation(Violation::NotUtf8));
            return items;
        }
    }
}

/// How much of a text there is before its first bad byte, of which the first `before` bytes are good. Where it ends
/// within a character, its last byte is bad if it is new.
fn good_text(text: &[u8], before: usize, ends: bool) -> usize {
    let Err(error) = std::str::from_utf8(text) else { return text.len() };
    let start = error.valid_up_to();
    if error.error_len().is_some() {
        let is_bad = |end: &usize| std::str::from_utf8(&text[start..=*end]).is_err_and(|e| e.error_len().is_some());
        return (start..text.len()).find(is_bad).expect("a bad byte");
    }
    if ends { (text.len() - 1).max(before) } else { text.len() }
}

fn close_body(body: &[u8]) -> Result<(u16, String), Violation> {
    let [high, low, reason @ ..] = body else {
        return if body.is_empty() { Ok((1005, String::new())) } else { Err(Violation::CloseBody) };
    };
    let code = u16::from(*high) * 256 + u16::from(*low);
    if !is_receivable(code) {
        return Err(Violation::CloseCode);
    }
    let reason = String::from_utf8(reason.to_vec()).map_err(|_| Violation::NotUtf8)?;
    Ok((code, reason))
}

/// Section 7.4, and what the registry had added by 2026: 1012 to 1014.
pub fn is_receivable(code: u16) -> bool {
    match code {
        1004..=1006 | 1015 => false,
        1000..=1014 | 3000..=4999 => true,
        _ => false,
    }
}

/// A client's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFrame {
    /// It is the last of its message.
    pub fin: bool,
    /// The opcode.
    pub opcode: u8,
    /// The masking key.
    pub key: [u8; 4],
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

/// Takes a client's frame from the start of `bytes`, which have it whole and in the shortest form.
#[track_caller]
pub fn client_frame(bytes: &[u8]) -> (ClientFrame, &[u8]) {
    let (first, second) = (bytes[0], bytes[1]);
    assert_eq!(first & 0x70, 0, "a reserved bit");
    assert!(second >= 0x80, "an unmasked frame");
    let (length, at) = match second - 0x80 {
        126 => (u64::from(u16::from_be_bytes(bytes[2..4].try_into().unwrap())), 4),
        127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()), 10),
        short => (short.into(), 2),
    };
    assert!((at != 4 || length > 125) && (at != 10 || length > 65_535), "an over-long length");
    let key = bytes[at..at + 4].try_into().unwrap();
    let (payload, rest) = bytes[at + 4..].split_at(length.try_into().unwrap());
    let frame = ClientFrame { fin: first >= 0x80, opcode: first & 0x0f, key, payload: xor(payload, key) };
    if frame.opcode >= 8 {
        assert!(frame.opcode <= 10 && frame.fin && frame.payload.len() <= 125, "{frame:?}");
    } else {
        assert!(frame.opcode <= 2, "{frame:?}");
    }
    (frame, rest)
}

/// All of a client's frames, of which the bytes have nothing but whole ones.
#[track_caller]
pub fn client_frames(bytes: &[u8]) -> Vec<ClientFrame> {
    let (mut rest, mut frames) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (frame, after) = client_frame(rest);
        frames.push(frame);
        rest = after;
    }
    frames
}

/// Masks or unmasks (section 5.3).
pub fn xor(bytes: &[u8], key: [u8; 4]) -> Vec<u8> {
    bytes.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect()
}
