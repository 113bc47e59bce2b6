//! Entropic optimal transport: min ⟨P, C⟩ + ε Σ P (ln P − 1) subject to P 1 = a, Pᵀ 1 = b.

pub mod auto;
pub mod barycentre;
pub mod batch;
pub mod certificate;
mod cost;
pub mod divergence;
pub mod epsilon_path;
pub mod gap;
pub mod gradient;
pub mod greenkhorn;
mod grid;
pub mod newton;
mod over_relaxation;
mod points;
mod problem;
mod reading;
pub mod rounding;
pub mod scaling;
pub mod sinkhorn;
mod stall;
pub mod symmetric;
pub mod unbalanced;

pub use cost::{Cost, DenseCost};
pub use grid::GridCost;
pub use points::{Ground, PointCost};
pub use problem::{Potentials, Problem};
