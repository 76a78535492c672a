//! Sending, back-pressure, pings and limits (SOCK-04, SOCK-08, SOCK-09).

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use miniwire_std::{Message, SocketOpen, Trace};
use miniwire_tests::{development, fails, release, server};
use serde_json::Value;

use super::{Log, closes, pattern};

#[test]
fn sock_04_text_and_base64_go_out_and_come_back() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    for (data, is_buffer) in
        [("", false), ("gr\u{fc}\u{df}e \u{1f600}", false), ("", true), ("AP/+", true), ("AA==", true)]
    {
        client.send_socket_message(Message::from_data(data, is_buffer).unwrap()).unwrap();
        assert_eq!(log.next(), format!("message {data} {is_buffer}"));
    }
    client.send_socket_message(&b"bytes"[..]).unwrap();
    log.expect(["message Ynl0ZXM= true"]);
}

#[test]
fn sock_code_11_what_is_not_base64() {
    for data in ["A", "AA", "AA=", "AAA", "AA=A", "A A=", "AA==\n", "AB==", "A-_/", "\u{e9}"] {
        fails(Message::from_data(data, true), 11, "MalformedBuffer");
    }
}

#[test]
fn sock_code_10_before_the_open_and_after_the_close() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    let send = || client.send_socket_message("x");
    fails(send(), 10, "NotConnected");
    client.connect_socket(server.ws_url("/ws/silent")).connect().unwrap();
    fails(send(), 10, "NotConnected");
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["close 1000 ", "open None"]);
    send().unwrap();
    log.expect(["message x false"]);
    client.close_socket(1000, "").unwrap();
    fails(send(), 10, "NotConnected");
    log.expect(["close 1000 "]);
    fails(send(), 10, "NotConnected");
}

#[test]
fn sock_code_11_too_much_waits_to_be_sent() {
    // A server that does not read for a while.
    let server = server();
    let client = development(&server).socket_queue(1 << 20).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/messages/1?delay=1&size=5")).connect().unwrap();
    log.expect(["open None"]);
    let message = vec![7; 256 * 1024];
    let refused = (0..200).find_map(|_| client.send_socket_message(message.clone()).err());
    fails::<()>(Err(refused.expect("it does not take all of it")), 11, "SendFailed");
    // It is as it was, and goes on when the server reads.
    assert!(log.next().starts_with("message "));
    log.expect(["close 1000 "]);
}

#[test]
fn sock_04_one_message_may_be_longer_than_the_queue() {
    let server = server();
    let client = development(&server).socket_queue(10).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    let text = "x".repeat(1 << 20);
    client.send_socket_message(text.clone()).unwrap();
    assert_eq!(log.next(), format!("message {text} false"));
}

#[test]
fn sock_04_messages_given_before_the_close_are_sent_before_it() {
    let server = server();
    let (first_bytes, sent) = channel();
    let tracer = move |what: Trace<'_>| {
        if let Trace::Sent([first, ..]) = what {
            first_bytes.send(*first).unwrap_or_default();
        }
    };
    let client = release(&server).trace(tracer).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    for index in 0..100 {
        client.send_socket_message(format!("{index}")).unwrap();
    }
    client.close_socket(3001, "that is all").unwrap();
    assert_eq!(log.to_the_close().last().unwrap(), "close 3001 that is all");
    assert_eq!(closes(&server, 1), [3001]);
    // The request's head, a text frame each, and the Close.
    let sent: Vec<u8> = sent.try_iter().skip_while(|first| *first != 0x81).collect();
    assert_eq!(sent, [vec![0x81; 100], vec![0x88]].concat());
}

