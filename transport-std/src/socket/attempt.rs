//! One attempt to connect: what was asked for, and the opening handshake.

use std::sync::Arc;

use miniwire_core::drive::blocking::open_socket;
use miniwire_core::drive::buffer::ReceiveBuffer;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{ConnectSocket, Opened, Settings, SocketTask};
#[cfg(feature = "permessage-deflate")]
use miniwire_core::ws::deflate::Parameters;

use super::codec::Codec;
use super::control::Control;
use super::message::SocketOpen;
use super::pump::Pump;
use crate::answer::Response;
use crate::call::OwnedData;
use crate::client::Client;
use crate::net::DuplexLink;
use crate::session::Session;
use crate::started::borrowed;

/// The options of the call.
pub(super) struct Options {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) data: OwnedData,
    pub(super) protocols: Vec<String>,
    pub(super) timeout: u32,
    pub(super) settings: Settings,
    #[cfg(feature = "permessage-deflate")]
    pub(super) compression: Option<Parameters>,
    pub(super) max_message: usize,
}

/// An attempt that has ended, one way or the other.
pub(super) struct Attempted {
    /// A failed one has a pump, too: it reports the failure.
    pub(super) pump: Pump,
    pub(super) open: Option<SocketOpen>,
    /// Of a failed one: what is known of the answer.
    pub(super) response: Option<Response>,
    /// The slot of the connection, as long as there is one.
    pub(super) slot: Option<Session>,
}

impl Options {
    /// The reference's defaults.
    pub(super) fn new(client: &Client, url: String) -> Self {
        Self {
            url,
            headers: Vec::new(),
            data: OwnedData::None,
            protocols: Vec::new(),
            timeout: 0,
            settings: Settings::new(),
            #[cfg(feature = "permessage-deflate")]
            compression: None,
            max_message: usize::try_from(client.max_body()).unwrap_or(usize::MAX),
        }
    }

    /// What is known at once (SOCK-01).
    pub(super) fn check(&self, client: &Client) -> Result<(), Reason> {
        let context = client.inner().context()?;
        self.with_connect(|connect| connect.refused(&context).map_or(Ok(()), Err))
    }

    /// The opening handshake.
    pub(super) fn attempt(&self, client: &Client, control: &Arc<Control>) -> Attempted {
        let mut slot = None;
        let mut found = SocketOpen::default();
        let (opened, link, ahead) = match client.open(Some(control.switch())) {
            Err(reason) => (Opened::failed(reason), None, Vec::new()),
            Ok(mut session) => {
                let ended = self.handshake(client, &mut session, &mut found);
                session.drop_buffers();
                slot = Some(session);
                ended
            }
        };
        let net = Arc::clone(&client.inner().net);
        let task = SocketTask::after(&opened, self.settings, net.now());
        let codec = Codec::after(&opened);
        let pump = Pump::new(net, client.inner().tracer.clone(), Arc::clone(control), link, task, codec, &ahead);
        let is_open = opened.result.is_ok();
        let status = opened.status.filter(|_| !is_open);
        let response = status.map(|status| Response { status, ..Response::default() });
        Attempted { pump, open: is_open.then_some(found), response, slot }
    }

    /// How it ended, the link if it is open, and what came behind the answer's head.
    fn handshake(
        &self,
        client: &Client,
        session: &mut Session,
        found: &mut SocketOpen,
    ) -> (Opened, Option<DuplexLink>, Vec<u8>) {
        let mut ride = match client.ride(session) {
            Ok(ride) => ride,
            Err(reason) => return (Opened::failed(reason), None, Vec::new()),
        };
        let mut rx = ReceiveBuffer::new(ride.receive);
        let (mut opened, link) = self.with_connect(|connect| {
            open_socket(&mut ride.net, &ride.context, connect, &mut rx, ride.transmit, |head, protocol| {
                found.protocol = protocol.map(Into::into);
                found.response.status = head.status();
                found.response.head.extend_from_slice(head.raw());
            })
        });
        ride.net.keep_switch();
        let link = link.and_then(|link| link.into_duplex().ok());
        if link.is_none() && opened.result.is_ok() {
            opened.result = Err(Reason::ConnectionLost);
        }
        (opened, link, rx.filled().to_vec())
    }

    fn with_connect<T>(&self, run: impl FnOnce(&ConnectSocket<'_>) -> T) -> T {
        let headers = borrowed(&self.headers);
        let protocols: Vec<&str> = self.protocols.iter().map(|name| &**name).collect();
        let connect = ConnectSocket::new(&self.url)
            .data(self.data.as_data())
            .header(&headers)
            .protocols(&protocols)
            .timeout(self.timeout);
        #[cfg(feature = "permessage-deflate")]
        let connect = match self.compression {
            Some(offer) => connect.compression(offer),
            None => connect,
        };
        run(&connect)
    }
}
