//! The routes of WebSockets: by tungstenite's client, and byte by byte.

use std::{collections::HashSet, io::ErrorKind};

use tokio_tungstenite::tungstenite::{
    Error, Message, WebSocket, client,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::*;
use crate::serve::socket::kinds;

type Client = WebSocket<TcpStream>;

/// A key and, by another program, what it gives.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODw==";
const ACCEPT: &str = "Bz3qJYTGdOe8gUSpLosEdiLKDrk=";

fn open(server: &Server, path: &str) -> Client {
    client(server.ws_url(path), connect(server.http())).unwrap().0
}

fn text(client: &mut Client) -> String {
    client.read().unwrap().into_text().unwrap().to_string()
}

fn closed(client: &mut Client) -> Option<(u16, String)> {
    let Message::Close(frame) = client.read().unwrap() else { panic!("no close frame") };
    // The rest of the closing handshake.
    while client.read().is_ok() {}
    frame.map(|frame| (frame.code.into(), frame.reason.to_string()))
}

fn upgrade(path: &str, fields: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: test.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n"
    )
}

/// Waits for the server to notice that sockets have ended.
fn closes(server: &Server, count: usize) -> Vec<u16> {
    let (mut closes, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(20));
    while closes.len() < count && Instant::now() < deadline {
        closes.extend(server.take_closes());
        thread::sleep(Duration::from_millis(5));
    }
    closes
}

#[test]
fn messages_are_echoed() {
    let mut client = open(&SERVER, "/ws/echo");
    for message in [
        Message::text("grüße"),
        Message::text(""),
        Message::binary(vec![0, 0xff]),
        Message::binary(vec![7; 200_000]),
        Message::text("x".repeat(70_000)),
    ] {
        client.send(message.clone()).unwrap();
        assert_eq!(client.read().unwrap(), message);
    }
    client.send(Message::Ping("are you there".into())).unwrap();
    assert_eq!(client.read().unwrap(), Message::Pong("are you there".into()));
    let frame = CloseFrame { code: CloseCode::Library(3456), reason: "enough".into() };
    client.close(Some(frame)).unwrap();
    assert_eq!(closed(&mut client), Some((3456, "enough".into())));
}

#[test]
fn an_echo_comes_in_fragments_and_after_a_delay() {
    let mut stream = connect(SERVER.http());
    stream.write_all(upgrade("/ws/echo?fragment=2", "").as_bytes()).unwrap();
    assert_eq!(read_one(&mut stream).status(), 101);
    stream.write_all(b"\x81\x85\0\0\0\0hello\x88\x80\0\0\0\0").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"\x01\x02he\x00\x02ll\x80\x01o\x88\x00");

    let mut client = open(&SERVER, "/ws/echo?delay=0.2");
    let start = Instant::now();
    client.send(Message::text("late")).unwrap();
    assert_eq!(text(&mut client), "late");
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_subprotocol_is_chosen_among_those_offered() {
    let protocol = |path: &str, offered: Option<&str>| {
        let mut stream = connect(SERVER.http());
        let fields = offered.map_or(String::new(), |offered| format!("Sec-WebSocket-Protocol: {offered}\r\n"));
        stream.write_all(upgrade(path, &fields).as_bytes()).unwrap();
        let reply = read_one(&mut stream);
        assert_eq!((reply.status(), reply.field("Sec-WebSocket-Accept")), (101, Some(ACCEPT)));
        reply.field("Sec-WebSocket-Protocol").map(String::from)
    };
    assert_eq!(protocol("/ws/echo", None), None);
    assert_eq!(protocol("/ws/echo", Some("chat, superchat")).as_deref(), Some("chat"));
    assert_eq!(protocol("/ws/echo?protocol=superchat", Some("chat, superchat")).as_deref(), Some("superchat"));
    assert_eq!(protocol("/ws/echo?protocol=other", Some("chat, superchat")), None);
}

#[test]
fn it_closes_as_it_is_asked_to_and_tells_how_clients_close() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = open(&server, "/ws/close/4001?reason=so%20long");
    client.send(Message::text("go on")).unwrap();
    assert_eq!(closed(&mut client), Some((4001, "so long".into())));
    assert_eq!(closed(&mut open(&server, "/ws/close/1001?now")), Some((1001, String::new())));
    let mut client = open(&server, "/ws/close/1000");
    client.close(None).unwrap();
    assert_eq!(closed(&mut client), None);
    drop(open(&server, "/ws/mute"));
    // tungstenite repeats the code that it received.
    let mut closes = closes(&server, 4);
    closes.sort_unstable();
    assert_eq!(closes, [1001, 1005, 1006, 4001]);
    assert_eq!(get("/ws/close/65536").status(), 400);
}

