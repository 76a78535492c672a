//! What is called and what must come of it: one description for every transport.

use miniwire_core::reason::Reason;
use miniwire_core::request::{DataType, Method, Redirect};
use serde_json::{Value, json};

/// A call and what it must bring.
pub(crate) struct Scenario {
    /// The requirement and what is proved of it.
    pub(crate) promise: &'static str,
    pub(crate) rules: Rules,
    pub(crate) call: Call,
    pub(crate) ends: Ends,
}

/// The code, 0 for success; the reason; the status, if a head came.
pub(crate) type Ends = (u8, Option<Reason>, Option<u16>);

/// The policy of the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    Development,
    /// *Release*, this host on the whitelist.
    Release(&'static str),
}

pub(crate) enum Call {
    Request(Request),
    /// A file of this many bytes.
    Upload {
        url: String,
        bytes: usize,
        form: &'static [(&'static str, &'static str)],
    },
    Download {
        url: String,
    },
}

pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) method: Method,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) data: Data,
    pub(crate) data_type: DataType,
    pub(crate) timeout: u32,
    pub(crate) redirect: Redirect,
}

#[derive(Clone)]
pub(crate) enum Data {
    None,
    Text(&'static str),
    Bytes(&'static [u8]),
    Value(Value),
}

/// What came of a call, as far as it must be the same everywhere.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Came {
    pub(crate) code: u8,
    pub(crate) reason: Option<Reason>,
    pub(crate) status: Option<u16>,
    /// Names and values, without the date.
    pub(crate) headers: Vec<(String, String)>,
    /// The data; of a download the file.
    pub(crate) data: Vec<u8>,
    /// The progress that was told last.
    pub(crate) progress: Option<u8>,
}

/// The bytes of a file to be uploaded.
pub(crate) fn file(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| b'a' + (at % 23) as u8).collect()
}

impl Came {
    pub(crate) fn header(&mut self, name: &str, value: &[u8]) {
        if !name.eq_ignore_ascii_case("date") {
            self.headers.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
        }
    }

    /// Leaves out of an echo what differs by chance: addresses, and the boundary of a form.
    pub(crate) fn without_chance(mut self) -> Self {
        if let Ok(Value::Object(mut echo)) = serde_json::from_slice(&self.data)
            && echo.contains_key("origin")
        {
            let is_form = echo.get("parts").and_then(Value::as_array).is_some_and(|parts| !parts.is_empty());
            for name in ["origin", "headers"] {
                echo.remove(name);
            }
            if is_form {
                echo.remove("raw_headers");
                self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
            }
            self.data = Value::Object(echo).to_string().into_bytes();
        }
        self
    }
}

impl Scenario {
    /// A request with every default.
    pub(crate) fn get(promise: &'static str, url: String, ends: Ends) -> Self {
        let request = Request {
            url,
            method: Method::Get,
            headers: Vec::new(),
            data: Data::None,
            data_type: DataType::Json,
            timeout: 0,
            redirect: Redirect::Follow,
        };
        Self { promise, rules: Rules::Development, call: Call::Request(request), ends }
    }

    /// A form with two fields and a file of this many bytes.
    pub(crate) fn upload(promise: &'static str, url: String, bytes: usize, ends: Ends) -> Self {
        let call = Call::Upload { url, bytes, form: &[("who", "a \"b\"\r\n"), ("ü", "")] };
        Self { promise, rules: Rules::Development, call, ends }
    }

    pub(crate) fn download(promise: &'static str, url: String, ends: Ends) -> Self {
        Self { promise, rules: Rules::Development, call: Call::Download { url }, ends }
    }

