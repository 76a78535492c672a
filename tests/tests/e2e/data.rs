//! `data`: what a call sends, as the server has it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniwire_core::request::Method::{self, Delete, Post, Put};
use miniwire_std::serve::{Pattern, Server};
use miniwire_std::{Call, Client};
use miniwire_tests::{fails, release, server};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Clone, Serialize)]
struct Order {
    name: String,
    amount: f64,
    urgent: bool,
    tags: Vec<&'static str>,
    note: Option<&'static str>,
    gone: (),
    nested: Nested,
}

#[derive(Clone, Serialize)]
struct Nested {
    deep: Vec<u8>,
}

fn order() -> Order {
    Order {
        name: "Grüße & 你好 'x'!".into(),
        amount: 1e21,
        urgent: true,
        tags: vec!["a b", "c/d"],
        note: None,
        gone: (),
        nested: Nested { deep: vec![1, 2] },
    }
}

fn setting() -> (Server, Client) {
    let server = server();
    let client = release(&server).build().unwrap();
    (server, client)
}

fn echo(call: Call) -> Value {
    call.send().unwrap().json().unwrap()
}

/// The bytes of the body that the server received.
fn body(echo: &Value) -> Vec<u8> {
    let data = echo["data"].as_str().unwrap();
    match data.strip_prefix("data:application/octet-stream;base64,") {
        Some(encoded) => STANDARD.decode(encoded).unwrap(),
        None => data.as_bytes().to_vec(),
    }
}

#[test]
fn req_06_get_joins_a_value_to_the_query() {
    let (server, client) = setting();
    let query = "name=Gr%C3%BC%C3%9Fe%20%26%20%E4%BD%A0%E5%A5%BD%20'x'!&amount=1e%2B21&urgent=true&tags=a%20b&tags=c%2Fd\
                 &gone&nested=%7B%22deep%22%3A%5B1%2C2%5D%7D";
    for (url, joined) in [
        ("/get", "/get?"),
        ("/get?", "/get?"),
        ("/get?a=1", "/get?a=1&"),
        ("/get?a=1&", "/get?a=1&"),
        ("/get?a#fragment?b", "/get?a&"),
        ("/get#x", "/get?"),
    ] {
        let echo = echo(client.request(server.https_url(url)).data(order()));
        assert_eq!(echo["raw_target"], format!("{joined}{query}"), "{url}");
        assert_eq!(echo["data"], "", "nothing is sent as a body");
    }
}

#[test]
fn req_06_get_appends_a_string_as_it_is() {
    let (server, client) = setting();
    for (url, data, target) in [
        ("/get", "a=1&b=%20+;x", "/get?a=1&b=%20+;x"),
        ("/get?z", "a", "/get?z&a"),
        ("/get?z#f", "a", "/get?z&a"),
        ("/get", "", "/get"),
        ("/get?", "", "/get?"),
        ("/get?z#f", "", "/get?z"),
    ] {
        assert_eq!(echo(client.request(server.https_url(url)).data_text(data))["raw_target"], target);
    }
    for empty in [json!({}), json!(null), json!("")] {
        assert_eq!(echo(client.request(server.https_url("/get")).data(empty))["raw_target"], "/get");
    }
}

#[test]
fn req_06_the_fragment_is_never_sent() {
    let (server, client) = setting();
    let echo = echo(client.request(server.https_url("/anything/a%2Fb/%C3%A9?x=y#frag")));
    assert_eq!(echo["raw_target"], "/anything/a%2Fb/%C3%A9?x=y");
}

#[test]
fn req_07_a_value_is_json_byte_for_byte() {
    let (server, client) = setting();
    let expected = "{\"name\":\"Grüße & 你好 'x'!\",\"amount\":1e+21,\"urgent\":true,\"tags\":[\"a b\",\"c/d\"],\
                    \"note\":null,\"gone\":null,\"nested\":{\"deep\":[1,2]}}";
    for method in [Post, Put, Delete] {
        let call = client.request(server.https_url("/anything/x")).method(method).data(order());
        assert_eq!(String::from_utf8(body(&echo(call))).unwrap(), expected, "{method:?}");
    }
    for content_type in ["application/json;charset=utf-8", "Application/JSON", "x; application/json"] {
        let call = client.request(server.https_url("/post")).method(Post).header("content-type", content_type);
        assert_eq!(String::from_utf8(body(&echo(call.data(order())))).unwrap(), expected, "{content_type}");
    }
}

