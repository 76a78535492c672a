//! Calls to nginx and to httpbin, and to places where nobody answers.

use embassy_net::Stack;
use miniwire_core::policy::Policy;
use miniwire_core::reason::{CertificateFault, Reason};
use miniwire_core::request::{DataType, Method, Redirect};
use miniwire_embassy::{AbortHandle, Client};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Verdicts;
use crate::on_embassy::{self, During};
use crate::scenario::{Data, Request, Rules, Scenario};

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
        Scenario::get("https under release", format!("https://{SITE}/hello"))
            .data_type(DataType::Text)
            .rules(Rules::Release(SITE)),
        Scenario::get("http under release", format!("http://{SITE}/hello"))
            .fails(20, Reason::PlainHttpRefused, None)
            .rules(Rules::Release(SITE)),
        Scenario::get("a host off the whitelist", "https://other.test/")
            .fails(11, Reason::HostNotAllowed, None)
            .rules(Rules::Release(SITE)),
        Scenario::get("a name of the certificate's", "https://10.0.0.1/json"),
        Scenario::get("an alias", "http://alias.test/hello").data_type(DataType::Text),
        refused("another host's certificate", "https://other.test/json", CertificateFault::WrongHost),
        refused("an expired certificate", https_at(others.expired), CertificateFault::Expired),
        refused("a stranger's certificate", https_at(others.stranger), CertificateFault::UnknownIssuer),
        Scenario::get("https to a port of http", format!("https://{SITE}:80/")).fails(19, Reason::NotTls, None),
        Scenario::get("http to a port of https", format!("http://{SITE}:443/"))
            .fails(19, Reason::HttpStatus, 400)
            .data_type(DataType::Text),
        Scenario::get("a name that there is not", "http://nobody.test/").fails(12, Reason::Dns, None),
        Scenario::get("HTTP/1.0, ended by the close", backend("/plain")),
        Scenario::get("HTTP/1.0, with its length", backend("/length")),
        Scenario::get("HTTP/1.0, cut short", backend("/short")).fails(12, Reason::ConnectionClosed, 200),
        soon("a queue of connections that is full", format!("http://127.0.0.1:{}/", others.hole)),
        soon("silence instead of an answer", format!("http://127.0.0.1:{}/", others.silent)),
        soon("silence instead of TLS", format!("https://localhost:{}/", others.silent)),
        // On the same network, and nobody is there.
        soon("an address that nobody has", "http://10.0.0.99/"),
    ]);
    for method in [Method::Post, Method::Put, Method::Delete] {
        all.push(Scenario::get("httpbin: JSON", httpbin("/anything")).with(|it| {
            it.method = method;
            it.data = Data::Value(json!({"a": [1, "two", null, 0.1], "ü": {"\u{1f600}": true}}));
        }));
    }
    all.extend([
        Scenario::get("httpbin: a query", httpbin("/get?a=1"))
            .with(|it| it.data = Data::Value(json!({"b": ["c d", "&"], "e": "é"}))),
        Scenario::get("httpbin: a form", httpbin("/post")).with(|it| {
            it.method = Method::Post;
            it.headers = vec![("content-type", "application/x-www-form-urlencoded")];
            it.data = Data::Value(json!({"k": "v w", "l": "&="}));
        }),
        Scenario::get("httpbin: chunked", httpbin("/stream-bytes/100000?seed=1&chunk_size=1000"))
            .data_type(DataType::Base64),
        Scenario::get("httpbin: five redirects", httpbin("/redirect/5")),
        Scenario::get("httpbin: six redirects", httpbin("/redirect/6")).fails(19, Reason::TooManyRedirects, 302),
        Scenario::get("httpbin: a redirect that is not followed", httpbin("/redirect/1")).status(302).with(|it| {
            it.redirect = Redirect::Manual;
            it.data_type = DataType::Text;
        }),
        Scenario::get("httpbin: drop by drop", httpbin("/drip?numbytes=10&duration=1&delay=0"))
            .data_type(DataType::Text),
        Scenario::get("httpbin: too late", httpbin("/delay/5")).fails(13, Reason::Timeout, None).timeout(500),
        Scenario::get("httpbin: 418", httpbin("/status/418"))
            .fails(19, Reason::HttpStatus, 418)
            .data_type(DataType::Text),
        Scenario::upload("httpbin: an upload that is repeated", httpbin("/post"), 300_000),
        Scenario::upload("httpbin behind nginx: the same over TLS", format!("https://{SITE}/bin/post"), 300_000),
        Scenario::upload("nginx: an upload beyond its limit", format!("https://{SITE}/json"), 300_000).status(413),
    ]);
    all
}

