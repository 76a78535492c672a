//! What goes out: REQ-01 to REQ-09, CTX-02, CTX-09.

use std::cell::Cell;

use serde::Serialize;

use super::*;
use crate::can_i_use::can_i_use;
use crate::context::Limits;
use crate::data::{Form, Value, WriteError};
use crate::request::Method;
use crate::sink::Sink;

const METHODS: [(Method, &str); 4] =
    [(Method::Get, "GET"), (Method::Post, "POST"), (Method::Put, "PUT"), (Method::Delete, "DELETE")];
const FORM: &[(&str, &str)] = &[("Content-Type", "application/x-www-form-urlencoded")];

#[derive(Serialize)]
struct Item {
    name: &'static str,
    n: f64,
    tags: [&'static str; 2],
    missing: Option<u8>,
}

const ITEM: Item = Item { name: "a b/\"中\"", n: 1e21, tags: ["x", "y&z"], missing: None };
const ITEM_JSON: &str = "{\"name\":\"a b/\\\"中\\\"\",\"n\":1e+21,\"tags\":[\"x\",\"y&z\"],\"missing\":null}";
const ITEM_QUERY: &str = "name=a%20b%2F%22%E4%B8%AD%22&n=1e%2B21&tags=x&tags=y%26z";

/// The call ends well and sends exactly this, to `a.test`.
#[track_caller]
fn assert_sends(request: Request<'_>, expected: impl Into<String>) {
    let context = development();
    let steps = [Step::Connect("http a.test:80"), sends(expected), answer("200 OK", ""), Step::Keeps];
    assert_eq!(Scenario::new(&context, request, steps).run().result(), Ok(()));
}

/// The call is refused before a link is opened.
#[track_caller]
fn assert_refused(request: Request<'_>, reason: Reason, code: u8) {
    let seen = Scenario::new(&development(), request, []).run();
    assert_eq!(seen.failure(), (Some(reason), Some(code), None), "{request:?}");
    assert!(seen.events.is_empty());
}

/// The target of a GET of this URL with this data.
#[track_caller]
fn target(url: &str, data: Data<'_>) -> String {
    let steps = [Step::Connect("http a.test:80"), Step::Request, answer("200 OK", ""), Step::Keeps];
    let seen = Scenario::new(&development(), Request::new(url).data(data), steps).run();
    let line = seen.request().lines().next().unwrap();
    line.strip_prefix("GET ").unwrap().strip_suffix(" HTTP/1.1").unwrap().to_string()
}

#[test]
fn req_01_get_is_the_default_and_every_method_is_sent_by_its_name() {
    assert_sends(
        Request::new("http://a.test/x"),
        "GET /x HTTP/1.1\r\n\
         Host: a.test\r\n\
         Referer: https://a.test/2021000000000001/1.0.0/page-frame.html\r\n\
         User-Agent: kiosk/7\r\n\
         Accept: */*\r\n\
         Accept-Encoding: identity\r\n\
         Content-Type: application/json\r\n\
         \r\n",
    );
    let bare = |method| Request::new("http://a.test/x").method(method);
    assert_sends(bare(Method::Post), with_body("POST", "/x", "a.test", "", ""));
    assert_sends(bare(Method::Put), with_body("PUT", "/x", "a.test", "", ""));
    // RFC 9110 section 8.6: no length where the method expects no body.
    assert_sends(bare(Method::Delete), get("/x", "a.test", "").replacen("GET", "DELETE", 1));
}

#[test]
fn req_02_the_default_content_type_is_json_on_every_method() {
    for (method, _) in METHODS {
        let steps = [Step::Connect("http a.test:80"), Step::Request, answer("200 OK", ""), Step::Keeps];
        let seen = Scenario::new(&development(), Request::new("http://a.test/").method(method), steps).run();
        assert_eq!(seen.request().matches("Content-Type: application/json\r\n").count(), 1, "{method:?}");
    }
}

#[test]
fn req_02_a_callers_content_type_in_any_case_replaces_it() {
    for (method, name) in METHODS {
        for spelling in ["content-type", "Content-Type", "CONTENT-TYPE"] {
            let headers = [(spelling, "text/plain")];
            let steps = [Step::Connect("http a.test:80"), Step::Request, answer("200 OK", ""), Step::Keeps];
            let request = Request::new("http://a.test/").method(method).headers(&headers);
            let seen = Scenario::new(&development(), request, steps).run();
            assert!(seen.request().starts_with(name));
            assert!(seen.request().contains(&format!("\r\n{spelling}: text/plain\r\n")));
            assert_eq!(seen.request().to_lowercase().matches("content-type").count(), 1);
        }
    }
}

#[test]
fn req_05_a_string_goes_unchanged() {
    let text = "{\"a\" : 1}\r\n%zz \u{4e2d}";
    for (method, name) in &METHODS[1..] {
        assert_sends(
            Request::new("http://a.test/").method(*method).data(Data::Text(text)),
            with_body(name, "/", "a.test", "", text),
        );
    }
}

#[test]
fn req_05_bytes_go_unchanged_but_not_on_get() {
    for (method, name) in &METHODS[1..] {
        assert_sends(
            Request::new("http://a.test/").method(*method).data(Data::Bytes(b"\x00\x01\r\n%")),
            with_body(name, "/", "a.test", "", "\x00\x01\r\n%"),
        );
    }
    for bytes in [&b""[..], b"x"] {
        assert_refused(Request::new("http://a.test/").data(Data::Bytes(bytes)), Reason::IllegalOption, 2);
    }
}

#[test]
fn req_06_a_value_on_get_becomes_the_query() {
    assert_sends(
        Request::new("http://a.test/x").data(Data::Value(&ITEM)),
        get(&format!("/x?{ITEM_QUERY}"), "a.test", ""),
    );
    // Whatever the content type is.
    let headers = [("content-type", "text/plain")];
    let fields = head_without_type("a.test") + "content-type: text/plain\r\n";
    assert_sends(
        Request::new("http://a.test/x").headers(&headers).data(Data::Value(&ITEM)),
        format!("GET /x?{ITEM_QUERY} HTTP/1.1\r\n{fields}\r\n"),
    );
}

#[test]
fn req_06_data_is_joined_by_what_the_url_ends_in() {
    let joined = [
        ("http://a.test", "/?k=v"),
        ("http://a.test/", "/?k=v"),
        ("http://a.test/x", "/x?k=v"),
        ("http://a.test?", "/?k=v"),
        ("http://a.test/x?", "/x?k=v"),
        ("http://a.test/x?a=1", "/x?a=1&k=v"),
        ("http://a.test/x?a=1&", "/x?a=1&k=v"),
        ("http://a.test/x?a?", "/x?a?k=v"),
        ("http://a.test/x#top", "/x?k=v"),
        ("http://a.test/x?#top", "/x?k=v"),
        ("http://a.test/x?a=1#top?&", "/x?a=1&k=v"),
        ("http://a.test/x?a=1&#top", "/x?a=1&k=v"),
    ];
    for (url, expected) in joined {
        assert_eq!(target(url, Data::Text("k=v")), expected, "{url}");
        assert_eq!(target(url, Data::Value(&std::collections::BTreeMap::from([("k", "v")]))), expected, "{url}");
    }
}

#[test]
fn req_06_empty_data_adds_nothing_and_the_fragment_is_never_sent() {
    for (url, expected) in
        [("http://a.test/x#top", "/x"), ("http://a.test/x?a#top", "/x?a"), ("http://a.test/x?#t", "/x?")]
    {
        for data in [Data::None, Data::Text(""), Data::Value(&()), Data::Value(&None::<u8>), Data::Value(&"")] {
            assert_eq!(target(url, data), expected);
        }
    }
}

#[test]
fn req_06_a_string_is_appended_as_it_is() {
    assert_eq!(
        target("http://a.test/x", Data::Text("a=%20b&&c=/?:@!$'()*+,;=-._~")),
        "/x?a=%20b&&c=/?:@!$'()*+,;=-._~"
    );
    // What cannot stand in a request line is the exception.
    assert_eq!(target("http://a.test/x", Data::Text("a=b c#\u{4e2d}")), "/x?a=b%20c%23%E4%B8%AD");
}

#[test]
fn req_07_json_is_what_javascript_gives() {
    for (method, name) in &METHODS[1..] {
        for content_type in ["application/json", "APPLICATION/JSON; charset=utf-8", "x application/json y"] {
            let headers = [("Content-Type", content_type)];
            let fields = format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", ITEM_JSON.len());
            assert_sends(
                Request::new("http://a.test/").method(*method).headers(&headers).data(Data::Value(&ITEM)),
                format!("{name} / HTTP/1.1\r\n{}{fields}\r\n{ITEM_JSON}", head_without_type("a.test")),
            );
        }
        assert_sends(
            Request::new("http://a.test/").method(*method).data(Data::Value(&ITEM)),
            with_body(name, "/", "a.test", "", ITEM_JSON),
        );
    }
}

#[test]
fn req_08_a_form_is_the_query_string() {
    for (method, name) in &METHODS[1..] {
        let type_and_length =
            format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", ITEM_QUERY.len());
        assert_sends(
            Request::new("http://a.test/?q").method(*method).headers(FORM).data(Data::Value(&ITEM)),
            format!("{name} /?q HTTP/1.1\r\n{}{type_and_length}\r\n{ITEM_QUERY}", head_without_type("a.test")),
        );
    }
}

#[test]
fn req_08_for_another_content_type_objects_are_json_and_scalars_text() {
    let headers = [("content-type", "text/plain")];
    let values: [(&dyn Value, &str); 5] =
        [(&ITEM, ITEM_JSON), (&["a", "b"], "[\"a\",\"b\"]"), (&"a \"b\"", "a \"b\""), (&0.1, "0.1"), (&true, "true")];
    for (method, name) in &METHODS[1..] {
        for (value, body) in values {
            let fields = format!("content-type: text/plain\r\nContent-Length: {}\r\n", body.len());
            assert_sends(
                Request::new("http://a.test/").method(*method).headers(&headers).data(Data::Value(value)),
                format!("{name} / HTTP/1.1\r\n{}{fields}\r\n{body}", head_without_type("a.test")),
            );
        }
    }
}

#[test]
fn ctx_02_the_referer_is_https_and_the_callers_is_dropped_in_any_case() {
    let headers = [("referer", "https://evil.test/"), ("Referer", "x"), ("REFERER", ""), ("X-A", "1")];
    let request = Request::new("http://a.test:8080/").headers(&headers);
    let sent = get("/", "a.test:8080", "X-A: 1\r\n");
    assert!(sent.contains("\r\nReferer: https://a.test/2021000000000001/1.0.0/page-frame.html\r\n"));
    let steps = [Step::Connect("http a.test:8080"), sends(sent), answer("200 OK", ""), Step::Keeps];
    assert_eq!(Scenario::new(&development(), request, steps).run().result(), Ok(()));
}

#[test]
fn ctx_02_the_referer_has_the_host_of_the_url_an_ipv6_address_in_brackets() {
    let request = Request::new("http://[::1]:8080/");
    let sent = "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\
                Referer: https://[::1]/2021000000000001/1.0.0/page-frame.html\r\nUser-Agent: kiosk/7\r\n\
                Accept: */*\r\nAccept-Encoding: identity\r\nContent-Type: application/json\r\n\r\n";
    let steps = [Step::Connect("http ::1:8080"), sends(sent), answer("200 OK", ""), Step::Keeps];
    assert_eq!(Scenario::new(&development(), request, steps).run().result(), Ok(()));
}

#[test]
fn ctx_09_the_librarys_own_fields_cannot_be_set() {
    let headers = [
        ("host", "evil.test"),
        ("Content-LENGTH", "9"),
        ("transfer-encoding", "chunked"),
        ("Connection", "close"),
        ("upgrade", "h2c"),
        ("Sec-WebSocket-Key", "k"),
        ("sec-websocket-extensions", "e"),
        ("X-Last", "1"),
        ("x-last", "2"),
        ("Accept", "text/html"),
        ("user-agent", "mine"),
        ("Accept-Encoding", "gzip"),
    ];
    assert_sends(
        Request::new("http://a.test/").method(Method::Post).headers(&headers).data(Data::Text("{}")),
        "POST / HTTP/1.1\r\nHost: a.test\r\n\
         Referer: https://a.test/2021000000000001/1.0.0/page-frame.html\r\n\
         Content-Type: application/json\r\n\
         x-last: 2\r\nAccept: text/html\r\nuser-agent: mine\r\nAccept-Encoding: gzip\r\n\
         Content-Length: 2\r\n\r\n{}",
    );
}

#[test]
fn ctx_09_illegal_header_names_and_values_are_2() {
    for header in [("a\r\nb", "c"), ("a b", "c"), ("", "c"), ("a:", "c"), ("a", "b\r\nc: d"), ("a", "\0"), ("a", "\n")]
    {
        assert_refused(Request::new("http://a.test/").headers(&[header]), Reason::IllegalHeader, 2);
    }
    // Also where the field would be dropped.
    assert_refused(Request::new("http://a.test/").headers(&[("Referer", "a\r\nb: c")]), Reason::IllegalHeader, 2);
}

#[test]
fn req_code_2_for_urls_that_are_none() {
    let refused = [
        ("", Reason::UrlEmpty),
        (" \t", Reason::UrlEmpty),
        ("a.test", Reason::UrlMalformed),
        ("/x", Reason::UrlMalformed),
        ("http://", Reason::UrlMalformed),
        ("http:///x", Reason::UrlMalformed),
        ("http://a.test:0x50/", Reason::UrlMalformed),
        ("http://user@a.test/", Reason::UrlMalformed),
        ("http://a.test/\r\nX: y", Reason::UrlMalformed),
        ("ftp://a.test/", Reason::UrlScheme),
        ("ws://a.test/", Reason::UrlScheme),
        ("wss://a.test/", Reason::UrlScheme),
    ];
    for (url, reason) in refused {
        assert_refused(Request::new(url), reason, 2);
    }
    assert_refused(Request::new("http://a.test/").data(Data::Text("a\r\nb")), Reason::UrlMalformed, 2);
}

#[test]
fn req_code_2_a_url_is_at_most_2048_bytes_data_and_joint_included() {
    let base = "http://a.test/";
    let of_length = |length: usize| format!("{base}{}", "x".repeat(length - base.len()));
    assert_eq!(target(&of_length(2048), Data::None).len(), 2048 - base.len() + 1);
    assert_refused(Request::new(&of_length(2049)), Reason::UrlTooLong, 2);

    // One byte of joint, then the data.
    let value = "v".repeat(47);
    assert_eq!(target(&of_length(2000), Data::Text(&value)).len(), 2048 - base.len() + 1);
    assert_refused(Request::new(&of_length(2001)).data(Data::Text(&value)), Reason::UrlTooLong, 2);
    // No joint is needed.
    let url = of_length(2000) + "?";
    assert_eq!(target(&url, Data::Text(&value)).len(), 2048 - base.len() + 1);
    // In its encoded form.
    let value = "\u{4e2d}".repeat(5);
    let map = std::collections::BTreeMap::from([("k", value.as_str())]);
    assert_eq!(target(&of_length(2000), Data::Value(&map)).len(), 2048 - base.len() + 1);
    assert_refused(Request::new(&of_length(2001)).data(Data::Value(&map)), Reason::UrlTooLong, 2);
    // The body of a POST is no part of it.
    assert_sends(
        Request::new("http://a.test/").method(Method::Post).data(Data::Text(&"x".repeat(3000))),
        with_body("POST", "/", "a.test", "", &"x".repeat(3000)),
    );
}

#[test]
fn ctx_01_the_url_limit_is_the_contexts() {
    let mut limits = Limits::new();
    limits.url = 20;
    let context = development().with_limits(limits);
    let seen = Scenario::new(&context, Request::new("http://a.test/123456x"), []).run();
    assert_eq!(seen.failure(), (Some(Reason::UrlTooLong), Some(2), None));
}

#[test]
fn req_code_15_malformed_escapes_in_the_url_a_query_string_or_a_form() {
    for url in ["http://a.test/%", "http://a.test/%2", "http://a.test/?a=%zz"] {
        assert_refused(Request::new(url), Reason::MalformedEscape, 15);
    }
    for text in ["%", "a=%2", "a=%zz&b", "100%"] {
        assert_refused(Request::new("http://a.test/").data(Data::Text(text)), Reason::MalformedEscape, 15);
        let form = Request::new("http://a.test/").method(Method::Post).headers(FORM).data(Data::Text(text));
        assert_refused(form, Reason::MalformedEscape, 15);
    }
}

struct Broken;

impl Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("broken"))
    }
}

