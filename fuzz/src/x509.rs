//! Certificates: what is read of one, and which chains the board's verifier accepts.
//!
//! The first byte says what the rest is: `c` a certificate; `k` an RSAPublicKey; `l` what a leaf says, which is then
//! signed by the root; `i` what the authority between them says; `L` and `I` extensions of the same, each its identifier's
//! last number, whether it is critical, its length, and its value.
//!
//! `c` and `k` are compared with x509-parser and webpki, down to the bytes. Chains go through a whole handshake with
//! `miniwire_embassy::tls::open`; what it says of them is what webpki says with ring's cryptography, and x509-parser of
//! the key usage.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use miniwire_core::reason::Fault;
use miniwire_core::x509;
use miniwire_embassy::tls::{Buffers, CertificateDer, RECEIVE, TRANSMIT, Trust, open};
use rustls_pki_types::{ServerName, UnixTime};
use webpki::EndEntityCert;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use crate::certificates::{self, Fields, Key, NOW, authority, der, dns_name, extension};
use crate::tls_identity::{HOST, IDENTITY, Identity, honest_flight};
use crate::tls_link::{self, ClientEnd, Numbers, Wire};

/// Looks at `data` as its first byte says.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let (root, between, leaf) = (Key::new(1), Key::new(2), Key::new(3));
    let below = || Fields::new("between", "leaf", &leaf).with(dns_name(HOST)).signed(&between);
    match kind {
        b'c' => check_reading(rest),
        b'k' => check_rsa_key(rest),
        b'l' => check_chain(&[certificates::sign(rest, &root)]),
        b'i' => check_chain(&[below(), certificates::sign(rest, &root)]),
        b'L' => {
            let fields = Fields { extensions: extensions(rest), ..Fields::new("root", "leaf", &leaf) };
            check_chain(&[fields.signed(&root)]);
        }
        b'I' => {
            let fields = Fields { extensions: extensions(rest), ..Fields::new("root", "between", &between) };
            check_chain(&[below(), fields.signed(&root)]);
        }
        _ => {}
    }
}

