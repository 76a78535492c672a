//! Redirects: REQ-14.

use super::*;
use crate::context::{Limits, Proxy};
use crate::request::{Method, Redirect};

const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];

fn redirect(status: u16, location: &str) -> Step {
    answers(format!("HTTP/1.1 {status} x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
}

/// One call to `http://a.test/start` that is redirected there and then answered.
fn once_redirected<'a>(request: Request<'a>, redirect: Step, between: &[Step], last: Step) -> Scenario<'a> {
    let first = [Step::Connect("http a.test:80"), Step::Request, redirect];
    let then = [last, answer("200 OK", "{}"), Step::Keeps];
    Scenario::new(&development(), request, [&first, between, &then].concat())
}

#[test]
fn req_14_each_status_and_method_gives_the_next_method_and_body() {
    for status in [301, 302, 303, 307, 308] {
        for method in METHODS {
            let becomes_get = status == 303 || (matches!(status, 301 | 302) && method == Method::Post);
            let next = if becomes_get { Method::Get } else { method };
            let request = Request::new("http://a.test/start").method(method).data(Data::Text("k=v"));
            let sent = match next {
                // What was joined to the first URL is not joined to the target.
                Method::Get => get("/next", "a.test", ""),
                _ => with_body(next.as_str(), "/next", "a.test", "", "k=v"),
            };
            let seen = once_redirected(request, redirect(status, "/next"), &[], sends(sent)).run();
            assert_eq!(seen.result(), Ok(()), "{status} {method:?}");
            assert_eq!(seen.outcome.redirects, 1);
            assert_eq!(seen.events[0], Shown::Redirect(status));
            assert!(matches!(seen.events[1..], [Shown::Head(200, _)]));
            assert_eq!(seen.sent[0].starts_with("GET /start?k=v "), method == Method::Get);
        }
    }
}

#[test]
fn req_14_a_method_that_became_get_stays_so() {
    let request = Request::new("http://a.test/start").method(Method::Post).data(Data::Text("{}"));
    let steps = [
        Step::Connect("http a.test:80"),
        sends(with_body("POST", "/start", "a.test", "", "{}")),
        redirect(302, "/2"),
        sends(get("/2", "a.test", "")),
        redirect(307, "/3"),
        sends(get("/3", "a.test", "")),
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&development(), request, steps).run().result(), Ok(()));
}

#[test]
fn req_14_other_3xx_and_a_missing_location_are_the_answer() {
    for status in [300, 304, 305, 306, 399] {
        let answer =
            if status == 304 { answers("HTTP/1.1 304 x\r\nLocation: /x\r\n\r\n") } else { redirect(status, "/x") };
        let steps = [Step::Connect("http a.test:80"), Step::Request, answer, Step::Keeps];
        let seen = Scenario::new(&development(), Request::new("http://a.test/"), steps).run();
        assert_eq!((seen.result(), seen.outcome.status, seen.outcome.redirects), (Ok(()), Some(status), 0));
    }
    for status in [301, 302, 303, 307, 308] {
        let steps = [Step::Connect("http a.test:80"), Step::Request, answer(&format!("{status} x"), "{}"), Step::Keeps];
        let seen = Scenario::new(&development(), Request::new("http://a.test/"), steps).run();
        assert_eq!((seen.result(), seen.outcome.status, seen.body.as_str()), (Ok(()), Some(status), "{}"));
    }
}

#[test]
fn req_14_in_manual_mode_the_3xx_is_the_answer_a_success() {
    for status in [301, 302, 303, 307, 308] {
        let request = Request::new("http://a.test/").redirect(Redirect::Manual);
        let steps = [Step::Connect("http a.test:80"), Step::Request, redirect(status, "/x"), Step::Keeps];
        let scenario = Scenario::new(&development(), request, steps);
        assert_eq!((scenario.run().result(), scenario.run().outcome.redirects), (Ok(()), 0));
        let called = scenario.call(16);
        assert_eq!(called.headers[0], ("Location".to_string(), "/x".to_string()));
        assert_eq!(called.short(), Called::ok(status, ""));
    }
}

