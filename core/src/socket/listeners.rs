//! The listeners of the socket's events (SOCK-03).

use core::fmt;

/// An event that can be listened to: `onSocketOpen` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// `onSocketOpen`.
    Open,
    /// `onSocketError`.
    Error,
    /// `onSocketMessage`.
    Message,
    /// `onSocketClose`.
    Close,
}

/// Every place of the registry is taken; nothing was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryFull;

impl fmt::Display for RegistryFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every place for a listener is taken; remove one with off, or make the registry larger")
    }
}

impl core::error::Error for RegistryFull {}

/// The listeners of the socket's events (SOCK-03): up to `N` registrations, of all four events together. They outlive a
/// connection.
///
/// The registry is never borrowed while a listener runs: a [`Round`] is asked for one listener after the other. So a
/// listener may register and remove others and itself. One removed during an event is not called any more; one added is
/// called from the next event on.
///
/// `L` is a handle of a listener, cheap to clone. Two handles are of the same listener if they are equal, so their `==`
/// must not rest on the address of a closure or a function: two may share one. A [`Listener`] has a name for that; so
/// has an `enum`, and the address of an allocation that is not empty.
///
/// ```
/// use miniwire_core::socket::{EventKind, Listeners};
///
/// // A listener is whatever the caller can compare and call: here, a number.
/// let mut listeners: Listeners<u8, 4> = Listeners::new();
/// listeners.on(EventKind::Open, 1)?;
/// listeners.on(EventKind::Open, 2)?;
/// listeners.on(EventKind::Open, 2)?; // twice: it is called twice
///
/// let (mut round, mut called) = (listeners.round(EventKind::Open), 0);
/// while let Some(listener) = listeners.next(&mut round) {
///     called += listener;
///     listeners.off(EventKind::Open, Some(&1)); // while one is called
/// }
/// assert_eq!(called, 5);
/// # Ok::<(), miniwire_core::socket::RegistryFull>(())
/// ```
#[derive(Debug)]
pub struct Listeners<L, const N: usize> {
    slots: [Option<Slot<L>>; N],
    /// The number of the next registration.
    next: u64,
}

#[derive(Debug)]
struct Slot<L> {
    event: EventKind,
    number: u64,
    listener: L,
}

/// One event on its way through the listeners.
#[derive(Debug)]
pub struct Round {
    event: EventKind,
    /// Registrations from here on have not been called.
    from: u64,
    /// Those from here on came too late.
    end: u64,
}

impl<L: Clone + PartialEq, const N: usize> Default for Listeners<L, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Clone + PartialEq, const N: usize> Listeners<L, N> {
    /// Without a listener.
    pub const fn new() -> Self {
        Self { slots: [const { None }; N], next: 0 }
    }

    /// Registers a listener, behind those of the same event. One that is registered twice is called twice.
    ///
    /// # Errors
    /// [`RegistryFull`] beyond `N` registrations.
    pub fn on(&mut self, event: EventKind, listener: L) -> Result<(), RegistryFull> {
        let free = self.slots.iter_mut().find(|slot| slot.is_none()).ok_or(RegistryFull)?;
        *free = Some(Slot { event, number: self.next, listener });
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// Removes all registrations of this listener for the event, or, without one, of every listener.
    pub fn off(&mut self, event: EventKind, listener: Option<&L>) {
        for slot in &mut self.slots {
            let goes = |slot: &Slot<L>| slot.event == event && listener.is_none_or(|which| slot.listener == *which);
            if slot.as_ref().is_some_and(goes) {
                *slot = None;
            }
        }
    }

    /// Begins an event: [`next`](Self::next) has the listeners that are registered now.
    pub const fn round(&self, event: EventKind) -> Round {
        Round { event, from: 0, end: self.next }
    }

    /// The next listener to call, in the order of registration; `None` when all have been called.
    pub fn next(&self, round: &mut Round) -> Option<L> {
        let due = |slot: &&Slot<L>| slot.event == round.event && (round.from..round.end).contains(&slot.number);
        let slot = self.slots.iter().flatten().filter(due).min_by_key(|slot| slot.number)?;
        round.from = slot.number.saturating_add(1);
        Some(slot.listener.clone())
    }

    /// Registrations for this event.
    pub fn count(&self, event: EventKind) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.event == event).count()
    }
}

/// What is called, and the name that tells it apart from others. Equal names are the same listener.
#[derive(Clone, Copy)]
pub struct Listener<F> {
    /// Chosen by the caller.
    pub name: u32,
    /// What is called.
    pub call: F,
}

impl<F> PartialEq for Listener<F> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<F> Eq for Listener<F> {}

impl<F> fmt::Debug for Listener<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("name", &self.name).finish_non_exhaustive()
    }
}
