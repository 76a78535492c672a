//! AES-128-GCM that looks at what it has decrypted before embedded-tls does.
//!
//! embedded-tls takes its cipher as a type, so this is the one place outside it that sees plaintext records. It panics on
//! an empty one, and on any handshake message after the handshake that is not a session ticket (`unimplemented!`); those
//! end here as records that do not decrypt. A whole record of session tickets, which nobody uses, is replaced by empty
//! application data: its parser does not get to see them.

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::consts::{U0, U12, U16, U54};
use aes_gcm::aead::{AeadCore, AeadInPlace, Buffer, Error, Key, KeyInit, KeySizeUser, Nonce, Tag};
use embedded_tls::TlsCipherSuite;
use sha2::Sha256;

/// TLS_AES_128_GCM_SHA256, which every server of TLS 1.3 must have (RFC 8446 section 9.1).
pub(super) struct Suite;

impl TlsCipherSuite for Suite {
    const CODE_POINT: u16 = 0x1301;
    type Cipher = Cipher;
    type KeyLen = U16;
    type IvLen = U12;
    type Hash = Sha256;
    /// The hash, and 22 bytes of label and lengths.
    type LabelBufferSize = U54;
}

/// The version in the header of a record as embedded-tls gets to see it: the guard below it knows whether the handshake
/// is over, and this is how the cipher learns it. embedded-tls itself does not look at the version.
pub(super) const IN_HANDSHAKE: [u8; 2] = VERSION;
/// See [`IN_HANDSHAKE`].
pub(super) const AFTER_HANDSHAKE: [u8; 2] = [0x03, 0xff];
/// legacy_record_version (RFC 8446 section 5.1).
pub(super) const VERSION: [u8; 2] = [0x03, 0x03];

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

const NEW_SESSION_TICKET: u8 = 4;

/// The longest TLSInnerPlaintext (RFC 8446 section 5.4).
const LONGEST_INNER: usize = (1 << 14) + 1;

pub(super) struct Cipher(Aes128Gcm);

impl KeySizeUser for Cipher {
    type KeySize = <Aes128Gcm as KeySizeUser>::KeySize;
}

impl KeyInit for Cipher {
    fn new(key: &Key<Self>) -> Self {
        Self(Aes128Gcm::new(key))
    }
}

impl AeadCore for Cipher {
    type NonceSize = U12;
    type TagSize = U16;
    type CiphertextOverhead = U0;
}

impl AeadInPlace for Cipher {
    fn encrypt_in_place_detached(
        &self,
        nonce: &Nonce<Self>,
        header: &[u8],
        buffer: &mut [u8],
    ) -> Result<Tag<Self>, Error> {
        self.0.encrypt_in_place_detached(nonce, header, buffer)
    }

    fn decrypt_in_place(&self, nonce: &Nonce<Self>, header: &[u8], buffer: &mut dyn Buffer) -> Result<(), Error> {
        let &[kind, major, minor, high, low] = header else { return Err(Error) };
        let [true_major, true_minor] = VERSION;
        self.0.decrypt_in_place(nonce, &[kind, true_major, true_minor, high, low], buffer)?;
        match [major, minor] {
            IN_HANDSHAKE => check_in_handshake(buffer.as_ref()),
            AFTER_HANDSHAKE => check_after_handshake(buffer),
            _ => Err(Error),
        }
    }

    fn decrypt_in_place_detached(&self, _: &Nonce<Self>, _: &[u8], _: &mut [u8], _: &Tag<Self>) -> Result<(), Error> {
        // Would be a way around the checks; embedded-tls does not call it.
        Err(Error)
    }
}

fn check_in_handshake(inner: &[u8]) -> Result<(), Error> {
    match split(inner)? {
        (HANDSHAKE, messages) => whole_messages(messages, |_| true),
        (ALERT, [_, _]) => Ok(()),
        _ => Err(Error),
    }
}

fn check_after_handshake(buffer: &mut dyn Buffer) -> Result<(), Error> {
    match split(buffer.as_ref())? {
        (APPLICATION_DATA, _) | (ALERT, [_, _]) => Ok(()),
        (HANDSHAKE, messages) => {
            whole_messages(messages, |kind| kind == NEW_SESSION_TICKET)?;
            if let Some(first) = buffer.as_mut().first_mut() {
                *first = APPLICATION_DATA;
            }
            buffer.truncate(1);
            Ok(())
        }
        _ => Err(Error),
    }
}

/// The content type and the content of a TLSInnerPlaintext (RFC 8446 section 5.4).
fn split(inner: &[u8]) -> Result<(u8, &[u8]), Error> {
    if inner.len() > LONGEST_INNER {
        return Err(Error);
    }
    let end = inner.iter().rposition(|&byte| byte != 0).ok_or(Error)?;
    let (content, rest) = inner.split_at_checked(end).ok_or(Error)?;
    Ok((*rest.first().ok_or(Error)?, content))
}

