//! Transport: couplings, scalings, balancing, and what is certified of them.

mod auto;
mod balance;
mod balance_refusals;
mod barycentre;
mod batch;
mod certificate;
#[path = "../common/mod.rs"]
mod common;
mod divergence;
mod epsilon_path;
mod gradient;
mod greenkhorn;
mod grid;
mod newton;
mod point_cost;
mod refusals;
mod rounding;
mod sinkhorn;
mod tiny;
mod unbalanced;
