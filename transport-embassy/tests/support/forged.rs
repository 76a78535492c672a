//! A server of TLS 1.3 that does what its script says, right or wrong: just enough of RFC 8446 for a client to follow.
//!
//! The fuzz target `tls_session` uses it, too, over a stream of its own.

use std::io::{Read, Write};
use std::net::TcpStream;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use miniwire_embassy::tls::CertificateDer;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{PublicKey, SecretKey};
use sha2::{Digest, Sha256};

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;

/// EncryptedExtensions without any.
pub(crate) const ENCRYPTED_EXTENSIONS: &[u8] = &[8, 0, 0, 2, 0, 0];
/// CertificateRequest with an empty context, for ECDSA over P-256.
pub(crate) const CERTIFICATE_REQUEST: &[u8] = &[13, 0, 0, 11, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3];
/// NewSessionTicket: lifetime, age, nonce, ticket, no extensions.
pub(crate) const NEW_SESSION_TICKET: &[u8] = &[4, 0, 0, 15, 0, 0, 1, 0, 0, 0, 0, 0, 1, 9, 0, 1, 7, 0, 0];
/// HelloRequest of TLS 1.2, by which a server asks to negotiate anew.
pub(crate) const HELLO_REQUEST: &[u8] = &[0, 0, 0, 0];
/// KeyUpdate, update_not_requested.
pub(crate) const KEY_UPDATE: &[u8] = &[24, 0, 0, 1, 0];
pub(crate) const CLOSE_NOTIFY: &[u8] = &[1, 0];

/// What signs a handshake: with ECDSA over P-256 and SHA-256, unless the script says otherwise.
pub(crate) trait HandshakeKey {
    /// The signature of this, in DER.
    fn signature(&self, content: &[u8]) -> Vec<u8>;
}

/// The keys of one direction.
pub(crate) struct Keys {
    secret: [u8; 32],
    cipher: Aes128Gcm,
    iv: [u8; 12],
    counter: u64,
}

impl Keys {
    fn new(secret: [u8; 32]) -> Self {
        let (key, iv): ([u8; 16], [u8; 12]) = (expand(&secret, "key", &[]), expand(&secret, "iv", &[]));
        Self { secret, cipher: Aes128Gcm::new(&key.into()), iv, counter: 0 }
    }

    /// The record with this TLSInnerPlaintext.
    pub(crate) fn seal(&mut self, inner: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, high, low];
        let payload = Payload { msg: inner, aad: &header };
        let nonce = self.nonce();
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce), payload).unwrap();
        [&header[..], &sealed].concat()
    }

    /// The content type and the content of a record, which is not padded; `None` where it is not the next one.
    pub(crate) fn open(&mut self, sealed: &[u8]) -> Option<(u8, Vec<u8>)> {
        let [high, low] = u16::try_from(sealed.len()).unwrap().to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, high, low];
        let payload = Payload { msg: sealed, aad: &header };
        let nonce = self.nonce();
        let mut inner = self.cipher.decrypt(Nonce::from_slice(&nonce), payload).ok()?;
        let kind = inner.pop()?;
        Some((kind, inner))
    }

    /// The Finished message of who sends with these, after this transcript.
    pub(crate) fn finished(&self, transcript: &[u8]) -> Vec<u8> {
        let key: [u8; 32] = expand(&self.secret, "finished", &[]);
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&key).unwrap();
        mac.update(&Sha256::digest(transcript));
        message(20, &mac.finalize().into_bytes())
    }

    fn nonce(&mut self) -> [u8; 12] {
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(self.counter.to_be_bytes()).for_each(|(byte, count)| *byte ^= count);
        self.counter += 1;
        nonce
    }
}

/// One connection, after ServerHello.
pub(crate) struct Forged<S = TcpStream> {
    pub(crate) stream: S,
    /// Every handshake message so far.
    pub(crate) transcript: Vec<u8>,
    handshake_secret: [u8; 32],
    pub(crate) ours: Keys,
    pub(crate) theirs: Keys,
}

impl<S: Read + Write> Forged<S> {
    /// Reads ClientHello and sends ServerHello; `None` where the client has gone.
    pub(crate) fn hello(mut stream: S, secret: &SecretKey) -> Option<Self> {
        let client_hello = read_record(&mut stream)?;
        let hello = server_hello(&key_share(secret));
        stream.write_all(&[&[HANDSHAKE, 3, 3, 0, u8::try_from(hello.len()).unwrap()][..], &hello].concat()).ok()?;
        let shared = shared_secret(&client_hello, secret)?;
        Some(Self::agreed(stream, &client_hello, &hello, &shared))
    }

    /// The connection after these two messages.
    pub(crate) fn agreed(stream: S, client_hello: &[u8], server_hello: &[u8], shared: &[u8]) -> Self {
        let transcript = [client_hello, server_hello].concat();
        let early = extract(&[0; 32], &[0; 32]);
        let handshake_secret = extract(&derived(&early), shared);
        let hash = Sha256::digest(&transcript);
        Self {
            stream,
            ours: Keys::new(expand(&handshake_secret, "s hs traffic", &hash)),
            theirs: Keys::new(expand(&handshake_secret, "c hs traffic", &hash)),
            transcript,
            handshake_secret,
        }
    }

