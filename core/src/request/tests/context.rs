//! The context's part in a call: CTX-02 to CTX-08.

use super::*;
use crate::context::Proxy;
use crate::policy::Whitelist;
use crate::reason::{Fault, Interrupt};
use crate::task::{Action, Misuse, Task};
use crate::time::Instant;

const HOSTS: &[&str] = &["example.com", "exact.test:8443"];

fn release<'c>() -> Context<'c> {
    let policy = Policy::release(Whitelist::new(HOSTS).unwrap());
    Context::new("2021000000000001", "1.0.0", policy).unwrap().with_user_agent("kiosk/7").unwrap()
}

fn redirect_to(location: &str) -> Step {
    answers(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
}

#[test]
fn ctx_03_release_speaks_https_only_and_20_refuses_http() {
    let seen = Scenario::new(&release(), Request::new("http://example.com/"), []).run();
    assert_eq!(seen.failure(), (Some(Reason::PlainHttpRefused), Some(20), None));
    let steps =
        [Step::Connect("https example.com:443"), Step::Secure, Step::Request, answer("200 OK", "{}"), Step::Keeps];
    let seen = Scenario::new(&release(), Request::new("https://example.com/"), steps).run();
    assert_eq!((seen.result(), seen.body.as_str()), (Ok(()), "{}"));
}

#[test]
fn ctx_03_the_default_policy_admits_nothing() {
    let context = Context::new("1", "1", Policy::default()).unwrap();
    let seen = Scenario::new(&context, Request::new("https://example.com/"), []).run();
    assert_eq!(seen.failure(), (Some(Reason::HostNotAllowed), Some(11), None));
}

#[test]
fn ctx_03_development_admits_http_and_any_host() {
    let steps = [Step::Connect("http other.test:80"), Step::Request, answer("200 OK", "{}"), Step::Keeps];
    assert_eq!(Scenario::new(&development(), Request::new("http://other.test/"), steps).run().result(), Ok(()));
}

#[test]
fn ctx_04_a_host_off_the_whitelist_is_11() {
    for url in
        ["https://evil.test/", "https://notexample.com/", "https://example.com.evil.test/", "https://exact.test/"]
    {
        let seen = Scenario::new(&release(), Request::new(url), []).run();
        assert_eq!(seen.failure(), (Some(Reason::HostNotAllowed), Some(11), None), "{url}");
    }
    for (url, route) in [
        ("https://API.Example.com./", "https API.Example.com:443"),
        ("https://example.com:9/", "https example.com:9"),
        ("https://a.exact.test:8443/", "https a.exact.test:8443"),
    ] {
        let steps = [Step::Connect(route), Step::Secure, Step::Request, answer("200 OK", ""), Step::Keeps];
        assert_eq!(Scenario::new(&release(), Request::new(url), steps).run().result(), Ok(()), "{url}");
    }
}

#[test]
fn ctx_03_and_ctx_04_every_hop_passes_the_same_door() {
    let refused = [
        ("https://evil.test/", Reason::HostNotAllowed, 11),
        ("//evil.test/", Reason::HostNotAllowed, 11),
        ("https://exact.test/", Reason::HostNotAllowed, 11),
        ("http://example.com/", Reason::PlainHttpRefused, 20),
    ];
    for (location, reason, code) in refused {
        let steps =
            [Step::Connect("https example.com:443"), Step::Secure, Step::Request, redirect_to(location), Step::Closes];
        let seen = Scenario::new(&release(), Request::new("https://example.com/"), steps).run();
        assert_eq!(seen.failure(), (Some(reason), Some(code), Some(302)), "{location}");
        // Status and headers of the redirect are shown.
        assert!(matches!(&seen.events[..], [Shown::Head(302, fields)] if fields[0].1 == location));
    }
}

#[test]
fn ctx_04_the_second_hop_passes_the_door_too() {
    let steps = [
        Step::Connect("https example.com:443"),
        Step::Secure,
        Step::Request,
        redirect_to("https://b.example.com/"),
        Step::Closes,
        Step::Connect("https b.example.com:443"),
        Step::Secure,
        Step::Request,
        redirect_to("https://evil.test/"),
        Step::Closes,
    ];
    let seen = Scenario::new(&release(), Request::new("https://example.com/"), steps).run();
    assert_eq!(seen.failure(), (Some(Reason::HostNotAllowed), Some(11), Some(302)));
}

#[test]
fn ctx_02_every_hop_has_its_own_host_as_referer() {
    let steps = [
        Step::Connect("http a.test:80"),
        sends(get("/", "a.test", "")),
        redirect_to("https://b.test:8443/x"),
        Step::Closes,
        Step::Connect("https b.test:8443"),
        Step::Secure,
        sends(get("/x", "b.test:8443", "")),
        answer("200 OK", "{}"),
        Step::Keeps,
    ];
    let headers = [("REFERER", "https://evil.test/")];
    let seen = Scenario::new(&development(), Request::new("http://a.test/").headers(&headers), steps).run();
    assert_eq!(seen.result(), Ok(()));
    assert!(seen.sent[0].contains("\r\nReferer: https://a.test/2021000000000001/1.0.0/page-frame.html\r\n"));
    assert!(seen.sent[1].contains("\r\nReferer: https://b.test/2021000000000001/1.0.0/page-frame.html\r\n"));
}

#[test]
fn ctx_06_an_unloaded_page_is_1() {
    let steps = [
        Step::Connect("https example.com:443"),
        Step::Secure,
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
        Step::Interrupts(Interrupt::Unload),
        Step::Closes,
    ];
    let seen = Scenario::new(&release(), Request::new("https://example.com/"), steps).run();
    assert_eq!(seen.failure(), (Some(Reason::Unloaded), Some(1), Some(200)));
}

#[test]
fn ctx_08_nothing_is_sent_before_the_link_is_secure() {
    // The scripted peer fails the test where anything is sent before these steps.
    for fault in [Fault::Tls, Fault::NotTls, Fault::Lost] {
        let steps = [Step::Connect("https a.test:443"), Step::NotSecure(fault), Step::Closes];
        let seen = Scenario::new(&development(), Request::new("https://a.test/"), steps).run();
        assert!(seen.result().is_err() && seen.sent.is_empty());
    }
    let proxy = Proxy { host: "proxy.test", port: 3128, credentials: None };
    let context = development().with_proxy(Some(&proxy));
    let steps = [
        Step::Connect("https a.test:443 via proxy.test:3128"),
        sends("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nUser-Agent: kiosk/7\r\n\r\n"),
        answers("HTTP/1.1 200 OK\r\n\r\n"),
        Step::NotSecure(Fault::Tls),
        Step::Closes,
    ];
    assert_eq!(Scenario::new(&context, Request::new("https://a.test/"), steps).run().result(), Err(Reason::Tls));
}

#[test]
fn ctx_08_calls_out_of_order_are_misuse_and_leave_the_task_unharmed() {
    let (context, request) = (release(), Request::new("https://example.com/"));
    let (now, mut tx) = (Instant::from_millis(0), [0; 256]);
    let mut task = RequestTask::new(&context, &request, &mut [], now);
    assert_eq!(task.secured(), Err(Misuse));
    assert!(matches!(task.poll(now, b"", &mut tx).action, Action::Connect { reuse: true }));
    assert_eq!(task.secured(), Err(Misuse));
    assert_eq!(task.connected(false), Ok(()));
    assert_eq!(task.connected(false), Err(Misuse));
    assert!(matches!(task.poll(now, b"", &mut tx).action, Action::Secure));
    // Bytes that came before TLS change nothing: it still asks for TLS.
    assert!(matches!(task.poll(now, b"HTTP/1.1 200 OK\r\n\r\n", &mut tx).action, Action::Secure));
    assert_eq!(task.connected(true), Err(Misuse));
    assert_eq!(task.secured(), Ok(()));
    assert_eq!(task.secured(), Err(Misuse));
    assert!(matches!(task.poll(now, b"", &mut tx).action, Action::Transmit { .. }));
}

#[test]
fn ctx_08_a_redirect_from_http_to_https_is_secure_before_it_sends() {
    let steps = [
        Step::Connect("http a.test:80"),
        Step::Request,
        redirect_to("https://a.test/"),
        Step::Closes,
        Step::Connect("https a.test:443"),
        Step::NotSecure(Fault::Tls),
        Step::Closes,
    ];
    let seen = Scenario::new(&development(), Request::new("http://a.test/"), steps).run();
    assert_eq!((seen.failure(), seen.sent.len()), ((Some(Reason::Tls), Some(12), Some(302)), 1));
}
