use std::io::ErrorKind;

use super::*;

/// Undoes a well-formed chunked coding, without extensions; gives the data and the trailer section.
fn unchunk(mut body: &[u8]) -> (Vec<u8>, String) {
    let mut data = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n").unwrap();
        let size = usize::from_str_radix(str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        body = &body[end + 2..];
        if size == 0 {
            return (data, String::from_utf8(body.to_vec()).unwrap());
        }
        data.extend_from_slice(&body[..size]);
        assert_eq!(&body[size..size + 2], b"\r\n");
        body = &body[size + 2..];
    }
}

fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    Pattern::new(seed).fill(&mut bytes);
    bytes
}

#[test]
fn the_pattern_is_the_same_at_every_split() {
    let whole = pattern(1, 100);
    // The first word of SplitMix64 from 0, as published with it.
    assert_eq!(pattern(0, 8), 0xe220_a839_7b1d_cdaf_u64.to_le_bytes());
    assert_ne!(pattern(2, 100), whole);
    for split in 0..=whole.len() {
        let (mut one, mut bytes) = (Pattern::new(1), vec![0; 100]);
        let (left, right) = bytes.split_at_mut(split);
        one.fill(left);
        one.fill(right);
        assert_eq!(bytes, whole, "split at {split}");
        let mut tail = vec![0; 100 - split];
        Pattern::at(1, split as u64).fill(&mut tail);
        assert_eq!(tail, whole[split..], "from {split}");
    }
    let (mut one, mut bytes) = (Pattern::new(1), vec![0; 100]);
    bytes.iter_mut().for_each(|byte| one.fill(std::slice::from_mut(byte)));
    assert_eq!(bytes, whole);
}

#[test]
fn bytes_have_a_length_and_stream_bytes_are_chunked() {
    for length in [0, 1, 65_536, 65_537, 300_001] {
        let reply = get(&format!("/bytes/{length}?seed=7"));
        assert_eq!(reply.field("Content-Length"), Some(length.to_string().as_str()));
        assert!(reply.body == pattern(7, length), "{length}");
        let reply = get(&format!("/stream-bytes/{length}?seed=7&chunk_size=1000"));
        assert_eq!((reply.field("Transfer-Encoding"), reply.field("Content-Length")), (Some("chunked"), None));
        assert!(unchunk(&reply.body).0 == pattern(7, length), "{length}");
    }
    assert_eq!(get("/stream-bytes/1?chunk_size=0").status(), 400);
    assert_eq!(get("/bytes/+5").status(), 400);
}

#[test]
fn a_gibibyte_is_streamed() {
    let mut stream = connect(SERVER.http());
    stream.write_all(request("GET", "/bytes/1073741824?seed=3", "", "").as_bytes()).unwrap();
    let (mut total, mut block) = (0, vec![0; 1 << 20]);
    loop {
        match stream.read(&mut block).unwrap() {
            0 => break,
            read => total += read,
        }
    }
    assert!((1 << 30..(1 << 30) + 1000).contains(&total), "{total}");
}

#[test]
fn statuses_come_with_their_body_and_type() {
    let reply = get("/status/404?body=%7B%22a%22%3A1%7D&type=application/json");
    assert_eq!((reply.status(), reply.text()), (404, "{\"a\":1}"));
    assert_eq!(reply.field("content-type"), Some("application/json"));
    for code in [200, 201, 204, 304, 401, 418, 429, 500, 503, 599] {
        assert_eq!(get(&format!("/status/{code}")).status(), code);
    }
    assert_eq!(get("/status/302").field("Location"), None);
    assert_eq!(get("/status/302?location=/get").field("Location"), Some("/get"));
    for bad in ["99", "100", "1000", "+200", "x", "", "200?location=%0d%0aX:%20y"] {
        assert_eq!(get(&format!("/status/{bad}")).status(), 400, "{bad}");
    }
    assert_eq!((get("/no-content").status(), get("/no-content").body.len()), (204, 0));
    let reply = get("/not-modified");
    assert_eq!((reply.status(), reply.field("Content-Length"), reply.text()), (304, Some("1234"), ""));
    assert_eq!(get("/empty").field("Content-Length"), Some("0"));
}

