//! What the answer means, and when it is too late: UP-04, UP-05.

use super::*;

fn answered(response: impl AsRef<[u8]>, then: &[Step]) -> Seen {
    let steps = [&[Step::Connect(ROUTE), Step::Request, answers(response)], then].concat();
    Scenario::new(&development(), photo(URL), "x", steps).run()
}

#[test]
fn up_04_any_status_is_a_success() {
    for status in [200, 201, 299, 300, 400, 401, 404, 407, 413, 429, 500, 503, 599, 999] {
        let response = format!("HTTP/1.1 {status} x\r\nX-A: b\r\nContent-Length: 4\r\n\r\ndata");
        let seen = answered(response, &[Step::Keeps]);
        assert_eq!(seen.success(), (status, "data"));
        assert_eq!(seen.headers[0], ("X-A".into(), "b".into()));
    }
    for status in [204, 304] {
        assert_eq!(answered(format!("HTTP/1.1 {status} x\r\n\r\n"), &[Step::Keeps]).success(), (status, ""));
    }
}

#[test]
fn up_04_a_redirect_is_an_answer_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let response = format!("HTTP/1.1 {status} x\r\nLocation: http://b.test/\r\nContent-Length: 1\r\n\r\nm");
        assert_eq!(answered(response, &[Step::Keeps]).success(), (status, "m"));
    }
}

#[test]
fn up_04_interim_answers_are_passed_over() {
    let response = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\
                    Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    assert_eq!(answered(response, &[Step::Keeps]).success(), (200, "hello"));
}

#[test]
fn up_04_the_data_is_text_whatever_it_is() {
    let typed = |content_type: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain{content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        answered([head.as_bytes(), body].concat(), &[Step::Keeps]).text
    };
    assert_eq!(typed("", "\u{4e2d}\u{1f600}".as_bytes()), "\u{4e2d}\u{1f600}");
    assert_eq!(typed("", b"Zo\xeb \xf0\x9f"), "Zo\u{fffd} \u{fffd}");
    assert_eq!(typed("; charset=iso-8859-1", b"Zo\xeb"), "Zo\u{eb}");
    assert_eq!(typed("; charset=gbk", b"\xff\xfe"), "\u{fffd}\u{fffd}");
    assert_eq!(answered("HTTP/1.1 200 OK\r\n\r\nuntil the end", &[Step::Ends, Step::Closes]).text, "until the end");
}

#[test]
fn up_04_an_answer_that_is_encoded_though_nobody_asked_is_a_success_as_it_came() {
    // The file has arrived, and the table has no code for what is said about it: the field tells what the data is.
    for coding in ["gzip", "br", "identity, deflate"] {
        let head = format!("HTTP/1.1 201 x\r\nContent-Encoding: {coding}\r\nContent-Length: 4\r\n\r\n");
        let seen = answered([head.as_bytes(), b"\x1f\x8b\x08A"].concat(), &[Step::Keeps]);
        assert_eq!(seen.success(), (201, "\u{1f}\u{fffd}\u{8}A"));
        assert_eq!(seen.headers[0], ("Content-Encoding".into(), coding.into()));
    }
}

