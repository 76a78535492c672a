//! The response head: found, parsed once, handed out as borrowed fields (RFC 9112 sections 2 to 5).
//!
//! `httparse` reads the head; what it lets pass and RFC 9112 lets a recipient refuse is refused here: bare LF, empty
//! lines before the status line, status codes that are not three digits of 100 to 999.

use core::mem::MaybeUninit;

use super::fields::Fields;
use super::framing::Facts;
use crate::scan::find;

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

/// How many fields a head may have. While one is parsed, each takes 16 bytes of stack on a 32-bit machine.
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
    pub fn read<'i>(&mut self, rx: &'i [u8]) -> Result<Option<(Head<'i>, Facts<'i>)>, HeadError> {
        // Incomplete heads are parsed again only when their length has doubled: that finds nonsense early and still
        // costs linear time.
        if rx.len() < self.parsed.saturating_mul(2) && !self.finds_end(rx) {
            return Ok(None);
        }
        let found = parse(rx)?;
        if found.is_none() {
            self.parsed = rx.len();
        }
        Ok(found)
    }

    /// Looks once more at a head that will not be completed: what is wrong with it, if anything is.
    ///
    /// # Errors
    /// [`HeadError`] where the bytes received cannot begin a head.
    pub fn give_up(&self, rx: &[u8]) -> Result<(), HeadError> {
        parse(rx).map(|_| ())
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

#[inline(never)]
fn parse(rx: &[u8]) -> Result<Option<(Head<'_>, Facts<'_>)>, HeadError> {
    // RFC 9112 section 2.2 lets servers skip empty lines before a request; nobody is let to before a response.
    if rx.first().is_some_and(|first| *first != b'H') {
        return Err(HeadError::Malformed);
    }
    let mut slots = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, rx, &mut slots);
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooManyFields),
        Err(_) => return Err(HeadError::Malformed),
    };
    let raw = rx.get(..length).ok_or(HeadError::Malformed)?;
    let status = response.code.filter(|code| *code >= 100).ok_or(HeadError::Malformed)?;
    let minor = response.version.ok_or(HeadError::Malformed)?;
    let mut facts = Facts::new(minor);
    for field in response.headers.iter() {
        if !ends_in_crlf(raw, field.value) {
            return Err(HeadError::Malformed);
        }
        facts.note(field.name, field.value);
    }
    let is_whole = starts_with_whole_line(raw) && matches!(raw, [.., b'\r', b'\n', b'\r', b'\n']);
    if is_whole { Ok(Some((Head { status, raw }, facts))) } else { Err(HeadError::Malformed) }
}

/// Whether the first line ends in CRLF.
fn starts_with_whole_line(raw: &[u8]) -> bool {
    find(b'\n', raw).and_then(|end| raw.get(..end)).is_some_and(|line| matches!(line, [.., b'\r']))
}

/// Whether the line of `value`, a part of `raw`, ends in CRLF: `httparse` takes a bare LF, too.
fn ends_in_crlf(raw: &[u8], value: &[u8]) -> bool {
    let after = (value.as_ptr() as usize).wrapping_add(value.len()).wrapping_sub(raw.as_ptr() as usize);
    let mut rest = raw.get(after..).unwrap_or_default();
    while let Some((b' ' | b'\t', more)) = rest.split_first() {
        rest = more;
    }
    rest.starts_with(b"\r\n")
}

#[cfg(test)]
mod tests;
