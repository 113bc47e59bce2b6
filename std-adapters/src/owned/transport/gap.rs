//! Runs that end where the certified gap is small.

use southwell::omega::{Eager, Fixed, OmegaRule};
use southwell::transport::certificate::{certify, certify_len};
use southwell::transport::gap::{self, Certified, Criterion, GapStop, Iterate};
use southwell::transport::{Cost, Potentials, Problem, auto, greenkhorn, newton, scaling, sinkhorn};
use southwell::{Error, Observer, Real, Report, Status, Stop};

use super::solve::{BUDGET, Found, stop_of};
use super::{Coupler, Solving};

/// Readings of the costs a certificate.
const READS: u32 = 4;
/// Times that the tolerance of the marginals is tightened.
const ROUNDS: u32 = 12;

/// Solves to a gap, and with [`Solving::both`] to the marginals' tolerance as well.
pub(super) fn solve<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    solving: &Solving,
    tolerance: f64,
    (mut f, mut g): (Vec<T>, Vec<T>),
    observer: &mut impl Observer<T>,
) -> Result<Found, Error> {
    if !(tolerance > 0.0 && tolerance.is_finite()) {
        return Err(Error::Option { name: "gap", requirement: "must be positive and finite" });
    }
    let (n, m, cost) = (problem.rows(), problem.columns(), problem.cost());
    let (stored, scratch) = (cost.is_stored(), cost.scratch_len());
    let stop = stop_of(&solving.stop);
    let options = sinkhorn::Options { stop };
    let x = Potentials { f: &mut f, g: &mut g };
    let drive = Drive { problem, stop, solving, tolerance: T::from_f64(tolerance) };
    let rule: &mut dyn OmegaRule<T> = match solving.coupler {
        Coupler::OverRelaxed | Coupler::OverRelaxedLog => &mut Eager::default(),
        _ => &mut Fixed(T::ONE),
    };
    let certified = match solving.coupler {
        Coupler::Auto => return by_tightening(&drive, (f, g), observer),
        Coupler::NewtonSparse => {
            let entries = n.saturating_mul(m.min(BUDGET));
            let mut storage = vec![T::ZERO; newton::Workspace::<T>::required_len(n, m, scratch, entries)];
            let mut indices = vec![0; newton::Workspace::<T>::required_indices(n, m, entries)];
            let workspace = newton::Workspace::new(problem, entries, &mut storage, &mut indices)?;
            let options = newton::Options { stop, ..newton::Options::default() };
            let mut run = newton::start(problem, &options, x, workspace)?;
            let certified = drive.run(&mut run, observer)?;
            let work = run.work();
            let found = found(&f, &g, &certified);
            return Ok(Found {
                iterations: certified.report.steps.saturating_sub(work.newton_steps),
                newton: work,
                ..found
            });
        }
        Coupler::Sinkhorn | Coupler::OverRelaxed => {
            let mut storage = vec![T::ZERO; scaling::Workspace::<T>::required_len(n, m, stored)];
            let workspace = scaling::Workspace::new(problem, &mut storage)?;
            drive.run(&mut scaling::start(problem, &options, rule, x, workspace)?, observer)?
        }
        Coupler::Log | Coupler::OverRelaxedLog => {
            let mut storage = vec![T::ZERO; sinkhorn::Workspace::<T>::required_len(n, m, scratch)];
            let workspace = sinkhorn::Workspace::new(problem, &mut storage)?;
            drive.run(&mut sinkhorn::start(problem, &options, rule, x, workspace)?, observer)?
        }
        Coupler::Greedy => {
            let mut storage = vec![T::ZERO; greenkhorn::Workspace::<T>::required_len(n, m, scratch)];
            let workspace = greenkhorn::Workspace::new(problem, &mut storage)?;
            drive.run(&mut greenkhorn::start(problem, &options, x, workspace)?, observer)?
        }
    };
    Ok(found(&f, &g, &certified))
}

fn found<T: Real>(f: &[T], g: &[T], certified: &Certified<T>) -> Found {
    let found = Found::new(f, g, &certified.report);
    let reads = found.kernel_reads.saturating_add(certified.certificates.saturating_mul(READS));
    Found { kernel_reads: reads, ..found }
}