fn of_nginx(scheme: &str) -> Vec<Scenario> {
    let url = |path: &str| format!("{scheme}://{SITE}{path}");
    let get = |promise, path| Scenario::get(promise, url(path));
    // Over TLS it closes without saying so.
    let cut = if scheme == "https" { Reason::ConnectionLost } else { Reason::ConnectionClosed };
    vec![
        get("nginx: text", "/hello").data_type(DataType::Text),
        get("nginx: an empty body", "/empty").data_type(DataType::Text),
        get("nginx: no content", "/no-content").status(204),
        get("nginx: POST", "/echo?a=1#b").with(|it| {
            it.method = Method::Post;
            it.data = Data::Value(json!({"a": 1}));
        }),
        get("nginx: a header that comes twice", "/twice"),
        get("nginx: 301", "/to-hello/301").data_type(DataType::Text),
        get("nginx: 302, absolute", "/to-hello/302").data_type(DataType::Text),
        get("nginx: 307", "/to-hello/307").data_type(DataType::Text),
        get("nginx: a redirect on a connection that closes", "/to-hello/close").data_type(DataType::Text),
        get("nginx: a redirect to itself", "/loop").fails(19, Reason::TooManyRedirects, 302),
        get("nginx: 404 and its JSON", "/404").fails(19, Reason::HttpStatus, 404),
        get("nginx: 429", "/429").fails(20, Reason::RateLimited, 429),
        get("nginx: no JSON", "/hello").fails(14, Reason::NotJson, 200),
        get("nginx: ISO-8859-1", "/latin1").data_type(DataType::Text),
        get("nginx: a connection that closes instead of an answer", "/cut").fails(12, cut, None),
        get("nginx: HTTP/1.0 passed on, chunked", "/old/plain"),
        get("nginx: HTTP/1.0 passed on, cut short", "/old/short").fails(12, Reason::ConnectionClosed, 200),
        get("nginx: a file", "/files/quarter-megabyte").data_type(DataType::Base64),
        get("nginx: a file that comes too slowly", "/limited")
            .fails(13, Reason::Timeout, 200)
            .data_type(DataType::Base64)
            .timeout(1000),
        Scenario::download("nginx: a download", url("/files/quarter-megabyte")),
        Scenario::download("nginx: a download of nothing", url("/nowhere")).fails(12, Reason::HttpStatus, 404),
    ]
}

fn soon(promise: &str, url: impl Into<String>) -> Scenario {
    Scenario::get(promise, url).timeout(600).fails(13, Reason::Timeout, None)
}

fn refused(promise: &str, url: impl Into<String>, fault: CertificateFault) -> Scenario {
    Scenario::get(promise, url).fails(19, Reason::Certificate(fault), None)
}

/// A few of them, where frames are lost.
pub(crate) fn over_a_poor_line(others: &Others) -> Vec<Scenario> {
    let httpbin = format!("http://127.0.0.1:{}/post", others.httpbin);
    let https = |path: &str| format!("https://{SITE}{path}");
    vec![
        Scenario::get("a request over TLS", https("/hello")).data_type(DataType::Text),
        Scenario::get("HTTP/1.0 passed on, chunked", https("/old/plain")),
        Scenario::get("404", https("/404")).fails(19, Reason::HttpStatus, 404),
        refused("another host's certificate", "https://other.test/json", CertificateFault::WrongHost),
        Scenario::download("a download over TLS", https("/files/quarter-megabyte")),
        Scenario::download("a download", format!("http://{SITE}/files/quarter-megabyte")),
        Scenario::upload("an upload over TLS", https("/bin/post"), 100_000),
        Scenario::upload("an upload", httpbin, 100_000),
    ]
}

/// What the board is asked for alone: connections that are kept, and what std answers otherwise.
pub(crate) async fn alone(stack: Stack<'_>, roots: &str, others: &Others, verdicts: &mut Verdicts) {
    on_embassy::with_client(stack, roots, async |sockets, tls| {
        for scheme in ["http", "https"] {
            let client = Client::new(sockets, on_embassy::context(Policy::development()), tls);
            let calls = During { client: &client, abort: &AbortHandle::new(), ended: None };
            for count in 1..=3 {
                let came = calls.request(&Request::new(format!("{scheme}://{SITE}/json"))).await;
                let data: Value = serde_json::from_slice(&came.data).unwrap_or_default();
                let result =
                    if data["keepalive"] == count { Ok(()) } else { Err(format!("{:?}", came.parts()).into()) };
                verdicts.say(&format!("nginx, {scheme}: request {count} of a connection"), result);
            }
        }
        let client = Client::new(sockets, on_embassy::context(Policy::development()), tls);
        let calls = During { client: &client, abort: &AbortHandle::new(), ended: None };
        // The board speaks TLS 1.3 only. Nothing comes back from a network that the gateway does not know.
        for (promise, url, ends) in [
            ("TLS 1.2", format!("https://{SITE}:{}/json", others.old), (12, Some("Tls"), None)),
            ("a gateway that forwards nothing", "http://10.9.9.9/".into(), (13, Some("Timeout"), None)),
        ] {
            let came = calls.request(&Request { timeout: 2000, ..Request::new(url) }).await;
            verdicts.say(promise, if came.ends() == ends { Ok(()) } else { Err(format!("{:?}", came.ends()).into()) });
        }
    })
    .await;
}
