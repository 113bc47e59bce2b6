//! Drivers over ranks, in one process: the bits of one piece, what goes between the ranks, and what happens when
//! one of them fails.

mod faults;
mod grids;
mod matrices;
mod ranks;
