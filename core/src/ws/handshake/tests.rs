use std::prelude::v1::*;

use super::*;
use crate::http::head::HeadReader;
use crate::sink::Count;

/// The nonce of the example in RFC 6455 section 1.3, and its answer.
const NONCE: &[u8; 16] = b"the sample nonce";
const UPGRADE: &str = "Upgrade: websocket";
const CONNECTION: &str = "Connection: Upgrade";
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn answer_with(status: &str, fields: &[&str], protocols: &[&str]) -> Result<Option<String>, HandshakeError> {
    let raw = format!("HTTP/1.1 {status}\r\n{}\r\n\r\n", fields.join("\r\n"));
    let (head, _) = HeadReader::new().read(raw.as_bytes()).unwrap().unwrap();
    let chosen = check(&head, &Key::fresh(*NONCE), Protocols::new(protocols).unwrap());
    chosen.map(|chosen| chosen.map(str::to_owned))
}

fn answer(fields: &[&str]) -> Result<Option<String>, HandshakeError> {
    answer_with("101 Switching Protocols", fields, &["chat", "a.b, superchat"])
}

fn fields(protocols: Protocols<'_>) -> String {
    let mut buf = [0; 512];
    let mut out = Window::new(0, &mut buf);
    write_fields(&Key::fresh(*NONCE), protocols, &mut out).unwrap();
    String::from_utf8(out.into_filled().to_vec()).unwrap()
}

