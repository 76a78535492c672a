//! What comes back: status, header fields, data of each `dataType`, typed JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniwire_core::request::Method::Post;
use miniwire_std::DataType::{Base64, Json, Text};
use miniwire_std::serve::{Pattern, Server};
use miniwire_std::{Call, Client, DataType};
use miniwire_tests::{Peer, development, fails, release, server};
use serde::{Deserialize, Serialize};

fn setting() -> (Server, Client) {
    let server = server();
    let client = release(&server).build().unwrap();
    (server, client)
}

/// A body, answered with this status and content type.
fn answering(server: &Server, client: &Client, status: u16, content_type: &str, body: &[u8]) -> Call {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = [head.as_bytes(), body].concat();
    client.request(server.https_url("/raw?end=keep")).method(Post).data_bytes(answer)
}

#[test]
fn req_10_header_fields_keep_order_spelling_and_repeats() {
    let (server, client) = setting();
    let head = "HTTP/1.1 200 OK\r\nX-b: 1\r\nset-Cookie: a=1\r\nX-A:   2  \r\nSet-cookie: b=2\r\nX-Empty:\r\n\
                X-Latin: \u{e9}\r\nContent-Length: 2\r\n\r\n{}";
    let call = client.request(server.https_url("/raw?end=keep")).method(Post).data_text(head);
    let response = call.send().unwrap();
    let fields: Vec<_> = response.headers().map(|(name, value)| (name, std::str::from_utf8(value).unwrap())).collect();
    assert_eq!(
        fields,
        [
            ("X-b", "1"),
            ("set-Cookie", "a=1"),
            ("X-A", "2"),
            ("Set-cookie", "b=2"),
            ("X-Empty", ""),
            ("X-Latin", "\u{e9}"),
            ("Content-Length", "2")
        ]
    );
    assert_eq!(response.header("SET-COOKIE"), Some("a=1"));
    let cookies: Vec<_> = response.headers().all("Set-Cookie").collect();
    assert_eq!(cookies, [b"a=1", b"b=2"]);
    assert_eq!((response.header("x-empty"), response.header("x-none")), (Some(""), None));
}

#[test]
fn req_10_64_fields_a_large_head_and_the_limits() {
    let (server, client) = setting();
    let response = client.request(server.https_url("/headers/64")).data_type(Text).send().unwrap();
    assert_eq!((response.header("x-field-64"), response.data()), (Some("64"), "ok\n"));
    for bytes in [1 << 10, 16 << 10, 60 << 10, 64 << 10] {
        let call = client.request(server.https_url(&format!("/big-head/{bytes}"))).data_type(Text);
        let response = call.send().unwrap();
        assert_eq!(response.data(), "ok\n");
        assert!(response.header("X-Padding").unwrap().len() > bytes - 100);
    }
    for bytes in [(64 << 10) + 1, 1 << 20] {
        fails(client.request(server.https_url(&format!("/big-head/{bytes}"))).send(), 19, "HeadTooLarge");
    }
}

