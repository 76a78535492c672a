//! A response read from all of its bytes (RFC 9112), as strictly as the library reads it.

/// The longest chunk-size line and the longest trailer section.
const MAX_OVERHEAD: usize = miniwire_core::http::chunked::MAX_OVERHEAD as usize;

/// A head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'b> {
    /// The minor version.
    pub minor: u8,
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub fields: Vec<(&'b str, &'b [u8])>,
    /// How many bytes the head is long.
    pub len: usize,
}

/// What the bytes begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadFound<'b> {
    /// No CRLF CRLF yet.
    Unfinished,
    /// What is before CRLF CRLF is not a head.
    Bad,
    /// A head.
    Whole(Head<'b>),
}

/// Reads a head.
pub fn head(bytes: &[u8]) -> HeadFound<'_> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return HeadFound::Unfinished };
    let mut lines = split_lines(&bytes[..end]).into_iter();
    let parsed = lines.next().and_then(status_line);
    let fields = lines.map(field_line).collect::<Option<Vec<_>>>();
    match (parsed, fields) {
        (Some((minor, status)), Some(fields)) => HeadFound::Whole(Head { minor, status, fields, len: end + 4 }),
        _ => HeadFound::Bad,
    }
}

fn split_lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.push(rest);
    lines
}

fn status_line(line: &[u8]) -> Option<(u8, u16)> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let [minor @ (b'0' | b'1'), b' ', code @ ..] = rest else { return None };
    let [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', phrase @ ..] = code else { return None };
    let legal = match phrase {
        [] => true,
        [b' ', phrase @ ..] => phrase.iter().all(is_text),
        _ => false,
    };
    let status = [a, b, c].iter().fold(0, |number, digit| number * 10 + u16::from(**digit - b'0'));
    legal.then_some((minor - b'0', status))
}

fn field_line(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let legal = !name.is_empty() && name.iter().all(is_token) && value.iter().all(is_text);
    legal.then(|| (std::str::from_utf8(name).unwrap(), trim(value)))
}

fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn is_text(byte: &u8) -> bool {
    *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)
}

fn trim(value: &[u8]) -> &[u8] {
    let start = value.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !b" \t".contains(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Complete, with so many bytes left over.
    Complete {
        /// The connection can serve another exchange.
        persists: bool,
        /// Bytes that are not the response's.
        left: usize,
    },
    /// Some head is bad, or not whole; which of the two is not told.
    InHead,
    /// The framing is malformed or conflicting.
    Framing,
    /// The bytes end before the response does.
    Closed,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The statuses of interim responses.
    pub interim: Vec<u16>,
    /// The final status.
    pub status: Option<u16>,
    /// The body, its transfer coding removed.
    pub body: Vec<u8>,
    /// How it ended.
    pub ended: Ended,
}

/// Reads a response after which the connection is closed.
pub fn response(bytes: &[u8]) -> Seen {
    let mut seen = Seen { interim: Vec::new(), status: None, body: Vec::new(), ended: Ended::InHead };
    let mut rest = bytes;
    let head = loop {
        let HeadFound::Whole(head) = head(rest) else { return seen };
        if head.fields.len() > miniwire_core::http::head::MAX_FIELDS {
            return seen;
        }
        rest = &rest[head.len..];
        if head.status >= 200 {
            break head;
        }
        if head.status == 101 || seen.interim.len() == usize::from(miniwire_core::http::response::MAX_INTERIM) {
            return seen;
        }
        seen.interim.push(head.status);
    };

    let lengths = values(&head, "content-length").flat_map(|value| value.split(|byte| *byte == b',')).map(trim);
    let lengths = lengths.map(number).collect::<Vec<_>>();
    let length_is_bad = lengths.iter().any(|length| length.is_none() || *length != lengths[0]);
    let codings = values(&head, "transfer-encoding").collect::<Vec<_>>();
    let coding_is_bad = codings.len() > 1 || codings.iter().any(|coding| !coding.eq_ignore_ascii_case(b"chunked"));
    let options = values(&head, "connection").flat_map(|value| value.split(|byte| *byte == b',')).map(trim);
    let options = options.map(<[u8]>::to_ascii_lowercase).collect::<Vec<_>>();
    let says = |option: &[u8]| options.iter().any(|other| other == option);
    let persists = !length_is_bad && !coding_is_bad && !says(b"close") && (head.minor == 1 || says(b"keep-alive"));

    if matches!(head.status, 204 | 304) {
        seen.status = Some(head.status);
        seen.ended = Ended::Complete { persists, left: rest.len() };
        return seen;
    }
    if length_is_bad || coding_is_bad || (!codings.is_empty() && (!lengths.is_empty() || head.minor == 0)) {
        seen.ended = Ended::Framing;
        return seen;
    }
    seen.status = Some(head.status);
    if !codings.is_empty() {
        seen.ended = match chunked(rest, &mut seen.body) {
            Ok(left) => Ended::Complete { persists, left },
            Err(ended) => ended,
        };
    } else if let Some(Some(length)) = lengths.first() {
        let whole = usize::try_from(*length).ok().filter(|length| *length <= rest.len());
        seen.body.extend_from_slice(&rest[..whole.unwrap_or(rest.len())]);
        seen.ended = whole.map_or(Ended::Closed, |whole| Ended::Complete { persists, left: rest.len() - whole });
    } else {
        seen.body.extend_from_slice(rest);
        seen.ended = Ended::Complete { persists: false, left: 0 };
    }
    seen
}

fn values<'h>(head: &'h Head<'h>, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    head.fields.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// RFC 9112 section 7.1. Gives the number of bytes after the body.
fn chunked(bytes: &[u8], body: &mut Vec<u8>) -> Result<usize, Ended> {
    let mut rest = bytes;
    loop {
        let (line, after) = line(rest, 0, is_size_line_start)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let extension = &line[digits..];
        let is_extension = trim(extension).starts_with(b";");
        if digits == 0 || !(extension.is_empty() || is_extension) {
            return Err(Ended::Framing);
        }
        rest = after;
        let size =
            u64::from_str_radix(std::str::from_utf8(&line[..digits]).unwrap(), 16).map_err(|_| Ended::Framing)?;
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).ok().filter(|size| *size <= rest.len());
        body.extend_from_slice(&rest[..size.unwrap_or(rest.len())]);
        rest = &rest[size.ok_or(Ended::Closed)?..];
        match rest {
            [b'\r', b'\n', after @ ..] => rest = after,
            [] | [b'\r'] => return Err(Ended::Closed),
            _ => return Err(Ended::Framing),
        }
    }
    let mut used = 0;
    loop {
        let (line, after) = line(rest, used, is_field_line_start)?;
        used += line.len() + 2;
        rest = after;
        if line.is_empty() {
            return Ok(rest.len());
        }
        if field_line(line).is_none() {
            return Err(Ended::Framing);
        }
    }
}

