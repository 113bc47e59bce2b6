//! Quadratic programs in a box: the reference optima, both forms against each other and against an oracle.

mod optima;
mod plants;
