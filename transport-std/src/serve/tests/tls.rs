use std::{io::ErrorKind, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, Error, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use super::*;

type Secure = StreamOwned<ClientConnection, TcpStream>;

/// A connection whose handshake is yet to come, from a client that trusts `root`.
pub(super) fn secure(root: &CertificateDer<'static>, name: &str, address: SocketAddr) -> Secure {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), connect(address))
}

/// What comes of a handshake with a leaf of `SERVER`'s authority.
fn handshake(leaf: &Leaf) -> Result<(), Error> {
    let authority = SERVER.authority();
    let address = SERVER.start_tls_with(authority.issue(leaf).unwrap()).unwrap();
    let mut stream = secure(authority.certificate(), "localhost", address);
    match stream.conn.complete_io(&mut stream.sock) {
        Ok(_) => {
            stream.write_all(request("GET", "/get", "", "").as_bytes()).unwrap();
            assert_eq!(read_one(&mut stream).status(), 200);
            Ok(())
        }
        Err(error) => Err(error.get_ref().unwrap().downcast_ref::<Error>().unwrap().clone()),
    }
}

fn refusal(leaf: &Leaf) -> CertificateError {
    match handshake(leaf) {
        Err(Error::InvalidCertificate(error)) => error,
        other => panic!("{leaf:?}: {other:?}"),
    }
}

#[test]
fn the_authority_is_trusted_by_its_pem_for_every_loopback_name() {
    let root = CertificateDer::from_pem_slice(SERVER.ca_pem().as_bytes()).unwrap();
    assert_eq!(&root, SERVER.authority().certificate());
    for name in ["localhost", "127.0.0.1", "::1"] {
        let mut stream = secure(&root, name, SERVER.https());
        stream.write_all(request("GET", "/get?x", "", "").as_bytes()).unwrap();
        assert_eq!(read_one(&mut stream).json()["url"], "https://test.example/get?x");
    }
}

#[test]
fn good_leaves_are_accepted() {
    handshake(&Leaf::default()).unwrap();
    handshake(&Leaf::default().issued_by(IssuedBy::Intermediate)).unwrap();
    handshake(&Leaf::default().names(&["localhost"])).unwrap();
}

#[test]
fn bad_leaves_are_refused_for_what_is_bad() {
    let leaf = Leaf::default;
    assert!(matches!(refusal(&leaf().valid(Validity::Past)), CertificateError::ExpiredContext { .. }));
    assert!(matches!(refusal(&leaf().valid(Validity::Future)), CertificateError::NotValidYetContext { .. }));
    let other = leaf().names(&["other.example"]);
    assert!(matches!(refusal(&other), CertificateError::NotValidForNameContext { .. }));
    assert!(matches!(refusal(&leaf().client_only()), CertificateError::InvalidPurposeContext { .. }));
    for issuer in [IssuedBy::UnknownRoot, IssuedBy::Itself] {
        assert_eq!(refusal(&leaf().issued_by(issuer)), CertificateError::UnknownIssuer, "{issuer:?}");
    }
    let other = |leaf: &Leaf| match refusal(leaf) {
        CertificateError::Other(error) => error.to_string(),
        refused => panic!("{refused:?}"),
    };
    assert_eq!(other(&leaf().issued_by(IssuedBy::EndEntity)), "EndEntityUsedAsCa");
    assert_eq!(other(&leaf().issued_by(IssuedBy::NameConstrained)), "NameConstraintViolation");
}

/// So the check of keyUsage that CTX-08 asks for is for the client to make.
#[test]
fn rustls_accepts_an_issuer_that_may_not_sign_certificates() {
    handshake(&Leaf::default().issued_by(IssuedBy::WithoutCertSign)).unwrap();
}

#[test]
fn a_key_that_is_not_the_leafs_is_not_served() {
    let authority = Authority::new().unwrap();
    let (one, two) = (authority.issue(&Leaf::default()).unwrap(), authority.issue(&Leaf::default()).unwrap());
    assert!(SERVER.start_tls_with(Identity { chain: one.chain, key: two.key }).is_err());
    assert!(authority.issue(&Leaf::default().names(&["no name, but text: ü"])).is_err());
}

#[test]
fn answers_past_hyper_go_through_tls_and_end_as_asked_for() {
    let root = SERVER.authority().certificate();
    let read_all = |path: &str| {
        let mut stream = secure(root, "localhost", SERVER.https());
        stream.write_all(request("GET", path, "", "").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(|error| error.kind()).map(|_| answer)
    };
    assert!(read_all("/malformed/chunk-plus").unwrap().ends_with(b"\r\n+3\r\nok\n\r\n0\r\n\r\n"));
    assert!(read_all("/close").unwrap().ends_with(b"until the end\n"));
    assert_eq!(read_all("/kill").unwrap(), b"");
    // Without close_notify, rustls calls it unexpected.
    assert_eq!(read_all("/close?end=cut"), Err(ErrorKind::UnexpectedEof));
    assert_eq!(read_all("/reset"), Err(ErrorKind::ConnectionReset));

    let mut stream = secure(root, "localhost", SERVER.https());
    for _ in 0..2 {
        stream.write_all(b"GET /big-head/200 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!(read_one(&mut stream).body, b"ok\n");
    }
}

#[test]
fn the_two_ports_do_not_speak_each_others_language() {
    let mut plain = connect(SERVER.https());
    plain.write_all(request("GET", "/get", "", "").as_bytes()).unwrap();
    let mut answer = Vec::new();
    // It may end with a reset; it is not HTTP in any case.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"));
    let mut stream = secure(SERVER.authority().certificate(), "localhost", SERVER.http());
    assert!(stream.conn.complete_io(&mut stream.sock).is_err());
}
