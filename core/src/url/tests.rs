use std::prelude::v1::*;

use super::*;
use crate::sink::Window;

fn parse(text: &str) -> Result<Url<'_>, UrlError> {
    Url::parse(text, 2048)
}

fn url(text: &str) -> Url<'_> {
    parse(text).expect(text)
}

fn written(write: impl Fn(&mut dyn Sink) -> Result<(), Full>) -> String {
    let mut buf = [0; 4096];
    let mut out = Window::new(0, &mut buf);
    write(&mut out).unwrap();
    let whole = out.into_filled().to_vec();
    // A window that is too small, at every size, is full and nothing worse.
    for size in 0..whole.len() {
        assert_eq!(write(&mut Window::new(0, &mut buf[..size])), Err(Full));
    }
    String::from_utf8(whole).unwrap()
}

fn target(text: &str) -> String {
    written(|out| url(text).write_target(out))
}

fn host_field(text: &str) -> String {
    written(|out| url(text).host_header(out))
}

#[test]
fn req_code_2_the_parts_of_a_url() {
    let url = url("https://user-data.example.com:8443/a/b%20c?d=e&f#g?h");
    assert_eq!(url.scheme(), Scheme::Https);
    assert_eq!(url.host(), "user-data.example.com");
    assert_eq!(url.port(), 8443);
    assert_eq!(url.path_and_query_raw(), "/a/b%20c?d=e&f");
    assert_eq!(url.query(), Some("d=e&f"));
    assert_eq!(url.without_fragment(), "https://user-data.example.com:8443/a/b%20c?d=e&f");
    assert_eq!(url.as_str(), "https://user-data.example.com:8443/a/b%20c?d=e&f#g?h");
    assert!(!url.is_ip());
}

#[test]
fn req_code_2_parts_may_be_absent() {
    for (text, path_and_query, query) in [
        ("http://h", "", None),
        ("http://h/", "/", None),
        ("http://h?", "?", Some("")),
        ("http://h?q", "?q", Some("q")),
        ("http://h#f", "", None),
        ("http://h/#", "/", None),
        ("http://h?#", "?", Some("")),
        ("http://h/p#f?q", "/p", None),
        ("http://h/p?a?b#c#d", "/p?a?b", Some("a?b")),
        ("http://h//", "//", None),
        ("http://h/?/", "/?/", Some("/")),
        ("http://h:80?:@", "?:@", Some(":@")),
        ("http://h/@:", "/@:", None),
    ] {
        let url = url(text);
        assert_eq!((url.host(), url.port()), ("h", 80), "{text}");
        assert_eq!(url.path_and_query_raw(), path_and_query, "{text}");
        assert_eq!(url.query(), query, "{text}");
    }
}

#[test]
fn req_code_2_schemes_in_any_letter_case() {
    for (text, scheme, port, secure, web_socket) in [
        ("http://h/", Scheme::Http, 80, false, false),
        ("HTTP://h/", Scheme::Http, 80, false, false),
        ("https://h/", Scheme::Https, 443, true, false),
        ("hTtPs://h/", Scheme::Https, 443, true, false),
        ("ws://h/", Scheme::Ws, 80, false, true),
        ("WS://h/", Scheme::Ws, 80, false, true),
        ("wss://h/", Scheme::Wss, 443, true, true),
        ("Wss://h/", Scheme::Wss, 443, true, true),
    ] {
        let url = url(text);
        assert_eq!((url.scheme(), url.port()), (scheme, port), "{text}");
        assert_eq!((scheme.is_secure(), scheme.is_web_socket()), (secure, web_socket), "{text}");
        assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
    }
}

#[test]
fn req_code_2_empty() {
    for text in ["", " ", "   ", "\t", "\r\n \t\n"] {
        assert_eq!(parse(text), Err(UrlError::Empty), "{text:?}");
    }
}

