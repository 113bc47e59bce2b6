//! Transport: couplings, scalings, balancing, and what is certified of them.

mod auto;
mod balance;
mod balance_refusals;
mod balance_steps;
mod barycentre;
mod batch;
mod certificate;
#[path = "../common/mod.rs"]
mod common;
mod divergence;
mod epsilon_path;
mod gradient;
mod greenkhorn;
mod greenkhorn_steps;
mod grid;
mod newton;
mod newton_steps;
mod odds;
mod point_cost;
mod refusals;
mod rounding;
mod sinkhorn;
mod steps;
mod tiny;
mod turns;
mod unbalanced;
mod unbalanced_steps;
