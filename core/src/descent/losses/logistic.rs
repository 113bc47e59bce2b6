//! Σ ln(1 + e^(−yᵢ zᵢ)).

use southwell_simd::elementary::exp_scalar;

use super::least_squares::{gram_row_sum, gram_times};
use super::{Loss, ln_1p, symmetric};
use crate::linear::{Design, check_len};
use crate::{Error, Real};

/// f(x) = Σ_i ln(1 + e^(−y_i z_i)), z = Ax, y_i = ±1. The state is z, the slopes −y_i/(1 + e^(y_i z_i)), and
/// room for the weights of a Hessian: 3 n.
///
/// ∇f = Aᵀ slopes, L_i = ¼‖a_i‖², H = ¼AᵀA; ∇² = Aᵀ diag(s(1 − s)) A with s the absolute slopes. A step costs
/// n exponentials beside its columns.
#[derive(Clone, Copy, Debug)]
pub struct Logistic<'a, T, A> {
    design: A,
    labels: &'a [T],
}

impl<'a, T: Real, A: Design<T>> Logistic<'a, T, A> {
    /// Samples are the rows of the design, `labels` are +1 or −1.
    ///
    /// # Errors
    /// [`Error::Dimension`] if there are not as many labels as rows; [`Error::Label`] for one that is neither +1
    /// nor −1.
    pub fn new(design: A, labels: &'a [T]) -> Result<Self, Error> {
        check_len("labels", labels.len(), design.rows())?;
        if let Some(index) = labels.iter().position(|&y| y != T::ONE && y != -T::ONE) {
            return Err(Error::Label { argument: "labels", index });
        }
        Ok(Self { design, labels })
    }

    /// z, slopes and weights.
    fn parts<'s>(&self, state: &'s mut [T]) -> Option<(&'s mut [T], &'s mut [T], &'s mut [T])> {
        let n = self.labels.len();
        let (z, rest) = state.split_at_mut_checked(n)?;
        let (slopes, weights) = rest.split_at_mut_checked(n)?;
        Some((z, slopes, weights))
    }

    fn slopes<'s>(&self, state: &'s [T]) -> &'s [T] {
        let n = self.labels.len();
        state.get(n..n.saturating_mul(2)).unwrap_or(&[])
    }
}

impl<T: Real, A: Design<T>> Loss<T> for Logistic<'_, T, A> {
    fn variables(&self) -> usize {
        self.design.columns()
    }
    fn state_len(&self) -> usize {
        self.labels.len().saturating_mul(3)
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        if let Some((z, ..)) = self.parts(state) {
            self.design.apply(x, z);
        }
        self.finish(state);
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        if let Some((z, ..)) = self.parts(state) {
            self.design.add_scaled(variable, delta, z);
        }
    }
    fn finish(&self, state: &mut [T]) {
        let Some((z, slopes, _)) = self.parts(state) else { return };
        for ((slope, &mut z), &y) in slopes.iter_mut().zip(z).zip(self.labels) {
            *slope = -y / (T::ONE + exp_scalar(y * z));
        }
    }
    fn value(&self, _x: &[T], state: &[T]) -> T {
        state.iter().zip(self.labels).fold(T::ZERO, |sum, (&z, &y)| {
            let m = y * z;
            let positive = ln_1p(exp_scalar(-m.abs()));
            sum + if m < T::ZERO { positive - m } else { positive }
        })
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        self.design.dot(variable, self.slopes(state))
    }
    fn lipschitz(&self, variable: usize) -> T {
        T::HALF * T::HALF * self.design.square(variable)
    }
    fn gradient<'s>(&self, state: &'s [T], out: &'s mut [T]) -> &'s [T] {
        self.design.transposed(self.slopes(state), out);
        out
    }
    fn bound(&self, block: &[u32], out: &mut [T]) {
        symmetric(block, out, |i, j| T::HALF * T::HALF * self.design.gram(i, j));
    }
    fn hessian(&self, state: &mut [T], block: &[u32], out: &mut [T]) {
        let Some((_, slopes, weights)) = self.parts(state) else { return };
        for (weight, slope) in weights.iter_mut().zip(slopes) {
            *weight = slope.abs() * (T::ONE - slope.abs());
        }
        symmetric(block, out, |i, j| self.design.weighted_gram(i, j, weights));
    }
    fn row_sum(&self, variable: usize) -> T {
        T::HALF * T::HALF * gram_row_sum(&self.design, variable)
    }
    fn bound_times(&self, v: &[T], scratch: &mut [T], out: &mut [T]) {
        gram_times(&self.design, v, scratch, out);
        southwell_simd::vector::scale(T::HALF * T::HALF, out);
    }
}
