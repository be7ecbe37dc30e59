//! One thing that grows, and what requests cost at each of its sizes.

use crate::{
    BoxError,
    content::Content,
    growth::CONTENDERS,
    measure::{
        Conditions, Stage,
        workload::{Action, Workload},
    },
    report::{Curve, Spread},
};

pub(super) struct Axis {
    pub(super) title: &'static str,
    pub(super) actions: &'static [Action],
    pub(super) points: Vec<Point>,
}

/// One size of what grows, and all that stays the same.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) label: String,
    pub(super) content: Content,
    pub(super) conditions: Conditions,
    pub(super) workers: usize,
}

impl Axis {
    /// One curve for each action and contender, without points.
    pub(super) fn empty_curves(&self) -> Vec<Curve> {
        let curves = self.actions.iter().flat_map(|action| {
            CONTENDERS.map(|contender| Curve {
                name: format!("{}, {}", action.name(), contender.name()),
                points: Vec::new(),
            })
        });
        curves.collect()
    }
}

impl Point {
    /// What each action costs each contender, with servers of their own.
    pub(super) async fn measure(
        &self,
        actions: &[Action],
        rounds: usize,
    ) -> Result<Vec<Spread>, BoxError> {
        let mut stage = Stage::set(&CONTENDERS, self.workers)?;
        let kinds = actions
            .iter()
            .flat_map(|action| CONTENDERS.map(|it| (*action, it)));
        let mut costs: Vec<_> = kinds.map(|kind| (kind, Vec::new())).collect();
        for _ in 0..rounds {
            for ((action, contender), costs) in &mut costs {
                let workload = self.workload(*action);
                let sample = stage.sample(*contender, workload, self.conditions).await?;
                costs.push(sample.cpu);
            }
        }
        Ok(costs
            .into_iter()
            .filter_map(|(_, costs)| Spread::of(costs))
            .collect())
    }

    fn workload(&self, action: Action) -> Workload {
        let session = (action != Action::SignIn).then_some(self.content);
        Workload::new(action.name(), action.name(), session, action)
    }
}
