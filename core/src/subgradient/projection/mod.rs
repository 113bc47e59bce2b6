//! Projections onto convex sets: the nearest point of a set, in place.
//!
//! | set | module's name | memory | cost |
//! |---|---|---|---|
//! | the whole space | `()` | – | – |
//! | bounds, the same for all or each | [`Interval`], [`Bounds`] | – | one pass |
//! | ‖x − c‖₂ ≤ R | [`Ball`] | – | two passes |
//! | aᵀx ≤ b | [`HalfSpace`] | – | two passes |
//! | x ≥ 0, Σ x = s | [`Simplex`] | – | a few passes, at most n |
//! | ‖x‖₁ ≤ s | [`L1Ball`] | – | as the simplex |
//! | A x = b | [`Affine`] | k² + k | A twice |
//! | ‖(x₁ … x_{n−1})‖₂ ≤ x_n | [`Cone`] | – | two passes |
//!
//! A projection Π is the only map with ⟨x − Πx, z − Πx⟩ ≤ 0 for all z of the set; so it changes nothing in
//! the set, never moves two points apart, and the tests ask for exactly that. Sets are checked to hold a
//! point when they are made. A NaN stays a NaN and infinities may become one.

mod affine;
mod plain;
mod simplex;

pub use affine::Affine;
pub use plain::{Ball, Bounds, Cone, HalfSpace, Interval};
pub use simplex::{L1Ball, Simplex};

use crate::Real;

/// A closed convex set that a point can be projected onto.
///
/// A caller's own set implements it; `&mut self` lets it keep scratch.
pub trait Projection<T: Real> {
    /// The length of its vectors; `None` if any.
    fn dimension(&self) -> Option<usize>;

    /// x ← the nearest point of the set.
    fn project(&mut self, x: &mut [T]);

    /// Whether every coordinate is bounded by itself (a box). Methods that add a penalty by coordinates
    /// ask. Default: no.
    fn separable(&self) -> bool {
        false
    }
}

impl<T: Real, P: Projection<T> + ?Sized> Projection<T> for &mut P {
    fn dimension(&self) -> Option<usize> {
        (**self).dimension()
    }
    fn project(&mut self, x: &mut [T]) {
        (**self).project(x);
    }
    fn separable(&self) -> bool {
        (**self).separable()
    }
}

/// The whole space.
impl<T: Real> Projection<T> for () {
    fn dimension(&self) -> Option<usize> {
        None
    }
    fn project(&mut self, _x: &mut [T]) {}
    fn separable(&self) -> bool {
        true
    }
}
