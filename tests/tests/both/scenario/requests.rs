//! `my.request` (REQ).

use miniwire_core::reason::Reason;
use miniwire_core::request::{DataType, Method, Redirect};
use miniwire_tests::kinds::MALFORMED;
use serde_json::json;

use super::{Call, Data, Ending, MAX_BODY, Rules, Scenario, Site};

/// Bytes that may come as base64.
const MAX_BYTES: usize = MAX_BODY / 4 * 3;

pub(super) fn all(site: &Site) -> Vec<Scenario> {
    [
        asked(site),
        answered(site),
        redirected(site),
        framed(site),
        streamed(site),
        ended(site),
        kept(site),
        failing(site),
    ]
    .into_iter()
    .flatten()
    .chain(malformed(site))
    .collect()
}

/// What is sent (REQ-01 to REQ-09).
fn asked(site: &Site) -> Vec<Scenario> {
    let echo = |promise| site.get(promise, "/anything/x");
    let post = |promise, value| echo(promise).post(Data::Value(value));
    let typed = |promise, content_type, value| {
        post(promise, value).with(|it| it.headers = vec![("content-type", content_type)])
    };
    vec![
        echo("REQ-01 GET is the default"),
        echo("REQ-01 POST").with(|it| it.method = Method::Post),
        echo("REQ-01 PUT").with(|it| it.method = Method::Put),
        echo("REQ-01 DELETE").with(|it| it.method = Method::Delete),
        echo("REQ-02 a caller's content-type replaces the default").with(|it| {
            it.method = Method::Post;
            it.headers = vec![("Content-TYPE", "text/plain"), ("X-Mine", "1"), ("Referer", "dropped")];
            it.data = Data::Text("as it is");
        }),
        echo("REQ-05 a text goes as it is").post(Data::Text("{not json")),
        echo("REQ-05 bytes go as they are").with(|it| {
            it.method = Method::Put;
            it.data = Data::Bytes(b"\x00\x01\xfe\xff".into());
        }),
        echo("REQ-05 no data is an empty body").with(|it| it.method = Method::Post),
        echo("REQ-05 no bytes on GET").with(|it| it.data = Data::Bytes(b"x".into())).fails(
            2,
            Reason::IllegalOption,
            None,
        ),
        site.get("REQ-05 a body larger than any buffer", "/count").post(Data::Bytes(vec![7; 200_000])),
        site.get("REQ-06 a value becomes the query", "/anything/x?a=1#part")
            .with(|it| it.data = Data::Value(json!({"k": ["a b", null], "ü": true}))),
        site.get("REQ-06 a string is appended as it is", "/anything/x?a=1&").with(|it| it.data = Data::Text("b=%20&c")),
        site.get("REQ-06 empty data adds nothing", "/anything/x#part").with(|it| it.data = Data::Value(json!({}))),
        post(
            "REQ-07 JSON as a JavaScript engine writes it",
            json!({"n": 1e21, "s": "\u{1}\u{2028}\"", "a": [0.1, -0.0, {}]}),
        ),
        typed("REQ-07 the content type may say more", "APPLICATION/JSON; charset=utf-8", json!([1, "é", null])),
        typed("REQ-08 a form", "application/x-www-form-urlencoded", json!({"k": "v w", "l": [1, 2]})),
        typed("REQ-08 elsewhere a structure is JSON", "text/plain", json!({"a": [1]})),
        typed("REQ-08 and a scalar its text", "text/plain", json!("as it is")),
        site.get("REQ-09 the form of a query", "/anything/x").with(|it| {
            it.data = Data::Value(json!({"a": "-_.!~*'()", "b": null, "c": [[1, {"d": "&"}]], "e": 1.5e-7}))
        }),
        echo("code 15: data that has no form").post(Data::Unconvertible).fails(15, Reason::DataNotConvertible, None),
        echo("code 15: a malformed escape in the data").with(|it| it.data = Data::Text("a=%4")).fails(
            15,
            Reason::MalformedEscape,
            None,
        ),
    ]
}

