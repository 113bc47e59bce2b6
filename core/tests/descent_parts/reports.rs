//! What runs report and measure: tolerances, block sizes, constants of blocks, residuals at extremes, kinks, sums.

use southwell::descent::losses::{LeastSquares, Quadratic};
use southwell::descent::penalties::{Free, Interval, L1, Values};
use southwell::descent::selection::{Cyclic, Face, Greedy, GreedyVariable, Needs, Score};
use southwell::descent::update::{Backtracking, Curvature, Gradient, Matrix, ProxNewton, TwoMetric, Update};
use southwell::descent::{Measure, Partition, pairs};
use southwell::linear::{Columns, Dense};
use southwell::{Run, Status, Stop};

use crate::common::Numbers;
use crate::common::any::AnyUpdate;
use crate::common::descending::{begun, solve};
use crate::scores::largest_eigenvalue;

const DIAGONAL: [f64; 9] = [2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 4.0];

fn form<'a>(h: &'a [f64], b: &'a [f64]) -> Quadratic<'a, f64, Dense<'a, f64>> {
    Quadratic::new(Dense::new(h, b.len(), b.len()).expect("a matrix"), b).expect("a loss")
}

/// The residual at the start is max |b|: 8. A tolerance is the larger of absolute and relative times that.
#[test]
fn tolerances_are_what_the_residual_was_compared_with() {
    let loss = form(&DIAGONAL, &[1.0, -8.0, 2.0]);
    for (absolute, relative, tolerance) in [(0.0, 0.25, 2.0), (3.0, 0.25, 3.0), (1e-9, 0.0, 1e-9)] {
        let stop = Stop { absolute, relative, ..Stop::default() };
        let mut x = [0.0; 3];
        let scheme = (GreedyVariable::one(Score::Violation), Gradient);
        let outcome = solve((&loss, &Free), scheme, (stop, Measure::Violation), &mut x);
        assert_eq!(
            (outcome.tolerance, outcome.report.scale, outcome.report.initial_residual),
            (tolerance, 8.0, 8.0)
        );
        assert_eq!((outcome.report.status, outcome.measure), (Status::Converged, Measure::Violation));
        // One exact step a variable whose |g_i| is above the tolerance, the largest first.
        let steps = [8.0, 2.0, 1.0].iter().filter(|g| **g > tolerance).count();
        assert_eq!(outcome.report.steps as usize, steps);
    }
}

/// A step by a matrix needs room for that of the largest block, and a workspace has it.
#[test]
fn a_matrix_of_the_largest_block_needs_room() {
    assert_eq!(Update::<f64>::needs(&Matrix, 9, 3), Needs { numbers: 9, indices: 0 });
}

/// Squares of such derivatives are 0, or infinite.
#[test]
fn residuals_at_the_ends_of_the_range() {
    for size in [1e-200, 1e200] {
        let b = [size, -2.0 * size, size];
        let loss = form(&DIAGONAL, &b);
        let mut x = [0.0; 3];
        let all = Partition::consecutive(3, 3).expect("a block");
        begun((&loss, &Free), (Cyclic::new(all), Matrix), &mut x, |run| {
            assert_eq!(run.residual(), 2.0 * size);
            run.step();
            assert!(run.residual() <= 1e-15 * size);
            for (x, expected) in run.x().iter().zip([0.5, -2.0, 0.25]) {
                assert!((x / size - expected).abs() < 1e-15, "{x}");
            }
            assert_eq!((run.parameter(), run.last_block()), (3.0, &[0, 1, 2][..]));
        });
    }
}

