//! Entropic barycentres on a fixed support, blurred or debiased, in the log domain.
//!
//! ```text
//! min_p Σ_k w_k OT_ε(b_k, p)                                         b_k and p live on the same n places
//! g_k = ε (ln b_k − log K e^(f_k/ε)),   h_k = log K e^(g_k/ε),   K = e^(−C/ε)   one reading of C for each k
//! ln p = Σ w_k h_k  (debiased: + ln d),   f_k ← ε (ln p − h_k)
//! debiased:  ln d ← ½ (ln d + ln p − log K d)                        one reading of C more
//! ```
//! The entropy blurs a barycentre: that of equal measures is wider than they are. Debiased, it is they.
//!
//! *Step*: the f_k, and a reading of C for each measure (one more if debiased), an exponential an entry and
//! reading, an exponential and two logarithms a line. *Residual*: Σ_k ‖u_k ⊙ K v_k − p‖₁, by how much the
//! couplings' second marginals differ from p, and if debiased ‖d ⊙ K d − p‖₁ as well; free; the couplings'
//! first marginals are exact. *Scale*: the common mass.
//! *Start*: one round of readings from the f_k that are handed in (zeros: cold). *Memory*: K n for K measures,
//! 4 n, and scratch. Nothing over- or underflows, whatever ε.
//!
//! *Fails* never, but may be slow for small ε, and debiased where the barycentre tends to 0 in places. A debiased run that is continued begins with d = 1 anew.
//!
//! *Source*: Benamou, Carlier, Cuturi, Nenna & Peyré 2015; Janati, Cuturi & Gramfort 2020 (debiased).

use southwell_simd::elementary::{exp_scalar, ln_scalar};

use super::cost::Cost;
use super::problem::{check_epsilon, check_marginal};
use crate::carve::carve;
use crate::linear::check_len;
use crate::{Error, Observer, Real, Report, Run, Stop, drive};

/// Measures and their weights, borrowed and checked: symmetric costs C (n × n), measures of equal mass one
/// behind the other (K n), weights w (K) that sum to 1, ε.
///
/// Measures may have zeros; the barycentre has none.
#[derive(Debug)]
pub struct Problem<'a, T, C> {
    cost: &'a C,
    measures: &'a [T],
    weights: &'a [T],
    epsilon: T,
    mass: T,
    debiased: bool,
}

/// Borrowed, so copying one is free whatever the costs are.
impl<T: Copy, C> Clone for Problem<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, C> Copy for Problem<'_, T, C> {}

impl<'a, T: Real, C: Cost<T>> Problem<'a, T, C> {
    /// Checks measures, weights and ε. That the costs are symmetric is up to the caller: of a cost that is
    /// not, both directions would be mixed up. Cost: one pass over the measures.
    ///
    /// # Errors
    /// [`Error::Dimension`] for costs that are not square, and for measures that are not K n long;
    /// [`Error::Value`], [`Error::Negative`] and [`Error::Mass`] for measures and weights that are no
    /// distributions, masses that differ by more than rounding and weights that do not sum to 1;
    /// [`Error::Option`] for ε.
    pub fn new(cost: &'a C, measures: &'a [T], weights: &'a [T], epsilon: T) -> Result<Self, Error> {
        let n = cost.rows();
        check_len("cost", cost.columns(), n)?;
        check_len("measures", measures.len(), n.saturating_mul(weights.len()))?;
        let rounding = |lines: usize| T::from_u32(16) * T::EPSILON * T::from_usize(lines);
        let total = check_marginal("weights", weights, weights.len())?;
        if (total - T::ONE).abs() > rounding(weights.len()) {
            return Err(Error::Mass { argument: "weights", requirement: "must be 1" });
        }
        let mut mass = T::ZERO;
        for (k, measure) in measures.chunks_exact(n.max(1)).enumerate() {
            let place = |index: usize| k.saturating_mul(n).saturating_add(index);
            let one = check_marginal("measures", measure, n).map_err(|error| match error {
                Error::Value { argument, index } => Error::Value { argument, index: place(index) },
                Error::Negative { argument, index } => Error::Negative { argument, index: place(index) },
                other => other,
            })?;
            if k > 0 && (one - mass).abs() > rounding(n) * mass.max(one) {
                return Err(Error::Mass { argument: "measures", requirement: "must be the same for all" });
            }
            mass = mass.max(one);
        }
        check_epsilon(epsilon, cost.largest())?;
        Ok(Self { cost, measures, weights, epsilon, mass, debiased: false })
    }