    /// A whole handshake as it should be; `None` where the client has gone.
    pub(crate) fn honest(
        stream: S,
        secret: &SecretKey,
        chain: &[CertificateDer<'_>],
        key: &impl HandshakeKey,
    ) -> Option<Self> {
        let mut server = Self::hello(stream, secret)?;
        server.send_messages(&[ENCRYPTED_EXTENSIONS, &certificate(chain)]);
        let verify = server.certificate_verify(key);
        server.send_messages(&[&verify]);
        server.finish()?;
        Some(server)
    }

    /// Sends handshake messages in one record.
    pub(crate) fn send_messages(&mut self, messages: &[&[u8]]) {
        self.transcript.extend(messages.concat());
        self.send(HANDSHAKE, &messages.concat());
    }

    /// What the server signs now, signed with `key`.
    pub(crate) fn certificate_verify(&self, key: &impl HandshakeKey) -> Vec<u8> {
        let signature = key.signature(&signed_content(b"server", &Sha256::digest(&self.transcript)));
        let length = u16::try_from(signature.len()).unwrap().to_be_bytes();
        message(15, &[&[4, 3][..], &length, &signature].concat())
    }

    pub(crate) fn finished(&self) -> Vec<u8> {
        self.ours.finished(&self.transcript)
    }

    /// Sends Finished, takes the keys for data, and reads what the client says to end the handshake.
    pub(crate) fn finish(&mut self) -> Option<()> {
        let finished = self.finished();
        self.send_messages(&[&finished]);
        let theirs = self.take_data_keys();
        // Its Finished, and before that its Certificate where it was asked for one.
        loop {
            let (kind, said) = self.receive()?;
            if (kind, said.first()) == (HANDSHAKE, Some(&20)) {
                break;
            }
        }
        self.theirs = theirs;
        Some(())
    }

    /// From now on the server sends with the keys for data. The client's are returned: it takes them after its Finished.
    pub(crate) fn take_data_keys(&mut self) -> Keys {
        let master = extract(&derived(&self.handshake_secret), &[0; 32]);
        let hash = Sha256::digest(&self.transcript);
        self.ours = Keys::new(expand(&master, "s ap traffic", &hash));
        Keys::new(expand(&master, "c ap traffic", &hash))
    }

    /// Sends one encrypted record.
    pub(crate) fn send(&mut self, kind: u8, content: &[u8]) {
        self.send_inner(&[content, &[kind]].concat());
    }

    /// Sends one encrypted record with exactly this inside.
    pub(crate) fn send_inner(&mut self, inner: &[u8]) {
        let record = self.ours.seal(inner);
        self.send_raw(&record);
    }

    /// Sends bytes as they are. A client that has gone is no matter.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The content type and the content of the client's next record; `None` where it has gone.
    pub(crate) fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let sealed = read_record(&mut self.stream)?;
        self.theirs.open(&sealed)
    }

    /// Waits until the client has gone.
    pub(crate) fn wait(mut self) {
        while self.stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
    }
}

/// The point that a server's key_share has.
pub(crate) fn key_share(secret: &SecretKey) -> Vec<u8> {
    secret.public_key().to_encoded_point(false).as_bytes().to_vec()
}

/// The ServerHello message.
pub(crate) fn server_hello(key_share: &[u8]) -> Vec<u8> {
    let length = u16::try_from(key_share.len()).unwrap();
    let of_share = [&[0, 23][..], &length.to_be_bytes(), key_share].concat();
    let extensions = [extension(43, &[3, 4]), extension(51, &of_share)].concat();
    // No session id; TLS_AES_128_GCM_SHA256; no compression.
    let before = [&[3, 3][..], &[0x5a; 32], &[0, 0x13, 1, 0]].concat();
    message(2, &[&before[..], &u16::try_from(extensions.len()).unwrap().to_be_bytes(), &extensions].concat())
}

/// An extension of this type.
pub(crate) fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
}

/// What the two have in common.
pub(crate) fn shared_secret(client_hello: &[u8], secret: &SecretKey) -> Option<Vec<u8>> {
    let key_share = client_hello.windows(6).position(|bytes| bytes == [0, 51, 0, 71, 0, 69])? + 10;
    let client_key = PublicKey::from_sec1_bytes(client_hello.get(key_share..key_share + 65)?).ok()?;
    let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), client_key.as_affine());
    Some(shared.raw_secret_bytes().to_vec())
}

/// What `who` signs (RFC 8446 section 4.4.3).
pub(crate) fn signed_content(who: &[u8], hash: &[u8]) -> Vec<u8> {
    [&[b' '; 64][..], b"TLS 1.3, ", who, b" CertificateVerify\0", hash].concat()
}

/// The Certificate message.
pub(crate) fn certificate(chain: &[CertificateDer<'_>]) -> Vec<u8> {
    let mut entries = Vec::new();
    for certificate in chain {
        entries.extend(&u32::try_from(certificate.len()).unwrap().to_be_bytes()[1..]);
        entries.extend(certificate.iter());
        entries.extend([0, 0]);
    }
    let length = u32::try_from(entries.len()).unwrap().to_be_bytes();
    message(11, &[&[0][..], &length[1..], &entries].concat())
}

/// A handshake message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    message[0] = kind;
    message.extend(body);
    message
}

pub(crate) fn read_record(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).ok()?;
    let mut body = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn extract(salt: &[u8], secret: &[u8]) -> [u8; 32] {
    Hkdf::<Sha256>::extract(Some(salt), secret).0.into()
}

fn derived(secret: &[u8; 32]) -> [u8; 32] {
    expand(secret, "derived", &Sha256::digest([]))
}

fn expand<const N: usize>(secret: &[u8; 32], label: &str, context: &[u8]) -> [u8; N] {
    let label = format!("tls13 {label}");
    let mut info = u16::try_from(N).unwrap().to_be_bytes().to_vec();
    info.push(u8::try_from(label.len()).unwrap());
    info.extend(label.as_bytes());
    info.push(u8::try_from(context.len()).unwrap());
    info.extend(context);
    let mut out = [0; N];
    Hkdf::<Sha256>::from_prk(secret).unwrap().expand(&info, &mut out).unwrap();
    out
}
