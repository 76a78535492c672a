//! What the server of `tls_session` and `x509` is and has: its certificates and keys, and the messages that it makes of them.

use std::cell::RefCell;
use std::rc::Rc;

use miniwire_embassy::tls::{CertificateDer, TrustAnchor, root};
use p256::SecretKey;

use crate::certificates::{Fields, Key, authority, dns_name, validity};
use crate::tls_link::{ServerEnd, Wire};

#[path = "../../transport-embassy/tests/support/forged.rs"]
#[allow(dead_code, reason = "the tests of the transport use the rest")]
pub(crate) mod forged;

use forged::{ENCRYPTED_EXTENSIONS, Forged, HANDSHAKE, HandshakeKey};

/// The host that the client asks for.
pub(crate) const HOST: &str = "a.test";

impl HandshakeKey for Key {
    fn signature(&self, content: &[u8]) -> Vec<u8> {
        self.sign(content)
    }
}

/// What the server has to show.
pub(crate) struct Identity {
    /// The root's certificate.
    pub(crate) root: CertificateDer<'static>,
    pub(crate) key: Key,
    /// Chains that are good, and others.
    pub(crate) good: [Vec<CertificateDer<'static>>; 2],
    pub(crate) bad: Vec<Vec<CertificateDer<'static>>>,
    pub(crate) secret: SecretKey,
    pub(crate) key_share: Vec<u8>,
}

impl Identity {
    fn new() -> Self {
        let (root, between, key) = (Key::new(1), Key::new(2), Key::new(3));
        let of_root = Fields::new("root", "root", &root).with(authority()).signed(&root);
        let of_between = Fields::new("root", "between", &between).with(authority()).signed(&root);
        let leaf = |issuer: &str, host| Fields::new(issuer, "leaf", &key).with(dns_name(host));
        let expired = Fields { validity: validity(b"200101000000Z", b"200201000000Z"), ..leaf("root", HOST) };
        let (good, below) = (leaf("root", HOST).signed(&root), leaf("between", HOST).signed(&between));
        let chain = |chain: &[&Vec<u8>]| chain.iter().map(|der| CertificateDer::from((*der).clone())).collect();
        let secret = SecretKey::from_slice(&[4; 32]).unwrap();
        Self {
            bad: vec![
                Vec::new(),
                chain(&[&expired.signed(&root)]),
                chain(&[&leaf("root", "b.test").signed(&root)]),
                chain(&[&leaf("leaf", HOST).signed(&key)]),
                chain(&[&below]),
                chain(&[&good; 17]),
                chain(&[&of_between, &good]),
                chain(&[&leaf("root", HOST)
                    .with(crate::certificates::extension(15, true, &[3, 2, 5, 0x20]))
                    .signed(&root)]),
                chain(&[&below, &leaf("root", "between").signed(&root)]),
            ],
            good: [chain(&[&good]), chain(&[&below, &of_between])],
            root: CertificateDer::from(of_root),
            key,
            key_share: forged::key_share(&secret),
            secret,
        }
    }

    /// What a client trusts.
    pub(crate) fn anchor(&self) -> TrustAnchor<'_> {
        root(&self.root).unwrap()
    }

    /// A ServerHello that lacks something, or has too much.
    pub(crate) fn wrong_hello(&self, number: usize) -> Vec<u8> {
        let point = &self.key_share[..];
        let share = |group: u8, point: &[u8]| {
            forged::extension(51, &[&[0, group][..], &(point.len() as u16).to_be_bytes(), point].concat())
        };
        let version = forged::extension(43, &[3, 4]);
        let with = |session: &[u8], suite: [u8; 2], extensions: &[&[u8]]| {
            let extensions = extensions.concat();
            let (start, id) = ([&[3, 3][..], &[0x5a; 32]].concat(), [&[session.len() as u8], session].concat());
            let length = (extensions.len() as u16).to_be_bytes();
            forged::message(2, &[&start[..], &id, &suite, &[0], &length, &extensions].concat())
        };
        let aes_128 = [0x13, 1];
        match number {
            0 => with(&[], aes_128, &[&version, &forged::extension(51, &[0, 24])]),
            1 => with(&[], aes_128, &[&version, &share(24, point)]),
            2 => with(&[], aes_128, &[&version, &share(23, &[4; 65])]),
            3 => with(&[], aes_128, &[&version]),
            4 => with(&[7; 32], aes_128, &[&version, &share(23, point)]),
            5 => with(&[], aes_128, &[&share(23, point)]),
            6 => with(&[], aes_128, &[&version, &share(23, point), &forged::extension(41, &[0, 0])]),
            7 => with(&[], [0x13, 2], &[&version, &share(23, point)]),
            8 => with(&[], aes_128, &[&version, &share(23, &[0])]),
            9 => with(&[], aes_128, &[&version, &share(23, point), &share(23, &point[..33])]),
            10 => with(&[], aes_128, &[&version, &share(23, point), &forged::extension(0xfafa, &[1, 2])]),
            _ => with(&[], [0xc0, 0x2f], &[]),
        }
    }
}

thread_local! {
    /// Made once.
    pub(crate) static IDENTITY: &'static Identity = Box::leak(Box::new(Identity::new()));
}

/// The client draws the same key every time.
pub(crate) fn shared_secret(client_hello: &[u8], secret: &SecretKey) -> Vec<u8> {
    thread_local! {
        static KNOWN: RefCell<Option<(Vec<u8>, Vec<u8>)>> = const { RefCell::new(None) };
    }
    KNOWN.with_borrow_mut(|known| {
        if known.as_ref().is_none_or(|(of, _)| of != client_hello) {
            *known = Some((client_hello.to_vec(), forged::shared_secret(client_hello, secret).unwrap()));
        }
        known.as_ref().unwrap().1.clone()
    })
}

/// Everything that an honest server says until the end of the handshake, but with these certificates.
pub(crate) fn honest_flight(wire: &Rc<RefCell<Wire>>, identity: &Identity, chain: &[Vec<u8>]) {
    let mut end = ServerEnd { wire: Rc::clone(wire), read: 0 };
    let client_hello = forged::read_record(&mut end).unwrap();
    let hello = forged::server_hello(&identity.key_share);
    let shared = shared_secret(&client_hello, &identity.secret);
    let mut peer = Forged::agreed(end, &client_hello, &hello, &shared);
    peer.send_raw(&[&[HANDSHAKE, 3, 3, 0, hello.len() as u8][..], &hello].concat());
    let chain: Vec<_> = chain.iter().map(|certificate| CertificateDer::from(&certificate[..])).collect();
    peer.send_messages(&[ENCRYPTED_EXTENSIONS, &forged::certificate(&chain)]);
    let verify = peer.certificate_verify(&identity.key);
    peer.send_messages(&[&verify]);
    let finished = peer.finished();
    peer.send_messages(&[&finished]);
}
