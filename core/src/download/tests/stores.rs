//! The store: DOWN-02, DOWN-03.

use super::*;
use crate::download::store_reason;
use crate::storage::{Memory as Buffer, StorageFault};

const FAULTS: [(StorageFault, Reason, u8); 6] = [
    (StorageFault::Full, Reason::StoreFull, 12),
    (StorageFault::Denied, Reason::StoreDenied, 13),
    (StorageFault::Failed, Reason::StoreFailed, 12),
    (StorageFault::NotFound, Reason::StoreFailed, 12),
    (StorageFault::NotAFile, Reason::StoreFailed, 12),
    (StorageFault::Changed, Reason::StoreFailed, 12),
];

/// Fails at the call of this number, of `create`, `write`, `write`, `commit`.
#[track_caller]
fn fails_at(call: usize, fault: StorageFault, end: Step) -> Seen {
    let steps = [
        Step::Connect(ROUTE),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"),
        answers("b"),
        end,
    ];
    let mut scenario = Scenario::new(&development(), URL, steps);
    scenario.disk.fails = Some((call, fault));
    scenario.run()
}

#[test]
fn down_03_a_store_that_fails_fails_the_call_and_keeps_nothing() {
    for (fault, reason, code) in FAULTS {
        assert_eq!(store_reason(fault), reason);
        for call in 0..3 {
            let seen = fails_at(call, fault, Step::Closes);
            assert_eq!(seen.failure(), (Some(reason), Some(code), Some(200)), "{fault:?} at call {call}");
            let discarded = seen.disk.did.last() == Some(&Did::Discard);
            assert_eq!(discarded, call > 0, "{:?}", seen.disk.did);
        }
        // By the time of the commit all of the answer has come, so that the link can be kept.
        let seen = fails_at(3, fault, Step::Keeps);
        assert_eq!(seen.failure(), (Some(reason), Some(code), Some(200)));
        assert!(matches!(seen.disk.did.last(), Some(Did::Commit(_))));
    }
}

#[test]
fn down_03_a_buffer_of_the_callers_is_a_store() {
    let downloaded = |response: &str, end: &[Step], size: usize| {
        let steps = [&[Step::Connect(ROUTE), Step::Request, answers(response)], end].concat();
        let (context, download) = (development(), Download::new("http://a.test/a.txt"));
        let mut results = Vec::new();
        for driver in [Driver::Blocking, Driver::Asynch] {
            let mut peer = Peer::new(&steps, Split::Whole);
            let (mut rx, mut tx, mut bytes) = ([0; 512], [0; 256], vec![0; size]);
            let mut store = Buffer::new(&mut bytes);
            let memory =
                Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut [], head: &mut [], body: &mut [] };
            let done = match driver {
                Driver::Asynch => {
                    peer.block_on(asynch::download(&peer, &context, &download, &mut store, memory, |_| {}))
                }
                _ => blocking::download(&mut peer, &context, &download, &mut store, memory, |_| {}),
            };
            let done = done.map(|done| done.extension.unwrap().as_str().to_string()).map_err(|failure| failure.reason);
            peer.finish();
            results.push((done, store.file().map(<[u8]>::to_vec)));
        }
        assert_eq!(results[0], results[1]);
        results.remove(0)
    };
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(downloaded(sized, &[Step::Keeps], 5), (Ok("txt".into()), Some(b"hello".to_vec())));
    assert_eq!(downloaded(sized, &[Step::Closes], 4), (Err(Reason::StoreFull), None));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(downloaded(chunked, &[Step::Keeps], 5), (Ok("txt".into()), Some(b"hello".to_vec())));
    assert_eq!(downloaded(chunked, &[Step::Closes], 4), (Err(Reason::StoreFull), None));
}

#[test]
fn down_03_a_head_that_does_not_fit_its_memory_is_12_before_the_store_is_asked() {
    let steps = [Step::Connect(ROUTE), Step::Request, answer("200 OK", "x"), Step::Closes];
    let mut scenario = Scenario::new(&development(), URL, steps);
    scenario.head = 10;
    let seen = scenario.run();
    assert_eq!(seen.failure(), (Some(Reason::HeadTooLarge), Some(12), Some(200)));
    assert_eq!(seen.disk.did, []);
}
