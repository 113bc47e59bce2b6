//! Sparse regression: properties, plain certificates, precision, refusals and limits.

use crate::regression::{Data, normal, uniform};
use proptest::prelude::*;
use southwell::descent::sparse_regression::{self, Ending, Options, Outcome, Penalty, Problem, Workspace};
use southwell::linear::{Columns, Csc, Design};
use southwell::{Error, Real, Run, Status, Stop, drive};

fn solve<T: Real, A: Design<T>>(
    problem: &Problem<'_, T, A>,
    (n, p, capacity): (usize, usize, usize),
    options: &Options<T>,
    w: &mut [T],
) -> Outcome<T> {
    let mut storage = vec![T::NAN; Workspace::<T>::required_len(n, p, capacity)];
    let mut indices = vec![77; Workspace::<T>::required_indices(p, capacity)];
    let workspace = Workspace::new(problem, capacity, &mut storage, &mut indices).expect("sound input");
    sparse_regression::solve(problem, options, w, workspace, &mut ()).expect("sound input")
}

/// What a problem is, in numbers: λ of every block, which ends before `ends`.
struct Plain<'a> {
    data: &'a Data,
    lambdas: Vec<f64>,
    ends: Vec<usize>,
    ridge: f64,
    positive: bool,
    logistic: bool,
}

impl Plain<'_> {
    /// P(w), a dual value, and the largest violation of the optimality conditions relative to λ, by plain loops.
    fn judge(&self, w: &[f64]) -> (f64, f64, f64) {
        let (data, z) = (self.data, self.data.apply(w));
        let pairs = || data.y.iter().zip(&z);
        let rho: Vec<f64> = match self.logistic {
            true => pairs().map(|(y, z)| y / (1.0 + (y * z).exp())).collect(),
            false => pairs().map(|(y, z)| y - z).collect(),
        };
        let loss: f64 = match self.logistic {
            true => pairs().map(|(y, z)| (-(y * z)).max(0.0) + (-(y * z).abs()).exp().ln_1p()).sum(),
            false => rho.iter().map(|r| 0.5 * r * r).sum(),
        };
        let c: Vec<f64> = (0..data.columns).map(|j| data.slope(j, &rho) - self.ridge * w[j]).collect();
        let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let (mut largest, mut penalty, mut violation, mut from) = (1.0_f64, 0.0, 0.0_f64, 0);
        for (&lambda, &end) in self.lambdas.iter().zip(&self.ends) {
            let (c, w) = (&c[from..end], &w[from..end]);
            let pull = if self.positive { c[0] } else { norm(c) };
            largest = largest.max(pull / lambda);
            let size = norm(w);
            penalty += lambda * size;
            let distance = match size {
                0.0 => pull - lambda,
                _ => norm(&c.iter().zip(w).map(|(c, w)| c - lambda * w / size).collect::<Vec<_>>()),
            };
            violation = violation.max(distance / lambda);
            from = end;
        }
        let square = w.iter().map(|w| w * w).sum::<f64>();
        let u = 1.0 / largest;
        let entropy = |v: f64| if v > 0.0 { v * v.ln() } else { 0.0 };
        let dual: f64 = match self.logistic {
            true => {
                data.y.iter().zip(&rho).map(|(y, r)| -entropy(u * y * r) - entropy(1.0 - u * y * r)).sum()
            }
            false => data.y.iter().zip(&rho).map(|(y, r)| u * r * y - 0.5 * u * u * r * r).sum(),
        };
        // The rows √ridge·I have residuals −√ridge·w and targets 0.
        let dual = dual - 0.5 * u * u * self.ridge * square;
        (loss + penalty + 0.5 * self.ridge * square, dual, violation)
    }
}

