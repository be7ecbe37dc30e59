//! Measuring what requests cost a server.

mod check;
mod load;
mod process;
mod redis;
mod sample;
mod sizes;
mod stage;
mod visitor;
pub(crate) mod workload;

pub(crate) use self::{
    redis::Size,
    sample::{Metric, Sample},
    stage::{Conditions, Stage},
};
