//! Sparse regression on small designs, tame and wild: the gap is that of the weights that are left, whatever the
//! problem, the room and the moment at which the run ends; along a path of λ, each by itself.
#![no_main]

use std::cmp::Ordering;
use std::ops::ControlFlow;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::descent::sparse_regression::{self, Options, Outcome, Penalty, Problem, Workspace};
use southwell::linear::{Columns, Csc, Design};
use southwell::{Error, Real, Status, Stop};
use southwell_fuzz::{Number, bits, cycled};
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    sparse: bool,
    wild: bool,
    logistic: bool,
    kind: u8,
    rows: u8,
    columns: u8,
    entries: Vec<Number>,
    targets: Vec<Number>,
    start: Vec<Number>,
    weights: Vec<u8>,
    ratio: u8,
    capacity: u8,
    growth: u8,
    screening: bool,
    intercept: bool,
    averaged: bool,
    max_steps: u8,
    tolerance: u8,
    path: Vec<u8>,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn check<T: Real>(input: &Input) {
    let (n, p) = (usize::from(input.rows % 12) + 1, usize::from(input.columns % 12) + 1);
    let number = |number: Number| -> T {
        let wild: T = number.wild();
        if input.wild && wild.is_finite() { wild } else { number.tame() }
    };
    let a: Vec<T> = (0..n * p).map(|k| number(cycled(&input.entries, k))).collect();
    let target = |i: usize| number(cycled(&input.targets, i));
    let y: Vec<T> = match input.logistic {
        true => (0..n).map(|i| if target(i) < T::ZERO { -T::ONE } else { T::ONE }).collect(),
        false => (0..n).map(target).collect(),
    };
    if !input.sparse {
        return on(input, &Columns::new(&a, n, p).expect("finite"), &a, &y);
    }
    let (mut offsets, mut rows, mut values) = (vec![0], vec![], vec![]);
    for column in a.chunks(n) {
        for (i, &a) in column.iter().enumerate().filter(|(_, a)| **a != T::ZERO) {
            rows.push(i as u32);
            values.push(a);
        }
        offsets.push(rows.len() as u32);
    }
    on(input, &Csc::new(&offsets, &rows, &values, n).expect("sound"), &a, &y);
}

/// The weights of every λ of a path, and how its run ended.
type Left<T> = Vec<(Vec<T>, Outcome<T>)>;

