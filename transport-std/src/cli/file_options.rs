//! What `miniwire upload` and `miniwire download` have in common: their options, the progress bar, Ctrl-C.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use miniwire_std::{AbortHandle, Client, ClientBuilder, ProgressUpdate, Response};

use crate::WrongUsage;
use crate::policy_options::PolicyOptions;
use crate::request_command::header;
use crate::verbose::Verbose;

#[derive(clap::Args, Debug)]
pub(crate) struct FileOptions {
    /// The URL: https, or with --dev also http
    pub(crate) url: String,
    /// Send this header; may be repeated
    ///
    /// A later one of the same name replaces it. Referer, Host and what frames the message cannot be set: they are left
    /// out.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Print one JSON object on one line instead
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the heads of both sides and the timings on standard error
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    policy: PolicyOptions,
}

/// Shows the heads, where they are asked for.
pub(crate) struct Shown(Option<Arc<Mutex<Verbose>>>);

impl FileOptions {
    /// The client that the options ask for, and what else `configure` does to it.
    pub(crate) fn client(
        &self,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<(Client, Shown), WrongUsage> {
        let mut client = configure(self.policy.client(&self.url)?);
        let verbose = self.verbose.then(|| Arc::new(Mutex::new(Verbose::new())));
        if let Some(verbose) = verbose.clone() {
            client = client.trace(move |what| verbose.lock().unwrap_or_else(PoisonError::into_inner).trace(what));
        }
        Ok((client.build().map_err(WrongUsage::new)?, Shown(verbose)))
    }

    /// Whether hosts were named: then the whitelist is for downloads, too.
    pub(crate) fn names_hosts(&self) -> bool {
        self.policy.names_hosts()
    }
}

impl Shown {
    /// The call has ended.
    pub(crate) fn finish(&self, response: Option<&Response>) {
        if let Some(verbose) = &self.0 {
            verbose.lock().unwrap_or_else(PoisonError::into_inner).finish(response.map(Response::timings));
        }
    }
}

/// Ends the call at Ctrl-C, and at the other signals that ask a program to end.
pub(crate) fn abort_at_ctrl_c(handle: AbortHandle) {
    // Without it, the program ends as others do: at once.
    let _ = ctrlc::set_handler(move || handle.abort());
}

/// A listener that draws a bar on standard error, and the bar; nothing where that is no terminal.
pub(crate) fn progress_bar() -> Option<(impl FnMut(ProgressUpdate) + Send + 'static, ProgressBar)> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::no_length().with_style(style("{spinner} {bytes}  {bytes_per_sec}"));
    let (drawn, mut total) = (bar.clone(), 0);
    let listener = move |update: ProgressUpdate| {
        let expected = update.total_bytes_expected_to_write;
        if expected != total {
            total = expected;
            drawn.set_length(expected);
            drawn.set_style(style("{wide_bar} {percent}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left"));
        }
        drawn.set_position(update.total_bytes_written);
    };
    Some((listener, bar))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
