//! Links, proxies, interrupts: UP-05, UP-06, and what uploads share with requests.

use super::*;
use crate::context::Proxy;
use crate::reason::{CertificateFault, Fault, Interrupt};
use crate::testing::storage::Xs;

const PROXY: Proxy<'static> = Proxy { host: "p.test", port: 1, credentials: Some("user:pass") };

#[test]
fn up_03_an_upload_over_a_dead_kept_link_is_sent_anew_from_its_first_byte() {
    let content = "x".repeat(2000);
    let request = post("/up", "a.test", "", &photo_body(&content));
    for death in [
        &[Step::Breaks][..],
        &[Step::Takes(100), Step::Breaks],
        &[Step::Takes(1500), Step::Breaks],
        &[Step::Request, Step::Ends],
        &[Step::Request, Step::Breaks],
        &[Step::Takes(1500), Step::WriteBreaks, Step::Ends],
    ] {
        let then = [Step::Closes, Step::Fresh(ROUTE), sends(request.clone()), answer("200 OK", "ok"), Step::Keeps];
        let steps = [&[Step::Reuse(ROUTE)], death, &then].concat();
        // `Seen::check_progress` sees that progress did not fall.
        let seen = Scenario::of(&development(), photo(URL), Xs::new(2000), steps).run();
        assert_eq!(seen.success(), (200, "ok"), "{death:?}");
    }
    // Once only, and not once an answer has begun.
    let steps = [
        Step::Reuse(ROUTE),
        Step::Request,
        Step::Ends,
        Step::Closes,
        Step::Fresh(ROUTE),
        Step::Request,
        Step::Ends,
        Step::Closes,
    ];
    let seen = Scenario::of(&development(), photo(URL), Xs::new(2000), steps).run();
    assert_eq!(seen.failure(), (Some(Reason::ConnectionClosed), Some(12), None));
    let steps = [Step::Reuse(ROUTE), Step::Request, answers("H"), Step::Ends, Step::Closes];
    let seen = Scenario::of(&development(), photo(URL), Xs::new(2000), steps).run();
    assert_eq!(seen.failure(), (Some(Reason::ConnectionClosed), Some(12), None));
}

#[test]
fn up_code_12_the_network_fails() {
    let fails = |url, steps: &[Step], reason, status| {
        let seen = Scenario::new(&development(), photo(url), "x", steps).run();
        assert_eq!(seen.failure(), (Some(reason), Some(12), status), "{steps:?}");
    };
    for (fault, reason) in [(Fault::Dns, Reason::Dns), (Fault::Connect, Reason::Connect)] {
        fails(URL, &[Step::NoLink(ROUTE, fault)], reason, None);
    }
    let expired = CertificateFault::Expired;
    for (fault, reason) in [
        (Fault::Tls, Reason::Tls),
        (Fault::NotTls, Reason::NotTls),
        (Fault::Certificate(expired), Reason::Certificate(expired)),
        (Fault::Lost, Reason::ConnectionLost),
    ] {
        let steps = [Step::Connect("https a.test:443"), Step::NotSecure(fault), Step::Closes];
        fails("https://a.test/", &steps, reason, None);
    }
    fails(URL, &[Step::Connect(ROUTE), Step::Breaks, Step::Closes], Reason::ConnectionLost, None);
    fails(URL, &[Step::Connect(ROUTE), Step::Request, Step::Breaks, Step::Closes], Reason::ConnectionLost, None);
    fails(URL, &[Step::Connect(ROUTE), Step::Request, Step::Ends, Step::Closes], Reason::ConnectionClosed, None);
    let cut = answers("HTTP/1.1 201 x\r\nContent-Length: 9\r\n\r\nshort");
    fails(
        URL,
        &[Step::Connect(ROUTE), Step::Request, cut, Step::Ends, Step::Closes],
        Reason::ConnectionClosed,
        Some(201),
    );
}