struct Drive<'d, 'a, T, C> {
    problem: &'d Problem<'a, T, C>,
    stop: Stop<T>,
    solving: &'d Solving,
    tolerance: T,
}

impl<T: Real, C: Cost<T>> Drive<'_, '_, T, C> {
    fn run<R: Iterate<Real = T>>(
        &self,
        run: &mut R,
        observer: &mut impl Observer<T>,
    ) -> Result<Certified<T>, Error> {
        let (n, m) = (self.problem.rows(), self.problem.columns());
        let mut storage = vec![T::ZERO; certify_len(n, m, self.problem.cost().is_stored())];
        let criterion = if self.solving.both { Criterion::Both } else { Criterion::Gap };
        let gap = GapStop { criterion, tolerance: self.tolerance, ..GapStop::default() };
        gap::drive(run, self.problem, (&self.stop, &gap), &mut storage, observer)
    }
}

/// The method that chooses for itself has no run to look into: it is asked for marginals that should do, and for better
/// ones, from where it ended, until they do.
fn by_tightening<T: Real, C: Cost<T>>(
    drive: &Drive<'_, '_, T, C>,
    (mut f, mut g): (Vec<T>, Vec<T>),
    observer: &mut impl Observer<T>,
) -> Result<Found, Error> {
    let &Drive { problem, stop, solving, tolerance } = drive;
    let (n, m, cost) = (problem.rows(), problem.columns(), problem.cost());
    let (stored, scratch) = (cost.is_stored(), cost.scratch_len());
    let entries = n.saturating_mul(m.min(BUDGET));
    let mut storage = vec![T::ZERO; auto::Workspace::<T>::required_len(n, m, stored, scratch, entries)];
    let mut indices = vec![0; auto::Workspace::<T>::required_indices(n, m, entries)];
    let mut look = vec![T::ZERO; certify_len(n, m, stored)];
    // Mass that is off by δ may cost δ times the largest cost.
    let worth = (problem.mass() * cost.largest()).max(T::MIN_POSITIVE);
    let mut relative = (tolerance / worth).min(T::from_f64(1e-2)).max(T::EPSILON);
    if solving.both {
        relative = relative.min(stop.relative);
    }
    let mut whole: Option<Found> = None;
    let mut left = stop.max_steps;
    for _ in 0..ROUNDS {
        let workspace = auto::Workspace::new(problem, entries, &mut storage, &mut indices)?;
        let options =
            auto::Options { stop: Stop { relative, max_steps: left, ..stop }, method: auto::Method::Auto };
        let x = Potentials { f: &mut f, g: &mut g };
        let outcome = auto::solve(problem, &options, x, workspace, observer)?;
        let closed = certify(problem, &f, &g, &mut look).is_ok_and(|found| found.gap() <= tolerance);
        left = left.saturating_sub(outcome.report.steps);
        let before = whole.take();
        let count = |of: fn(&Found) -> u32| before.as_ref().map_or(0, of);
        let report = Report {
            steps: stop.max_steps - left,
            initial_residual: outcome.report.initial_residual,
            ..outcome.report
        };
        let mut found = Found {
            kernel_reads: count(|found| found.kernel_reads) + outcome.kernel_reads + READS,
            iterations: count(|found| found.iterations) + outcome.iterations,
            newton: newton::Work {
                newton_steps: count(|found| found.newton.newton_steps) + outcome.newton.newton_steps,
                cg_steps: count(|found| found.newton.cg_steps) + outcome.newton.cg_steps,
                ..outcome.newton
            },
            omega: Some(outcome.omega.to_f64()),
            ..Found::new(&f, &g, &report)
        };
        let over = match (closed, outcome.report.status) {
            (true, Status::Converged | Status::Stalled) => {
                found.report.status = Status::Converged;
                true
            }
            (false, Status::Converged) if left == 0 => {
                found.report.status = Status::StepLimit;
                true
            }
            (false, Status::Converged) => relative <= T::EPSILON,
            _ => true,
        };
        if over && !closed && found.report.status == Status::Converged {
            found.report.status = Status::Stalled;
        }
        whole = Some(found);
        if over {
            break;
        }
        relative = (relative * T::from_f64(0.1)).max(T::EPSILON);
    }
    whole.ok_or(Error::Option { name: "max_steps", requirement: "must allow a step" })
}
