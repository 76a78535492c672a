//! The host and port of a URL or of a whitelist entry.

use super::address;
use crate::digits::decimal;
use crate::scan::split;

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKind {
    Name,
    V4,
    V6,
}

/// A host, as written; IPv6 without brackets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host<'a> {
    pub(crate) kind: HostKind,
    pub(crate) text: &'a str,
}

impl<'a> Host<'a> {
    /// The text without a final dot.
    pub(crate) fn without_dot(self) -> &'a str {
        without_dot(self.text)
    }

    /// Whether both mean the same host.
    pub(crate) fn is_same(self, other: Host<'_>) -> bool {
        self.kind == other.kind
            && match self.kind {
                HostKind::Name => self.without_dot().eq_ignore_ascii_case(other.without_dot()),
                // Only one spelling is accepted.
                HostKind::V4 => self.text == other.text,
                HostKind::V6 => {
                    let (one, another) = (address::v6(self.text.as_bytes()), address::v6(other.text.as_bytes()));
                    one.is_some() && one == another
                }
            }
    }

    /// Whether both are names and this one is a subdomain of `parent`.
    pub(crate) fn is_below(self, parent: Host<'_>) -> bool {
        let (name, parent_name) = (self.without_dot().as_bytes(), parent.without_dot().as_bytes());
        let at = name.len().saturating_sub(parent_name.len());
        self.kind == HostKind::Name
            && parent.kind == HostKind::Name
            && name.split_at_checked(at).is_some_and(|(labels, suffix)| {
                matches!(labels, [.., b'.']) && suffix.eq_ignore_ascii_case(parent_name)
            })
    }
}

/// `host[:port]`, without user information.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authority<'a> {
    pub(crate) host: Host<'a>,
    /// What follows the colon, unread; may be empty.
    pub(crate) port: Option<&'a str>,
}

impl<'a> Authority<'a> {
    /// `None` where the host is not one that this library takes.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(inside) => {
                let (inside, rest) = super::split_before(inside, b"]");
                let rest = rest.strip_prefix(']')?;
                address::v6(inside.as_bytes())?;
                (Host { kind: HostKind::V6, text: inside }, rest)
            }
            None => {
                let (name, rest) = super::split_before(text, b":");
                (Host { kind: kind_of(name)?, text: name }, rest)
            }
        };
        let port = match rest {
            "" => None,
            _ => Some(rest.strip_prefix(':')?),
        };
        Some(Self { host, port })
    }
}

/// A port that something can listen on: 1 to 65,535 in decimal.
pub(crate) fn port_number(digits: &str) -> Option<u16> {
    decimal(digits.as_bytes()).and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
}

/// Reads a host without brackets.
///
/// Names have labels of 1 to 63 bytes and at most 253 in all, a final dot not counted (RFC 1034 section 3.1). The
/// underscore is no letter of a host name (RFC 952), but is in use. A host that ends in a number is an address to
/// those who read it as inet_aton does, so it must be a plain dotted quad.
fn kind_of(host: &str) -> Option<HostKind> {
    let name = without_dot(host);
    if name.len() > 253 {
        return None;
    }
    let mut last: &[u8] = &[];
    for label in split(b'.', name.as_bytes()) {
        let legal = label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if label.is_empty() || label.len() > 63 || !legal {
            return None;
        }
        last = label;
    }
    if !is_number(last) {
        return Some(HostKind::Name);
    }
    address::v4(host.as_bytes()).map(|_| HostKind::V4)
}

fn without_dot(name: &str) -> &str {
    match name.as_bytes() {
        [before @ .., b'.'] => name.get(..before.len()).unwrap_or(name),
        _ => name,
    }
}

fn is_number(label: &[u8]) -> bool {
    match label {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => label.iter().all(u8::is_ascii_digit),
    }
}