/// A line of legal bytes, without its CRLF, and what comes after it. `used` bytes of what is allowed are spent.
fn line(bytes: &[u8], used: usize, is_start: fn(&[u8]) -> bool) -> Result<(&[u8], &[u8]), Ended> {
    let end = bytes.windows(2).position(|two| two == b"\r\n");
    let (line, after) = match end {
        Some(end) => (&bytes[..end], Some(&bytes[end + 2..])),
        None => (bytes.strip_suffix(b"\r").unwrap_or(bytes), None),
    };
    let taken = after.map_or(bytes.len(), |after| bytes.len() - after.len());
    // A CR is legal only after a line that could end there, which the caller finds out for a whole line.
    let ends_badly = after.is_none() && bytes.ends_with(b"\r") && !is_start(&[line, b"\r\n"].concat());
    if used + taken > MAX_OVERHEAD || !line.iter().all(is_text) || !is_start(line) || ends_badly {
        return Err(Ended::Framing);
    }
    after.map(|after| (line, after)).ok_or(Ended::Closed)
}

/// Whether more bytes could make a size line of it.
fn is_size_line_start(line: &[u8]) -> bool {
    let (line, whole) = line.strip_suffix(b"\r\n").map_or((line, false), |line| (line, true));
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let overflows = digits > 0 && u64::from_str_radix(std::str::from_utf8(&line[..digits]).unwrap(), 16).is_err();
    let rest = &line[digits..];
    let spaces = rest.iter().take_while(|byte| b" \t".contains(byte)).count();
    let extended = rest.get(spaces) == Some(&b';');
    let bare = spaces == rest.len();
    match digits {
        0 => line.is_empty() && !whole,
        _ => !overflows && (extended || (bare && (!whole || spaces == 0))),
    }
}

/// Whether more bytes could make a field line, or the empty line, of it.
fn is_field_line_start(line: &[u8]) -> bool {
    let (line, whole) = line.strip_suffix(b"\r\n").map_or((line, false), |line| (line, true));
    match line.iter().position(|byte| *byte == b':') {
        Some(colon) => colon > 0 && line[..colon].iter().all(is_token),
        None => line.iter().all(is_token) && (!whole || line.is_empty()),
    }
}
