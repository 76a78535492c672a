//! How a client is configured.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use miniwire_core::context::{BadContext, Context, Limits};
use miniwire_core::drive::Trace;
use miniwire_core::policy::{Policy, Whitelist};
use miniwire_core::socket::Rule;

use crate::client::{Client, Inner, Rules};
use crate::files::store::TemporaryFiles;
use crate::net::{Lookup, NoProxy, PoolLimits, Proxy, ProxyRules, Shared, TlsOptions, Tracer};
use crate::session::Sessions;
use crate::socket::hub::Hub;

/// The largest body that is taken whole, unless another limit is set.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// Bytes of messages that may wait to be sent, unless another limit is set.
const SOCKET_QUEUE: usize = 1024 * 1024;

/// A client that is being put together. The default is the *release* policy with an empty whitelist, which admits
/// no request and no upload.
///
/// ```
/// use miniwire_std::{BuildError, Client};
///
/// let builder = || Client::builder("2021000000000001", "1.0.0");
/// assert!(builder().allow("example.com").max_body(1 << 20).proxy("http://proxy.local:3128", "localhost").build().is_ok());
/// // What cannot be used is told when the client is built, not when it is said.
/// let bad = BuildError::WhitelistEntry("https://example.com".into());
/// assert_eq!(builder().allow("https://example.com").build().err(), Some(bad));
/// assert_eq!(builder().accept_any_certificate().build().err(), Some(BuildError::AcceptAnyUnderRelease));
/// ```
#[must_use = "`build` makes the client"]
pub struct ClientBuilder {
    app_id: String,
    app_version: String,
    whitelist: Vec<String>,
    whitelist_for_downloads: bool,
    whitelist_for_sockets: bool,
    development: bool,
    user_agent: String,
    limits: Limits,
    max_body: u64,
    max_tasks: usize,
    temporary_directory: Option<PathBuf>,
    tls: TlsOptions,
    bad_root: bool,
    accept_any: bool,
    proxy: Result<ProxyRules, BuildError>,
    pool: PoolLimits,
    lookup: Option<Arc<Lookup>>,
    tracer: Option<Arc<Tracer>>,
    second_socket: Rule,
    socket_queue: usize,
}

/// Why a client cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The app id, the app version or the user agent could not be sent.
    Context(BadContext),
    /// A whitelist entry is not `host` or `host:port`.
    WhitelistEntry(String),
    /// A root is not a certificate in DER, nor certificates in PEM.
    Root,
    /// The address of a proxy is not `http://[user:password@]host[:port]`.
    Proxy(String),
    /// Accepting any certificate is for the *development* policy only (CTX-08).
    AcceptAnyUnderRelease,
    /// The cryptography offers neither TLS 1.2 nor TLS 1.3.
    Tls,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context(bad) => bad.fmt(f),
            Self::WhitelistEntry(entry) => {
                write!(
                    f,
                    "{entry:?} is not a whitelist entry; write host or host:port, without scheme, path or wildcard"
                )
            }
            Self::Root => f.write_str("a root is not a certificate in PEM or DER"),
            Self::Proxy(why) => write!(f, "the proxy cannot be used: {why}"),
            Self::AcceptAnyUnderRelease => {
                f.write_str("accepting any certificate needs the development policy; add a root or a pin instead")
            }
            Self::Tls => f.write_str("TLS cannot be configured"),
        }
    }
}

impl std::error::Error for BuildError {}

impl Client {
    /// A context under the *release* policy, to be configured and built.
    pub fn builder(app_id: impl Into<String>, app_version: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(app_id.into(), app_version.into())
    }
}

impl ClientBuilder {
    pub(crate) fn new(app_id: String, app_version: String) -> Self {
        Self {
            app_id,
            app_version,
            whitelist: Vec::new(),
            whitelist_for_downloads: false,
            whitelist_for_sockets: false,
            development: false,
            user_agent: Context::USER_AGENT.into(),
            limits: Limits::new(),
            max_body: MAX_BODY,
            max_tasks: 64,
            temporary_directory: None,
            tls: TlsOptions::new(),
            bad_root: false,
            accept_any: false,
            proxy: Ok(ProxyRules::none()),
            pool: PoolLimits::default(),
            lookup: None,
            tracer: None,
            second_socket: Rule::Replace,
            socket_queue: SOCKET_QUEUE,
        }
    }