#[test]
fn so_many_messages_come_and_then_the_end() {
    let mut client = open(&SERVER, "/ws/messages/3?size=20&kind=binary&seed=9&fragment=7");
    let (mut pattern, mut expected) = (Pattern::new(9), [0; 20]);
    for _ in 0..3 {
        pattern.fill(&mut expected);
        assert_eq!(client.read().unwrap(), Message::binary(expected.to_vec()));
    }
    assert_eq!(closed(&mut client), Some((1000, String::new())));

    let mut client = open(&SERVER, "/ws/messages/2?size=5");
    assert_eq!(text(&mut client).len(), 5);
    assert!(text(&mut client).bytes().all(|letter| letter.is_ascii_lowercase()));
    assert_eq!(closed(&mut client), Some((1000, String::new())));

    // A client that has had enough is heard.
    let mut client = open(&SERVER, "/ws/messages/1000000000?size=100");
    text(&mut client);
    client.close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })).unwrap();
    loop {
        match client.read() {
            Ok(Message::Close(frame)) => assert_eq!(frame.unwrap().code, CloseCode::Away),
            Ok(_) => {}
            Err(error) => break assert!(matches!(error, Error::ConnectionClosed), "{error}"),
        }
    }
}

#[test]
fn it_counts_pongs() {
    let mut client = open(&SERVER, "/ws/ping/3?size=4");
    let report = loop {
        if let Message::Text(text) = client.read().unwrap() {
            break text;
        }
    };
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["sent"], 3);
    // tungstenite may leave out all but the newest.
    assert_eq!(report["pongs"].as_array().unwrap().last().unwrap(), "0003");
    assert_eq!(closed(&mut client), Some((1000, String::new())));
    let mut client = open(&SERVER, "/ws/ping/0");
    assert_eq!(text(&mut client), r#"{"sent":0,"pongs":[]}"#);
}

#[test]
fn it_tells_the_head_that_it_received() {
    let mut stream = connect(SERVER.http());
    stream.write_all(upgrade("/ws/info?a=%31", "x-ODD:  a b \r\n").as_bytes()).unwrap();
    assert_eq!(read_one(&mut stream).status(), 101);
    stream.write_all(b"\x88\x80\0\0\0\0").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let (json, end) = answer[4..].split_at(answer.len() - 8);
    let said: Value = serde_json::from_slice(json).unwrap();
    assert_eq!(said["raw_target"], "/ws/info?a=%31");
    assert_eq!(said["scheme"], "http");
    let headers = said["raw_headers"].as_array().unwrap();
    assert_eq!(headers.first().unwrap(), &serde_json::json!(["Host", "test.example"]));
    assert_eq!(headers.last().unwrap(), &serde_json::json!(["x-ODD", "a b"]));
    assert_eq!(end, b"\x88\x02\x03\xe8");
}

#[test]
fn a_handshake_is_refused() {
    let reply = Reply::of(&exchange(upgrade("/ws/reject/403?body=no", "Connection: close\r\n")));
    assert_eq!((reply.status(), reply.text()), (403, "no"));
    assert_eq!(get("/ws/reject/101").status(), 400);
    assert_eq!(get("/ws/raw/unheard-of").status(), 404);
    let good = upgrade("/ws/echo", "Connection: close\r\n");
    for (part, bad) in [
        ("GET", "POST"),
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Connection: Upgrade", "Connection: keep-alive"),
        ("Version: 13", "Version: 8"),
        ("Version: 13", "Version: 13, 8"),
        ("DA0ODw==", "DA0ODw="),
        ("DA0ODw==", "DA0ODx=="),
        ("DA0ODw==", "DA0OD*=="),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Keys"),
    ] {
        let request = good.replace(part, bad);
        assert_ne!(request, good);
        assert_eq!(Reply::of(&exchange(request)).status(), 400, "{bad}");
    }
}

#[test]
fn it_is_silent_mute_or_gone() {
    let short = |stream: &TcpStream| stream.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
    let waits = |error: ErrorKind| matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut);
    let mut stream = connect(SERVER.http());
    stream.write_all(upgrade("/ws/silent", "").as_bytes()).unwrap();
    short(&stream);
    assert!(waits(stream.read(&mut [0]).unwrap_err().kind()));

    let mut client = open(&SERVER, "/ws/mute");
    short(client.get_ref());
    for message in [Message::Ping("a".into()), Message::text("b"), Message::Close(None), Message::Close(None)] {
        // After the first close frame there is nothing more to send.
        let _ = client.send(message);
        assert!(matches!(client.read(), Err(Error::Io(error)) if waits(error.kind())));
    }

    for (path, reset) in [("/ws/drop", false), ("/ws/drop?end=reset", true)] {
        let mut client = open(&SERVER, path);
        client.send(Message::text("a")).unwrap();
        let end = client.get_mut().read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(end, if reset { Err(ErrorKind::ConnectionReset) } else { Ok(0) }, "{path}");
    }
}

