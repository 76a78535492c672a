//! miniwire-core.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
#[macro_use]
extern crate std;

#[cfg(test)]
#[allow(unused_imports)]
use std::prelude::v1::*;

pub mod can_i_use;
pub mod data;
pub mod digits;
pub mod drive;
pub mod json;
pub mod policy;
pub mod reason;
pub mod sink;
pub mod time;
pub mod url;
pub mod utf8;
