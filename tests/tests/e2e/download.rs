//! `my.downloadFile`: what it leaves, how far it is, and how it fails.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use miniwire_std::serve::Pattern;
use miniwire_std::{Client, ClientBuilder, DownloadCall, Downloaded, Failure, ProgressUpdate};
use miniwire_tests::{
    BlackHole, Peer, ScratchDirectory, builder, development, fails, idle, in_own_process, peak_memory, promptly,
    read_head, recorded, refused, release, server, until,
};

fn pattern(bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    Pattern::new(7).fill(&mut content);
    content
}

/// A client whose temporary files are in a directory of the test's.
fn within(client: ClientBuilder) -> (Client, ScratchDirectory) {
    let directory = ScratchDirectory::new();
    (client.temporary_directory(directory.path()).build().unwrap(), directory)
}

/// The call with a listener that keeps all that it is told.
fn watched(call: DownloadCall) -> (DownloadCall, Arc<Mutex<Vec<ProgressUpdate>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    (call.on_progress_update(move |update| listener.lock().unwrap().push(update)), told)
}

/// Fails as said, and nothing of the file stays.
#[track_caller]
fn leaves_nothing(
    result: Result<Downloaded, Failure>,
    directory: &ScratchDirectory,
    code: u8,
    reason: &str,
) -> Failure {
    let failure = fails(result, code, reason);
    assert_eq!(directory.files(), Vec::<PathBuf>::new());
    failure
}

