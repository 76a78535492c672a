//! JSON (RFC 8259) without an allocator.

pub(crate) mod escape;
pub mod validate;
pub mod write;
