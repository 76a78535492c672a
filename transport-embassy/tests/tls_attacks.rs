//! What a hostile server, or somebody on the path to a good one, may try: nothing of it is believed, and nothing of it
//! makes the client panic (CTX-08).

mod support;

use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use embedded_io::ErrorKind;
use embedded_io_async::{Read, Write as _};
use miniwire_core::reason::{CertificateFault, Fault};
use rcgen::KeyPair;

use support::forged::*;
use support::*;

/// A client of a server that follows `script`, having a good identity for a.test at hand.
fn verdict(script: impl Fn(Forged, &Identity) + Send + Sync + 'static) -> Result<(), Fault> {
    let root = Signer::root(authority("root"));
    let identity = root.identity(&leaf(&["a.test"]), &[]);
    let address = serve(move |stream| {
        if let Some(server) = forged_hello(stream) {
            script(server, &identity);
        }
    });
    Client::trusting(&[&root]).verdict(address, "a.test")
}

/// What a client reads from a server that is good until the handshake is over and then follows `script`: the bytes, and
/// how they end.
fn read_after(script: impl Fn(Forged) + Send + Sync + 'static) -> (Vec<u8>, Result<(), ErrorKind>) {
    let root = Signer::root(authority("root"));
    let identity = root.identity(&leaf(&["a.test"]), &[]);
    let address = serve(move |stream| {
        if let Some(server) = forged_honest(stream, &identity) {
            script(server);
        }
    });
    let mut session = Client::trusting(&[&root]).connect(address, "a.test").unwrap();
    let (mut read, mut buf) = (Vec::new(), [0; 100]);
    loop {
        match block_on(session.read(&mut buf)) {
            Ok(0) => return (read, Ok(())),
            Ok(n) => read.extend(&buf[..n]),
            Err(error) => {
                // Broken once is broken for good.
                assert_eq!(block_on(session.read(&mut buf)), Err(ErrorKind::NotConnected));
                assert_eq!(block_on(session.write(b"x")), Err(ErrorKind::NotConnected));
                return (read, Err(error));
            }
        }
    }
}

#[test]
fn ctx_08_the_forged_server_can_be_honest() {
    let (read, end) = read_after(|mut server| {
        server.send(APPLICATION_DATA, b"hello, ");
        server.send(APPLICATION_DATA, b"");
        server.send_inner(b"world\x17\0\0\0");
        server.send(ALERT, CLOSE_NOTIFY);
        server.wait();
    });
    assert_eq!((&read[..], end), (&b"hello, world"[..], Ok(())));
}

#[test]
fn ctx_08_a_server_without_certificate() {
    let verdict = verdict(|mut server, _| {
        server.send_messages(&[ENCRYPTED_EXTENSIONS]);
        if server.finish().is_some() {
            // The handshake looked good to embedded-tls. Nothing of the caller's may follow.
            assert_eq!(server.receive(), None);
        }
    });
    assert_eq!(verdict, bad(CertificateFault::Invalid));
}

#[test]
fn ctx_08_a_server_without_certificate_verify() {
    let (sent, received) = channel();
    let sent = Mutex::new(sent);
    let verdict = verdict(move |mut server, identity| {
        server.send_messages(&[ENCRYPTED_EXTENSIONS, &certificate(&identity.chain)]);
        let finished = server.finish().is_some();
        sent.lock().unwrap().send((finished, server.receive())).unwrap();
    });
    assert_eq!(verdict, bad(CertificateFault::Invalid));
    assert_eq!(received.recv().unwrap(), (true, None), "no request came");
}

#[test]
fn ctx_08_a_certificate_copied_from_another_server() {
    let verdict = verdict(|mut server, identity| {
        server.send_messages(&[ENCRYPTED_EXTENSIONS, &certificate(&identity.chain)]);
        let verify = server.certificate_verify(&KeyPair::generate().unwrap());
        server.send_messages(&[&verify]);
        server.finish();
    });
    assert_eq!(verdict, bad(CertificateFault::Invalid));
}