/// `/raw` with this answer.
fn raw(head: &str, body: &[u8]) -> String {
    let answer = [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{head}\r\n", body.len()).as_bytes(), body].concat();
    let escaped: String = answer.iter().map(|byte| format!("%{byte:02x}")).collect();
    format!("/raw?answer={escaped}")
}

#[test]
fn down_01_a_temporary_file_of_its_own_with_all_the_bytes() {
    let server = server();
    let (client, directory) = within(release(&server));
    let url = server.https_url("/bytes/1000000?seed=7");
    let [one, two] = [(), ()].map(|()| client.download_file(&url).send().unwrap());
    assert_ne!(one.ap_file_path(), two.ap_file_path());
    for downloaded in [one, two] {
        assert!(downloaded.ap_file_path().starts_with(directory.path()));
        assert_eq!(fs::read(downloaded.ap_file_path()).unwrap(), pattern(1_000_000));
        assert_eq!((downloaded.length(), downloaded.response().status()), (1_000_000, 200));
        assert_eq!(downloaded.response().header("content-length"), Some("1000000"));
        assert_eq!(downloaded.response().data(), "");
    }
    let chunked = client.download_file(server.https_url("/stream-bytes/100000?seed=7&chunk_size=999")).send().unwrap();
    assert_eq!(fs::read(chunked.ap_file_path()).unwrap(), pattern(100_000));
    let empty = client.download_file(server.https_url("/empty")).send().unwrap();
    assert_eq!(fs::read(empty.ap_file_path()).unwrap(), b"");
}

#[test]
fn down_01_the_extension_is_that_of_the_content_or_of_the_url() {
    let server = server();
    let (client, _directory) = within(release(&server));
    let extension = |path: &str| {
        let downloaded = client.download_file(server.https_url(path)).send().unwrap();
        downloaded.ap_file_path().extension().map(|extension| extension.to_str().unwrap().to_owned())
    };
    assert_eq!(extension(&raw("", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")).as_deref(), Some("png"));
    assert_eq!(extension(&raw("", b"%PDF-1.7\n...")).as_deref(), Some("pdf"));
    assert_eq!(extension("/anything/photo.JPG?x=y.gif").as_deref(), Some("JPG"));
    assert_eq!(extension("/anything/photo").as_deref(), None);
    assert_eq!(extension("/redirect-to?url=/anything/a.txt").as_deref(), Some("txt"));
}

#[test]
fn down_01_headers_are_sent() {
    let server = server();
    let (client, _directory) = within(release(&server));
    let call = client.download_file(server.https_url("/get")).header("X-Trace", "1").header("referer", "evil");
    let echo: serde_json::Value =
        serde_json::from_slice(&fs::read(call.send().unwrap().ap_file_path()).unwrap()).unwrap();
    assert_eq!(echo["headers"]["X-Trace"], "1");
    assert_eq!(echo["headers"]["Referer"], "https://localhost/2021000000000001/1.0.0/page-frame.html");
    assert_eq!(echo["headers"]["Accept-Encoding"], "identity");
    assert_eq!(echo["headers"].get("Content-Type"), None);
}

#[test]
fn down_02_the_path_appears_only_when_the_file_is_complete() {
    let server = server();
    let (client, directory) = within(release(&server));
    let directory = Arc::new(directory);
    let (seen, look) = (Arc::new(Mutex::new(Vec::new())), Arc::clone(&directory));
    let names = Arc::clone(&seen);
    let call = client.download_file(server.https_url("/drip?numbytes=5&duration=0.1")).on_progress_update(move |_| {
        let extension = |path: &PathBuf| path.extension().map(|extension| extension.to_str().unwrap().to_owned());
        names.lock().unwrap().extend(look.files().iter().map(extension));
    });
    let downloaded = call.send().unwrap();
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|name| name.as_deref() == Some("incomplete")), "{seen:?}");
    assert_eq!(directory.files(), [downloaded.ap_file_path()]);
}

#[test]
fn down_02_temporary_files_go_with_the_context_unless_saved() {
    let server = server();
    let (client, directory) = within(release(&server));
    let kept = ScratchDirectory::new();
    let url = server.https_url("/bytes/10?seed=7");
    let first = client.download_file(&url).send().unwrap();
    let second = client.download_file(&url).send().unwrap();
    let saved = kept.path().join("saved.bin");
    client.save_file(first.ap_file_path(), &saved).unwrap();
    assert!(!first.ap_file_path().exists());
    assert!(client.save_file(&saved, kept.path().join("other")).is_err());
    let clone = client.clone();
    drop(client);
    assert!(second.ap_file_path().exists());
    drop(clone);
    assert!(!second.ap_file_path().exists() && directory.is_empty());
    assert_eq!(fs::read(saved).unwrap(), pattern(10));
}

#[test]
fn down_02_a_download_under_way_keeps_its_context() {
    let server = server();
    let (client, directory) = within(release(&server));
    let (call, recorded) = recorded(client.download_file(server.https_url("/drip?numbytes=5&duration=0.2")));
    let task = call.start();
    drop(client);
    task.wait();
    assert_eq!(recorded.outcome().unwrap().length(), 5);
    // Nobody is left who could ask for the file.
    until(|| directory.is_empty());
}

#[test]
fn down_02_the_file_is_never_held_in_memory() {
    if !in_own_process("download::down_02_the_file_is_never_held_in_memory", &[]).unwrap() {
        return;
    }
    let server = server();
    let (client, _directory) = within(development(&server));
    client.download_file(server.http_url("/bytes/1000000")).send().unwrap();
    let Some(before) = peak_memory() else { return };
    let large = client.download_file(server.http_url("/bytes/100000000")).send().unwrap();
    assert_eq!(fs::metadata(large.ap_file_path()).unwrap().len(), 100_000_000);
    let grown = peak_memory().unwrap() - before;
    assert!(grown < 4 << 10, "{grown} KiB");
}

#[test]
fn down_04_what_is_not_2xx_is_12_with_its_status() {
    let server = server();
    let (client, directory) = within(release(&server));
    for (status, reason) in
        [(300, "HttpStatus"), (304, "HttpStatus"), (404, "HttpStatus"), (429, "RateLimited"), (500, "HttpStatus")]
    {
        let url = server.https_url(&format!("/status/{status}?body=gone"));
        let failure = leaves_nothing(client.download_file(url).send(), &directory, 12, reason);
        let response = failure.response().unwrap();
        assert_eq!((response.status(), response.headers().count() > 0, response.data()), (status, true, ""));
    }
    assert!(directory.is_empty());
    for status in [201, 206] {
        let url = server.https_url(&format!("/status/{status}?body=here"));
        let downloaded = client.download_file(url).send().unwrap();
        assert_eq!(fs::read(downloaded.ap_file_path()).unwrap(), b"here");
    }
}

#[test]
fn down_04_no_byte_for_so_long_is_12_and_slow_bytes_are_not() {
    let server = server();
    let (client, directory) = within(development(&server).download_idle_timeout(100));
    let (silent, hole) = (Peer::silent(), BlackHole::new().unwrap());
    let hole = format!("http://{}/", hole.address());
    for url in [silent.http_url("/"), silent.https_url("/"), hole] {
        promptly(100, || drop(leaves_nothing(client.download_file(&url).send(), &directory, 12, "Timeout")));
    }
    let stalls = Peer::start(|mut stream, _| {
        let _ = read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        idle(stream);
    });
    // Time for the head to come, on a busy machine too.
    let (client, directory) = within(development(&server).download_idle_timeout(1000));
    promptly(1000, || {
        let failure = leaves_nothing(client.download_file(stalls.http_url("/")).send(), &directory, 12, "Timeout");
        assert_eq!(failure.response().unwrap().status(), 200);
    });
    // A byte every 200 ms, and longer than the limit in all.
    let (client, _directory) = within(development(&server).download_idle_timeout(2000));
    let slow = client.download_file(server.http_url("/drip?numbytes=12&duration=2.4")).send().unwrap();
    assert_eq!(slow.length(), 12);
}

#[test]
fn down_04_redirects_are_followed_through_the_same_door() {
    let server = server();
    let (client, directory) = within(release(&server));
    let get = |path: &str| client.download_file(server.https_url(path)).send();
    let five = get("/redirect/5").unwrap();
    assert_eq!(five.response().redirects(), 5);
    fs::remove_file(five.ap_file_path()).unwrap();
    leaves_nothing(get("/redirect/6"), &directory, 12, "TooManyRedirects");
    leaves_nothing(get("/redirect-to?url=http://localhost/"), &directory, 20, "PlainHttpRefused");
    leaves_nothing(get("/redirect-to?url=ftp://localhost/"), &directory, 12, "BadRedirect");
}

#[test]
fn down_05_progress_never_falls_and_ends_at_100_once() {
    let server = server();
    let (client, _directory) = within(release(&server));
    for (path, expected) in [
        ("/bytes/1000000", 1_000_000),
        ("/stream-bytes/1000000?chunk_size=20000", 0),
        ("/close", 0),
        ("/empty", 0),
        ("/drip?numbytes=10&duration=0.1", 10),
    ] {
        let (call, told) = watched(client.download_file(server.https_url(path)));
        let downloaded = call.send().unwrap();
        let told = told.lock().unwrap();
        assert!(told.windows(2).all(|pair| pair[0].progress <= pair[1].progress), "{told:?}");
        assert!(told.windows(2).all(|pair| pair[0].total_bytes_written <= pair[1].total_bytes_written), "{told:?}");
        assert!(told.iter().all(|update| update.total_bytes_expected_to_write == expected), "{told:?}");
        assert_eq!(told.iter().filter(|update| update.progress == 100).count(), 1, "{told:?}");
        let last = told.last().unwrap();
        assert_eq!((last.progress, last.total_bytes_written), (100, downloaded.length()));
    }
}

#[test]
fn down_05_a_failure_never_says_100() {
    let server = server();
    let (client, directory) = within(release(&server));
    for path in ["/truncated?length=10&sent=9", "/truncated-chunked", "/status/404?body=x"] {
        let (call, told) = watched(client.download_file(server.https_url(path)));
        call.send().unwrap_err();
        assert!(told.lock().unwrap().iter().all(|update| update.progress < 100), "{path}");
    }
    assert!(directory.files().is_empty());
}

#[test]
fn down_05_abort_is_12_at_any_moment_and_leaves_nothing() {
    let server = server();
    let (client, directory) = within(development(&server));
    let silent = Peer::silent();
    for url in [silent.http_url("/"), silent.https_url("/"), server.http_url("/drip?numbytes=100&duration=10")] {
        promptly(60, || {
            let (call, recorded) = recorded(client.download_file(&url));
            let task = call.start();
            thread::sleep(Duration::from_millis(60));
            task.abort();
            task.wait();
            leaves_nothing(recorded.outcome(), &directory, 12, "Aborted");
        });
    }
    // From within a listener.
    let mut call = client.download_file(server.http_url("/bytes/10000000"));
    let handle = call.abort_handle();
    leaves_nothing(call.on_progress_update(move |_| handle.abort()).send(), &directory, 12, "Aborted");
}

#[test]
fn down_code_12_the_network_and_what_it_brings() {
    let server = server();
    let (client, directory) = within(development(&server).max_file(100_000).resolver(|host, port| match host {
        "localhost" => Ok(vec![([127, 0, 0, 1], port).into()]),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    }));
    for (url, reason) in [
        ("".into(), "UrlEmpty"),
        ("https://user@localhost/".into(), "UrlMalformed"),
        ("ftp://localhost/".into(), "UrlScheme"),
        ("https://nowhere.test/".into(), "Dns"),
        (format!("http://{}/", refused()), "Connect"),
        (format!("https://localhost:{}/", server.http().port()), "NotTls"),
        (server.http_url("/kill"), "ConnectionClosed"),
        (server.http_url("/reset"), "ConnectionLost"),
        (server.http_url("/reset/1000"), "ConnectionLost"),
        (server.http_url("/truncated?length=1000&sent=999"), "ConnectionClosed"),
        (server.https_url("/truncated?length=1000&sent=999&end=cut"), "ConnectionLost"),
        (server.http_url("/truncated-chunked"), "ConnectionClosed"),
        (server.https_url("/close?end=cut"), "ConnectionLost"),
        (server.http_url("/malformed/plus-length"), "MalformedFraming"),
        (server.http_url("/malformed/garbage"), "MalformedHead"),
        (server.http_url("/gzip"), "UnsupportedEncoding"),
        (server.http_url("/bytes/100001"), "FileTooLarge"),
        (server.http_url("/stream-bytes/100001"), "FileTooLarge"),
    ] {
        let url: String = url;
        leaves_nothing(client.download_file(url).send(), &directory, 12, reason);
    }
    fails(client.download_file(server.http_url("/get")).header("a b", "c").send(), 12, "IllegalHeader");
}

#[test]
fn down_code_12_what_comes_after_the_length_is_not_the_files() {
    let server = server();
    let (client, _directory) = within(development(&server));
    let lies = Peer::start(|mut stream, _| {
        let _ = read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfourHTTP/1.1 200 OK\r\n\r\nmore");
        idle(stream);
    });
    for _ in 0..2 {
        let downloaded = client.download_file(lies.http_url("/")).send().unwrap();
        assert_eq!(fs::read(downloaded.ap_file_path()).unwrap(), b"four");
    }
    assert_eq!(lies.accepted(), 2, "such a connection is not used again");
}

#[test]
fn down_code_13_the_whitelist_where_it_is_asked_for_and_a_store_that_may_not_be_written() {
    let server = server();
    let (client, directory) = within(release(&server).whitelist_downloads());
    leaves_nothing(client.download_file("https://127.0.0.1/").send(), &directory, 13, "HostNotAllowed");
    let elsewhere = server.https_url("/redirect-to?url=https://elsewhere.test/");
    leaves_nothing(client.download_file(elsewhere).send(), &directory, 13, "HostNotAllowed");
    assert_eq!(client.download_file(server.https_url("/get")).send().unwrap().response().status(), 200);
    // Not asked for, it is for requests and uploads only.
    let root = server.ca_pem().as_bytes();
    let (client, _directory) = within(builder().allow("elsewhere.test").root(root).only_given_roots());
    assert_eq!(client.download_file(server.https_url("/get")).send().unwrap().response().status(), 200);

    let file = miniwire_tests::Scratch::new("file", b"");
    for parent in [Path::new("/no/such/directory"), file.path()] {
        let client = release(&server).temporary_directory(parent).build().unwrap();
        let failure = fails(client.download_file(server.https_url("/get")).send(), 13, "StoreDenied");
        assert_eq!(failure.response().unwrap().status(), 200);
    }
}

#[test]
fn down_code_20_plain_http_is_refused() {
    let server = server();
    let (client, directory) = within(release(&server).allow("127.0.0.1"));
    leaves_nothing(client.download_file(server.http_url("/get")).send(), &directory, 20, "PlainHttpRefused");
    assert_eq!(server.connections(), 0);
}

#[test]
fn ctx_06_unload_and_shut_down_end_a_download_with_12() {
    let server = server();
    let (client, directory) = within(release(&server));
    for end in [Client::unload_page, Client::shut_down] {
        let url = server.https_url("/drip?numbytes=100&duration=10");
        let (call, recorded) = recorded(client.download_file(url));
        let (call, told) = watched(call);
        let task = call.start();
        until(|| !told.lock().unwrap().is_empty());
        end(&client);
        task.wait();
        leaves_nothing(recorded.outcome(), &directory, 12, "Unloaded");
    }
    fails(client.download_file(server.https_url("/get")).send(), 12, "Unloaded");
}

#[test]
fn req_16_a_download_keeps_and_reuses_connections() {
    let server = server();
    let (client, _directory) = within(release(&server));
    for _ in 0..3 {
        client.download_file(server.https_url("/bytes/10")).send().unwrap();
    }
    assert_eq!(server.connections(), 1);
    // One that has died is replaced.
    let (client, _directory) = within(release(&server));
    client.download_file(server.https_url("/bytes/10")).send().unwrap();
    client.download_file(server.https_url("/kill-reused")).send().unwrap();
}
