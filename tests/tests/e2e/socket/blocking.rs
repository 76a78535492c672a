//! The socket whose loop is the caller's.

use std::ops::ControlFlow;
use std::time::Duration;

use miniwire_std::{Message, NothingCame, Socket, SocketEvent};
use miniwire_tests::{development, fails, promptly, release, server};

use super::{closes, line, pattern, to_the_end};

const fn can_be_sent<T: Send>() {}

const _: () = can_be_sent::<Socket>();

#[test]
fn sock_05_messages_of_every_size_come_back_whole() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut socket = client.connect_socket(server.wss_url("/ws/echo?fragment=70000")).open().unwrap();
    for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20] {
        let bytes: Vec<u8> = (0..size).map(|at| (at * 7 + at / 251) as u8).collect();
        socket.send(bytes.clone()).unwrap();
        let Some(SocketEvent::Message(Message::Binary(back))) = socket.recv() else { panic!("{size}") };
        assert!(back == bytes, "{size}");
        let text = "\u{e9}".repeat(size / 2);
        socket.send(text.clone()).unwrap();
        let Some(SocketEvent::Message(Message::Text(back))) = socket.recv() else { panic!("{size}") };
        assert!(back == text, "{size}");
    }
    socket.close(1000, "").unwrap();
    let Some(SocketEvent::Close(close)) = socket.recv() else { panic!("no close") };
    assert_eq!(close.code, 1000);
    assert!(socket.recv().is_none());
}
#[test]
fn sock_07_the_servers_close_is_answered_before_the_socket_can_be_dropped() {
    let server = server();
    let client = release(&server).build().unwrap();
    for code in [1000, 3000] {
        let mut socket = client.connect_socket(server.wss_url(&format!("/ws/close/{code}?now"))).open().unwrap();
        assert_eq!(line(socket.recv()), format!("close {code} "));
        drop(socket);
        assert_eq!(closes(&server, 1), [code]);
    }
    for (kind, code) in [("masked", 1002), ("bad-text-end", 1007)] {
        let client = development(&server).build().unwrap();
        let mut socket = client.connect_socket(server.ws_url(&format!("/ws/raw/{kind}"))).open().unwrap();
        assert!(line(socket.recv()).starts_with("error 1 Violation"));
        drop(socket);
        assert_eq!(closes(&server, 1), [code]);
    }
}

#[test]
fn sock_06_close_goes_out_at_once_and_nothing_is_sent_after_it() {
    let server = server();
    let client = development(&server).build().unwrap();
    let mut socket = client.connect_socket(server.ws_url("/ws/echo")).open().unwrap();
    socket.send("last").unwrap();
    assert_eq!(line(socket.recv()), "message last false");
    assert!(socket.is_open());
    socket.close(3000, "enough").unwrap();
    assert!(!socket.is_open());
    fails(socket.send("late"), 10, "NotConnected");
    fails(socket.close(999, ""), 1, "IllegalOption");
    assert_eq!(closes(&server, 1), [3000]);
    assert_eq!(to_the_end(&mut socket), ["close 3000 enough", "over"]);
    assert_eq!(line(socket.recv()), "over");
}

#[test]
fn sock_06_the_context_closes_it_too() {
    let server = server();
    let client = development(&server).build().unwrap();
    let mut socket = client.connect_socket(server.ws_url("/ws/echo")).open().unwrap();
    client.close_socket(3000, "from outside").unwrap();
    assert!(!socket.is_open());
    fails(socket.send("late"), 10, "NotConnected");
    assert_eq!(to_the_end(&mut socket), ["close 3000 from outside", "over"]);
}

#[test]
fn sock_05_a_wait_ends_with_its_time_and_a_message_is_not_lost_to_it() {
    let server = server();
    let client = development(&server).build().unwrap();
    let mut socket = client.connect_socket(server.ws_url("/ws/echo?delay=1")).open().unwrap();
    promptly(50, || assert_eq!(socket.recv_timeout(Duration::from_millis(50)).unwrap_err(), NothingCame));
    socket.send("late").unwrap();
    assert_eq!(socket.recv_timeout(Duration::ZERO).unwrap_err(), NothingCame);
    assert_eq!(line(socket.recv_timeout(Duration::from_secs(10)).unwrap()), "message late false");
}

