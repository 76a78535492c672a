//! Whatever happens at whatever moment, a download ends once, with a code of its table, and a store that was asked to
//! create a file is asked to commit or to discard it (CTX-07, DOWN-02).

use super::*;
use crate::context::Proxy;
use crate::testing::strike::{self, every_blow};
use crate::time::Instant;

/// The polls that come after the end is settled: `Done`, and one more where the last update comes after it.
const TOLD: usize = 1;
const UNTOLD: usize = 2;

#[track_caller]
fn strike(context: &Context<'_>, url: &str, kept: bool, tail: usize, peer: &[&str]) {
    every_blow(peer, kept, tail, Api::DownloadFile, |peer, blow| {
        let (mut redirects, mut head, mut disk, mut updates) = ([0; 256], [0; 200], Disk::default(), Vec::new());
        let download = Download::new(url);
        let mut collect = Collect::new(&mut disk, &mut head, |update| updates.push(update));
        let task = DownloadTask::new(context, &download, &mut redirects, Instant::from_millis(0));
        let no_file = |_, _: &mut [u8]| unreachable!("a download sends no file");
        let (outcome, polls) = strike::run(task, peer, blow, |event| collect.event(event), no_file);
        let seen = Seen::new(collect.answer(outcome), disk, updates);
        seen.check();
        assert_eq!((seen.reason, seen.status), (outcome.result.err(), outcome.status));
        (outcome.result, polls)
    });
}

#[test]
fn ctx_07_a_download_ends_once() {
    strike(&development(), URL, false, TOLD, &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"]);
}

#[test]
fn ctx_07_a_download_of_chunks_over_tls_ends_once() {
    let chunked =
        "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    strike(&development(), "https://a.test/", false, UNTOLD, &[chunked]);
}

#[test]
fn ctx_07_a_download_until_close_ends_once() {
    strike(&development(), URL, false, UNTOLD, &["HTTP/1.1 200 OK\r\n\r\nhello"]);
}

#[test]
fn ctx_07_a_download_behind_redirects_and_a_dead_kept_link_ends_once() {
    let within = "HTTP/1.1 302 x\r\nLocation: /2\r\nContent-Length: 5\r\n\r\nmoved";
    let across = "HTTP/1.1 307 x\r\nLocation: http://b.test/\r\nContent-Length: 5\r\n\r\nmoved";
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    strike(&development(), URL, true, TOLD, &["", within, across, ok]);
}

#[test]
fn ctx_07_a_download_through_a_tunnel_ends_once() {
    let proxy = Proxy { host: "p.test", port: 1, credentials: None };
    let context = development().with_proxy(Some(&proxy));
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    strike(&context, "https://a.test/", false, TOLD, &["HTTP/1.1 200 OK\r\n\r\n", ok]);
}
