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
//! Text ──\─► Escape ──u─► Hex4 … Hex1, back to Text
//! Zero or Integer ──.─► Point ──► Fraction ──e─► Exponent ──► ExponentSign ──► ExponentDigits
//! ```

use crate::utf8::{Checker, NotUtf8};

/// How many arrays and objects may be open at once: a reader that recurses into a validated text goes no deeper. Each
/// level costs one bit of state.
pub const MAX_DEPTH: u8 = 128;

const _: () = assert!(MAX_DEPTH.is_multiple_of(32));

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

/// Checks one JSON text that comes in chunks of any size. Nothing is buffered. After a failure every further call fails
/// alike.
#[derive(Clone, Debug)]
pub struct Validator {
    failure: Option<NotJson>,
    state: State,
    /// The string under way is an object's key.
    in_key: bool,
    /// Of the string under way.
    utf8: Checker,
    /// The rest of the `true`, `false` or `null` under way.
    word: &'static [u8],
    /// How many hexadecimal digits of the escape under way are still to come.
    missing: u8,
    depth: u8,
    /// What is open, one bit each, the outermost lowest: 1 for an object.
    open: [u32; MAX_DEPTH as usize / 32],
}

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
    Hex,
    Word,
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl State {
    /// White space may stand here.
    const fn is_between_tokens(self) -> bool {
        use State::*;
        matches!(self, Value | FirstItem | FirstKey | Key | Colon | After)
    }
}

impl Validator {
    /// A validator before the first byte.
    pub const fn new() -> Self {
        Self {
            failure: None,
            state: State::Value,
            in_key: false,
            utf8: Checker::new(),
            word: &[],
            missing: 0,
            depth: 0,
            open: [0; MAX_DEPTH as usize / 32],
        }
    }

