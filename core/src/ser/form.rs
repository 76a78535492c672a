//! What a value is written as, and why it may not be.

use core::fmt;

use crate::sink::Full;

/// The text that a value becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `encodeURIComponent(k)=encodeURIComponent(v)&…` (REQ-09). The rules are in [`query`](crate::query).
    Query,
    /// As `JSON.stringify` writes it (REQ-07). The rules are in [`json::write`](crate::json::write).
    Json,
    /// Objects and arrays as JSON, scalars as their text (REQ-08): a string without quotes, a number or a boolean as
    /// JavaScript's `String` gives it (`NaN` too), `()` as `null`; `None` is empty. A variant with content is an object.
    Text,
}

/// Why a value was not written to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The sink is full; no fault of the value.
    Full,
    /// The value has no such form: a map with structured keys, a query string of a bare array, an error of its own
    /// `Serialize`.
    NotConvertible,
}

impl From<Full> for WriteError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the buffer is full",
            Self::NotConvertible => "the value cannot be converted to this form",
        })
    }
}

impl core::error::Error for WriteError {}

impl serde::ser::Error for WriteError {
    /// The value's own error. Its text is dropped: there is nowhere to keep it.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::NotConvertible
    }
}
