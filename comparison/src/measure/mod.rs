//! Measuring what requests cost a server.

mod check;
mod load;
mod process;
mod redis;
mod sample;
mod stage;
mod visitor;
pub(crate) mod workload;

pub(crate) use self::{
    sample::{Metric, Sample},
    stage::{Conditions, Stage},
};
