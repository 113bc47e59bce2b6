//! Problems larger than memory: costs, designs and measurements that stay in a NumPy file.
//!
//! Each view here implements a trait of `southwell`, so every solver that asks for the trait works on a file as
//! it does in memory, and with the same bits:
//!
//! | view | of a file that holds | is a |
//! |---|---|---|
//! | [`DiskCost`] | costs (n × m), C order | [`transport::Cost`](southwell::transport::Cost) |
//! | [`DiskDesign`] | a design (n × p), Fortran order | [`linear::Design`](southwell::linear::Design) |
//! | [`DiskMeasurements`] | matrices A_i (m × d₁ × d₂), C order | [`Operator`](southwell::subgradient::matrix::operator::Operator) |
//! | [`DiskQuantile`] | rows of a robust fit (n × p), C order | [`Oracle`](southwell::subgradient::Oracle) |
//!
//! [`transport`], [`descent`], [`recovery`] and [`fit`] are whole runs over such files that can be interrupted and go on.
//!
//! *How*: passes go through blocks of whole rows (a megabyte, or one row where a row is longer). While one
//! block is computed with, a thread reads the next. Elements of the file's own type arrive without a copy besides
//! the system's; others (`f4` for a run in `f64`, integers, the other byte order) are turned on the way.
//! Positioned reads and not a memory map: a map would need `unsafe` (a file that shrinks under it ends the
//! process).
//!
//! *Memory*: three blocks, and what the solver asks for. Nothing grows with the number of rows of the file.
//!
//! *Methods* that store something of the size of the file defeat the purpose: take
//! [`sinkhorn`](southwell::transport::sinkhorn), not `scaling` or `auto`.
//!
//! *When it fails*: opening reads the file once and refuses what a view in memory refuses, and a length
//! other than the header's. Before and after each pass the file's length and time of change are compared; a file
//! that changed, an error of the disk, or a [watcher](Rows::watched) that asks to stop leaves a [`Fault`], and the
//! view answers NaN from then on: every solver ends as `NotFinite`. Ask the view for its fault then.
//! (A change that leaves the length, within the resolution of the file system's clock, a few milliseconds, after
//! the file was opened passes unseen.)

mod cost;
pub mod descent;
mod design;
mod element;
mod fault;
pub mod fit;
mod measurements;
mod quantile;
pub mod recovery;
mod rows;
mod source;
pub mod transport;

pub use cost::DiskCost;
pub use design::DiskDesign;
pub use element::Element;
pub use fault::Fault;
pub use measurements::DiskMeasurements;
pub use quantile::DiskQuantile;
pub use rows::{Reading, Rows};
