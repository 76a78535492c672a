//! Servers that do not prove who they are (CTX-08).

use embassy_futures::select::select;
use miniwire_core::context::Context;
use miniwire_core::request::Request;
use miniwire_embassy::Client;

use super::Step;
use super::call::Tour;

const STEPS: &[Step] = &[
    ("An intermediate authority is fine.", Request::new("{intermediate}/get")),
    ("A certificate that has expired is code 19;", Request::new("{expired}/get")),
    ("so is one that is not valid yet,", Request::new("{future}/get")),
    ("one for another host,", Request::new("{elsewhere}/get")),
    ("one that is self-signed,", Request::new("{self-signed}/get")),
    ("one of an unknown root,", Request::new("{unknown-root}/get")),
    ("one issued by a server,", Request::new("{by-server}/get")),
    ("one whose issuer may not issue,", Request::new("{by-non-issuer}/get")),
    ("and one that may not serve.", Request::new("{client-only}/get")),
    ("No TLS on the port is code 19, and never plain http.", Request::new("{http}/get")),
];

const PINNED: Step = ("A key can be pinned; another one is code 19.", Request::new("/get"));

impl Tour {
    pub(super) async fn certificates(&mut self, context: Context<'static>) {
        self.group(context, STEPS).await;
        let client = Client::new(self.sockets, context, self.trusted.pinned);
        let mut spare = core::mem::take(&mut self.trusted.spare);
        if let Some(memory) = &mut spare {
            select(self.trusted.pinned.serve(memory), self.step(&client, PINNED)).await;
        }
        self.trusted.spare = spare;
    }
}