    /// Admits a host and its subdomains: `host`, or `host:port` (CTX-04). One more each time.
    pub fn allow(mut self, entry: impl Into<String>) -> Self {
        self.whitelist.push(entry.into());
        self
    }

    /// The whitelist is for downloads, too; without this, `my.downloadFile` may go to any host (CTX-03).
    pub fn whitelist_downloads(mut self) -> Self {
        self.whitelist_for_downloads = true;
        self
    }

    /// The whitelist is for sockets, too; without this, `my.connectSocket` may go to any host (CTX-03).
    pub fn whitelist_sockets(mut self) -> Self {
        self.whitelist_for_sockets = true;
        self
    }

    /// The *development* policy: any host, with or without TLS ("ignore domain check"). Not for what is published.
    pub fn development(mut self) -> Self {
        self.development = true;
        self
    }

    /// The user agent; `miniwire/` and the version by default, none where it is empty.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// The longest URL in bytes, data joined on GET included; 2,048 by default, 65,535 at most. A longer one is
    /// [`Reason::UrlTooLong`](crate::Reason::UrlTooLong).
    pub fn max_url(mut self, bytes: usize) -> Self {
        self.limits.url = bytes;
        self
    }

    /// How many redirects one call follows; 5 by default. One more is
    /// [`Reason::TooManyRedirects`](crate::Reason::TooManyRedirects) (REQ-14).
    pub fn max_redirects(mut self, redirects: u8) -> Self {
        self.limits.redirects = redirects;
        self
    }

    /// The largest body that is taken whole, in bytes; 64 MiB by default. A longer one is
    /// [`Reason::TooLarge`](crate::Reason::TooLarge) (REQ-19). Streamed ones are not limited, nor are files; a socket's
    /// messages are, unless [`max_message`](crate::ConnectSocket::max_message) says otherwise.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    /// The largest file that is uploaded or downloaded, in bytes; not limited by default. A larger one fails with code 12.
    pub fn max_file(mut self, bytes: u64) -> Self {
        self.limits.file = bytes;
        self
    }

    /// The deadline over a whole upload in milliseconds; 0 is the default of 30,000 (UP-05).
    pub fn upload_timeout(mut self, milliseconds: u32) -> Self {
        self.limits.upload_timeout = if milliseconds == 0 { Limits::new().upload_timeout } else { milliseconds };
        self
    }

    /// How long a download may bring no byte, in milliseconds; 0 is the default of 30,000 (DOWN-04).
    pub fn download_idle_timeout(mut self, milliseconds: u32) -> Self {
        self.limits.download_idle = if milliseconds == 0 { Limits::new().download_idle } else { milliseconds };
        self
    }

