//! The host and port of a URL or of a whitelist entry.

use super::position_of;
use crate::digits::{decimal, hex_digit};

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
        self.text.strip_suffix('.').unwrap_or(self.text)
    }

    /// Whether both mean the same host.
    pub(crate) fn is_same(self, other: Host<'_>) -> bool {
        self.kind == other.kind
            && match self.kind {
                HostKind::Name => self.without_dot().eq_ignore_ascii_case(other.without_dot()),
                // Only one spelling is accepted.
                HostKind::V4 => self.text == other.text,
                HostKind::V6 => v6(self.text).is_some_and(|address| v6(other.text) == Some(address)),
            }
    }

    /// Whether both are names and this one is a subdomain of `parent`.
    pub(crate) fn is_below(self, parent: Host<'_>) -> bool {
        let (name, parent_name) = (self.without_dot().as_bytes(), parent.without_dot().as_bytes());
        let at = name.len().saturating_sub(parent_name.len());
        self.kind == HostKind::Name
            && parent.kind == HostKind::Name
            && name
                .split_at_checked(at)
                .is_some_and(|(labels, suffix)| labels.ends_with(b".") && suffix.eq_ignore_ascii_case(parent_name))
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
                let (address, rest) = super::split_before(inside, b"]");
                let rest = rest.strip_prefix(']')?;
                v6(address)?;
                (Host { kind: HostKind::V6, text: address }, rest)
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
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > 253 {
        return None;
    }
    let mut last: &[u8] = &[];
    for label in name.as_bytes().split(|byte| *byte == b'.') {
        let legal = label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if label.is_empty() || label.len() > 63 || !legal {
            return None;
        }
        last = label;
    }
    if !is_number(last) {
        return Some(HostKind::Name);
    }
    v4(host.as_bytes()).is_some().then_some(HostKind::V4)
}

fn is_number(label: &[u8]) -> bool {
    match label {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => label.iter().all(u8::is_ascii_digit),
    }
}

/// A dotted quad: four numbers up to 255, without leading zeros.
fn v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut address = [0; 4];
    let mut numbers = text.split(|byte| *byte == b'.');
    for octet in &mut address {
        *octet = match numbers.next()? {
            [b'0', _, ..] => return None,
            digits => u8::try_from(decimal(digits)?).ok()?,
        };
    }
    numbers.next().is_none().then_some(address)
}

/// The eight groups of an IPv6 address (RFC 4291 section 2.2). No zone.
fn v6(text: &str) -> Option<[u16; 8]> {
    let mut rest = text.as_bytes();
    let (mut groups, mut count, mut gap) = ([0; 8], 0, None);
    let mut add = |group| {
        *groups.get_mut(count)? = group;
        count += 1;
        Some(count)
    };
    let mut before = 0;
    loop {
        if let Some(after) = rest.strip_prefix(b"::") {
            if gap.replace(before).is_some() {
                return None;
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
        } else if before > 0 {
            rest = rest.strip_prefix(b":")?;
        }
        let (group, after) = rest.split_at_checked(position_of(b":", rest))?;
        before = match v4(group) {
            Some([a, b, c, d]) if after.is_empty() => {
                add(u16::from_be_bytes([a, b]))?;
                add(u16::from_be_bytes([c, d]))?
            }
            _ => add(hex_group(group)?)?,
        };
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    let missing = groups.len().checked_sub(count)?;
    // The gap stands for one group at least.
    let gap = match gap {
        Some(gap) if missing > 0 => gap,
        None if missing == 0 => count,
        _ => return None,
    };
    let mut address = [0; 8];
    for (at, group) in groups.iter().take(count).enumerate() {
        *address.get_mut(if at < gap { at } else { at + missing })? = *group;
    }
    Some(address)
}

/// One to four hexadecimal digits.
fn hex_group(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 4 {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | u16::from(hex_digit(*digit)?)))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    /// Every text of up to six of these pieces is read as the standard library reads it.
    fn agree(pieces: &[&str], depth: usize, text: &mut String) {
        assert_eq!(v6(text), text.parse::<Ipv6Addr>().ok().map(|address| address.segments()), "{text}");
        assert_eq!(v4(text.as_bytes()), text.parse::<Ipv4Addr>().ok().map(|address| address.octets()), "{text}");
        if depth > 0 {
            for piece in pieces {
                let length = text.len();
                text.push_str(piece);
                agree(pieces, depth - 1, text);
                text.truncate(length);
            }
        }
    }

    #[test]
    fn ctx_04_addresses_are_read_as_the_standard_library_reads_them() {
        agree(&[":", "::", "1", "fF0", "1.2.3.4"], 7, &mut String::new());
        agree(&["0", "10", "255", "256", ".", "a"], 7, &mut String::new());
        agree(&[":1", "::2", ":3:4:5", ":1.20.0.4"], 7, &mut String::from("6"));
        for text in ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1::3:4:5:6:7:8"] {
            agree(&[], 0, &mut String::from(text));
        }
        for text in ["fe80::1%1", "12345::", "::g", "1.2.3.4", "::1.2.3.4.5", "::1.2.3", "::01.2.3.4", "+1::", "::+1"] {
            agree(&[], 0, &mut String::from(text));
        }
    }
}
