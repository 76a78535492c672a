//! `/ws/…`: WebSockets. The good ones are tungstenite's; what it would not send is in [`hostile`].

use std::{pin::Pin, time::Duration};

use futures_util::{FutureExt, SinkExt, StreamExt};
use hyper::body::Bytes;
use serde_json::json;
use tokio::{
    io::{copy, sink},
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Error, Message, Utf8Bytes,
        protocol::{
            CloseFrame, Role, WebSocketConfig,
            frame::{
                Frame as Fragment,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use super::{
    answer::{Answer, Handled, Refusal, Talked},
    body::{Pattern, nothing, whole},
    call::Call,
    echo::raw_headers,
    heads,
    link::{Ending, Link},
    route::Route,
};

mod handshake;
mod hostile;
mod listen;

pub(super) use hostile::kinds;

pub(super) const ROUTES: &[Route] = &[
    Route::new("/ws/echo", "?fragment=&delay= each message back, in frames of so many bytes", echo),
    Route::new("/ws/close/{code}", "?reason=&now= closes after the first message, or now", close),
    Route::new(
        "/ws/messages/{n}",
        "?size=&kind=&seed=&fragment=&delay= n messages (kind: text, binary), then 1000",
        messages,
    ),
    Route::new("/ws/ping/{n}", "?size= n pings, then a text of the pongs that came, then 1000", ping),
    Route::new("/ws/info", "a text of the request's head, then 1000", info),
    Route::new("/ws/reject/{code}", "?body=&type=&location= that status in place of 101", heads::status),
    Route::new("/ws/silent", "no answer to the handshake", |_| Ok(Answer::talk(nothing(), silent))),
    Route::new("/ws/mute", "opens, and then says nothing, not to a ping and not to a close", mute),
    Route::new("/ws/drop", "?end= closes the connection after the first message, without a close frame", cut),
    Route::new("/ws/raw/{kind}", "?end= what breaks the protocol, in the handshake or after it", hostile::answer),
];

/// No status received, and abnormal closure: what stands for a code that did not come, RFC 6455 section 7.4.1.
const NO_CODE: u16 = 1005;
const ABNORMAL: u16 = 1006;

/// The longest message that is echoed or made.
const LONGEST: u64 = 64 << 20;

/// How long pongs are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

type Socket = WebSocketStream<Link>;

/// How messages go out.
#[derive(Clone, Copy)]
struct Manner {
    /// The most that a frame holds; 0: all of the message.
    fragment: usize,
    /// A pause before each message.
    delay: Duration,
}

/// What a good socket says; at its end the code of the client's close frame.
type Speech<'s> = Pin<Box<dyn Future<Output = tungstenite::Result<u16>> + Send + 's>>;

fn echo(call: &Call) -> Handled {
    let manner = Manner::of(call)?;
    open(call, move |socket| {
        Box::pin(async move {
            while let Some(message) = socket.next().await {
                match message? {
                    Message::Close(frame) => return Ok(code_of(frame)),
                    message @ (Message::Text(_) | Message::Binary(_)) => manner.send(socket, message).await?,
                    _ => {}
                }
            }
            Ok(ABNORMAL)
        })
    })
}

fn close(call: &Call) -> Handled {
    let code = u16::try_from(call.count(0, u16::MAX.into())?).unwrap_or_default();
    let reason = Utf8Bytes::try_from(call.arg("reason").unwrap_or_default().to_vec());
    let reason = reason.ok().filter(|reason| reason.len() <= 123);
    let reason = reason.ok_or_else(|| Refusal::bad("a reason is UTF-8, of 123 bytes at the most"))?;
    let now = call.arg("now").is_some();
    open(call, move |socket| {
        Box::pin(async move {
            if !now && let Heard::Close(theirs) = first_message(socket).await? {
                return Ok(theirs);
            }
            say_goodbye(socket, code.into(), reason).await
        })
    })
}

fn messages(call: &Call) -> Handled {
    let (count, size) = (call.number(0)?, call.count_arg("size", 10, LONGEST)?);
    let (manner, mut pattern) = (Manner::of(call)?, Pattern::new(call.number_arg("seed")?.unwrap_or(0)));
    let text = match call.arg("kind") {
        None | Some(b"text") => true,
        Some(b"binary") => false,
        Some(_) => return Err(Refusal::bad("kind is text or binary")),
    };
    open(call, move |socket| {
        Box::pin(async move {
            for _ in 0..count {
                // The client may close before the last message, and its pings are answered.
                while let Some(heard) = socket.next().now_or_never() {
                    match heard.transpose()? {
                        Some(Message::Close(frame)) => return Ok(code_of(frame)),
                        Some(_) => {}
                        None => return Ok(ABNORMAL),
                    }
                }
                let mut bytes = vec![0; size];
                pattern.fill(&mut bytes);
                let message = if text { Message::text(letters(&bytes)) } else { Message::binary(bytes) };
                manner.send(socket, message).await?;
            }
            say_goodbye(socket, CloseCode::Normal, Utf8Bytes::default()).await
        })
    })
}

fn ping(call: &Call) -> Handled {
    let (count, size) = (call.count(0, 1_000_000)?, call.count_arg("size", 1, 125)?);
    open(call, move |socket| {
        Box::pin(async move {
            let payload = |index: usize| Bytes::from(format!("{index:0size$}"));
            let mut pongs = Vec::new();
            for index in 1..=count {
                socket.send(Message::Ping(payload(index))).await?;
            }
            // A client may answer the newest only, RFC 6455 section 5.5.3.
            while count > 0 && pongs.last() != Some(&payload(count)) {
                match timeout(PATIENCE, socket.next()).await {
                    Ok(Some(message)) => match message? {
                        Message::Pong(pong) => pongs.push(pong),
                        Message::Close(frame) => return Ok(code_of(frame)),
                        _ => {}
                    },
                    Ok(None) => return Ok(ABNORMAL),
                    Err(_) => break,
                }
            }
            let pongs: Vec<_> = pongs.iter().map(|pong| String::from_utf8_lossy(pong)).collect();
            socket.send(Message::text(json!({ "sent": count, "pongs": pongs }).to_string())).await?;
            say_goodbye(socket, CloseCode::Normal, Utf8Bytes::default()).await
        })
    })
}

fn info(call: &Call) -> Handled {
    let head = json!({ "raw_headers": raw_headers(call), "raw_target": call.head.target, "scheme": call.scheme });
    open(call, move |socket| {
        Box::pin(async move {
            socket.send(Message::text(head.to_string())).await?;
            say_goodbye(socket, CloseCode::Normal, Utf8Bytes::default()).await
        })
    })
}

fn mute(call: &Call) -> Handled {
    let head = handshake::accept(call)?;
    Ok(Answer::talk(whole(head), async |mut link| {
        let close = listen::until_close(&mut link).await;
        Talked { close, ..silent(link).await }
    }))
}

fn cut(call: &Call) -> Handled {
    let (head, ending) = (handshake::accept(call)?, call.ending(Ending::Cut)?);
    Ok(Answer::talk(whole(head), async move |link| {
        let first = first_message(&mut socket_of(link).await).await;
        Talked { ending, close: if let Ok(Heard::Close(code)) = first { code } else { ABNORMAL } }
    }))
}

/// Until the client leaves.
async fn silent(mut link: Link) -> Talked {
    // A failed read is an end as well.
    let _ = copy(&mut link, &mut sink()).await;
    Talked { ending: Ending::Close, close: ABNORMAL }
}

/// Opens the socket, has it speak, and closes the connection.
fn open(call: &Call, speak: impl for<'s> FnOnce(&'s mut Socket) -> Speech<'s> + Send + 'static) -> Handled {
    let head = handshake::accept(call)?;
    Ok(Answer::talk(whole(head), async move |link| {
        let mut socket = socket_of(link).await;
        let close = match speak(&mut socket).await {
            Ok(code) => code,
            Err(error) => {
                refuse(&mut socket, &error).await;
                ABNORMAL
            }
        };
        // What answers the client's close frame may be still to be sent.
        let _ = socket.flush().await;
        Talked { ending: Ending::Close, close }
    }))
}

async fn socket_of(link: Link) -> Socket {
    let longest = usize::try_from(LONGEST).ok();
    let config = WebSocketConfig::default().max_message_size(longest).max_frame_size(longest);
    WebSocketStream::from_raw_socket(link, Role::Server, Some(config)).await
}

enum Heard {
    Message,
    Close(u16),
}

async fn first_message(socket: &mut Socket) -> tungstenite::Result<Heard> {
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(_) | Message::Binary(_) => return Ok(Heard::Message),
            Message::Close(frame) => return Ok(Heard::Close(code_of(frame))),
            _ => {}
        }
    }
    Ok(Heard::Close(ABNORMAL))
}

