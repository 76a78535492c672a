//! What `-v` shows: the head of both sides, hop by hop, and how long the phases took.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::mem;
use std::time::Duration;

use miniwire_core::http::fields::Fields;
use miniwire_std::{Timings, Trace};

/// Fields whose values would let a reader of the output act for the user.
const SECRET: [&str; 4] = ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"];
/// A longer head is no head any more.
const LONGEST: usize = 64 * 1024;

/// Finds the heads in what passes over the links.
pub(crate) struct Verbose {
    sent: Heads,
    received: Heads,
    /// Where the lines go.
    show: fn(&str),
}

/// One direction of a link.
struct Heads {
    mark: char,
    at: At,
    /// The last head was a 101: no other head follows on this link.
    switched: bool,
}

enum At {
    /// In a head, of which this came so far.
    Head(Vec<u8>),
    /// In a body, of which so much is to come.
    Body(u64),
}

impl Verbose {
    /// Shows on standard error.
    pub(crate) fn new() -> Self {
        Self {
            sent: Heads::new('>'),
            received: Heads::new('<'),
            show: |text| drop(io::stderr().write_all(text.as_bytes())),
        }
    }

    pub(crate) fn trace(&mut self, what: Trace<'_>) {
        let text = self.seen(what);
        (self.show)(&text);
    }

    fn seen(&mut self, what: Trace<'_>) -> String {
        match what {
            // Another exchange on the same link: a redirect within the origin.
            Trace::Sent(bytes) if matches!(self.sent.at, At::Body(0)) => self.restart() + &self.sent.push(bytes),
            Trace::Sent(bytes) => self.sent.push(bytes),
            Trace::Received(bytes) => {
                let text = self.received.push(bytes);
                if self.received.switched {
                    // What both sides send from now on are frames.
                    self.sent.at = At::Body(u64::MAX);
                }
                text
            }
            Trace::Connected { reused: true } => self.restart() + "* using a kept connection again\n",
            Trace::Connected { reused: false } => self.restart() + "* connected\n",
            Trace::Secured => self.restart() + "* TLS is up, the server's certificate is good\n",
            _ => String::new(),
        }
    }

    /// The call has ended.
    pub(crate) fn finish(&mut self, timings: Option<Timings>) {
        let mut text = self.restart();
        if let Some(Timings { resolve, connect, tls, first_byte, total, .. }) = timings {
            let ms = |time: Duration| time.as_secs_f64() * 1000.0;
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "* resolve {:.1} ms, connect {:.1} ms, TLS {:.1} ms, first byte {:.1} ms, total {:.1} ms",
                ms(resolve),
                ms(connect),
                ms(tls),
                ms(first_byte),
                ms(total)
            );
        }
        (self.show)(&text);
    }

    /// An exchange begins.
    fn restart(&mut self) -> String {
        self.sent.restart() + &self.received.restart()
    }
}

impl Heads {
    fn new(mark: char) -> Self {
        Self { mark, at: At::Head(Vec::new()), switched: false }
    }

    /// The heads that end within `bytes`.
    fn push(&mut self, bytes: &[u8]) -> String {
        let head = match &mut self.at {
            At::Body(left) => {
                *left = left.saturating_sub(bytes.len() as u64);
                return String::new();
            }
            At::Head(head) => head,
        };
        head.extend_from_slice(bytes);
        let mut text = String::new();
        while let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = head.split_off(end.saturating_add(4));
            let whole = mem::replace(head, rest);
            text.push_str(&lines(self.mark, &whole));
            self.switched = whole.starts_with(b"HTTP/1.1 101");
            // After an interim response comes another head.
            let interim = whole.starts_with(b"HTTP/1.1 1") || whole.starts_with(b"HTTP/1.0 1");
            if self.switched || !interim {
                let body = if whole.starts_with(b"HTTP/") { u64::MAX } else { content_length(&whole) };
                self.at = At::Body(body.saturating_sub(head.len() as u64));
                return text;
            }
        }
        if head.len() > LONGEST {
            self.at = At::Body(u64::MAX);
        }
        text
    }

    /// What comes next is a head. One that was not complete is shown as far as it came.
    fn restart(&mut self) -> String {
        self.switched = false;
        match mem::replace(&mut self.at, At::Head(Vec::new())) {
            At::Head(head) => lines(self.mark, &head),
            At::Body(_) => String::new(),
        }
    }
}

/// How many bytes follow a request's head. Ours never come chunked.
fn content_length(head: &[u8]) -> u64 {
    let field = Fields::of_head(head).get("Content-Length");
    field.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(0)
}

