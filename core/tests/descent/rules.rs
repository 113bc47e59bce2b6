//! What every sensible combination of parts promises: descent, kept sets, the same choices by other means; active sets
//! and pairs.

use crate::common::any::{AnyLoss, AnyPenalty, AnyUpdate, Quartic};
use crate::common::descending::{SCORES, begun, quadratic, solve};
use crate::common::lasso::{dense, largest_correlation};
use crate::common::streams::{Stream, Wide, set_d, set_e};
use crate::common::{Lu, Numbers, Plain};
use proptest::prelude::*;
use southwell::descent::losses::{Huber, LeastSquares, Logistic, Quadratic, Softmax};
use southwell::descent::pairs;
use southwell::descent::penalties::{ElasticNet, Free, Group, Interval, L1, NonNegative, Simplex};
use southwell::descent::selection::{
    Cyclic, Face, Greedy, GreedyQuadratic, GreedyVariable, HardThreshold, Proportional, RandomVariable,
    Score, Shuffled, Start, Tournament, Uniform,
};
use southwell::descent::update::{self, Curvature, First, Gradient, Matrix, Newton, ProxNewton};
use southwell::descent::{Descent, Loss, Measure, Partition, Penalty, Selection, Update};
use southwell::linear::{Columns, Dense};
use southwell::{Run, Status, Stop};

/// Steps; the objective never rises by more than its rounding.
fn falls<S: Selection<f64>>(problem: (&AnyLoss<'_>, &AnyPenalty<'_>), scheme: (S, AnyUpdate), name: &str) {
    let mut numbers = Numbers(5);
    let mut x = numbers.vector(problem.0.variables());
    begun(problem, scheme, &mut x, |run| {
        let first = run.objective();
        let mut before = first;
        for step in 0..60 {
            run.step();
            if run.failure().is_some() {
                break;
            }
            let now = run.objective();
            assert!(
                now <= before + 1e-12 * before.abs().max(1.0),
                "{name}: {before} to {now} in step {step}"
            );
            before = now;
        }
        assert!(before < first, "{name}: {first} to {before}, {:?}", run.failure());
    });
}

/// All updates that fit the problem, with one rule.
fn updates<S: Selection<f64>>(problem: (&AnyLoss<'_>, &AnyPenalty<'_>), select: impl Fn() -> S, name: &str) {
    use AnyUpdate::*;
    let (separable, smooth) = (Penalty::<f64>::separable(problem.1), Penalty::<f64>::is_zero(problem.1));
    let hessian = ProxNewton { curvature: Curvature::Hessian, ..ProxNewton::default() };
    let all = [
        (Gradient(update::Gradient), true),
        (Backtracking(update::Backtracking::default()), true),
        (Backtracking(update::Backtracking { first: First::Value(1.0) }), true),
        (Prox(ProxNewton::default()), separable),
        (Prox(hessian), separable),
        (TwoMetric(update::TwoMetric::default()), separable),
        (Matrix(update::Matrix), smooth),
        (Newton(update::Newton::default()), smooth),
    ];
    for (update, _) in all.into_iter().filter(|(_, fits)| *fits) {
        falls(problem, (select(), update), &format!("{name} {update:?}"));
    }
}

