//! Every reason that a request can report, provoked; the table of codes.

use std::collections::BTreeSet;

use super::*;
use crate::context::{Limits, Proxy};
use crate::policy::Whitelist;
use crate::reason::{CertificateFault, Fault, Interrupt};
use crate::request::{DataType, Method};

const ROUTE: &str = "http a.test:80";
const SECURE: &str = "https a.test:443";
const PROXY: Proxy<'static> = Proxy { host: "p.test", port: 1, credentials: None };

/// A call that ends for this reason; `None` for one that no request has. A new reason does not compile until it is here.
fn provoke(reason: Reason) -> Option<Seen> {
    let request = Request::new("http://a.test/");
    let context = development();
    let refused = |request| Scenario::new(&context, request, []).run();
    let answered = |request, answer: &str| {
        let steps = [Step::Connect(ROUTE), Step::Request, answers(answer), Step::Closes];
        Scenario::new(&context, request, steps).run()
    };
    let kept = |answer: &str| {
        let steps = [Step::Connect(ROUTE), Step::Request, answers(answer), Step::Keeps];
        Scenario::new(&context, request, steps).run()
    };
    let linked = |steps: &[Step]| Scenario::new(&context, request, steps).run();
    let secured = |fault| {
        let steps = [Step::Connect(SECURE), Step::NotSecure(fault), Step::Closes];
        Scenario::new(&context, Request::new("https://a.test/"), steps).run()
    };
    let head = "HTTP/1.1 200 OK\r\n";
    Some(match reason {
        Reason::Unloaded => linked(&[Step::Connect(ROUTE), Step::Interrupts(Interrupt::Unload), Step::Closes]),
        Reason::UrlEmpty => refused(Request::new("")),
        Reason::UrlMalformed => refused(Request::new("http://")),
        Reason::UrlScheme => refused(Request::new("ftp://a.test/")),
        Reason::UrlTooLong => {
            let mut limits = Limits::new();
            limits.url = 5;
            Scenario::new(&context.with_limits(limits), request, []).run()
        }
        Reason::IllegalHeader => refused(request.headers(&[("a\n", "b")])),
        Reason::IllegalOption => refused(request.data(Data::Bytes(b"x"))),
        Reason::HostNotAllowed => {
            let context = Context::new("1", "1", Policy::release(Whitelist::EMPTY)).unwrap();
            Scenario::new(&context, Request::new("https://a.test/"), []).run()
        }
        Reason::Dns => linked(&[Step::NoLink(ROUTE, Fault::Dns)]),
        Reason::Connect => linked(&[Step::NoLink(ROUTE, Fault::Connect)]),
        Reason::ConnectionLost => linked(&[Step::Connect(ROUTE), Step::Request, Step::Breaks, Step::Closes]),
        Reason::ConnectionClosed => linked(&[Step::Connect(ROUTE), Step::Request, Step::Ends, Step::Closes]),
        Reason::Tls => secured(Fault::Tls),
        Reason::Timeout => linked(&[Step::Connect(ROUTE), Step::Request, Step::Stalls, Step::Closes]),
        Reason::NotJson => answered(request, &format!("{head}Content-Length: 1\r\n\r\n<")),
        Reason::NotText => {
            let answer = format!("{head}Content-Type: x; charset=ascii\r\nContent-Length: 2\r\n\r\n\u{e9}");
            answered(request.data_type(DataType::Text), &answer)
        }
        Reason::UnsupportedEncoding => {
            answered(request, &format!("{head}Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"))
        }
        Reason::UnsupportedCharset => {
            let answer = format!("{head}Content-Type: x; charset=gbk\r\nContent-Length: 1\r\n\r\nx");
            answered(request.data_type(DataType::Text), &answer)
        }
        Reason::TooLarge => {
            let steps = [Step::Connect(ROUTE), Step::Request, answer("200 OK", "[]"), Step::Closes];
            let mut scenario = Scenario::new(&context, request, steps);
            scenario.limit = 1;
            scenario.run()
        }
        Reason::DataNotConvertible => {
            let array = [1];
            refused(request.data(Data::Value(&array)))
        }
        Reason::MalformedEscape => refused(request.data(Data::Text("%"))),
        Reason::HttpStatus => kept("HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"),
        Reason::MalformedHead => answered(request, "x"),
        Reason::HeadTooLarge => answered(request, &format!("{head}{}", "a: b\r\n".repeat(800))),
        Reason::MalformedFraming => answered(request, &format!("{head}Content-Length: x\r\n\r\n")),
        Reason::Certificate(fault) => secured(Fault::Certificate(fault)),
        Reason::NotTls => secured(Fault::NotTls),
        Reason::TooManyRedirects => {
            let mut limits = Limits::new();
            limits.redirects = 0;
            let redirect = "HTTP/1.1 302 x\r\nLocation: /\r\n\r\n";
            let steps = [Step::Connect(ROUTE), Step::Request, answers(redirect), Step::Closes];
            Scenario::new(&context.with_limits(limits), request, steps).run()
        }
        Reason::BadRedirect => answered(request, "HTTP/1.1 302 x\r\nLocation: ftp://a.test/\r\n\r\n"),
        Reason::Aborted => linked(&[Step::Connect(ROUTE), Step::Interrupts(Interrupt::Abort), Step::Closes]),
        Reason::PlainHttpRefused => {
            let context = Context::new("1", "1", Policy::release(Whitelist::EMPTY)).unwrap();
            Scenario::new(&context, request.method(Method::Put), []).run()
        }
        Reason::RateLimited => kept("HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n"),
        Reason::TooManyTasks => {
            // Whoever has the slots says so.
            let mut scenario = Scenario::new(&context, request, []);
            scenario.refused = Some(Reason::TooManyTasks);
            scenario.run()
        }
        Reason::ProxyRefused => {
            let steps =
                [Step::Connect("http a.test:80 via p.test:1"), Step::Request, answer("407 x", ""), Step::Closes];
            Scenario::new(&context.with_proxy(Some(&PROXY)), request, steps).run()
        }
        Reason::ProxyFailed => {
            let steps = [Step::NoLink("http a.test:80 via p.test:1", Fault::Connect)];
            Scenario::new(&context.with_proxy(Some(&PROXY)), request, steps).run()
        }
        Reason::BufferTooSmall => Scenario::new(&context, request, []).once(Driver::Blocking, Split::Whole, (511, 256)),
        Reason::FileNotFound
        | Reason::NotAFile
        | Reason::FileUnreadable
        | Reason::FileChanged
        | Reason::FileTooLarge
        | Reason::FileFailed
        | Reason::StoreFull
        | Reason::StoreDenied
        | Reason::StoreFailed
        | Reason::Violation(_)
        | Reason::SocketExists
        | Reason::NotUpgraded
        | Reason::WrongUpgrade
        | Reason::WrongConnection
        | Reason::AcceptMissing
        | Reason::AcceptRepeated
        | Reason::AcceptWrong
        | Reason::UnrequestedExtension
        | Reason::ExtensionParameter
        | Reason::UnrequestedProtocol
        | Reason::ProtocolRepeated
        | Reason::NotConnected
        | Reason::MalformedBuffer
        | Reason::SendFailed
        | Reason::PeerSilent
        | Reason::CloseTimeout
        | Reason::NoRandomness => return None,
    })
}

/// The reasons that a request can end for, and how it does.
fn provoked() -> impl Iterator<Item = (Reason, Seen)> {
    Reason::all().filter_map(|reason| provoke(reason).map(|seen| (reason, seen)))
}

#[test]
fn req_codes_every_reason_is_provoked() {
    for (reason, seen) in provoked() {
        assert_eq!(seen.result(), Err(reason));
    }
}

#[test]
fn req_codes_are_those_of_the_table() {
    let seen: BTreeSet<_> = provoked().map(|(reason, _)| reason.request_code()).collect();
    assert!(seen.iter().eq(Api::Request.codes()));
}

#[test]
fn req_code_19_a_bad_certificate_is_told_apart_from_a_status() {
    for fault in CertificateFault::all() {
        let seen = provoke(Reason::Certificate(fault)).unwrap();
        assert_eq!(seen.failure(), (Some(Reason::Certificate(fault)), Some(19), None));
    }
    assert_eq!(provoke(Reason::HttpStatus).unwrap().failure(), (Some(Reason::HttpStatus), Some(19), Some(404)));
}
