//! miniwire-core.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod base64;
pub mod can_i_use;
pub mod context;
pub mod data;
pub mod digits;
pub mod drive;
pub mod http;
pub mod json;
pub mod media;
pub mod multipart;
pub mod percent;
pub mod policy;
pub mod query;
pub mod reason;
pub mod request;
mod ser;
pub mod sink;
pub mod task;
pub mod time;
pub mod url;
pub mod utf8;
pub mod ws;

#[cfg(test)]
mod testing;