#[test]
fn ctx_08_a_signature_of_another_handshake() {
    let verdict = verdict(|mut server, identity| {
        let early = server.certificate_verify(&identity.key);
        server.send_messages(&[ENCRYPTED_EXTENSIONS, &certificate(&identity.chain)]);
        server.send_messages(&[&early]);
        server.finish();
    });
    assert_eq!(verdict, bad(CertificateFault::Invalid));
}

#[test]
fn ctx_08_a_signature_without_a_certificate() {
    let verdict = verdict(|mut server, identity| {
        server.send_messages(&[ENCRYPTED_EXTENSIONS]);
        let verify = server.certificate_verify(&identity.key);
        server.send_messages(&[&verify]);
        server.finish();
    });
    assert_eq!(verdict, bad(CertificateFault::Invalid));
}

/// What a client makes of a good handshake with something put in before one of its messages, or of Finished.
fn verdict_with(step: usize, kind: u8, put: &'static [u8]) -> Result<(), Fault> {
    verdict(move |mut server, identity| {
        let put_in = |server: &mut Forged, now: usize| match kind {
            _ if now != step => {}
            // As if it belonged there: what comes after it is made of it.
            HANDSHAKE => server.send_messages(&[put]),
            _ => server.send(kind, put),
        };
        put_in(&mut server, 0);
        server.send_messages(&[ENCRYPTED_EXTENSIONS]);
        put_in(&mut server, 1);
        server.send_messages(&[&certificate(&identity.chain)]);
        put_in(&mut server, 2);
        let verify = server.certificate_verify(&identity.key);
        server.send_messages(&[&verify]);
        put_in(&mut server, 3);
        server.finish();
        server.wait();
    })
}

#[test]
fn ctx_08_an_alert_at_each_step_ends_the_handshake() {
    for step in 0..4 {
        for alert in [&[2, 0], &[2, 40], &[2, 80], CLOSE_NOTIFY, &[1, 90], &[1, 100], &[9, 9]] {
            assert_eq!(verdict_with(step, ALERT, alert), Err(Fault::Tls), "{alert:?} at {step}");
        }
        assert_eq!(verdict_with(step, APPLICATION_DATA, b"early"), Err(Fault::Tls), "data at {step}");
    }
}

#[test]
fn ctx_08_to_begin_anew_within_the_handshake_is_refused() {
    let hello_retry: &[u8] = &[2, 0, 0, 4, 3, 3, 0, 0];
    for step in 0..4 {
        for put in [HELLO_REQUEST, KEY_UPDATE, NEW_SESSION_TICKET, hello_retry, &[5, 0, 0, 0], &[254, 0, 0, 0]] {
            assert_eq!(verdict_with(step, HANDSHAKE, put), Err(Fault::Tls), "{put:?} at {step}");
        }
    }
    assert_eq!(verdict_with(2, HANDSHAKE, CERTIFICATE_REQUEST), bad(CertificateFault::Invalid));
}

#[test]
fn ctx_08_what_a_server_that_is_proved_says_out_of_order_is_of_no_consequence() {
    // Behind the signature; Finished vouches for it. RFC 8446 section 4.4 would have it refused, embedded-tls does not.
    assert_eq!(verdict_with(3, HANDSHAKE, CERTIFICATE_REQUEST), GOOD);
    assert_eq!(verdict_with(3, HANDSHAKE, ENCRYPTED_EXTENSIONS), GOOD);
    let without_extensions = verdict(|mut server, identity| {
        server.send_messages(&[&certificate(&identity.chain)]);
        let verify = server.certificate_verify(&identity.key);
        server.send_messages(&[&verify]);
        server.finish();
        server.wait();
    });
    assert_eq!(without_extensions, GOOD);
}

