//! miniwire-core.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
#[macro_use]
extern crate std;

#[cfg(test)]
#[allow(unused_imports)]
use std::prelude::v1::*;

pub mod data;
pub mod digits;
pub mod drive;
pub mod json;
pub mod reason;
pub mod sink;
pub mod time;
pub mod utf8;
