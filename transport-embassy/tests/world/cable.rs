//! A cable with two ends: frames come late, twice, in another order, or never. Replayable by its seed.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_time_driver::{now, schedule_wake};

/// What the cable does to a frame.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Frames lost, per thousand.
    pub(crate) lost: u64,
    /// Frames that come twice, per thousand.
    pub(crate) doubled: u64,
    /// The least and the greatest delay, in microseconds. Where they differ, frames overtake each other.
    pub(crate) delay: (u64, u64),
}

impl Faults {
    /// A good cable.
    pub(crate) const NONE: Self = Self { lost: 0, doubled: 0, delay: (200, 200) };
    /// A bad one.
    pub(crate) const MANY: Self = Self { lost: 50, doubled: 30, delay: (500, 20_000) };
}

#[derive(Clone)]
pub(crate) struct Cable(Rc<RefCell<Inner>>);

struct Inner {
    faults: Faults,
    random: Random,
    flying: Vec<Frame>,
    wakers: [Option<Waker>; 2],
    up: bool,
    /// Frames that were sent, lost, doubled.
    counts: [u64; 3],
}

struct Frame {
    at: u64,
    to: usize,
    bytes: Vec<u8>,
}

/// Splitmix: each seed another run, the same seed the same.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

impl Cable {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let (random, wakers) = (Random(seed), [None, None]);
        Self(Rc::new(RefCell::new(Inner { faults, random, flying: Vec::new(), wakers, up: true, counts: [0; 3] })))
    }

    pub(crate) fn port(&self, side: usize) -> Port {
        Port { cable: self.clone(), side }
    }

    pub(crate) fn set_seed(&self, seed: u64) {
        self.0.borrow_mut().random = Random(seed);
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.0.borrow_mut().faults = faults;
    }

    /// Pulls the cable out, or puts it back. What is under way is lost.
    pub(crate) fn set_up(&self, up: bool) {
        let mut inner = self.0.borrow_mut();
        inner.up = up;
        inner.flying.clear();
        inner.wake(0);
        inner.wake(1);
    }

    /// Frames that were sent, lost, doubled.
    pub(crate) fn counts(&self) -> [u64; 3] {
        self.0.borrow().counts
    }
}

impl Inner {
    fn wake(&mut self, side: usize) {
        if let Some(waker) = self.wakers[side].take() {
            waker.wake();
        }
    }

    fn send(&mut self, from: usize, bytes: Vec<u8>) {
        self.counts[0] += 1;
        if !self.up || self.random.below(1000) < self.faults.lost {
            self.counts[1] += 1;
            return;
        }
        let doubled = self.random.below(1000) < self.faults.doubled;
        self.counts[2] += u64::from(doubled);
        for _ in 0..1 + usize::from(doubled) {
            let (least, most) = self.faults.delay;
            let at = now() + least + self.random.below(most - least + 1);
            self.flying.push(Frame { at, to: 1 - from, bytes: bytes.clone() });
        }
        self.wake(1 - from);
    }

    fn receive(&mut self, side: usize, waker: &Waker) -> Option<Vec<u8>> {
        // Of those that come at the same time, the one that was sent first.
        let next =
            (0..).zip(&self.flying).filter(|(_, frame)| frame.to == side).min_by_key(|(at, frame)| (frame.at, *at));
        let (at, due) = next.map(|(at, frame)| (at, frame.at)).unzip();
        match (at, due) {
            (Some(at), Some(due)) if due <= now() => return Some(self.flying.remove(at).bytes),
            (_, Some(due)) => schedule_wake(due, waker),
            _ => {}
        }
        self.wakers[side] = Some(waker.clone());
        None
    }
}

/// One end of the cable.
pub(crate) struct Port {
    cable: Cable,
    side: usize,
}

pub(crate) struct Received(Vec<u8>);

pub(crate) struct ToSend<'p>(&'p Port);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, read: F) -> R {
        read(&mut self.0)
    }
}

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut bytes = vec![0; length];
        let result = write(&mut bytes);
        self.0.cable.0.borrow_mut().send(self.0.side, bytes);
        result
    }
}

impl Driver for Port {
    type RxToken<'a> = Received;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received, ToSend<'_>)> {
        let received = self.cable.0.borrow_mut().receive(self.side, context.waker())?;
        Some((Received(received), ToSend(self)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<ToSend<'_>> {
        Some(ToSend(self))
    }

    fn link_state(&mut self, context: &mut Context<'_>) -> LinkState {
        let mut inner = self.cable.0.borrow_mut();
        inner.wakers[self.side] = Some(context.waker().clone());
        if inner.up { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet([2, 0, 0, 0, 0, self.side as u8 + 1])
    }
}
