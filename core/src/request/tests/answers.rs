//! What comes back: REQ-03, REQ-04, REQ-10 to REQ-13, REQ-18, REQ-19.

use super::*;
use crate::context::Limits;
use crate::reason::Fault;
use crate::request::{DataType, Method};

const URL: &str = "http://a.test/";

/// The steps of one plain exchange.
fn plain(answer: Step, then: &[Step]) -> Vec<Step> {
    [&[Step::Connect("http a.test:80"), Step::Request, answer], then].concat()
}

/// The answer taken whole, with 256 bytes of memory for the body.
#[track_caller]
fn call(data_type: DataType, answer: Step, then: &[Step]) -> (Option<Reason>, Option<u16>, String) {
    let request = Request::new(URL).data_type(data_type);
    let scenario = Scenario::new(&development(), request, plain(answer, then));
    let called = scenario.call(256);
    // The events are the same at every split.
    assert_eq!(scenario.run().result().err(), called.reason);
    called.short()
}

fn typed(content_type: &str, body: &[u8]) -> Step {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len());
    answers([head.as_bytes(), body].concat())
}

fn chunked(chunks: &[&str]) -> Step {
    let chunks: String = chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
    answers(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"))
}

#[test]
fn req_03_the_default_deadline_is_30000_ms_and_0_means_it() {
    for (timeout, expected) in [(None, 30_000), (Some(0), 30_000), (Some(1), 1), (Some(45_000), 45_000)] {
        let mut request = Request::new(URL);
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        let steps = [Step::Connect("http a.test:80"), Step::Request, Step::Stalls, Step::Closes];
        let seen = Scenario::new(&development(), request, steps).run();
        assert_eq!((seen.failure(), seen.took), ((Some(Reason::Timeout), Some(13), None), expected));
    }
}

#[test]
fn req_03_one_deadline_covers_dns_connect_tls_request_and_body() {
    let (connect, secure) = (Step::Connect("https a.test:443"), Step::Secure);
    let head = answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{");
    let late = [
        vec![connect.clone(), Step::Stalls, Step::Closes],
        vec![connect.clone(), secure.clone(), Step::Stalls, Step::Closes],
        vec![connect.clone(), secure.clone(), Step::Request, Step::Stalls, Step::Closes],
        vec![connect, secure, Step::Request, head, Step::Stalls, Step::Closes],
    ];
    let request = Request::new("https://a.test/").timeout(1000);
    for steps in late {
        let seen = Scenario::new(&development(), request, steps.clone()).run();
        assert_eq!((seen.result(), seen.took), (Err(Reason::Timeout), 1000), "{steps:?}");
    }
    // DNS and connect are one step to the core; a link that never opens leaves the rest of the script behind.
    let steps = [Step::Waits(1000), Step::NoLink("https a.test:443", Fault::Connect)];
    for driver in [Driver::ByHand, Driver::Blocking, Driver::Asynch] {
        let mut scenario = Scenario::new(&development(), request, steps.clone());
        scenario.unfinished = true;
        let seen = scenario.once(driver, Split::Whole, (512, 256));
        assert_eq!((seen.result(), seen.took), (Err(Reason::Timeout), 1000));
    }
}

#[test]
fn req_03_the_parts_share_the_deadline() {
    let steps = |last: u64| {
        [
            Step::Waits(300),
            Step::Connect("https a.test:443"),
            Step::Waits(300),
            Step::Secure,
            Step::Waits(300),
            Step::Request,
            answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"),
            Step::Waits(last),
            answers("}"),
        ]
    };
    let request = Request::new("https://a.test/").timeout(1000);
    let in_time = [&steps(99)[..], &[Step::Keeps]].concat();
    let seen = Scenario::new(&development(), request, in_time).run();
    assert_eq!((seen.result(), seen.took), (Ok(()), 999));
    let late = [&steps(100)[..], &[Step::Closes]].concat();
    let seen = Scenario::new(&development(), request, late).run();
    assert_eq!((seen.failure(), seen.took), ((Some(Reason::Timeout), Some(13), Some(200)), 1000));
}

#[test]
fn req_03_a_redirect_does_not_extend_the_deadline() {
    let mut steps = Vec::new();
    for _ in 0..3 {
        let redirect = answers("HTTP/1.1 302 Found\r\nLocation: //a.test/\r\nContent-Length: 0\r\n\r\n");
        steps.extend([Step::Connect("http a.test:80"), Step::Request, Step::Waits(400), redirect, Step::Closes]);
    }
    let cut = [&steps[..12], &[Step::Waits(400), Step::Closes]].concat();
    let seen = Scenario::new(&development(), Request::new(URL).timeout(1000), cut).run();
    assert_eq!((seen.result(), seen.took, seen.outcome.redirects), (Err(Reason::Timeout), 1000, 2));
}

#[test]
fn req_04_json_is_the_default_data_type() {
    assert_eq!(Request::new(URL).data_type, DataType::Json);
    let names = ["json", "text", "base64", "JSON", ""];
    let types = [Some(DataType::Json), Some(DataType::Text), Some(DataType::Base64), None, None];
    assert_eq!(names.map(DataType::from_name), types);
}

#[test]
fn req_10_success_carries_data_status_and_headers() {
    let answer = answers(
        "HTTP/1.1 201 Created\r\nX-ONE: 1\r\nset-cookie: a\r\nContent-Length: 4\r\nSet-Cookie:  b \r\nEmpty:\r\n\r\ntrue",
    );
    let scenario = Scenario::new(&development(), Request::new(URL), plain(answer, &[Step::Keeps]));
    let called = scenario.call(64);
    assert_eq!((called.reason, called.status, called.text.as_str()), (None, Some(201), "true"));
    let headers = [("X-ONE", "1"), ("set-cookie", "a"), ("Content-Length", "4"), ("Set-Cookie", "b"), ("Empty", "")];
    assert_eq!(called.headers, headers.map(|(name, value)| (name.to_string(), value.to_string())));
    assert!(matches!(&scenario.run().events[..], [Shown::Head(201, fields)] if *fields == called.headers));
}

#[test]
fn req_11_json_is_one_whole_text_else_14() {
    for good in ["{}", " [1, 2] \r\n", "\"\u{4e2d}\"", "null", "-0.5e+3", "{\"a\":{\"a\":[]}}"] {
        assert_eq!(call(DataType::Json, answer("200 OK", good), &[Step::Keeps]), Called::ok(200, good));
    }
    // The link is not kept where the body was not read to its end.
    for bad in ["<html>", "{} x", "{'a':1}", "nul1"] {
        assert_eq!(
            call(DataType::Json, answer("200 OK", bad), &[Step::Closes]),
            Called::failed(Reason::NotJson, 200, ""),
            "{bad}"
        );
    }
    for unfinished in ["{", "[1", "\"a", "-", "tru", " "] {
        assert_eq!(
            call(DataType::Json, answer("200 OK", unfinished), &[Step::Keeps]),
            Called::failed(Reason::NotJson, 200, ""),
            "{unfinished}"
        );
    }
    assert_eq!(Reason::NotJson.request_code(), 14);
}

#[test]
fn req_11_json_has_no_byte_order_mark_and_is_utf_8() {
    for bad in [&b"\xef\xbb\xbf{}"[..], b"\"\xff\"", b"\"\xe4\xb8\"", b"{\0}", b"\xff\xfe{\0}\0"] {
        let failed = Called::failed(Reason::NotJson, 200, "");
        assert_eq!(call(DataType::Json, typed("application/json; charset=utf-8", bad), &[Step::Closes]), failed);
    }
    // A charset parameter changes nothing.
    let answer = typed("application/json; charset=gbk", "\"\u{4e2d}\"".as_bytes());
    assert_eq!(call(DataType::Json, answer, &[Step::Keeps]), Called::ok(200, "\"\u{4e2d}\""));
}

#[test]
fn req_11_an_empty_body_and_204_are_a_success_with_empty_data() {
    for data_type in [DataType::Json, DataType::Text, DataType::Base64] {
        assert_eq!(call(data_type, answer("200 OK", ""), &[Step::Keeps]), Called::ok(200, ""));
        assert_eq!(call(data_type, chunked(&[]), &[Step::Keeps]), Called::ok(200, ""));
        let no_content = answers("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(call(data_type, no_content, &[Step::Keeps]), Called::ok(204, ""));
        let encoded = answers("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(call(data_type, encoded, &[Step::Keeps]), Called::ok(200, ""));
        let closed = answers("HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(call(data_type, closed, &[Step::Ends, Step::Closes]), Called::ok(200, ""));
    }
}

#[test]
fn req_11_json_is_available_as_a_typed_value_borrowed() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Item<'a> {
        name: &'a str,
        n: u8,
    }
    let context = development();
    let request = Request::new(URL);
    let steps = plain(answer("200 OK", "{\"name\": \"a\", \"n\": 7}"), &[Step::Keeps]);
    let mut peer = Peer::new(&steps, Split::Whole);
    let (mut rx, mut tx, mut body) = ([0; 512], [0; 256], [0; 64]);
    let memory = Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut [], head: &mut [], body: &mut body };
    let response = blocking::request(&mut peer, &context, &request, memory).unwrap();
    assert_eq!(response.json(&mut [0; 16]), Ok(Item { name: "a", n: 7 }));
    assert!(response.json::<u8>(&mut []).is_err());
    // Without memory for them, no header fields are kept.
    assert_eq!(response.headers().count(), 0);
}

#[test]
fn req_12_text_is_utf_8_ascii_or_latin1_by_the_declared_charset() {
    let text = "a\u{e9}\u{4e2d}\u{1f600}";
    for content_type in ["text/plain", "text/plain; charset=UTF-8", "text/plain;charset=\"utf-8\"", "x"] {
        let answer = typed(content_type, text.as_bytes());
        assert_eq!(call(DataType::Text, answer, &[Step::Keeps]), Called::ok(200, text));
    }
    let answer = typed("text/plain; charset=us-ascii", b"plain");
    assert_eq!(call(DataType::Text, answer, &[Step::Keeps]), Called::ok(200, "plain"));
    let answer = typed("text/html; Charset=ISO-8859-1", b"caf\xe9 \xff\x80 \xa3");
    assert_eq!(call(DataType::Text, answer, &[Step::Keeps]), Called::ok(200, "caf\u{e9} \u{ff}\u{80} \u{a3}"));
}

#[test]
fn req_12_text_that_is_not_in_its_charset_is_14() {
    let not_text = Called::failed(Reason::NotText, 200, "");
    for bad in [&b"a\xff"[..], b"\xc0\x80", b"\xed\xa0\x80 "] {
        assert_eq!(call(DataType::Text, typed("text/plain", bad), &[Step::Closes]), not_text);
    }
    assert_eq!(call(DataType::Text, typed("text/plain", b"\xe4\xb8"), &[Step::Keeps]), not_text);
    assert_eq!(call(DataType::Text, typed("text/plain; charset=ascii", b"a\x80"), &[Step::Closes]), not_text);
    for charset in ["gbk", "utf-16", "windows-1252"] {
        let answer = typed(&format!("text/plain; charset={charset}"), b"abc");
        let failed = Called::failed(Reason::UnsupportedCharset, 200, "");
        assert_eq!(call(DataType::Text, answer, &[Step::Closes]), failed);
    }
    assert_eq!((Reason::NotText.request_code(), Reason::UnsupportedCharset.request_code()), (14, 14));
}

#[test]
fn req_12_base64_is_of_the_bodys_bytes_padded() {
    for (body, text) in [(&b"\x00\xff\xfe"[..], "AP/+"), (b"a", "YQ=="), (b"ab", "YWI="), (b"abc", "YWJj")] {
        let answer = typed("image/png; charset=gbk", body);
        assert_eq!(call(DataType::Base64, answer, &[Step::Keeps]), Called::ok(200, text));
    }
}

#[test]
fn req_12_a_content_encoding_that_was_not_asked_for_is_14() {
    for data_type in [DataType::Json, DataType::Text, DataType::Base64] {
        for coding in ["gzip", "br", "identity, deflate"] {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 2\r\n\r\n{{}}");
            let failed = Called::failed(Reason::UnsupportedEncoding, 200, "");
            assert_eq!(call(data_type, answers(head), &[Step::Closes]), failed);
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(call(data_type, answers(head), &[Step::Keeps]).0, None);
    }
    assert_eq!(Reason::UnsupportedEncoding.request_code(), 14);
}

#[test]
fn req_13_4xx_and_5xx_are_19_with_status_headers_and_data() {
    for status in [400, 401, 404, 407, 418, 499, 500, 502, 503, 599, 600, 999] {
        let steps = plain(answer(&format!("{status} x"), "{\"error\": 1}"), &[Step::Keeps]);
        let scenario = Scenario::new(&development(), Request::new(URL), steps);
        assert_eq!(scenario.run().failure(), (Some(Reason::HttpStatus), Some(19), Some(status)));
        let called = scenario.call(64);
        assert_eq!(called.headers, [("Content-Length".to_string(), "12".to_string())]);
        assert_eq!(called.short(), Called::failed(Reason::HttpStatus, status, "{\"error\": 1}"));
    }
}

#[test]
fn req_13_429_is_20_with_its_data() {
    let called = call(DataType::Json, answer("429 Too Many Requests", "{}"), &[Step::Keeps]);
    assert_eq!(called, Called::failed(Reason::RateLimited, 429, "{}"));
    assert_eq!(Reason::RateLimited.request_code(), 20);
}

#[test]
fn req_13_conversion_comes_first() {
    for status in [200, 404, 429, 500, 600] {
        let called = call(DataType::Json, answer(&format!("{status} x"), "<html>"), &[Step::Closes]);
        assert_eq!(called, Called::failed(Reason::NotJson, status, ""));
    }
    // And 404 with an empty body needs no conversion.
    assert_eq!(
        call(DataType::Json, answer("404 Not Found", ""), &[Step::Keeps]),
        Called::failed(Reason::HttpStatus, 404, "")
    );
    assert_eq!(
        call(DataType::Text, answer("404 Not Found", "<html>"), &[Step::Keeps]),
        Called::failed(Reason::HttpStatus, 404, "<html>")
    );
}

#[test]
fn req_13_2xx_and_3xx_that_are_no_redirect_are_a_success() {
    for status in [200, 201, 202, 203, 206, 299, 300, 304, 305, 306] {
        let bodiless = status == 304;
        let response = if bodiless { answers("HTTP/1.1 304 x\r\n\r\n") } else { answer(&format!("{status} x"), "{}") };
        let called = call(DataType::Json, response, &[Step::Keeps]);
        assert_eq!(called, Called::ok(status, if bodiless { "" } else { "{}" }));
    }
}

#[test]
fn req_18_every_framing_gives_the_same_body() {
    let closed = answers("HTTP/1.1 200 OK\r\n\r\n[1,2]");
    let old = answers("HTTP/1.0 200 OK\r\n\r\n[1,2]");
    let old_kept = answers("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n[1,2]");
    let closing = answers("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n[1,2]");
    let extended = answers(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\n[1,\r\n02\r\n2]\r\n0;z\r\nTrailer: t\r\n\r\n",
    );
    let interim = answers(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]",
    );
    let cases = [
        (answer("200 OK", "[1,2]"), &[Step::Keeps][..]),
        (chunked(&["[", "1,2]"]), &[Step::Keeps]),
        (extended, &[Step::Keeps]),
        (old_kept, &[Step::Keeps]),
        (interim, &[Step::Keeps]),
        (closing, &[Step::Closes]),
        (closed, &[Step::Ends, Step::Closes]),
        (old, &[Step::Ends, Step::Closes]),
    ];
    for (answer, then) in cases {
        assert_eq!(call(DataType::Json, answer, then), Called::ok(200, "[1,2]"));
    }
}

#[test]
fn req_18_interim_answers_are_shown_and_skipped() {
    let answer = answers("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    let seen = Scenario::new(&development(), Request::new(URL), plain(answer, &[Step::Keeps])).run();
    assert_eq!(seen.events, [Shown::Interim(100), Shown::Head(204, vec![])]);
}

#[test]
fn req_18_malformed_heads_and_framing_are_19() {
    let heads = ["SSH-2.0-x\r\n", "HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 101 x\r\n\r\n", "HTTP/1.1 20 x\r\n\r\n"];
    for bytes in heads {
        let steps = plain(answers(bytes), &[Step::Closes]);
        let seen = Scenario::new(&development(), Request::new(URL), steps).run();
        assert_eq!(seen.failure(), (Some(Reason::MalformedHead), Some(19), None), "{bytes:?}");
    }
    let framings = [
        "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "Content-Length: +1\r\n\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n",
    ];
    for fields in framings {
        let steps = plain(answers(format!("HTTP/1.1 200 OK\r\n{fields}")), &[Step::Closes]);
        let seen = Scenario::new(&development(), Request::new(URL), steps).run();
        assert_eq!(seen.failure(), (Some(Reason::MalformedFraming), Some(19), None), "{fields:?}");
    }
    for coded in ["\r\n", "x\r\n", "1\r\n[]\r\n", "1\n[", "-1\r\n"] {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let steps = plain(answers(format!("{head}{coded}")), &[Step::Closes]);
        let seen = Scenario::new(&development(), Request::new(URL), steps).run();
        assert_eq!(seen.failure(), (Some(Reason::MalformedFraming), Some(19), Some(200)), "{coded:?}");
    }
}

#[test]
fn req_18_truncation_is_12_wherever_it_happens() {
    let complete = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2]\r\n0\r\n\r\n",
    ];
    for whole in complete {
        for length in 1..whole.len() {
            let has_head = whole[..length].contains("\r\n\r\n");
            let cut = answers(&whole[..length]);
            let steps = plain(cut.clone(), &[Step::Ends, Step::Closes]);
            let seen =
                Scenario::new(&development(), Request::new(URL), steps).run_unsplit(&[Split::Whole, Split::Bytes]);
            let status = has_head.then_some(200);
            assert_eq!(seen.failure(), (Some(Reason::ConnectionClosed), Some(12), status));
            let steps = plain(cut, &[Step::Breaks, Step::Closes]);
            let seen =
                Scenario::new(&development(), Request::new(URL), steps).run_unsplit(&[Split::Whole, Split::Bytes]);
            assert_eq!(seen.failure(), (Some(Reason::ConnectionLost), Some(12), status));
        }
    }
}

#[test]
fn req_18_a_server_that_closes_without_a_word_is_12() {
    let steps = [Step::Connect("http a.test:80"), Step::Request, Step::Ends, Step::Closes];
    let seen = Scenario::new(&development(), Request::new(URL), steps).run();
    assert_eq!(seen.failure(), (Some(Reason::ConnectionClosed), Some(12), None));
}

#[test]
fn req_18_an_early_answer_to_a_long_body_is_heard() {
    // A byte of the answer may come per piece, so there are more pieces than that.
    let body = "x".repeat(40_000);
    let request = Request::new(URL).method(Method::Post).data(Data::Text(&body));
    for then in [Step::Closes, Step::Ends, Step::Breaks] {
        let refusal = answer("413 Content Too Large", "{\"max\": 1}");
        let mut steps = vec![Step::Connect("http a.test:80"), Step::Takes(500), refusal, then.clone()];
        if then != Step::Closes {
            steps.push(Step::Closes);
        }
        let mut scenario = Scenario::new(&development(), request, steps);
        scenario.buffers = vec![(512, 256), (4096, 300)];
        let seen = scenario.run();
        // What has not been sent belongs to nothing any more, so the link is not kept.
        assert_eq!(seen.failure(), (Some(Reason::HttpStatus), Some(19), Some(413)));
        assert_eq!(seen.body, "{\"max\": 1}");
        assert!(seen.request().len() < body.len());
    }
}

#[test]
fn req_18_an_answer_that_waits_behind_a_failed_write_is_heard() {
    let body = "x".repeat(10_000);
    let request = Request::new(URL).method(Method::Post).data(Data::Text(&body));
    let refusal = answer("413 Content Too Large", "{\"max\": 1}");
    let steps = [
        Step::Connect("http a.test:80"),
        Step::Takes(500),
        Step::WriteBreaks,
        Step::Waits(10),
        refusal,
        Step::Ends,
        Step::Closes,
    ];
    let seen = Scenario::new(&development(), request, steps).run();
    assert_eq!(seen.failure(), (Some(Reason::HttpStatus), Some(19), Some(413)));
    assert_eq!(seen.body, "{\"max\": 1}");
    // Where none waits, the link is lost.
    for (end, reason) in [(Step::Ends, Reason::ConnectionClosed), (Step::Breaks, Reason::ConnectionLost)] {
        let steps = [Step::Connect("http a.test:80"), Step::Takes(500), Step::WriteBreaks, end, Step::Closes];
        assert_eq!(Scenario::new(&development(), request, steps).run().failure(), (Some(reason), Some(12), None));
    }
}

#[test]
fn req_19_a_length_over_the_limit_is_14_before_any_byte() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    let steps = plain(answers(head), &[Step::Stalls, Step::Closes]);
    let mut scenario = Scenario::new(&development(), Request::new(URL), steps);
    scenario.limit = 8;
    let seen = scenario.run();
    assert_eq!((seen.failure(), seen.took), ((Some(Reason::TooLarge), Some(14), Some(200)), 0));
    assert_eq!(seen.body, "");
    // Also that of an error, which could not be converted.
    scenario.steps[2] = answers(head.replace("200", "404"));
    assert_eq!(scenario.run().failure(), (Some(Reason::TooLarge), Some(14), Some(404)));
    scenario.limit = 9;
    scenario.steps = plain(answer("200 OK", "[1, 2, 3]"), &[Step::Keeps]);
    assert_eq!(scenario.run().result(), Ok(()));
}

