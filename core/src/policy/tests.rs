use std::prelude::v1::*;

use super::*;

const APIS: [Api; 4] = [Api::Request, Api::UploadFile, Api::DownloadFile, Api::ConnectSocket];

fn admits(entries: &[&str], authority: &str) -> bool {
    let text = format!("https://{authority}/x?y#z");
    Whitelist::new(entries).unwrap().admits(&Url::parse(&text, 2048).unwrap())
}

/// A URL of the API, with or without TLS.
fn url_of(api: Api, secure: bool, rest: &str) -> String {
    let scheme = if api == Api::ConnectSocket { "ws" } else { "http" };
    format!("{scheme}{}://{rest}", if secure { "s" } else { "" })
}

#[test]
fn ctx_04_an_entry_admits_itself_and_its_subdomains_on_a_label_boundary() {
    for authority in ["example.com", "a.example.com", "a.b.c.example.com", "-.example.com", "_.example.com"] {
        assert!(admits(&["example.com"], authority), "{authority}");
    }
    for authority in [
        "com",
        "example.org",
        "xexample.com",
        "x-example.com",
        "example.comx",
        "example.com.evil.example",
        "e.xample.com",
        "xample.com",
        "example.co",
        "examplexcom",
        "example.com.com",
        "www-example.com",
        "notexample.com",
    ] {
        assert!(!admits(&["example.com"], authority), "{authority}");
    }
    assert!(!admits(&["www.example.com"], "example.com"), "a parent is no subdomain");
    assert!(admits(&["localhost"], "localhost") && admits(&["localhost"], "a.localhost"));
}

#[test]
fn ctx_04_letter_case_and_a_final_dot_do_not_count() {
    for entry in ["example.com", "EXAMPLE.COM", "Example.Com.", "example.com."] {
        for authority in
            ["example.com", "EXAMPLE.com", "example.com.", "A.eXample.com", "a.example.COM.", "EXAMPLE.COM.:8443"]
        {
            assert!(admits(&[entry], authority), "{entry} {authority}");
        }
        assert!(!admits(&[entry], "xexample.com."), "{entry}");
    }
}

#[test]
fn ctx_04_an_entry_without_a_port_admits_any_and_with_one_exactly_that() {
    for authority in ["h.example", "h.example:443", "h.example:1", "h.example:65535"] {
        assert!(admits(&["h.example"], authority), "{authority}");
    }
    for (entry, authority, expected) in [
        ("h.example:443", "h.example", true),
        ("h.example:443", "h.example:443", true),
        ("h.example:443", "a.h.example:0443", true),
        ("h.example:443", "h.example:8443", false),
        ("h.example:8443", "h.example", false),
        ("h.example:8443", "H.Example.:8443", true),
        ("h.example.:8443", "a.h.example:8443", true),
        ("1.2.3.4:81", "1.2.3.4:81", true),
        ("1.2.3.4:81", "1.2.3.4", false),
        ("[::1]:81", "[::1]:81", true),
        ("[::1]:81", "[::1]:82", false),
    ] {
        assert_eq!(admits(&[entry], authority), expected, "{entry} {authority}");
    }
    let plain = Url::parse("http://h.example/", 99).unwrap();
    assert!(Whitelist::new(&["h.example:80"]).unwrap().admits(&plain));
    assert!(!Whitelist::new(&["h.example:443"]).unwrap().admits(&plain));
}

#[test]
fn ctx_04_an_ip_literal_matches_itself_only() {
    for (entry, authority, expected) in [
        ("1.2.3.4", "1.2.3.4", true),
        ("1.2.3.4", "11.2.3.4", false),
        ("1.2.3.4", "1.2.3.44", false),
        ("1.2.3.4", "1.2.3.5", false),
        ("1.2.3.4", "a.1.2.3.4.example", false),
        ("2.3.4.5", "[::1]", false),
        ("[::1]", "[::1]", true),
        ("[::1]", "[0:0:0:0:0:0:0:1]", true),
        ("[0000:0000:0000:0000:0000:0000:0000:0001]", "[::1]", true),
        ("[FE80::A]", "[fe80:0::a]", true),
        ("[::1]", "[::2]", false),
        ("[::1]", "127.0.0.1", false),
        ("127.0.0.1", "[::ffff:127.0.0.1]", false),
        ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", true),
        ("localhost", "127.0.0.1", false),
    ] {
        assert_eq!(admits(&[entry], authority), expected, "{entry} {authority}");
    }
}

