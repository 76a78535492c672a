//! Each entry point of the two loops in a function of its own, so that it can be read from the image how deep its stack
//! gets. An asynchronous one is the poll of its future; the future itself lies with who polls it.
#![no_std]
#![no_main]

#[path = "../sockets.rs"]
mod sockets;

use firmware::{Buffers, Register, Stack, polls, read, show, to_the_end, write};
use miniwire_core::context::Context;
use miniwire_core::download::{Download, Downloaded};
use miniwire_core::drive::asynch::{self, Socket as AsyncSocket};
use miniwire_core::drive::blocking::{self, Socket};
use miniwire_core::drive::{Memory, SocketMemory};
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::progress::ProgressUpdate;
use miniwire_core::reason::Reason;
use miniwire_core::request::{Event, Failure, Outcome, Request, Response};
use miniwire_core::socket::{ConnectFailure, ConnectSocket, Settings};
use miniwire_core::storage;
use miniwire_core::upload::Upload;

fn progress(update: ProgressUpdate) {
    write(Register::Result, update.progress.into());
}

fn event(event: Event<'_>) -> Result<(), Reason> {
    if let Event::Body(data) = event {
        show(0, data);
    }
    Ok(())
}

#[inline(never)]
fn request<'m>(context: &Context<'_>, of: &Request<'_>, memory: Memory<'m>) -> Result<Response<'m>, Failure<'m>> {
    blocking::request(&mut Stack, context, of, memory)
}

#[inline(never)]
fn request_streamed(context: &Context<'_>, of: &Request<'_>, memory: Memory<'_>) -> Outcome {
    blocking::request_streamed(&mut Stack, context, of, memory, event)
}

#[inline(never)]
fn upload<'m>(
    context: &Context<'_>,
    of: &Upload<'_>,
    file: &mut storage::Bytes<'_>,
    memory: Memory<'m>,
) -> Result<Response<'m>, Failure<'m>> {
    blocking::upload(&mut Stack, context, of, file, memory, progress)
}

#[inline(never)]
fn download<'m>(
    context: &Context<'_>,
    of: &Download<'_>,
    file: &mut storage::Memory<'_>,
    memory: Memory<'m>,
) -> Result<Downloaded<'m>, Failure<'m>> {
    blocking::download(&mut Stack, context, of, file, memory, progress)
}

#[inline(never)]
fn connect<'s>(
    stack: &'s mut Stack,
    context: &Context<'_>,
    to: &ConnectSocket<'_>,
    memory: SocketMemory<'s>,
) -> Result<Socket<'s, Stack>, ConnectFailure> {
    Socket::connect(stack, context, to, Settings::new().keep_alive(30_000), memory, |_, _| {})
}

polls! { poll_request poll_request_streamed poll_upload poll_download poll_connect }

fn see_response(answer: Result<Response<'_>, Failure<'_>>) {
    match answer {
        Ok(response) => show(response.status(), response.text().as_bytes()),
        Err(failure) => firmware::show_failure(&failure),
    }
}

#[inline(never)]
fn calls(context: &Context<'_>, buffers: &mut Buffers, flash: &mut [u8]) {
    let get = Request::new("http://device.local/status");
    let image = Download::new("http://device.local/firmware");
    let log = Upload::new("http://device.local/log", FileType::Image, "log", Boundary::new([1; 16]));
    let log = log.file("log.bin", flash.len() as u64);
    see_response(request(context, &get, buffers.memory()));
    sockets::see(request_streamed(context, &get, buffers.memory()).result.map(drop));
    see_response(upload(context, &log, &mut storage::Bytes::new(flash), buffers.memory()));
    sockets::see(
        download(context, &image, &mut storage::Memory::new(flash), buffers.memory())
            .map(drop)
            .map_err(|failed| failed.reason),
    );

    see_response(to_the_end!(poll_request, asynch::request(&Stack, context, &get, buffers.memory())));
    let streamed =
        to_the_end!(poll_request_streamed, asynch::request_streamed(&Stack, context, &get, buffers.memory(), event));
    sockets::see(streamed.result.map(drop));
    let mut file = storage::Bytes::new(flash);
    see_response(to_the_end!(
        poll_upload,
        asynch::upload(&Stack, context, &log, &mut file, buffers.memory(), progress)
    ));
    let mut file = storage::Memory::new(flash);
    let downloaded =
        to_the_end!(poll_download, asynch::download(&Stack, context, &image, &mut file, buffers.memory(), progress));
    sockets::see(downloaded.map(drop).map_err(|failed| failed.reason));
}

#[inline(never)]
fn sockets(context: &Context<'_>, buffers: &mut Buffers) {
    let chat = ConnectSocket::new("ws://device.local/chat");
    let mut stack = Stack;
    if let Ok(socket) = connect(&mut stack, context, &chat, buffers.socket_memory()) {
        sockets::talk(socket);
    }
    let opening = AsyncSocket::connect(
        &Stack,
        context,
        &chat,
        Settings::new().keep_alive(30_000),
        buffers.socket_memory(),
        |_, _| {},
    );
    if let Ok(socket) = to_the_end!(poll_connect, opening) {
        sockets::poll_talk(socket);
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut buffers = Buffers::new();
    if let Ok(context) = Context::new("2021000000000001", "1.0.0", firmware::policy()) {
        calls(&context, &mut buffers, &mut [read(Register::Setting) as u8; 1024]);
        sockets(&context, &mut buffers);
    }
    firmware::halt()
}
