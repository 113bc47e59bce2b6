//! All that is asked of a method, whatever the system.

use std::ops::ControlFlow;

use southwell::relaxation::{OmegaRule, Problem, Reference, Relax, Split, cg, sor, ssor_cg};
use southwell::{Error, Progress, Real, Report, Run, Status, Stop, drive};
use southwell_fuzz::{Bounded, Plain, bits, check_error, number_bits};
use southwell_simd::{Level, force_level};

use super::{Input, Method, Order, View};

/// How a run is carried out; all ways must lead to the same place.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// In one call.
    Solve,
    /// Begun, then driven at most this far, then driven on.
    TwoDrives(u32),
    /// Begun, then stepped by hand.
    Steps(u32),
}

/// Drives a run that has begun.
fn carry_out<R: Run>(run: &mut R, stop: &Stop<R::Real>, way: Way) -> Report<R::Real> {
    match way {
        Way::Steps(steps) => {
            let initial_residual = run.residual();
            (0..steps).for_each(|_| run.step());
            let residual = match run.confirm(R::Real::INFINITY) {
                Some(residual) => residual,
                None => run.residual(),
            };
            let (status, scale) = (Status::StepLimit, run.scale());
            Report { status, steps, checks: 0, initial_residual, residual, scale }
        }
        Way::Solve => drive(run, stop, &mut ()),
        Way::TwoDrives(at) => {
            let first = drive(run, &Stop { max_steps: at.min(stop.max_steps), ..*stop }, &mut ());
            if first.status != Status::StepLimit || first.steps == stop.max_steps {
                return first;
            }
            let rest = stop.max_steps - first.steps;
            let second = drive(run, &Stop { max_steps: rest, ..*stop }, &mut ());
            Report { steps: first.steps + second.steps, initial_residual: first.initial_residual, ..second }
        }
    }
}

/// Stops at a step, if it is to.
fn observer<T: Real>(stop_at: Option<u8>) -> impl FnMut(&Progress<T>) -> ControlFlow<()> {
    move |progress| match stop_at {
        Some(step) if progress.step >= u32::from(step) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    }
}

type Carry<'a, T> =
    &'a dyn Fn(Way, &mut dyn OmegaRule<T>, &[T], &mut [T], &mut [T]) -> Result<Report<T>, Error>;

pub(crate) fn check_split<T: Real, A: Split<T> + Relax<T>>(input: &Input, view: &A, plain: &Plain) {
    let stop = input.stop();
    let options = cg::Options { reference: input.reference(), stop };
    let n = plain.order();
    match input.method {
        Method::Sor => check_relax(input, view, plain),
        Method::SsorCg => check_method(
            input,
            plain,
            ssor_cg::Workspace::<T>::required_len(n, view.split_len()),
            &|way, rule, rhs, x, storage| {
                let problem = Problem::new(view, rhs)?;
                let work = ssor_cg::Workspace::new(&problem, storage)?;
                match way {
                    Way::Solve => {
                        ssor_cg::solve(&problem, &options, rule, x, work, &mut observer(input.stop_at))
                    }
                    way => Ok(carry_out(&mut ssor_cg::start(&problem, &options, rule, x, work)?, &stop, way)),
                }
            },
        ),
        Method::Cg => {
            check_method(input, plain, cg::Workspace::<T>::required_len(n), &|way, _, rhs, x, storage| {
                let problem = Problem::new(view, rhs)?;
                let work = cg::Workspace::new(&problem, storage)?;
                match way {
                    Way::Solve => cg::solve(&problem, &options, x, work, &mut observer(input.stop_at)),
                    way => Ok(carry_out(&mut cg::start(&problem, &options, x, work)?, &stop, way)),
                }
            })
        }
    }
}

