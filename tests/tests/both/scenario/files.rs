//! `my.uploadFile` and `my.downloadFile` (UP, DOWN).

use miniwire_core::media::FileType;
use miniwire_core::reason::Reason;

use super::{Call, Ending, Headers, MAX_BODY, Rules, Scenario, Site, Upload};

pub(super) fn all(site: &Site) -> Vec<Scenario> {
    [uploads(site), downloads(site)].into_iter().flatten().collect()
}

fn uploads(site: &Site) -> Vec<Scenario> {
    let upload = |promise, path: &str, bytes| Scenario::upload(promise, site.url(path), bytes);
    let with = |promise, change: fn(&mut Upload)| {
        let mut scenario = upload(promise, "/anything/up", 100);
        if let Call::Upload(upload) = &mut scenario.call {
            change(upload);
        }
        scenario
    };
    let secure = |path| site.secure(path);
    vec![
        upload("UP-02 a form with a file", "/anything/up", 5000),
        with("UP-01 header fields go along", |it| {
            it.headers = vec![("X-Trace", "1"), ("content-type", "text/plain"), ("Referer", "dropped")];
        }),
        with("UP-02 names of every kind", |it| {
            (it.file, it.key) = ("a\"b\r\n猫.png", "文件; \"k\"");
            it.form = vec![("文件; \"k\"", "100%\r\n"), ("", "")];
        }),
        with("UP-02 the type of an extension", |it| it.file = "a.webp"),
        with("UP-02 the type of a video", |it| (it.file, it.kind) = ("a", FileType::Video)),
        with("UP-02 the type of a sound", |it| (it.file, it.kind) = ("a.unknown", FileType::Audio)),
        with("UP-02 no form data", |it| it.form = Vec::new()),
        upload("UP-03 an empty file", "/anything/up", 0),
        upload("UP-03 a longer one", "/count", 300_000),
        upload("UP-03 under TLS", &secure("/count"), 100_000),
        upload("UP-04 any status is a success", "/status/500?body=no", 10).status(500),
        upload("UP-04 404 too", "/status/404?body=gone", 10).status(404),
        upload("UP-04 and a redirect is not followed", "/redirect/1", 10).status(302),
        upload("UP-04 data is text, whatever it is", "/bytes/64?seed=1", 10),
        upload("UP-04 an answer with a coding is as it came", "/gzip", 10),
        upload("UP-04 interim responses are skipped", "/interim/3", 10),
        upload("UP-04 no content", "/no-content", 10).status(204),
        upload("UP-05 the deadline is over the whole upload", "/delay/5", 10).rules(Rules::Hasty).fails(
            12,
            Reason::Timeout,
            None,
        ),
        upload("UP-06 abort", "/delay/5", 10).ended(300, Ending::Abort).fails(12, Reason::Aborted, None),
        upload("UP-07 an answer to what is not read yet", "/early/413", 10).status(413),
        upload("UP-07 and to much more of it", "/early/413", 300_000).status(413),
        upload("UP code 4: the whitelist", "https://example.com/", 1).rules(Rules::Release("localhost")).fails(
            4,
            Reason::HostNotAllowed,
            None,
        ),
        upload("UP code 11: a bad parameter", "ftp://localhost/", 1).fails(11, Reason::UrlScheme, None),
        upload("UP code 11: an empty URL", "", 1).fails(11, Reason::UrlEmpty, None),
        with("UP code 11: an illegal header", |it| it.headers = vec![("a b", "c")]).fails(
            11,
            Reason::IllegalHeader,
            None,
        ),
        upload("UP code 12: reset", "/reset", 10).fails(12, Reason::ConnectionLost, None),
        upload("UP code 12: closed", "/kill", 10).fails(12, Reason::ConnectionClosed, None),
        upload("UP code 12: refused", &format!("http://localhost:{}/", site.closed), 10).fails(
            12,
            Reason::Connect,
            None,
        ),
        upload("UP code 12: an answer that is too large", &format!("/bytes/{}", MAX_BODY + 1), 10).fails(
            12,
            Reason::TooLarge,
            200,
        ),
        upload("UP code 12: a malformed answer", "/malformed/two-lengths", 10).fails(
            12,
            Reason::MalformedFraming,
            None,
        ),
        upload("UP code 12: the certificate", &format!("{}/count", site.elsewhere), 10).fails(
            12,
            Reason::Certificate(miniwire_core::reason::CertificateFault::WrongHost),
            None,
        ),
        upload("UP code 13: plain http under release", "/anything/up", 1).rules(Rules::Release("localhost")).fails(
            13,
            Reason::PlainHttpRefused,
            None,
        ),
        upload("CTX-06 an upload whose page is unloaded", "/delay/5", 10)
            .rules(Rules::Alone)
            .ended(300, Ending::Unload)
            .fails(12, Reason::Unloaded, None),
    ]
}

