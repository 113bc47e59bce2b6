//! The passes as methods. On a bare core without vectors they go to the short loops at once: a grid is large to be copied onto a
//! stack there, and copied it would be wherever a pass takes it by value.

use super::{Grid, plain};
use crate::Real;
use crate::paths::is_bare_core;

impl<T: Real> Grid<'_, T> {
    /// [`sor_sweeps`](super::sor_sweeps).
    #[inline]
    pub fn sor_sweeps(&self, reversed: bool, omega: T, inverse: &[T], rhs: &[T], x: &mut [T], count: usize) {
        if is_bare_core() {
            return (0..count).for_each(|_| plain::sweep(self, reversed, omega, inverse, rhs, x));
        }
        super::sor_sweeps(*self, reversed, omega, inverse, rhs, x, count);
    }

    /// [`apply`](super::apply).
    #[inline]
    pub fn apply(&self, x: &[T], y: &mut [T]) {
        if is_bare_core() {
            return plain::star(self, None, x, y);
        }
        super::apply(*self, x, y);
    }

    /// [`residual`](super::residual).
    #[inline]
    pub fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        if is_bare_core() {
            return plain::star(self, Some(rhs), x, r);
        }
        super::residual(*self, rhs, x, r);
    }

    /// [`residual_square`](super::residual_square).
    #[inline]
    #[must_use]
    pub fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        if is_bare_core() {
            plain::residual_square(self, rhs, x)
        } else {
            super::residual_square(*self, rhs, x)
        }
    }

    /// [`solve_upper`](super::solve_upper).
    #[inline]
    pub fn solve_upper(&self, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
        if is_bare_core() {
            return plain::upper(self, omega, inverse, p, t);
        }
        super::solve_upper(*self, omega, inverse, p, t);
    }

    /// [`solve_lower`](super::solve_lower).
    #[inline]
    pub fn solve_lower(&self, omega: T, inverse: &[T], p: &[T], t: &[T], y: &mut [T], w: &mut [T]) {
        if is_bare_core() {
            return plain::lower(self, omega, inverse, p, t, y, w);
        }
        super::solve_lower(*self, omega, inverse, p, t, y, w);
    }
}
