//! The serialiser behind all forms: JSON, query string, text.
//!
//! There is one [`Writer`] for all of them, which knows its [`Place`], rather than one type per form: a type's
//! `Serialize` is generic over the serialiser, so each further one would add a copy of it to the program.

mod compound;
mod escape;
mod form;
mod number;

use core::fmt::{self, Write as _};

use serde::{Serialize, Serializer};

use self::compound::{Array, Object};
use self::escape::escape;
pub use self::form::{Form, WriteError};
use self::number::Decimal;
use crate::percent;
use crate::sink::{Full, Sink};

/// The longest key, in bytes before encoding, that a map may serialise apart from its value.
pub const STORED_KEY_MAX: usize = 64;

/// Writes `value` in the form given. The rules are in [`crate::json::write`], [`crate::query`] and [`Form::Text`].
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, form: Form, out: &mut dyn Sink) -> Result<(), WriteError> {
    let mut any = false;
    let mut stored_key = StoredKey { bytes: [0; STORED_KEY_MAX], len: 0 };
    let place = match form {
        Form::Query => Place::Query(Pairs { any: &mut any, stored_key: &mut stored_key }),
        Form::Json => Place::Json,
        Form::Text => Place::Text,
    };
    value.serialize(Writer { out: Out { sink: out, percent: false }, place })
}

/// Writes one value at one place.
struct Writer<'s> {
    out: Out<'s>,
    place: Place<'s>,
}

/// What a value is part of, which decides its form.
enum Place<'s> {
    /// JSON: the whole of it, or a value in it.
    Json,
    /// The whole of the text form.
    Text,
    /// An object's key: in quotes in JSON, without in a query.
    Key { quoted: bool },
    /// The whole of the query form.
    Query(Pairs<'s>),
    /// The value in a query's pair.
    Pair(Pair<'s>),
    /// An element of an array that is the value in a query's pair.
    PairElement(Pair<'s>),
}

/// The sink, and whether what goes there is percent-encoded.
struct Out<'s> {
    sink: &'s mut dyn Sink,
    percent: bool,
}

/// The pairs of a query string.
struct Pairs<'s> {
    /// Whether there is one already, so that the next needs a `&`.
    any: &'s mut bool,
    stored_key: &'s mut StoredKey,
}

/// One pair of a query string, not begun yet: it may turn out to be absent or to repeat.
struct Pair<'s> {
    any: &'s mut bool,
    key: Key<'s>,
}

#[derive(Clone, Copy)]
enum Key<'s> {
    Text(&'s [u8]),
    /// A map's key, which writes itself.
    Entry(&'s dyn Fn(Out<'_>) -> Result<(), WriteError>),
}

/// A key whose value has not come yet.
struct StoredKey {
    bytes: [u8; STORED_KEY_MAX],
    len: usize,
}

/// Writes the text of one scalar.
struct Scalar<'s> {
    out: Out<'s>,
    quoted: bool,
    /// Remembered, because `fmt::Error` cannot say it.
    full: bool,
}

impl Out<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if self.percent { percent::encode(bytes, self.sink) } else { self.sink.put(bytes) }
    }

    /// The inside of a JSON string.
    fn put_escaped(&mut self, text: &[u8]) -> Result<(), Full> {
        if self.percent { escape(text, &mut percent::Encoded::new(self.sink)) } else { escape(text, self.sink) }
    }

    fn reborrow(&mut self) -> Out<'_> {
        Out { sink: self.sink, percent: self.percent }
    }
}

impl Pair<'_> {
    /// Writes the separator and the key, and has what follows encoded.
    fn begin(self, out: &mut Out<'_>) -> Result<(), WriteError> {
        if core::mem::replace(self.any, true) {
            out.put(b"&")?;
        }
        out.percent = true;
        match self.key {
            Key::Text(key) => Ok(out.put(key)?),
            Key::Entry(write) => write(out.reborrow()),
        }
    }

    /// Writes all that comes before the value.
    fn begin_value(self, out: &mut Out<'_>) -> Result<(), WriteError> {
        self.begin(out)?;
        // Past the encoder: the sign itself must not become %3D.
        Ok(out.sink.put(b"=")?)
    }
}

impl Scalar<'_> {
    fn put(&mut self, text: &[u8]) -> Result<(), Full> {
        if self.quoted { self.out.put_escaped(text) } else { self.out.put(text) }
    }

    fn end(mut self) -> Result<(), WriteError> {
        if self.quoted {
            self.out.put(b"\"")?;
        }
        Ok(())
    }
}

impl fmt::Write for Scalar<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.full {
            return Err(fmt::Error);
        }
        self.put(text.as_bytes()).map_err(|Full| {
            self.full = true;
            fmt::Error
        })
    }
}

impl<'s> Writer<'s> {
    const fn is_json(&self) -> bool {
        matches!(self.place, Place::Json)
    }

