//! The network API of a mini program over std sockets and rustls.
//!
//! A [`Client`] is the mini program's context: who it is, which hosts it may talk to, whom it trusts. `my.request` is
//! [`Client::request`]; it is made blocking with [`Call::send`], or as the reference has it with callbacks and a
//! [`RequestTask`], with [`Call::start`]. In the same two ways `my.uploadFile` is [`Client::upload_file`] and
//! `my.downloadFile` is [`Client::download_file`]. `my.connectSocket` is [`Client::connect_socket`], with listeners or with a
//! loop of the caller's.
//!
//! Everything that is protocol is in `miniwire-core`; this crate opens sockets, resolves names, verifies certificates and
//! keeps connections.
//!
//! With the feature `permessage-deflate` a socket can offer compression.
//!
//! With the feature `cli` it is also the program `miniwire`, and has the loopback test server that the program starts.
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
