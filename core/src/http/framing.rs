//! Where the body ends, whether the connection goes on, and what the body is said to be: the only place where these
//! are decided.

use super::fields::{list, trim};
use crate::digits::decimal;
use crate::scan::split;

/// How the end of a response body is found (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunked transfer coding.
    Chunked,
    /// Everything until the server closes.
    UntilClose,
}

/// Framing that is malformed, or stated in conflicting ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFraming;

/// The body's charset, as far as this library converts it (REQ-12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// Declared, or nothing declared.
    #[default]
    Utf8,
    /// `us-ascii`: no byte over 0x7F.
    Ascii,
    /// `iso-8859-1`: every byte is the code point.
    Latin1,
    /// Any other.
    Unsupported,
}

/// What the fields of one response head say about the message and the connection.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    minor: u8,
    length: Length,
    /// Of [`Length::Stated`].
    bytes: u64,
    coding: Coding,
    close: bool,
    keep_alive: bool,
    /// Where in the head the line of the first `Location` begins; 0 without one.
    pub(super) location: usize,
    encoded: bool,
    charset: Charset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Absent,
    // Its number is kept apart: a u64 in an enum makes the tag a u64, here and in every enum around it.
    Stated,
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Absent,
    Chunked,
    Bad,
}

impl Facts {
    pub(crate) const fn new(minor: u8) -> Self {
        Self {
            minor,
            length: Length::Absent,
            bytes: 0,
            coding: Coding::Absent,
            close: false,
            keep_alive: false,
            location: 0,
            encoded: false,
            charset: Charset::Utf8,
        }
    }

