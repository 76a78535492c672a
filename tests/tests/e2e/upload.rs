//! `my.uploadFile`: what is sent, how far it is, and how it fails.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use miniwire_core::http::fields::Fields;
use miniwire_std::serve::{IssuedBy, Leaf, Pattern};
use miniwire_std::{Client, FileType, ProgressUpdate, UploadCall};
use miniwire_tests::{
    BlackHole, Peer, Scratch, builder, development, failed, fails, idle, in_own_process, peak_memory, promptly,
    read_head, recorded, refused, release, server, until,
};
use serde_json::{Value, json};

fn picture(bytes: usize) -> Scratch {
    let mut content = vec![0; bytes];
    Pattern::new(1).fill(&mut content);
    Scratch::new("cat.png", &content)
}

fn upload(client: &Client, url: impl Into<String>, path: impl Into<PathBuf>) -> UploadCall {
    client.upload_file(url, path, "photo", FileType::Image)
}

/// The call with a listener that keeps all that it is told.
fn watched(call: UploadCall) -> (UploadCall, Arc<Mutex<Vec<ProgressUpdate>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    (call.on_progress_update(move |update| listener.lock().unwrap().push(update)), told)
}

/// Calls `then` once, at the first progress.
fn at_first_progress(call: UploadCall, then: impl FnOnce() + Send + 'static) -> UploadCall {
    let mut then = Some(then);
    call.on_progress_update(move |_| {
        if let Some(then) = then.take() {
            then();
        }
    })
}

#[test]
fn up_01_up_02_a_form_with_fields_in_order_and_the_file_last() {
    let (server, file) = (server(), picture(100));
    let client = release(&server).build().unwrap();
    let response = upload(&client, server.https_url("/post"), file.path())
        .header("X-Trace", "1")
        .header("content-type", "text/plain")
        .header("Referer", "https://elsewhere.test/")
        .form_data("b", "2")
        .form_data("a", "")
        .form_data("b", "\u{4e2d}\u{6587}\r\n\"x\"")
        .send()
        .unwrap();
    let echo: Value = response.json().unwrap();
    assert_eq!(echo["method"], "POST");
    assert_eq!(echo["form"], json!({ "b": ["2", "\u{4e2d}\u{6587}\r\n\"x\""], "a": "" }));
    let parts = echo["parts"].as_array().unwrap();
    let names: Vec<_> = parts.iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["b", "a", "b", "photo"]);
    let file = json!({ "name": "photo", "filename": "cat.png", "content_type": "image/png", "length": 100 });
    assert_eq!(parts[3], file);
    assert!(echo["files"]["photo"].as_str().unwrap().starts_with("data:application/octet-stream;base64,"));

    let headers = echo["headers"].as_object().unwrap();
    assert!(headers["Content-Type"].as_str().unwrap().starts_with("multipart/form-data; boundary=----miniwire"));
    assert_eq!(headers["X-Trace"], "1");
    assert_eq!(headers["Referer"], "https://localhost/2021000000000001/1.0.0/page-frame.html");
    assert!(!headers.contains_key("Transfer-Encoding"));
}

#[test]
fn up_02_names_of_every_kind_arrive() {
    let server = server();
    let client = release(&server).build().unwrap();
    // What browsers escape stays escaped in what multer reads.
    for (file, key, read) in [
        ("\u{732b} \u{1f408}.png", "\u{6587}\u{4ef6}", ("\u{732b} \u{1f408}.png", "\u{6587}\u{4ef6}")),
        ("a\"b.png", "k\"k", ("a%22b.png", "k%22k")),
        ("a\r\nb: c.png", "k\r\nX: y", ("a%0D%0Ab: c.png", "k%0D%0AX: y")),
        ("a;b=c.png", "k;name=x", ("a;b=c.png", "k;name=x")),
        ("100%.png", "%22", ("100%.png", "%22")),
    ] {
        let scratch = Scratch::new(file, b"x");
        let call = client.upload_file(server.https_url("/post"), scratch.path(), key, FileType::Image);
        let echo: Value = call.form_data(key, file).send().unwrap().json().unwrap();
        let parts = &echo["parts"];
        assert_eq!((&parts[0]["name"], &parts[1]["name"]), (&json!(read.1), &json!(read.1)), "{file:?}");
        assert_eq!(parts[1]["filename"], read.0);
        assert_eq!(echo["form"][read.1], file);
    }
}

