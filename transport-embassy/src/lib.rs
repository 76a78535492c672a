//! The network API of a mini program on a board, over embassy-net and embedded-tls.
//!
//! **Only [`tls`] is here yet.** Until the rest is, a board can use [`miniwire_core`] over a stack of its own: implement
//! [`drive::asynch::Transport`](miniwire_core::drive::asynch::Transport) and call
//! [`drive::asynch::request`](miniwire_core::drive::asynch::request).
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod tls;
