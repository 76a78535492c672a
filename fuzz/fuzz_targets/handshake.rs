//! The libFuzzer program of `miniwire_fuzz::handshake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::handshake::run(data));