#[test]
fn up_02_the_type_of_the_part_is_that_of_the_extension_or_of_the_kind() {
    let server = server();
    let client = release(&server).build().unwrap();
    for (name, kind, media_type) in [
        ("a.webp", FileType::Image, "image/webp"),
        ("a", FileType::Image, "image/jpeg"),
        ("a", FileType::Video, "video/mp4"),
        ("a.unknown", FileType::Audio, "audio/mpeg"),
    ] {
        let file = Scratch::new(name, b"");
        let call = client.upload_file(server.https_url("/post"), file.path(), "f", kind);
        let echo: Value = call.send().unwrap().json().unwrap();
        assert_eq!(echo["parts"][0]["content_type"], media_type);
        assert_eq!((&echo["files"]["f"], &echo["parts"][0]["length"]), (&json!(""), &json!(0)));
    }
}

#[test]
fn up_03_the_length_is_announced_and_every_byte_arrives() {
    let file = picture(3_000_000);
    let expected = fs::read(file.path()).unwrap();
    let peer = Peer::start(move |mut stream, _| {
        let head = read_head(&mut stream).unwrap();
        let fields = Fields::of_head(head.as_bytes());
        let length = std::str::from_utf8(fields.get("content-length").unwrap()).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        let right = body.windows(expected.len()).any(|window| window == expected) && body.ends_with(b"--\r\n");
        let answer = if right { "200 OK" } else { "500 Wrong" };
        write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let client = builder().development().build().unwrap();
    assert_eq!(upload(&client, peer.http_url("/"), file.path()).send().unwrap().status(), 200);
}

#[test]
fn up_03_the_file_is_never_held_in_memory() {
    if !in_own_process("upload::up_03_the_file_is_never_held_in_memory", &[]).unwrap() {
        return;
    }
    let server = server();
    let client = development(&server).build().unwrap();
    let warm = picture(1 << 20);
    upload(&client, server.http_url("/count"), warm.path()).send().unwrap();
    let Some(before) = peak_memory() else { return };
    let large = Scratch::sparse("large.mp4", 512 << 20);
    let count: Value = upload(&client, server.http_url("/count"), large.path()).send().unwrap().json().unwrap();
    assert!(count["length"].as_u64().unwrap() > 512 << 20);
    let grown = peak_memory().unwrap() - before;
    assert!(grown < 4 << 10, "{grown} KiB");
}

#[test]
fn up_04_any_status_is_a_success() {
    let (server, file) = (server(), picture(10));
    let client = release(&server).build().unwrap();
    for status in [200, 201, 204, 302, 400, 404, 429, 500, 503] {
        let url = server.https_url(&format!("/status/{status}"));
        assert_eq!(upload(&client, url, file.path()).send().unwrap().status(), status);
    }
    // A redirect is the answer, too.
    let response = upload(&client, server.https_url("/redirect/1"), file.path()).send().unwrap();
    assert_eq!((response.status(), response.redirects()), (302, 0));
    assert!(response.header("location").is_some());
    let url = server.https_url("/status/404?body=%E6%B2%A1%E6%9C%89");
    assert_eq!(upload(&client, url, file.path()).send().unwrap().data(), "\u{6ca1}\u{6709}");
    let response = upload(&client, server.https_url("/latin1"), file.path()).send().unwrap();
    assert_eq!(response.data(), "Gr\u{fc}\u{df}e, \u{e7}a co\u{fb}te 5 \u{a3}, \u{ff}\n");
}

#[test]
fn up_05_the_deadline_is_over_the_whole_upload_and_is_12() {
    let (server, file) = (server(), Scratch::sparse("large.mp4", 1 << 30));
    let client = development(&server).upload_timeout(100).build().unwrap();
    let (silent, deaf, hole) = (Peer::silent(), Peer::deaf(), BlackHole::new().unwrap());
    let small = picture(10);
    promptly(100, || drop(fails(upload(&client, silent.http_url("/"), small.path()).send(), 12, "Timeout")));
    promptly(100, || drop(fails(upload(&client, deaf.http_url("/"), file.path()).send(), 12, "Timeout")));
    promptly(100, || drop(fails(upload(&client, silent.https_url("/"), small.path()).send(), 12, "Timeout")));
    let url = format!("http://{}/", hole.address());
    promptly(100, || drop(fails(upload(&client, &url, small.path()).send(), 12, "Timeout")));
}

#[test]
fn up_06_progress_never_falls_and_ends_at_100_once() {
    let (server, file) = (server(), picture(1_000_000));
    let client = release(&server).build().unwrap();
    for url in [server.https_url("/count"), server.http_url("/count")] {
        let client = if url.starts_with("https") { client.clone() } else { development(&server).build().unwrap() };
        let (call, told) = watched(upload(&client, url, file.path()));
        let (call, again) = watched(call);
        call.send().unwrap();
        let told = told.lock().unwrap();
        assert_eq!(*told, *again.lock().unwrap());
        assert!(told.windows(2).all(|pair| pair[0].progress <= pair[1].progress), "{told:?}");
        assert!(told.windows(2).all(|pair| pair[0].total_bytes_written < pair[1].total_bytes_written), "{told:?}");
        assert!(told.iter().all(|update| update.total_bytes_expected_to_write == 1_000_000));
        assert_eq!(told.iter().filter(|update| update.progress == 100).count(), 1);
        let last = told.last().unwrap();
        assert_eq!((last.progress, last.total_bytes_written), (100, 1_000_000));
        // One per block of 16 KiB at the most.
        assert!(told.len() <= 63, "{}", told.len());
    }
}

#[test]
fn up_06_an_empty_file_has_one_update_at_100() {
    let (server, file) = (server(), picture(0));
    let client = release(&server).build().unwrap();
    let (call, told) = watched(upload(&client, server.https_url("/count"), file.path()));
    call.send().unwrap();
    let only = ProgressUpdate { progress: 100, total_bytes_written: 0, total_bytes_expected_to_write: 0 };
    assert_eq!(*told.lock().unwrap(), [only]);
}

#[test]
fn up_06_listeners_can_join_a_task_and_their_panics_are_theirs() {
    let (server, file) = (server(), picture(10));
    let client = release(&server).build().unwrap();
    let (call, recorded) = recorded(upload(&client, server.https_url("/delay/0.2"), file.path()));
    let task = call.on_progress_update(|_| panic!("a listener of the test's")).start();
    let told = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..2 {
        let told = Arc::clone(&told);
        task.on_progress_update(move |update| told.lock().unwrap().push(update.progress));
    }
    task.wait();
    assert_eq!(recorded.outcome().unwrap().status(), 200);
    let told = told.lock().unwrap();
    // The task may have been faster than the two registrations; but not than only one of them at the end.
    assert!(told.iter().all(|progress| *progress == 100) && told.len() <= 2, "{told:?}");
}

#[test]
fn up_06_abort_is_12_at_any_moment() {
    let (server, file) = (server(), Scratch::sparse("large.mp4", 1 << 30));
    let client = development(&server).build().unwrap();
    let (silent, deaf) = (Peer::silent(), Peer::deaf());
    for url in [silent.http_url("/"), deaf.http_url("/"), silent.https_url("/")] {
        promptly(60, || {
            let (call, recorded) = recorded(upload(&client, &url, file.path()));
            let task = call.start();
            thread::sleep(Duration::from_millis(60));
            task.abort();
            task.abort_handle().abort();
            task.wait();
            fails(recorded.outcome(), 12, "Aborted");
        });
    }
    // From within a listener.
    let mut call = upload(&client, server.http_url("/count"), file.path());
    let handle = call.abort_handle();
    fails(at_first_progress(call, move || handle.abort()).send(), 12, "Aborted");
    // Before it is made.
    let mut call = upload(&client, server.http_url("/count"), file.path());
    call.abort_handle().abort();
    fails(call.send(), 12, "Aborted");
}

#[test]
fn up_07_an_early_answer_is_heard() {
    let (server, file) = (server(), Scratch::sparse("large.mp4", 256 << 20));
    let client = development(&server).build().unwrap();
    for url in [server.http_url("/early/413"), server.https_url("/early/413")] {
        for _ in 0..5 {
            let response = upload(&client, &url, file.path()).send().unwrap();
            assert_eq!((response.status(), response.data()), (413, "early\n"));
        }
    }
}

#[test]
fn up_07_a_file_that_changes_its_size_is_12() {
    let server = server();
    let client = development(&server).build().unwrap();
    let url = server.http_url("/count");
    let change = |file: &Scratch, how: fn(&Path)| {
        let path = file.path().to_owned();
        at_first_progress(upload(&client, &url, file.path()), move || how(&path)).send()
    };
    let grows = |path: &Path| OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
    fails(change(&picture(1_000_000), grows), 12, "FileChanged");
    let shrinks = |path: &Path| OpenOptions::new().write(true).open(path).unwrap().set_len(500_000).unwrap();
    fails(change(&picture(1_000_000), shrinks), 12, "FileChanged");
    let is_emptied = |path: &Path| drop(fs::File::create(path).unwrap());
    fails(change(&picture(1_000_000), is_emptied), 12, "FileChanged");
    // An open file outlives its name, and what replaces it.
    #[cfg(unix)]
    for vanishes in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| {
            fs::rename(path, path.with_extension("old")).unwrap();
            fs::write(path, b"another").unwrap();
        },
    ] {
        let count: Value = change(&picture(1_000_000), vanishes).unwrap().json().unwrap();
        assert!(count["length"].as_u64().unwrap() > 1_000_000);
    }
}

#[test]
fn up_code_4_the_whitelist() {
    let (server, file) = (server(), picture(10));
    let client = release(&server).build().unwrap();
    fails(upload(&client, "https://elsewhere.test/", file.path()).send(), 4, "HostNotAllowed");
    assert_eq!(server.connections(), 0);
}

#[test]
fn up_code_11_no_such_file_or_a_bad_parameter() {
    let (server, file) = (server(), picture(10));
    let client = release(&server).build().unwrap();
    let url = server.https_url("/post");
    for absent in [Path::new("/no/such/file"), Path::new(""), &file.path().join("below"), Path::new("a\0b")] {
        fails(upload(&client, &url, absent).send(), 11, "FileNotFound");
    }
    fails(upload(&client, "", file.path()).send(), 11, "UrlEmpty");
    fails(upload(&client, "https://user@localhost/", file.path()).send(), 11, "UrlMalformed");
    fails(upload(&client, "ftp://localhost/", file.path()).send(), 11, "UrlScheme");
    fails(upload(&client, "wss://localhost/", file.path()).send(), 11, "UrlScheme");
    fails(upload(&client, format!("{url}?{}", "x".repeat(2048)), file.path()).send(), 11, "UrlTooLong");
    fails(upload(&client, format!("{url}?5%"), file.path()).send(), 11, "MalformedEscape");
    fails(upload(&client, &url, file.path()).header("a b", "c").send(), 11, "IllegalHeader");
    fails(upload(&client, &url, file.path()).header("a", "b\r\nc: d").send(), 11, "IllegalHeader");
    let nameless = client.upload_file(&url, file.path(), "", FileType::Image);
    fails(nameless.send(), 11, "IllegalOption");
    assert_eq!(server.connections(), 0);
}

#[test]
fn up_code_12_what_is_no_regular_file() {
    let (server, file) = (server(), picture(10));
    let client = release(&server).max_file(9).build().unwrap();
    let url = server.https_url("/post");
    fails(upload(&client, &url, file.path().parent().unwrap()).send(), 12, "NotAFile");
    #[cfg(unix)]
    fails(upload(&client, &url, "/dev/null").send(), 12, "NotAFile");
    fails(upload(&client, &url, file.path()).send(), 12, "FileTooLarge");
    assert_eq!(server.connections(), 0);
}

#[cfg(unix)]
#[test]
fn up_code_12_a_pipe_is_not_waited_for() {
    let directory = miniwire_tests::ScratchDirectory::new();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let server = server();
    let client = release(&server).build().unwrap();
    promptly(0, || drop(fails(upload(&client, server.https_url("/post"), &pipe).send(), 12, "NotAFile")));
}

#[test]
fn up_code_12_the_network() {
    let (server, file) = (server(), Scratch::sparse("large.mp4", 64 << 20));
    let client = development(&server).resolver(|host, port| match host {
        "localhost" => Ok(vec![([127, 0, 0, 1], port).into()]),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    });
    let client = client.build().unwrap();
    fails(upload(&client, "https://nowhere.test/", file.path()).send(), 12, "Dns");
    fails(upload(&client, format!("http://{}/", refused()), file.path()).send(), 12, "Connect");
    fails(upload(&client, server.http_url("/kill"), file.path()).send(), 12, "ConnectionClosed");
    fails(upload(&client, server.http_url("/truncated"), file.path()).send(), 12, "ConnectionClosed");
    fails(upload(&client, server.http_url("/malformed/plus-length"), file.path()).send(), 12, "MalformedFraming");
    let resets = Peer::start(|mut stream, _| {
        stream.read_exact(&mut [0; 100_000]).unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let failure = failed(upload(&client, resets.http_url("/"), file.path()).send());
    // Where writing has told of the reset, reading tells only of the end.
    assert!(matches!(failure.reason().name(), "ConnectionLost" | "ConnectionClosed"), "{failure:?}");
    assert_eq!(failure.code(), 12);
    let plain = format!("https://localhost:{}/", server.http().port());
    fails(upload(&client, plain, file.path()).send(), 12, "NotTls");
    let leaf = Leaf::default().issued_by(IssuedBy::UnknownRoot);
    let port = server.start_tls_with(server.authority().issue(&leaf).unwrap()).unwrap().port();
    let url = format!("https://localhost:{port}/");
    fails(upload(&client, url, file.path()).send(), 12, "CertificateUnknownIssuer");
}

#[test]
fn up_code_12_a_server_that_stalls_midway() {
    let file = Scratch::sparse("large.mp4", 64 << 20);
    let client = builder().development().upload_timeout(200).build().unwrap();
    let stalls = Peer::start(|mut stream, _| {
        stream.read_exact(&mut [0; 100_000]).unwrap();
        thread::sleep(Duration::from_secs(20));
    });
    promptly(200, || drop(fails(upload(&client, stalls.http_url("/"), file.path()).send(), 12, "Timeout")));
}

#[test]
fn up_code_12_too_large_an_answer_and_too_many_calls() {
    let (server, file) = (server(), picture(10));
    let client = release(&server).max_body(100).max_tasks(1).build().unwrap();
    let failure = fails(upload(&client, server.https_url("/bytes/101"), file.path()).send(), 12, "TooLarge");
    assert_eq!(failure.response().unwrap().status(), 200);
    let task = client.request(server.https_url("/delay/5")).start();
    fails(upload(&client, server.https_url("/post"), file.path()).send(), 12, "TooManyTasks");
    task.abort();
    task.wait();
}

#[test]
fn up_code_13_plain_http_is_refused() {
    let (server, file) = (server(), picture(10));
    let client = release(&server).allow("127.0.0.1").build().unwrap();
    fails(upload(&client, server.http_url("/post"), file.path()).send(), 13, "PlainHttpRefused");
    assert_eq!(server.connections(), 0);
}

#[test]
fn ctx_06_unload_and_shut_down_end_an_upload_with_12() {
    let (server, file, silent) = (server(), picture(10), Peer::silent());
    let client = development(&server).build().unwrap();
    for end in [Client::unload_page, Client::shut_down] {
        let connections = silent.accepted();
        let (call, recorded) = recorded(upload(&client, silent.http_url("/"), file.path()));
        let task = call.start();
        until(|| silent.accepted() > connections);
        end(&client);
        task.wait();
        fails(recorded.outcome(), 12, "Unloaded");
    }
    fails(upload(&client, server.http_url("/post"), file.path()).send(), 12, "Unloaded");
}

#[test]
fn ctx_07_a_failure_is_reported_once_then_complete() {
    let client = builder().allow("a.test").build().unwrap();
    let (call, recorded) = recorded(upload(&client, "https://a.test/", "/no/such/file"));
    call.start().wait();
    fails(recorded.outcome(), 11, "FileNotFound");
}

#[test]
fn req_16_an_upload_whose_kept_connection_has_died_is_sent_anew_as_a_whole() {
    let file = picture(300_000);
    let expected = fs::read(file.path()).unwrap();
    // Answers the first request of a connection, and closes at the second after some of its body.
    let peer = Peer::start(move |mut stream, number| {
        let body = |stream: &mut std::net::TcpStream| {
            let head = read_head(stream)?;
            let length = Fields::of_head(head.as_bytes()).get("content-length").map(<[u8]>::to_vec)?;
            let mut body = vec![0; String::from_utf8(length).ok()?.parse().ok()?];
            stream.read_exact(&mut body).ok().map(|()| body)
        };
        let Some(body) = body(&mut stream) else { return };
        assert!(body.windows(expected.len()).any(|window| window == expected));
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}").unwrap();
        let _ = read_head(&mut stream);
        let _ = stream.read_exact(&mut [0; 1000]);
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let client = builder().development().build().unwrap();
    let (first, _) = watched(upload(&client, peer.http_url("/"), file.path()));
    assert_eq!(first.send().unwrap().data(), "1");
    let (second, told) = watched(upload(&client, peer.http_url("/"), file.path()));
    assert_eq!(second.send().unwrap().data(), "2");
    let told = told.lock().unwrap();
    assert!(told.windows(2).all(|pair| pair[0].total_bytes_written < pair[1].total_bytes_written), "{told:?}");
    assert_eq!(told.last().unwrap().progress, 100);
}

#[test]
fn up_01_a_proxy_that_demands_credentials_is_12() {
    let proxy = Peer::start(|mut stream, _| {
        let _ = read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
        idle(stream);
    });
    let client = builder().allow("a.test").proxy(&proxy.http_url(""), "").build().unwrap();
    let file = picture(10);
    let failure = fails(upload(&client, "https://a.test/", file.path()).send(), 12, "ProxyRefused");
    assert_eq!(failure.response().unwrap().status(), 407);
}
