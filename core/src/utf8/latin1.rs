//! Text in ISO-8859-1.

use crate::sink::{Full, Sink};

/// Writes ISO-8859-1 as UTF-8: its bytes are the first 256 code points.
///
/// # Errors
/// [`Full`] when `out` is.
pub fn put_latin1(bytes: &[u8], out: &mut dyn Sink) -> Result<(), Full> {
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        if byte.is_ascii() {
            let run = rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
            let (run, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
            out.put(run)?;
            rest = after;
        } else {
            out.put(&[0xc0 | (byte >> 6), 0x80 | (byte & 0x3f)])?;
            rest = after;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Window;

    #[test]
    fn req_12_every_byte_of_latin1_is_its_code_point() {
        let (bytes, mut memory) = (Vec::from_iter(0..=255), [0; 512]);
        let mut out = Window::new(0, &mut memory);
        put_latin1(&bytes, &mut out).unwrap();
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        assert_eq!(out.into_filled(), text.as_bytes());
    }
}
