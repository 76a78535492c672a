//! What every step needs: memory, URLs, a call.

use core::fmt::{self, Write};

use heapless::String;
use miniwire_core::drive::{Memory, SocketMemory};
use miniwire_core::request::Request;
use miniwire_embassy::{Client, Sockets, TlsMemory};

use super::print::Line;
use super::{SOCKETS, Step};
use crate::board::host::Settings;
use crate::secure::Secured;

/// The client of a board that runs for ever.
pub(super) type Calls = Client<'static, 'static, &'static Secured, SOCKETS>;

/// Whom the tour trusts.
pub struct Trusted {
    /// The root that the settings name. Somebody serves its session.
    pub usual: &'static Secured,
    /// The same root, and a key that no server has.
    pub pinned: &'static Secured,
    /// Nobody.
    pub stranger: &'static Secured,
    /// For the sessions of the other two.
    pub spare: Option<&'static mut TlsMemory>,
}

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
pub struct Tour {
    pub(super) settings: Settings,
    pub(super) sockets: &'static Sockets<'static, SOCKETS>,
    pub(super) trusted: Trusted,
    buffers: &'static mut Buffers,
}

impl Tour {
    /// Over these sockets, to the server that the settings name: `http`, `https` and `nobody` are ports, and so is each
    /// kind of certificate.
    pub const fn new(
        settings: Settings,
        sockets: &'static Sockets<'static, SOCKETS>,
        trusted: Trusted,
        buffers: &'static mut Buffers,
    ) -> Self {
        Self { settings, sockets, trusted, buffers }
    }

    /// The URL that a step means, and memory for its call.
    pub(super) fn prepare(&mut self, url: &str) -> (&str, Memory<'_>) {
        let Buffers { receive, transmit, redirect, head, body, url: whole } = &mut *self.buffers;
        whole.clear();
        // A URL that does not fit is cut off, and the answer will show it.
        let _ = expand(whole, url, &self.settings, "http");
        (whole, Memory { receive, transmit, redirect, head, body })
    }

    /// The same for a socket, whose messages are at most 1,000 bytes long.
    pub(super) fn prepare_socket(&mut self, url: &str) -> (&str, SocketMemory<'_>) {
        let Buffers { receive, transmit, body, url: whole, .. } = &mut *self.buffers;
        whole.clear();
        let _ = expand(whole, url, &self.settings, "ws");
        let message = body.get_mut(..1000).unwrap_or_default();
        (whole, SocketMemory { receive, transmit, message })
    }

    /// Makes a call and prints what came of it.
    pub(super) async fn step(&mut self, client: &Calls, (promise, request): Step) {
        let (url, memory) = self.prepare(request.url);
        let mut request: Request<'_> = request;
        request.url = url;
        let came = client.request(&request, memory).await;
        Line::new(promise).answer(&came).end();
    }
}

/// Writes a URL out: of the server, where it begins with a slash, and with `{name}` replaced. `scheme` is the one without
/// TLS.
pub(super) fn expand(to: &mut impl Write, url: &str, settings: &Settings, scheme: &str) -> fmt::Result {
    if url.starts_with('/') {
        write!(to, "{scheme}s://localhost:{}", settings.get("https").unwrap_or_default())?;
    }
    let mut rest = url;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        to.write_str(before)?;
        match name {
            "plain" => write!(to, "{scheme}://localhost:{}", settings.get("http").unwrap_or_default())?,
            "long" => (0..600).try_for_each(|_| to.write_str("long"))?,
            port => write!(to, "{scheme}s://localhost:{}", settings.get(port).unwrap_or_default())?,
        }
        rest = after;
    }
    to.write_str(rest)
}
