//! One connection per context, and its listeners (SOCK-02, SOCK-03).

use std::cell::RefCell;
use std::rc::Rc;

use super::*;

const KINDS: [EventKind; 4] = [EventKind::Open, EventKind::Error, EventKind::Message, EventKind::Close];

#[test]
fn sock_02_a_second_connection_closes_the_first_before_anything_of_its_own() {
    let mut one = OneSocket::new(Rule::default());
    assert_eq!((one.current(), one.open()), (None, Err(Reason::NotConnected)));
    let first = one.connect().unwrap();
    assert_eq!((first.replaced, one.current()), (None, Some(first.ticket)));
    assert_eq!(one.open(), Err(Reason::NotConnected), "not before the open");
    assert!(one.reports(first.ticket, EventKind::Open));
    assert_eq!(one.open(), Ok(first.ticket));
    assert!(one.reports(first.ticket, EventKind::Message));

    let second = one.connect().unwrap();
    assert_eq!(second.replaced, Some((first.ticket, 1000)));
    for kind in KINDS {
        assert!(!one.reports(first.ticket, kind), "none of its late {kind:?}");
    }
    assert!(one.reports(second.ticket, EventKind::Open));
    assert!(one.reports(second.ticket, EventKind::Message));
    assert!(one.reports(second.ticket, EventKind::Close));
    assert_eq!(one.current(), None);
}

#[test]
fn sock_02_a_connection_is_replaced_while_it_is_being_made_too() {
    let mut one = OneSocket::new(Rule::Replace);
    let first = one.connect().unwrap().ticket;
    assert_eq!(one.connect().unwrap().replaced, Some((first, 1000)));
    assert!(!one.reports(first, EventKind::Open));
}

#[test]
fn sock_02_one_that_has_failed_already_is_closed_as_that() {
    let mut one = OneSocket::new(Rule::Replace);
    let first = one.connect().unwrap().ticket;
    assert!(one.reports(first, EventKind::Error));
    assert_eq!(one.connect().unwrap().replaced, Some((first, 1006)));
}

#[test]
fn sock_02_after_its_close_nothing_is_replaced() {
    for rule in [Rule::Replace, Rule::Reject] {
        let mut one = OneSocket::new(rule);
        for _ in 0..3 {
            let attempt = one.connect().unwrap();
            assert_eq!(attempt.replaced, None);
            assert!(one.reports(attempt.ticket, EventKind::Close));
        }
    }
}

#[test]
fn sock_code_2_a_context_can_reject_a_second_connection() {
    let mut one = OneSocket::new(Rule::Reject);
    let first = one.connect().unwrap().ticket;
    assert_eq!(one.connect(), Err(Reason::SocketExists));
    assert_eq!(Reason::SocketExists.socket_code(), 2);
    // The first goes on, and its place is free once its Close was reported.
    assert!(one.reports(first, EventKind::Open) && one.reports(first, EventKind::Error));
    assert_eq!(one.connect(), Err(Reason::SocketExists));
    assert!(one.reports(first, EventKind::Close));
    assert!(one.connect().is_ok());
}

#[test]
fn sock_07_no_order_of_events_reports_more_than_one_error_and_one_close() {
    // Every sequence of six.
    for sequence in 0..4_usize.pow(6) {
        let mut one = OneSocket::new(Rule::Replace);
        let ticket = one.connect().unwrap().ticket;
        let events = (0..6).map(|at| KINDS[sequence >> (2 * at) & 3]);
        let shown: Vec<EventKind> = events.filter(|event| one.reports(ticket, *event)).collect();
        let place = |kind| shown.iter().position(|event| *event == kind);
        let count = |kind| shown.iter().filter(|event| **event == kind).count();
        assert!([EventKind::Open, EventKind::Error, EventKind::Close].into_iter().all(|kind| count(kind) <= 1));
        assert!(place(EventKind::Close).is_none_or(|at| at + 1 == shown.len()));
        assert!(place(EventKind::Error).is_none_or(|at| at + 1 == shown.len() || shown[at + 1] == EventKind::Close));
        assert!(place(EventKind::Message).is_none() || place(EventKind::Open) == Some(0));
    }
}

type Registry = Rc<RefCell<Listeners<u8, 8>>>;