#[test]
fn req_14_five_are_followed_and_the_sixth_is_19() {
    let chain = |count: usize| {
        let mut steps = vec![Step::Connect("http a.test:80")];
        for n in 1..=count {
            steps.extend([Step::Request, redirect(302, &format!("/{n}"))]);
        }
        steps
    };
    let steps = [chain(5), vec![sends(get("/5", "a.test", "")), answer("200 OK", "{}"), Step::Keeps]].concat();
    let seen = Scenario::new(&development(), Request::new("http://a.test/"), steps).run();
    assert_eq!((seen.result(), seen.outcome.redirects), (Ok(()), 5));

    let steps = [chain(6), vec![Step::Closes]].concat();
    let seen = Scenario::new(&development(), Request::new("http://a.test/"), steps.clone()).run();
    assert_eq!(seen.failure(), (Some(Reason::TooManyRedirects), Some(19), Some(302)));
    assert_eq!((seen.outcome.redirects, seen.events.len()), (5, 6));
    assert!(matches!(seen.events[5], Shown::Head(302, _)));

    let mut limits = Limits::new();
    limits.redirects = 0;
    let steps = [chain(1), vec![Step::Closes]].concat();
    let context = development().with_limits(limits);
    let seen = Scenario::new(&context, Request::new("http://a.test/"), steps).run();
    assert_eq!(seen.result(), Err(Reason::TooManyRedirects));
}

#[test]
fn req_14_relative_and_absolute_targets_are_resolved() {
    for (location, target) in [
        ("next", "/dir/next"),
        ("/next", "/next"),
        ("./../next?q#f", "/next?q"),
        ("?q=1", "/dir/start?q=1"),
        ("", "/dir/start"),
        ("http://a.test/abs", "/abs"),
        ("HTTP://A.test:80", "/"),
        ("a b", "/dir/a%20b"),
    ] {
        let request = Request::new("http://a.test/dir/start#top");
        let steps = [
            Step::Connect("http a.test:80"),
            Step::Request,
            redirect(302, location),
            Step::Request,
            answer("200 OK", "{}"),
            Step::Keeps,
        ];
        let seen = Scenario::new(&development(), request, steps).run();
        assert!(seen.request().starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{location}: {}", seen.request());
    }
}

#[test]
fn req_14_a_target_that_is_no_url_of_the_api_is_19() {
    for location in
        ["ftp://a.test/", "mailto:a@b", "ws://a.test/", "http://", "http://user@a.test/", "//", "http:x", "\u{1}"]
    {
        let steps = [Step::Connect("http a.test:80"), Step::Request, redirect(302, location), Step::Closes];
        let seen = Scenario::new(&development(), Request::new("http://a.test/"), steps).run();
        if location == "\u{1}" {
            // A control character spoils the head before.
            assert_eq!(seen.result(), Err(Reason::MalformedHead));
        } else {
            assert_eq!(seen.failure(), (Some(Reason::BadRedirect), Some(19), Some(302)), "{location}");
            assert!(matches!(&seen.events[..], [Shown::Head(302, _)]));
        }
    }
}

#[test]
fn req_14_redirect_memory_that_is_empty_or_too_small_is_19() {
    let url = "http://a.test/start";
    let target = "/a-longer-path-than-that";
    let whole = "http://a.test/a-longer-path-than-that".len();
    for memory in [0, 1, url.len() - 1, url.len(), whole - 1] {
        let steps = [Step::Connect("http a.test:80"), Step::Request, redirect(302, target), Step::Closes];
        let mut scenario = Scenario::new(&development(), Request::new(url), steps);
        scenario.redirect_memory = memory;
        let seen = scenario.run();
        assert_eq!(seen.failure(), (Some(Reason::BadRedirect), Some(19), Some(302)), "{memory}");
    }
    let mut enough = once_redirected(Request::new(url), redirect(302, target), &[], Step::Request);
    enough.redirect_memory = whole;
    assert_eq!(enough.run().result(), Ok(()));
}

#[test]
fn req_14_credentials_are_dropped_when_the_origin_changes_and_stay_so() {
    let headers = [("Authorization", "Basic x"), ("COOKIE", "a=b"), ("X-Other", "1")];
    let all = "Authorization: Basic x\r\nCOOKIE: a=b\r\nX-Other: 1\r\n";
    let request = Request::new("http://a.test/").headers(&headers);
    let steps = [
        Step::Connect("http a.test:80"),
        sends(get("/", "a.test", all)),
        redirect(302, "/2"),
        sends(get("/2", "a.test", all)),
        redirect(302, "http://b.test/3"),
        Step::Closes,
        Step::Connect("http b.test:80"),
        sends(get("/3", "b.test", "X-Other: 1\r\n")),
        redirect(302, "/still-there"),
        sends(get("/still-there", "b.test", "X-Other: 1\r\n")),
        redirect(302, "http://a.test/4"),
        Step::Closes,
        Step::Connect("http a.test:80"),
        sends(get("/4", "a.test", "X-Other: 1\r\n")),
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&development(), request, steps).run().result(), Ok(()));
}

