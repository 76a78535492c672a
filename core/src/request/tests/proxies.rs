//! The HTTP proxy: REQ-17.

use super::*;
use crate::context::Proxy;
use crate::reason::Fault;

const PROXY: Proxy<'static> = Proxy { host: "proxy.test", port: 3128, credentials: None };
const WITH_CREDENTIALS: Proxy<'static> = Proxy { host: "proxy.test", port: 3128, credentials: Some("user:pass") };
const PLAIN: &str = "http a.test:80 via proxy.test:3128";
const TUNNEL: &str = "https a.test:443 via proxy.test:3128";
const CONNECT: &str = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nUser-Agent: kiosk/7\r\n\r\n";

/// A call through this proxy.
fn through<'a>(proxy: &'a Proxy<'a>, url: &'a str, steps: impl Into<Vec<Step>>) -> Scenario<'a> {
    Scenario::new(&development().with_proxy(Some(proxy)), Request::new(url), steps)
}

#[test]
fn req_17_http_goes_in_absolute_form() {
    for (url, target, host) in [
        ("http://a.test", "http://a.test/", "a.test"),
        ("http://a.test:80/x?q#f", "http://a.test/x?q", "a.test"),
        ("http://a.test:8080/", "http://a.test:8080/", "a.test:8080"),
    ] {
        let route = if host == "a.test" { PLAIN } else { "http a.test:8080 via proxy.test:3128" };
        let steps = [Step::Connect(route), sends(get(target, host, "")), answer("200 OK", "{}"), Step::Keeps];
        assert_eq!(through(&PROXY, url, steps).run().result(), Ok(()));
    }
}

#[test]
fn req_17_https_goes_through_a_tunnel() {
    let steps = [
        Step::Connect(TUNNEL),
        sends(CONNECT),
        answers("HTTP/1.1 200 Connection established\r\n\r\n"),
        Step::Secure,
        sends(get("/x", "a.test", "")),
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    let seen = through(&PROXY, "https://a.test/x", steps).run();
    assert_eq!(seen.result(), Ok(()));
    // The proxy's head is none of the answer.
    assert!(matches!(&seen.events[..], [Shown::Head(200, fields)] if fields[0].0 == "Content-Length"));
}

#[test]
fn req_17_the_tunnels_2xx_has_no_body_whatever_its_fields_say() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 299 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let steps = [
            Step::Connect(TUNNEL),
            Step::Request,
            answers(head),
            Step::Secure,
            Step::Request,
            answer("200 OK", "{}"),
            Step::Keeps,
        ];
        assert_eq!(through(&PROXY, "https://a.test/", steps).run().result(), Ok(()), "{head:?}");
    }
}

