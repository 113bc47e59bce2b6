//! The Newton system and its solution.
//!
//! With r = P 1, c = Pᵀ 1 of the whole coupling, P̃ its stored entries and the damping σ,
//! ```text
//! [ (1+σ) diag r      P̃      ] [Δf]     [a − r]
//! [     P̃ᵀ       (1+σ) diag c ] [Δg] = ε [b − c]
//! ```
//! is diagonally dominant, because the diagonals hold the full sums. Δf is eliminated, and conjugate gradients
//! solve S Δg = ε (b − c − P̃ᵀ d (a − r)) with S = (1+σ) diag c − P̃ᵀ diag d P̃, d = 1/((1+σ) r),
//! preconditioned by the diagonal of S. (On the whole system they take about twice as many steps, as for
//! every matrix whose graph has two colours; and where a row is nearly one entry, S has a diagonal that
//! differs by orders of magnitude from c, which a preconditioner must know.)

use southwell_simd::csr::{self, Rows};
use southwell_simd::vector;

use crate::Real;

/// Vectors of a system.
#[derive(Debug)]
pub(super) struct Vectors<'w, T> {
    /// Δf (n) and Δg (m), the solution.
    pub(super) f: &'w mut [T],
    pub(super) g: &'w mut [T],
    /// 1/((1+σ) r), 0 for an empty row.
    pub(super) inverse: &'w mut [T],
    /// The diagonal of S, inverted.
    pub(super) preconditioner: &'w mut [T],
    pub(super) residual: &'w mut [T],
    pub(super) direction: &'w mut [T],
    pub(super) product: &'w mut [T],
}

/// What a system is made of, beside its entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides<'s, T> {
    pub(super) a: &'s [T],
    pub(super) b: &'s [T],
    pub(super) rows: &'s [T],
    pub(super) columns: &'s [T],
    pub(super) epsilon: T,
    pub(super) damping: T,
}

/// y ← y − P̃ᵀ diag d P̃ x, a reading of the entries.
fn subtract_product<T: Real>(entries: Rows<'_, T>, inverse: &[T], x: &[T], y: &mut [T]) {
    for (i, &d) in inverse.iter().enumerate() {
        let row = entries.row(i);
        csr::add_scaled(-(d * csr::dot(row, x)), row, y);
    }
}

/// Solves the system to a relative residual; the steps that took. Both parts are 0 after no step.
pub(super) fn solve<T: Real>(
    entries: Rows<'_, T>,
    sides: Sides<'_, T>,
    tolerance: T,
    most: u32,
    vectors: &mut Vectors<'_, T>,
) -> u32 {
    let Sides { a, b, rows, columns, epsilon, damping } = sides;
    let Vectors { f, g, inverse, preconditioner, residual, direction, product } = vectors;
    let larger = T::ONE + damping;
    for (inverse, &r) in inverse.iter_mut().zip(rows) {
        *inverse = if r > T::ZERO { T::ONE / (larger * r) } else { T::ZERO };
    }
    // The right-hand side, and the diagonal of S.
    for ((residual, diagonal), (&b, &c)) in
        residual.iter_mut().zip(preconditioner.iter_mut()).zip(b.iter().zip(columns))
    {
        (*residual, *diagonal) = (epsilon * (b - c), larger * c);
    }
    for (i, ((&d, &a), &r)) in inverse.iter().zip(a).zip(rows).enumerate() {
        let row = entries.row(i);
        csr::add_scaled(-(d * epsilon * (a - r)), row, residual);
        for (&j, &p) in row.columns().iter().zip(row.values()) {
            if let Some(diagonal) = preconditioner.get_mut(j as usize) {
                *diagonal -= d * p * p;
            }
        }
    }
    for (diagonal, &c) in preconditioner.iter_mut().zip(columns) {
        // What cancellation leaves of a diagonal is no less than that of rounding.
        let sound = diagonal.max(c * T::EPSILON);
        *diagonal = if sound > T::ZERO { T::ONE / sound } else { T::ZERO };
    }

    g.fill(T::ZERO);
    for ((direction, &residual), &inverse) in direction.iter_mut().zip(&**residual).zip(&**preconditioner) {
        *direction = inverse * residual;
    }
    let mut rho = vector::dot(residual, direction);
    let goal = tolerance * tolerance * rho;
    let mut steps = 0;
    while steps < most && rho > goal {
        for ((product, &direction), &c) in product.iter_mut().zip(&**direction).zip(columns) {
            *product = larger * c * direction;
        }
        subtract_product(entries, inverse, direction, product);
        let curvature = vector::dot(direction, product);
        let alpha = rho / curvature;
        if !(curvature > T::ZERO && alpha.is_finite()) {
            break;
        }
        steps += 1;
        vector::axpy(alpha, direction, g);
        vector::axpy(-alpha, product, residual);
        let next = vector::dot3(residual, preconditioner, residual);
        vector::scaled_xpby(T::ONE, preconditioner, residual, next / rho, direction);
        rho = next;
    }
    for (i, ((f, &d), (&a, &r))) in f.iter_mut().zip(&**inverse).zip(a.iter().zip(rows)).enumerate() {
        *f = d * (epsilon * (a - r) - csr::dot(entries.row(i), g));
    }
    steps
}
