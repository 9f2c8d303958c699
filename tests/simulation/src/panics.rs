//! Panics of a simulation: they are kept with their place instead of printed, since a seed reports
//! its failure by itself. Panics of other threads are printed as ever.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// The last panic of this thread, while it simulates.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs something on this thread.
///
/// # Errors
///
/// The text and the place of the panic that ended it.
pub(crate) fn caught<T>(what: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            let is_kept = LAST.with_borrow_mut(|last| {
                last.as_mut().map(|last| *last = panic.to_string()).is_some()
            });
            if !is_kept {
                print(panic);
            }
        }));
    });
    LAST.set(Some(String::new()));
    let ended = catch_unwind(AssertUnwindSafe(what)).map_err(|_| last());
    LAST.set(None);
    ended
}

/// The text and the place of the last panic of this thread.
pub(crate) fn last() -> String {
    LAST.with_borrow(|last| last.clone().unwrap_or_default())
}