fn downloads(site: &Site) -> Vec<Scenario> {
    let download = |promise, path: &str| Scenario::download(promise, site.url(path));
    let with =
        |promise, path: &str, headers: Headers| Scenario::new(promise, Call::Download { url: site.url(path), headers });
    let cut = Reason::ConnectionClosed;
    vec![
        download("DOWN-01 a file and its extension", "/anything/photo.JPG?x=y.gif"),
        download("DOWN-01 no extension", "/anything/photo"),
        download("DOWN-01 that of where a redirect leads", "/redirect-to?url=/anything/a.txt"),
        download("DOWN-01 that of the content", "/raw?answer=HTTP/1.1%20200%20OK%0D%0A%0D%0A%25PDF-1.7%0A"),
        with("DOWN-01 header fields are sent", "/get", vec![("X-Trace", "1"), ("referer", "dropped")]),
        download("DOWN-02 a file", "/bytes/50000?seed=5"),
        download("DOWN-02 an empty one", "/empty"),
        download("DOWN-02 chunked", "/stream-bytes/5000?seed=2&chunk_size=99"),
        download("DOWN-02 up to the end of the connection", "/close"),
        download("DOWN-02 under TLS", &site.secure("/bytes/50000?seed=5")),
        download("DOWN-02 one that is cut short leaves nothing", "/truncated?length=100&sent=50").fails(12, cut, 200),
        download("DOWN-02 nor does one without its last chunk", "/truncated-chunked").fails(12, cut, 200),
        download("DOWN-04 404", "/status/404").fails(12, Reason::HttpStatus, 404),
        download("DOWN-04 429", "/status/429").fails(12, Reason::RateLimited, 429),
        download("DOWN-04 304", "/not-modified").fails(12, Reason::HttpStatus, 304),
        download("DOWN-04 redirects", "/redirect-to?url=/bytes/10"),
        download("DOWN-04 too many of them", "/redirect/6").fails(12, Reason::TooManyRedirects, 302),
        download("DOWN-04 no byte for so long", "/drip?numbytes=2&duration=10").rules(Rules::Hasty).fails(
            12,
            Reason::Timeout,
            200,
        ),
        download("DOWN-04 no head for so long", "/delay/5").rules(Rules::Hasty).fails(12, Reason::Timeout, None),
        download("DOWN-04 slow bytes are not silence", "/drip?numbytes=8&duration=1.2").rules(Rules::Hasty),
        download("DOWN-05 abort", "/drip?numbytes=50&duration=10").ended(600, Ending::Abort).fails(
            12,
            Reason::Aborted,
            200,
        ),
        download("DOWN code 12: reset", "/reset/10").fails(12, Reason::ConnectionLost, 200),
        download("DOWN code 12: a bad URL", "ftp://localhost/").fails(12, Reason::UrlScheme, None),
        download("DOWN code 12: a coding that was not asked for", "/gzip").fails(12, Reason::UnsupportedEncoding, 200),
        download("DOWN code 12: a malformed answer", "/malformed/two-lengths").fails(
            12,
            Reason::MalformedFraming,
            None,
        ),
        download("DOWN code 12: refused", &format!("http://localhost:{}/", site.closed)).fails(
            12,
            Reason::Connect,
            None,
        ),
        download("DOWN code 13: the whitelist where it is asked for", "https://example.com/")
            .rules(Rules::ReleaseForAll("localhost"))
            .fails(13, Reason::HostNotAllowed, None),
        download("DOWN code 20: plain http under release", "/bytes/1").rules(Rules::Release("localhost")).fails(
            20,
            Reason::PlainHttpRefused,
            None,
        ),
        download("CTX-06 a download whose page is unloaded", "/drip?numbytes=50&duration=10")
            .rules(Rules::Alone)
            .ended(600, Ending::Unload)
            .fails(12, Reason::Unloaded, 200),
    ]
}
