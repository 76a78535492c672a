//! (under construction)

#[cfg(feature = "cli")]
pub mod serve;
