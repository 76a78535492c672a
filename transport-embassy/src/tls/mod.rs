//! Verified TLS 1.3 (CTX-08) over any link, with [`embedded_tls`] and [`webpki`]: no allocator, no `unsafe`.
//!
//! [`open`] shakes hands and returns a [`Session`] only if the server has proved to be the one that was asked for: its
//! certificate leads to a root of [`Trust`], is valid now, names the host, and may be used so by every extension of the
//! chain (CA flag, path length, key usage, extended key usage, name constraints, nothing critical that is unknown); its
//! key is a pinned one, where keys are pinned; and that key has signed this handshake. There is no option that leaves
//! any of it out.
//!
//! The server must offer TLS 1.3 with TLS_AES_128_GCM_SHA256 and a P-256 key share. Its certificates are ECDSA over
//! P-256; the features `p384`, `ed25519` and `rsa` (2,048 to 4,096 bits) add theirs.
//!
//! ```
//! use miniwire_embassy::tls::{self, Buffers, CertificateDer, Link, Session, Trust};
//! # use miniwire_core::reason::Fault;
//! static ROOT: CertificateDer<'static> = CertificateDer::from_slice(&[/* include_bytes!("root.der") */]);
//!
//! async fn secure<'b, L: Link + 'b>(
//!     link: L,
//!     unix_seconds: u64,                       // the board's clock
//!     rng: &mut impl tls::CryptoRngCore,       // the board's random number generator
//!     buffers: Buffers<'b>,                    // 16,640 bytes and, say, 1,153
//! ) -> Result<Session<'b, L>, Fault> {
//!     let Ok(root) = tls::root(&ROOT) else { return Err(Fault::Tls) };
//!     tls::open(link, "device.example.com", &Trust::new(&[root]), unix_seconds, rng, buffers).await
//! }
//! ```
//!
//! # What embedded-tls 0.19 does, and what is done about it
//!
//! | embedded-tls | here |
//! |---|---|
//! | ends the handshake successfully without a certificate, or without its signature | [`open`] asks the verifier at the end |
//! | its own verifiers take a leaf for an authority, ignore constraints, and validity without a clock | not linked; webpki, and the time is an argument |
//! | panics on a record that is empty, or only zeros, once decrypted | the cipher refuses it: does not decrypt |
//! | panics on CertificateRequest and other handshake messages after the handshake | the cipher refuses all but session tickets |
//! | obeys plaintext alerts, and takes plaintext handshake messages, under established keys | the guard below it refuses them |
//! | drops any number of change_cipher_spec records | the guard lets one through, during the handshake |
//! | panics when a link writes nothing | the guard makes it an error |
//! | reads and writes that are dropped lose half a record, or use a nonce twice | the session is broken from then on |
//! | `read` fails at close_notify | `Ok(0)`; an end without it is an error |
//! | never changes keys | 2^24 records in each direction, then an error (RFC 8446 section 5.5) |
//! | does not end with a random number generator that is stuck | two equal draws are refused |
//!
//! # What is left
//!
//! - A handshake message that is spread over several records, or several into which a long chain is cut, is not put
//!   together: [`Fault::Tls`](miniwire_core::reason::Fault::Tls). Servers do that with chains beyond 16 KB, or where they
//!   were told to send small records.
//! - A server that changes its keys (KeyUpdate) ends the session with an error; so does one that asks for a certificate
//!   after the handshake. Only the authenticated server can.
//! - A server that has proved to be the right one may leave EncryptedExtensions out, repeat it, or ask for a certificate
//!   behind its signature, which RFC 8446 section 4.4 has a client refuse. Its Finished covers all of it.
//! - HelloRetryRequest, TLS 1.2, other key shares and cipher suites are not spoken.
//! - A ClientHello offers P-384 and Ed25519 also without the features. A server that has both kinds of certificate may
//!   then choose the one that cannot be verified, which is
//!   [`CertificateFault::Invalid`](miniwire_core::reason::CertificateFault::Invalid).
//! - The server is not told by an alert why its certificate was refused; the link ends.
//! - Certificates are not looked up for revocation.
//! - embedded-tls does not wipe its keys, nor the buffers, when a session ends. Who reads the memory afterwards may find
//!   them, until the buffers are used again.
//! - Indexing in embedded-tls, webpki and the cryptography stays in the image as code that could panic. With what is
//!   closed above, no input is known that reaches it.

mod algorithms;
mod cipher;
mod guard;
mod place;
mod pool;
#[cfg(feature = "rsa")]
mod rsa;
mod session;
mod verifier;

pub use crate::link::Link;
pub use pool::{Stream, Tls, TlsMemory};
pub use rand_core::{CryptoRng, CryptoRngCore, Error as RngError, RngCore};
pub use rustls_pki_types::{CertificateDer, TrustAnchor};
pub use session::{Buffers, RECEIVE, Session, TRANSMIT, open};
pub use verifier::{INTERMEDIATES, NotACertificate, Pin, Trust, root};