/// All rules that fit the problem.
fn rules(loss: &AnyLoss<'_>, penalty: &AnyPenalty<'_>, name: &str) {
    let (p, problem) = (loss.variables(), (loss, penalty));
    let (separable, smooth) = (Penalty::<f64>::separable(penalty), Penalty::<f64>::is_zero(penalty));
    let blocks = Partition::consecutive(p, 3).expect("blocks");
    let stream = || Stream::new(3);
    updates(problem, || Cyclic::new(blocks), &format!("{name} cyclic"));
    updates(problem, || Shuffled::new(blocks, stream()), &format!("{name} shuffled"));
    updates(problem, || Uniform::new(blocks, stream()), &format!("{name} uniform"));
    updates(problem, || Proportional::new(blocks, stream()), &format!("{name} proportional"));
    for score in SCORES {
        if separable {
            updates(problem, || GreedyVariable::one(score), &format!("{name} best by {score:?}"));
            updates(problem, || GreedyVariable::new(4, score), &format!("{name} best 4 by {score:?}"));
            let face = || Face::new(GreedyVariable::one(score), 3, p);
            updates(problem, face, &format!("{name} face {score:?}"));
        }
        if separable || !matches!(score, Score::Diagonal | Score::DiagonalProgress) {
            updates(problem, || Greedy::new(blocks, score), &format!("{name} blocks by {score:?}"));
        }
    }
    if separable {
        updates(problem, || RandomVariable::new(p, 4, stream()), &format!("{name} random 4"));
    }
    if smooth {
        updates(problem, || GreedyQuadratic::new(blocks), &format!("{name} quadratic"));
        for start in [Start::Dense, Start::Diagonal] {
            updates(problem, || HardThreshold::new(4, start), &format!("{name} {start:?}"));
        }
    }
}

fn penalties(loss: &AnyLoss<'_>, name: &str) {
    rules(loss, &AnyPenalty::Free(Free), &format!("{name} free"));
    rules(loss, &AnyPenalty::L1(L1::new(0.2)), &format!("{name} L1"));
    rules(loss, &AnyPenalty::Net(ElasticNet::new(0.1, 0.3)), &format!("{name} elastic net"));
    rules(loss, &AnyPenalty::Positive(NonNegative::new(0.1)), &format!("{name} non-negative"));
    rules(loss, &AnyPenalty::Interval(Interval::new(-0.25, 0.125)), &format!("{name} interval"));
    rules(loss, &AnyPenalty::Group(Group::new(0.3)), &format!("{name} group"));
    rules(loss, &AnyPenalty::Simplex(Simplex::new(1.0)), &format!("{name} simplex"));
}

fn random_design(seed: u64, rows: usize, columns: usize) -> (Wide, Vec<f64>) {
    let mut numbers = Numbers(seed);
    let values = numbers.vector(rows * columns);
    (Wide { rows, columns, values }, numbers.vector(rows))
}

#[test]
fn every_combination_descends() {
    let (x, y) = random_design(1, 20, 12);
    let view = Columns::new(&x.values, 20, 12).expect("a design");
    penalties(&AnyLoss::Squares(LeastSquares::new(view, &y).expect("a loss")), "least squares");
    penalties(&AnyLoss::Huber(Huber::new(view, &y, 0.1).expect("a loss")), "Huber");
    let signs: Vec<f64> = y.iter().map(|y| if *y < 0.0 { -1.0 } else { 1.0 }).collect();
    penalties(&AnyLoss::Logistic(Logistic::new(view, &signs).expect("a loss")), "logistic");
    let classes: Vec<u32> = (0..20).map(|i| i % 3).collect();
    let narrow = Columns::new(&x.values[..80], 20, 4).expect("a design");
    penalties(&AnyLoss::Softmax(Softmax::new::<f64>(narrow, 3, &classes).expect("a loss")), "softmax");
    let mut numbers = Numbers(2);
    let plain = Plain::random(&mut numbers, 12, 2, true);
    let linear = numbers.vector(12);
    penalties(
        &AnyLoss::Sparse(Quadratic::new(plain.csr::<f64>(), &linear).expect("a loss")),
        "sparse quadratic",
    );
    penalties(
        &AnyLoss::Dense(Quadratic::new(plain.dense::<f64>(), &linear).expect("a loss")),
        "dense quadratic",
    );
    // A loss of the caller's with the seven methods that must be there.
    penalties(&AnyLoss::Quartic(Quartic), "quartic");
}

/// The blocks of a few hundred steps.
fn blocks<L: Loss<f64>, H: Penalty<f64>, S: Selection<f64>, U: Update<f64>>(
    run: &mut Descent<'_, f64, L, H, S, U>,
) -> Vec<u32> {
    let step = |_| {
        run.step();
        run.last_block()[0]
    };
    (0..300).map(step).collect()
}

