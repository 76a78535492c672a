//! What every step needs: memory, URLs, a call.

use core::fmt::Write as _;

use heapless::String;
use miniwire_core::drive::Memory;
use miniwire_core::request::Request;
use miniwire_embassy::{Client, Secure, Sockets};

use super::print::Line;
use super::{SOCKETS, Step};
use crate::board::host::Settings;

/// The client of a board that runs for ever.
pub(super) type Calls<S> = Client<'static, 'static, S, SOCKETS>;

/// Memory for one call after another.
pub struct Buffers {
    receive: [u8; 2048],
    transmit: [u8; 512],
    redirect: [u8; 512],
    head: [u8; 1024],
    body: [u8; 4096],
    url: String<2560>,
}

impl Buffers {
    /// Empty.
    pub const fn new() -> Self {
        Self {
            receive: [0; 2048],
            transmit: [0; 512],
            redirect: [0; 512],
            head: [0; 1024],
            body: [0; 4096],
            url: String::new(),
        }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// A tour under way.
pub struct Tour<S: 'static> {
    pub(super) settings: &'static Settings,
    pub(super) sockets: &'static Sockets<'static, SOCKETS>,
    pub(super) secure: &'static S,
    /// Whether the server is spoken to over https.
    pub(super) is_secure: bool,
    buffers: &'static mut Buffers,
}

impl<S: Secure<'static, 'static>> Tour<S> {
    /// Over these sockets, to the server that the settings name: `http`, `https`, `other` and `nobody` are ports.
    pub const fn new(
        settings: &'static Settings,
        sockets: &'static Sockets<'static, SOCKETS>,
        secure: &'static S,
        is_secure: bool,
        buffers: &'static mut Buffers,
    ) -> Self {
        Self { settings, sockets, secure, is_secure, buffers }
    }

    /// The URL that a step means, and memory for its call.
    pub(super) fn prepare(&mut self, url: &str) -> (&str, Memory<'_>) {
        let Buffers { receive, transmit, redirect, head, body, url: whole } = &mut *self.buffers;
        whole.clear();
        // A URL that does not fit is cut off, and the answer will show it.
        let _ = expand(whole, url, self.settings, self.is_secure);
        (whole, Memory { receive, transmit, redirect, head, body })
    }

    /// Makes a call and prints what came of it.
    pub(super) async fn step(&mut self, client: &Calls<S>, (promise, request): Step) {
        let (url, memory) = self.prepare(request.url);
        let mut request: Request<'_> = request;
        request.url = url;
        let came = client.request(&request, memory).await;
        Line::new(promise).answer(&came).end();
    }
}

/// Writes a URL out: of the server, where it begins with a slash, and with `{name}` replaced.
fn expand(to: &mut String<2560>, url: &str, settings: &Settings, is_secure: bool) -> core::fmt::Result {
    let (scheme, own) = if is_secure { ("https", "https") } else { ("http", "http") };
    if url.starts_with('/') {
        write!(to, "{scheme}://localhost:{}", settings.get(own).unwrap_or_default())?;
    }
    let mut rest = url;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        to.write_str(before)?;
        match name {
            "plain" => write!(to, "http://localhost:{}", settings.get("http").unwrap_or_default())?,
            "long" => (0..600).try_for_each(|_| to.write_str("long"))?,
            port => write!(to, "{scheme}://localhost:{}", settings.get(port).unwrap_or_default())?,
        }
        rest = after;
    }
    to.write_str(rest)
}
