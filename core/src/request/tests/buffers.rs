//! Buffers of any size: CORE-05; sizes.

use super::*;
use crate::drive::{MIN_RECEIVE, MIN_TRANSMIT};
use crate::http::exchange::Exchange;
use crate::http::response::ResponseReader;
use crate::request::Method;
use crate::task::{Action, Poll, Task};
use crate::time::Instant;

const URL: &str = "http://a.test/";

/// An answer whose head is so long.
fn head_of(length: usize) -> String {
    let (start, end) = ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ", "\r\n\r\n");
    format!("{start}{}{end}", "x".repeat(length - start.len() - end.len()))
}

fn exchange(answer: impl AsRef<[u8]>, then: &[Step]) -> Vec<Step> {
    [&[Step::Connect("http a.test:80"), Step::Request, answers(answer)], then].concat()
}

#[test]
fn core_05_a_head_fits_a_receive_buffer_of_its_own_size() {
    for size in [MIN_RECEIVE, 513, 600, 1000] {
        let steps = exchange(head_of(size) + "{}", &[Step::Keeps]);
        let mut scenario = Scenario::new(&development(), Request::new(URL), steps);
        scenario.buffers = vec![(size, MIN_TRANSMIT)];
        assert_eq!(scenario.run().result(), Ok(()), "{size}");
    }
}

#[test]
fn core_05_a_head_that_does_not_fit_is_19_and_no_hang() {
    for size in [MIN_RECEIVE, 600] {
        for length in [size + 1, 2 * size, 10 * size] {
            let steps = exchange(head_of(length) + "{}", &[Step::Closes]);
            let mut scenario = Scenario::new(&development(), Request::new(URL), steps);
            scenario.buffers = vec![(size, MIN_TRANSMIT)];
            let seen = scenario.run_unsplit(&[Split::Whole, Split::Bytes, Split::At(size), Split::At(size - 1)]);
            assert_eq!(seen.failure(), (Some(Reason::HeadTooLarge), Some(19), None), "{length}");
        }
    }
    // Nor does an interim head.
    let interim = head_of(600).replace("200 OK", "103 Hi");
    let mut scenario = Scenario::new(&development(), Request::new(URL), exchange(interim, &[Step::Closes]));
    scenario.buffers = vec![(MIN_RECEIVE, MIN_TRANSMIT)];
    assert_eq!(scenario.run().result(), Err(Reason::HeadTooLarge));
}

#[test]
fn core_05_more_fields_than_are_taken_are_19() {
    let head = |fields: usize| format!("HTTP/1.1 204 x\r\n{}\r\n", "a: b\r\n".repeat(fields));
    let mut scenario = Scenario::new(&development(), Request::new(URL), exchange(head(100), &[Step::Keeps]));
    scenario.buffers = vec![(4096, 256)];
    assert_eq!(scenario.run().result(), Ok(()));
    scenario.steps = exchange(head(101), &[Step::Closes]);
    assert_eq!(scenario.run().result(), Err(Reason::HeadTooLarge));
}

#[test]
fn core_05_a_long_head_while_the_request_still_goes_out_is_no_hang() {
    let body = "x".repeat(40_000);
    let request = Request::new(URL).method(Method::Post).data(Data::Text(&body));
    let steps = [Step::Connect("http a.test:80"), Step::Takes(100), answers(head_of(2000)), Step::Closes];
    let mut scenario = Scenario::new(&development(), request, steps);
    scenario.buffers = vec![(MIN_RECEIVE, MIN_TRANSMIT)];
    let seen = scenario.run_unsplit(&[Split::Whole, Split::At(500)]);
    assert_eq!(seen.failure(), (Some(Reason::HeadTooLarge), Some(19), None));
}

#[test]
fn core_05_every_size_of_buffers_gives_the_same() {
    let body = "x".repeat(1000);
    let request = Request::new(URL).method(Method::Post).data(Data::Text(&body));
    let answer =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{:1024}\r\n2\r\n{{}}\r\n0\r\n\r\n", "");
    let mut scenario = Scenario::new(&development(), request, exchange(answer, &[Step::Keeps]));
    scenario.steps[1] = sends(with_body("POST", "/", "a.test", "", &body));
    scenario.buffers = [(512, 256), (513, 257), (1024, 512), (2048, 1023), (65_536, 65_536)].to_vec();
    let seen = scenario.run_unsplit(&[Split::Whole, Split::Bytes]);
    assert_eq!((seen.result(), seen.outcome.received), (Ok(()), 1026));
}

#[test]
fn core_05_buffers_below_the_minimum_are_refused_at_once() {
    let (context, request) = (development(), Request::new(URL));
    for sizes in [(MIN_RECEIVE - 1, MIN_TRANSMIT), (MIN_RECEIVE, MIN_TRANSMIT - 1), (0, 0)] {
        for driver in [Driver::Blocking, Driver::Asynch] {
            let seen = Scenario::new(&context, request, []).once(driver, Split::Whole, sizes);
            assert_eq!(seen.failure(), (Some(Reason::BufferTooSmall), Some(2), None));
        }
    }
}

