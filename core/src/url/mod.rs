//! `http`, `https`, `ws` and `wss` URLs (RFC 3986, RFC 9110 section 4.2, RFC 6455 section 3), read without a copy.
//!
//! A [`Url`] is a text and the [`Parts`] found in it. What two programs could read in two ways is refused and not
//! repaired: a user name, a backslash, a number that is an address in disguise (`http://2130706433/`), a space at
//! either end, a control character anywhere.
//!
//! ```
//! use miniwire_core::url::{Scheme, Url};
//!
//! let url = Url::parse("https://api.example.com:8443/items?page=2#top", 2048)?;
//! assert_eq!(url.scheme(), Scheme::Https);
//! assert_eq!((url.host(), url.port()), ("api.example.com", 8443));
//! assert_eq!(url.path_and_query_raw(), "/items?page=2");
//! # Ok::<(), miniwire_core::url::UrlError>(())
//! ```

use crate::digits::put_decimal;
use crate::percent;
use crate::scan::find;
use crate::sink::{Full, Sink};

mod address;
mod host;
mod resolve;

pub use address::ip_address;
pub(crate) use host::{Authority, Host, HostKind, port_number};
pub use resolve::{ResolveError, keeps_origin, resolve};

/// A scheme that some API of the mini program takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`, port 80.
    Http,
    /// `https`, port 443.
    Https,
    /// `ws`, port 80.
    Ws,
    /// `wss`, port 443.
    Wss,
}

impl Scheme {
    /// The scheme of this name, in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        const ALL: [Scheme; 4] = [Scheme::Http, Scheme::Https, Scheme::Ws, Scheme::Wss];
        ALL.iter().copied().find(|scheme| name.eq_ignore_ascii_case(scheme.name()))
    }

    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The port of a URL that names none.
    pub const fn default_port(self) -> u16 {
        if self.is_secure() { 443 } else { 80 }
    }

    /// Whether the scheme means TLS.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::Wss)
    }

    /// Whether the scheme is that of a WebSocket.
    pub const fn is_web_socket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// Why a text is not taken for a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// There is nothing but white space.
    Empty,
    /// It is not `scheme://host[:port][/path][?query][#fragment]`, or says something that is refused (see the module).
    Malformed,
    /// It has another scheme than `http`, `https`, `ws` and `wss`.
    Scheme,
    /// It is longer than the limit.
    TooLong,
    /// A `%` in the path or the query is not followed by two hexadecimal digits.
    MalformedEscape,
}

/// What joins further query text to a URL (REQ-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// `?`: there is no query yet.
    Question,
    /// `&`: there is one.
    Ampersand,
    /// Nothing: the query ends in `?` or `&`.
    Nothing,
}

impl Joint {
    /// The joint as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Question => "?",
            Self::Ampersand => "&",
            Self::Nothing => "",
        }
    }
}

/// Where the parts of a URL are in its text. Borrows nothing, so that it can be kept beside a buffer that holds the
/// text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    scheme: Scheme,
    host_kind: HostKind,
    port: u16,
    host_start: u16,
    host_end: u16,
    path_start: u16,
    query_start: u16,
    fragment_start: u16,
    len: u16,
}

impl Parts {
    /// The length of the text in bytes.
    pub fn text_len(&self) -> usize {
        self.len.into()
    }

    fn fit(&self, text: &[u8]) -> bool {
        text.len() == self.text_len()
    }
}

/// A URL and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'u> {
    text: &'u str,
    parts: Parts,
}

impl<'u> Url<'u> {
    /// Reads `text`, which must be an absolute URL of at most `max_len` bytes (and at most 65,535).
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &'u str, max_len: usize) -> Result<Self, UrlError> {
        let bytes = text.as_bytes();
        let trimmed = bytes.trim_ascii().len();
        if trimmed == 0 {
            return Err(UrlError::Empty);
        }
        let len = u16::try_from(bytes.len()).ok().filter(|_| bytes.len() <= max_len).ok_or(UrlError::TooLong)?;
        if trimmed < bytes.len() || bytes.iter().any(u8::is_ascii_control) {
            return Err(UrlError::Malformed);
        }

