//! A strict validator for JSON text that arrives in pieces (RFC 8259).
//!
//! It accepts exactly the grammar: one value, in UTF-8, without a byte order mark, nothing before or after it but
//! white space. The grammar says nothing about duplicate keys, the size of a number, or a lone surrogate written as
//! an escape (`"\ud800"`), so these pass.
//!
//! ```
//! use miniwire_core::json::validate::Validator;
//!
//! let mut json = Validator::new();
//! json.push(br#"{"name": "mini"#)?;
//! json.push(br#"wire"}"#)?;
//! json.finish()?;
//! # Ok::<(), miniwire_core::json::validate::NotJson>(())
//! ```
//!
//! The states, and what leads from one to the next (white space between tokens aside):
//!
//! ```text
//! Value ──► Text, Minus, Zero, Integer, Word ──► After
//!       ──[─► FirstItem ──► as Value, or ]       After ──,─► Value or Key
//!       ──{─► FirstKey ─┬─"─► Text ──► Colon     After ──] or }─► After, one level up
//!                  Key ─┘              Colon ──:─► Value
//! Text ──\─► Escape ──u─► Hex ×4, back to Text
//! Zero or Integer ──.─► Point ──► Fraction ──e─► Exponent ──► ExponentSign ──► ExponentDigits
//! ```

use crate::utf8::{Checker, NotUtf8};

/// How many arrays and objects may be open at once. A reader that recurses is safe behind a validated text; the
/// limit is one bit of state per level.
pub const MAX_DEPTH: u8 = 128;

/// Why a text is not taken for JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJson {
    /// A byte that the grammar does not allow where it stands.
    Syntax,
    /// A string is not UTF-8.
    NotUtf8,
    /// More than [`MAX_DEPTH`] arrays and objects are open at once. The text may be JSON (RFC 8259 section 9 allows
    /// such limits).
    TooDeep,
    /// The text ends before its value does, or has none.
    Incomplete,
}

impl From<NotUtf8> for NotJson {
    fn from(NotUtf8: NotUtf8) -> Self {
        Self::NotUtf8
    }
}

/// Checks one JSON text that comes in chunks of any size. After a failure every further call fails alike.
#[derive(Clone, Debug)]
pub struct Validator {
    state: State,
    /// The string under way is an object's key.
    in_key: bool,
    /// Of the string under way.
    utf8: Checker,
    depth: u8,
    /// What is open, one bit each, the innermost lowest: 1 for an object.
    open: u128,
}

const _: () = assert!(MAX_DEPTH as u32 == u128::BITS);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Colon,
    After,
    Text,
    Escape,
    /// So many hexadecimal digits are still to come.
    Hex(u8),
    /// The rest of `true`, `false` or `null`.
    Word(&'static [u8]),
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    Failed(NotJson),
}

impl Validator {
    /// A validator before the first byte.
    pub const fn new() -> Self {
        Self { state: State::Value, in_key: false, utf8: Checker::new(), depth: 0, open: 0 }
    }

