//! `my.uploadFile` and `my.downloadFile`.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use miniwire_std::serve::Pattern;
use miniwire_std::{Client, DownloadCall, Downloaded, Failure, FileType, ProgressUpdate, UploadCall};
use serde_json::json;

use super::Tour;
use super::came::{Came, Verdict};
use super::javascript::{quoted, shortened};
use super::scratch::Scratch;

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    let scratch = Scratch::new()?;
    let picture = scratch.path().join("\u{732b}.png");
    let mut bytes = vec![0; 200_000];
    Pattern::new(3).fill(&mut bytes);
    fs::write(&picture, bytes)?;
    uploads(tour, &picture);
    upload_failures(tour, &picture)?;
    downloads(tour, scratch.path())?;
    download_failures(tour, scratch.path())
}

fn uploads(tour: &mut Tour<'_>, picture: &Path) {
    let (call, text) = upload(&tour.client, &tour.server.https_url("/post"), picture, ", formData: {album: 'cats'}");
    let came = Came(call.form_data("album", "cats").send());
    let file = json!({"name": "photo", "filename": "\u{732b}.png", "content_type": "image/png", "length": 200_000});
    let verdict = came.has("/form", json!({"album": "cats"})).and(came.has("/parts/1", file));
    tour.show_came(
        "A form goes out: the fields of formData, then the file, with its own name.",
        &text,
        &came,
        &verdict,
    );

    let (call, text) = upload(&tour.client, &tour.server.https_url("/early/413"), picture, "");
    let came = Came(call.send());
    tour.show_came("Any status is success, and is heard before the file is sent.", &text, &came, &came.succeeds(413));

    let (call, text) = upload(&tour.client, &tour.server.https_url("/count"), picture, "");
    let (listener, told) = watcher();
    let came = Came(call.on_progress_update(listener).send());
    let verdict = progress(&told).and(came.succeeds(200));
    let text = format!("{text}.onProgressUpdate(f)");
    tour.show_came("onProgressUpdate tells how far it is, at last 100.", &text, &came, &verdict);
}

fn upload_failures(tour: &mut Tour<'_>, picture: &Path) -> Result<(), Box<dyn Error>> {
    let (mut call, text) = upload(&tour.client, &tour.server.https_url("/delay/5"), picture, "");
    let handle = call.abort_handle();
    let came = Came(call.on_progress_update(move |_| handle.abort()).send());
    tour.show_came("abort() is code 12.", &format!("{text}.abort()"), &came, &came.fails(12, "Aborted"));

    let absent = picture.with_extension("absent");
    let directory = picture.parent().unwrap_or(picture);
    let (https, http) = (tour.server.https_url("/post"), tour.server.http_url("/post"));
    let release = tour.client(|client| client.allow("127.0.0.1"))?;
    for (promise, client, url, path, code, reason) in [
        ("A file that is not there is code 11.", &tour.client.clone(), &*https, &*absent, 11, "FileNotFound"),
        ("A directory is code 12.", &tour.client.clone(), &https, directory, 12, "NotAFile"),
        (
            "A host off the whitelist is code 4.",
            &tour.client.clone(),
            "https://a.example/",
            picture,
            4,
            "HostNotAllowed",
        ),
        ("http is code 13.", &release, &http, picture, 13, "PlainHttpRefused"),
    ] {
        let (call, text) = upload(client, url, path, "");
        let came = Came(call.send());
        tour.show_came(promise, &text, &came, &came.fails(code, reason));
    }
    let hasty = tour.client(|client| client.upload_timeout(100))?;
    let (call, text) = upload(&hasty, &tour.server.https_url("/delay/5"), picture, "");
    let came = Came(call.send());
    tour.show_came(
        "A deadline is over the whole upload, 30 s by default (here 0.1 s).",
        &text,
        &came,
        &came.fails(12, "Timeout"),
    );
    Ok(())
}

fn downloads(tour: &mut Tour<'_>, scratch: &Path) -> Result<(), Box<dyn Error>> {
    let client = tour.client(|client| client.temporary_directory(scratch))?;
    let (call, text) = download(&client, &tour.server.https_url("/bytes/200000?seed=3"));
    let (listener, told) = watcher();
    let result = call.on_progress_update(listener).send();
    let verdict = progress(&told).and(Verdict::same(has_the_bytes(&result), "200000 bytes, the right ones"));
    tour.show("The file is whole, in a temporary directory.", &format!("{text}.onProgressUpdate(f)"), &verdict);

    let kept = scratch.join("kept");
    let saved = result.as_ref().is_ok_and(|downloaded| client.save_file(downloaded.ap_file_path(), &kept).is_ok());
    let (call, text) = download(&client, &tour.server.https_url("/anything/picture.png"));
    let result = call.send();
    let path = result.as_ref().map(|downloaded| downloaded.ap_file_path().to_owned()).unwrap_or_default();
    let ends = path.extension().is_some_and(|extension| extension == "png");
    tour.show(
        "Its extension is that of the content, else of the URL.",
        &text,
        &Verdict::new(ends, seen(&result), ".png"),
    );

    let there = path.exists();
    drop((client, result));
    let verdict = Verdict::new(
        there && saved && !path.exists() && kept.exists(),
        "the temporary file has gone, the saved one has stayed",
        "only what was saved stays",
    );
    tour.show("Temporary files go with the context, but for those that were saved.", "drop(client)", &verdict);
    Ok(())
}

