//! Newton's method with the whole coupling, for small problems: Cholesky's factorisation of the system
//! reduced to the columns.
//!
//! ```text
//! S = (1+σ) diag(c) − Pᵀ diag((1+σ) r)⁻¹ P = L Lᵀ,   S d_g = (b − c) − Pᵀ diag((1+σ) r)⁻¹ (a − r)
//! ```
//! Everything else is as in the [sparse kind](super): steps, residual, line search, rescues. *Cost* of a
//! Newton step besides its readings: n m²/2 + m³/6 multiplications and as many additions; *memory*: n m + m²
//! and 5 n + 5 m. A pivot that is rounding error (the gauge: f + t and g − t are one coupling; a column without mass)
//! leaves its unknown 0.

use southwell_simd::elementary::exp_scalar;
use southwell_simd::vector;

use super::Options;
use super::curvature::{Balance, Curvature, reciprocal};
use super::run::{Newton, begin};
use super::workspace::Iterate;
use crate::carve::carve;
use crate::transport::cost::Cost;
use crate::transport::problem::{Potentials, Problem};
use crate::{Error, Observer, Real, Report, drive};

/// Pivots below this many roundings of their diagonal entry are none.
const ROUNDINGS: u32 = 64;

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    iterate: Iterate<'w, T>,
    dense: Dense<'w, T>,
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns of costs with this [`Cost::scratch_len`] (m where they are
    /// stored, 2 m where they are made on the fly, 4 m of points in the plane): n m + m² + 5 n + 5 m + scratch.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, scratch: usize) -> usize {
        let matrices = rows.saturating_add(columns).saturating_mul(columns).saturating_add(rows);
        matrices.saturating_add(Iterate::<T>::required_len(rows, columns, scratch))
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (n, m, scratch) = (problem.rows(), problem.columns(), problem.cost.scratch_len());
        let needed = Self::required_len(n, m, scratch);
        if storage.len() < needed {
            return Err(Error::Workspace { needed, given: storage.len() });
        }
        let rest = Iterate::<T>::required_len(n, m, scratch);
        let [p, s, inverse_rows, rest] = carve(storage, [n.saturating_mul(m), m.saturating_mul(m), n, rest])?;
        Ok(Self { iterate: Iterate::new(problem, rest)?, dense: Dense { p, s, inverse_rows } })
    }
}

/// The whole coupling, and the reduced system.
#[derive(Debug)]
pub struct Dense<'w, T> {
    /// P by rows
    p: &'w mut [T],
    /// S by rows, then L in its lower half, with the diagonal inverted
    s: &'w mut [T],
    inverse_rows: &'w mut [T],
}

/// Begins a run from the potentials that are handed in. [`Options::dropped`] and those of
/// conjugate gradients are not used.
///
/// # Errors
/// As [`newton::start`](super::start).
pub fn start<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    x: Potentials<'a, T>,
    workspace: Workspace<'a, T>,
) -> Result<Newton<'a, T, C, Dense<'a, T>>, Error> {
    begin(problem, options, x, workspace.iterate, workspace.dense)
}

/// Solves from the potentials that are handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    options: &Options<T>,
    x: Potentials<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}

/// L Lᵀ = S in the lower half, the diagonal of L inverted; a pivot of rounding error counts as infinite.
fn factorise<T: Real>(s: &mut [T], columns: &[T]) {
    let m = columns.len();
    for (j, &c) in columns.iter().enumerate() {
        let Some((above, rest)) = s.split_at_mut_checked(j * m) else { return };
        let Some(row) = rest.get_mut(..=j) else { return };
        for (k, other) in above.chunks_exact(m.max(1)).enumerate() {
            let (Some((known, current)), Some((factors, inverse))) = (
                row.split_at_mut_checked(k).and_then(|(known, rest)| rest.first_mut().map(|c| (known, c))),
                other.split_at_checked(k).and_then(|(factors, rest)| rest.first().map(|c| (factors, c))),
            ) else {
                return;
            };
            *current = (*current - vector::dot(known, factors)) * *inverse;
        }
        if let Some((pivot, known)) = row.split_last_mut() {
            let left = *pivot - vector::dot(known, known);
            let none = left <= T::from_u32(ROUNDINGS) * T::EPSILON * c;
            *pivot = if none { T::ZERO } else { reciprocal(left.sqrt()) };
        }
    }
}

