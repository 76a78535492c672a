use super::*;

struct Text<'a>(&'a str);

impl Message for Text<'_> {
    fn write(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        for piece in self.0.as_bytes().chunks(3) {
            out.put(piece)?;
        }
        Ok(())
    }
}

const REQUEST: Text<'_> = Text("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789");
const ANSWER: &[u8] = b"HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\nno";

#[test]
fn core_05_a_request_goes_out_in_pieces_of_any_transmit_buffer() {
    for size in 1..100 {
        let (mut exchange, mut tx, mut sent) = (Exchange::new(), vec![0; size], Vec::new());
        loop {
            match exchange.poll(&REQUEST, b"", &mut tx).unwrap().1 {
                Step::Transmit { length, more } => {
                    sent.extend_from_slice(&tx[..length]);
                    assert_eq!(more, sent.len() < REQUEST.0.len());
                }
                Step::Read => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(sent, REQUEST.0.as_bytes());
    }
}

#[test]
fn req_18_an_answer_before_the_requests_end_is_heard_and_ends_the_connection() {
    let (mut exchange, mut tx) = (Exchange::new(), [0; 16]);
    assert!(matches!(exchange.poll(&REQUEST, b"", &mut tx), Ok((0, Step::Transmit { length: 16, more: true }))));
    let (consumed, step) = exchange.poll(&REQUEST, ANSWER, &mut tx).unwrap();
    assert!(matches!(step, Step::Head(head) if head.status() == 413));
    let (more, step) = exchange.poll(&REQUEST, &ANSWER[consumed..], &mut tx).unwrap();
    assert!(matches!(step, Step::Body(b"no")));
    let (_, step) = exchange.poll(&REQUEST, &ANSWER[consumed + more..], &mut tx).unwrap();
    assert!(matches!(step, Step::End { persists: false }));
}

#[test]
fn req_18_an_interim_answer_does_not_stop_the_request() {
    let (mut exchange, mut tx) = (Exchange::new(), [0; 16]);
    let _ = exchange.poll(&REQUEST, b"", &mut tx).unwrap();
    let (_, step) = exchange.poll(&REQUEST, b"HTTP/1.1 100 x\r\n\r\n", &mut tx).unwrap();
    assert!(matches!(step, Step::Interim(_)));
    assert!(matches!(exchange.poll(&REQUEST, b"", &mut tx), Ok((0, Step::Transmit { length: 16, more: true }))));
}

#[test]
fn req_18_after_a_failed_write_an_answer_may_be_waiting() {
    let (mut exchange, mut tx) = (Exchange::new(), [0; 16]);
    let _ = exchange.poll(&REQUEST, b"", &mut tx).unwrap();
    assert!(exchange.write_failed());
    assert!(matches!(exchange.poll(&REQUEST, b"", &mut tx), Ok((0, Step::Read))));
    assert!(matches!(exchange.poll(&REQUEST, ANSWER, &mut tx), Ok((_, Step::Head(..)))));
    assert!(!exchange.write_failed());
}

#[test]
fn req_16_bytes_after_the_response_end_the_connection() {
    let (mut exchange, mut tx) = (Exchange::new(), [0; 100]);
    let _ = exchange.poll(&REQUEST, b"", &mut tx).unwrap();
    let rx = b"HTTP/1.1 204 x\r\n\r\nHTTP/1.1 200";
    let (consumed, _) = exchange.poll(&REQUEST, rx, &mut tx).unwrap();
    let (_, step) = exchange.poll(&REQUEST, &rx[consumed..], &mut tx).unwrap();
    assert!(matches!(step, Step::End { persists: false }));
}

#[test]
fn req_16_a_connection_that_closes_unheard_says_so() {
    let (mut exchange, mut tx) = (Exchange::new(), [0; 100]);
    let _ = exchange.poll(&REQUEST, b"", &mut tx).unwrap();
    exchange.end_of_stream();
    let error = exchange.poll(&REQUEST, b"", &mut tx).unwrap_err();
    assert_eq!(error, ExchangeError::Response(ResponseError::Closed));
    assert!(!exchange.is_heard());
}

#[test]
fn core_05_without_a_transmit_buffer_there_is_an_error_and_no_loop() {
    let error = Exchange::new().poll(&REQUEST, b"", &mut []).unwrap_err();
    assert_eq!(error, ExchangeError::NoTransmitBuffer);
}

/// A file of the caller's between what the message writes.
struct Framed(u64);

impl Message for Framed {
    fn write(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        Ok(out.put(b"<before the file>")?)
    }

    fn content(&self) -> u64 {
        self.0
    }

    fn write_after(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        Ok(out.put(b"<after it>")?)
    }
}

#[test]
fn up_03_content_goes_out_between_what_is_written_whatever_the_sizes() {
    for file in [0_usize, 1, 10, 100] {
        for size in 1..60 {
            for at_most in [1, 7, 1000] {
                let (mut exchange, mut tx) = (Exchange::new(), vec![0; size]);
                let (mut sent, mut filled, mut last) = (Vec::new(), 0, true);
                loop {
                    match exchange.poll(&Framed(file as u64), b"", &mut tx).unwrap().1 {
                        Step::Fill { at, end, offset } => {
                            assert_eq!(offset, filled as u64);
                            let n = (end - at).min(at_most);
                            tx[at..at + n].fill(b'x');
                            filled += n;
                            exchange.filled(n);
                        }
                        Step::Transmit { length, more } => {
                            assert!(last);
                            sent.extend_from_slice(&tx[..length]);
                            last = more;
                        }
                        Step::Read => break,
                        other => panic!("{other:?}"),
                    }
                }
                assert_eq!(filled, file);
                assert_eq!(sent, format!("<before the file>{}<after it>", "x".repeat(file)).as_bytes());
            }
        }
    }
}
