//! Drivers over ranks, in one process: the bits of one piece, what goes between the ranks, and what happens when
//! one of them fails.

mod couplings;
mod faults;
mod files;
mod fits;
mod grids;
mod jobs;
mod matrices;
mod ranks;
mod restart;
mod resume;
mod sums;
