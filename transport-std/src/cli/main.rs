//! The `miniwire` program.

fn main() {}
