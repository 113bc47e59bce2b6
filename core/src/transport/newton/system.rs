//! The damped linear system of a Newton step, reduced to the columns and solved by conjugate gradients.
//!
//! ```text
//! [ (1+σ) diag(r)      P̃      ] [d_f]   [a − r]        S = (1+σ) diag(c) − P̃ᵀ diag((1+σ) r)⁻¹ P̃
//! [      P̃ᵀ      (1+σ) diag(c) ] [d_g] = [b − c]
//! ```

use southwell_simd::{csr, vector};

use super::curvature::{Balance, reciprocal};
use crate::Real;

/// Memory of a solve.
#[derive(Debug)]
pub(super) struct Vectors<'w, T> {
    /// 1/((1+σ) r), n
    pub(super) inverse_rows: &'w mut [T],
    /// (1+σ) c, m
    pub(super) diagonal: &'w mut [T],
    /// Jacobi's preconditioner of S, m
    pub(super) inverse: &'w mut [T],
    pub(super) residual: &'w mut [T],
    pub(super) direction: &'w mut [T],
    pub(super) product: &'w mut [T],
}

/// y ← y − P̃ᵀ (w ⊙ (P̃ x − z)) in one pass over the entries.
fn reduce<T: Real>(rows: csr::Rows<'_, T>, w: &[T], x: &[T], y: &mut [T]) {
    for (i, &w) in w.iter().enumerate() {
        let row = rows.row(i);
        csr::add_scaled(-(w * csr::dot(row, x)), row, y);
    }
}

/// Solves for d; the number of steps of conjugate gradients.
pub(super) fn solve<T: Real>(
    pattern: csr::Rows<'_, T>,
    balance: &Balance<'_, T>,
    most_steps: u32,
    vectors: &mut Vectors<'_, T>,
    d_f: &mut [T],
    d_g: &mut [T],
) -> u32 {
    let Vectors { inverse_rows, diagonal, inverse, residual, direction, product } = vectors;
    let damped = T::ONE + balance.damping;
    let mut square = T::ZERO;
    for ((w, &r), (d, &a)) in inverse_rows.iter_mut().zip(balance.rows).zip(d_f.iter_mut().zip(balance.a)) {
        *w = reciprocal(damped * r);
        *d = if *w > T::ZERO { a - r } else { T::ZERO };
        square += *d * *d;
    }
    let lines = diagonal.iter_mut().zip(inverse.iter_mut()).zip(residual.iter_mut());
    for ((((diagonal, inverse), residual), &c), &b) in lines.zip(balance.columns).zip(balance.b) {
        *diagonal = damped * c;
        *inverse = *diagonal;
        *residual = if c > T::ZERO { b - c } else { T::ZERO };
        square += *residual * *residual;
    }
    d_g.fill(T::ZERO);
    // The diagonal of S and its right-hand side.
    for (i, (&w, &gradient)) in inverse_rows.iter().zip(&*d_f).enumerate() {
        let row = pattern.row(i);
        csr::add_scaled(-(w * gradient), row, residual);
        for (&j, &p) in row.columns().iter().zip(row.values()) {
            if let Some(s) = inverse.get_mut(j as usize) {
                *s += -(w * p * p);
            }
        }
    }
    for (s, &c) in inverse.iter_mut().zip(&**diagonal) {
        // Cancellation: the diagonal of S is at least σ/(1+σ) of that of M, up to rounding.
        *s = reciprocal((*s).max(c * T::EPSILON));
    }
    let enough = balance.forcing * balance.forcing * square;
    for ((d, &r), &w) in direction.iter_mut().zip(&**residual).zip(&**inverse) {
        *d = r * w;
    }
    let mut weighted = vector::dot3(residual, residual, inverse);
    let mut steps = 0;
    while steps < most_steps && vector::dot(residual, residual) > enough {
        for ((q, &d), &c) in product.iter_mut().zip(&**direction).zip(&**diagonal) {
            *q = c * d;
        }
        reduce(pattern, inverse_rows, direction, product);
        let curvature = vector::dot(direction, product);
        let step = weighted / curvature;
        if !(curvature > T::ZERO && step.is_finite()) {
            break;
        }
        steps += 1;
        vector::axpy(step, direction, d_g);
        vector::axpy(-step, product, residual);
        let next = vector::dot3(residual, residual, inverse);
        let beta = next / weighted;
        weighted = next;
        for ((d, &r), &w) in direction.iter_mut().zip(&**residual).zip(&**inverse) {
            *d = r * w + beta * *d;
        }
    }
    // Back to the rows: d_f = (a − r − P̃ d_g)/((1+σ) r).
    for (i, (d, &w)) in d_f.iter_mut().zip(&**inverse_rows).enumerate() {
        *d = w * (*d - csr::dot(pattern.row(i), d_g));
    }
    steps
}