#[test]
fn core_05_by_hand_any_transmit_buffer_will_do_but_an_empty_one() {
    let mut scenario = Scenario::new(&development(), Request::new(URL), []);
    for transmit in [1, 2, 3, 100] {
        scenario.steps = exchange("HTTP/1.1 204 x\r\n\r\n", &[Step::Keeps]);
        scenario.steps[1] = sends(get("/", "a.test", ""));
        assert_eq!(scenario.once(Driver::ByHand, Split::Whole, (512, transmit)).result(), Ok(()));
    }
    let proxy = crate::context::Proxy { host: "p.test", port: 1, credentials: None };
    let direct = (development(), "https a.test:443", Some(Step::Secure));
    let through = (development().with_proxy(Some(&proxy)), "https a.test:443 via p.test:1", None);
    for (context, route, secure) in [direct, through] {
        let steps: Vec<Step> = [Step::Connect(route)].into_iter().chain(secure).chain([Step::Closes]).collect();
        let scenario = Scenario::new(&context, Request::new("https://a.test/"), steps);
        let seen = scenario.once(Driver::ByHand, Split::Whole, (512, 0));
        assert_eq!(seen.failure(), (Some(Reason::BufferTooSmall), Some(2), None));
    }
}

#[test]
fn core_05_memory_for_the_head_that_is_too_small_is_19_with_the_status() {
    let (context, request) = (development(), Request::new(URL));
    let mut peer = Peer::new(&exchange(head_of(100) + "{}", &[Step::Closes]), Split::Whole);
    let (mut rx, mut tx, mut head, mut body) = ([0; 512], [0; 256], [0; 99], [0; 9]);
    let memory = Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut [], head: &mut head, body: &mut body };
    let failure = blocking::request(&mut peer, &context, &request, memory).unwrap_err();
    assert_eq!((failure.reason, failure.code()), (Reason::HeadTooLarge, 19));
    let response = failure.response.unwrap();
    assert_eq!((response.status(), response.text()), (200, ""));
    // As many whole fields as were kept.
    assert_eq!(response.headers().get("content-length"), Some(&b"2"[..]));
    peer.finish();
}

#[test]
fn core_01_a_further_poll_without_news_changes_nothing() {
    // `by_hand` asks twice for Connect, Secure, Read and Done in every test; this is the whole life once more, each
    // asked ten times.
    let (context, request) = (development(), Request::new("https://a.test/"));
    let (now, mut tx) = (Instant::from_millis(0), [0; 512]);
    let mut task = RequestTask::new(&context, &request, &mut [], now);
    let mut many = |task: &mut RequestTask<'_>, rx: &[u8], is: fn(&Action<Event<'_>, Outcome>) -> bool| {
        for _ in 0..10 {
            let Poll { consumed, action } = task.poll(now, rx, &mut tx);
            assert!(consumed == 0 && is(&action), "{action:?}");
        }
    };
    many(&mut task, b"", |action| matches!(action, Action::Connect { reuse: true }));
    task.connected(false).unwrap();
    many(&mut task, b"", |action| matches!(action, Action::Secure));
    task.secured().unwrap();
    // Given once: the poll after it takes it for written.
    let Action::Transmit { length, more: false } = task.poll(now, b"", &mut [0; 512]).action else { panic!() };
    assert!(length > 100);
    let rx = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    many(&mut task, &[], |action| matches!(action, Action::Read));
    for end in 1..rx.len() - 2 {
        many(&mut task, &rx[..end], |action| matches!(action, Action::Read));
    }
    let Poll { consumed, action: Action::Event(Event::Head { .. }) } = task.poll(now, rx, &mut []) else { panic!() };
    many(&mut task, b"", |action| matches!(action, Action::Read));
    let Action::Event(Event::Body(b"{}")) = task.poll(now, &rx[consumed..], &mut []).action else { panic!() };
    let Action::Release { keep: true } = task.poll(now, b"", &mut []).action else { panic!() };
    many(&mut task, b"", |action| matches!(action, Action::Done(Outcome { result: Ok(()), .. })));
}

#[test]
#[allow(clippy::print_stdout)]
fn core_02_sizes_are_bounded() {
    let sizes = [
        ("RequestTask", size_of::<RequestTask<'_>>(), 336),
        ("Exchange", size_of::<Exchange>(), 96),
        ("ResponseReader", size_of::<ResponseReader>(), 56),
        ("Poll<Event, Outcome>", size_of::<Poll<Event<'_>, Outcome>>(), 48),
        ("Request", size_of::<Request<'_>>(), 96),
        ("Outcome", size_of::<Outcome>(), 24),
    ];
    for (name, size, most) in sizes {
        println!("{name}: {size} bytes");
        assert!(size <= most, "{name}: {size} > {most}");
    }
}
