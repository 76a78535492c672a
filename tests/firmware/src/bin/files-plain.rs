//! my.uploadFile and my.downloadFile, files in memory, over the blocking loop.
#![no_std]
#![no_main]

use firmware::{Buffers, Register, Stack};
use miniwire_core::context::Context;
use miniwire_core::download::Download;
use miniwire_core::drive::blocking;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::progress::ProgressUpdate;
use miniwire_core::storage::{Bytes, Memory};
use miniwire_core::upload::Upload;

#[inline(never)]
fn call(buffers: &mut Buffers, flash: &mut [u8]) {
    let Ok(context) = Context::new("2021000000000001", "1.0.0", firmware::policy()) else { return };
    let download = Download::new("http://device.local/firmware");
    let progress = |update: ProgressUpdate| firmware::write(Register::Result, update.progress.into());
    match blocking::download(&mut Stack, &context, &download, &mut Memory::new(flash), buffers.memory(), progress) {
        Ok(_) => firmware::show(0, b""),
        Err(failure) => firmware::show_failure(&failure),
    }
    let boundary = Boundary::new([firmware::read(Register::Setting) as u8; 16]);
    let upload = Upload::new("http://device.local/log", FileType::Image, "log", boundary);
    let upload = upload.file("log.bin", flash.len() as u64);
    match blocking::upload(&mut Stack, &context, &upload, &mut Bytes::new(flash), buffers.memory(), progress) {
        Ok(response) => firmware::show(response.status(), response.text().as_bytes()),
        Err(failure) => firmware::show_failure(&failure),
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new(), &mut [0; 1024]);
    firmware::halt()
}
