//! The `miniwire` program as its user has it: options, both outputs, exit status.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use miniwire_std::serve::{Options, Server};
use serde_json::{Value, json};

static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(Options::default()).unwrap());

/// A file that goes when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &[u8]) -> Self {
        let path =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("miniwire-cli-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn miniwire(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_miniwire"));
    command.args(args).stdin(Stdio::null());
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD"] {
        command.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    command
}

/// `miniwire request` to a path of the server, which is trusted.
fn request(path: &str, args: &[&str]) -> Command {
    static CA: LazyLock<String> = LazyLock::new(|| {
        // What is static is not dropped, so this file stays, in the build directory.
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/miniwire-cli-ca.pem");
        fs::write(path, SERVER.ca_pem()).unwrap();
        path.into()
    });
    let url = if path.starts_with('/') { SERVER.https_url(path) } else { path.into() };
    let mut command = miniwire(&["request", &url, "--ca", &CA]);
    command.args(args);
    command
}

fn run(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The one object that `--json` prints, the exit status checked against it.
fn json_of(mut command: Command) -> Value {
    command.arg("--json");
    let (code, stdout, stderr) = run(command);
    assert_eq!(stdout.find('\n'), Some(stdout.len() - 1), "{stdout}{stderr}");
    let object: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, Some(if object["ok"] == true { 0 } else { 1 }));
    object
}

/// What an echo of the server says.
fn echo(path: &str, args: &[&str]) -> Value {
    let object = json_of(request(path, args));
    assert_eq!(object["ok"], true, "{object}");
    object["data"].clone()
}

/// Code and reason of a failure.
fn failure(command: Command) -> (u64, String) {
    let object = json_of(command);
    assert_eq!(object["ok"], false, "{object}");
    assert!(object["errorMessage"].as_str().is_some_and(|message| !message.is_empty()), "{object}");
    (object["error"].as_u64().unwrap(), object["reason"].as_str().unwrap().into())
}

fn fails(code: u64, reason: &str) -> (u64, String) {
    (code, reason.into())
}

/// Exit status 2, a message that has `says`, nothing on standard output.
fn is_wrong_usage(command: Command, says: &str) {
    let (code, stdout, stderr) = run(command);
    assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
}

/// The value of an answer that the server sends byte for byte.
fn raw(head: &str, body: &str) -> String {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{head}\r\n{body}", body.len());
    let escaped: String = answer.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("/raw?answer={escaped}")
}

#[test]
fn req_10_the_body_goes_to_standard_output_as_it_is() {
    let body = "{ \"a\":\n [1.0, 123456789012345678901234567890] }";
    assert_eq!(run(request(&raw("", body), &[])), (Some(0), body.into(), String::new()));
    assert_eq!(run(request("/empty", &[])), (Some(0), String::new(), String::new()));
    let (code, stdout, _) = run(request("/bytes/3?seed=1", &["--data-type", "base64"]));
    assert_eq!((code, stdout.len()), (Some(0), 4));
}

#[test]
fn req_10_json_output_is_one_object_on_one_line() {
    let path = raw("X-A: 1\r\nx-a: 2\r\n", "{ \"a\":\n [1.0, 123456789012345678901234567890], \"a\": \"\\u00e9\\n\" }");
    let (code, stdout, stderr) = run(request(&path, &["--json"]));
    let expected = "{\"ok\":true,\"status\":200,\"headers\":[[\"Content-Length\",\"64\"],[\"X-A\",\"1\"],[\"x-a\",\"2\"]],\
                    \"data\":{\"a\":[1.0,123456789012345678901234567890],\"a\":\"\\u00e9\\n\"}}\n";
    assert_eq!((code, &*stdout, &*stderr), (Some(0), expected, ""));

    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Name: Zo\u{ff}\r\n\r\nok";
    let latin1: String = answer.chars().map(|letter| format!("%{:02x}", u32::from(letter))).collect();
    let object = json_of(request(&format!("/raw?answer={latin1}"), &["--data-type", "text"]));
    assert_eq!(object["headers"][1], json!(["X-Name", "Zo\u{ff}"]));
    assert_eq!(object["data"], "ok");
}

