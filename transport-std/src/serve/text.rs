//! Percent escapes, forms and numbers, as the server reads them. Written apart from the core's, so that neither hides
//! a mistake of the other.

use std::{str, time::Duration};

use serde_json::{Map, Value};

/// Names and values of a query or a form, in order, percent-decoded. They need not be UTF-8.
pub(super) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Splits an `application/x-www-form-urlencoded` text. A bare key has an empty value.
pub(super) fn pairs(text: &[u8]) -> Pairs {
    text.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |&byte| byte == b'=').map(|half| decode(half, true));
            (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
        })
        .collect()
}

/// Undoes percent escapes, and turns `+` into a space where `plus`. A `%` without two digits stays as it is.
pub(super) fn decode(text: &[u8], plus: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, mut after)) = rest.split_first() {
        let escaped = match after {
            [high, low, tail @ ..] if first == b'%' => hex(*high).zip(hex(*low)).map(|(high, low)| (high, low, tail)),
            _ => None,
        };
        out.push(match (escaped, first) {
            (Some((high, low, tail)), _) => {
                after = tail;
                high << 4 | low
            }
            (None, b'+') if plus => b' ',
            (None, other) => other,
        });
        rest = after;
    }
    out
}

/// An object of the pairs; a repeated key becomes a list. What is not UTF-8 becomes U+FFFD.
pub(super) fn object(pairs: &Pairs) -> Value {
    let mut object = Map::new();
    for (key, value) in pairs {
        let value = Value::from(String::from_utf8_lossy(value));
        match object.entry(String::from_utf8_lossy(key)) {
            serde_json::map::Entry::Vacant(entry) => {
                entry.insert(value);
            }
            serde_json::map::Entry::Occupied(mut entry) => match entry.get_mut() {
                Value::Array(list) => list.push(value),
                single => *single = Value::Array(vec![single.take(), value]),
            },
        }
    }
    Value::Object(object)
}

/// A header's name as `Content-Type` is spelt.
pub(super) fn canonical(name: &str) -> String {
    let mut start = true;
    let spell = |letter: char| {
        let spelt = if start { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        start = letter == '-';
        spelt
    };
    name.chars().map(spell).collect()
}

/// Digits, and nothing else.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    let digit = |value: u64, byte: &u8| {
        let digit = char::from(*byte).to_digit(10)?;
        value.checked_mul(10)?.checked_add(digit.into())
    };
    if text.is_empty() { None } else { text.iter().try_fold(0, digit) }
}

/// Seconds, perhaps with a fraction: `3`, `0.25`.
pub(super) fn seconds(text: &[u8]) -> Option<Duration> {
    let mut halves = text.splitn(2, |&byte| byte == b'.');
    let whole = decimal(halves.next()?)?;
    let mut nanos = match halves.next() {
        None => Vec::new(),
        Some(fraction) => {
            decimal(fraction)?;
            fraction.to_vec()
        }
    };
    nanos.resize(9, b'0');
    Some(Duration::new(whole, u32::try_from(decimal(&nanos)?).ok()?))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_split_and_decoded() {
        let pair = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
        assert_eq!(
            pairs(b"a=1&b&c=x=y&&%41=%e2%82%ac+%2b"),
            [pair("a", "1"), pair("b", ""), pair("c", "x=y"), pair("A", "€ +")]
        );
        assert_eq!(decode(b"100%", false), b"100%");
        assert_eq!(decode(b"%4", false), b"%4");
        assert_eq!(decode(b"%4g%%41+", false), b"%4g%A+");
        assert_eq!(object(&pairs(b"a=1&b=2&a=3&a=")).to_string(), r#"{"a":["1","3",""],"b":"2"}"#);
    }

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "+5", "-1", " 1", "1 ", "0x1", "18446744073709551616", "٣"] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(seconds(b"2"), Some(Duration::from_secs(2)));
        assert_eq!(seconds(b"0.25"), Some(Duration::from_millis(250)));
        assert_eq!(seconds(b"1.0000000019"), Some(Duration::new(1, 1)));
        for bad in ["", ".", "1.", ".5", "1.+5", "1.5.5", "1e3"] {
            assert_eq!(seconds(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn names_are_spelt_the_usual_way() {
        assert_eq!(canonical("content-tYPE"), "Content-Type");
        assert_eq!(canonical("x"), "X");
        assert_eq!(canonical("-a--b"), "-A--B");
    }
}