fn on<T: Real, A: Design<T>>(input: &Input, design: &A, a: &[T], y: &[T]) {
    let (n, p) = (y.len(), a.len() / y.len());
    let groups: Vec<u32> = (0..p as u32).step_by(3).chain([p as u32]).collect();
    let ridge = T::from_f64(0.25);
    let make = |lambda: T| -> Result<Problem<'_, T, A>, Error> {
        let penalty = match input.kind % 4 {
            0 => Penalty::Lasso { lambda },
            1 => Penalty::ElasticNet { lambda, ridge },
            2 => Penalty::NonNegative { lambda },
            _ => Penalty::Group { lambda, groups: &groups },
        };
        let problem = match input.logistic {
            true => Problem::logistic(design, y, penalty)?,
            false => Problem::least_squares(design, y, penalty)?,
        };
        let problem = if input.averaged { problem.averaged()? } else { problem };
        if input.intercept && !input.logistic { problem.with_intercept() } else { Ok(problem) }
    };
    let Ok(unit) = make(T::ONE) else { return };
    let lambda = unit.lambda_max() * T::from_f64((f64::from(input.ratio) + 1.0) / 200.0);
    let Ok(problem) = make(lambda) else { return };
    let weights: Vec<T> = (0..problem.blocks())
        .map(|b| T::from_f64(f64::from(input.weights.get(b).map_or(8, |w| w % 16)) / 8.0 + 0.125))
        .collect();
    let Ok(problem) = problem.weighted(&weights) else { return };
    let stop = Stop {
        max_steps: u32::from(input.max_steps % 40),
        ..Stop::relative(T::from_f64(10_f64.powi(-i32::from(input.tolerance % 12) - 1)))
    };
    let options = Options {
        stop,
        growth: u32::from(input.growth % 8) + 1,
        screening: input.screening,
        ..Options::default()
    };
    let capacity = usize::from(input.capacity) % (p + 2);
    let start: Vec<T> = (0..p)
        .map(|j| match input.start.get(j) {
            None => T::ZERO,
            Some(w) if input.kind % 4 == 2 => w.tame::<T>().abs(),
            Some(w) => w.tame(),
        })
        .collect();
    let needed = Workspace::<T>::required_len(n, p, capacity);
    let solve = |w: &mut [T], length: usize, dirt: T| -> Result<Outcome<T>, Error> {
        let mut storage = vec![dirt; length];
        let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(p, capacity)];
        let workspace = Workspace::new(&problem, capacity, &mut storage, &mut indices)?;
        sparse_regression::solve(&problem, &options, w, workspace, &mut ())
    };
    let mut w = start.clone();
    let outcome = solve(&mut w, needed, T::NAN).expect("sound input");
    assert!(w.iter().all(|w| w.is_finite()), "{outcome:?} left {w:?}");
    assert!(input.kind % 4 != 2 || w.iter().all(|&w| w >= T::ZERO), "{outcome:?} left {w:?}");
    match outcome.report.status {
        Status::Converged => assert!(outcome.gap <= outcome.threshold),
        Status::StepLimit => assert_eq!(outcome.report.steps, stop.max_steps),
        Status::Stalled | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }
    assert!(
        outcome.gap.partial_cmp(&T::ZERO) != Some(Ordering::Less)
            && outcome.nonzeros == w.iter().filter(|w| **w != T::ZERO).count()
    );
    if outcome.report.status != Status::NotFinite && !input.wild {
        let bound = judge(input, &problem, &outcome, a, y, &w, &weights);
        // No point is below what any dual point says, however it was found.
        let mut storage = vec![T::NAN; Workspace::<T>::required_len(n, p, p)];
        let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(p, p)];
        let workspace = Workspace::new(&problem, p, &mut storage, &mut indices).expect("long enough");
        let best = sparse_regression::solve(&problem, &options, &mut start.clone(), workspace, &mut ());
        let best = best.expect("sound input");
        assert!(
            best.report.status == Status::NotFinite || best.primal.to_f64() >= outcome.dual.to_f64() - bound,
            "{best:?} is below {outcome:?}"
        );
    }

    // Another instruction set and clean memory; memory that is too short.
    let mut again = start.clone();
    force_level(Some(Level::Scalar));
    let other = solve(&mut again, needed + 3, T::ONE).expect("as before");
    force_level(None);
    assert_eq!((other.report.status, other.report.steps), (outcome.report.status, outcome.report.steps));
    assert_eq!(bits(&w), bits(&again), "{outcome:?}, scalar {other:?}");
    let mut untouched = start.clone();
    let refused = solve(&mut untouched, needed - 1, T::NAN);
    assert!(matches!(refused, Err(Error::Workspace { .. })), "{refused:?}");
    assert_eq!(bits(&untouched), bits(&start));

    // One λ after the other: what each leaves is judged by itself, and the first is the solve by itself.
    let lambdas: Vec<T> =
        input.path.iter().take(5).map(|k| lambda * T::from_f64(f64::from(*k) / 64.0)).collect();
    let breaks = usize::from(input.growth / 8 % 4);
    let along = |dirt: T| -> (Result<usize, Error>, Left<T>) {
        let (mut w, mut seen) = (start.clone(), vec![]);
        let mut storage = vec![dirt; needed];
        let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(p, capacity)];
        let work = Workspace::new(&problem, capacity, &mut storage, &mut indices).expect("long enough");
        let solved = sparse_regression::path(&problem, &lambdas, &options, &mut w, work, |k, w, outcome| {
            assert_eq!(k, seen.len());
            seen.push((w.to_vec(), *outcome));
            if k == breaks { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let left = seen.last().map_or(&start, |last| &last.0);
        assert_eq!(bits(&w), bits(left));
        (solved, seen)
    };
    let (solved, seen) = along(T::NAN);
    // λ as it goes with the sum of the losses, and with a weight, must not overflow either.
    let samples = if input.averaged { T::from_usize(n) } else { T::ONE };
    let sound = |lambda: T| {
        let whole = lambda * samples;
        lambda > T::ZERO && whole.is_finite() && weights.iter().all(|&weight| (weight * whole).is_finite())
    };
    if let Some(index) = lambdas.iter().position(|&lambda| !sound(lambda)) {
        assert_eq!(solved, Err(Error::Value { argument: "lambdas", index }));
        return assert!(seen.is_empty());
    }
    assert_eq!(solved, Ok(seen.len()));
    for (&lambda, (w, outcome)) in lambdas.iter().zip(&seen) {
        let problem = problem.with_lambda(lambda).expect("a positive number");
        assert!(w.iter().all(|w| w.is_finite()), "{outcome:?} left {w:?}");
        if outcome.report.status != Status::NotFinite && !input.wild {
            judge(input, &problem, outcome, a, y, w, &weights);
        }
        assert!(outcome.report.status != Status::Converged || outcome.gap <= outcome.threshold);
    }
    if let Some((first, _)) = seen.first() {
        let problem = problem.with_lambda(lambdas[0]).expect("a positive number");
        let mut storage = vec![T::ONE; needed];
        let mut indices = vec![0; Workspace::<T>::required_indices(p, capacity)];
        let work = Workspace::new(&problem, capacity, &mut storage, &mut indices).expect("long enough");
        let mut alone = start.clone();
        sparse_regression::solve(&problem, &options, &mut alone, work, &mut ()).expect("as before");
        assert_eq!(bits(&alone), bits(first));
    }
    force_level(Some(Level::Scalar));
    let (_, scalar) = along(T::ONE);
    force_level(None);
    let all = |seen: &Left<T>| seen.iter().flat_map(|(w, _)| bits(w)).collect::<Vec<_>>();
    assert_eq!(all(&scalar), all(&seen));
}

/// P, D and the gap anew, in `f64` by plain loops; returns by how much they may differ.
fn judge<T: Real, A: Design<T>>(
    input: &Input,
    problem: &Problem<'_, T, A>,
    outcome: &Outcome<T>,
    a: &[T],
    y: &[T],
    w: &[T],
    weights: &[T],
) -> f64 {
    let (n, p) = (y.len(), w.len());
    let divisor = if input.averaged { n as f64 } else { 1.0 };
    let ridge = if input.kind % 4 == 1 { 0.25 * divisor } else { 0.0 };
    let entry = |i: usize, j: usize| a[j * n + i].to_f64();
    let w: Vec<f64> = w.iter().map(|w| w.to_f64()).collect();
    let y: Vec<f64> = y.iter().map(|y| y.to_f64()).collect();
    let mut z: Vec<f64> = (0..n).map(|i| (0..p).map(|j| entry(i, j) * w[j]).sum()).collect();
    let size: f64 = (0..n)
        .map(|i| y[i].abs() + (0..p).map(|j| (entry(i, j) * w[j]).abs()).sum::<f64>())
        .map(|s| s * s)
        .sum();
    let mut y = y;
    if input.intercept && !input.logistic {
        for v in [&mut z, &mut y] {
            let mean = v.iter().sum::<f64>() / n as f64;
            v.iter_mut().for_each(|v| *v -= mean);
        }
    }
    let rho: Vec<f64> = match input.logistic {
        true => y.iter().zip(&z).map(|(y, z)| y / (1.0 + (y * z).exp())).collect(),
        false => y.iter().zip(&z).map(|(y, z)| y - z).collect(),
    };
    let loss: f64 = match input.logistic {
        true => y.iter().zip(&z).map(|(y, z)| (-(y * z)).max(0.0) + (-(y * z).abs()).exp().ln_1p()).sum(),
        false => rho.iter().map(|r| 0.5 * r * r).sum(),
    };
    let c: Vec<f64> =
        (0..p).map(|j| (0..n).map(|i| entry(i, j) * rho[i]).sum::<f64>() - ridge * w[j]).collect();
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let step = if input.kind % 4 == 3 { 3 } else { 1 };
    let (mut largest, mut penalty) = (1.0_f64, 0.0);
    for ((c, w), weight) in c.chunks(step).zip(w.chunks(step)).zip(weights) {
        let lambda = problem.lambda().to_f64() * divisor * weight.to_f64();
        largest = largest.max(if input.kind % 4 == 2 { c[0] } else { norm(c) } / lambda);
        penalty += lambda * norm(w);
    }
    let (u, square) = (1.0 / largest, norm(&w) * norm(&w));
    let entropy = |v: f64| if v > 0.0 { v * v.ln() } else { 0.0 };
    let dual: f64 = match input.logistic {
        true => y.iter().zip(&rho).map(|(y, r)| -entropy(u * y * r) - entropy(1.0 - u * y * r)).sum(),
        false => y.iter().zip(&rho).map(|(y, r)| u * r * y - 0.5 * u * u * r * r).sum(),
    };
    let dual = dual - 0.5 * u * u * ridge * square;
    let primal = loss + penalty + 0.5 * ridge * square;
    // Products of some tens of terms, each rounded; slopes near λ are rounded relative to ‖a‖ ‖ρ‖.
    let columns = (0..p).map(|j| (0..n).map(|i| entry(i, j).abs()).fold(0.0, f64::max)).fold(1.0, f64::max);
    let reach = 1.0 + columns * (size.sqrt() + n as f64) * w.iter().map(|w| w.abs()).sum::<f64>() + size;
    let least =
        problem.lambda().to_f64() * divisor * weights.iter().fold(2.0, |least, w| w.to_f64().min(least));
    // A λ below the rounding of the slopes says nothing, and the bound is as large as it takes.
    let shrinks = (1.0 + columns * (size.sqrt() + n as f64) / least) * (primal + size);
    let bound = 256.0 * T::EPSILON.to_f64() * (primal + reach + shrinks);
    let (told, gap) = (outcome.primal.to_f64() * divisor, outcome.gap.to_f64() * divisor);
    assert!((told - primal).abs() <= bound, "{outcome:?}, but P = {primal} ± {bound}");
    // Sweeps find better dual points than the residual itself.
    let better = outcome.sweeps > 0 && !input.logistic && ridge == 0.0;
    let own = primal - dual - gap;
    assert!(
        own >= -bound && (better || own <= bound),
        "{outcome:?}, but a gap of {} ± {bound}",
        primal - dual
    );
    bound / divisor
}
