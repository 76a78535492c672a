//! `my.connectSocket` and the socket calls (SOCK).

use miniwire_core::reason::{CertificateFault, Reason};
use miniwire_tests::kinds::{SOCKETS, UNFINISHED};
use serde_json::json;

use super::{Call, Data, Do, Ending, Rules, Scenario, Site, Socket};

/// What nearly every script begins with, and ends with.
const OPEN: &str = "open None";
const OVER: &str = "over";

pub(super) fn all(site: &Site) -> Vec<Scenario> {
    let both = [site.plain_socket(""), site.secure_socket("")];
    let mut all = Vec::new();
    for origin in &both {
        all.extend([opened(origin), talking(origin), closed(origin), ended(origin), one(origin)].into_iter().flatten());
    }
    let [plain, secure] = &both;
    all.extend(failing(site, plain, secure));
    all
}

/// A socket, which is heard to its end unless it is told to do something.
pub(crate) fn socket(promise: &str, url: &str) -> Scenario {
    let socket = Socket {
        url: url.into(),
        headers: Vec::new(),
        data: Data::None,
        protocols: Vec::new(),
        timeout: 0,
        keep_alive: 0,
        close_timeout: 5000,
        compress: false,
        limit: 1 << 20,
        steps: vec![Do::HearAll],
    };
    Scenario::new(format!("{promise} {}", url.split('?').next().unwrap_or_default()), Call::Socket(socket))
}

impl Scenario {
    pub(crate) fn set(mut self, change: impl FnOnce(&mut Socket)) -> Self {
        if let Call::Socket(socket) = &mut self.call {
            change(socket);
        }
        self
    }

    /// In the end it is heard to the end.
    pub(crate) fn does(self, steps: impl Into<Vec<Do>>) -> Self {
        self.set(|it| {
            it.steps = steps.into();
            it.steps.push(Do::HearAll);
        })
    }

    /// Between the Open and the end.
    pub(crate) fn tells<L: Into<String>>(mut self, lines: impl IntoIterator<Item = L>) -> Self {
        self.lines = [OPEN.into()].into_iter().chain(lines.into_iter().map(Into::into)).chain([OVER.into()]).collect();
        self
    }

    /// What it tells, with the subprotocol that the server chose.
    pub(crate) fn agrees(mut self, protocol: &str) -> Self {
        self.lines[0] = format!("open {:?}", Some(protocol));
        self
    }

    pub(crate) fn sees(mut self, closes: impl Into<Vec<u16>>) -> Self {
        self.closes = closes.into();
        self
    }
}

pub(crate) fn text(text: &str) -> Do {
    Do::Text(text.into())
}

pub(crate) fn close(code: u16, reason: &str) -> Do {
    Do::Close(code, reason.into())
}

/// The opening handshake (SOCK-01, CTX-02, CTX-09).
fn opened(origin: &str) -> Vec<Scenario> {
    let asks = |promise, path| socket(promise, &format!("{origin}{path}")).sees([1000]);
    let agrees =
        |promise, path, protocol| asks(promise, path).does([close(1000, "")]).tells(["close 1000 "]).agrees(protocol);
    vec![
        asks("SOCK-01 the request", "/ws/info"),
        asks("SOCK-01 data is joined to the URL", "/ws/info?a=1#part")
            .set(|it| it.data = Data::Value(json!({"k": "a b", "l": [1, null]}))),
        asks("SOCK-01 a text as it is", "/ws/info").set(|it| it.data = Data::Text("a=1&b")),
        asks("CTX-09 the caller's fields go along, but for the library's own", "/ws/info").set(|it| {
            it.headers = vec![
                ("Authorization", "Bearer t"),
                ("Sec-WebSocket-Key", "evil"),
                ("upgrade", "h2c"),
                ("Connection", "close"),
                ("referer", "https://evil.test/"),
                ("X-Mine", "1"),
            ];
        }),
        agrees("SOCK-01 the subprotocol that the server chose", "/ws/echo?protocol=chat", "chat")
            .set(|it| it.protocols = vec!["soap", "chat"]),
        agrees("SOCK-01 asked for in a header field", "/ws/echo?protocol=v2.chat", "v2.chat")
            .set(|it| it.headers = vec![("sec-websocket-protocol", "chat, v2.chat")]),
        asks("SOCK-01 a server need not choose", "/ws/raw/good")
            .set(|it| it.protocols = vec!["soap", "chat"])
            .tells(["message hello false", "close 1000 "]),
        asks("SOCK-01 nor compress", "/ws/raw/good")
            .set(|it| it.compress = true)
            .tells(["message hello false", "close 1000 "]),
    ]
}

