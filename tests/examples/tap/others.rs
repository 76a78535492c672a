//! Calls to nginx and to httpbin, and to places where nobody answers.

use embassy_net::Stack;
use miniwire_core::policy::Policy;
use miniwire_core::reason::{CertificateFault, Reason};
use miniwire_core::request::{DataType, Method, Redirect};
use miniwire_embassy::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Verdicts;
use crate::on_embassy;
use crate::scenario::{Call, Data, Ends, Scenario};

/// Where they are. nginx is `board.test`, also `other.test`, at the end of the wire: for http and https on the ports that
/// need not be said.
#[derive(Deserialize)]
pub(crate) struct Others {
    /// nginx with a certificate that has expired, one by somebody who is not trusted, and with TLS 1.2.
    expired: u16,
    stranger: u16,
    old: u16,
    /// gunicorn.
    httpbin: u16,
    /// HTTP/1.0.
    backend: u16,
    /// Ports that accept no connection, or accept and say nothing.
    hole: u16,
    silent: u16,
}

const SITE: &str = "board.test";

fn ends(code: u8, reason: Reason, status: impl Into<Option<u16>>) -> Ends {
    (code, Some(reason), status.into())
}

fn status(status: u16) -> Ends {
    (0, None, Some(status))
}

const OK: Ends = (0, None, Some(200));

/// What both transports are asked for.
pub(crate) fn all(others: &Others) -> Vec<Scenario> {
    let httpbin = |path: &str| format!("http://127.0.0.1:{}{path}", others.httpbin);
    let backend = |path: &str| format!("http://127.0.0.1:{}{path}", others.backend);
    let mut all = Vec::new();
    for scheme in ["http", "https"] {
        all.extend(of_nginx(scheme));
    }
    let https_at = |port: u16| format!("https://{SITE}:{port}/json");
    all.extend([
        Scenario::get("https under release", format!("https://{SITE}/hello"), OK).with(as_text).release(SITE),
        Scenario::get("http under release", format!("http://{SITE}/hello"), ends(20, Reason::PlainHttpRefused, None))
            .release(SITE),
        Scenario::get("a host off the whitelist", "https://other.test/".into(), ends(11, Reason::HostNotAllowed, None))
            .release(SITE),
        Scenario::get("a name of the certificate's", "https://10.0.0.1/json".into(), OK),
        Scenario::get("an alias", "http://alias.test/hello".into(), OK).with(as_text),
        Scenario::get(
            "another host's certificate",
            "https://other.test/json".into(),
            refused(CertificateFault::WrongHost),
        ),
        Scenario::get("an expired certificate", https_at(others.expired), refused(CertificateFault::Expired)),
        Scenario::get("a stranger's certificate", https_at(others.stranger), refused(CertificateFault::UnknownIssuer)),
        Scenario::get("https to a port of http", format!("https://{SITE}:80/"), ends(19, Reason::NotTls, None)),
        Scenario::get("http to a port of https", format!("http://{SITE}:443/"), ends(19, Reason::HttpStatus, 400))
            .with(as_text),
        Scenario::get("a name that there is not", "http://nobody.test/".into(), ends(12, Reason::Dns, None)),
        Scenario::get("HTTP/1.0, ended by the close", backend("/plain"), OK),
        Scenario::get("HTTP/1.0, with its length", backend("/length"), OK),
        Scenario::get("HTTP/1.0, cut short", backend("/short"), ends(12, Reason::ConnectionClosed, 200)),
        soon("a queue of connections that is full", format!("http://127.0.0.1:{}/", others.hole)),
        soon("silence instead of an answer", format!("http://127.0.0.1:{}/", others.silent)),
        soon("silence instead of TLS", format!("https://localhost:{}/", others.silent)),
        // On the same network, and nobody is there.
        soon("an address that nobody has", "http://10.0.0.99/".into()),
    ]);
    for method in [Method::Post, Method::Put, Method::Delete] {
        all.push(Scenario::get("httpbin: JSON", httpbin("/anything"), OK).with(|it| {
            it.method = method;
            it.data = Data::Value(json!({"a": [1, "two", null, 0.1], "ü": {"\u{1f600}": true}}));
        }));
    }
    all.extend([
        Scenario::get("httpbin: a query", httpbin("/get?a=1"), OK)
            .with(|it| it.data = Data::Value(json!({"b": ["c d", "&"], "e": "é"}))),
        Scenario::get("httpbin: a form", httpbin("/post"), OK).with(|it| {
            it.method = Method::Post;
            it.headers = vec![("content-type", "application/x-www-form-urlencoded")];
            it.data = Data::Value(json!({"k": "v w", "l": "&="}));
        }),
        Scenario::get("httpbin: chunked", httpbin("/stream-bytes/100000?seed=1&chunk_size=1000"), OK)
            .with(|it| it.data_type = DataType::Base64),
        Scenario::get("httpbin: five redirects", httpbin("/redirect/5"), OK),
        Scenario::get("httpbin: six redirects", httpbin("/redirect/6"), ends(19, Reason::TooManyRedirects, 302)),
        Scenario::get("httpbin: a redirect that is not followed", httpbin("/redirect/1"), status(302)).with(|it| {
            it.redirect = Redirect::Manual;
            it.data_type = DataType::Text;
        }),
        Scenario::get("httpbin: drop by drop", httpbin("/drip?numbytes=10&duration=1&delay=0"), OK).with(as_text),
        Scenario::get("httpbin: too late", httpbin("/delay/5"), ends(13, Reason::Timeout, None))
            .with(|it| it.timeout = 500),
        Scenario::get("httpbin: 418", httpbin("/status/418"), ends(19, Reason::HttpStatus, 418)).with(as_text),
        Scenario::upload("httpbin: an upload that is repeated", httpbin("/post"), 300_000, OK),
        Scenario::upload("httpbin behind nginx: the same over TLS", format!("https://{SITE}/bin/post"), 300_000, OK),
        Scenario::upload("nginx: an upload beyond its limit", format!("https://{SITE}/json"), 300_000, status(413)),
    ]);
    all
}

