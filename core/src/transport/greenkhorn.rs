//! Greenkhorn: the worst row or column is made exact, one at a time.
//!
//! ```text
//! ρ(w, s) = s − w + w ln(w/s)                                      violation of a line that sums to s instead of w
//! the line with the largest ρ:  f_i ← f_i + ε ln(a_i/r_i)   or   g_j ← g_j + ε ln(b_j/c_j)
//! ```
//! ρ/ε is what the dual value gains by the line, so this is Gauss and Southwell's rule for it. The coupling is
//! stored; an update scales a line of it and corrects the sums across. Offered for small problems: a column is read
//! with a stride.
//!
//! *Step*: n + m updates, or as many as find a line to improve, then coupling and sums anew from f and g, so that no
//! drift is carried on. An update costs m or n logarithms and the line, so a step is comparable with one of Sinkhorn's
//! in memory and a few times dearer in arithmetic (2 n m logarithms and n m exponentials). *Residual*: ‖P 1 − a‖₁ +
//! ‖Pᵀ 1 − b‖₁ of the potentials that are there, free. *Scale*: the mass Σ a. *Start*: makes the rows exact for the g
//! that is handed in, as Sinkhorn's iteration does. *Memory*: n m + n + m, and costs' scratch.
//!
//! *Fails* never; as slow as Sinkhorn's iteration at a small ε, and ends as [`Status::Stalled`] where the residual is
//! rounding error.
//!
//! *Source*: Altschuler, Weed & Rigollet 2017, algorithm 4.

use southwell_simd::elementary::{exp_scalar, ln_scalar};
use southwell_simd::vector;

use super::cost::Cost;
use super::problem::{Potentials, Problem};
use super::stall::Floor;
use crate::carve::carve;
use crate::{Error, Observer, Real, Report, Run, Status, drive};

pub use super::sinkhorn::Options;

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    coupling: &'w mut [T],
    rows: &'w mut [T],
    columns: &'w mut [T],
    scratch: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns of costs with this [`Cost::scratch_len`] (m where they are
    /// stored, 2 m where they are made on the fly, 4 m of points in the plane).
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, scratch: usize) -> usize {
        let entries = rows.saturating_mul(columns);
        entries.saturating_add(rows).saturating_add(columns).saturating_add(scratch)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let lengths = [n.saturating_mul(m), n, m, problem.cost.scratch_len()];
        let [coupling, rows, columns, scratch] = carve(storage, lengths)?;
        Ok(Self { coupling, rows, columns, scratch })
    }
}

/// A run of Greenkhorn in progress.
#[derive(Debug)]
pub struct Greenkhorn<'a, T, C> {
    problem: Problem<'a, T, C>,
    x: Potentials<'a, T>,
    work: Workspace<'a, T>,
    error: T,
    floor: Floor<T>,
    steps: u32,
    asked: u32,
    updates: u64,
}

/// Begins a run from the g that is handed in.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::Dimension`] or [`Error::Value`] for potentials;
/// [`Error::Workspace`] if the workspace was carved for another problem. The potentials are untouched then.
pub fn start<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    mut x: Potentials<'a, T>,
    mut work: Workspace<'a, T>,
) -> Result<Greenkhorn<'a, T, C>, Error> {
    options.stop.check()?;
    problem.check_start(&x)?;
    let (n, m, scratch) = (problem.rows(), problem.columns(), problem.cost.scratch_len());
    let lengths = [work.coupling.len(), work.rows.len(), work.columns.len(), work.scratch.len()];
    if lengths != [n.saturating_mul(m), n, m, scratch] {
        let given = lengths.iter().fold(0_usize, |sum, &len| sum.saturating_add(len));
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n, m, scratch), given });
    }
    problem.mark_empty(&mut x);
    exact_rows(problem, &mut x, &mut work);
    let floor = Floor::new(problem);
    let error = T::INFINITY;
    let mut run = Greenkhorn { problem: *problem, x, work, error, floor, steps: 0, asked: 0, updates: 0 };
    run.form();
    Ok(run)
}

/// Solves from the g that is handed in.
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

/// The f that makes the rows exact, whatever can be expressed of the coupling before.
fn exact_rows<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    x: &mut Potentials<'_, T>,
    work: &mut Workspace<'_, T>,
) {
    let (a, epsilon, f) = (problem.a, problem.epsilon, &mut *x.f);
    let mut weigh = |i: usize, m: T, sum: T| {
        if let (Some(&a), Some(f)) = (a.get(i), f.get_mut(i))
            && a > T::ZERO
        {
            *f = epsilon * (ln_scalar(a / sum) - m);
        }
        T::ZERO
    };
    problem.cost.pass(epsilon, x.g, &mut weigh, work.columns, work.scratch);
}

/// Relative differences below which ρ is taken from its series; the next term is 10⁻⁶ of it there.
const SERIES_BELOW: f64 = 1.0 / 64.0;

/// ρ(w, s); a line without mass has none.
#[inline]
fn violation<T: Real>(w: T, s: T) -> T {
    if w == T::ZERO {
        return T::ZERO;
    }
    // ρ = w (d − ln(1 + d)), whose digits cancel for small d.
    let d = (s - w) / w;
    if d.abs() < T::from_f64(SERIES_BELOW) {
        return w * (d * d * (T::HALF - d * (T::from_f64(1.0 / 3.0) - d * (T::HALF * T::HALF))));
    }
    let ratio = (w / s.max(T::MIN_POSITIVE)).min(T::MAX);
    s - w + w * ln_scalar(ratio)
}