#[test]
fn req_code_2_another_scheme() {
    for text in [
        "ftp://h/",
        "file:///etc/passwd",
        "data:,x",
        "javascript:alert(1)",
        "mailto:a@b",
        "httpss://h/",
        "htt://h/",
        "https+unix://h/",
        "blob:https://h/x",
        "about:blank",
        "localhost:8080/x",
        "h.example:443",
        "x:",
    ] {
        assert_eq!(parse(text), Err(UrlError::Scheme), "{text}");
    }
}

#[test]
fn req_code_2_malformed() {
    for text in [
        // No scheme, or none that can be one.
        "example.com/x",
        "example.com",
        "/x",
        "//h/x",
        "?q",
        "#f",
        "x",
        ":",
        "://h/",
        ":443",
        "1http://h/",
        "ht tp://h/",
        "-http://h",
        "http",
        "h\u{e9}tp://h/",
        "127.0.0.1:80/",
        "[::1]/",
        // No slashes.
        "http:",
        "http:h",
        "http:/h",
        "http:/",
        "https:h/x",
        "http:?q",
        "http:\\\\h\\x",
        "http:/\\h/",
        "http:\\/h/",
        // No host.
        "http://",
        "http:///",
        "http:///x",
        "http://?q",
        "http://#f",
        "http://:80/",
        "http://.",
        "http://./",
        "http://..",
        // A user name.
        "http://user@h/",
        "http://user:pass@h/",
        "http://@h/",
        "http://:@h/",
        "http://h@/",
        "http://a@b@h/",
        "http://allowed.example@evil.example/",
        "http://allowed.example:80@evil.example/",
        "http://h:80@evil/",
        // A backslash.
        "http://h\\x",
        "http://h\\@evil/",
        "http://h/\\",
        "http://h/a\\b?q",
        "http://evil\\.allowed.example/",
        "http://\\h/",
        // Bytes that no host has.
        "http://h h/",
        "http://h%20h/",
        "http://%68/",
        "http://h%2e/",
        "http://h!/",
        "http://h$/",
        "http://h&a/",
        "http://h'/",
        "http://h(/",
        "http://h*/",
        "http://*.h/",
        "http://h+/",
        "http://h,i/",
        "http://h;/",
        "http://h=/",
        "http://h~/",
        "http://h\"/",
        "http://h</",
        "http://h>/",
        "http://h^/",
        "http://h`/",
        "http://h{/",
        "http://h|/",
        "http://h}/",
        "http://b\u{fc}cher.example/",
        "http://\u{4f60}/",
        "http://h\u{3002}example/",
        "http://\u{ff48}/",
        "http://h\u{ad}/",
        "http://h\u{200b}/",
        "http://\u{2460}/",
        "http://h\u{a0}/",
        // Labels.
        "http://.h/",
        "http://h../",
        "http://a..b/",
        "http://h.example../",
        // Ports.
        "http://h:x/",
        "http://h:80x/",
        "http://h:+80/",
        "http://h:-80/",
        "http://h: 80/",
        "http://h:80 /",
        "http://h:0/",
        "http://h:00/",
        "http://h:65536/",
        "http://h:99999999999999999999/",
        "http://h:8:0/",
        "http://h::80/",
        "http://h:0x50/",
        "http://h:8\u{0660}/",
        "http://::1/",
        "http://1:2:3/",
        // Spaces at the ends; the space inside is a matter of the path.
        " http://h/",
        "http://h/ ",
        " http://h/ ",
        "http://h ",
        "\nhttp://h/",
        "http://h/\n",
        "http://h/\t",
    ] {
        assert_eq!(parse(text), Err(UrlError::Malformed), "{text:?}");
    }
}

#[test]
fn req_code_2_control_characters_anywhere() {
    for control in (0..0x20).chain([0x7f]).map(char::from) {
        for place in 0.."http://host:80/path?query#fragment".len() {
            let mut text = String::from("http://host:80/path?query#fragment");
            text.insert(place, control);
            assert_eq!(parse(&text), Err(UrlError::Malformed), "{text:?}");
        }
    }
}

