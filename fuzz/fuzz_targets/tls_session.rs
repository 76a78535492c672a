//! The libFuzzer program of `miniwire_fuzz::tls_session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::tls_session::run(data));
