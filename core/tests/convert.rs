//! The conversion of data, byte for byte against what a JavaScript engine makes of the same values.
//!
//! `vectors/make.mjs` writes the vectors.

use miniwire_core::data::{Data, Form, Value, WriteError};
use miniwire_core::percent;
use miniwire_core::sink::{Full, Window};
use serde::Serialize;

/// What a writer writes, gathered through windows of several sizes as a transmit buffer would be.
fn gathered<E: PartialEq + From<Full> + std::fmt::Debug>(write: impl Fn(&mut Window<'_>) -> Result<(), E>) -> String {
    let mut results = [256, 7, 1].map(|size| {
        let (mut whole, mut buf) = (Vec::new(), vec![0; size]);
        loop {
            let mut window = Window::new(whole.len() as u64, &mut buf);
            let end = write(&mut window);
            whole.extend_from_slice(window.into_filled());
            if end.is_ok() {
                return String::from_utf8(whole).unwrap();
            }
            assert_eq!(end, Err(Full.into()));
        }
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
    std::mem::take(&mut results[0])
}

fn written(value: &impl Serialize, form: Form) -> String {
    let text = gathered(|window| value.write(form, window));
    assert_eq!(Data::Value(value).len(form), Ok(text.len() as u64));
    text
}

#[derive(Serialize)]
struct Only<T> {
    n: T,
}

fn check_number(value: impl Serialize + Copy, text: &str) {
    let finite = !matches!(text, "NaN" | "Infinity" | "-Infinity");
    let json = if finite { text } else { "null" };
    assert_eq!(written(&value, Form::Json), json);
    assert_eq!(written(&[value, value], Form::Json), format!("[{json},{json}]"));
    assert_eq!(written(&value, Form::Text), text);
    assert_eq!(written(&value, Form::Query), text);
    assert_eq!(written(&Only { n: value }, Form::Query), format!("n={}", text.replace('+', "%2B")));
}

#[test]
fn req_07_numbers_are_printed_as_javascript_prints_them() {
    for line in include_str!("vectors/number64.txt").lines() {
        let (bits, text) = line.split_once(' ').unwrap();
        check_number(f64::from_bits(u64::from_str_radix(bits, 16).unwrap()), text);
    }
}

#[test]
fn req_07_an_f32_is_printed_as_an_element_of_a_float32array() {
    for line in include_str!("vectors/number32.txt").lines() {
        let (bits, text) = line.split_once(' ').unwrap();
        check_number(f32::from_bits(u32::from_str_radix(bits, 16).unwrap()), text);
    }
}

#[test]
fn req_07_and_req_09_strings() {
    for line in include_str!("vectors/string.jsonl").lines() {
        let (text, json, uri): (String, String, String) = serde_json::from_str(line).unwrap();
        assert_eq!(written(&text, Form::Json), json);
        assert_eq!(written(&text, Form::Text), text);
        assert_eq!(written(&text, Form::Query), text);
        assert_eq!(gathered(|window| percent::encode_uri_component(&text, window)), uri);
        let as_key = serde_json::Map::from_iter([(text.clone(), serde_json::Value::Null)]);
        assert_eq!(written(&as_key, Form::Json), format!("{{{json}:null}}"));
        assert_eq!(written(&as_key, Form::Query), uri);
        let displayed = Only { n: format_args!("{}{text}", 'x') };
        assert_eq!(written(&displayed, Form::Query), format!("n=x{uri}"));
        assert_eq!(written(&displayed, Form::Json), json.replacen('"', "{\"n\":\"x", 1) + "}");
    }
}

#[test]
fn req_07_to_req_09_values() {
    for line in include_str!("vectors/value.jsonl").lines() {
        let (json, query, text): (String, Option<String>, Option<String>) = serde_json::from_str(line).unwrap();
        // A number without a fraction is an integer there, any other an f64: the digits are those of a JavaScript number
        // in both cases, since it was one before.
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(written(&value, Form::Json), json);
        assert_eq!(written(&value, Form::Text), text.unwrap_or(json));
        if let Some(query) = query {
            assert_eq!(written(&value, Form::Query), query);
        } else if value.is_array() {
            assert_eq!(Data::Value(&value).len(Form::Query), Err(WriteError::NotConvertible));
        }
    }
}
