//! The opening handshake: what is asked and which answers open a socket (SOCK-01, SOCK-12, CTX-02, CTX-09).

use super::drivers::{Life, PLAIN, asked};
use super::*;
use crate::context::Proxy;
use crate::data::Data;
use crate::testing::script::{Split, Step};
use crate::testing::{Driver, answers, development, sends};

const URL: ConnectSocket<'static> = ConnectSocket::new("ws://a.test");
const PROXY: Proxy<'static> = Proxy { host: "p.test", port: 3128, credentials: Some("u:p") };

/// How an answer is taken, on all drivers and by hand.
#[track_caller]
fn answered(connect: ConnectSocket<'static>, request: &str, answer: &str) -> Result<Option<String>, Reason> {
    let steps = [Step::Fresh(PLAIN), sends(request), answers(answer), Step::Breaks, Step::Closes];
    let life = Life::new(&development(), connect, steps);
    let seen = life.run();
    let (opened, protocol) = life.open_by_hand();
    assert_eq!(opened.result.err(), seen.failure.map(|(reason, _)| reason));
    match seen.failure {
        Some((reason, _)) => Err(reason),
        None => {
            assert_eq!(seen.shown[0], Shown::Open(protocol.clone()));
            Ok(protocol)
        }
    }
}

#[track_caller]
fn plain(answer: &str) -> Result<Option<String>, Reason> {
    answered(URL, &get("/", "a.test", "", ""), answer)
}

#[test]
fn sock_01_the_request_is_a_get_with_the_fields_of_version_13() {
    assert_eq!(plain(&switched("")), Ok(None));
}

#[test]
fn sock_01_data_is_joined_to_the_url_as_on_get_and_the_fragment_is_not_sent() {
    let connect = ConnectSocket::new("ws://a.test/chat?room=1#top").data(Data::Text("name=x"));
    let request = get("/chat?room=1&name=x", "a.test", "", "");
    assert_eq!(answered(connect, &request, &switched("")), Ok(None));
}

#[test]
fn ctx_09_the_callers_fields_go_along_but_for_the_librarys_own() {
    let connect = URL.header(&[
        ("Authorization", "Bearer t"),
        ("Sec-WebSocket-Key", "evil"),
        ("sec-websocket-version", "8"),
        ("Upgrade", "h2c"),
        ("Connection", "close"),
        ("referer", "https://evil.test/"),
        ("Origin", "https://a.test"),
    ]);
    let request = get("/", "a.test", "Authorization: Bearer t\r\nOrigin: https://a.test\r\n", "");
    assert_eq!(answered(connect, &request, &switched("")), Ok(None));
}

#[test]
fn sock_01_subprotocols_are_asked_for_by_option_or_by_header() {
    let chosen = switched("Sec-WebSocket-Protocol: soap\r\n");
    let request = get("/", "a.test", "", "chat, soap");
    let soap = Ok(Some("soap".to_string()));
    assert_eq!(answered(URL.protocols(&["chat", "soap"]), &request, &chosen), soap);
    assert_eq!(answered(URL.header(&[("sec-websocket-protocol", "chat, soap")]), &request, &chosen), soap);
    // The option counts where there are both.
    let both = URL.protocols(&["chat", "soap"]).header(&[("Sec-WebSocket-Protocol", "other")]);
    assert_eq!(answered(both, &request, &chosen), soap);
    // A server need not choose.
    assert_eq!(answered(URL.protocols(&["chat", "soap"]), &request, &switched("")), Ok(None));
}

#[test]
fn sock_code_9_a_subprotocol_that_was_not_asked_for_is_refused() {
    let other = switched("Sec-WebSocket-Protocol: other\r\n");
    assert_eq!(plain(&other), Err(Reason::UnrequestedProtocol));
    let request = get("/", "a.test", "", "chat");
    assert_eq!(answered(URL.protocols(&["chat"]), &request, &other), Err(Reason::UnrequestedProtocol));
    let spelled = switched("Sec-WebSocket-Protocol: Chat\r\n");
    assert_eq!(answered(URL.protocols(&["chat"]), &request, &spelled), Err(Reason::UnrequestedProtocol));
    let twice = switched("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n");
    assert_eq!(answered(URL.protocols(&["chat"]), &request, &twice), Err(Reason::ProtocolRepeated));
    assert_eq!((Reason::UnrequestedProtocol.socket_code(), Reason::ProtocolRepeated.socket_code()), (9, 9));
}

