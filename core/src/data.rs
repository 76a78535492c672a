//! `data`: what a call sends, and its conversion to text (REQ-05 to REQ-09).

#[allow(unused_imports)]
use serde::Serialize;

use crate::sink::{Full, Sink};

/// The text that a value becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `encodeURIComponent(k)=encodeURIComponent(v)&…` (REQ-09).
    Query,
    /// As `JSON.stringify` writes it (REQ-07).
    Json,
    /// Objects and arrays as JSON, scalars as their text (REQ-08).
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

/// A value that can be written in any [`Form`], as often as needed: everything [`Serialize`].
///
/// It must write the same bytes each time while a call is under way.
pub trait Value {
    /// Writes the value to `out`.
    ///
    /// # Errors
    /// See [`WriteError`].
    fn write(&self, form: Form, out: &mut dyn Sink) -> Result<(), WriteError>;
}

/// The `data` of a call.
#[derive(Clone, Copy, Default)]
pub enum Data<'r> {
    /// Nothing.
    #[default]
    None,
    /// A string, used unchanged.
    Text(&'r str),
    /// Bytes, used unchanged. Not on GET.
    Bytes(&'r [u8]),
    /// A value, converted by the rules of REQ-06 to REQ-09.
    Value(&'r dyn Value),
}