#[test]
fn up_04_json_in_the_answer_is_validated_before_it_is_read() {
    let read = |body: &str| {
        let (context, steps) =
            (development(), [Step::Connect(ROUTE), Step::Request, answer("200 OK", body), Step::Keeps]);
        let mut peer = Peer::new(&steps, Split::Whole);
        let (mut rx, mut tx, mut data) = ([0; 512], [0; 256], [0; 64]);
        let memory = Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut [], head: &mut [], body: &mut data };
        let mut file = Bytes::new(b"x");
        let response = blocking::upload(&mut peer, &context, &photo(URL), &mut file, memory, |_| {}).unwrap();
        assert_eq!(response.headers().count(), 0, "no memory was given for them");
        response.json::<u8>(&mut [0; 16])
    };
    assert_eq!(read("7"), Ok(7));
    for bad in ["", "7x", "[7", "\u{fffd}"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn up_04_data_that_does_not_fit_is_12_with_the_status() {
    let fails = |response: &[u8], memory: usize, reason| {
        let steps = [Step::Connect(ROUTE), Step::Request, answers(response), Step::Closes];
        let mut scenario = Scenario::new(&development(), photo(URL), "x", steps);
        scenario.data = memory;
        let seen = scenario.run();
        assert_eq!((seen.failure(), seen.text.as_str()), ((Some(reason), Some(12), Some(200)), ""));
        assert!(!seen.headers.is_empty());
    };
    fails(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 4, Reason::TooLarge);
    fails(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 4, Reason::TooLarge);
    // As text it is longer.
    fails(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na\xff", 3, Reason::TooLarge);
    let latin1 = b"HTTP/1.1 200 OK\r\nContent-Type: a/b;charset=latin1\r\nContent-Length: 2\r\n\r\n\xff\xff";
    fails(latin1, 3, Reason::TooLarge);

    let limited = development().with_limits(limits(|limits| limits.body = 4));
    let steps = [Step::Connect(ROUTE), Step::Request, answer("200 OK", "hello"), Step::Closes];
    let seen = Scenario::new(&limited, photo(URL), "x", steps).run();
    assert_eq!(seen.failure(), (Some(Reason::TooLarge), Some(12), Some(200)));
}

#[test]
fn up_04_an_incomplete_character_that_does_not_fit_is_12() {
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xf0\x9f";
    let steps = [Step::Connect(ROUTE), Step::Request, answers(response), Step::Keeps];
    let mut scenario = Scenario::new(&development(), photo(URL), "x", steps);
    scenario.data = 2;
    assert_eq!(scenario.run().failure(), (Some(Reason::TooLarge), Some(12), Some(200)));
}

#[test]
fn up_code_12_a_head_that_does_not_fit_or_is_none() {
    let seen = answered("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", &[Step::Closes]);
    assert_eq!(seen.failure(), (Some(Reason::MalformedFraming), Some(12), None));
    assert_eq!(answered("nonsense", &[Step::Closes]).failure(), (Some(Reason::MalformedHead), Some(12), None));
    let steps = [Step::Connect(ROUTE), Step::Request, answer("200 OK", ""), Step::Closes];
    let mut scenario = Scenario::new(&development(), photo(URL), "x", steps);
    scenario.head = 10;
    assert_eq!(scenario.run().failure(), (Some(Reason::HeadTooLarge), Some(12), Some(200)));
}

#[test]
fn up_05_the_whole_upload_may_take_30_seconds() {
    let takes = |context: &Context<'_>, waits: u64, ends: Step| {
        let steps = [
            Step::Waits(waits / 4),
            Step::Connect("https a.test:443"),
            Step::Waits(waits / 4),
            Step::Secure,
            Step::Takes(300),
            Step::Waits(waits / 4),
            Step::Request,
            answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"),
            Step::Waits(waits / 4),
            answers("k"),
            ends,
        ];
        Scenario::new(context, photo("https://a.test/"), "x", steps).run()
    };
    assert_eq!(takes(&development(), 29_996, Step::Keeps).success(), (200, "ok"));
    let seen = takes(&development(), 30_000, Step::Closes);
    assert_eq!((seen.failure(), seen.took), ((Some(Reason::Timeout), Some(12), Some(200)), 30_000));
    // A context may raise it.
    let patient = development().with_limits(limits(|limits| limits.upload_timeout = 600_000));
    assert_eq!(takes(&patient, 599_996, Step::Keeps).success(), (200, "ok"));
    assert_eq!(takes(&patient, 600_000, Step::Closes).failure(), (Some(Reason::Timeout), Some(12), Some(200)));
}

#[test]
fn up_05_a_server_that_takes_nothing_is_12_after_30_seconds() {
    for taken in [1, 250, 600] {
        let steps = [Step::Connect(ROUTE), Step::Takes(taken), Step::Stalls, Step::Closes];
        let content = "x".repeat(1000);
        let seen = Scenario::new(&development(), photo(URL), &content, steps).run();
        assert_eq!((seen.failure(), seen.took), ((Some(Reason::Timeout), Some(12), None), 30_000));
    }
}
