//! Links: kept, used again, lost, aborted. REQ-15, REQ-16.

use super::*;
use crate::reason::{Fault, Interrupt};
use crate::request::Method;

const URL: &str = "http://a.test/";
const ROUTE: &str = "http a.test:80";

#[test]
fn req_16_a_kept_link_is_asked_for_and_given_back() {
    let steps = [Step::Reuse(ROUTE), Step::Request, answer("200 OK", "{}"), Step::Keeps];
    assert_eq!(Scenario::new(&development(), Request::new(URL), steps).run().result(), Ok(()));
    // A kept link of an https route is secure already.
    let steps = [Step::Reuse("https a.test:443"), Step::Request, answer("200 OK", "{}"), Step::Keeps];
    assert_eq!(Scenario::new(&development(), Request::new("https://a.test/"), steps).run().result(), Ok(()));
}

#[test]
fn req_16_only_a_link_that_can_serve_again_is_kept() {
    let closes = [
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", None),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", None),
        ("HTTP/1.1 200 OK\r\n\r\n{}", Some(Step::Ends)),
    ];
    for (response, end) in closes {
        let steps = [Step::Connect(ROUTE), Step::Request, answers(response)].into_iter().chain(end);
        let steps: Vec<Step> = steps.chain([Step::Closes]).collect();
        assert_eq!(Scenario::new(&development(), Request::new(URL), steps).run().result(), Ok(()));
    }
    let keeps = [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\n{}",
    ];
    for response in keeps {
        let steps = [Step::Connect(ROUTE), Step::Request, answers(response), Step::Keeps];
        Scenario::new(&development(), Request::new(URL), steps).run();
    }
    // Bytes that nobody asked for.
    let more = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n";
    let steps = [Step::Connect(ROUTE), Step::Request, answers(more), Step::Closes];
    let seen = Scenario::new(&development(), Request::new(URL), steps).run_unsplit(&[Split::Whole]);
    assert_eq!((seen.result(), seen.body.as_str()), (Ok(()), "{}"));
}

#[test]
fn req_16_a_kept_link_that_died_unheard_is_replaced_once_whatever_the_method() {
    for method in [Method::Get, Method::Post, Method::Put, Method::Delete] {
        for death in [&[Step::Request, Step::Ends][..], &[Step::Request, Step::Breaks], &[Step::Breaks]] {
            let request = Request::new(URL).method(method).data(Data::Text("k=v"));
            let again = match method {
                Method::Get => get("/?k=v", "a.test", ""),
                _ => with_body(method.as_str(), "/", "a.test", "", "k=v"),
            };
            let then = [Step::Closes, Step::Fresh(ROUTE), sends(again), answer("200 OK", "{}"), Step::Keeps];
            let steps = [&[Step::Reuse(ROUTE)], death, &then].concat();
            let seen = Scenario::new(&development(), request, steps).run();
            assert_eq!((seen.result(), seen.body.as_str()), (Ok(()), "{}"), "{method:?} {death:?}");
        }
    }
}

#[test]
fn req_16_a_write_that_fails_midway_on_a_kept_link_is_replaced_too() {
    let body = "x".repeat(3000);
    let request = Request::new(URL).method(Method::Post).data(Data::Text(&body));
    for death in [Step::Ends, Step::Breaks] {
        let steps = [
            Step::Reuse(ROUTE),
            Step::Takes(700),
            Step::WriteBreaks,
            death,
            Step::Closes,
            Step::Fresh(ROUTE),
            sends(with_body("POST", "/", "a.test", "", &body)),
            answer("200 OK", "{}"),
            Step::Keeps,
        ];
        assert_eq!(Scenario::new(&development(), request, steps).run().result(), Ok(()));
    }
}

#[test]
fn req_16_over_tls_the_fresh_link_is_secured_again() {
    let steps = [
        Step::Reuse("https a.test:443"),
        Step::Request,
        Step::Breaks,
        Step::Closes,
        Step::Fresh("https a.test:443"),
        Step::Secure,
        Step::Request,
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&development(), Request::new("https://a.test/"), steps).run().result(), Ok(()));
}

#[test]
fn req_16_a_fresh_link_is_never_replaced() {
    for (death, reason) in [(Step::Ends, Reason::ConnectionClosed), (Step::Breaks, Reason::ConnectionLost)] {
        let steps = [Step::Connect(ROUTE), Step::Request, death, Step::Closes];
        let seen = Scenario::new(&development(), Request::new(URL), steps).run();
        assert_eq!(seen.failure(), (Some(reason), Some(12), None));
    }
}