#[test]
fn req_19_chunks_and_bodies_without_a_length_are_counted() {
    let close_delimited = answers("HTTP/1.1 200 OK\r\n\r\n[1,2,3,4]");
    for (answer, end) in [(chunked(&["[1,", "2,", "3,4]"]), Step::Keeps), (close_delimited, Step::Closes)] {
        let mut steps = plain(answer, &[]);
        if end == Step::Closes {
            steps.push(Step::Ends);
        }
        let mut scenario = Scenario::new(&development(), Request::new(URL), [&steps[..], &[end]].concat());
        scenario.limit = 9;
        assert_eq!(scenario.run().result(), Ok(()));
        scenario.limit = 8;
        scenario.steps = [&steps[..], &[Step::Closes]].concat();
        let seen = scenario.run();
        assert_eq!(seen.failure(), (Some(Reason::TooLarge), Some(14), Some(200)));
        assert!(seen.outcome.received <= 8);
    }
}

#[test]
fn req_19_the_contexts_limit_holds_for_streams_too() {
    let mut limits = Limits::new();
    limits.body = 8;
    let context = development().with_limits(limits);
    let mut scenario = Scenario::new(&context, Request::new(URL), plain(chunked(&["12345", "6789"]), &[Step::Closes]));
    scenario.streamed = true;
    assert_eq!(scenario.run().result(), Err(Reason::TooLarge));
    // A larger memory does not raise it.
    scenario.limit = 100;
    assert_eq!(scenario.run().result(), Err(Reason::TooLarge));
}

