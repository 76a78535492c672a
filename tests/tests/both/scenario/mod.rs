//! What is called and what must come of it: one description for every transport.

mod context;
mod files;
mod proxies;
mod requests;
mod sockets;

use miniwire_core::media::FileType;
use miniwire_core::reason::Reason;
use miniwire_core::request::{DataType, Method, Redirect};
use serde_json::Value;

pub(crate) use sockets::{close, socket, text};

/// A call and what it must bring.
pub(crate) struct Scenario {
    /// The requirement and what is proved of it.
    pub(crate) promise: String,
    pub(crate) rules: Rules,
    pub(crate) call: Call,
    /// Somebody ends it after so many milliseconds.
    pub(crate) ended: Option<(u64, Ending)>,
    pub(crate) ends: Ends,
    /// Of a socket: what happens, a line each.
    pub(crate) lines: Vec<String>,
    /// Of a socket: the codes of the Close frames that the server sees, 1006 for none, in numerical order.
    pub(crate) closes: Vec<u16>,
}

/// The code, 0 for success; the name of the reason; the status, if a head came.
pub(crate) type Ends = (u8, Option<&'static str>, Option<u16>);

/// What the context allows. Only [`Rules::Development`] has a context that several scenarios share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    Development,
    /// *Development*, with connections of its own.
    Alone,
    /// *Release*, this host on the whitelist.
    Release(&'static str),
    /// *Release*, with the whitelist for downloads and sockets, too.
    ReleaseForAll(&'static str),
    /// *Development*: a second socket is refused.
    RejectingSockets,
    /// *Development*, with [`HASTE`] for uploads and downloads, no redirects, and URLs of 60 bytes.
    Hasty,
    /// *Development*, through the proxy at this port of `localhost`, with these credentials.
    Through(u16, Option<&'static str>),
}

/// Bytes of a body, converted, that a call may take: of one in base64, three quarters as many.
pub(crate) const MAX_BODY: usize = 480_000;
/// Milliseconds.
pub(crate) const HASTE: u32 = 500;
/// The longest URL of [`Rules::Hasty`].
pub(crate) const SHORT_URL: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Abort,
    Unload,
    ShutDown,
}

pub(crate) enum Call {
    Request(Request),
    /// The body handed out as it comes; given up after so many bytes, if a number is given.
    Streamed(Request, Option<usize>),
    /// The same request so many times; the data is the number of connections that it took.
    Again(Request, usize),
    Upload(Upload),
    Download {
        url: String,
        headers: Headers,
    },
    Socket(Socket),
}

pub(crate) type Headers = Vec<(&'static str, &'static str)>;

pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) method: Method,
    pub(crate) headers: Headers,
    pub(crate) data: Data,
    pub(crate) data_type: DataType,
    pub(crate) timeout: u32,
    pub(crate) redirect: Redirect,
}

pub(crate) struct Upload {
    pub(crate) url: String,
    pub(crate) headers: Headers,
    /// The name of the file.
    pub(crate) file: &'static str,
    pub(crate) kind: FileType,
    /// `fileName`: the key of the form.
    pub(crate) key: &'static str,
    pub(crate) bytes: usize,
    pub(crate) form: Headers,
}

pub(crate) struct Socket {
    pub(crate) url: String,
    pub(crate) headers: Headers,
    pub(crate) data: Data,
    pub(crate) protocols: Vec<&'static str>,
    pub(crate) timeout: u32,
    pub(crate) keep_alive: u32,
    pub(crate) close_timeout: u32,
    /// Whether it offers to compress.
    pub(crate) compress: bool,
    /// Bytes of the longest message.
    pub(crate) limit: usize,
    /// What is done once it is open, in this order.
    pub(crate) steps: Vec<Do>,
}

