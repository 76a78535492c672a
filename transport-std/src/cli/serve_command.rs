//! `miniwire serve`: the test server, until somebody stops it.

use std::{
    fs,
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
    thread,
};

use miniwire_std::serve::{Options, Server};

use crate::tour::certificates::{self, Shown};

/// Run a test server on 127.0.0.1, with HTTP and HTTPS, and WebSockets on the same ports
///
/// GET /help lists the routes; those of WebSockets begin with /ws/.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct ServeArgs {
    /// The port of HTTP; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) http: u16,
    /// The port of HTTPS; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) https: u16,
    /// Write the certificate that a client has to trust to this file, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_out: Option<PathBuf>,
    /// Serve HTTPS on further ports, each with another kind of certificate, and print the kinds
    ///
    /// One is good, with an intermediate authority; the others a client must refuse.
    #[arg(long)]
    pub(crate) certificates: bool,
    /// Stop when standard input ends, not only at Ctrl-C
    #[arg(long)]
    pub(crate) until_stdin_ends: bool,
}

/// Serves until Ctrl-C, which ends the process as it does any other.
pub(crate) fn run(args: &ServeArgs) -> ExitCode {
    match serve(args, &mut io::stdout().lock(), &mut io::stdin().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is gone, nobody is left to tell.
            let _ = writeln!(io::stderr(), "miniwire serve: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(args: &ServeArgs, out: &mut impl Write, stdin: &mut impl Read) -> io::Result<()> {
    let server = Server::start(Options { http: args.http, https: args.https })?;
    if let Some(path) = &args.ca_out {
        let name = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        fs::write(path, server.ca_pem()).map_err(name)?;
    }
    writeln!(out, "{}\n{}", server.http_url("/"), server.https_url("/"))?;
    if args.certificates {
        for Shown { kind, leaf, .. } in certificates::shown() {
            let port = server.start_tls_with(server.authority().issue(&leaf)?)?.port();
            writeln!(out, "certificate {kind}: https://localhost:{port}/")?;
        }
    }
    match &args.ca_out {
        Some(path) => writeln!(out, "certificate authority: {}", path.display())?,
        None => write!(out, "{}", server.ca_pem())?,
    }
    out.flush()?;
    if args.until_stdin_ends {
        return io::copy(stdin, &mut io::sink()).map(drop);
    }
    loop {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_it_listens_and_ends_with_its_input() {
        let mut out = Vec::new();
        let args = ServeArgs { until_stdin_ends: true, ..ServeArgs::default() };
        serve(&args, &mut out, &mut &b"ignored"[..]).unwrap();
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines[0].starts_with("http://127.0.0.1:") && lines[1].starts_with("https://localhost:"), "{out}");
        assert!(out.contains("-----BEGIN CERTIFICATE-----") && !out.contains("PRIVATE"), "{out}");
    }

    #[test]
    fn it_shows_other_certificates_where_that_is_asked_for() {
        let mut out = Vec::new();
        let args = ServeArgs { until_stdin_ends: true, certificates: true, ..ServeArgs::default() };
        serve(&args, &mut out, &mut io::empty()).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.lines().filter(|line| line.starts_with("certificate ")).count(), 9, "{out}");
        assert!(out.contains("\ncertificate expired: https://localhost:"), "{out}");
    }

    #[test]
    fn it_writes_the_certificate_to_a_file() {
        let path = std::env::temp_dir().join(format!("miniwire-serve-{}.pem", std::process::id()));
        let args = ServeArgs { until_stdin_ends: true, ca_out: Some(path.clone()), ..ServeArgs::default() };
        let mut out = Vec::new();
        serve(&args, &mut out, &mut io::empty()).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        fs::remove_file(&path).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains("BEGIN"));

        let args = ServeArgs { ca_out: Some(path.join("below a file that is not there")), ..args };
        let error = serve(&args, &mut Vec::new(), &mut io::empty()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
