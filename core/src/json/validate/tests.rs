use std::prelude::v1::*;

use super::*;

mod vectors;

fn check(chunks: &[&[u8]]) -> Result<(), NotJson> {
    let mut json = Validator::new();
    for chunk in chunks {
        json.push(chunk)?;
    }
    json.finish()
}

/// The verdict, the same whole, at every two-way split, and byte by byte (CORE-03).
fn verdict(text: &[u8]) -> Result<(), NotJson> {
    let whole = check(&[text]);
    for at in 0..=text.len() {
        let (head, tail) = text.split_at(at);
        assert_eq!(check(&[head, tail]), whole, "{:?} at {at}", String::from_utf8_lossy(text));
    }
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    assert_eq!(check(&bytes), whole, "{:?} byte by byte", String::from_utf8_lossy(text));
    whole
}

#[test]
fn req_11_every_legal_text_is_json() {
    for text in vectors::LEGAL {
        assert_eq!(verdict(text), Ok(()), "{:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn req_11_every_illegal_text_is_not_json() {
    for text in vectors::ILLEGAL {
        assert_eq!(verdict(text), Err(NotJson::Syntax), "{:?}", String::from_utf8_lossy(text));
    }
    for text in vectors::NOT_UTF8 {
        assert_eq!(verdict(text), Err(NotJson::NotUtf8), "{text:x?}");
    }
}

#[test]
fn req_11_every_unfinished_text_is_incomplete() {
    for text in vectors::INCOMPLETE {
        assert_eq!(verdict(text), Err(NotJson::Incomplete), "{:?}", String::from_utf8_lossy(text));
    }
    // And so is every proper prefix of a legal text that ends in a bracket or a quote.
    for text in vectors::LEGAL.iter().filter(|text| text.ends_with(b"]") || text.ends_with(b"}")) {
        for end in 0..text.len() {
            assert_eq!(check(&[&text[..end]]), Err(NotJson::Incomplete), "{:?}", String::from_utf8_lossy(&text[..end]));
        }
    }
}

#[test]
fn req_11_the_vectors_are_many() {
    let count = vectors::LEGAL.len() + vectors::ILLEGAL.len() + vectors::NOT_UTF8.len() + vectors::INCOMPLETE.len();
    assert!(count >= 300, "{count}");
}

#[test]
fn req_11_depth_is_limited_and_no_less() {
    let nested = |depth: usize, open: &str, core: &str, close: &str| {
        verdict([&open.repeat(depth), core, &close.repeat(depth)].concat().as_bytes())
    };
    let limit = usize::from(MAX_DEPTH);
    assert_eq!(nested(limit, "[", "", "]"), Ok(()));
    assert_eq!(nested(limit, "[ ", "\n", "]\t"), Ok(()));
    assert_eq!(nested(limit - 1, "[[],", "0", ",{}]"), Ok(()));
    assert_eq!(nested(limit - 2, "[{\"a\":{}},", "[]", "]"), Ok(()));
    assert_eq!(nested(limit + 1, "[", "", "]"), Err(NotJson::TooDeep));
    assert_eq!(nested(limit, "[[],", "0", "]"), Err(NotJson::TooDeep));
    assert_eq!(verdict([&"{\"a\":".repeat(limit), "0", &"}".repeat(limit)].concat().as_bytes()), Ok(()));
    assert_eq!(verdict("{\"a\":".repeat(limit + 1).as_bytes()), Err(NotJson::TooDeep));
    assert_eq!(check(&["[".repeat(1_000_000).as_bytes()]), Err(NotJson::TooDeep));

    // The kind of every level is remembered: each level's bracket, and only that, closes it.
    let kinds: Vec<bool> = (0..limit).map(|level| level * level % 7 < 3).collect();
    let open: String = kinds.iter().map(|object| if *object { "{\"k\":" } else { "[" }).collect();
    let close: String = kinds.iter().rev().map(|object| if *object { '}' } else { ']' }).collect();
    assert_eq!(check(&[open.as_bytes(), b"null", close.as_bytes()]), Ok(()));
    for at in 0..limit {
        let mut wrong = close.clone().into_bytes();
        wrong[at] = if wrong[at] == b'}' { b']' } else { b'}' };
        assert_eq!(check(&[open.as_bytes(), b"null", &wrong]), Err(NotJson::Syntax), "level {at}");
    }
}

#[test]
fn req_11_a_failure_stays() {
    let mut json = Validator::default();
    assert_eq!(json.push(b"{]"), Err(NotJson::Syntax));
    assert_eq!(json.push(b"\"a\":1}"), Err(NotJson::Syntax));
    assert_eq!(json.push(b""), Err(NotJson::Syntax));
    assert_eq!(json.finish(), Err(NotJson::Syntax));
}

#[test]
fn core_05_the_state_is_small() {
    assert!(size_of::<Validator>() <= 64);
    assert_eq!(size_of::<Checker>(), 3);
}

#[test]
fn req_11_every_byte_in_a_string_at_every_place_of_a_word() {
    for length in 0..20 {
        for at in 0..length {
            for byte in 0..=u8::MAX {
                let mut text = vec![b'x'; length + 2];
                text[0] = b'"';
                text[length + 1] = b'"';
                text[at + 1] = byte;
                let expected = match byte {
                    b'"' | 0..0x20 => Err(NotJson::Syntax),
                    // Escapes the quote behind it, or an x.
                    b'\\' if at + 1 == length => Err(NotJson::Incomplete),
                    b'\\' => Err(NotJson::Syntax),
                    0x80.. => Err(NotJson::NotUtf8),
                    _ => Ok(()),
                };
                assert_eq!(check(&[&text]), expected, "{byte:#x} at {at} of {length}");
            }
        }
    }
}

/// Knuth's MMIX generator: the same cases on every run.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// What serde_json says of the same bytes, where the two mean the same by "JSON".
fn serde_json_verdict(text: &[u8]) -> Option<bool> {
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(_) => Some(true),
        Err(error) => {
            let message = error.to_string();
            // It wants surrogates in pairs and numbers that fit a double, which the grammar does not, and limits the
            // depth one level earlier.
            let other_rules = ["surrogate", "unexpected end of hex escape", "number out of range", "recursion limit"];
            if other_rules.iter().any(|rule| message.contains(rule)) { None } else { Some(false) }
        }
    }
}

#[test]
fn req_11_agrees_with_serde_json_on_mutated_texts() {
    let seeds: Vec<&[u8]> = vectors::LEGAL.iter().filter(|text| text.len() < 200).copied().collect();
    let pieces = b"[|]|{|}|,|:|\"|\\|\\u00e9|0|1|-|+|.|e|E5| |\n|true|null|\0|\x7f|\xc3\xa9|\xed|\xf0\x9f\xa6\x80|\xff";
    let pieces: Vec<&[u8]> = pieces.split(|byte| *byte == b'|').collect();
    let mut random = Lcg(11);
    let (mut legal, mut illegal, mut apart) = (0, 0, 0);
    for _ in 0..150_000 {
        let mut text = seeds[random.below(seeds.len())].to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 => drop(text.splice(at..at, pieces[random.below(pieces.len())].iter().copied())),
                1 => drop(text.drain(at..(at + 1 + random.below(3)).min(text.len()))),
                2 if at < text.len() => text[at] = random.below(256) as u8,
                _ => {
                    let other = seeds[random.below(seeds.len())];
                    drop(text.splice(at..at, other.iter().copied()));
                }
            }
        }
        let ours = check(&[&text]).is_ok();
        let split = random.below(text.len() + 1);
        assert_eq!(check(&[&text[..split], &text[split..]]).is_ok(), ours, "{:?}", String::from_utf8_lossy(&text));
        match serde_json_verdict(&text) {
            Some(theirs) => assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(&text)),
            None => apart += 1,
        }
        if ours { legal += 1 } else { illegal += 1 }
    }
    assert!(legal > 10_000 && illegal > 50_000 && apart < 6_000, "{legal} {illegal} {apart}");
}

