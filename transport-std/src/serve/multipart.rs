//! What a multipart/form-data body holds, as multer reads it.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use http_body_util::{BodyDataStream, Full};
use hyper::body::Bytes;
use multer::Multipart;
use serde_json::{Value, json};

use super::answer::Refusal;

/// One part of a form.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) data: Bytes,
}

impl Part {
    pub(super) fn name(&self) -> Vec<u8> {
        self.name.clone().into_bytes()
    }

    /// What an echo says of it beyond httpbin.
    pub(super) fn describe(&self) -> Value {
        let Self { name, file_name, content_type, data } = self;
        json!({ "name": name, "filename": file_name, "content_type": content_type, "length": data.len() })
    }
}

/// The parts of a body that has this `Content-Type`.
pub(super) fn parts(content_type: &[u8], body: &Bytes) -> Result<Vec<Part>, Refusal> {
    let read = multer::parse_boundary(String::from_utf8_lossy(content_type)).and_then(|boundary| {
        let form = Multipart::new(BodyDataStream::new(Full::new(body.clone())), boundary);
        at_once(read(form)).unwrap_or(Err(multer::Error::IncompleteStream))
    });
    read.map_err(|error| Refusal::bad(format!("the form cannot be read: {error}")))
}

async fn read(mut form: Multipart<'_>) -> multer::Result<Vec<Part>> {
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(ToOwned::to_owned);
        let content_type = field.content_type().map(ToString::to_string);
        parts.push(Part { name, file_name, content_type, data: field.bytes().await? });
    }
    Ok(parts)
}

/// What comes of a future that has nothing to wait for.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
