//! `my.connectSocket`: its options, and the ways to make the call.

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "permessage-deflate")]
use miniwire_core::ws::deflate::Parameters;
use serde::Serialize;

use super::attempt::Options;
use super::blocking::Socket;
use super::control::Control;
use super::message::failure;
use super::threaded;
use crate::answer::Failure;
use crate::call::OwnedData;
use crate::callbacks::Callbacks;
use crate::client::Client;

/// A call of `my.connectSocket` that is being put together. Every option has the reference's default.
///
/// ```no_run
/// use miniwire_std::Client;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("2021000000000001", "1.0.0").allow("example.com").build()?;
///
/// // As the reference has it: what happens comes through the listeners.
/// let sender = client.clone();
/// client.on_socket_open(move |_: &_| drop(sender.send_socket_message("hello")))?;
/// client.on_socket_message(|message: &miniwire_std::Message| println!("{}", message.data()))?;
/// client.connect_socket("wss://api.example.com/news").start();
///
/// // With a loop of one's own, and no thread:
/// let mut socket = client.connect_socket("wss://api.example.com/news").open()?;
/// socket.send("hello")?;
/// while let Some(event) = socket.recv() {
///     println!("{event:?}");
/// }
/// # Ok(()) }
/// ```
#[must_use = "the call is made by `start`, `connect` or `open`"]
pub struct ConnectSocket {
    client: Client,
    options: Options,
    callbacks: Callbacks<()>,
}

impl ConnectSocket {
    pub(super) fn new(client: Client, url: String) -> Self {
        let options = Options::new(&client, url);
        Self { client, options, callbacks: Callbacks::default() }
    }

    /// A header field of the opening handshake. A later one of the same name replaces it.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.push((name.into(), value.into()));
        self
    }

    /// Joins this value to the URL's query, as on GET (REQ-06).
    pub fn data(mut self, value: impl Serialize + Send + 'static) -> Self {
        self.options.data = OwnedData::Value(Box::new(value));
        self
    }

    /// Joins this string to the URL's query, unchanged.
    pub fn data_text(mut self, text: impl Into<String>) -> Self {
        self.options.data = OwnedData::Text(text.into());
        self
    }

    /// Asks for this subprotocol, after those before it. One that is no token, or is there already, is code 1.
    pub fn protocol(mut self, name: impl Into<String>) -> Self {
        self.options.protocols.push(name.into());
        self
    }

    /// Offers to compress the messages in both directions (permessage-deflate, RFC 7692), with windows of 32 KiB. Where the
    /// server agrees the socket takes 96 KiB more, else nothing. The limit of a message counts its plain bytes.
    ///
    /// Not for messages that join a secret to what somebody else has chosen: their size tells how alike the two are
    /// (section 8).
    #[cfg(feature = "permessage-deflate")]
    pub fn compress(self) -> Self {
        self.compress_with(Parameters::DEFAULT)
    }

    /// The same, with parameters of one's own: windows of another size, or each message by itself.
    #[cfg(feature = "permessage-deflate")]
    pub fn compress_with(mut self, offer: Parameters) -> Self {
        self.options.compression = Some(offer);
        self
    }

    /// The deadline from the call to the server's answer in milliseconds; 0 is the default of 30,000 (SOCK-12).
    pub fn timeout(mut self, milliseconds: u32) -> Self {
        self.options.timeout = milliseconds;
        self
    }

    /// Sends a ping after so many milliseconds without a byte from the server, and gives the connection up after as many
    /// again; 0, the default, is never (SOCK-08).
    pub fn keep_alive(mut self, milliseconds: u32) -> Self {
        self.options.settings = self.options.settings.keep_alive(milliseconds);
        self
    }

    /// How long the closing handshake may take in milliseconds; 5,000 by default, 0 cuts at once (SOCK-12).
    pub fn close_timeout(mut self, milliseconds: u32) -> Self {
        self.options.settings = self.options.settings.close_timeout(milliseconds);
        self
    }

    /// How long the connection may take to accept one frame in milliseconds; 30,000 by default.
    pub fn send_timeout(mut self, milliseconds: u32) -> Self {
        self.options.settings = self.options.settings.send_timeout(milliseconds);
        self
    }

    /// The longest message that is taken, in bytes; that of the client's
    /// [`max_body`](crate::ClientBuilder::max_body) by default. A longer one is error 12, and closes with 1009 (SOCK-09).
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.options.max_message = bytes;
        self
    }

    /// Called when the attempt has [started](Self::start).
    pub fn success(mut self, callback: impl FnOnce() + Send + 'static) -> Self {
        self.callbacks.on_success(|()| callback());
        self
    }

    /// Called where the attempt could not be [started](Self::start): codes 1 to 5, and 8 for plain `ws`.
    pub fn fail(mut self, callback: impl FnOnce(Failure) + Send + 'static) -> Self {
        self.callbacks.on_fail(callback);
        self
    }

    /// Called after `success` or `fail`.
    pub fn complete(mut self, callback: impl FnOnce() + Send + 'static) -> Self {
        self.callbacks.on_complete(callback);
        self
    }

    /// Starts the attempt on a thread of its own, and returns at once. `success` is called there, then `complete`, then
    /// the listeners as things happen; `fail` and `complete` are called before this returns (SOCK-01, CTX-07).
    pub fn start(self) {
        let Self { client, options, callbacks } = self;
        threaded::start(client, options, Some(callbacks));
    }

    /// Starts the attempt as [`start`](Self::start) does, with a result instead of callbacks. `Ok` says that it has
    /// started; whether it succeeds is told to the listeners.
    ///
    /// # Errors
    /// [`Failure`] is `fail`: what is known at once, codes 1 to 5, and 8 for plain `ws`.
    pub fn connect(self) -> Result<(), Failure> {
        let Self { client, options, callbacks: _ } = self;
        match threaded::start(client, options, None) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Connects, and returns an open socket whose loop is the caller's. No thread is used, and no listener or callback
    /// is called. It is the context's one connection like any other (SOCK-02).
    ///
    /// # Errors
    /// [`Failure`], with the status of the server's answer where it was not 101.
    pub fn open(self) -> Result<Socket, Failure> {
        let Self { client, options, callbacks: _ } = self;
        options.check(&client).map_err(failure)?;
        let control = Arc::new(Control::new(client.socket_queue()));
        let ticket = client.hub().connect(&control, false).map_err(failure)?;
        Socket::open(&client, &options, control, ticket)
    }
}

impl fmt::Debug for ConnectSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectSocket").field("url", &self.options.url).finish_non_exhaustive()
    }
}