/// The closing handshake, begun on this side.
async fn say_goodbye(socket: &mut Socket, code: CloseCode, reason: Utf8Bytes) -> tungstenite::Result<u16> {
    socket.send(Message::Close(Some(CloseFrame { code, reason }))).await?;
    while let Some(message) = socket.next().await {
        if let Message::Close(frame) = message? {
            return Ok(code_of(frame));
        }
    }
    Ok(ABNORMAL)
}

/// Says what the client did wrong, if it did, RFC 6455 section 7.4.1.
async fn refuse(socket: &mut Socket, error: &Error) {
    let code = match error {
        Error::Protocol(_) => CloseCode::Protocol,
        Error::Utf8(_) => CloseCode::Invalid,
        Error::Capacity(_) => CloseCode::Size,
        _ => return,
    };
    // The client may be gone.
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: error.to_string().into() }))).await;
}

fn code_of(frame: Option<CloseFrame>) -> u16 {
    frame.map_or(NO_CODE, |frame| frame.code.into())
}

/// A letter of a to z for each byte.
fn letters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}

impl Manner {
    fn of(call: &Call) -> Result<Self, Refusal> {
        let delay = call.seconds_arg("delay")?.unwrap_or_default();
        Ok(Self { fragment: call.count_arg("fragment", 0, LONGEST)?, delay })
    }

    async fn send(self, socket: &mut Socket, message: Message) -> tungstenite::Result<()> {
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
        let mut kind = if message.is_text() { Data::Text } else { Data::Binary };
        let mut rest = message.into_data();
        if self.fragment > 0 {
            while rest.len() > self.fragment {
                let fragment = Fragment::message(rest.split_to(self.fragment), OpCode::Data(kind), false);
                socket.feed(Message::Frame(fragment)).await?;
                kind = Data::Continue;
            }
        }
        socket.send(Message::Frame(Fragment::message(rest, OpCode::Data(kind), true))).await
    }
}