/// What the holder of a socket does. What comes of it is told in lines: `open PROTOCOL`, with `compressed`
/// behind it where the server has agreed to that, `message DATA ISBUFFER`,
/// `error CODE REASON`, `close CODE REASON`, `over` at the end, and `refused CODE REASON` for a call that fails.
#[derive(Clone)]
pub(crate) enum Do {
    /// `sendSocketMessage` of a text.
    Text(String),
    /// Of base64, `isBuffer` being true.
    Base64(&'static str),
    /// Of bytes.
    Bytes(Vec<u8>),
    Close(u16, String),
    /// Waits for one event.
    Hear,
    /// Takes the events that have come already.
    HearNow,
    /// Waits for the end.
    HearAll,
    /// Waits for so many milliseconds, in which nothing may come: `nothing`.
    Rest(u64),
    /// Another `connectSocket` with this URL: if it opens, the first is heard to its end, and the script goes on with the
    /// second.
    Connect(String),
    Unload,
    ShutDown,
}

#[derive(Clone)]
pub(crate) enum Data {
    None,
    Text(&'static str),
    Bytes(Vec<u8>),
    Value(Value),
    /// What has no form: a map whose keys are no strings.
    Unconvertible,
}

/// What came of a call, as far as it must be the same everywhere.
#[derive(Default)]
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
    /// Of a download: what the file's name ends in.
    pub(crate) extension: Option<String>,
    /// Of a socket.
    pub(crate) lines: Vec<String>,
    /// Of a socket: what the server saw.
    pub(crate) closes: Vec<u16>,
}

/// Where the scenarios take place.
pub(crate) struct Site {
    /// `http://localhost:PORT`.
    pub(crate) plain: String,
    /// `https://localhost:PORT`.
    pub(crate) secure: String,
    /// The same with a certificate for another host.
    pub(crate) elsewhere: String,
    /// The same with a certificate of an unknown authority.
    pub(crate) untrusted: String,
    /// A port of the host where nobody listens.
    pub(crate) closed: u16,
    pub(crate) proxies: Proxies,
}

/// The ports of proxies.
pub(crate) struct Proxies {
    pub(crate) forwards: u16,
    /// Forwards for `us er:pa:ss@` only.
    pub(crate) demands: u16,
    /// Answers 403.
    pub(crate) refuses: u16,
    /// Answers what is no HTTP.
    pub(crate) garbles: u16,
    /// Never answers.
    pub(crate) silent: u16,
}

/// The scenarios of a room, each by itself.
pub(crate) type Room = fn(&Site) -> Vec<Scenario>;

pub(crate) const CONTEXT: Room = context::all;
pub(crate) const REQUESTS: Room = requests::all;
pub(crate) const PROXIES: Room = proxies::all;
pub(crate) const FILES: Room = files::all;
pub(crate) const SOCKETS: Room = sockets::all;
pub(crate) const HOSTILE_SOCKETS: Room = sockets::hostile;

/// The bytes of a file to be uploaded.
pub(crate) fn file(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| b'a' + (at % 23) as u8).collect()
}

impl Came {
    pub(crate) fn failed(code: u8, reason: Reason, status: Option<u16>) -> Self {
        Self { code, reason: Some(reason), status, ..Self::default() }
    }

    pub(crate) fn header(&mut self, name: &str, value: &[u8]) {
        if !name.eq_ignore_ascii_case("date") {
            self.headers.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
        }
    }

    /// What must be the same on every transport, beside how it ends.
    pub(crate) fn parts(&self) -> [(&'static str, String); 6] {
        [
            ("header fields", format!("{:?}", self.headers)),
            ("data", self.data.escape_ascii().to_string()),
            ("progress", format!("{:?}", self.progress)),
            ("extension", format!("{:?}", self.extension)),
            ("lines", format!("{:?}", self.lines)),
            ("what the server saw", format!("{:?}", self.closes)),
        ]
    }

    pub(crate) fn ends(&self) -> Ends {
        (self.code, self.reason.map(Reason::name), self.status)
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
        for line in &mut self.lines {
            // The key of a handshake.
            if let Some(at) = line.find("[\"Sec-WebSocket-Key\",\"") {
                line.replace_range(at + 22..at + 46, "");
            }
        }
        self
    }
}

impl Scenario {
    /// One that succeeds with 200, or as a socket.
    pub(crate) fn new(promise: impl Into<String>, call: Call) -> Self {
        let status = if let Call::Socket(_) = call { None } else { Some(200) };
        let (promise, ends) = (promise.into(), (0, None, status));
        Self { promise, rules: Rules::Development, call, ended: None, ends, lines: Vec::new(), closes: Vec::new() }
    }

