//! What goes on the wire, what the answer means, and what the file is: DOWN-01, DOWN-02, DOWN-04, DOWN-05.

use super::*;
use crate::drive::{MIN_RECEIVE, MIN_TRANSMIT};

#[test]
fn down_01_a_download_is_a_get_of_the_url() {
    let head = head_without_type("a.test");
    let request = format!("GET /f.bin?q HTTP/1.1\r\n{head}Authorization: secret\r\nx: 2\r\n\r\n");
    let steps =
        [Step::Connect("https a.test:443"), Step::Secure, sends(request), answer("200 OK", "content"), Step::Keeps];
    let mut scenario = Scenario::new(&development(), "https://a.test/f.bin?q#f", steps);
    let header: &[(&str, &str)] =
        &[("Authorization", "secret"), ("referer", "https://evil.test/"), ("X", "1"), ("x", "2"), ("Host", "evil")];
    scenario.download = scenario.download.header(header);
    let seen = scenario.run();
    assert_eq!((seen.success(), seen.extension.as_deref()), ((200, "content"), Some("bin")));
    assert_eq!(seen.headers, [("Content-Length".into(), "7".into())]);
}

#[test]
fn down_01_the_extension_is_the_contents_else_the_urls_else_none() {
    let png = "\u{89}PNG\r\n\u{1a}\n...and more";
    let latin1 = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<_>>();
    let extension = |url: &str, content: &str| {
        let content = latin1(content);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
        // Split at every place, so between all of the first bytes, too.
        let steps = [Step::Connect(ROUTE), Step::Request, answers([head.as_bytes(), &content].concat()), Step::Keeps];
        Scenario::new(&development(), url, steps).run().extension
    };
    assert_eq!(extension("http://a.test/a.jpg", png).as_deref(), Some("png"));
    assert_eq!(extension("http://a.test/a", "%PDF-1.7").as_deref(), Some("pdf"));
    assert_eq!(extension("http://a.test/a", "%PDF-").as_deref(), Some("pdf"));
    assert_eq!(extension("http://a.test/a", "\0\0\0\x14ftypqt  and more").as_deref(), Some("mov"));
    assert_eq!(extension("http://a.test/a", "RIFF\x24\0\0\0WEBP").as_deref(), Some("webp"));
    assert_eq!(extension("http://a.test/a", "RIFF\x24\0\0\0WEB"), None);
    assert_eq!(extension("http://a.test/a.jpg?x.png#y.gif", "what").as_deref(), Some("jpg"));
    assert_eq!(extension("http://a.test/a.b/c", "what"), None);
    assert_eq!(extension("http://a.test", ""), None);
}

#[test]
fn down_01_after_a_redirect_it_is_the_last_url_that_counts() {
    let steps = [
        Step::Connect(ROUTE),
        Step::Request,
        answers("HTTP/1.1 302 x\r\nLocation: /real.gif\r\nContent-Length: 9\r\n\r\n%PDF-1.7\n"),
        Step::Request,
        answer("200 OK", "what"),
        Step::Keeps,
    ];
    let seen = Scenario::new(&development(), "http://a.test/a.jpg", steps).run();
    assert_eq!((seen.success(), seen.extension.as_deref(), seen.redirects), ((200, "what"), Some("gif"), 1));
}

#[test]
fn down_02_a_file_of_any_framing_is_complete() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n";
    let seen = answered(chunked, &[Step::Keeps]);
    assert_eq!((seen.success(), &seen.disk.did[0]), ((200, "hello"), &Did::Create(None)));
    let seen = answered("HTTP/1.1 200 OK\r\n\r\nhello", &[Step::Ends, Step::Closes]);
    assert_eq!((seen.success(), &seen.disk.did[0]), ((200, "hello"), &Did::Create(None)));
    let seen = answered("HTTP/1.1 299 OK\r\nContent-Length: 5\r\n\r\nhello", &[Step::Keeps]);
    assert_eq!((seen.success(), &seen.disk.did[0]), ((299, "hello"), &Did::Create(Some(5))));
}

