//! Entropic transport whose marginals may be missed at a price, by the translation-invariant iteration.
//!
//! ```text
//! min ⟨P, C⟩ + ε Σ P (ln P − 1) + ρ₁ KL(P 1 | a) + ρ₂ KL(Pᵀ 1 | b),   KL(x | y) = Σ x ln(x/y) − x + y
//! P_ij = e^((f_i + g_j − C_ij)/ε),   optimal where  P 1 = a e^(−f/ρ₁)  and  Pᵀ 1 = b e^(−g/ρ₂)
//! f_i ← τ₁ ε (ln a_i − log Σ_j e^((g_j − C_ij)/ε)),   τ = ρ/(ρ + ε);   g likewise;   then
//! f ← f + k, g ← g − k,   k = ρ₁ρ₂/(ρ₁ + ρ₂) · ln(Σ a e^(−f/ρ₁) / Σ b e^(−g/ρ₂))
//! ```
//! The shift by k leaves P alone and makes both sides ask for the same mass. Without it a common error of f
//! and g fades by τ₁τ₂ a step only, which is slow for ρ ≫ ε. An infinite ρ is a hard constraint; with both
//! infinite this is Sinkhorn's iteration.
//!
//! *Step*: both half-steps and the shift; cost: one reading of C, an exponential and about 8 operations an
//! entry, four exponentials and a logarithm a line. *Residual*: ‖P 1 − a e^(−f/ρ₁)‖₁ + ‖Pᵀ 1 − b e^(−g/ρ₂)‖₁
//! of the potentials that are there, free. *Scale*: the larger of Σ a and Σ b. *Start*: solves the rows for
//! the g that is handed in, so a warm start needs g alone. *Memory*: n + 2 m, and more for costs made on
//! the fly.
//!
//! *Fails* never. Where it starts far off, sums overflow: exponents are cut at 300 (`f64`) and 40 (`f32`), in the
//! residual as well, which is beyond any tolerance then; lines that far out fall by as much a step until
//! they are in range. After a step that moved a column whose sum had underflowed or been cut, or that shifted by
//! far more than the costs, nobody knows what columns sum to; the step then ends by moving the rows as well, in
//! the same reading, which also says what columns sum to. It stops as [`Status::Stalled`] where the residual is
//! rounding error.
//!
//! *Source*: Chizat, Peyré, Schmitzer & Vialard 2018 (iteration); Séjourné, Vialard & Peyré 2022 (shift).

mod problem;

use southwell_simd::elementary::ln_scalar;

use super::cost::Cost;
use super::problem::Potentials;
use super::stall::Floor;
use crate::carve::carve;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};
pub use problem::Problem;
use problem::{capped_exp, highest};

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances against the larger mass, step limit, how often to look (a look is free). Default:
    /// relative 1e-9 in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
    /// Whether every step ends with the shift by k. Default true; false is the plain iteration, which is
    /// never faster.
    pub translate: bool,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-5 } else { 1e-9 };
        Self { stop: Stop::relative(T::from_f64(relative)), translate: true }
    }
}

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    /// The f of the next step.
    next: &'w mut [T],
    /// The columns' sums with the next f.
    sums: &'w mut [T],
    scratch: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns of costs with this [`Cost::scratch_len`].
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, scratch: usize) -> usize {
        rows.saturating_add(columns).saturating_add(scratch)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let lengths = [problem.rows(), problem.columns(), problem.base.cost.scratch_len()];
        let [next, sums, scratch] = carve(storage, lengths)?;
        Ok(Self { next, sums, scratch })
    }
}

/// A run in progress.
#[derive(Debug)]
pub struct Unbalanced<'a, T, C> {
    problem: Problem<'a, T, C>,
    translate: bool,
    x: Potentials<'a, T>,
    work: Workspace<'a, T>,
    row_error: T,
    column_error: T,
    /// The error that the rows will have once they are where the last reading wants them: 0 unless a potential
    /// ends at its limit.
    left_error: T,
    /// The largest factor of a row in the last reading; infinite if one was cut.
    heaviest: T,
    /// Whether `next` holds where the rows go next.
    pending: bool,
    change: T,
    mass: T,
    floor: Floor<T>,
    steps: u32,
    asked: u32,
}