/// A gradient step is −g/L_b: it shows L_b, the largest eigenvalue of H_b, to the last digits. Small entries beside large
/// ones must not be lost.
#[test]
fn constants_of_blocks() {
    let mut numbers = Numbers(21);
    let mut cases: Vec<(usize, Vec<f64>)> = vec![];
    for tiny in [1e-9, 1e-7, -1e-8] {
        for sign in [1.0, -1.0] {
            let h = [3.0, sign, tiny, 0.0, sign, 3.0, 1.0, tiny, tiny, 1.0, 2.0, 0.5, 0.0, tiny, 0.5, 1.0];
            cases.push((4, h.to_vec()));
        }
    }
    for n in [2, 3, 5, 8] {
        let g = numbers.vector(n * n);
        let gram = |k: usize| (0..n).map(|i| g[i * n + k / n] * g[i * n + k % n]).sum();
        cases.push((n, (0..n * n).map(gram).collect()));
    }
    for (n, h) in cases {
        let b = vec![1.0; n];
        let loss = form(&h, &b);
        let mut x = vec![0.0; n];
        let all = Partition::consecutive(n, n).expect("a block");
        begun((&loss, &Free), (Cyclic::new(all), Gradient), &mut x, |run| run.step());
        let l = largest_eigenvalue(&h, n);
        for x in x {
            assert!((1.0 / x - l).abs() < 1e-14 * n as f64 * l, "{}, not {l}: {h:?}", 1.0 / x);
        }
    }
}

fn updates() -> [AnyUpdate; 4] {
    [
        AnyUpdate::Gradient(Gradient),
        AnyUpdate::Backtracking(Backtracking::default()),
        AnyUpdate::Prox(ProxNewton::default()),
        AnyUpdate::Prox(ProxNewton { curvature: Curvature::Hessian, ..ProxNewton::default() }),
    ]
}

/// A column of zeros beside another one: f does not depend on its variable, λ|x| sends it to 0, bounds keep it. And a
/// variable without curvature whose slope stays below λ is left at 0, also where the slope is large.
#[test]
fn variables_without_curvature() {
    let design = Columns::new(&[0.0, 0.0, 3.0, 4.0], 2, 2).expect("a design");
    let squares = LeastSquares::new(design, &[1.0, 2.0]).expect("a loss");
    let flat = form(&[0.0, 0.0, 0.0, 2.0], &[5.0, 8.0]);
    let stop = (Stop { max_steps: 100, ..Stop::relative(1e-12) }, Measure::Violation);
    let blocks = |size| Cyclic::new(Partition::consecutive(2, size).expect("blocks"));
    let all = updates().into_iter().chain([AnyUpdate::TwoMetric(TwoMetric::default())]);
    for (update, size) in all.flat_map(|update| [(update, 1), (update, 2)]) {
        let mut x = [0.75, 0.0];
        let outcome = solve((&squares, &L1::new(1.0)), (blocks(size), update), stop, &mut x);
        // (aᵀy − λ)/‖a‖² = (11 − 1)/25.
        assert_eq!(outcome.report.status, Status::Converged, "{update:?} {size}: {outcome:?}");
        assert!(x[0].abs() < 1e-12 && (x[1] - 0.4).abs() < 1e-12, "{update:?} {size}: {x:?}");
        let mut x = [0.75, 0.0];
        let outcome = solve((&squares, &Interval::new(-1.0, 0.25)), (blocks(size), update), stop, &mut x);
        assert_eq!((outcome.report.status, x), (Status::Converged, [0.25, 0.25]), "{update:?} {size}");
        let mut x = [0.0; 2];
        let outcome = solve((&flat, &L1::new(6.0)), (blocks(size), update), stop, &mut x);
        assert_eq!(outcome.report.status, Status::Converged, "{update:?} {size}: {outcome:?}");
        assert!(x[0] == 0.0 && (x[1] - 1.0).abs() < 1e-9, "{update:?} {size}: {x:?}");
        // A ridge alone: 5/2, and (8/(2 + 2)); a step as long as numbers are would go beyond them.
        let ridge = Interval { l2: 2.0, ..Interval::new(-10.0, 10.0) };
        let mut x = [0.0; 2];
        let outcome = solve((&flat, &ridge), (blocks(size), update), stop, &mut x);
        assert_eq!(outcome.report.status, Status::Converged, "{update:?} {size}: {outcome:?}");
        assert!((x[0] - 2.5).abs() < 1e-9 && (x[1] - 2.0).abs() < 1e-9, "{update:?} {size}: {x:?}");
    }
}

