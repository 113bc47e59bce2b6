//! Entropic optimal transport: min ⟨P, C⟩ + ε Σ P (ln P − 1) subject to P 1 = a, Pᵀ 1 = b.

pub mod barycentre;
pub mod batch;
mod cost;
pub mod epsilon_path;
mod grid;
mod over_relaxation;
mod problem;
pub mod sinkhorn;
mod stall;
pub mod unbalanced;

pub use cost::{Cost, DenseCost};
pub use grid::GridCost;
pub use problem::{Potentials, Problem};