    /// Where the context makes its directory of temporary files, which must be there; the system's by default. The
    /// directory is made when the first download has something to write, and removed when the context is dropped. A
    /// process that is killed leaves it.
    pub fn temporary_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.temporary_directory = Some(path.into());
        self
    }

    /// How many calls run at once, an open socket among them; 64 by default. One more fails with
    /// [`Reason::TooManyTasks`](crate::Reason::TooManyTasks): code 20, for a file 12, for a socket 1.
    pub fn max_tasks(mut self, tasks: usize) -> Self {
        self.max_tasks = tasks;
        self
    }

    /// Trusts a root beside the platform's: certificates in PEM, or one in DER. One more each time.
    pub fn root(mut self, pem_or_der: &[u8]) -> Self {
        self.bad_root |= self.tls.add_root(pem_or_der).is_err();
        self
    }

    /// Trusts the roots that were added, and not the platform's.
    pub fn only_given_roots(mut self) -> Self {
        self.tls.only_given_roots();
        self
    }

    /// Accepts a server only if its key is one of those pinned: the SHA-256 of its SubjectPublicKeyInfo. The chain is
    /// verified all the same. One more each time; it is for every host that the client talks to.
    pub fn pin(mut self, sha_256: [u8; 32]) -> Self {
        self.tls.pin(sha_256);
        self
    }

    /// Accepts any certificate. Only under [`development`](Self::development); otherwise the client is not built.
    pub fn accept_any_certificate(mut self) -> Self {
        self.accept_any = true;
        self.tls.accept_any();
        self
    }

    /// Sends everything through this proxy, `http://[user:password@]host[:port]`, but for the hosts in `direct`, which is
    /// written as `NO_PROXY` is (REQ-17). Of this and [`proxy_from_environment`](Self::proxy_from_environment) the last one
    /// said counts.
    pub fn proxy(mut self, url: &str, direct: &str) -> Self {
        self.proxy = match Proxy::parse(url) {
            Ok(proxy) => Ok(ProxyRules::all(proxy, NoProxy::parse(direct))),
            Err(error) => Err(BuildError::Proxy(error.to_string())),
        };
        self
    }

    /// Uses the proxies that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, or in lower
    /// case). Not done by default: the environment is not always the context's owner's.
    pub fn proxy_from_environment(mut self) -> Self {
        let rules = ProxyRules::from_environment(|name| std::env::var(name).ok());
        self.proxy = rules.map_err(|error| BuildError::Proxy(error.to_string()));
        self
    }

    /// How many connections are kept alive (REQ-16), at most and per host, and for how long one may lie idle; 16, 4 and 60
    /// seconds by default. 0 keeps none.
    pub fn keep_alive(mut self, total: usize, per_host: usize, idle: Duration) -> Self {
        let idle_ms = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        self.pool = PoolLimits { total, per_route: per_host, idle_ms };
        self
    }

    /// Resolves names, given in lower case and with the port, with this function instead of the system's resolver. It may
    /// block; it is called on a thread that nothing else waits for. An error, or no address, is
    /// [`Reason::Dns`](crate::Reason::Dns).
    pub fn resolver(
        mut self,
        resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.lookup = Some(Arc::new(resolve));
        self
    }

    /// A second `connectSocket` fails with code 2 while there is a connection; without this it takes its place (SOCK-02).
    pub fn reject_second_socket(mut self) -> Self {
        self.second_socket = Rule::Reject;
        self
    }

    /// How many bytes of messages may wait to be sent; 1 MiB by default. What is more is refused with code 11, but for a
    /// message that alone is longer.
    pub fn socket_queue(mut self, bytes: usize) -> Self {
        self.socket_queue = bytes;
        self
    }

    /// Shows what passes over the links, decrypted, to whoever wants to see it. Called on the thread of each call,
    /// between its steps. The bytes hold what the calls do, cookies and credentials included.
    pub fn trace(mut self, tracer: impl Fn(Trace<'_>) + Send + Sync + 'static) -> Self {
        self.tracer = Some(Arc::new(tracer));
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`BuildError`] where an option cannot be used. Nothing is connected to yet, and the platform's roots are read
    /// with the first certificate.
    pub fn build(self) -> Result<Client, BuildError> {
        if let Some(bad) = self.whitelist.iter().find(|entry| Whitelist::new(&[entry]).is_err()) {
            return Err(BuildError::WhitelistEntry(bad.clone()));
        }
        if self.bad_root {
            return Err(BuildError::Root);
        }
        if self.accept_any && !self.development {
            return Err(BuildError::AcceptAnyUnderRelease);
        }
        Context::new(&self.app_id, &self.app_version, Policy::default())
            .and_then(|context| context.with_user_agent(&self.user_agent))
            .map_err(BuildError::Context)?;
        let net = Shared::new(self.tls, self.lookup, self.pool).map_err(|_| BuildError::Tls)?;
        Ok(Client::new(Inner {
            app_id: self.app_id,
            app_version: self.app_version,
            rules: if self.development {
                Rules::Development
            } else {
                Rules::Release {
                    whitelist: self.whitelist.join(" "),
                    for_downloads: self.whitelist_for_downloads,
                    for_sockets: self.whitelist_for_sockets,
                }
            },
            user_agent: self.user_agent,
            limits: self.limits,
            max_body: self.max_body,
            proxy: self.proxy?,
            tracer: self.tracer,
            net,
            sessions: Sessions::new(self.max_tasks, self.limits.url),
            files: TemporaryFiles::below(self.temporary_directory.unwrap_or_else(std::env::temp_dir)),
            hub: Hub::new(self.second_socket),
            socket_queue: self.socket_queue,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}
