//! Whatever happens at whatever moment, a call ends once, with a code of the table (CTX-07).

use super::*;
use crate::context::Proxy;
use crate::reason::Interrupt;
use crate::request::Method;
use crate::testing::strike::{self, every_blow};
use crate::time::Instant;

/// Lets every blow fall before every poll.
#[track_caller]
fn strike(context: &Context<'_>, request: Request<'_>, kept: bool, peer: &[&str]) {
    every_blow(peer, kept, 1, Api::Request, |peer, blow| {
        let mut memory = [0; 256];
        let task = RequestTask::new(context, &request, &mut memory, Instant::from_millis(0));
        let (outcome, polls) = strike::run(task, peer, blow, |_| Ok(()), |_, _| unreachable!("a request has no file"));
        (outcome.result, polls)
    });
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
const TUNNEL: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[test]
fn ctx_07_a_plain_get_ends_once() {
    strike(&development(), Request::new("http://a.test/"), false, &[OK]);
}

#[test]
fn ctx_07_a_get_over_tls_with_chunks_ends_once() {
    let chunked = "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\nA: b\r\n\r\n";
    strike(&development(), Request::new("https://a.test/"), false, &[chunked]);
}

#[test]
fn ctx_07_a_long_post_ends_once() {
    let body = "x".repeat(2000);
    strike(&development(), Request::new("http://a.test/").method(Method::Post).data(Data::Text(&body)), false, &[OK]);
}

#[test]
fn ctx_07_a_body_until_close_ends_once() {
    strike(&development(), Request::new("http://a.test/"), false, &["HTTP/1.1 200 OK\r\n\r\n[1, 2, 3]"]);
}

#[test]
fn ctx_07_redirects_end_once() {
    let within = "HTTP/1.1 302 x\r\nLocation: /2\r\nContent-Length: 5\r\n\r\nmoved";
    let across = "HTTP/1.1 307 x\r\nLocation: http://b.test/\r\nContent-Length: 5\r\n\r\nmoved";
    strike(&development(), Request::new("http://a.test/"), false, &[within, across, OK]);
}

#[test]
fn ctx_07_a_kept_link_that_is_dead_ends_once() {
    strike(&development(), Request::new("http://a.test/"), true, &["", OK]);
}

#[test]
fn ctx_07_a_tunnel_ends_once() {
    let proxy = Proxy { host: "p.test", port: 1, credentials: Some("user:pass") };
    let context = development().with_proxy(Some(&proxy));
    strike(&context, Request::new("https://a.test/"), false, &[TUNNEL, OK]);
    strike(&context, Request::new("http://a.test/"), false, &[OK]);
}

/// The same for the loops: what the script inserts is the same on all drivers.
#[test]
fn ctx_07_the_loops_end_once_whatever_falls_between_two_steps() {
    let whole = [
        Step::Reuse("https a.test:443"),
        Step::Takes(50),
        Step::Request,
        Step::Ends,
        Step::Closes,
        Step::Fresh("https a.test:443"),
        Step::Secure,
        Step::Takes(50),
        Step::Request,
        answers("HTTP/1.1 302 x\r\nLocation: /2\r\n"),
        answers("Content-Length: 3\r\n\r\nmov"),
        Step::Takes(50),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1"),
        answers("]"),
        Step::Keeps,
    ];
    let request = Request::new("https://a.test/");
    let undisturbed = Scenario::new(&development(), request, whole.clone()).run();
    assert_eq!((undisturbed.result(), undisturbed.outcome.redirects), (Ok(()), 1));
    for at in 1..whole.len() - 1 {
        if matches!(whole[at], Step::Closes | Step::Fresh(_)) {
            // Between these two there is no link to close.
            continue;
        }
        for (blow, result) in [
            (Step::Interrupts(Interrupt::Abort), Err(Reason::Aborted)),
            (Step::Interrupts(Interrupt::Unload), Err(Reason::Unloaded)),
            (Step::Stalls, Err(Reason::Timeout)),
        ] {
            let steps = [&whole[..at], &[blow, Step::Closes]].concat();
            assert_eq!(Scenario::new(&development(), request, steps).run().result(), result, "before {:?}", whole[at]);
        }
        for harmless in [Step::Waits(7), Step::Hiccup] {
            if harmless == Step::Hiccup && matches!(whole[at], Step::Secure) {
                continue;
            }
            let steps = [&whole[..at], std::slice::from_ref(&harmless), &whole[at..]].concat();
            let seen = Scenario::new(&development(), request, steps).run();
            assert_eq!(seen.outcome, undisturbed.outcome, "{harmless:?} before {:?}", whole[at]);
        }
    }
}
