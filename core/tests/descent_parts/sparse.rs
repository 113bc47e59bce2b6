//! Sparse regression at its edges: warm starts, absolute tolerances, paths that are broken off, nearly constant columns,
//! and a problem with room for every kind of step, counted.

use std::ops::ControlFlow;

use southwell::descent::sparse_regression::{self, Ending, Options, Outcome, Penalty, Problem, Workspace};
use southwell::linear::Columns;
use southwell::{Status, Stop};

use crate::regression::normal;

const N: usize = 24;
const P: usize = 60;

/// Correlated columns, and y from twelve of them.
fn data() -> (Vec<f64>, Vec<f64>) {
    let mut a: Vec<f64> = (0..N * P).map(|k| normal(501, k as u64)).collect();
    for k in N..N * P {
        a[k] = 0.5 * a[k - N] + 0.75 * a[k];
    }
    let w = |j: usize| if j.is_multiple_of(5) { 1.0 - (j % 2) as f64 * 2.0 } else { 0.0 };
    let y = |i: usize| (0..P).map(|j| a[j * N + i] * w(j)).sum::<f64>() + 0.25 * normal(502, i as u64) + 1.0;
    let y = (0..N).map(y).collect();
    (a, y)
}

fn run(
    problem: &Problem<'_, f64, Columns<'_, f64>>,
    options: &Options<f64>,
    capacity: usize,
    w: &mut [f64],
) -> Outcome<f64> {
    let (n, p) = problem.shape();
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(n, p, capacity)];
    let mut indices = vec![77; Workspace::<f64>::required_indices(p, capacity)];
    let work = Workspace::new(problem, capacity, &mut storage, &mut indices).expect("memory");
    sparse_regression::solve(problem, options, w, work, &mut ()).expect("valid")
}

fn tight() -> Options<f64> {
    Options { stop: Stop { max_steps: 400, ..Stop::relative(1e-11) }, ..Options::default() }
}

const GROUPS: [u32; 21] = [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45, 48, 51, 54, 57, 60];

fn penalties(lambda: f64) -> [Penalty<'static, f64>; 4] {
    [
        Penalty::Lasso { lambda },
        Penalty::ElasticNet { lambda, ridge: 0.5 },
        Penalty::NonNegative { lambda },
        Penalty::Group { lambda, groups: &GROUPS },
    ]
}

/// From its own solution a run has nothing to do; from near it, little; and it ends where it ended from 0.
#[test]
fn warm_starts_end_at_the_same_optimum() {
    let (a, y) = data();
    let design = Columns::new(&a, N, P).expect("a design");
    let weights: Vec<f64> = (0..P).map(|j| [1.0, 2.0, 0.5][j % 3]).collect();
    for penalty in penalties(1.5) {
        let problem = Problem::least_squares(&design, &y, penalty).expect("a problem");
        let problem = problem.weighted(&weights[..problem.blocks()]).expect("weights");
        for problem in [problem, problem.with_intercept().expect("a constant")] {
            let mut w = vec![0.0; P];
            let cold = run(&problem, &tight(), P, &mut w);
            assert_eq!((cold.report.status, cold.ended), (Status::Converged, Ending::Gap), "{cold:?}");
            let mut again = w.clone();
            let warm = run(&problem, &Options { stop: Stop::relative(1e-9), ..tight() }, P, &mut again);
            assert_eq!(
                (warm.report.status, warm.report.steps, again == w),
                (Status::Converged, 0, true),
                "{warm:?}"
            );
            for factor in [1.25, -0.5] {
                let mut near: Vec<f64> = w.iter().map(|w| factor * w).collect();
                if penalty == (Penalty::NonNegative { lambda: 1.5 }) {
                    near.iter_mut().for_each(|w| *w = w.abs());
                }
                let warm = run(&problem, &tight(), P, &mut near);
                assert_eq!(warm.report.status, Status::Converged, "{warm:?}");
                assert!((warm.primal - cold.primal).abs() < 1e-9 * cold.primal, "{warm:?} {cold:?}");
                assert!(
                    warm.report.steps <= cold.report.steps + 2,
                    "{} {}",
                    warm.report.steps,
                    cold.report.steps
                );
            }
        }
    }
}

