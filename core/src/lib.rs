//! The network API of a mini program (`my.request`, `my.uploadFile`, `my.downloadFile`, `my.connectSocket`) as a protocol
//! core: `no_std`, no allocator, no `unsafe`, no I/O. Bytes and the time come in as arguments; actions and events come out.
//!
//! - To **make a call** over a network stack of your own, implement [`drive::Transport`] (blocking) or
//!   [`drive::asynch::Transport`] and use `request`, `upload` and `download` of [`drive::blocking`] or [`drive::asynch`].
//!   On a desktop, `miniwire-std` has done that.
//! - To **drive a task yourself**, read [`task`]: one method moves it, one action at a time.
//!   [`request`](request::RequestTask), [`upload`] and [`download`] have a whole life each, as an example.
//! - To **use a codec alone**, take it: [`url`], [`query`], [`json`], [`base64`], [`multipart`], [`http`] depend on nothing
//!   of the layers above.
//!
//! A call over a made-up link, in a little over a kilobyte of memory:
//!
//! ```
//! use miniwire_core::context::Context;
//! use miniwire_core::drive::{Link, Memory, Route, Transport, blocking};
//! use miniwire_core::policy::{Policy, Whitelist};
//! use miniwire_core::reason::Fault;
//! use miniwire_core::request::Request;
//! use miniwire_core::time::Instant;
//!
//! /// A board's stack: here it only knows one answer.
//! struct Stack;
//! struct Socket(&'static [u8]);
//!
//! impl Transport for Stack {
//!     type Link = Socket;
//!     fn now(&mut self) -> Instant {
//!         Instant::from_millis(0) // the board's clock
//!     }
//!     fn connect(&mut self, _: &Route<'_>, _until: Instant) -> Result<Socket, Fault> {
//!         Ok(Socket(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"celsius\":21}"))
//!     }
//!     fn secure(&mut self, link: Socket, _: &Route<'_>, _until: Instant) -> Result<Socket, Fault> {
//!         Ok(link) // a real one shakes hands and verifies the peer
//!     }
//! }
//! impl Link for Socket {
//!     fn set_deadline(&mut self, _: Instant) {}
//! }
//! impl embedded_io::ErrorType for Socket {
//!     type Error = embedded_io::ErrorKind;
//! }
//! impl embedded_io::Read for Socket {
//!     fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
//!         let n = self.0.len().min(buf.len());
//!         let (now, later) = self.0.split_at(n);
//!         buf[..n].copy_from_slice(now);
//!         self.0 = later;
//!         Ok(n)
//!     }
//! }
//! impl embedded_io::Write for Socket {
//!     fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
//!         Ok(buf.len())
//!     }
//!     fn flush(&mut self) -> Result<(), Self::Error> {
//!         Ok(())
//!     }
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Reading {
//!     celsius: i32,
//! }
//!
//! let context = Context::new("2021000000000001", "1.0.0", Policy::release(Whitelist::new(&["example.com"])?))?;
//! let (mut receive, mut transmit, mut body) = ([0; 512], [0; 256], [0; 256]);
//! let memory = Memory {
//!     receive: &mut receive,
//!     transmit: &mut transmit,
//!     redirect: &mut [], // none is followed
//!     head: &mut [],     // header fields are not kept
//!     body: &mut body,
//! };
//! let response =
//!     blocking::request(&mut Stack, &context, &Request::new("https://example.com/sensor"), memory).unwrap();
//! let reading: Reading = response.json(&mut [])?;
//! assert_eq!((response.status(), reading.celsius), (200, 21));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Requirements are named in parentheses (REQ-07, CTX-04); `docs/conformance.md` in the repository leads from them to the
//! tests. Sizes, stack and the panics that cannot happen are in `docs/sizes.md`.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod api;
pub mod base64;
pub mod call;
pub mod can_i_use;
pub mod context;
pub mod data;
pub mod digits;
pub mod download;
pub mod drive;
pub mod http;
pub mod json;
pub mod media;
pub mod multipart;
pub mod percent;
pub mod policy;
pub mod progress;
pub mod query;
pub mod reason;
pub mod request;
mod route;
mod scan;
mod ser;
pub mod sink;
pub mod socket;
pub mod storage;
pub mod task;
pub mod time;
pub mod upload;
pub mod url;
pub mod utf8;
pub mod ws;
pub mod x509;

#[cfg(test)]
mod testing;
