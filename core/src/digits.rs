//! Numbers as ASCII digits, read and written strictly.
//!
//! Digits from the wire are read here and not with [`str::parse`], which takes `+5` for a number.

use crate::sink::{Full, Sink};

/// The value of `1*DIGIT` (RFC 9110 section 8.6): no sign, no space, leading zeros allowed.
///
/// `None` where a byte is not a digit, where there is none, and where the value does not fit.
pub const fn decimal(mut digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    while let [digit @ b'0'..=b'9', rest @ ..] = digits {
        let Some(tens) = value.checked_mul(10) else { return None };
        let Some(sum) = tens.checked_add((*digit & 0x0f) as u64) else { return None };
        value = sum;
        digits = rest;
    }
    if digits.is_empty() { Some(value) } else { None }
}

/// The value of one hexadecimal digit in either letter case.
pub const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit & 0x0f),
        // The low four bits of `A` and of `a` are 1.
        b'A'..=b'F' | b'a'..=b'f' => Some((digit & 0x0f) + 9),
        _ => None,
    }
}

/// Writes `value` without leading zeros.
///
/// # Errors
/// [`Full`] when `out` is.
pub fn put_decimal(value: u64, out: &mut dyn Sink) -> Result<(), Full> {
    // u64::MAX has 20 digits.
    let mut digits = [0; 20];
    let (mut left, mut start) = (value, digits.len());
    for (at, place) in digits.iter_mut().enumerate().rev() {
        let digit;
        (left, digit) = divide_by_ten(left);
        *place = b'0' | digit;
        start = at;
        if left == 0 {
            break;
        }
    }
    out.put(digits.get(start..).unwrap_or_default())
}

/// Quotient and remainder, by long division with digits of 32, 16 and 16 bits: dividing a `u64` as a whole is a subroutine
/// of 400 bytes on a 32-bit machine.
const fn divide_by_ten(value: u64) -> (u64, u8) {
    let (high, low) = ((value >> 32) as u32, value as u32);
    let first = (high % 10) << 16 | low >> 16;
    let second = (first % 10) << 16 | low & 0xffff;
    let quotient = ((high / 10) as u64) << 32 | (((first / 10) << 16) | (second / 10)) as u64;
    (quotient, (second % 10) as u8)
}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use super::*;
    use crate::sink::Window;

    #[test]
    fn req_18_decimal_is_digits_only() {
        for (digits, value) in [("0", 0), ("7", 7), ("007", 7), ("18446744073709551615", u64::MAX)] {
            assert_eq!(decimal(digits.as_bytes()), Some(value), "{digits}");
        }
        assert_eq!(decimal(b"00000000000000000000000000000042"), Some(42));
        for digits in ["", "+5", "-5", " 5", "5 ", "5,5", "0x5", "5.0", "1_000", "\u{0665}", "18446744073709551616"] {
            assert_eq!(decimal(digits.as_bytes()), None, "{digits}");
        }
        assert_eq!(decimal(b"99999999999999999999999"), None);
        assert_eq!(decimal(b"5\0"), None);
    }

    #[test]
    fn req_18_decimal_agrees_with_parse_on_every_short_string() {
        let alphabet = b"019+- a/:";
        for a in alphabet {
            for b in alphabet {
                for c in alphabet {
                    let bytes = [*a, *b, *c];
                    let text = core::str::from_utf8(&bytes).unwrap();
                    let expected = if bytes.iter().all(u8::is_ascii_digit) { text.parse().ok() } else { None };
                    assert_eq!(decimal(&bytes), expected, "{text}");
                }
            }
        }
    }

    #[test]
    fn req_18_hex_digit_takes_both_cases_and_nothing_else() {
        for byte in 0..=u8::MAX {
            assert_eq!(hex_digit(byte).map(u32::from), char::from(byte).to_digit(16), "{byte}");
        }
    }

    #[test]
    fn req_18_put_decimal_writes_what_decimal_reads() {
        let mut value = u64::MAX;
        loop {
            let mut buf = [0; 20];
            let mut out = Window::new(0, &mut buf);
            put_decimal(value, &mut out).unwrap();
            let text = out.into_filled();
            assert_eq!(text, value.to_string().as_bytes());
            assert_eq!(decimal(text), Some(value));
            if value == 0 {
                break;
            }
            value /= 3;
        }
        assert_eq!(put_decimal(100, &mut Window::new(0, &mut [0; 2])), Err(Full));
    }
}