#[test]
fn ctx_08_a_second_certificate() {
    // Proved with the one, spoken for by the other.
    for before_the_signature in [true, false] {
        let verdict = verdict(move |mut server, identity| {
            let message = certificate(&identity.chain);
            server.send_messages(&[ENCRYPTED_EXTENSIONS, &message]);
            if before_the_signature {
                server.send_messages(&[&message]);
            }
            let verify = server.certificate_verify(&identity.key);
            server.send_messages(&[&verify]);
            if !before_the_signature {
                server.send_messages(&[&message]);
            }
            server.finish();
        });
        assert_eq!(verdict, bad(CertificateFault::Invalid));
    }
}

#[test]
fn ctx_08_an_empty_certificate_message() {
    let verdict = verdict(|mut server, identity| {
        server.send_messages(&[ENCRYPTED_EXTENSIONS, &certificate(&[])]);
        let verify = server.certificate_verify(&identity.key);
        server.send_messages(&[&verify]);
        server.finish();
    });
    assert_eq!(verdict, bad(CertificateFault::Invalid));
}

#[test]
fn ctx_08_a_wrong_finished() {
    let verdict = verdict(|mut server, identity| {
        server.send_messages(&[ENCRYPTED_EXTENSIONS, &certificate(&identity.chain)]);
        let verify = server.certificate_verify(&identity.key);
        server.send_messages(&[&verify]);
        server.send_messages(&[&message(20, &[0; 32])]);
        server.wait();
    });
    assert_eq!(verdict, Err(Fault::Tls));
}

#[test]
fn ctx_08_a_server_that_asks_for_a_certificate_gets_an_empty_one() {
    let verdict = verdict(|mut server, identity| {
        server.send_messages(&[ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST, &certificate(&identity.chain)]);
        let verify = server.certificate_verify(&identity.key);
        server.send_messages(&[&verify]);
        let finished = server.finished();
        server.send_messages(&[&finished]);
        assert_eq!(server.receive(), Some((HANDSHAKE, vec![11, 0, 0, 4, 0, 0, 0, 0])));
        server.wait();
    });
    assert_eq!(verdict, GOOD);
}

#[test]
fn ctx_08_an_empty_record_in_the_handshake() {
    for inner in [&[][..], &[0; 5], &[HANDSHAKE], &[ALERT], &[APPLICATION_DATA], &[1, 2, 3, 99]] {
        let verdict = verdict(move |mut server, _| {
            server.send_inner(inner);
            server.wait();
        });
        assert_eq!(verdict, Err(Fault::Tls), "{inner:?}");
    }
}

#[test]
fn ctx_08_an_empty_record_after_the_handshake() {
    for inner in [&[][..], &[0; 5], &[HANDSHAKE], &[ALERT], &[1, 2, 3, 99]] {
        let (read, end) = read_after(move |mut server| {
            server.send(APPLICATION_DATA, b"before");
            server.send_inner(inner);
            server.wait();
        });
        assert_eq!((&read[..], end), (&b"before"[..], Err(ErrorKind::InvalidData)), "{inner:?}");
    }
}

#[test]
fn ctx_08_a_handshake_message_after_the_handshake_is_no_panic() {
    let (asked, update) = (CERTIFICATE_REQUEST, KEY_UPDATE);
    let hidden = [&[4, 0, 0, 30][..], &NEW_SESSION_TICKET[4..], CERTIFICATE_REQUEST].concat();
    let beside = [NEW_SESSION_TICKET, CERTIFICATE_REQUEST].concat();
    let (asks_back, finished) = ([24, 0, 0, 1, 1], message(20, &[0; 32]));
    let messages = [asked, update, ENCRYPTED_EXTENSIONS, &hidden[..19], &beside, &[4, 0, 0], &certificate(&[])];
    for message in messages.into_iter().chain([HELLO_REQUEST, &asks_back, &finished]) {
        let message = message.to_vec();
        let shown = message.clone();
        let (read, end) = read_after(move |mut server| {
            server.send(HANDSHAKE, &message);
            server.send(APPLICATION_DATA, b"after");
            server.wait();
        });
        assert_eq!((&read[..], end), (&b""[..], Err(ErrorKind::InvalidData)), "{shown:?}");
    }
}

