//! The scenarios on embassy-net, over any stack.

mod socket;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::time::{SystemTime, UNIX_EPOCH};

use embassy_net::Stack;
use embassy_time::{Duration, Timer, with_timeout};
use miniwire_core::context::{Context, Limits, Proxy, ProxyRule};
use miniwire_core::download::Download;
use miniwire_core::drive::Memory;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::{Policy, Whitelist};
use miniwire_core::reason::Reason;
use miniwire_core::request::{self, Event, Failure, Response};
use miniwire_core::socket::Rule;
use miniwire_core::{data, storage, upload};
use miniwire_embassy::tls::{self, CertificateDer, Trust};
use miniwire_embassy::{AbortHandle, Client, Secure, SocketMemory, Sockets, TlsMemory};
use miniwire_std::serve::Server;
use rand_core::OsRng;
use rustls::pki_types::pem::PemObject as _;

use crate::scenario::{
    Call, Came, Data, Ending, HASTE, Headers, MAX_BODY, Request, Rules, SHORT_URL, Scenario, Upload, file,
};

/// Connections, and sessions of TLS, at once.
const PLACES: usize = 2;

/// What no talk needs. Nothing else ends one whose sides wait for each other: pings are answered.
const LONGEST_TALK: Duration = Duration::from_secs(60);

pub(crate) type Tls<'s, 'd> = miniwire_embassy::Tls<'s, 'd, fn() -> u64, OsRng, PLACES>;

/// Runs the scenarios one after the other, and asks `server` what it saw. The certificates that are trusted are in PEM.
pub(crate) async fn run(stack: Stack<'_>, roots: &str, server: &Server, scenarios: &[Scenario]) -> Vec<Came> {
    with_client(stack, roots, async |sockets, tls| calls(sockets, tls, scenarios, server).await).await
}

/// Calls with all that a client needs: two sockets, and TLS with two sessions, which are served meanwhile.
pub(crate) async fn with_client<T>(
    stack: Stack<'_>,
    roots: &str,
    call: impl for<'t, 's, 'd> AsyncFnOnce(&'s Sockets<'d, PLACES>, &'t Tls<'s, 'd>) -> T,
) -> T {
    let roots: Vec<_> =
        CertificateDer::pem_slice_iter(roots.as_bytes()).map(|root| root.expect("a certificate")).collect();
    let anchors: Vec<_> = roots.iter().map(|root| tls::root(root).expect("a root")).collect();
    let mut memory = SocketMemory::<PLACES, 8192, 2048>::new();
    let sockets = Sockets::new(stack, &mut memory);
    let tls: Tls<'_, '_> = Tls::new(Trust::new(&anchors), unix_seconds, OsRng);
    let (mut one, mut two) = (Box::<TlsMemory>::default(), Box::<TlsMemory>::default());
    let (mut one, mut two) = (pin!(tls.serve(&mut one)), pin!(tls.serve(&mut two)));
    let mut call = pin!(call(&sockets, &tls));
    poll_fn(|context| {
        assert!(one.as_mut().poll(context).is_pending() && two.as_mut().poll(context).is_pending());
        call.as_mut().poll(context)
    })
    .await
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

async fn calls<'s, 'd>(
    sockets: &'s Sockets<'d, PLACES>,
    tls: &Tls<'s, 'd>,
    scenarios: &[Scenario],
    server: &Server,
) -> Vec<Came> {
    let mut development = None;
    let mut all = Vec::new();
    for scenario in scenarios {
        let other;
        let client = if scenario.rules == Rules::Development {
            &*development.get_or_insert_with(|| client(sockets, tls, Rules::Development))
        } else {
            // The connections that it has kept take the sockets.
            development = None;
            other = client(sockets, tls, scenario.rules);
            &other
        };
        let during = During { client, abort: &AbortHandle::new(), ended: scenario.ended };
        all.push(match &scenario.call {
            Call::Socket(it) => {
                let came = with_timeout(LONGEST_TALK, during.socket(it)).await.unwrap_or_else(|_| Came {
                    lines: vec![format!("the talk did not end within {} s", LONGEST_TALK.as_secs())],
                    ..Came::default()
                });
                Came { closes: closes(server, scenario.closes.len()).await, ..came }
            }
            Call::Again(it, times) => {
                let before = server.connections();
                let mut last = Came::default();
                for _ in 0..*times {
                    last = during.request(it).await;
                }
                let connections = server.connections() - before;
                Came { data: connections.to_string().into(), ..last }
            }
            Call::Request(it) => during.request(it).await,
            Call::Streamed(it, most) => during.streamed(it, *most).await,
            Call::Upload(it) => during.upload(it).await,
            Call::Download { url, headers } => during.download(url, headers).await,
        });
    }
    all
}

fn client<'s, 'd, 't>(
    sockets: &'s Sockets<'d, PLACES>,
    tls: &'t Tls<'s, 'd>,
    rules: Rules,
) -> Client<'s, 'd, &'t Tls<'s, 'd>, PLACES> {
    let mut limits = Limits::new();
    let policy = match rules {
        Rules::Development | Rules::Alone | Rules::RejectingSockets | Rules::Through(..) => Policy::development(),
        Rules::Release(host) => Policy::release(only(host)),
        Rules::ReleaseForAll(host) => Policy::release(only(host)).also_for_downloads().also_for_sockets(),
        Rules::Hasty => {
            (limits.upload_timeout, limits.download_idle) = (HASTE, HASTE);
            (limits.redirects, limits.url) = (0, SHORT_URL);
            Policy::development()
        }
    };
    let rule = if rules == Rules::RejectingSockets { Rule::Reject } else { Rule::Replace };
    let proxy: Option<&'static dyn ProxyRule> = match rules {
        // For as long as the test's process.
        Rules::Through(port, credentials) => Some(Box::leak(Box::new(Proxy { host: "localhost", port, credentials }))),
        _ => None,
    };
    let context = context(policy).with_limits(limits).with_proxy(proxy);
    Client::new(sockets, context, tls).with_socket_rule(rule)
}

