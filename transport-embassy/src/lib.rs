//! The network API of a mini program on a board, over embassy-net: `no_std`, no allocator, no `unsafe`.
//!
//! Three things are made once and live as long as the program: [`SocketMemory`] is the bytes, [`Sockets`] the TCP sockets
//! over them, [`Client`] the mini program's context, which makes the calls. Every size is the application's choice.
//!
//! ```
//! use embassy_net::Stack;
//! use miniwire_core::context::Context;
//! use miniwire_core::drive::Memory;
//! use miniwire_core::policy::Policy;
//! use miniwire_core::request::Request;
//! use miniwire_embassy::{Client, SocketMemory, Sockets};
//!
//! async fn report(stack: Stack<'_>) {
//!     // Two sockets: two calls at once, or one call and a kept connection.
//!     let mut memory = SocketMemory::<2, 1536, 1024>::new();
//!     let sockets = Sockets::new(stack, &mut memory);
//!     let Ok(context) = Context::new("2021000000000001", "1.0.0", Policy::development()) else { return };
//!     let client = Client::plain(&sockets, context);
//!
//!     let (mut receive, mut transmit, mut head, mut body) = ([0; 1024], [0; 512], [0; 512], [0; 256]);
//!     let memory = Memory {
//!         receive: &mut receive,
//!         transmit: &mut transmit,
//!         redirect: &mut [], // none is followed
//!         head: &mut head,
//!         body: &mut body,
//!     };
//!     match client.request(&Request::new("http://device.example/status"), memory).await {
//!         Ok(response) => drop(response.text()),
//!         Err(failure) => drop(failure.code()),
//!     }
//! }
//! ```
//!
//! The guide to a first request over TLS, with memory, roots, clock and randomness, is `docs/board.md` in the
//! repository, and a whole image for a Cortex-M `transport-embassy/firmware`.
//!
//! | I want to | look at |
//! |---|---|
//! | give memory and make sockets | [`SocketMemory`], [`Sockets::new`] |
//! | make a client without TLS, for a network of my own | [`Client::plain`] |
//! | make one with verified TLS | [`Tls`], [`TlsMemory`], [`tls::Trust`], then [`Client::new`] |
//! | call `my.request`, with the answer whole or in chunks | [`Client::request`], [`Client::request_streamed`] |
//! | send a file, or receive one | [`Client::upload_file`], [`Client::download_file`]; [`storage`](miniwire_core::storage) for where it is |
//! | open a WebSocket, and wait for it and other things at once | [`Client::connect_socket`], [`Socket::ready`] |
//! | end a call: by a button, with its page, for good | [`AbortHandle`], [`Client::unload_page`], [`Client::shut_down`]; or drop its future |
//! | say what a call sends, and where it may go | [`miniwire_core::request`], [`miniwire_core::policy`] |
//! | know why it failed | [`Failure`](miniwire_core::request::Failure), [`Reason`](miniwire_core::reason::Reason) |
//! | TLS over another link, or another TLS over these sockets | [`tls::open`]; [`Secure`] |
//!
//! # What a call needs
//!
//! A call takes one of the `N` places of its client and at most one socket. With every place taken a further call ends
//! with [`TooManyTasks`](miniwire_core::reason::Reason::TooManyTasks). A call is ended by its deadline, by an
//! [`AbortHandle`], by [`Client::unload_page`], or by dropping its future, at any moment: the connection that it used is
//! then ended and never used again. A call takes its place with the first poll of its future; before that it does nothing.
//!
//! Everything is for one thread: the futures, the client and the stack belong to one executor. An [`AbortHandle`] alone may
//! be used from elsewhere.
//!
//! # Dropping a future
//!
//! | the future of | dropped before it is done |
//! |---|---|
//! | [`Client::request`] and the other calls, of [`Abortable`] too | its connection ends and is not used again, its place is free at once, nothing is reported; a download's file is discarded |
//! | [`Client::connect_socket`] | the same, and the connection is closed, not reset |
//! | [`Socket::ready`] | nothing happened: call it again |
//! | [`Socket::recv`], [`recv_now`](Socket::recv_now), [`recv_streamed`](Socket::recv_streamed), [`send`](Socket::send), [`close`](Socket::close) | the socket may be broken: see [`asynch::Socket`](miniwire_core::drive::asynch::Socket#dropping-a-future) |
//! | [`Tls::serve`] | the session that it serves ends, and the call that uses it fails |
//! | [`tls::open`] | the link is dropped |
//! | [`tls::Session::readable`] | nothing happened: call it again |
//! | `read`, `write`, `flush` of a [`tls::Session`] | the session is broken: it returns errors only |
//!
//! # Features
//!
//! | feature | what it adds | what it costs |
//! |---|---|---|
//! | `ipv4`, on by default; `ipv6` | addresses of that family | what smoltcp makes of them |
//! | `rsa` | servers whose certificates have RSA keys or signatures, 2,048 to 4,096 bits | about 8 kB of flash |
//! | `ed25519` | the same with Ed25519 | about 15 kB of flash |
//! | `p384` | the same with ECDSA over P-384 | about 104 kB of flash |
//! | `permessage-deflate` | compressed messages of a socket (RFC 7692): `connect_socket_compressed` | about 12 kB of flash, and windows of the application's for each socket |
//!
//! TLS itself, some 66 kB, is linked only where a [`Tls`] is made. `docs/sizes.md` has the figures to the byte, and how they
//! are measured.
//!
//! # What the stack must be given
//!
//! - [`StackResources`](embassy_net::StackResources) with room for `N` sockets, one for DNS, one for DHCP where it is
//!   used, and the application's own. [`Sockets::new`] panics, in embassy-net, where there is none.
//! - Its own task that runs [`Runner::run`](embassy_net::Runner::run).
//! - Time: a driver of embassy-time. All deadlines are its own.
//! - Names have as many addresses as smoltcp was built for: one, unless `SMOLTCP_DNS_MAX_RESULT_COUNT` says more.
//!
//! # What the stack does, and what it does not
//!
//! - A connection that a call leaves behind is reset, or closed where the server has closed its side; that takes the
//!   stack's own task a moment, and no future of a call.
//! - Kept connections are closed by the stack once their time is over; there is no task of the client's.
//! - smoltcp 0.13 asks for one hardware address per second. While one call tries to reach a host on the local network
//!   that is not there, another may not find out how to reach a new one, and ends by its deadline.
//! - smoltcp 0.13 can forget to repeat what it has sent, where acknowledgements of a window that was closed and opened
//!   overtake each other; the call then ends by its deadline.
//! - A file system is not in it: an upload reads from a [`Source`](miniwire_core::storage::Source) of the application's, a
//!   download is written to its [`Store`](miniwire_core::storage::Store). There are no listeners: the task that has a
//!   [`Socket`] takes its events.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod abort;
mod calls;
mod client;
mod connection;
mod kept;
mod link;
mod resolve;
mod secure;
mod socket;
mod sockets;
pub mod tls;
mod transport;
mod waiting;

pub use abort::AbortHandle;
pub use calls::Abortable;
pub use client::Client;
pub use secure::{NoTls, Random, Secure};
pub use socket::Socket;
pub use sockets::{SocketMemory, Sockets, Tcp};
pub use tls::{Tls, TlsMemory};

/// The guide's code is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/board.md")]
pub struct Guide;
