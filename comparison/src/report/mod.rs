//! What is made of measurements: tables and pictures for the documentation.

mod bars;
mod curves;
mod page;
mod results;
mod svg;
mod tables;

pub(crate) use self::{
    bars::bars,
    curves::{Curve, Panel, curves},
    page::{machine, replace_section, write_picture},
    results::{Results, Spread},
    tables::{asked, details, growth, memory, ratios},
};
