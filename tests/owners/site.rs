//! Two servers with a moved clock, on a store that keeps account of owners.

use futures::future::join_all;
use session_test_support::{Browser, Clock};
use tower_session_layer::{SessionId, SessionLayer, Sessions};

use crate::common::{
    app::{App, app},
    duo::Duo,
    stores::{Subject, stores},
};

pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) layer: SessionLayer,
    pub(crate) elsewhere: SessionLayer,
    pub(crate) sessions: Sessions,
    pub(crate) clock: Clock,
    /// What must live as long as it is used.
    _subject: Subject,
}

impl Site {
    /// One on every store that keeps account.
    pub(crate) async fn all() -> Vec<Self> {
        Self::all_with(SessionLayer::clone).await
    }

    pub(crate) async fn all_with(configure: impl Fn(&SessionLayer) -> SessionLayer) -> Vec<Self> {
        let subjects = with_account().await.into_iter();
        subjects.map(|it| Self::on(it, &configure)).collect()
    }

    pub(crate) fn on(subject: Subject, configure: impl Fn(&SessionLayer) -> SessionLayer) -> Self {
        let clock = Clock::new();
        let [layer, elsewhere] = [&subject.layer, &subject.elsewhere].map(|layer| {
            let clock = clock.clone();
            configure(layer).with_clock(move || clock.now())
        });
        Self {
            name: subject.name,
            sessions: elsewhere.sessions(),
            layer,
            elsewhere,
            clock,
            _subject: subject,
        }
    }

    /// Somebody without a cookie.
    pub(crate) fn visitor(&self) -> Browser<App> {
        Browser::new(app(&self.layer))
    }

    /// Somebody who signed in, and the public id of the session.
    pub(crate) async fn signed_in(&self, owner: &str) -> (Browser<App>, SessionId) {
        let visitor = self.visitor();
        let page = visitor.get(&format!("/sign_in/owner:{owner}")).await;
        assert_eq!(
            (page.status.as_u16(), &*page.text),
            (200, ""),
            "{}",
            self.name
        );
        let id = id_of(&visitor).await;
        (visitor, id)
    }

    /// Several of them, one after the other.
    pub(crate) async fn all_signed_in(&self, owners: &[&str]) -> Vec<(Browser<App>, SessionId)> {
        let mut all = Vec::new();
        for owner in owners {
            all.push(self.signed_in(owner).await);
        }
        all
    }

    /// Whose sessions these are, as the other server lists them.
    pub(crate) async fn listed(&self, owner: &str) -> Vec<SessionId> {
        ids(&self.sessions, owner).await
    }
}

/// Two servers on sockets on every store that keeps account.
pub(crate) async fn duos_with(configure: impl Fn(&SessionLayer) -> SessionLayer) -> Vec<Duo> {
    let subjects = with_account().await.into_iter();
    join_all(subjects.map(|it| Duo::serve(it, &configure))).await
}

async fn with_account() -> Vec<Subject> {
    let mut subjects = stores().await;
    subjects.retain(|subject| subject.name != "own");
    subjects
}

pub(crate) async fn ids(sessions: &Sessions, owner: &str) -> Vec<SessionId> {
    let list = sessions.list(owner).await.unwrap();
    assert_eq!(sessions.count(owner).await.unwrap(), list.len());
    sorted(list.iter().map(|it| it.id()))
}

pub(crate) fn sorted(ids: impl IntoIterator<Item = SessionId>) -> Vec<SessionId> {
    let mut ids: Vec<_> = ids.into_iter().collect();
    ids.sort();
    ids
}

/// The public id of a visitor's session.
pub(crate) async fn id_of(visitor: &Browser<App>) -> SessionId {
    visitor.get("/mark_passive/id").await.text.parse().unwrap()
}

/// Whether the visitor's session is over.
pub(crate) async fn is_over(visitor: &Browser<App>) -> bool {
    visitor.get("/mark_passive/id").await.text == "none"
}