/// A small problem of any kind.
fn small(seed: u64, n: usize, p: usize, spread: f64) -> Data {
    let a = (0..n * p)
        .map(|k| {
            let own = normal(seed, k as u64);
            // Zeros, columns that are alike, and scales apart.
            let zero = uniform(seed + 1, k as u64) < 0.2;
            let shared = normal(seed + 2, (k % n) as u64);
            let scale = spread.powf(uniform(seed + 3, (k / n) as u64) - 0.5);
            if zero { 0.0 } else { (own + 2.0 * shared) * scale }
        })
        .collect();
    let mut data = Data { rows: n, columns: p, a, y: vec![] };
    let truth: Vec<f64> = (0..p).map(|j| if j % 3 == 0 { normal(seed + 4, j as u64) } else { 0.0 }).collect();
    data.y = data.apply(&truth);
    data.y.iter_mut().enumerate().for_each(|(i, y)| *y += 0.3 * normal(seed + 5, i as u64));
    data
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn gaps_are_honest_and_optima_are_optimal(
        seed in 0_u64..1 << 40,
        n in 1_usize..30,
        p in 1_usize..40,
        kind in 0_usize..4,
        logistic in any::<bool>(),
        ratio in 0.01_f64..1.2,
        room in 0_usize..3,
        spread in 1.0_f64..100.0,
        screening in any::<bool>(),
        growth in 1_u32..40,
    ) {
        let mut data = small(seed, n, p, spread);
        if logistic {
            data.y.iter_mut().for_each(|y| *y = if *y < 0.0 { -1.0 } else { 1.0 });
        }
        let weights: Vec<f64> = (0..p).map(|j| 0.5 + uniform(seed + 6, j as u64)).collect();
        let groups: Vec<u32> = (0..p as u32).step_by(3).chain([p as u32]).collect();
        let design = Columns::new(&data.a, n, p).expect("sound input");
        let make = |lambda| {
            let penalty = match kind {
                0 => Penalty::Lasso { lambda },
                1 => Penalty::ElasticNet { lambda, ridge: 0.5 },
                2 => Penalty::NonNegative { lambda },
                _ => Penalty::Group { lambda, groups: &groups },
            };
            let problem = match logistic {
                true => Problem::logistic(&design, &data.y, penalty),
                false => Problem::least_squares(&design, &data.y, penalty),
            };
            let problem = problem.expect("sound input");
            problem.weighted(&weights[..problem.blocks()]).expect("sound input")
        };
        let lambda_max = make(1.0).lambda_max();
        prop_assume!(lambda_max > 1e-6);
        let lambda = ratio * lambda_max;
        let problem = make(lambda);
        let plain = Plain {
            data: &data,
            lambdas: (0..problem.blocks()).map(|b| lambda * weights[b]).collect(),
            ends: match kind {
                3 => groups[1..].iter().map(|&g| g as usize).collect(),
                _ => (1..=p).collect(),
            },
            ridge: if kind == 1 { 0.5 } else { 0.0 },
            positive: kind == 2,
            logistic,
        };
        let mut options = Options { growth, screening, ..Options::default() };
        options.stop.relative = 1e-9;
        options.stop.max_steps = 3000;
        let capacity = [0, p / 2, p][room];
        let mut w = vec![0.0; p];
        let outcome = solve(&problem, (n, p, capacity), &options, &mut w);
        let (primal, dual, violation) = plain.judge(&w);
        let rounding = 1e-11 * outcome.report.scale.max(primal);
        prop_assert!((primal - outcome.primal).abs() <= rounding, "{primal} {outcome:?}");
        // Sweeps find better dual points than the residual itself.
        let extrapolates = outcome.sweeps > 0 && !logistic && plain.ridge == 0.0;
        let own = primal - dual - outcome.gap;
        prop_assert!(own >= -rounding && (extrapolates || own <= rounding), "{own} {outcome:?}");
        if extrapolates {
            let best = solve(&problem, (n, p, p), &options, &mut vec![0.0; p]);
            prop_assert!(best.primal >= outcome.dual - rounding, "{best:?} {outcome:?}");
        }
        prop_assert!(outcome.gap >= 0.0 && w.iter().all(|w| w.is_finite()));
        prop_assert!(kind != 2 || w.iter().all(|&w| w >= 0.0));
        if ratio > 1.0 {
            prop_assert_eq!(outcome.nonzeros, 0);
        }
        if capacity == p {
            // Sweeps may be slow; working sets have no excuse.
            prop_assert_eq!(outcome.report.status, Status::Converged, "{:?}", outcome);
            prop_assert!(violation < 1e-3, "{violation} {outcome:?}");
            // Screening left every member of the support alone.
            let mut plain_w = vec![0.0; p];
            options.screening = false;
            let other = solve(&problem, (n, p, capacity), &options, &mut plain_w);
            prop_assert!((other.primal - outcome.primal).abs() <= outcome.gap.max(other.gap) + rounding);
        }
    }

    #[test]
    fn sparse_designs_and_intercepts_agree_with_centred_dense_ones(
        seed in 0_u64..1 << 40,
        n in 3_usize..30,
        p in 1_usize..20,
        ratio in 0.02_f64..0.9,
        capacity in 0_usize..2,
    ) {
        let mut data = small(seed, n, p, 3.0);
        data.y.iter_mut().for_each(|y| *y += 5.0);
        let (offsets, rows, values) = data.sparse();
        let design = Csc::new(&offsets, &rows, &values, n).expect("sound input");
        let problem = Problem::least_squares(&design, &data.y, Penalty::Lasso { lambda: 1.0 }).expect("sound input");
        let problem = problem.with_intercept().expect("sound input");
        let lambda_max = problem.lambda_max();
        prop_assume!(lambda_max > 1e-6);
        let mut centred = data.clone();
        for column in centred.a.chunks_exact_mut(n).chain([&mut centred.y[..]]) {
            let mean = column.iter().sum::<f64>() / n as f64;
            column.iter_mut().for_each(|a| *a -= mean);
        }
        let dense = Columns::new(&centred.a, n, p).expect("sound input");
        let other = Problem::least_squares(&dense, &centred.y, Penalty::Lasso { lambda: 1.0 }).expect("sound input");
        prop_assert!((other.lambda_max() - lambda_max).abs() <= 1e-10 * lambda_max);
        let (problem, other) =
            (problem.with_lambda(ratio * lambda_max).expect("sound input"), other.with_lambda(ratio * lambda_max).expect("sound input"));
        let mut options = Options::default();
        options.stop.relative = 1e-9;
        let (mut w, mut v) = (vec![0.0; p], vec![0.0; p]);
        let outcome = solve(&problem, (n, p, capacity * p), &options, &mut w);
        let expected = solve(&other, (n, p, p), &options, &mut v);
        prop_assert!((outcome.report.scale - expected.report.scale).abs() <= 1e-10 * expected.report.scale);
        prop_assert!((outcome.primal - expected.primal).abs() <= 3e-9 * expected.report.scale);
        let z = data.apply(&w);
        let mean = data.y.iter().zip(&z).map(|(y, z)| y - z).sum::<f64>() / n as f64;
        prop_assert!((outcome.intercept - mean).abs() <= 1e-9 * mean.abs().max(1.0));
    }
}