    /// The same problem without the entropy's blur.
    #[must_use]
    pub fn debiased(self) -> Self {
        Self { debiased: true, ..self }
    }

    /// Places n.
    #[must_use]
    pub fn places(&self) -> usize {
        self.cost.rows()
    }

    /// Measures K.
    #[must_use]
    pub fn count(&self) -> usize {
        self.weights.len()
    }
}

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances against the common mass, step limit, how often to look (a look is free). Default:
    /// relative 1e-9 in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-5 } else { 1e-9 };
        Self { stop: Stop::relative(T::from_f64(relative)) }
    }
}

/// What a run works on.
#[derive(Debug)]
pub struct Iterate<'x, T> {
    /// The potentials f_k, one behind the other (K n). Where a run begins.
    pub f: &'x mut [T],
    /// The barycentre p (n); only written.
    pub p: &'x mut [T],
}

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    /// h_k
    logs: &'w mut [T],
    /// ln p
    log_p: &'w mut [T],
    /// ε ln d
    bias: &'w mut [T],
    /// Where it goes next.
    next_bias: &'w mut [T],
    /// Sums over the columns of a reading.
    sums: &'w mut [T],
    scratch: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for K measures on n places with costs of this [`Cost::scratch_len`].
    #[must_use]
    pub const fn required_len(places: usize, count: usize, scratch: usize) -> usize {
        places.saturating_mul(count.saturating_add(4)).saturating_add(scratch)
    }

    fn lengths<C: Cost<T>>(problem: &Problem<'_, T, C>) -> [usize; 6] {
        let n = problem.places();
        [problem.measures.len(), n, n, n, n, problem.cost.scratch_len()]
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let [logs, log_p, bias, next_bias, sums, scratch] = carve(storage, Self::lengths(problem))?;
        Ok(Self { logs, log_p, bias, next_bias, sums, scratch })
    }
}

/// A run in progress.
#[derive(Debug)]
pub struct Barycentre<'a, T, C> {
    problem: Problem<'a, T, C>,
    x: Iterate<'a, T>,
    work: Workspace<'a, T>,
    error: T,
}

/// Begins a run from the f that is handed in.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::Dimension`] or [`Error::Value`] for f and p;
/// [`Error::Workspace`] if the workspace was carved for another problem. f and p are untouched then.
pub fn start<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    x: Iterate<'a, T>,
    work: Workspace<'a, T>,
) -> Result<Barycentre<'a, T, C>, Error> {
    options.stop.check()?;
    check_len("f", x.f.len(), problem.measures.len())?;
    check_len("p", x.p.len(), problem.places())?;
    let scaled = |f: T| (T::from_u32(4) * (f / problem.epsilon)).is_finite();
    if let Some(index) = x.f.iter().position(|&f| !scaled(f)) {
        return Err(Error::Value { argument: "f", index });
    }
    let Workspace { logs, log_p, bias, next_bias, sums, scratch } = &work;
    let carved = [logs.len(), log_p.len(), bias.len(), next_bias.len(), sums.len(), scratch.len()];
    if carved != Workspace::lengths(problem) {
        let needed =
            Workspace::<T>::required_len(problem.places(), problem.count(), problem.cost.scratch_len());
        return Err(Error::Workspace { needed, given: carved.iter().fold(0, |s, &n| s.saturating_add(n)) });
    }
    work.bias.fill(T::ZERO);
    let mut run = Barycentre { problem: *problem, x, work, error: T::ZERO };
    run.read();
    Ok(run)
}

