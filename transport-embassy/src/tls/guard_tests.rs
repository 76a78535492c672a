use std::vec::Vec;

use super::*;

/// A link that has these bytes, then its end; a read returns at most so many.
struct Script<'a> {
    bytes: &'a [u8],
    at_most: usize,
}

impl ErrorType for Script<'_> {
    type Error = ErrorKind;
}

impl Read for Script<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let read = buf.len().min(self.at_most).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(read);
        buf[..read].copy_from_slice(now);
        self.bytes = later;
        Ok(read)
    }
}

impl Write for Script<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        Ok(buf.len().min(self.at_most))
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Link for Script<'_> {
    async fn readable(&mut self) {}
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    match core::pin::pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a script never waits"),
    }
}

/// What a guard in this mode makes of a link's bytes: those it hands on, and how it ends.
fn through(bytes: &[u8], at_most: usize, keyed: bool, mode: Mode) -> (Vec<u8>, Result<(), ErrorKind>) {
    let mut byte = 0;
    let line = Line::over(&mut byte);
    line.set(mode);
    let mut guard = Guard::new(Script { bytes, at_most }, line);
    guard.keyed = keyed;
    let (mut read, mut buf) = (Vec::new(), [0; 7]);
    loop {
        match now(guard.read(&mut buf)) {
            Ok(0) => return (read, Ok(())),
            Ok(n) => read.extend(&buf[..n]),
            Err(error) => return (read, Err(error)),
        }
    }
}

fn record(kind: u8, body: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(body).unwrap().to_be_bytes();
    let mut record = std::vec![kind, 3, 3, high, low];
    record.resize(5 + body, 1);
    record
}

#[test]
fn ctx_08_records_pass_however_they_are_split() {
    let bytes = [record(HANDSHAKE, 90), record(CHANGE_CIPHER_SPEC, 1), record(APPLICATION_DATA, 300)].concat();
    for at_most in 1..bytes.len() {
        assert_eq!(through(&bytes, at_most, false, Mode::Handshake), (bytes.clone(), Ok(())), "{at_most}");
    }
}

#[test]
fn ctx_08_the_first_record() {
    let first = |bytes: &[u8]| through(bytes, 1, false, Mode::Handshake).1;
    assert_eq!(first(&record(HANDSHAKE, 4)), Ok(()));
    assert_eq!(first(&record(ALERT, 2)), Ok(()));
    for bad in [record(HANDSHAKE, 3), record(ALERT, 3), record(CHANGE_CIPHER_SPEC, 1), record(APPLICATION_DATA, 40)] {
        assert_eq!(first(&bad), Err(BROKEN_RULE));
    }
    assert_eq!(first(&record(HANDSHAKE, (1 << 14) + 1)), Err(BROKEN_RULE));
    for other in [&b"HTTP/1.1 "[..], b"\x16\x02\x03\0\x10", b"\x18\x03\x03\0\x10", b""] {
        assert_eq!(first(other), Err(NOT_TLS));
    }
}

#[test]
fn ctx_08_the_length_of_ciphertext() {
    for mode in [Mode::Handshake, Mode::Records] {
        for (length, expected) in
            [(0, Err(BROKEN_RULE)), (16, Err(BROKEN_RULE)), (17, Ok(())), (16_640, Ok(())), (16_641, Err(BROKEN_RULE))]
        {
            assert_eq!(through(&record(APPLICATION_DATA, length), 999, true, mode).1, expected, "{length}");
        }
    }
}

#[test]
fn ctx_08_the_cipher_is_told_which_records_come_after_the_handshake() {
    let bytes = record(APPLICATION_DATA, 20);
    let (read, _) = through(&bytes, 3, true, Mode::Handshake);
    assert_eq!(read[1..3], IN_HANDSHAKE);
    let (read, _) = through(&bytes, 3, true, Mode::Records);
    assert_eq!(read[1..3], AFTER_HANDSHAKE);
    // Nobody else can say so.
    let [major, minor] = AFTER_HANDSHAKE;
    let forged = [&[APPLICATION_DATA, major, minor][..], &bytes[3..]].concat();
    assert_eq!(through(&forged, 99, true, Mode::Handshake).1, Err(BROKEN_RULE));
}

#[test]
fn ctx_08_a_wait_reads_nothing() {
    let mut byte = 0;
    let line = Line::over(&mut byte);
    line.set(Mode::Wait);
    let bytes = record(APPLICATION_DATA, 20);
    let mut guard = Guard::new(Script { bytes: &bytes, at_most: 99 }, line);
    guard.keyed = true;
    for _ in 0..3 {
        assert_eq!(now(guard.read(&mut [0; 5])), Err(READABLE));
        assert_eq!(guard.link.bytes.len(), bytes.len());
    }
    line.set(Mode::Records);
    assert_eq!(now(guard.read(&mut [0; 5])), Ok(5));
}

#[test]
fn ctx_08_a_link_that_writes_nothing_is_an_error() {
    let mut byte = 0;
    let mut guard = Guard::new(Script { bytes: &[], at_most: 0 }, Line::over(&mut byte));
    assert_eq!(now(guard.write_all(b"hello")), Err(ErrorKind::WriteZero));
}

#[test]
fn ctx_08_a_key_is_not_used_for_ever() {
    let mut byte = 0;
    let line = Line::over(&mut byte);
    line.set(Mode::Records);
    let bytes = record(APPLICATION_DATA, 20).repeat(2);
    let mut guard = Guard::new(Script { bytes: &bytes, at_most: 99 }, line);
    (guard.keyed, guard.received, guard.sent) = (true, RECORDS - 1, RECORDS - 1);
    assert_eq!(now(guard.write(b"one")), Ok(3));
    assert_eq!(now(guard.write(b"more")), Err(BROKEN_RULE));
    assert_eq!((now(guard.read(&mut [0; 5])), now(guard.read(&mut [0; 20]))), (Ok(5), Ok(20)));
    assert_eq!(now(guard.read(&mut [0; 5])), Err(BROKEN_RULE));
}