    /// Begins a scalar: a string, or what is a string only as a key.
    fn scalar(self, string: bool) -> Result<Scalar<'s>, WriteError> {
        let Self { mut out, place } = self;
        let quoted = match place {
            Place::Json => string,
            Place::Key { quoted } => quoted,
            Place::Text | Place::Query(_) => false,
            Place::Pair(pair) | Place::PairElement(pair) => {
                pair.begin_value(&mut out)?;
                false
            }
        };
        if quoted {
            out.put(b"\"")?;
        }
        Ok(Scalar { out, quoted, full: false })
    }

    fn whole_scalar(self, string: bool, text: &[u8]) -> Result<(), WriteError> {
        let mut scalar = self.scalar(string)?;
        scalar.put(text)?;
        scalar.end()
    }

    fn null(self) -> Result<(), WriteError> {
        let Self { mut out, place } = self;
        match place {
            Place::Json | Place::Text => Ok(out.put(b"null")?),
            Place::Key { .. } => Err(WriteError::NotConvertible),
            Place::Query(_) => Ok(()),
            Place::Pair(pair) | Place::PairElement(pair) => pair.begin(&mut out),
        }
    }

    fn array(self) -> Result<Array<'s>, WriteError> {
        let Self { mut out, place } = self;
        match place {
            Place::Json | Place::Text => {}
            Place::Key { .. } | Place::Query(_) => return Err(WriteError::NotConvertible),
            Place::Pair(pair) => return Ok(Array::Repeat { out, pair }),
            Place::PairElement(pair) => pair.begin_value(&mut out)?,
        }
        out.put(b"[")?;
        Ok(Array::Json { out, any: false, close: b"]" })
    }

    fn object(self) -> Result<Object<'s>, WriteError> {
        let Self { mut out, place } = self;
        match place {
            Place::Json | Place::Text => {}
            Place::Key { .. } => return Err(WriteError::NotConvertible),
            Place::Query(pairs) => return Ok(Object::Pairs { out, pairs }),
            Place::Pair(pair) | Place::PairElement(pair) => pair.begin_value(&mut out)?,
        }
        out.put(b"{")?;
        Ok(Object::Json { out, any: false, close: b"}" })
    }

    /// Begins the object with one entry that a variant with content is. If its content is JSON, so is the object, and a
    /// brace closes it; if not, the object is the query.
    fn variant(self, name: &'static str) -> Result<Writer<'s>, WriteError> {
        match self.object()? {
            Object::Json { mut out, mut any, .. } => {
                put_name(&mut out, &mut any, name)?;
                Ok(Writer { out, place: Place::Json })
            }
            Object::Pairs { out, pairs } => {
                let pair = Pair { any: pairs.any, key: Key::Text(name.as_bytes()) };
                Ok(Writer { out, place: Place::Pair(pair) })
            }
        }
    }
}

/// Writes an object's key, with what stands before and after it.
fn put_name(out: &mut Out<'_>, any: &mut bool, name: &str) -> Result<(), Full> {
    out.put(if core::mem::replace(any, true) { b",\"" } else { b"\"" })?;
    out.put_escaped(name.as_bytes())?;
    out.put(b"\":")
}

impl<'s> Serializer for Writer<'s> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Array<'s>;
    type SerializeTuple = Array<'s>;
    type SerializeTupleStruct = Array<'s>;
    type SerializeTupleVariant = Array<'s>;
    type SerializeMap = Object<'s>;
    type SerializeStruct = Object<'s>;
    type SerializeStructVariant = Object<'s>;

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        self.whole_scalar(false, if value { b"true" } else { b"false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), WriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), WriteError> {
        self.whole_scalar(false, Decimal::signed(value).as_bytes())
    }

    fn serialize_i128(self, value: i128) -> Result<(), WriteError> {
        self.whole_scalar(false, Decimal::signed_wide(value).as_bytes())
    }

    fn serialize_u8(self, value: u8) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), WriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), WriteError> {
        self.whole_scalar(false, Decimal::unsigned(value).as_bytes())
    }

    fn serialize_u128(self, value: u128) -> Result<(), WriteError> {
        self.whole_scalar(false, Decimal::unsigned_wide(value).as_bytes())
    }

    fn serialize_f32(self, value: f32) -> Result<(), WriteError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), WriteError> {
        if self.is_json() && !value.is_finite() {
            return self.null();
        }
        self.whole_scalar(false, ryu_js::Buffer::new().format(value).as_bytes())
    }

    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), WriteError> {
        self.whole_scalar(true, value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), WriteError> {
        let mut array = self.array()?;
        for &byte in value {
            array.next()?.serialize_u8(byte)?;
        }
        array.close()
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        match self.place {
            Place::Json | Place::Key { .. } => self.null(),
            Place::Text | Place::Query(_) | Place::Pair(_) | Place::PairElement(_) => Ok(()),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        match self.place {
            Place::Key { .. } => Err(WriteError::NotConvertible),
            _ => value.serialize(self),
        }
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
        self.null()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), WriteError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        let mut writer = self.variant(variant)?;
        let in_json = writer.is_json();
        value.serialize(Writer { out: writer.out.reborrow(), place: writer.place })?;
        if in_json {
            writer.out.put(b"}")?;
        }
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'s>, WriteError> {
        self.array()
    }

    fn serialize_tuple(self, _: usize) -> Result<Array<'s>, WriteError> {
        self.array()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Array<'s>, WriteError> {
        self.array()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Array<'s>, WriteError> {
        let writer = self.variant(variant)?;
        let in_json = writer.is_json();
        Ok(writer.array()?.in_variant(in_json))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'s>, WriteError> {
        self.object()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'s>, WriteError> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'s>, WriteError> {
        let writer = self.variant(variant)?;
        let in_json = writer.is_json();
        Ok(writer.object()?.in_variant(in_json))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        let mut scalar = self.scalar(true)?;
        let displayed = write!(scalar, "{value}");
        match displayed {
            _ if scalar.full => Err(WriteError::Full),
            Ok(()) => scalar.end(),
            Err(fmt::Error) => Err(WriteError::NotConvertible),
        }
    }
}
