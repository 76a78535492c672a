//! Whatever happens at whatever moment, an upload ends once, with a code of its table (CTX-07).

use super::*;
use crate::context::Proxy;
use crate::testing::storage::Xs;
use crate::testing::strike::{self, every_blow};
use crate::time::Instant;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[track_caller]
fn strike(context: &Context<'_>, url: &str, length: u64, kept: bool, peer: &[&str]) {
    every_blow(peer, kept, 1, Api::UploadFile, |peer, blow| {
        let mut source = Xs { piece: 100, ..Xs::new(length) };
        let (mut head, mut data, mut updates) = ([0; 100], [0; 10], Vec::new());
        let mut collect = Collect::new(&mut head, &mut data, |update| updates.push(update));
        let upload = photo(url).of_length(length);
        let task = UploadTask::new(context, &upload, Instant::from_millis(0));
        let mut feed = Feed::new(&mut source);
        let (outcome, polls) =
            strike::run(task, peer, blow, |event| collect.event(event), |offset, space| feed.fill(offset, space));
        let mut seen = Seen::new(collect.answer(outcome));
        assert_eq!((seen.reason, seen.status), (outcome.result.err(), outcome.status));
        seen.progress = updates;
        seen.check_progress(length);
        (outcome.result, polls)
    });
}

#[test]
fn ctx_07_an_upload_ends_once() {
    strike(&development(), URL, 1000, false, &[OK]);
}

#[test]
fn ctx_07_an_upload_over_tls_with_interim_answers_ends_once() {
    let response = "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 404 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
    strike(&development(), "https://a.test/", 300, false, &[response]);
}

#[test]
fn ctx_07_an_upload_over_a_dead_kept_link_ends_once() {
    strike(&development(), URL, 300, true, &["", OK]);
}

#[test]
fn ctx_07_an_upload_through_a_tunnel_ends_once() {
    let proxy = Proxy { host: "p.test", port: 1, credentials: None };
    let context = development().with_proxy(Some(&proxy));
    strike(&context, "https://a.test/", 300, false, &["HTTP/1.1 200 OK\r\n\r\n", OK]);
}
