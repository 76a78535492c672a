//! The scenarios on embassy-net, over any stack.

use std::future::poll_fn;
use std::pin::pin;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use embassy_net::Stack;
use miniwire_core::context::Context;
use miniwire_core::download::Download;
use miniwire_core::drive::Memory;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::{Policy, Whitelist};
use miniwire_core::request::{self, Failure, Response};
use miniwire_core::storage;
use miniwire_core::upload::Upload;
use miniwire_embassy::tls::{self, CertificateDer, Trust};
use miniwire_embassy::{Client, Secure, SocketMemory, Sockets, TlsMemory};
use rand_core::OsRng;

use crate::scenario::{Call, Came, Data, Rules, Scenario, file};

pub(crate) type Tls<'s, 'd> = miniwire_embassy::Tls<'s, 'd, fn() -> u64, OsRng, 2>;

/// Makes the calls one after the other; the certificates that are trusted are in PEM.
pub(crate) async fn run(stack: Stack<'_>, roots: &str, scenarios: &[Scenario]) -> Vec<Came> {
    with_client(stack, roots, async |sockets, tls| calls(sockets, tls, scenarios).await).await
}

/// Calls with all that a client needs: two sockets, and TLS with two sessions, which are served meanwhile.
pub(crate) async fn with_client<T>(
    stack: Stack<'_>,
    roots: &str,
    call: impl for<'p, 's, 'd> AsyncFnOnce(&'s Sockets<'d, 2>, &'p Tls<'s, 'd>) -> T,
) -> T {
    let roots = ders(roots);
    let anchors: Vec<_> = roots.iter().map(|root| tls::root(root).expect("a root")).collect();
    let mut memory = SocketMemory::<2, 8192, 2048>::new();
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

async fn calls<'s, 'd>(sockets: &'s Sockets<'d, 2>, tls: &Tls<'s, 'd>, scenarios: &[Scenario]) -> Vec<Came> {
    let development = Client::new(sockets, context(Policy::development()), tls);
    let mut all = Vec::new();
    for scenario in scenarios {
        let came = match scenario.rules {
            Rules::Development => call(&development, &scenario.call).await,
            Rules::Release(host) => {
                let hosts = Box::leak(Box::new([host]));
                let release = Policy::release(Whitelist::new(hosts).expect("a whitelist"));
                call(&Client::new(sockets, context(release), tls), &scenario.call).await
            }
        };
        all.push(came);
    }
    all
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

fn ders(pem: &str) -> Vec<CertificateDer<'static>> {
    let mut certificates = Vec::new();
    let mut base64 = String::new();
    for line in pem.lines() {
        match line {
            "-----END CERTIFICATE-----" => {
                let der = base64::engine::general_purpose::STANDARD.decode(std::mem::take(&mut base64)).expect("PEM");
                certificates.push(der.into());
            }
            line if line.starts_with("-----") => {}
            line => base64.push_str(line),
        }
    }
    certificates
}

pub(crate) fn context(policy: Policy<'_>) -> Context<'_> {
    Context::new("2021000000000001", "1.0.0", policy).expect("a context")
}

/// Makes one call, in memory of its own.
pub(crate) async fn call<'s, 'd>(client: &Client<'s, 'd, impl Secure<'s, 'd>, 2>, call: &Call) -> Came {
    let (mut receive, mut transmit, mut redirect) = (vec![0; 2048], vec![0; 512], vec![0; 4096]);
    let (mut head, mut body) = (vec![0; 2048], vec![0; crate::MAX_BODY]);
    let memory = Memory {
        receive: &mut receive,
        transmit: &mut transmit,
        redirect: &mut redirect,
        head: &mut head,
        body: &mut body,
    };
    match call {
        Call::Request(it) => {
            let data = match &it.data {
                Data::None => miniwire_core::data::Data::None,
                Data::Text(text) => miniwire_core::data::Data::Text(text),
                Data::Bytes(bytes) => miniwire_core::data::Data::Bytes(bytes),
                Data::Value(value) => miniwire_core::data::Data::Value(value),
            };
            let request = request::Request::new(&it.url).method(it.method).headers(&it.headers).data(data);
            let request = request.data_type(it.data_type).timeout(it.timeout).redirect(it.redirect);
            came(client.request(&request, memory).await)
        }
        Call::Upload { url, bytes, form } => {
            let upload = Upload::new(url, FileType::Image, "photo", Boundary::new([7; 16]));
            let upload = upload.file("cat.jpg", 0).form_data(form);
            let (content, mut progress) = (file(*bytes), None);
            let mut source = storage::Bytes::new(&content);
            let result = client.upload_file(&upload, &mut source, memory, |told| progress = Some(told.progress)).await;
            Came { progress, ..came(result) }
        }
        Call::Download { url } => {
            let (mut file, mut progress) = (vec![0; crate::MAX_FILE], None);
            let mut store = storage::Memory::new(&mut file);
            let download = Download::new(url);
            let result =
                client.download_file(&download, &mut store, memory, |told| progress = Some(told.progress)).await;
            let came = came(result.map(|downloaded| downloaded.response));
            Came { progress, data: store.file().unwrap_or_default().to_vec(), ..came }
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
