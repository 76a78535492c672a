//! One fault at each byte of a whole exchange, plain and under TLS, and at each record of a handshake.

use std::ops::Range;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use miniwire_std::serve::Server;
use miniwire_std::{Client, DataType, Failure, Response};
use miniwire_tests::faults::{Direction, Fault, Plan, Relay};
use miniwire_tests::{check, development, server};

use crate::Telling;

const AT_ONCE: usize = 8;
const PATH: &str = "/status/200?body=exactly-this";
const BODY: &str = "exactly-this";
/// The deadline of a call that meets a stall, in milliseconds.
const SHORT: u32 = 150;

/// A server, and a client that keeps nothing.
struct Setting {
    server: Server,
    client: Client,
    secure: bool,
}

type Outcome = Result<Response, Failure>;

impl Setting {
    fn new(secure: bool) -> Self {
        let server = server();
        let client = development(&server).keep_alive(0, 0, Duration::ZERO).build().unwrap();
        Self { server, client, secure }
    }

    fn get(&self, plan: Plan, timeout: u32) -> (Outcome, Relay) {
        let (scheme, address) = if self.secure { ("https", self.server.https()) } else { ("http", self.server.http()) };
        let relay = Relay::start(address, plan);
        let url = format!("{scheme}://localhost:{}{PATH}", relay.address().port());
        (self.client.request(url).data_type(DataType::Text).timeout(timeout).send(), relay)
    }

    /// What the server says when nothing is in the way, the whole of it.
    fn clean(&self) -> Vec<u8> {
        // Under TLS a second session is resumed: the first one here is not what later ones look like.
        let _ = self.get(Plan::one(9, Direction::Up, 0, Fault::Split), 10_000);
        let (outcome, relay) = self.get(Plan::one(9, Direction::Up, 0, Fault::Split), 10_000);
        assert_eq!(outcome.unwrap().data(), BODY);
        let passed = relay.passed();
        passed[0].bytes.clone()
    }

    /// Meets the fault at each of these places; what came of each, in order.
    fn at_each(
        &self,
        offsets: Range<usize>,
        direction: Direction,
        fault: &Fault,
        timeout: u32,
        judge: impl Fn(usize, &Outcome) + Sync,
    ) {
        let places = Mutex::new(offsets);
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let Some(at) = places.lock().unwrap().next() else { return };
                        let plan = Plan::one(0, direction, at as u64, fault.clone());
                        let _telling = Telling(plan.clone());
                        let start = Instant::now();
                        let (outcome, _relay) = self.get(plan, timeout);
                        let took = start.elapsed();
                        assert!(took < Duration::from_millis(u64::from(timeout) + 1000), "it took {took:?}");
                        match &outcome {
                            Ok(response) => assert_eq!(response.data(), BODY),
                            Err(failure) => check(failure),
                        }
                        judge(at, &outcome);
                    }
                });
            }
        });
    }
}

/// The code and the reason, or "success".
fn said(outcome: &Outcome) -> (u8, &'static str) {
    match outcome {
        Ok(_) => (0, "success"),
        Err(failure) => (failure.code(), failure.reason().name()),
    }
}

#[track_caller]
fn is_one_of(outcome: &Outcome, expected: &[(u8, &str)]) {
    assert!(expected.contains(&said(outcome)), "{:?}, not one of {expected:?}", said(outcome));
}

const CLOSED: (u8, &str) = (12, "ConnectionClosed");
const LOST: (u8, &str) = (12, "ConnectionLost");
const TIMEOUT: (u8, &str) = (13, "Timeout");

#[test]
fn req_18_an_end_at_each_byte_of_an_answer_is_12() {
    let setting = Setting::new(false);
    let length = setting.clean().len();
    setting.at_each(0..length, Direction::Down, &Fault::End, 5000, |_, outcome| is_one_of(outcome, &[CLOSED]));
    let (outcome, _) = setting.get(Plan::one(0, Direction::Down, length as u64, Fault::End), 5000);
    assert_eq!(outcome.unwrap().data(), BODY);
}

/// At the first byte it may come before the connection counts as made, or before the request is written: the write
/// takes the error then, and what is read after it is the end.
fn is_reset(at: usize, outcome: &Outcome) {
    is_one_of(outcome, if at == 0 { &[LOST, CLOSED, (12, "Connect")] } else { &[LOST] });
}

#[test]
fn req_18_a_reset_at_each_byte_of_an_answer_is_12() {
    let setting = Setting::new(false);
    let length = setting.clean().len();
    setting.at_each(0..length, Direction::Down, &Fault::Reset, 5000, is_reset);
}

#[test]
fn req_03_a_stall_at_each_byte_of_an_answer_is_13() {
    let setting = Setting::new(false);
    let length = setting.clean().len();
    setting.at_each(0..length, Direction::Down, &Fault::Stall, SHORT, |_, outcome| is_one_of(outcome, &[TIMEOUT]));
}