#[test]
fn single_precision() {
    let data = crate::regression::dense();
    let (n, p) = (data.rows, data.columns);
    let a: Vec<f32> = data.a.iter().map(|&a| a as f32).collect();
    let y: Vec<f32> = data.y.iter().map(|&y| y as f32).collect();
    let design = Columns::new(&a, n, p).expect("sound input");
    let penalty = Penalty::Lasso { lambda: 0.158_912_94 };
    let problem =
        Problem::least_squares(&design, &y, penalty).expect("sound input").averaged().expect("sound input");
    let mut w = vec![0.0; p];
    let outcome = solve(&problem, (n, p, 400), &Options::default(), &mut w);
    assert_eq!((outcome.report.status, outcome.nonzeros), (Status::Converged, 27));
    assert!((outcome.primal - 3.0634112).abs() < 1e-5, "{outcome:?}");
}

#[test]
fn a_warm_start_at_the_solution_takes_no_step_and_steps_add_up() {
    let data = crate::regression::dense();
    let (n, p) = (data.rows, data.columns);
    let design = Columns::new(&data.a, n, p).expect("sound input");
    let penalty = Penalty::Lasso { lambda: 0.1589129415 };
    let problem = Problem::least_squares(&design, &data.y, penalty)
        .expect("sound input")
        .averaged()
        .expect("sound input");
    let mut options = Options { growth: 4, ..Options::default() };
    let mut w = vec![0.0; p];
    let whole = solve(&problem, (n, p, 300), &options, &mut w);
    assert_eq!(whole.ended, Ending::Gap);
    assert!(whole.report.steps > 3 && whole.gap <= whole.threshold);
    let mut again = w.clone();
    assert_eq!(solve(&problem, (n, p, 300), &options, &mut again).report.steps, 0);

    let mut storage = vec![1.0; Workspace::<f64>::required_len(n, p, 300)];
    let mut indices = vec![0; Workspace::<f64>::required_indices(p, 300)];
    let workspace = Workspace::new(&problem, 300, &mut storage, &mut indices).expect("sound input");
    let mut x = vec![0.0; p];
    options.stop.max_steps = 1;
    let mut run = sparse_regression::start(&problem, &options, &mut x, workspace).expect("sound input");
    let mut steps = 0;
    loop {
        let report = drive(&mut run, &options.stop, &mut ());
        steps += report.steps;
        if report.status == Status::Converged {
            break;
        }
        assert_eq!(report.status, Status::StepLimit);
        assert!(run.residual() > 0.0);
    }
    assert_eq!((steps, &x), (whole.report.steps, &w));
}

