//! multipart/form-data with one file (RFC 7578), written without holding the file.
//!
//! The form is everything but the file's bytes: what comes [before](Form::write_before) them and what comes
//! [after](Form::write_after). Its length is known before the first byte is sent.

use crate::sink::{Count, Full, Sink};

/// What separates the parts: 32 hexadecimal digits of the caller's entropy, after dashes and a name.
///
/// It must not occur in the data. With 128 random bits it does not, and nobody who chose the data can have known it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary([u8; 16]);

impl Boundary {
    /// From 16 random bytes, which serve no other purpose.
    pub const fn new(entropy: [u8; 16]) -> Self {
        Self(entropy)
    }

    /// Writes it as the `boundary` parameter of the content type has it (RFC 2046 section 5.1.1: at most 70 characters).
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn write(self, out: &mut dyn Sink) -> Result<(), Full> {
        out.put(b"----miniwire")?;
        for byte in self.0 {
            out.put(&[hex(byte >> 4), hex(byte & 0x0f)])?;
        }
        Ok(())
    }
}

const fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' | digit } else { (digit & 0x0f).wrapping_add(b'a' - 10) }
}

/// A form: fields first, in order, the file last (UP-02).
#[derive(Clone, Copy, Debug)]
pub struct Form<'r> {
    /// `formData`: names and values, in UTF-8. Values are sent as they are.
    pub fields: &'r [(&'r str, &'r str)],
    /// The name of the file's part.
    pub name: &'r str,
    /// Its `filename`.
    pub file_name: &'r str,
    /// Its `Content-Type`.
    pub content_type: &'r str,
    /// What separates the parts.
    pub boundary: Boundary,
}

impl Form<'_> {
    /// Writes everything before the file's bytes.
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn write_before(&self, out: &mut dyn Sink) -> Result<(), Full> {
        for (name, value) in self.fields {
            self.open_part(name, out)?;
            out.put(b"\r\n\r\n")?;
            out.put(value.as_bytes())?;
            out.put(b"\r\n")?;
        }
        self.open_part(self.name, out)?;
        out.put(b"; filename=\"")?;
        put_escaped(self.file_name, false, out)?;
        out.put(b"\"\r\nContent-Type: ")?;
        out.put(self.content_type.as_bytes())?;
        out.put(b"\r\n\r\n")
    }

    /// Writes everything after the file's bytes.
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn write_after(&self, out: &mut dyn Sink) -> Result<(), Full> {
        out.put(b"\r\n--")?;
        self.boundary.write(out)?;
        out.put(b"--\r\n")
    }

    /// The length of the whole body with a file of so many bytes; `None` where it passes 2^64.
    pub fn len(&self, file: u64) -> Option<u64> {
        let mut count = Count::new();
        // A count is never full.
        let _ = self.write_before(&mut count);
        let _ = self.write_after(&mut count);
        count.bytes().checked_add(file)
    }

    fn open_part(&self, name: &str, out: &mut dyn Sink) -> Result<(), Full> {
        out.put(b"--")?;
        self.boundary.write(out)?;
        out.put(b"\r\nContent-Disposition: form-data; name=\"")?;
        put_escaped(name, true, out)?;
        out.put(b"\"")
    }
}

/// Writes a name as browsers do (the WHATWG's multipart/form-data encoding algorithm): in UTF-8, with `"`, CR and LF
/// percent-encoded and nothing else. In the name of a field, a CR or LF that stands alone counts as CRLF.
fn put_escaped(name: &str, of_field: bool, out: &mut dyn Sink) -> Result<(), Full> {
    let mut rest = name;
    while let Some(at) = rest.find(['"', '\r', '\n']) {
        let (run, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.put(run.as_bytes())?;
        let (written, length): (&[u8], usize) = if special.starts_with("\r\n") {
            (b"%0D%0A", 2)
        } else if special.starts_with('"') {
            (b"%22", 1)
        } else if of_field {
            (b"%0D%0A", 1)
        } else if special.starts_with('\r') {
            (b"%0D", 1)
        } else {
            (b"%0A", 1)
        };
        out.put(written)?;
        rest = special.get(length..).unwrap_or_default();
    }
    out.put(rest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Window;

    const BOUNDARY: Boundary = Boundary::new([0x0f; 16]);

    fn form<'r>(fields: &'r [(&'r str, &'r str)], name: &'r str, file_name: &'r str) -> Form<'r> {
        Form { fields, name, file_name, content_type: "image/png", boundary: BOUNDARY }
    }

    fn written(form: &Form<'_>, file: &str) -> String {
        let mut memory = [0; 4096];
        let mut out = Window::new(0, &mut memory);
        form.write_before(&mut out).unwrap();
        out.put(file.as_bytes()).unwrap();
        form.write_after(&mut out).unwrap();
        assert_eq!(form.len(file.len() as u64), Some(out.len() as u64));
        String::from_utf8(out.into_filled().to_vec()).unwrap()
    }

    #[test]
    fn up_02_fields_come_first_in_order_and_the_file_last() {
        let body = written(&form(&[("b", "2"), ("a", "1\r\n\u{4e2d}")], "file", "a.png"), "<bytes>");
        let line = "------miniwire0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";
        let expected = format!(
            "{line}\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n\
             {line}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\u{4e2d}\r\n\
             {line}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
             Content-Type: image/png\r\n\r\n<bytes>\r\n{line}--\r\n"
        );
        assert_eq!(body, expected);
    }

    #[test]
    fn up_02_names_are_escaped_as_browsers_do() {
        let body = written(&form(&[("a\"\r\nb\nc\rd\\;%22\u{4e2d}", "")], "\"", "x\"\r\n\r\ny\u{e9}.png"), "");
        assert!(body.contains("name=\"a%22%0D%0Ab%0D%0Ac%0D%0Ad\\;%22\u{4e2d}\""), "{body}");
        assert!(body.contains("name=\"%22\"; filename=\"x%22%0D%0A%0D%0Ay\u{e9}.png\""), "{body}");
        assert!(written(&form(&[], "n", "a\rb\nc"), "").contains("filename=\"a%0Db%0Ac\""));
    }

    #[test]
    fn up_03_the_length_is_known_up_front_and_cannot_overflow() {
        assert_eq!(form(&[], "n", "f").len(u64::MAX), None);
        assert!(form(&[], "n", "f").len(1 << 32).is_some());
        let mut count = Count::new();
        BOUNDARY.write(&mut count).unwrap();
        assert!(count.bytes() <= 70);
    }
}