#[test]
fn req_code_2_numbers_that_are_addresses_in_disguise() {
    for host in [
        "2130706433",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "1.2.3.4.5",
        "1.2.3",
        "256.0.0.1",
        "1.2.3.256",
        "1.2.3.04",
        "01.2.3.4",
        "1.2.3.0x4",
        "1.2.3.4.",
        "1.2.3.",
        "127.0.0.0x1",
        "0x",
        "0",
        "1",
        "4294967296",
        "a.b.1",
        "example.0x7f",
        "example.0x",
        "foo.123",
        "foo.0.",
        "1e3.5",
        "00000000000000000001.2.3.4",
        "999999999999999999999",
        "-1.2.3.4",
        "1_2.3.4.5.6",
        "1.2.3.-4.5",
    ] {
        let text = format!("http://{host}/");
        assert_eq!(parse(&text), Err(UrlError::Malformed), "{host}");
    }
    for host in ["0.0.0.0", "1.2.3.4", "255.255.255.255", "127.0.0.1"] {
        let text = format!("http://{host}:81/");
        let url = url(&text);
        assert!(url.is_ip());
        assert_eq!(url.host(), host);
        assert_eq!(host_field(&text), format!("{host}:81"));
    }
    for host in [
        "1.example",
        "1.2.3.4.example",
        "127.0.0.1.nip.io",
        "0x7f.example",
        "1e3",
        "1.2.3.4a",
        "a1",
        "0xg",
        "x.0xyz",
        "1-2",
    ] {
        assert!(!url(&format!("http://{host}/")).is_ip(), "{host}");
    }
}

#[test]
fn req_code_2_names() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(longest.len(), 253);
    for host in [
        "a",
        "A-B_c.d",
        "xn--bcher-kva.example",
        "-a",
        "a-",
        "_dmarc.example",
        "EXAMPLE.com",
        "example.com.",
        "a.",
        &label,
        &longest,
        &format!("{longest}."),
    ] {
        let text = format!("http://{host}/");
        assert_eq!(url(&text).host(), host);
        assert_eq!(url(&text).server_name(), host.trim_end_matches('.'));
        assert_eq!(host_field(&text), host);
    }
    for host in [format!("{label}a"), format!("{longest}a"), format!("{longest}a."), format!("b.{label}a.b")] {
        assert_eq!(parse(&format!("http://{host}/")), Err(UrlError::Malformed), "{host}");
    }
}

#[test]
fn req_code_2_ipv6() {
    for (host, port) in
        [("::1", None), ("::", Some(1)), ("1:2:3:4:5:6:7:8", None), ("fe80::1", Some(8080)), ("::FFFF:1.2.3.4", None)]
    {
        let text = format!("https://[{host}]{}/x", port.map(|port| format!(":{port}")).unwrap_or_default());
        let url = url(&text);
        assert_eq!((url.host(), url.port()), (host, port.unwrap_or(443)));
        assert!(url.is_ip());
        assert_eq!(url.path_and_query_raw(), "/x");
        assert_eq!(host_field(&text), format!("[{host}]{}", port.map(|port| format!(":{port}")).unwrap_or_default()));
        assert_eq!(written(|out| url.write_authority_form(out)), format!("[{host}]:{}", port.unwrap_or(443)));
    }
    for authority in [
        "[]",
        "[",
        "]",
        "[::1",
        "::1]",
        "[::1]x",
        "[::1]80",
        "[::1]:x",
        "[::1]:0",
        "[[::1]]",
        "[::1]]",
        "x[::1]",
        "[1.2.3.4]",
        "[example]",
        "[v1.x]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[fe80::1%1]",
        "[1:2:3:4:5:6:7]",
        "[1:2:3:4:5:6:7:8:9]",
        "[:::1]",
        "[1::2::3]",
        "[::12345]",
        "[::g]",
        "[ ::1]",
        "[::1 ]",
        "[::ffff:1.2.3]",
        "[::ffff:1.2.3.256]",
        "[::+1]",
        "[::1].",
        "[::ffff:01.2.3.4]",
        "[::1]@h",
    ] {
        assert_eq!(parse(&format!("http://{authority}/")), Err(UrlError::Malformed), "{authority}");
    }
}

