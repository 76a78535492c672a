//! What a script speaks over.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use miniwire_std::serve::Identity;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A byte stream to a client.
pub(crate) trait Wire: Read + Write {
    /// Says that no more bytes come, and goes on reading.
    fn end(&mut self);
}

/// Without TLS.
pub(crate) struct Plain(pub(crate) TcpStream);

impl Read for Plain {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Plain {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for Plain {
    fn end(&mut self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn end(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
        let _ = self.sock.shutdown(Shutdown::Write);
    }
}

/// A server with this certificate.
pub(crate) fn config(identity: Identity) -> Arc<ServerConfig> {
    let Identity { chain, key, .. } = identity;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

/// TLS that is up.
pub(crate) fn tls(config: &Arc<ServerConfig>, stream: TcpStream) -> Option<StreamOwned<ServerConnection, TcpStream>> {
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config)).ok()?, stream);
    stream.conn.complete_io(&mut stream.sock).ok()?;
    Some(stream)
}