/// Solves from the f that is handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    options: &Options<T>,
    x: Iterate<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}

impl<T: Real, C: Cost<T>> Barycentre<'_, T, C> {
    /// Reads the costs for every measure: the couplings' second marginals, p, and how much they differ.
    fn read(&mut self) {
        let Workspace { logs, log_p, bias, sums, scratch, .. } = &mut self.work;
        let Problem { cost, measures, weights, epsilon, .. } = self.problem;
        let n = cost.rows().max(1);
        for (log_p, &bias) in log_p.iter_mut().zip(&**bias) {
            *log_p = bias / epsilon;
        }
        let rounds = self.x.f.chunks_exact(n).zip(logs.chunks_exact_mut(n));
        for ((f, logs), (b, &weight)) in rounds.zip(measures.chunks_exact(n).zip(weights)) {
            // The rows are those of b_k, the columns those of p: C is symmetric.
            let mut weigh = |i: usize, _m: T, sum: T| b.get(i).map_or(T::ZERO, |&b| b / sum);
            cost.pass(epsilon, f, &mut weigh, sums, scratch);
            for (((log, &t), &f), log_p) in logs.iter_mut().zip(&**sums).zip(f).zip(&mut **log_p) {
                // A place that underflowed altogether climbs until it is seen.
                *log = ln_scalar(t.max(T::MIN_POSITIVE)) - f / epsilon;
                *log_p += weight * *log;
            }
        }
        for (p, &log_p) in self.x.p.iter_mut().zip(&**log_p) {
            *p = exp_scalar(log_p).min(T::MAX);
        }
        self.error = T::ZERO;
        for (f, logs) in self.x.f.chunks_exact(n).zip(logs.chunks_exact(n)) {
            for ((&f, &log), &p) in f.iter().zip(logs).zip(&*self.x.p) {
                self.error += (exp_scalar(f / epsilon + log) - p).abs();
            }
        }
        if self.problem.debiased {
            self.read_bias();
        }
    }

    /// Where d = √(d p / K d) takes it, and how far it is from there.
    fn read_bias(&mut self) {
        let Workspace { log_p, bias, next_bias, sums, scratch, .. } = &mut self.work;
        let Problem { cost, epsilon, .. } = self.problem;
        let (bias, p) = (&**bias, &*self.x.p);
        let mut error = T::ZERO;
        let mut weigh = |i: usize, m: T, sum: T| {
            let places = bias.get(i).zip(p.get(i)).zip(log_p.get(i)).zip(next_bias.get_mut(i));
            if let Some((((&d, &p), &log_p), next)) = places {
                let blurred = m + ln_scalar(sum);
                error += (exp_scalar(d / epsilon + blurred).min(T::MAX) - p).abs();
                *next = T::HALF * (d + epsilon * (log_p - blurred));
            }
            T::ZERO
        };
        cost.pass(epsilon, bias, &mut weigh, sums, scratch);
        self.error += error;
    }

    /// The barycentre.
    #[must_use]
    pub fn p(&self) -> &[T] {
        self.x.p
    }
}

impl<T: Real, C: Cost<T>> Run for Barycentre<'_, T, C> {
    type Real = T;

    fn step(&mut self) {
        let n = self.problem.cost.rows().max(1);
        let (epsilon, log_p) = (self.problem.epsilon, &*self.work.log_p);
        for (f, logs) in self.x.f.chunks_exact_mut(n).zip(self.work.logs.chunks_exact(n)) {
            for ((f, &log), &log_p) in f.iter_mut().zip(logs).zip(log_p) {
                *f = epsilon * (log_p - log);
            }
        }
        if self.problem.debiased {
            core::mem::swap(&mut self.work.bias, &mut self.work.next_bias);
        }
        self.read();
    }

    fn residual(&mut self) -> T {
        self.error
    }

    fn parameter(&self) -> T {
        self.problem.epsilon
    }

    fn scale(&self) -> T {
        self.problem.mass
    }
}