/// This host, for as long as the test's process.
fn only(host: &'static str) -> Whitelist<'static> {
    Whitelist::new(Box::leak(Box::new([host]))).expect("a whitelist")
}

pub(crate) fn context(policy: Policy<'_>) -> Context<'_> {
    Context::new("2021000000000001", "1.0.0", policy).expect("a context")
}

/// The codes of the Close frames that the server has seen, once there are so many.
async fn closes(server: &Server, count: usize) -> Vec<u16> {
    let mut closes = server.take_closes();
    for _ in 0..2000 {
        if closes.len() >= count {
            break;
        }
        Timer::after(Duration::from_millis(2)).await;
        closes.extend(server.take_closes());
    }
    closes.sort_unstable();
    closes
}

/// A call, and who ends it.
pub(crate) struct During<'c, 's, 'd, S: Secure<'s, 'd>> {
    pub(crate) client: &'c Client<'s, 'd, S, PLACES>,
    pub(crate) abort: &'c AbortHandle,
    pub(crate) ended: Option<(u64, Ending)>,
}

impl<'s, 'd, S: Secure<'s, 'd>> During<'_, 's, 'd, S> {
    async fn run<T>(&self, call: impl Future<Output = T>) -> T {
        let Some((after, ending)) = self.ended else { return call.await };
        let end = || match ending {
            Ending::Abort => self.abort.abort(),
            Ending::Unload => self.client.unload_page(),
            Ending::ShutDown => self.client.shut_down(),
        };
        if after == 0 {
            end();
            return call.await;
        }
        let (mut call, mut timer, mut ended) = (pin!(call), pin!(Timer::after(Duration::from_millis(after))), false);
        poll_fn(|context| {
            if !ended && timer.as_mut().poll(context).is_ready() {
                ended = true;
                end();
            }
            call.as_mut().poll(context)
        })
        .await
    }

    pub(crate) async fn request(&self, it: &Request) -> Came {
        let mut memory = Buffers::new();
        let unconvertible = unconvertible();
        let request = asked(it, &unconvertible);
        came(self.run(self.client.abortable(self.abort).request(&request, memory.lend())).await)
    }

    async fn streamed(&self, it: &Request, most: Option<usize>) -> Came {
        let mut memory = Buffers::new();
        let unconvertible = unconvertible();
        let (request, mut came) = (asked(it, &unconvertible), Came::default());
        let on_event = |event: Event<'_>| {
            match event {
                Event::Head { head, .. } => head.fields().for_each(|(name, value)| came.header(name, value)),
                Event::Body(bytes) => came.data.extend_from_slice(bytes),
                _ => {}
            }
            if most.is_some_and(|most| came.data.len() >= most) { Err(Reason::Aborted) } else { Ok(()) }
        };
        let call = self.client.abortable(self.abort).request_streamed(&request, memory.lend(), on_event);
        let outcome = self.run(call).await;
        let reason = outcome.result.err();
        Came { code: reason.map_or(0, Reason::request_code), reason, status: outcome.status, ..came }
    }

    async fn upload(&self, it: &Upload) -> Came {
        let mut memory = Buffers::new();
        let upload = upload::Upload::new(&it.url, it.kind, it.key, Boundary::new([7; 16]));
        let upload = upload.file(it.file, 0).header(&it.headers).form_data(&it.form);
        let (content, mut progress) = (file(it.bytes), None);
        let mut source = storage::Bytes::new(&content);
        let calls = self.client.abortable(self.abort);
        let call = calls.upload_file(&upload, &mut source, memory.lend(), |told| progress = Some(told.progress));
        let came = came(self.run(call).await);
        Came { progress, ..came }
    }

    async fn download(&self, url: &str, headers: &Headers) -> Came {
        let mut memory = Buffers::new();
        let (mut file, mut progress) = (vec![0; MAX_BODY], None);
        let mut store = storage::Memory::new(&mut file);
        let download = Download::new(url).header(headers);
        let calls = self.client.abortable(self.abort);
        let call = calls.download_file(&download, &mut store, memory.lend(), |told| progress = Some(told.progress));
        let downloaded = self.run(call).await;
        let extension = downloaded.as_ref().ok().and_then(|downloaded| downloaded.extension);
        let extension = extension.map(|extension| extension.as_str().to_owned());
        let came = came(downloaded.map(|downloaded| downloaded.response));
        Came { progress, extension, data: store.file().unwrap_or_default().to_vec(), ..came }
    }
}

