//! What is told to a listener.

use std::sync::{Arc, Mutex};

use tower_session_layer::{SessionEvent, SessionLayer};

/// What was told, as text.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    pub(crate) fn by(layer: &SessionLayer) -> (Self, SessionLayer) {
        let told = Self::default();
        let teller = told.clone();
        let layer = layer.clone().with_events(move |event| {
            teller.0.lock().unwrap().push(format!("{event:?}"));
        });
        (told, layer)
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Exactly this was told since the last time.
    #[track_caller]
    pub(crate) fn is(&self, events: &[SessionEvent<'_>]) {
        let events: Vec<_> = events.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(self.take(), events);
    }
}
