//! Which URLs a context may talk to (CTX-03, CTX-04).
//!
//! Only a [`Policy`] makes a [`Permitted`] URL, and only a permitted URL makes a task. A redirect hop passes the same
//! door.
//!
//! ```
//! use miniwire_core::policy::{Api, Policy, Refusal, Whitelist};
//!
//! let policy = Policy::release(Whitelist::new(&["example.com"])?);
//! let url = policy.permit(Api::Request, "https://api.example.com/items", 2048).unwrap();
//! assert_eq!(url.host(), "api.example.com");
//! assert_eq!(policy.permit(Api::Request, "http://example.com/", 2048), Err(Refusal::PlainRefused));
//! assert_eq!(policy.permit(Api::Request, "https://example.org/", 2048), Err(Refusal::HostNotAllowed));
//! # Ok::<(), miniwire_core::policy::BadEntry>(())
//! ```

use core::fmt;
use core::ops::Deref;

pub use crate::api::Api;
use crate::reason::Reason;
use crate::url::{Authority, Host, Parts, Url, UrlError, port_number, split_before};

/// The hosts that the administration of the mini program has entered (CTX-04).
///
/// An entry is `host` or `host:port`, where the host is a name, an IPv4 address, or an IPv6 address in brackets. A name
/// admits itself and its subdomains, in any letter case, a final dot ignored; an address admits itself only. Without a
/// port, every port is admitted; with one, exactly that. There may be any number of entries; they are looked at one after
/// the other, and nothing is copied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whitelist<'c> {
    /// Each one reads as an [`Entry`].
    entries: &'c [&'c str],
    /// And so does each part of this.
    list: &'c str,
}

impl<'c> Whitelist<'c> {
    /// A whitelist that admits nothing.
    pub const EMPTY: Self = Self { entries: &[], list: "" };

    /// Checks the entries.
    ///
    /// # Errors
    /// [`BadEntry`] with the first one that is not `host` or `host:port`: one with a scheme, a path, a wildcard, a
    /// leading dot, an empty one.
    pub fn new(entries: &'c [&'c str]) -> Result<Self, BadEntry> {
        Self { entries, list: "" }.checked()
    }

    /// Checks the entries of a list, which are separated by commas or spaces, as many as there are.
    ///
    /// ```
    /// use miniwire_core::policy::{BadEntry, Whitelist};
    /// use miniwire_core::url::Url;
    ///
    /// let whitelist = Whitelist::from_list("example.com, device.local:8443 [2001:db8::1]")?;
    /// let admits = |url| whitelist.admits(&Url::parse(url, 2048).unwrap());
    /// assert!(admits("https://example.com/") && admits("https://a.b.EXAMPLE.com:8443/"));
    /// assert!(!admits("https://badexample.com/") && !admits("https://device.local/"));
    /// assert_eq!(Whitelist::from_list("example.com *.org").err(), Some(BadEntry { index: 1 }));
    /// # Ok::<(), BadEntry>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_list(list: &'c str) -> Result<Self, BadEntry> {
        Self { entries: &[], list }.checked()
    }

    /// Whether some entry admits the host and port of `url`.
    pub fn admits(&self, url: &Url<'_>) -> bool {
        let mut left = *self;
        while let Some(entry) = left.take() {
            if Entry::parse(entry).is_some_and(|entry| entry.admits(url)) {
                return true;
            }
        }
        false
    }

    fn checked(self) -> Result<Self, BadEntry> {
        let (mut left, mut index) = (self, 0);
        while let Some(entry) = left.take() {
            Entry::parse(entry).ok_or(BadEntry { index })?;
            index += 1;
        }
        Ok(self)
    }

    /// Takes the next entry out.
    fn take(&mut self) -> Option<&'c str> {
        if let Some((entry, left)) = self.entries.split_first() {
            self.entries = left;
            return Some(entry);
        }
        while !self.list.is_empty() {
            let (entry, left) = split_before(self.list, b", ");
            self.list = left.get(1..).unwrap_or_default();
            if !entry.is_empty() {
                return Some(entry);
            }
        }
        None
    }
}

/// An entry of a whitelist that is neither `host` nor `host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEntry {
    /// Which entry, from 0.
    pub index: usize,
}

impl fmt::Display for BadEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "whitelist entry {} is not a host or host:port, without scheme, path or wildcard", self.index)
    }
}

impl core::error::Error for BadEntry {}

struct Entry<'c> {
    host: Host<'c>,
    port: Option<u16>,
}

impl<'c> Entry<'c> {
    fn parse(text: &'c str) -> Option<Self> {
        let Authority { host, port } = Authority::parse(text)?;
        let port = match port {
            Some(digits) => Some(port_number(digits)?),
            None => None,
        };
        Some(Self { host, port })
    }

    fn admits(&self, url: &Url<'_>) -> bool {
        let host = url.host_parts();
        self.port.is_none_or(|port| port == url.port()) && (host.is_same(self.host) || host.is_below(self.host))
    }
}

/// What a context permits (CTX-03). The default is *release* with an empty whitelist, which permits no request and no
/// upload.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'c> {
    rules: Rules<'c>,
}

#[derive(Clone, Copy, Debug)]
enum Rules<'c> {
    Development,
    Release { whitelist: Whitelist<'c>, for_downloads: bool, for_sockets: bool },
}