#[test]
fn sock_01_the_fields_of_a_good_answer_may_be_lists_repeated_and_in_any_case() {
    const KEY: &str = "sec-websocket-ACCEPT: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n";
    for fields in [
        "upgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n",
        "Upgrade: other, websocket\r\nConnection: UPGRADE\r\nContent-Length: 5\r\n",
        "Upgrade: websocket\r\nConnection: close, upgrade\r\nTransfer-Encoding: chunked\r\n",
    ] {
        assert_eq!(plain(&format!("HTTP/1.1 101 Go\r\n{fields}{KEY}\r\n")), Ok(None), "{fields}");
    }
}

#[test]
fn sock_01_interim_answers_are_skipped() {
    assert_eq!(plain(&format!("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n{}", switched(""))), Ok(None));
    let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(33) + &switched("");
    assert_eq!(plain(&many), Err(Reason::MalformedHead));
}

#[test]
fn sock_code_8_every_fault_of_an_answer_has_a_reason_of_its_own() {
    const KEY: &str = "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n";
    const BOTH: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    let with = |fields: &str| format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n");
    let cases = [
        (with(&format!("Connection: Upgrade\r\n{KEY}")), Reason::WrongUpgrade),
        (with(&format!("Upgrade: h2c\r\nConnection: Upgrade\r\n{KEY}")), Reason::WrongUpgrade),
        (with(&format!("Upgrade: websocket\r\n{KEY}")), Reason::WrongConnection),
        (with(&format!("Upgrade: websocket\r\nConnection: keep-alive\r\n{KEY}")), Reason::WrongConnection),
        (with(BOTH), Reason::AcceptMissing),
        (with(&format!("{BOTH}{KEY}{KEY}")), Reason::AcceptRepeated),
        (with(&format!("{BOTH}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")), Reason::AcceptWrong),
        (with(&format!("{BOTH}Sec-WebSocket-Accept: icx+Yqv66kxgM0FcWaLWlFLwTAI=\r\n")), Reason::AcceptWrong),
        (with(&format!("{BOTH}{KEY}Sec-WebSocket-Extensions: permessage-deflate\r\n")), Reason::UnrequestedExtension),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".into(), Reason::NotUpgraded),
        ("HTTP/1.1 301 Moved\r\nLocation: ws://b.test/\r\nContent-Length: 0\r\n\r\n".into(), Reason::NotUpgraded),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".into(), Reason::NotUpgraded),
        ("HTTP/1.1 407 Proxy\r\nContent-Length: 0\r\n\r\n".into(), Reason::NotUpgraded),
        ("HTTP/1.1 426 Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n".into(), Reason::NotUpgraded),
        ("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n".into(), Reason::NotUpgraded),
        ("HTTP/1.1 500 No\r\nContent-Length: x\r\n\r\n".into(), Reason::MalformedFraming),
        (format!("HTTP/1.0 101 Switching Protocols\r\n{BOTH}{KEY}\r\n"), Reason::MalformedHead),
        ("SSH-2.0-OpenSSH_9.6\r\n".into(), Reason::MalformedHead),
        ("HTTP/1.1 101 Go\nUpgrade: websocket\n\n".into(), Reason::MalformedHead),
    ];
    for (answer, reason) in cases {
        assert_eq!((plain(&answer), reason.socket_code()), (Err(reason), 8), "{answer}");
    }
}

#[test]
fn sock_code_12_an_answer_beyond_the_memory_is_12() {
    let huge = format!("X: {}\r\n", "x".repeat(600));
    let steps = [&asked()[..], &[answers(switched(&huge)), Step::Closes]].concat();
    let mut life = Life::new(&development(), URL, steps);
    life.buffers = vec![(512, 256)];
    assert_eq!(life.run().failure(), (Some(Reason::HeadTooLarge), Some(12), None));
    let fields = "a: b\r\n".repeat(101);
    let steps = [&asked()[..], &[answers(switched(&fields)), Step::Closes]].concat();
    let mut life = Life::new(&development(), URL, steps);
    life.buffers = vec![(4096, 256)];
    assert_eq!(life.run().failure(), (Some(Reason::HeadTooLarge), Some(12), None));
}

