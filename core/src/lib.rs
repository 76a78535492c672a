//! miniwire-core.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

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
mod scan;
mod ser;
pub mod sink;
pub mod storage;
pub mod task;
pub mod time;
pub mod upload;
pub mod url;
pub mod utf8;

#[cfg(test)]
mod testing;
