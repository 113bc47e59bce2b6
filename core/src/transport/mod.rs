//! Entropic optimal transport: min ⟨P, C⟩ + ε Σ P (ln P − 1) subject to P 1 = a, Pᵀ 1 = b.

mod cost;
pub mod newton;
mod over_relaxation;
mod problem;
pub mod sinkhorn;
mod stall;

pub use cost::{Cost, DenseCost};
pub use problem::{Potentials, Problem};