#[test]
fn sock_08_a_wait_ends_with_its_time_though_pings_pour_in() {
    let server = server();
    let client = development(&server).build().unwrap();
    let mut socket = client.connect_socket(server.ws_url("/ws/raw/long-frame")).open().unwrap();
    let _ = socket.recv_timeout(Duration::from_millis(1)).unwrap_err();
    let mut socket = client.connect_socket(server.ws_url("/ws/raw/pings")).open().unwrap();
    let _ = socket.recv_timeout(Duration::ZERO).unwrap_err();
    assert_eq!(to_the_end(&mut socket), ["message hello false", "close 1000 ", "over"]);
}

#[test]
fn sock_04_a_message_in_pieces_is_one_message() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut socket = client.connect_socket(server.wss_url("/ws/echo")).open().unwrap();
    // Cut within a character.
    socket.send_piece(true, &b"gr\xc3"[..], false).unwrap();
    fails(socket.send_piece(false, &b"other"[..], false), 11, "SendFailed");
    socket.send_piece(true, &b""[..], false).unwrap();
    socket.send_piece(true, &b"\xbc\xc3\x9fe"[..], true).unwrap();
    assert_eq!(line(socket.recv()), "message gr\u{fc}\u{df}e false");
    fails(socket.send_piece(true, &b"\xff"[..], true), 11, "SendFailed");
    for index in 0..100 {
        socket.send_piece(false, pattern(1000, index), index == 99).unwrap();
    }
    let Some(SocketEvent::Message(Message::Binary(back))) = socket.recv() else { panic!("no message") };
    assert!(back == (0..100).flat_map(|index| pattern(1000, index)).collect::<Vec<_>>());
}

#[test]
fn sock_09_a_streamed_message_may_be_of_any_length() {
    const SIZE: usize = 64 << 20;
    let server = server();
    let client = release(&server).max_body(1000).build().unwrap();
    let path = format!("/ws/messages/1?kind=binary&size={SIZE}&seed=3&fragment=100000");
    let mut socket = client.connect_socket(server.wss_url(&path)).open().unwrap();
    let (mut pattern, mut expected, mut size, mut ended) = (miniwire_std::serve::Pattern::new(3), Vec::new(), 0, false);
    let end = socket.recv_streamed(|text, bytes, fin| {
        assert!(!text && !ended && bytes.len() <= 16 * 1024);
        expected.resize(bytes.len(), 0);
        pattern.fill(&mut expected);
        assert!(bytes == expected);
        size += bytes.len();
        ended = fin;
        ControlFlow::Continue(())
    });
    assert_eq!((size, ended), (SIZE, true));
    assert_eq!(line(end), "close 1000 ");
    assert!(socket.recv_streamed(|_, _, _| ControlFlow::Continue(())).is_none());
}

#[test]
fn sock_09_streaming_can_be_broken_off_anywhere_and_gone_on_with() {
    let server = server();
    let client = development(&server).build().unwrap();
    let mut socket = client.connect_socket(server.ws_url("/ws/messages/4?size=8&fragment=3")).open().unwrap();
    // Three bytes of the first message, and its rest with the next call.
    let (mut sizes, mut messages) = (Vec::new(), 0);
    for _ in 0..3 {
        let end = socket.recv_streamed(|_, bytes, fin| {
            sizes.push(bytes.len());
            messages += usize::from(fin);
            ControlFlow::Break(())
        });
        assert!(end.is_none());
    }
    assert_eq!((sizes.iter().sum::<usize>(), messages), (8, 1), "{sizes:?}");
    // Of the second one its rest is not taken for a message.
    assert!(socket.recv_streamed(|_, _, _| ControlFlow::Break(())).is_none());
    let Some(SocketEvent::Message(message)) = socket.recv() else { panic!("no message") };
    assert_eq!(message.as_bytes().len(), 8);
    assert!(matches!(socket.recv(), Some(SocketEvent::Message(_))));
    assert_eq!(line(socket.recv()), "close 1000 ");
}

