//! Optima of standard problems with every penalty, and how many updates of one coordinate the lasso takes.

use crate::common::descending::{begun, solve};
use crate::common::lasso::{corr, dense, gap, labels, largest_correlation, sparse};
use crate::common::streams::Wide;
use southwell::descent::losses::{Huber, LeastSquares, Logistic, Quadratic};
use southwell::descent::penalties::{ElasticNet, Group, Interval, L1, NonNegative, Simplex};
use southwell::descent::selection::{Cyclic, Greedy, GreedyVariable, Score};
use southwell::descent::update::{Backtracking, Gradient, ProxNewton, TwoMetric};
use southwell::descent::{Loss, Measure, Partition, Penalty, Selection, Update};
use southwell::linear::{Columns, Csc, Dense, Design};
use southwell::{Real, Run, Status, Stop};

fn view(x: &Wide) -> Columns<'_, f64> {
    Columns::new(&x.values, x.rows, x.columns).expect("a design")
}

fn stop() -> Stop<f64> {
    Stop { max_steps: 60_000, check_every: 100, ..Stop::relative(1e-11) }
}

/// The optimum by a scheme, over n; the weights.
fn optimum<L: Loss<f64>, H: Penalty<f64>, S: Selection<f64>, U: Update<f64>>(
    problem: (&L, &H),
    scheme: (S, U),
    n: f64,
) -> (f64, Vec<f64>) {
    let mut x = vec![0.0; problem.0.variables()];
    let outcome = solve(problem, scheme, (stop(), Measure::Violation), &mut x);
    assert!(matches!(outcome.report.status, Status::Converged), "{outcome:?}");
    (outcome.objective / n, x)
}

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() <= 1e-10 * expected, "{value} {expected}");
}

fn nonzeros(x: &[f64]) -> usize {
    x.iter().filter(|x| **x != 0.0).count()
}

fn sum_abs(x: &[f64]) -> f64 {
    x.iter().map(|x| x.abs()).sum()
}

fn coordinate(score: Score) -> GreedyVariable {
    GreedyVariable::one(score)
}

/// One penalty after the other on the same 200 × 1000 design. All are in units of n times the usual ones.
#[test]
fn optima_of_the_dense_problem() {
    let (x, y) = dense();
    let (n, p) = (200.0, 1000);
    let loss = LeastSquares::new(view(&x), &y).expect("a loss");
    let most = largest_correlation(&x, &y);
    assert!((most / n - 1.589_129_415).abs() < 1e-9);

    let lasso = L1::new(most / 10.0);
    let (f, w) = optimum((&loss, &lasso), (coordinate(Score::Progress), Gradient), n);
    near(f, 3.063_411_218_76);
    assert_eq!(nonzeros(&w), 27);
    assert!((sum_abs(&w) - 17.061_236).abs() < 1e-6);

    let net = ElasticNet::new(most / 10.0, 0.1 * n);
    let (f, w) = optimum((&loss, &net), (coordinate(Score::Progress), Gradient), n);
    near(f, 3.696_691_102_82);
    assert_eq!(nonzeros(&w), 63);
    assert!((sum_abs(&w) - 15.966_474_1).abs() < 1e-7);

    let positive = NonNegative::new(most / 10.0);
    let (f, w) = optimum((&loss, &positive), (coordinate(Score::Length), Gradient), n);
    near(f, 4.946_954_540_37);
    assert_eq!(nonzeros(&w), 114);

    let mut interval = Interval::new(-0.2, 0.2);
    interval.l2 = 0.1 * n;
    let (f, w) =
        optimum((&loss, &interval), (GreedyVariable::new(50, Score::Progress), TwoMetric::default()), n);
    near(f, 0.222_200_096_13);
    assert_eq!(w.iter().filter(|w| w.abs() == 0.2).count(), 15);

    let blocks = Partition::consecutive(p, 10).expect("blocks");
    let largest = |b: &[f64]| {
        let square: f64 =
            b.chunks(200).map(|c| c.iter().zip(&y).map(|(a, y)| a * y).sum::<f64>().powi(2)).sum();
        square.sqrt()
    };
    let most = x.values.chunks(2000).map(largest).fold(0.0, f64::max);
    assert!((most / n - 1.848_727_366).abs() < 1e-9);
    let group = Group::new(0.2 * most);
    let (f, w) = optimum((&loss, &group), (Greedy::new(blocks, Score::Progress), Gradient), n);
    near(f, 5.110_540_538_39);
    assert_eq!(w.chunks(10).filter(|b| nonzeros(b) > 0).count(), 38);
    assert!((sum_abs(&w) - 24.253_923_1).abs() < 1e-6);
}