#[test]
fn too_small_a_gap_ends_as_stalled_and_no_variance_at_once() {
    let data = small(5, 12, 8, 2.0);
    let design = Columns::new(&data.a, 12, 8).expect("sound input");
    let problem =
        Problem::least_squares(&design, &data.y, Penalty::Lasso { lambda: 0.5 }).expect("sound input");
    let mut options = Options::default();
    options.stop.relative = 1e-300;
    let mut w = vec![0.0; 8];
    let outcome = solve(&problem, (12, 8, 8), &options, &mut w);
    assert!(matches!(outcome.report.status, Status::Stalled | Status::Converged), "{outcome:?}");
    assert!(outcome.gap < 1e-13 * outcome.report.scale && outcome.report.steps < 20);
    let problem =
        Problem::least_squares(&design, &[0.0; 12], Penalty::Lasso { lambda: 0.5 }).expect("sound input");
    let outcome = solve(&problem, (12, 8, 8), &Options::default(), &mut [0.0; 8]);
    assert_eq!((outcome.report.status, outcome.report.steps), (Status::Converged, 0));
    // Squares that overflow.
    let problem =
        Problem::least_squares(&design, &[1e200; 12], Penalty::Lasso { lambda: 0.5 }).expect("sound input");
    let mut w = [0.0; 8];
    let outcome = solve(&problem, (12, 8, 8), &Options::default(), &mut w);
    assert_eq!((outcome.report.status, w), (Status::NotFinite, [0.0; 8]));
}