#[test]
fn redirects_count_down_to_get() {
    let follow = |path: &str| get(path).field("Location").map(String::from);
    assert_eq!(follow("/redirect/3").unwrap(), "/redirect/2");
    assert_eq!(follow("/redirect/1").unwrap(), "/get");
    assert_eq!(follow("/redirect/1?status_code=307").unwrap(), "/anything");
    assert_eq!(follow("/redirect/2?status_code=307").unwrap(), "/redirect/1?status_code=307");
    assert_eq!(follow("/relative-redirect/3").unwrap(), "2");
    assert_eq!(follow("/relative-redirect/1").unwrap(), "../get");
    assert_eq!(follow("/absolute-redirect/2").unwrap(), "http://test.example/absolute-redirect/1");
    assert_eq!(follow("/absolute-redirect/1").unwrap(), "http://test.example/get");
    assert_eq!(get("/redirect/1").status(), 302);
    assert_eq!(get("/redirect/0").status(), 400);
    let reply = get("/redirect-to?url=https%3A%2F%2Fother.example%2Fa%3Fb%3Dc&status_code=308");
    assert_eq!((reply.status(), reply.field("Location")), (308, Some("https://other.example/a?b=c")));
    assert_eq!(get("/redirect-to?url=").field("location"), Some(""));
    assert_eq!(get("/redirect-to").status(), 400);
}

#[test]
fn pauses_are_kept() {
    let start = Instant::now();
    assert_eq!(get("/delay/0.2").status(), 200);
    assert!(start.elapsed() >= Duration::from_millis(200));
    let start = Instant::now();
    assert_eq!(get("/drip?numbytes=5&duration=0.2&delay=0.1&code=201").text(), "*****");
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(get("/drip?numbytes=0").text(), "");
}

#[test]
fn bodies_are_what_their_head_says() {
    assert!(get("/html").text().contains("<h1>"));
    assert!(get("/json").json().is_object());
    assert!(get("/encoding/utf8").text().contains('𝄞'));
    let latin1 = get("/latin1");
    assert_eq!(latin1.field("Content-Type"), Some("text/plain; charset=ISO-8859-1"));
    let text: String = latin1.body.iter().map(|&byte| char::from(byte)).collect();
    assert_eq!(text, "Grüße, ça coûte 5 £, ÿ\n");
    let gzip = get("/gzip");
    assert_eq!(gzip.field("Content-Encoding"), Some("gzip"));
    assert_eq!(gzip.body[..3], [0x1f, 0x8b, 8]);
    assert!(gzip.body.windows(8).any(|window| window == b"\"gzipped"));
}

#[test]
fn heads_are_as_large_as_asked_for() {
    let reply = get("/headers/500");
    assert_eq!((reply.field("X-Field-1"), reply.field("X-Field-500")), (Some("1"), Some("500")));
    assert_eq!(reply.field("X-Field-501"), None);
    for size in [100, 512, 8192, 1 << 20] {
        let answer = get_raw(&format!("/big-head/{size}"));
        assert_eq!((answer.len(), &answer[size - 4..]), (size + 3, &b"\r\n\r\nok\n"[..]));
    }
    assert_eq!(get("/big-head/10").status(), 400);
    let reply = get("/response-headers?X-A=1&x-a=2&Content-Type=text/plain");
    assert_eq!(reply.head.matches("X-A: ").count(), 2);
    assert_eq!(reply.field("Content-Type"), Some("text/plain"));
    assert_eq!(get("/response-headers?Content-Length=1").status(), 400);
    assert_eq!(get("/response-headers?a%20b=1").status(), 400);
}

#[test]
fn basic_auth_wants_the_credentials() {
    let with = |fields: &str| Reply::of(&exchange(request("GET", "/basic-auth/user/p%3Aw", fields, "")));
    assert_eq!(with("Authorization: Basic dXNlcjpwOnc=\r\n").json()["authenticated"], true);
    let refused = with("");
    assert_eq!((refused.status(), refused.field("WWW-Authenticate")), (401, Some("Basic realm=\"miniwire\"")));
    assert_eq!(with("Authorization: Basic dXNlcjpw\r\n").status(), 401);
    assert_eq!(with("Authorization: Bearer dXNlcjpwOnc=\r\n").status(), 401);
}

#[test]
fn interim_responses_come_first() {
    let mut stream = connect(SERVER.http());
    stream.write_all(request("GET", "/interim/3", "", "").as_bytes()).unwrap();
    let statuses: Vec<u16> = (0..4).map(|_| read_one(&mut stream).status()).collect();
    assert_eq!(statuses, [103, 103, 103, 200]);
    assert!(get_raw("/interim/1?code=102").starts_with(b"HTTP/1.1 102 "));
    assert_eq!(get("/interim/1?code=99").status(), 400);
}

#[test]
fn chunks_come_with_trailers_and_extensions() {
    let reply = get("/chunked/3?trailers=2");
    let (data, trailers) = unchunk(&reply.body);
    assert_eq!(data, b"chunk 0\nchunk 1\nchunk 2\n");
    assert_eq!(trailers, "X-Trailer-1: 1\r\nX-Trailer-2: 2\r\n\r\n");
    let reply = get("/chunked/1?trailers=0&extensions=1");
    assert_eq!(reply.text(), "8;index=0;note=\"a\\\";b\"\r\nchunk 0\n\r\n0\r\n\r\n");
}

