//! miniwire-core.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
#[macro_use]
extern crate std;

#[cfg(test)]
#[allow(unused_imports)]
use std::prelude::v1::*;

pub mod base64;
pub mod data;
pub mod drive;
pub mod json;
pub mod percent;
pub mod query;
pub mod reason;
mod ser;
pub mod sink;
pub mod time;
