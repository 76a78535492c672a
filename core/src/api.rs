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

impl Api {
    /// The codes of its own table, ascending: it reports no other.
    pub const fn codes(self) -> &'static [u8] {
        match self {
            Self::Request => &[1, 2, 11, 12, 13, 14, 15, 19, 20, 23],
            Self::UploadFile => &[4, 11, 12, 13],
            Self::DownloadFile => &[12, 13, 20],
            Self::ConnectSocket => &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        }
    }
}