/// What an answer is (REQ-10 to REQ-13).
fn answered(site: &Site) -> Vec<Scenario> {
    let get = |promise, path| site.get(promise, path);
    let raw = |promise: &str, answer: &'static str| site.get(promise, "/raw?end=keep").post(Data::Text(answer));
    let bytes = |promise: &str, answer: &[u8]| site.get(promise, "/raw?end=keep").post(Data::Bytes(answer.into()));
    let text = |promise: &str, path: &str| site.get(promise, path).data_type(DataType::Text);
    let larger = MAX_BYTES + 1;
    let mut all = vec![
        get("REQ-10 repeated headers are kept in their order", "/response-headers?set-cookie=a&set-cookie=b"),
        raw(
            "REQ-10 order, spelling and repeats",
            "HTTP/1.1 200 OK\r\nX-b: 1\r\nset-Cookie: a=1\r\nX-A:   2  \r\nSet-cookie: b=2\r\nX-Empty:\r\n\
             X-Latin: \u{e9}\r\nContent-Length: 2\r\n\r\n{}",
        ),
        text("REQ-10 a hundred fields", "/headers/96"),
        text("REQ-10 and no more", "/headers/101").fails(19, Reason::HeadTooLarge, None),
        get("REQ-11 no content is a success", "/no-content").status(204),
        get("REQ-11 an empty body is a success", "/empty"),
        get("REQ-11 not modified has no body", "/not-modified").status(304),
        get("REQ-11 HTML is not JSON", "/html").fails(14, Reason::NotJson, 200),
        raw("REQ-11 two texts are none", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{} {}").fails(
            14,
            Reason::NotJson,
            200,
        ),
        raw("REQ-11 no byte order mark", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\u{feff}{}").fails(
            14,
            Reason::NotJson,
            200,
        ),
        get("REQ-11 a coding that was not asked for", "/gzip").fails(14, Reason::UnsupportedEncoding, 200),
        get("REQ-04 json is the default", "/json"),
        text("REQ-04 text", "/json"),
        get("REQ-04 base64", "/json").data_type(DataType::Base64),
        text("REQ-12 ISO-8859-1 where it is declared", "/latin1"),
        text("REQ-12 text in many scripts", "/encoding/utf8"),
        text("REQ-12 not text", "/bytes/64?seed=1").fails(14, Reason::NotText, 200),
        text("REQ-12 another charset", "/status/200?body=x&type=text/plain;charset=gbk").fails(
            14,
            Reason::UnsupportedCharset,
            200,
        ),
        bytes("REQ-12 bad UTF-8 at the end", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab\xc3")
            .data_type(DataType::Text)
            .fails(14, Reason::NotText, 200),
        get("REQ-12 base64 of any bytes", "/bytes/1000?seed=3").data_type(DataType::Base64),
        get("REQ-12 base64 of none", "/empty").data_type(DataType::Base64),
        get("REQ-13 404", "/status/404?body=%7B%7D&type=application/json").fails(19, Reason::HttpStatus, 404),
        text("REQ-13 500", "/status/500?body=down").fails(19, Reason::HttpStatus, 500),
        get("REQ-13 429", "/status/429").fails(20, Reason::RateLimited, 429),
        get("REQ-13 conversion comes first", "/status/404?body=%3Chtml%3E").fails(14, Reason::NotJson, 404),
        text("REQ-13 407 is the origin's own", "/status/407?body=x").fails(19, Reason::HttpStatus, 407),
        get("REQ-19 of the limit's size", &format!("/bytes/{MAX_BYTES}")).data_type(DataType::Base64),
        get("REQ-19 larger than the limit", &format!("/bytes/{larger}")).data_type(DataType::Base64).fails(
            14,
            Reason::TooLarge,
            200,
        ),
        get("REQ-19 larger than the limit, chunked", &format!("/stream-bytes/{larger}?chunk_size=1000"))
            .data_type(DataType::Base64)
            .fails(14, Reason::TooLarge, 200),
        raw(
            "REQ-19 a length that is announced is believed",
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n",
        )
        .fails(14, Reason::TooLarge, 200),
    ];
    for status in [201, 206, 299, 300, 305] {
        all.push(text("REQ-13 other statuses are successes", &format!("/status/{status}?body=x")).status(status));
    }
    all
}

/// Redirects (REQ-14).
fn redirected(site: &Site) -> Vec<Scenario> {
    let get = |promise: &str, path: &str| site.get(promise, path);
    let to = |promise: &str, location: &str, status: u16| {
        get(promise, &format!("/redirect-to?url={}&status_code={status}", escaped(location)))
    };
    let elsewhere = "http://example.com/";
    let manual = |it: &mut super::Request| {
        it.redirect = Redirect::Manual;
        it.data_type = DataType::Text;
    };
    let credentials = |it: &mut super::Request| {
        it.headers = vec![("AUTHORIZATION", "Bearer secret"), ("cookie", "id=7"), ("X-Kept", "1")];
    };
    let mut all = vec![
        get("REQ-14 five redirects are followed", "/redirect/5"),
        get("REQ-14 six are too many", "/redirect/6").fails(19, Reason::TooManyRedirects, 302),
        get("REQ-14 by relative references", "/relative-redirect/3"),
        get("REQ-14 by whole URLs", "/absolute-redirect/3"),
        get("REQ-14 the limit is the context's", "/redirect/1").rules(Rules::Hasty).fails(
            19,
            Reason::TooManyRedirects,
            302,
        ),
        get("REQ-14 manual: the 302 is the answer", "/redirect/1").with(manual).status(302),
        to("REQ-14 manual also keeps what leads elsewhere", elsewhere, 302).with(manual).status(302),
        to("REQ-14 an elsewhere that is no URL", "http://", 302).fails(19, Reason::BadRedirect, 302),
        to("REQ-14 of another scheme", "ftp://localhost/", 302).fails(19, Reason::BadRedirect, 302),
        to("REQ-14 with a user name", "http://user@localhost/", 302).fails(19, Reason::BadRedirect, 302),
        to("REQ-14 to where nobody is", &format!("http://localhost:{}/", site.closed), 302).fails(
            12,
            Reason::Connect,
            302,
        ),
        to("REQ-14 without a body to be read", "/anything/é?a b#c", 307),
        to("REQ-14 data is not joined again", "/anything/y", 302).with(|it| it.data = Data::Text("a=1")),
        to("REQ-14 credentials go along within an origin", "/anything/y", 302).with(credentials),
        to("REQ-14 and not beyond it", &site.secure("/anything/y"), 302).with(credentials),
        get("REQ-13 a redirect that says not where to", "/status/302?body=%7B%7D").status(302),
    ];
    for (status, method) in [
        (301, Method::Post),
        (302, Method::Post),
        (303, Method::Post),
        (307, Method::Post),
        (308, Method::Post),
        (301, Method::Put),
        (302, Method::Delete),
        (303, Method::Put),
        (307, Method::Delete),
    ] {
        let promise = format!("REQ-14 {status} after {}", method.as_str());
        all.push(to(&promise, "/anything/y", status).with(|it| {
            it.method = method;
            it.data = Data::Text("a body");
        }));
    }
    all
}

/// Framing (REQ-18).
fn framed(site: &Site) -> Vec<Scenario> {
    let text = |promise: &str, path: &str| site.get(format!("{promise} {path}"), path).data_type(DataType::Text);
    let mut all = vec![
        text("REQ-18 interim responses are skipped", "/interim/32"),
        text("REQ-18 and there are not too many", "/interim/33").fails(19, Reason::MalformedHead, None),
        text("REQ-18 not modified has no body", "/not-modified").status(304),
        text("REQ-18 no content has no body", "/no-content").status(204),
    ];
    for path in [
        "/chunked/7",
        "/chunked/7?trailers=0",
        "/chunked/7?extensions=1&trailers=50",
        "/chunked/0",
        "/http10",
        "/http10-length",
        "/http10-keep-alive",
        "/close",
        "/interim/3",
    ] {
        all.push(text("REQ-18 legal:", path));
    }
    all.push(site.get("REQ-18 chunked", "/stream-bytes/5000?seed=2&chunk_size=7").data_type(DataType::Base64));
    for (path, reason, has_head) in [
        ("/truncated?length=100&sent=50", Reason::ConnectionClosed, true),
        ("/truncated-chunked", Reason::ConnectionClosed, true),
        ("/reset", Reason::ConnectionLost, false),
        ("/reset/10", Reason::ConnectionLost, true),
        ("/kill", Reason::ConnectionClosed, false),
    ] {
        all.push(text("REQ-18 truncation is 12:", path).fails(12, reason, has_head.then_some(200)));
    }
    all.push(
        site.get("REQ-18 an early answer", "/early/413")
            .post(Data::Bytes(vec![1; 100_000]))
            .data_type(DataType::Text)
            .fails(19, Reason::HttpStatus, 413),
    );
    all
}

/// Every malformed answer, and the rare ones that are not.
fn malformed(site: &Site) -> Vec<Scenario> {
    let kinds = MALFORMED.iter().map(|(kind, ends)| {
        let scenario = site.get(format!("REQ-18 {kind}"), &format!("/malformed/{kind}")).data_type(DataType::Text);
        match ends {
            Ok(_) => scenario,
            Err((reason, status)) => scenario.fails(reason.request_code(), *reason, *status),
        }
    });
    kinds.collect()
}

/// Bodies handed out as they come (REQ-19).
fn streamed(site: &Site) -> Vec<Scenario> {
    let streamed = |promise: &str, path: &str, most| Scenario::new(promise, Call::Streamed(site.request(path), most));
    vec![
        streamed("REQ-19 streamed, longer than any memory", "/bytes/600000?seed=6", None),
        streamed("REQ-19 streamed, chunked", "/stream-bytes/100000?seed=6&chunk_size=999", None),
        streamed("REQ-19 dataType is not applied", "/html", None),
        streamed("REQ-19 an error status has its body, too", "/status/404?body=gone", None).fails(
            19,
            Reason::HttpStatus,
            404,
        ),
        streamed("REQ-19 a stream that is cut short", "/truncated?length=100&sent=50", None).fails(
            12,
            Reason::ConnectionClosed,
            200,
        ),
        streamed("REQ-19 a taker who has enough", "/drip?numbytes=100&duration=5", Some(1)).fails(
            20,
            Reason::Aborted,
            200,
        ),
        streamed("REQ-19 under TLS", &site.secure("/bytes/600000?seed=6"), None),
    ]
}

/// Deadlines, and ends from outside (REQ-03, REQ-15, CTX-06).
fn ended(site: &Site) -> Vec<Scenario> {
    let delay = |promise: &str| site.get(promise, "/delay/5");
    let drip = |promise: &str| site.get(promise, "/drip?numbytes=50&duration=10").data_type(DataType::Text);
    let secure = |promise: &str| site.get(promise, &site.secure("/delay/5"));
    vec![
        delay("REQ-03 the deadline").timeout(300).fails(13, Reason::Timeout, None),
        drip("REQ-03 the deadline while a body drips").timeout(400).fails(13, Reason::Timeout, 200),
        secure("REQ-03 the deadline under TLS").timeout(1000).fails(13, Reason::Timeout, None),
        site.get("REQ-03 0 is the default", "/delay/0.3").timeout(0),
        delay("REQ-15 abort while waiting").ended(200, Ending::Abort).fails(20, Reason::Aborted, None),
        drip("REQ-15 abort while receiving").ended(600, Ending::Abort).fails(20, Reason::Aborted, 200),
        secure("REQ-15 abort under TLS").ended(600, Ending::Abort).fails(20, Reason::Aborted, None),
        site.get("REQ-15 abort before the start", "/json").ended(0, Ending::Abort).fails(20, Reason::Aborted, None),
        delay("CTX-06 the page is unloaded").rules(Rules::Alone).ended(200, Ending::Unload).fails(
            1,
            Reason::Unloaded,
            None,
        ),
        delay("CTX-06 the context is shut down").rules(Rules::Alone).ended(200, Ending::ShutDown).fails(
            1,
            Reason::Unloaded,
            None,
        ),
    ]
}

/// Connections that are kept (REQ-16): the data is how many there were.
fn kept(site: &Site) -> Vec<Scenario> {
    let again = |path: &str| {
        let promise = format!("REQ-16 five times {path}");
        Scenario::new(promise, Call::Again(site.request(path), 5)).data_type(DataType::Text).rules(Rules::Alone)
    };
    vec![
        again("/json"),
        again("/chunked/3"),
        again("/http10-keep-alive"),
        again("/http10-length"),
        again("/close"),
        again("/interim/2"),
        again("/malformed/extra"),
        again("/status/404").fails(19, Reason::HttpStatus, 404),
        again("/status/204").status(204),
        again(&site.secure("/json")),
        again(&site.secure("/close")),
    ]
}

/// What else can fail (the table of codes).
fn failing(site: &Site) -> Vec<Scenario> {
    let mut all = Vec::new();
    for (url, code, reason) in [
        ("", 2, Reason::UrlEmpty),
        (" ", 2, Reason::UrlEmpty),
        ("localhost", 2, Reason::UrlMalformed),
        ("http://", 2, Reason::UrlMalformed),
        ("http://user@localhost/", 2, Reason::UrlMalformed),
        ("http://localhost:0/", 2, Reason::UrlMalformed),
        ("http://0x7f.1/", 2, Reason::UrlMalformed),
        ("http://localhost\\@evil/", 2, Reason::UrlMalformed),
        ("ftp://localhost/", 2, Reason::UrlScheme),
        ("ws://localhost/", 2, Reason::UrlScheme),
        ("http://localhost/%zz", 15, Reason::MalformedEscape),
        ("http://name.invalid/", 12, Reason::Dns),
    ] {
        all.push(site.get(format!("code {code}: {url:?}"), url).fails(code, reason, None));
    }
    let refused = format!("localhost:{}/", site.closed);
    let long = format!("http://localhost/{}", "x".repeat(2048));
    let no_tls = format!("https://localhost:{}/json", site.plain_port());
    all.extend([
        site.get("code 2: a URL that is too long", &long).fails(2, Reason::UrlTooLong, None),
        site.get("code 2: data that makes it too long", "/get?0123456789012345678901234567890")
            .with(|it| it.data = Data::Text("0123456789"))
            .rules(Rules::Hasty)
            .fails(2, Reason::UrlTooLong, None),
        site.get("code 12: refused", &format!("http://{refused}")).fails(12, Reason::Connect, None),
        site.get("code 12: refused where TLS was to be", &format!("https://{refused}")).fails(
            12,
            Reason::Connect,
            None,
        ),
        site.get("code 19: no TLS there", &no_tls).fails(19, Reason::NotTls, None),
        site.get("code 19: TLS where none was asked for", &site.secure("/json").replacen("https", "http", 1)).fails(
            19,
            Reason::MalformedHead,
            None,
        ),
    ]);
    all
}

/// For a query.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:?@".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") }).collect()
}
