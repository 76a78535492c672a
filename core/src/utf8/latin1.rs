//! Text in ISO-8859-1.

use crate::sink::{Full, Sink};

/// Writes ISO-8859-1 as UTF-8: its bytes are the first 256 code points.
///
/// # Errors
/// [`Full`] when `out` is.
pub fn put_latin1(bytes: &[u8], out: &mut dyn Sink) -> Result<(), Full> {
    for run in bytes.chunk_by(|a, b| a.is_ascii() && b.is_ascii()) {
        match run {
            [byte] if !byte.is_ascii() => out.put(char::from(*byte).encode_utf8(&mut [0; 4]).as_bytes())?,
            run => out.put(run)?,
        }
    }
    Ok(())
}