impl<'c> Policy<'c> {
    /// *release*: https and wss only, and the whitelist enforced for request and uploadFile.
    pub const fn release(whitelist: Whitelist<'c>) -> Self {
        Self { rules: Rules::Release { whitelist, for_downloads: false, for_sockets: false } }
    }

    /// *development*: any host, with or without TLS ("ignore domain check"). Not for what is published.
    pub const fn development() -> Self {
        Self { rules: Rules::Development }
    }

    /// Under *release*, enforces the whitelist for downloadFile too; under *development*, changes nothing.
    #[must_use]
    pub const fn also_for_downloads(mut self) -> Self {
        if let Rules::Release { for_downloads, .. } = &mut self.rules {
            *for_downloads = true;
        }
        self
    }

    /// Under *release*, enforces the whitelist for connectSocket too; under *development*, changes nothing.
    #[must_use]
    pub const fn also_for_sockets(mut self) -> Self {
        if let Rules::Release { for_sockets, .. } = &mut self.rules {
            *for_sockets = true;
        }
        self
    }

    /// Whether this is [`development`](Self::development).
    pub const fn is_development(&self) -> bool {
        matches!(self.rules, Rules::Development)
    }

    /// Reads the URL of a call, of at most `max_len` bytes, and lets it pass or not. Asks in this order: is it a URL,
    /// has it a scheme of the API, has it TLS where TLS is required, is its host on the whitelist.
    ///
    /// # Errors
    /// [`Refusal`], all but [`Refusal::BadRedirect`].
    pub fn permit<'u>(&self, api: Api, url: &'u str, max_len: usize) -> Result<Permitted<'u>, Refusal> {
        let url = Url::parse(url, max_len).map_err(Refusal::Url)?;
        let scheme = url.scheme();
        if scheme.is_web_socket() != (api == Api::ConnectSocket) {
            return Err(Refusal::SchemeNotOfApi);
        }
        if let Rules::Release { whitelist, for_downloads, for_sockets } = &self.rules {
            if !scheme.is_secure() {
                return Err(Refusal::PlainRefused);
            }
            let enforced = match api {
                Api::Request | Api::UploadFile => true,
                Api::DownloadFile => *for_downloads,
                Api::ConnectSocket => *for_sockets,
            };
            if enforced && !whitelist.admits(&url) {
                return Err(Refusal::HostNotAllowed);
            }
        }
        Ok(Permitted { url })
    }

    /// The same for the URL that a redirect leads to, put together by [`resolve`](crate::url::resolve()). Its length is
    /// not limited further than by the buffer that it is in (and to 65,535 bytes).
    ///
    /// # Errors
    /// [`Refusal::BadRedirect`] where it is not a URL of the API; else as [`permit`](Self::permit).
    pub fn permit_hop<'u>(&self, api: Api, url: &'u str) -> Result<Permitted<'u>, Refusal> {
        self.permit(api, url, usize::MAX).map_err(|refusal| match refusal {
            Refusal::Url(_) | Refusal::SchemeNotOfApi => Refusal::BadRedirect,
            _ => refusal,
        })
    }
}

impl Default for Policy<'_> {
    fn default() -> Self {
        Self::release(Whitelist::EMPTY)
    }
}

/// Why a URL does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not a URL.
    Url(UrlError),
    /// Its scheme is not one of the API's: `ws` and `wss` for connectSocket, `http` and `https` for the others.
    SchemeNotOfApi,
    /// It has no TLS, and the policy is *release*.
    PlainRefused,
    /// The whitelist does not admit its host and port.
    HostNotAllowed,
    /// It is a redirect's, and not a URL of the API.
    BadRedirect,
}

impl Refusal {
    /// The reason that the call reports.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Url(UrlError::Empty) => Reason::UrlEmpty,
            Self::Url(UrlError::Malformed) => Reason::UrlMalformed,
            Self::Url(UrlError::Scheme) | Self::SchemeNotOfApi => Reason::UrlScheme,
            Self::Url(UrlError::TooLong) => Reason::UrlTooLong,
            Self::Url(UrlError::MalformedEscape) => Reason::MalformedEscape,
            Self::PlainRefused => Reason::PlainHttpRefused,
            Self::HostNotAllowed => Reason::HostNotAllowed,
            Self::BadRedirect => Reason::BadRedirect,
        }
    }
}

/// A URL that a [`Policy`] has let pass. Nothing else makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permitted<'u> {
    url: Url<'u>,
}

impl Permitted<'_> {
    /// The permission without its text, to be kept beside the buffer that holds it.
    pub const fn parts(&self) -> PermittedParts {
        PermittedParts { parts: self.url.parts() }
    }
}

impl<'u> Deref for Permitted<'u> {
    type Target = Url<'u>;

    fn deref(&self) -> &Url<'u> {
        &self.url
    }
}

/// A [`Permitted`] URL without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PermittedParts {
    parts: Parts,
}

impl PermittedParts {
    /// The permitted URL again. The text must be the one that was permitted, so only this crate can do this.
    pub(crate) fn of(self, text: &str) -> Option<Permitted<'_>> {
        Some(Permitted { url: Url::from_parts(text, self.parts)? })
    }

    /// Where the parts of the URL are in its text.
    pub const fn url_parts(self) -> Parts {
        self.parts
    }
}

#[cfg(test)]
mod tests;
