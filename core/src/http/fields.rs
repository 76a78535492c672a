//! Field lines of a head that has been parsed, as borrowed names and values (RFC 9110 section 5).

/// The fields of a response in wire order, with the spelling of the wire.
///
/// Made only from lines that a [`HeadReader`](super::head::HeadReader) has accepted, or from bytes in which it accepts
/// what it can: a line without a colon is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<'i> {
    lines: &'i [u8],
}

impl<'i> Fields<'i> {
    /// The fields of these lines, each ended by CRLF.
    pub(crate) const fn new(lines: &'i [u8]) -> Self {
        Self { lines }
    }

    /// The fields of a whole head that was kept (see [`Head::raw`](super::head::Head::raw)).
    pub fn of_head(raw: &'i [u8]) -> Self {
        let after = memchr::memchr(b'\n', raw).map_or(raw.len(), |at| at.saturating_add(1));
        let lines = raw.get(after..).unwrap_or_default();
        Self { lines: lines.strip_suffix(b"\r\n").unwrap_or(lines) }
    }

    /// The first field of this name, in any letter case.
    pub fn get(self, name: &str) -> Option<&'i [u8]> {
        self.all(name).next()
    }

    /// Every field of this name, in any letter case, in wire order.
    pub fn all(self, name: &str) -> impl Iterator<Item = &'i [u8]> {
        self.filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl<'i> Iterator for Fields<'i> {
    type Item = (&'i str, &'i [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let end = memchr::memchr(b'\r', self.lines)?;
            let (line, rest) = self.lines.split_at_checked(end)?;
            self.lines = rest.get(2..).unwrap_or_default();
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = line.split_at_checked(colon)?;
            // Accepted names are tokens, so they are ASCII.
            let Ok(name) = core::str::from_utf8(name) else { continue };
            return Some((name, trim(value.get(1..).unwrap_or_default())));
        }
    }
}

/// Without the optional white space around it (RFC 9110 section 5.5).
#[inline]
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The members of a comma-separated list, empty ones left out (RFC 9110 section 5.6.1).
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn req_10_lookup_ignores_case_and_keeps_order_spelling_and_repeats() {
        let head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nX-EMPTY:\r\nset-cookie: \t b b\t\r\n\r\n";
        let fields = Fields::of_head(head);
        let all: Vec<_> = fields.collect();
        assert_eq!(all, [("Set-Cookie", &b"a"[..]), ("X-EMPTY", b""), ("set-cookie", b"b b")]);
        assert_eq!(fields.all("SET-COOKIE").collect::<Vec<_>>(), [&b"a"[..], b"b b"]);
        assert_eq!(fields.get("x-empty"), Some(&b""[..]));
        assert_eq!(fields.get("x"), None);
    }

    #[test]
    fn req_10_fields_of_any_bytes_end() {
        for bytes in [&b""[..], b"\r", b"\r\n", b"x", b"a\nb\r", b"a\n:\r\n\r\n", b"a\nb\r\nc:\xff\r\n"] {
            assert!(Fields::of_head(bytes).count() < 3);
        }
    }

    #[test]
    fn req_18_lists_skip_empty_members() {
        let members = |value: &'static [u8]| list(value).collect::<Vec<_>>();
        assert_eq!(members(b" close ,, upgrade\t,"), [&b"close"[..], b"upgrade"]);
        assert!(members(b" , ").is_empty());
    }
}
