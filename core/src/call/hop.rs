//! One hop of a call: where it goes, what it takes there, and how a redirect leads to the next.

use super::method::Method;
use super::outgoing::{Input, Outgoing};
use crate::context::{Context, Proxy};
use crate::policy::{Permitted, PermittedParts};
use crate::reason::Reason;
use crate::route::Route;
use crate::url;

/// The caller's URL at first, then the target of each redirect.
#[derive(Debug)]
pub(super) struct Hop<'r> {
    pub(super) context: &'r Context<'r>,
    pub(super) input: &'r dyn Input,
    /// Holds the URL of a redirect's target.
    memory: &'r mut [u8],
    place: Place,
    /// `None` until the policy has let the URL pass.
    url: Option<PermittedParts>,
    /// Asked for once per hop, so that its rule need not be quick.
    pub(super) proxy: Option<Proxy<'r>>,
    pub(super) method: Method,
    /// The content goes with this hop: in the query on GET, else in the body.
    pub(super) with_content: bool,
    /// Its length, as it was counted when the call began.
    pub(super) content_length: u64,
    /// A redirect has left the origin that the caller named (REQ-14).
    pub(super) left_origin: bool,
}

/// Where the URL's text is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Caller,
    /// So many bytes of the memory.
    Memory(usize),
}

impl<'r> Hop<'r> {
    /// Before the URL has passed the policy.
    pub(super) fn new(context: &'r Context<'r>, input: &'r dyn Input, memory: &'r mut [u8]) -> Self {
        Self {
            context,
            input,
            memory,
            place: Place::Caller,
            url: None,
            proxy: None,
            method: input.outgoing().method,
            with_content: true,
            content_length: 0,
            left_origin: false,
        }
    }

    pub(super) fn outgoing(&self) -> Outgoing<'r> {
        self.input.outgoing()
    }

    /// Everything that can be refused before the first byte is sent.
    pub(super) fn admit(&mut self) -> Result<(), Reason> {
        let outgoing = self.outgoing();
        let limit = self.context.limits().url;
        let url = match self.context.policy().permit(outgoing.api, outgoing.url, limit) {
            Ok(url) => url,
            Err(refusal) => return Err(refusal.reason()),
        };
        if !outgoing.headers.are_legal() {
            return Err(Reason::IllegalHeader);
        }
        self.content_length = outgoing.length()?;
        if outgoing.method == Method::Get && self.content_length > 0 {
            let joint = url.query_joint().as_str().len();
            let joined = (outgoing.url.len() as u64).saturating_add(joint as u64).saturating_add(self.content_length);
            if joined > limit as u64 {
                return Err(Reason::UrlTooLong);
            }
        }
        self.enter(Place::Caller, url.parts());
        Ok(())
    }

    /// Goes where a redirect leads: the only place where that is decided (REQ-14, RFC 9110 section 15.4). Returns
    /// whether the link that brought it leads there, too.
    ///
    /// # Errors
    /// The reason why it is not followed; then the call has no URL any more.
    #[inline(never)]
    pub(super) fn follow(&mut self, status: u16, location: &[u8]) -> Result<bool, Reason> {
        let base = self.url().ok_or(Reason::BadRedirect)?;
        let keeps_origin = url::keeps_origin(&base, location);
        let base = base.parts().url_parts();
        // From here on the memory holds something else than what was permitted.
        self.url = None;
        self.hold_text()?;
        let length = url::resolve(base, location, self.memory).map_err(|_| Reason::BadRedirect)?;
        let text = self.memory.get(..length).and_then(|text| core::str::from_utf8(text).ok());
        let text = text.ok_or(Reason::BadRedirect)?;
        let target = match self.context.policy().permit_hop(self.outgoing().api, text) {
            Ok(target) => target.parts(),
            Err(refusal) => return Err(refusal.reason()),
        };

        let proxy = self.proxy;
        self.enter(Place::Memory(length), target);
        self.left_origin |= !keeps_origin;
        if status == 303 || (matches!(status, 301 | 302) && self.method == Method::Post) {
            self.method = Method::Get;
        }
        // What was joined to the first URL is the redirecting server's to repeat.
        self.with_content &= self.method != Method::Get;
        Ok(keeps_origin && self.proxy == proxy)
    }

    fn enter(&mut self, place: Place, url: PermittedParts) {
        self.place = place;
        self.url = Some(url);
        let context = self.context;
        self.proxy =
            self.url().and_then(|url| context.proxy_for(url.scheme().is_secure(), url.server_name(), url.port()));
    }

    /// Brings the current URL into the memory.
    fn hold_text(&mut self) -> Result<(), Reason> {
        if let Place::Caller = self.place {
            let text = self.outgoing().url.as_bytes();
            let to = self.memory.get_mut(..text.len()).ok_or(Reason::BadRedirect)?;
            for (to, from) in to.iter_mut().zip(text) {
                *to = *from;
            }
        }
        Ok(())
    }

    pub(super) fn url(&self) -> Option<Permitted<'_>> {
        let text = match self.place {
            Place::Caller => self.outgoing().url,
            Place::Memory(length) => core::str::from_utf8(self.memory.get(..length)?).ok()?,
        };
        self.url?.of(text)
    }

    pub(super) fn is_secure(&self) -> bool {
        self.url().is_some_and(|url| url.scheme().is_secure())
    }

    /// Whether a proxy carries the bytes without reading them: TLS, and a WebSocket also without (RFC 6455 section 4.1).
    pub(super) fn is_tunnelled(&self) -> bool {
        let opaque = |url: Permitted<'_>| url.scheme().is_secure() || url.scheme().is_web_socket();
        self.proxy.is_some() && self.url().is_some_and(opaque)
    }

    /// The proxy, if it reads the request.
    pub(super) fn reading_proxy(&self) -> Option<Proxy<'r>> {
        self.proxy.filter(|_| !self.is_tunnelled())
    }

    pub(super) fn route(&self) -> Route<'_> {
        let proxy = self.proxy.map(|proxy| (proxy.host, proxy.port));
        match self.url() {
            Some(url) => Route { secure: url.scheme().is_secure(), host: url.server_name(), port: url.port(), proxy },
            None => Route { secure: true, host: "", port: 0, proxy },
        }
    }
}
