//! URLs, against the `url` crate (the URL Standard).
//!
//! What is accepted here must be accepted there, and mean the same. Much is refused here that the URL Standard repairs.
//! Not compared: hosts with a label that begins with `xn--`, whose Punycode only the `url` crate checks, and paths that
//! this crate treats otherwise than its standard ([`oracle::is_standard`]).

use miniwire_core::sink::Sink;
use miniwire_core::url::{Joint, Scheme, Url, UrlError};

use crate::oracle::{self, Host};
use crate::splits::gathered;

/// Reads `data` as a URL.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed = Url::parse(text, 2048);
    let Ok(url) = parsed else {
        if text.len() <= 2048 {
            assert_eq!(Url::parse(text, usize::MAX), parsed, "the limit changes the refusal");
        }
        return;
    };
    assert_eq!(Url::parse(text, text.len()), Ok(url));
    assert_eq!(Url::parse(text, text.len() - 1), Err(UrlError::TooLong));

    let target = oracle::target(text).expect("an accepted URL has a host");
    assert_eq!(Scheme::from_name(&target.scheme), Some(url.scheme()));
    assert_eq!(url.port(), target.port);
    assert_eq!(url.is_ip(), !matches!(target.host, Host::Name(_)));
    assert_eq!(url.parts().text_len(), text.len());
    assert!(text.starts_with(url.without_fragment()));
    assert!(!url.without_fragment().contains('#'));
    assert!(url.without_fragment().ends_with(url.path_and_query_raw()));

    let written = |write: &dyn Fn(&mut dyn Sink) -> Result<(), miniwire_core::sink::Full>| {
        String::from_utf8(gathered(|out| Ok(write(out)?)).unwrap()).unwrap()
    };
    let host = written(&|out| url.write_host(out));
    let host_header = written(&|out| url.host_header(out));
    assert!(host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.[:]".contains(&byte)));
    assert_eq!(written(&|out| url.write_authority_form(out)), format!("{host}:{}", url.port()));
    let is_default = url.port() == url.scheme().default_port();
    assert_eq!(host_header, if is_default { host.clone() } else { format!("{host}:{}", url.port()) });
    let path_and_query = written(&|out| url.write_target(out));
    assert!(path_and_query.starts_with('/'));
    assert!(path_and_query.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte)));

    // What is written in place of the text means the same to whoever reads it.
    let rewritten = format!("{}://{host_header}{path_and_query}", url.scheme().name());
    let again = Url::parse(&rewritten, usize::MAX).expect("what is written is a URL");
    assert!(again.same_origin(&url));
    assert_eq!(again.path_and_query_raw(), path_and_query);
    match (url.query(), url.query_joint()) {
        (None, joint) => assert_eq!(joint, Joint::Question),
        (Some(query), Joint::Nothing) => assert!(query.is_empty() || query.ends_with(['?', '&'])),
        (Some(_), joint) => assert_eq!(joint, Joint::Ampersand),
    }

    if !has_punycode(&host) {
        let standard = ::url::Url::parse(text).expect("the URL Standard accepts it, too");
        assert_eq!(standard_target(&standard), target);
        if oracle::is_standard(&path_and_query) {
            assert_eq!(canonical_standard_target(&standard), oracle::canonical_target(&path_and_query));
        }
    }
}

/// Whether some label claims to be an internationalised one.
pub fn has_punycode(host: &str) -> bool {
    host.split('.').any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")))
}

/// The canonical path and query by the URL Standard.
pub fn canonical_standard_target(url: &::url::Url) -> String {
    oracle::canonical_target(&url[::url::Position::BeforePath..::url::Position::AfterQuery])
}

/// Where the URL leads by the URL Standard.
pub fn standard_target(url: &::url::Url) -> oracle::Target {
    let host = match url.host().expect("a host") {
        ::url::Host::Domain(name) => Host::Name(name.strip_suffix('.').unwrap_or(name).into()),
        ::url::Host::Ipv4(address) => Host::V4(address),
        ::url::Host::Ipv6(address) => Host::V6(address),
    };
    oracle::Target { scheme: url.scheme().into(), host, port: url.port_or_known_default().expect("a port") }
}
