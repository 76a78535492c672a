//! Where a URL leads, read from its text in the plainest way, and which whitelist entries admit that.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A host, so that equal ones are the same host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name in lower case, without a final dot.
    Name(String),
    /// An address.
    V4(Ipv4Addr),
    /// An address.
    V6(Ipv6Addr),
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Some(inside) = text.strip_prefix('[') {
            return inside.strip_suffix(']')?.parse().ok().map(Self::V6);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        Some(text.parse().map_or(Self::Name(name), Self::V4))
    }
}

/// What a connection is opened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The scheme in lower case.
    pub scheme: String,
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// Reads a text that is known to be a URL of this library.
pub fn target(text: &str) -> Option<Target> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = split_port(authority);
    let default = if matches!(scheme.as_str(), "https" | "wss") { 443 } else { 80 };
    let port = if port.is_empty() { default } else { port.parse().ok()? };
    Some(Target { host: Host::parse(host)?, scheme, port })
}

fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    }
}

/// Whether an entry that is known to be a legal one admits the target (CTX-04).
pub fn admits(entry: &str, target: &Target) -> bool {
    let (host, port) = split_port(entry);
    if !port.is_empty() && port.parse() != Ok(target.port) {
        return false;
    }
    match (Host::parse(host), &target.host) {
        (Some(Host::Name(entry)), Host::Name(name)) => *name == entry || name.ends_with(&format!(".{entry}")),
        (Some(entry), host) => entry == *host,
        (None, _) => false,
    }
}

/// Whether the `url` crate treats the path as the URL Standard does: it lets `..` not remove a segment that looks like a
/// Windows drive (`c:`, `c|`), which the standard says of `file` URLs only.
pub fn is_standard(target: &str) -> bool {
    let path = path(target).to_ascii_lowercase().replace("%7c", "|");
    let is_drive = |segment: &str| matches!(segment.as_bytes(), [b'a'..=b'z', b':' | b'|']);
    !path.split('/').any(is_drive)
}

/// Whether the last segment of the path is a dot segment. What is resolved against such a base differs: RFC 3986 section
/// 5.2.3 drops the segment, the URL Standard resolves it first.
pub fn ends_in_dots(target: &str) -> bool {
    matches!(path(target).rsplit('/').next(), Some("." | ".."))
}

/// Whether a dot segment is written with `%2e`, which makes it one to the URL Standard but not to RFC 3986.
pub fn has_escaped_dots(target: &str) -> bool {
    let is_dots = |segment: &str| matches!(segment.replace("%2e", ".").as_str(), "." | "..");
    path(&target.to_ascii_lowercase()).split('/').any(|segment| segment.contains('%') && is_dots(segment))
}

fn path(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or_default()
}

/// A path and query, so that equal ones ask for the same: dot segments removed (also those written with `%2e`, as the
/// URL Standard has it), hexadecimal digits in upper case, and escaped what only some implementations escape.
pub fn canonical_target(target: &str) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part.to_ascii_lowercase().replace("%2e", ".").as_str() {
            ".." => {
                segments.pop();
                if last {
                    segments.push("");
                }
            }
            "." if last => segments.push(""),
            "." => {}
            _ => segments.push(part),
        }
    }
    let mut out = escaped(&format!("/{}", segments.join("/")));
    if let Some(query) = query {
        out = out + "?" + &escaped(query);
    }
    out
}

fn escaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match (bytes[at], digits) {
            (b'%', Some(digits)) => {
                out = out + "%" + &digits.to_ascii_uppercase();
                at += 2;
            }
            (byte, _) => out.push_str(&super::percent_encode(&[byte], b"-._~/?:@!$&()*+,;=%")),
        }
        at += 1;
    }
    out
}
