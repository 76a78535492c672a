use super::*;

fn parsed(url: &str) -> (String, u16, Option<String>) {
    let Proxy { host, port, credentials } = Proxy::parse(url).unwrap();
    (host, port, credentials)
}

fn environment(variables: &[(&str, &str)]) -> Result<ProxyRules, ProxyError> {
    ProxyRules::from_environment(|name| {
        variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
    })
}

/// The hosts of the proxies for `http` and `https`.
fn chosen(variables: &[(&str, &str)]) -> (Option<String>, Option<String>) {
    let rules = environment(variables).unwrap();
    let host = |secure| rules.for_url(secure, "a.test", 80).map(|proxy| proxy.host.clone());
    (host(false), host(true))
}

#[test]
fn req_17_proxy_urls() {
    let pair = |user: &str, password: &str| Some(format!("{user}:{password}"));
    assert_eq!(parsed("http://proxy.test:3128"), ("proxy.test".into(), 3128, None));
    assert_eq!(parsed("HTTP://Proxy.Test:3128/"), ("proxy.test".into(), 3128, None));
    assert_eq!(parsed("proxy.test:3128"), ("proxy.test".into(), 3128, None));
    assert_eq!(parsed("http://proxy.test"), ("proxy.test".into(), 80, None));
    assert_eq!(parsed("http://10.0.0.1:8080"), ("10.0.0.1".into(), 8080, None));
    assert_eq!(parsed("http://[::1]:8080"), ("::1".into(), 8080, None));
    assert_eq!(parsed("http://u:p@proxy.test:1"), ("proxy.test".into(), 1, pair("u", "p")));
    assert_eq!(parsed("http://u@proxy.test:1"), ("proxy.test".into(), 1, pair("u", "")));
    assert_eq!(parsed("http://u%40x:p%3a%C3%A9@proxy.test:1"), ("proxy.test".into(), 1, pair("u@x", "p:é")));
    assert_eq!(parsed("http://u:p@q@proxy.test:1"), ("proxy.test".into(), 1, pair("u", "p@q")));
}

#[test]
fn req_17_other_proxies_are_a_clear_error() {
    for url in ["https://proxy.test", "socks5://proxy.test:1080", "socks5h://proxy.test", "ftp://proxy.test"] {
        assert_eq!(Proxy::parse(url), Err(ProxyError::Scheme), "{url}");
    }
    let malformed = [
        "",
        "http://",
        "http://:80",
        "http://proxy.test:",
        "http://proxy.test:0",
        "http://proxy.test:+80",
        "http://proxy.test:65536",
        "http://proxy.test/path",
        "http://proxy test",
        "http://proxy.test:80:80",
        "http://[::1",
        "http://[a.test]:80",
        "http://[::1]80",
        "http://a%ffb:p@proxy.test",
        "http://a%0d%0a:p@proxy.test",
        "http://a%3ab:p@proxy.test",
        "http://a%4:p@proxy.test",
        "http://a\r\nb",
    ];
    for url in malformed {
        assert_eq!(Proxy::parse(url), Err(ProxyError::Malformed), "{url:?}");
    }
}

#[test]
fn req_17_credentials_stay_out_of_logs() {
    let shown = format!("{:?}", Proxy::parse("http://user:secret@proxy.test").unwrap());
    assert!(!shown.contains("secret") && !shown.contains("user"), "{shown}");
}

