//! ½‖Ax − y‖².

use southwell_simd::vector;

use super::{Loss, symmetric};
use crate::copy::CopyFrom;
use crate::linear::{Design, check_finite, check_len};
use crate::{Error, Real};

/// f(x) = ½‖Ax − y‖² of a design by columns; the state is r = Ax − y.
///
/// ∇f = Aᵀr, L_i = ‖a_i‖², H = AᵀA exactly. A derivative or a shift costs one column. For the usual 1/(2n)
/// scaling multiply penalties by n.
#[derive(Clone, Copy, Debug)]
pub struct LeastSquares<'a, T, A> {
    pub(super) design: A,
    pub(super) target: &'a [T],
}

impl<'a, T: Real, A: Design<T>> LeastSquares<'a, T, A> {
    /// Samples are the rows of the design, `target` is y.
    ///
    /// # Errors
    /// [`Error::Dimension`] if y is not as long as the design has rows; [`Error::Value`] for a NaN or an infinity.
    pub fn new(design: A, target: &'a [T]) -> Result<Self, Error> {
        check_len("target", target.len(), design.rows())?;
        check_finite("target", target)?;
        Ok(Self { design, target })
    }
}

/// Σ_j |a_iᵀ a_j|, the row sums of AᵀA. Cost: a pass over the design.
pub(super) fn gram_row_sum<T: Real>(design: &impl Design<T>, column: usize) -> T {
    (0..design.columns()).fold(T::ZERO, |sum, other| sum + design.gram(column, other).abs())
}

/// out ← AᵀA v; scratch is at least as long as the samples.
pub(super) fn gram_times<T: Real>(design: &impl Design<T>, v: &[T], scratch: &mut [T], out: &mut [T]) {
    let Some(samples) = scratch.get_mut(..design.rows()) else { return };
    design.apply(v, samples);
    design.transposed(samples, out);
}

impl<T: Real, A: Design<T>> Loss<T> for LeastSquares<'_, T, A> {
    fn variables(&self) -> usize {
        self.design.columns()
    }
    fn state_len(&self) -> usize {
        self.design.rows()
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        if x.iter().all(|&x| x == T::ZERO) {
            state.copy_from(self.target);
            vector::scale(-T::ONE, state);
        } else {
            self.design.apply(x, state);
            vector::axpy(-T::ONE, self.target, state);
        }
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        self.design.add_scaled(variable, delta, state);
    }
    fn value(&self, _x: &[T], state: &[T]) -> T {
        T::HALF * vector::dot(state, state)
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        self.design.dot(variable, state)
    }
    fn lipschitz(&self, variable: usize) -> T {
        self.design.square(variable)
    }
    fn gradient<'s>(&self, state: &'s [T], out: &'s mut [T]) -> &'s [T] {
        self.design.transposed(state, out);
        out
    }
    fn bound(&self, block: &[u32], out: &mut [T]) {
        symmetric(block, out, |i, j| self.design.gram(i, j));
    }
    fn row_sum(&self, variable: usize) -> T {
        gram_row_sum(&self.design, variable)
    }
    fn bound_times(&self, v: &[T], scratch: &mut [T], out: &mut [T]) {
        gram_times(&self.design, v, scratch, out);
    }
}
