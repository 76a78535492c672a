//! The libFuzzer program of `miniwire_fuzz::x509`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::x509::run(data));