/// The tree of matches chooses what a look at everything chooses.
#[test]
fn a_tournament_is_a_look_at_everything() {
    for graph in [set_d(20, 40), set_e(400, 40)] {
        let loss = quadratic(&graph);
        let penalty = L1::new(loss.lipschitz(0) / 10.0);
        for score in SCORES {
            let mut x = vec![0.0; 360];
            let tree = begun((&loss, &penalty), (Tournament::new(score), Gradient), &mut x, blocks);
            let mut again = vec![0.0; 360];
            let all = begun((&loss, &penalty), (GreedyVariable::one(score), Gradient), &mut again, blocks);
            assert_eq!(tree, all, "{score:?}");
            assert_eq!(x, again, "{score:?}");
        }
    }
}

/// Newton steps on the face end the lasso after few steps, at once when the face is right.
#[test]
fn a_face_ends_a_quadratic_problem() {
    let (x, y) = dense();
    let view = Columns::new(&x.values, 200, 1000).expect("a design");
    let loss = LeastSquares::new(view, &y).expect("a loss");
    let penalty = L1::new(largest_correlation(&x, &y) / 10.0);
    let stop = Stop { max_steps: 5000, ..Stop::relative(1e-12) };
    let steps = |scheme| {
        let mut w = vec![0.0; 1000];
        let outcome = solve((&loss, &penalty), scheme, (stop, Measure::Violation), &mut w);
        assert!(outcome.report.converged(), "{outcome:?}");
        assert!((outcome.objective / 200.0 - 3.063_411_218_76).abs() < 1e-10);
        outcome.report.steps
    };
    let best = GreedyVariable::one(Score::Progress);
    let plain = {
        let mut w = vec![0.0; 1000];
        solve((&loss, &penalty), (best, ProxNewton::default()), (stop, Measure::Violation), &mut w)
            .report
            .steps
    };
    let faced = steps((Face::new(best, 10, 100), ProxNewton::default()));
    println!("{plain} steps, {faced} with faces");
    assert!(faced * 2 < plain, "{plain} {faced}");
    let mut w = vec![0.0; 1000];
    begun((&loss, &penalty), (Face::new(best, 10, 100), ProxNewton::default()), &mut w, |run| {
        run.steps(faced);
        let found = run.identified();
        assert_eq!(found.free, 27);
        assert!(found.margin > 0.0 && found.margin.is_finite(), "{found:?}");
    });
}

/// A quadratic under a sum constraint, against the equations of its optimum.
#[test]
fn pairs_find_the_optimum_and_keep_the_sum() {
    let mut numbers = Numbers(4);
    let plain = Plain::random(&mut numbers, 15, 3, true);
    let linear = numbers.vector(15);
    let loss = Quadratic::new(plain.csr::<f64>(), &linear).expect("a quadratic");
    let free = Interval::new(f64::NEG_INFINITY, f64::INFINITY);
    let boxed = Interval::new(-0.05, 0.2);
    for (bounds, sum) in [(free, 2.0), (boxed, 0.5), (boxed, 3.0), (boxed, -0.75)] {
        let problem = pairs::Problem::new(&loss, bounds, sum).expect("a problem");
        let mut storage = vec![f64::NAN; pairs::Workspace::<f64>::required_len(15, 0)];
        let work = pairs::Workspace::new(&problem, &mut storage).expect("memory");
        let mut x = numbers.vector(15);
        let stop = Stop { absolute: 1e-12, max_steps: 20_000, ..Stop::default() };
        let mut run = pairs::start(&problem, &stop, &mut x, work).expect("a run");
        let mut before = run.objective();
        for _ in 0..200 {
            run.step();
            if run.failure().is_some() {
                break;
            }
            assert!(run.objective() <= before + 1e-13, "{before}");
            before = run.objective();
            assert!((run.x().iter().sum::<f64>() - sum).abs() < 1e-13);
        }
        let report = southwell::drive(&mut run, &stop, &mut ());
        assert!(report.residual <= 1e-11, "{report:?}");
        let g: Vec<f64> = plain.residual(&linear, &x).iter().map(|r| -r).collect();
        let (lower, upper) = if bounds == free { (-1e300, 1e300) } else { (-0.05, 0.2) };
        assert!(x.iter().all(|x| (lower..=upper).contains(x)), "{x:?}");
        let least = g.iter().zip(&x).filter(|(_, x)| **x < upper).map(|e| *e.0).fold(f64::INFINITY, f64::min);
        let most = g.iter().zip(&x).filter(|(_, x)| **x > lower).map(|e| *e.0).fold(-f64::INFINITY, f64::max);
        assert!(most - least <= 1e-11 || most == -f64::INFINITY, "{most} {least}");
        if bounds == free {
            // Q x + ν 1 = c, 1ᵀ x = s.
            let mut rows = plain.dense_rows();
            rows.iter_mut().for_each(|row| row.push(1.0));
            rows.push((0..16).map(|i| f64::from(u8::from(i < 15))).collect());
            let mut rhs = linear.clone();
            rhs.push(sum);
            for (x, exact) in x.iter().zip(Lu::new(rows).solve(&rhs)) {
                assert!((x - exact).abs() < 1e-10, "{x} {exact}");
            }
        }
    }
}