#[test]
fn req_19_the_memory_for_the_body_is_the_limit_of_its_converted_form() {
    // 12 characters hold the base64 form of 9 bytes, 11 that of 6.
    let called = |data_type, memory: usize, bytes: usize, end: Step| {
        let answer = typed("text/plain; charset=latin1", &b"7".repeat(bytes));
        let request = Request::new(URL).data_type(data_type);
        Scenario::new(&development(), request, plain(answer, &[end])).call(memory).reason
    };
    for (memory, most) in [(0, 0), (3, 0), (4, 3), (7, 3), (11, 6), (12, 9)] {
        assert_eq!(called(DataType::Base64, memory, most, Step::Keeps), None, "{memory}");
        assert_eq!(called(DataType::Base64, memory, most + 1, Step::Closes), Some(Reason::TooLarge), "{memory}");
    }
    for data_type in [DataType::Json, DataType::Text] {
        assert_eq!(called(data_type, 5, 5, Step::Keeps), None);
        assert_eq!(called(data_type, 5, 6, Step::Closes), Some(Reason::TooLarge));
    }
}

#[test]
fn req_19_text_that_grows_in_conversion_is_14_where_it_does_not_fit() {
    let steps = plain(typed("text/plain; charset=latin1", b"\xe9\xe9\xe9"), &[Step::Closes]);
    let scenario = Scenario::new(&development(), Request::new(URL).data_type(DataType::Text), steps);
    assert_eq!(scenario.call(5).short(), Called::failed(Reason::TooLarge, 200, ""));
}

