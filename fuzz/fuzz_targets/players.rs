//! Matrix games, greedy pairs under a sum constraint, and calibrations: what is reported is that of what is left,
//! recomputed in plain loops; constraints hold; dirty memory and another instruction set lead to the same bits.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::descent::losses::Quadratic;
use southwell::descent::pairs;
use southwell::descent::penalties::{Interval, Values};
use southwell::linear::Dense;
use southwell::subgradient::method::Ending;
use southwell::subgradient::step::{Constant, Diminishing, StepRule};
use southwell::subgradient::{Table, calibration, game};
use southwell::{Real, Run, Status, Stop};
use southwell_fuzz::{Number, bits, check_error, cycled, number_bits, thrice};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    what: u8,
    rows: u8,
    columns: u8,
    numbers: Vec<Number>,
    start: Vec<Number>,
    length: u8,
    constant: bool,
    steps: u8,
    free: bool,
    sum: Number,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn check<T: Real>(input: &Input) {
    match input.what % 3 {
        0 => check_game::<T>(input),
        1 => check_pairs::<T>(input),
        _ => check_calibration::<T>(input),
    }
}

fn check_game<T: Real>(input: &Input) {
    let (m, n) = (usize::from(input.rows % 7) + 1, usize::from(input.columns % 7) + 1);
    let payoff: Vec<T> = (0..m * n).map(|k| cycled(&input.numbers, k).tame()).collect();
    let table = Table::new(&payoff, m, n).expect("sound numbers");
    let length = T::from_f64((f64::from(input.length) + 1.0) / 64.0);
    let begin = |from: usize, count: usize| -> Vec<T> {
        (from..from + count).map(|k| cycled(&input.start, k).tame::<T>()).collect()
    };
    let ending = Ending::after(u32::from(input.steps));
    let found = thrice(|dirt: T| {
        let (mut x, mut y) = (begin(0, m), begin(m, n));
        let (before_x, before_y) = (bits(&x), bits(&y));
        let mut storage = vec![dirt; game::Workspace::<T>::required_len(m, n)];
        let workspace = game::Workspace::new(&table, &mut storage).expect("memory");
        let mut rule: Box<dyn StepRule<T>> =
            if input.constant { Box::new(Constant(length)) } else { Box::new(Diminishing(length)) };
        match game::solve(&table, &ending, &mut *rule, &mut x, &mut y, workspace, &mut ()) {
            Ok(outcome) => {
                let told = [outcome.lower, outcome.upper, outcome.report.residual].map(number_bits);
                Some((told, outcome.report.steps, bits(&x), bits(&y)))
            }
            Err(error) => {
                check_error(error, |name| if name == "x" { m } else { n });
                assert_eq!(
                    (bits(&x), bits(&y)),
                    (before_x, before_y),
                    "{error:?}, but strategies were touched"
                );
                None
            }
        }
    });
    let Some((told, steps, x, y)) = found else { return };
    let number = |bits: u64| -> f64 {
        if size_of::<T>() == 4 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
    };
    let numbers = |list: &[u64]| list.iter().map(|&bits| number(bits)).collect::<Vec<_>>();
    let ([lower, upper, residual], x, y) = (told.map(number), numbers(&x), numbers(&y));
    let largest = payoff.iter().fold(0.0, |most: f64, a| most.max(a.to_f64().abs()));
    let unit = T::EPSILON.to_f64() * (f64::from(steps) + (m + n) as f64 + 8.0) * 4.0;
    for strategy in [&x, &y] {
        assert!(strategy.iter().all(|&p| p >= 0.0), "{strategy:?}");
        assert!((strategy.iter().sum::<f64>() - 1.0).abs() <= unit, "{strategy:?}");
    }
    let gain = |i: usize| (0..n).map(|j| payoff[i * n + j].to_f64() * y[j]).sum::<f64>();
    let cost = |j: usize| (0..m).map(|i| payoff[i * n + j].to_f64() * x[i]).sum::<f64>();
    let most = (0..m).map(gain).fold(f64::NEG_INFINITY, f64::max);
    let least = (0..n).map(cost).fold(f64::INFINITY, f64::min);
    let bound = unit * largest;
    assert!(
        (lower - least).abs() <= bound && (upper - most).abs() <= bound,
        "{lower} {least} {upper} {most}"
    );
    assert!(lower <= upper + 2.0 * bound, "the value lies between {lower} and {upper}");
    assert!((residual - (upper - lower).max(0.0)).abs() <= bound);
}

