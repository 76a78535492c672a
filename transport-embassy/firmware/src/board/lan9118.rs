//! A driver for the LAN9118 Ethernet controller: programmed I/O, one interrupt for what is received.
//!
//! By the registers' names in the data sheet (SMSC LAN9118, revision 1.5), sections 5.2 and 5.3. The link counts as up from
//! the start: QEMU's is. On a board its PHY would be asked.

use core::task::Context;

use cortex_m::interrupt::InterruptNumber;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;

const BASE: usize = 0x4020_0000;
/// The controller's interrupt on the MPS2 boards.
pub(super) const IRQ: u16 = 13;

/// A frame without its check sequence, and the room for one with it, in whole words.
const FRAME: usize = 1514;
const ROOM: usize = 1520;
const CHECK_SEQUENCE: usize = 4;

/// Registers, as offsets.
#[derive(Clone, Copy)]
enum Register {
    RxDataFifo = 0x00,
    TxDataFifo = 0x20,
    RxStatusFifo = 0x40,
    TxStatusFifo = 0x48,
    IdRev = 0x50,
    IrqCfg = 0x54,
    IntSts = 0x58,
    IntEn = 0x5c,
    ByteTest = 0x64,
    FifoInt = 0x68,
    TxCfg = 0x70,
    HwCfg = 0x74,
    RxFifoInf = 0x7c,
    TxFifoInf = 0x80,
    MacCsrCmd = 0xa4,
    MacCsrData = 0xa8,
}
use Register::*;

/// Registers behind MAC_CSR.
#[derive(Clone, Copy)]
enum MacRegister {
    Control = 1,
    AddressHigh = 2,
    AddressLow = 3,
}

/// INT_EN, INT_STS: more frames are in the receive status FIFO than FIFO_INT says.
const RX_STATUS_LEVEL: u32 = 1 << 3;
/// MAC_CSR_CMD: busy.
const BUSY: u32 = 1 << 31;
/// RX status: the frame is faulty.
const RX_ERROR: u32 = 1 << 15;

static WAKER: AtomicWaker = AtomicWaker::new();

#[derive(Clone, Copy)]
pub(super) struct Interrupt;

// SAFETY: this is the number of an interrupt of the board's, and always the same.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        IRQ
    }
}

/// The controller, with room for a frame in each direction.
pub struct Lan9118 {
    address: [u8; 6],
    received: &'static mut [u8; ROOM],
    sent: &'static mut [u8; ROOM],
}

impl Lan9118 {
    /// Resets the controller and starts it with this address. `None` if it is not there, or was started before.
    pub(super) fn new(address: [u8; 6]) -> Option<Self> {
        static RECEIVED: ConstStaticCell<[u8; ROOM]> = ConstStaticCell::new([0; ROOM]);
        static SENT: ConstStaticCell<[u8; ROOM]> = ConstStaticCell::new([0; ROOM]);

        if read(ByteTest) != 0x8765_4321 || read(IdRev) >> 16 != 0x0118 {
            return None;
        }
        write(HwCfg, 1); // SRST
        while read(HwCfg) & 1 != 0 {}
        write(HwCfg, 5 << 16 | 1 << 20); // 5 kB for sending; SF, as it has to be
        write(IntEn, 0);
        write(IntSts, u32::MAX);
        write(FifoInt, 0xff << 24); // levels: for sending none, for receiving 0 frames
        write(IrqCfg, 1 << 8 | 1 << 4 | 1); // IRQ_EN, active high, push-pull
        let [a, b, c, d, e, f] = address;
        write_mac(MacRegister::AddressLow, u32::from_le_bytes([a, b, c, d]));
        write_mac(MacRegister::AddressHigh, u32::from_le_bytes([e, f, 0, 0]));
        write_mac(MacRegister::Control, 1 << 20 | 1 << 3 | 1 << 2); // FDPX, TXEN, RXEN
        write(TxCfg, 1 << 1); // TX_ON
        Some(Self { address, received: RECEIVED.try_take()?, sent: SENT.try_take()? })
    }

    /// Takes the next frame without a fault out of the FIFO; its length.
    fn take(&mut self) -> Option<usize> {
        while read(RxFifoInf) >> 16 & 0xff != 0 {
            let status = read(RxStatusFifo);
            let length = (status >> 16 & 0x3fff) as usize;
            let mut room = self.received.chunks_exact_mut(4);
            for _ in 0..length.div_ceil(4) {
                let word = read(RxDataFifo);
                if let Some(place) = room.next() {
                    place.copy_from_slice(&word.to_le_bytes());
                }
            }
            if status & RX_ERROR == 0 && (CHECK_SEQUENCE..=FRAME + CHECK_SEQUENCE).contains(&length) {
                return length.checked_sub(CHECK_SEQUENCE);
            }
        }
        None
    }
}

/// The controller has something. It is silent until `receive` has found that there is no more.
pub(super) fn on_interrupt() {
    write(IntEn, 0);
    write(IntSts, u32::MAX);
    WAKER.wake();
}

impl Driver for Lan9118 {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, Room<'_>)> {
        WAKER.register(context.waker());
        let Some(length) = self.take() else {
            write(IntEn, RX_STATUS_LEVEL);
            return None;
        };
        Some((Received(self.received.get_mut(..length)?), Room(self.sent)))
    }

    fn transmit(&mut self, context: &mut Context<'_>) -> Option<Room<'_>> {
        WAKER.register(context.waker());
        // QEMU sends at once, so there is room. On a board TX_STATUS_LEVEL would have to wake.
        (read(TxFifoInf) & 0xffff > ROOM as u32 + 8).then_some(Room(self.sent))
    }

    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        // With 1 the stack would announce a window of one segment, and wait for its own delayed acknowledgements.
        capabilities.max_burst_size = Some(4);
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}

/// A frame that came.
pub struct Received<'a>(&'a mut [u8]);

impl embassy_net_driver::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, use_frame: F) -> R {
        use_frame(self.0)
    }
}

/// Room for a frame that is to go.
pub struct Room<'a>(&'a mut [u8; ROOM]);

impl embassy_net_driver::TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let length = length.min(ROOM);
        let result = fill(self.0.get_mut(..length).unwrap_or_default());
        for _ in 0..read(TxFifoInf) >> 16 & 0xff {
            read(TxStatusFifo);
        }
        write(TxDataFifo, 1 << 13 | 1 << 12 | length as u32); // the first segment and the last
        write(TxDataFifo, length as u32);
        let (words, _) = self.0.as_chunks();
        for word in words.iter().take(length.div_ceil(4)) {
            write(TxDataFifo, u32::from_le_bytes(*word));
        }
        result
    }
}

fn write_mac(register: MacRegister, value: u32) {
    while read(MacCsrCmd) & BUSY != 0 {}
    write(MacCsrData, value);
    write(MacCsrCmd, BUSY | register as u32);
    while read(MacCsrCmd) & BUSY != 0 {}
}

fn read(register: Register) -> u32 {
    let address = (BASE + register as usize) as *const u32;
    // SAFETY: an aligned device register of the board's, where no Rust object is. One core: none is read half written.
    unsafe { address.read_volatile() }
}

fn write(register: Register, value: u32) {
    let address = (BASE + register as usize) as *mut u32;
    // SAFETY: as in `read`; the controller has no access to memory, whatever is written to it.
    unsafe { address.write_volatile(value) }
}
