//! What a JSON string has in place of some characters (RFC 8259 section 7), as `JSON.stringify` chooses it.

use crate::sink::{Full, Sink};

/// Writes what stands between the quotes of a JSON string. `text` is UTF-8, or a piece of it.
pub(super) fn escape(text: &[u8], out: &mut dyn Sink) -> Result<(), Full> {
    let mut rest = text;
    loop {
        let (plain, tail) = rest.split_at_checked(plain_len(rest)).unwrap_or((rest, &[]));
        if !plain.is_empty() {
            out.put(plain)?;
        }
        let Some((&byte, tail)) = tail.split_first() else { return Ok(()) };
        match byte {
            b'"' => out.put(br#"\""#),
            b'\\' => out.put(br"\\"),
            0x08 => out.put(br"\b"),
            b'\t' => out.put(br"\t"),
            b'\n' => out.put(br"\n"),
            0x0C => out.put(br"\f"),
            b'\r' => out.put(br"\r"),
            _ => out.put(&[b'\\', b'u', b'0', b'0', b'0' | (byte >> 4), hex_digit(byte)]),
        }?;
        rest = tail;
    }
}

/// How many bytes from the start of `text` need no escape.
fn plain_len(text: &[u8]) -> usize {
    // Whole blocks without an early exit: the compiler makes vector code of it.
    let (blocks, _) = text.as_chunks::<16>();
    let clean = |block: &&[u8; 16]| !block.iter().fold(false, |any, &byte| any | needs_escape(byte));
    let (_, tail) = text.split_at_checked(blocks.iter().take_while(clean).count() * 16).unwrap_or((text, &[]));
    let tail_len = tail.iter().position(|&byte| needs_escape(byte)).unwrap_or(tail.len());
    text.len() - tail.len() + tail_len
}

const fn needs_escape(byte: u8) -> bool {
    // Not `||`: see `plain_len`.
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The lower-case digit of the low four bits.
const fn hex_digit(byte: u8) -> u8 {
    match byte & 0xF {
        digit @ 0..=9 => b'0' | digit,
        letter => b'a' + (letter - 10),
    }
}
