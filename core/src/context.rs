//! The mini program's context: what is the same for every call (CTX-01).
//!
//! ```
//! use miniwire_core::context::{Context, Limits, Proxy};
//! use miniwire_core::policy::{Policy, Whitelist};
//!
//! let policy = Policy::release(Whitelist::new(&["example.com"])?);
//! let proxy = Proxy { host: "proxy.local", port: 3128, credentials: None };
//! let mut limits = Limits::new();
//! limits.upload_timeout = 120_000;
//! let context = Context::new("2021000000000001", "1.0.0", policy)?.with_limits(limits).with_proxy(Some(&proxy));
//! assert_eq!(context.limits().url, 2_048);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use crate::policy::Policy;
use crate::scan::text_length;

/// App id and version, policy, user agent, limits, proxy. Everything else is per call.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    app_id: &'c str,
    app_version: &'c str,
    policy: Policy<'c>,
    user_agent: &'c str,
    limits: Limits,
    proxy: Option<&'c dyn ProxyRule>,
}

/// What no call may exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a URL, data joined on GET included. 2,048 by default; beyond 65,535 no URL is read, whatever this says. A
    /// longer one is [`Reason::UrlTooLong`](crate::reason::Reason::UrlTooLong).
    pub url: usize,
    /// Redirects followed in one call. 5 by default; one more is
    /// [`Reason::TooManyRedirects`](crate::reason::Reason::TooManyRedirects) (REQ-14).
    pub redirects: u8,
    /// Bytes of a response body before it is converted, streamed ones included. Unlimited by default: the memory given to a
    /// call is the limit. Beyond it: [`Reason::TooLarge`](crate::reason::Reason::TooLarge) (REQ-19). Not for downloads.
    pub body: u64,
    /// Bytes of a file, uploaded or downloaded. Unlimited by default. Beyond it:
    /// [`Reason::FileTooLarge`](crate::reason::Reason::FileTooLarge).
    pub file: u64,
    /// The deadline over a whole upload in milliseconds; 30,000 by default (UP-05). 0 is no default here: every upload ends
    /// at once.
    pub upload_timeout: u32,
    /// How long a download may bring no byte, in milliseconds; 30,000 by default (DOWN-04). 0 is no default here: every
    /// download ends at once.
    pub download_idle: u32,
}

impl Limits {
    /// The defaults.
    pub const fn new() -> Self {
        Self { url: 2048, redirects: 5, body: u64::MAX, file: u64::MAX, upload_timeout: 30_000, download_idle: 30_000 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// An HTTP proxy (REQ-17), reached without TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proxy<'c> {
    /// Name or IP address, IPv6 without brackets.
    pub host: &'c str,
    /// Port, 1 to 65,535.
    pub port: u16,
    /// `user:password` for Basic authentication (RFC 7617), as they are.
    pub credentials: Option<&'c str>,
}

impl fmt::Debug for Proxy<'_> {
    /// Without the credentials, which have no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// Which hops go through a proxy. A [`Proxy`] itself is the rule that all do.
pub trait ProxyRule {
    /// The proxy on the way to this origin, `None` for none; `secure` for https and wss. `host` is without brackets and a
    /// final dot. Asked once for each hop.
    fn proxy_for(&self, secure: bool, host: &str, port: u16) -> Option<Proxy<'_>>;
}

impl ProxyRule for Proxy<'_> {
    fn proxy_for(&self, _: bool, _: &str, _: u16) -> Option<Proxy<'_>> {
        Some(*self)
    }
}

/// A part of a context that cannot be written into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadContext {
    /// The app id is empty, or has a character other than letters, digits and `-._~`.
    AppId,
    /// The app version is empty, or has a character other than letters, digits and `-._~`.
    AppVersion,
    /// The user agent has a control character.
    UserAgent,
}