fn lines(mark: char, head: &[u8]) -> String {
    let mut text = String::new();
    let head = head.strip_suffix(b"\r\n\r\n").unwrap_or(head);
    if head.is_empty() {
        return text;
    }
    for line in head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        text.push(mark);
        text.push(' ');
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if SECRET.iter().any(|secret| secret.as_bytes().eq_ignore_ascii_case(name.trim_ascii())) {
            put_printable(name, &mut text);
            text.push_str(": (hidden)");
        } else {
            put_printable(line, &mut text);
        }
        text.push('\n');
    }
    text
}

/// Bytes of the wire as they may be shown on a terminal: control characters, and what is not UTF-8, as escapes.
fn put_printable(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() { out.extend(letter.escape_default()) } else { out.push(letter) }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_every_split(wire: &[u8], expected: &str) {
        for split in 0..=wire.len() {
            let mut heads = Heads::new('<');
            let (one, two) = wire.split_at(split);
            let text = heads.push(one) + &heads.push(two) + &heads.restart();
            assert_eq!(text, expected, "{split}");
        }
        let mut heads = Heads::new('<');
        let mut text: String = wire.chunks(1).map(|byte| heads.push(byte)).collect();
        text.push_str(&heads.restart());
        assert_eq!(text, expected);
    }

    #[test]
    fn heads_are_shown_and_bodies_are_not() {
        at_every_split(
            b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n\r\nbody",
            "< HTTP/1.1 103 Early\n< Link: x\n< HTTP/1.1 200 OK\n< A: b\n",
        );
        at_every_split(b"220 mail\r\n", "< 220 mail\n< \n");
        at_every_split(b"", "");
    }

    #[test]
    fn each_exchange_of_a_link_is_shown() {
        let mut verbose = Verbose { show: |_| (), ..Verbose::new() };
        let mut text = String::new();
        for (sent, received) in [
            (&b"POST /1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe"[..], &b"HTTP/1.1 307 Go\r\n\r\n"[..]),
            (b"llo", b""),
            (b"GET /2 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 body\r\n\r\n"),
        ] {
            text.push_str(&verbose.seen(Trace::Sent(sent)));
            text.push_str(&verbose.seen(Trace::Received(received)));
        }
        assert_eq!(
            text,
            "> POST /1 HTTP/1.1\n> Content-Length: 5\n< HTTP/1.1 307 Go\n> GET /2 HTTP/1.1\n< HTTP/1.1 200 OK\n"
        );
    }

    #[test]
    fn what_follows_a_101_is_no_head() {
        at_every_split(
            b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n\x81\x04\r\n\r\n\x81\x05hello",
            "< HTTP/1.1 103 Early\n< HTTP/1.1 101 Go\n< Upgrade: websocket\n",
        );
        let mut verbose = Verbose { show: |_| (), ..Verbose::new() };
        let mut text = verbose.seen(Trace::Sent(b"GET / HTTP/1.1\r\n\r\n"));
        text.push_str(&verbose.seen(Trace::Received(b"HTTP/1.1 101 Go\r\n\r\n")));
        for _ in 0..2 {
            text.push_str(&verbose.seen(Trace::Sent(b"\x81\x84\0\0\0\0\r\n\r\n")));
        }
        text.push_str(&verbose.restart());
        assert_eq!(text, "> GET / HTTP/1.1\n< HTTP/1.1 101 Go\n");
    }

    #[test]
    fn credentials_are_hidden() {
        let head =
            b"GET / HTTP/1.1\r\nauthorization: Basic c2VjcmV0\r\nCOOKIE: s=secret\r\nproxy-Authorization:secret\r\n\
                     set-cookie: secret\r\nX-Cookie: shown\r\n\r\n";
        let shown = "> GET / HTTP/1.1\n> authorization: (hidden)\n> COOKIE: (hidden)\n> proxy-Authorization: (hidden)\n\
                     > set-cookie: (hidden)\n> X-Cookie: shown\n";
        assert_eq!(lines('>', head), shown);
        // Cut short, too.
        assert_eq!(lines('>', b"GET / HTTP/1.1\r\nCookie: sec"), "> GET / HTTP/1.1\n> Cookie: (hidden)\n");
    }

    #[test]
    fn control_bytes_are_escaped() {
        let mut shown = String::new();
        put_printable(b"a\x1b[31m\tb\x7f\xc2\x9b\xff\xc3\xa9", &mut shown);
        assert_eq!(shown, "a\\u{1b}[31m\\tb\\u{7f}\\u{9b}\\xff\u{e9}");
    }
}
