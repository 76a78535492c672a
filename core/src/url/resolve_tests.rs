use std::prelude::v1::*;

use super::*;

fn resolved_in(base: &str, location: &[u8], room: usize) -> Result<String, ResolveError> {
    let mut buf = vec![b'#'; room];
    buf[..base.len()].copy_from_slice(base.as_bytes());
    let parts = Url::parse(base, base.len()).unwrap().parts();
    let len = resolve(parts, location, &mut buf)?;
    let text = core::str::from_utf8(&buf[..len]).unwrap();
    assert!(Url::parse(text, len).is_ok(), "{text}");
    Ok(text.into())
}

fn resolved(base: &str, location: &str) -> Result<String, ResolveError> {
    resolved_in(base, location.as_bytes(), 512)
}

fn all(base: &str, examples: &[(&str, &str)]) {
    for (location, expected) in examples {
        assert_eq!(resolved(base, location).as_deref(), Ok(*expected), "{location:?} relative to {base}");
    }
}

#[test]
fn req_14_rfc_3986_section_5_4_1_normal_examples() {
    // A fragment is dropped, so it is missing from what the RFC prints.
    all(
        "http://a/b/c/d;p?q",
        &[
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("g;x", "http://a/b/c/g;x"),
            ("g;x?y#s", "http://a/b/c/g;x?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../", "http://a/"),
            ("../../g", "http://a/g"),
        ],
    );
    // The RFC's "g:h" has another scheme.
    assert_eq!(resolved("http://a/b/c/d;p?q", "g:h"), Err(ResolveError::Scheme));
}