#[test]
fn down_02_an_empty_body_is_an_empty_file() {
    let empty = ["204 x\r\n", "200 OK\r\nContent-Length: 0\r\n", "200 OK\r\nTransfer-Encoding: chunked\r\n"];
    for head in empty {
        let end = if head.contains("chunked") { "0\r\n\r\n" } else { "" };
        let seen = answered(format!("HTTP/1.1 {head}\r\n{end}"), &[Step::Keeps]);
        assert_eq!(seen.success().1, "");
        assert_eq!(seen.progress.len(), 1);
    }
}

#[test]
fn down_02_a_truncated_file_leaves_nothing() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    ] {
        let seen = answered(response, &[Step::Ends, Step::Closes]);
        assert_eq!(seen.failure(), (Some(Reason::ConnectionClosed), Some(12), Some(200)));
        assert_eq!(seen.disk.did.last(), Some(&Did::Discard));
        let seen = answered(response, &[Step::Breaks, Step::Closes]);
        assert_eq!(seen.failure(), (Some(Reason::ConnectionLost), Some(12), Some(200)));
    }
    let seen = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe?", &[Step::Closes]);
    assert_eq!(seen.failure(), (Some(Reason::MalformedFraming), Some(12), Some(200)));
}

#[test]
fn down_04_every_status_but_2xx_is_12_with_status_and_headers_and_no_store() {
    for status in [300, 304, 305, 400, 401, 403, 404, 407, 416, 429, 500, 503, 599, 999] {
        let body = if status == 304 { "" } else { "sorry" };
        let seen = answered(format!("HTTP/1.1 {status} x\r\nX: y\r\nContent-Length: 5\r\n\r\n{body}"), &[Step::Closes]);
        let reason = if status == 429 { Reason::RateLimited } else { Reason::HttpStatus };
        assert_eq!(seen.failure(), (Some(reason), Some(12), Some(status)));
        assert_eq!((seen.headers[0].0.as_str(), seen.disk.did.len()), ("X", 0));
    }
}

#[test]
fn down_04_a_redirect_without_a_location_is_12() {
    let seen = answered("HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n", &[Step::Closes]);
    assert_eq!(seen.failure(), (Some(Reason::HttpStatus), Some(12), Some(302)));
}

#[test]
fn down_code_12_an_encoded_body_is_refused_before_the_store_is_asked() {
    for coding in ["gzip", "br", "identity, deflate"] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 1\r\n\r\nx");
        let seen = answered(head, &[Step::Closes]);
        assert_eq!(seen.failure(), (Some(Reason::UnsupportedEncoding), Some(12), Some(200)));
        assert_eq!(seen.disk.did, []);
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(answered(head, &[Step::Keeps]).success(), (200, "x"));
}

