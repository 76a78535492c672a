//! Randomness. QEMU's board has no true random number generator: the host gives a seed.
//!
//! **A product must seed from its own TRNG.** A seed that somebody knows is TLS that somebody reads.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::console;
use super::host::Settings;

/// A generator with the seed that the setting `seed` has: 64 hexadecimal digits. `None` without one.
pub fn from_host(settings: &Settings) -> Option<ChaCha20Rng> {
    let mut seed = [0; 32];
    let (digits, rest) = settings.get("seed")?.as_bytes().as_chunks::<2>();
    if digits.len() != seed.len() || !rest.is_empty() {
        return None;
    }
    for (byte, digits) in seed.iter_mut().zip(digits) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    console::line(format_args!("# WARNING: randomness comes from the host; a product must seed from its own TRNG"));
    Some(ChaCha20Rng::from_seed(seed))
}
