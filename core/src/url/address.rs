//! IP addresses as text, in the only spelling that RFC 3986 section 3.2.2 has for them.
//!
//! The parser of `core::net` takes the same language, but has panicking code in it and is some four times larger.

use crate::digits::{decimal, hex_digit};

/// Four decimal numbers up to 255, without leading zeros.
pub(super) fn v4(text: &[u8]) -> Option<u32> {
    let (mut address, mut count) = (0_u32, 0_u8);
    for octet in text.split(|byte| *byte == b'.') {
        let value = decimal(octet).filter(|value| *value <= 255)?;
        if octet.len() > 3 || (octet.len() > 1 && octet.starts_with(b"0")) || count == 4 {
            return None;
        }
        address = address << 8 | value as u32;
        count += 1;
    }
    (count == 4).then_some(address)
}

/// An IPv6 address without brackets or zone (RFC 4291 section 2.2): eight groups of up to four hexadecimal digits, of
/// which one run may be left out as `::`, and the last two be written as an IPv4 address.
pub(super) fn v6(text: &[u8]) -> Option<u128> {
    let gap = text.windows(2).position(|pair| pair == b"::");
    let Some((head, tail)) = gap.and_then(|at| text.split_at_checked(at)) else {
        let all = Groups::parse(text, true)?;
        return (all.count == 8).then_some(all.value);
    };
    let (head, tail) = (Groups::parse(head, false)?, Groups::parse(tail.get(2..)?, true)?);
    // The gap stands for one group at least.
    if head.count + tail.count > 7 {
        return None;
    }
    let high = (head.count..8).fold(head.value, |value, _| value << 16);
    Some(high | tail.value)
}

struct Groups {
    value: u128,
    /// At most 8.
    count: u8,
}

impl Groups {
    fn parse(text: &[u8], may_end_in_v4: bool) -> Option<Self> {
        let mut groups = Self { value: 0, count: 0 };
        if text.is_empty() {
            return Some(groups);
        }
        let mut pieces = text.split(|byte| *byte == b':');
        while let Some(piece) = pieces.next() {
            if piece.contains(&b'.') {
                let address = v4(piece).filter(|_| may_end_in_v4 && pieces.next().is_none())?;
                groups.value = groups.value << 32 | u128::from(address);
                groups.count += 2;
            } else {
                groups.value = groups.value << 16 | u128::from(group(piece)?);
                groups.count += 1;
            }
            if groups.count > 8 {
                return None;
            }
        }
        Some(groups)
    }
}

fn group(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || digits.len() > 4 {
        return None;
    }
    digits.iter().try_fold(0_u16, |value, digit| Some(value << 4 | u16::from(hex_digit(*digit)?)))
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn agrees(text: &[u8]) -> bool {
        let text = core::str::from_utf8(text).unwrap();
        let four = text.parse::<Ipv4Addr>().ok().map(u32::from);
        let six = text.parse::<Ipv6Addr>().ok().map(u128::from);
        assert_eq!(v4(text.as_bytes()), four, "{text}");
        assert_eq!(v6(text.as_bytes()), six, "{text}");
        four.is_some() || six.is_some()
    }

    #[test]
    fn ctx_04_every_short_text_is_read_as_core_net_reads_it() {
        for alphabet in [b"01:f.", b":::1g", b"2.5:0"] {
            for len in 0..9_u32 {
                for number in 0..5_usize.pow(len) {
                    let text: std::vec::Vec<u8> =
                        (0..len).map(|place| alphabet[number / 5_usize.pow(place) % 5]).collect();
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
