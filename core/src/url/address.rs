//! IP addresses as text, in the only spelling that RFC 3986 section 3.2.2 has for them.
//!
//! The parser of `core::net` takes the same language, but has panicking code in it and is some four times larger.

use core::net::IpAddr;

use crate::digits::{decimal, hex_digit};
use crate::scan::split;

/// The address that a host is, IPv6 without brackets; `None` for a name. For transports, which connect to a
/// [`Route`](crate::drive::Route)'s host.
pub fn ip_address(host: &str) -> Option<IpAddr> {
    let host = host.as_bytes();
    v4(host).map(IpAddr::from).or_else(|| v6(host).map(IpAddr::from))
}

/// Four decimal numbers up to 255, without leading zeros.
pub(super) fn v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut address = [0; 4];
    let mut numbers = split(b'.', text);
    for octet in &mut address {
        *octet = match numbers.next()? {
            [b'0', _, ..] => return None,
            digits => u8::try_from(decimal(digits)?).ok()?,
        };
    }
    numbers.rest.is_none().then_some(address)
}

/// An IPv6 address without brackets or zone (RFC 4291 section 2.2): eight groups of up to four hexadecimal digits, of
/// which one run may be left out as `::`, and the last two be written as an IPv4 address.
pub(super) fn v6(text: &[u8]) -> Option<[u16; 8]> {
    let mut groups = Groups { groups: [0; 8], count: 0 };
    // How many groups come before the `::`.
    let mut gap = None;
    let text = match text {
        [b':', tail @ ..] if tail.starts_with(b":") => tail,
        [b':', ..] => return None,
        _ => text,
    };
    let mut pieces = split(b':', text);
    while let Some(group) = pieces.next() {
        if group.is_empty() {
            // Between the two colons. They may end the address, but a single one may not.
            if gap.replace(groups.count).is_some() {
                return None;
            }
            pieces.rest = Some(pieces.rest?).filter(|rest| !rest.is_empty());
        } else if let (Some([a, b, c, d]), None) = (v4(group), pieces.rest) {
            groups.add(u16::from_be_bytes([a, b]))?;
            groups.add(u16::from_be_bytes([c, d]))?;
        } else {
            groups.add(hex_group(group)?)?;
        }
    }
    groups.spread(gap)
}

struct Groups {
    groups: [u16; 8],
    count: usize,
}

impl Groups {
    fn add(&mut self, group: u16) -> Option<()> {
        *self.groups.get_mut(self.count)? = group;
        self.count += 1;
        Some(())
    }

    /// With zeros for those left out after the first `gap`, which must be one at least.
    fn spread(self, gap: Option<usize>) -> Option<[u16; 8]> {
        let missing = self.groups.len().checked_sub(self.count)?;
        if (missing > 0) != gap.is_some() {
            return None;
        }
        let mut address = [0; 8];
        for (at, group) in self.groups.into_iter().take(self.count).enumerate() {
            let shift = if gap.is_some_and(|gap| at >= gap) { missing } else { 0 };
            *address.get_mut(at + shift)? = group;
        }
        Some(address)
    }
}

/// One to four digits.
fn hex_group(digits: &[u8]) -> Option<u16> {
    if digits.len() > 4 {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | u16::from(hex_digit(*digit)?)))
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn agrees(text: &[u8]) -> bool {
        let text = core::str::from_utf8(text).unwrap();
        let four = text.parse::<Ipv4Addr>().ok().map(|address| address.octets());
        let six = text.parse::<Ipv6Addr>().ok().map(|address| address.segments());
        assert_eq!(v4(text.as_bytes()), four, "{text}");
        assert_eq!(v6(text.as_bytes()), six, "{text}");
        assert_eq!(ip_address(text), text.parse().ok(), "{text}");
        four.is_some() || six.is_some()
    }

    #[test]
    fn ctx_04_every_short_text_is_read_as_core_net_reads_it() {
        for alphabet in [b"01:f.", b":::1g", b"2.5:0"] {
            for len in 0..9_u32 {
                for number in 0..5_usize.pow(len) {
                    let text: Vec<u8> = (0..len).map(|place| alphabet[number / 5_usize.pow(place) % 5]).collect();
                    agrees(&text);
                }
            }
        }
    }

    #[test]
    fn ctx_04_mutated_addresses_are_read_as_core_net_reads_them() {
        let seeds: [&[u8]; 10] = [
            b"1.2.3.4",
            b"255.255.255.255",
            b"::",
            b"::1",
            b"1:2:3:4:5:6:7:8",
            b"fe80::dead:BEEF",
            b"::ffff:1.2.3.4",
            b"1:2:3:4:5:6:7.8.9.10",
            b"1::2:3:4:5:6:7",
            b"2001:db8:0:0:0:0:0:1",
        ];
        let pieces: [&[u8]; 13] =
            [b":", b"::", b".", b"0", b"00", b"1", b"25", b"f", b"g", b":0", b"0:", b"1.2.3.4", b"-"];
        let mut state = 5_u64;
        let mut below = |limit: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % limit
        };
        let mut addresses = 0;
        for _ in 0..50_000 {
            let mut text = seeds[below(seeds.len())].to_vec();
            for _ in 0..=below(3) {
                let at = below(text.len() + 1);
                if below(2) == 0 {
                    text.splice(at..at, pieces[below(pieces.len())].iter().copied());
                } else {
                    text.drain(at..(at + 1 + below(2)).min(text.len()));
                }
            }
            addresses += usize::from(agrees(&text));
        }
        assert!(addresses > 10_000, "{addresses}");
    }
}
