//! A session as a whole: it is served to whoever has its token, until that is replaced or it ends.

use std::sync::Mutex;

use futures::future::join_all;
use http::StatusCode;
use session_test_support::{Browser, Page};

use crate::{
    common::{
        dice::Dice,
        duo::Visitor,
        race::race,
        visitor::{COOKIE, issued},
    },
    history::{History, Model, Outcome, assert_explained, by_hand, is_explained, outcome},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Look,
    Write,
    Renew,
    Destroy,
}

/// A number for each token, in the order in which they were issued.
type Number = usize;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Stranger,
    Served,
    Renewed(Number),
}

/// The token that is served; `None` once the session ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Whole(Option<Number>);

impl Model for Whole {
    type Op = (Deed, Number);
    type Answer = Answer;

    fn step(&mut self, (deed, token): &(Deed, Number), answer: Option<&Answer>) -> bool {
        let is_served = self.0 == Some(*token);
        match (deed, answer) {
            // Whoever was served first ends the session, though it be renewed meanwhile; and for
            // a moment so does the token from before.
            (Deed::Destroy, None | Some(Answer::Served)) => {
                self.0 = None;
                return true;
            }
            (Deed::Renew, Some(Answer::Renewed(token))) if is_served => self.0 = Some(*token),
            _ => {}
        }
        match answer {
            None => true,
            Some(Answer::Stranger) => !is_served,
            Some(Answer::Served | Answer::Renewed(_)) => is_served,
        }
    }
}

/// What the players know.
struct Table {
    history: History<(Deed, Number), Answer>,
    tokens: Mutex<Vec<String>>,
}

impl Table {
    fn with(token: String) -> Self {
        let history = History::new();
        let tokens = Mutex::new(vec![token]);
        Self { history, tokens }
    }

    /// The newest token most of the time, else any.
    fn any_token(&self, dice: &mut Dice) -> (Number, String) {
        let tokens = self.tokens.lock().unwrap();
        let newest = tokens.len() - 1;
        let number = match dice.roll(4) {
            0 => dice.roll(tokens.len()),
            _ => newest,
        };
        (number, tokens[number].clone())
    }

    async fn play(&self, visitor: &Visitor, player: usize, seed: usize) {
        let mut dice = Dice::of(player, seed);
        for _ in 0..6 {
            let (deed, action) = match dice.roll(12) {
                0 => (Deed::Destroy, "destroy"),
                1..4 => (Deed::Renew, "renew"),
                4..8 => (Deed::Write, "insert:k:1"),
                _ => (Deed::Look, ""),
            };
            let (number, token) = self.any_token(&mut dice);
            let path = format!("/is_new/yield:{}/{action}", dice.roll(4));
            let visit = async {
                let stranger = Browser::new(visitor.service().clone());
                stranger.jar().set(COOKIE, &token);
                self.outcome(deed, &stranger.get(&path).await)
            };
            self.history.record(player, (deed, number), visit).await;
        }
    }

    fn outcome(&self, deed: Deed, page: &Page) -> Outcome<Answer> {
        let answer = outcome(page, |is_new| match (is_new, deed) {
            ("true", _) => Answer::Stranger,
            (_, Deed::Renew) => {
                let mut tokens = self.tokens.lock().unwrap();
                tokens.push(issued(page).unwrap());
                Answer::Renewed(tokens.len() - 1)
            }
            _ => Answer::Served,
        });
        assert_ne!(
            page.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "nothing fails"
        );
        match (deed, answer) {
            // With a token that was replaced a moment ago it may have ended the session.
            (Deed::Destroy, Outcome::Answered(Answer::Stranger)) => Outcome::Unknown,
            (_, answer) => answer,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_served_and_who_was_not_is_explained_by_some_order() {
    race("histories of sessions", 300, async |duo, seed| {
        let visitor = duo.visitor();
        visitor[0].get("/insert:a:1").await;
        let table = Table::with(visitor[0].jar().get(COOKIE).unwrap());
        let players = (0..4).map(|player| table.play(&visitor[player % 2], player, seed));
        join_all(players).await;
        let done = table.history.into_done();
        assert_explained(Whole(Some(0)), &done, "the session");
    })
    .await;
}

/// A checker that explains everything would be of no use.
#[test]
fn no_order_explains_these_histories_of_a_session() {
    use Deed::{Destroy, Look, Renew, Write};
    let revived = [
        (0, [0, 1], (Destroy, 0), SERVED),
        (1, [2, 3], (Look, 0), SERVED),
    ];
    let saved_with_an_old_token = [
        (0, [0, 1], (Renew, 0), renewed(1)),
        (1, [2, 3], (Write, 0), SERVED),
    ];
    let two_successors = [
        (0, [0, 2], (Renew, 0), renewed(1)),
        (1, [1, 3], (Renew, 0), renewed(2)),
    ];
    let stranger_for_a_moment = [
        (0, [0, 1], (Look, 0), STRANGER),
        (0, [2, 3], (Look, 0), SERVED),
    ];
    for rows in [
        revived,
        saved_with_an_old_token,
        two_successors,
        stranger_for_a_moment,
    ] {
        let history = by_hand(&rows);
        assert!(!is_explained(Whole(Some(0)), &history), "{rows:?}");
    }
}

#[test]
fn some_order_explains_these_histories_of_a_session() {
    use Deed::{Destroy, Look, Renew};
    let served_during_a_log_out = [
        (0, [0, 3], (Destroy, 0), SERVED),
        (1, [1, 2], (Look, 0), SERVED),
    ];
    let ended_with_the_old_token = [
        (0, [0, 2], (Renew, 0), renewed(1)),
        (1, [1, 3], (Destroy, 0), SERVED),
        (0, [4, 5], (Look, 1), STRANGER),
    ];
    for rows in [&served_during_a_log_out[..], &ended_with_the_old_token] {
        let history = by_hand(rows);
        assert!(is_explained(Whole(Some(0)), &history), "{rows:?}");
    }
}

const SERVED: Outcome<Answer> = Outcome::Answered(Answer::Served);
const STRANGER: Outcome<Answer> = Outcome::Answered(Answer::Stranger);

fn renewed(token: Number) -> Outcome<Answer> {
    Outcome::Answered(Answer::Renewed(token))
}