#[test]
fn optimum_with_a_huber_loss() {
    let (x, y) = dense();
    let loss = Huber::new(view(&x), &y, 1.0).expect("a loss");
    let cut: Vec<f64> = y.iter().map(|y| y.clamp(-1.0, 1.0)).collect();
    let lambda = 0.1 * largest_correlation(&x, &cut);
    assert!((lambda / 200.0 - 0.026_578_635_96).abs() < 1e-10);
    let penalty = L1::new(lambda);
    let mut zero = vec![0.0; 1000];
    let f0 =
        begun((&loss, &penalty), (coordinate(Score::Progress), Gradient), &mut zero, |run| run.objective());
    assert!((f0 / 200.0 - 3.221_413_178).abs() < 1e-9);
    let (f, w) = optimum((&loss, &penalty), (coordinate(Score::Progress), Gradient), 200.0);
    near(f, 0.587_681_495_285);
    assert_eq!(nonzeros(&w), 127);
}

/// A simplex of all variables: one block, whose bound the whole design gives.
#[test]
fn optimum_on_a_simplex() {
    let (x, y) = dense();
    let loss = LeastSquares::new(view(&x), &y).expect("a loss");
    let mut simplex = Simplex::new(5.0);
    simplex.l2 = 0.1 * 200.0;
    let whole = Partition::consecutive(1000, 1000).expect("one block");
    let mut w = vec![0.0; 1000];
    let stop = Stop { absolute: 1e-10 * 200.0, max_steps: 20_000, check_every: 50, ..Stop::default() };
    let outcome = solve((&loss, &simplex), (Cyclic::new(whole), Gradient), (stop, Measure::Gap), &mut w);
    assert!(outcome.report.converged(), "{outcome:?}");
    assert!((outcome.objective / 200.0 - 6.745_796_997_03).abs() < 1e-9, "{outcome:?}");
    assert_eq!(w.iter().filter(|w| **w > 1e-9).count(), 23);
    assert!((w.iter().sum::<f64>() - 5.0).abs() < 1e-12);
}

/// Where nothing curves, a step is long: it ends in the corner where the slope is least, and not off the
/// simplex.
#[test]
fn a_simplex_keeps_its_sum_where_nothing_curves() {
    let zeros = [0.0_f64; 9];
    let loss = Quadratic::new(Dense::new(&zeros, 3, 3).expect("a matrix"), &[1.0, 3.0, 2.0]).expect("a loss");
    let whole = Partition::consecutive(3, 3).expect("one block");
    for l2 in [0.0, 1.0] {
        let simplex = Simplex { l2, ..Simplex::new(1.0) };
        let mut x = [0.2, 0.3, 0.5];
        let outcome =
            solve((&loss, &simplex), (Cyclic::new(whole), Gradient), (stop(), Measure::Violation), &mut x);
        assert!(outcome.report.converged(), "{outcome:?}");
        assert_eq!((x, outcome.objective), ([0.0, 1.0, 0.0], 0.5 * l2 - 3.0));
    }
    // Nor where slopes are steep; searched for, the step is the same in the end.
    let loss =
        Quadratic::new(Dense::new(&zeros, 3, 3).expect("a matrix"), &[10.0, 30.0, 20.0]).expect("a loss");
    let (simplex, start) = (Simplex::new(1.0), [0.25, 0.25, 0.5]);
    let mut x = start;
    let outcome =
        solve((&loss, &simplex), (Cyclic::new(whole), Gradient), (stop(), Measure::Violation), &mut x);
    assert!(outcome.report.converged(), "{outcome:?}");
    assert_eq!((x, outcome.objective), ([0.0, 1.0, 0.0], -30.0));
    let mut x = start;
    let searched = (Cyclic::new(whole), Backtracking::default());
    let outcome = solve((&loss, &simplex), searched, (stop(), Measure::Violation), &mut x);
    assert!(outcome.report.converged(), "{outcome:?}");
    assert_eq!((x, outcome.objective), ([0.0, 1.0, 0.0], -30.0));
}