fn check_pairs<T: Real>(input: &Input) {
    let n = usize::from(input.rows % 8) + 1;
    // Bᵀ B: nothing falls for ever.
    let factor: Vec<f64> =
        (0..n * n).map(|k| cycled(&input.numbers, k).tame::<f64>().clamp(-8.0, 8.0)).collect();
    let entry = |i: usize, j: usize| (0..n).map(|k| factor[k * n + i] * factor[k * n + j]).sum::<f64>();
    let matrix: Vec<T> =
        (0..n * n).map(|k| T::from_f64(entry((k / n).min(k % n), (k / n).max(k % n)))).collect();
    let linear: Vec<T> = (0..n).map(|k| cycled(&input.numbers, k + 5).tame()).collect();
    let dense = Dense::new(&matrix, n, n).expect("sound numbers");
    let loss = Quadratic::new(dense, &linear).expect("sound numbers");
    let lower: Vec<T> = (0..n).map(|k| -cycled(&input.start, k).tame::<T>().abs()).collect();
    let upper: Vec<T> = (0..n).map(|k| cycled(&input.start, k + 3).tame::<T>().abs()).collect();
    let bounds = if input.free {
        Interval::new(-T::INFINITY, T::INFINITY)
    } else {
        Interval::new(Values::Each(&lower), Values::Each(&upper))
    };
    let sum = input.sum.tame::<T>();
    let problem = match pairs::Problem::new(&loss, bounds, sum) {
        Ok(problem) => problem,
        Err(error) => {
            let total = |of: &[T]| of.iter().fold(T::ZERO, |total, &x| total + x);
            assert!(!input.free && (sum < total(&lower) || sum > total(&upper)), "{error:?}");
            return;
        }
    };
    let stop = Stop { max_steps: u32::from(input.steps), ..Stop::relative(T::from_f64(1e-4)) };
    let value = |x: &[T]| -> f64 {
        let quadratic =
            (0..n * n).map(|k| matrix[k].to_f64() * x[k / n].to_f64() * x[k % n].to_f64()).sum::<f64>();
        0.5 * quadratic - linear.iter().zip(x).map(|(c, x)| c.to_f64() * x.to_f64()).sum::<f64>()
    };
    let largest = |list: &[T]| list.iter().fold(0.0, |most: f64, x| most.max(x.to_f64().abs()));
    thrice(|dirt: T| {
        let mut x: Vec<T> = (0..n).map(|k| cycled(&input.start, k + 7).tame()).collect();
        let needed = pairs::Workspace::<T>::required_len(n, 0);
        let mut storage = vec![dirt; needed];
        let workspace = pairs::Workspace::new(&problem, &mut storage).expect("memory");
        let mut run = pairs::start(&problem, &stop, &mut x, workspace).expect("sound numbers");
        let mut last = value(run.x());
        for _ in 0..stop.max_steps {
            run.step();
            if run.failure().is_some() {
                break;
            }
            let now = value(run.x());
            // The gradient is carried along: each step may have used one that is off by rounding.
            let reach = 1.0 + largest(run.x());
            let rounding = 64.0 * T::EPSILON.to_f64() * (n as f64 + f64::from(stop.max_steps));
            let bound = rounding * (largest(&matrix) * reach + largest(&linear)) * reach * n as f64;
            assert!(now <= last + bound, "the objective rose from {last} to {now} ± {bound}");
            last = now;
        }
        let failure = run.failure();
        assert!(matches!(failure, None | Some(Status::Stalled | Status::Breakdown | Status::NotFinite)));
        // Without curvature and bounds f may fall for ever; nothing else breaks down.
        assert!(failure != Some(Status::Breakdown) || input.free, "{failure:?}");
        let x = run.x();
        assert!(x.iter().all(|x| x.is_finite()), "{x:?}");
        if !input.free {
            assert!(x.iter().zip(lower.iter().zip(&upper)).all(|(x, (low, high))| low <= x && x <= high));
        }
        let total: f64 = x.iter().map(|x| x.to_f64()).sum();
        let moved = f64::from(stop.max_steps) + n as f64 + 4.0;
        // Numbers on the way may have been larger than those at the end: the bounds and the sum hold them.
        let most = largest(x).max(largest(&lower)).max(largest(&upper)).max(sum.to_f64().abs()) + 1e3;
        let bound = 4.0 * T::EPSILON.to_f64() * moved * most * n as f64;
        assert!(
            input.free || (total - sum.to_f64()).abs() <= bound,
            "a sum of {total} instead of {sum} ± {bound}"
        );
        bits(x)
    });
    // The same by `solve`, which says when it is done.
    let mut x = vec![T::ZERO; n];
    let mut storage = vec![T::NAN; pairs::Workspace::<T>::required_len(n, 0)];
    let workspace = pairs::Workspace::new(&problem, &mut storage).expect("memory");
    let report = pairs::solve(&problem, &stop, &mut x, workspace, &mut ()).expect("sound numbers");
    if report.status == Status::Converged {
        let slope = |i: usize| {
            (0..n).map(|j| matrix[i * n + j].to_f64() * x[j].to_f64()).sum::<f64>() - linear[i].to_f64()
        };
        let can = |grow: bool| {
            let room = |i: &usize| input.free || if grow { x[*i] < upper[*i] } else { x[*i] > lower[*i] };
            (0..n).filter(room).map(slope).collect::<Vec<_>>()
        };
        let least = can(true).into_iter().fold(f64::INFINITY, f64::min);
        let most = can(false).into_iter().fold(f64::NEG_INFINITY, f64::max);
        let size = largest(&matrix) * largest(&x) * n as f64 + largest(&linear);
        let bound = stop.relative.to_f64() * report.scale.to_f64() * 1.001
            + 8.0 * T::EPSILON.to_f64() * (n as f64 + 4.0) * size;
        assert!(most - least <= bound, "{report:?}, but a pair is off by {} ± {bound}", most - least);
    }
}

