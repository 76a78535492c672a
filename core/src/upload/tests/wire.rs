//! What goes on the wire, and what is refused before anything does: UP-01, UP-02, UP-03.

use super::*;
use crate::drive::{MIN_RECEIVE, MIN_TRANSMIT};

/// The call sends exactly this and succeeds.
#[track_caller]
fn sends_exactly(upload: Upload<'_>, content: &str, route: &'static str, request: String) {
    let mut steps = vec![Step::Connect(route), sends(request), answer("200 OK", "done"), Step::Keeps];
    if route.starts_with("https") {
        steps.insert(1, Step::Secure);
    }
    assert_eq!(Scenario::new(&development(), upload, content, steps).run().success(), (200, "done"));
}

#[test]
fn up_01_a_small_form_goes_out_byte_for_byte() {
    let body = format!(
        "{LINE}\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n\
         {LINE}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n{}",
        photo_body("<picture>")
    );
    let upload = photo("https://a.test/up?q#f").form_data(&[("b", "2"), ("a", "1")]);
    sends_exactly(upload, "<picture>", "https a.test:443", post("/up?q", "a.test", "", &body));
}

#[test]
fn up_01_every_file_type_has_its_media_type() {
    let types = [
        (FileType::Image, "cat", "image/jpeg"),
        (FileType::Video, "cat", "video/mp4"),
        (FileType::Audio, "cat", "audio/mpeg"),
        (FileType::Image, "cat.WEBP", "image/webp"),
        (FileType::Audio, "cat.ogg", "audio/ogg"),
    ];
    for (file_type, name, media_type) in types {
        let upload = Upload::new(URL, file_type, "f", BOUNDARY).file(name, 0);
        let body = format!(
            "{LINE}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\
             Content-Type: {media_type}\r\n\r\nx\r\n{LINE}--\r\n"
        );
        sends_exactly(upload, "x", ROUTE, post("/up", "a.test", "", &body));
    }
}

#[test]
fn up_01_headers_of_the_caller_are_sent_but_for_the_librarys_own() {
    let header: &[(&str, &str)] = &[
        ("Authorization", "secret"),
        ("CONTENT-type", "text/plain"),
        ("Referer", "https://evil.test/"),
        ("content-length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("X-a", "1"),
        ("x-A", "2"),
    ];
    let request = post("/up", "a.test", "Authorization: secret\r\nx-A: 2\r\n", &photo_body("x"));
    sends_exactly(photo(URL).header(header), "x", ROUTE, request);
}

#[test]
fn ctx_02_the_referer_is_the_programs_own() {
    let steps = [Step::Connect("http ::1:81"), Step::Request, answer("200 OK", ""), Step::Keeps];
    let seen = Scenario::new(&development(), photo("http://[::1]:81/"), "x", steps).run();
    let referer = "\r\nReferer: https://[::1]/2021000000000001/1.0.0/page-frame.html\r\n";
    assert!(seen.sent[0].contains(referer), "{}", seen.sent[0]);
}

#[test]
fn up_02_names_that_need_it_are_escaped() {
    let upload = Upload::new(URL, FileType::Image, "a\"\n", BOUNDARY).file("x\r\ny\".gif", 0);
    let upload = upload.form_data(&[("k\r", "v\r\n\"")]);
    let body = format!(
        "{LINE}\r\nContent-Disposition: form-data; name=\"k%0D%0A\"\r\n\r\nv\r\n\"\r\n\
         {LINE}\r\nContent-Disposition: form-data; name=\"a%22%0D%0A\"; filename=\"x%0D%0Ay%22.gif\"\r\n\
         Content-Type: image/gif\r\n\r\nx\r\n{LINE}--\r\n"
    );
    sends_exactly(upload, "x", ROUTE, post("/up", "a.test", "", &body));
}

#[test]
fn up_02_an_empty_file_is_a_part_without_content() {
    sends_exactly(photo(URL), "", ROUTE, post("/up", "a.test", "", &photo_body("")));
}

#[test]
fn up_03_the_content_length_is_right_for_every_combination() {
    let long = "v".repeat(700);
    let fields: [&[(&str, &str)]; 4] =
        [&[], &[("k", "")], &[("k", "1"), ("k", "\u{4e2d}")], &[("k\"", &long), ("", "")]];
    for form_data in fields {
        for name in ["f", "\"\r\n\u{4e2d}"] {
            // Around where a piece ends.
            for length in [0, 1, 100, 255, 256, 257, 1000, 5000] {
                let content = "x".repeat(length);
                let upload = Upload::new(URL, FileType::Video, name, BOUNDARY).file("a.mp4", 0).form_data(form_data);
                let steps = [Step::Connect(ROUTE), Step::Request, answer("200 OK", ""), Step::Keeps];
                let scenario = Scenario::new(&development(), upload, &content, steps);
                for (driver, buffers) in [
                    (Driver::ByHand, (512, 1)),
                    (Driver::ByHand, (512, 7)),
                    (Driver::Blocking, (512, 256)),
                    (Driver::Asynch, (512, 257)),
                    (Driver::Blocking, (512, 65_536)),
                ] {
                    let seen = scenario.once(driver, Split::Whole, buffers);
                    let (head, body) = seen.sent[0].split_once("\r\n\r\n").unwrap();
                    let announced = head.rsplit_once("Content-Length: ").unwrap().1;
                    assert_eq!(announced.parse(), Ok(body.len()), "{form_data:?} {name:?} {length} {buffers:?}");
                    assert!(body.ends_with(&format!("video/mp4\r\n\r\n{content}\r\n{LINE}--\r\n")));
                }
            }
        }
    }
}

#[test]
fn up_code_4_the_host_is_not_on_the_whitelist() {
    let found = refused(&release(), photo("https://b.test/"));
    assert_eq!(found, (Some(Reason::HostNotAllowed), Some(4), None));
}

#[test]
fn up_code_13_plain_http_is_refused() {
    assert_eq!(refused(&release(), photo("http://a.test/")), (Some(Reason::PlainHttpRefused), Some(13), None));
}

#[test]
fn up_code_11_a_parameter_is_invalid() {
    let development = development();
    let cases = [
        (photo(""), Reason::UrlEmpty),
        (photo("http://"), Reason::UrlMalformed),
        (photo("ftp://a.test/"), Reason::UrlScheme),
        (photo("ws://a.test/"), Reason::UrlScheme),
        (photo("http://a.test/%"), Reason::MalformedEscape),
        (photo(URL).header(&[("a\r\n", "b")]), Reason::IllegalHeader),
        (photo(URL).header(&[("a", "b\r\nc: d")]), Reason::IllegalHeader),
        (Upload::new(URL, FileType::Image, "", BOUNDARY), Reason::IllegalOption),
    ];
    for (upload, reason) in cases {
        assert_eq!(refused(&development, upload), (Some(reason), Some(11), None));
    }
    let context = development.with_limits(limits(|limits| limits.url = 5));
    assert_eq!(refused(&context, photo(URL)), (Some(Reason::UrlTooLong), Some(11), None));
    for sizes in [(MIN_RECEIVE - 1, MIN_TRANSMIT), (MIN_RECEIVE, MIN_TRANSMIT - 1)] {
        let scenario = Scenario::new(&development, photo(URL), "x", []);
        for driver in [Driver::Blocking, Driver::Asynch] {
            let seen = scenario.once(driver, Split::Whole, sizes);
            assert_eq!(seen.failure(), (Some(Reason::BufferTooSmall), Some(11), None));
        }
    }
}
