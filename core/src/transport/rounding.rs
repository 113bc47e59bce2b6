//! An exactly feasible coupling near one that is not, without storing either.
//!
//! With P the coupling of the potentials and r = P 1,
//! ```text
//! x_i = min(a_i/r_i, 1),  P' = diag(x) P,   y_j = min(b_j/c'_j, 1) with c' = P'ᵀ 1,   P'' = P' diag(y)
//! p = a − P'' 1 ≥ 0,  q = b − P''ᵀ 1 ≥ 0,   P̂ = P'' + p qᵀ/s,  s = Σ p = Σ q
//! ```
//! P̂ has the marginals a and b up to rounding, is nowhere negative, and ‖P̂ − P‖₁ ≤ 2 (‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁).
//! It is kept as x, y, p, q and s. Cost: two readings of C. *Source*: Altschuler, Weed & Rigollet 2017,
//! algorithm 2.

use southwell_simd::{elementary, vector};

use super::cost::Cost;
use super::problem::Problem;
use crate::carve::carve;
use crate::linear::check_len;
use crate::{Error, Real};

/// The feasible coupling P̂ of potentials.
#[derive(Debug)]
pub struct Rounded<'w, T, C> {
    problem: Problem<'w, T, C>,
    f: &'w [T],
    g: &'w [T],
    x: &'w mut [T],
    y: &'w mut [T],
    p: &'w mut [T],
    q: &'w mut [T],
    row: &'w mut [T],
    buffer: &'w mut [T],
    /// 1/s, or 0 where nothing is missing.
    inverse: T,
    row_error: T,
    column_error: T,
}

impl<'w, T: Real, C: Cost<T>> Rounded<'w, T, C> {
    /// Elements needed for n rows and m columns of costs that are [stored](Cost::is_stored) or not.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, stored: bool) -> usize {
        let lines = rows.saturating_add(columns).saturating_mul(2);
        lines.saturating_add(columns.saturating_mul(if stored { 1 } else { 2 }))
    }

    /// Rounds the coupling of the potentials f and g. Potentials that overflow give a coupling of which
    /// nothing is kept but a and b: p qᵀ/s alone.
    ///
    /// # Errors
    /// [`Error::Dimension`] for potentials of another length than the marginals; [`Error::Workspace`] if
    /// `storage` is too short.
    pub fn new(
        problem: &Problem<'w, T, C>,
        f: &'w [T],
        g: &'w [T],
        storage: &'w mut [T],
    ) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        check_len("f", f.len(), n)?;
        check_len("g", g.len(), m)?;
        let buffer = if problem.cost.is_stored() { 0 } else { m };
        let [x, y, p, q, row, buffer] = carve(storage, [n, m, n, m, m, buffer])?;
        let mut rounded = Self {
            problem: *problem,
            f,
            g,
            x,
            y,
            p,
            q,
            row,
            buffer,
            inverse: T::ZERO,
            row_error: T::ZERO,
            column_error: T::ZERO,
        };
        rounded.scale_down();
        rounded.fill_up();
        Ok(rounded)
    }

    /// One row of P into `row`; its sum.
    fn read(&mut self, i: usize) -> T {
        let f = self.f.get(i).copied().unwrap_or(T::ZERO);
        self.problem.cost.coupling_row(i, self.problem.epsilon, f, self.g, self.row, self.buffer).0
    }

    /// x and y, and the errors of P on the way; `q` holds the columns' sums of P first.
    fn scale_down(&mut self) {
        self.y.fill(T::ZERO);
        self.q.fill(T::ZERO);
        for i in 0..self.f.len() {
            let sum = self.read(i);
            let Some(&a) = self.problem.a.get(i) else { continue };
            self.row_error += (sum - a).abs();
            let factor = if sum > a { a / sum } else { T::ONE };
            // An infinite sum, or none, leaves nothing to keep.
            let factor = if sum.is_finite() { factor } else { T::ZERO };
            if let Some(x) = self.x.get_mut(i) {
                *x = factor;
            }
            vector::axpy(T::ONE, self.row, self.q);
            if factor > T::ZERO {
                vector::axpy(factor, self.row, self.y);
            }
        }
        let columns = self.y.iter_mut().zip(&*self.q).zip(self.problem.b);
        for ((y, &sum), &b) in columns {
            self.column_error += (sum - b).abs();
            *y = if *y > b { b / *y } else { T::ONE };
        }
    }

    /// What is missing: p and q. Rounding may leave a little less than nothing, which is cut.
    fn fill_up(&mut self) {
        self.q.fill(T::ZERO);
        for i in 0..self.f.len() {
            let x = self.x.get(i).copied().unwrap_or(T::ZERO);
            let mut kept = T::ZERO;
            if x > T::ZERO {
                self.read(i);
                vector::multiply(self.y, self.row);
                kept = x * vector::sum(self.row);
                vector::axpy(x, self.row, self.q);
            }
            if let (Some(p), Some(&a)) = (self.p.get_mut(i), self.problem.a.get(i)) {
                *p = (a - kept).max(T::ZERO);
            }
        }
        for (q, &b) in self.q.iter_mut().zip(self.problem.b) {
            *q = (b - *q).max(T::ZERO);
        }
        let (rows, columns) = (vector::sum(self.p), vector::sum(self.q));
        let most = rows.max(columns);
        self.inverse = if most > T::ZERO { T::ONE / most } else { T::ZERO };
    }

    /// ‖P 1 − a‖₁ and ‖Pᵀ 1 − b‖₁ of the coupling before it was rounded.
    #[must_use]
    pub fn errors(&self) -> (T, T) {
        (self.row_error, self.column_error)
    }

    /// A row of P̂. Cost: one row of C, with its exponentials.
    pub fn row(&mut self, i: usize, out: &mut [T]) {
        self.make_row(i);
        for (out, &p) in out.iter_mut().zip(&*self.row) {
            *out = p;
        }
    }

    fn make_row(&mut self, i: usize) {
        let x = self.x.get(i).copied().unwrap_or(T::ZERO);
        if x > T::ZERO {
            self.read(i);
            vector::multiply(self.y, self.row);
            vector::scale(x, self.row);
        } else {
            self.row.fill(T::ZERO);
        }
        let p = self.p.get(i).copied().unwrap_or(T::ZERO);
        vector::axpy(p * self.inverse, self.q, self.row);
    }

    /// ⟨P̂, C⟩ and Σ P̂ (ln P̂ − 1). Cost: one reading of C, with an exponential and a logarithm an entry.
    #[must_use]
    pub fn cost_and_entropy(&mut self) -> (T, T) {
        let (mut cost, mut entropy) = (T::ZERO, T::ZERO);
        for i in 0..self.f.len() {
            self.make_row(i);
            cost += vector::dot(self.problem.cost.row(i, self.buffer), self.row);
            entropy += entropy_of(self.row);
        }
        (cost, entropy)
    }
}

/// Entries whose logarithms are taken together.
const BLOCK: usize = 64;

/// Σ p (ln p − 1) with 0 ln 0 = 0.
fn entropy_of<T: Real>(row: &[T]) -> T {
    let mut sum = T::ZERO;
    let mut logarithms = [T::ZERO; BLOCK];
    for row in row.chunks(BLOCK) {
        for (l, &p) in logarithms.iter_mut().zip(row) {
            // The smallest number stands for 0: the product is 0 all the same.
            *l = p.max(T::MIN_POSITIVE);
        }
        elementary::ln_in_place(&mut logarithms);
        for (l, &p) in logarithms.iter().zip(row) {
            sum += p * (*l - T::ONE);
        }
    }
    sum
}
