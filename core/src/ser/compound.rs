//! Arrays and objects.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};

use super::{Key, Out, Pair, Pairs, Place, WriteError, Writer, put_name};
use crate::sink::{Full, Window};

/// An array under way.
pub(super) enum Array<'s> {
    Json {
        out: Out<'s>,
        any: bool,
        close: &'static [u8],
    },
    /// The value in a query's pair: the pair once per element.
    Repeat {
        out: Out<'s>,
        pair: Pair<'s>,
    },
}

/// An object under way.
pub(super) enum Object<'s> {
    Json {
        out: Out<'s>,
        any: bool,
        close: &'static [u8],
    },
    /// The whole of a query.
    Pairs {
        out: Out<'s>,
        pairs: Pairs<'s>,
    },
}

impl Array<'_> {
    /// Where the variant that this is the content of is JSON, its brace is closed too.
    pub(super) fn in_variant(mut self, in_json: bool) -> Self {
        if let (true, Self::Json { close, .. }) = (in_json, &mut self) {
            *close = b"]}";
        }
        self
    }

    /// A writer for the next element.
    pub(super) fn next(&mut self) -> Result<Writer<'_>, WriteError> {
        match self {
            Self::Json { out, any, .. } => {
                separate(out, any)?;
                Ok(Writer { out: out.reborrow(), place: Place::Json })
            }
            Self::Repeat { out, pair } => {
                let pair = Pair { any: pair.any, key: pair.key };
                Ok(Writer { out: out.reborrow(), place: Place::PairElement(pair) })
            }
        }
    }

    pub(super) fn close(self) -> Result<(), WriteError> {
        match self {
            Self::Json { mut out, close, .. } => Ok(out.put(close)?),
            Self::Repeat { .. } => Ok(()),
        }
    }
}

impl Object<'_> {
    /// Where the variant that this is the content of is JSON, its brace is closed too.
    pub(super) fn in_variant(mut self, in_json: bool) -> Self {
        if let (true, Self::Json { close, .. }) = (in_json, &mut self) {
            *close = b"}}";
        }
        self
    }

    /// A writer for the value of the field `name`.
    fn field(&mut self, name: &'static str) -> Result<Writer<'_>, WriteError> {
        match self {
            Self::Json { out, any, .. } => {
                put_name(out, any, name)?;
                Ok(Writer { out: out.reborrow(), place: Place::Json })
            }
            Self::Pairs { out, pairs } => {
                let pair = Pair { any: pairs.any, key: Key::Text(name.as_bytes()) };
                Ok(Writer { out: out.reborrow(), place: Place::Pair(pair) })
            }
        }
    }

    fn close(self) -> Result<(), WriteError> {
        match self {
            Self::Json { mut out, close, .. } => Ok(out.put(close)?),
            Self::Pairs { .. } => Ok(()),
        }
    }
}

/// Writes the comma before all but the first.
fn separate(out: &mut Out<'_>, any: &mut bool) -> Result<(), Full> {
    if core::mem::replace(any, true) { out.put(b",") } else { Ok(()) }
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        match self {
            Self::Json { out, any, .. } => {
                separate(out, any)?;
                key.serialize(Writer { out: out.reborrow(), place: Place::Key { quoted: true } })
            }
            Self::Pairs { pairs, .. } => {
                let mut stored = Window::new(0, &mut pairs.stored_key.bytes);
                let out = Out { sink: &mut stored, percent: false };
                // It is the store that is full here, not the caller's sink.
                key.serialize(Writer { out, place: Place::Key { quoted: false } })
                    .map_err(|_| WriteError::NotConvertible)?;
                pairs.stored_key.len = stored.len();
                Ok(())
            }
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        match self {
            Self::Json { out, .. } => {
                out.put(b":")?;
                value.serialize(Writer { out: out.reborrow(), place: Place::Json })
            }
            Self::Pairs { out, pairs } => {
                let key = pairs.stored_key.bytes.get(..pairs.stored_key.len).unwrap_or(&[]);
                let pair = Pair { any: pairs.any, key: Key::Text(key) };
                value.serialize(Writer { out: out.reborrow(), place: Place::Pair(pair) })
            }
        }
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), WriteError> {
        let Self::Pairs { out, pairs } = self else {
            self.serialize_key(key)?;
            return self.serialize_value(value);
        };
        let write_key = |out: Out<'_>| key.serialize(Writer { out, place: Place::Key { quoted: false } });
        let pair = Pair { any: pairs.any, key: Key::Entry(&write_key) };
        value.serialize(Writer { out: out.reborrow(), place: Place::Pair(pair) })
    }

    fn end(self) -> Result<(), WriteError> {
        self.close()
    }
}

/// Serde has a trait of the same shape for each kind of array and of object.
macro_rules! delegate {
    ($($of:ident: $($interface:ident :: $item:ident $(($name:ident))?),+;)+) => {$($(
        impl $interface for $of<'_> {
            type Ok = ();
            type Error = WriteError;

            fn $item<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), WriteError> {
                value.serialize(delegate!(@writer self $($name)?))
            }

            fn end(self) -> Result<(), WriteError> {
                self.close()
            }
        }
    )+)+};
    (@writer $array:ident) => { $array.next()? };
    (@writer $object:ident $name:ident) => { $object.field($name)? };
}

delegate! {
    Array: SerializeSeq::serialize_element, SerializeTuple::serialize_element, SerializeTupleStruct::serialize_field,
        SerializeTupleVariant::serialize_field;
    Object: SerializeStruct::serialize_field(key), SerializeStructVariant::serialize_field(key);
}