/// Begins a run from the g that is handed in.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::Dimension`] or [`Error::Value`] for potentials, also where
/// g/ε overflows; [`Error::Workspace`] if the workspace was carved for another problem. The potentials
/// are untouched then.
pub fn start<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    mut x: Potentials<'a, T>,
    work: Workspace<'a, T>,
) -> Result<Unbalanced<'a, T, C>, Error> {
    options.stop.check()?;
    let base = &problem.base;
    base.check_start(&x)?;
    let scaled = |g: T| (T::from_u32(4) * (g / base.epsilon)).is_finite();
    if let Some(index) = x.g.iter().zip(base.b).position(|(&g, &b)| b > T::ZERO && !scaled(g)) {
        return Err(Error::Value { argument: "g", index });
    }
    let (n, m, scratch) = (problem.rows(), problem.columns(), base.cost.scratch_len());
    if work.next.len() != n || work.sums.len() != m || work.scratch.len() != scratch {
        let given = work.next.len().saturating_add(work.sums.len()).saturating_add(work.scratch.len());
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n, m, scratch), given });
    }
    base.mark_empty(&mut x);
    let mut run = Unbalanced {
        problem: *problem,
        translate: options.translate,
        x,
        work,
        row_error: T::ZERO,
        column_error: T::ZERO,
        left_error: T::ZERO,
        heaviest: T::ZERO,
        pending: false,
        change: T::INFINITY,
        mass: T::ZERO,
        floor: Floor::new(base),
        steps: 0,
        asked: 0,
    };
    run.make_rows_exact();
    run.change = T::INFINITY;
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

