//! miniwire-core.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod context;
pub mod data;
pub mod drive;
pub mod http;
pub mod reason;
pub mod request;
pub mod sink;
pub mod task;
pub mod time;

#[cfg(test)]
mod testing;
