//! Reading a multipart body again (RFC 2046 section 5.1.1, RFC 7578), over the whole of it.

/// One part: its header lines, and its content.
pub type Part = (Vec<String>, Vec<u8>);

/// The parts of a body between delimiters of this boundary; `None` where it is no such body from its first byte to its
/// last.
pub fn multipart(body: &[u8], boundary: &str) -> Option<Vec<Part>> {
    let mut rest = body.strip_prefix(format!("--{boundary}\r\n").as_bytes())?;
    let mut parts = Vec::new();
    loop {
        let end = position(rest, format!("\r\n--{boundary}").as_bytes())?;
        let (part, after) = rest.split_at(end);
        let split = position(part, b"\r\n\r\n")?;
        let lines = std::str::from_utf8(&part[..split]).ok()?.split("\r\n").map(str::to_owned).collect();
        parts.push((lines, part[split + 4..].to_vec()));
        match after.strip_prefix(format!("\r\n--{boundary}").as_bytes())? {
            b"--\r\n" => return Some(parts),
            next => rest = next.strip_prefix(b"\r\n")?,
        }
    }
}

/// The name of a field in a form, by the HTML Standard: line breaks are CRLF, and escaped.
pub fn field_name(name: &str) -> String {
    let breaks = name.replace("\r\n", "\n").replace('\r', "\n");
    breaks.replace('\n', "%0D%0A").replace('"', "%22")
}

/// The name of a file in a form, by the HTML Standard: as it is, and escaped.
pub fn file_name(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
