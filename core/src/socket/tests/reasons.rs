//! Every code of the table and every reason of an attempt, provoked (SOCK-01); those of an open socket are in `open`,
//! `wire`, `keep_alive`, `drivers` and `rule`.

use std::collections::BTreeSet;

use super::drivers::{Life, PLAIN, asked};
use super::*;
use crate::context::Context;
use crate::data::Data;
use crate::policy::{Api, Policy, Whitelist};
use crate::reason::CertificateFault;
use crate::testing::development;
use crate::testing::script::Step;

const SECURE: &str = "https a.test:443";

#[track_caller]
fn fails(connect: ConnectSocket<'static>, steps: &[Step]) -> (Reason, u8) {
    let life = Life::new(&development(), connect, steps);
    let seen = life.run();
    let (reason, code, _) = seen.failure();
    (reason.expect("it fails"), code.expect("it fails"))
}

/// What is known at once: the `fail` of `my.connectSocket`.
#[track_caller]
fn refused(context: &Context<'_>, connect: ConnectSocket<'_>) -> Option<(Reason, u8)> {
    let handshake = Handshake::new(&connect, [0; 16]);
    let task = OpeningTask::new(context, &handshake, Instant::from_millis(0));
    task.refused().map(|reason| (reason, reason.socket_code()))
}

#[test]
fn sock_01_what_is_known_at_once_fails_at_once() {
    let context = development();
    let url = |url: &str| refused(&context, ConnectSocket::new(url));
    assert_eq!(url("ws://a.test"), None);
    assert_eq!(url("WSS://a.test"), None);
    for empty in ["", "  "] {
        assert_eq!(url(empty), Some((Reason::UrlEmpty, 3)));
    }
    for malformed in ["ws://", "wss://a b/", "ws://u:p@a.test/", "wss://a.test:0x50/", "WS://[::1"] {
        assert_eq!(url(malformed), Some((Reason::UrlMalformed, 4)), "{malformed}");
    }
    assert_eq!(url("ws://a.test/%zz"), Some((Reason::MalformedEscape, 4)));
    assert_eq!(url(&format!("ws://a.test/{}", "x".repeat(2048))), Some((Reason::UrlTooLong, 4)));
    for other in ["http://a.test", "https://a.test", "test.php", "ws:a.test", "wsx://a.test", "://", "ftp://a b"] {
        assert_eq!(url(other), Some((Reason::UrlScheme, 5)), "{other}");
    }
    assert_eq!(url(&"x".repeat(5000)), Some((Reason::UrlScheme, 5)));

    let connect = ConnectSocket::new("ws://a.test");
    assert_eq!(refused(&context, connect.header(&[("a b", "c")])), Some((Reason::IllegalHeader, 1)));
    assert_eq!(refused(&context, connect.data(Data::Bytes(b"x"))), Some((Reason::IllegalOption, 1)));
    assert_eq!(refused(&context, connect.data(Data::Value(&[1, 2]))), Some((Reason::DataNotConvertible, 1)));
    for protocols in [&["a", "a"][..], &["a b"], &[""], &["a,"]] {
        assert_eq!(refused(&context, connect.protocols(protocols)), Some((Reason::IllegalOption, 1)));
    }
}

#[test]
fn ctx_03_plain_ws_is_8_under_release_and_the_whitelist_is_opted_in() {
    let release = |policy| Context::new("1", "1", policy).unwrap();
    let whitelist = || Whitelist::new(&["a.test"]).unwrap();
    let context = release(Policy::release(whitelist()));
    assert_eq!(refused(&context, ConnectSocket::new("ws://a.test")), Some((Reason::PlainHttpRefused, 8)));
    assert_eq!(refused(&context, ConnectSocket::new("wss://b.test")), None);
    let context = release(Policy::release(whitelist()).also_for_sockets());
    assert_eq!(refused(&context, ConnectSocket::new("wss://b.test")), Some((Reason::HostNotAllowed, 1)));
    assert_eq!(refused(&context, ConnectSocket::new("wss://x.a.test")), None);
}

#[test]
fn sock_code_1_a_network_that_fails() {
    let ws = ConnectSocket::new("ws://a.test");
    let wss = ConnectSocket::new("wss://a.test");
    assert_eq!(fails(ws, &[Step::NoLink(PLAIN, Fault::Dns)]), (Reason::Dns, 1));
    assert_eq!(fails(ws, &[Step::NoLink(PLAIN, Fault::Connect)]), (Reason::Connect, 1));
    let tls = |fault| [Step::Fresh(SECURE), Step::NotSecure(fault)];
    assert_eq!(fails(wss, &tls(Fault::Tls)), (Reason::Tls, 1));
    assert_eq!(fails(wss, &tls(Fault::NotTls)), (Reason::NotTls, 1));
    assert_eq!(fails(ws, &[&asked()[..], &[Step::Breaks, Step::Closes]].concat()), (Reason::ConnectionLost, 1));
    assert_eq!(fails(ws, &[&asked()[..], &[Step::Ends, Step::Closes]].concat()), (Reason::ConnectionClosed, 1));
}

#[test]
fn sock_code_7_a_bad_certificate_says_what_is_wrong_with_it() {
    for fault in CertificateFault::all() {
        let steps = [Step::Fresh(SECURE), Step::NotSecure(Fault::Certificate(fault))];
        assert_eq!(fails(ConnectSocket::new("wss://a.test"), &steps), (Reason::Certificate(fault), 7));
    }
}

#[test]
fn sock_06_an_attempt_that_is_ended_reports_a_close_and_no_error() {
    for (interrupt, reason) in [(Interrupt::Abort, Reason::Aborted), (Interrupt::Unload, Reason::Unloaded)] {
        let steps = [&asked()[..], &[Step::Interrupts(interrupt), Step::Closes]].concat();
        // What becomes of it then is proved in `open`.
        assert_eq!(fails(ConnectSocket::new("ws://a.test"), &steps), (reason, 1));
    }
}

#[test]
fn sock_codes_are_those_of_the_table_with_these_reasons() {
    use Reason::*;
    let named = [
        (2, vec![SocketExists]),
        (3, vec![UrlEmpty]),
        (4, vec![UrlMalformed, UrlTooLong, MalformedEscape]),
        (5, vec![UrlScheme]),
        (6, vec![Timeout]),
        (
            8,
            vec![
                PlainHttpRefused,
                MalformedHead,
                MalformedFraming,
                NotUpgraded,
                WrongUpgrade,
                WrongConnection,
                AcceptMissing,
                AcceptRepeated,
                AcceptWrong,
                UnrequestedExtension,
                ExtensionParameter,
            ],
        ),
        (9, vec![UnrequestedProtocol, ProtocolRepeated]),
        (10, vec![NotConnected]),
        (11, vec![MalformedBuffer, SendFailed]),
        (12, vec![TooLarge, HeadTooLarge]),
        (1, vec![Dns, Connect, ConnectionLost, ConnectionClosed, Tls, NotTls, HostNotAllowed, PeerSilent]),
        (1, vec![CloseTimeout, NoRandomness, ProxyRefused, ProxyFailed, IllegalHeader, IllegalOption]),
    ];
    let mut seen = BTreeSet::from([7]);
    for (code, reasons) in named {
        seen.insert(code);
        assert!(reasons.into_iter().all(|reason| reason.socket_code() == code), "{code}");
    }
    assert!(seen.iter().eq(Api::ConnectSocket.codes()));
}