/// An absolute tolerance is in the units of the objective: a mean asks of one what the sum asks of N times as much.
#[test]
fn absolute_tolerances() {
    let (a, y) = data();
    let design = Columns::new(&a, N, P).expect("a design");
    let until = |absolute: f64| {
        let stop = Stop { absolute, relative: 0.0, max_steps: 400, ..Stop::default() };
        Options { stop, growth: 4, ..Options::default() }
    };
    let whole = Problem::least_squares(&design, &y, Penalty::Lasso { lambda: 1.5 }).expect("a problem");
    let mean =
        Problem::least_squares(&design, &y, Penalty::Lasso { lambda: 1.5 / N as f64 }).expect("a problem");
    let mean = mean.averaged().expect("a problem");
    let whole = run(&whole, &until(0.25), P, &mut [0.0; P]);
    let mean = run(&mean, &until(0.25 / N as f64), P, &mut [0.0; P]);
    for (found, threshold) in [(whole, 0.25), (mean, 0.25 / N as f64)] {
        assert_eq!(found.report.status, Status::Converged, "{found:?}");
        assert!((found.threshold - threshold).abs() < 1e-15 && found.gap <= threshold, "{found:?}");
    }
    let work =
        |found: &Outcome<f64>| (found.report.steps, found.updates, found.column_visits, found.nonzeros);
    assert_eq!(work(&whole), work(&mean));
    assert!((whole.primal - N as f64 * mean.primal).abs() < 1e-12 * whole.primal);
}

