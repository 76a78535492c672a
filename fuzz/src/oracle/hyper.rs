//! A response as hyper's client reads it, which refuses less than the library does.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, ReadBufCursor, Write};

use crate::splits::Random;

/// A response that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The status code of the final response.
    pub status: u16,
    /// Its fields: names in lower case, sorted by them; values of one name stay in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
}

impl Whole {
    /// Of fields as they came.
    pub fn new(status: u16, mut fields: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> Self {
        fields.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { status, fields, body }
    }
}

/// Reads `data` as what answers a GET, after which the connection is closed.
///
/// # Errors
/// What hyper says of an answer that it does not take.
pub fn response(data: &[u8]) -> Result<Whole, String> {
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(opened) = pin!(http1::handshake(Link::new(data))).poll(&mut cx) else { panic!("hyper waits") };
    let (sender, connection) = opened.map_err(|error| format!("{error:?}"))?;
    // How the connection ends is no concern of the response.
    let mut connection = pin!(async {
        drop(connection.await);
        std::future::pending::<()>().await;
    });
    let mut exchange = pin!(exchange(sender));
    // Each round reads at least a byte, or hands out what was read.
    for _ in 0..4 * data.len() + 64 {
        let _ = connection.as_mut().poll(&mut cx);
        if let Poll::Ready(whole) = exchange.as_mut().poll(&mut cx) {
            return whole.map_err(|error| format!("{error:?}"));
        }
    }
    panic!("no end in bounded steps");
}

async fn exchange(mut sender: SendRequest<Empty<Bytes>>) -> hyper::Result<Whole> {
    let request = Request::get("/").header("Host", "example.com").body(Empty::new()).expect("a request");
    let (head, body) = sender.send_request(request).await?.into_parts();
    let fields = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let body = body.collect().await?.to_bytes().to_vec();
    Ok(Whole::new(head.status.as_u16(), fields.collect(), body))
}

/// A connection whose peer answers with `data` once it was asked, in pieces, and closes.
struct Link {
    data: Vec<u8>,
    read: usize,
    asked: bool,
    random: Random,
}

impl Link {
    fn new(data: &[u8]) -> Self {
        Self { data: data.to_vec(), read: 0, asked: false, random: Random::of(data) }
    }
}

impl Read for Link {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if !self.asked {
            return Poll::Pending;
        }
        let most = into.remaining().min(self.data.len() - self.read);
        let count = (1 + self.random.below(2 * most)).min(most);
        into.put_slice(&self.data[self.read..self.read + count]);
        self.read += count;
        Poll::Ready(Ok(()))
    }
}

impl Write for Link {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.asked = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