    /// Checks the next bytes of the text.
    ///
    /// # Errors
    /// [`NotJson`], but not yet [`NotJson::Incomplete`], where the text cannot be JSON whatever follows.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), NotJson> {
        let checked = self.check(chunk);
        if let Err(error) = checked {
            self.state = State::Failed(error);
        }
        checked
    }

    /// Whether the text may end here.
    ///
    /// # Errors
    /// [`NotJson::Incomplete`] where it may not; the failure of [`push`](Self::push) where there was one.
    pub const fn finish(&self) -> Result<(), NotJson> {
        match self.state {
            State::Failed(error) => Err(error),
            _ if self.depth > 0 => Err(NotJson::Incomplete),
            State::After | State::Zero | State::Integer | State::Fraction | State::ExponentDigits => Ok(()),
            _ => Err(NotJson::Incomplete),
        }
    }

    /// Passes over a run of bytes that leave the state as it is, then takes one byte by the grammar, and so on.
    fn check(&mut self, chunk: &[u8]) -> Result<(), NotJson> {
        let mut rest = chunk;
        loop {
            rest = match self.state {
                State::Text => self.skip_text(rest)?,
                State::Integer | State::Fraction | State::ExponentDigits => skip(rest, |byte| byte.is_ascii_digit()),
                State::Value | State::FirstItem | State::FirstKey | State::Key | State::Colon | State::After => {
                    skip(rest, is_space)
                }
                State::Failed(error) => return Err(error),
                _ => rest,
            };
            let Some((&byte, after)) = rest.split_first() else { return Ok(()) };
            self.state = self.next(byte)?;
            rest = after;
        }
    }

    /// Passes over the characters that stand for themselves, up to a quote, a backslash, a control character or the
    /// end.
    fn skip_text<'c>(&mut self, mut rest: &'c [u8]) -> Result<&'c [u8], NotJson> {
        loop {
            let ascii = skip(rest, |byte| !byte.is_ascii());
            let (run, _) = rest.split_at_checked(rest.len() - ascii.len()).unwrap_or_default();
            if !run.is_empty() {
                self.utf8.push(run)?;
            }
            let Some(first) = ascii.first() else { return Ok(ascii) };
            self.utf8.finish()?;
            if !is_plain(*first) {
                return Ok(ascii);
            }
            rest = skip_plain(ascii);
        }
    }

    fn next(&mut self, byte: u8) -> Result<State, NotJson> {
        Ok(match (self.state, byte) {
            (State::Value, _) => self.value(byte)?,

            (State::FirstItem, b']') => self.close(),
            (State::FirstItem, _) => self.value(byte)?,

            (State::FirstKey, b'}') => self.close(),
            (State::FirstKey | State::Key, b'"') => self.text(true),
            (State::Colon, b':') => State::Value,

            (State::After, _) => self.after(byte)?,

            (State::Text, b'"') if self.in_key => State::Colon,
            (State::Text, b'"') => State::After,
            (State::Text, b'\\') => State::Escape,
            (State::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => State::Text,
            (State::Escape, b'u') => State::Hex(4),
            (State::Hex(missing), _) if byte.is_ascii_hexdigit() => match missing.saturating_sub(1) {
                0 => State::Text,
                missing => State::Hex(missing),
            },

            (State::Word([expected]), _) if byte == *expected => State::After,
            (State::Word([expected, rest @ ..]), _) if byte == *expected => State::Word(rest),

            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') => State::Integer,
            (State::Zero | State::Integer, b'.') => State::Point,
            (State::Point, b'0'..=b'9') => State::Fraction,
            (State::Zero | State::Integer | State::Fraction, b'e' | b'E') => State::Exponent,
            (State::Exponent, b'+' | b'-') => State::ExponentSign,
            (State::Exponent | State::ExponentSign, b'0'..=b'9') => State::ExponentDigits,
            (State::Zero | State::Integer | State::Fraction | State::ExponentDigits, _) => self.after(byte)?,

            _ => return Err(NotJson::Syntax),
        })
    }

    /// The first byte of a value.
    fn value(&mut self, byte: u8) -> Result<State, NotJson> {
        Ok(match byte {
            b'"' => self.text(false),
            b'{' => self.enter(true)?,
            b'[' => self.enter(false)?,
            b't' => State::Word(b"rue"),
            b'f' => State::Word(b"alse"),
            b'n' => State::Word(b"ull"),
            b'-' => State::Minus,
            b'0' => State::Zero,
            b'1'..=b'9' => State::Integer,
            _ => return Err(NotJson::Syntax),
        })
    }

    /// A byte behind a value.
    fn after(&mut self, byte: u8) -> Result<State, NotJson> {
        let in_object = self.open & 1 == 1;
        Ok(match byte {
            _ if is_space(byte) => State::After,
            _ if self.depth == 0 => return Err(NotJson::Syntax),
            b',' if in_object => State::Key,
            b',' => State::Value,
            b'}' if in_object => self.close(),
            b']' if !in_object => self.close(),
            _ => return Err(NotJson::Syntax),
        })
    }

    fn text(&mut self, in_key: bool) -> State {
        self.in_key = in_key;
        State::Text
    }

    fn enter(&mut self, object: bool) -> Result<State, NotJson> {
        if self.depth == MAX_DEPTH {
            return Err(NotJson::TooDeep);
        }
        self.depth = self.depth.saturating_add(1);
        self.open = (self.open << 1) | u128::from(object);
        Ok(if object { State::FirstKey } else { State::FirstItem })
    }

    fn close(&mut self) -> State {
        self.depth = self.depth.saturating_sub(1);
        self.open >>= 1;
        State::After
    }
}

impl Default for Validator {
    fn default() -> Self {
        Self::new()
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether an ASCII byte of a string stands for itself.
const fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\' && byte.is_ascii()
}

fn skip(bytes: &[u8], passed: impl Fn(u8) -> bool) -> &[u8] {
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        if !passed(byte) {
            break;
        }
        rest = after;
    }
    rest
}

/// Passes over plain bytes, a machine word at a time while it can.
fn skip_plain(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        if !is_plain_word(usize::from_ne_bytes(*word)) {
            break;
        }
        rest = after;
    }
    skip(rest, is_plain)
}

/// Whether every byte of a word is plain.
///
/// Subtracting `n` from a byte below 0x80 sets its high bit only if the byte is below `n`. A borrow that spills into
/// the next byte needs such a byte to begin with, so it can move the alarm but not raise a false one.
const fn is_plain_word(word: usize) -> bool {
    const ONES: usize = usize::MAX / 0xff;
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * b'"' as usize)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as usize)).wrapping_sub(ONES);
    (word | control | quote | backslash) & (ONES * 0x80) == 0
}

#[cfg(test)]
mod tests;
