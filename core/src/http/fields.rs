//! Field lines of a head that has been parsed, as borrowed names and values (RFC 9110 section 5).

use crate::scan::{find, split};

/// The fields of a response in wire order, with the spelling of the wire.
///
/// Meant for a head that a [`HeadReader`](super::head::HeadReader) has accepted, or for the beginning of one. Other bytes
/// give no more than fields that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<'i> {
    lines: &'i [u8],
    /// The same where all of it is UTF-8, as nearly always: so the names need not be checked one by one. Else empty.
    text: &'i str,
}

impl<'i> Fields<'i> {
    /// The fields of a whole head that was kept (see [`Head::raw`](super::head::Head::raw)).
    pub fn of_head(raw: &'i [u8]) -> Self {
        let after = find(b'\n', raw).map_or(raw.len(), |at| at.saturating_add(1));
        let lines = raw.get(after..).unwrap_or_default();
        let lines = match lines {
            [lines @ .., b'\r', b'\n'] => lines,
            _ => lines,
        };
        Self { lines, text: core::str::from_utf8(lines).unwrap_or_default() }
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
        let colon = find(b':', self.lines)?;
        let (name, rest) = self.lines.split_at_checked(colon)?;
        let (value, rest) = rest.split_at_checked(find(b'\r', rest)?)?;
        let text = self.text;
        // Behind the CRLF.
        self.lines = rest.get(2..).unwrap_or_default();
        self.text = text.get(text.len().saturating_sub(self.lines.len())..).unwrap_or_default();
        // Accepted names are tokens, so they are ASCII.
        let name = text.get(..colon).or_else(|| core::str::from_utf8(name).ok())?;
        Some((name, trim(value.get(1..)?)))
    }
}

/// Without the optional white space around it (RFC 9110 section 5.5). Of what else this would take away, nothing can be
/// in a value that was accepted.
#[inline]
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    value.trim_ascii()
}

/// The members of a comma-separated list, empty ones left out (RFC 9110 section 5.6.1).
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    split(b',', value).map(trim).filter(|member| !member.is_empty())
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
