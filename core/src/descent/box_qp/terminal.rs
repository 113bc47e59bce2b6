//! What is made once, before the first step: the cost of the last state, and the condensed form.

use super::model::Model;
use super::riccati::{factors_len, stage_len};
use super::small::{clear, copy, largest};
use super::staged::{Plant, Staged};
use crate::linear::check_len;
use crate::{Error, Real, Report, Status, Stop};

/// Numbers of storage that [`terminal_cost`] needs.
#[must_use]
pub const fn terminal_len(states: usize, inputs: usize) -> usize {
    factors_len(states, inputs, 1).saturating_add(states.saturating_mul(states)).saturating_add(inputs)
}

/// P of an endless horizon without bounds, by Riccati's iteration from P = Q:
/// ```text
/// P ← Q + AᵀP A − AᵀP B (R + BᵀP B)⁻¹ BᵀP A
/// ```
/// until no entry changes by more than `stop.absolute`, or `stop.relative` times the largest entry; that is the
/// residual of the report. Cost of a step: an elimination of a stage. How many steps it takes depends on how fast
/// the plant comes to rest: tens to hundreds.
///
/// # Errors
/// As [`Staged::new`], [`Error::Option`] for tolerances, [`Error::Workspace`] if `storage` is shorter than
/// [`terminal_len`]; `p` is untouched then. A pivot that is not positive ends it as [`Status::Breakdown`], numbers
/// that are not finite as [`Status::NotFinite`]; P is the last one before.
pub fn terminal_cost<T: Real>(
    plant: &Plant<'_, T>,
    p: &mut [T],
    storage: &mut [T],
    stop: &Stop<T>,
) -> Result<Report<T>, Error> {
    plant.check()?;
    stop.check()?;
    let (n, m) = (plant.states, plant.inputs);
    check_len("p", p.len(), n.saturating_mul(n))?;
    let needed = terminal_len(n, m);
    let short = Error::Workspace { needed, given: storage.len() };
    let storage = storage.get_mut(..needed).ok_or(short)?;
    let (stage, rest) = storage.split_at_mut_checked(stage_len(n, m)).ok_or(short)?;
    let (next, rest) = rest.split_at_mut_checked(n.saturating_mul(n)).ok_or(short)?;
    let (free, rest) = rest.split_at_mut_checked(m).ok_or(short)?;
    let (mut stage, mut scratch) = (plant.stage(stage), plant.scratch(rest));
    clear(free);
    copy(p, plant.q);
    let mut report = Report {
        status: Status::StepLimit,
        steps: 0,
        checks: 0,
        initial_residual: T::ZERO,
        residual: T::ZERO,
        scale: largest(p),
    };
    while report.steps < stop.max_steps {
        copy(stage.cost, p);
        if !plant.eliminate(free, &mut stage, Some(&mut *next), &mut scratch) {
            report.status = Status::Breakdown;
            break;
        }
        let scale = largest(next);
        if scale > T::MAX {
            report.status = Status::NotFinite;
            break;
        }
        let change = p.iter().zip(&*next).fold(T::ZERO, |most, (&old, &new)| most.max((new - old).abs()));
        copy(p, next);
        report.steps += 1;
        report.checks += 1;
        (report.residual, report.scale) = (change, scale);
        if report.steps == 1 {
            report.initial_residual = change;
        }
        if change <= stop.absolute.max(stop.relative * scale) {
            report.status = Status::Converged;
            break;
        }
    }
    Ok(report)
}

/// Numbers of storage that [`condense`] needs.
#[must_use]
pub const fn condense_len(states: usize, inputs: usize, horizon: usize) -> usize {
    factors_len(states, inputs, horizon).saturating_add(states).saturating_add(inputs.saturating_mul(horizon))
}

/// H by rows and f of a staged model from a state, for a [`Condensed`](super::Condensed) one: its gradients at 0 and at
/// every unit vector. Cost: N m + 1 gradients.
///
/// # Errors
/// [`Error::Dimension`] for `x0` (n), `h` ((N m)²) or `f` (N m); [`Error::Workspace`] if `storage` is shorter than
/// [`condense_len`].
pub fn condense<T: Real>(
    model: &Staged<'_, T>,
    x0: &[T],
    h: &mut [T],
    f: &mut [T],
    storage: &mut [T],
) -> Result<(), Error> {
    let variables = model.variables();
    check_len("x0", x0.len(), model.data_len())?;
    check_len("h", h.len(), variables.saturating_mul(variables))?;
    check_len("f", f.len(), variables)?;
    let (n, m) = (model.plant.states, model.plant.inputs);
    let needed = condense_len(n, m, model.horizon);
    let short = Error::Workspace { needed, given: storage.len() };
    let storage = storage.get_mut(..needed).ok_or(short)?;
    let (unit, rest) = storage.split_at_mut_checked(variables).ok_or(short)?;
    let (rest_state, rest) = rest.split_at_mut_checked(n).ok_or(short)?;
    clear(unit);
    clear(rest_state);
    model.evaluate(x0, unit, false, f, rest);
    for (i, row) in h.chunks_exact_mut(variables.max(1)).enumerate() {
        if let Some(at) = unit.get_mut(i) {
            *at = T::ONE;
        }
        model.evaluate(rest_state, unit, false, row, rest);
        if let Some(at) = unit.get_mut(i) {
            *at = T::ZERO;
        }
    }
    Ok(())
}

/// Moves the inputs of all stages one stage forward, the last one staying: the warm start of the next step.
pub fn shift<T: Real>(x: &mut [T], inputs: usize) {
    if let Some(moved) = x.len().checked_sub(inputs) {
        for to in 0..moved {
            let next = x.get(to.wrapping_add(inputs)).copied();
            if let (Some(next), Some(place)) = (next, x.get_mut(to)) {
                *place = next;
            }
        }
    }
}