impl<T: Real, C: Cost<T>> Unbalanced<'_, T, C> {
    /// Reads the costs: the error of the rows as they are, where they go next, and the columns' sums there.
    fn read(&mut self) {
        let (limit, cut) = (self.limit(), T::from_u32(highest::<T>()));
        let Workspace { next, sums, scratch } = &mut self.work;
        let (base, price) = (&self.problem.base, self.problem.rows);
        let (epsilon, a, f) = (base.epsilon, base.a, &*self.x.f);
        let (mut error, mut left, mut heaviest) = (T::ZERO, T::ZERO, T::ZERO);
        let mut weigh = |i: usize, m: T, sum: T| {
            let (Some(&a), Some(&f), Some(next)) = (a.get(i), f.get(i), next.get_mut(i)) else {
                return T::ZERO;
            };
            if a == T::ZERO {
                *next = -T::INFINITY;
                return T::ZERO;
            }
            error += price.off(a, f, f / epsilon + m, sum);
            let wanted = price.damping * (epsilon * (ln_scalar(a / sum) - m));
            *next = wanted.max(-limit).min(limit);
            if *next != wanted {
                left += price.off(a, *next, *next / epsilon + m, sum);
            }
            let exponent = *next / epsilon + m;
            let weight = capped_exp(exponent);
            heaviest = heaviest.max(if exponent > cut { T::INFINITY } else { weight });
            weight
        };
        base.cost.pass(epsilon, self.x.g, &mut weigh, sums, scratch);
        (self.row_error, self.left_error, self.heaviest) = (error, left, heaviest);
        self.pending = true;
    }

    /// Where a potential is still worth something: beyond, a multiple of ε has no digits. Prices far from ε
    /// could drive potentials out of the type's range.
    fn limit(&self) -> T {
        self.problem.base.epsilon / T::EPSILON + T::from_u32(4) * self.problem.base.cost.largest()
    }

    /// Moves the rows to where the last reading wants them; `next` keeps by how much.
    fn take_rows(&mut self) {
        for ((f, next), &a) in self.x.f.iter_mut().zip(&mut *self.work.next).zip(self.problem.base.a) {
            if a > T::ZERO {
                let old = core::mem::replace(f, *next);
                *next = *f - old;
            }
        }
        self.pending = false;
    }

    /// Reads the costs and makes the rows exact for the columns as they are; columns are off by what the same reading
    /// says.
    fn make_rows_exact(&mut self) {
        self.read();
        self.take_rows();
        self.row_error = self.left_error;
        self.measure_columns();
        let lines = self.work.next.iter().zip(self.problem.base.a).filter(|(_, a)| **a > T::ZERO);
        let moved = lines.fold(T::ZERO, |most, (moved, _)| most.max(moved.abs()));
        self.change += moved;
    }

    /// Moves the columns, knowing what they sum to; `sums` keeps what they sum to then. False if that cannot be known:
    /// a column has underflowed, or what it has or lacks is beyond the range.
    fn take_columns(&mut self) -> bool {
        let (epsilon, damping) = (self.problem.base.epsilon, self.problem.columns.damping);
        let limit = self.limit();
        // What underflowed in a sum is below its rounding from here on. (Infinite where a row was cut.)
        let rows = T::from_usize(self.problem.rows());
        let faint = T::MIN_POSITIVE / T::EPSILON * rows * self.heaviest.max(T::ONE);
        let cut = T::from_u32(highest::<T>());
        let mut seen = true;
        for ((g, t), &b) in self.x.g.iter_mut().zip(&mut *self.work.sums).zip(self.problem.base.b) {
            if b > T::ZERO {
                // A column that underflowed altogether climbs until it is seen.
                let wanted = *g + epsilon * ln_scalar((b / t.max(T::MIN_POSITIVE)).min(T::MAX));
                let new = (damping * wanted).max(-limit).min(limit);
                let rise = (new - *g) / epsilon;
                seen &= *t >= faint && rise <= cut;
                *t *= capped_exp(rise);
                *g = new;
            }
        }
        seen
    }

    /// Shifts f up and g down; by how much f has changed since the rows were moved. False if the potentials were so large
    /// before that what is known of the sums has fewer digits than what they are now.
    fn shift(&mut self) -> bool {
        let k = if self.translate { self.problem.shift(&self.x) } else { T::ZERO };
        let (a, b) = (self.problem.base.a, self.problem.base.b);
        self.change = T::ZERO;
        let limit = self.limit();
        for ((f, &moved), &a) in self.x.f.iter_mut().zip(&*self.work.next).zip(a) {
            if a > T::ZERO {
                *f = (*f + k).max(-limit).min(limit);
                self.change = self.change.max((moved + k).abs());
            }
        }
        for (g, &b) in self.x.g.iter_mut().zip(b) {
            if b > T::ZERO {
                *g = (*g - k).max(-limit).min(limit);
            }
        }
        k.abs() <= T::from_u32(4) * (self.problem.base.epsilon + self.problem.base.cost.largest())
    }

    /// The error of the columns, and the mass, from what they sum to.
    fn measure_columns(&mut self) {
        let price = self.problem.columns;
        (self.column_error, self.mass) = (T::ZERO, T::ZERO);
        if !self.heaviest.is_finite() {
            self.column_error = capped_exp(T::INFINITY) * self.problem.base.mass.max(T::ONE);
        }
        for ((&g, &t), &b) in self.x.g.iter().zip(&*self.work.sums).zip(self.problem.base.b) {
            if b > T::ZERO {
                self.column_error += price.off(b, g, T::ZERO, t);
                self.mass += t;
            }
        }
    }

    /// ‖P 1 − a e^(−f/ρ₁)‖₁ and ‖Pᵀ 1 − b e^(−g/ρ₂)‖₁ of the potentials.
    #[must_use]
    pub fn errors(&self) -> (T, T) {
        (self.row_error, self.column_error)
    }

    /// max |Δf| of the last step, or a bound of it where a column had underflowed, in the unit of the costs;
    /// infinite before the first.
    #[must_use]
    pub fn change(&self) -> T {
        self.change
    }

    /// Σ P, the mass that is moved.
    #[must_use]
    pub fn mass(&self) -> T {
        self.mass
    }

    /// The potentials f and g.
    #[must_use]
    pub fn potentials(&self) -> (&[T], &[T]) {
        (self.x.f, self.x.g)
    }
}

impl<T: Real, C: Cost<T>> Run for Unbalanced<'_, T, C> {
    type Real = T;

    fn step(&mut self) {
        self.steps = self.steps.saturating_add(1);
        // Where a reading has just been used up for the rows, they stay.
        if self.pending {
            self.take_rows();
        }
        let seen = self.take_columns();
        if self.shift() && seen {
            self.measure_columns();
            self.read();
        } else {
            self.make_rows_exact();
        }
    }

    fn residual(&mut self) -> T {
        let residual = self.row_error + self.column_error;
        if self.steps != self.asked {
            self.asked = self.steps;
            self.floor.look(residual);
        }
        residual
    }

    fn parameter(&self) -> T {
        self.problem.base.epsilon
    }

    fn scale(&self) -> T {
        self.problem.base.mass
    }

    fn failure(&self) -> Option<Status> {
        self.floor.stalled().then_some(Status::Stalled)
    }
}