#[test]
fn req_17_environment_table() {
    let some = |host: &str| Some(host.to_owned());
    let (l, u, s, a) = ("http://lower", "http://upper", "http://secure", "http://all");
    assert_eq!(chosen(&[]), (None, None));
    assert_eq!(chosen(&[("http_proxy", l)]), (some("lower"), None));
    assert_eq!(chosen(&[("HTTP_PROXY", u)]), (some("upper"), None));
    assert_eq!(chosen(&[("http_proxy", l), ("HTTP_PROXY", u)]), (some("lower"), None));
    assert_eq!(chosen(&[("http_proxy", ""), ("HTTP_PROXY", u)]), (some("upper"), None));
    assert_eq!(chosen(&[("https_proxy", s)]), (None, some("secure")));
    assert_eq!(chosen(&[("HTTPS_PROXY", s)]), (None, some("secure")));
    assert_eq!(chosen(&[("ALL_PROXY", a)]), (some("all"), some("all")));
    assert_eq!(chosen(&[("all_proxy", a), ("HTTPS_PROXY", s)]), (some("all"), some("secure")));
    assert_eq!(chosen(&[("https_proxy", "  ")]), (None, None));
    // What is not used is not looked at.
    assert_eq!(chosen(&[("ALL_PROXY", "socks5://x"), ("http_proxy", l), ("https_proxy", s)]).0, some("lower"));
    assert_eq!(environment(&[("ALL_PROXY", "socks5://x"), ("http_proxy", l)]), Err(ProxyError::Scheme));
}

#[cfg(not(windows))]
#[test]
fn req_17_http_proxy_does_not_count_under_cgi() {
    let some = |host: &str| Some(host.to_owned());
    let cgi = ("REQUEST_METHOD", "GET");
    assert_eq!(chosen(&[cgi, ("HTTP_PROXY", "http://evil")]), (None, None));
    assert_eq!(chosen(&[cgi, ("http_proxy", "http://mine"), ("HTTP_PROXY", "http://evil")]), (some("mine"), None));
    assert_eq!(chosen(&[cgi, ("HTTP_PROXY", "http://evil"), ("ALL_PROXY", "http://all")]).0, some("all"));
}

#[test]
fn req_17_no_proxy_table() {
    for (list, host, port, direct) in [
        ("*", "a.test", 443, true),
        ("", "a.test", 443, false),
        ("a.test", "a.test", 443, true),
        ("a.test", "A.Test.", 443, true),
        ("A.TEST.", "a.test", 443, true),
        ("a.test", "x.y.a.test", 443, true),
        ("a.test", "xa.test", 443, false),
        ("a.test", "test", 443, false),
        (".a.test", "a.test", 443, true),
        (".a.test", "x.a.test", 443, true),
        ("*.a.test", "x.a.test", 443, true),
        ("a.test:8443", "a.test", 8443, true),
        ("a.test:8443", "a.test", 443, false),
        ("b.test, a.test", "a.test", 443, true),
        ("b.test a.test", "a.test", 443, true),
        ("127.0.0.1", "127.0.0.1", 80, true),
        ("127.0.0.1", "1.127.0.0.1", 80, false),
        ("127.0.0.1:80", "127.0.0.1", 81, false),
        ("::1", "::1", 80, true),
        ("0:0::1", "::1", 80, true),
        ("[::1]:80", "::1", 80, true),
        ("[::1]:80", "::1", 81, false),
        ("10.0.0.1", "::ffff:10.0.0.1", 80, true),
        ("10.0.0.0/8", "10.200.3.4", 80, true),
        ("10.0.0.0/8", "11.0.0.1", 80, false),
        ("10.0.0.0/33", "10.0.0.1", 80, false),
        ("0.0.0.0/0", "8.8.8.8", 80, true),
        ("0.0.0.0/0", "::1", 80, false),
        ("fd00::/8", "fd12::1", 80, true),
        ("fd00::/8", "fe80::1", 80, false),
        ("localhost", "127.0.0.1", 80, false),
        ("é.test", "b.test", 80, false),
        (".", "a.test", 80, false),
    ] {
        let rules = ProxyRules::all(Proxy::parse("http://proxy.test").unwrap(), NoProxy::parse(list));
        assert_eq!(rules.for_url(true, host, port).is_none(), direct, "{list:?} {host}:{port}");
    }
}

#[test]
fn req_17_loopback_is_not_exempt_by_itself() {
    let rules = environment(&[("ALL_PROXY", "http://proxy.test")]).unwrap();
    for host in ["localhost", "127.0.0.1", "::1"] {
        assert!(rules.for_url(false, host, 80).is_some());
    }
    assert_eq!(ProxyRules::none().for_url(true, "a.test", 443), None);
}
