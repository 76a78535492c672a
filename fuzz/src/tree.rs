//! A value to be written: what a caller may hand over as `data`.

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

/// Any value, with the shapes that JSON text cannot say.
#[derive(Clone, Debug)]
pub enum Tree {
    /// `()`
    Null,
    /// `None`
    Absent,
    /// A boolean.
    Bool(bool),
    /// An unsigned integer.
    Unsigned(u64),
    /// A signed integer.
    Signed(i64),
    /// A number.
    F64(f64),
    /// A short number.
    F32(f32),
    /// A character.
    Char(char),
    /// A string.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A sequence.
    Array(Vec<Tree>),
    /// A map.
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads an input: JSON, where some strings stand for what JSON lacks: `"!absent"`, `"!nan"`, `"!inf"`, `"!-inf"`,
    /// `"!char:x"`, `"!bytes:…"`, `"!f32:0.1"`, `"!bits:7fefffffffffffff"`.
    pub fn parse(data: &[u8]) -> Option<Self> {
        serde_json::from_slice::<serde_json::Value>(data).ok().map(Self::from)
    }
}

impl From<serde_json::Value> for Tree {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => Self::Unsigned(value),
                (_, Some(value)) => Self::Signed(value),
                _ => Self::F64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => special(&text).unwrap_or(Self::Text(text)),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Object(entries) => Self::Object(entries.into_iter().map(|(k, v)| (k, v.into())).collect()),
        }
    }
}

fn special(text: &str) -> Option<Tree> {
    let text = text.strip_prefix('!')?;
    Some(match (text, text.split_once(':')) {
        ("absent", _) => Tree::Absent,
        ("nan", _) => Tree::F64(f64::NAN),
        ("inf", _) => Tree::F64(f64::INFINITY),
        ("-inf", _) => Tree::F64(f64::NEG_INFINITY),
        (_, Some(("char", text))) => Tree::Char(text.chars().next()?),
        (_, Some(("bytes", text))) => Tree::Bytes(text.into()),
        (_, Some(("f32", text))) => Tree::F32(text.parse().ok()?),
        (_, Some(("bits", text))) => Tree::F64(f64::from_bits(u64::from_str_radix(text, 16).ok()?)),
        _ => return None,
    })
}

/// A tree, and whether its maps hand over key and value apart.
#[derive(Clone, Copy, Debug)]
pub struct Styled<'t> {
    /// The value.
    pub tree: &'t Tree,
    /// `serialize_key` and `serialize_value` instead of `serialize_entry`.
    pub apart: bool,
}

impl Serialize for Styled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let apart = self.apart;
        match self.tree {
            Tree::Null => serializer.serialize_unit(),
            Tree::Absent => serializer.serialize_none(),
            Tree::Bool(value) => serializer.serialize_bool(*value),
            Tree::Unsigned(value) => serializer.serialize_u64(*value),
            Tree::Signed(value) => serializer.serialize_i64(*value),
            Tree::F64(value) => serializer.serialize_f64(*value),
            Tree::F32(value) => serializer.serialize_f32(*value),
            Tree::Char(value) => serializer.serialize_char(*value),
            Tree::Text(value) => serializer.serialize_str(value),
            Tree::Bytes(value) => serializer.serialize_bytes(value),
            Tree::Array(items) => {
                let mut seq = serializer.serialize_seq(None)?;
                items.iter().try_for_each(|tree| seq.serialize_element(&Styled { tree, apart }))?;
                seq.end()
            }
            Tree::Object(entries) => {
                let mut map = serializer.serialize_map(None)?;
                for (key, tree) in entries {
                    let value = Styled { tree, apart };
                    if apart {
                        map.serialize_key(key)?;
                        map.serialize_value(&value)?;
                    } else {
                        map.serialize_entry(key, &value)?;
                    }
                }
                map.end()
            }
        }
    }
}
