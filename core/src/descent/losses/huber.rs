//! Σ ρ(rᵢ), quadratic for small residuals, linear for large ones.

use southwell_simd::vector;

use super::least_squares::{gram_row_sum, gram_times};
use super::{LeastSquares, Loss, symmetric};
use crate::copy::CopyFrom;
use crate::linear::Design;
use crate::{Error, Real};

/// f(x) = Σ_i ρ(r_i), r = Ax − y, ρ(r) = ½r² where |r| ≤ δ and δ|r| − ½δ² beyond. The state is r, r cut to ±δ,
/// and room for the weights of a Hessian: 3 n.
///
/// ∇f = Aᵀ(cut r), L_i = ‖a_i‖², H = AᵀA; ∇² counts the rows with |r_i| ≤ δ alone.
#[derive(Clone, Copy, Debug)]
pub struct Huber<'a, T, A> {
    squares: LeastSquares<'a, T, A>,
    delta: T,
}

impl<'a, T: Real, A: Design<T>> Huber<'a, T, A> {
    /// Samples are the rows of the design, `target` is y; `delta` in units of it, positive.
    ///
    /// # Errors
    /// As [`LeastSquares::new`]; [`Error::Option`] if δ is not positive and finite.
    pub fn new(design: A, target: &'a [T], delta: T) -> Result<Self, Error> {
        if !(delta > T::ZERO && delta.is_finite()) {
            return Err(Error::Option { name: "delta", requirement: "must be positive and finite" });
        }
        Ok(Self { squares: LeastSquares::new(design, target)?, delta })
    }

    fn parts<'s>(&self, state: &'s mut [T]) -> Option<(&'s mut [T], &'s mut [T], &'s mut [T])> {
        let n = self.squares.target.len();
        let (r, rest) = state.split_at_mut_checked(n)?;
        let (cut, weights) = rest.split_at_mut_checked(n)?;
        Some((r, cut, weights))
    }

    fn cut<'s>(&self, state: &'s [T]) -> &'s [T] {
        let n = self.squares.target.len();
        state.get(n..n.saturating_mul(2)).unwrap_or(&[])
    }
}

impl<T: Real, A: Design<T>> Loss<T> for Huber<'_, T, A> {
    fn variables(&self) -> usize {
        self.squares.variables()
    }
    fn state_len(&self) -> usize {
        self.squares.target.len().saturating_mul(3)
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        if let Some((r, ..)) = self.parts(state) {
            self.squares.begin(x, r);
        }
        self.finish(state);
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        if let Some((r, ..)) = self.parts(state) {
            self.squares.shift(variable, delta, r);
        }
    }
    fn finish(&self, state: &mut [T]) {
        let Some((r, cut, _)) = self.parts(state) else { return };
        cut.copy_from(r);
        vector::clamp(-self.delta, self.delta, cut);
    }
    fn value(&self, _x: &[T], state: &[T]) -> T {
        // ρ = c (|r| − ½c) with c = min(|r|, δ).
        state.iter().zip(self.squares.target).fold(T::ZERO, |sum, (r, _)| {
            let (r, c) = (r.abs(), r.abs().min(self.delta));
            sum + c * (r - T::HALF * c)
        })
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        self.squares.partial(variable, self.cut(state))
    }
    fn lipschitz(&self, variable: usize) -> T {
        self.squares.lipschitz(variable)
    }
    fn gradient<'s>(&self, state: &'s [T], out: &'s mut [T]) -> &'s [T] {
        self.squares.gradient(self.cut(state), out)
    }
    fn bound(&self, block: &[u32], out: &mut [T]) {
        self.squares.bound(block, out);
    }
    fn hessian(&self, state: &mut [T], block: &[u32], out: &mut [T]) {
        let Some((r, _, weights)) = self.parts(state) else { return };
        for (weight, r) in weights.iter_mut().zip(r) {
            *weight = if r.abs() <= self.delta { T::ONE } else { T::ZERO };
        }
        symmetric(block, out, |i, j| self.squares.design.weighted_gram(i, j, weights));
    }
    fn row_sum(&self, variable: usize) -> T {
        gram_row_sum(&self.squares.design, variable)
    }
    fn bound_times(&self, v: &[T], scratch: &mut [T], out: &mut [T]) {
        gram_times(&self.squares.design, v, scratch, out);
    }
}