#[test]
fn ctx_04_any_entry_may_admit_and_none_admits_nothing() {
    let entries = ["a.example", "b.example:81", "[::1]"];
    for authority in ["a.example", "x.b.example:81", "[::1]:5"] {
        assert!(admits(&entries, authority), "{authority}");
    }
    assert!(!admits(&entries, "b.example") && !admits(&entries, "c.example"));
    assert!(!admits(&[], "a.example"));
    assert!(!Whitelist::EMPTY.admits(&Url::parse("https://h/", 99).unwrap()));
    for api in [Api::Request, Api::UploadFile] {
        assert_eq!(Policy::default().permit(api, "https://h/", 99), Err(Refusal::HostNotAllowed));
    }
}

#[test]
fn ctx_04_what_is_no_entry_is_refused_with_its_index() {
    for entry in [
        "",
        " ",
        ".",
        "..",
        ".example.com",
        "*.example.com",
        "*",
        "example.com/",
        "example.com/x",
        "https://example.com",
        "//h",
        "user@h",
        "h:",
        "h:0",
        "h:65536",
        "h:x",
        "h:+1",
        "h: 1",
        "h:80:80",
        " h",
        "h ",
        "a b",
        "a,b",
        "a..b",
        "h?q",
        "h#f",
        "h\\",
        "::1",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[]",
        "[h]",
        "[fe80::1%1]",
        "127.1",
        "2130706433",
        "0x7f.1",
        "1.2.3.4.",
        "1.2.3.256",
        "b\u{fc}cher.example",
        "h\n",
        "%68",
    ] {
        assert_eq!(Whitelist::new(&[entry]).err(), Some(BadEntry { index: 0 }), "{entry:?}");
        assert_eq!(Whitelist::new(&["a.example", "[::1]", entry]).err(), Some(BadEntry { index: 2 }), "{entry:?}");
    }
    assert!(BadEntry { index: 7 }.to_string().contains('7'));
}

#[test]
fn ctx_03_release_is_the_default_and_wants_tls() {
    assert!(!Policy::default().is_development());
    for policy in [Policy::default(), Policy::release(Whitelist::new(&["h"]).unwrap())] {
        for api in APIS {
            assert_eq!(policy.permit(api, &url_of(api, false, "h/"), 99), Err(Refusal::PlainRefused), "{api:?}");
        }
    }
}

#[test]
fn ctx_03_release_enforces_the_whitelist_for_request_and_upload() {
    let policy = Policy::release(Whitelist::new(&["h.example"]).unwrap());
    for api in APIS {
        assert!(policy.permit(api, &url_of(api, true, "a.h.example:81/x"), 99).is_ok(), "{api:?}");
        let expected = match api {
            Api::Request | Api::UploadFile => Some(Refusal::HostNotAllowed),
            Api::DownloadFile | Api::ConnectSocket => None,
        };
        assert_eq!(policy.permit(api, &url_of(api, true, "other.example/"), 99).err(), expected, "{api:?}");
    }
}

#[test]
fn ctx_03_downloads_and_sockets_opt_in_each_for_itself() {
    let release = Policy::release(Whitelist::new(&["h"]).unwrap());
    for (policy, downloads, sockets) in [
        (release, false, false),
        (release.also_for_downloads(), true, false),
        (release.also_for_sockets(), false, true),
        (release.also_for_downloads().also_for_sockets(), true, true),
    ] {
        for (api, enforced) in [(Api::DownloadFile, downloads), (Api::ConnectSocket, sockets), (Api::Request, true)] {
            let expected = enforced.then_some(Refusal::HostNotAllowed);
            assert_eq!(policy.permit(api, &url_of(api, true, "other/"), 99).err(), expected, "{api:?}");
            assert!(policy.permit(api, &url_of(api, true, "h/"), 99).is_ok(), "{api:?}");
        }
    }
}

#[test]
fn ctx_03_development_permits_any_host_with_or_without_tls() {
    for policy in [Policy::development(), Policy::development().also_for_downloads().also_for_sockets()] {
        assert!(policy.is_development());
        for api in APIS {
            for secure in [false, true] {
                assert!(policy.permit(api, &url_of(api, secure, "127.0.0.1:8080/"), 99).is_ok(), "{api:?}");
            }
            assert_eq!(policy.permit(api, "https//", 99), Err(Refusal::Url(UrlError::Malformed)), "{api:?}");
        }
    }
}