        let (scheme, after_scheme) = split_scheme(text).ok_or(UrlError::Malformed)?;
        let scheme = Scheme::from_name(scheme).ok_or(UrlError::Scheme)?;
        let after_slashes = after_scheme.strip_prefix("//").ok_or(UrlError::Malformed)?;
        let (authority, tail) = split_before(after_slashes, b"/?#");
        let (path_and_query, fragment) = split_before(tail, b"#");
        let (path, query) = split_before(path_and_query, b"?");

        let authority = Authority::parse(authority).ok_or(UrlError::Malformed)?;
        let port = match authority.port {
            None | Some("") => scheme.default_port(),
            Some(digits) => port_number(digits).ok_or(UrlError::Malformed)?,
        };
        if find(b'\\', path.as_bytes()).is_some() {
            return Err(UrlError::Malformed);
        }
        if percent::has_malformed_escape(path_and_query.as_bytes()) {
            return Err(UrlError::MalformedEscape);
        }

        // Each part is a suffix, or the start of one, of a text whose length fits.
        let from_end = |suffix: usize| len.saturating_sub(suffix as u16);
        let bracket = if authority.host.kind == HostKind::V6 { 1 } else { 0 };
        let host_start = from_end(after_slashes.len()).saturating_add(bracket);
        let parts = Parts {
            scheme,
            host_kind: authority.host.kind,
            port,
            host_start,
            host_end: host_start.saturating_add(authority.host.text.len() as u16),
            path_start: from_end(tail.len()),
            query_start: from_end(query.len() + fragment.len()),
            fragment_start: from_end(fragment.len()),
            len,
        };
        Ok(Self { text, parts })
    }

    /// The URL whose text and parts were kept apart.
    ///
    /// `None` where `text` has another length than the text that `parts` was found in. That it is the same text is for
    /// this crate to see to, so nobody else can put a permission and another text together.
    pub(crate) fn from_parts(text: &'u str, parts: Parts) -> Option<Self> {
        parts.fit(text.as_bytes()).then_some(Self { text, parts })
    }

    /// Where the parts are.
    pub const fn parts(&self) -> Parts {
        self.parts
    }

    /// The whole text, as it was given.
    pub const fn as_str(&self) -> &'u str {
        self.text
    }

    /// The text without its fragment, which is never sent.
    pub fn without_fragment(&self) -> &'u str {
        self.slice(0, self.parts.fragment_start)
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The host as written: a name, which may end in a dot, or an IP address, IPv6 without brackets.
    pub fn host(&self) -> &'u str {
        self.slice(self.parts.host_start, self.parts.host_end)
    }

    /// The host without a final dot, as TLS wants it (RFC 6066 section 3).
    pub fn server_name(&self) -> &'u str {
        self.host_parts().without_dot()
    }

    /// Whether the host is an IP address.
    pub const fn is_ip(&self) -> bool {
        !matches!(self.parts.host_kind, HostKind::Name)
    }

    /// The port, the scheme's default where the URL names none.
    pub const fn port(&self) -> u16 {
        self.parts.port
    }

    /// The path and the query, as written. May be empty, or begin with `?`.
    pub fn path_and_query_raw(&self) -> &'u str {
        self.slice(self.parts.path_start, self.parts.fragment_start)
    }

    /// The query without its `?`, as written. `None` where there is no `?`.
    pub fn query(&self) -> Option<&'u str> {
        self.slice(self.parts.query_start, self.parts.fragment_start).strip_prefix('?')
    }

    /// What joins further query text to [`without_fragment`](Self::without_fragment) (REQ-06).
    pub fn query_joint(&self) -> Joint {
        match self.query().map(str::as_bytes) {
            None => Joint::Question,
            Some([] | [.., b'?' | b'&']) => Joint::Nothing,
            Some(_) => Joint::Ampersand,
        }
    }

    /// Whether both have the same scheme, host and port (RFC 6454 section 5). Letter case and a final dot do not count,
    /// nor does the spelling of an IPv6 address.
    pub fn same_origin(&self, other: &Url<'_>) -> bool {
        self.scheme() == other.scheme() && self.port() == other.port() && self.host_parts().is_same(other.host_parts())
    }

    /// Writes the value of the Host field: the host, and the port where it is not the scheme's (RFC 9110 section 7.2).
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn host_header(&self, out: &mut dyn Sink) -> Result<(), Full> {
        self.write_host(out)?;
        if self.port() == self.scheme().default_port() { Ok(()) } else { self.put_port(out) }
    }

    /// Writes `host:port`, the request target of CONNECT (RFC 9112 section 3.2.3).
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn write_authority_form(&self, out: &mut dyn Sink) -> Result<(), Full> {
        self.write_host(out)?;
        self.put_port(out)
    }

    /// Writes path and query as a request target in origin-form (RFC 9112 section 3.2.1): `/` for an empty path, no
    /// fragment. What RFC 3986 allows nowhere in a URI is percent-encoded: non-ASCII characters as UTF-8, the space, and
    /// `"`, `<`, `>`, `\`, `^`, `` ` ``, `{`, `|`, `}`.
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn write_target(&self, out: &mut dyn Sink) -> Result<(), Full> {
        let target = self.path_and_query_raw();
        if !target.starts_with('/') {
            out.put(b"/")?;
        }
        put_escaped(target.as_bytes(), is_uri_byte, out)
    }

    pub(crate) fn host_parts(&self) -> Host<'u> {
        Host { kind: self.parts.host_kind, text: self.host() }
    }

    /// Writes the host, IPv6 in brackets.
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn write_host(&self, out: &mut dyn Sink) -> Result<(), Full> {
        if self.parts.host_kind != HostKind::V6 {
            return out.put(self.host().as_bytes());
        }
        out.put(b"[")?;
        out.put(self.host().as_bytes())?;
        out.put(b"]")
    }

    fn put_port(&self, out: &mut dyn Sink) -> Result<(), Full> {
        out.put(b":")?;
        put_decimal(self.port().into(), out)
    }

    fn slice(&self, start: u16, end: u16) -> &'u str {
        self.text.get(usize::from(start)..usize::from(end)).unwrap_or_default()
    }
}