#[test]
fn req_11_what_serde_json_writes_is_json() {
    let mut random = Lcg(1);
    for _ in 0..2_000 {
        let value = any_value(&mut random, 0);
        for text in [serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap()] {
            assert_eq!(check(&[&text]), Ok(()), "{value}");
            let split = random.below(text.len() + 1);
            assert_eq!(check(&[&text[..split], &text[split..]]), Ok(()), "{value}");
        }
    }
}

fn any_value(random: &mut Lcg, depth: usize) -> serde_json::Value {
    let text = |random: &mut Lcg| -> String {
        let characters = ['a', '"', '\\', '\n', '\u{0}', 'é', '世', '🦀', ' ', '/'];
        (0..random.below(12)).map(|_| characters[random.below(characters.len())]).collect()
    };
    match random.below(if depth < 6 { 8 } else { 6 }) {
        0 => serde_json::Value::Null,
        1 => (random.below(2) == 0).into(),
        2 => (random.0 as i64).into(),
        3 => (random.below(1 << 30) as f64 / 1e7 * 10f64.powi(random.below(40) as i32 - 20)).into(),
        4 | 5 => text(random).into(),
        6 => (0..random.below(5)).map(|_| any_value(random, depth + 1)).collect(),
        _ => (0..random.below(5))
            .map(|_| (text(random), any_value(random, depth + 1)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}
