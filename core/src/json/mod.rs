//! JSON (RFC 8259) without an allocator.

pub mod validate;
pub mod write;
