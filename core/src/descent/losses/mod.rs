//! Smooth parts f of a problem: what they keep beside x, and what they know of their curvature.
//!
//! | loss | f | state (numbers) | one variable costs |
//! |---|---|---|---|
//! | [`LeastSquares`] | ½‖Ax − y‖² | r = Ax − y (n) | a column |
//! | [`Quadratic`] | ½xᵀQx − cᵀx | g = Qx − c (p) | a row of Q |
//! | [`Logistic`] | Σ ln(1 + e^(−yᵢzᵢ)), y = ±1 | z = Ax, slopes, weights (3 n) | a column, n exponentials a step |
//! | [`Softmax`] | Σ (ln Σ_c e^(z_ic) − z_i,class) | Z = AX, P − Y, weights (2 n k + n) | a column, n k exponentials a step |
//! | [`Huber`] | Σ ρ(rᵢ), ρ quadratic up to δ, then linear | r, clipped r, weights (3 n) | a column |
//!
//! Label propagation is a [`Quadratic`] that [`label_propagation`] puts together.

mod huber;
mod label_propagation;
mod least_squares;
mod logistic;
mod quadratic;
mod softmax;

pub use huber::Huber;
pub use label_propagation::{Assembled, label_propagation, label_propagation_len};
pub use least_squares::LeastSquares;
pub use logistic::Logistic;
pub use quadratic::{Quadratic, Symmetric};
pub use softmax::Softmax;

pub use southwell_simd::vector::{Kink, Rank};

use crate::Real;

/// A smooth convex function f of p variables that keeps a *state* beside x: whatever makes one partial
/// derivative cheap, and is cheap to keep up when one variable moves.
///
/// A loss of the caller's own needs the first seven methods; the others have defaults that hold for every
/// convex f whose curvature along variable i is at most L_i, and are worth replacing where more is known.
/// A variable that does not exist is passed over (derivative 0).
pub trait Loss<T: Real> {
    /// Variables, p.
    fn variables(&self) -> usize;
    /// Length of the state.
    fn state_len(&self) -> usize;
    /// The state that belongs to x, from scratch. Cost: a pass over the data.
    fn begin(&self, x: &[T], state: &mut [T]);
    /// What changes in the state when a variable grows by `delta`. [`finish`](Loss::finish) follows, once for
    /// all variables of a step.
    fn shift(&self, variable: usize, delta: T, state: &mut [T]);
    /// f(x) of the state that belongs to x.
    fn value(&self, x: &[T], state: &[T]) -> T;
    /// ∂f/∂x_i.
    fn partial(&self, variable: usize, state: &[T]) -> T;
    /// L_i ≥ 0, a bound of ∂²f/∂x_i² for all x.
    fn lipschitz(&self, variable: usize) -> T;

    /// Completes the state after the shifts of a step. Nothing to do unless overridden.
    fn finish(&self, _state: &mut [T]) {}
    /// [`shift`](Loss::shift) and [`finish`](Loss::finish) of one variable that has moved, where the state is the gradient,
    /// and in the same pass the variable that has the largest score then, the lowest of equal ones; 0 where no score is a number
    /// above −1. x is as long as the gradient, weights as [`Rank::weights`] says. `None`, and nothing done, where that is no pass
    /// of its own.
    fn shift_ranked(
        &self,
        _variable: usize,
        _delta: T,
        _state: &mut [T],
        _rank: Rank<T>,
        _values: (&[T], &[T]),
    ) -> Option<usize> {
        None
    }
    /// Length of the memory that [`gradient`](Loss::gradient) writes: p, or 0 where the state holds it.
    fn gradient_len(&self) -> usize {
        self.variables()
    }
    /// ∇f, written to `out` or found in the state. Cost: p partial derivatives, or fewer passes.
    fn gradient<'s>(&self, state: &'s [T], out: &'s mut [T]) -> &'s [T] {
        for (variable, out) in out.iter_mut().enumerate() {
            *out = self.partial(variable, state);
        }
        out
    }
    /// A matrix that is nowhere less than ∇²f on a block, τ × τ by rows. By default τ·diag(L_i), which bounds
    /// every positive semidefinite matrix with such a diagonal.
    fn bound(&self, block: &[u32], out: &mut [T]) {
        let size = T::from_usize(block.len());
        diagonal(block, out, |variable| size * self.lipschitz(variable));
    }
    /// ∇²f on a block at the state, τ × τ by rows; the state may hold scratch that this uses. By default the
    /// [`bound`](Loss::bound).
    fn hessian(&self, _state: &mut [T], block: &[u32], out: &mut [T]) {
        self.bound(block, out);
    }
    /// D_i = Σ_j |H_ij| over all variables of a bound H of ∇²f; diag(D) bounds it too. By default p·L_i.
    fn row_sum(&self, variable: usize) -> T {
        T::from_usize(self.variables()) * self.lipschitz(variable)
    }
    /// out ← H v for the bound H of all variables; `scratch` is as long as a state. By default p·diag(L_i).
    fn bound_times(&self, v: &[T], _scratch: &mut [T], out: &mut [T]) {
        for (variable, (out, &v)) in out.iter_mut().zip(v).enumerate() {
            *out = self.row_sum(variable) * v;
        }
    }
    /// Where the curvature is constant and sparse: calls `each(j, H_ij)` for the entries of row i, and is true.
    /// Then the derivatives of exactly these j change with x_i. False, and no call, by default.
    fn row(&self, _variable: usize, _each: impl FnMut(usize, T)) -> bool {
        false
    }
}

/// Fills a τ × τ matrix with a diagonal.
fn diagonal<T: Real>(block: &[u32], out: &mut [T], entry: impl Fn(usize) -> T) {
    out.fill(T::ZERO);
    for (i, (&variable, row)) in block.iter().zip(out.chunks_exact_mut(block.len().max(1))).enumerate() {
        if let Some(out) = row.get_mut(i) {
            *out = entry(variable as usize);
        }
    }
}

/// Fills a symmetric τ × τ matrix from a function of two variables, which is asked for i ≤ j only.
fn symmetric<T: Real>(block: &[u32], out: &mut [T], mut entry: impl FnMut(usize, usize) -> T) {
    let n = block.len();
    for (i, &a) in block.iter().enumerate() {
        for (j, &b) in block.iter().enumerate().take(i.saturating_add(1)) {
            let value = entry(b as usize, a as usize);
            if let Some(out) = out.get_mut(i.saturating_mul(n).saturating_add(j)) {
                *out = value;
            }
            if let Some(out) = out.get_mut(j.saturating_mul(n).saturating_add(i)) {
                *out = value;
            }
        }
    }
}

/// ln(1 + t) for t ≥ 0 to full relative precision (Kahan).
fn ln_1p<T: Real>(t: T) -> T {
    let u = T::ONE + t;
    if u == T::ONE || !u.is_finite() {
        return t;
    }
    southwell_simd::elementary::ln_scalar(u) * (t / (u - T::ONE))
}
