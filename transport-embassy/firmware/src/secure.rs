//! TLS on the board: whom it trusts, what time it is, and who serves its session.

use embassy_executor::Spawner;
use miniwire_embassy::tls::{self, CertificateDer, Pin, Trust, TrustAnchor};
use miniwire_embassy::{Tls, TlsMemory};
use rand_chacha::ChaCha20Rng;
use static_cell::{ConstStaticCell, StaticCell};

use crate::board::console::line;
use crate::board::host::{self, Settings};

/// TLS with one session at a time.
pub type Secured = Tls<'static, 'static, fn() -> u64, ChaCha20Rng, 1>;

/// The test server's root, which the host hands over in the setting `root`. A product has its roots in flash.
pub fn roots(settings: &Settings) -> Option<&'static [TrustAnchor<'static>]> {
    static BYTES: ConstStaticCell<[u8; 768]> = ConstStaticCell::new([0; 768]);
    static CERTIFICATE: StaticCell<CertificateDer<'static>> = StaticCell::new();
    static ROOTS: StaticCell<[TrustAnchor<'static>; 1]> = StaticCell::new();

    let bytes = settings.bytes("root", BYTES.try_take()?)?;
    let certificate = CERTIFICATE.init(CertificateDer::from_slice(bytes));
    Some(ROOTS.init([tls::root(certificate).ok()?]))
}

/// TLS for servers that one of these roots vouches for, by the host's clock. With pins, only for these keys.
pub fn new(roots: &'static [TrustAnchor<'static>], pins: &'static [Pin], random: ChaCha20Rng) -> Secured {
    Tls::new(Trust::new(roots).pinned(pins), host::unix_seconds, random)
}

/// Serves its session in a task of its own, for ever. `false` if there is one already.
pub fn serve(spawner: Spawner, tls: &'static Secured) -> bool {
    static MEMORY: ConstStaticCell<TlsMemory> = ConstStaticCell::new(TlsMemory::new());
    let Some(memory) = MEMORY.try_take() else { return false };
    line(format_args!("# TLS: {} bytes, its session's memory {}", size_of_val(tls), size_of_val(memory)));
    line(format_args!("# future that serves a session: {} bytes", size_of_val(&tls.serve(memory))));
    let Ok(task) = run(tls, memory) else { return false };
    spawner.spawn(task);
    true
}

#[embassy_executor::task]
async fn run(tls: &'static Secured, memory: &'static mut TlsMemory) {
    tls.serve(memory).await;
}