fn of_nginx(scheme: &str) -> Vec<Scenario> {
    let url = |path: &str| format!("{scheme}://{SITE}{path}");
    let get = |promise, path: &str, ends| Scenario::get(promise, url(path), ends);
    // Over TLS it closes without saying so.
    let cut = if scheme == "https" { Reason::ConnectionLost } else { Reason::ConnectionClosed };
    vec![
        get("nginx: text", "/hello", OK).with(as_text),
        get("nginx: an empty body", "/empty", OK).with(as_text),
        get("nginx: no content", "/no-content", status(204)),
        get("nginx: POST", "/echo?a=1#b", OK).with(|it| {
            it.method = Method::Post;
            it.data = Data::Value(json!({"a": 1}));
        }),
        get("nginx: a header that comes twice", "/twice", OK),
        get("nginx: 301", "/to-hello/301", OK).with(as_text),
        get("nginx: 302, absolute", "/to-hello/302", OK).with(as_text),
        get("nginx: 307", "/to-hello/307", OK).with(as_text),
        get("nginx: a redirect on a connection that closes", "/to-hello/close", OK).with(as_text),
        get("nginx: a redirect to itself", "/loop", ends(19, Reason::TooManyRedirects, 302)),
        get("nginx: 404 and its JSON", "/404", ends(19, Reason::HttpStatus, 404)),
        get("nginx: 429", "/429", ends(20, Reason::RateLimited, 429)),
        get("nginx: no JSON", "/hello", ends(14, Reason::NotJson, 200)),
        get("nginx: ISO-8859-1", "/latin1", OK).with(as_text),
        get("nginx: a connection that closes instead of an answer", "/cut", ends(12, cut, None)),
        get("nginx: HTTP/1.0 passed on, chunked", "/old/plain", OK),
        get("nginx: HTTP/1.0 passed on, cut short", "/old/short", ends(12, Reason::ConnectionClosed, 200)),
        get("nginx: a file", "/files/quarter-megabyte", OK).with(|it| it.data_type = DataType::Base64),
        get("nginx: a file that comes too slowly", "/limited", ends(13, Reason::Timeout, 200)).with(|it| {
            it.data_type = DataType::Base64;
            it.timeout = 1000;
        }),
        Scenario::download("nginx: a download", url("/files/quarter-megabyte"), OK),
        Scenario::download("nginx: a download of nothing", url("/nowhere"), ends(12, Reason::HttpStatus, 404)),
    ]
}

