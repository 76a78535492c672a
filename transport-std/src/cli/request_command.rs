//! `miniwire request`: one call of `my.request`.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use miniwire_std::{Call, DataType, Failure, Method, Redirect, Response};
use serde_json::Value;

use crate::policy_options::PolicyOptions;
use crate::verbose::Verbose;
use crate::{WrongUsage, complain, json_output, print};

/// Call my.request once and print the answer
///
/// The body goes to standard output as it is, everything else to standard error. Exit status: 0 success, 1 the call
/// failed, 2 wrong usage. Limits: a URL of 2,048 bytes, data joined on GET included; a body of 64 MiB; 5 redirects.
#[derive(clap::Args, Debug)]
pub(crate) struct RequestArgs {
    /// The URL: https, or with --dev also http
    url: String,
    /// The method. It stays GET when data is given
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET", ignore_case = true)]
    #[arg(value_parser = PossibleValuesParser::new(["GET", "POST", "PUT", "DELETE"])
        .map(|name| Method::from_name(&name).unwrap_or_default()))]
    method: Method,
    /// Send this string as it is: on GET joined to the query, else as the body
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true, group = "what")]
    data: Option<String>,
    /// Send this JSON value, converted
    ///
    /// On GET to a query string; else by the content-type: to JSON, which is the default, or to a form.
    #[arg(long, value_name = "JSON", allow_hyphen_values = true, group = "what", value_parser = json)]
    data_json: Option<Value>,
    /// Send the bytes of this file as the body, not on GET; - is standard input
    #[arg(long, value_name = "FILE", group = "what")]
    data_file: Option<String>,
    /// Send this header; may be repeated
    ///
    /// A later one of the same name replaces it. content-type is application/json by default. Referer, Host and what
    /// frames the message cannot be set: they are left out.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", allow_hyphen_values = true, value_parser = header)]
    headers: Vec<(String, String)>,
    /// What the body has to be, and is converted to
    #[arg(long, value_name = "TYPE", default_value = "json")]
    #[arg(value_parser = PossibleValuesParser::new(["json", "text", "base64"])
        .map(|name| DataType::from_name(&name).unwrap_or_default()))]
    data_type: DataType,
    /// The deadline over the whole call in milliseconds; 0 is the default of 30000
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true)]
    timeout: u32,
    /// Follow redirects, at most 5, or print the 3xx as the answer
    #[arg(long, value_name = "MODE", default_value = "follow")]
    #[arg(value_parser = PossibleValuesParser::new(["follow", "manual"])
        .map(|name| if name == "manual" { Redirect::Manual } else { Redirect::Follow }))]
    redirect: Redirect,
    /// Print one JSON object on one line instead
    ///
    /// With ok, status, headers, data; on failure with ok, error, reason, errorMessage, and the others if an answer came.
    #[arg(long)]
    json: bool,
    /// Show the heads of both sides and the timings on standard error
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    policy: PolicyOptions,
}

/// Makes the call and prints what came of it.
pub(crate) fn run(args: RequestArgs) -> ExitCode {
    let (json, data_type) = (args.json, args.data_type);
    let result = match request(args) {
        Ok(result) => result,
        Err(wrong) => return wrong.report(),
    };
    let printed = match (&result, json) {
        (Ok(response), true) => print(json_output::success(response, data_type).as_bytes()),
        (Err(failure), true) => print(json_output::failure(failure, data_type).as_bytes()),
        (Ok(response), false) => print_body(response),
        (Err(failure), false) => print_failure(failure),
    };
    if let Err(error) = printed {
        complain(format_args!("standard output: {error}"));
        return ExitCode::FAILURE;
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn request(args: RequestArgs) -> Result<Result<Response, Failure>, WrongUsage> {
    let mut client = args.policy.client(&args.url)?;
    let verbose = args.verbose.then(|| Arc::new(Mutex::new(Verbose::new())));
    if let Some(verbose) = verbose.clone() {
        client = client.trace(move |what| verbose.lock().unwrap_or_else(PoisonError::into_inner).trace(what));
    }
    let client = client.build().map_err(WrongUsage::new)?;
    let mut call = client
        .request(args.url)
        .method(args.method)
        .data_type(args.data_type)
        .timeout(args.timeout)
        .redirect(args.redirect);
    for (name, value) in args.headers {
        call = call.header(name, value);
    }
    call = match (args.data, args.data_json, args.data_file) {
        (Some(text), ..) => call.data_text(text),
        (_, Some(value), _) => call.data(value),
        (.., Some(path)) => with_file(call, &path)?,
        _ => call,
    };
    let result = call.send();
    if let Some(verbose) = verbose {
        let response = result.as_ref().map_or_else(Failure::response, Some);
        verbose.lock().unwrap_or_else(PoisonError::into_inner).finish(response.map(Response::timings));
    }
    Ok(result)
}

fn with_file(call: Call, path: &str) -> Result<Call, WrongUsage> {
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    match bytes {
        Ok(bytes) => Ok(call.data_bytes(bytes)),
        Err(error) => Err(WrongUsage::new(format_args!("--data-file {path}: {error}"))),
    }
}

pub(crate) fn print_failure(failure: &Failure) -> io::Result<()> {
    let printed = failure.response().map_or(Ok(()), print_body);
    complain(format_args!("error {} ({}): {failure}", failure.code(), failure.reason().name()));
    printed
}

/// The body, byte for byte; only on a terminal does what comes next begin on a line of its own.
pub(crate) fn print_body(response: &Response) -> io::Result<()> {
    let data = response.data();
    print(data.as_bytes())?;
    if io::stdout().is_terminal() && !data.is_empty() && !data.ends_with('\n') { print(b"\n") } else { Ok(()) }
}

pub(crate) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))
}

pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) => Ok((name.into(), value.trim_matches([' ', '\t']).into())),
        None => Err("a header is written 'name: value'".into()),
    }
}