/// f falls for ever, or has no minimum in the block though bounds would hold it: second-order updates say so.
#[test]
fn negative_curvature_is_a_breakdown() {
    let loss = form(&[-1.0, 0.0, 0.0, 1.0], &[0.5, 0.5]);
    let bounds = Interval::new(-1.0, 1.0);
    for update in
        [ProxNewton::default(), ProxNewton { curvature: Curvature::Hessian, ..ProxNewton::default() }]
    {
        let ended = breakdown(&loss, &bounds, update);
        assert_eq!(ended, (Status::Breakdown, 0), "{update:?}");
    }
    assert_eq!(breakdown(&loss, &bounds, Gradient).0, Status::Breakdown);
}

fn breakdown<U: Update<f64>>(
    loss: &Quadratic<'_, f64, Dense<'_, f64>>,
    bounds: &Interval<'_, f64>,
    update: U,
) -> (Status, u32) {
    let mut x = [0.0; 2];
    let single = Partition::consecutive(2, 1).expect("blocks");
    let stop = (Stop { max_steps: 50, ..Stop::default() }, Measure::Violation);
    let report = solve((loss, bounds), (Cyclic::new(single), update), stop, &mut x).report;
    assert_eq!(x[0], 0.0);
    (report.status, report.steps.saturating_sub(1))
}

/// Four variables at a kink, at both bounds, and between, by hand.
#[test]
fn what_is_identified() {
    let h = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    let loss = form(&h, &[-3.0, 0.5, 0.25, 4.0]);
    let bounds = Interval::new(Values::Each(&[-1.0, 0.0, -1.0, -1.0]), 1.0);
    let mut x = [-1.0, 0.25, 0.5, 1.0];
    begun((&loss, &bounds), (GreedyVariable::one(Score::Violation), Gradient), &mut x, |run| {
        // g = (2, −0.25, 0.25, −3): two at bounds, the nearer by 2.
        let found = run.identified();
        assert_eq!((found.free, found.margin), (2, 2.0));
    });
    let mut x = [0.0, 0.25, 0.0, 3.0];
    begun((&loss, &L1::new(1.0)), (GreedyVariable::one(Score::Violation), Gradient), &mut x, |run| {
        // At 0: g = 3 beyond λ, and −0.25 within it by 0.75.
        let found = run.identified();
        assert_eq!((found.free, found.margin), (2, 0.0));
        // The greedy step goes to x₀ = −2, and then all kinks are right.
        run.step();
        let found = run.identified();
        assert_eq!((found.free, found.margin, run.x()[0]), (3, 0.75, -2.0));
    });
}

/// A face that has settled is the next block, every free variable of it, and only while it is not too large.
#[test]
fn a_face_is_what_is_off_the_bounds() {
    let mut numbers = Numbers(8);
    let n = 40;
    let mut h = vec![0.0; n * n];
    for i in 0..n {
        h[i * n + i] = 2.0;
        if i > 0 {
            (h[i * n + i - 1], h[(i - 1) * n + i]) = (-0.5, -0.5);
        }
    }
    let b: Vec<f64> = (0..n).map(|_| 4.0 * numbers.next()).collect();
    let loss = form(&h, &b);
    let bounds = Interval::new(0.0, 0.375);
    for (most, after) in [(n, 3), (n, 1), (2, 2)] {
        let mut x = vec![0.0; n];
        let scheme = (Face::new(GreedyVariable::one(Score::Progress), after, most), ProxNewton::default());
        begun((&loss, &bounds), scheme, &mut x, |run| {
            let (mut faces, mut same, mut before) = (0, 0, vec![]);
            for step in 0..400 {
                let free: Vec<u32> = (0..n as u32)
                    .filter(|&i| run.x()[i as usize] > 0.0 && run.x()[i as usize] < 0.375)
                    .collect();
                same = if step > 0 && free == before { same + 1 } else { 0 };
                run.step();
                if run.failure().is_some() {
                    break;
                }
                let due = same >= after && !free.is_empty() && free.len() <= most;
                if due {
                    assert_eq!(run.last_block(), free, "{most} {after}, step {step}");
                    (faces, same) = (faces + 1, 0);
                } else {
                    assert_eq!(run.last_block().len(), 1, "{most} {after}, step {step}");
                }
                before = free;
            }
            assert!(most < n || faces > 0, "{most} {after}");
            assert!(most < n || run.residual() < 1e-13, "{}", run.residual());
        });
    }
}