#[test]
fn bad_input_is_refused() {
    let design = Columns::new(&[1.0, 2.0, 3.0, 4.0], 2, 2).expect("sound input");
    let lasso = |lambda| Penalty::Lasso { lambda };
    let squares =
        |y: &[f64], penalty| Problem::least_squares(&design, y, penalty).map(drop).expect_err("a refusal");
    assert!(matches!(squares(&[1.0], lasso(1.0)), Error::Dimension { argument: "y", .. }));
    assert_eq!(squares(&[1.0, f64::NAN], lasso(1.0)), Error::Value { argument: "y", index: 1 });
    for lambda in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(squares(&[1.0, 1.0], lasso(lambda)), Error::Option { name: "lambda", .. }));
    }
    let net = Penalty::ElasticNet { lambda: 1.0, ridge: -1.0 };
    assert!(matches!(squares(&[1.0, 1.0], net), Error::Option { name: "ridge", .. }));
    for groups in [&[][..], &[1, 2], &[0, 1, 1, 2], &[0, 3], &[0, 1]] {
        let penalty = Penalty::Group { lambda: 1.0, groups };
        assert!(matches!(
            squares(&[1.0, 1.0], penalty),
            Error::Structure { argument: "groups", .. } | Error::Dimension { argument: "groups", .. }
        ));
    }
    let labels = Problem::logistic(&design, &[1.0, 0.0], lasso(1.0)).map(drop);
    assert_eq!(labels, Err(Error::Label { argument: "labels", index: 1 }));
    let problem = Problem::logistic(&design, &[1.0, -1.0], lasso(1.0)).expect("sound input");
    let one = Problem::logistic(&design, &[1.0, 1.0], lasso(1.0)).expect("sound input").with_intercept();
    assert!(matches!(one.map(drop), Err(Error::Option { name: "intercept", .. })));
    let large = Problem::least_squares(&design, &[1.0, 1.0], lasso(1e200)).expect("sound input");
    assert!(large.weighted(&[1.0, 1e100]).is_ok());
    // Each is finite, and what they make together is not.
    let beyond = large.weighted(&[1.0, 1e200]).map(drop);
    let requirement = "must be positive and finite";
    assert_eq!(beyond, Err(Error::Option { name: "weights", requirement }));
    // So it is with the λ of a path, and with as many samples as a loss is averaged over.
    let averaged = Problem::least_squares(&design, &[1.0, 1.0], lasso(1.0)).expect("sound input").averaged();
    let averaged = averaged.expect("sound input");
    let weighted = averaged.weighted(&[1.0, 1e10]).expect("sound input");
    for (problem, most) in [(averaged, 5e307), (weighted, 5e297)] {
        let options = Options::default();
        for (index, lambdas) in [[2.0 * most, most], [most, 2.0 * most]].iter().enumerate() {
            assert!(problem.with_lambda(lambdas[1 - index]).is_ok());
            let refused = problem.with_lambda(lambdas[index]).map(drop);
            assert!(matches!(refused, Err(Error::Option { name: "lambda", .. })), "{lambdas:?}: {refused:?}");
            let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(2, 2, 2)];
            let mut indices = vec![0; Workspace::<f64>::required_indices(2, 2)];
            let work = Workspace::new(&problem, 2, &mut storage, &mut indices).expect("memory");
            let mut w = [1.0; 2];
            let solved = sparse_regression::path(&problem, lambdas, &options, &mut w, work, |_, _, _| {
                panic!("nothing is solved")
            });
            assert_eq!((solved, w), (Err(Error::Value { argument: "lambdas", index }), [1.0; 2]));
        }
    }
    let beyond = large.weighted(&[1.0, 1e108]).expect("sound input").averaged().map(drop);
    assert!(matches!(beyond, Err(Error::Option { name: "lambda", .. })), "{beyond:?}");
    let weights = problem.weighted(&[1.0, 0.0]).map(drop);
    assert!(matches!(weights, Err(Error::Option { name: "weights", .. })));

    let mut storage = vec![0.0; Workspace::<f64>::required_len(2, 2, 2)];
    let mut indices = vec![0; Workspace::<f64>::required_indices(2, 2)];
    let short = Workspace::new(&problem, 2, &mut storage[1..], &mut indices).map(drop);
    assert!(matches!(short, Err(Error::Workspace { .. })));
    let short = Workspace::new(&problem, 2, &mut storage, &mut indices[1..]).map(drop);
    assert!(matches!(short, Err(Error::Workspace { .. })));
    let positive = Problem::least_squares(&design, &[1.0, 1.0], Penalty::NonNegative { lambda: 1.0 })
        .expect("sound input");
    for (w, growth, expected) in [
        (&[1.0, -1.0][..], 1, Error::Negative { argument: "w", index: 1 }),
        (&[1.0, f64::NAN], 1, Error::Value { argument: "w", index: 1 }),
        (&[1.0], 1, Error::Dimension { argument: "w", expected: 2, given: 1 }),
        (&[1.0, 1.0], 0, Error::Option { name: "growth", requirement: "must be positive" }),
    ] {
        let workspace = Workspace::new(&positive, 2, &mut storage, &mut indices).expect("sound input");
        let options = Options { growth, ..Options::default() };
        let mut given = w.to_vec();
        let result = sparse_regression::solve(&positive, &options, &mut given, workspace, &mut ()).map(drop);
        assert_eq!(result, Err(expected));
    }
    let other = Columns::new(&[1.0; 6], 3, 2).expect("sound input");
    let other = Problem::least_squares(&other, &[1.0; 3], lasso(1.0)).expect("sound input");
    let workspace = Workspace::new(&problem, 2, &mut storage, &mut indices).expect("sound input");
    let result =
        sparse_regression::solve(&other, &Options::default(), &mut [0.0; 2], workspace, &mut ()).map(drop);
    assert!(matches!(result, Err(Error::Workspace { .. })));
}

