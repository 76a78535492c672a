//! What the images share: the board, and the network on it.
//!
//! `board` is for QEMU's mps2-an386 and the only place with `unsafe`. A product has a board of its own, from its chip's
//! crates, and takes over the rest.
#![no_std]

pub mod board;
pub mod network;
pub mod secure;
pub mod tour;
