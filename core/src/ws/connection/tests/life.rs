//! Whole lives at random: messages, fragments and control frames against a server's codec that shares nothing with ours.

use super::*;

/// A linear congruential generator: the same sequences on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next(256) as u8).collect()
    }

    fn text(&mut self, length: usize) -> Vec<u8> {
        let letters = ["a", "\u{e9}", "\u{4f60}", "\u{1f980}", " "];
        (0..length).map(|_| letters[self.next(letters.len())]).collect::<String>().into_bytes()
    }

    /// A length, short or near a border of the length forms.
    fn length(&mut self) -> usize {
        match self.next(8) {
            0 => 0,
            1 => 120 + self.next(12),
            2 => 65_530 + self.next(12),
            _ => self.next(40),
        }
    }

    fn mask(&mut self) -> Mask {
        Mask::fresh([self.next(256) as u8, self.next(256) as u8, self.next(256) as u8, self.next(256) as u8])
    }
}

/// A server's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first];
    if length <= 125 {
        frame.push(length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        frame.push(126);
        frame.extend_from_slice(&length.to_be_bytes());
    } else {
        frame.push(127);
        frame.extend_from_slice(&(length as u64).to_be_bytes());
    }
    frame.extend_from_slice(payload);
    frame
}

/// The client's frame at the start of `wire`: its first byte and its payload.
fn unframe(wire: &mut Vec<u8>) -> (u8, Vec<u8>) {
    assert_eq!(wire[1] & 0x80, 0x80, "a client masks");
    let (length, header) = match wire[1] & 0x7f {
        126 => (usize::from(u16::from_be_bytes([wire[2], wire[3]])), 4),
        127 => (usize::try_from(u64::from_be_bytes(wire[2..10].try_into().unwrap())).unwrap(), 10),
        length => (length.into(), 2),
    };
    let shortest = if length < 126 {
        2
    } else if length < 65_536 {
        4
    } else {
        10
    };
    assert_eq!(header, shortest);
    let key: Vec<u8> = wire[header..header + 4].to_vec();
    let end = header + 4 + length;
    let payload = (header + 4..end).map(|at| wire[at] ^ key[(at - header) % 4]).collect();
    let first = wire[0];
    wire.drain(..end);
    (first, payload)
}

/// A server's messages in random fragments, with control frames between them, and what is to be seen of them.
fn server_side(dice: &mut Dice, small: bool) -> (Vec<u8>, Vec<Seen>) {
    let (mut wire, mut seen) = (Vec::new(), Vec::new());
    for _ in 0..1 + dice.next(4) {
        let text = dice.next(2) == 0;
        let length = if small { dice.next(12) } else { dice.length() };
        let data = if text { dice.text(length) } else { dice.bytes(length) };
        let (mut rest, mut opcode) = (&data[..], if text { 1 } else { 2 });
        loop {
            let fin = dice.next(3) == 0;
            let cut = if fin { rest.len() } else { dice.next(rest.len() + 1) };
            let (piece, after) = rest.split_at(cut);
            wire.extend_from_slice(&frame(if fin { 0x80 } else { 0 } | opcode, piece));
            if fin || !piece.is_empty() {
                add_piece(&mut seen, text, piece, fin);
            }
            if dice.next(3) == 0 {
                let payload = if small { b"p".to_vec() } else { dice.bytes(dice.0 as usize % 126) };
                let ping = dice.next(2) == 0;
                wire.extend_from_slice(&frame(if ping { 0x89 } else { 0x8a }, &payload));
                seen.push(if ping { Seen::Ping(payload) } else { Seen::Pong(payload) });
            }
            if fin {
                break;
            }
            (rest, opcode) = (after, 0);
        }
    }
    if dice.next(2) == 0 {
        wire.extend_from_slice(b"\x88\x06\x0b\xb8over");
        seen.push(Seen::Close(3000, "over".into()));
    }
    (wire, seen)
}

#[test]
fn sock_09_random_lives_are_seen_the_same_at_every_split() {
    let mut dice = Dice(1);
    for _ in 0..150 {
        let (wire, expected) = server_side(&mut dice, true);
        assert_eq!(read(&wire).0, expected, "{:?}", wire.escape_ascii().to_string());
    }
}

#[test]
fn sock_09_random_lives_are_seen_through_buffers_of_any_size() {
    let mut dice = Dice(2);
    for _ in 0..150 {
        let (wire, expected) = server_side(&mut dice, false);
        let (mut rest, mut chunks) = (&wire[..], Vec::new());
        while !rest.is_empty() {
            let size = if dice.next(2) == 0 { 1 + dice.next(10) } else { 1 + dice.next(5000) };
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        assert_eq!(feed(&mut Connection::new(), &chunks), expected);
    }
}

#[test]
fn sock_04_random_messages_reach_the_server() {
    let mut dice = Dice(3);
    for _ in 0..150 {
        let (mut connection, mut wire, mut expected) = (Connection::new(), Vec::new(), Vec::new());
        let mut tx = vec![0; 131 + dice.length()];
        for _ in 0..4 {
            let text = dice.next(2) == 0;
            let length = dice.length();
            let data = if text { dice.text(length) } else { dice.bytes(length) };
            let mut rest = &data[..];
            loop {
                // All that is left, or a part of it.
                let offered = if dice.next(2) == 0 { rest.len() } else { dice.next(rest.len() + 1) };
                let fin = offered == rest.len() && dice.next(2) == 0;
                let sent = connection.send(text, &rest[..offered], fin, dice.mask(), &mut tx).unwrap();
                wire.extend_from_slice(&tx[..sent.length]);
                rest = &rest[sent.taken..];
                if fin && sent.taken == offered {
                    break;
                }
                if dice.next(4) == 0 {
                    feed(&mut connection, &[&frame(0x89, b"ping")]);
                    let length = connection.write_control(dice.mask(), &mut tx);
                    wire.extend_from_slice(&tx[..length]);
                }
            }
            expected.push((text, data));
        }
        connection.close(1000, "").unwrap();
        let length = connection.write_control(dice.mask(), &mut tx);
        wire.extend_from_slice(&tx[..length]);
        assert_eq!(server_reads(wire), expected);
    }
}

/// The messages in a client's bytes, which end with its Close.
fn server_reads(mut wire: Vec<u8>) -> Vec<(bool, Vec<u8>)> {
    let (mut messages, mut open): (Vec<(bool, Vec<u8>)>, _) = (Vec::new(), false);
    loop {
        let (first, payload) = unframe(&mut wire);
        assert_eq!(first & 0x70, 0);
        match first & 0x0f {
            opcode @ 0..=2 => {
                assert_eq!(opcode == 0, open, "a message at a time");
                if !open {
                    messages.push((opcode == 1, Vec::new()));
                }
                messages.last_mut().unwrap().1.extend_from_slice(&payload);
                open = first & 0x80 == 0;
            }
            10 => assert_eq!((first, &payload[..]), (0x8a, &b"ping"[..])),
            8 => {
                assert_eq!((first, &payload[..], wire.len(), open), (0x88, &b"\x03\xe8"[..], 0, false));
                return messages;
            }
            opcode => panic!("opcode {opcode}"),
        }
    }
}
