//! What the server says in records, and what a client may make of it; what the client says.

use std::rc::Rc;

use super::{Expected, Server};
use crate::tls_identity::forged::{
    self, ALERT, APPLICATION_DATA, CERTIFICATE_REQUEST, CHANGE_CIPHER_SPEC, ENCRYPTED_EXTENSIONS, Forged, HANDSHAKE,
};
use crate::tls_identity::{contains, shared_secret, whole_messages};
use crate::tls_link::ServerEnd;

impl Server<'_> {
    pub(super) fn follow_record(&mut self, letter: u8) {
        let content = std::mem::take(&mut self.content);
        match letter {
            b'H' => self.say_handshake(&content),
            b'A' => self.say(APPLICATION_DATA, &content),
            b'L' => self.say(ALERT, &content),
            b'T' => {
                let kind = self.number() as u8;
                self.say(kind, &content);
            }
            b'N' => {
                let size = self.number().max(1);
                content.chunks(size.max(content.len() / 50)).for_each(|piece| self.say_handshake(piece));
            }
            b'I' => self.say_inner(&content),
            b'P' => {
                let kind = self.number() as u8;
                self.say_unencrypted(kind, &content);
            }
            b'm' => self.say_unencrypted(CHANGE_CIPHER_SPEC, &[1]),
            b'R' => self.say_wrong(&content),
            b'=' => {
                let last = self.last.clone();
                self.say_wrong(&last);
            }
            // What is sealed is not what is sent.
            _ => {
                let number = self.number();
                let Some(peer) = &mut self.peer else { return };
                let mut record = peer.ours.seal(&[&content[..], &[HANDSHAKE]].concat());
                match letter {
                    b'O' if number != usize::from(APPLICATION_DATA) => record[0] = number as u8,
                    b'G' => record[4] = record[4].wrapping_add(number.max(1) as u8),
                    _ => *record.last_mut().unwrap() ^= 1,
                }
                self.wrong();
                self.put(&record);
            }
        }
    }

    fn has_data_keys(&self) -> bool {
        self.next_theirs.is_some() || self.client_finished
    }

    fn wrong(&mut self) {
        if self.has_data_keys() {
            self.poisoned = true;
        } else {
            (self.strict, self.broken) = (false, true);
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.said += bytes.len() + 1;
        self.last = bytes.to_vec();
        // What comes after the end does not come.
        if !self.wire.borrow().ended {
            self.wire.borrow_mut().say(bytes);
        }
    }

    fn say_wrong(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            // Before the keys for data, it may be a record that has its place.
            let broken = self.broken;
            self.wrong();
            self.broken = broken;
            self.put(bytes);
        }
    }

    fn say_unencrypted(&mut self, kind: u8, content: &[u8]) {
        let may_change = kind == CHANGE_CIPHER_SPEC && content == [1] && self.peer.is_some();
        if may_change && !self.changed && self.expected != Expected::Nothing {
            self.changed = true;
        } else {
            self.wrong();
        }
        let length = (content.len() as u16).to_be_bytes();
        self.put(&[&[kind, 3, 3][..], &length, content].concat());
    }

    fn say(&mut self, kind: u8, content: &[u8]) {
        let padding = self.padding;
        self.say_inner(&[content, &[kind], &vec![0; padding]].concat());
    }

    fn say_handshake(&mut self, content: &[u8]) {
        if self.peer.is_some() {
            return self.say(HANDSHAKE, content);
        }
        self.strict &= content == forged::server_hello(&self.identity.key_share);
        let length = (content.len() as u16).to_be_bytes();
        // embedded-tls hashes one message only.
        let (end, hello) = match *content {
            [2, 0, high, low, ..] => (4 + usize::from(u16::from_be_bytes([high, low])), true),
            _ => (content.len(), false),
        };
        let hello = if hello { &content[..end.min(content.len())] } else { content };
        let shared = shared_secret(&self.client_hello, &self.identity.secret);
        let end = ServerEnd { wire: Rc::clone(&self.wire), read: 0 };
        self.peer = Some(Forged::agreed(end, &self.client_hello, hello, &shared));
        self.put(&[&[HANDSHAKE, 3, 3][..], &length, content].concat());
    }

    fn say_inner(&mut self, inner: &[u8]) {
        let end = inner.iter().rposition(|byte| *byte != 0);
        let (kind, content) = end.map_or((0, &inner[..0]), |end| (inner[end], &inner[..end]));
        let Some(mut peer) = self.peer.take() else { return self.say_unencrypted(kind, content) };
        let record = peer.ours.seal(inner);
        let whole = whole_messages(content);
        let lose = std::mem::take(&mut self.lose);
        if inner.len() > (1 << 14) + 1 || lose {
            self.wrong();
        }
        let mut in_handshake = !self.has_data_keys();
        if in_handshake && kind == HANDSHAKE {
            if whole.is_none() {
                self.wrong();
            }
            self.flight.extend(content);
            let all = || vec![content];
            for message in whole.unwrap_or_else(all) {
                let finished = in_handshake && message.len() == 36 && message == peer.finished();
                self.hidden |= !finished && self.made[1].iter().any(|made| contains(message, made));
                self.count(message);
                self.judge(message, finished, &peer);
                peer.transcript.extend(message);
                if finished {
                    in_handshake = false;
                    let theirs = peer.take_data_keys();
                    self.next_theirs = Some(theirs);
                }
            }
        } else if in_handshake {
            self.wrong();
        } else if !self.poisoned && !self.closed {
            match kind {
                APPLICATION_DATA => {
                    self.plain.extend(content);
                    self.ends.push(self.plain.len());
                }
                HANDSHAKE if whole.is_some_and(|all| all.iter().all(|message| message[0] == 4)) => {}
                ALERT if matches!(content, [1 | 2, 0]) => self.closed = true,
                _ => self.poisoned = true,
            }
        }
        self.peer = Some(peer);
        if !lose {
            self.put(&record);
        }
    }

    /// The proof of one certificate is not that of another: there is only one.
    fn count(&mut self, message: &[u8]) {
        let fixed = [ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST].contains(&message);
        let is_proof = |made: &Vec<u8>| message.ends_with(made) && message.len() <= made.len() + 8;
        let is_shown = message.first() == Some(&11)
            && self.identity.good.iter().chain(&self.identity.bad).any(|chain| message == forged::certificate(chain));
        self.shown = match self.shown {
            Some(shown) if is_shown => Some(shown + 1),
            Some(shown) if fixed || self.made.iter().flatten().any(is_proof) => Some(shown),
            _ => None,
        };
        self.broken |= self.shown.is_some_and(|shown| shown > 1);
    }

    /// Whether this is what a right handshake has next.
    fn judge(&mut self, message: &[u8], finished: bool, peer: &Forged<ServerEnd>) {
        let is_good = || {
            message.first() == Some(&11) && self.identity.good.iter().any(|chain| message == forged::certificate(chain))
        };
        self.expected = match self.expected {
            Expected::EncryptedExtensions if message == ENCRYPTED_EXTENSIONS => Expected::RequestOrCertificate,
            Expected::RequestOrCertificate if message == CERTIFICATE_REQUEST => {
                self.requested = true;
                Expected::Certificate
            }
            Expected::RequestOrCertificate | Expected::Certificate if is_good() => Expected::CertificateVerify,
            Expected::CertificateVerify
                if message.first() == Some(&15) && message == peer.certificate_verify(&self.identity.key) =>
            {
                Expected::Finished
            }
            Expected::Finished if finished => Expected::Nothing,
            expected => {
                self.strict = false;
                expected
            }
        };
    }

    /// Hears what the client has said; of an honest server it must be right.
    pub(crate) fn absorb(&mut self) {
        let wire = Rc::clone(&self.wire);
        let wire = wire.borrow();
        let Some(peer) = &mut self.peer else { return };
        while let Some([kind, 3, 3, high, low, rest @ ..]) = wire.outgoing.get(self.absorbed..) {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(body) = rest.get(..length) else { return };
            self.absorbed += 5 + length;
            if !(self.strict && self.expected == Expected::Nothing) {
                continue;
            }
            assert_eq!(*kind, APPLICATION_DATA, "unencrypted");
            assert!(!self.client_closed, "something after close_notify");
            let (kind, said) = peer.theirs.open(body).expect("the client's record does not decrypt");
            if self.client_finished {
                match (kind, &said[..]) {
                    (APPLICATION_DATA, said) => self.heard.extend(said),
                    (ALERT, [1, 0]) => self.client_closed = true,
                    other => panic!("{other:?}"),
                }
            } else if std::mem::take(&mut self.requested) {
                assert_eq!((kind, &said[..]), (HANDSHAKE, &[11, 0, 0, 4, 0, 0, 0, 0][..]));
                peer.transcript.extend(said);
            } else {
                assert_eq!((kind, said), (HANDSHAKE, peer.theirs.finished(&peer.transcript)));
                peer.theirs = self.next_theirs.take().unwrap();
                self.client_finished = true;
            }
        }
    }
}
