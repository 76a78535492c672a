use std::prelude::v1::*;

use super::*;

fn check(chunks: &[&[u8]]) -> Result<(), NotUtf8> {
    let mut checker = Checker::new();
    for chunk in chunks {
        checker.push(chunk)?;
    }
    checker.finish()
}

/// The index of the byte that no continuation can make valid.
fn first_bad(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|at| core::str::from_utf8(&bytes[..=*at]).is_err_and(|error| error.error_len().is_some()))
}

/// Whole, at each two-way split, and byte by byte: the verdict is the standard library's, at the same byte.
fn agrees(bytes: &[u8]) {
    let expected = if core::str::from_utf8(bytes).is_ok() { Ok(()) } else { Err(NotUtf8) };
    for at in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(at);
        assert_eq!(check(&[head, tail]), expected, "{bytes:x?} at {at}");
    }
    let mut checker = Checker::new();
    let failed_at = bytes.iter().position(|byte| checker.push(&[*byte]).is_err());
    assert_eq!(failed_at, first_bad(bytes), "{bytes:x?}");
    assert_eq!(checker.finish(), expected, "{bytes:x?}");
}

#[test]
fn sock_09_every_sequence_of_one_and_two_bytes() {
    agrees(&[]);
    for a in 0..=u8::MAX {
        agrees(&[a]);
        for b in 0..=u8::MAX {
            agrees(&[a, b]);
        }
    }
}

#[test]
fn sock_09_every_sequence_of_three_bytes() {
    for n in 0_u32..1 << 24 {
        let [_, a, b, c] = n.to_be_bytes();
        let bytes = [a, b, c];
        let expected = if core::str::from_utf8(&bytes).is_ok() { Ok(()) } else { Err(NotUtf8) };
        assert_eq!(check(&[&bytes]), expected, "{bytes:x?}");
        assert_eq!(check(&[&[a], &[b], &[c]]), expected, "{bytes:x?}");
        assert_eq!(check(&[&[a], &[b, c]]), expected, "{bytes:x?}");
        assert_eq!(check(&[&[a, b], &[c]]), expected, "{bytes:x?}");
    }
}

#[test]
fn sock_09_four_bytes_at_every_border() {
    let borders = [
        0x00, 0x22, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbe, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
        0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff,
    ];
    for a in 0xc0..=u8::MAX {
        for b in borders {
            for c in borders {
                for d in borders {
                    agrees(&[a, b, c, d]);
                }
            }
        }
    }
}

#[test]
fn sock_09_long_text_with_one_fault_at_every_place() {
    let text = "plain ASCII, long enough for word-wise paths; Grüße, 你好世界, 🦀🦀 and out".as_bytes();
    agrees(text);
    for at in 0..text.len() {
        for fault in [0x00, 0x80, 0xc0, 0xe2, 0xf0, 0xff] {
            let mut bytes = text.to_vec();
            bytes[at] = fault;
            agrees(&bytes);
        }
        agrees(&text[..at]);
    }
}

#[test]
fn sock_09_a_failure_stays() {
    let mut checker = Checker::new();
    assert_eq!(checker.push(b"ok \xff"), Err(NotUtf8));
    assert_eq!(checker.push(b"ok"), Err(NotUtf8));
    assert_eq!(checker.finish(), Err(NotUtf8));

    let mut checker = Checker::default();
    assert_eq!(checker.push(b"\xe2"), Ok(()));
    assert_eq!(checker.push(b""), Ok(()));
    assert_eq!(checker.push(b"("), Err(NotUtf8));
    assert_eq!(checker.push(b""), Ok(()), "no byte, nothing to refuse");
    assert_eq!(checker.push(b"\x82"), Err(NotUtf8));
    assert_eq!(checker.finish(), Err(NotUtf8));
}
