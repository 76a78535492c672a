//! A call, and the same call as the reference writes it.

use miniwire_std::{Call, Client, DataType, Method, Redirect};
use serde_json::Value;

use super::came::Came;

/// A call that is being put together.
pub(super) struct Step {
    call: Call,
    /// What stands between the braces of `my.request({…})`.
    options: Vec<String>,
}

impl Step {
    pub(super) fn new(client: &Client, url: impl Into<String>) -> Self {
        let url = url.into();
        Self { options: vec![format!("url: {}", quoted(&shortened(&url)))], call: client.request(url) }
    }

    pub(super) fn method(self, method: Method) -> Self {
        let text = quoted(method.as_str());
        self.with("method", &text, |call| call.method(method))
    }

    pub(super) fn header(self, name: &str, value: &str) -> Self {
        let text = format!("{{{}: {}}}", key(name), quoted(value));
        self.with("headers", &text, |call| call.header(name, value))
    }

    /// A form instead of JSON.
    pub(super) fn form(self) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(super) fn data(self, value: Value) -> Self {
        let text = literal(&value);
        self.with("data", &text, |call| call.data(value))
    }

    pub(super) fn data_text(self, data: &str) -> Self {
        self.with("data", &quoted(data), |call| call.data_text(data))
    }

    pub(super) fn timeout(self, milliseconds: u32) -> Self {
        self.with("timeout", &milliseconds.to_string(), |call| call.timeout(milliseconds))
    }

    pub(super) fn text(self) -> Self {
        self.with("dataType", "'text'", |call| call.data_type(DataType::Text))
    }

    pub(super) fn base64(self) -> Self {
        self.with("dataType", "'base64'", |call| call.data_type(DataType::Base64))
    }

    /// The reference has no such option; it is written as if it had.
    pub(super) fn manual(self) -> Self {
        self.with("redirect", "'manual'", |call| call.redirect(Redirect::Manual))
    }

    fn with(mut self, option: &str, value: &str, change: impl FnOnce(Call) -> Call) -> Self {
        self.options.push(format!("{option}: {value}"));
        self.call = change(self.call);
        self
    }

    /// Makes the call: how it is written, and what came back.
    pub(super) fn send(self) -> (String, Came) {
        let (text, call) = self.into_call();
        (text, Came(call.send()))
    }

    /// How it is written, and the call.
    pub(super) fn into_call(self) -> (String, Call) {
        (format!("my.request({{{}}})", self.options.join(", ")), self.call)
    }
}

/// A value as JavaScript writes it.
fn literal(value: &Value) -> String {
    let joined = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join(", ");
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", joined(&mut items.iter().map(literal))),
        Value::Object(fields) => {
            let mut fields = fields.iter().map(|(name, value)| format!("{}: {}", key(name), literal(value)));
            format!("{{{}}}", joined(&mut fields))
        }
        other => other.to_string(),
    }
}

fn key(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') && !name.is_empty();
    if plain { name.into() } else { quoted(name) }
}

/// In single quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for letter in text.chars() {
        match letter {
            '\'' | '\\' => out.extend(['\\', letter]),
            _ if letter.is_control() => out.extend(letter.escape_default()),
            _ => out.push(letter),
        }
    }
    out.push('\'');
    out
}

/// A text that fits on a line.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 90;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_javascript() {
        let value = json!({"a": [1, 2.5, null, true], "b-c": {"d": "it's \\ a\n"}, "": "ë"});
        assert_eq!(literal(&value), r"{a: [1, 2.5, null, true], 'b-c': {d: 'it\'s \\ a\n'}, '': 'ë'}");
        assert_eq!(shortened(&"é".repeat(90)), "é".repeat(90));
        assert_eq!(shortened(&"é".repeat(91)), "é".repeat(90) + "…");
    }
}