    /// What is wrong with what came of it on both transports: it is not what must come, or the two differ.
    pub(crate) fn complaints(&self, embassy: Came, std: Came) -> Vec<String> {
        let (embassy, std) = (embassy.without_chance(), std.without_chance());
        let promise = self.promise;
        let mut complaints = Vec::new();
        for (transport, came) in [("std", &std), ("embassy", &embassy)] {
            let ends = (came.code, came.reason, came.status);
            if ends != self.ends {
                complaints.push(format!("{promise}: on {transport} {ends:?}, not {:?}", self.ends));
            }
        }
        if embassy != std {
            complaints.push(format!("{promise}:\n  embassy {embassy:?}\n  std     {std:?}"));
        }
        complaints
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Request)) -> Self {
        if let Call::Request(request) = &mut self.call {
            change(request);
        }
        self
    }

    pub(crate) fn release(mut self, host: &'static str) -> Self {
        self.rules = Rules::Release(host);
        self
    }
}

/// The scenarios over a server at this origin, with TLS at that one, and a port of its host where nobody listens.
pub(crate) fn all(origin: &str, secured: &str, closed: u16) -> Vec<Scenario> {
    let get = |promise, path: &str, code, reason, status| {
        let url = if path.contains("://") { path.to_owned() } else { format!("{origin}{path}") };
        Scenario::get(promise, url, (code, reason, status))
    };
    let good = |promise, path| get(promise, path, 0, None, Some(200));
    let fails = |promise, path, code, reason, status| get(promise, path, code, Some(reason), status);
    let upload = |promise, path: &str, bytes, code, reason, status| {
        Scenario::upload(promise, format!("{origin}{path}"), bytes, (code, reason, status))
    };
    let download = |promise, path: &str, code, reason, status| {
        Scenario::download(promise, format!("{origin}{path}"), (code, reason, status))
    };
    let refused = format!("http://localhost:{closed}/");
    let plain = format!("{origin}/json");
    // As base64 it is longer by a third.
    let too_large = format!("/bytes/{}", crate::MAX_BODY / 8 * 7);
    let cut = Reason::ConnectionClosed;
    let over_tls = |path: &str| format!("{secured}{path}");
    let to_tls = format!("{origin}/redirect-to?url={secured}/json");
    let no_tls = format!("https://localhost:{}/json", origin.rsplit(':').next().unwrap_or_default());
    let elsewhere = "/redirect-to?url=http%3A%2F%2Fexample.com%2F";
    vec![
        good("REQ-01 GET is the default", "/anything/x"),
        good("REQ-01 POST", "/anything/x").with(|it| it.method = Method::Post),
        good("REQ-01 PUT", "/anything/x").with(|it| it.method = Method::Put),
        good("REQ-01 DELETE", "/anything/x").with(|it| it.method = Method::Delete),
        good("REQ-02 a caller's content-type replaces the default", "/anything/x").with(|it| {
            it.method = Method::Post;
            it.headers = vec![("Content-TYPE", "text/plain"), ("X-Mine", "1"), ("Referer", "dropped")];
            it.data = Data::Text("as it is");
        }),
        good("REQ-05 bytes go as they are", "/anything/x").with(|it| {
            it.method = Method::Put;
            it.data = Data::Bytes(b"\x00\x01\xfe\xff");
        }),
        fails("REQ-05 no bytes on GET", "/anything/x", 2, Reason::IllegalOption, None)
            .with(|it| it.data = Data::Bytes(b"x")),
        good("REQ-06 a value becomes the query", "/anything/x?a=1#part")
            .with(|it| it.data = Data::Value(json!({"k": ["a b", null], "ü": true}))),
        good("REQ-07 JSON as a JavaScript engine writes it", "/anything/x").with(|it| {
            it.method = Method::Post;
            it.data = Data::Value(json!({"n": 1e21, "s": "\u{1}\u{2028}\"", "a": [0.1, -0.0, {}]}));
        }),
        good("REQ-08 a form", "/anything/x").with(|it| {
            it.method = Method::Post;
            it.headers = vec![("content-type", "application/x-www-form-urlencoded")];
            it.data = Data::Value(json!({"k": "v w", "l": [1, 2]}));
        }),
        good("REQ-10 repeated headers are kept in their order", "/response-headers?set-cookie=a&set-cookie=b"),
        get("REQ-11 no content is a success", "/no-content", 0, None, Some(204)),
        fails("REQ-11 HTML is not JSON", "/html", 14, Reason::NotJson, Some(200)),
        good("REQ-12 ISO-8859-1 where it is declared", "/latin1").with(|it| it.data_type = DataType::Text),
        good("REQ-12 text in many scripts", "/encoding/utf8").with(|it| it.data_type = DataType::Text),
        good("REQ-12 base64 of any bytes", "/bytes/1000?seed=3").with(|it| it.data_type = DataType::Base64),
        fails("REQ-12 not text", "/bytes/64?seed=1", 14, Reason::NotText, Some(200))
            .with(|it| it.data_type = DataType::Text),
        fails("REQ-13 404", "/status/404?body=%7B%7D&type=application/json", 19, Reason::HttpStatus, Some(404)),
        fails("REQ-13 500", "/status/500?body=down", 19, Reason::HttpStatus, Some(500))
            .with(|it| it.data_type = DataType::Text),
        fails("REQ-13 429", "/status/429", 20, Reason::RateLimited, Some(429)),
        fails("REQ-13 conversion comes first", "/status/404?body=%3Chtml%3E", 14, Reason::NotJson, Some(404)),
        good("REQ-14 five redirects are followed", "/redirect/5"),
        fails("REQ-14 six are too many", "/redirect/6", 19, Reason::TooManyRedirects, Some(302)),
        good("REQ-14 303 makes a GET of a POST", "/redirect-to?url=/anything/y&status_code=303").with(|it| {
            it.method = Method::Post;
            it.data = Data::Text("gone");
        }),
        good("REQ-14 307 keeps method and body", "/redirect-to?url=/anything/y&status_code=307").with(|it| {
            it.method = Method::Post;
            it.data = Data::Text("kept");
        }),
        get("REQ-14 manual: the 302 is the answer", "/redirect/1", 0, None, Some(302)).with(|it| {
            it.redirect = Redirect::Manual;
            it.data_type = DataType::Text;
        }),
        fails("REQ-03 the deadline", "/delay/5", 13, Reason::Timeout, None).with(|it| it.timeout = 300),
        fails(
            "REQ-03 the deadline while a body drips",
            "/drip?numbytes=50&duration=10",
            13,
            Reason::Timeout,
            Some(200),
        )
        .with(|it| {
            it.timeout = 400;
            it.data_type = DataType::Text;
        }),
        good("REQ-18 chunked", "/stream-bytes/5000?seed=2&chunk_size=7").with(|it| it.data_type = DataType::Base64),
        good("REQ-18 a body that ends with the connection", "/close").with(|it| it.data_type = DataType::Text),
        good("REQ-18 interim responses are skipped", "/interim/3").with(|it| it.data_type = DataType::Text),
        fails("REQ-18 a body cut short", "/truncated?length=100&sent=50", 12, Reason::ConnectionClosed, Some(200))
            .with(|it| it.data_type = DataType::Text),
        fails("REQ-18 reset without an answer", "/reset", 12, Reason::ConnectionLost, None),
        fails("REQ-18 closed without an answer", "/kill", 12, Reason::ConnectionClosed, None),
        fails("REQ-19 larger than the limit", &too_large, 14, Reason::TooLarge, Some(200))
            .with(|it| it.data_type = DataType::Base64),
        fails("REQ-11 a coding that was not asked for", "/gzip", 14, Reason::UnsupportedEncoding, Some(200)),
        fails("code 2: no URL", "ftp://localhost/", 2, Reason::UrlScheme, None),
        fails("code 12: refused", &refused, 12, Reason::Connect, None),
        fails("code 12: no such name", "http://name.invalid/", 12, Reason::Dns, None),
        fails("code 15: a malformed escape", "/x?a=%zz", 15, Reason::MalformedEscape, None),
        fails("CTX-03 plain http under release", &plain, 20, Reason::PlainHttpRefused, None).release("localhost"),
        fails("CTX-04 a host that is not on the whitelist", "https://example.com/", 11, Reason::HostNotAllowed, None)
            .release("localhost"),
        fails("CTX-04 a label is a label", "https://evillocalhost/", 11, Reason::HostNotAllowed, None)
            .release("localhost"),
        good("CTX-03 development goes where redirects lead", "/redirect-to?url=/json"),
        fails(
            "REQ-14 an elsewhere that is no URL",
            "/redirect-to?url=http%3A%2F%2F",
            19,
            Reason::BadRedirect,
            Some(302),
        ),
        get("REQ-14 manual also keeps what leads elsewhere", elsewhere, 0, None, Some(302)).with(|it| {
            it.redirect = Redirect::Manual;
            it.data_type = DataType::Text
        }),
        good("CTX-08 a request over TLS", &over_tls("/json")).release("localhost"),
        good("CTX-08 a large answer over TLS", &over_tls("/bytes/50000?seed=4"))
            .with(|it| it.data_type = DataType::Base64),
        good("CTX-08 chunked over TLS", &over_tls("/stream-bytes/5000?seed=2&chunk_size=7"))
            .with(|it| it.data_type = DataType::Base64),
        good("CTX-08 a redirect from one to the other", &to_tls),
        fails("CTX-08 a status over TLS", &over_tls("/status/429"), 20, Reason::RateLimited, Some(429)),
        fails("CTX-08 a body cut short over TLS", &over_tls("/truncated?length=100&sent=50"), 12, cut, Some(200))
            .with(|it| it.data_type = DataType::Text),
        fails("CTX-08 the deadline under TLS", &over_tls("/delay/5"), 13, Reason::Timeout, None)
            .with(|it| it.timeout = 1000),
        fails("CTX-08 no TLS there", &no_tls, 19, Reason::NotTls, None),
        Scenario {
            call: Call::Upload { url: over_tls("/count"), bytes: 100_000, form: &[] },
            ..upload("CTX-08 an upload over TLS", "", 0, 0, None, Some(200))
        },
        Scenario {
            call: Call::Download { url: over_tls("/bytes/50000?seed=5") },
            ..download("CTX-08 a download over TLS", "", 0, None, Some(200))
        },
        upload("UP-02 a form with a file", "/anything/up", 5000, 0, None, Some(200)),
        upload("UP-03 an empty file", "/anything/up", 0, 0, None, Some(200)),
        upload("UP-03 a longer one", "/count", 300_000, 0, None, Some(200)),
        upload("UP-04 any status is a success", "/status/500?body=no", 10, 0, None, Some(500)),
        upload("UP-07 an answer to what is not read yet", "/early/413", 10, 0, None, Some(413)),
        upload("UP code 12: reset", "/reset", 10, 12, Some(Reason::ConnectionLost), None),
        download("DOWN-02 a file", "/bytes/50000?seed=5", 0, None, Some(200)),
        download("DOWN-02 an empty one", "/empty", 0, None, Some(200)),
        download("DOWN-02 chunked", "/stream-bytes/5000?seed=2&chunk_size=99", 0, None, Some(200)),
        download("DOWN-04 redirects", "/redirect-to?url=/bytes/10", 0, None, Some(200)),
        download("DOWN-04 404", "/status/404", 12, Some(Reason::HttpStatus), Some(404)),
        download(
            "DOWN code 12: cut short",
            "/truncated?length=100&sent=50",
            12,
            Some(Reason::ConnectionClosed),
            Some(200),
        ),
        Scenario {
            rules: Rules::Release("localhost"),
            ..upload(
                "UP code 13: plain http under release",
                "/anything/up",
                1,
                13,
                Some(Reason::PlainHttpRefused),
                None,
            )
        },
        Scenario {
            rules: Rules::Release("localhost"),
            ..download("DOWN code 20: plain http under release", "/bytes/1", 20, Some(Reason::PlainHttpRefused), None)
        },
    ]
}
