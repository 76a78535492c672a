//! Readers of HTTP/1.1 answers and of WebSocket frames for tests, written apart from the library's and the other way
//! round: they have all bytes before them and take whatever can be taken.

use super::talk::{Message, header};

/// An answer: status and body.
pub type Answer = (u16, Vec<u8>);

/// The complete answers in these bytes, interim ones left out. `ended` says that the stream ended after them.
pub fn answers(mut bytes: &[u8], ended: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some((answer, rest)) = answer(bytes, ended) {
        answers.extend(answer);
        bytes = rest;
    }
    answers
}

fn answer(bytes: &[u8], ended: bool) -> Option<(Option<Answer>, &[u8])> {
    let (head, rest) = split(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let fields: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim())))
        .collect();
    let value = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    if (100..200).contains(&status) {
        return Some((None, rest));
    }
    if status == 204 || status == 304 {
        return Some((Some((status, Vec::new())), rest));
    }
    if value("transfer-encoding").is_some() {
        let (body, rest) = chunked(rest)?;
        return Some((Some((status, body)), rest));
    }
    if let Some(length) = value("content-length") {
        let (body, rest) = rest.split_at_checked(length.split(',').next()?.trim().parse().ok()?)?;
        return Some((Some((status, body.to_vec())), rest));
    }
    ended.then(|| (Some((status, rest.to_vec())), &rest[rest.len()..]))
}

fn chunked(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let (line, rest) = split(bytes, b"\r\n")?;
        let size = String::from_utf8_lossy(line);
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        bytes = rest;
        if size == 0 {
            break;
        }
        let (data, rest) = bytes.split_at_checked(size)?;
        body.extend_from_slice(data);
        bytes = rest.strip_prefix(b"\r\n")?;
    }
    loop {
        let (line, rest) = split(bytes, b"\r\n")?;
        bytes = rest;
        if line.is_empty() {
            return Some((body, bytes));
        }
    }
}

fn split<'b>(bytes: &'b [u8], at: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let position = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..position], &bytes[position + at.len()..]))
}

/// The messages that a WebSocket client can find in these bytes, which begin with the answer's head. Fragments are put
/// together, control frames are passed over, and whatever else the bits say is believed.
pub fn messages(bytes: &[u8]) -> Vec<Message> {
    let (mut messages, mut message) = (Vec::new(), None);
    let Some((_, mut rest)) = split(bytes, b"\r\n\r\n") else { return messages };
    while let Some((first, length, head)) = header(rest) {
        let Some(payload) = head.checked_add(length).and_then(|end| rest.get(head..end)) else { break };
        rest = &rest[head + length..];
        match first & 0xf {
            8 => break,
            opcode @ (1 | 2) => message = Some((opcode == 1, payload.to_vec())),
            0 => match &mut message {
                Some((_, bytes)) => bytes.extend_from_slice(payload),
                None => break,
            },
            _ => continue,
        }
        if first & 0x80 != 0 {
            messages.extend(message.take());
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_each_framing() {
        let bytes = b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 O\r\ncontent-length: 2\r\n\r\nabHTTP/1.1 204 N\r\n\r\n\
                      HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\nHTTP/1.1 200 O\r\n\r\nrest";
        let some = vec![(200, b"ab".to_vec()), (204, vec![]), (404, b"abc".to_vec())];
        assert_eq!(answers(bytes, false), some);
        assert_eq!(answers(bytes, true), [some, vec![(200, b"rest".to_vec())]].concat());
        assert!(answers(b"HTTP/1.1 200 O\r\nContent-Length: 3\r\n\r\nab", true).is_empty());
    }
}
