//! A reader of HTTP/1.1 answers for tests, written apart from the library's and the other way round: it has all bytes
//! before it and takes whatever can be taken.

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