    /// Takes one field into account, white space around its value or not, whose line begins there in the head. The length
    /// of its name tells most fields apart.
    pub(crate) fn note(&mut self, at: usize, name: &[u8], value: &[u8]) {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            8 if self.location == 0 && is(b"location") => self.location = at,
            10 if is(b"connection") => self.note_connection(value),
            12 if is(b"content-type") => self.charset = charset(value),
            14 if is(b"content-length") => self.note_length(value),
            16 if is(b"content-encoding") => {
                self.encoded |= list(value).any(|coding| !coding.eq_ignore_ascii_case(b"identity"));
            }
            17 if is(b"transfer-encoding") => self.note_coding(value),
            _ => {}
        }
    }

    /// RFC 9112 section 6.3: one decimal number, or a list of one and the same, in however many fields.
    fn note_length(&mut self, value: &[u8]) {
        // An empty member is not a number, so the list is split here and not by `list`.
        for member in split(b',', value) {
            self.length = match (self.length, decimal(trim(member))) {
                (Length::Absent, Some(bytes)) => {
                    self.bytes = bytes;
                    Length::Stated
                }
                (Length::Stated, Some(bytes)) if self.bytes == bytes => Length::Stated,
                _ => Length::Bad,
            };
        }
    }

    /// RFC 9112 section 6.1: only `chunked` was offered by a client that sends no `TE`, and only once may it be applied.
    fn note_coding(&mut self, value: &[u8]) {
        self.coding = match self.coding {
            Coding::Absent if trim(value).eq_ignore_ascii_case(b"chunked") => Coding::Chunked,
            _ => Coding::Bad,
        };
    }

    fn note_connection(&mut self, value: &[u8]) {
        for option in list(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// How the body ends (RFC 9112 section 6.3, in the order of its list).
    ///
    /// # Errors
    /// [`BadFraming`] for a length that is no number or contradicts another, for a transfer coding other than one
    /// `chunked`, for both together, and for any transfer coding in HTTP/1.0 (section 6.1).
    pub fn framing(&self, status: u16) -> Result<Framing, BadFraming> {
        if matches!(status, 100..=199 | 204 | 304) {
            return Ok(Framing::None);
        }
        match (self.coding, self.length) {
            (Coding::Chunked, Length::Absent) if self.minor > 0 => Ok(Framing::Chunked),
            (Coding::Absent, Length::Stated) => Ok(Framing::Length(self.bytes)),
            (Coding::Absent, Length::Absent) => Ok(Framing::UntilClose),
            _ => Err(BadFraming),
        }
    }

    /// How long the body is said to be, where that is said.
    pub fn length(&self, status: u16) -> Option<u64> {
        match self.framing(status) {
            Ok(Framing::Length(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Whether the server lets the connection serve another exchange (RFC 9112 section 9.3).
    pub fn persists(&self) -> bool {
        let sane = self.length != Length::Bad && self.coding != Coding::Bad;
        sane && !self.close && (self.minor > 0 || self.keep_alive)
    }

    /// Whether the body has a content coding other than `identity` (RFC 9110 section 8.4).
    pub const fn is_encoded(&self) -> bool {
        self.encoded
    }

    /// The charset of the body's `Content-Type`.
    pub const fn charset(&self) -> Charset {
        self.charset
    }
}

/// The charset parameter of a media type (RFC 9110 section 8.3.2).
fn charset(media_type: &[u8]) -> Charset {
    for parameter in split(b';', media_type).skip(1) {
        let parameter = trim(parameter);
        if let Some((name, value)) = parameter.split_at_checked(8)
            && name.eq_ignore_ascii_case(b"charset=")
        {
            return known_charset(match value {
                [b'"', quoted @ .., b'"'] => quoted,
                _ => value,
            });
        }
    }
    Charset::Utf8
}

fn known_charset(name: &[u8]) -> Charset {
    const NAMES: [(&[u8], Charset); 7] = [
        (b"utf-8", Charset::Utf8),
        (b"utf8", Charset::Utf8),
        (b"", Charset::Utf8),
        (b"us-ascii", Charset::Ascii),
        (b"ascii", Charset::Ascii),
        (b"iso-8859-1", Charset::Latin1),
        (b"latin1", Charset::Latin1),
    ];
    let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map_or(Charset::Unsupported, |(_, charset)| *charset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::head::HeadReader;

    fn facts(minor: u8, fields: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::new(minor);
        for (name, value) in fields {
            facts.note(17, name.as_bytes(), value.as_bytes());
        }
        facts
    }

    #[test]
    fn req_18_content_length_is_one_decimal_number() {
        let good = [("5", 5), ("0", 0), ("005", 5), ("5, 5", 5), ("18446744073709551615", u64::MAX)];
        for (value, bytes) in good {
            assert_eq!(facts(1, &[("Content-Length", value)]).framing(200), Ok(Framing::Length(bytes)), "{value}");
        }
        let bad =
            ["", " ", "+5", "-5", "0x5", "5 5", "5;", "5,6", "5,", ",5", "5.0", "1e3", "18446744073709551616", "five"];
        for value in bad {
            assert_eq!(facts(1, &[("content-length", value)]).framing(200), Err(BadFraming), "{value:?}");
        }
    }

    #[test]
    fn req_18_a_name_of_the_same_length_says_nothing() {
        let others = ["connectioX", "content-typX", "content-lengtX", "content-encodinX"];
        let others = others.map(|name| (name, "gzip;charset=gbk, close"));
        let facts = facts(1, &[&others[..], &[("xocation", "/x"), ("transfer-encodinX", "gzip")]].concat());
        assert_eq!((facts.framing(200), facts.location), (Ok(Framing::UntilClose), 0));
        assert!(facts.persists() && !facts.is_encoded());
        assert_eq!(facts.charset(), Charset::Utf8);
    }

    #[test]
    fn req_14_the_first_location_counts() {
        let location = |raw: &'static [u8]| {
            let (head, facts) = HeadReader::new().read(raw).unwrap().unwrap();
            head.location(&facts)
        };
        let twice = b"HTTP/1.1 302 \r\na: b\r\nLocation:\t /a \r\nlocation: /b\r\n\r\n";
        assert_eq!(location(twice), Some(&b"/a"[..]));
        assert_eq!(location(b"HTTP/1.1 302\r\nlocation:\r\n\r\n"), Some(&b""[..]));
        assert_eq!(location(b"HTTP/1.1 302\r\nLocations: /a\r\n\r\n"), None);
    }

    #[test]
    fn req_19_a_length_is_known_where_it_is_stated_and_counts() {
        assert_eq!(facts(1, &[("content-length", "5")]).length(200), Some(5));
        assert_eq!(facts(1, &[("content-length", "5")]).length(204), None);
        assert_eq!(facts(1, &[("content-length", "x")]).length(200), None);
        assert_eq!(facts(1, &[("transfer-encoding", "chunked")]).length(200), None);
        assert_eq!(facts(1, &[]).length(200), None);
    }

    #[test]
    fn req_18_two_lengths_must_agree() {
        assert_eq!(facts(1, &[("content-length", "5"), ("Content-Length", "5")]).framing(200), Ok(Framing::Length(5)));
        for pair in [["5", "6"], ["5", ""], ["x", "5"], ["5", "05, 6"]] {
            let fields = pair.map(|value| ("content-length", value));
            assert_eq!(facts(1, &fields).framing(200), Err(BadFraming), "{pair:?}");
        }
    }

    #[test]
    fn req_18_the_only_transfer_coding_is_one_chunked() {
        assert_eq!(facts(1, &[("Transfer-Encoding", "Chunked")]).framing(200), Ok(Framing::Chunked));
        for value in
            ["", "gzip", "gzip, chunked", "chunked, chunked", "chunked,", "identity", "xchunked", "chunked;q=1"]
        {
            assert_eq!(facts(1, &[("transfer-encoding", value)]).framing(200), Err(BadFraming), "{value:?}");
        }
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert_eq!(facts(1, &twice).framing(200), Err(BadFraming));
        let both = [("transfer-encoding", "chunked"), ("content-length", "5")];
        assert_eq!(facts(1, &both).framing(200), Err(BadFraming));
        assert_eq!(facts(0, &[("transfer-encoding", "chunked")]).framing(200), Err(BadFraming));
    }

    #[test]
    fn req_18_some_statuses_have_no_body_whatever_the_fields_say() {
        for status in [100, 103, 204, 304] {
            assert_eq!(facts(1, &[("content-length", "5")]).framing(status), Ok(Framing::None));
        }
        assert_eq!(facts(1, &[]).framing(200), Ok(Framing::UntilClose));
        assert!(!facts(1, &[("content-length", "x")]).persists());
    }

    #[test]
    fn req_16_a_connection_persists_as_rfc_9112_section_9_3_says() {
        assert!(facts(1, &[]).persists());
        assert!(!facts(1, &[("Connection", "Close")]).persists());
        assert!(!facts(1, &[("connection", "x, close")]).persists());
        assert!(!facts(1, &[("connection", "keep-alive"), ("connection", "close")]).persists());
        assert!(!facts(0, &[]).persists());
        assert!(facts(0, &[("connection", "Keep-Alive")]).persists());
    }

    #[test]
    fn req_12_the_charset_is_a_parameter_of_content_type() {
        let declared = |value| facts(1, &[("content-type", value)]).charset();
        assert_eq!(declared("text/plain"), Charset::Utf8);
        assert_eq!(declared("text/plain; charset=UTF-8"), Charset::Utf8);
        assert_eq!(declared("text/plain;a=b; Charset=\"iso-8859-1\""), Charset::Latin1);
        assert_eq!(declared("text/plain;charset=us-ascii"), Charset::Ascii);
        assert_eq!(declared("text/html; charset=gbk"), Charset::Unsupported);
        assert_eq!(declared("text/html; xcharset=gbk"), Charset::Utf8);
    }

    #[test]
    fn req_12_identity_is_no_content_coding() {
        assert!(!facts(1, &[("content-encoding", "Identity")]).is_encoded());
        assert!(!facts(1, &[("content-encoding", "")]).is_encoded());
        assert!(facts(1, &[("content-encoding", "gzip")]).is_encoded());
    }
}