#[test]
fn down_code_12_a_file_over_the_limit() {
    let context = development().with_limits(limits(|limits| limits.file = 4));
    let seen = |response: &str, then: Step| {
        let steps = [Step::Connect(ROUTE), Step::Request, answers(response), then];
        Scenario::new(&context, URL, steps).run()
    };
    // Announced: before its first byte.
    let announced = seen("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Step::Closes);
    assert_eq!(announced.failure(), (Some(Reason::FileTooLarge), Some(12), Some(200)));
    assert_eq!(announced.disk.did, []);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let longer = seen(&format!("{chunked}5\r\nhello\r\n0\r\n\r\n"), Step::Closes);
    assert_eq!(longer.failure(), (Some(Reason::FileTooLarge), Some(12), Some(200)));
    assert!(longer.disk.bytes.len() <= 4);
    assert_eq!(seen(&format!("{chunked}4\r\nhell\r\n0\r\n\r\n"), Step::Keeps).success(), (200, "hell"));
}

#[test]
fn down_code_20_plain_http_asks_for_https() {
    let seen = Scenario::new(&under(release()), URL, []).run();
    assert_eq!(seen.failure(), (Some(Reason::PlainHttpRefused), Some(20), None));
}

#[test]
fn down_code_13_the_whitelist_counts_where_it_was_asked_to() {
    let (opted_in, other) = (under(release().also_for_downloads()), "https://b.test/");
    let seen = Scenario::new(&opted_in, other, []).run();
    assert_eq!(seen.failure(), (Some(Reason::HostNotAllowed), Some(13), None));
    let steps = |route| [Step::Connect(route), Step::Secure, Step::Request, answer("200 OK", "x"), Step::Keeps];
    let seen = Scenario::new(&under(release()), other, steps("https b.test:443")).run();
    assert_eq!(seen.success(), (200, "x"));
    let seen = Scenario::new(&opted_in, "https://a.test/", steps("https a.test:443")).run();
    assert_eq!(seen.success(), (200, "x"));
}

#[test]
fn down_code_12_a_url_or_header_that_is_none() {
    let development = development();
    let cases = [
        ("", Reason::UrlEmpty),
        ("http://", Reason::UrlMalformed),
        ("ftp://a.test/", Reason::UrlScheme),
        ("wss://a.test/", Reason::UrlScheme),
        ("http://a.test/%zz", Reason::MalformedEscape),
    ];
    for (url, reason) in cases {
        assert_eq!(Scenario::new(&development, url, []).run().failure(), (Some(reason), Some(12), None));
    }
    let short = development.with_limits(limits(|limits| limits.url = 5));
    assert_eq!(Scenario::new(&short, URL, []).run().failure(), (Some(Reason::UrlTooLong), Some(12), None));
    let mut scenario = Scenario::new(&development, URL, []);
    scenario.download = scenario.download.header(&[("a", "b\r\nc: d")]);
    assert_eq!(scenario.run().failure(), (Some(Reason::IllegalHeader), Some(12), None));
    let scenario = Scenario::new(&development, URL, []);
    for sizes in [(MIN_RECEIVE - 1, MIN_TRANSMIT), (MIN_RECEIVE, MIN_TRANSMIT - 1)] {
        for driver in [Driver::Blocking, Driver::Asynch] {
            let seen = scenario.once(driver, Split::Whole, sizes);
            assert_eq!(seen.failure(), (Some(Reason::BufferTooSmall), Some(12), None));
        }
    }
}

#[test]
fn down_05_progress_of_a_known_length() {
    let body = "x".repeat(5000);
    let steps = [Step::Connect(ROUTE), Step::Request, answer("200 OK", &body), Step::Keeps];
    let seen = Scenario::new(&development(), URL, steps).once(Driver::Blocking, Split::Whole, (512, 256));
    assert!(seen.progress.len() >= 10);
    for update in &seen.progress {
        assert_eq!(update.total_bytes_expected_to_write, 5000);
        assert_eq!(u64::from(update.progress), update.total_bytes_written / 50);
    }
}

#[test]
fn down_05_progress_of_an_unknown_length_is_0_until_the_end() {
    let response = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(5000));
    let steps = [Step::Connect(ROUTE), Step::Request, answers(response), Step::Ends, Step::Closes];
    let seen = Scenario::new(&development(), URL, steps).once(Driver::Asynch, Split::Whole, (512, 256));
    let (last, before) = seen.progress.split_last().unwrap();
    assert!(before.len() >= 10);
    assert!(before.iter().all(|update| update.progress == 0 && update.total_bytes_expected_to_write == 0));
    assert_eq!((last.progress, last.total_bytes_written), (100, 5000));
}

#[test]
fn down_05_an_error_answer_has_no_progress() {
    assert_eq!(answered("HTTP/1.1 404 x\r\nContent-Length: 5\r\n\r\nsorry", &[Step::Closes]).progress, []);
}
