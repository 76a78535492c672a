//! The file: what it may be, and what may happen to it while it is sent: UP-03, UP-07.

use super::*;
use crate::storage::StorageFault;
use crate::testing::storage::Xs;

fn sent_of(source: Xs, steps: &[Step]) -> Scenario<'static, Xs> {
    Scenario::of(&development(), photo(URL), source, steps)
}

#[test]
fn up_03_a_source_may_give_its_bytes_in_any_pieces() {
    let content = "x".repeat(1000);
    for piece in [1, 7, 255, 256, 1000] {
        let steps = [
            Step::Connect(ROUTE),
            sends(post("/up", "a.test", "", &photo_body(&content))),
            answer("200 OK", ""),
            Step::Keeps,
        ];
        let source = Xs { piece, ..Xs::new(1000) };
        assert_eq!(sent_of(source, &steps).run().success().0, 200, "{piece}");
    }
}

#[test]
fn up_codes_of_a_file_that_cannot_be_read() {
    let faults = [
        (StorageFault::NotFound, Reason::FileNotFound, 11),
        (StorageFault::NotAFile, Reason::NotAFile, 12),
        (StorageFault::Denied, Reason::FileUnreadable, 13),
        (StorageFault::Changed, Reason::FileChanged, 12),
        (StorageFault::Failed, Reason::FileFailed, 12),
    ];
    // At its beginning and further on, where other bytes are under way.
    for at in [0, 1, 999, 4000, 9999] {
        for (fault, reason, code) in faults {
            let steps = [Step::Connect(ROUTE), Step::Request, Step::Closes];
            let source = Xs { fails: Some((at, fault)), piece: 333, ..Xs::new(10_000) };
            let seen = sent_of(source, &steps).run_unsplit(&[Split::Whole, Split::Bytes]);
            assert_eq!(seen.failure(), (Some(reason), Some(code), None), "{fault:?} at {at}");
        }
    }
}

#[test]
fn up_code_12_a_file_that_shrinks_or_grows_while_it_is_sent() {
    for actual in [0, 1, 500, 999, 1001, 2000] {
        let steps = [Step::Connect(ROUTE), Step::Request, Step::Closes];
        let source = Xs { actual, ..Xs::new(1000) };
        let seen = sent_of(source, &steps).run_unsplit(&[Split::Whole, Split::Bytes]);
        assert_eq!(seen.failure(), (Some(Reason::FileChanged), Some(12), None), "{actual}");
        // The server never sees the end of the form.
        assert!(seen.sent.iter().all(|sent| !sent.ends_with("--\r\n")), "{actual}");
    }
}

#[test]
fn up_code_12_a_file_over_the_limit_is_refused_before_anything_is_sent() {
    let context = development().with_limits(limits(|limits| limits.file = 1000));
    let seen = Scenario::of(&context, photo(URL), Xs::new(1001), []).run();
    assert_eq!(seen.failure(), (Some(Reason::FileTooLarge), Some(12), None));
    let steps = [Step::Connect(ROUTE), Step::Request, answer("200 OK", ""), Step::Keeps];
    assert_eq!(Scenario::of(&context, photo(URL), Xs::new(1000), steps).run().success().0, 200);
    // With the form around it, it would pass 2^64.
    let seen = Scenario::of(&development(), photo(URL), Xs::new(u64::MAX), []).run();
    assert_eq!(seen.failure(), (Some(Reason::FileTooLarge), Some(12), None));
}

