//! `miniwire download`: one call of `my.downloadFile`, and what keeps its file.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use miniwire_std::{Api, Client, DataType, Downloaded, Failure, Reason};

use crate::file_options::{FileOptions, abort_at_ctrl_c, progress_bar};
use crate::request_command::print_failure;
use crate::{WrongUsage, complain, json_output, print};

/// Call my.downloadFile once and print the path of the file
///
/// The path goes to standard output, everything else to standard error; on a terminal, a bar shows the progress. The
/// file has its name only once it is complete. Exit status: 0 success, 1 the call failed, 2 wrong usage.
#[derive(clap::Args, Debug)]
pub(crate) struct DownloadArgs {
    /// Save the file under this name, replacing what is there
    ///
    /// Without it, the file is left in the system's directory of temporary files, under a name of its own.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How long the server may send nothing, in milliseconds; 0 is the default of 30000
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true)]
    timeout: u32,
    #[command(flatten)]
    options: FileOptions,
}

/// Why there is no file.
enum Failed {
    Call(Failure),
    Saving(io::Error),
}

/// Makes the call and prints what came of it.
pub(crate) fn run(args: DownloadArgs) -> ExitCode {
    let json = args.options.json;
    let result = match download(args) {
        Ok(result) => result,
        Err(wrong) => return wrong.report(),
    };
    let printed = match (&result, json) {
        (Ok(path), true) => print(json_output::downloaded(path).as_bytes()),
        (Ok(path), false) => print(format!("{}\n", path.display()).as_bytes()),
        (Err(Failed::Call(failure)), true) => print(json_output::failure(failure, DataType::Text).as_bytes()),
        (Err(Failed::Call(failure)), false) => print_failure(failure),
        (Err(Failed::Saving(error)), _) => print_unsaved(error, json),
    };
    if let Err(error) = printed {
        complain(format_args!("standard output: {error}"));
        return ExitCode::FAILURE;
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn download(args: DownloadArgs) -> Result<Result<PathBuf, Failed>, WrongUsage> {
    let DownloadArgs { output, timeout, options } = args;
    // On the file system of the output, so that the file is moved there whole.
    let directory = match &output {
        Some(path) if path.is_dir() => return Err(WrongUsage::new(format_args!("{}: a directory", path.display()))),
        Some(path) => path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).into(),
        None => env::temp_dir(),
    };
    let whitelist = options.names_hosts();
    let (client, shown) = options.client(|client| {
        let client = client.download_idle_timeout(timeout).temporary_directory(&directory);
        if whitelist { client.whitelist_downloads() } else { client }
    })?;
    let mut call = client.download_file(options.url);
    for (name, value) in options.headers {
        call = call.header(name, value);
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
    shown.finish(result.as_ref().map_or_else(Failure::response, |downloaded| Some(downloaded.response())));
    Ok(result.map_err(Failed::Call).and_then(|downloaded| {
        let path = output.unwrap_or_else(|| directory.join(own_name(&downloaded)));
        save(&client, &downloaded, &path).map(|()| path).map_err(Failed::Saving)
    }))
}

fn save(client: &Client, downloaded: &Downloaded, path: &Path) -> io::Result<()> {
    client
        .save_file(downloaded.ap_file_path(), path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// A name that nothing else has: that of the temporary directory, and the file's own.
fn own_name(downloaded: &Downloaded) -> OsString {
    let path = downloaded.ap_file_path();
    let directory = path.parent().and_then(Path::file_name).unwrap_or_default();
    let mut name = directory.to_owned();
    name.push("-");
    name.push(path.file_name().unwrap_or_default());
    name
}

fn print_unsaved(error: &io::Error, json: bool) -> io::Result<()> {
    let (reason, message) = (Reason::StoreFailed, format!("{} ({error})", Reason::StoreFailed));
    let code = reason.code(Api::DownloadFile);
    if json {
        return print(json_output::failed(code, reason, &message, "").as_bytes());
    }
    complain(format_args!("error {code} ({}): {message}", reason.name()));
    Ok(())
}
