//! Whom the result of a call goes to.

use crate::progress::Progress;

/// Whom a call's result goes to. If the call's task ends in any other way, it gives the result itself.
pub struct Reply<T> {
    then: Option<Box<dyn FnOnce(T) + Send>>,
    progress: Progress,
    given_up: fn(&Progress) -> T,
}

impl<T> Reply<T> {
    /// Creates it. `given_up` is the result of a call that ends without one.
    pub fn new(then: Box<dyn FnOnce(T) + Send>, progress: Progress, given_up: fn(&Progress) -> T) -> Reply<T> {
        Reply { then: Some(then), progress, given_up }
    }

    /// Gives the result.
    pub fn give(mut self, result: T) {
        if let Some(then) = self.then.take() {
            then(result);
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(then) = self.then.take() {
            then((self.given_up)(&self.progress));
        }
    }
}