/// The line that violates its weight most, and by how much.
fn worst<T: Real>(weights: &[T], sums: &[T]) -> (usize, T) {
    let lines = weights.iter().zip(sums).enumerate();
    lines.fold((0, T::ZERO), |(line, most), (k, (&w, &s))| {
        let violation = violation(w, s);
        if violation > most { (k, violation) } else { (line, most) }
    })
}

/// ln(w/s), and the factor that it stands for. A line that underflowed altogether climbs until it is seen.
fn correction<T: Real>(w: T, s: T) -> (T, T) {
    let delta = ln_scalar((w / s.max(T::MIN_POSITIVE)).min(T::MAX));
    (delta, exp_scalar(delta))
}

/// Σ |s − w|
fn error<T: Real>(weights: &[T], sums: &[T]) -> T {
    weights.iter().zip(sums).fold(T::ZERO, |error, (&w, &s)| error + (s - w).abs())
}

impl<T: Real, C: Cost<T>> Greenkhorn<'_, T, C> {
    /// The coupling of the potentials, and its sums.
    fn form(&mut self) {
        let Workspace { coupling, rows, columns, scratch } = &mut self.work;
        let epsilon = self.problem.epsilon;
        columns.fill(T::ZERO);
        let lines = coupling.chunks_exact_mut(columns.len().max(1)).zip(&mut **rows).zip(&*self.x.f);
        for (i, ((p, sum), &f)) in lines.enumerate() {
            (*sum, _) = self.problem.cost.coupling_row(i, epsilon, f, self.x.g, p, scratch);
            vector::axpy(T::ONE, p, columns);
        }
        self.error = error(self.problem.a, rows) + error(self.problem.b, columns);
    }

    /// Makes the worst line exact; false if there is none.
    fn update(&mut self) -> bool {
        let (row, row_violation) = worst(self.problem.a, self.work.rows);
        let (column, column_violation) = worst(self.problem.b, self.work.columns);
        if row_violation >= column_violation {
            row_violation > T::ZERO && self.scale_row(row)
        } else {
            self.scale_column(column)
        }
    }

    fn scale_row(&mut self, row: usize) -> bool {
        let Workspace { coupling, rows, columns, .. } = &mut self.work;
        let lines = (self.problem.a.get(row), self.x.f.get_mut(row), rows.get_mut(row));
        let (Some(&a), Some(f), Some(sum)) = lines else { return false };
        let Some(p) = coupling.chunks_exact_mut(columns.len().max(1)).nth(row) else { return false };
        // What the sums across were corrected by has drifted; the line itself has not.
        let (delta, factor) = correction(a, vector::sum(p));
        *f += self.problem.epsilon * delta;
        *sum = a;
        for (p, column) in p.iter_mut().zip(&mut **columns) {
            let scaled = *p * factor;
            *column = (*column + (scaled - *p)).max(T::ZERO);
            *p = scaled;
        }
        true
    }

    fn scale_column(&mut self, column: usize) -> bool {
        let Workspace { coupling, rows, columns, .. } = &mut self.work;
        let m = columns.len().max(1);
        let lines = (self.problem.b.get(column), self.x.g.get_mut(column), columns.get_mut(column));
        let (Some(&b), Some(g), Some(sum)) = lines else { return false };
        let whole = coupling.iter().skip(column).step_by(m).fold(T::ZERO, |sum, &p| sum + p);
        let (delta, factor) = correction(b, whole);
        *g += self.problem.epsilon * delta;
        *sum = b;
        for (p, row) in coupling.iter_mut().skip(column).step_by(m).zip(&mut **rows) {
            let scaled = *p * factor;
            *row = (*row + (scaled - *p)).max(T::ZERO);
            *p = scaled;
        }
        true
    }

    /// The potentials f and g.
    #[must_use]
    pub fn potentials(&self) -> (&[T], &[T]) {
        (self.x.f, self.x.g)
    }

    /// The coupling, n × m by rows.
    #[must_use]
    pub fn coupling(&self) -> &[T] {
        self.work.coupling
    }

    /// Lines made exact so far.
    #[must_use]
    pub fn updates(&self) -> u64 {
        self.updates
    }
}

impl<T: Real, C: Cost<T>> Run for Greenkhorn<'_, T, C> {
    type Real = T;

    fn step(&mut self) {
        self.steps = self.steps.saturating_add(1);
        for _ in 0..self.problem.rows().saturating_add(self.problem.columns()) {
            if !self.update() {
                break;
            }
            self.updates = self.updates.saturating_add(1);
        }
        self.form();
    }

    fn residual(&mut self) -> T {
        if self.steps != self.asked {
            self.asked = self.steps;
            self.floor.look(self.error);
        }
        self.error
    }

    fn parameter(&self) -> T {
        T::ONE
    }

    fn scale(&self) -> T {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        self.floor.stalled().then_some(Status::Stalled)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{violation, worst};

    /// ρ(w, s) = s − w + w ln(w/s), whose digits cancel near s = w.
    #[test]
    fn a_violation_has_its_digits_near_nought_as_well() {
        for w in [0.25, 1.0, 3.0_f64] {
            for d in [-0.9, -0.25, -0.0157, -0.0156, -0.0150, -1e-3, 1e-6, 0.01, 0.0156, 0.0157, 0.5, 3.0] {
                let exact = w * (d - f64::ln_1p(d));
                let found = violation(w, w + w * d);
                assert!((found / exact - 1.0).abs() < 4e-6, "{w} {d}: {found} {exact}");
            }
            assert_eq!((violation(w, w), violation(0.0, w)), (0.0, 0.0));
        }
        assert_eq!(worst(&[1.0, 0.5, 0.0, 0.5], &[1.0, 0.25, 9.0, 0.25]), (1, violation(0.5, 0.25)));
    }
}