/// Whether a record is one or more handshake messages, each complete and of a kind that is wanted. embedded-tls does not
/// put together what is spread over records.
fn whole_messages(mut messages: &[u8], wanted: impl Fn(u8) -> bool) -> Result<(), Error> {
    loop {
        let &[kind, high, middle, low, ref rest @ ..] = messages else { return Err(Error) };
        let length = u32::from_be_bytes([0, high, middle, low]);
        let (_, rest) = rest.split_at_checked(usize::try_from(length).unwrap_or(usize::MAX)).ok_or(Error)?;
        if !wanted(kind) {
            return Err(Error);
        }
        if rest.is_empty() {
            return Ok(());
        }
        messages = rest;
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const KEY: [u8; 16] = [7; 16];
    const NONCE: [u8; 12] = [9; 12];

    struct Bytes(Vec<u8>);

    impl AsRef<[u8]> for Bytes {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl AsMut<[u8]> for Bytes {
        fn as_mut(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }

    impl Buffer for Bytes {
        fn extend_from_slice(&mut self, more: &[u8]) -> Result<(), Error> {
            self.0.extend_from_slice(more);
            Ok(())
        }

        fn truncate(&mut self, length: usize) {
            self.0.truncate(length);
        }
    }

    /// What comes of a record with this inner plaintext.
    fn opened(inner: &[u8], marker: [u8; 2]) -> Option<Vec<u8>> {
        let [high, low] = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
        let mut record = Bytes(inner.to_vec());
        let cipher = Cipher::new(&KEY.into());
        cipher.encrypt_in_place(&NONCE.into(), &[23, 3, 3, high, low], &mut record).unwrap();
        let header = [23, marker[0], marker[1], high, low];
        cipher.decrypt_in_place(&NONCE.into(), &header, &mut record).ok().map(|()| record.0)
    }

    #[test]
    fn ctx_08_an_inner_plaintext_without_a_type_does_not_decrypt() {
        for marker in [IN_HANDSHAKE, AFTER_HANDSHAKE] {
            for empty in [&[][..], &[0], &[0; 300]] {
                assert_eq!(opened(empty, marker), None);
            }
        }
    }

    #[test]
    fn ctx_08_after_the_handshake_only_data_alerts_and_tickets() {
        let after = |inner: &[u8]| opened(inner, AFTER_HANDSHAKE);
        assert_eq!(after(b"hello\x17").as_deref(), Some(&b"hello\x17"[..]));
        assert_eq!(after(b"\x17\0\0").as_deref(), Some(&b"\x17\0\0"[..]));
        assert_eq!(after(&[1, 0, ALERT]).as_deref(), Some(&[1, 0, ALERT][..]));
        assert_eq!(after(&[1, ALERT]), None);
        let ticket = [4, 0, 0, 1, 0xaa];
        assert_eq!(after(&[&ticket[..], &[22]].concat()).as_deref(), Some(&[23][..]));
        assert_eq!(after(&[&ticket[..], &ticket, &[22, 0]].concat()).as_deref(), Some(&[23][..]));
        for kind in (0..=255).filter(|kind| *kind != 4) {
            assert_eq!(after(&[kind, 0, 0, 0, 22]), None, "{kind}");
            assert_eq!(after(&[&ticket[..], &[kind, 0, 0, 0, 22]].concat()), None, "{kind} after a ticket");
        }
        for kind in (1..=255).filter(|kind| ![21, 22, 23].contains(kind)) {
            assert_eq!(after(&[1, 2, kind]), None, "{kind}");
        }
    }

    #[test]
    fn ctx_08_a_handshake_message_in_pieces_does_not_decrypt() {
        let message = [8, 0, 0, 2, 0, 0];
        let during = |content: &[u8]| opened(&[content, &[22]].concat(), IN_HANDSHAKE);
        assert!(during(&message).is_some());
        assert!(during(&message.repeat(2)).is_some());
        for end in 0..message.len() {
            assert_eq!(during(&message[..end]), None);
            assert_eq!(during(&[&message[..], &message[..end]].concat()).is_some(), end == 0);
        }
        assert_eq!(opened(b"early\x17", IN_HANDSHAKE), None);
    }

    #[test]
    fn ctx_08_an_inner_plaintext_is_not_longer_than_the_limit() {
        let mut inner = std::vec![1; LONGEST_INNER - 1];
        inner.push(23);
        assert!(opened(&inner, AFTER_HANDSHAKE).is_some());
        inner.push(0);
        assert_eq!(opened(&inner, AFTER_HANDSHAKE), None);
    }
}
