//! The nearest thing to a coupling that has its marginals exactly, without storing one.
//!
//! ```text
//! x_i = min(1, a_i/(P 1)_i),    P' = diag(x) P
//! y_j = min(1, b_j/(P'ᵀ 1)_j),  P'' = P' diag(y)
//! P̂  = P'' + (a − P'' 1)(b − P''ᵀ 1)ᵀ/s,  s = Σ (a − P'' 1)
//! ```
//! P̂ ≥ 0, P̂ 1 = a, P̂ᵀ 1 = b, and ‖P̂ − P‖₁ ≤ 2 (‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁): whatever an iteration left
//! is made feasible, by no more than its error.
//!
//! Rows are kept as x_i (P 1)_i = min(a_i, (P 1)_i), so that potentials whose coupling over- or underflows are
//! rounded as well. Lines without mass stay empty. *Cost*: two readings of C and an exponential an entry in
//! each; every row handed out later is computed anew. *Memory*: 2 n + 6 m, and m more for costs made on the
//! fly.
//!
//! *Source*: Altschuler, Weed & Rigollet 2017, algorithm 2.

use southwell_simd::elementary::{self, exp_scalar};
use southwell_simd::vector;

use super::cost::Cost;
use super::problem::Problem;
use super::reading::{Sum, buffer_len, check_potentials, copy_marked, shape, total};
use crate::carve::carve;
use crate::linear::check_len;
use crate::{Error, Real};

/// Memory of a rounded coupling, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    share: &'w mut [T],
    row_rest: &'w mut [T],
    y: &'w mut [T],
    column_rest: &'w mut [T],
    g: &'w mut [T],
    row: &'w mut [T],
    logs: &'w mut [T],
    sums: &'w mut [T],
    buffer: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns of costs that are stored, or made on the fly.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, stored: bool) -> usize {
        let lines = rows.saturating_mul(2).saturating_add(columns.saturating_mul(6));
        lines.saturating_add(buffer_len(columns, stored))
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let lengths = [n, n, m, m, m, m, m, m, buffer_len(m, problem.cost.is_stored())];
        let [share, row_rest, y, column_rest, g, row, logs, sums, buffer] = carve(storage, lengths)?;
        Ok(Self { share, row_rest, y, column_rest, g, row, logs, sums, buffer })
    }
}

/// A coupling with exact marginals, as factors and a correction of rank one.
#[derive(Debug)]
pub struct Rounded<'a, T, C> {
    problem: Problem<'a, T, C>,
    work: Workspace<'a, T>,
    rest: T,
    mass: T,
}

/// What a rounded coupling costs, and how well it keeps its promise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value<T> {
    /// ⟨P̂, C⟩
    pub cost: T,
    /// ⟨P̂, C⟩ + ε Σ P̂ (ln P̂ − 1)
    pub primal: T,
    /// ‖P̂ 1 − a‖₁, rounding errors only: below about (1 + m/16)·[`EPSILON`](Real::EPSILON)·Σ a.
    pub row_error: T,
    /// ‖P̂ᵀ 1 − b‖₁, rounding errors and the difference of the masses: below about
    /// (1 + n)·[`EPSILON`](Real::EPSILON)·Σ b + |Σ a − Σ b|.
    pub column_error: T,
}

/// Rounds the coupling of potentials.
///
/// # Errors
/// [`Error::Dimension`] and [`Error::Value`] for potentials (those of lines without mass are not looked at);
/// [`Error::Workspace`] if the workspace was carved for another problem.
pub fn round<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    f: &[T],
    g: &[T],
    mut work: Workspace<'a, T>,
) -> Result<Rounded<'a, T, C>, Error> {
    check_potentials(problem, f, g)?;
    let (n, m, stored) = (problem.rows(), problem.columns(), problem.cost.is_stored());
    if work.share.len() != n || work.y.len() != m || work.buffer.len() != buffer_len(m, stored) {
        let given = [work.share.len(), work.y.len(), work.buffer.len()];
        let given = 2 * given[0] + 6 * given[1] + given[2];
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n, m, stored), given });
    }
    copy_marked(problem.b, g, work.g);
    let mass = scale_rows(problem, f, &mut work);
    for ((y, &sum), &b) in work.y.iter_mut().zip(&*work.sums).zip(problem.b) {
        *y = if sum > b { b / sum } else { T::ONE };
    }
    let rest = fill_up(problem, &mut work);
    Ok(Rounded { problem: *problem, work, rest, mass })
}