#[test]
fn req_08_a_value_is_a_form() {
    let (server, client) = setting();
    let call = client.request(server.https_url("/post")).method(Post);
    let call = call.header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");
    let echo = echo(call.data(order()));
    assert_eq!(echo["form"]["name"], "Grüße & 你好 'x'!");
    assert_eq!(echo["form"]["tags"], json!(["a b", "c/d"]));
    assert_eq!(echo["form"]["nested"], "{\"deep\":[1,2]}");
    assert_eq!(echo["form"]["gone"], "");
    assert_eq!(echo["form"]["note"], Value::Null);
}

#[test]
fn req_08_with_any_other_content_type_scalars_are_text() {
    let (server, client) = setting();
    let plain = |value: Value| {
        let call = client.request(server.https_url("/post")).method(Post).header("content-type", "text/plain");
        String::from_utf8(body(&echo(call.data(value)))).unwrap()
    };
    assert_eq!(plain(json!("a \"b\"")), "a \"b\"");
    assert_eq!(plain(json!(0.1)), "0.1");
    assert_eq!(plain(json!(true)), "true");
    assert_eq!(plain(json!({"a": [1]})), "{\"a\":[1]}");
    assert_eq!(plain(json!([1, "x"])), "[1,\"x\"]");
}

#[test]
fn req_05_strings_and_bytes_go_unchanged() {
    let (server, client) = setting();
    let mut noise = vec![0; 70_001];
    Pattern::new(3).fill(&mut noise);
    for method in [Post, Put, Delete] {
        let url = server.https_url("/anything/x");
        let text = " {not json} %20+é\r\n";
        assert_eq!(body(&echo(client.request(&url).method(method).data_text(text))), text.as_bytes());
        let call = client.request(&url).method(method).header("content-type", "application/octet-stream");
        assert_eq!(body(&echo(call.data_bytes(noise.clone()))), noise, "{method:?}");
    }
}

#[test]
fn req_05_a_body_larger_than_any_buffer() {
    let (server, client) = setting();
    let call = client.request(server.https_url("/count")).method(Post).data_bytes(vec![7; 5_000_001]);
    assert_eq!(echo(call)["length"], 5_000_001);
    let value: Vec<u32> = (0..200_000).collect();
    let length = serde_json::to_string(&value).unwrap().len();
    assert_eq!(echo(client.request(server.https_url("/count")).method(Put).data(value))["length"], length);
}

#[test]
fn req_05_no_data_is_an_empty_body() {
    let (server, client) = setting();
    for (method, length) in [(Post, Some("0")), (Put, Some("0")), (Delete, None), (Method::Get, None)] {
        let echo = echo(client.request(server.https_url("/anything/x")).method(method));
        assert_eq!(echo["data"], "");
        assert_eq!(echo["headers"]["Content-Length"].as_str(), length, "{method:?}");
    }
}

#[test]
fn req_05_bytes_do_not_go_with_get() {
    let (server, client) = setting();
    fails(client.request(server.https_url("/get")).data_bytes(*b"a").send(), 2, "IllegalOption");
    assert_eq!(server.connections(), 0);
}

#[test]
fn req_07_data_that_cannot_be_converted() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    let (server, client) = setting();
    let url = server.https_url("/post");
    let structured_keys = BTreeMap::from([([1, 2], 3)]);
    fails(client.request(&url).method(Post).data(structured_keys).send(), 15, "DataNotConvertible");
    fails(client.request(&url).method(Post).data(Broken).send(), 15, "DataNotConvertible");
    fails(client.request(&url).data([1, 2]).send(), 15, "DataNotConvertible");
    fails(client.request(&url).data_text("a=%zz").send(), 15, "MalformedEscape");
    let form = client.request(&url).method(Post).header("content-type", "application/x-www-form-urlencoded");
    fails(form.data_text("a=%").send(), 15, "MalformedEscape");
    assert_eq!(server.connections(), 0);
}