impl fmt::Display for BadContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AppId => "the app id is empty or has a character other than letters, digits and -._~",
            Self::AppVersion => "the app version is empty or has a character other than letters, digits and -._~",
            Self::UserAgent => "the user agent has a control character",
        })
    }
}

impl core::error::Error for BadContext {}

impl<'c> Context<'c> {
    /// The user agent unless another is given.
    pub const USER_AGENT: &'static str = concat!("miniwire/", env!("CARGO_PKG_VERSION"));

    /// A context with the default limits and no proxy.
    ///
    /// # Errors
    /// [`BadContext::AppId`] or [`BadContext::AppVersion`] where one could not stand in a `Referer` (CTX-02): each is one
    /// or more letters, digits and `-._~`.
    pub fn new(app_id: &'c str, app_version: &'c str, policy: Policy<'c>) -> Result<Self, BadContext> {
        if !is_segment(app_id) {
            return Err(BadContext::AppId);
        }
        if !is_segment(app_version) {
            return Err(BadContext::AppVersion);
        }
        Ok(Self { app_id, app_version, policy, user_agent: Self::USER_AGENT, limits: Limits::new(), proxy: None })
    }

    /// With this user agent; an empty one sends none.
    ///
    /// # Errors
    /// [`BadContext::UserAgent`] when it is not a field value (RFC 9110 section 5.5).
    pub fn with_user_agent(mut self, user_agent: &'c str) -> Result<Self, BadContext> {
        if text_length(user_agent.as_bytes()) < user_agent.len() {
            return Err(BadContext::UserAgent);
        }
        self.user_agent = user_agent;
        Ok(self)
    }

    /// With these limits.
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Through the proxy that this rule names; `None` is no proxy.
    pub const fn with_proxy(mut self, rule: Option<&'c dyn ProxyRule>) -> Self {
        self.proxy = rule;
        self
    }

    /// The app id.
    pub const fn app_id(&self) -> &'c str {
        self.app_id
    }

    /// The app version.
    pub const fn app_version(&self) -> &'c str {
        self.app_version
    }

    /// The policy.
    pub const fn policy(&self) -> &Policy<'c> {
        &self.policy
    }

    /// The user agent.
    pub const fn user_agent(&self) -> &'c str {
        self.user_agent
    }

    /// The limits.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The proxy on the way to this origin.
    pub fn proxy_for(&self, secure: bool, host: &str, port: u16) -> Option<Proxy<'c>> {
        self.proxy.and_then(|rule| rule.proxy_for(secure, host, port))
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app_id, app_version, policy, user_agent, limits, proxy: _ } = self;
        f.debug_struct("Context")
            .field("app_id", app_id)
            .field("app_version", app_version)
            .field("policy", policy)
            .field("user_agent", user_agent)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}

/// One segment of a path, of unreserved characters only (RFC 3986 section 2.3).
fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctx_01_ids_that_cannot_stand_in_a_referer_are_refused() {
        let make = |id, version| Context::new(id, version, Policy::development()).map(|_| ());
        assert_eq!(make("2021000000000001", "1.0.2-beta_3~"), Ok(()));
        for bad in ["", "a/b", "a b", "a\r\nX: y", "a?b", "a%41", "\u{e9}"] {
            assert_eq!(make(bad, "1"), Err(BadContext::AppId), "{bad:?}");
            assert_eq!(make("1", bad), Err(BadContext::AppVersion), "{bad:?}");
        }
        let context = Context::new("1", "1", Policy::development()).unwrap();
        assert_eq!(context.with_user_agent("a\r\nb").map(|_| ()), Err(BadContext::UserAgent));
        assert_eq!(context.with_user_agent("kiosk/1 (x; y)").unwrap().user_agent(), "kiosk/1 (x; y)");
    }

    #[test]
    fn ctx_01_a_proxys_credentials_are_not_shown() {
        let proxy = Proxy { host: "p", port: 1, credentials: Some("u:secret") };
        assert!(!format!("{proxy:?}").contains("secret"));
    }
}