#[test]
fn sockets_work_over_tls() {
    let stream = tls::secure(SERVER.authority().certificate(), "localhost", SERVER.https());
    let (mut client, _) = client(SERVER.wss_url("/ws/echo").replace("wss:", "ws:"), stream).unwrap();
    client.send(Message::text("hello")).unwrap();
    assert_eq!(client.read().unwrap(), Message::text("hello"));
    client.close(None).unwrap();
    assert!(matches!(client.read(), Ok(Message::Close(None))));
}

/// What comes on a raw route. A little after the head the client sends `then`.
fn raw(kind: &str, then: &[u8]) -> Vec<u8> {
    let mut stream = connect(SERVER.http());
    stream.write_all(upgrade(&format!("/ws/raw/{kind}"), "").as_bytes()).unwrap();
    let (mut answer, mut block) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let searched = answer.len().saturating_sub(3);
        let length = stream.read(&mut block).unwrap();
        answer.extend_from_slice(&block[..length]);
        if length == 0 || answer[searched..].windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    thread::sleep(Duration::from_millis(200));
    // It may be gone already.
    let _ = stream.write_all(then);
    let _ = stream.read_to_end(&mut answer);
    answer
}

const CLOSE_1002: &[u8] = b"\x88\x82\0\0\0\0\x03\xea";

#[test]
fn hostile_bytes_follow_a_good_handshake() {
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    );
    for (kind, frames) in [
        ("good", &b"\x81\x05hello\x88\x02\x03\xe8"[..]),
        ("in-one-piece", b"\x81\x05hello\x88\x02\x03\xe8"),
        ("byte-by-byte", b"\x81\x05hello\x88\x02\x03\xe8"),
        ("masked", b"\x81\x85abcd\x09\x07\x0f\x08\x0e"),
        ("close-1005", b"\x88\x02\x03\xed"),
        ("fin-mid-frame", b"\x81\x05hel"),
        ("bad-text-unfinished", b"\x81\x7e\x03\xe8h\xff"),
    ] {
        assert_eq!(raw(kind, CLOSE_1002), [head.as_bytes(), frames].concat(), "{kind}");
    }
    let long = raw("long-ping", CLOSE_1002);
    assert!(long.ends_with(b"xxx") && long.len() == head.len() + 4 + 126);
}

#[test]
fn a_flood_is_four_mebibytes_unless_the_client_has_had_enough() {
    let mut stream = connect(SERVER.http());
    stream.write_all(upgrade("/ws/raw/empty-fragments", "").as_bytes()).unwrap();
    read_one(&mut stream);
    let mut flood = vec![0; 5 + (4 << 20) + 4 + 4];
    stream.read_exact(&mut flood).unwrap();
    assert!(flood.starts_with(b"\x01\x03hel\x00\x00") && flood.ends_with(b"\x00\x00\x80\x02lo\x88\x02\x03\xe8"));

    let mut stream = connect(SERVER.http());
    stream.write_all(upgrade("/ws/raw/pings", "").as_bytes()).unwrap();
    read_one(&mut stream);
    stream.write_all(CLOSE_1002).unwrap();
    let mut flood = Vec::new();
    stream.read_to_end(&mut flood).unwrap();
    assert!(flood.len() < 4 << 20);
}

#[test]
fn every_kind_has_its_name_and_ends_with_the_client() {
    let names: Vec<_> = kinds().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len(), "two of a name");
    thread::scope(|scope| {
        for names in names.chunks(names.len().div_ceil(8)) {
            scope.spawn(move || {
                for kind in names {
                    let start = Instant::now();
                    let answer = raw(kind, CLOSE_1002);
                    assert!(!answer.is_empty(), "{kind}");
                    assert!(start.elapsed() < Duration::from_secs(10), "{kind}");
                }
            });
        }
    });
}

#[test]
fn the_code_that_hostile_bytes_earn_is_told() {
    let server = Server::start(Options::default()).unwrap();
    for (kind, then, expected) in [
        ("masked", CLOSE_1002, 1002),
        ("rsv1", b"\x81\xfe\0\x04abcdzzzz\x88\x82abcd\x62\x8d", 1007),
        ("rsv2", b"\x88\x80abcd", 1005),
        ("no-accept", b"", 1006),
    ] {
        let mut stream = connect(server.http());
        stream.write_all(upgrade(&format!("/ws/raw/{kind}"), "").as_bytes()).unwrap();
        read_one(&mut stream);
        stream.write_all(then).unwrap();
        drop(stream);
        assert_eq!(closes(&server, 1), [expected], "{kind}");
    }
}
