//! Our own pings (SOCK-08).

use super::*;

fn hand() -> Hand {
    Hand::new(Settings::new().keep_alive(1_000))
}

#[test]
fn sock_08_the_keep_alive_is_off_by_default() {
    let mut hand = Hand::new(Settings::new());
    hand.waits(1_000_000_000);
    assert_eq!((hand.sent.len(), hand.shown.len()), (0, 0));
    assert_eq!(hand.task.deadline(), Instant::from_millis(u64::MAX));
}

#[test]
fn sock_08_a_silent_server_is_sent_a_ping_and_given_up_after_another_interval() {
    let mut hand = hand();
    hand.waits(999);
    assert!(hand.sent.is_empty());
    hand.waits(1);
    assert_eq!(hand.sent, ours(0x89, b""));
    assert_eq!(hand.task.deadline(), hand.now.after(1_000));
    hand.waits(999);
    assert!(hand.shown.is_empty() && hand.task.is_open());
    hand.waits(1);
    assert_eq!(hand.shown, broken(Reason::PeerSilent));
    assert!(hand.task.is_finished(hand.now));
    assert_eq!(Reason::PeerSilent.socket_code(), 1);
    hand.insist();
}

#[test]
fn sock_08_a_pong_or_any_byte_is_a_sign_of_life() {
    for life in [&theirs(0x8a, b"")[..], &theirs(0x8a, b"")[..1], &theirs(0x81, b"hi"), &theirs(0x82, b"long")[..3]] {
        let mut hand = hand();
        hand.waits(1_000);
        hand.waits(999);
        hand.gets(life);
        hand.waits(1);
        assert_eq!(hand.task.deadline(), hand.now.after(999));
        hand.waits(999);
        assert_eq!(hand.sent, ours(0x89, b"").repeat(2));
        assert!(hand.task.is_open());
    }
}

#[test]
fn sock_08_bytes_that_only_wait_are_no_sign_of_life() {
    let mut hand = hand();
    // Half a control frame stays in the buffer.
    hand.gets(&theirs(0x89, b"half")[..4]);
    hand.waits(1_000);
    hand.waits(1_000);
    assert_eq!(hand.shown, broken(Reason::PeerSilent));
}

#[test]
fn sock_08_a_server_that_talks_needs_no_ping() {
    let mut hand = hand();
    for _ in 0..10 {
        hand.waits(900);
        hand.gets(&theirs(0x81, b"x"));
    }
    assert!(hand.sent.is_empty());
}

#[test]
fn sock_08_while_the_socket_closes_there_is_no_ping() {
    let mut hand = Hand::new(Settings::new().keep_alive(100));
    hand.task.close(hand.now, 1000, "").unwrap();
    hand.waits(4_999);
    assert_eq!(hand.sent, ours(0x88, &closing(1000, "")));
    hand.waits(1);
    assert_eq!(hand.shown, broken(Reason::CloseTimeout));
}