pub(crate) fn check_relax<T: Real, A: Relax<T>>(input: &Input, view: &A, plain: &Plain) {
    let stop = input.stop();
    let sweep =
        [sor::Sweep::Forward, sor::Sweep::Backward, sor::Sweep::Symmetric][usize::from(input.sweep % 3)];
    let options = sor::Options { sweep, reference: input.reference(), stop };
    let needed = sor::Workspace::<T>::required_len(plain.order(), view.scratch_len());
    check_method(input, plain, needed, &|way, rule, rhs, x, storage| {
        let problem = Problem::new(view, rhs)?;
        let work = sor::Workspace::new(&problem, storage)?;
        match way {
            Way::Solve => sor::solve(&problem, &options, rule, x, work, &mut observer(input.stop_at)),
            way => Ok(carry_out(&mut sor::start(&problem, &options, rule, x, work)?, &stop, way)),
        }
    });
}

fn same<T: Real>(a: &Report<T>, b: &Report<T>) -> bool {
    let numbers = |r: &Report<T>| [r.initial_residual, r.residual, r.scale].map(number_bits);
    (a.status, a.steps, numbers(a)) == (b.status, b.steps, numbers(b))
}

/// All that is asked of a method.
fn check_method<T: Real>(input: &Input, plain: &Plain, needed: usize, carry: Carry<'_, T>) {
    let n = plain.order();
    let length = n + usize::from(input.longer);
    let rhs = if input.zero_rhs { vec![T::ZERO; n] } else { input.vector(&input.rhs, n) };
    let start = if input.cold { vec![T::ZERO; length] } else { input.vector(&input.x, length) };
    let stop: Stop<T> = input.stop();
    let mut rule = input.rule();
    let mut twin = input.rule();
    let mut scalar = input.rule();
    for _ in 0..input.runs % 3 + 1 {
        let mut x = start.clone();
        let mut storage = vec![T::NAN; needed];
        let result = carry(Way::Solve, &mut *rule, &rhs, &mut x, &mut storage);
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                assert_eq!(bits(&x), bits(&start), "{error:?}, but x was touched");
                check_error(error, |name| match name {
                    "x" => length,
                    _ => n,
                });
                return;
            }
        };
        check_report(input, plain, &rhs, &start, &x, &report, &stop);

        // Clean memory, and another instruction set.
        let mut again = start.clone();
        let mut storage = vec![T::ONE; needed + 3];
        let repeated = carry(Way::Solve, &mut *twin, &rhs, &mut again, &mut storage).expect("as before");
        assert!(same(&report, &repeated) && bits(&x) == bits(&again), "{report:?} from dirt, {repeated:?}");
        let mut again = start.clone();
        force_level(Some(Level::Scalar));
        let repeated = carry(Way::Solve, &mut *scalar, &rhs, &mut again, &mut storage).expect("as before");
        force_level(None);
        assert!(same(&report, &repeated) && bits(&x) == bits(&again), "{report:?}, scalar {repeated:?}");
    }

    // From here on without an observer, and with rules that have seen nothing.
    let fresh = |way: Way| {
        let mut x = start.clone();
        let mut storage = vec![T::NAN; needed];
        let report = carry(way, &mut *input.rule(), &rhs, &mut x, &mut storage).expect("as before");
        (report, x)
    };
    let (long, x) = fresh(Way::TwoDrives(stop.max_steps));
    check_report(input, plain, &rhs, &start, &x, &long, &stop);
    let at = u32::from(input.split_at) / stop.check_every.max(1) * stop.check_every.max(1);
    // What was denied before the split is forgotten, so a stall may come later.
    if long.status != Status::Stalled {
        let (split, y) = fresh(Way::TwoDrives(at));
        assert!(same(&long, &split) && bits(&x) == bits(&y), "{long:?} at once, {split:?} in two ({at})");
    }
    // Nothing but steps: the same x, unless a denied claim made conjugate gradients begin anew.
    let every = stop.check_every.max(1);
    let looks = long.steps / every + u32::from(long.steps % every != 0 && long.steps == stop.max_steps) + 1;
    if input.is_fixed()
        && matches!(long.status, Status::StepLimit | Status::Converged)
        && long.checks <= looks + 1
    {
        let (stepped, y) = fresh(Way::Steps(long.steps));
        assert_eq!(bits(&x), bits(&y), "{long:?} driven, {stepped:?} stepped");
        // Where no tolerance is asked for, a residual whose squares underflow is told by a bound of it.
        let hidden = (2.0 * n as f64 * (T::MIN_POSITIVE * T::EPSILON).to_f64()).sqrt();
        let bounded = stepped.residual >= long.residual && stepped.residual.to_f64() <= hidden;
        assert!(
            number_bits(long.residual) == number_bits(stepped.residual) || bounded,
            "{long:?} driven, {stepped:?} stepped"
        );
    }
    // One element less is refused.
    if needed > 0 {
        let mut storage = vec![T::NAN; needed - 1];
        let mut x = start.clone();
        let refused = carry(Way::Solve, &mut *input.rule(), &rhs, &mut x, &mut storage);
        assert!(matches!(refused, Err(Error::Workspace { .. })), "{refused:?}");
        assert_eq!(bits(&x), bits(&start));
    }
}

