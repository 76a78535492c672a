//! What a server sends, good and bad, at every split (SOCK-05, SOCK-07, SOCK-09, SOCK-10).

use super::*;
use crate::ws::violation::Violation;

fn text(text: &str) -> Shown {
    Shown::Text(text.into())
}

#[test]
fn sock_05_messages_come_as_they_were_sent() {
    let bytes = [
        theirs(0x81, b"hello"),
        theirs(0x82, b"\0\xff"),
        theirs(0x81, b""),
        theirs(0x01, "gr\u{fc}".as_bytes()),
        theirs(0x89, b"ping"),
        theirs(0x00, b""),
        theirs(0x80, "\u{df}".as_bytes()),
        theirs(0x88, &closing(1000, "bye")),
    ];
    let (shown, sent) = hears(&bytes.concat());
    let binary = Shown::Binary(b"\0\xff".to_vec());
    assert_eq!(shown, [text("hello"), binary, text(""), text("gr\u{fc}\u{df}"), Close(1000, "bye".into())]);
    assert_eq!(sent, [ours(0x8a, b"ping"), ours(0x88, &closing(1000, ""))].concat());
}

#[test]
fn sock_07_a_close_of_the_servers_is_a_clean_end_and_only_a_close() {
    for (code, reason) in [(1000, ""), (1001, "moved"), (1011, "x"), (3000, ""), (4999, &*"r".repeat(123))] {
        let (shown, sent) = hears(&theirs(0x88, &closing(code, reason)));
        assert_eq!(shown, [Close(code, reason.into())]);
        assert_eq!(sent, ours(0x88, &closing(code, "")));
    }
    let (shown, sent) = hears(&theirs(0x88, b""));
    assert_eq!((shown, sent), (vec![Close(1005, String::new())], ours(0x88, b"")));
}

#[test]
fn sock_07_data_behind_the_close_is_dropped() {
    let bytes = [theirs(0x88, &closing(1000, "")), theirs(0x81, b"late"), vec![0xff; 40]].concat();
    let (shown, _) = hears(&bytes);
    assert_eq!(shown, [Close(1000, String::new())]);
}

#[test]
fn sock_07_an_end_of_the_stream_without_a_close_is_one_error_and_one_close_with_1006() {
    let frame = theirs(0x81, b"hello");
    for end in 0..frame.len() {
        let (shown, sent) = hears(&frame[..end]);
        assert_eq!(shown, broken(Reason::ConnectionClosed), "{end}");
        assert!(sent.is_empty());
    }
    let (shown, _) = hears(&[&theirs(0x89, b"half a ping")[..5]].concat());
    assert_eq!(shown, broken(Reason::ConnectionClosed));
}

#[test]
fn sock_10_what_the_rfc_forbids_is_refused_with_1002_and_reported_once() {
    let two_to_63 = [&[0x82, 127, 0x80][..], &[0; 7]].concat();
    let cases: [(Violation, Vec<u8>); 18] = [
        (Violation::Masked, ours(0x81, b"hi")),
        (Violation::ReservedBit, theirs(0xc1, b"hi")),
        (Violation::ReservedBit, theirs(0x91, b"hi")),
        (Violation::ReservedOpcode, theirs(0x83, b"")),
        (Violation::ReservedOpcode, theirs(0x8b, b"")),
        (Violation::FragmentedControl, theirs(0x09, b"")),
        (Violation::LongControl, theirs(0x89, &[b'x'; 126])),
        (Violation::OverlongLength, vec![0x82, 126, 0, 125]),
        (Violation::OverlongLength, vec![0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff]),
        (Violation::LengthTopBit, two_to_63),
        (Violation::UnexpectedContinuation, theirs(0x80, b"x")),
        (Violation::InterleavedMessage, [theirs(0x01, b"a"), theirs(0x81, b"b")].concat()),
        (Violation::CloseBody, theirs(0x88, b"\x03")),
        (Violation::CloseCode, theirs(0x88, &closing(999, ""))),
        (Violation::CloseCode, theirs(0x88, &closing(1005, ""))),
        (Violation::CloseCode, theirs(0x88, &closing(1006, ""))),
        (Violation::CloseCode, theirs(0x88, &closing(1015, ""))),
        (Violation::CloseCode, theirs(0x88, &closing(5000, ""))),
    ];
    for (violation, bytes) in cases {
        let (shown, sent) = hears(&[bytes, theirs(0x81, b"late"), theirs(0x88, b"")].concat());
        assert_eq!(shown, broken(Reason::Violation(violation)), "{violation:?}");
        assert_eq!(sent, ours(0x88, &closing(1002, "")), "{violation:?}");
        assert_eq!(Reason::Violation(violation).socket_code(), 1);
    }
}

#[test]
fn sock_09_text_that_is_not_utf_8_fails_at_its_first_bad_byte_with_1007() {
    let mut hand = Hand::new(Settings::new());
    // A thousand bytes are announced; the third is wrong, and nobody waits for the rest.
    hand.gets(&[0x81, 126, 3, 232, b'o', b'k']);
    assert!(hand.shown.is_empty());
    hand.gets(b"\xff");
    assert_eq!(hand.shown, broken(Reason::Violation(Violation::NotUtf8)));
    assert_eq!(hand.sent, ours(0x88, &closing(1007, "")));
    hand.insist();
    for bytes in [theirs(0x81, b"a\xc3"), theirs(0x81, b"\xed\xa0\x80"), theirs(0x88, b"\x03\xe8\xc3")] {
        let (shown, sent) = hears(&bytes);
        assert_eq!(shown, broken(Reason::Violation(Violation::NotUtf8)));
        assert_eq!(sent, ours(0x88, &closing(1007, "")));
    }
}

#[test]
fn sock_09_floods_of_empty_fragments_end_with_the_message_and_show_nothing_before() {
    let flood = [theirs(0x01, b""), theirs(0x00, b"").repeat(2_000), theirs(0x80, b"end")].concat();
    let mut hand = Hand::new(Settings::new());
    for piece in flood.chunks(512) {
        hand.gets(piece);
    }
    assert_eq!(hand.shown, [text("end")]);
}

#[test]
fn sock_08_of_pings_that_wait_together_the_newest_is_answered() {
    // The link takes nothing while they come.
    let mut task = SocketTask::new(Settings::new(), Instant::from_millis(0));
    let flood: Vec<u8> = (0..1000).flat_map(|n| theirs(0x89, format!("{n}").as_bytes())).collect();
    let (mut rest, now) = (&flood[..], Instant::from_millis(0));
    while !rest.is_empty() {
        let (consumed, event) = task.receive(now, rest);
        assert_eq!(event, None);
        rest = &rest[consumed..];
    }
    let mut tx = [0; 256];
    let length = task.transmit(now, Mask::fresh([0; 4]), &mut tx);
    assert_eq!(tx[..length], ours(0x8a, b"999"));
    assert!(!task.has_output(now));
}

#[test]
fn sock_08_pongs_that_nobody_asked_for_are_ignored() {
    let bytes = [theirs(0x8a, b"who?"), theirs(0x81, b"hi"), theirs(0x88, b"")].concat();
    assert_eq!(hears(&bytes).0, [text("hi"), Close(1005, String::new())]);
}
