//! What a WebSocket server and its client say to each other in a run, and the server, without a network.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::plan::Random;

/// A message: whether it is text, and its bytes.
pub type Message = (bool, Vec<u8>);

/// What the server of this seed says, in order.
pub fn said(seed: u64) -> Vec<Message> {
    messages(seed ^ 0x5A1D)
}

/// What its client sends, in order.
pub fn sent(seed: u64) -> Vec<Message> {
    messages(seed ^ 0x5E47)
}

fn messages(seed: u64) -> Vec<Message> {
    let mut random = Random::new(seed);
    (0..1 + random.below(5))
        .map(|_| {
            let (text, length) = (random.below(2) == 0, [0, 1, 125, 126, 700, 3000][random.below(6) as usize]);
            let byte = |random: &mut Random| if text { b'a' + random.below(26) as u8 } else { random.below(256) as u8 };
            (text, (0..length).map(|_| byte(&mut random)).collect())
        })
        .collect()
}

/// A server: it opens, says all that it has to say, hears what comes, and closes when the client does.
#[derive(Clone, Debug)]
pub struct Talker {
    seed: u64,
    came: Vec<u8>,
    open: bool,
    message: Vec<u8>,
    heard: Vec<Message>,
}

impl Talker {
    /// The server of this seed, before the handshake.
    pub fn new(seed: u64) -> Self {
        Self { seed, came: Vec::new(), open: false, message: Vec::new(), heard: Vec::new() }
    }

    /// The messages that came, each in whole.
    pub fn heard(&self) -> &[Message] {
        &self.heard
    }

    /// Takes what came; what is to be sent, and whether the connection is closed behind it.
    pub fn take(&mut self, bytes: &[u8]) -> (Vec<u8>, bool) {
        self.came.extend_from_slice(bytes);
        let mut out = Vec::new();
        if !self.open {
            let Some(end) = self.came.windows(4).position(|end| end == b"\r\n\r\n") else { return (out, false) };
            let head = String::from_utf8_lossy(&self.came[..end]).into_owned();
            self.came.drain(..end + 4);
            let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            let Some(key) = key else {
                return (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec(), true);
            };
            self.open = true;
            out.extend(accepts(key).as_bytes());
            out.extend(self.speech());
        }
        while let Some((first, payload)) = self.frame() {
            match first & 0xf {
                8 => {
                    out.extend(frame(0x88, &payload));
                    return (out, true);
                }
                9 => out.extend(frame(0x8a, &payload)),
                10 => {}
                opcode => {
                    if opcode != 0 {
                        self.message = vec![opcode];
                    }
                    self.message.extend(payload);
                    if first & 0x80 != 0 && !self.message.is_empty() {
                        let message = std::mem::take(&mut self.message);
                        self.heard.push((message[0] == 1, message[1..].to_vec()));
                    }
                }
            }
        }
        (out, false)
    }

    /// All that it says: messages in one frame or in several, pings in between.
    fn speech(&self) -> Vec<u8> {
        let (mut random, mut out) = (Random::new(self.seed ^ 0xF7), Vec::new());
        for (text, bytes) in said(self.seed) {
            let (mut opcode, mut rest) = (if text { 1 } else { 2 }, &bytes[..]);
            while random.below(3) == 0 {
                let (now, later) = rest.split_at(random.below(rest.len() as u64 + 1) as usize);
                out.extend(frame(opcode, now));
                (opcode, rest) = (0, later);
                if random.below(2) == 0 {
                    out.extend(frame(0x89, b"ping"));
                }
            }
            out.extend(frame(0x80 | opcode, rest));
        }
        out
    }

    /// The first frame that is there as a whole, unmasked. Frames from a client are masked (RFC 6455 section 5.3).
    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, length, head) = header(&self.came)?;
        let mask = self.came.get(head..head + 4)?.to_vec();
        let masked = self.came.get(head + 4..(head + 4).checked_add(length)?)?;
        let payload = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        self.came.drain(..head + 4 + length);
        Some((first, payload))
    }
}

/// Of the frame that begins here: its first byte, the length of its payload, and that of its header without the mask.
pub(super) fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let number = |count: usize| {
        let bytes = bytes.get(2..2 + count)?;
        usize::try_from(bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))).ok()
    };
    let (length, head) = match bytes.get(1)? & 0x7f {
        126 => (number(2)?, 4),
        127 => (number(8)?, 10),
        length => (length.into(), 2),
    };
    Some((bytes[0], length, head))
}

/// A frame without a mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ ..126 => frame.push(length as u8),
        length => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

fn accepts(key: &str) -> String {
    let hash = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = STANDARD.encode(hash);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::reader;

    #[test]
    fn a_talker_opens_says_everything_and_hears() {
        for seed in 0..50 {
            let mut talker = Talker::new(seed);
            let (said_now, closes) =
                talker.take(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
            assert!(!closes && String::from_utf8_lossy(&said_now).contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
            assert_eq!(reader::messages(&said_now), said(seed));
        }
        let mut talker = Talker::new(0);
        talker.take(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n");
        assert_eq!(talker.take(b"\x01\x82\0\0\0\0he\x80\x83\0\0\0\0l"), (vec![], false));
        talker.take(b"lo");
        assert_eq!(talker.heard(), [(true, b"hello".to_vec())]);
        assert_eq!(talker.take(b"\x88\x82\0\0\0\0\x03\xe8"), (b"\x88\x02\x03\xe8".to_vec(), true));
    }
}