/// Pairs on a diagonal form: 2x₀ − 1, x₁ + 8, 4x₂ − 2 become equal where the sum is kept.
#[test]
fn pairs_by_hand() {
    let loss = form(&DIAGONAL, &[1.0, -8.0, 2.0]);
    let problem = pairs::Problem::new(&loss, Interval::new(-10.0, 10.0), 1.0).expect("a problem");
    let storage = vec![f64::NAN; pairs::Workspace::<f64>::required_len(3, 3)];
    let stop = Stop { max_steps: 400, ..Stop::relative(1e-13) };
    let mut x = [0.0; 3];
    let begin = |storage: &'static mut [f64]| pairs::Workspace::new(&problem, storage).expect("memory");
    let report =
        pairs::solve(&problem, &stop, &mut x, begin(storage.clone().leak()), &mut ()).expect("sound");
    // The multiplier ν: (1 + ν)/2 + (ν − 8) + (2 + ν)/4 = 1.
    let nu = 8.0 / 1.75;
    for (x, expected) in x.iter().zip([(1.0 + nu) / 2.0, nu - 8.0, (2.0 + nu) / 4.0]) {
        assert!((x - expected).abs() < 1e-12, "{x} {expected}");
    }
    // The start has the sum, x₀ first: ∇f = (1, 8, −2) there.
    assert_eq!((report.status, report.initial_residual, report.scale), (Status::Converged, 10.0, 10.0));
    let mut x = [0.0; 3];
    let mut run = pairs::start(&problem, &stop, &mut x, begin(storage.leak())).expect("sound");
    run.step();
    assert_eq!(run.x(), [1.0, -2.0, 2.0], "10/(1 + 4) from the second to the third");
    assert_eq!(
        (run.residual(), run.parameter(), run.objective()),
        (6.0 - 1.0, 2.0, 1.0 + 2.0 + 8.0 - 1.0 - 16.0 - 4.0)
    );
}

/// After a step that the confirmation has turned down, the run goes on from what was recomputed.
#[test]
fn confirming_tells_the_residual_of_x() {
    let loss = form(&DIAGONAL, &[1.0, -8.0, 2.0]);
    let problem = pairs::Problem::new(&loss, Interval::new(-10.0, 10.0), 1.0).expect("a problem");
    let mut storage = vec![f64::NAN; pairs::Workspace::<f64>::required_len(3, 3)];
    let mut x = [0.0; 3];
    let work = pairs::Workspace::new(&problem, &mut storage).expect("memory");
    let mut run = pairs::start(&problem, &Stop::default(), &mut x, work).expect("sound");
    assert_eq!(run.confirm(20.0), Some(10.0));
    assert_eq!(run.confirm(1e-9), Some(10.0));
    run.step();
    assert_eq!(run.confirm(1e-9), Some(run.residual()));

    let mut x = [0.0; 3];
    let blocks = Partition::consecutive(3, 1).expect("blocks");
    begun((&loss, &Free), (Greedy::new(blocks, Score::Violation), Gradient), &mut x, |run| {
        assert_eq!((run.confirm(10.0), run.confirm(1e-9)), (Some(8.0), Some(8.0)));
        run.step();
        assert_eq!((run.last_block()[0], run.confirm(1e-9)), (1, Some(2.0)));
        run.step();
        assert_eq!((run.last_block()[0], run.confirm(1e-9)), (2, Some(1.0)));
    });
}