#[test]
fn req_code_2_ports() {
    for (text, port, field, authority_form) in [
        ("http://h/", 80, "h", "h:80"),
        ("http://h:/", 80, "h", "h:80"),
        ("http://h:80/", 80, "h", "h:80"),
        ("http://h:080/", 80, "h", "h:80"),
        ("http://h:443/", 443, "h:443", "h:443"),
        ("https://h:80/", 80, "h:80", "h:80"),
        ("https://h:443", 443, "h", "h:443"),
        ("wss://h:443?x", 443, "h", "h:443"),
        ("ws://h:1#f", 1, "h:1", "h:1"),
        ("http://h:65535", 65535, "h:65535", "h:65535"),
        ("http://h:000000000000000000000065535", 65535, "h:65535", "h:65535"),
        ("https://H.Example.:0008443", 8443, "H.Example.:8443", "H.Example.:8443"),
    ] {
        assert_eq!(url(text).port(), port, "{text}");
        assert_eq!(host_field(text), field, "{text}");
        assert_eq!(written(|out| url(text).write_authority_form(out)), authority_form, "{text}");
    }
}

#[test]
fn req_code_2_longer_than_the_limit() {
    let text = format!("http://h/{}", "x".repeat(2048 - 9));
    assert!(Url::parse(&text, 2048).is_ok());
    assert_eq!(Url::parse(&text, 2047), Err(UrlError::TooLong));
    assert_eq!(Url::parse("x", 0), Err(UrlError::TooLong));
    assert_eq!(Url::parse("", 0), Err(UrlError::Empty));

    let longest = format!("http://h/?{}#{}", "q".repeat(65_000), "f".repeat(65_535 - 65_011));
    let url = Url::parse(&longest, usize::MAX).unwrap();
    assert_eq!(url.query().map(str::len), Some(65_000));
    assert_eq!(Url::parse(&format!("{longest}f"), usize::MAX), Err(UrlError::TooLong));
}

#[test]
fn req_code_15_malformed_escape() {
    for tail in [
        "/%",
        "/%2",
        "/%zz",
        "/%2g/x",
        "/a%",
        "?%",
        "?a=%",
        "?a=100%&b",
        "/%%41",
        "/%4%31",
        "?%u0041",
        "/% 41",
        "/%\u{e9}",
    ] {
        assert_eq!(parse(&format!("http://h{tail}")), Err(UrlError::MalformedEscape), "{tail}");
    }
    for tail in ["/%41", "/%aF%Fa", "?%25", "/%00", "#%", "/#%zz", "?%e9", "/%2f%5c%2e%2e"] {
        assert!(parse(&format!("http://h{tail}")).is_ok(), "{tail}");
    }
}

#[test]
fn req_06_the_target_is_path_and_query_and_never_the_fragment() {
    for (text, expected) in [
        ("http://h", "/"),
        ("http://h/", "/"),
        ("http://h?a=b", "/?a=b"),
        ("http://h#f", "/"),
        ("http://h?#f", "/?"),
        ("http://h/a/../b//./c?d#e", "/a/../b//./c?d"),
        ("http://h/a b?c d", "/a%20b?c%20d"),
        ("http://h/\u{e9}\u{4f60}\u{1f980}?\u{e9}", "/%C3%A9%E4%BD%A0%F0%9F%A6%80?%C3%A9"),
        ("http://h/\"<>^`{|}?\"<>^`{|}", "/%22%3C%3E%5E%60%7B%7C%7D?%22%3C%3E%5E%60%7B%7C%7D"),
        ("http://h/?a\\b", "/?a%5Cb"),
        ("http://h/%41%e9%2F?%20", "/%41%e9%2F?%20"),
        ("http://h/-._~!$&'()*+,;=:@?-._~!$&'()*+,;=:@/?[]", "/-._~!$&'()*+,;=:@?-._~!$&'()*+,;=:@/?[]"),
        ("http://h/\u{80}\u{a0}", "/%C2%80%C2%A0"),
    ] {
        assert_eq!(target(text), expected, "{text}");
    }
}

