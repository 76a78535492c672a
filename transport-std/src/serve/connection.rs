//! The life of one connection: hyper reads requests, the router finds the handler, and what comes of it is written.

use std::{
    error::Error,
    net::SocketAddr,
    sync::{
        PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use http_body_util::BodyExt;
use hyper::{
    Request, Response, StatusCode, Version, body::Incoming, header::CONNECTION, http::request::Parts,
    server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;

use super::{
    Counters,
    answer::{Answer, Refusal, Then},
    body::Body,
    call::{self, Call, Head},
    link::{Ending, Link, Stream},
    route::Reading,
    router,
};

/// The longest body that is kept.
const LONGEST_BODY: usize = 64 << 20;

/// What is the same for all requests of a connection.
pub(super) struct Connection<'s> {
    pub(super) scheme: &'static str,
    pub(super) peer: SocketAddr,
    /// Of all connections.
    pub(super) counters: &'s Counters,
}

impl Connection<'_> {
    /// Serves requests until the connection ends.
    pub(super) async fn serve(&self, stream: Stream) {
        let (link, ordinal) = (Link::new(stream), AtomicU64::new(0));
        let ending = loop {
            let service = service_fn(|request| {
                let ordinal = ordinal.fetch_add(1, Relaxed).saturating_add(1);
                self.answer(link.clone(), request, ordinal)
            });
            let served = http1::Builder::new()
                // A client that has said all may close its side and still hear the answer.
                .half_close(true)
                .title_case_headers(true)
                .max_headers(1000)
                .serve_connection(TokioIo::new(link.clone()), service)
                .await;
            // A handler that takes the connection over ends hyper with an error. To keep the connection, hyper begins
            // anew.
            match served.as_ref().err().and_then(Error::source).and_then(|source| source.downcast_ref()) {
                Some(Ending::Keep) => link.record_head(),
                Some(&ending) => break ending,
                None => break Ending::Close,
            }
        };
        link.end(ending).await;
    }

    async fn answer(&self, mut link: Link, request: Request<Incoming>, ordinal: u64) -> Result<Response<Body>, Ending> {
        self.counters.requests.fetch_add(1, Relaxed);
        let (parts, body) = request.into_parts();
        let head = Head::of(&link.take_head(), &parts);
        let last = wants_close(&parts);
        let found = router::find(&parts.method, parts.uri.path());
        let reading = found.as_ref().map_or(Reading::Count, |found| found.route.reading);
        let (body, body_length) = read(body, reading).await?;
        link.record_head();
        let answer = match found {
            None => router::not_found(),
            Some(_) if reading == Reading::Keep && body_length > body.len() as u64 => {
                Refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large to be kept".into()).into()
            }
            Some(found) => {
                let args = call::args(&parts);
                let (scheme, peer, body) = (self.scheme, self.peer, body.into());
                let call = Call { parts, head, places: found.places, args, scheme, peer, body, body_length, ordinal };
                found.route.answer(&call)
            }
        };
        self.carry_out(&mut link, answer, last).await
    }

    async fn carry_out(&self, link: &mut Link, answer: Answer, last: bool) -> Result<Response<Body>, Ending> {
        link.write(answer.first).await.map_err(|_| Ending::Close)?;
        match answer.then {
            Then::Respond(response) => Ok(*response),
            Then::End(Ending::Keep) if last => Err(Ending::Close),
            Then::End(ending) => Err(ending),
            // hyper reads nothing meanwhile: it waits for the response, and takes no notice of FIN. What a client says
            // before it has the 101, which it must not, hyper may have taken with the head; it is lost.
            Then::Talk(talk) => {
                // No head follows.
                drop(link.take_head());
                let talked = talk(link.clone()).await;
                self.counters.closes.lock().unwrap_or_else(PoisonError::into_inner).push(talked.close);
                Err(talked.ending)
            }
        }
    }
}

/// Whether the connection ends with this request, RFC 9112 section 9.3.
fn wants_close(parts: &Parts) -> bool {
    let mut options = parts.headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|&b| b == b','));
    let mut says = |option: &str| options.any(|given| given.trim_ascii().eq_ignore_ascii_case(option.as_bytes()));
    if parts.version == Version::HTTP_10 { !says("keep-alive") } else { says("close") }
}

/// The body, as far as it is kept, and its length.
async fn read(mut body: Incoming, reading: Reading) -> Result<(Vec<u8>, u64), Ending> {
    let (mut kept, mut length) = (Vec::new(), 0_u64);
    if reading == Reading::Leave {
        return Ok((kept, 0));
    }
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Ending::Close)?.into_data() else { continue };
        length = length.saturating_add(data.len() as u64);
        if reading == Reading::Keep && length <= LONGEST_BODY as u64 {
            kept.extend_from_slice(&data);
        }
    }
    Ok((kept, length))
}
