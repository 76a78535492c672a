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
//! For https and wss the client takes a reference to a [`Tls`] instead ([`Client::new`]); the guide to a first request over
//! it, with memory, roots, clock and randomness, is `docs/board.md`.
//!
//! # What a call needs
//!
//! A call takes one of the `N` places of its client and at most one socket. With every place taken a further call ends
//! with [`TooManyTasks`](miniwire_core::reason::Reason::TooManyTasks). A call is ended by its deadline, by an
//! [`AbortHandle`], by [`Client::unload_page`], or by dropping its future, at any moment: the connection that it used is
//! then reset and never used again.
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
