//! Problems in files: the bits of the views in memory, files that change, runs that are interrupted.

mod command;
mod common;
mod descend;
mod equal_bits;
mod faults;
mod fit;
mod recovery;
mod resumed;
