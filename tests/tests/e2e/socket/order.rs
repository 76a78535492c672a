//! What is told, in which order, from `success` to the Close.

use std::sync::mpsc::channel;

use miniwire_std::{Client, Message};
use miniwire_tests::{development, fails, release, server};
use serde_json::{Value, json};

use super::{Log, closes};

#[test]
fn sock_01_open_message_and_clean_close_are_told_in_order() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url("/ws/echo")).protocol("chat").connect().unwrap();
    log.expect([r#"open Some("chat")"#]);
    client.send_socket_message("hello").unwrap();
    client.send_socket_message(Message::from_data("AQID", true).unwrap()).unwrap();
    log.expect(["message hello false", "message AQID true"]);
    client.close_socket(3001, "enough").unwrap();
    log.expect(["close 3001 enough"]);
    log.silent();
}

#[test]
fn sock_01_success_means_that_the_attempt_has_started() {
    // The server never answers, and success comes all the same.
    let server = server();
    let client = development(&server).build().unwrap();
    let (told, telling) = channel();
    let call = |path: &str| {
        let [success, fail, complete] = [told.clone(), told.clone(), told.clone()];
        client
            .connect_socket(server.ws_url(path))
            .success(move || drop(success.send("success".to_owned())))
            .fail(move |failure| drop(fail.send(format!("fail {}", failure.code()))))
            .complete(move || drop(complete.send("complete".to_owned())))
    };
    let next = || telling.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    call("/ws/silent").start();
    assert_eq!([next(), next()], ["success", "complete"]);
    client.close_socket(1000, "").unwrap();
    drop(call("/ws/echo"));
    assert!(telling.recv_timeout(std::time::Duration::from_millis(50)).is_err(), "a call that is not made");
}

#[test]
fn ctx_07_fail_then_complete_each_once_before_start_returns() {
    let client = miniwire_tests::builder().allow("localhost").build().unwrap();
    for (url, code) in [("", 3), ("wss://", 4), ("http://localhost/", 5), ("ws://localhost/", 8)] {
        let (told, telling) = channel();
        let [success, fail, complete] = [told.clone(), told.clone(), told];
        client
            .connect_socket(url)
            .success(move || drop(success.send("success".to_owned())))
            .fail(move |failure| drop(fail.send(format!("fail {}", failure.code()))))
            .complete(move || drop(complete.send("complete".to_owned())))
            .start();
        assert_eq!(telling.try_iter().collect::<Vec<_>>(), [format!("fail {code}"), "complete".into()], "{url}");
    }
}

#[test]
fn ctx_07_a_panic_in_a_callback_stops_nothing() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    let call = client.connect_socket(server.ws_url("/ws/echo"));
    call.success(|| panic!("on purpose")).complete(|| panic!("on purpose")).start();
    log.expect(["open None"]);
    client.send_socket_message("still here").unwrap();
    log.expect(["message still here false"]);
}

struct Panics;

impl serde::Serialize for Panics {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("on purpose")
    }
}

#[test]
fn ctx_07_data_that_panics_is_a_failure() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    fails(client.connect_socket(server.ws_url("/ws/echo")).data(Panics).connect(), 1, "DataNotConvertible");
    log.silent();
    client.connect_socket(server.ws_url("/ws/close/1000?now")).connect().unwrap();
    log.expect(["open None", "close 1000 "]);
}

#[test]
fn ctx_07_a_tracer_that_panics_ends_the_socket_as_an_error() {
    let server = server();
    let tracer = |what: miniwire_std::Trace<'_>| {
        if let miniwire_std::Trace::Received([0x81, ..]) = what {
            panic!("on purpose")
        }
    };
    let client = development(&server).trace(tracer).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/echo")).connect().unwrap();
    log.expect(["open None"]);
    client.send_socket_message("hello").unwrap();
    log.expect(["error 1 DataNotConvertible", "close 1006 "]);
    log.silent();
}

/// What the server was asked.
fn info(client: &Client, log: &Log) -> Value {
    let lines = log.to_the_close();
    assert_eq!((lines[0].as_str(), lines.len()), ("open None", 3), "{lines:?}");
    let text = lines[1].strip_prefix("message ").and_then(|line| line.strip_suffix(" false")).unwrap();
    assert!(!format!("{client:?}").is_empty());
    serde_json::from_str(text).unwrap()
}

#[test]
fn sock_01_data_headers_and_the_librarys_own_fields_reach_the_server() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    let call = client.connect_socket(server.wss_url("/ws/info?a=1#part"));
    let call = call.data(json!({ "b": "x y", "c": [1, 2] })).header("X-Token", "t").header("x-token", "u");
    call.header("Sec-WebSocket-Key", "mine")
        .header("Referer", "mine")
        .header("Sec-WebSocket-Extensions", "e")
        .connect()
        .unwrap();
    let head = info(&client, &log);
    assert_eq!(head["raw_target"], "/ws/info?a=1&b=x%20y&c=1&c=2");
    let fields: Vec<(String, String)> = serde_json::from_value(head["raw_headers"].clone()).unwrap();
    let all = |name: &str| {
        let found = fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(all("x-token"), ["u"]);
    assert_eq!(all("sec-websocket-version"), ["13"]);
    assert_eq!(all("upgrade"), ["websocket"]);
    assert_eq!((all("sec-websocket-key").len(), all("sec-websocket-key")[0].len()), (1, 24));
    assert!(all("sec-websocket-extensions").is_empty(), "nothing that was not built in is offered");
    let host = format!("localhost:{}", server.https().port());
    assert_eq!(all("host"), [host.as_str()]);
    assert_eq!(all("referer"), ["https://localhost/2021000000000001/1.0.0/page-frame.html"]);
}

#[test]
fn sock_01_protocols_are_asked_for_in_order_and_the_servers_choice_is_told() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    for (query, chosen) in [("", "open Some(\"chat\")"), ("?protocol=superchat", "open Some(\"superchat\")")] {
        let call = client.connect_socket(server.ws_url(&format!("/ws/echo{query}")));
        call.protocol("chat").protocol("superchat").connect().unwrap();
        log.expect([chosen]);
        client.close_socket(1000, "").unwrap();
        log.expect(["close 1000 "]);
    }
    fails(client.connect_socket(server.ws_url("/")).protocol("no token").connect(), 1, "IllegalOption");
}

#[test]
fn sock_01_one_connection_after_the_other_has_the_same_listeners() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    for code in [1000, 3000, 4999] {
        client.connect_socket(server.wss_url(&format!("/ws/close/{code}?reason=so%20long"))).connect().unwrap();
        log.expect(["open None"]);
        client.send_socket_message("go on").unwrap();
        assert_eq!(log.next(), format!("close {code} so long"));
    }
    log.silent();
    assert_eq!(closes(&server, 3), [1000, 3000, 4999], "the server's own code is sent back");
}

#[test]
fn sock_05_a_flood_of_messages_comes_in_order() {
    const COUNT: usize = 20_000;
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url(&format!("/ws/messages/{COUNT}?size=3&seed=7"))).connect().unwrap();
    let lines = log.to_the_close();
    assert_eq!(lines.len(), COUNT + 2);
    assert_eq!((lines[0].as_str(), lines[COUNT + 1].as_str()), ("open None", "close 1000 "));
    let mut pattern = miniwire_std::serve::Pattern::new(7);
    for line in &lines[1..=COUNT] {
        let mut bytes = [0; 3];
        pattern.fill(&mut bytes);
        let letters: String = bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        assert_eq!(*line, format!("message {letters} false"));
    }
}