/// The scheme's name, and what follows its colon. `None` where the text does not begin with one.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = split_before(text, b":");
    is_scheme_name(name.as_bytes()).then_some((name, rest.strip_prefix(':')?))
}

/// RFC 3986 section 3.1.
fn is_scheme_name(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Splits before the first of the ASCII bytes `ends`, or at the end of the text.
pub(crate) fn split_before<'t>(text: &'t str, ends: &[u8]) -> (&'t str, &'t str) {
    let at = position_of(ends, text.as_bytes());
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// Where the first byte is that is one of `ends`, or the end of `bytes`.
fn position_of(ends: &[u8], bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| ends.iter().any(|end| end == byte)).unwrap_or(bytes.len())
}

/// Whether RFC 3986 allows the byte somewhere in a URI.
const fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

/// Writes a string of data that is joined to a URL's query (REQ-06) as [`Url::write_target`] writes a query. A `#` is
/// data here and percent-encoded.
///
/// # Errors
/// [`Full`] when `out` is.
pub fn write_query_text(text: &str, out: &mut dyn Sink) -> Result<(), Full> {
    put_escaped(text.as_bytes(), |byte| is_uri_byte(byte) && byte != b'#', out)
}

/// Writes `bytes`, percent-encoding those that are not `kept` (RFC 3986 section 2.1).
fn put_escaped(bytes: &[u8], kept: fn(u8) -> bool, out: &mut dyn Sink) -> Result<(), Full> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let run = rest.iter().position(|byte| !kept(*byte)).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        out.put(run)?;
        rest = match after.split_first() {
            Some((byte, after)) => {
                out.put(&[b'%', upper_hex(byte >> 4), upper_hex(byte & 0x0f)])?;
                after
            }
            None => after,
        };
    }
    Ok(())
}

const fn upper_hex(digit: u8) -> u8 {
    if digit < 10 { b'0' | digit } else { (digit & 0x0f).wrapping_add(b'A' - 10) }
}

#[cfg(test)]
mod tests;
