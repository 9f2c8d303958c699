//! A run that is dropped at one of its await points.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A run that is dropped when it was polled so often, as by a power cut; its end if it came first.
#[derive(Debug)]
pub struct DiesAfter<'f, F> {
    /// The future that is polled.
    pub run: Pin<&'f mut F>,
    /// How often it is polled at most.
    pub polls: usize,
}

impl<F: Future> Future for DiesAfter<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        match self.run.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // What it waited for may come now or later: either way it is dead the next time.
            Poll::Pending => Poll::Pending,
        }
    }
}
