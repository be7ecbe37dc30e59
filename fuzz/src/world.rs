//! The world around a session: a store, a browser, and two requests at a time.

use std::collections::BTreeMap;

use bytes::Bytes;
use tower_session_layer::{
    SessionError,
    fuzzing::{self, Act, Rules},
};

use crate::{
    plan::{Plan, span},
    record::Header,
    store::Store,
    visit::Visit,
};

/// One browser, one store, and two requests of the browser at any time.
#[derive(Debug)]
pub struct World {
    store: Store,
    rules: Rules,
    cookie: String,
    now: u64,
    /// Makes each write another one.
    number: u64,
    requests: [Visit; 2],
}

impl World {
    pub fn of(plan: &Plan<'_>) -> Self {
        let record = Bytes::from(plan.well_formed_record());
        let cookie = plan.cookie().to_owned();
        let now = Header::of(&record).touched.saturating_add(plan.idle_for());
        let rules = plan.rules();
        let store = Store {
            records: BTreeMap::from([(fuzzing::parts(&cookie).unwrap().0, record)]),
            max_len: rules.max_len,
        };
        let visit = || Visit::new(&cookie, &store, now, &rules);
        Self {
            requests: [visit(), visit()],
            store,
            rules,
            cookie,
            now,
            number: 1 << 56,
        }
    }

    pub fn act(&mut self, [what, one, two]: [u8; 3]) {
        let who = usize::from(what >> 7);
        match what & 0x7f {
            act @ 0..=15 => self.requests[who].act(act, one, two, &self.rules, self.now),
            16..=19 => drop(self.save(who)),
            20..=22 => self.send_unheard(who, one.is_multiple_of(2)),
            23 => self.now = self.now.saturating_add(span(one)),
            24 => self.send_head(who),
            _ => self.finish(who),
        }
    }

    /// Saves what changed, as the middleware does.
    pub fn save(&mut self, who: usize) -> Result<(), SessionError> {
        let saved = self.try_save(who);
        let visit = &mut self.requests[who];
        match saved {
            Ok(()) if visit.is_alone => visit.check_saved(&self.store),
            Ok(()) => {}
            Err(_) => visit.act_and_forget(Act::Forget),
        }
        self.requests[who].check();
        saved
    }

    fn try_save(&mut self, who: usize) -> Result<(), SessionError> {
        for _ in 0..MOST_WRITES {
            self.number += 1;
            let visit = &mut self.requests[who];
            let Some(write) = visit.request.next_write(self.now, self.number)? else {
                return Ok(());
            };
            let (answer, has_changed) = self.store.commit(&write);
            if has_changed {
                self.requests[1 - who].is_alone = false;
            }
            let visit = &mut self.requests[who];
            let id = visit.request.id();
            match visit.request.answered(answer) {
                Err(_) if write.is_routine => visit.request.give_up_routine(),
                answered => answered?,
            }
            // A sign-in that comes too late begins another session, with less in it.
            visit.is_alone &= id.is_none() || id == visit.request.id();
        }
        unreachable!("a commit does not end")
    }

    /// Sends the next write, of which nobody hears whether it arrived.
    fn send_unheard(&mut self, who: usize, arrives: bool) {
        self.number += 1;
        let visit = &mut self.requests[who];
        if let Ok(Some(write)) = visit.request.next_write(self.now, self.number)
            && arrives
            && self.store.commit(&write).1
        {
            self.requests[1 - who].is_alone = false;
        }
    }

    fn send_head(&mut self, who: usize) {
        let visit = &mut self.requests[who];
        visit.is_head_held = false;
        if let Some(cookie) = visit.request.send_head() {
            self.cookie = cookie;
        }
    }

    /// Ends a request and begins another one, which has to see what was saved.
    fn finish(&mut self, who: usize) {
        let saved = self.save(who).is_ok() && self.requests[who].is_alone;
        let id = self.requests[who].request.id();
        self.send_head(who);
        let next = Visit::new(&self.cookie, &self.store, self.now, &self.rules);
        if saved && id.is_some() && next.request.id() == id {
            assert_eq!(next.values, self.requests[who].values);
        }
        self.requests[who] = next;
    }
}

/// More than any commit needs: a session that ends, one that begins, two conflicts, a rotation.
const MOST_WRITES: usize = 8;
