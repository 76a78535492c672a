//! One request, as a handler sees it.

use std::{net::SocketAddr, time::Duration};

use hyper::{
    Method,
    body::Bytes,
    header::{HOST, HeaderMap},
    http::request::Parts,
};

use super::{
    answer::Refusal,
    link::Ending,
    text::{Pairs, decimal, decode, pairs, seconds},
};

pub(super) struct Call {
    pub(super) parts: Parts,
    pub(super) head: Head,
    /// The bytes that stand in the place of each `{}` of the route's pattern, percent-decoded.
    pub(super) places: Vec<Vec<u8>>,
    /// The query, decoded.
    pub(super) args: Pairs,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    pub(super) peer: SocketAddr,
    /// The body, unless the route does not keep it.
    pub(super) body: Bytes,
    /// The body's length, also where it is not kept.
    pub(super) body_length: u64,
    /// Which request of its connection this is, from 1.
    pub(super) ordinal: u64,
}

/// A request head as it was on the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) target: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Call {
    pub(super) fn method(&self) -> &Method {
        &self.parts.method
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The text in a place of the pattern.
    pub(super) fn place(&self, index: usize) -> &[u8] {
        self.places.get(index).map_or(&[], Vec::as_slice)
    }

    /// The number in a place of the pattern.
    pub(super) fn number(&self, index: usize) -> Result<u64, Refusal> {
        decimal(self.place(index)).ok_or_else(|| not("a number", self.place(index)))
    }

    /// Like [`Call::number`], `most` at the most: for what is held in memory.
    pub(super) fn count(&self, index: usize, most: u64) -> Result<usize, Refusal> {
        small(self.number(index)?, most)
    }

    /// The seconds in a place of the pattern.
    pub(super) fn seconds(&self, index: usize) -> Result<Duration, Refusal> {
        seconds(self.place(index)).ok_or_else(|| not("seconds", self.place(index)))
    }

    /// A query argument's first value.
    pub(super) fn arg(&self, name: &str) -> Option<&[u8]> {
        self.args.iter().find(|(key, _)| key == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    pub(super) fn number_arg(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.arg(name).map(|text| decimal(text).ok_or_else(|| not("a number", text))).transpose()
    }

    /// Like [`Call::number_arg`], `most` at the most.
    pub(super) fn count_arg(&self, name: &str, default: u64, most: u64) -> Result<usize, Refusal> {
        small(self.number_arg(name)?.unwrap_or(default), most)
    }

    pub(super) fn seconds_arg(&self, name: &str) -> Result<Option<Duration>, Refusal> {
        self.arg(name).map(|text| seconds(text).ok_or_else(|| not("seconds", text))).transpose()
    }

    /// How an answer that closes is to do it: `?end=close`, `cut` or `reset`.
    pub(super) fn ending(&self, default: Ending) -> Result<Ending, Refusal> {
        match self.arg("end") {
            None => Ok(default),
            Some(b"keep") => Ok(Ending::Keep),
            Some(b"close") => Ok(Ending::Close),
            Some(b"cut") => Ok(Ending::Cut),
            Some(b"reset") => Ok(Ending::Reset),
            Some(other) => Err(not("an end (keep, close, cut, reset)", other)),
        }
    }

    /// `scheme://host[:port]`, as the client called the server.
    pub(super) fn origin(&self) -> String {
        let host = self.headers().get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
        format!("{}://{}", self.scheme, host.unwrap_or_default())
    }
}

impl Head {
    /// The head in `wire`, if it is the one that hyper read: with pipelining, or with odd but tolerated line ends, what
    /// was recorded may be something else. Then it is what hyper made of it: names in lower case, grouped by name.
    pub(super) fn of(wire: &[u8], parts: &Parts) -> Self {
        Self::parse(wire).filter(|head| head.is_of(parts)).unwrap_or_else(|| Self {
            target: parts.uri.to_string(),
            fields: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        })
    }

    fn parse(wire: &[u8]) -> Option<Self> {
        let mut lines = wire.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let request_line = lines.find(|line| !line.is_empty())?;
        let target = text(request_line.split(|&byte| byte == b' ').nth(1)?);
        let field = |line: &[u8]| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let (name, value) = line.split_at_checked(colon)?;
            Some((text(name), text(value.get(1..)?.trim_ascii())))
        };
        let fields = lines.take_while(|line| !line.is_empty()).map(field).collect::<Option<_>>()?;
        Some(Self { target, fields })
    }

    fn is_of(&self, parts: &Parts) -> bool {
        let known = |(name, value): &(String, String)| {
            parts.headers.get_all(name.to_ascii_lowercase()).iter().any(|known| text(known.as_bytes()) == *value)
        };
        // Of the target only the path is compared: it may hold what hyper drops, a fragment.
        let absolute = parts.uri.scheme().is_some() || parts.method == Method::CONNECT;
        (absolute || self.target.starts_with(parts.uri.path()))
            && self.fields.len() == parts.headers.len()
            && self.fields.iter().all(known)
    }
}

/// The decoded places and arguments of a target, if `pattern` fits its path. `{}` stands for one segment, and `*` at the
/// end for whatever comes.
pub(super) fn fit(pattern: &str, path: &str) -> Option<Vec<Vec<u8>>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut places = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(places),
            (Some("*"), _) => return Some(places),
            (Some(place), Some(segment)) if place.starts_with('{') => places.push(decode(segment.as_bytes(), false)),
            (Some(name), Some(segment)) if name == segment => {}
            _ => return None,
        }
    }
}

pub(super) fn args(parts: &Parts) -> Pairs {
    pairs(parts.uri.query().unwrap_or_default().as_bytes())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn small(number: u64, most: u64) -> Result<usize, Refusal> {
    let fits = usize::try_from(number).ok().filter(|_| number <= most);
    fits.ok_or_else(|| Refusal::bad(format!("{number} is too large; the most is {most}")))
}

fn not(what: &str, text: &[u8]) -> Refusal {
    Refusal::bad(format!("not {what}: {:?}", String::from_utf8_lossy(text)))
}
