//! QEMU's mps2-an386: a Cortex-M4F with a LAN9118 Ethernet controller.

pub mod console;
pub mod executor;
pub mod host;
pub mod lan9118;
pub mod random;
pub mod stack;
pub mod time;

use core::panic::PanicInfo;

use lan9118::{Interrupt, Lan9118};

/// What [`start`] hands out, once.
pub struct Board {
    /// The network interface.
    pub ethernet: Lan9118,
}

/// Starts the clock and the network interface. `None` if it has been called before, or on another board.
pub fn start() -> Option<Board> {
    let mut core = cortex_m::Peripherals::take()?;
    time::start(&mut core.SYST);
    let ethernet = Lan9118::new([0x52, 0x54, 0, 0x12, 0x34, 0x56])?;
    // SAFETY: nobody relies on this interrupt being masked: no critical section is under way, and the controller's
    // part of the state is an atomic waker.
    unsafe { cortex_m::peripheral::NVIC::unmask(Interrupt) };
    Some(Board { ethernet })
}

// SAFETY: the handler does nothing but what a handler may: device registers and an atomic waker.
#[cortex_m_rt::exception]
unsafe fn DefaultHandler(number: i16) {
    if i16::try_from(lan9118::IRQ) == Ok(number) {
        lan9118::on_interrupt();
    } else {
        console::line(format_args!("interrupt {number} has no handler"));
        host::exit(false);
    }
}

// SAFETY: the handler does not return, and needs nothing of the program that failed.
#[cortex_m_rt::exception]
unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
    console::line(format_args!("hard fault at {:#010x}", frame.pc()));
    host::exit(false)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    console::line(format_args!("{info}"));
    host::exit(false)
}