/// Messages in both directions (SOCK-04, SOCK-05, SOCK-08, SOCK-09).
fn talking(origin: &str) -> Vec<Scenario> {
    let talks = |promise, path| socket(promise, &format!("{origin}{path}"));
    let long = "0123456789".repeat(10_000);
    let long_back = format!("message {long} false");
    let full = "x".repeat(1000);
    let full_back = format!("message {full} false");
    vec![
        talks("SOCK-04 texts of every size", "/ws/echo")
            .does([
                text("gr\u{fc}\u{df}e \u{1f600}"),
                Do::Hear,
                text(""),
                Do::Hear,
                text(&long),
                Do::Hear,
                close(1000, ""),
            ])
            .tells(["message gr\u{fc}\u{df}e \u{1f600} false", "message  false", &long_back, "close 1000 "])
            .sees([1000]),
        talks("SOCK-04 base64 goes out as the bytes, and comes back", "/ws/echo")
            .does([
                Do::Base64("AP/+"),
                Do::Hear,
                Do::Base64(""),
                Do::Hear,
                Do::Bytes(b"bytes".into()),
                Do::Hear,
                Do::Base64("AB=="),
                Do::Base64("A A="),
                close(1000, ""),
            ])
            .tells([
                "message AP/+ true",
                "message  true",
                "message Ynl0ZXM= true",
                "refused 11 MalformedBuffer",
                "refused 11 MalformedBuffer",
                "close 1000 ",
            ])
            .sees([1000]),
        talks("SOCK-09 fragments are assembled", "/ws/echo?fragment=3")
            .does([text("fragmented \u{e9}"), Do::Hear, close(1000, "")])
            .tells(["message fragmented \u{e9} false", "close 1000 "])
            .sees([1000]),
        talks("SOCK-08 a ping is answered", "/ws/ping/1?size=4")
            .tells([r#"message {"sent":1,"pongs":["0001"]} false"#, "close 1000 "])
            .sees([1000]),
        talks("SOCK-05 nothing is there before it has come", "/ws/echo")
            .does([Do::HearNow, text("now"), Do::Hear, Do::HearNow, close(1000, "")])
            .tells(["message now false", "close 1000 "])
            .sees([1000]),
        talks("SOCK-05 many messages in their order", "/ws/messages/300?size=700&seed=7").sees([1000]),
        talks("SOCK-05 and bytes", "/ws/messages/50?size=3000&kind=binary&seed=7").sees([1000]),
        talks("SOCK-09 a message of the memory's size", "/ws/echo")
            .set(|it| it.limit = 1000)
            .does([text(&full), Do::Hear, close(1000, "")])
            .tells([&full_back, "close 1000 "])
            .sees([1000]),
        talks("SOCK-09 one byte more is 12", "/ws/echo")
            .set(|it| it.limit = 999)
            .does([text(&full)])
            .tells(["error 12 TooLarge", "close 1009 "])
            .sees([1009]),
        talks("SOCK-09 in fragments, too", "/ws/echo?fragment=100")
            .set(|it| it.limit = 999)
            .does([text(&full)])
            .tells(["error 12 TooLarge", "close 1009 "])
            .sees([1009]),
        talks("SOCK-08 a peer that answers its pings is kept", "/ws/echo")
            .set(|it| it.keep_alive = 400)
            .does([Do::Rest(1000), text("still here"), Do::Hear, close(1000, "")])
            .tells(["nothing", "message still here false", "close 1000 "])
            .sees([1000]),
    ]
}

/// Closing, on either side (SOCK-06, SOCK-07, SOCK-12).
fn closed(origin: &str) -> Vec<Scenario> {
    let talks = |promise: &str, path: &str| socket(promise, &format!("{origin}{path}"));
    let secure = origin.starts_with("wss");
    let most = "x".repeat(123);
    let (most_back, too_much) = (format!("close 1000 {most}"), "x".repeat(124));
    let mut all = vec![
        talks("SOCK-06 a code and a reason", "/ws/echo")
            .does([close(3000, "enough")])
            .tells(["close 3000 enough"])
            .sees([3000]),
        talks("SOCK-06 what may not be sent changes nothing", "/ws/echo")
            .does([
                close(1005, ""),
                close(999, ""),
                close(5000, ""),
                close(1000, &too_much),
                text("still open"),
                Do::Hear,
                close(1000, &most),
                close(3000, "the first counts"),
            ])
            .tells([
                "refused 1 IllegalOption",
                "refused 1 IllegalOption",
                "refused 1 IllegalOption",
                "refused 1 IllegalOption",
                "message still open false",
                &most_back,
            ])
            .sees([1000]),
        talks("SOCK-04 not after the close", "/ws/echo")
            .does([close(1000, ""), text("late"), Do::Base64("AA=="), Do::Hear, text("later")])
            .tells(["refused 10 NotConnected", "refused 10 NotConnected", "close 1000 ", "refused 10 NotConnected"])
            .sees([1000]),
        talks("SOCK-06 the server's, after a message", "/ws/close/1000?reason=bye")
            .does([text("go on")])
            .tells(["close 1000 bye"])
            .sees([1000]),
        talks("SOCK-07 a server that says nothing more", "/ws/mute")
            .set(|it| it.close_timeout = 300)
            .does([close(1000, "")])
            .tells(["error 1 CloseTimeout", "close 1006 "])
            .sees([1000]),
        talks("SOCK-08 a dead peer is given up", "/ws/mute")
            .set(|it| it.keep_alive = 150)
            .tells(["error 1 PeerSilent", "close 1006 "])
            .sees([1006]),
    ];
    for code in [1000, 1001, 1011, 3000, 4999] {
        let line = format!("close {code} \u{fc}");
        all.push(
            talks("SOCK-06 the server's", &format!("/ws/close/{code}?now&reason=%C3%BC")).tells([&line]).sees([code]),
        );
    }
    for (end, reason) in [
        ("cut", if secure { "ConnectionLost" } else { "ConnectionClosed" }),
        ("close", "ConnectionClosed"),
        ("reset", "ConnectionLost"),
    ] {
        let line = format!("error 1 {reason}");
        let promise = format!("SOCK-07 {end} without a Close:");
        all.push(
            talks(&promise, &format!("/ws/drop?end={end}"))
                .does([text("and go")])
                .tells([&line, "close 1006 "])
                .sees([1006]),
        );
    }
    all
}

/// Ended from outside, and by the deadline (SOCK-06, SOCK-12, CTX-06).
fn ended(origin: &str) -> Vec<Scenario> {
    let silent = |promise| socket(promise, &format!("{origin}/ws/silent")).sees([1006]);
    let echo = |promise| socket(promise, &format!("{origin}/ws/echo")).rules(Rules::Alone);
    let again = Do::Connect(format!("{origin}/ws/echo"));
    vec![
        silent("SOCK-12 connecting has a deadline:").set(|it| it.timeout = 600).fails(6, Reason::Timeout, None),
        silent("SOCK-06 an attempt is given up:").ended(600, Ending::Abort).fails(1, Reason::Aborted, None),
        silent("CTX-06 an attempt ends with its page:").rules(Rules::Alone).ended(600, Ending::Unload).fails(
            1,
            Reason::Unloaded,
            None,
        ),
        echo("CTX-06 the page is unloaded:").does([Do::Unload]).tells(["close 1001 "]).sees([1001]),
        echo("CTX-06 the context is shut down:")
            .does([Do::ShutDown, again, Do::Hear])
            .tells(["refused 1 Unloaded", "close 1001 "])
            .sees([1001]),
    ]
}

/// One connection per context (SOCK-02).
fn one(origin: &str) -> Vec<Scenario> {
    let echo = |promise| socket(promise, &format!("{origin}/ws/echo"));
    let second = format!("{origin}/ws/close/4000?now");
    let still = [text("still here"), Do::Hear, close(1000, "")];
    let refused = |url: &str| [&[Do::Connect(url.into())], &still[..]].concat();
    vec![
        echo("SOCK-02 a second connection closes the first:")
            .does([Do::Connect(second.clone())])
            .tells([OPEN, "close 1000 ", OVER, "close 4000 "])
            .sees([1000, 4000]),
        echo("SOCK-02 or is refused:")
            .rules(Rules::RejectingSockets)
            .does(refused(&second))
            .tells(["refused 2 SocketExists", "message still here false", "close 1000 "])
            .sees([1000]),
        echo("SOCK-02 a URL that is refused leaves the first alone:")
            .does(refused(""))
            .tells(["refused 3 UrlEmpty", "message still here false", "close 1000 "])
            .sees([1000]),
    ]
}

/// Attempts that fail: the table of codes.
fn failing(site: &Site, plain: &str, secure: &str) -> Vec<Scenario> {
    let elsewhere = site.elsewhere.replacen("http", "ws", 1);
    let untrusted = site.untrusted.replacen("http", "ws", 1);
    let fails = |url: &str, reason: Reason| {
        let code = reason.socket_code();
        socket(&format!("SOCK code {code}: {}", reason.name()), url).fails(code, reason, None)
    };
    let echo = format!("{plain}/ws/echo");
    let mut all = vec![
        fails("", Reason::UrlEmpty),
        fails(" ", Reason::UrlEmpty),
        fails("ws://", Reason::UrlMalformed),
        fails("wss://a b/", Reason::UrlMalformed),
        fails("wss://u:p@localhost/", Reason::UrlMalformed),
        fails("ws://localhost/%zz", Reason::MalformedEscape),
        fails(&format!("wss://localhost/{}", "x".repeat(2048)), Reason::UrlTooLong),
        fails("http://localhost/", Reason::UrlScheme),
        fails("test.php", Reason::UrlScheme),
        fails("wss://name.invalid/", Reason::Dns),
        fails(&format!("ws://localhost:{}/", site.closed), Reason::Connect),
        fails(&format!("wss://localhost:{}/", site.closed), Reason::Connect),
        fails(&format!("wss://localhost:{}/ws/echo", site.plain_port()), Reason::NotTls),
        fails(&format!("{elsewhere}/ws/echo"), Reason::Certificate(CertificateFault::WrongHost)),
        fails(&format!("{untrusted}/ws/echo"), Reason::Certificate(CertificateFault::UnknownIssuer)),
        fails(&format!("{plain}/kill"), Reason::ConnectionClosed),
        fails(&format!("{secure}/kill"), Reason::ConnectionClosed),
        fails(&format!("{plain}/reset"), Reason::ConnectionLost),
        fails(&echo, Reason::IllegalHeader).set(|it| it.headers = vec![("x", "a\r\nb")]),
        fails(&echo, Reason::IllegalOption).set(|it| it.protocols = vec!["no token"]),
        fails(&echo, Reason::DataNotConvertible).set(|it| it.data = Data::Unconvertible),
        fails(&echo, Reason::PlainHttpRefused).rules(Rules::Release("localhost")),
        fails("wss://evil.test/", Reason::HostNotAllowed).rules(Rules::ReleaseForAll("localhost")),
        fails(&format!("{plain}/raw?answer=SSH-2.0-x%0D%0A"), Reason::MalformedHead),
        socket("SOCK-01 wss under release", &format!("{secure}/ws/close/1000?now"))
            .rules(Rules::Release("localhost"))
            .tells(["close 1000 "])
            .sees([1000]),
        socket("CTX-03 the whitelist is not for sockets unless asked for", &format!("{secure}/ws/close/1000?now"))
            .rules(Rules::Release("other.test"))
            .tells(["close 1000 "])
            .sees([1000]),
        fails(&format!("{plain}/ws/raw/protocol"), Reason::UnrequestedProtocol)
            .set(|it| it.protocols = vec!["chat"])
            .fails(9, Reason::UnrequestedProtocol, 101)
            .sees([1006]),
    ];
    for status in [200, 204, 301, 302, 400, 401, 404, 407, 426, 429, 500] {
        let url = format!("{secure}/ws/reject/{status}?location=/ws/echo&body=no");
        all.push(fails(&url, Reason::NotUpgraded).fails(8, Reason::NotUpgraded, status));
    }
    all
}

/// Every server that breaks the protocol, and the rare ones that do not (SOCK-10).
pub(super) fn hostile(site: &Site) -> Vec<Scenario> {
    let mut all = Vec::new();
    for (kinds, lines, seen) in SOCKETS {
        for kind in kinds.split(' ') {
            let scenario = socket("SOCK-10", &site.plain_socket(&format!("/ws/raw/{kind}"))).sees([*seen]);
            all.push(match refused(lines) {
                Some(reason) => scenario.fails(reason.socket_code(), reason, status(kind)),
                None => Scenario { lines: lines.iter().copied().chain([OVER]).map(Into::into).collect(), ..scenario },
            });
        }
    }
    for kind in UNFINISHED {
        let scenario = socket("SOCK-06 a frame that never ends:", &site.plain_socket(&format!("/ws/raw/{kind}")));
        // The server closes the connection without a Close of its own.
        let lines = ["error 1 ConnectionClosed", "close 1006 "];
        all.push(scenario.does([close(3000, "")]).tells(lines).sees([3000]));
    }
    all
}

/// The reason, where what the listeners are told is that the attempt has failed.
fn refused(lines: &[&str]) -> Option<Reason> {
    let name = lines.first()?.strip_prefix("error ")?.split(' ').nth(1)?;
    Reason::all().find(|reason| reason.name() == name)
}

/// Of such an answer, where its head could be read.
fn status(kind: &str) -> Option<u16> {
    match kind {
        "status-200" => Some(200),
        "status-100" | "folded" | "space-before-colon" | "garbage" | "truncated-head" | "endless-head" => None,
        _ => Some(101),
    }
}
