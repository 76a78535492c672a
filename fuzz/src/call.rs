//! A call of `my.request`: its arguments, and what can be told of it beforehand.

use miniwire_core::context::{Context, Proxy};
use miniwire_core::data::Data;
use miniwire_core::policy::{Policy, Whitelist};
use miniwire_core::request::{Collect, DataType, Method, Redirect, Request, RequestTask};
use miniwire_core::sink::Window;
use miniwire_core::time::Instant;

/// Where an answer is taken whole.
pub type Memory<'m> = Collect<Window<'m>, Window<'m>>;

/// Bytes for the body of an answer, and for its head.
pub const MEMORY: usize = 2048;

/// Every call has these; the last two are one field.
const HEADERS: [(&str, &str); 6] =
    [("authorization", "secret"), ("Cookie", "a=b"), ("HOST", "evil"), ("referer", "evil"), ("X-a", "1"), ("x-A", "2")];

/// What is called.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The URL.
    pub url: &'a str,
    /// The whitelist.
    pub entries: &'a [&'a str],
    /// The policy is *development*.
    pub development: bool,
    /// There is a proxy, with credentials.
    pub proxy: bool,
    /// The method.
    pub method: Method,
    /// There is data: a value with GET, else [`body`](Self::body) as text.
    pub has_data: bool,
    /// What the body of a request with one must be.
    pub body: Vec<u8>,
    /// What the answer is converted to.
    pub data_type: DataType,
    /// Whether redirects are followed.
    pub redirect: Redirect,
    /// The body is taken as it is.
    pub streamed: bool,
    /// The most bytes of a body.
    pub limit: Option<u64>,
    /// Room for a redirect's URL.
    pub redirect_memory: usize,
    /// In milliseconds.
    pub timeout: u32,
}

impl Call<'_> {
    /// Starts the call at `now` and gives `drive` its task, and the memory for the answer.
    pub fn start<R>(&self, now: Instant, drive: impl FnOnce(RequestTask<'_>, Memory<'_>) -> R) -> R {
        let policy = match Whitelist::new(self.entries) {
            _ if self.development => Policy::development(),
            Ok(whitelist) => Policy::release(whitelist),
            Err(bad) => panic!("{bad}"),
        };
        let proxy = Proxy { host: "proxy.example", port: 3128, credentials: Some("user:password") };
        let mut context = Context::new("1", "2", policy).unwrap();
        if self.proxy {
            context = context.with_proxy(Some(&proxy));
        }
        let value = [("key", "a value")].into_iter().collect::<std::collections::BTreeMap<_, _>>();
        let text = std::str::from_utf8(&self.body).unwrap();
        let data = match (self.has_data, self.method) {
            (false, _) => Data::None,
            (true, Method::Get) => Data::Value(&value),
            (true, _) => Data::Text(text),
        };
        let request = Request::new(self.url)
            .method(self.method)
            .headers(&HEADERS)
            .data(data)
            .timeout(self.timeout)
            .data_type(self.data_type)
            .redirect(self.redirect);
        let (mut redirect, mut head, mut body) = (vec![0; self.redirect_memory], vec![0; MEMORY], vec![0; MEMORY]);
        let collect = Collect::into_memory(self.data_type, &mut head, &mut body);
        let task = RequestTask::new(&context, &request, &mut redirect, now);
        drive(task, collect)
    }
}