#[test]
fn sock_04_a_server_that_writes_without_reading_stops_nothing() {
    // Each message of the server is more than the system buffers, and it reads between them only.
    let server = server();
    for secure in [false, true] {
        let client = development(&server).socket_queue(64 << 20).build().unwrap();
        let (sizes, told) = channel();
        client
            .on_socket_message(move |message: &Message| sizes.send(message.as_bytes().len()).unwrap_or_default())
            .unwrap();
        let sender = client.clone();
        client
            .on_socket_open(move |_: &SocketOpen| {
                for seed in 0..4 {
                    sender.send_socket_message(pattern(8 << 20, seed)).unwrap();
                }
            })
            .unwrap();
        let path = format!("/ws/messages/4?kind=binary&size={}", 8 << 20);
        let url = if secure { server.wss_url(&path) } else { server.ws_url(&path) };
        client.connect_socket(url).connect().unwrap();
        for _ in 0..4 {
            assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok(8 << 20), "secure: {secure}");
        }
        client.off_socket_open(None);
    }
}

#[test]
fn sock_04_both_directions_at_once_lose_and_reorder_nothing() {
    const COUNT: usize = 300;
    let server = server();
    let client = release(&server).socket_queue(64 << 20).build().unwrap();
    let (sender, back) = channel();
    client.on_socket_message(move |message: &Message| drop(sender.send(message.clone()))).unwrap();
    let log_open = client.clone();
    client
        .on_socket_open(move |_: &SocketOpen| {
            for index in 0..COUNT {
                log_open.send_socket_message(pattern(index * 97, index)).unwrap();
            }
        })
        .unwrap();
    client.connect_socket(server.wss_url("/ws/echo?fragment=1000")).connect().unwrap();
    for index in 0..COUNT {
        let message = back.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(message.as_bytes() == pattern(index * 97, index), "{index}");
    }
    client.off_socket_open(None);
}

#[test]
fn sock_08_a_ping_is_answered_and_of_many_the_newest_always() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    for count in [1, 2, 1000] {
        client.connect_socket(server.ws_url(&format!("/ws/ping/{count}?size=4"))).connect().unwrap();
        let lines = log.to_the_close();
        let text = lines[1].strip_prefix("message ").and_then(|line| line.strip_suffix(" false")).unwrap();
        let report: Value = serde_json::from_str(text).unwrap();
        let pongs: Vec<usize> =
            report["pongs"].as_array().unwrap().iter().map(|pong| pong.as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(pongs.last(), Some(&count));
        assert!(pongs.is_sorted_by(|one, two| one < two), "{pongs:?}");
        assert_eq!(lines[2..], ["close 1000 "]);
    }
}

#[test]
fn sock_08_a_dead_peer_is_found_by_the_keep_alive_and_not_without_it() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/mute")).connect().unwrap();
    log.expect(["open None"]);
    log.silent();
    let start = Instant::now();
    client.connect_socket(server.ws_url("/ws/mute")).keep_alive(150).connect().unwrap();
    log.expect(["close 1000 ", "open None", "error 1 PeerSilent", "close 1006 "]);
    assert!(start.elapsed() >= Duration::from_millis(300), "a ping, and as long again");
    log.silent();
}

#[test]
fn sock_08_a_peer_that_answers_its_pings_is_kept() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url("/ws/echo")).keep_alive(1000).connect().unwrap();
    log.expect(["open None"]);
    std::thread::sleep(Duration::from_millis(2500));
    client.send_socket_message("still here").unwrap();
    log.expect(["message still here false"]);
}

#[test]
fn sock_09_a_message_beyond_the_limit_is_12_and_closes_with_1009() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    for fragment in [0, 10] {
        let path = format!("/ws/messages/2?size=1001&fragment={fragment}");
        client.connect_socket(server.ws_url(&path)).max_message(1000).connect().unwrap();
        log.expect(["open None", "error 12 TooLarge"]);
        // The server may have said goodbye by itself, or answers ours.
        assert!(log.next().starts_with("close 1"), "fragment {fragment}");
    }
    client.connect_socket(server.ws_url("/ws/messages/1?size=1000&fragment=10")).max_message(1000).connect().unwrap();
    assert_eq!(log.to_the_close().len(), 3);
    log.silent();
}

#[test]
fn sock_09_the_limit_of_a_body_is_that_of_a_message_by_default() {
    let server = server();
    let client = development(&server).max_body(100).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/messages/1?size=101")).connect().unwrap();
    log.expect(["open None", "error 12 TooLarge"]);
}
