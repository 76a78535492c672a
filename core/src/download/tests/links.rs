//! Links, redirects, proxies, interrupts: DOWN-04, DOWN-05, and what downloads share with requests.

use super::*;
use crate::context::Proxy;
use crate::reason::{CertificateFault, Fault, Interrupt};

const PROXY: Proxy<'static> = Proxy { host: "p.test", port: 1, credentials: None };

#[test]
fn down_04_redirects_are_followed() {
    for status in [301, 302, 303, 307, 308] {
        let head = |host| format!("GET /2 HTTP/1.1\r\n{}", head_without_type(host));
        let steps = [
            Step::Connect(ROUTE),
            Step::Request,
            answers(format!("HTTP/1.1 {status} x\r\nLocation: /2\r\nContent-Length: 5\r\n\r\nmoved")),
            sends(format!("{}Authorization: s\r\n\r\n", head("a.test"))),
            answers(format!("HTTP/1.1 {status} x\r\nLocation: //b.test/2\r\n\r\n")),
            Step::Closes,
            Step::Connect("http b.test:80"),
            // With the referer of that host, and without credentials.
            sends(format!("{}\r\n", head("b.test"))),
            answer("200 OK", "file"),
            Step::Keeps,
        ];
        let mut scenario = Scenario::new(&development(), URL, steps);
        scenario.download = scenario.download.header(&[("Authorization", "s")]);
        let seen = scenario.run();
        assert_eq!((seen.success(), seen.redirects), ((200, "file"), 2));
        assert!(matches!(seen.disk.did[..], [Did::Create(Some(4)), .., Did::Commit(_)]));
    }
}

#[test]
fn down_04_every_hop_passes_the_policy() {
    let hop = |context: &Context<'_>, to: &str| {
        let steps = [
            Step::Connect("https a.test:443"),
            Step::Secure,
            Step::Request,
            answers(format!("HTTP/1.1 302 x\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")),
            Step::Closes,
        ];
        Scenario::new(context, "https://a.test/", steps).run().failure()
    };
    let opted_in = under(release().also_for_downloads());
    assert_eq!(hop(&opted_in, "https://b.test/"), (Some(Reason::HostNotAllowed), Some(13), Some(302)));
    assert_eq!(hop(&under(release()), "http://a.test/"), (Some(Reason::PlainHttpRefused), Some(20), Some(302)));
    assert_eq!(hop(&under(release()), "ftp://a.test/"), (Some(Reason::BadRedirect), Some(12), Some(302)));
    let none = under(release()).with_limits(limits(|limits| limits.redirects = 0));
    assert_eq!(hop(&none, "https://a.test/2"), (Some(Reason::TooManyRedirects), Some(12), Some(302)));
}

#[test]
fn down_04_more_than_five_redirects_are_12() {
    let mut steps = vec![Step::Connect(ROUTE)];
    for _ in 0..6 {
        steps.extend([Step::Request, answers("HTTP/1.1 302 x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")]);
    }
    steps.push(Step::Closes);
    let seen = Scenario::new(&development(), URL, steps).run();
    assert_eq!(seen.failure(), (Some(Reason::TooManyRedirects), Some(12), Some(302)));
}

#[test]
fn down_04_without_memory_for_it_no_redirect_is_followed() {
    let redirect = answers("HTTP/1.1 302 x\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n");
    let mut scenario =
        Scenario::new(&development(), URL, [Step::Connect(ROUTE), Step::Request, redirect, Step::Closes]);
    scenario.redirect_memory = 0;
    assert_eq!(scenario.run().failure(), (Some(Reason::BadRedirect), Some(12), Some(302)));
}

#[test]
fn down_code_12_the_network_fails() {
    let fails = |url, steps: &[Step], reason| {
        let seen = Scenario::new(&development(), url, steps).run();
        assert_eq!(seen.failure(), (Some(reason), Some(12), None), "{steps:?}");
    };
    for (fault, reason) in [(Fault::Dns, Reason::Dns), (Fault::Connect, Reason::Connect)] {
        fails(URL, &[Step::NoLink(ROUTE, fault)], reason);
    }
    let unknown = CertificateFault::UnknownIssuer;
    for (fault, reason) in [
        (Fault::Tls, Reason::Tls),
        (Fault::NotTls, Reason::NotTls),
        (Fault::Certificate(unknown), Reason::Certificate(unknown)),
    ] {
        let steps = [Step::Connect("https a.test:443"), Step::NotSecure(fault), Step::Closes];
        fails("https://a.test/", &steps, reason);
    }
    fails(URL, &[Step::Connect(ROUTE), Step::Request, Step::Ends, Step::Closes], Reason::ConnectionClosed);
    fails(URL, &[Step::Connect(ROUTE), Step::Breaks, Step::Closes], Reason::ConnectionLost);
    fails(URL, &[Step::Connect(ROUTE), Step::Request, answers("what"), Step::Closes], Reason::MalformedHead);
    let conflict = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
    fails(URL, &[Step::Connect(ROUTE), Step::Request, answers(conflict), Step::Closes], Reason::MalformedFraming);
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(5000));
    fails(URL, &[Step::Connect(ROUTE), Step::Request, answers(long), Step::Closes], Reason::HeadTooLarge);
}