#[test]
fn req_16_a_second_failure_is_reported() {
    for (death, reason) in [(Step::Ends, Reason::ConnectionClosed), (Step::Breaks, Reason::ConnectionLost)] {
        let steps = [
            Step::Reuse(ROUTE),
            Step::Request,
            Step::Ends,
            Step::Closes,
            Step::Fresh(ROUTE),
            Step::Request,
            death,
            Step::Closes,
        ];
        let seen = Scenario::new(&development(), Request::new(URL), steps).run();
        assert_eq!(seen.failure(), (Some(reason), Some(12), None));
    }
    let steps = [Step::Reuse(ROUTE), Step::Request, Step::Ends, Step::Closes, Step::NoLink(ROUTE, Fault::Connect)];
    let seen = Scenario::new(&development(), Request::new(URL), steps).run();
    assert_eq!(seen.failure(), (Some(Reason::Connect), Some(12), None));
}

#[test]
fn req_16_a_link_that_dies_after_the_first_byte_is_not_replaced() {
    for (death, reason) in [(Step::Ends, Reason::ConnectionClosed), (Step::Breaks, Reason::ConnectionLost)] {
        for heard in ["H", "HTTP/1.1 100 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"] {
            let steps = [Step::Reuse(ROUTE), Step::Request, answers(heard), death.clone(), Step::Closes];
            let seen = Scenario::new(&development(), Request::new(URL), steps).run();
            assert_eq!(seen.result(), Err(reason), "{heard:?}");
        }
    }
}

#[test]
fn req_16_a_timeout_on_a_kept_link_is_not_retried() {
    let steps = [Step::Reuse(ROUTE), Step::Request, Step::Stalls, Step::Closes];
    let seen = Scenario::new(&development(), Request::new(URL), steps).run();
    assert_eq!((seen.failure(), seen.took), ((Some(Reason::Timeout), Some(13), None), 30_000));
}

#[test]
fn req_16_an_interrupted_system_call_is_no_failure() {
    let steps = [
        Step::Connect(ROUTE),
        Step::Takes(100),
        Step::Hiccup,
        Step::Request,
        Step::Hiccup,
        answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"),
        Step::Hiccup,
        answers("}"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&development(), Request::new(URL), steps).run().result(), Ok(()));
}

#[test]
fn req_15_abort_is_20_at_any_moment_and_the_link_is_not_kept() {
    let whole = [
        Step::Connect("https a.test:443"),
        Step::Secure,
        Step::Takes(100),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\n"),
        answers("Content-Length: 2\r\n\r\n"),
        answers("{"),
        answers("}"),
        Step::Keeps,
    ];
    let request = Request::new("https://a.test/");
    assert_eq!(Scenario::new(&development(), request, whole.clone()).run().result(), Ok(()));
    for (interrupt, reason, code) in [(Interrupt::Abort, Reason::Aborted, 20), (Interrupt::Unload, Reason::Unloaded, 1)]
    {
        for at in 0..whole.len() - 1 {
            let mut steps = whole[..at].to_vec();
            steps.push(Step::Interrupts(interrupt));
            if at > 0 {
                steps.push(Step::Closes);
            }
            let seen = Scenario::new(&development(), request, steps).run();
            let status = (at > 5).then_some(200);
            assert_eq!(seen.failure(), (Some(reason), Some(code), status), "{at}");
            assert_eq!(seen.took, 0);
        }
    }
}

#[test]
fn req_15_abort_ends_a_wait() {
    let steps =
        [Step::Connect(ROUTE), Step::Request, Step::Waits(500), Step::Interrupts(Interrupt::Abort), Step::Closes];
    let seen = Scenario::new(&development(), Request::new(URL), steps).run();
    assert_eq!((seen.result(), seen.took), (Err(Reason::Aborted), 500));
}

#[test]
fn req_15_abort_is_heard_while_the_peer_always_has_more() {
    // The bytes after the interrupt are there at once; an operation that is always ready must not win for ever.
    let chunk = answers(format!("1000\r\n{}\r\n", "x".repeat(0x1000)));
    let mut steps = vec![
        Step::Connect(ROUTE),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        chunk.clone(),
        Step::Interrupts(Interrupt::Abort),
    ];
    steps.extend([chunk.clone(), chunk, Step::Closes]);
    let mut scenario = Scenario::new(&development(), Request::new(URL), steps);
    scenario.streamed = true;
    let seen = scenario.run_unsplit(&[Split::Whole, Split::Bytes]);
    assert_eq!((seen.result(), seen.outcome.received), (Err(Reason::Aborted), 0x1000));
}

#[test]
fn req_code_12_dns_connect_and_tls() {
    for (fault, reason) in [(Fault::Dns, Reason::Dns), (Fault::Connect, Reason::Connect)] {
        let seen = Scenario::new(&development(), Request::new(URL), [Step::NoLink(ROUTE, fault)]).run();
        assert_eq!(seen.failure(), (Some(reason), Some(12), None));
    }
    for (fault, reason) in [(Fault::Tls, Reason::Tls), (Fault::Lost, Reason::ConnectionLost)] {
        let steps = [Step::Connect("https a.test:443"), Step::NotSecure(fault), Step::Closes];
        let seen = Scenario::new(&development(), Request::new("https://a.test/"), steps).run();
        assert_eq!(seen.failure(), (Some(reason), Some(12), None));
    }
}
