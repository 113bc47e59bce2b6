//! What a run of Newton's asks of its second derivatives, sparse or dense.

use crate::Real;

/// The right-hand side and what is left to choose.
pub(super) struct Balance<'a, T> {
    /// P 1 and Pᵀ 1
    pub(super) rows: &'a [T],
    pub(super) columns: &'a [T],
    pub(super) a: &'a [T],
    pub(super) b: &'a [T],
    /// σ
    pub(super) damping: T,
    /// The residual of the system that is small enough, relative to the right-hand side.
    pub(super) forcing: T,
}

/// 1/x, and 0 where there is none.
pub(super) fn reciprocal<T: Real>(x: T) -> T {
    let inverse = T::ONE / x;
    if x > T::ZERO && inverse.is_finite() { inverse } else { T::ZERO }
}

/// A coupling that is gathered row by row while it is read, and solved with.
pub(super) trait Curvature<T: Real> {
    /// Forgets what was gathered.
    fn begin(&mut self);
    /// A row of the coupling, and its largest entry.
    fn row(&mut self, i: usize, p: &[T], largest: T);
    /// Decides what is kept of a coupling of this mass; false: it has to be gathered anew.
    fn settle(&mut self, total: T) -> bool;
    /// d from the damped system; the steps of conjugate gradients.
    fn solve(&mut self, balance: &Balance<'_, T>, d_f: &mut [T], d_g: &mut [T]) -> u32;
    /// Σ p t (e^(α t) − 1), t = d_f + d_g of the entry: by how much the dual's slope falls up to α.
    fn excess(&self, step: T, d_f: &[T], d_g: &[T]) -> T;
    /// Entries of the system.
    fn len(&self) -> usize;
    /// Whether a budget, not the mass, decided about them.
    fn clipped(&self) -> bool;
}
