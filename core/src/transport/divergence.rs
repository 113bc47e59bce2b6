//! Sinkhorn divergence: transport with entropy, freed of what the entropy adds.
//!
//! ```text
//! S(a, b) = OT(a, b) − ½ OT(a, a) − ½ OT(b, b) ≥ 0,   0 where a = b   (for costs with e^(−C/ε) positive definite)
//!         = ⟨a, f_ab − f_aa⟩ + ⟨b, g_ab − g_bb⟩ − ε (Σ P_ab − ½ Σ P_aa − ½ Σ P_bb)
//! ```
//! The three values are nearly equal and large; the second line subtracts potentials before it sums, so that `f32` keeps
//! its digits. It is the difference of the dual values whatever the potentials, so the error is of second order in
//! that of the marginals; the ends ε Σ P cancel where they are met. In the convention ε KL(P | a bᵀ) the potentials are
//! f − ε ln a, and differences of them the same.
//!
//! *Cost*: one run of Sinkhorn's iteration and two [`symmetric`] ones of some twenty steps, each reading its own
//! costs once a step, and one reading at the end. *Memory*: the largest of them. The marginals of the symmetric
//! problems must be those of the mixed one, line by line, and ε must be the same.
//!
//! *Source*: Genevay, Peyré & Cuturi 2018; Feydy et al. 2019, equations 3 and 25.

use super::certificate;
use super::cost::Cost;
use super::problem::{Potentials, Problem};
use super::reading::total;
use super::sinkhorn;
use super::symmetric::{self, difference};
use crate::linear::check_len;
use crate::omega::OmegaRule;
use crate::{Error, Observer, Real, Report};

/// The three problems: a to b, a to itself, b to itself.
#[derive(Debug)]
pub struct Problems<'p, 'a, T, C, A, B> {
    /// a to b.
    pub mixed: &'p Problem<'a, T, C>,
    /// a to a, with symmetric costs.
    pub first: &'p Problem<'a, T, A>,
    /// b to b, with symmetric costs.
    pub second: &'p Problem<'a, T, B>,
}

/// The potentials of the three problems, where they begin and where they end; zeros are a cold start.
#[derive(Debug)]
pub struct State<'x, T> {
    /// f and g of a to b.
    pub mixed: Potentials<'x, T>,
    /// f of a to a.
    pub first: &'x mut [T],
    /// f of b to b.
    pub second: &'x mut [T],
}

/// The divergence, and how it came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divergence<T> {
    /// S(a, b); below 0 by rounding and unmet tolerances at most, ∞ if a run overflowed.
    pub value: T,
    /// OT(a, b), OT(a, a) and OT(b, b), as dual values.
    pub transport: [T; 3],
    /// How the three runs ended.
    pub reports: [Report<T>; 3],
}

impl<T: Real> Divergence<T> {
    /// Whether all three met their tolerance.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.reports.iter().all(Report::converged)
    }
}

/// Elements needed for n rows and m columns; `scratch` is the largest [`Cost::scratch_len`] of the three
/// costs, and `stored` whether the mixed costs are.
#[must_use]
pub const fn required_len(rows: usize, columns: usize, scratch: usize, stored: bool) -> usize {
    let lens = [
        sinkhorn::Workspace::<f64>::required_len(rows, columns, scratch),
        symmetric::Workspace::<f64>::required_len(rows, scratch),
        symmetric::Workspace::<f64>::required_len(columns, scratch),
        certificate::evaluate_len(columns, stored),
    ];
    let mut most = lens[0];
    let mut k = 1;
    while k < lens.len() {
        if lens[k] > most {
            most = lens[k];
        }
        k += 1;
    }
    most
}

/// Solves the three problems and takes the difference. The observer sees the runs one after the other.
///
/// # Errors
/// What [`sinkhorn::start`] and [`symmetric::start`] refuse; [`Error::Dimension`] and [`Error::Mass`] if the
/// marginals of the three problems do not fit together, [`Error::Option`] for different ε;
/// [`Error::Workspace`] if `storage` is shorter than [`required_len`]. All potentials are untouched then.
pub fn solve<T: Real, C: Cost<T>, A: Cost<T>, B: Cost<T>, R: OmegaRule<T> + ?Sized>(
    problems: &Problems<'_, '_, T, C, A, B>,
    options: &sinkhorn::Options<T>,
    rule: &mut R,
    state: State<'_, T>,
    storage: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Divergence<T>, Error> {
    let Problems { mixed, first, second } = *problems;
    let State { mixed: mut x, first: f_aa, second: g_bb } = state;
    check(problems)?;
    symmetric::check(first, f_aa)?;
    symmetric::check(second, g_bb)?;
    let scratch = mixed.cost.scratch_len().max(first.cost.scratch_len()).max(second.cost.scratch_len());
    let needed = required_len(mixed.rows(), mixed.columns(), scratch, mixed.cost.is_stored());
    if storage.len() < needed {
        return Err(Error::Workspace { needed, given: storage.len() });
    }
    // Whatever else may be refused is so here, before the others are touched.
    let workspace = sinkhorn::Workspace::new(mixed, storage)?;
    let mixed_report = sinkhorn::solve(mixed, options, rule, x.reborrow(), workspace, observer)?;
    let ab = certificate::evaluate(mixed, x.f, x.g, storage).ok();
    let (ab, ab_mass) = ab.map_or((-T::INFINITY, T::INFINITY), |e| (e.dual, e.mass));
    let (first_report, aa, aa_mass) = itself(first, options, f_aa, storage, observer)?;
    let (second_report, bb, bb_mass) = itself(second, options, g_bb, storage, observer)?;
    let mass = mixed.mass;
    // Every mass is nearly the same, so what they lack is summed.
    let lack = (ab_mass - mass) - T::HALF * ((aa_mass - mass) + (bb_mass - mass));
    let potentials = [difference(mixed.a, x.f, f_aa), difference(mixed.b, x.g, g_bb), -mixed.epsilon * lack];
    let value = total(potentials.into_iter());
    Ok(Divergence {
        value: if value.is_finite() { value } else { T::INFINITY },
        transport: [ab, aa, bb],
        reports: [mixed_report, first_report, second_report],
    })
}

/// A symmetric problem: how it ended, its value and its mass.
fn itself<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    options: &sinkhorn::Options<T>,
    f: &mut [T],
    storage: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<(Report<T>, T, T), Error> {
    let workspace = symmetric::Workspace::new(problem, storage)?;
    let mut run = symmetric::start(problem, options, f, workspace)?;
    let report = crate::drive(&mut run, &options.stop, observer);
    Ok((report, run.value(), run.mass()))
}

/// Refuses problems that do not belong together.
fn check<T: Real, C: Cost<T>, A: Cost<T>, B: Cost<T>>(
    problems: &Problems<'_, '_, T, C, A, B>,
) -> Result<(), Error> {
    let Problems { mixed, first, second } = *problems;
    check_len("a", first.rows(), mixed.rows())?;
    check_len("b", second.rows(), mixed.columns())?;
    for (argument, mine, theirs) in [("a", first.a, mixed.a), ("b", second.a, mixed.b)] {
        if mine != theirs {
            return Err(Error::Mass { argument, requirement: "must be that of the mixed problem" });
        }
    }
    if first.epsilon != mixed.epsilon || second.epsilon != mixed.epsilon {
        return Err(Error::Option { name: "epsilon", requirement: "must be the same in all three problems" });
    }
    Ok(())
}
