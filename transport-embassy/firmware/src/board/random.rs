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
    if settings.bytes("seed", &mut seed)?.len() != 32 {
        return None;
    }
    console::line(format_args!("# WARNING: randomness comes from the host; a product must seed from its own TRNG"));
    Some(ChaCha20Rng::from_seed(seed))
}
