//! Entropic optimal transport: min ⟨P, C⟩ + ε Σ P (ln P − 1) subject to P 1 = a, Pᵀ 1 = b.

pub mod auto;
mod certificate;
mod cost;
pub mod newton;
mod over_relaxation;
mod points;
mod problem;
mod rounding;
pub mod scaling;
pub mod sinkhorn;
mod stall;

pub use certificate::{Certificate, certificate_len, certify};
pub use cost::{Cost, DenseCost};
pub use points::{Ground, PointCost};
pub use problem::{Potentials, Problem};
pub use rounding::Rounded;
