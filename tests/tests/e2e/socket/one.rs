//! One connection per context (SOCK-02).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use miniwire_std::{SocketEvent, SocketOpen};
use miniwire_tests::{development, fails, server};

use super::{Log, closes, line, to_the_end};

#[test]
fn sock_02_a_second_connection_takes_the_place_of_the_first() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/messages/1000000000?size=100")).connect().unwrap();
    log.expect(["open None"]);
    assert!(log.next().starts_with("message "));
    client.connect_socket(server.ws_url("/ws/close/4001?now")).connect().unwrap();
    let mut lines = (0..1_000_000).map(|_| log.next()).skip_while(|line| line.starts_with("message "));
    assert_eq!(lines.next().as_deref(), Some("close 1000 "));
    assert_eq!(lines.next().as_deref(), Some("open None"));
    assert_eq!(lines.next().as_deref(), Some("close 4001 "));
    log.silent();
}

#[test]
fn sock_02_the_replaced_connection_ends_with_1000_on_the_wire_too() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["close 1000 ", "open None"]);
    assert_eq!(closes(&server, 1), [1000]);
    client.send_socket_message("to the second").unwrap();
    log.expect(["message to the second false"]);
    client.close_socket(1000, "").unwrap();
    log.expect(["close 1000 "]);
    log.silent();
}

#[test]
fn sock_02_one_that_is_still_connecting_is_replaced() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/silent")).connect().unwrap();
    client.connect_socket(server.ws_url("/ws/close/4000?now")).connect().unwrap();
    log.expect(["close 1000 ", "open None", "close 4000 "]);
    log.silent();
}

#[test]
fn sock_02_twice_in_a_row_each_has_its_one_close() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    client.connect_socket(server.ws_url("/ws/silent")).connect().unwrap();
    client.connect_socket(server.ws_url("/ws/silent")).connect().unwrap();
    client.connect_socket(server.ws_url("/ws/close/4000?now")).connect().unwrap();
    log.expect(["close 1000 ", "close 1000 ", "close 1000 ", "open None", "close 4000 "]);
    log.silent();
}

#[test]
fn sock_02_a_storm_of_connections_ends_with_the_last() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    for _ in 0..50 {
        client.connect_socket(server.ws_url("/ws/messages/1000000000?size=100")).connect().unwrap();
    }
    client.connect_socket(server.ws_url("/ws/close/4000?now")).connect().unwrap();
    let mut ended = 0;
    loop {
        // Each connection is open and heard, or is not, and ends before the next one's Open.
        match log.next() {
            line if line == "close 4000 " => break,
            line if line == "close 1000 " => ended += 1,
            line => assert!(line == "open None" || line.starts_with("message "), "{line}"),
        }
    }
    assert_eq!(ended, 50);
    log.silent();
}

#[test]
fn sock_02_from_inside_a_listener() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    let (again, times, url) = (client.clone(), Arc::new(AtomicUsize::new(0)), server.ws_url("/ws/close/4000?now"));
    let reconnect = client
        .on_socket_open(move |_: &SocketOpen| {
            if times.fetch_add(1, Ordering::SeqCst) < 3 {
                again.connect_socket(&url).connect().unwrap();
            }
        })
        .unwrap();
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect([
        "open None",
        "close 1000 ",
        "open None",
        "close 1000 ",
        "open None",
        "close 1000 ",
        "open None",
        "close 4000 ",
    ]);
    log.silent();
    client.off_socket_open(Some(&reconnect));
}

#[test]
fn sock_02_a_url_that_is_refused_leaves_the_connection_alone() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    fails(client.connect_socket("").connect(), 3, "UrlEmpty");
    client.send_socket_message("still here").unwrap();
    log.expect(["message still here false"]);
}

#[test]
fn sock_code_2_reject_refuses_a_second_while_there_is_one() {
    let server = server();
    let client = development(&server).reject_second_socket().build().unwrap();
    let log = Log::of(&client);
    let connect = |path: &str| client.connect_socket(server.ws_url(path)).connect();
    connect("/ws/silent").unwrap();
    fails(connect("/ws/echo"), 2, "SocketExists");
    fails(client.connect_socket(server.ws_url("/ws/echo")).open(), 2, "SocketExists");
    client.close_socket(1000, "").unwrap();
    log.expect(["close 1000 "]);
    connect("/ws/echo").unwrap();
    log.expect(["open None"]);
    fails(connect("/ws/echo"), 2, "SocketExists");
    client.send_socket_message("the first is as it was").unwrap();
    log.expect(["message the first is as it was false"]);
    client.close_socket(1000, "").unwrap();
    log.expect(["close 1000 "]);
    connect("/ws/close/4000?now").unwrap();
    log.expect(["open None", "close 4000 "]);
}

#[test]
fn sock_02_a_blocking_socket_is_the_one_connection_too() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    let url = server.ws_url("/ws/echo");
    // It takes the place of one with listeners.
    client.connect_socket(&url).connect().unwrap();
    log.expect(["open None"]);
    let mut first = client.connect_socket(&url).open().unwrap();
    log.expect(["close 1000 "]);
    first.send("hello").unwrap();
    assert_eq!(line(first.recv()), "message hello false");
    fails(client.send_socket_message("not by listeners"), 10, "NotConnected");
    // One takes the place of another.
    let mut second = client.connect_socket(&url).open().unwrap();
    assert_eq!(to_the_end(&mut first), ["close 1000 ", "over"]);
    fails(first.send("late"), 10, "NotConnected");
    // And one with listeners that of a blocking one, whose end is its holder's to hear.
    client.connect_socket(&url).connect().unwrap();
    log.expect(["open None"]);
    let Some(SocketEvent::Close(close)) = second.recv() else { panic!("no close") };
    assert_eq!(close.code, 1000);
    log.silent();
}