    /// Checks the next bytes of the text.
    ///
    /// # Errors
    /// [`NotJson`], but not yet [`NotJson::Incomplete`], where the text cannot be JSON whatever follows.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), NotJson> {
        let outcome = match self.failure {
            None => self.check(chunk),
            Some(failure) => Err(failure),
        };
        self.failure = outcome.err();
        outcome
    }

    /// Whether the text may end here.
    ///
    /// # Errors
    /// [`NotJson::Incomplete`] where it may not; the failure of [`push`](Self::push) where there was one.
    pub const fn finish(&self) -> Result<(), NotJson> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        match self.state {
            _ if self.depth > 0 => Err(NotJson::Incomplete),
            State::After | State::Zero | State::Integer | State::Fraction | State::ExponentDigits => Ok(()),
            _ => Err(NotJson::Incomplete),
        }
    }

    #[inline(never)]
    /// Takes byte for byte by the grammar, but a run of characters, digits or spaces at once.
    fn check(&mut self, chunk: &[u8]) -> Result<(), NotJson> {
        use State::*;

        let mut state = self.state;
        let mut rest = chunk;
        // Only a chunk's end can leave a character unfinished, and only in a string.
        if chunk.first().is_some_and(u8::is_ascii) {
            self.utf8.finish()?;
        }
        while let Some((&byte, after)) = rest.split_first() {
            let here = rest;
            rest = after;
            if state.is_between_tokens() && is_space(byte) {
                rest = skip(after, is_space);
                continue;
            }
            state = match state {
                FirstItem if byte == b']' => self.leave(),
                Value | FirstItem => self.value(byte)?,
                FirstKey if byte == b'}' => self.leave(),
                FirstKey | Key if byte == b'"' => self.enter_text(true),
                Colon if byte == b':' => Value,
                After => self.after(byte)?,

                Text => match byte {
                    b'"' if self.in_key => Colon,
                    b'"' => After,
                    b'\\' => Escape,
                    b' '..=0x7f => {
                        rest = skip_plain(after);
                        Text
                    }
                    0x80.. => {
                        rest = self.characters(here)?;
                        Text
                    }
                    _ => return Err(NotJson::Syntax),
                },
                Escape if byte == b'u' => {
                    self.missing = 4;
                    Hex
                }
                Escape if matches!(byte, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Text,
                Hex if byte.is_ascii_hexdigit() => {
                    self.missing = self.missing.saturating_sub(1);
                    if self.missing == 0 { Text } else { Hex }
                }
                Word => self.word(byte)?,

                Minus if byte == b'0' => Zero,
                Minus | Integer if byte.is_ascii_digit() => {
                    rest = skip(after, is_digit);
                    Integer
                }
                Zero | Integer if byte == b'.' => Point,
                Point | Fraction if byte.is_ascii_digit() => {
                    rest = skip(after, is_digit);
                    Fraction
                }
                Zero | Integer | Fraction if matches!(byte, b'e' | b'E') => Exponent,
                Exponent if matches!(byte, b'+' | b'-') => ExponentSign,
                Exponent | ExponentSign | ExponentDigits if byte.is_ascii_digit() => {
                    rest = skip(after, is_digit);
                    ExponentDigits
                }
                // The byte is not the number's.
                Zero | Integer | Fraction | ExponentDigits => {
                    rest = here;
                    After
                }

                _ => return Err(NotJson::Syntax),
            };
        }
        self.state = state;
        Ok(())
    }

    /// Passes over the characters outside ASCII that `text` begins with.
    fn characters<'c>(&mut self, text: &'c [u8]) -> Result<&'c [u8], NotJson> {
        let rest = skip(text, |byte| !byte.is_ascii());
        let (characters, _) = text.split_at_checked(text.len().saturating_sub(rest.len())).unwrap_or_default();
        self.utf8.push(characters)?;
        if !rest.is_empty() {
            self.utf8.finish()?;
        }
        Ok(rest)
    }

    /// Whether what is innermost is an object. Of no meaning where nothing is open.
    fn in_object(&self) -> bool {
        let top = self.depth.saturating_sub(1);
        self.open.get(usize::from(top / 32)).is_some_and(|word| word >> (top % 32) & 1 == 1)
    }

    fn enter_text(&mut self, in_key: bool) -> State {
        self.in_key = in_key;
        State::Text
    }

    fn enter_word(&mut self, rest: &'static [u8]) -> State {
        self.word = rest;
        State::Word
    }

    /// The first byte of a value.
    fn value(&mut self, byte: u8) -> Result<State, NotJson> {
        Ok(match byte {
            b'"' => self.enter_text(false),
            b'{' => self.enter(true)?,
            b'[' => self.enter(false)?,
            b't' => self.enter_word(b"rue"),
            b'f' => self.enter_word(b"alse"),
            b'n' => self.enter_word(b"ull"),
            b'-' => State::Minus,
            b'0' => State::Zero,
            b'1'..=b'9' => State::Integer,
            _ => return Err(NotJson::Syntax),
        })
    }

    /// The byte behind a value.
    fn after(&mut self, byte: u8) -> Result<State, NotJson> {
        let (close, next) = if self.in_object() { (b'}', State::Key) } else { (b']', State::Value) };
        match byte {
            _ if self.depth == 0 => Err(NotJson::Syntax),
            b',' => Ok(next),
            _ if byte == close => Ok(self.leave()),
            _ => Err(NotJson::Syntax),
        }
    }

    fn word(&mut self, byte: u8) -> Result<State, NotJson> {
        match self.word.split_first() {
            Some((expected, rest)) if byte == *expected => {
                self.word = rest;
                Ok(if rest.is_empty() { State::After } else { State::Word })
            }
            _ => Err(NotJson::Syntax),
        }
    }

    fn enter(&mut self, object: bool) -> Result<State, NotJson> {
        let word = self.open.get_mut(usize::from(self.depth / 32)).ok_or(NotJson::TooDeep)?;
        let bit = 1 << (self.depth % 32);
        *word = if object { *word | bit } else { *word & !bit };
        self.depth = self.depth.saturating_add(1);
        Ok(if object { State::FirstKey } else { State::FirstItem })
    }

    fn leave(&mut self) -> State {
        self.depth = self.depth.saturating_sub(1);
        State::After
    }
}

impl Default for Validator {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether an ASCII byte of a string stands for itself.
const fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\' && byte.is_ascii()
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
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