#[test]
fn req_code_15_data_that_cannot_be_converted() {
    let arrays = [1, 2];
    let keyed = std::collections::BTreeMap::from([([1], 1)]);
    for (method, _) in METHODS {
        let request = Request::new("http://a.test/").method(method);
        assert_refused(request.data(Data::Value(&Broken)), Reason::DataNotConvertible, 15);
        assert_refused(request.data(Data::Value(&keyed)), Reason::DataNotConvertible, 15);
        if method == Method::Get {
            assert_refused(request.data(Data::Value(&arrays)), Reason::DataNotConvertible, 15);
        } else {
            assert_refused(request.headers(FORM).data(Data::Value(&arrays)), Reason::DataNotConvertible, 15);
        }
    }
}

/// Another length each time it is written.
struct Changing {
    lengths: &'static [usize],
    written: Cell<usize>,
}

impl Value for Changing {
    fn write(&self, _: Form, out: &mut dyn Sink) -> Result<(), WriteError> {
        let at = self.written.get();
        self.written.set(at + 1);
        let length = self.lengths.get(at).or(self.lengths.last()).unwrap();
        (0..*length).try_for_each(|_| out.put(b"x")).map_err(WriteError::from)
    }
}

#[test]
fn req_code_15_a_value_that_changes_its_length_never_desynchronises_the_link() {
    // Small pieces, so that a long value is written several times.
    for lengths in [&[10, 9][..], &[10, 11], &[10, 0], &[1000, 1000, 999], &[1000, 1000, 1001], &[1000, 1000, 0]] {
        for driver in [Driver::ByHand, Driver::Blocking, Driver::Asynch] {
            for (method, _) in METHODS {
                let value = Changing { lengths, written: Cell::new(0) };
                let request = Request::new("http://a.test/").method(method).data(Data::Value(&value));
                let steps = [Step::Connect("http a.test:80"), Step::Request, Step::Closes];
                let seen = Scenario::new(&development(), request, steps).once(driver, Split::Whole, (512, 256));
                let failure = (Some(Reason::DataNotConvertible), Some(15), None);
                assert_eq!(seen.failure(), failure, "{method:?} {lengths:?}");
                let body = seen.sent.first().and_then(|sent| sent.split_once("\r\n\r\n")).map_or("", |(_, body)| body);
                assert!(body.len() <= lengths[0]);
            }
        }
    }
}

#[test]
fn req_20_the_deprecated_alias_is_announced_and_has_no_behaviour_of_its_own() {
    assert!(can_i_use("httpRequest"));
    assert_eq!(can_i_use("httpRequest.object.dataType"), can_i_use("request.object.dataType"));
}