#[test]
fn req_17_a_kept_tunnel_is_used_again_and_replaced_where_it_died() {
    let steps = [Step::Reuse(TUNNEL), sends(get("/", "a.test", "")), answer("200 OK", "{}"), Step::Keeps];
    assert_eq!(through(&PROXY, "https://a.test/", steps).run().result(), Ok(()));
    let steps = [
        Step::Reuse(TUNNEL),
        Step::Request,
        Step::Ends,
        Step::Closes,
        Step::Fresh(TUNNEL),
        sends(CONNECT),
        answers("HTTP/1.1 200 OK\r\n\r\n"),
        Step::Secure,
        sends(get("/", "a.test", "")),
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    assert_eq!(through(&PROXY, "https://a.test/", steps).run().result(), Ok(()));
}

#[test]
fn req_17_basic_credentials_go_to_the_proxy_only() {
    let basic = "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n";
    let steps =
        [Step::Connect(PLAIN), sends(get("http://a.test/", "a.test", basic)), answer("200 OK", "{}"), Step::Keeps];
    assert_eq!(through(&WITH_CREDENTIALS, "http://a.test/", steps).run().result(), Ok(()));
    let steps = [
        Step::Connect(TUNNEL),
        sends(format!("{}{basic}\r\n", CONNECT.strip_suffix("\r\n").unwrap())),
        answers("HTTP/1.1 200 OK\r\n\r\n"),
        Step::Secure,
        sends(get("/", "a.test", "")),
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    assert_eq!(through(&WITH_CREDENTIALS, "https://a.test/", steps).run().result(), Ok(()));
}

#[test]
fn req_17_a_proxy_that_cannot_be_reached_is_23() {
    for fault in [Fault::Dns, Fault::Connect, Fault::Lost] {
        for (url, route) in [("http://a.test/", PLAIN), ("https://a.test/", TUNNEL)] {
            let seen = through(&PROXY, url, [Step::NoLink(route, fault)]).run();
            assert_eq!(seen.failure(), (Some(Reason::ProxyFailed), Some(23), None));
        }
    }
}

#[test]
fn req_17_a_refused_tunnel_is_23_with_status_and_headers() {
    for status in [302, 400, 403, 407, 502, 504] {
        let refusal = format!("HTTP/1.1 {status} No\r\nProxy-Authenticate: Basic\r\nContent-Length: 6\r\n\r\n<html>");
        let steps = [Step::Connect(TUNNEL), Step::Request, answers(refusal), Step::Closes];
        let scenario = through(&PROXY, "https://a.test/", steps);
        let seen = scenario.run();
        assert_eq!(seen.failure(), (Some(Reason::ProxyRefused), Some(23), Some(status)));
        // Its body is none of the origin's.
        assert_eq!(seen.body, "");
        let called = scenario.call(64);
        assert_eq!(called.headers[0], ("Proxy-Authenticate".to_string(), "Basic".to_string()));
        assert_eq!(called.short(), Called::failed(Reason::ProxyRefused, status, ""));
    }
}

#[test]
fn req_17_407_to_a_plain_request_is_23_however_long_its_body_is() {
    for length in [6, 1_000_000] {
        let refusal = format!("HTTP/1.1 407 No\r\nContent-Length: {length}\r\n\r\n<html>");
        let steps = [Step::Connect(PLAIN), Step::Request, answers(refusal), Step::Closes];
        let mut scenario = through(&PROXY, "http://a.test/", steps);
        scenario.limit = 100;
        let seen = scenario.run();
        assert_eq!(seen.failure(), (Some(Reason::ProxyRefused), Some(23), Some(407)));
        assert!(matches!(&seen.events[..], [Shown::Head(407, _)]));
        assert_eq!(seen.body, "");
    }
    // Inside a tunnel, and without a proxy, 407 is the origin's.
    let steps = [
        Step::Connect(TUNNEL),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\n\r\n"),
        Step::Secure,
        Step::Request,
        answer("407 x", "{}"),
        Step::Keeps,
    ];
    let seen = through(&PROXY, "https://a.test/", steps).run();
    assert_eq!(seen.failure(), (Some(Reason::HttpStatus), Some(19), Some(407)));
}

#[test]
fn req_17_what_is_not_http_from_a_proxy_is_23() {
    for garbage in ["SSH-2.0-x\r\n", "\x05\x01\x00", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 101 x\r\n\r\n"] {
        for (url, route) in [("http://a.test/", PLAIN), ("https://a.test/", TUNNEL)] {
            let steps = [Step::Connect(route), Step::Request, answers(garbage), Step::Closes];
            let seen = through(&PROXY, url, steps).run();
            assert_eq!(seen.failure(), (Some(Reason::ProxyFailed), Some(23), None), "{garbage:?}");
        }
    }
    for end in [Step::Ends, Step::Breaks] {
        for heard in ["", "HTTP/1.1 2"] {
            for (url, route) in [("http://a.test/", PLAIN), ("https://a.test/", TUNNEL)] {
                let mut steps = vec![Step::Connect(route), Step::Request];
                if !heard.is_empty() {
                    steps.push(answers(heard));
                }
                steps.extend([end.clone(), Step::Closes]);
                let seen = through(&PROXY, url, steps).run();
                assert_eq!(seen.failure(), (Some(Reason::ProxyFailed), Some(23), None), "{heard:?} {end:?}");
            }
        }
    }
}

#[test]
fn req_17_bytes_after_the_tunnels_2xx_are_23() {
    // They cannot be the origin's, which waits for the client to speak first.
    let answer = answers("HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03");
    let steps = [Step::Connect(TUNNEL), Step::Request, answer, Step::Closes];
    let seen = through(&PROXY, "https://a.test/", steps).run_unsplit(&[Split::Whole]);
    assert_eq!(seen.failure(), (Some(Reason::ProxyFailed), Some(23), None));
}

#[test]
fn req_17_a_tunnel_that_opens_before_it_was_asked_for_is_23() {
    let long = "x".repeat(5000);
    let proxy = Proxy { host: "proxy.test", port: 3128, credentials: Some(&long) };
    let steps = [Step::Connect(TUNNEL), Step::Takes(100), answers("HTTP/1.1 200 OK\r\n\r\n"), Step::Closes];
    let mut scenario = through(&proxy, "https://a.test/", steps);
    scenario.buffers = vec![(512, 256)];
    let seen = scenario.run_unsplit(&[Split::Whole]);
    assert_eq!(seen.failure(), (Some(Reason::ProxyFailed), Some(23), None));
}

#[test]
fn req_17_once_the_tunnel_stands_failures_are_the_origins() {
    let certificate = Fault::Certificate(crate::reason::CertificateFault::Expired);
    for (fault, code) in [(Fault::Tls, 12), (Fault::NotTls, 19), (Fault::Lost, 12), (certificate, 19)] {
        let steps = [
            Step::Connect(TUNNEL),
            Step::Request,
            answers("HTTP/1.1 200 OK\r\n\r\n"),
            Step::NotSecure(fault),
            Step::Closes,
        ];
        let seen = through(&PROXY, "https://a.test/", steps).run();
        assert_eq!((seen.failure().1, seen.outcome.status), (Some(code), None));
    }
    for (end, reason) in [(Step::Ends, Reason::ConnectionClosed), (Step::Breaks, Reason::ConnectionLost)] {
        let steps = [
            Step::Connect(TUNNEL),
            Step::Request,
            answers("HTTP/1.1 200 OK\r\n\r\n"),
            Step::Secure,
            Step::Request,
            end,
            Step::Closes,
        ];
        assert_eq!(through(&PROXY, "https://a.test/", steps).run().failure(), (Some(reason), Some(12), None));
    }
}

#[test]
fn req_17_an_answer_that_breaks_off_is_12_through_a_proxy_too() {
    let steps = [
        Step::Connect(PLAIN),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"),
        Step::Ends,
        Step::Closes,
    ];
    let seen = through(&PROXY, "http://a.test/", steps).run();
    assert_eq!(seen.failure(), (Some(Reason::ConnectionClosed), Some(12), Some(200)));
}

#[test]
fn req_17_a_proxy_that_says_nothing_is_13() {
    for (url, route) in [("http://a.test/", PLAIN), ("https://a.test/", TUNNEL)] {
        let steps = [Step::Connect(route), Step::Request, Step::Stalls, Step::Closes];
        assert_eq!(through(&PROXY, url, steps).run().failure(), (Some(Reason::Timeout), Some(13), None));
    }
}

#[test]
fn req_17_a_proxys_head_that_does_not_fit_is_23() {
    let head = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(5000));
    let steps = [Step::Connect(TUNNEL), Step::Request, answers(head), Step::Closes];
    let seen = through(&PROXY, "https://a.test/", steps).run_unsplit(&[Split::Whole, Split::Bytes]);
    assert_eq!(seen.failure(), (Some(Reason::ProxyFailed), Some(23), None));
}
