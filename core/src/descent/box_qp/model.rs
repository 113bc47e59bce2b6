//! What a quadratic function must be able to do.

use crate::Real;

/// A strictly convex quadratic function ½ xᵀH x + fᵀx + c of which H is fixed, and f and c may change from one
/// problem to the next.
///
/// [`Condensed`](super::Condensed), [`Prepared`](super::Prepared) and [`Staged`](super::Staged) are models; one's own structure becomes one by
/// these plain methods over slices. Slices come in the lengths that the model names.
pub trait Model<T: Real>: Copy {
    /// The name of what changes from problem to problem, for errors.
    const DATA: &'static str;

    /// Variables.
    fn variables(&self) -> usize;

    /// How many numbers change from problem to problem.
    fn data_len(&self) -> usize;

    /// Numbers that factors and scratch take.
    fn factors_len(&self) -> usize;

    /// Whether the other model is this one, in the same memory, so that factors may be kept.
    fn is(&self, other: &Self) -> bool;

    /// Called once when a run begins, for what is to be kept in the storage during it. Nothing unless overridden.
    fn begin(&self, _data: &[T], _storage: &mut [T]) {}

    /// The objective at x and its gradient; the scale as well if `sized`. May use the storage as scratch where
    /// factors are not.
    fn evaluate(&self, data: &[T], x: &[T], sized: bool, gradient: &mut [T], storage: &mut [T]) -> Look<T>;

    /// dᵀH d. May use the storage as scratch where factors are not.
    fn curvature(&self, d: &[T], storage: &mut [T]) -> T;

    /// Minimises over the free variables (side 0), the others staying as they are in x; their gradient is told (0
    /// for the free). Factors that still hold for these sides are used again. False where H is not positive
    /// definite on the free variables; x is of no use then.
    fn minimise(
        &self,
        data: &[T],
        sides: &[T],
        x: &mut [T],
        gradient: &mut [T],
        factors: &mut Factors<'_, T>,
    ) -> bool;
}

/// An objective, and what its gradient was made of.
#[derive(Clone, Copy, Debug)]
pub struct Look<T> {
    /// The objective.
    pub objective: T,
    /// The largest |fᵢ| + |(H x)ᵢ|, or what takes their place: the size of the terms that cancel in a gradient. Of no
    /// meaning if it was not asked for.
    pub scale: T,
}

/// Factors, and what they are factors of.
#[derive(Debug)]
pub struct Factors<'w, T> {
    /// The sides that the storage was factorised for: −1 at the lower bound, 0 free, 1 at the upper bound.
    pub sides: &'w mut [T],
    /// Factors and scratch.
    pub storage: &'w mut [T],
    /// Whether the storage holds factors for these sides.
    pub valid: bool,
}
