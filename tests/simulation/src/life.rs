//! The life of one invocation: it can stand still, go on, and end at any await point.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::future::BoxFuture;
use serde_json::Value;
use steelyard_runtime::Error;
use tokio::task_local;

use crate::machines::Which;

task_local! {
    /// The invocation whose handler runs.
    static LIFE: Life;
}

/// An invocation. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    /// Such as `debit-1.17`: the function, its machine and a number.
    pub(crate) name: Arc<str>,
    /// The function that runs.
    pub(crate) function: Which,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_still: bool,
    is_over: bool,
    waker: Option<Waker>,
}

/// A handler that runs as long as its invocation lives.
pub(crate) struct Living {
    life: Life,
    handler: Option<BoxFuture<'static, Result<Value, Error>>>,
}

impl Life {
    pub(crate) fn new(name: &str, function: Which) -> Life {
        Life { name: name.into(), function, state: Arc::default() }
    }

    /// The invocation whose handler asks; none outside of one.
    pub(crate) fn current() -> Option<Life> {
        LIFE.try_with(Life::clone).ok()
    }

    /// Runs a handler.
    pub(crate) fn of(&self, handler: BoxFuture<'static, Result<Value, Error>>) -> Living {
        Living { life: self.clone(), handler: Some(handler) }
    }

    /// Ends the process: its handler is dropped where it awaits.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        state.wake();
    }

    /// Stands still from the next await point on.
    pub(crate) fn stand_still(&self) {
        self.state().is_still = true;
    }

    /// Lets the process go on.
    pub(crate) fn go_on(&self) {
        let mut state = self.state();
        state.is_still = false;
        state.wake();
    }

    /// Whether it stands still.
    pub(crate) fn is_still(&self) -> bool {
        self.state().is_still
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Future for Living {
    type Output = Result<Value, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let life = self.life.clone();
        let (is_still, is_over) = {
            let mut state = life.state();
            state.waker = Some(context.waker().clone());
            (state.is_still, state.is_over)
        };
        if is_still && !is_over {
            return Poll::Pending;
        }
        if let (Some(handler), false) = (&mut self.handler, is_over) {
            let polled = LIFE.sync_scope(life.clone(), || handler.as_mut().poll(context));
            if polled.is_ready() {
                return polled;
            }
        }
        // The handler itself may have ended it.
        let is_over = life.state().is_over;
        if is_over {
            self.handler = None;
            return Poll::Ready(Err("the process ended".into()));
        }
        Poll::Pending
    }
}