#[test]
fn req_14_scheme_host_and_port_make_the_origin() {
    let headers = [("authorization", "x")];
    for (location, route, secure, host) in [
        ("http://a.test:81/", "http a.test:81", false, "a.test:81"),
        ("http://sub.a.test/", "http sub.a.test:80", false, "sub.a.test"),
        ("https://a.test/", "https a.test:443", true, "a.test"),
        ("https://a.test:80/", "https a.test:80", true, "a.test:80"),
    ] {
        let mut steps = vec![
            Step::Connect("http a.test:80"),
            Step::Request,
            redirect(308, location),
            Step::Closes,
            Step::Connect(route),
        ];
        if secure {
            steps.push(Step::Secure);
        }
        steps.extend([sends(get("/", host, "")), answer("200 OK", "{}"), Step::Keeps]);
        let request = Request::new("http://a.test/").headers(&headers);
        assert_eq!(Scenario::new(&development(), request, steps).run().result(), Ok(()), "{location}");
    }
}

#[test]
fn req_14_the_link_is_used_again_once_the_redirects_body_is_read() {
    let moved = "HTTP/1.1 302 x\r\nLocation: /next\r\n";
    let long = "x".repeat(16 * 1024);
    for redirect in [
        format!("{moved}Content-Length: 5\r\n\r\nmoved"),
        format!("{moved}Content-Length: {}\r\n\r\n{long}", long.len()),
        format!("{moved}Transfer-Encoding: chunked\r\n\r\n5\r\nmoved\r\n0\r\nA: b\r\n\r\n"),
    ] {
        let scenario =
            once_redirected(Request::new("http://a.test/"), answers(redirect), &[], sends(get("/next", "a.test", "")));
        let seen = scenario.run();
        // Nothing of the redirect's body is shown or counted.
        assert_eq!((seen.result(), seen.body.as_str(), seen.outcome.received), (Ok(()), "{}", 2));
    }
}

#[test]
fn req_14_a_redirect_whose_body_is_not_worth_reading_costs_the_link() {
    let moved = "HTTP/1.1 302 x\r\nLocation: /next\r\n";
    let at_once = [
        // Would be read until the server closes, or too long, or the server closes anyway.
        format!("{moved}\r\nmo"),
        format!("{moved}Content-Length: 16385\r\n\r\nmo"),
        format!("{moved}Connection: close\r\nContent-Length: 5\r\n\r\nmo"),
        "HTTP/1.0 302 x\r\nLocation: /next\r\nContent-Length: 5\r\n\r\nmo".to_string(),
    ];
    let fresh = [Step::Closes, Step::Connect("http a.test:80")];
    for redirect in at_once {
        // Nothing more comes, and it is not waited for.
        let between = [&[Step::Stalls], &fresh[..]].concat();
        let seen = once_redirected(Request::new("http://a.test/"), answers(redirect), &between, Step::Request).run();
        assert_eq!((seen.result(), seen.took, seen.body.as_str()), (Ok(()), 0, "{}"));
    }
    let chunk = format!("3000\r\n{}\r\n", "x".repeat(0x3000));
    let endless = format!("{moved}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}");
    let between = [&[Step::Stalls], &fresh[..]].concat();
    let scenario = once_redirected(Request::new("http://a.test/"), answers(endless), &between, Step::Request);
    let seen = scenario.run_unsplit(&[Split::Whole, Split::Bytes]);
    assert_eq!((seen.result(), seen.took), (Ok(()), 0));
}

