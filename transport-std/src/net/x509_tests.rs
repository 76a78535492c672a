//! The core's reader of certificates, on certificates that another library made.

use miniwire_core::x509::{Malformed, may_sign_certificates, may_sign_handshakes, subject_public_key_info};
use rcgen::KeyUsagePurpose::{CrlSign, DecipherOnly, DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment};
use rcgen::{CertificateParams, KeyPair, KeyUsagePurpose, PublicKeyData};

fn certificate(usages: &[KeyUsagePurpose], key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.key_usages = usages.to_vec();
    params.self_signed(key).unwrap().der().to_vec()
}

#[test]
fn ctx_08_key_usage_is_read() {
    let key = KeyPair::generate().unwrap();
    for (usages, signature, cert_sign) in [
        (&[][..], true, true),
        (&[DigitalSignature], true, false),
        (&[KeyCertSign], false, true),
        (&[KeyCertSign, CrlSign, DigitalSignature], true, true),
        (&[KeyEncipherment, KeyAgreement], false, false),
        (&[KeyAgreement, DecipherOnly], false, false),
        (&[DigitalSignature, DecipherOnly], true, false),
    ] {
        let certificate = certificate(usages, &key);
        assert_eq!(may_sign_handshakes(&certificate), Ok(signature), "{usages:?}");
        assert_eq!(may_sign_certificates(&certificate), Ok(cert_sign), "{usages:?}");
    }
}

#[test]
fn ctx_08_the_public_key_is_found() {
    let key = KeyPair::generate().unwrap();
    assert_eq!(subject_public_key_info(&certificate(&[], &key)), Ok(&*key.subject_public_key_info()));
}

#[test]
fn ctx_08_malformed_certificates_are_refused_without_a_panic() {
    let whole = certificate(&[DigitalSignature, KeyCertSign], &KeyPair::generate().unwrap());
    for end in 0..whole.len() {
        assert_eq!(may_sign_handshakes(&whole[..end]), Err(Malformed), "cut at {end}");
        assert_eq!(subject_public_key_info(&whole[..end]), Err(Malformed), "cut at {end}");
    }
    // Whatever a changed byte does, the reader comes back.
    for at in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            let _ = may_sign_certificates(&changed);
            let _ = subject_public_key_info(&changed);
        }
    }
}
