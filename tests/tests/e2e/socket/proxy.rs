//! Through an HTTP proxy (REQ-17): always by CONNECT.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniwire_tests::{Answer, Proxy, development, fails, promptly, refused, release, server};

use super::{Log, line, pattern};

#[test]
fn sock_01_by_connect_plain_and_under_tls() {
    let server = server();
    let proxy = Proxy::start(Answer::Forward);
    let client = development(&server).proxy(&proxy.url(), "").build().unwrap();
    let log = Log::of(&client);
    for url in [server.ws_url("/ws/echo"), server.wss_url("/ws/echo")] {
        client.connect_socket(url).header("Authorization", "Bearer secret").connect().unwrap();
        log.expect(["open None"]);
        client.send_socket_message("hello").unwrap();
        log.expect(["message hello false"]);
        client.close_socket(3000, "enough").unwrap();
        log.expect(["close 3000 enough"]);
    }
    let heads = proxy.heads();
    assert_eq!((heads.len(), proxy.accepted()), (2, 2));
    let authority = format!("localhost:{}", server.https().port());
    assert!(heads[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.http())), "{}", heads[0]);
    assert!(heads[1].starts_with(&format!("CONNECT {authority} HTTP/1.1\r\n")), "{}", heads[1]);
    assert!(!heads.concat().contains("secret"), "nothing of the call is for the proxy");
}

#[test]
fn sock_05_a_large_message_through_a_tunnel() {
    let server = server();
    let proxy = Proxy::start(Answer::ForwardFor(format!("Basic {}", STANDARD.encode("user:secret"))));
    let client = release(&server).proxy(&proxy.url_for("user:secret"), "").build().unwrap();
    let mut socket = client.connect_socket(server.wss_url("/ws/echo?fragment=9000")).open().unwrap();
    let bytes = pattern(3 << 20, 1);
    socket.send(bytes.clone()).unwrap();
    let Some(miniwire_std::SocketEvent::Message(back)) = socket.recv() else { panic!("no message") };
    assert!(back.as_bytes() == bytes);
}

#[test]
fn sock_code_1_a_proxy_that_refuses_or_fails() {
    let server = server();
    let open = |proxy: &str| {
        let client = development(&server).proxy(proxy, "").build().unwrap();
        client.connect_socket(server.wss_url("/ws/echo")).timeout(2000).open()
    };
    let failure = fails(open(&Proxy::start(Answer::ForwardFor("none".into())).url()), 1, "ProxyRefused");
    assert_eq!(failure.response().map(|response| response.status()), Some(407));
    let forbids = Answer::Bytes(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".into());
    fails(open(&Proxy::start(forbids).url()), 1, "ProxyRefused");
    for answer in [Answer::Nothing, Answer::Bytes(b"nonsense\r\n\r\n".into())] {
        let failure = fails(open(&Proxy::start(answer.clone()).url()), 1, "ProxyFailed");
        assert!(failure.response().is_none(), "{answer:?}");
    }
    fails(open(&format!("http://{}", refused())), 1, "ProxyFailed");
    assert_eq!(server.requests(), 0);
}

#[test]
fn sock_code_1_a_101_of_the_proxys_is_no_answer() {
    let server = server();
    let proxy = Proxy::start(Answer::Bytes(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".into(),
    ));
    let client = development(&server).proxy(&proxy.url(), "").build().unwrap();
    assert!(client.connect_socket(server.ws_url("/ws/echo")).open().is_err());
}

#[test]
fn sock_12_a_silent_proxy_is_code_6() {
    let server = server();
    let proxy = Proxy::start(Answer::Silence);
    let client = development(&server).proxy(&proxy.url(), "").build().unwrap();
    promptly(200, || {
        fails(client.connect_socket(server.ws_url("/ws/echo")).timeout(200).open(), 6, "Timeout");
    });
}

#[test]
fn req_17_a_direct_host_goes_around_the_proxy() {
    let server = server();
    let proxy = Proxy::start(Answer::Nothing);
    let client = development(&server).proxy(&proxy.url(), "localhost").build().unwrap();
    let mut socket = client.connect_socket(server.wss_url("/ws/close/1000?now")).open().unwrap();
    assert_eq!(line(socket.recv()), "close 1000 ");
    assert_eq!(proxy.accepted(), 0);
}