#[test]
fn req_10_100_fields_pass_and_101_do_not() {
    let (server, client) = setting();
    for (count, passes) in [(33, true), (99, true), (100, true), (101, false), (1000, false)] {
        let fields: String = (1..count).map(|n| format!("X-{n}: {n}\r\n")).collect();
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\n{{}}");
        let result = client.request(server.https_url("/raw?end=keep")).method(Post).data_text(answer).send();
        if passes {
            assert_eq!(result.unwrap().headers().count(), count);
        } else {
            fails(result, 19, "HeadTooLarge");
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    id: u64,
    name: String,
    price: f64,
    tags: Vec<String>,
    more: Option<Box<Item>>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Borrowed<'a> {
    id: u64,
    name: &'a str,
    #[serde(borrow)]
    tags: Vec<&'a str>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Shape {
    Number(f64),
    Text(String),
}

#[test]
fn req_11_typed_json_out_and_in() {
    let (server, client) = setting();
    let inner = Item { id: 1, name: "x".into(), price: -0.0, tags: vec![], more: None };
    let item = Item {
        id: 9_007_199_254_740_991,
        name: "quote \" 😀 \u{1}".into(),
        price: 0.1,
        tags: vec!["é".into(), "\\".into()],
        more: Some(Box::new(inner)),
    };
    #[derive(Deserialize)]
    struct Echo {
        json: Item,
    }
    let response = client.request(server.https_url("/post")).method(Post).data(item.clone()).send().unwrap();
    assert_eq!(response.json::<Echo>().unwrap().json, item);
}

#[test]
fn req_11_typed_json_borrows_from_the_answer() {
    let (server, client) = setting();
    let body = br#" {"id":7,"name":"plain","tags":["a","b"],"unknown":{"x":[null]}} "#;
    let response = answering(&server, &client, 200, "application/json", body).send().unwrap();
    assert_eq!(response.data().as_bytes(), body, "as it came");
    let item: Borrowed<'_> = response.json().unwrap();
    assert_eq!(item, Borrowed { id: 7, name: "plain", tags: vec!["a", "b"] });
    assert!(response.data().as_bytes().as_ptr_range().contains(&item.name.as_ptr()), "not a copy");
    assert!(response.json::<Item>().is_err(), "of another type");
    let response = answering(&server, &client, 200, "x/y", br#"[1.5,"a"]"#).send().unwrap();
    assert_eq!(response.json::<Vec<Shape>>().unwrap(), [Shape::Number(1.5), Shape::Text("a".into())]);
}

#[test]
fn req_11_one_json_text_and_nothing_else() {
    let (server, client) = setting();
    let send = |body: &[u8]| answering(&server, &client, 200, "application/json", body).send();
    for good in ["{}", " [1] \r\n", "null", "\"x\"", "-0.5e+3", "true", "[\"\\u00e9\\ud83d\\ude00\"]"] {
        assert_eq!(send(good.as_bytes()).unwrap().data(), good);
    }
    let deep = "[".repeat(500) + &"]".repeat(500);
    let bad: [&[u8]; 13] = [
        b"{",
        b"{} {}",
        b"{}x",
        b"\xef\xbb\xbf{}",
        b"\"\xff\"",
        b"\"\x01\"",
        b"[1,]",
        b"{\"a\":1,}",
        b"{'a':1}",
        b"01",
        b"NaN",
        b"<html>",
        b" ",
    ];
    for bad in bad {
        let failure = fails(send(bad), 14, "NotJson");
        let response = failure.response().unwrap();
        assert_eq!((response.status(), response.data()), (200, ""), "{bad:?}");
    }
    // However deep: it ends in one of two ways, and not in a crash.
    if let Err(failure) = send(deep.as_bytes()) {
        assert_eq!((failure.code(), failure.reason().name()), (14, "NotJson"));
    }
}

#[test]
fn req_11_an_empty_body_is_a_success_with_empty_data() {
    let (server, client) = setting();
    for path in ["/empty", "/no-content", "/status/200", "/not-modified"] {
        for data_type in [Json, Text, Base64] {
            let response = client.request(server.https_url(path)).data_type(data_type).send().unwrap();
            assert_eq!(response.data(), "", "{path} {data_type:?}");
            assert!(response.json::<serde_json::Value>().is_err());
        }
    }
    assert_eq!(server.connections(), 1, "and the connection is kept after each");
}

#[test]
fn req_12_text_in_utf_8() {
    let (server, client) = setting();
    let response = client.request(server.https_url("/encoding/utf8")).data_type(Text).send().unwrap();
    assert!(response.data().contains("你好，世界") && response.data().contains("😀 𝄞"));
    for bad in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"a\xf4\x90\x80\x80"] {
        fails(answering(&server, &client, 200, "text/plain", bad).data_type(Text).send(), 14, "NotText");
    }
}

#[test]
fn req_12_text_by_its_charset() {
    let (server, client) = setting();
    let response = client.request(server.https_url("/latin1")).data_type(Text).send().unwrap();
    assert_eq!(response.data(), "Grüße, ça coûte 5 £, ÿ\n");
    let text = |charset: &str, body: &[u8]| {
        answering(&server, &client, 200, &format!("text/plain; charset={charset}"), body).data_type(Text).send()
    };
    let all: Vec<u8> = (0..=255).collect();
    let expected: String = (0..=255_u8).map(char::from).collect();
    assert_eq!(text("\"ISO-8859-1\"", &all).unwrap().data(), expected);
    assert_eq!(text("us-ascii", b"plain").unwrap().data(), "plain");
    fails(text("us-ascii", b"\xe9"), 14, "NotText");
    for charset in ["gbk", "utf-16", "windows-1252", "x"] {
        fails(text(charset, b"a"), 14, "UnsupportedCharset");
        assert_eq!(text(charset, b"").unwrap().data(), "");
        let base64 = answering(&server, &client, 200, &format!("text/plain; charset={charset}"), b"a");
        assert_eq!(base64.data_type(Base64).send().unwrap().data(), "YQ==");
    }
}

#[test]
fn req_12_base64_is_padded_and_of_the_bodys_bytes() {
    let (server, client) = setting();
    for length in [0, 1, 2, 3, 4, 1000, 100_000] {
        let mut bytes = vec![0; length];
        Pattern::new(9).fill(&mut bytes);
        for path in ["bytes", "stream-bytes"] {
            let url = server.https_url(&format!("/{path}/{length}?seed=9&chunk_size=777"));
            let response = client.request(url).data_type(Base64).send().unwrap();
            assert!(response.data() == STANDARD.encode(&bytes), "{path} {length}");
        }
    }
}

#[test]
fn req_12_a_content_coding_is_refused() {
    let (server, client) = setting();
    for data_type in [Json, Text, Base64] {
        let failure =
            fails(client.request(server.https_url("/gzip")).data_type(data_type).send(), 14, "UnsupportedEncoding");
        assert_eq!(failure.response().unwrap().header("content-encoding"), Some("gzip"));
    }
}

#[test]
fn req_13_error_statuses_carry_status_headers_and_data() {
    let (server, client) = setting();
    for status in [400, 401, 403, 404, 405, 407, 408, 413, 418, 422, 428, 430, 451, 499, 500, 502, 503, 504, 599] {
        let failure = fails(
            answering(&server, &client, status, "application/json", br#"{"error":"why"}"#).send(),
            19,
            "HttpStatus",
        );
        let response = failure.response().unwrap();
        assert_eq!((response.status(), response.data()), (status, r#"{"error":"why"}"#));
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert!(failure.to_string().contains(&status.to_string()), "{failure}");
    }
}

#[test]
fn req_13_429_is_20() {
    let (server, client) = setting();
    let failure = fails(answering(&server, &client, 429, "text/plain", b"[]").send(), 20, "RateLimited");
    let response = failure.response().unwrap();
    assert_eq!((response.status(), response.data()), (429, "[]"));
}

#[test]
fn req_13_conversion_comes_before_the_status() {
    let (server, client) = setting();
    let page = |data_type: DataType| {
        answering(&server, &client, 404, "text/html", b"<html>Gone</html>").data_type(data_type).send()
    };
    let failure = fails(page(Json), 14, "NotJson");
    let response = failure.response().unwrap();
    assert_eq!((response.status(), response.header("content-type")), (404, Some("text/html")));
    assert_eq!(fails(page(Text), 19, "HttpStatus").response().unwrap().data(), "<html>Gone</html>");
    assert_eq!(fails(page(Base64), 19, "HttpStatus").response().unwrap().data(), "PGh0bWw+R29uZTwvaHRtbD4=");
    fails(answering(&server, &client, 404, "text/html", b"").send(), 19, "HttpStatus");
}

#[test]
fn req_13_other_statuses_are_successes() {
    let (server, client) = setting();
    for status in [200, 201, 202, 203, 206, 226, 299, 300, 304, 305, 306] {
        let body: &[u8] = if status == 304 { b"" } else { b"{}" };
        let response = answering(&server, &client, status, "application/json", body).send().unwrap();
        assert_eq!(response.status(), status);
    }
    // A redirect that says not where to.
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(answering(&server, &client, status, "x/y", b"{}").send().unwrap().status(), status);
    }
}

#[test]
fn req_19_a_body_over_the_limit_is_refused_before_it_is_buffered() {
    let server = server();
    let client = release(&server).max_body(1000).build().unwrap();
    assert_eq!(client.request(server.https_url("/bytes/1000")).data_type(Base64).send().unwrap().data().len(), 1336);
    let failure = fails(client.request(server.https_url("/bytes/1001")).data_type(Base64).send(), 14, "TooLarge");
    let response = failure.response().unwrap();
    assert_eq!((response.status(), response.data()), (200, ""));
    fails(client.request(server.https_url("/stream-bytes/1001")).data_type(Base64).send(), 14, "TooLarge");
    // A length that is announced is believed, and nothing is waited for.
    let endless = Peer::answering("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n");
    let client = development(&server).build().unwrap();
    fails(client.request(endless.http_url("/")).send(), 14, "TooLarge");
}