#[test]
fn req_13_a_failure_prints_what_came() {
    let gone = "/status/404?body=%5B%201%20%5D";
    let (code, stdout, stderr) = run(request(gone, &[]));
    assert_eq!((code, &*stdout), (Some(1), "[ 1 ]"));
    assert_eq!(stderr, "miniwire: error 19 (HttpStatus): the server answered with an error status (status 404)\n");
    let object = json_of(request(gone, &[]));
    assert_eq!(object["error"], 19);
    assert_eq!(object["reason"], "HttpStatus");
    assert_eq!(object["errorMessage"], "the server answered with an error status (status 404)");
    assert_eq!((&object["status"], &object["data"]), (&json!(404), &json!([1])));
    assert_eq!(object["headers"][0], json!(["Content-Type", "text/plain; charset=utf-8"]));

    let object = json_of(request("nonsense", &[]));
    assert_eq!(object["reason"], "UrlMalformed");
    assert_eq!((object.get("status"), object.get("headers"), object.get("data")), (None, None, None));
}

#[test]
fn req_01_methods() {
    assert_eq!(echo("/anything/x", &[])["method"], "GET");
    for method in ["GET", "POST", "PUT", "DELETE", "delete"] {
        assert_eq!(echo("/anything/x", &["-X", method])["method"], method.to_uppercase());
        assert_eq!(echo("/anything/x", &["--method", method])["method"], method.to_uppercase());
    }
    is_wrong_usage(request("/get", &["-X", "PATCH"]), "possible values: GET, POST, PUT, DELETE");
}

