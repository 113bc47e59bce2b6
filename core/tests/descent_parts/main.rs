//! The parts of block coordinate descent one by one, against their definitions in plain loops.

mod blocks;
mod boxes;
#[path = "../common/mod.rs"]
mod common;
mod penalties;
#[path = "../common/regression.rs"]
mod regression;
mod reports;
mod runs;
mod scores;
mod sparse;