#[test]
fn sock_01_the_key_and_its_answer_are_those_of_the_rfc() {
    let key = Key::fresh(*NONCE);
    assert_eq!(key.as_bytes(), b"dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(&key.accept(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn sock_01_the_answer_to_other_keys() {
    // By `openssl dgst -sha1 -binary | base64`.
    for (random, key, accept) in [
        ([0; 16], b"AAAAAAAAAAAAAAAAAAAAAA==", b"ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ([0xff; 16], b"/////////////////////w==", b"XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
    ] {
        let made = Key::fresh(random);
        assert_eq!((made.as_bytes(), &made.accept()), (key, accept));
    }
}

#[test]
fn sock_01_the_fields_of_the_request_are_those_of_version_13() {
    let head = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(fields(Protocols::NONE), head);
    let list = Protocols::new(&["chat", "a.b ,superchat"]).unwrap();
    assert_eq!(fields(list), format!("{head}Sec-WebSocket-Protocol: chat, a.b, superchat\r\n"));
    // In windows of any size they are the same.
    let mut count = Count::new();
    write_fields(&Key::fresh(*NONCE), list, &mut count).unwrap();
    for size in 1..40 {
        let mut whole = Vec::new();
        while (whole.len() as u64) < count.bytes() {
            let mut buf = vec![0; size];
            let mut window = Window::new(whole.len() as u64, &mut buf);
            let _ = write_fields(&Key::fresh(*NONCE), list, &mut window);
            whole.extend_from_slice(window.into_filled());
        }
        assert_eq!(whole, fields(list).as_bytes());
    }
}

#[test]
fn sock_01_protocols_are_distinct_tokens() {
    for bad in [
        &[""][..],
        &["a", ""],
        &["a,"],
        &["a,,b"],
        &["a b"],
        &["a\r\nb"],
        &["caf\u{e9}"],
        &["a/b"],
        &["a", "b", "a"],
        &["a, b", "b"],
    ] {
        assert_eq!(Protocols::new(bad).unwrap_err(), BadProtocol, "{bad:?}");
    }
    for good in [&[][..], &["a", "A"], &["v12.stomp", "wamp.2.json", "x!#$%&'*+-^_`|~9"]] {
        assert!(Protocols::new(good).is_ok(), "{good:?}");
    }
}

#[test]
fn sock_01_a_good_answer_opens() {
    assert_eq!(answer(&[UPGRADE, CONNECTION, ACCEPT]), Ok(None));
    assert_eq!(
        answer(&["upgrade: WebSocket", "connection: upgrade", "sec-websocket-accept:s3pPLMBiTxaQ9kYGzzhZRbK+xOo= "]),
        Ok(None)
    );
    // Token lists, over several fields.
    assert_eq!(
        answer(&[
            "Upgrade: h2c",
            "Connection: keep-alive",
            ACCEPT,
            "Upgrade: x, websocket",
            "Connection: a, Upgrade ,b"
        ]),
        Ok(None)
    );
}

#[test]
fn sock_01_an_http_1_0_cannot_switch_protocols() {
    let of = |version: &str, status: &str| {
        let raw = format!("{version} {status}\r\n{UPGRADE}\r\n{CONNECTION}\r\n{ACCEPT}\r\n\r\n");
        let (head, _) = HeadReader::new().read(raw.as_bytes()).unwrap().unwrap();
        check(&head, &Key::fresh(*NONCE), Protocols::NONE)
    };
    assert_eq!(of("HTTP/1.1", "101 x"), Ok(None));
    assert_eq!(of("HTTP/1.0", "101 x"), Err(HandshakeError::Version));
    // The status says more where it is another.
    assert_eq!(of("HTTP/1.0", "404 x"), Err(HandshakeError::Status));
}

#[test]
fn sock_01_each_check_has_its_error() {
    let with = |fields: &[&str]| answer(fields).unwrap_err();
    for status in
        ["200 OK", "100 Continue", "102 Processing", "301 Moved", "401 Unauthorized", "404 x", "426 x", "500 x"]
    {
        assert_eq!(answer_with(status, &[UPGRADE, CONNECTION, ACCEPT], &[]), Err(HandshakeError::Status));
    }
    assert_eq!(with(&[CONNECTION, ACCEPT]), HandshakeError::Upgrade);
    assert_eq!(with(&["Upgrade: websockets", CONNECTION, ACCEPT]), HandshakeError::Upgrade);
    assert_eq!(with(&["Upgrade: web socket", CONNECTION, ACCEPT]), HandshakeError::Upgrade);
    assert_eq!(with(&[UPGRADE, ACCEPT]), HandshakeError::Connection);
    assert_eq!(with(&[UPGRADE, "Connection: keep-alive", ACCEPT]), HandshakeError::Connection);
    assert_eq!(with(&[UPGRADE, CONNECTION]), HandshakeError::AcceptMissing);
    assert_eq!(with(&[UPGRADE, CONNECTION, ACCEPT, ACCEPT]), HandshakeError::AcceptRepeated);
    assert_eq!(with(&[UPGRADE, CONNECTION, "Sec-WebSocket-Accept:", ACCEPT]), HandshakeError::AcceptRepeated);
    for wrong in [
        "",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "dGhlIHNhbXBsZSBub25jZQ==",
        "ICX+Yqv66kxgM0FcWaLWlFLwTAI=",
    ] {
        let accept = format!("Sec-WebSocket-Accept: {wrong}");
        assert_eq!(with(&[UPGRADE, CONNECTION, &accept]), HandshakeError::AcceptWrong, "{wrong}");
    }
    for extension in ["permessage-deflate", "x; y=1, z", ""] {
        let field = format!("Sec-WebSocket-Extensions: {extension}");
        assert_eq!(with(&[UPGRADE, CONNECTION, ACCEPT, &field]), HandshakeError::Extension);
    }
}

#[test]
fn sock_01_the_protocol_is_one_that_was_asked_for() {
    let chosen = |name: &str| answer(&[UPGRADE, CONNECTION, ACCEPT, &format!("Sec-WebSocket-Protocol: {name}")]);
    for name in ["chat", "a.b", "superchat"] {
        assert_eq!(chosen(name), Ok(Some(name.to_owned())));
    }
    for name in ["", "Chat", "chat, superchat", "other", "a.b, superchat", "chat superchat"] {
        assert_eq!(chosen(name), Err(HandshakeError::ProtocolNotAsked), "{name}");
    }
    let field = "Sec-WebSocket-Protocol: chat";
    assert_eq!(answer(&[UPGRADE, CONNECTION, ACCEPT, field, field]), Err(HandshakeError::ProtocolRepeated));
    let unasked = answer_with("101 x", &[UPGRADE, CONNECTION, ACCEPT, field], &[]);
    assert_eq!(unasked, Err(HandshakeError::ProtocolNotAsked));
}