#[test]
fn req_19_a_stream_is_handed_out_unconverted_in_chunks_of_the_receive_buffer() {
    let body: String = (0..3000).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    let chunks: Vec<&str> = body.as_bytes().chunks(777).map(|chunk| str::from_utf8(chunk).unwrap()).collect();
    let encoded = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=gbk\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for (answer, then) in [
        (chunked(&chunks), vec![Step::Keeps]),
        (answers(encoded), vec![Step::Keeps]),
        (answers(format!("HTTP/1.1 200 OK\r\n\r\n{body}")), vec![Step::Ends, Step::Closes]),
        (answer("404 Not Found", "<"), vec![Step::Keeps]),
        (answer("200 OK", ""), vec![Step::Keeps]),
    ] {
        let mut scenario = Scenario::new(&development(), Request::new(URL), plain(answer, &then));
        scenario.streamed = true;
        let seen = scenario.run_unsplit(&[Split::Whole, Split::Bytes, Split::At(100)]);
        if seen.outcome.status == Some(404) {
            assert_eq!((seen.result(), seen.body.as_str()), (Err(Reason::HttpStatus), "<"));
        } else {
            assert_eq!(seen.result(), Ok(()));
            assert!(seen.body == body || seen.body.is_empty());
        }
        assert_eq!(seen.outcome.received, seen.body.len() as u64);
    }
}

#[test]
fn req_19_whoever_takes_the_stream_can_end_it() {
    let context = development();
    let request = Request::new(URL);
    let steps = plain(chunked(&["12345", "6789"]), &[Step::Closes]);
    for driver in [Driver::Blocking, Driver::Asynch] {
        let mut peer = Peer::new(&steps, Split::Bytes);
        let (mut rx, mut tx) = ([0; 512], [0; 256]);
        let memory = Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut [], head: &mut [], body: &mut [] };
        let mut taken = 0;
        let take = |event: Event<'_>| match event {
            Event::Body(_) if taken == 3 => Err(Reason::TooLarge),
            Event::Body(bytes) => {
                taken += bytes.len();
                Ok(())
            }
            _ => Ok(()),
        };
        let outcome = match driver {
            Driver::Asynch => peer.block_on(asynch::request_streamed(&peer, &context, &request, memory, take)),
            _ => blocking::request_streamed(&mut peer, &context, &request, memory, take),
        };
        assert_eq!(outcome.result, Err(Reason::TooLarge));
        peer.finish();
    }
}