#[test]
fn req_18_a_reset_at_each_byte_of_a_request_is_12() {
    let setting = Setting::new(false);
    setting.at_each(0..150, Direction::Up, &Fault::Reset, 5000, is_reset);
}

#[test]
fn req_03_a_stall_at_each_byte_of_a_request_is_13() {
    let setting = Setting::new(false);
    setting.at_each(0..150, Direction::Up, &Fault::Stall, SHORT, |_, outcome| is_one_of(outcome, &[TIMEOUT]));
}

/// What a broken connection may be under TLS: a server that says nothing, or half a record, does not speak TLS.
const BROKEN: [(u8, &str); 4] = [LOST, CLOSED, (19, "NotTls"), (12, "Connect")];

#[test]
fn ctx_08_an_end_at_each_byte_under_tls_is_no_success() {
    let setting = Setting::new(true);
    // The last record is the answer; signatures differ by a few bytes in length.
    let length = setting.clean().len() - 20;
    setting.at_each(0..length, Direction::Down, &Fault::End, 5000, |_, outcome| is_one_of(outcome, &BROKEN));
}

#[test]
fn ctx_08_a_reset_at_each_byte_under_tls_is_no_success() {
    let setting = Setting::new(true);
    let length = setting.clean().len() - 20;
    setting.at_each(0..length, Direction::Down, &Fault::Reset, 5000, |_, outcome| is_one_of(outcome, &BROKEN));
    setting.at_each(0..400, Direction::Up, &Fault::Reset, 5000, |_, outcome| is_one_of(outcome, &BROKEN));
}

/// Where the records of a stream begin, and its end.
pub(crate) fn records(bytes: &[u8]) -> Vec<usize> {
    let (mut starts, mut at) = (vec![0], 0);
    while let Some([_, 3, _, high, low]) = bytes.get(at..at + 5) {
        at += 5 + usize::from(u16::from_be_bytes([*high, *low]));
        starts.push(at);
    }
    assert_eq!(starts.last(), Some(&bytes.len()));
    starts
}

#[test]
fn req_03_a_stall_at_each_record_of_a_handshake_is_13() {
    let setting = Setting::new(true);
    let records = records(&setting.clean());
    assert!(records.len() > 4, "{records:?}");
    for start in &records[..records.len() - 1] {
        // At its first byte, within its header, after the header, within the record.
        for places in [0..1, 3..4, 5..6, 20..21] {
            let places = start + places.start..start + places.end;
            setting.at_each(places, Direction::Down, &Fault::Stall, SHORT, |_, outcome| {
                is_one_of(outcome, &[TIMEOUT]);
            });
        }
    }
}

/// Records that have no place where they come.
pub(crate) const OUT_OF_ORDER: &[(&str, &[u8])] = &[
    ("a HelloRequest, to negotiate anew", b"\x16\x03\x03\0\x04\0\0\0\0"),
    ("a record of data in the clear", b"\x17\x03\x03\0\x05hello"),
    ("an empty record of data", b"\x17\x03\x03\0\0"),
    ("a record that is too long", b"\x16\x03\x03\xff\xff"),
    ("a record of an unknown type", b"\x63\x03\x03\0\x01x"),
    ("a ServerHello of nothing", b"\x16\x03\x03\0\x04\x02\0\0\0"),
    ("a CertificateRequest out of place", b"\x16\x03\x03\0\x07\x0d\0\0\x03\0\0\0"),
    ("plain HTTP", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
];

/// The descriptions of alerts.
pub(crate) const ALERTS: [u8; 11] = [0, 10, 20, 40, 42, 48, 70, 80, 90, 112, 255];

#[test]
fn ctx_08_an_alert_at_each_record_of_a_handshake_is_12() {
    let setting = Setting::new(true);
    let records = records(&setting.clean());
    for description in ALERTS {
        for level in [1, 2] {
            let alert = Fault::Insert(vec![21, 3, 3, 0, 2, level, description]);
            for start in &records[..records.len() - 1] {
                setting.at_each(*start..start + 1, Direction::Down, &alert, 5000, |_, outcome| match level {
                    // A warning may be passed over: what comes after it is verified all the same.
                    1 => is_one_of(outcome, &[(12, "Tls"), LOST, CLOSED, (0, "success")]),
                    _ => is_one_of(outcome, &[(12, "Tls"), LOST, CLOSED]),
                });
            }
        }
    }
}

#[test]
fn ctx_08_a_record_out_of_order_is_12() {
    let setting = Setting::new(true);
    let records = records(&setting.clean());
    for (what, record) in OUT_OF_ORDER {
        let fault = Fault::Insert(record.to_vec());
        for start in &records[..records.len() - 1] {
            setting.at_each(*start..start + 1, Direction::Down, &fault, 2000, |at, outcome| {
                let _telling = Telling(what);
                match at {
                    0 => is_one_of(outcome, &[(12, "Tls"), (19, "NotTls"), LOST]),
                    _ => is_one_of(outcome, &[(12, "Tls"), LOST]),
                }
            });
        }
    }
}