#[test]
fn down_code_12_the_proxy_refuses_or_fails() {
    let context = development().with_proxy(Some(&PROXY));
    let fails = |url, steps: &[Step], reason, status| {
        let seen = Scenario::new(&context, url, steps).run();
        assert_eq!(seen.failure(), (Some(reason), Some(12), status), "{steps:?}");
        assert_eq!(seen.disk.did, []);
    };
    let (plain, tunnel) = ("http a.test:80 via p.test:1", "https a.test:443 via p.test:1");
    fails(URL, &[Step::NoLink(plain, Fault::Connect)], Reason::ProxyFailed, None);
    fails(
        URL,
        &[Step::Connect(plain), Step::Request, answer("407 x", ""), Step::Closes],
        Reason::ProxyRefused,
        Some(407),
    );
    let https = "https://a.test/";
    fails(
        https,
        &[Step::Connect(tunnel), Step::Request, answer("403 x", ""), Step::Closes],
        Reason::ProxyRefused,
        Some(403),
    );
    fails(https, &[Step::Connect(tunnel), Step::Request, Step::Breaks, Step::Closes], Reason::ProxyFailed, None);
}

#[test]
fn down_02_a_dead_kept_link_is_replaced_before_the_store_is_asked() {
    let steps = [
        Step::Reuse(ROUTE),
        Step::Request,
        Step::Ends,
        Step::Closes,
        Step::Fresh(ROUTE),
        Step::Request,
        answer("200 OK", "file"),
        Step::Keeps,
    ];
    assert_eq!(Scenario::new(&development(), URL, steps).run().success(), (200, "file"));
    // Not where a part of the file has come.
    let steps = [
        Step::Reuse(ROUTE),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"),
        Step::Breaks,
        Step::Closes,
    ];
    let seen = Scenario::new(&development(), URL, steps).run();
    assert_eq!(seen.failure(), (Some(Reason::ConnectionLost), Some(12), Some(200)));
}

#[test]
fn down_05_an_abort_is_12_at_any_step_and_leaves_nothing() {
    let whole = [
        Step::Connect("https a.test:443"),
        Step::Secure,
        Step::Takes(100),
        Step::Request,
        answers("HTTP/1.1 302 x\r\nLocation: /2\r\nContent-Length: 2\r\n\r\n."),
        answers("."),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        answers("2\r\nok"),
        answers("\r\n"),
        answers("0\r\n\r\n"),
        Step::Keeps,
    ];
    let undisturbed = Scenario::new(&development(), "https://a.test/", whole.clone()).run();
    assert_eq!(undisturbed.success(), (200, "ok"));
    let interrupts = [
        (Step::Interrupts(Interrupt::Abort), Reason::Aborted),
        (Step::Interrupts(Interrupt::Unload), Reason::Unloaded),
        (Step::Stalls, Reason::Timeout),
    ];
    for at in 1..whole.len() - 1 {
        for (step, reason) in &interrupts {
            let steps = [&whole[..at], &[step.clone(), Step::Closes]].concat();
            let seen = Scenario::new(&development(), "https://a.test/", steps).run();
            assert_eq!((seen.reason, seen.code), (Some(*reason), Some(12)), "before {:?}", whole[at]);
        }
    }
    let first = Scenario::new(&development(), URL, [Step::Interrupts(Interrupt::Abort)]).run();
    assert_eq!(first.failure(), (Some(Reason::Aborted), Some(12), None));
}

#[test]
fn down_code_12_no_slot_is_left() {
    let mut scenario = Scenario::new(&development(), URL, []);
    // Whoever has the slots says so.
    scenario.refused = Some(Reason::TooManyTasks);
    let seen = scenario.once(Driver::ByHand, Split::Whole, (512, 256));
    assert_eq!(seen.failure(), (Some(Reason::TooManyTasks), Some(12), None));
}

#[test]
fn down_02_a_download_that_is_dropped_leaves_nothing() {
    let steps =
        [Step::Connect(ROUTE), Step::Request, answers("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe"), Step::Stalls];
    let (peer, context, download) = (Peer::new(&steps, Split::Whole), development(), Download::new(URL));
    let (mut rx, mut tx, mut disk) = ([0; 512], [0; 256], Disk::default());
    let memory = Memory { receive: &mut rx, transmit: &mut tx, redirect: &mut [], head: &mut [], body: &mut [] };
    {
        let mut call = std::pin::pin!(asynch::download(&peer, &context, &download, &mut disk, memory, |_| {}));
        let mut waking = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut waking).is_pending());
    }
    assert_eq!(disk.did, [Did::Create(Some(9)), Did::Write(2), Did::Discard]);
}
