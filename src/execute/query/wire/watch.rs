//! The timer of a conversation: at its end it has the server stop, and a moment later hangs up, whoever waits for what.

use super::stream::{Raw, Route, cancel};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Time for a server to stop once it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Ends with the conversation.
pub(super) struct Watch {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    bell: Condvar,
    raw: Raw,
    route: Route,
}

struct State {
    until: Option<Instant>,
    /// What the server wants to hear from who cancels, while there is something to cancel.
    key: Option<(i32, i32)>,
    late: bool,
    over: bool,
}

impl Watch {
    /// Watches over a socket from now on.
    pub(super) fn new(raw: &Raw, route: &Route, until: Instant) -> io::Result<Self> {
        let state = State { until: Some(until), key: None, late: false, over: false };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), bell: Condvar::new(), raw: raw.twin()?, route: route.clone() });
        let own = Arc::clone(&shared);
        thread::Builder::new().name("query timer".to_owned()).spawn(move || own.keep())?;
        Ok(Self { shared })
    }

    /// What is waited for from now on has to come until then; with a key the server is asked to stop before it is left.
    pub(super) fn until(&self, until: Instant, key: Option<(i32, i32)>) {
        let mut state = self.shared.state();
        if !state.late {
            (state.until, state.key) = (Some(until), key);
            self.shared.bell.notify_all();
        }
    }

    /// Nothing is waited for.
    pub(super) fn rest(&self) {
        let mut state = self.shared.state();
        if !state.late {
            (state.until, state.key) = (None, None);
        }
    }

    /// Whether the time was over.
    pub(super) fn is_late(&self) -> bool {
        self.shared.state().late
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.bell.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self) {
        let mut state = self.state();
        while !state.over {
            let now = Instant::now();
            let wait = match state.until {
                None => None,
                Some(until) if now < until => Some(until - now),
                Some(_) => {
                    state.late = true;
                    let Some(key) = state.key.take() else {
                        self.raw.shut();
                        return;
                    };
                    state.until = Some(now + GRACE);
                    drop(state);
                    cancel(&self.route, key, GRACE);
                    state = self.state();
                    continue;
                }
            };
            state = match wait {
                None => self.bell.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => self.bell.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }
}
