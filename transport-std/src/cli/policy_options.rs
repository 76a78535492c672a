//! The options of every subcommand that talks to a server: who the mini program is, and whom it may talk to.

use std::fs;
use std::path::PathBuf;

use miniwire_core::url::Url;
use miniwire_std::{Client, ClientBuilder};

use crate::WrongUsage;

#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Context")]
pub(crate) struct PolicyOptions {
    /// Admit this host and its subdomains: host or host:port; may be repeated
    ///
    /// Without --allow and --dev, the host of the URL given is the whitelist, with any port.
    #[arg(long, value_name = "HOST")]
    allow: Vec<String>,
    /// Use the development policy: any host, and http too
    #[arg(long, conflicts_with = "allow")]
    dev: bool,
    /// The app id, a part of the Referer
    #[arg(long, value_name = "ID", default_value = "miniwire")]
    appid: String,
    /// The app version, a part of the Referer
    #[arg(long, value_name = "V", default_value = env!("CARGO_PKG_VERSION"))]
    app_version: String,
    /// Trust the certificates in this file (PEM or DER) beside the platform's roots
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send everything through this HTTP proxy
    ///
    /// By default the environment decides: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY.
    #[arg(long, value_name = "http://[USER:PASSWORD@]HOST[:PORT]")]
    proxy: Option<String>,
}

impl PolicyOptions {
    /// Whether --allow was given.
    pub(crate) fn names_hosts(&self) -> bool {
        !self.allow.is_empty()
    }

    /// A client for calls to `url`, as these options say.
    pub(crate) fn client(&self, url: &str) -> Result<ClientBuilder, WrongUsage> {
        let mut client = Client::builder(&self.appid, &self.app_version);
        client = match &self.proxy {
            Some(proxy) => client.proxy(proxy, ""),
            None => client.proxy_from_environment(),
        };
        if let Some(path) = &self.ca {
            let root = fs::read(path).map_err(|error| WrongUsage::new(format!("{}: {error}", path.display())))?;
            client = client.root(&root);
        }
        if self.dev {
            return Ok(client.development());
        }
        for host in &self.allow {
            client = client.allow(host);
        }
        if self.allow.is_empty()
            && let Ok(url) = Url::parse(url, usize::MAX)
        {
            // What is no URL admits nothing, and the call says what is wrong with it.
            client = client.allow(url.host());
        }
        Ok(client)
    }
}
