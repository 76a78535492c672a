//! What a call sends: whole messages that HTTP allows, to whom they may be sent, without what is not for them.

use miniwire_core::http::fields::Fields;
use miniwire_core::request::Method;
use miniwire_core::task::Task as _;

use super::Watched;
use crate::oracle;
use crate::url::canonical_standard_target;

impl Watched<'_> {
    pub(super) fn transmit(&mut self, bytes: &[u8], more: bool) {
        assert!(self.ending.is_none(), "sends after it was ended");
        self.transmitted += bytes.len();
        let link = self.link.as_mut().expect("a link");
        link.sent.extend_from_slice(bytes);
        let sent = if more { link.sent.clone() } else { std::mem::take(&mut link.sent) };
        let route = self.task.route();
        let tunnel = route.secure && !link.secured;
        assert!(!tunnel || self.call.proxy, "plaintext for https");
        let is_connect = sent.starts_with(b"CONNECT ") || b"CONNECT ".starts_with(&sent);
        assert_eq!(tunnel, is_connect);
        if more {
            return;
        }
        let text = head_text(&sent);
        if tunnel {
            assert!(text.contains(":") && sent.ends_with(b"\r\n\r\n"));
            assert!(!text.contains("Cookie") && !text.contains("Referer"), "told the proxy");
        } else {
            assert_eq!(text.contains("Proxy-Authorization"), self.call.proxy && !route.secure);
            self.check_request(&sent);
        }
        self.log.sent.push(sent);
    }

    fn check_request(&mut self, sent: &[u8]) {
        let end = sent.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let (head, body) = (&sent[..end + 4], &sent[end + 4..]);
        let line_end = head.iter().position(|byte| *byte == b'\r').unwrap();
        let line = std::str::from_utf8(&head[..line_end]).expect("ASCII");
        assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        let [method, target, version] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((method, version), (self.method.as_str(), "HTTP/1.1"));

        let fields = Fields::of_head(head).collect::<Vec<_>>();
        assert_eq!(fields.len(), head.split(|byte| *byte == b'\n').count() - 3, "a line that is not a field");
        for (at, (name, value)) in fields.iter().enumerate() {
            assert!(fields[..at].iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)), "{name} twice");
            assert!(value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)));
        }
        let field = |name: &str| {
            let found = fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let route = self.task.route();
        let default_port = if route.secure { 443 } else { 80 };
        let host = field("Host").expect("Host");
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port.parse().unwrap()),
            _ => (&*host, default_port),
        };
        let bare = name.trim_matches(['[', ']']);
        assert_eq!((bare.strip_suffix('.').unwrap_or(bare), port), (route.host, route.port));
        assert_eq!(field("Referer"), Some(format!("https://{name}/1/2/page-frame.html")));
        assert!(field("Content-Type").is_some() && field("Transfer-Encoding").is_none());

        let expected = if self.with_body { &*self.call.body } else { b"" };
        assert_eq!(body, expected);
        let length = field("Content-Length").map_or(0, |length| length.parse::<usize>().unwrap());
        assert_eq!(length, body.len());

        let left = self.origins.windows(2).any(|two| two[0] != two[1]);
        if left {
            assert!(field("Authorization").is_none() && field("Cookie").is_none(), "credentials for another origin");
        } else if self.log.redirects.is_empty() {
            assert_eq!(field("Authorization").as_deref(), Some("secret"));
        }

        let absolute = format!("http://{host}");
        let path = if self.call.proxy && !route.secure { target.strip_prefix(&absolute).unwrap() } else { target };
        assert!(path.starts_with('/') && !path.contains('#'));
        if let Some(standard) = &self.standard
            && !(self.log.redirects.is_empty() && self.call.method == Method::Get && self.call.has_data)
        {
            assert_eq!(oracle::canonical_target(path), canonical_standard_target(standard));
        }
    }
}

fn head_text(sent: &[u8]) -> String {
    let end = sent.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    String::from_utf8_lossy(&sent[..end]).into_owned()
}
