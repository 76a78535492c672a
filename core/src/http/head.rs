//! The response head: found, parsed once, handed out as borrowed fields (RFC 9112 sections 2 to 5).
//!
//! What RFC 9112 lets a recipient refuse is refused: bare LF, empty lines before the status line, folded lines, status
//! codes that are not three digits of 100 to 999.

use super::fields::{Fields, trim};
use super::framing::Facts;
use crate::scan::{find, text_length, token_length};

/// A complete response head, borrowed from the receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'i> {
    status: u16,
    raw: &'i [u8],
}

impl<'i> Head<'i> {
    /// The status code, 100 to 999.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The minor version of HTTP that the sender speaks: 0 or 1.
    pub fn minor_version(&self) -> u8 {
        // "HTTP/1.1": read as a digit when the head was found.
        self.raw.get(7).map_or(0, |minor| minor & 0x0f)
    }

    /// The reason phrase as sent; often empty, never to be relied on (RFC 9112 section 4).
    pub fn reason_phrase(&self) -> &'i [u8] {
        let line = find(b'\r', self.raw).and_then(|end| self.raw.get(..end)).unwrap_or_default();
        // "HTTP/1.1 200 " is 13 bytes.
        line.get(13..).unwrap_or_default()
    }

    /// The fields in wire order, repeated ones included (REQ-10).
    pub fn fields(&self) -> Fields<'i> {
        Fields::of_head(self.raw)
    }

    /// The first `Location` (RFC 9110 section 10.2.2), where the `facts` of this head say that it is.
    pub fn location(&self, facts: &Facts) -> Option<&'i [u8]> {
        if facts.location == 0 {
            return None;
        }
        let value = self.raw.get(facts.location.saturating_add(b"location:".len())..)?;
        value.get(..text_length(value)).map(trim)
    }

    /// The head as it came: status line, field lines and the empty line.
    pub const fn raw(&self) -> &'i [u8] {
        self.raw
    }
}

/// Why a head was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// It breaks RFC 9112.
    Malformed,
    /// It has more fields than [`MAX_FIELDS`].
    TooManyFields,
}

/// How many fields a head may have.
pub const MAX_FIELDS: usize = 100;

/// Remembers how far an incomplete head was searched, so that a head arriving in drips costs linear time.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadReader {
    searched: usize,
    parsed: usize,
}

impl HeadReader {
    /// Nothing was searched yet.
    pub const fn new() -> Self {
        Self { searched: 0, parsed: 0 }
    }

    /// The head at the start of `rx`, once it is complete.
    ///
    /// # Errors
    /// [`HeadError`], as early as the received bytes show it.
    pub fn read<'i>(&mut self, rx: &'i [u8]) -> Result<Option<(Head<'i>, Facts)>, HeadError> {
        let mut facts = Facts::new(1);
        Ok(self.read_noting(rx, &mut facts)?.map(|head| (head, facts)))
    }

    /// As [`read`](Self::read), with the facts written to where they are kept: they are of no meaning before there is a
    /// head.
    pub(super) fn read_noting<'i>(&mut self, rx: &'i [u8], facts: &mut Facts) -> Result<Option<Head<'i>>, HeadError> {
        // Incomplete heads are parsed again only when their length has doubled: that finds nonsense early and still
        // costs linear time.
        if rx.len() < self.parsed.saturating_mul(2) && !self.finds_end(rx) {
            return Ok(None);
        }
        match parse(rx, facts) {
            Ok(found) => Ok(Some(found)),
            Err(Lack::Refused(error)) => Err(error),
            Err(Lack::Unfinished) => {
                self.parsed = rx.len();
                Ok(None)
            }
        }
    }

    /// Looks once more at a head that will not be completed: what is wrong with it, if anything is.
    ///
    /// # Errors
    /// [`HeadError`] where the bytes received cannot begin a head.
    pub fn give_up(&self, rx: &[u8]) -> Result<(), HeadError> {
        match parse(rx, &mut Facts::new(1)) {
            Err(Lack::Refused(error)) => Err(error),
            Ok(_) | Err(Lack::Unfinished) => Ok(()),
        }
    }

    fn finds_end(&mut self, rx: &[u8]) -> bool {
        // The end may straddle what was searched before.
        let mut rest = rx.get(self.searched.saturating_sub(3)..).unwrap_or_default();
        self.searched = rx.len();
        while let Some(line) = find(b'\n', rest) {
            rest = rest.get(line.saturating_add(1)..).unwrap_or_default();
            if rest.starts_with(b"\r\n") || rest.starts_with(b"\n") {
                return true;
            }
        }
        false
    }
}