/// Updates to gap/P(0) ≤ 1e-2, 1e-4, 1e-6, 1e-8, looked at every so many.
fn counts<S: Selection<f64>, A: Design<f64>>(
    (x, y): &(Wide, Vec<f64>),
    view: A,
    ratio: f64,
    select: S,
    every: u32,
) -> [u32; 4] {
    let lambda = ratio * largest_correlation(x, y);
    let loss = LeastSquares::new(view, y).expect("a loss");
    let at_zero = 0.5 * y.iter().map(|y| y * y).sum::<f64>();
    let mut w = vec![0.0; x.columns];
    begun((&loss, &L1::new(lambda)), (select, Gradient), &mut w, |run| {
        let mut done = 0;
        [1e-2, 1e-4, 1e-6, 1e-8].map(|share| {
            while gap(x, y, lambda, run.x()) > share * at_zero {
                done += run.steps(every);
                assert!(done < 1_000_000 && run.failure().is_none(), "{done} {:?}", run.failure());
            }
            done
        })
    })
}

#[test]
fn updates_of_the_lasso() {
    let (dense, corr) = (dense(), corr());
    let cyclic = |p| Cyclic::new(Partition::consecutive(p, 1).expect("coordinates"));
    assert_eq!(counts(&dense, view(&dense.0), 0.1, cyclic(1000), 1000), [9000, 13000, 17000, 21000]);
    assert_eq!(counts(&dense, view(&dense.0), 0.1, coordinate(Score::Violation), 20), [80, 140, 200, 300]);
    assert_eq!(counts(&dense, view(&dense.0), 0.1, coordinate(Score::Progress), 20), [80, 140, 220, 320]);
    assert_eq!(counts(&corr, view(&corr.0), 0.05, cyclic(2000), 2000), [48000, 138_000, 222_000, 320_000]);
    assert_eq!(counts(&corr, view(&corr.0), 0.05, coordinate(Score::Violation), 20), [300, 1160, 2380, 3620]);
    assert_eq!(counts(&corr, view(&corr.0), 0.05, coordinate(Score::Progress), 20), [320, 1240, 2260, 3460]);
    let sparse = sparse();
    let (offsets, rows, values) = sparse.0.csc();
    let view = Csc::new(&offsets, &rows, &values, 1000).expect("a design");
    assert_eq!(counts(&sparse, view, 0.1, coordinate(Score::Violation), 20), [180, 420, 660, 900]);
    assert_eq!(counts(&sparse, view, 0.1, coordinate(Score::Progress), 20), [140, 320, 500, 740]);
}

/// L1 logistic regression: the optimum, by prox-Newton blocks.
#[test]
fn optimum_of_the_logistic_problem() {
    let (x, y) = labels();
    let loss = Logistic::new(view(&x), &y).expect("a loss");
    let lambda = largest_correlation(&x, &y) / 20.0;
    assert!((lambda - 3.953_124_696).abs() < 1e-8, "{lambda}");
    let newton =
        ProxNewton { curvature: southwell::descent::update::Curvature::Hessian, ..ProxNewton::default() };
    for update in [newton, ProxNewton::default()] {
        let select = GreedyVariable::new(150, Score::Progress);
        let (f, w) = optimum((&loss, &L1::new(lambda)), (select, update), 1.0);
        near(f, 106.972_258_148);
        assert_eq!(nonzeros(&w), 116);
        assert!((sum_abs(&w) - 15.217_427).abs() < 1e-6);
    }
}

/// f32 finds the same.
#[test]
fn single_precision() {
    let (x, y) = dense();
    let values: Vec<f32> = x.values.iter().map(|&v| v as f32).collect();
    let y: Vec<f32> = y.iter().map(|&v| v as f32).collect();
    let view = Columns::new(&values, 200, 1000).expect("a design");
    let loss = LeastSquares::new(view, &y).expect("a loss");
    let penalty = L1::new(31.782_588_f32);
    let mut w = vec![0.0; 1000];
    let stop = Stop { relative: 1e-5, ..Stop::default() };
    let outcome = solve(
        (&loss, &penalty),
        (GreedyVariable::one(Score::Progress), Gradient),
        (stop, Measure::Violation),
        &mut w,
    );
    assert!(outcome.report.converged(), "{outcome:?}");
    assert!((outcome.objective.to_f64() / 200.0 - 3.063_411_2).abs() < 1e-5, "{outcome:?}");
    assert_eq!(w.iter().filter(|w| **w != 0.0).count(), 27);
}
