//! Relaxation: linear systems, their views, and the rules that tune them.

mod bandit;
#[path = "../common/mod.rs"]
mod common;
mod endings;
mod gradients;
mod known_answers;
mod linear;
mod model_problem;
mod options;
mod orders;
mod precision;
mod properties;
mod refusals;
mod tiny;
mod together;
