//! A form with a file, read again by a plain parser; and the upload that sends it.

use miniwire_core::context::Context;
use miniwire_core::media::FileType;
use miniwire_core::multipart::{Boundary, Form};
use miniwire_core::policy::Policy;
use miniwire_core::storage::{Bytes, Source as _};
use miniwire_core::task::{Action, Poll, Task as _};
use miniwire_core::time::Instant;
use miniwire_core::upload::{Feed, Upload, UploadTask};

use crate::oracle;
use crate::splits::{Gathered, Random, gathered};

/// Reads `data` as pieces between zero bytes: the file's name, its key, its content, then names and values of fields.
pub fn run(data: &[u8]) {
    let mut pieces = data.split(|byte| *byte == 0);
    let mut text = || pieces.next().map(|piece| String::from_utf8_lossy(piece).into_owned());
    let (Some(base_name), Some(key)) = (text(), text()) else { return };
    let content = pieces.next().unwrap_or_default();
    let mut texts = pieces.map(|piece| String::from_utf8_lossy(piece).into_owned());
    let mut fields = Vec::new();
    while let Some(name) = texts.next() {
        fields.push((name, texts.next().unwrap_or_default()));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    let mut random = Random::of(data);
    let boundary = Boundary::new([(); 16].map(|()| random.number() as u8));
    let file_type = [FileType::Image, FileType::Video, FileType::Audio][random.below(3)];
    let content_type = file_type.media_type(&base_name);
    let form = Form { fields: &fields, name: &key, file_name: &base_name, content_type, boundary };
    let before = gathered(|out| Ok(form.write_before(out)?)).unwrap();
    let after = gathered(|out| Ok(form.write_after(out)?)).unwrap();
    let body = [&before, content, &after].concat();
    assert_eq!(form.len(content.len() as u64), Some(body.len() as u64));

    let mut written = Gathered::default();
    boundary.write(&mut written).unwrap();
    let mark = String::from_utf8(written.0).unwrap();
    let field = |name: &str| format!("Content-Disposition: form-data; name=\"{}\"", oracle::field_name(name));
    let mut parts: Vec<_> = fields.iter().map(|(name, value)| (vec![field(name)], value.as_bytes().to_vec())).collect();
    let disposition = format!("{}; filename=\"{}\"", field(&key), oracle::file_name(&base_name));
    parts.push((vec![disposition, format!("Content-Type: {content_type}")], content.to_vec()));
    assert_eq!(oracle::multipart(&body, &mark), Some(parts));

    if !key.is_empty() {
        let upload = Upload::new("http://a.test/", file_type, &key, boundary).form_data(&fields);
        let upload = upload.file(&base_name, content.len() as u64);
        // Each buffer-full is written anew from the start, so a long body does not go through the smallest buffers.
        for transmit in [256, (1 + random.below(700)).max(body.len() / 64)] {
            let sent = send(&upload, content, transmit);
            let end = sent.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            let head = String::from_utf8(sent[..end].to_vec()).unwrap();
            assert!(head.contains(&format!("\r\nContent-Type: multipart/form-data; boundary={mark}\r\n")));
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())));
            assert_eq!(&sent[end..], body);
        }
    }
}

/// What an upload sends through a buffer of this size.
fn send(upload: &Upload<'_>, content: &[u8], transmit: usize) -> Vec<u8> {
    let context = Context::new("1", "2", Policy::development()).unwrap();
    let (now, mut file) = (Instant::from_millis(0), Bytes::new(content));
    assert_eq!(file.len(), upload.length);
    let mut task = UploadTask::new(&context, upload, now);
    let mut feed = Feed::new(&mut file);
    let (mut tx, mut sent, mut rx) = (vec![0; transmit], Vec::new(), &b""[..]);
    loop {
        let Poll { consumed, action } = task.poll(now, rx, &mut tx);
        rx = &rx[consumed..];
        match action {
            Action::Connect { .. } => task.connected(false).unwrap(),
            Action::Transmit { length, .. } => sent.extend_from_slice(&tx[..length]),
            Action::Fill { at, end, offset } => task.filled(feed.fill(offset, &mut tx[at..end]).unwrap()),
            Action::Read => rx = b"HTTP/1.1 204 x\r\n\r\n",
            Action::Done(outcome) => {
                assert_eq!((outcome.result, outcome.status), (Ok(()), Some(204)));
                return sent;
            }
            _ => {}
        }
    }
}
