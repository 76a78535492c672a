//! Closing: by the caller, by the server, by the page, by nobody (SOCK-06, SOCK-07, SOCK-12, CTX-06).

use std::time::{Duration, Instant};

use miniwire_std::Message;
use miniwire_tests::{builder, development, fails, promptly, release, server};

use super::{Log, closes, line, to_the_end};

#[test]
fn sock_06_close_without_a_connection_succeeds() {
    let client = builder().build().unwrap();
    let log = Log::of(&client);
    client.close_socket(1000, "").unwrap();
    client.close_socket(4999, "twice").unwrap();
    log.silent();
}

#[test]
fn sock_06_close_while_connecting_gives_the_attempt_up_at_once() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    promptly(0, || {
        client.connect_socket(server.ws_url("/ws/silent")).connect().unwrap();
        client.close_socket(3000, "never mind").unwrap();
        log.expect(["close 1000 "]);
    });
    log.silent();
}

#[test]
fn sock_06_the_servers_code_and_reason_are_told() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    let reason = "\u{fc}".repeat(61);
    for code in [1000, 1001, 1011, 3000, 4999] {
        let query = "%C3%BC".repeat(61);
        client.connect_socket(server.wss_url(&format!("/ws/close/{code}?now&reason={query}"))).connect().unwrap();
        log.expect(["open None"]);
        assert_eq!(log.next(), format!("close {code} {reason}"));
    }
    log.silent();
}

#[test]
fn sock_06_what_may_not_be_sent_is_refused_and_changes_nothing() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    for code in [0, 999, 1004, 1005, 1006, 1012, 1015, 2999, 5000, 65535] {
        fails(client.close_socket(code, ""), 1, "IllegalOption");
    }
    fails(client.close_socket(1000, &"x".repeat(124)), 1, "IllegalOption");
    client.send_socket_message("still open").unwrap();
    log.expect(["message still open false"]);
    client.close_socket(1000, &"x".repeat(123)).unwrap();
    client.close_socket(3000, "the first counts").unwrap();
    assert_eq!(log.next(), format!("close 1000 {}", "x".repeat(123)));
    log.silent();
}

#[test]
fn sock_07_a_clean_close_is_only_a_close_and_an_abnormal_end_one_error_and_one_close() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url("/ws/close/1000?now")).connect().unwrap();
    assert_eq!(log.to_the_close(), ["open None", "close 1000 "]);
    for (path, reason) in [
        ("/ws/drop?end=cut", "ConnectionLost"),
        ("/ws/drop?end=close", "ConnectionClosed"),
        ("/ws/drop?end=reset", "ConnectionLost"),
    ] {
        client.connect_socket(server.wss_url(path)).connect().unwrap();
        log.expect(["open None"]);
        client.send_socket_message("and go").unwrap();
        assert_eq!(log.to_the_close(), [format!("error 1 {reason}"), "close 1006 ".into()], "{path}");
    }
    log.silent();
}

#[test]
fn sock_07_a_server_that_goes_away_is_a_lost_connection() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/mute")).connect().unwrap();
    log.expect(["open None"]);
    drop(server);
    assert!(log.next().starts_with("error 1 Connection"));
    log.expect(["close 1006 "]);
    log.silent();
}

#[test]
fn sock_12_a_close_without_an_answer_is_cut() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    promptly(200, || {
        client.connect_socket(server.ws_url("/ws/mute")).close_timeout(200).connect().unwrap();
        log.expect(["open None"]);
        client.close_socket(1000, "").unwrap();
        log.expect(["error 1 CloseTimeout", "close 1006 "]);
    });
    log.silent();
}

#[test]
fn sock_12_the_connect_timeout_is_code_6_and_covers_everything_up_to_the_answer() {
    let server = server();
    let hole = miniwire_tests::BlackHole::new().unwrap();
    let deaf = miniwire_tests::Peer::deaf();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    for url in [
        server.ws_url("/ws/silent"),
        server.wss_url("/ws/silent"),
        format!("ws://{}/", hole.address()),
        format!("wss://{}/", deaf.address()),
    ] {
        promptly(200, || {
            client.connect_socket(&url).timeout(200).connect().unwrap();
            log.expect(["error 6 Timeout", "close 1006 "]);
        });
    }
    promptly(200, || {
        fails(client.connect_socket(server.ws_url("/ws/silent")).timeout(200).open(), 6, "Timeout");
    });
}

#[test]
fn ctx_06_unload_closes_the_socket_with_1001() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    for _ in 0..2 {
        client.connect_socket(server.wss_url("/ws/echo")).connect().unwrap();
        log.expect(["open None"]);
        client.unload_page();
        log.expect(["close 1001 "]);
    }
    assert_eq!(closes(&server, 2), [1001, 1001]);
    // While it is being connected, too.
    client.connect_socket(server.wss_url("/ws/silent")).connect().unwrap();
    client.unload_page();
    log.expect(["close 1001 "]);
    log.silent();
}

#[test]
fn ctx_06_shut_down_closes_the_socket_and_refuses_later_ones() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    client.shut_down();
    log.expect(["close 1001 "]);
    assert_eq!(closes(&server, 1), [1001]);
    client.connect_socket(server.wss_url("/ws/echo")).connect().unwrap();
    log.expect(["close 1001 "]);
    fails(client.connect_socket(server.wss_url("/ws/echo")).open(), 1, "Unloaded");
    log.silent();
}

#[test]
fn ctx_06_the_socket_ends_with_its_context() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    let clone = client.clone();
    drop(client);
    clone.send_socket_message("a clone is the context").unwrap();
    log.expect(["message a clone is the context false"]);
    drop(clone);
    log.expect(["close 1001 "]);
    assert_eq!(closes(&server, 1), [1001]);
}

#[test]
fn ctx_06_a_blocking_socket_closes_with_1001() {
    let server = server();
    let open = || {
        let client = development(&server).build().unwrap();
        let socket = client.connect_socket(server.ws_url("/ws/echo")).open().unwrap();
        (client, socket)
    };
    let (client, mut socket) = open();
    client.unload_page();
    assert_eq!(to_the_end(&mut socket), ["close 1001 ", "over"]);
    let (client, mut socket) = open();
    client.shut_down();
    assert_eq!(to_the_end(&mut socket), ["close 1001 ", "over"]);
    let (client, mut socket) = open();
    drop(client);
    assert_eq!(line(socket.recv()), "close 1001 ");
    // From another thread, while it waits.
    let (client, mut waiting) = open();
    let thread = std::thread::spawn(move || to_the_end(&mut waiting));
    std::thread::sleep(Duration::from_millis(50));
    client.unload_page();
    assert_eq!(thread.join().unwrap(), ["close 1001 ", "over"]);
    // And one that nobody holds any more.
    let (_client, left) = open();
    drop((socket, left));
    assert_eq!(closes(&server, 5), [1001; 5]);
}

#[test]
fn ctx_06_an_unload_while_messages_pour_in_and_out() {
    let server = server();
    let client = development(&server).socket_queue(64 << 20).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/messages/1000000000?size=1000")).connect().unwrap();
    log.expect(["open None"]);
    for _ in 0..16 {
        client.send_socket_message(Message::Binary(vec![1; 1 << 20])).unwrap();
    }
    let start = Instant::now();
    client.unload_page();
    assert_eq!(log.to_the_close().last().unwrap(), "close 1001 ");
    assert!(start.elapsed() < Duration::from_secs(5));
    log.silent();
}
