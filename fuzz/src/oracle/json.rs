use crate::tree::Tree;

/// A number as ECMAScript's `Number::toString` gives it (ECMA-262 section 6.1.6.1.20), from Rust's own shortest digits.
pub fn js_number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    if value.is_infinite() {
        return format!("{sign}Infinity");
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap();
    let digits = even_of_two(value.abs(), mantissa.replace('.', ""));
    // The point stands after so many of the digits.
    let point = exponent.parse::<i32>().unwrap() + 1;
    let count = digits.len() as i32;
    let number = match point {
        _ if digits == "0" => digits,
        _ if count <= point && point <= 21 => digits + &"0".repeat((point - count) as usize),
        1..=21 => format!("{}.{}", &digits[..point as usize], &digits[point as usize..]),
        -5..=0 => format!("0.{}{digits}", "0".repeat(-point as usize)),
        _ => {
            let fraction = if count > 1 { format!(".{}", &digits[1..]) } else { String::new() };
            format!("{}{fraction}e{:+}", &digits[..1], point - 1)
        }
    };
    format!("{sign}{number}")
}

/// Where two texts of the shortest length are equally near, ECMAScript wants the even one and Rust gives the upper one.
fn even_of_two(value: f64, digits: String) -> String {
    let exact = format!("{value:.80e}").split_once('e').unwrap().0.replace('.', "");
    let (start, rest) = exact.split_at(digits.len());
    let is_tie = rest.strip_prefix('5').is_some_and(|rest| rest.bytes().all(|digit| digit == b'0'));
    let is_even = |digits: &str| digits.bytes().last().is_some_and(|digit| digit % 2 == 0);
    if is_tie && is_even(start) && !is_even(&digits) { start.into() } else { digits }
}

/// As `JSON.stringify` writes it.
pub fn json(tree: &Tree) -> String {
    match tree {
        Tree::F64(value) if !value.is_finite() => "null".into(),
        Tree::F32(value) if !value.is_finite() => "null".into(),
        Tree::Null | Tree::Absent => "null".into(),
        Tree::Char(value) => quoted(&value.to_string()),
        Tree::Text(value) => quoted(value),
        Tree::Bytes(bytes) => format!("{bytes:?}").replace(' ', ""),
        Tree::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",")),
        Tree::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}:{}", quoted(key), json(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Tree::Bool(_) | Tree::Unsigned(_) | Tree::Signed(_) | Tree::F64(_) | Tree::F32(_) => text(tree),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out + "\""
}

/// The text form (REQ-08).
pub fn text(tree: &Tree) -> String {
    match tree {
        Tree::Null => "null".into(),
        Tree::Absent => String::new(),
        Tree::Bool(value) => value.to_string(),
        Tree::Unsigned(value) => value.to_string(),
        Tree::Signed(value) => value.to_string(),
        Tree::F64(value) => js_number(*value),
        Tree::F32(value) => js_number(f64::from(*value)),
        Tree::Char(value) => value.to_string(),
        Tree::Text(value) => value.clone(),
        Tree::Bytes(_) | Tree::Array(_) | Tree::Object(_) => json(tree),
    }
}

/// The query-string form (REQ-09); `None` where there is none.
pub fn query(tree: &Tree) -> Option<String> {
    let encode = |text: &str| super::percent_encode(text.as_bytes(), b"-_.!~*'()");
    match tree {
        Tree::Null | Tree::Absent => Some(String::new()),
        Tree::Array(_) | Tree::Bytes(_) => None,
        Tree::Object(_) => {
            let pairs = query_pairs(tree).into_iter().map(|(key, value)| match value {
                Some(value) => format!("{}={}", encode(&key), encode(&value)),
                None => encode(&key),
            });
            Some(pairs.collect::<Vec<_>>().join("&"))
        }
        scalar => Some(text(scalar)),
    }
}

/// The pairs of an object, before encoding.
pub fn query_pairs(tree: &Tree) -> Vec<(String, Option<String>)> {
    let mut pairs = Vec::new();
    let Tree::Object(entries) = tree else { return pairs };
    for (key, value) in entries {
        let numbers;
        let values = match value {
            Tree::Array(items) => items.as_slice(),
            Tree::Bytes(bytes) => {
                numbers = bytes.iter().map(|byte| Tree::Unsigned((*byte).into())).collect::<Vec<_>>();
                &numbers
            }
            single => std::slice::from_ref(single),
        };
        for value in values {
            match value {
                Tree::Absent => {}
                Tree::Null => pairs.push((key.clone(), None)),
                value => pairs.push((key.clone(), Some(text(value)))),
            }
        }
    }
    pairs
}