fn check_report<T: Real>(
    input: &Input,
    plain: &Plain,
    rhs: &[T],
    start: &[T],
    x: &[T],
    report: &Report<T>,
    stop: &Stop<T>,
) {
    assert!(x.iter().all(|x| x.is_finite()), "{report:?} left {x:?}");
    assert!(report.steps <= stop.max_steps);
    let finite = report.residual.is_finite() && report.initial_residual.is_finite();
    assert!(finite || report.status == Status::NotFinite, "{report:?}");

    let residual = plain.residual_norm(rhs, x);
    assert!(!report.residual.is_finite() || residual.agrees(report.residual), "{report:?}, but {residual:?}");
    let right = input.reference() == Reference::RightHandSide;
    let trivial = right && rhs.iter().all(|&b| b == T::ZERO);
    let initial = if trivial { Bounded { value: 0.0, bound: 0.0 } } else { plain.residual_norm(rhs, start) };
    // Squares of the right-hand side may underflow, which makes the problem trivial as well.
    let known = report.initial_residual.is_finite() && !(right && report.scale == T::ZERO);
    assert!(!known || initial.agrees(report.initial_residual), "{report:?}, but {initial:?}");
    if right {
        let none = vec![T::ZERO; rhs.len()];
        let size = plain.residual_norm(rhs, &none);
        assert!(size.agrees(report.scale), "{report:?}, but a right-hand side of {size:?}");
    } else {
        assert_eq!(number_bits(report.scale), number_bits(report.initial_residual));
    }

    let tolerance = stop.absolute.max(stop.relative * report.scale);
    match report.status {
        Status::Converged => {
            assert!(report.residual <= tolerance, "{report:?} above {tolerance}");
            let most = tolerance.to_f64() + residual.bound;
            assert!(residual.value <= most, "{report:?}, but {residual:?} above {tolerance}");
        }
        Status::StepLimit => assert_eq!(report.steps, stop.max_steps),
        Status::Stopped => assert!(input.stop_at.is_some_and(|at| u32::from(at) <= report.steps)),
        Status::Stalled | Status::Breakdown => {
            let sweeps = matches!(input.method, Method::Sor)
                || matches!(input.view, View::Multicolour { .. } | View::Blocks { .. })
                || matches!(input.view, View::Grid { order: Order::RedBlack | Order::Lines, .. });
            if sweeps {
                assert_eq!(report.status, Status::Stalled, "sweeps cannot break down");
                // Nothing but rounding may be left: ε·(|b| + |A| ‖x‖∞), with the documented factor and room.
                let largest = x.iter().fold(0.0, |most: f64, x| most.max(x.to_f64().abs()));
                let sizes = plain.rows.iter().zip(rhs).map(|(row, b)| {
                    b.to_f64().abs() + largest * row.iter().map(|(_, a)| a.abs()).sum::<f64>()
                });
                let size = sizes.map(|size| size * size).sum::<f64>().sqrt();
                // Nor is a residual told from zero whose squares underflow.
                let hidden = (2.0 * rhs.len() as f64 * (T::MIN_POSITIVE * T::EPSILON).to_f64()).sqrt();
                let most = 10.0 * T::EPSILON.to_f64() * size + hidden;
                assert!(residual.value <= most, "{report:?} at size {size}");
            }
        }
        Status::NotFinite => {}
        _ => panic!("{report:?}: a status that this target does not know"),
    }
}
