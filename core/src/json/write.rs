//! Writing JSON exactly as `JSON.stringify` does (REQ-07).
//!
//! | Rust | JSON |
//! |---|---|
//! | `f64`, `f32` | as JavaScript prints the number, `-0` as `0`, an `f32` widened to `f64` first; NaN and infinities `null` |
//! | integers, up to 128 bits | all their digits |
//! | `str`, `char` | escaped as `\b \t \n \f \r \" \\` and `\u00xx` below U+0020; nothing else is escaped |
//! | `None`, `()`, a unit struct | `null` |
//! | a newtype struct, `Some` | what is in it |
//! | a unit variant | its name |
//! | any other variant | `{"Name":…}`, with what is in it: a value, an array, an object |
//! | a sequence, a tuple, bytes | an array (bytes: of numbers) |
//! | a map, a struct | an object, its keys in the order given |
//!
//! A map's key is a string, or a number, boolean, `char` or unit variant, which becomes one; a map with other keys is
//! [`WriteError::NotConvertible`].
//!
//! A JavaScript number is an `f64`: an engine would round an integer beyond 2^53 and print 2^70 as
//! `1.1805916207174113e+21`. Here no digit is lost. Widen to `f64` where the engine's text is wanted.
//!
//! Serde walks the value, so the depth of the stack follows the depth of the caller's types and data; the writer adds
//! no recursion of its own.

use serde::Serialize;

use crate::ser::{self, Form, WriteError};
use crate::sink::Sink;

/// Writes `value` as JSON.
///
/// # Errors
/// See [`WriteError`].
pub fn stringify<T: Serialize + ?Sized>(value: &T, out: &mut dyn Sink) -> Result<(), WriteError> {
    ser::write(value, Form::Json, out)
}