/// Calls the listeners of an event; `act` is what each does.
fn call(registry: &Registry, event: EventKind, act: impl Fn(u8)) -> Vec<u8> {
    let mut round = registry.borrow().round(event);
    let mut called = Vec::new();
    loop {
        // Not borrowed while the listener runs.
        let next = registry.borrow().next(&mut round);
        let Some(listener) = next else { return called };
        called.push(listener);
        act(listener);
    }
}

fn registry(listeners: &[u8]) -> Registry {
    let registry = Registry::default();
    for listener in listeners {
        registry.borrow_mut().on(EventKind::Message, *listener).unwrap();
    }
    registry
}

#[test]
fn sock_03_listeners_are_called_in_the_order_of_registration_each_for_its_event() {
    let registry = registry(&[3, 1, 2]);
    registry.borrow_mut().on(EventKind::Open, 9).unwrap();
    assert_eq!(call(&registry, EventKind::Message, |_| {}), [3, 1, 2]);
    assert_eq!(call(&registry, EventKind::Open, |_| {}), [9]);
    assert_eq!(call(&registry, EventKind::Close, |_| {}), [0; 0]);
    // They outlive a connection: nothing here knows of one.
    assert_eq!(call(&registry, EventKind::Open, |_| {}), [9]);
}

#[test]
fn sock_03_the_same_listener_registered_twice_is_called_twice() {
    assert_eq!(call(&registry(&[1, 2, 1]), EventKind::Message, |_| {}), [1, 2, 1]);
}

#[test]
fn sock_03_off_removes_all_or_all_registrations_of_one() {
    let registry = registry(&[1, 2, 1, 3]);
    registry.borrow_mut().on(EventKind::Close, 1).unwrap();
    registry.borrow_mut().off(EventKind::Message, Some(&1));
    assert_eq!(call(&registry, EventKind::Message, |_| {}), [2, 3]);
    registry.borrow_mut().off(EventKind::Message, Some(&7));
    registry.borrow_mut().off(EventKind::Message, None);
    assert_eq!(call(&registry, EventKind::Message, |_| {}), [0; 0]);
    assert_eq!(call(&registry, EventKind::Close, |_| {}), [1], "of this event only");
    assert_eq!(registry.borrow().count(EventKind::Close), 1);
}

#[test]
fn sock_03_one_removed_during_the_event_is_not_called_any_more() {
    let registry = registry(&[1, 2, 3]);
    let remove = |which| call(&registry, EventKind::Message, |_| registry.borrow_mut().off(EventKind::Message, which));
    assert_eq!(remove(Some(&2)), [1, 3]);
    assert_eq!(remove(None), [1]);
    assert_eq!(remove(None), [0; 0]);
}

#[test]
fn sock_03_one_added_during_the_event_is_called_from_the_next_on() {
    let registry = registry(&[1]);
    let add = |listener| registry.borrow_mut().on(EventKind::Message, listener + 1).unwrap();
    assert_eq!(call(&registry, EventKind::Message, add), [1]);
    assert_eq!(call(&registry, EventKind::Message, |_| {}), [1, 2]);
    // Also where it takes the place of one that was removed.
    let swap = |listener| {
        registry.borrow_mut().off(EventKind::Message, Some(&listener));
        registry.borrow_mut().on(EventKind::Message, listener).unwrap();
    };
    assert_eq!(call(&registry, EventKind::Message, swap), [1, 2]);
    assert_eq!(call(&registry, EventKind::Message, |_| {}), [1, 2]);
}

#[test]
fn sock_03_a_full_registry_says_so_and_stays_as_it_was() {
    let registry = registry(&[1; 8]);
    assert_eq!(registry.borrow_mut().on(EventKind::Open, 2), Err(RegistryFull));
    assert_eq!(call(&registry, EventKind::Message, |_| {}).len(), 8);
    assert!(RegistryFull.to_string().len() > 10);
}

#[test]
fn sock_03_listeners_are_told_apart_by_their_names_and_not_by_what_they_call() {
    let nothing = |_: u8| {};
    let (first, second) = (Listener { name: 1, call: nothing }, Listener { name: 2, call: nothing });
    assert_ne!(first, second);
    let mut listeners: Listeners<Listener<_>, 4> = Listeners::new();
    listeners.on(EventKind::Open, first).unwrap();
    listeners.on(EventKind::Open, second).unwrap();
    listeners.off(EventKind::Open, Some(&first));
    let left = listeners.next(&mut listeners.round(EventKind::Open)).unwrap();
    assert_eq!((left.name, listeners.count(EventKind::Open)), (2, 1));
    (left.call)(0);
}
