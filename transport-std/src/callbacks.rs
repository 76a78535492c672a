//! The callbacks of a call (CTX-07), and code of the caller's that may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::answer::Failure;

/// What a call that was started tells its caller; the last one of each kind that was given.
pub(crate) struct Callbacks<A> {
    success: Option<Box<dyn FnOnce(A) + Send>>,
    fail: Option<Box<dyn FnOnce(Failure) + Send>>,
    complete: Option<Box<dyn FnOnce() + Send>>,
}

impl<A> Default for Callbacks<A> {
    fn default() -> Self {
        Self { success: None, fail: None, complete: None }
    }
}

impl<A> Callbacks<A> {
    pub(crate) fn on_success(&mut self, callback: impl FnOnce(A) + Send + 'static) {
        self.success = Some(Box::new(callback));
    }

    pub(crate) fn on_fail(&mut self, callback: impl FnOnce(Failure) + Send + 'static) {
        self.fail = Some(Box::new(callback));
    }

    pub(crate) fn on_complete(&mut self, callback: impl FnOnce() + Send + 'static) {
        self.complete = Some(Box::new(callback));
    }

    /// `success` or `fail` first, then `complete`; a panic in one stays there.
    pub(crate) fn report(self, result: Result<A, Failure>) {
        let Self { success, fail, complete } = self;
        caught(|| match result {
            Ok(answer) => success.map(|success| success(answer)),
            Err(failure) => fail.map(|fail| fail(failure)),
        });
        caught(|| complete.map(|complete| complete()));
    }
}

/// What the caller's code returns; `None` where it panics.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    // To drop what was thrown can panic again, so it is not.
    catch_unwind(AssertUnwindSafe(call)).map_err(std::mem::forget).ok()
}

/// The methods by which the caller says what a call of `draft` is to tell, and by which it is ended early. They are the
/// same for each API but for what `success` is given.
macro_rules! callback_methods {
    ($(#[$success:meta])* $answer:ty) => {
        $(#[$success])*
        pub fn success(mut self, callback: impl FnOnce($answer) + Send + 'static) -> Self {
            self.draft.callbacks.on_success(callback);
            self
        }

        /// Called with the failure of a call that was [started](Self::start).
        pub fn fail(mut self, callback: impl FnOnce($crate::Failure) + Send + 'static) -> Self {
            self.draft.callbacks.on_fail(callback);
            self
        }

        /// Called at the end of a call that was [started](Self::start), whatever happened.
        pub fn complete(mut self, callback: impl FnOnce() + Send + 'static) -> Self {
            self.draft.callbacks.on_complete(callback);
            self
        }

        /// A handle that ends this call from any thread, also while [`send`](Self::send) waits for it.
        pub fn abort_handle(&mut self) -> $crate::AbortHandle {
            self.draft.abort_handle()
        }
    };
}

pub(crate) use callback_methods;
