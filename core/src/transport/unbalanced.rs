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
//! they are in range. A column whose sum underflows counts with what it would sum to had it not. It stops as [`Status::Stalled`] where the residual is rounding error.
//!
//! *Source*: Chizat, Peyré, Schmitzer & Vialard 2018 (iteration); Séjourné, Vialard & Peyré 2022 (shift).

use southwell_simd::elementary::{exp_scalar, ln_scalar};

use super::cost::Cost;
use super::problem::{self, Potentials, check_epsilon, check_marginal};
use super::stall::Floor;
use crate::carve::carve;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// Unbalanced transport, borrowed and checked: costs C (n × m), marginals a (n) and b (m) of any mass, the
/// weight ε of the entropy and the prices ρ₁, ρ₂ of missing a and b, all in the unit of the costs.
///
/// A row or column of mass 0 is allowed: its potential is −∞ and its line of the coupling 0.
#[derive(Debug)]
pub struct Problem<'a, T, C> {
    base: problem::Problem<'a, T, C>,
    rows: Price<T>,
    columns: Price<T>,
}

/// Borrowed, so copying one is free whatever the costs are.
impl<T: Copy, C> Clone for Problem<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, C> Copy for Problem<'_, T, C> {}

/// What missing a marginal costs.
#[derive(Clone, Copy, Debug)]
struct Price<T> {
    /// 1/ρ, 0 for a hard constraint.
    inverse: T,
    /// ρ/(ρ + ε)
    damping: T,
}

impl<T: Real> Price<T> {
    fn new(name: &'static str, rho: T, epsilon: T) -> Result<Self, Error> {
        let inverse = T::ONE / rho;
        if rho > T::ZERO && inverse.is_finite() {
            Ok(Self { inverse, damping: T::ONE / (T::ONE + epsilon * inverse) })
        } else {
            Err(Error::Option { name, requirement: "must be positive (infinite: a hard constraint)" })
        }
    }

    /// weight · e^(−potential/ρ), what a line shall sum to.
    fn target(&self, weight: T, potential: T) -> T {
        weight * capped_exp(-(potential * self.inverse))
    }

    /// ln Σ weight · e^(−potential/ρ) over the lines that have a weight.
    fn log_mass(&self, weights: &[T], potential: &[T]) -> T {
        let lines = || weights.iter().zip(potential).filter(|(w, _)| **w > T::ZERO);
        let largest = lines().fold(-T::INFINITY, |m, (_, &p)| m.max(-(p * self.inverse)));
        let sum = lines().fold(T::ZERO, |s, (&w, &p)| s + w * exp_scalar(-(p * self.inverse) - largest));
        largest + ln_scalar(sum)
    }
}

impl<'a, T: Real, C: Cost<T>> Problem<'a, T, C> {
    /// Checks the marginals, ε and the prices. Cost: one pass over a and b.
    ///
    /// # Errors
    /// As the balanced [`Problem`](problem::Problem::new), but masses may differ where a price is finite
    /// (with two infinite prices they must not); [`Error::Option`] for a price that is not positive or
    /// whose reciprocal overflows.
    pub fn new(
        cost: &'a C,
        a: &'a [T],
        b: &'a [T],
        epsilon: T,
        (row_price, column_price): (T, T),
    ) -> Result<Self, Error> {
        let mass = check_marginal("a", a, cost.rows())?.max(check_marginal("b", b, cost.columns())?);
        check_epsilon(epsilon, cost.largest())?;
        // Potentials are up to this many ε, and shifted by up to as many ρ: neither may overflow.
        let fits = |t: T| (T::from_u32(1 << 12) * t).is_finite() || t == T::INFINITY;
        for (name, scale) in [("epsilon", epsilon), ("row_price", row_price), ("column_price", column_price)]
        {
            if !fits(scale) {
                return Err(Error::Option { name, requirement: "must leave room below the largest number" });
            }
        }
        let rows = Price::new("row_price", row_price, epsilon)?;
        let columns = Price::new("column_price", column_price, epsilon)?;
        if rows.inverse == T::ZERO && columns.inverse == T::ZERO {
            problem::Problem::new(cost, a, b, epsilon)?;
        }
        Ok(Self { base: problem::Problem { cost, a, b, epsilon, mass }, rows, columns })
    }

    /// Rows n.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.base.rows()
    }

    /// Columns m.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.base.columns()
    }

    /// The weight of the entropy, in the unit of the costs.
    #[must_use]
    pub fn epsilon(&self) -> T {
        self.base.epsilon
    }

    /// k, by which f rises and g falls. 0 for two hard constraints, and where it cannot be expressed.
    fn shift(&self, x: &Potentials<'_, T>) -> T {
        let inverse = self.rows.inverse + self.columns.inverse;
        if inverse == T::ZERO {
            return T::ZERO;
        }
        let more = self.rows.log_mass(self.base.a, x.f) - self.columns.log_mass(self.base.b, x.g);
        let k = more / inverse;
        if k.is_finite() { k } else { T::ZERO }
    }
}

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
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
        change: T::INFINITY,
        mass: T::ZERO,
        floor: Floor::new(base),
        steps: 0,
        asked: 0,
    };
    run.read();
    run.take_rows();
    run.row_error = T::ZERO;
    run.change = T::INFINITY;
    run.mass = southwell_simd::vector::sum(run.work.sums);
    let columns = run.work.sums.iter().zip(base.b).zip(&*run.x.g).filter(|((_, b), _)| **b > T::ZERO);
    run.column_error =
        columns.fold(T::ZERO, |error, ((&t, &b), &g)| error + (t - problem.columns.target(b, g)).abs());
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