#[test]
fn ctx_03_each_api_has_its_schemes() {
    for policy in [Policy::default(), Policy::development()] {
        for api in APIS {
            for scheme in ["http", "https", "ws", "wss"] {
                let fits = scheme.starts_with("ws") == (api == Api::ConnectSocket);
                let refused = policy.permit(api, &format!("{scheme}://h/"), 99).err();
                assert_eq!(refused == Some(Refusal::SchemeNotOfApi), !fits, "{api:?} {scheme}");
            }
        }
    }
}

#[test]
fn ctx_03_the_order_of_the_questions() {
    let policy = Policy::default();
    for (url, refusal) in [
        ("", Refusal::Url(UrlError::Empty)),
        ("ws://user@h/", Refusal::Url(UrlError::Malformed)),
        ("gopher://h/", Refusal::Url(UrlError::Scheme)),
        ("ws://h/%", Refusal::Url(UrlError::MalformedEscape)),
        ("ws://h/123456", Refusal::Url(UrlError::TooLong)),
        ("ws://h/", Refusal::SchemeNotOfApi),
        ("http://h/", Refusal::PlainRefused),
        ("https://h/", Refusal::HostNotAllowed),
    ] {
        assert_eq!(policy.permit(Api::Request, url, 12), Err(refusal), "{url}");
    }
}

#[test]
fn ctx_04_a_redirect_hop_passes_the_same_door() {
    let policy = Policy::release(Whitelist::new(&["h"]).unwrap());
    assert_eq!(policy.permit_hop(Api::Request, "https://a.h/x").unwrap().host(), "a.h");
    for (url, refusal) in [
        ("", Refusal::BadRedirect),
        ("https://u@h/", Refusal::BadRedirect),
        ("https://h/%", Refusal::BadRedirect),
        ("ftp://h/", Refusal::BadRedirect),
        ("wss://h/", Refusal::BadRedirect),
        ("http://h/", Refusal::PlainRefused),
        ("https://other/", Refusal::HostNotAllowed),
    ] {
        assert_eq!(policy.permit_hop(Api::Request, url), Err(refusal), "{url}");
    }
}

#[test]
fn req_code_each_refusal_has_its_reason_and_a_code_of_the_table() {
    for (refusal, reason, code) in [
        (Refusal::Url(UrlError::Empty), Reason::UrlEmpty, 2),
        (Refusal::Url(UrlError::Malformed), Reason::UrlMalformed, 2),
        (Refusal::Url(UrlError::Scheme), Reason::UrlScheme, 2),
        (Refusal::Url(UrlError::TooLong), Reason::UrlTooLong, 2),
        (Refusal::Url(UrlError::MalformedEscape), Reason::MalformedEscape, 15),
        (Refusal::SchemeNotOfApi, Reason::UrlScheme, 2),
        (Refusal::PlainRefused, Reason::PlainHttpRefused, 20),
        (Refusal::HostNotAllowed, Reason::HostNotAllowed, 11),
        (Refusal::BadRedirect, Reason::BadRedirect, 19),
    ] {
        assert_eq!(refusal.reason(), reason);
        assert_eq!(refusal.reason().code(Api::Request), code, "{refusal:?}");
    }
}

#[test]
fn ctx_04_a_permission_is_kept_without_its_text() {
    let text = String::from("https://h.example/x");
    let parts = Policy::development().permit(Api::Request, &text, 99).unwrap().parts();
    assert_eq!(parts.of(&text).unwrap().host(), "h.example");
    assert_eq!(parts.url_parts(), Url::parse(&text, 99).unwrap().parts());
    assert_eq!(parts.of("https://h.example/"), None);
}

#[test]
fn ctx_04_a_list_is_entries_between_commas_and_spaces() {
    let whitelist = Whitelist::from_list("a.example, b.example:8443  [::1]").unwrap();
    let policy = Policy::release(whitelist);
    for (url, admitted) in [
        ("https://a.example/", true),
        ("https://x.b.example:8443/", true),
        ("https://b.example/", false),
        ("https://[::1]/", true),
        ("https://c.example/", false),
    ] {
        assert_eq!(policy.permit(Api::Request, url, 99).is_ok(), admitted, "{url}");
    }
    assert_eq!(Whitelist::from_list("a.example,,https://b").unwrap_err(), BadEntry { index: 1 });
    assert_eq!(Policy::release(Whitelist::from_list(" ,").unwrap()).permit(Api::Request, "https://a/", 99).ok(), None);
}
