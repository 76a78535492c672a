//! `miniwire upload`: one call of `my.uploadFile`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use miniwire_std::{DataType, Failure, FileType, Response};

use crate::file_options::{FileOptions, abort_at_ctrl_c, progress_bar};
use crate::request_command::{print_body, print_failure};
use crate::{WrongUsage, complain, json_output, print};

/// Call my.uploadFile once and print the answer
///
/// The body of the answer goes to standard output as it is, everything else to standard error; on a terminal, a bar
/// shows the progress. Whatever the status of the answer is, the call has succeeded. Exit status: 0 success, 1 the call
/// failed, 2 wrong usage.
#[derive(clap::Args, Debug)]
pub(crate) struct UploadArgs {
    /// The file
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// fileName: the key of the file in the form
    #[arg(short, long)]
    name: String,
    /// fileType: what the file is
    #[arg(long = "type", value_name = "TYPE", default_value = "image")]
    #[arg(value_parser = PossibleValuesParser::new(["image", "video", "audio"])
        .map(|name| FileType::from_name(&name).unwrap_or(FileType::Image)))]
    file_type: FileType,
    /// formData: send this field before the file; may be repeated
    #[arg(long = "form", value_name = "NAME=VALUE", value_parser = field)]
    form: Vec<(String, String)>,
    /// The deadline over the whole upload in milliseconds; 0 is the default of 30000
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true)]
    timeout: u32,
    #[command(flatten)]
    options: FileOptions,
}

/// Makes the call and prints what came of it.
pub(crate) fn run(args: UploadArgs) -> ExitCode {
    let json = args.options.json;
    let result = match upload(args) {
        Ok(result) => result,
        Err(wrong) => return wrong.report(),
    };
    let printed = match (&result, json) {
        (Ok(response), true) => print(json_output::uploaded(response).as_bytes()),
        (Err(failure), true) => print(json_output::failure(failure, DataType::Text).as_bytes()),
        (Ok(response), false) => print_answer(response),
        (Err(failure), false) => print_failure(failure),
    };
    if let Err(error) = printed {
        complain(format_args!("standard output: {error}"));
        return ExitCode::FAILURE;
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn upload(args: UploadArgs) -> Result<Result<Response, Failure>, WrongUsage> {
    let UploadArgs { file, name, file_type, form, timeout, options } = args;
    let (client, shown) = options.client(|client| client.upload_timeout(timeout))?;
    let mut call = client.upload_file(options.url, file, name, file_type);
    for (name, value) in options.headers {
        call = call.header(name, value);
    }
    for (name, value) in form {
        call = call.form_data(name, value);
    }
    abort_at_ctrl_c(call.abort_handle());
    let (call, bar) = match progress_bar() {
        Some((listener, bar)) => (call.on_progress_update(listener), Some(bar)),
        None => (call, None),
    };
    let result = call.send();
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    shown.finish(result.as_ref().map_or_else(Failure::response, Some));
    Ok(result)
}

/// The body, and the status where it is an unhappy one: the call has succeeded all the same.
fn print_answer(response: &Response) -> std::io::Result<()> {
    print_body(response)?;
    if response.status() >= 300 {
        complain(format_args!("the server answered with status {}", response.status()));
    }
    Ok(())
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.into(), value.into())),
        None => Err("a field is written name=value".into()),
    }
}