/// As long as a test allows; that memory is constant follows from what is given: these buffers are all there is.
#[test]
fn up_03_64_mib_go_through_256_bytes() {
    const LENGTH: u64 = 64 << 20;
    let (context, upload) = (development(), photo(URL).of_length(LENGTH));
    let (mut source, mut tx) = (Xs::new(LENGTH), [0; 256]);
    let (mut head, mut data) = ([0; 64], [0; 8]);
    let mut last = ProgressUpdate::default();
    let mut updates = 0_u64;
    let mut collect = Collect::new(&mut head, &mut data, |update: ProgressUpdate| {
        assert!(update.progress >= last.progress && update.total_bytes_written > last.total_bytes_written);
        (last, updates) = (update, updates + 1);
    });
    let mut feed = Feed::new(&mut source);
    let now = crate::time::Instant::from_millis(0);
    let mut task = UploadTask::new(&context, &upload, now);
    let mut rx = &b""[..];
    let (mut sent, mut transmits, mut start) = (0, 0, Vec::new());
    let outcome = loop {
        use crate::task::{Action, Poll};
        let Poll { consumed, action } = task.poll(now, rx, &mut tx);
        rx = &rx[consumed..];
        match action {
            Action::Connect { .. } => task.connected(false).unwrap(),
            Action::Fill { at, end, offset } => task.filled(feed.fill(offset, &mut tx[at..end]).unwrap()),
            Action::Transmit { length, .. } => {
                if sent < 1024 {
                    start.extend_from_slice(&tx[..length]);
                }
                sent += length as u64;
                transmits += 1;
            }
            Action::Read => rx = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            Action::Event(event) => collect.event(event).unwrap(),
            Action::Done(outcome) => break outcome,
            _ => {}
        }
    };
    assert_eq!(collect.answer(outcome).unwrap().text(), "ok");
    assert_eq!((last.progress, last.total_bytes_written), (100, LENGTH));
    assert!(updates <= transmits);
    let head = str::from_utf8(&start).unwrap().split_once("\r\n\r\n").unwrap().0;
    let length: u64 = head.rsplit_once("Content-Length: ").unwrap().1.parse().unwrap();
    assert_eq!(sent, head.len() as u64 + 4 + length);
    // Every piece but the last fills the buffer.
    assert_eq!(transmits, sent.div_ceil(256));
}

#[test]
fn up_07_an_early_answer_is_heard_while_the_file_still_goes_out() {
    let response = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo long";
    let source = Xs::new(100_000);
    for taken in [0, 10, 1000, 20_000] {
        // The server says so and listens no more.
        for then in [&[][..], &[Step::WriteBreaks]] {
            let before = if taken == 0 { vec![] } else { vec![Step::Takes(taken)] };
            let mut steps = vec![Step::Connect(ROUTE)];
            steps.extend(before);
            steps.extend_from_slice(then);
            steps.extend([answers(response), Step::Ends, Step::Closes]);
            let seen = sent_of(source, &steps).run_unsplit(&[Split::Whole, Split::At(5), Split::At(90)]);
            assert_eq!(seen.success(), (413, "too long"), "{taken} {then:?}");
            assert!(seen.sent.concat().len() < 90_000);
        }
    }
}

#[test]
fn up_07_an_interim_answer_does_not_end_the_sending() {
    let content = "x".repeat(3000);
    let request = post("/up", "a.test", "", &photo_body(&content));
    let (first, rest) = request.split_at(1000);
    let steps = [
        Step::Connect(ROUTE),
        sends(first),
        answers("HTTP/1.1 103 x\r\nA: b\r\n\r\n"),
        sends(rest),
        answer("200 OK", "ok"),
        Step::Keeps,
    ];
    let scenario = sent_of(Xs::new(3000), &steps);
    for driver in [Driver::ByHand, Driver::Blocking, Driver::Asynch] {
        // So large that a piece ends where the script has the interim answer.
        let seen = scenario.once(driver, Split::Whole, (512, 1000));
        assert_eq!(seen.success(), (200, "ok"));
    }
}

#[test]
fn up_07_a_file_that_fails_after_the_answer_has_come_is_no_matter() {
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let steps = [Step::Connect(ROUTE), Step::Takes(1000), answers(response), Step::Closes];
    let source = Xs { fails: Some((50_000, StorageFault::Failed)), ..Xs::new(100_000) };
    assert_eq!(sent_of(source, &steps).run_unsplit(&[Split::Whole]).success(), (200, "ok"));
}