#[test]
fn req_06_data_on_get_joins_the_query() {
    assert_eq!(echo("/get?a=1", &["-d", "b=+%20"])["raw_target"], "/get?a=1&b=+%20");
    assert_eq!(echo("/get", &["--data", "-1"])["raw_target"], "/get?-1");
    let target = &echo("/get", &["--data-json", r#"{"n":1.0,"s":"ë","l":[1,2]}"#])["raw_target"];
    assert_eq!(target, "/get?n=1&s=%C3%AB&l=1&l=2");
}

#[test]
fn req_07_data_json_is_what_javascript_would_send() {
    let posted = |json| echo("/post", &["-X", "POST", "--data-json", json])["data"].clone();
    assert_eq!(
        posted(
            r#" {"b": 1e21, "a": [1.0, -0.0, 18446744073709551615, 9007199254740993, 123456789012345678901234567890]} "#
        ),
        r#"{"b":1e+21,"a":[1,0,18446744073709551615,9007199254740993,1.2345678901234568e+29]}"#
    );
    // These need a parser that is right to the last bit.
    assert_eq!(
        posted("[1.2345678901234567, 5e-324, 2.2250738585072011e-308]"),
        "[1.2345678901234567,5e-324,2.225073858507201e-308]"
    );
    assert_eq!(posted("-1"), "-1");
    assert_eq!(posted("\"a\""), "\"a\"");
}

#[test]
fn req_08_the_content_type_decides() {
    let form = "Content-Type: application/x-www-form-urlencoded";
    let data = echo("/post", &["-X", "POST", "-H", form, "--data-json", r#"{"a":"b c","d":null}"#]);
    assert_eq!(data["form"], json!({"a": "b c", "d": ""}));
    assert_eq!(echo("/post", &["-X", "POST", "-d", "{as it is"])["data"], "{as it is");
}

#[test]
fn req_05_data_file_is_the_body() {
    let file = Scratch::new("body", b"from a file\0\n");
    assert_eq!(echo("/put", &["-X", "PUT", "--data-file", file.path()])["data"], "from a file\0\n");

    let mut command = request("/post", &["-X", "POST", "--data-file", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from standard input").unwrap();
    let output = child.wait_with_output().unwrap();
    let data: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(data["data"], "from standard input");

    assert_eq!(failure(request("/get", &["--data-file", file.path()])), fails(2, "IllegalOption"));
    is_wrong_usage(request("/post", &["--data-file", "/no/such/file"]), "/no/such/file");
}

#[test]
fn ctx_09_headers() {
    let raw =
        echo("/get", &["-H", "X-a:1", "--header", "x-B: \t b: c ", "-H", "x-A: 2", "-H", "X-Empty:"])["raw_headers"]
            .clone();
    let ours: Vec<_> = raw
        .as_array()
        .unwrap()
        .iter()
        .filter(|field| field[0].as_str().unwrap().to_ascii_lowercase().starts_with("x-"))
        .collect();
    assert_eq!(ours, [&json!(["x-B", "b: c"]), &json!(["x-A", "2"]), &json!(["X-Empty", ""])]);
    is_wrong_usage(request("/get", &["-H", "X-A"]), "a header is written 'name: value'");
    assert_eq!(failure(request("/get", &["-H", "X A: 1"])), fails(2, "IllegalHeader"));
}

#[test]
fn ctx_02_app_id_and_version_are_in_the_referer() {
    let referer = |args| echo("/headers", args)["headers"]["Referer"].clone();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(referer(&[]), format!("https://localhost/miniwire/{version}/page-frame.html"));
    assert_eq!(referer(&["--appid", "2021", "--app-version", "1.2"]), "https://localhost/2021/1.2/page-frame.html");
    is_wrong_usage(request("/get", &["--appid", "a b"]), "miniwire: ");
}

#[test]
fn req_04_data_types() {
    let data = |kind| json_of(request("/json", &["--data-type", kind]))["data"].clone();
    assert_eq!(data("json")["title"], "A sample");
    assert!(data("text").as_str().unwrap().starts_with("{\"title\""));
    assert!(data("base64").as_str().unwrap().starts_with("eyJ"));
    assert_eq!(json_of(request("/no-content", &[]))["data"], "");
    assert_eq!(failure(request("/html", &[])), fails(14, "NotJson"));
    is_wrong_usage(request("/json", &["--data-type", "xml"]), "possible values: json, text, base64");
}

#[test]
fn req_03_timeout() {
    assert_eq!(failure(request("/delay/20", &["--timeout", "50"])), fails(13, "Timeout"));
    assert_eq!(echo("/get", &["--timeout", "0"])["method"], "GET");
    for bad in ["-1", "x", "1s", "4294967296"] {
        is_wrong_usage(request("/get", &[&format!("--timeout={bad}")]), "--timeout");
    }
}

#[test]
fn req_14_redirects() {
    assert_eq!(echo("/redirect/5", &["--redirect", "follow"])["raw_target"], "/get");
    assert_eq!(failure(request("/redirect/6", &[])), fails(19, "TooManyRedirects"));
    let object = json_of(request("/redirect/1", &["--redirect", "manual", "--data-type", "text"]));
    assert_eq!((&object["status"], &object["data"]), (&json!(302), &json!("elsewhere\n")));
    is_wrong_usage(request("/get", &["--redirect", "never"]), "possible values: follow, manual");
}

#[test]
fn ctx_04_the_host_of_the_url_is_the_whitelist_unless_one_is_given() {
    assert_eq!(failure(request("/redirect-to?url=https://elsewhere.example/", &[])), fails(11, "HostNotAllowed"));
    assert_eq!(failure(request("/get", &["--allow", "elsewhere.example"])), fails(11, "HostNotAllowed"));
    assert_eq!(echo("/get", &["--allow", "elsewhere.example", "--allow", "localhost"])["method"], "GET");
    let port = SERVER.https().port();
    assert_eq!(echo("/get", &["--allow", &format!("localhost:{port}")])["method"], "GET");
    assert_eq!(failure(request("/get", &["--allow", "localhost:1"])), fails(11, "HostNotAllowed"));
    let address = format!("https://127.0.0.1:{port}/get");
    assert_eq!(json_of(request(&address, &[]))["status"], 200);
    is_wrong_usage(request("/get", &["--allow", "https://localhost"]), "not a whitelist entry");
}

#[test]
fn ctx_03_plain_http_needs_dev() {
    let plain = SERVER.http_url("/get");
    assert_eq!(failure(request(&plain, &[])), fails(20, "PlainHttpRefused"));
    assert_eq!(failure(request(&plain, &["--allow", "127.0.0.1"])), fails(20, "PlainHttpRefused"));
    assert_eq!(json_of(request(&plain, &["--dev"]))["status"], 200);
    is_wrong_usage(request(&plain, &["--dev", "--allow", "127.0.0.1"]), "cannot be used with");
}

#[test]
fn ctx_08_a_root_has_to_be_given() {
    let url = SERVER.https_url("/get");
    let untrusted = || miniwire(&["request", &url]);
    assert_eq!(failure(untrusted()), fails(19, "CertificateUnknownIssuer"));
    let mut dev = untrusted();
    dev.arg("--dev");
    assert_eq!(failure(dev), fails(19, "CertificateUnknownIssuer"));
    let der = Scratch::new("ca.der", SERVER.authority().certificate());
    assert_eq!(json_of(miniwire(&["request", &url, "--ca", der.path()]))["status"], 200);
    let junk = Scratch::new("junk.pem", b"not a certificate");
    is_wrong_usage(miniwire(&["request", &url, "--ca", junk.path()]), "not a certificate in PEM or DER");
    is_wrong_usage(miniwire(&["request", &url, "--ca", "/no/such/file"]), "/no/such/file");
}

#[test]
fn req_17_proxies() {
    // The server answers requests in absolute form and refuses tunnels.
    let proxy = SERVER.http_url("");
    let through = "http://shop.example/get";
    let data = json_of(request(through, &["--dev", "--proxy", &proxy]))["data"].clone();
    assert_eq!(data["raw_target"], through);
    assert_eq!(failure(request("/get", &["--proxy", &proxy])), fails(23, "ProxyRefused"));
    is_wrong_usage(request("/get", &["--proxy", "socks5://localhost"]), "only http:// proxies");

    let with = |name: &str, value: &str| {
        let mut command = request("/get", &[]);
        command.env(name, value);
        command
    };
    assert_eq!(failure(with("https_proxy", &proxy)), fails(23, "ProxyRefused"));
    assert_eq!(failure(with("HTTPS_PROXY", &proxy)), fails(23, "ProxyRefused"));
    assert_eq!(failure(with("ALL_PROXY", &proxy)), fails(23, "ProxyRefused"));
    let mut direct = with("HTTPS_PROXY", &proxy);
    direct.env("NO_PROXY", "localhost");
    assert_eq!(json_of(direct)["status"], 200);
    // An option overrides the environment, NO_PROXY included.
    let mut given = with("NO_PROXY", "localhost");
    given.args(["--proxy", &proxy]);
    assert_eq!(failure(given), fails(23, "ProxyRefused"));
    is_wrong_usage(with("HTTPS_PROXY", "socks5://localhost"), "only http:// proxies");
}

#[test]
fn verbose_shows_the_heads_and_the_timings() {
    let secret = ["-H", "Authorization: Bearer s3cret", "-H", "cookie: s3cret", "-H", "Proxy-Authorization: s3cret"];
    let mut command = request("/redirect/1", &secret);
    command.args(["-v", "-X", "POST", "-d", "{\"body\":1}"]);
    let (code, stdout, stderr) = run(command);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(serde_json::from_str::<Value>(&stdout).is_ok(), "{stdout}");
    let lines: Vec<&str> = stderr.lines().collect();
    for line in [
        "* connected",
        "* TLS is up, the server's certificate is good",
        "> POST /redirect/1 HTTP/1.1",
        "> Content-Length: 10",
        "> Authorization: (hidden)",
        "> cookie: (hidden)",
        "< HTTP/1.1 302 Found",
        "< Location: /get",
        "> GET /get HTTP/1.1",
        "< HTTP/1.1 200 OK",
    ] {
        assert!(lines.contains(&line), "{line} is missing in {stderr}");
    }
    assert!(!stderr.contains("s3cret") && !stderr.contains("body"), "{stderr}");
    let timings = lines.last().unwrap();
    for phase in ["resolve", "connect", "TLS", "first byte", "total"] {
        assert!(timings.contains(&format!("{phase} ")), "{timings}");
    }
}

#[test]
fn verbose_hides_the_credentials_of_a_proxy_and_escapes_what_a_terminal_would_obey() {
    let proxy = SERVER.http_url("").replace("http://", "http://user:s3cret@");
    let (_, _, stderr) = run(request("/get", &["-v", "--proxy", &proxy]));
    assert!(
        stderr.contains("> CONNECT localhost:") && stderr.contains("> Proxy-Authorization: (hidden)\n"),
        "{stderr}"
    );
    assert!(!stderr.contains("s3cret") && !stderr.contains("dXNlcjpzM2NyZXQ"), "{stderr}");

    let (_, _, stderr) = run(request(&raw("X-A: \x1b[2J\r\n", "1"), &["--verbose"]));
    assert!(stderr.contains("< X-A: \\u{1b}[2J\n") && !stderr.contains('\x1b'), "{stderr}");
}

#[test]
fn wrong_usage_is_exit_status_2() {
    is_wrong_usage(miniwire(&[]), "Usage: miniwire <COMMAND>");
    is_wrong_usage(miniwire(&["fetch"]), "unrecognized subcommand");
    is_wrong_usage(miniwire(&["request"]), "<URL>");
    is_wrong_usage(request("/get", &["--no-such-option"]), "--no-such-option");
    is_wrong_usage(request("/get", &["-d", "a", "--data-json", "1"]), "cannot be used with");
    is_wrong_usage(request("/get", &["-d", "a", "--data-file", "-"]), "cannot be used with");
    is_wrong_usage(request("/get", &["--data-json", "{a:1}"]), "this is not JSON: ");
    is_wrong_usage(request("/get", &["--data-json", "{a:1}", "--json"]), "this is not JSON: ");
    is_wrong_usage(miniwire(&["serve", "--http", "65536"]), "65536");
    is_wrong_usage(miniwire(&["tour", "extra"]), "extra");
}

#[test]
fn help_is_exit_status_0() {
    for (command, says) in [
        (&["--help"][..], "tour"),
        (&["request", "--help"], "the host of the URL given is the whitelist"),
        (&["serve", "--help"], "--ca-out"),
        (&["tour", "--help"], "as the reference promises"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let (code, stdout, stderr) = run(miniwire(command));
        assert_eq!((code, &*stderr), (Some(0), ""));
        assert!(stdout.contains(says), "{stdout}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for args in [&["--data-type", "base64"][..], &["--data-type", "base64", "--json"]] {
        let mut command = request("/bytes/1000000", args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), &*stderr), (Some(0), ""));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_a_failure() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = request("/get", &[]);
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.starts_with(b"miniwire: standard output: "));
}

#[test]
fn serve_and_request_work_together() {
    let ca = Scratch::new("served.pem", b"");
    let mut serve = miniwire(&["serve", "--until-stdin-ends", "--ca-out", ca.path()]);
    let mut server = serve.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut stdout = server.stdout.take().unwrap();
    while said.lines().count() < 3 || !said.ends_with('\n') {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        said.push(char::from(byte[0]));
    }
    let https = said.lines().find(|line| line.starts_with("https://")).unwrap();
    let (code, stdout, stderr) = run(miniwire(&["request", &format!("{https}get"), "--ca", ca.path()]));
    assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn the_tour_is_as_the_reference_promises() {
    let (code, stdout, stderr) = run(miniwire(&["tour"]));
    assert_eq!((code, &*stderr), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("  ok      ") && !stdout.contains("DIFFERS") && !stdout.contains('\x1b'), "{stdout}");
    assert!(stdout.lines().last().unwrap().contains(" steps, each as promised, in "), "{stdout}");
}

#[test]
fn the_tour_does_not_go_through_the_proxies_of_the_environment() {
    let mut command = miniwire(&["tour"]);
    command.env("HTTPS_PROXY", "http://127.0.0.1:1").env("HTTP_PROXY", "http://127.0.0.1:1");
    assert_eq!(run(command).0, Some(0));
}
