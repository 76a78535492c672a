//! The network API of a mini program over std sockets and rustls.
//!
//! A [`Client`] is the mini program's context: who it is, which hosts it may talk to, whom it trusts. `my.request` is
//! [`Client::request`]; it is made blocking with [`Call::send`], or as the reference has it with callbacks and a
//! [`RequestTask`], with [`Call::start`]. In the same two ways `my.uploadFile` is [`Client::upload_file`] and
//! `my.downloadFile` is [`Client::download_file`]. `my.connectSocket` is [`Client::connect_socket`], with listeners or
//! with a loop of the caller's.
//!
//! Everything that is protocol is in `miniwire-core`; this crate opens sockets, resolves names, verifies certificates and
//! keeps connections. The API is blocking, needs no executor, and may be used from any thread.
//!
//! ```
//! use miniwire_std::{Client, Reason};
//!
//! // Release policy: HTTPS only, and nothing but the whitelist.
//! let client = Client::builder("2021000000000001", "1.0.0").allow("example.com").build()?;
//! let failure = client.request("https://example.org/").send().unwrap_err(); // refused before a byte is sent
//! assert_eq!((failure.code(), failure.reason()), (11, Reason::HostNotAllowed));
//! # Ok::<(), miniwire_std::BuildError>(())
//! ```
//!
//! | I want to | look at |
//! |---|---|
//! | say who the mini program is, where it may go, whom it trusts, through which proxy | [`ClientBuilder`] |
//! | make a request and wait for the answer | [`Client::request`], [`Call::send`] |
//! | make one with callbacks, and abort it | [`Call::start`], [`RequestTask`], [`AbortHandle`] |
//! | take a long answer in bounded memory | [`Call::send_streamed`] |
//! | make many small requests without allocating | [`Client::send_into`] |
//! | read an answer: status, header fields, text, a typed value | [`Response`] |
//! | know why a call failed | [`Failure`], [`Reason`] |
//! | send or receive a file | [`Client::upload_file`], [`Client::download_file`], [`Client::save_file`] |
//! | open a WebSocket with listeners | [`Client::connect_socket`], [`ConnectSocket::start`], `Client::on_socket_message` and its like |
//! | open one with a loop of my own | [`ConnectSocket::open`], [`Socket`] |
//! | end everything that a page has begun | [`Client::unload_page`], [`Client::shut_down`] |
//! | see what goes over the wire | [`ClientBuilder::trace`], [`Response::timings`] |
//!
//! # Features
//!
//! | feature, both off by default | what it adds | what it costs |
//! |---|---|---|
//! | `permessage-deflate` | `ConnectSocket::compress`: compressed messages (RFC 7692) | no dependency; 96 KiB for each socket that has agreed to it |
//! | `cli` | the program `miniwire`, and `serve`, the loopback test server that it starts | tokio, hyper and a dozen more: for tests and tools |
//!
//! # What it does not do
//!
//! No HTTP/2, no content codings, no TLS to a proxy, no revocation lists. Names are resolved by the system, or by
//! [`ClientBuilder::resolver`]. There are no `async` functions: a call blocks its thread, or has one of its own. Tested on
//! Linux.
#![forbid(unsafe_code)]

mod answer;
mod builder;
mod call;
mod callbacks;
mod client;
mod files;
mod net;
mod session;
mod socket;
mod started;

#[cfg(feature = "cli")]
pub mod serve;

pub use answer::{Failure, Response, Timings};
pub use builder::{BuildError, ClientBuilder};
pub use call::{Call, RequestTask};
pub use client::Client;
pub use files::{DownloadCall, DownloadTask, Downloaded, FileTask, UploadCall, UploadTask};
pub use miniwire_core::data::Data;
pub use miniwire_core::drive::Trace;
pub use miniwire_core::media::FileType;
pub use miniwire_core::policy::Api;
pub use miniwire_core::progress::ProgressUpdate;
pub use miniwire_core::reason::{CertificateFault, Reason};
pub use miniwire_core::request::{DataType, Method, Redirect, Request};
pub use miniwire_core::socket::RegistryFull;
#[cfg(feature = "permessage-deflate")]
pub use miniwire_core::ws::deflate::{Parameters, WindowBits};
pub use socket::{ConnectSocket, Message, NothingCame, Socket, SocketClose, SocketEvent, SocketListener, SocketOpen};
pub use started::AbortHandle;
