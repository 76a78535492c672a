//! Which API a call is made by: whose rules hold for it, and whose table of codes.

/// An API that opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    /// `my.request`.
    Request,
    /// `my.uploadFile`.
    UploadFile,
    /// `my.downloadFile`.
    DownloadFile,
    /// `my.connectSocket`.
    ConnectSocket,
}