#[test]
fn a_connection_is_kept_after_an_answer_that_hyper_did_not_write() {
    let mut stream = connect(SERVER.http());
    for _ in 0..3 {
        stream.write_all(b"POST /big-head/100 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody").unwrap();
        assert_eq!(read_one(&mut stream).body, b"ok\n");
    }
    stream.write_all(b"GET /anything HTTP/1.1\r\nhOST: x\r\n\r\n").unwrap();
    assert_eq!(read_one(&mut stream).json()["raw_headers"][0][0], "hOST");
}

#[test]
fn bodies_end_with_the_connection() {
    let close = get("/close");
    assert_eq!((close.field("Connection"), close.text()), (Some("close"), "until the end\n"));
    assert!(get_raw("/http10").starts_with(b"HTTP/1.0 200 OK\r\n"));
    assert_eq!(get("/http10-length").text(), "ok\n");
    assert_eq!(get("/http10-keep-alive").field("Connection"), Some("keep-alive"));
}

#[test]
fn connections_break_as_asked_for() {
    assert_eq!(get_raw("/kill"), b"");
    let truncated = get("/truncated?length=50&sent=20");
    assert_eq!((truncated.field("Content-Length"), truncated.body.len()), (Some("50"), 20));
    assert_eq!(get("/truncated").body.len(), 10);
    assert_eq!(get("/truncated-chunked").text(), "5\r\nhello\r\n");

    for (path, sent) in [("/reset", 0), ("/reset/5", 5), ("/kill?end=reset", 0)] {
        let mut stream = connect(SERVER.http());
        stream.write_all(request("GET", path, "", "").as_bytes()).unwrap();
        let mut answer = Vec::new();
        assert_eq!(stream.read_to_end(&mut answer).unwrap_err().kind(), ErrorKind::ConnectionReset, "{path}");
        assert!(answer.ends_with(&vec![b'x'; sent]) && (sent > 0 || answer.is_empty()), "{path}");
    }
}

#[test]
fn a_used_connection_is_killed() {
    let mut stream = connect(SERVER.http());
    stream.write_all(b"GET /kill-reused HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(read_one(&mut stream).status(), 200);
    stream.write_all(b"GET /kill-reused HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    assert_eq!(get("/kill-reused").status(), 200);
}

#[test]
fn an_early_answer_is_heard_while_the_body_goes_out() {
    let mut stream = connect(SERVER.http());
    let head = request("POST", "/early/413", "Content-Length: 1000000000\r\n", "");
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..100 {
        stream.write_all(&[b'x'; 10_000]).unwrap();
    }
    let reply = read_one(&mut stream);
    assert_eq!((reply.status(), reply.text()), (413, "early\n"));
}

#[test]
fn raw_answers_are_sent_as_they_are() {
    assert_eq!(get_raw("/raw?answer=%00%ff%0d%0a+%2b"), b"\x00\xff\r\n +");
    assert_eq!(exchange(request("POST", "/raw", "", "any\u{1}thing")), b"any\x01thing");
    let start = Instant::now();
    assert_eq!(get_raw("/raw?answer=abcde&pause=0.02"), b"abcde");
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_eq!(get("/raw?end=sometime").status(), 400);
}

#[test]
fn malformed_answers_are_as_malformed_as_named() {
    let has = |kind: &str, part: &str| {
        let answer = get_raw(&format!("/malformed/{kind}"));
        assert!(String::from_utf8_lossy(&answer).contains(part), "{kind}: {:?}", String::from_utf8_lossy(&answer));
    };
    has("two-lengths", "Content-Length: 2\r\nContent-Length: 3\r\n");
    has("plus-length", "Content-Length: +3\r\n");
    has("bare-lf", "OK\nContent-Length: 3\n\n");
    has("nul-in-header", "a\0b");
    has("chunk-empty-size", "\r\n\r\n\r\nok\n");
    has("chunk-overflow", "\r\n10000000000000003\r\n");
    has("space-before-colon", "Content-Length : 3");
    for (kind, _) in malformed::kinds() {
        let answer = get_raw(&format!("/malformed/{kind}"));
        assert!(!answer.is_empty() && answer.len() < 5 << 20, "{kind}");
        assert!(!answer.starts_with(b"HTTP/1.1 404"), "{kind}");
        assert_eq!(answer.len() > 4_000_000, kind.starts_with("endless-"), "{kind}");
    }
}

#[test]
fn kinds_have_names_of_their_own() {
    let mut names: Vec<&str> = malformed::kinds().map(|(kind, _)| kind).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