/// Why there is no head yet.
enum Lack {
    /// What came is the beginning of one.
    Unfinished,
    Refused(HeadError),
}

impl Lack {
    const MALFORMED: Self = Self::Refused(HeadError::Malformed);
}

/// Reads the head in one pass, and refuses it at the first byte that does not belong to one.
#[inline(never)]
fn parse<'i>(rx: &'i [u8], facts: &mut Facts) -> Result<Head<'i>, Lack> {
    let (minor, status, mut rest) = status_line(rx)?;
    *facts = Facts::new(minor);
    let mut fields = 0_usize;
    while !rest.starts_with(b"\r") {
        let line = field_line(rest)?;
        if fields >= MAX_FIELDS {
            return Err(Lack::Refused(HeadError::TooManyFields));
        }
        fields = fields.saturating_add(1);
        facts.note(rx.len().saturating_sub(rest.len()), line.name, line.value);
        rest = line.rest;
    }
    let length = rx.len().saturating_sub(line_end(rest)?.len());
    Ok(Head { status, raw: rx.get(..length).unwrap_or_default() })
}

/// Minor version and status code of a status line, and what follows it (RFC 9112 section 4). A reason phrase that is
/// missing with its space is let pass: many servers send none.
fn status_line(rx: &[u8]) -> Result<(u8, u16, &[u8]), Lack> {
    // Where the form has `d`, any digit will do at first.
    for (byte, form) in rx.iter().zip(b"HTTP/1.d ddd") {
        let fits = if *form == b'd' { byte.is_ascii_digit() } else { byte == form };
        if !fits {
            return Err(Lack::MALFORMED);
        }
    }
    let Some(([_, _, _, _, _, _, _, minor, _, code @ ..], rest)) = rx.split_first_chunk::<12>() else {
        return Err(Lack::Unfinished);
    };
    let minor = minor & 0x0f;
    let status = code.iter().fold(0_u16, |value, digit| value.wrapping_mul(10).wrapping_add(u16::from(digit & 0x0f)));
    if minor > 1 || status < 100 {
        return Err(Lack::MALFORMED);
    }
    let phrase = if rest.starts_with(b" ") { rest.get(text_length(rest)..) } else { Some(rest) };
    Ok((minor, status, line_end(phrase.unwrap_or_default())?))
}

struct FieldLine<'i> {
    name: &'i [u8],
    /// With the white space around it.
    value: &'i [u8],
    /// What follows the line.
    rest: &'i [u8],
}

/// The field line at the start of `rest` (RFC 9112 section 5): no white space before the colon, no folding.
fn field_line(rest: &[u8]) -> Result<FieldLine<'_>, Lack> {
    let (name, after) = rest.split_at_checked(token_length(rest)).unwrap_or_default();
    let after = match (name, after) {
        (_, []) => return Err(Lack::Unfinished),
        ([_, ..], [b':', after @ ..]) => after,
        _ => return Err(Lack::MALFORMED),
    };
    let (value, after) = after.split_at_checked(text_length(after)).unwrap_or_default();
    Ok(FieldLine { name, value, rest: line_end(after)? })
}

/// What follows the CRLF at the start of `rest`. A bare LF or CR ends no line (RFC 9112 section 2.2).
fn line_end(rest: &[u8]) -> Result<&[u8], Lack> {
    match rest {
        [b'\r', b'\n', after @ ..] => Ok(after),
        [] | [b'\r'] => Err(Lack::Unfinished),
        _ => Err(Lack::MALFORMED),
    }
}

#[cfg(test)]
mod tests;
