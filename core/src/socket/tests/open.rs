//! Sending, closing, interrupts, timeouts: what this side does with an open socket (SOCK-04, SOCK-06, SOCK-07, SOCK-09,
//! SOCK-12, CTX-06).

use super::*;

const FIVE_SECONDS: u64 = 5_000;

fn hand() -> Hand {
    Hand::new(Settings::new())
}

fn close(hand: &mut Hand, code: u16, reason: &str) {
    assert_eq!(hand.task.close(hand.now, code, reason), Ok(()));
    hand.turn();
}

/// Everything that is sent of a message, without the headers, and how many frames that are.
#[track_caller]
fn sent(mut sending: Sending<'_>, tx: usize) -> (u8, usize, Vec<u8>) {
    let (mut task, mut tx) = (SocketTask::new(Settings::new(), Instant::from_millis(0)), vec![0; tx]);
    let (mut opcode, mut frames, mut bytes) = (0, 0, Vec::new());
    while !sending.is_done() {
        let length = sending.next(&mut task, Mask::fresh([0; 4]), &mut tx).unwrap();
        assert_eq!(tx[0] & 0x80 != 0, sending.is_done(), "FIN on the last frame and no other");
        assert_eq!(tx[0] & 0x0f == 0, frames > 0, "continuations behind the first frame");
        opcode |= tx[0] & 0x0f;
        let header = match tx[1] & 0x7f {
            126 => 8,
            127 => 14,
            _ => 6,
        };
        bytes.extend_from_slice(&tx[header..length]);
        frames += 1;
    }
    assert_eq!(sending.next(&mut task, Mask::fresh([0; 4]), &mut tx), Ok(0));
    (opcode, frames, bytes)
}

#[test]
fn sock_04_text_goes_out_as_text_and_bytes_as_binary_in_frames_that_fit() {
    assert_eq!(sent(Sending::text("gr\u{fc}n"), 256), (1, 1, "gr\u{fc}n".into()));
    assert_eq!(sent(Sending::text(""), 256), (1, 1, vec![]));
    assert_eq!(sent(Sending::binary(b"\0\xff"), 256), (2, 1, b"\0\xff".to_vec()));
    let long = "\u{4f60}".repeat(1000);
    let (opcode, frames, bytes) = sent(Sending::text(&long), 256);
    assert_eq!((opcode, frames), (1, 3000_usize.div_ceil(248)));
    assert_eq!(bytes, long.as_bytes());
    assert_eq!(sent(Sending::text(&long), 4096).1, 1);
}

#[test]
fn sock_04_is_buffer_is_base64_and_goes_out_as_the_decoded_bytes() {
    assert_eq!(sent(Sending::base64("aGk=").unwrap(), 256), (2, 1, b"hi".to_vec()));
    assert_eq!(sent(Sending::base64("").unwrap(), 256), (2, 1, vec![]));
    for length in 0..600_usize {
        let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let mut encoder = crate::base64::Encoder::new();
        let mut text = vec![0; 900];
        let mut out = crate::sink::Window::new(0, &mut text);
        encoder.put(&bytes, &mut out).unwrap();
        encoder.finish(&mut out).unwrap();
        let text = core::str::from_utf8(out.into_filled()).unwrap();
        for tx in [256, 257, 300, 4096] {
            let (opcode, frames, decoded) = sent(Sending::base64(text).unwrap(), tx);
            assert_eq!((opcode, decoded), (2, bytes.clone()), "{length} in {tx}");
            assert!(frames <= length / 100 + 1);
        }
    }
}

#[test]
fn sock_code_11_bad_base64_is_refused_before_anything_is_sent() {
    for bad in ["a", "aGk", "aGk=x", "aG k", "aGk=aGk=", "aGl=", "_-8=", "aGk=\n"] {
        assert_eq!(Sending::base64(bad).map(|_| ()), Err(Reason::MalformedBuffer), "{bad:?}");
    }
    assert_eq!(Reason::MalformedBuffer.socket_code(), 11);
}

#[test]
fn sock_04_a_message_may_be_sent_in_pieces() {
    let mut task = SocketTask::new(Settings::new(), Instant::from_millis(0));
    let mut tx = [0; 256];
    let mut all = Vec::new();
    for mut piece in [Sending::text("he").unfinished(), Sending::text("").unfinished(), Sending::text("llo")] {
        while !piece.is_done() {
            let length = piece.next(&mut task, Mask::fresh([0; 4]), &mut tx).unwrap();
            all.extend_from_slice(&tx[..length]);
        }
    }
    assert_eq!(all, [ours(0x01, b"he"), ours(0x80, b"llo")].concat());
    let mut first = Sending::text("a").unfinished();
    first.next(&mut task, Mask::fresh([0; 4]), &mut tx).unwrap();
    let other = Sending::binary(b"b").next(&mut task, Mask::fresh([0; 4]), &mut tx);
    assert_eq!(other, Err(Reason::SendFailed));
}