/// x ← S⁻¹ x by the factors.
fn substitute<T: Real>(s: &[T], x: &mut [T]) {
    let m = x.len();
    let rows = || s.chunks_exact(m.max(1)).take(m).enumerate();
    for (j, row) in rows() {
        if let (Some((known, rest)), Some(factors), Some(&inverse)) =
            (x.split_at_mut_checked(j), row.get(..j), row.get(j))
            && let Some(current) = rest.first_mut()
        {
            *current = (*current - vector::dot(factors, known)) * inverse;
        }
    }
    for (j, row) in rows().rev() {
        if let (Some((others, rest)), Some(factors), Some(&inverse)) =
            (x.split_at_mut_checked(j), row.get(..j), row.get(j))
            && let Some(current) = rest.first_mut()
        {
            *current *= inverse;
            vector::axpy(-*current, factors, others);
        }
    }
}

impl<T: Real> Curvature<T> for Dense<'_, T> {
    fn begin(&mut self) {}

    fn row(&mut self, i: usize, p: &[T], _largest: T) {
        let begin = i.saturating_mul(p.len());
        if let Some(row) = self.p.get_mut(begin..begin.saturating_add(p.len())) {
            for (kept, &p) in row.iter_mut().zip(p) {
                *kept = p;
            }
        }
    }

    fn settle(&mut self, _total: T) -> bool {
        true
    }

    fn solve(&mut self, balance: &Balance<'_, T>, d_f: &mut [T], d_g: &mut [T]) -> u32 {
        let m = d_g.len();
        let damped = T::ONE + balance.damping;
        self.s.fill(T::ZERO);
        for ((d, &b), &c) in d_g.iter_mut().zip(balance.b).zip(balance.columns) {
            *d = if c > T::ZERO { b - c } else { T::ZERO };
        }
        for (j, (row, &c)) in self.s.chunks_exact_mut(m.max(1)).zip(balance.columns).enumerate() {
            if let Some(s) = row.get_mut(j) {
                *s = damped * c;
            }
        }
        let lines = self.inverse_rows.iter_mut().zip(d_f.iter_mut()).zip(balance.rows.iter().zip(balance.a));
        for (((w, d), (&r, &a)), p) in lines.zip(self.p.chunks_exact(m.max(1))) {
            *w = reciprocal(damped * r);
            *d = if *w > T::ZERO { a - r } else { T::ZERO };
            vector::axpy(-(*w * *d), p, d_g);
            for (j, (row, &factor)) in self.s.chunks_exact_mut(m.max(1)).zip(p).enumerate() {
                if let (Some(lower), true) = (row.get_mut(..=j), factor > T::ZERO) {
                    vector::axpy(-(*w * factor), p, lower);
                }
            }
        }
        factorise(self.s, balance.columns);
        substitute(self.s, d_g);
        for ((d, &w), p) in d_f.iter_mut().zip(&*self.inverse_rows).zip(self.p.chunks_exact(m.max(1))) {
            *d = w * (*d - vector::dot(p, d_g));
        }
        0
    }

    fn excess(&self, step: T, d_f: &[T], d_g: &[T]) -> T {
        let mut sum = T::ZERO;
        for (&d_f, p) in d_f.iter().zip(self.p.chunks_exact(d_g.len().max(1))) {
            for (&d_g, &p) in d_g.iter().zip(p) {
                let t = d_f + d_g;
                if p > T::ZERO {
                    sum += p * (t * (exp_scalar(step * t) - T::ONE));
                }
            }
        }
        sum
    }

    fn len(&self) -> usize {
        self.p.len()
    }

    fn clipped(&self) -> bool {
        false
    }
}