/// Columns that are constant but for their last bits: centring leaves rounding of them, which is not to be divided by.
#[test]
fn columns_of_nothing_but_rounding() {
    let mut data = crate::regression::diabetes();
    let (n, p) = (data.rows, data.columns);
    for (i, a) in data.a.iter_mut().take(2 * n).enumerate() {
        let last_bit = if i % 3 == 0 { 1e15 * f64::EPSILON } else { 0.0 };
        *a = if i < n { 1e15 + last_bit } else { 0.1 };
    }
    let design = Columns::new(&data.a, n, p).expect("sound input");
    for capacity in [p, 0] {
        for start in [0.0, 1e-6] {
            let penalty = Penalty::Lasso { lambda: 5.0 };
            let problem = Problem::least_squares(&design, &data.y, penalty).expect("sound input");
            let problem = problem.with_intercept().expect("least squares");
            let mut w = vec![start; p];
            let found = solve(&problem, (n, p, capacity), &Options::default(), &mut w);
            assert!(found.report.converged() && w[..2] == [0.0; 2] && found.nonzeros > 2, "{found:?}, {w:?}");
        }
    }
}

/// Sweeps alone: the gap that is reported is below that of the residual itself, since residuals are extrapolated, and
/// bounds the excess all the same.
#[test]
fn sweeps_extrapolate_the_dual_point() {
    let (n, p) = (60, 90);
    let mut data = small(7, n, p, 3.0);
    for j in 1..p {
        for i in 0..n {
            data.a[j * n + i] = 0.8 * data.a[(j - 1) * n + i] + 0.6 * data.a[j * n + i];
        }
    }
    let design = Columns::new(&data.a, n, p).expect("sound input");
    let groups: Vec<u32> = (0..=p as u32).step_by(3).collect();
    let mut below = 0;
    for kind in 0..4 {
        let make = |lambda| {
            let penalty = match kind {
                1 => Penalty::NonNegative { lambda },
                2 => Penalty::Group { lambda, groups: &groups },
                _ => Penalty::Lasso { lambda },
            };
            let problem = Problem::least_squares(&design, &data.y, penalty).expect("sound input");
            if kind == 3 { problem.with_intercept().expect("least squares") } else { problem }
        };
        let problem = make(0.1 * make(1.0).lambda_max());
        let tight = Options { stop: Stop::relative(1e-12), ..Options::default() };
        let exact = solve(&problem, (n, p, p), &tight, &mut vec![0.0; p]);
        for steps in [5, 10, 20, 40, 80, 120] {
            let options = Options { stop: Stop { max_steps: steps, ..Stop::relative(1e-15) }, ..tight };
            let mut w = vec![0.0; p];
            let found = solve(&problem, (n, p, 0), &options, &mut w);
            let excess = found.primal - exact.primal;
            assert!(excess <= found.gap + 1e-12 * found.primal, "{kind}: {excess}, {found:?}");
            let still = Options { stop: Stop { max_steps: 0, ..Stop::relative(1e-15) }, ..tight };
            let own = solve(&problem, (n, p, 0), &still, &mut w);
            assert!(found.gap <= own.gap * (1.0 + 1e-9) + 1e-13 * found.primal, "{kind}: {own:?}, {found:?}");
            below += u32::from(found.gap < 0.6 * own.gap);
        }
    }
    assert!(below >= 8, "{below} of 24");
}

/// Hostile data cost no more than what a step may: Hilbert's matrix in groups, to a gap below what rounding allows.
#[test]
fn the_work_of_a_step_is_bounded() {
    let a: Vec<f64> = (0..144).map(|k| 1.0 / f64::from(k / 12 + k % 12 + 1)).collect();
    let y: Vec<f64> = (0..12).map(|i| normal(7, i)).collect();
    let design = Columns::new(&a, 12, 12).expect("a matrix");
    let groups = [0, 3, 5, 8, 12];
    for penalty in [Penalty::Lasso { lambda: 1.0 }, Penalty::Group { lambda: 1.0, groups: &groups }] {
        let unit = Problem::least_squares(&design, &y, penalty).expect("a problem");
        let problem = unit.with_lambda(1e-6 * unit.lambda_max()).expect("a problem");
        let stop = Stop { max_steps: 20, ..Stop::relative(1e-14) };
        let options = Options { stop, ..Options::default() };
        let found = solve(&problem, (12, 12, 12), &options, &mut [0.0; 12]);
        assert!(found.updates > 0 && found.updates <= 12 * 30 * 20, "{found:?}");
        // A look is at most twelve products, and the Gram matrix is made once.
        assert!(found.column_visits <= 24 + 12 * 20 + 144, "{found:?}");
    }
}