#[test]
fn req_06_the_target_has_only_bytes_of_a_uri() {
    for character in (0x20..0x7f).chain([0xe9, 0x4f60, 0x1f980]).filter_map(char::from_u32) {
        let text = format!("http://h/?a{character}b");
        if let Ok(url) = parse(&text) {
            let target = written(|out| url.write_target(out));
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte);
            assert!(target.bytes().all(allowed), "{target}");
        }
    }
}

#[test]
fn req_06_what_joins_a_query() {
    for (text, joint) in [
        ("http://h", Joint::Question),
        ("http://h/", Joint::Question),
        ("http://h/a&", Joint::Question),
        ("http://h/#?a", Joint::Question),
        ("http://h?", Joint::Nothing),
        ("http://h/?#a", Joint::Nothing),
        ("http://h/?a", Joint::Ampersand),
        ("http://h/?a#b&", Joint::Ampersand),
        ("http://h/?a&", Joint::Nothing),
        ("http://h/?a&#b", Joint::Nothing),
        ("http://h/?a?", Joint::Nothing),
        ("http://h/?a=", Joint::Ampersand),
    ] {
        assert_eq!(url(text).query_joint(), joint, "{text}");
    }
    assert_eq!([Joint::Question, Joint::Ampersand, Joint::Nothing].map(Joint::as_str), ["?", "&", ""]);
}

#[test]
fn req_14_same_origin() {
    for (one, other) in [
        ("https://h/", "https://h/x?y#z"),
        ("https://h/", "HTTPS://H:443"),
        ("https://h.example/", "https://H.Example./"),
        ("https://h:/", "https://h:443/"),
        ("http://[::1]/", "http://[0:0:0:0:0:0:0:1]:80/"),
        ("http://[::ffff:1.2.3.4]/", "http://[::FFFF:102:304]/"),
        ("http://1.2.3.4/", "http://1.2.3.4:80/"),
    ] {
        assert!(url(one).same_origin(&url(other)), "{one} {other}");
        assert!(url(other).same_origin(&url(one)), "{other} {one}");
    }
    for (one, other) in [
        ("https://h/", "http://h/"),
        ("https://h/", "wss://h/"),
        ("https://h/", "http://h:443/"),
        ("https://h/", "https://h:8443/"),
        ("https://h/", "https://i/"),
        ("https://h/", "https://a.h/"),
        ("https://h/", "https://hh/"),
        ("http://[::1]/", "http://[::2]/"),
        ("http://[::1]/", "http://127.0.0.1/"),
        ("http://[::ffff:1.2.3.4]/", "http://1.2.3.4/"),
        ("http://1.2.3.4/", "http://1.2.3.5/"),
    ] {
        assert!(!url(one).same_origin(&url(other)), "{one} {other}");
    }
}

#[test]
fn req_14_parts_know_their_text() {
    let text = String::from("https://h.example:8443/a?b#c");
    let parts = url(&text).parts();
    assert_eq!(parts.text_len(), text.len());
    let again = Url::from_parts(&text, parts).unwrap();
    assert_eq!(again, url(&text));
    assert_eq!(Url::from_parts(&text[1..], parts), None);
    assert_eq!(Url::from_parts(&format!("{text} "), parts), None);
    assert_eq!(Url::from_parts("", parts), None);
    assert!(size_of::<Parts>() <= 24);
}