#[test]
fn sock_06_closing_is_1000_or_the_callers_code_and_the_servers_answer_is_reported() {
    for (code, reason) in [(1000, ""), (4000, "done")] {
        let mut hand = hand();
        close(&mut hand, code, reason);
        assert_eq!(hand.sent, ours(0x88, &closing(code, reason)));
        assert!(hand.shown.is_empty() && !hand.task.is_open());
        hand.gets(&[theirs(0x81, b"late"), theirs(0x88, &closing(code, "ok"))].concat());
        assert_eq!(hand.shown, [Close(code, "ok".into())]);
        assert!(!hand.task.is_finished(hand.now), "the server closes the link");
        hand.ends();
        assert!(hand.task.is_finished(hand.now));
        hand.insist();
    }
}

#[test]
fn sock_06_what_may_not_be_sent_is_refused_and_changes_nothing() {
    use crate::ws::close::CloseError;
    let mut hand = hand();
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        assert_eq!(hand.task.close(hand.now, code, ""), Err(CloseError::Code));
    }
    assert_eq!(hand.task.close(hand.now, 1000, &"x".repeat(124)), Err(CloseError::ReasonTooLong));
    hand.turn();
    assert!(hand.task.is_open() && hand.sent.is_empty());
}

#[test]
fn sock_06_closing_twice_is_closing_once() {
    let mut hand = hand();
    close(&mut hand, 4000, "");
    close(&mut hand, 4001, "");
    assert_eq!(hand.sent, ours(0x88, &closing(4000, "")));
    hand.gets(&theirs(0x88, &closing(4000, "")));
    assert_eq!(hand.insist().0, [Close(4000, String::new())]);
}

#[test]
fn sock_12_a_closing_handshake_without_an_answer_is_cut_after_its_own_timeout() {
    let mut hand = hand();
    close(&mut hand, 1000, "");
    assert_eq!(hand.task.deadline(), hand.now.after(FIVE_SECONDS));
    // Data does not prolong it.
    hand.waits(FIVE_SECONDS - 1);
    hand.gets(&theirs(0x81, b"still here"));
    assert!(hand.shown.is_empty());
    hand.waits(1);
    assert_eq!(hand.shown, broken(Reason::CloseTimeout));
    assert!(hand.task.is_finished(hand.now));
    hand.insist();

    let mut hand = Hand::new(Settings::new().close_timeout(7));
    close(&mut hand, 1000, "");
    hand.waits(7);
    assert_eq!(hand.shown, broken(Reason::CloseTimeout));
}

#[test]
fn sock_12_a_server_that_does_not_close_the_link_after_both_closes_is_cut() {
    let mut hand = hand();
    hand.gets(&theirs(0x88, b""));
    hand.waits(FIVE_SECONDS - 1);
    hand.gets(&[0x55; 100]);
    assert!(!hand.task.is_finished(hand.now));
    hand.waits(1);
    assert!(hand.task.is_finished(hand.now));
    assert_eq!(hand.insist().0, [Close(1005, String::new())]);
}

#[test]
fn sock_07_closing_without_an_answer_is_an_abnormal_end() {
    let mut hand = hand();
    close(&mut hand, 1000, "");
    hand.ends();
    assert_eq!(hand.insist().0, broken(Reason::ConnectionClosed));
}

#[test]
fn sock_07_a_broken_link_is_one_error_and_one_close() {
    for act in [0, 1, 2] {
        let mut hand = hand();
        if act == 1 {
            close(&mut hand, 1000, "");
        }
        hand.task.fault(hand.now, Fault::Lost);
        if act == 2 {
            hand.task.fault(hand.now, Fault::ReceiveBufferFull);
            hand.task.end_of_stream();
        }
        hand.turn();
        assert!(hand.task.is_finished(hand.now));
        assert_eq!(hand.insist().0, broken(Reason::ConnectionLost));
    }
}

#[test]
fn sock_07_what_waits_behind_a_failed_write_is_heard() {
    let mut first = hand();
    first.task.write_failed(first.now);
    assert!(!first.task.is_open());
    first.gets(&[theirs(0x81, b"last words"), theirs(0x88, &closing(1001, ""))].concat());
    assert_eq!(first.sent, b"", "nothing can be written");
    assert_eq!(first.insist().0, [Shown::Text("last words".into()), Close(1001, String::new())]);

    let mut second = hand();
    second.task.write_failed(second.now);
    second.waits(FIVE_SECONDS);
    assert_eq!(second.insist().0, broken(Reason::ConnectionLost));

    let mut third = hand();
    third.task.write_failed(third.now);
    third.ends();
    assert_eq!(third.insist().0, broken(Reason::ConnectionLost));
}