#[test]
fn sock_05_what_comes_while_something_is_sent_is_kept_in_order() {
    let server = server();
    for streamed in [false, true] {
        let client = release(&server).build().unwrap();
        let mut socket = client.connect_socket(server.wss_url("/ws/echo?fragment=30000")).open().unwrap();
        let messages: Vec<_> = (0..10).map(|seed| pattern(seed * 11_111, seed)).collect();
        for message in &messages {
            socket.send(message.clone()).unwrap();
        }
        socket.close(1000, "").unwrap();
        let mut back = Vec::new();
        if streamed {
            let mut whole = Vec::new();
            let end = socket.recv_streamed(|_, bytes, fin| {
                whole.extend_from_slice(bytes);
                if fin {
                    back.push(std::mem::take(&mut whole));
                }
                ControlFlow::Continue(())
            });
            assert_eq!(line(end), "close 1000 ");
        } else {
            while let Some(SocketEvent::Message(message)) = socket.recv() {
                back.push(message.as_bytes().to_vec());
            }
        }
        // What the server had not sent back before the Close is dropped.
        assert!(back.len() <= messages.len() && back == messages[..back.len()], "{}", back.len());
    }
}

#[test]
fn sock_04_a_server_that_writes_without_reading_waits_for_nobody() {
    // Less than what is kept while something is sent.
    let server = server();
    let client = release(&server).build().unwrap();
    let mut socket = client.connect_socket(server.wss_url("/ws/messages/1000?size=700&kind=binary")).open().unwrap();
    socket.send(pattern(16 << 20, 1)).unwrap_or_else(|failure| assert_eq!(failure.code(), 10));
    let mut count = 0;
    while let Some(SocketEvent::Message(message)) = socket.recv() {
        count += usize::from(message.as_bytes().len() == 700);
    }
    assert_eq!(count, 1000);
}

#[test]
fn sock_04_a_message_that_went_out_is_sent_though_the_end_comes_right_behind_it() {
    let server = server();
    let client = release(&server).build().unwrap();
    for end in ["close", "reset", "cut"].repeat(10) {
        let mut socket = client.connect_socket(server.wss_url(&format!("/ws/drop?end={end}"))).open().unwrap();
        socket.send("and go").unwrap();
        assert!(line(socket.recv()).starts_with("error 1 Connection"), "{end}");
        assert_eq!(to_the_end(&mut socket), ["close 1006 ", "over"]);
    }
}

#[test]
fn sock_code_11_a_server_that_reads_nothing_is_given_up() {
    let server = server();
    for secure in [false, true] {
        let client = development(&server).build().unwrap();
        let path = "/ws/messages/1?delay=20";
        let url = if secure { server.wss_url(path) } else { server.ws_url(path) };
        let mut socket = client.connect_socket(url).send_timeout(200).close_timeout(200).open().unwrap();
        let failure = (0..64).find_map(|_| socket.send(pattern(1 << 20, 0)).err());
        fails::<()>(Err(failure.expect("it does not take all of it")), 11, "SendFailed");
        assert_eq!(to_the_end(&mut socket), ["error 1 ConnectionLost", "close 1006 ", "over"], "secure: {secure}");
    }
}

#[test]
fn sock_09_a_message_beyond_the_limit_is_12() {
    let server = server();
    let client = development(&server).build().unwrap();
    let mut socket = client.connect_socket(server.ws_url("/ws/messages/1?size=101")).max_message(100).open().unwrap();
    assert_eq!(line(socket.recv()), "error 12 TooLarge");
    // Found when it is received, though it came while something was sent.
    let mut socket = client.connect_socket(server.ws_url("/ws/echo")).max_message(100).open().unwrap();
    socket.send("x".repeat(101)).unwrap();
    while socket.send("y").is_ok() && socket.recv_timeout(Duration::ZERO).is_err() {
        std::thread::yield_now();
    }
    assert!(!socket.is_open());
}