#[test]
fn up_code_12_the_proxy_refuses_or_fails() {
    let context = development().with_proxy(Some(&PROXY));
    let fails = |url, steps: &[Step], reason, status| {
        let seen = Scenario::new(&context, photo(url), "x", steps).run();
        assert_eq!(seen.failure(), (Some(reason), Some(12), status), "{steps:?}");
    };
    let (plain, tunnel) = ("http a.test:80 via p.test:1", "https a.test:443 via p.test:1");
    fails(URL, &[Step::NoLink(plain, Fault::Connect)], Reason::ProxyFailed, None);
    fails(URL, &[Step::Connect(plain), Step::Request, Step::Ends, Step::Closes], Reason::ProxyFailed, None);
    let refuses = answer("407 x", "");
    fails(URL, &[Step::Connect(plain), Step::Request, refuses.clone(), Step::Closes], Reason::ProxyRefused, Some(407));
    let https = "https://a.test/";
    for (status, code) in [("407 x", 407), ("403 x", 403), ("502 x", 502)] {
        let steps = [Step::Connect(tunnel), Step::Request, answer(status, ""), Step::Closes];
        fails(https, &steps, Reason::ProxyRefused, Some(code));
    }
    fails(https, &[Step::Connect(tunnel), Step::Request, answers("x"), Step::Closes], Reason::ProxyFailed, None);
}

#[test]
fn up_01_an_upload_goes_through_a_proxy() {
    let context = development().with_proxy(Some(&PROXY));
    let authorization = "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n";
    let steps = [
        Step::Connect("http a.test:80 via p.test:1"),
        sends(post("http://a.test/up", "a.test", authorization, &photo_body("x"))),
        answer("200 OK", "ok"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&context, photo(URL), "x", steps).run().success(), (200, "ok"));
    let connect = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nUser-Agent: kiosk/7\r\n";
    let steps = [
        Step::Connect("https a.test:443 via p.test:1"),
        sends(format!("{connect}{authorization}\r\n")),
        answers("HTTP/1.1 200 OK\r\n\r\n"),
        Step::Secure,
        sends(post("/", "a.test", "", &photo_body("x"))),
        // By now it is the origin that says so, and any status of the origin is an answer.
        answer("407 x", "ok"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&context, photo("https://a.test/"), "x", steps).run().success(), (407, "ok"));
}

#[test]
fn up_06_an_abort_is_12_at_any_step() {
    let whole = [
        Step::Connect("https a.test:443"),
        Step::Secure,
        Step::Takes(100),
        Step::Takes(900),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        answers("o"),
        answers("k"),
        Step::Keeps,
    ];
    let interrupts = [
        (Step::Interrupts(Interrupt::Abort), Reason::Aborted),
        (Step::Interrupts(Interrupt::Unload), Reason::Unloaded),
        (Step::Stalls, Reason::Timeout),
    ];
    for at in 0..whole.len() - 1 {
        for (step, reason) in &interrupts {
            let mut steps = whole[..at].to_vec();
            steps.push(step.clone());
            if at > 0 {
                steps.push(Step::Closes);
            }
            let scenario = Scenario::of(&development(), photo("https://a.test/"), Xs::new(2000), steps);
            if at == 0 && *step == Step::Stalls {
                // Nobody closes what was never opened.
                continue;
            }
            let seen = scenario.run_unsplit(&[Split::Whole, Split::Bytes]);
            assert_eq!((seen.reason, seen.code), (Some(*reason), Some(12)), "before {:?}", whole[at]);
        }
    }
}

#[test]
fn up_code_12_no_slot_is_left() {
    let mut scenario = Scenario::new(&development(), photo(URL), "x", []);
    // Whoever has the slots says so.
    scenario.refused = Some(Reason::TooManyTasks);
    let seen = scenario.once(Driver::ByHand, Split::Whole, (512, 256));
    assert_eq!(seen.failure(), (Some(Reason::TooManyTasks), Some(12), None));
}
