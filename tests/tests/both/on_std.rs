//! The scenarios on std.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use miniwire_core::media::FileType;
use miniwire_std::{Client, ClientBuilder, Failure, Response};
use miniwire_tests::{Scratch, builder};

use crate::scenario::{Call, Came, Data, Request, Rules, Scenario, file};

/// A context for each policy, as an application has one.
pub(crate) struct OnStd {
    root: String,
    development: Cell<Option<Client>>,
}

impl OnStd {
    pub(crate) fn trusting(root: &str) -> Self {
        Self { root: root.to_owned(), development: Cell::new(None) }
    }

    fn builder(&self) -> ClientBuilder {
        builder().root(self.root.as_bytes()).only_given_roots()
    }

    pub(crate) fn run(&self, scenario: &Scenario) -> Came {
        let client = match scenario.rules {
            Rules::Development => {
                let client = self.development.take().unwrap_or_else(|| limited(self.builder().development()));
                self.development.set(Some(client.clone()));
                client
            }
            Rules::Release(host) => limited(self.builder().allow(host)),
        };
        match &scenario.call {
            Call::Request(call) => came(request(&client, call)),
            Call::Upload { url, bytes, form } => {
                let scratch = Scratch::new("cat.jpg", &file(*bytes));
                let mut call = client.upload_file(url, scratch.path(), "photo", FileType::Image);
                for (name, value) in *form {
                    call = call.form_data(*name, *value);
                }
                let (told, last) = progress();
                let result =
                    call.on_progress_update(move |update| told.store(update.progress, Ordering::Relaxed)).send();
                Came { progress: known(&last), ..came(result) }
            }
            Call::Download { url } => {
                let (told, last) = progress();
                let call = client.download_file(url);
                let call = call.on_progress_update(move |update| told.store(update.progress, Ordering::Relaxed));
                match call.send() {
                    Ok(downloaded) => {
                        let data = std::fs::read(downloaded.ap_file_path()).expect("the file");
                        Came { data, progress: known(&last), ..came(Ok(downloaded.response().clone())) }
                    }
                    Err(failure) => Came { progress: known(&last), ..came(Err(failure)) },
                }
            }
        }
    }
}

fn limited(builder: ClientBuilder) -> Client {
    builder.max_body(crate::MAX_BODY as u64 / 4 * 3).build().expect("a client")
}

fn request(client: &Client, request: &Request) -> Result<Response, Failure> {
    let mut call = client.request(&request.url).method(request.method).timeout(request.timeout);
    for (name, value) in &request.headers {
        call = call.header(*name, *value);
    }
    call = match request.data.clone() {
        Data::None => call,
        Data::Text(text) => call.data_text(text),
        Data::Bytes(bytes) => call.data_bytes(bytes),
        Data::Value(value) => call.data(value),
    };
    call.data_type(request.data_type).redirect(request.redirect).send()
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
