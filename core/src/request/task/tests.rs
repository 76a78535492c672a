//! The request task against a scripted peer and a fake clock.
