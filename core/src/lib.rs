//! The network API of a mini program (`my.request`, `my.uploadFile`, `my.downloadFile`, `my.connectSocket`) as a protocol
//! core: `no_std`, no allocator, no `unsafe`, no I/O. Bytes and the time come in as arguments; actions and events come out.
//!
//! On a desktop take `miniwire-std`, over embassy-net `miniwire-embassy`: they stand on this crate. Over any other stack:
//!
//! | I want to | look at |
//! |---|---|
//! | make calls over my network stack | [`drive`]: implement [`drive::Transport`] (blocking) or [`drive::asynch::Transport`], then call `request`, `upload`, `download` or `Socket::connect` of [`drive::blocking`] or [`drive::asynch`] |
//! | say who the mini program is, and where it may go | [`context`], [`policy`] |
//! | say what a call sends | [`request::Request`], [`data`], [`query`], [`json::write`] |
//! | read an answer: status, header fields, text, a typed value | [`request::Response`], [`http::fields`] |
//! | take a long answer in bounded memory | [`drive::blocking::request_streamed`], [`drive::asynch::request_streamed`] |
//! | know why a call failed, and its code | [`request::Failure`], [`reason::Reason`] |
//! | send or receive a file | [`upload`], [`download`], [`storage`] |
//! | open a WebSocket | [`drive::blocking::Socket`], [`drive::asynch::Socket`]; what they are made of: [`socket`] |
//! | move a task by hand: a test, a fuzzer, a loop of my own | [`task`]: one method, one action at a time. [`request`], [`upload`], [`download`] and [`socket`] have a whole life each |
//! | use a codec alone | [`url`], [`percent`], [`json::validate`], [`base64`], [`multipart`], [`utf8`], [`http`], [`ws`] |
//! | ask what of the API there is | [`can_i_use`] |
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
//! # Features
//!
//! | feature | what it adds | what it costs |
//! |---|---|---|
//! | `permessage-deflate`, off by default | compressed messages of a WebSocket (RFC 7692) | about 12 kB of flash, 2.5 KiB of state for each socket, two windows of 256 bytes to 32 KiB and a table, all of them the caller's; no dependency |
//!
//! # What it does not do
//!
//! - No I/O, clock, randomness, name resolution or TLS: those are the transport's.
//! - HTTP/1.1 only, without content codings: `Accept-Encoding: identity` is sent, and a request's encoded body is code 14.
//! - Host names are ASCII, URLs have no user names, and a response head fits the receive buffer and has at most
//!   [100 fields](http::head::MAX_FIELDS).
//! - [`request::Response::json`] reads less than serde can describe; what, it says itself.
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