fn as_text(request: &mut crate::scenario::Request) {
    request.data_type = DataType::Text;
}

fn soon(promise: &'static str, url: String) -> Scenario {
    Scenario::get(promise, url, ends(13, Reason::Timeout, None)).with(|it| it.timeout = 600)
}

const fn refused(fault: CertificateFault) -> Ends {
    (19, Some(Reason::Certificate(fault)), None)
}

/// A few of them, where frames are lost.
pub(crate) fn over_a_poor_line(others: &Others) -> Vec<Scenario> {
    let httpbin = format!("http://127.0.0.1:{}/post", others.httpbin);
    let https = |path: &str| format!("https://{SITE}{path}");
    vec![
        Scenario::get("a request over TLS", https("/hello"), OK).with(as_text),
        Scenario::get("HTTP/1.0 passed on, chunked", https("/old/plain"), OK),
        Scenario::get("404", https("/404"), ends(19, Reason::HttpStatus, 404)),
        Scenario::get(
            "another host's certificate",
            "https://other.test/json".into(),
            refused(CertificateFault::WrongHost),
        ),
        Scenario::download("a download over TLS", https("/files/quarter-megabyte"), OK),
        Scenario::download("a download", format!("http://{SITE}/files/quarter-megabyte"), OK),
        Scenario::upload("an upload over TLS", https("/bin/post"), 100_000, OK),
        Scenario::upload("an upload", httpbin, 100_000, OK),
    ]
}

/// What the board is asked for alone: connections that are kept, and what std answers otherwise.
pub(crate) async fn alone(stack: Stack<'_>, roots: &str, others: &Others, verdicts: &mut Verdicts) {
    on_embassy::with_client(stack, roots, async |sockets, tls| {
        for scheme in ["http", "https"] {
            let client = Client::new(sockets, on_embassy::context(Policy::development()), tls);
            for count in 1..=3 {
                let call = Scenario::get("", format!("{scheme}://{SITE}/json"), OK).call;
                let came = on_embassy::call(&client, &call).await;
                let data: Value = serde_json::from_slice(&came.data).unwrap_or_default();
                let right = data["keepalive"] == count;
                let result = if right { Ok(()) } else { Err(format!("{came:?}").into()) };
                verdicts.say(&format!("nginx, {scheme}: request {count} of a connection"), result);
            }
        }
        let client = Client::new(sockets, on_embassy::context(Policy::development()), tls);
        // The board speaks TLS 1.3 only. Nothing comes back from a network that the gateway does not know.
        for (promise, url, (code, reason, _)) in [
            ("TLS 1.2", format!("https://{SITE}:{}/json", others.old), ends(12, Reason::Tls, None)),
            ("a gateway that forwards nothing", "http://10.9.9.9/".into(), ends(13, Reason::Timeout, None)),
        ] {
            let Call::Request(mut request) = Scenario::get(promise, url, OK).call else { continue };
            request.timeout = 2000;
            let came = on_embassy::call(&client, &Call::Request(request)).await;
            let right = (came.code, came.reason) == (code, reason);
            verdicts.say(promise, if right { Ok(()) } else { Err(format!("{came:?}").into()) });
        }
    })
    .await;
}
