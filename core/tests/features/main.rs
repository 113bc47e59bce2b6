//! What the optional features add: owned matrices and workspaces (`heapless`), nalgebra's views (`nalgebra`).

mod borrowed;
mod fixed;
