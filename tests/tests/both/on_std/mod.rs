//! The scenarios on std.

mod socket;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use miniwire_std::serve::Server;
use miniwire_std::{AbortHandle, Call as RequestCall, Client, ClientBuilder, Failure, Response};
use miniwire_tests::{Scratch, builder};

use crate::scenario::{
    Call, Came, Data, Ending, HASTE, Headers, MAX_BODY, Request, Rules, SHORT_URL, Scenario, Upload, file,
};

/// The contexts, as an application has them.
pub(crate) struct OnStd<'s> {
    /// What they trust.
    roots: &'s str,
    /// What it saw is asked of it.
    server: &'s Server,
    development: Client,
}

impl<'s> OnStd<'s> {
    /// The certificates that are trusted are in PEM.
    pub(crate) fn new(roots: &'s str, server: &'s Server) -> Self {
        let development = limited(trusting(roots).development());
        Self { roots, server, development }
    }

    pub(crate) fn run(&self, scenario: &Scenario) -> Came {
        let client = self.client(scenario.rules);
        let during = During { client: &client, ended: scenario.ended };
        match &scenario.call {
            Call::Request(it) => came(during.request(request(&client, it))),
            Call::Streamed(it, most) => during.streamed(request(&client, it), *most),
            Call::Again(it, times) => self.again(&client, it, *times),
            Call::Upload(it) => during.upload(it),
            Call::Download { url, headers } => during.download(url, headers),
            Call::Socket(it) => {
                let came = during.socket(it);
                Came { closes: self.closes(scenario.closes.len()), ..came }
            }
        }
    }

    fn client(&self, rules: Rules) -> Client {
        let new = || trusting(self.roots);
        match rules {
            Rules::Development => self.development.clone(),
            Rules::Alone => limited(new().development()),
            Rules::Release(host) => limited(new().allow(host)),
            Rules::ReleaseForAll(host) => limited(new().allow(host).whitelist_downloads().whitelist_sockets()),
            Rules::RejectingSockets => limited(new().development().reject_second_socket()),
            Rules::Through(port, credentials) => {
                // As a URL has them.
                let user = credentials.map(|user| user.replace('@', "%40").replace(' ', "%20") + "@");
                let url = format!("http://{}localhost:{port}", user.unwrap_or_default());
                limited(new().development().proxy(&url, ""))
            }
            Rules::Hasty => limited(
                new()
                    .development()
                    .upload_timeout(HASTE)
                    .download_idle_timeout(HASTE)
                    .max_redirects(0)
                    .max_url(SHORT_URL),
            ),
        }
    }

    fn again(&self, client: &Client, it: &Request, times: usize) -> Came {
        let before = self.server.connections();
        let mut last = Came::default();
        for _ in 0..times {
            last = came(request(client, it).send());
        }
        let connections = self.server.connections() - before;
        Came { data: connections.to_string().into(), ..last }
    }

    /// The codes of the Close frames that the server has seen, once there are so many.
    fn closes(&self, count: usize) -> Vec<u16> {
        let mut closes = self.server.take_closes();
        for _ in 0..2000 {
            if closes.len() >= count {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
            closes.extend(self.server.take_closes());
        }
        closes.sort_unstable();
        closes
    }
}

fn trusting(roots: &str) -> ClientBuilder {
    builder().root(roots.as_bytes()).only_given_roots()
}

fn limited(builder: ClientBuilder) -> Client {
    builder.max_body(MAX_BODY as u64 / 4 * 3).build().expect("a client")
}

/// A call, and who ends it.
struct During<'c> {
    client: &'c Client,
    ended: Option<(u64, Ending)>,
}

impl During<'_> {
    /// Makes the call, which `abort` ends.
    fn run<T>(&self, abort: impl Fn() + Sync, call: impl FnOnce() -> T) -> T {
        let Some((after, ending)) = self.ended else { return call() };
        let end = || match ending {
            Ending::Abort => abort(),
            Ending::Unload => self.client.unload_page(),
            Ending::ShutDown => self.client.shut_down(),
        };
        if after == 0 {
            end();
            return call();
        }
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(after));
                end();
            });
            call()
        })
    }

    fn request(&self, mut call: RequestCall) -> Result<Response, Failure> {
        let abort: AbortHandle = call.abort_handle();
        self.run(|| abort.abort(), || call.send())
    }

    fn streamed(&self, call: RequestCall, most: Option<usize>) -> Came {
        let mut data = Vec::new();
        let result = call.send_streamed(|bytes| {
            data.extend_from_slice(bytes);
            if most.is_some_and(|most| data.len() >= most) {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        });
        Came { data, ..came(result) }
    }

    fn upload(&self, it: &Upload) -> Came {
        let scratch = Scratch::new(it.file, &file(it.bytes));
        let mut call = self.client.upload_file(&it.url, scratch.path(), it.key, it.kind);
        for (name, value) in &it.headers {
            call = call.header(*name, *value);
        }
        for (name, value) in &it.form {
            call = call.form_data(*name, *value);
        }
        let (told, last) = progress();
        let mut call = call.on_progress_update(move |update| told.store(update.progress, Ordering::Relaxed));
        let abort = call.abort_handle();
        let result = self.run(|| abort.abort(), || call.send());
        Came { progress: known(&last), ..came(result) }
    }

    fn download(&self, url: &str, headers: &Headers) -> Came {
        let (told, last) = progress();
        let mut call = self.client.download_file(url);
        for (name, value) in headers {
            call = call.header(*name, *value);
        }
        let mut call = call.on_progress_update(move |update| told.store(update.progress, Ordering::Relaxed));
        let abort = call.abort_handle();
        match self.run(|| abort.abort(), || call.send()) {
            Ok(downloaded) => {
                let path = downloaded.ap_file_path();
                let data = std::fs::read(path).expect("the file");
                let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned());
                Came { data, extension, progress: known(&last), ..came(Ok(downloaded.response().clone())) }
            }
            Err(failure) => Came { progress: known(&last), ..came(Err(failure)) },
        }
    }
}

fn request(client: &Client, request: &Request) -> RequestCall {
    let mut call = client.request(&request.url).method(request.method).timeout(request.timeout);
    for (name, value) in &request.headers {
        call = call.header(*name, *value);
    }
    call = match request.data.clone() {
        Data::None => call,
        Data::Text(text) => call.data_text(text),
        Data::Bytes(bytes) => call.data_bytes(bytes),
        Data::Value(value) => call.data(value),
        Data::Unconvertible => call.data(BTreeMap::from([([1], 2)])),
    };
    call.data_type(request.data_type).redirect(request.redirect)
}

fn came(result: Result<Response, Failure>) -> Came {
    let (code, reason, response) = match &result {
        Ok(response) => (0, None, Some(response)),
        Err(failure) => (failure.code(), Some(failure.reason()), failure.response()),
    };
    let mut came = Came { code, reason, ..Came::default() };
    if let Some(response) = response {
        came.status = Some(response.status());
        came.data = response.data().into();
        for (name, value) in response.headers() {
            came.header(name, value);
        }
    }
    came
}

const NONE: u8 = u8::MAX;

fn progress() -> (Arc<AtomicU8>, Arc<AtomicU8>) {
    let told = Arc::new(AtomicU8::new(NONE));
    (Arc::clone(&told), told)
}

fn known(last: &AtomicU8) -> Option<u8> {
    Some(last.load(Ordering::Relaxed)).filter(|progress| *progress != NONE)
}