/// e^x, cut: products of two of them and their sums must not overflow.
fn capped_exp<T: Real>(x: T) -> T {
    let highest = if T::EPSILON.to_f64() > 1e-10 { 40 } else { 300 };
    exp_scalar(x.min(T::from_u32(highest)))
}

impl<T: Real, C: Cost<T>> Unbalanced<'_, T, C> {
    /// Reads the costs: the error of the rows as they are, where they go next, and the columns' sums there.
    fn read(&mut self) {
        let Workspace { next, sums, scratch } = &mut self.work;
        let (base, price) = (&self.problem.base, self.problem.rows);
        let (epsilon, a, f) = (base.epsilon, base.a, &*self.x.f);
        let mut error = T::ZERO;
        let mut weigh = |i: usize, m: T, sum: T| {
            let (Some(&a), Some(&f), Some(next)) = (a.get(i), f.get(i), next.get_mut(i)) else {
                return T::ZERO;
            };
            if a == T::ZERO {
                *next = -T::INFINITY;
                return T::ZERO;
            }
            error += (capped_exp(f / epsilon + m) * sum - price.target(a, f)).abs();
            *next = price.damping * (epsilon * (ln_scalar(a / sum) - m));
            capped_exp(*next / epsilon + m)
        };
        base.cost.pass(epsilon, self.x.g, &mut weigh, sums, scratch);
        self.row_error = error;
    }

    /// Where a potential is still worth something: beyond, a multiple of ε has no digits. Prices far from ε
    /// could drive potentials out of the type's range.
    fn limit(&self) -> T {
        self.problem.base.epsilon / T::EPSILON + T::from_u32(4) * self.problem.base.cost.largest()
    }

    /// Moves the rows to where the last reading wants them; `next` keeps by how much.
    fn take_rows(&mut self) {
        let limit = self.limit();
        for ((f, next), &a) in self.x.f.iter_mut().zip(&mut *self.work.next).zip(self.problem.base.a) {
            if a > T::ZERO {
                let old = *f;
                *f = next.max(-limit).min(limit);
                *next = *f - old;
            }
        }
    }

    /// Moves the columns, knowing what they sum to; `sums` keeps what they sum to then.
    fn take_columns(&mut self) {
        let (epsilon, damping) = (self.problem.base.epsilon, self.problem.columns.damping);
        let limit = self.limit();
        for ((g, t), &b) in self.x.g.iter_mut().zip(&mut *self.work.sums).zip(self.problem.base.b) {
            if b > T::ZERO {
                // A column that underflowed altogether climbs until it is seen.
                let wanted = *g + epsilon * ln_scalar((b / t.max(T::MIN_POSITIVE)).min(T::MAX));
                let new = (damping * wanted).max(-limit).min(limit);
                *t *= capped_exp((new - *g) / epsilon);
                *g = new;
            }
        }
    }

    /// Shifts f up and g down, and looks at what is left to do.
    fn shift(&mut self) {
        let k = if self.translate { self.problem.shift(&self.x) } else { T::ZERO };
        let (a, b, price) = (self.problem.base.a, self.problem.base.b, self.problem.columns);
        self.change = T::ZERO;
        let limit = self.limit();
        for ((f, &moved), &a) in self.x.f.iter_mut().zip(&*self.work.next).zip(a) {
            if a > T::ZERO {
                *f = (*f + k).max(-limit).min(limit);
                self.change = self.change.max((moved + k).abs());
            }
        }
        (self.column_error, self.mass) = (T::ZERO, T::ZERO);
        for ((g, &t), &b) in self.x.g.iter_mut().zip(&*self.work.sums).zip(b) {
            if b > T::ZERO {
                *g = (*g - k).max(-limit).min(limit);
                self.column_error += (t - price.target(b, *g)).abs();
                self.mass += t;
            }
        }
    }

    /// ‖P 1 − a e^(−f/ρ₁)‖₁ and ‖Pᵀ 1 − b e^(−g/ρ₂)‖₁ of the potentials.
    #[must_use]
    pub fn errors(&self) -> (T, T) {
        (self.row_error, self.column_error)
    }

    /// max |Δf| of the last step, in the unit of the costs; infinite before the first.
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
        // The reading at the start has been used up for the rows there.
        if self.steps > 0 {
            self.take_rows();
        }
        self.steps = self.steps.saturating_add(1);
        self.take_columns();
        self.shift();
        self.read();
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