fn check_calibration<T: Real>(input: &Input) {
    let n = usize::from(input.rows % 24);
    let samples: Vec<T> = (0..3 * n).map(|k| cycled(&input.numbers, k).tame()).collect();
    let Ok(table) = Table::new(&samples, n, 3) else { return };
    let field = T::from_f64(f64::from(input.length) / 16.0);
    let problem = match calibration::Problem::new(table, field) {
        Ok(problem) => problem,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(n >= 9 && field > T::ZERO);
    let options = calibration::Options {
        ending: Ending::after(u32::from(input.steps)),
        ..calibration::Options::default()
    };
    thrice(|dirt: T| {
        let mut storage = vec![dirt; calibration::REQUIRED_LEN];
        let found = calibration::solve(&problem, &options, &mut storage, &mut ()).expect("sound input");
        let agreeing = found.agreeing;
        assert!(agreeing <= n && found.deviation >= T::ZERO);
        if found.outcome.report.status != Status::Breakdown {
            // Half of the samples are within the median by its definition.
            assert!(2 * agreeing >= n, "{agreeing} of {n}");
            for i in 0..3 {
                for j in 0..3 {
                    let of = |k: usize| found.soft_iron[i][k].to_f64() * found.correction[k][j].to_f64();
                    let (entry, size) =
                        ((0..3).map(of).sum::<f64>(), (0..3).map(|k| of(k).abs()).sum::<f64>());
                    let unit = f64::from(u8::from(i == j));
                    // An inverse by cofactors loses as many digits as the terms are large.
                    if size < 1e3 {
                        assert!((entry - unit).abs() < 1e4 * T::EPSILON.to_f64() * (1.0 + size), "{found:?}");
                    }
                }
            }
        }
        let list = found.offset.iter().chain(found.correction.iter().flatten()).copied();
        (bits(&list.collect::<Vec<T>>()), agreeing, number_bits(found.outcome.value))
    });
}