/// min(a, P 1), and the columns' sums with the rows scaled to that; Σ P.
fn scale_rows<T: Real, C: Cost<T>>(problem: &Problem<'_, T, C>, f: &[T], work: &mut Workspace<'_, T>) -> T {
    work.sums.fill(T::ZERO);
    let mut mass = Sum::new();
    for (i, ((share, &a), &f)) in work.share.iter_mut().zip(problem.a).zip(f).enumerate() {
        *share = T::ZERO;
        if a == T::ZERO {
            continue;
        }
        let c = problem.cost.row(i, work.buffer);
        let (m, sum) = shape(problem.epsilon, work.g, c, work.row);
        let exponent = f / problem.epsilon;
        if sum == T::ZERO {
            // Nothing can be said of an infinity against an infinity.
            mass.add(if m < T::ZERO && exponent.is_finite() { T::ZERO } else { T::INFINITY });
            continue;
        }
        let whole = exp_scalar(exponent + m) * sum;
        mass.add(whole);
        *share = a.min(whole);
        vector::axpy(*share / sum, work.row, work.sums);
    }
    mass.value()
}

/// What the scaled coupling lacks, in rows and columns; the larger of both sums.
fn fill_up<T: Real, C: Cost<T>>(problem: &Problem<'_, T, C>, work: &mut Workspace<'_, T>) -> T {
    work.sums.fill(T::ZERO);
    for (i, ((rest, &share), &a)) in work.row_rest.iter_mut().zip(&*work.share).zip(problem.a).enumerate() {
        *rest = a;
        if share > T::ZERO {
            let c = problem.cost.row(i, work.buffer);
            let (_, sum) = shape(problem.epsilon, work.g, c, work.row);
            scale_row(share / sum, work.y, work.row);
            vector::axpy(T::ONE, work.row, work.sums);
            *rest = (a - vector::sum(work.row)).max(T::ZERO);
        }
    }
    for ((rest, &sum), &b) in work.column_rest.iter_mut().zip(&*work.sums).zip(problem.b) {
        *rest = (b - sum).max(T::ZERO);
    }
    let (rows, columns) = (total(work.row_rest.iter().copied()), total(work.column_rest.iter().copied()));
    // With one of them 0 the other is rounding error, and there is nothing to hand out.
    if rows > T::ZERO && columns > T::ZERO { rows.max(columns) } else { T::ZERO }
}

/// e ← w e ⊙ y
fn scale_row<T: Real>(w: T, y: &[T], e: &mut [T]) {
    vector::multiply(y, e);
    vector::scale(w, e);
}

impl<T: Real, C: Cost<T>> Rounded<'_, T, C> {
    /// Row i of P̂. Cost: a row of C and an exponential an entry.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `out` has not one element for each column, or there is no such row.
    pub fn row(&mut self, row: usize, out: &mut [T]) -> Result<(), Error> {
        check_len("out", out.len(), self.problem.columns())?;
        if row >= self.problem.rows() {
            return Err(Error::Dimension { argument: "row", expected: self.problem.rows(), given: row });
        }
        self.fill_row(row, out);
        Ok(())
    }

    fn fill_row(&mut self, row: usize, out: &mut [T]) {
        let (Some(&share), Some(&rest)) = (self.work.share.get(row), self.work.row_rest.get(row)) else {
            return;
        };
        out.fill(T::ZERO);
        if share > T::ZERO {
            let c = self.problem.cost.row(row, self.work.buffer);
            let (_, sum) = shape(self.problem.epsilon, self.work.g, c, out);
            scale_row(share / sum, self.work.y, out);
        }
        if rest > T::ZERO && self.rest > T::ZERO {
            vector::axpy(rest / self.rest, self.work.column_rest, out);
        }
    }

    /// Costs and marginals of P̂. Cost: one reading of C, an exponential and a logarithm an entry.
    pub fn evaluate(&mut self) -> Value<T> {
        let (epsilon, a, b) = (self.problem.epsilon, self.problem.a, self.problem.b);
        let (mut cost, mut entropy, mut error) = (Sum::new(), Sum::new(), Sum::new());
        self.work.sums.fill(T::ZERO);
        for (i, &a) in a.iter().enumerate() {
            let row = core::mem::take(&mut self.work.row);
            self.fill_row(i, row);
            cost.add(vector::dot(row, self.problem.cost.row(i, self.work.buffer)));
            let sum = vector::sum(row);
            error.add((sum - a).abs());
            vector::axpy(T::ONE, row, self.work.sums);
            entropy.add(x_ln_x(row, self.work.logs) - sum);
            self.work.row = row;
        }
        let cost = cost.value();
        let columns = self.work.sums.iter().zip(b);
        Value {
            cost,
            primal: cost + epsilon * entropy.value(),
            row_error: error.value(),
            column_error: total(columns.map(|(&sum, &b)| (sum - b).abs())),
        }
    }

    /// Σ P of the coupling that was rounded.
    #[must_use]
    pub fn mass_before(&self) -> T {
        self.mass
    }

    /// s, the mass that the correction of rank one moves.
    #[must_use]
    pub fn corrected(&self) -> T {
        self.rest
    }
}

/// Σ x ln x, 0 ln 0 = 0; `logs` is as long and comes out overwritten.
fn x_ln_x<T: Real>(x: &[T], logs: &mut [T]) -> T {
    for (log, &x) in logs.iter_mut().zip(x) {
        *log = x.max(T::MIN_POSITIVE);
    }
    elementary::ln_in_place(logs);
    vector::dot(x, logs)
}