#[test]
fn paths_end_where_they_are_broken_off() {
    let (a, y) = data();
    let design = Columns::new(&a, N, P).expect("a design");
    let problem = Problem::least_squares(&design, &y, Penalty::Lasso { lambda: 1.0 }).expect("a problem");
    let most = problem.lambda_max();
    let lambdas: Vec<f64> = (0..6).map(|k| most * 0.5_f64.powi(k)).collect();
    let walk = |last: usize| {
        let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(N, P, P)];
        let mut indices = vec![77; Workspace::<f64>::required_indices(P, P)];
        let work = Workspace::new(&problem, P, &mut storage, &mut indices).expect("memory");
        let (mut w, mut seen) = (vec![0.0; P], vec![]);
        let count = sparse_regression::path(&problem, &lambdas, &tight(), &mut w, work, |k, w, found| {
            seen.push((k, w.to_vec(), *found));
            if k == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (count.expect("valid"), seen)
    };
    for (last, expected) in [(0, 1), (2, 3), (5, 6), (77, 6)] {
        let (count, seen) = walk(last);
        assert_eq!((count, seen.len()), (expected, expected), "{last}");
        for (k, (place, w, found)) in seen.iter().enumerate() {
            assert_eq!((*place, found.report.status), (k, Status::Converged));
            let mut cold = vec![0.0; P];
            let alone = run(&problem.with_lambda(lambdas[k]).expect("a λ"), &tight(), P, &mut cold);
            assert!((alone.primal - found.primal).abs() <= 1e-9 * alone.primal, "{k}");
            assert_eq!(found.nonzeros, w.iter().filter(|w| **w != 0.0).count());
            for (w, cold) in w.iter().zip(&cold) {
                assert!((w - cold).abs() < 1e-4, "{k}: {w} {cold}");
            }
        }
    }
}

/// A column that varies in its eighth digit only is a column; one that does not vary explains nothing.
#[test]
fn nearly_constant_columns() {
    let wave = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    for (size, kept) in [(1e-4, true), (1e-7, true), (0.0, false)] {
        let a: Vec<f64> = (0..16).map(|i| 1.0 + size * wave(i)).collect();
        let y: Vec<f64> = (0..16).map(|i| 3.0 + 0.5 * wave(i)).collect();
        let design = Columns::new(&a, 16, 1).expect("a design");
        let lambda = 4.0 * if size > 0.0 { size } else { 1e-8 };
        let problem = Problem::least_squares(&design, &y, Penalty::Lasso { lambda }).expect("a problem");
        let problem = problem.with_intercept().expect("a constant");
        let mut w = [0.0];
        let found = run(&problem, &tight(), 1, &mut w);
        assert_eq!(
            (found.report.status, found.nonzeros),
            (Status::Converged, usize::from(kept)),
            "{found:?}"
        );
        if kept {
            // Centred, aᵀy = 8·size and ‖a‖² = 16·size²: w = (8 − 4)/(16·size).
            // Rounding of w, which is large, is all that blurs it.
            assert!((w[0] * size - 0.25).abs() < 1e-9 / size, "{size}: {w:?}");
        }
        assert!((problem.lambda_max() - 8.0 * size).abs() < 1e-13, "{}", problem.lambda_max());
    }
}

/// Beyond λ_max nothing is left but the constant, which balances the classes; the gap is then nothing at all.
#[test]
fn constants_of_unbalanced_classes() {
    let (a, _) = data();
    let design = Columns::new(&a, N, P).expect("a design");
    for ones in [1, 2, 3, 5, 7, 11, 12, 17, 23] {
        let labels: Vec<f64> = (0..N).map(|i| if i < ones { 1.0 } else { -1.0 }).collect();
        let problem = Problem::logistic(&design, &labels, Penalty::Lasso { lambda: 1.0 }).expect("a problem");
        let problem = problem.with_intercept().expect("both classes");
        let problem = problem.with_lambda(problem.lambda_max() * 1.25).expect("a λ");
        let found = run(&problem, &tight(), P, &mut [0.0; P]);
        let share = ones as f64 / N as f64;
        assert!((found.intercept - (share / (1.0 - share)).ln()).abs() < 1e-12, "{ones}: {found:?}");
        let entropy = -(share * share.ln() + (1.0 - share) * (1.0 - share).ln());
        assert!((found.primal - N as f64 * entropy).abs() < 1e-11, "{ones}: {found:?}");
        assert_eq!((found.gap, found.nonzeros, found.report.steps), (0.0, 0, 0), "{ones}");
    }
}

/// Steps, updates, visits, second-order steps, sweeps, working set, screened, non-zeros: the work of a method, which is
/// the same everywhere. Each of them ends with a gap below its threshold, as certified by the objective's two values.
#[test]
fn work_is_counted() {
    let (a, y) = data();
    let design = Columns::new(&a, N, P).expect("a design");
    let labels: Vec<f64> = y.iter().map(|y| if *y > 1.0 { 1.0 } else { -1.0 }).collect();
    let mut all = vec![];
    for (logistic, lambda) in [(false, 1.5), (false, 0.25), (true, 0.5), (true, 0.0625)] {
        for (k, penalty) in penalties(lambda).into_iter().enumerate() {
            for (growth, capacity, max_updates) in [(4, P, 30), (32, P, 2), (8, 12, 30)] {
                if capacity < P && (logistic || k == 3) {
                    continue;
                }
                let made = if logistic {
                    Problem::logistic(&design, &labels, penalty)
                } else {
                    Problem::least_squares(&design, &y, penalty)
                };
                let problem = made.expect("a problem");
                let stop = Stop { max_steps: 400, ..Stop::relative(1e-8) };
                let options = Options { stop, growth, max_updates, ..Options::default() };
                let mut w = vec![0.0; P];
                let found = run(&problem, &options, capacity, &mut w);
                assert_eq!(found.report.status, Status::Converged, "{logistic} {k}: {found:?}");
                assert!(found.gap <= found.threshold && found.working_set <= capacity);
                assert_eq!(found.nonzeros, w.iter().filter(|w| **w != 0.0).count());
                all.push([
                    u64::from(found.report.steps),
                    found.updates,
                    found.column_visits,
                    found.second_order_steps,
                    u64::from(found.sweeps),
                    found.working_set as u64,
                    u64::from(found.screened),
                    found.nonzeros as u64,
                ]);
            }
        }
    }
    let expected: &[[u64; 8]] = &[
        [7, 176, 1035, 19, 0, 35, 25, 20],
        [2, 96, 1104, 18, 0, 45, 15, 20],
        [38, 7448, 17403, 3, 350, 12, 39, 20],
        [6, 192, 1183, 20, 0, 39, 21, 26],
        [2, 112, 1081, 9, 0, 44, 16, 26],
        [30, 7188, 12614, 4, 270, 12, 33, 26],
        [4, 112, 549, 10, 0, 20, 40, 16],
        [2, 80, 555, 7, 0, 27, 33, 16],
        [15, 2102, 5796, 2, 130, 12, 43, 16],
        [7, 112, 1509, 27, 0, 45, 15, 42],
        [2, 64, 1731, 16, 0, 57, 3, 42],
        [7, 300, 1691, 41, 0, 50, 10, 24],
        [13, 1300, 2006, 108, 0, 54, 6, 24],
        [106, 28208, 72136, 4, 1040, 12, 32, 24],
        [7, 256, 1996, 29, 0, 55, 5, 40],
        [3, 152, 1920, 18, 0, 59, 1, 40],
        [67, 26287, 38196, 5, 650, 12, 20, 40],
        [5, 144, 692, 14, 0, 24, 36, 17],
        [4, 128, 798, 14, 0, 32, 28, 17],
        [14, 2058, 7356, 2, 120, 12, 40, 17],
        [7, 1494, 1668, 39, 0, 48, 12, 45],
        [5, 408, 2139, 26, 0, 60, 0, 45],
        [6, 328, 3355, 23, 0, 27, 33, 15],
        [4, 195, 5166, 19, 0, 35, 24, 15],
        [6, 249, 3643, 13, 0, 30, 30, 26],
        [4, 161, 5033, 12, 0, 35, 25, 26],
        [5, 187, 966, 10, 0, 10, 50, 10],
        [3, 125, 1865, 7, 0, 22, 38, 10],
        [7, 369, 7341, 85, 0, 36, 24, 36],
        [4, 586, 12324, 48, 0, 51, 9, 36],
        [6, 485, 4979, 42, 0, 30, 30, 16],
        [4, 389, 8021, 66, 0, 40, 20, 16],
        [7, 400, 10658, 21, 0, 54, 6, 47],
        [4, 296, 11570, 21, 0, 56, 4, 47],
        [5, 392, 2545, 27, 0, 18, 42, 14],
        [4, 288, 4214, 24, 0, 26, 34, 14],
        [8, 525, 10587, 116, 0, 39, 21, 36],
        [4, 2625, 35499, 83, 0, 51, 9, 36],
    ];
    assert_eq!(all, expected);
}

/// λ of a mean is in units of n; asking for a mean twice is asking once. A limit of steps is named as what ended the run.
#[test]
fn means_and_limits() {
    let (a, y) = data();
    let design = Columns::new(&a, N, P).expect("a design");
    let problem = Problem::least_squares(&design, &y, Penalty::Lasso { lambda: 0.0625 }).expect("a problem");
    let mean = problem.averaged().expect("a problem");
    let again = mean.averaged().expect("a problem");
    assert_eq!((mean.lambda(), again.lambda()), (0.0625, 0.0625));
    assert_eq!(mean.lambda_max(), again.lambda_max());
    assert!((mean.lambda_max() * N as f64 - problem.lambda_max()).abs() < 1e-12 * problem.lambda_max());
    let (mut w, mut v) = ([0.0; P], [0.0; P]);
    let (once, twice) = (run(&mean, &tight(), P, &mut w), run(&again, &tight(), P, &mut v));
    assert_eq!((once, w), (twice, v));

    let stop = Stop { max_steps: 1, ..Stop::relative(1e-11) };
    let found = run(&mean, &Options { stop, growth: 4, ..tight() }, P, &mut [0.0; P]);
    assert_eq!((found.report.status, found.ended, found.report.steps), (Status::StepLimit, Ending::Limit, 1));
    assert!(found.gap > found.threshold && found.primal > once.primal, "{found:?}");
}

/// Where no working set has room a column's price is λ times its weight as well.
#[test]
fn sweeps_alone_end_where_a_working_set_does() {
    let (a, y) = data();
    let design = Columns::new(&a, N, P).expect("a design");
    let weights: Vec<f64> = (0..P).map(|j| [1.0, 2.0, 0.5][j % 3]).collect();
    for penalty in penalties(4.0) {
        let problem = Problem::least_squares(&design, &y, penalty).expect("a problem");
        let blocks = if matches!(penalty, Penalty::Group { .. }) { P / 3 } else { P };
        let problem = problem.weighted(&weights[..blocks]).expect("weights");
        let [mut swept, mut chosen] = [vec![0.0; P], vec![0.0; P]];
        let by_sweeps = run(&problem, &tight(), 0, &mut swept);
        let by_sets = run(&problem, &tight(), P, &mut chosen);
        assert!(by_sweeps.sweeps > 0 && by_sets.sweeps == 0, "{by_sweeps:?} {by_sets:?}");
        assert_eq!([by_sweeps.report.status, by_sets.report.status], [Status::Converged; 2], "{by_sweeps:?}");
        assert!(by_sets.nonzeros > 3, "{by_sets:?}");
        let off = swept.iter().zip(&chosen).map(|(s, c)| (s - c).abs()).fold(0.0, f64::max);
        assert!(off < 1e-4, "{penalty:?}: {off}");
    }
}
