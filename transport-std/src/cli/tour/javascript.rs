//! Values as the reference writes them.

use serde_json::Value;

/// A value as JavaScript writes it.
pub(super) fn literal(value: &Value) -> String {
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

/// A name before a colon, in quotes where it needs them.
pub(super) fn key(name: &str) -> String {
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