fn extensions(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut extensions = Vec::new();
    while let [last, critical, length, rest @ ..] = bytes {
        let (value, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        // Two come so often that they have a letter.
        extensions.push(match last {
            b'h' => dns_name(HOST),
            b'a' => authority(),
            _ => extension(*last, critical & 1 == 1, value),
        });
        bytes = rest;
    }
    extensions
}

/// Of what webpki takes for a certificate, the same is read as by others.
fn check_reading(bytes: &[u8]) {
    let key = x509::subject_public_key_info(bytes);
    let usages = (x509::may_sign_handshakes(bytes), x509::may_sign_certificates(bytes));
    let der = CertificateDer::from(bytes);
    let Ok(accepted) = EndEntityCert::try_from(&der) else { return };
    assert_eq!(key, Ok(&accepted.subject_public_key_info()[..]), "the key");
    let Ok((_, parsed)) = X509Certificate::from_der(bytes) else { return };
    // It leaves off what stands behind the key within its SEQUENCE.
    assert!(key.is_ok_and(|key| key.starts_with(parsed.public_key().raw)), "the key");
    let Ok(usage) = parsed.key_usage() else { return };
    let expected =
        usage.as_ref().map_or((true, true), |usage| (usage.value.digital_signature(), usage.value.key_cert_sign()));
    let written = parsed.extensions().iter().find(|extension| extension.oid.as_bytes() == [0x55, 0x1d, 0x0f]);
    match usages {
        (Ok(handshakes), Ok(certificates)) => {
            assert_eq!((handshakes, certificates), expected, "the key usage");
            assert!(written.is_none_or(|usage| is_strict(usage.value)), "a key usage that is no DER");
        }
        (Err(_), Err(_)) => {
            assert!(written.is_some_and(|usage| !is_strict(usage.value)), "a right key usage is refused")
        }
        other => panic!("{other:?}"),
    }
}

/// A BIT STRING of at most two bytes, its unused bits zero, which x509-parser does not insist on.
fn is_strict(usage: &[u8]) -> bool {
    let &[3, length, unused @ 0..=7, ref bits @ ..] = usage else { return false };
    let last = bits.last().copied();
    usize::from(length) == bits.len() + 1
        && bits.len() <= 2
        && last.map_or(unused == 0, |last| u32::from(unused) <= last.trailing_zeros())
}

/// An RSA key is read where nothing else would be written of it, and then as by another.
fn check_rsa_key(bytes: &[u8]) {
    let integer = |number: &[u8]| match number {
        [0x80..=0xff, ..] => der(2, &[&[0], number]),
        _ => der(2, &[number]),
    };
    let written = |modulus: &[u8], exponent: &[u8]| der(0x30, &[&integer(modulus), &integer(exponent)]);
    let info =
        der(0x30, &[&[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0], &der(3, &[&[0], bytes])]);
    let theirs = x509_parser::x509::SubjectPublicKeyInfo::from_der(&info).ok().and_then(|(_, info)| {
        let PublicKey::RSA(key) = info.parsed().ok()? else { return None };
        Some((key.modulus.to_vec(), key.exponent.to_vec()))
    });
    let stripped = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
    match (x509::rsa_public_key(bytes), theirs) {
        (Ok((modulus, exponent)), theirs) => {
            assert_eq!(written(modulus, exponent), bytes, "not as it is written");
            let (their_modulus, their_exponent) = theirs.expect("an RSA key that x509-parser refuses");
            assert_eq!((modulus, exponent), (&stripped(&their_modulus)[..], &stripped(&their_exponent)[..]));
        }
        (Err(_), Some((modulus, exponent))) => {
            let (modulus, exponent) = (stripped(&modulus), stripped(&exponent));
            let is_positive = !modulus.is_empty() && !exponent.is_empty();
            assert!(!is_positive || written(&modulus, &exponent) != bytes, "a right RSA key is refused");
        }
        (Err(_), None) => {}
    }
}

/// The verifier accepts what others accept, and no more.
fn check_chain(chain: &[Vec<u8>]) {
    // In one record, and everything that webpki has limits for.
    if chain.iter().map(Vec::len).sum::<usize>() > 12_000 {
        return;
    }
    chain.iter().for_each(|certificate| check_reading(certificate));
    let identity = IDENTITY.with(|identity| *identity);
    let theirs = their_verdict(chain, identity);
    let ours = our_verdict(chain, identity);
    let [leaf, above @ ..] = chain else { return };
    let parsed = X509Certificate::from_der(leaf).ok().map(|(_, leaf)| leaf);
    match ours {
        Ok(()) => {
            theirs.unwrap_or_else(|error| panic!("accepted, but {error}"));
            for issuer in above {
                assert_ne!(usage(issuer), Some((false, false)), "an authority that may not sign");
                assert!(usage(issuer).is_none_or(|(_, certificates)| certificates));
            }
            assert!(usage(leaf).is_none_or(|(handshakes, _)| handshakes));
            if let Some(parsed) = parsed {
                check_accepted(&parsed);
            }
        }
        Err(fault) => {
            assert!(matches!(fault, Fault::Certificate(_)), "{fault:?}");
            // The handshake is signed with the leaf's own key.
            let same_key = x509::subject_public_key_info(leaf) == Ok(&Key::new(3).public()[..]);
            let may = usage(leaf).is_some_and(|(handshakes, _)| handshakes)
                && above.iter().all(|issuer| usage(issuer).is_some_and(|(_, certificates)| certificates));
            assert!(!(theirs.is_ok() && same_key && may), "{fault:?} of a good chain");
        }
    }
}

/// What x509-parser says of an accepted leaf.
fn check_accepted(leaf: &X509Certificate<'_>) {
    let (from, until) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
    assert!((from..=until).contains(&(NOW as i64)), "not valid now");
    assert!(!leaf.is_ca(), "an authority as a server");
    let Ok(Some(names)) = leaf.subject_alternative_name() else { return };
    let is_host = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(name) if name.eq_ignore_ascii_case(HOST) || *name == "*.test");
    assert!(names.value.general_names.iter().any(is_host), "another host");
}

/// Whether a key may sign handshakes and certificates; `None` where x509-parser cannot tell, or it is not written as DER
/// wants it.
fn usage(certificate: &[u8]) -> Option<(bool, bool)> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    x509::may_sign_handshakes(certificate).ok()?;
    let usage = parsed.key_usage().ok()?;
    Some(usage.map_or((true, true), |usage| (usage.value.digital_signature(), usage.value.key_cert_sign())))
}

fn their_verdict(chain: &[Vec<u8>], identity: &Identity) -> Result<(), webpki::Error> {
    let chain: Vec<_> = chain.iter().map(|certificate| CertificateDer::from(&certificate[..])).collect();
    let (leaf, intermediates) = chain.split_first().unwrap();
    let leaf = EndEntityCert::try_from(leaf)?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let roots = [webpki::anchor_from_trusted_cert(&identity.root)?];
    let usage = webpki::KeyUsage::server_auth();
    leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &roots, intermediates, now, usage, None, None)?;
    leaf.verify_is_valid_for_subject_name(&ServerName::try_from(HOST).unwrap())
}

fn our_verdict(chain: &[Vec<u8>], identity: &Identity) -> Result<(), Fault> {
    let wire = Rc::new(RefCell::new(Wire::default()));
    let (mut receive, mut transmit) = (vec![0; RECEIVE], vec![0; TRANSMIT]);
    let buffers = Buffers { receive: &mut receive, transmit: &mut transmit };
    let mut numbers = Numbers::default();
    let anchors = [identity.anchor()];
    let trust = Trust::new(&anchors);
    let mut opening = pin!(open(ClientEnd(Rc::clone(&wire)), HOST, &trust, NOW, &mut numbers, buffers));
    assert!(tls_link::poll(opening.as_mut()).is_pending());
    honest_flight(&wire, identity, chain);
    match tls_link::poll(opening.as_mut()) {
        std::task::Poll::Ready(opened) => opened.map(drop),
        std::task::Poll::Pending => panic!("the handshake is over"),
    }
}
