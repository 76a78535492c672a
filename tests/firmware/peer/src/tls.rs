//! GET over TLS, the whole answer, with reqwless: its check of the certificate (feature `verified`), or none.
#![no_std]
#![no_main]

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use embedded_io_async::ErrorKind;
use embedded_nal_async::{AddrType, Dns, TcpConnect};
use firmware::Link;
use reqwless::client::{HttpClient, TlsConfig, TlsVerify};
use reqwless::request::Method;

struct Stack;

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

async fn get(client: &mut HttpClient<'_, Stack, Stack>, memory: &mut [u8]) -> Result<(), reqwless::Error> {
    let mut request = client.request(Method::GET, "https://device.local/status").await?;
    let response = request.send(memory).await?;
    let status = response.status.0;
    firmware::show(status, response.body().read_to_end().await?);
    Ok(())
}

#[inline(never)]
fn call(memory: &mut [u8], receive: &mut [u8], transmit: &mut [u8]) {
    let verify = if cfg!(feature = "verified") {
        TlsVerify::Certificate { ca: include_bytes!("../../tls/src/root.der"), cert: None, key: None }
    } else {
        TlsVerify::None
    };
    let seed = firmware::read(firmware::Register::Setting).into();
    let mut client = HttpClient::new_with_tls(&Stack, &Stack, TlsConfig::new(seed, receive, transmit, verify));
    if firmware::block_on(get(&mut client, memory)).is_err() {
        firmware::show(0, b"");
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut [0; 2048], &mut [0; 16_640], &mut [0; 1153]);
    firmware::halt()
}