    /// A GET of this URL.
    pub(crate) fn get(promise: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(promise, Call::Request(Request::new(url)))
    }

    /// A form with two fields and a file of so many bytes.
    pub(crate) fn upload(promise: impl Into<String>, url: impl Into<String>, bytes: usize) -> Self {
        let form = vec![("who", "a \"b\"\r\n"), ("ü", "")];
        let (url, kind) = (url.into(), FileType::Image);
        let upload = Upload { url, headers: Vec::new(), file: "cat.jpg", kind, key: "photo", bytes, form };
        Self::new(promise, Call::Upload(upload))
    }

    pub(crate) fn download(promise: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(promise, Call::Download { url: url.into(), headers: Vec::new() })
    }

    /// What is wrong with what came of it on both transports: it is not what must come, or the two differ.
    pub(crate) fn complaints(&self, embassy: Came, std: Came) -> Vec<String> {
        let (embassy, std) = (embassy.without_chance(), std.without_chance());
        let Self { promise, ends, lines, closes, .. } = self;
        let mut complaints = Vec::new();
        for (transport, came) in [("std", &std), ("embassy", &embassy)] {
            if came.ends() != *ends {
                complaints.push(format!("{promise}: on {transport} {:?}, not {ends:?}", came.ends()));
            }
            if !lines.is_empty() && came.lines != *lines {
                complaints.push(format!("{promise}: on {transport} {:?}, not {lines:?}", came.lines));
            }
            if came.closes != *closes {
                complaints.push(format!("{promise}: on {transport} the server saw {:?}, not {closes:?}", came.closes));
            }
        }
        let parts = embassy.parts().into_iter().zip(std.parts());
        for ((name, embassy), (_, std)) in parts.filter(|((_, embassy), (_, std))| embassy != std) {
            // How far a call came that was ended from outside is up to the clock.
            if name == "progress" && self.ended.is_some() {
                continue;
            }
            complaints.push(format!("{promise}: {name}\n  embassy {embassy:.800}\n  std     {std:.800}"));
        }
        complaints
    }

    pub(crate) fn fails(mut self, code: u8, reason: Reason, status: impl Into<Option<u16>>) -> Self {
        self.ends = (code, Some(reason.name()), status.into());
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.ends = (0, None, Some(status));
        self
    }

    pub(crate) fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    fn ended(mut self, after: u64, ending: Ending) -> Self {
        self.ended = Some((after, ending));
        self
    }

    /// With another request.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Request)) -> Self {
        if let Call::Request(request) | Call::Streamed(request, _) | Call::Again(request, _) = &mut self.call {
            change(request);
        }
        self
    }

    pub(crate) fn post(self, data: Data) -> Self {
        self.with(|it| (it.method, it.data) = (Method::Post, data))
    }

    pub(crate) fn data_type(self, data_type: DataType) -> Self {
        self.with(|it| it.data_type = data_type)
    }

    pub(crate) fn timeout(self, milliseconds: u32) -> Self {
        self.with(|it| it.timeout = milliseconds)
    }
}

impl Request {
    /// A GET of this URL.
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: Method::Get,
            headers: Vec::new(),
            data: Data::None,
            data_type: DataType::Json,
            timeout: 0,
            redirect: Redirect::Follow,
        }
    }
}

impl Site {
    /// A GET of this path, or of this URL.
    fn get(&self, promise: impl Into<String>, path: &str) -> Scenario {
        Scenario::get(promise, self.url(path))
    }

    fn request(&self, path: &str) -> Request {
        Request::new(self.url(path))
    }

    /// The path at the plain origin, unless it is a URL, or what is none.
    fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.plain) } else { path.to_owned() }
    }

    fn secure(&self, path: &str) -> String {
        format!("{}{path}", self.secure)
    }

    fn plain_socket(&self, path: &str) -> String {
        format!("{}{path}", self.plain.replacen("http", "ws", 1))
    }

    fn secure_socket(&self, path: &str) -> String {
        format!("{}{path}", self.secure.replacen("http", "ws", 1))
    }

    fn plain_port(&self) -> &str {
        self.plain.rsplit(':').next().unwrap_or_default()
    }
}
