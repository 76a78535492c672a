//! Files: `my.uploadFile` and what it reads from, `my.downloadFile` and the temporary directory that it writes to.

mod download;
mod fault;
mod progress;
mod source;
pub(crate) mod store;
mod upload;

use std::io;
use std::path::{Path, PathBuf};

use miniwire_core::media::FileType;

pub use download::{DownloadCall, Downloaded};
pub use progress::{DownloadTask, FileTask, UploadTask};
pub use upload::UploadCall;

use crate::client::Client;

/// The APIs of files.
impl Client {
    /// `my.uploadFile`: a call that sends the file at `path` to this URL, to be configured, then sent or started.
    ///
    /// `name` is `fileName`, the key of the file in the form, and not empty. The server is told the last part of `path`
    /// as the file's name. The file is read when the call is made, in blocks of at most 16 KiB.
    pub fn upload_file(
        &self,
        url: impl Into<String>,
        path: impl Into<PathBuf>,
        name: impl Into<String>,
        file_type: FileType,
    ) -> UploadCall {
        UploadCall::new(self.clone(), url.into(), path.into(), name.into(), file_type)
    }

    /// `my.downloadFile`: a call that brings a file from this URL, to be configured, then sent or started.
    pub fn download_file(&self, url: impl Into<String>) -> DownloadCall {
        DownloadCall::new(self.clone(), url.into())
    }

    /// Keeps a downloaded file: moves it to `to`, so that it stays when this context goes. What was there is replaced,
    /// whole files at a time: `to` is the old file or the new one, also after a crash.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) where it is not one of this context's temporary files, else what
    /// the file system says; the temporary file is still there then.
    pub fn save_file(&self, ap_file_path: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        self.temporary_files().save(ap_file_path.as_ref(), to.as_ref())
    }
}