#[test]
fn ctx_08_session_tickets_are_passed_over() {
    // The second claims more than a ticket is: embedded-tls would read a CertificateRequest in it.
    let mut hidden = message(4, &[&NEW_SESSION_TICKET[4..], CERTIFICATE_REQUEST].concat());
    hidden.extend(NEW_SESSION_TICKET);
    let (read, end) = read_after(move |mut server| {
        server.send(HANDSHAKE, NEW_SESSION_TICKET);
        server.send(APPLICATION_DATA, b"one, ");
        server.send(HANDSHAKE, &hidden);
        server.send(APPLICATION_DATA, b"two");
        server.send(ALERT, CLOSE_NOTIFY);
        server.wait();
    });
    assert_eq!((&read[..], end), (&b"one, two"[..], Ok(())));
}

#[test]
fn ctx_08_plaintext_after_the_handshake() {
    let alert = [ALERT, 3, 3, 0, 2, 1, 0];
    let fatal = [ALERT, 3, 3, 0, 2, 2, 40];
    let handshake = [&[HANDSHAKE, 3, 3, 0, 15][..], CERTIFICATE_REQUEST].concat();
    let changed = [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1];
    let short = [APPLICATION_DATA, 3, 3, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let nothing = [APPLICATION_DATA, 3, 3, 0, 0];
    let long = [APPLICATION_DATA, 3, 3, 0x41, 0x01];
    let unknown = [24, 3, 3, 0, 20];
    let other = [APPLICATION_DATA, 3, 4, 0, 20];
    let cases: [&[u8]; 9] = [&alert, &fatal, &handshake, &changed, &short, &nothing, &long, &unknown, &other];
    for bytes in cases {
        let bytes = bytes.to_vec();
        let shown = bytes.clone();
        let (read, end) = read_after(move |mut server| {
            server.send(APPLICATION_DATA, b"before");
            server.send_raw(&bytes);
            server.wait();
        });
        assert_eq!((&read[..], end), (&b"before"[..], Err(ErrorKind::InvalidData)), "{shown:?}");
    }
}

#[test]
fn ctx_08_plaintext_in_the_handshake() {
    let finished = [&[HANDSHAKE, 3, 3, 0, 36][..], &message(20, &[0; 32])].concat();
    let extensions = [&[HANDSHAKE, 3, 3, 0, 6][..], ENCRYPTED_EXTENSIONS].concat();
    let alert = [ALERT, 3, 3, 0, 2, 1, 0];
    let wrong = [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 2];
    for bytes in [&finished[..], &extensions, &alert, &wrong] {
        let bytes = bytes.to_vec();
        let verdict = verdict(move |mut server, _| {
            server.send_raw(&bytes);
            server.wait();
        });
        assert_eq!(verdict, Err(Fault::Tls));
    }
}

#[test]
fn ctx_08_one_change_cipher_spec_and_no_more() {
    for (times, expected) in [(1, GOOD), (2, Err(Fault::Tls))] {
        let verdict = verdict(move |mut server, identity| {
            server.send_raw(&[CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1].repeat(times));
            server.send_messages(&[ENCRYPTED_EXTENSIONS, &certificate(&identity.chain)]);
            let verify = server.certificate_verify(&identity.key);
            server.send_messages(&[&verify]);
            server.finish();
            server.wait();
        });
        assert_eq!(verdict, expected, "{times}");
    }
}

#[test]
fn ctx_08_a_message_in_several_records_is_refused() {
    let verdict = verdict(|mut server, identity| {
        server.send_messages(&[ENCRYPTED_EXTENSIONS]);
        let message = certificate(&identity.chain);
        server.send_messages(&[&message[..100]]);
        server.send_messages(&[&message[100..]]);
        server.wait();
    });
    assert_eq!(verdict, Err(Fault::Tls));
}

#[test]
fn ctx_08_an_alert_instead_of_server_hello() {
    let root = Signer::root(authority("root"));
    for (alert, expected) in [([2, 40], Fault::Tls), ([2, 70], Fault::Tls), ([1, 0], Fault::Lost)] {
        let address = serve(move |mut stream| {
            let _ = stream.write_all(&[ALERT, 3, 3, 0, 2, alert[0], alert[1]]);
            idle(stream);
        });
        assert_eq!(Client::trusting(&[&root]).verdict(address, "a.test"), Err(expected));
    }
}

#[test]
fn ctx_08_an_end_without_close_notify_is_an_error() {
    // Between records, within a header, within a body.
    for cut in [&[][..], &[APPLICATION_DATA, 3], &[APPLICATION_DATA, 3, 3, 0, 40, 1, 2]] {
        let (read, end) = read_after(move |mut server| {
            server.send(APPLICATION_DATA, b"half of it");
            server.send_raw(cut);
        });
        assert_eq!((&read[..], end), (&b"half of it"[..], Err(ErrorKind::ConnectionReset)));
    }
}

#[test]
fn ctx_08_a_changed_byte_does_not_decrypt() {
    let (read, end) = read_after(|mut server| {
        server.send_raw(&[&[APPLICATION_DATA, 3, 3, 0, 40][..], &[7; 40]].concat());
        server.wait();
    });
    assert_eq!((&read[..], end), (&b""[..], Err(ErrorKind::InvalidData)));
}

#[test]
fn ctx_08_other_alerts_after_the_handshake_are_errors() {
    for alert in [[2, 80], [1, 90], [2, 20], [9, 9]] {
        let (read, end) = read_after(move |mut server| {
            server.send(ALERT, &alert);
            server.wait();
        });
        assert_eq!((&read[..], end), (&b""[..], Err(ErrorKind::InvalidData)), "{alert:?}");
    }
}

#[test]
fn ctx_08_server_hello_of_any_shape_is_no_panic() {
    // ServerHello with each byte changed, and cut at each byte.
    let mut hello = vec![2, 0, 0, 119, 3, 3];
    hello.extend([0x5a; 32]);
    hello.extend([0, 0x13, 1, 0, 0, 79, 0, 43, 0, 2, 3, 4, 0, 51, 0, 69, 0, 23, 0, 65, 4]);
    hello.extend([1; 64]);
    let cases: Vec<Vec<u8>> = (0..hello.len())
        .map(|at| {
            let mut changed = hello.clone();
            changed[at] ^= 0xff;
            changed
        })
        .chain((0..hello.len()).map(|end| hello[..end].to_vec()))
        .collect();
    let root = Signer::root(authority("root"));
    let count = cases.len();
    let next = Mutex::new(cases.into_iter());
    let address = serve(move |mut stream| {
        let case = next.lock().unwrap().next().unwrap();
        let header = [HANDSHAKE, 3, 3, 0, u8::try_from(case.len()).unwrap()];
        let _ = stream.write_all(&[&header[..], &case].concat());
    });
    for _ in 0..count {
        let verdict = Client::trusting(&[&root]).verdict(address, "a.test");
        assert!(matches!(verdict, Err(Fault::Tls | Fault::Lost | Fault::NotTls)), "{verdict:?}");
    }
}

#[test]
fn req_13_a_port_without_tls() {
    let root = Signer::root(authority("root"));
    let plain = serve(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
        idle(stream);
    });
    assert_eq!(Client::trusting(&[&root]).verdict(plain, "a.test"), Err(Fault::NotTls));
    let closing = serve(|stream| {
        let _ = std::io::Read::read(&mut &stream, &mut [0; 4096]);
    });
    assert_eq!(Client::trusting(&[&root]).verdict(closing, "a.test"), Err(Fault::NotTls));
    let broken_off = serve(|mut stream| {
        let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
        let _ = stream.write_all(&[HANDSHAKE, 3, 3, 0, 200, 2]);
    });
    assert_eq!(Client::trusting(&[&root]).verdict(broken_off, "a.test"), Err(Fault::Lost));
}