#[test]
fn req_14_a_redirect_whose_body_ends_too_early_or_wrongly_costs_the_link_only() {
    let moved = "HTTP/1.1 302 x\r\nLocation: /next\r\n";
    let fresh = [Step::Closes, Step::Connect("http a.test:80")];
    for end in [Step::Ends, Step::Breaks] {
        for rest in ["Content-Length: 5\r\n\r\nmo", "Transfer-Encoding: chunked\r\n\r\n5\r\nmo"] {
            let between = [std::slice::from_ref(&end), &fresh[..]].concat();
            let redirect = answers(format!("{moved}{rest}"));
            let scenario = once_redirected(Request::new("http://a.test/"), redirect, &between, Step::Request);
            assert_eq!(scenario.run().result(), Ok(()), "{rest:?} {end:?}");
        }
    }
    let malformed = answers(format!("{moved}Transfer-Encoding: chunked\r\n\r\nzz"));
    let scenario = once_redirected(Request::new("http://a.test/"), malformed, &fresh, Step::Request);
    assert_eq!(scenario.run().result(), Ok(()));
}

#[test]
fn req_14_a_link_that_dies_after_its_redirect_is_replaced_once() {
    for end in [Step::Ends, Step::Breaks] {
        let request = Request::new("http://a.test/").method(Method::Put).data(Data::Text("{}"));
        let again = with_body("PUT", "/next", "a.test", "", "{}");
        let steps = [
            Step::Connect("http a.test:80"),
            Step::Request,
            redirect(307, "/next"),
            Step::Request,
            end,
            Step::Closes,
            Step::Fresh("http a.test:80"),
            sends(again),
            answer("200 OK", "{}"),
            Step::Keeps,
        ];
        assert_eq!(Scenario::new(&development(), request, steps).run().result(), Ok(()));
    }
}

#[test]
fn req_14_an_early_redirect_is_followed_over_a_fresh_link() {
    let body = "x".repeat(40_000);
    let request = Request::new("http://a.test/").method(Method::Post).data(Data::Text(&body));
    let steps = [
        Step::Connect("http a.test:80"),
        Step::Takes(1000),
        redirect(303, "/next"),
        Step::Closes,
        Step::Connect("http a.test:80"),
        sends(get("/next", "a.test", "")),
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    let mut scenario = Scenario::new(&development(), request, steps);
    scenario.buffers = vec![(512, 256), (4096, 300)];
    // Not byte by byte: then the request may be complete before the redirect is.
    assert_eq!(scenario.run_unsplit(&[Split::Whole, Split::At(10)]).result(), Ok(()));
}

#[test]
fn req_14_a_failure_after_a_redirect_has_the_status_that_arrived_last() {
    let steps = [
        Step::Connect("http a.test:80"),
        Step::Request,
        redirect(302, "http://b.test/"),
        Step::Closes,
        Step::NoLink("http b.test:80", crate::reason::Fault::Dns),
    ];
    let seen = Scenario::new(&development(), Request::new("http://a.test/"), steps).run();
    assert_eq!(seen.failure(), (Some(Reason::Dns), Some(12), Some(302)));
}

#[test]
fn req_14_and_req_17_every_hop_asks_for_its_own_proxy() {
    struct OnlyForB(Proxy<'static>);
    impl crate::context::ProxyRule for OnlyForB {
        fn proxy_for(&self, _: bool, host: &str, _: u16) -> Option<Proxy<'_>> {
            (host == "b.test").then_some(self.0)
        }
    }
    let rule = OnlyForB(Proxy { host: "proxy.test", port: 3128, credentials: None });
    let context = development().with_proxy(Some(&rule));
    let steps = [
        Step::Connect("http a.test:80"),
        sends(get("/", "a.test", "")),
        redirect(302, "http://b.test/x"),
        Step::Closes,
        Step::Connect("http b.test:80 via proxy.test:3128"),
        sends(get("http://b.test/x", "b.test", "")),
        redirect(302, "http://a.test/y"),
        Step::Closes,
        Step::Connect("http a.test:80"),
        sends(get("/y", "a.test", "")),
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&context, Request::new("http://a.test/"), steps).run().result(), Ok(()));
}