#[test]
fn sock_09_a_message_beyond_the_memory_is_12_and_closes_with_1009() {
    let mut hand = hand();
    let mut memory = [0; 8];
    let mut assemble = Assemble::new(&mut memory);
    let (_, event) = hand.task.receive(hand.now, b"\x01\x08in time.");
    let Some(Event::Message { text, data, fin }) = event else { panic!() };
    assert_eq!(assemble.piece(text, data, fin), Ok(false));
    let (_, event) = hand.task.receive(hand.now, b"\x80\x01!");
    let Some(Event::Message { text, data, fin }) = event else { panic!() };
    let reason = assemble.piece(text, data, fin).unwrap_err();
    hand.task.refuse(hand.now, reason);
    hand.turn();
    assert_eq!((reason, reason.socket_code()), (Reason::TooLarge, 12));
    assert_eq!(hand.shown, [Error(Reason::TooLarge)]);
    assert_eq!(hand.sent, ours(0x88, &closing(1009, "")));
    // The server did nothing wrong: it is given the time to answer.
    hand.gets(&[theirs(0x81, b"late"), theirs(0x88, &closing(1009, ""))].concat());
    assert_eq!(hand.insist().0, [Error(Reason::TooLarge), Close(1009, String::new())]);
}

#[test]
fn sock_09_without_an_answer_to_1009_there_is_no_second_error() {
    for end in [0, 1, 2] {
        let mut hand = hand();
        hand.task.refuse(hand.now, Reason::TooLarge);
        hand.turn();
        match end {
            0 => hand.ends(),
            1 => hand.waits(FIVE_SECONDS),
            _ => hand.gets(b"\xff"),
        }
        assert_eq!(hand.insist().0, broken(Reason::TooLarge));
    }
}

#[test]
fn sock_05_messages_are_put_together_in_the_memory_given() {
    let mut memory = [0; 8];
    let mut assemble = Assemble::new(&mut memory);
    assert_eq!(assemble.message(), Message::Binary(b""));
    assert_eq!(assemble.piece(true, b"12345678", true), Ok(true));
    assert_eq!(assemble.message(), Message::Text("12345678"));
    assert_eq!(assemble.message().data(), Some(("12345678", false)));
    assert_eq!(assemble.piece(false, b"\xff", false), Ok(false));
    assert_eq!(assemble.message(), Message::Binary(b""), "not complete");
    assert_eq!(assemble.piece(false, b"", true), Ok(true));
    assert_eq!((assemble.message(), assemble.message().data()), (Message::Binary(b"\xff"), None));
    assert_eq!(assemble.piece(false, b"123456789", true), Err(Reason::TooLarge));
}

#[test]
fn sock_05_binary_is_base64_with_is_buffer_where_that_is_asked_for() {
    let mut memory = [0; 8];
    let mut assemble = Assemble::as_base64(&mut memory);
    for (bytes, text) in [(&b"hello"[..], "aGVsbG8="), (b"hi", "aGk="), (b"", ""), (b"foobar", "Zm9vYmFy")] {
        let whole = crate::testing::at_every_split(b"x", |_| {
            assert_eq!(assemble_pieces(bytes, bytes.len()), text);
            text
        });
        assert_eq!(whole, text);
        for at in 0..=bytes.len() {
            assert_eq!(assemble_pieces(bytes, at), text);
        }
    }
    assert_eq!(assemble.piece(true, b"plain", true), Ok(true));
    assert_eq!(assemble.message().data(), Some(("plain", false)));
    assert_eq!(assemble.piece(false, b"\0", true), Ok(true));
    assert_eq!(assemble.message().data(), Some(("AA==", true)));
    assert_eq!(assemble.piece(false, b"seventy", true), Err(Reason::TooLarge));
}

fn assemble_pieces(bytes: &[u8], at: usize) -> String {
    let mut memory = [0; 8];
    let mut assemble = Assemble::as_base64(&mut memory);
    assert_eq!(assemble.piece(false, &bytes[..at], false), Ok(false));
    assert_eq!(assemble.piece(false, &bytes[at..], true), Ok(true));
    String::from_utf8(assemble.message().as_bytes().to_vec()).unwrap()
}