#[test]
fn req_14_rfc_3986_section_5_4_2_abnormal_examples() {
    all(
        "http://a/b/c/d;p?q",
        &[
            ("../../../g", "http://a/g"),
            ("../../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            (".g", "http://a/b/c/.g"),
            ("g..", "http://a/b/c/g.."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g#s/./x", "http://a/b/c/g"),
            ("g#s/../x", "http://a/b/c/g"),
        ],
    );
    // A strict parser reads "http:g" as a URL without an authority, which is not one of ours.
    assert_eq!(resolved("http://a/b/c/d;p?q", "http:g"), Err(ResolveError::Malformed));
}

#[test]
fn req_14_the_base_s_own_shape() {
    all(
        "http://a",
        &[("", "http://a"), ("g", "http://a/g"), ("../g", "http://a/g"), ("?q", "http://a?q"), ("/", "http://a/")],
    );
    all(
        "http://a?x/y",
        &[("g", "http://a/g"), ("?q", "http://a?q"), ("", "http://a?x/y"), (".", "http://a/"), ("..", "http://a/")],
    );
    all("http://a#f/g", &[("", "http://a"), ("g", "http://a/g"), ("?q", "http://a?q"), ("#h", "http://a")]);
    all(
        "http://a/b?x/y/z#f",
        &[("c", "http://a/c"), ("?", "http://a/b?"), ("#", "http://a/b?x/y/z"), ("/?n", "http://a/?n")],
    );
    all("http://a/b/../c/./d", &[("e", "http://a/c/e"), ("", "http://a/b/../c/./d"), ("?q", "http://a/b/../c/./d?q")]);
    all(
        "http://a//b//c",
        &[("d", "http://a//b//d"), ("../d", "http://a//b/d"), ("../../d", "http://a//d"), ("../../../d", "http://a/d")],
    );
    all(
        "http://[::1]:8080/x/y",
        &[("z", "http://[::1]:8080/x/z"), ("/z", "http://[::1]:8080/z"), ("//h/z", "http://h/z")],
    );
    all("HTTPS://H.Example:8443/x", &[("//i:1/y", "HTTPS://i:1/y"), ("y", "HTTPS://H.Example:8443/y")]);
    all(
        "http://a/\u{e9}/\u{4f60}",
        &[("g", "http://a/\u{e9}/g"), ("..", "http://a/"), ("?q", "http://a/\u{e9}/\u{4f60}?q")],
    );
}

#[test]
fn req_14_absolute_references() {
    let base = "https://a.example:8443/b/c?d#e";
    all(
        base,
        &[
            ("http://z/", "http://z/"),
            ("HTTP://z", "HTTP://z"),
            ("wss://z:9/x?y#w", "wss://z:9/x?y"),
            ("http://z?q", "http://z?q"),
            ("http://z#f", "http://z"),
            ("http://z/a/./b/../c/..", "http://z/a/"),
            ("http://z/../..", "http://z/"),
            ("//z", "https://z"),
            ("//z:81?q", "https://z:81?q"),
            ("//z/a/../b", "https://z/b"),
            ("https://a.example:8443/b/c?d", "https://a.example:8443/b/c?d"),
        ],
    );
    for location in ["ftp://z/", "mailto:a@b", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "x:y"] {
        assert_eq!(resolved(base, location), Err(ResolveError::Scheme), "{location}");
    }
}

#[test]
fn req_14_references_that_are_refused() {
    for location in [
        "http:",
        "http:/z",
        "http:///z",
        "http://",
        "//",
        "///z",
        "http://u@z/",
        "//u@z/",
        "http://z:0/",
        "http://z:x/",
        "//z:99999/",
        "http://2130706433/",
        "//127.1",
        "\\\\z\\x",
        "/\\z",
        "\\/z",
        "a\\b",
        "/\\z/../y",
        "z\\y/../x",
        "http:\\\\z",
        "http://z\\@a/",
        "/%",
        "/%zz",
        "?%4",
        "%",
        "//b\u{fc}cher/",
        "//z%2e/",
        "//z z/",
    ] {
        assert_eq!(resolved("http://a/b?c", location), Err(ResolveError::Malformed), "{location:?}");
    }
    for control in (0..0x20).chain([0x7f]) {
        for location in [vec![control], vec![b'/', control, b'x'], vec![b'x', control], vec![b'#', control]] {
            assert_eq!(resolved_in("http://a/b", &location, 99), Err(ResolveError::Malformed), "{location:?}");
        }
    }
}

#[test]
fn req_14_spaces_and_other_charsets_are_percent_encoded() {
    all(
        "http://a/b",
        &[
            ("/x y?z w", "http://a/x%20y?z%20w"),
            ("\u{e9}", "http://a/%C3%A9"),
            ("/\u{4f60}?\u{1f980}#\u{e9}", "http://a/%E4%BD%A0?%F0%9F%A6%80"),
            ("/%e9", "http://a/%e9"),
            ("  /x  ", "http://a/x"),
            ("/?q=\\", "http://a/?q=\\"),
            ("/\"<>", "http://a/\"<>"),
            ("1:2", "http://a/1:2"),
            ("x/y:z", "http://a/x/y:z"),
            ("?x:y", "http://a/b?x:y"),
        ],
    );
    assert_eq!(resolved_in("http://a/b", b"/caf\xe9\xff", 99).as_deref(), Ok("http://a/caf%E9%FF"));
}

#[test]
fn req_14_any_room_gives_the_result_or_too_long() {
    let base = "http://a/b/c/d;p?q";
    for location in
        ["g", "/a/long/path?with=a&query=too", "../g", "?y", "//h", "https://other.example/x?y", "\u{e9}", "a/../b/."]
    {
        let expected = resolved(base, location).unwrap();
        let mut fitted = false;
        for room in base.len()..64 {
            match resolved_in(base, location.as_bytes(), room) {
                Ok(text) => {
                    assert_eq!(text, expected);
                    fitted = true;
                }
                Err(error) => assert!(!fitted && error == ResolveError::TooLong, "{location} in {room}: {error:?}"),
            }
        }
        assert!(fitted, "{location}");
    }
}

#[test]
fn req_14_a_buffer_without_the_url_is_refused() {
    let parts = Url::parse("http://a/b", 99).unwrap().parts();
    assert_eq!(resolve(parts, b"x", &mut b"http".to_owned()), Err(ResolveError::Malformed));
}

/// RFC 3986 section 5.2.4 as it is written there, with an allocator.
fn by_the_letter(path: &str) -> String {
    let (mut input, mut output) = (String::from(path), String::new());
    while !input.is_empty() {
        if input.starts_with("/./") || input == "/." {
            input = ["/", input.get(3..).unwrap_or_default()].concat();
        } else if input.starts_with("/../") || input == "/.." {
            input = ["/", input.get(4..).unwrap_or_default()].concat();
            output.truncate(output.rfind('/').unwrap_or(0));
        } else {
            let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
            output.push_str(&input[..end]);
            input.drain(..end);
        }
    }
    output
}

#[test]
fn req_14_dot_segments_of_every_short_path() {
    let alphabet = b"/.a";
    for len in 0..9_u32 {
        for number in 0..3_usize.pow(len) {
            let mut path = vec![b'/'];
            path.extend((0..len).map(|place| alphabet[number / 3_usize.pow(place) % 3]));
            let expected = by_the_letter(core::str::from_utf8(&path).unwrap());
            let mut buf = path.clone();
            let written = remove_dot_segments(&mut buf);
            assert_eq!(&buf[..written], expected.as_bytes(), "{:?}", String::from_utf8_lossy(&path));
        }
    }
}

#[test]
fn req_14_only_the_same_scheme_host_and_port_keep_the_origin() {
    let base = Url::parse("https://h.example/a/b", 100).unwrap();
    for same in ["", "c", "/c", "?q", "#f", "https://H.example:443/x", "https://h.example./", " /c "] {
        assert!(keeps_origin(&base, same.as_bytes()), "{same}");
    }
    for other in [
        "http://h.example/",
        "https://h.example:444/",
        "https://x.h.example/",
        "//h.example/",
        "mailto:a",
        "https://h.example:0/",
    ] {
        assert!(!keeps_origin(&base, other.as_bytes()), "{other}");
    }
}
