//! The query-string form (REQ-09): `encodeURIComponent(k)=encodeURIComponent(v)&…`.
//!
//! An object (a struct or a map) becomes one pair per entry, in the order given. `encode` below is
//! [`encode_uri_component`](crate::percent::encode_uri_component).
//!
//! | the value of `k` | what is written |
//! |---|---|
//! | a string, `char`, unit variant | `k=encode(text)` |
//! | a boolean, a number | `k=encode(text)`, the text as JavaScript's `String` gives it: `true`, `0.1`, `1e%2B21`, `NaN` |
//! | `()`, a unit struct (JavaScript's `null`) | the bare key: `k` |
//! | `None` (an absent option) | nothing |
//! | a sequence, a tuple, bytes | the key repeated, once per element, each by this table: `k=1&k=2`; empty: nothing |
//! | an array in an array | `k=encode(JSON)` |
//! | an object, a variant with content | `k=encode(JSON)` |
//!
//! JSON is as in [`json::write`](crate::json::write); keys are turned into text as there.
//!
//! What is not an object: a string (a `char`, a unit variant) is used unchanged, like
//! [`Data::Text`](crate::data::Data::Text); a boolean or a number is its text; `()`, a unit struct and `None` are empty;
//! an array is [`WriteError::NotConvertible`]; a variant with content is an object with one entry.
//!
//! A map's `Serialize` normally hands over its key and its value at once (`serialize_entry`). One that calls
//! `serialize_key` and `serialize_value` separately can have keys of up to [`STORED_KEY_MAX`] bytes.

use serde::Serialize;

pub use crate::ser::STORED_KEY_MAX;
use crate::ser::{self, Form, WriteError};
use crate::sink::Sink;

/// Writes `value` as a query string, without a leading `?`.
///
/// # Errors
/// See [`WriteError`].
pub fn stringify<T: Serialize + ?Sized>(value: &T, out: &mut dyn Sink) -> Result<(), WriteError> {
    ser::write(value, Form::Query, out)
}
