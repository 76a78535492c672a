//! Which proxy a URL goes through: one that was given, or the environment's conventions (REQ-17).

use std::fmt;
use std::net::IpAddr;

/// An HTTP proxy.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// A name or an IP address (IPv6 without brackets).
    pub(crate) host: String,
    /// The port; 80 where none was given.
    pub(crate) port: u16,
    /// The user and the password for Basic authentication, percent-decoded.
    pub(crate) credentials: Option<String>,
}

// Credentials stay out of logs.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("credentials", &self.credentials.as_ref().map(|_| "(hidden)"))
            .finish()
    }
}

/// Why a proxy's URL was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyError {
    /// The scheme is not `http`.
    Scheme,
    /// It is not `[http://][user:password@]host[:port][/]`.
    Malformed,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "only http:// proxies are supported",
            Self::Malformed => "the proxy's URL is malformed; write http://[user:password@]host[:port]",
        })
    }
}

impl std::error::Error for ProxyError {}

impl Proxy {
    /// Parses `[http://][user[:password]@]host[:port][/]`.
    ///
    /// # Errors
    /// See [`ProxyError`].
    pub(crate) fn parse(url: &str) -> Result<Self, ProxyError> {
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(ProxyError::Scheme),
            None => url,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((user_info, authority)) => {
                let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
                // RFC 7617 section 2: a colon would end the user name.
                let user = decoded(user).filter(|user| !user.contains(':')).ok_or(ProxyError::Malformed)?;
                let password = decoded(password).ok_or(ProxyError::Malformed)?;
                (Some(format!("{user}:{password}")), authority)
            }
            None => (None, rest),
        };
        let (host, port) = host_and_port(authority).ok_or(ProxyError::Malformed)?;
        let named = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if host.is_empty() || !(named || host.parse::<IpAddr>().is_ok()) {
            return Err(ProxyError::Malformed);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port: port.unwrap_or(80), credentials })
    }
}

/// Which URLs go through which proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProxyRules {
    http: Option<Proxy>,
    https: Option<Proxy>,
    direct: NoProxy,
}

impl ProxyRules {
    /// No proxy at all.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// One proxy for everything that `direct` does not exempt.
    pub(crate) fn all(proxy: Proxy, direct: NoProxy) -> Self {
        Self { http: Some(proxy.clone()), https: Some(proxy), direct }
    }

    /// What the environment says, `variable` looking a variable up: `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`,
    /// each in lower or else upper case, an empty one counting as absent.
    ///
    /// `HTTP_PROXY` does not count under CGI (where `REQUEST_METHOD` is set): there a request's `Proxy` header sets it.
    ///
    /// # Errors
    /// See [`ProxyError`]. Only variables that would be used are looked at.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let get = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let either = |name: &str| get(name).or_else(|| get(&name.to_ascii_uppercase()));
        let proxy = |own: Option<String>| own.or_else(|| either("all_proxy")).map(|url| Proxy::parse(&url)).transpose();
        let http = match variable("REQUEST_METHOD") {
            // On Windows the two names are one variable.
            Some(_) if cfg!(windows) => None,
            Some(_) => get("http_proxy"),
            None => either("http_proxy"),
        };
        Ok(Self {
            http: proxy(http)?,
            https: proxy(either("https_proxy"))?,
            direct: either("no_proxy").map(|list| NoProxy::parse(&list)).unwrap_or_default(),
        })
    }

    /// The proxy for an origin; `None` to connect directly. `host` is a name or an IP address (IPv6 without brackets).
    pub(crate) fn for_url(&self, secure: bool, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = if secure { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.direct.exempts(host, port))
    }
}

/// The hosts that are connected to directly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NoProxy(Vec<Exempt>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Exempt {
    All,
    /// The host and what is below it.
    Domain(String, Option<u16>),
    Address(IpAddr, Option<u16>),
    /// The addresses whose first so many bits are these.
    Network(IpAddr, u8),
}

impl NoProxy {
    /// Parses a list separated by commas or white space: `*`; a host, which stands for what is below it too, with or
    /// without a leading `.` or `*.`; an IP address; each of the two with or without a port; a network (`10.0.0.0/8`).
    /// What is none of these matches nothing.
    pub(crate) fn parse(list: &str) -> Self {
        let separator = |c: char| c == ',' || c.is_ascii_whitespace();
        Self(list.split(separator).filter(|entry| !entry.is_empty()).filter_map(Exempt::parse).collect())
    }

    fn exempts(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        self.0.iter().any(|exempt| exempt.covers(host, address, port))
    }
}

impl Exempt {
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some((network, bits)) = entry.split_once('/') {
            let (network, bits) = (network.parse::<IpAddr>().ok()?, number(bits)?);
            let widest = if network.is_ipv4() { 32 } else { 128 };
            return u8::try_from(bits).ok().filter(|bits| *bits <= widest).map(|bits| Self::Network(network, bits));
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical(), None));
        }
        let (host, port) = host_and_port(entry)?;
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical(), port));
        }
        let host = host.strip_prefix('*').unwrap_or(host);
        let host = host.strip_prefix('.').unwrap_or(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        (!host.is_empty()).then(|| Self::Domain(host.to_owned(), port))
    }

    fn covers(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let any_or = |own: Option<u16>| own.is_none_or(|own| own == port);
        match self {
            Self::All => true,
            Self::Domain(domain, own) => address.is_none() && any_or(*own) && is_within(host, domain),
            Self::Address(own_address, own) => address == Some(*own_address) && any_or(*own),
            Self::Network(network, bits) => match (network, address) {
                (IpAddr::V4(network), Some(IpAddr::V4(address))) => {
                    let differ = network.to_bits() ^ address.to_bits();
                    differ.leading_zeros() >= u32::from(*bits)
                }
                (IpAddr::V6(network), Some(IpAddr::V6(address))) => {
                    let differ = network.to_bits() ^ address.to_bits();
                    differ.leading_zeros() >= u32::from(*bits)
                }
                _ => false,
            },
        }
    }
}

/// Whether `host` is `domain` or below it.
fn is_within(host: &str, domain: &str) -> bool {
    let Some((below, end)) = host.len().checked_sub(domain.len()).and_then(|at| host.split_at_checked(at)) else {
        return false;
    };
    end.eq_ignore_ascii_case(domain) && (below.is_empty() || below.ends_with('.'))
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return None,
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    match port {
        Some(port) => number(port).filter(|port| *port != 0).map(|port| (host, Some(port))),
        None => Some((host, None)),
    }
}

/// Decimal digits only.
fn number(digits: &str) -> Option<u16> {
    if digits.is_empty() {
        return None;
    }
    digits.bytes().try_fold(0_u16, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(u16::from(digit))
    })
}

/// Percent-decodes; `None` where that is malformed, not UTF-8, or has control characters.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'%' {
            let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
            u8::try_from(digit()? << 4 | digit()?).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