#[test]
fn sock_code_10_nothing_is_sent_before_the_open_or_after_the_close() {
    let mut hand = hand();
    close(&mut hand, 1000, "");
    let refused = Sending::text("x").next(&mut hand.task, Mask::fresh([0; 4]), &mut [0; 256]);
    assert_eq!(refused.map_err(|reason| (reason, reason.socket_code())), Err((Reason::NotConnected, 10)));
    // That of an attempt that has failed is not open either; before the open there is no task to send with.
    let opened = Opened::failed(Reason::Dns);
    let mut task = SocketTask::after(&opened, Settings::new(), hand.now);
    let refused = Sending::text("x").next(&mut task, Mask::fresh([0; 4]), &mut [0; 256]);
    assert_eq!(refused, Err(Reason::NotConnected));
}

#[test]
fn ctx_06_an_unloaded_page_closes_with_1001_at_once() {
    let mut first = hand();
    first.task.interrupt(first.now, Interrupt::Unload);
    first.gets(&theirs(0x81, b"late"));
    assert_eq!(first.shown, [Close(1001, String::new())]);
    assert_eq!(first.sent, ours(0x88, &closing(1001, "")));
    assert!(!first.task.is_finished(first.now), "the server may still answer");
    first.ends();
    assert!(first.task.is_finished(first.now));
    first.insist();

    let mut second = hand();
    close(&mut second, 4000, "");
    second.task.interrupt(second.now, Interrupt::Unload);
    second.turn();
    assert_eq!(second.insist(), (vec![Close(1001, String::new())], ours(0x88, &closing(4000, ""))));
}

#[test]
fn sock_02_a_replaced_socket_has_one_close_with_1000_and_no_error() {
    let mut hand = hand();
    hand.gets(&theirs(0x01, b"half a mess"));
    hand.task.interrupt(hand.now, Interrupt::Abort);
    hand.gets(&[theirs(0x80, b"age"), b"\xff\xff".to_vec()].concat());
    hand.task.fault(hand.now, Fault::Lost);
    hand.turn();
    assert_eq!(hand.sent, ours(0x88, &closing(1000, "")));
    assert_eq!(hand.insist().0, [Close(1000, String::new())]);
}

#[test]
fn sock_07_a_failed_attempt_is_an_error_and_a_close_and_one_that_was_ended_only_a_close() {
    let after = |reason| {
        let opened = Opened::failed(reason);
        let mut hand = hand();
        hand.task = SocketTask::after(&opened, Settings::new(), hand.now);
        hand.turn();
        assert!(hand.task.is_finished(hand.now) && hand.sent.is_empty());
        hand.insist().0
    };
    assert_eq!(after(Reason::Dns), broken(Reason::Dns));
    assert_eq!(after(Reason::Timeout), broken(Reason::Timeout));
    assert_eq!(after(Reason::Aborted), [Close(1000, String::new())]);
    assert_eq!(after(Reason::Unloaded), [Close(1001, String::new())]);
}

#[test]
fn sock_07_whatever_falls_between_two_steps_the_end_comes_once() {
    let blows: [Blow; 9] = [
        |_, _| {},
        |task, now| assert_eq!(task.close(now, 4000, ""), Ok(())),
        |task, now| task.interrupt(now, Interrupt::Unload),
        |task, now| task.interrupt(now, Interrupt::Abort),
        |task, now| task.refuse(now, Reason::TooLarge),
        |task, now| task.fault(now, Fault::Lost),
        |task, now| task.write_failed(now),
        |task, _| task.end_of_stream(),
        |task, now| task.abandon(now, Reason::NoRandomness),
    ];
    let life = [theirs(0x81, b"a"), theirs(0x89, b"p"), theirs(0x01, b"b"), theirs(0x88, &closing(1000, ""))].concat();
    for first in blows {
        for second in blows {
            for at in 0..=life.len() {
                for between in 0..=life.len() - at {
                    let mut hand = hand();
                    hand.gets(&life[..at]);
                    first(&mut hand.task, hand.now);
                    hand.gets(&life[at..at + between]);
                    second(&mut hand.task, hand.now);
                    hand.gets(&life[at + between..]);
                    hand.ends();
                    hand.waits(FIVE_SECONDS);
                    let (shown, _) = hand.insist();
                    let errors = shown.iter().filter(|shown| matches!(shown, Error(_))).count();
                    let closes = shown.iter().filter(|shown| matches!(shown, Close(..))).count();
                    assert!(errors <= 1 && closes == 1, "{shown:?}");
                    assert!(matches!(shown.last(), Some(Close(..))));
                    let error_at = shown.iter().position(|shown| matches!(shown, Error(_)));
                    assert!(error_at.is_none_or(|at| at + 2 == shown.len()), "{shown:?}");
                }
            }
        }
    }
}