#[test]
fn sock_01_a_101_before_the_request_is_out_is_no_answer() {
    // Read between two pieces of a long request.
    let long: String = format!("ws://a.test/{}", "x".repeat(600));
    let connect = ConnectSocket::new(Box::leak(long.into_boxed_str()));
    let steps = [Step::Fresh(PLAIN), Step::Takes(256), answers(switched("")), Step::Closes];
    let life = Life::new(&development(), connect, steps);
    for driver in [Driver::Blocking, Driver::Asynch] {
        let seen = life.once(driver, Split::Whole, (512, 256));
        assert_eq!(seen.failure(), (Some(Reason::MalformedHead), Some(8), Some(101)));
    }
}

#[test]
fn sock_12_the_connect_timeout_covers_everything_up_to_the_answer() {
    let wss = ConnectSocket::new("wss://a.test");
    const SECURE: &str = "https a.test:443";
    let request = || sends(get("/", "a.test", "", ""));
    for (timeout, took) in [(0, 30_000), (1_234, 1_234)] {
        let stalls: [Vec<Step>; 4] = [
            // Before there is a link: the transport gives up at the task's deadline.
            vec![Step::Waits(took), Step::NoLink(SECURE, Fault::Connect)],
            vec![Step::Fresh(SECURE), Step::Stalls, Step::Closes],
            vec![Step::Fresh(SECURE), Step::Secure, Step::Stalls, Step::Closes],
            vec![
                Step::Fresh(SECURE),
                Step::Secure,
                request(),
                Step::Waits(1_000),
                answers("HTTP/1.1 101 Sw"),
                Step::Stalls,
                Step::Closes,
            ],
        ];
        for steps in stalls {
            let without_link = steps.len() == 2;
            let mut life = Life::new(&development(), wss.timeout(timeout), steps);
            life.unfinished = without_link;
            let seen = life.run();
            assert_eq!(seen.failure(), (Some(Reason::Timeout), Some(6), None));
            assert_eq!(seen.took, took);
        }
    }
}

#[test]
fn sock_01_wss_is_tls_and_nothing_before_it() {
    let steps = [
        Step::Fresh("https a.test:8443"),
        Step::Secure,
        sends(get("/x", "a.test:8443", "", "")),
        answers(switched("")),
        Step::Breaks,
        Step::Closes,
    ];
    let seen = Life::new(&development(), ConnectSocket::new("wss://a.test:8443/x"), steps).run();
    assert_eq!(seen.failure, None);
}

#[test]
fn req_17_a_proxy_is_asked_for_a_tunnel_with_tls_and_without() {
    let context = development().with_proxy(Some(&PROXY));
    let connect = |to: &str| {
        sends(format!(
            "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: kiosk/7\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
        ))
    };
    let ok = || answers("HTTP/1.1 200 Connection established\r\n\r\n");
    let request = || sends(get("/", "a.test", "", ""));
    let plain = vec![
        Step::Fresh("http a.test:80 via p.test:3128"),
        connect("a.test:80"),
        ok(),
        request(),
        answers(switched("")),
        Step::Breaks,
        Step::Closes,
    ];
    assert_eq!(Life::new(&context, URL, plain).run().failure, None);
    let secure = vec![
        Step::Fresh("https a.test:443 via p.test:3128"),
        connect("a.test:443"),
        ok(),
        Step::Secure,
        request(),
        answers(switched("")),
        Step::Breaks,
        Step::Closes,
    ];
    assert_eq!(Life::new(&context, ConnectSocket::new("wss://a.test"), secure).run().failure, None);
}

#[test]
fn req_17_what_a_proxy_refuses_is_the_proxys() {
    let context = development().with_proxy(Some(&PROXY));
    let begin = || vec![Step::Fresh("http a.test:80 via p.test:3128"), Step::Request];
    let fails = |then: Step| {
        let life = Life::new(&context, URL, [begin(), vec![then, Step::Closes]].concat());
        life.run().failure()
    };
    let refuses = answers("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(fails(refuses), (Some(Reason::ProxyRefused), Some(1), Some(407)));
    assert_eq!(fails(answers("SSH-2.0\r\n")), (Some(Reason::ProxyFailed), Some(1), None));
    assert_eq!(fails(Step::Breaks), (Some(Reason::ProxyFailed), Some(1), None));
}