fn download_failures(tour: &mut Tour<'_>, scratch: &Path) -> Result<(), Box<dyn Error>> {
    let client = tour.client(|client| client.temporary_directory(scratch).whitelist_downloads().allow("127.0.0.1"))?;
    let server = &tour.server;
    let cases = [
        ("A status other than 2xx is code 12.", server.https_url("/status/404?body=gone"), 12, "HttpStatus"),
        (
            "A file that breaks off is code 12, and nothing of it stays.",
            server.https_url("/truncated"),
            12,
            "ConnectionClosed",
        ),
        (
            "A whitelist is enforced where that is asked for: code 13.",
            "https://a.example/".into(),
            13,
            "HostNotAllowed",
        ),
        ("http is code 20.", server.http_url("/get"), 20, "PlainHttpRefused"),
    ];
    for (promise, url, code, reason) in cases {
        let (call, text) = download(&client, &url);
        let result = call.send();
        let left = fs::read_dir(scratch)?.flatten().filter(|entry| holds_a_file(&entry.path())).count();
        let kept = left == 0
            && result.as_ref().is_err_and(|failure| failure.code() == code && failure.reason().name() == reason);
        let verdict = Verdict::new(kept, seen(&result), format!("fail {{error: {code}}} ({reason}), and no file"));
        tour.show(promise, &text, &verdict);
    }
    let mut call = client.download_file(tour.server.https_url("/drip?numbytes=100&duration=10"));
    let handle = call.abort_handle();
    let result = call.on_progress_update(move |_| handle.abort()).send();
    let aborted = result.as_ref().is_err_and(|failure| (failure.code(), failure.reason().name()) == (12, "Aborted"));
    let verdict = Verdict::new(aborted, seen(&result), "fail {error: 12} (Aborted)");
    tour.show("abort() is code 12.", "my.downloadFile({url: 'https://localhost/drip'}).abort()", &verdict);
    Ok(())
}

/// A call, and the same call as the reference writes it, with these options more.
fn upload(client: &Client, url: &str, path: &Path, more: &str) -> (UploadCall, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (url_text, path_text) = (quoted(&shortened(url)), quoted(&name));
    let text = format!(
        "my.uploadFile({{url: {url_text}, filePath: {path_text}, fileName: 'photo', fileType: 'image'{more}}})"
    );
    (client.upload_file(url, path, "photo", FileType::Image), text)
}

fn download(client: &Client, url: &str) -> (DownloadCall, String) {
    (client.download_file(url), format!("my.downloadFile({{url: {}}})", quoted(&shortened(url))))
}

type Told = Arc<Mutex<Vec<ProgressUpdate>>>;

fn watcher() -> (impl FnMut(ProgressUpdate) + Send + 'static, Told) {
    let told = Told::default();
    let to = Arc::clone(&told);
    (move |update| to.lock().unwrap_or_else(PoisonError::into_inner).push(update), told)
}

/// Whether the progress never fell and ended at 100, once.
fn progress(told: &Told) -> Verdict {
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let rising = told.is_sorted_by(|one, two| one.progress <= two.progress);
    let ends = told.iter().filter(|update| update.progress == 100).count() == 1
        && told.last().is_some_and(|last| last.progress == 100 && last.total_bytes_written == 200_000);
    let seen = format!("{} updates, rising: {rising}, the last and only that at 100: {ends}", told.len());
    Verdict::new(rising && ends, seen, "rising updates, the last and only that at 100")
}

fn has_the_bytes(result: &Result<Downloaded, Failure>) -> String {
    let Ok(downloaded) = result else { return seen(result) };
    let content = fs::read(downloaded.ap_file_path()).unwrap_or_default();
    let mut expected = vec![0; content.len()];
    Pattern::new(3).fill(&mut expected);
    let which = if content == expected { "right" } else { "wrong" };
    format!("{} bytes, the {which} ones", content.len())
}

fn seen(result: &Result<Downloaded, Failure>) -> String {
    match result {
        Ok(downloaded) => {
            let name = downloaded.ap_file_path().file_name().unwrap_or_default().to_string_lossy();
            format!("success {{apFilePath: {}}}", quoted(&format!("\u{2026}/{name}")))
        }
        Err(failure) => {
            let message = quoted(&failure.to_string());
            format!("fail {{error: {}, errorMessage: {message}}} ({})", failure.code(), failure.reason().name())
        }
    }
}

/// Whether there is a file in this temporary directory.
fn holds_a_file(directory: &Path) -> bool {
    directory.is_dir() && fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}
