//! Sub-gradient methods for functions with kinks.
//!
//! | | problem |
//! |---|---|
//! | [`matrix`] | a low-rank matrix from measurements of which many are grossly wrong |
//!
//! [`counter`] draws random numbers that have addresses, for operators that store nothing.

pub mod counter;
pub mod matrix;
