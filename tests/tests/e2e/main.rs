//! The std client against real sockets, one room per subject. Test names begin with the requirement that they prove.

mod abort;
mod addresses;
mod answers;
mod callbacks;
mod context;
mod data;
mod download;
mod failures;
mod framing;
mod keep_alive;
mod proxy;
mod redirects;
mod request;
mod socket;
mod streaming;
mod tls;
mod upload;