type Unconvertible = BTreeMap<[i32; 1], i32>;

fn unconvertible() -> Unconvertible {
    BTreeMap::from([([1], 2)])
}

fn asked<'r>(it: &'r Request, unconvertible: &'r Unconvertible) -> request::Request<'r> {
    request::Request::new(&it.url)
        .method(it.method)
        .headers(&it.headers)
        .data(data_of(&it.data, unconvertible))
        .data_type(it.data_type)
        .timeout(it.timeout)
        .redirect(it.redirect)
}

fn data_of<'r>(data: &'r Data, unconvertible: &'r Unconvertible) -> data::Data<'r> {
    match data {
        Data::None => data::Data::None,
        Data::Text(text) => data::Data::Text(text),
        Data::Bytes(bytes) => data::Data::Bytes(bytes),
        Data::Value(value) => data::Data::Value(value),
        Data::Unconvertible => data::Data::Value(unconvertible),
    }
}

/// What a board gives to a call.
pub(crate) struct Buffers {
    receive: Vec<u8>,
    transmit: Vec<u8>,
    redirect: Vec<u8>,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        let [receive, transmit, redirect, head, body] = [2048, 512, 4096, 2048, MAX_BODY].map(|length| vec![0; length]);
        Self { receive, transmit, redirect, head, body }
    }

    pub(crate) fn lend(&mut self) -> Memory<'_> {
        Memory {
            receive: &mut self.receive,
            transmit: &mut self.transmit,
            redirect: &mut self.redirect,
            head: &mut self.head,
            body: &mut self.body,
        }
    }
}

fn came(result: Result<Response<'_>, Failure<'_>>) -> Came {
    let (code, reason, response) = match result {
        Ok(response) => (0, None, Some(response)),
        Err(failure) => (failure.code(), Some(failure.reason), failure.response),
    };
    let mut came = Came { code, reason, ..Came::default() };
    if let Some(response) = response {
        came.status = Some(response.status());
        came.data = response.text().into();
        for (name, value) in response.headers() {
            came.header(name, value);
        }
    }
    came
}
