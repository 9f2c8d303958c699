//! Requests that are sent to a function again and again, until they are answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Requests in their order, each with whether it was answered.
pub(crate) struct Pending<T> {
    asked: Vec<Asked<T>>,
    answers: Answers,
}

struct Asked<T> {
    what: T,
    is_answered: bool,
}

/// Takes the answers, each with the place of its request. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<Vec<(usize, Value)>>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Pending { asked: Vec::new(), answers: Answers::default() }
    }
}

impl<T: Clone> Pending<T> {
    /// Adds a request; gives its place.
    pub(crate) fn add(&mut self, what: T) -> usize {
        self.asked.push(Asked { what, is_answered: false });
        self.asked.len() - 1
    }

    /// The request at a place.
    pub(crate) fn at(&self, place: usize) -> &T {
        &self.asked[place].what
    }

    /// The requests, answered or not.
    pub(crate) fn all(&self) -> Vec<T> {
        self.asked.iter().map(|asked| asked.what.clone()).collect()
    }

    /// The number of requests.
    pub(crate) fn len(&self) -> usize {
        self.asked.len()
    }

    /// The places of the requests that nobody has answered.
    pub(crate) fn waiting(&self) -> Vec<usize> {
        let asked = self.asked.iter().enumerate();
        asked.filter(|(_, asked)| !asked.is_answered).map(|(place, _)| place).collect()
    }

    /// Notes that a request is answered for good.
    pub(crate) fn close(&mut self, place: usize) {
        self.asked[place].is_answered = true;
    }

    /// Notes that a request waits for an answer again.
    pub(crate) fn reopen(&mut self, place: usize) {
        self.asked[place].is_answered = false;
    }

    /// The place to which the answers go.
    pub(crate) fn answers(&self) -> Answers {
        self.answers.clone()
    }
}

impl Answers {
    pub(crate) fn add(&self, place: usize, answer: Value) {
        self.locked().push((place, answer));
    }

    pub(crate) fn take(&self) -> Vec<(usize, Value)> {
        std::mem::take(&mut self.locked())
    }

    fn locked(&self) -> MutexGuard<'_, Vec<(usize, Value)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
