//! What `miniwire connect` is told, a line at a time.

use miniwire_std::{Failure, Message};
use serde_json::{Map, Value};

/// What a line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    Send(Message),
    Close(u16, String),
    /// A blank one.
    Nothing,
}

const FORMS: &str =
    r#"a line is {"send":TEXT}, {"send":BASE64,"isBuffer":true} or {"close":{"code":NUMBER,"reason":TEXT}}"#;

/// A line as a text to be sent.
pub(crate) fn text(line: &[u8]) -> Result<Line, String> {
    let line = str::from_utf8(line).map_err(|error| format!("this is not UTF-8: {error}"))?;
    Ok(Line::Send(line.into()))
}

/// A line as a JSON object.
pub(crate) fn json(line: &[u8]) -> Result<Line, String> {
    if line.trim_ascii().is_empty() {
        return Ok(Line::Nothing);
    }
    let value = serde_json::from_slice(line).map_err(|error| format!("this is not JSON: {error}"))?;
    let Value::Object(mut fields) = value else { return Err(FORMS.into()) };
    let line = match (fields.remove("send"), fields.remove("close")) {
        (Some(Value::String(data)), None) => {
            let is_buffer = taken(&mut fields, "isBuffer", Value::as_bool)?.unwrap_or_default();
            Line::Send(Message::from_data(data, is_buffer).map_err(|failure| told(&failure))?)
        }
        (None, Some(Value::Object(mut close))) => {
            let code = taken(&mut close, "code", |code| u16::try_from(code.as_u64()?).ok())?;
            let reason = taken(&mut close, "reason", |reason| reason.as_str().map(Into::into))?;
            fields.append(&mut close);
            Line::Close(code.unwrap_or(1000), reason.unwrap_or_default())
        }
        _ => return Err(FORMS.into()),
    };
    // A name that is not known may be one that is spelt wrong.
    if fields.is_empty() { Ok(line) } else { Err(FORMS.into()) }
}

/// Code, reason and message of a failure, for a person.
pub(crate) fn told(failure: &Failure) -> String {
    format!("error {} ({}): {failure}", failure.code(), failure.reason().name())
}

/// Takes a field, if it is there, and of the right type.
fn taken<T>(
    fields: &mut Map<String, Value>,
    name: &str,
    of: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, String> {
    fields.remove(name).map(|value| of(&value).ok_or_else(|| FORMS.into())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sock_04_a_line_of_text_is_sent_as_it_is() {
        assert_eq!(text(b""), Ok(Line::Send("".into())));
        assert_eq!(text(" {\"é\"} ".as_bytes()), Ok(Line::Send(" {\"é\"} ".into())));
        assert!(text(b"a\xff").unwrap_err().starts_with("this is not UTF-8: "));
    }

    #[test]
    fn sock_04_an_object_sends_text_or_bytes() {
        assert_eq!(json(br#" {"send":"a\n"} "#), Ok(Line::Send("a\n".into())));
        assert_eq!(json(br#"{"send":"AQID","isBuffer":false}"#), Ok(Line::Send("AQID".into())));
        assert_eq!(json(br#"{"isBuffer":true,"send":"AQID"}"#), Ok(Line::Send(vec![1, 2, 3].into())));
        assert_eq!(json(b" \t"), Ok(Line::Nothing));
    }

    #[test]
    fn sock_06_an_object_closes_with_1000_unless_it_says_otherwise() {
        assert_eq!(json(br#"{"close":{}}"#), Ok(Line::Close(1000, String::new())));
        assert_eq!(json(br#"{"close":{"reason":"r"}}"#), Ok(Line::Close(1000, "r".into())));
        assert_eq!(json(br#"{"close":{"code":3001,"reason":"r"}}"#), Ok(Line::Close(3001, "r".into())));
    }

    #[test]
    fn sock_04_what_is_neither_is_refused() {
        assert!(json(b"hello").unwrap_err().starts_with("this is not JSON: "));
        assert!(json(br#"{"send":"a"} x"#).unwrap_err().starts_with("this is not JSON: "));
        let base64 = json(br#"{"send":"!","isBuffer":true}"#).unwrap_err();
        assert!(base64.starts_with("error 11 (MalformedBuffer): "), "{base64}");
        for line in [
            "1",
            "\"a\"",
            "{}",
            r#"{"send":1}"#,
            r#"{"send":"a","isBuffer":1}"#,
            r#"{"send":"a","isbuffer":true}"#,
            r#"{"send":"a","close":{}}"#,
            r#"{"close":1000}"#,
            r#"{"close":{"code":-1}}"#,
            r#"{"close":{"code":65536}}"#,
            r#"{"close":{"code":"1000"}}"#,
            r#"{"close":{"reason":1}}"#,
            r#"{"close":{"why":"r"}}"#,
            r#"{"close":{},"isBuffer":true}"#,
        ] {
            assert_eq!(json(line.as_bytes()), Err(FORMS.into()), "{line}");
        }
    }
}