/// Indefinite, unbounded and flat quadratics end with a status.
#[test]
fn quadratics_without_a_minimum_end() {
    let run = |q: [f64; 4], c: [f64; 2], block: usize| {
        let view = Dense::new(&q, 2, 2).expect("a matrix");
        let loss = Quadratic::new(view, &c).expect("a quadratic");
        let blocks = Partition::consecutive(2, block).expect("blocks");
        let ends = [
            ended(&loss, Cyclic::new(blocks), Gradient),
            ended(&loss, Cyclic::new(blocks), Matrix),
            ended(&loss, Cyclic::new(blocks), ProxNewton::default()),
            ended(&loss, Greedy::new(blocks, Score::Steepest), Newton::default()),
        ];
        assert!(ends.iter().all(|end| *end != Status::Converged), "{ends:?} {q:?} {block}");
        ends
    };
    for block in [1, 2] {
        run([-1.0, 0.0, 0.0, 1.0], [1.0, 1.0], block);
        run([0.0, 0.0, 0.0, 1.0], [1.0, 1.0], block);
    }
    assert_eq!(
        run([1.0, 3.0, 3.0, 1.0], [1.0, 0.5], 2)[1..],
        [Status::Breakdown, Status::NotFinite, Status::Breakdown]
    );
    assert_eq!(run([1.0, 3.0, 3.0, 1.0], [1.0, 0.5], 1)[0], Status::NotFinite);
}

fn ended<L: Loss<f64>, S: Selection<f64>, U: Update<f64>>(loss: &L, select: S, update: U) -> Status {
    let mut x = vec![0.0; 2];
    let stop = Stop { max_steps: 5000, ..Stop::default() };
    let status = solve((loss, &Free), (select, update), (stop, Measure::Violation), &mut x).report.status;
    assert!(x.iter().all(|x| x.is_finite()), "{x:?}");
    status
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The gap bounds what is left, in any interval.
    #[test]
    fn the_gap_is_honest(seed in 0_u64..1000, width in 0.01_f64..2.0, steps in 0_u32..40) {
        let (x, y) = random_design(seed, 10, 8);
        let view = Columns::new(&x.values, 10, 8).expect("a design");
        let loss = LeastSquares::new(view, &y).expect("a loss");
        let bounds = Interval::new(-width, 0.5 * width);
        let rule = || GreedyVariable::one(Score::Progress);
        let mut best = vec![0.0; 8];
        let stop = Stop { max_steps: 100_000, absolute: 1e-13, ..Stop::relative(1e-14) };
        let least = solve((&loss, &bounds), (rule(), Gradient), (stop, Measure::Gap), &mut best).objective;
        let mut w = vec![0.0; 8];
        let stop = Stop { max_steps: steps, absolute: 1e-300, relative: 0.0, check_every: 1 };
        let outcome = solve((&loss, &bounds), (rule(), Gradient), (stop, Measure::Gap), &mut w);
        prop_assert!(outcome.objective - least <= outcome.report.residual + 1e-12, "{outcome:?} {least}");
    }
}
