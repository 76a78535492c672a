//! What the images with reqwless share.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use embedded_io_async::ErrorKind;
use embedded_nal_async::{AddrType, Dns, TcpConnect};
use firmware::Link;
use reqwless::client::HttpClient;
use reqwless::request::Method;

/// A network stack with plain TCP only.
pub struct Stack;

impl TcpConnect for Stack {
    type Error = ErrorKind;
    type Connection<'a> = Link;

    async fn connect(&self, remote: SocketAddr) -> Result<Link, ErrorKind> {
        firmware::dial("", remote.port()).then_some(Link).ok_or(ErrorKind::ConnectionRefused)
    }
}

impl Dns for Stack {
    type Error = ErrorKind;

    async fn get_host_by_name(&self, host: &str, _: AddrType) -> Result<IpAddr, ErrorKind> {
        if firmware::dial(host, 53) { Ok(Ipv4Addr::LOCALHOST.into()) } else { Err(ErrorKind::NotFound) }
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, ErrorKind> {
        Err(ErrorKind::Unsupported)
    }
}

/// GET, the whole answer.
pub async fn get(
    client: &mut HttpClient<'_, Stack, Stack>,
    url: &str,
    memory: &mut [u8],
) -> Result<(), reqwless::Error> {
    let mut request = client.request(Method::GET, url).await?;
    let response = request.send(memory).await?;
    let status = response.status.0;
    firmware::show(status, response.body().read_to_end().await?);
    Ok(())
}
