//! `data`: what a call sends, and its conversion to text (REQ-05 to REQ-09).

use core::fmt;

use serde::Serialize;

use crate::ser;
pub use crate::ser::{Form, WriteError};
use crate::sink::{Count, Full, Sink};

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

impl<T: Serialize + ?Sized> Value for T {
    fn write(&self, form: Form, out: &mut dyn Sink) -> Result<(), WriteError> {
        ser::write(self, form, out)
    }
}

/// The `data` of a call. Borrowed: nothing is copied before it stands in the transmit buffer.
///
/// ```
/// use miniwire_core::data::{Data, Form, WriteError};
/// use miniwire_core::sink::Window;
///
/// #[derive(serde::Serialize)]
/// struct Query<'q> {
///     q: &'q str,
///     page: u8,
/// }
///
/// let value = Query { q: "a & b", page: 2 };
/// let (data, mut buf) = (Data::Value(&value), [0; 64]);
/// let mut out = Window::new(0, &mut buf);
/// data.write(Form::Query, &mut out)?; // what a GET appends to its URL
/// assert_eq!(out.into_filled(), b"q=a%20%26%20b&page=2");
/// assert_eq!(data.len(Form::Json)?, r#"{"q":"a & b","page":2}"#.len() as u64); // of a POST's body
/// # Ok::<(), WriteError>(())
/// ```
#[derive(Clone, Copy, Default)]
pub enum Data<'r> {
    /// Nothing.
    #[default]
    None,
    /// A string, used unchanged. On GET, or as a form, a `%` in it must be an escape, else
    /// [`Reason::MalformedEscape`](crate::reason::Reason::MalformedEscape) (code 15).
    Text(&'r str),
    /// Bytes, used unchanged. Not on GET, nor for a socket:
    /// [`Reason::IllegalOption`](crate::reason::Reason::IllegalOption).
    Bytes(&'r [u8]),
    /// A value, converted by the rules of REQ-06 to REQ-09; one that has no such form is
    /// [`Reason::DataNotConvertible`](crate::reason::Reason::DataNotConvertible) (code 15). It is walked once to count its
    /// bytes, and once for each buffer-full that is sent.
    Value(&'r dyn Value),
}

impl Data<'_> {
    /// Writes the data to `out`; only a value looks at `form`.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn write(&self, form: Form, out: &mut dyn Sink) -> Result<(), WriteError> {
        match self {
            Self::None => Ok(()),
            Self::Text(text) => Ok(out.put(text.as_bytes())?),
            Self::Bytes(bytes) => Ok(out.put(bytes)?),
            Self::Value(value) => value.write(form, out),
        }
    }

    /// How many bytes [`write`](Self::write) puts. A value is walked once to count them.
    ///
    /// # Errors
    /// [`WriteError::NotConvertible`].
    pub fn len(&self, form: Form) -> Result<u64, WriteError> {
        let mut count = Count::new();
        self.write(form, &mut count)?;
        Ok(count.bytes())
    }
}

/// A value is shown as JSON, as far as it can be written; bytes as their number.
impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Value(value) => {
                f.write_str("Value(")?;
                match value.write(Form::Json, &mut Shown(f)) {
                    Ok(()) => f.write_str(")"),
                    Err(WriteError::NotConvertible) => f.write_str("… not convertible)"),
                    Err(WriteError::Full) => Err(fmt::Error),
                }
            }
        }
    }
}

/// Shows JSON in a debug output.
struct Shown<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Sink for Shown<'_, '_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        bytes.utf8_chunks().try_for_each(|chunk| self.0.write_str(chunk.valid())).map_err(|fmt::Error| Full)
    }
}

#[cfg(test)]
mod tests;
