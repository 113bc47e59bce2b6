//! Quadratic programs in a box: the reference optima, both forms against each other and against plain oracles.

mod closed_loop;
mod endings;
mod hard;
mod models;
mod optima;
mod oracle;
mod plants;
mod properties;
mod refusals;
mod tiny;
