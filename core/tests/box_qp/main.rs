//! Quadratic programs in a box: the reference optima, both forms against each other and against an oracle.

mod closed_loop;
mod optima;
mod plants;
