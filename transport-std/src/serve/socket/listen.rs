//! What a client sends, read no further than a server that breaks the protocol has to.

use std::io;

use tokio::io::{AsyncReadExt, copy, sink};

use super::{super::link::Link, ABNORMAL, NO_CODE};

/// Reads until the client's close frame, or until it leaves; the frame's code, or what stands for it.
pub(super) async fn until_close(link: &mut Link) -> u16 {
    read_to_close(link).await.unwrap_or(ABNORMAL)
}

async fn read_to_close(link: &mut Link) -> io::Result<u16> {
    loop {
        let [first, second] = read(link).await?;
        let length = match second & 0x7f {
            126 => u16::from_be_bytes(read(link).await?).into(),
            127 => u64::from_be_bytes(read(link).await?),
            short => short.into(),
        };
        let mask: [u8; 4] = if second & 0x80 == 0 { [0; 4] } else { read(link).await? };
        if first & 0x0f != 8 {
            copy(&mut (&mut *link).take(length), &mut sink()).await?;
        } else if length < 2 {
            return Ok(NO_CODE);
        } else {
            let masked = u16::from_be_bytes(read(link).await?);
            return Ok(masked ^ u16::from_be_bytes([mask[0], mask[1]]));
        }
    }
}

async fn read<const N: usize>(link: &mut Link) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    link.read_exact(&mut bytes).await?;
    Ok(bytes)
}
