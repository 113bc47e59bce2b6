//! Parts by themselves, on numbers that can be worked out: limits of what is accepted, how far a line may move, bounds of
//! costs, what a coupling is worth. So small that Miri runs them too.

use crate::common::cases::{Case, look};
use southwell::omega::Fixed;
use southwell::transport::balance::{self, Row, Rows};
use southwell::transport::steps::{Floor, Reach};
use southwell::transport::{
    Cost, DenseCost, Ground, PointCost, Potentials, Problem, certificate, greenkhorn, newton, scaling,
    sinkhorn, unbalanced,
};
use southwell::{Error, Report, Run, Status, Stop, drive};

const COST: [f64; 12] = [0.5, 1.0, 0.25, 0.75, 0.125, 0.875, 1.0, 0.0, 0.625, 0.25, 0.5, 0.375];
const A: [f64; 3] = [0.5, 0.25, 0.25];
const B: [f64; 4] = [0.125, 0.375, 0.25, 0.25];
const EPSILON: f64 = 0.25;

fn cost() -> DenseCost<'static, f64> {
    DenseCost::new(&COST, 3, 4, 4).expect("costs")
}

fn case() -> Case {
    Case { cost: COST.to_vec(), a: A.to_vec(), b: B.to_vec() }
}

#[test]
fn masses_are_accepted_down_to_where_their_shares_have_digits() {
    let cost = DenseCost::new(&[0.0], 1, 1, 1).expect("costs");
    let least = f64::MIN_POSITIVE / f64::EPSILON;
    let refused = |a: f64, b: f64| Problem::new(&cost, &[a], &[b], 1.0).err();
    assert_eq!(refused(least, least), None);
    assert!(matches!(refused(least * 0.75, least), Some(Error::Mass { argument: "a", .. })));
    assert!(matches!(refused(least, least * 0.75), Some(Error::Mass { argument: "b", .. })));
    assert_eq!(refused(f64::MAX, f64::MAX), None);
    // Two lines: a difference of 16 roundings passes, 17 do not.
    assert_eq!(refused(1.0, 1.0 - 16.0 * f64::EPSILON), None);
    assert!(matches!(refused(1.0, 1.0 - 17.0 * f64::EPSILON), Some(Error::Mass { argument: "b", .. })));
    assert!(matches!(refused(1.0 - 17.0 * f64::EPSILON, 1.0), Some(Error::Mass { argument: "b", .. })));
}

#[test]
fn an_epsilon_lies_between_the_precision_of_the_costs_and_the_range() {
    let cost = DenseCost::new(&[4.0], 1, 1, 1).expect("costs");
    let refused = |epsilon: f64| Problem::new(&cost, &[1.0], &[1.0], epsilon).is_err();
    assert!(!refused(4.0 * f64::EPSILON) && refused(3.999 * f64::EPSILON));
    assert!(!refused(f64::MAX * f64::EPSILON) && refused(f64::MAX * f64::EPSILON * 1.01));
    assert!(refused(0.0) && refused(-1.0) && refused(f64::NAN) && refused(f64::INFINITY));
    let free = DenseCost::new(&[0.0], 1, 1, 1).expect("costs");
    assert!(Problem::new(&free, &[1.0], &[1.0], 1e-310).is_err(), "without a finite reciprocal");
    assert!(Problem::new(&free, &[1.0], &[1.0], 1e-305).is_ok());
    let costs = self::cost();
    let problem = Problem::new(&costs, &A, &B, EPSILON).expect("a problem");
    assert_eq!((problem.rows(), problem.columns(), problem.epsilon(), problem.mass()), (3, 4, 0.25, 1.0));
    assert_eq!((problem.a(), problem.b(), problem.cost().largest()), (&A[..], &B[..], 1.0));
    assert_eq!(problem.with_epsilon(0.5).map(|p| p.epsilon()), Ok(0.5));
    assert!(problem.with_epsilon(0.0).is_err());
}

/// φ_ω(δ) = e^(−δ) − e^((ω−1)δ) + ωδ must not be negative: then the dual value does not fall.
#[test]
fn a_line_moves_as_far_as_its_share_of_the_dual_value_allows() {
    let gain = |omega: f64, delta: f64| (-delta).exp() - ((omega - 1.0) * delta).exp() + omega * delta;
    // Above 1 all go the same way, which Miri need see but once.
    let omegas: &[f64] = if cfg!(miri) { &[1.0, 1.5] } else { &[1.0, 1.25, 1.5, 1.9, 1.999] };
    for &omega in omegas {
        let reach = Reach::new(omega);
        assert_eq!((reach.omega(), reach.factor(-5.0), reach.factor(0.0)), (omega, omega, omega));
        if omega == 1.0 {
            assert_eq!(reach.factor(700.0), 1.0);
            continue;
        }
        // Its root, to the digits of the bisection.
        let (mut low, mut high) = (1e-9, 60.0 / (omega - 1.0));
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if gain(omega, middle) >= 0.0 { low = middle } else { high = middle }
        }
        let digits = 48.0 / (omega - 1.0) / f64::from(1_u32 << 24);
        assert_eq!(reach.factor(low - 2.0 * digits), omega);
        assert!(reach.factor(low + digits) < omega);
        for delta in [1.01 * low, 2.0 * low, 10.0 * low, 600.0] {
            let factor = reach.factor(delta);
            assert!(
                (1.0..omega).contains(&factor) && gain(factor, delta) >= 0.0,
                "{omega} {delta}: {factor}"
            );
            // The largest such factor, up to its eight bisections.
            assert!(gain(factor + (omega - 1.0) / 256.0, delta) < 0.0, "{omega} {delta}: {factor}");
        }
    }
}

#[test]
fn twenty_looks_below_the_floor_without_a_new_lowest_end_a_run() {
    let mut floor = Floor::at(1.0);
    floor.look(0.5);
    for _ in 0..19 {
        floor.look(0.5);
    }
    assert!(!floor.stalled());
    floor.look(1.5);
    assert!(!floor.stalled(), "above the floor nothing is counted");
    floor.look(1.0);
    assert!(floor.stalled(), "the floor itself is below");
    floor.look(0.25);
    assert!(!floor.stalled(), "a new lowest");
}

#[test]
fn points_and_the_bound_of_their_costs() {
    let (x, y) = ([0.0, 0.0, 3.0, 4.0], [0.0, 1.0, 3.0, 0.0, -1.0, 2.0]);
    // The boxes reach from −1 to 3 and from 0 to 4.
    for (ground, largest, rows) in [
        (Ground::SquaredEuclidean, 32.0, [1.0, 9.0, 5.0, 18.0, 16.0, 20.0]),
        (
            Ground::Euclidean,
            32.0_f64.sqrt(),
            [1.0, 3.0, 5.0_f64.sqrt(), 18.0_f64.sqrt(), 4.0, 20.0_f64.sqrt()],
        ),
        (Ground::L1, 8.0, [1.0, 3.0, 3.0, 6.0, 4.0, 6.0]),
    ] {
        let mut storage = [f64::NAN; 6];
        let cost = PointCost::new(&x, &y, 2, ground, &mut storage).expect("points");
        assert_eq!((cost.rows(), cost.columns(), cost.dimension(), cost.ground()), (2, 3, 2, ground));
        assert_eq!((cost.x(), cost.y()), (&x[..], &[0.0, 3.0, -1.0, 1.0, 0.0, 2.0][..]));
        assert!(cost.largest() >= largest && cost.largest() <= largest * (1.0 + 8.0 * f64::EPSILON));
        let scaled = cost.scaled(0.5).and_then(|cost| cost.scaled(0.25)).expect("a scale");
        assert_eq!((scaled.scale(), scaled.largest()), (0.25, 0.25 * cost.largest()));
        let mut row = [f64::NAN; 3];
        for i in 0..2 {
            assert_eq!(*cost.row(i, &mut row), rows[3 * i..3 * i + 3]);
            assert_eq!(scaled.row(i, &mut row), [0, 1, 2].map(|j| 0.25 * rows[3 * i + j]));
        }
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e308] {
            let refused = cost.scaled(bad).map(|_| ());
            assert!(matches!(refused, Err(Error::Option { name: "scale", .. })), "{bad}");
        }
    }
    // A cloud without points has no costs.
    let none =
        PointCost::new(&[], &y, 2, Ground::L1, &mut [f64::NAN; 6]).map(|cost| (cost.rows(), cost.largest()));
    assert_eq!(none, Ok((0, 0.0)));
    let none = PointCost::new(&x, &[], 2, Ground::L1, &mut []).map(|cost| (cost.columns(), cost.largest()));
    assert_eq!(none, Ok((0, 0.0)));
}

/// Every number of a coupling against plain loops.
#[test]
fn a_coupling_in_a_few_numbers() {
    let costs = cost();
    let problem = Problem::new(&costs, &A, &B, EPSILON).expect("a problem");
    let (f, g) = ([0.125, -0.25, 0.375], [-0.5, 0.0, 0.25, -0.125]);
    let p: Vec<f64> = (0..12).map(|k| ((f[k / 4] + g[k % 4] - COST[k]) / EPSILON).exp()).collect();
    let sum = |of: &dyn Fn(usize) -> f64| (0..12).map(of).sum::<f64>();
    let rows = (0..3).map(|i| (p[4 * i..4 * i + 4].iter().sum::<f64>() - A[i]).abs()).sum::<f64>();
    let columns = (0..4).map(|j| ((0..3).map(|i| p[4 * i + j]).sum::<f64>() - B[j]).abs()).sum::<f64>();
    let (moved, mass) = (sum(&|k| p[k] * COST[k]), sum(&|k| p[k]));
    let entropy = sum(&|k| p[k] * (p[k].ln() - 1.0));
    let potentials: f64 = A.iter().zip(f).chain(B.iter().zip(g)).map(|(w, p)| w * p).sum();
    let mut storage = [f64::NAN; 64];
    let found = certificate::evaluate(&problem, &f, &g, &mut storage).expect("memory");
    let expected = [
        moved,
        potentials - EPSILON * mass,
        moved + EPSILON * entropy,
        entropy,
        mass,
        rows,
        columns,
        rows + columns,
    ];
    let found = [
        found.cost,
        found.dual,
        found.primal,
        found.entropy,
        found.mass,
        found.row_error,
        found.column_error,
        found.error(),
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-14 * (1.0 + expected.abs()), "{found} {expected}");
    }
    let found = certificate::certify(&problem, &f, &g, &mut storage).expect("memory");
    let transform = |j: usize| (0..3).map(|i| COST[4 * i + j] - f[i]).fold(f64::INFINITY, f64::min);
    let lower: f64 = (0..3).map(|i| A[i] * f[i]).chain((0..4).map(|j| B[j] * transform(j))).sum();
    assert!((found.dual - expected[1]).abs() < 1e-14 && (found.lower - lower).abs() < 1e-14, "{found:?}");
    assert!(found.upper >= found.lower && found.primal >= found.dual);
    assert_eq!((found.gap(), found.exact_gap()), (found.primal - found.dual, found.upper - found.lower));
    // The sizes that rounding is measured by.
    let transforms = (0..4).map(|j| transform(j).abs()).fold(0.0, f64::max);
    let size = 0.375 + 0.5 + transforms + 1.0 + 64.0 * EPSILON;
    let unit = 8.0 * f64::EPSILON * (1.0 + mass);
    assert!(found.rounding >= unit * size && found.rounding < 1.5 * unit * size, "{found:?} {}", unit * size);
    let far = certificate::evaluate(&problem, &[800.0; 3], &g, &mut storage).expect("memory");
    assert_eq!((far.cost, far.dual, far.error()), (f64::INFINITY, -f64::INFINITY, f64::INFINITY));
}

/// Report, f and g of a run by every method.
fn solved(how: &str, stop: Stop<f64>) -> (Report<f64>, Vec<f64>, Vec<f64>) {
    let costs = cost();
    let problem = Problem::new(&costs, &A, &B, EPSILON).expect("a problem");
    let (mut f, mut g) = (vec![0.0; 3], vec![0.0; 4]);
    let x = Potentials { f: &mut f, g: &mut g };
    let (mut storage, mut indices) = (vec![f64::NAN; 1000], vec![u32::MAX; 1000]);
    let mut rule = Fixed(if how.ends_with("1.25") { 1.25 } else { 1.0 });
    let omega = rule.0;
    let options = sinkhorn::Options { stop };
    let report = match how.split(' ').next() {
        Some("sinkhorn") => {
            let work = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
            let mut run = sinkhorn::start(&problem, &options, &mut rule, x, work).expect("valid");
            assert_eq!((run.omega(), run.parameter(), run.scale(), run.failure()), (omega, omega, 1.0, None));
            drive(&mut run, &stop, &mut ())
        }
        Some("scaling") => {
            let work = scaling::Workspace::new(&problem, &mut storage).expect("memory");
            let mut run = scaling::start(&problem, &options, &mut rule, x, work).expect("valid");
            assert_eq!((run.omega(), run.parameter(), run.scale(), run.failure()), (omega, omega, 1.0, None));
            drive(&mut run, &stop, &mut ())
        }
        Some("newton") => {
            let work = newton::Workspace::new(&problem, 12, &mut storage, &mut indices).expect("memory");
            let options = newton::Options { stop, first_steps: 2, ..newton::Options::default() };
            newton::solve(&problem, &options, x, work, &mut ()).expect("valid")
        }
        Some("dense") => {
            let work = newton::dense::Workspace::new(&problem, &mut storage).expect("memory");
            let options = newton::Options { stop, first_steps: 2, ..newton::Options::default() };
            newton::dense::solve(&problem, &options, x, work, &mut ()).expect("valid")
        }
        Some("greenkhorn") => {
            let work = greenkhorn::Workspace::new(&problem, &mut storage).expect("memory");
            greenkhorn::solve(&problem, &options, x, work, &mut ()).expect("valid")
        }
        _ => panic!("no method {how}"),
    };
    (report, f, g)
}

#[test]
fn every_method_ends_at_the_same_coupling_after_as_many_steps() {
    let methods =
        ["sinkhorn 1", "sinkhorn 1.25", "scaling 1", "scaling 1.25", "newton", "dense", "greenkhorn"];
    let stop = Stop { max_steps: 500, ..Stop::relative(1e-11) };
    let all = methods.map(|how| solved(how, stop));
    let (_, f, g) = &all[0];
    for (how, (report, ours, theirs)) in methods.iter().zip(&all) {
        assert_eq!(report.status, Status::Converged, "{how}: {report:?}");
        let [rows, columns, ..] = look(&case(), EPSILON, ours, theirs);
        assert!((rows + columns - report.residual).abs() < 1e-14 && report.scale == 1.0, "{how}: {report:?}");
        for k in 0..12 {
            let off = (ours[k / 4] + theirs[k % 4]) - (f[k / 4] + g[k % 4]);
            assert!(off.abs() < 1e-10, "{how}: {off}");
        }
    }
    let counts = all.map(|(report, ..)| (report.steps, report.checks));
    assert_eq!(counts, [(27, 28), (19, 20), (27, 28), (19, 20), (7, 8), (6, 7), (18, 19)]);
    // At the level of rounding errors nothing falls any more.
    for how in &methods[..6] {
        let (report, ..) = solved(how, Stop { max_steps: 500, ..Stop::relative(1e-30) });
        assert!(report.status == Status::Stalled || report.residual == 0.0, "{how}: {report:?}");
        assert!(report.residual < 1e-14 && report.steps < 100, "{how}: {report:?}");
    }
}

/// Marginals whose price is missed as the theory says: f_i = −ρ ln of what a line has over what it should have.
#[test]
fn unbalanced_masses_are_missed_at_their_price() {
    let costs = cost();
    let b = [0.25, 0.75, 0.5, 0.5];
    for (rho, translate) in [((1.0, 0.5), true), ((1.0, 0.5), false), ((f64::INFINITY, 0.5), true)] {
        let problem = unbalanced::Problem::new(&costs, &A, &b, EPSILON, rho).expect("a problem");
        assert_eq!((problem.rows(), problem.columns(), problem.epsilon()), (3, 4, 0.25));
        let mut storage = [f64::NAN; 64];
        let work = unbalanced::Workspace::new(&problem, &mut storage).expect("memory");
        let stop = Stop { max_steps: 400, ..Stop::relative(1e-12) };
        let options = unbalanced::Options { stop, translate };
        let (mut f, mut g) = ([0.5; 3], [-0.25; 4]);
        let x = Potentials { f: &mut f, g: &mut g };
        let report = unbalanced::solve(&problem, &options, x, work, &mut ()).expect("valid");
        assert_eq!(report.status, Status::Converged, "{report:?}");
        let p = |i: usize, j: usize| ((f[i] + g[j] - COST[4 * i + j]) / EPSILON).exp();
        for i in 0..3 {
            let sum: f64 = (0..4).map(|j| p(i, j)).sum();
            let wanted = A[i] * if rho.0.is_finite() { (-f[i] / rho.0).exp() } else { 1.0 };
            assert!((sum - wanted).abs() < 1e-11, "{rho:?}: {sum} {wanted}");
        }
        for j in 0..4 {
            let sum: f64 = (0..3).map(|i| p(i, j)).sum();
            assert!((sum - b[j] * (-g[j] / rho.1).exp()).abs() < 1e-11, "{rho:?}: {sum}");
        }
    }
}

/// A caller's own matrix has three methods; the others follow from them.
#[test]
fn what_a_matrix_of_the_callers_own_gets() {
    struct Own([f64; 12]);
    impl Rows<f64> for Own {
        fn rows(&self) -> usize {
            3
        }
        fn columns(&self) -> usize {
            4
        }
        fn row(&self, row: usize) -> Row<'_, f64> {
            Row { values: self.0.get(4 * row..4 * row + 4).unwrap_or(&[]), columns: None }
        }
    }
    fn check(matrix: &(impl Rows<f64> + ?Sized), a: &[f64; 12], first_negative: Option<usize>) {
        assert_eq!((matrix.rows(), matrix.columns(), matrix.first_negative()), (3, 4, first_negative));
        assert_eq!(matrix.largest(), a.iter().fold(0.0, |most: f64, a| most.max(a.abs())));
        let y = [1.0, -2.0, 0.5, 4.0];
        let product = |i: usize| (0..4).map(|j| a[4 * i + j] * y[j]).sum::<f64>();
        let mut out = [f64::NAN; 3];
        matrix.apply(&y, &mut out);
        assert_eq!(out, [0, 1, 2].map(product));
        let (mut t, mut seen) = ([f64::NAN; 4], vec![]);
        matrix.sums(&y, &mut t, &mut |i, s| {
            seen.push((i, s));
            s + i as f64
        });
        assert_eq!(seen, [0, 1, 2].map(|i| (i, product(i))));
        let of = |j: usize| (0..3).map(|i| (product(i) + i as f64) * a[4 * i + j]).sum::<f64>();
        assert_eq!(t, [0, 1, 2, 3].map(of));
        let entries: Vec<(usize, f64)> = matrix.row(1).entries().filter(|(_, a)| *a != 0.0).collect();
        let expected: Vec<(usize, f64)> = (0..4).map(|j| (j, a[4 + j])).filter(|(_, a)| *a != 0.0).collect();
        assert_eq!((entries, matrix.row(1).get(4), matrix.row(3).get(0)), (expected, None, None));
    }
    let a = [0.5, 1.0, 0.25, 2.0, 0.0, 4.0, 1.0, 0.0, 0.125, 0.25, 0.0, 1.0];
    let below = [0.5, 1.0, 0.25, 2.0, 0.0, 4.0, 1.0, 0.0, 0.125, -8.0, 0.0, 1.0];
    check(&Own(a), &a, None);
    check(&Own(below), &below, Some(9));
    check(&&Own(below), &below, Some(9));
    check(&balance::Dense::new(&a, 3, 4, 4).expect("a matrix"), &a, None);
    let (offsets, columns) = ([0, 4, 6, 9], [0, 1, 2, 3, 1, 2, 0, 1, 3]);
    let values = [0.5, 1.0, 0.25, 2.0, 4.0, 1.0, 0.125, 0.25, 1.0];
    check(&balance::Csr::new(&offsets, &columns, &values, 4).expect("a matrix"), &a, None);
}

/// Scalings by every method of balancing: sums by plain loops, and steps that were counted.
#[test]
fn every_method_of_balancing_ends_at_the_sums() {
    let a = [2.0, 1.0, 0.5, 1.0, 3.0, 0.25, 0.5, 0.25, 4.0];
    let matrix = balance::Dense::new(&a, 3, 3, 3).expect("a matrix");
    let sums = [1.0, 2.0, 1.5];
    let options = balance::sinkhorn_knopp::Options { stop: Stop { max_steps: 300, ..Stop::relative(1e-11) } };
    let (mut storage, mut indices) = ([f64::NAN; 64], [u32::MAX; 64]);
    let mut steps = vec![];
    let off = |x: &[f64], y: &[f64], target: [f64; 3]| {
        let of = |i: usize| {
            let row: f64 = (0..3).map(|j| x[i] * a[3 * i + j] * y[j]).sum();
            let column: f64 = (0..3).map(|j| x[j] * a[3 * j + i] * y[i]).sum();
            (row - target[i]).abs() + (column - target[i]).abs()
        };
        of(0) + of(1) + of(2)
    };
    let problem = balance::Problem::new(&matrix, &sums, &sums).expect("a problem");
    {
        let (mut x, mut y) = ([1.0; 3], [1.0; 3]);
        let work =
            balance::sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let scalings = balance::Scalings { x: &mut x, y: &mut y };
        let report =
            balance::sinkhorn_knopp::solve(&problem, &options, scalings, work, &mut ()).expect("valid");
        assert!(report.converged() && (off(&x, &y, sums) - report.residual).abs() < 1e-14, "{report:?}");
        assert_eq!(report.scale, 4.5);
        steps.push(report.steps);
    }
    // From anywhere, even where the sums overflow.
    for start in [1.0, 1e-100, 1e200] {
        let mut x = [start, 2.0 * start, start];
        let work = balance::symmetric::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let mut run = balance::symmetric::start(&problem, &options, &mut x, work).expect("valid");
        assert_eq!((run.parameter(), run.scale()), (0.5, 4.5));
        let report = drive(&mut run, &options.stop, &mut ());
        assert!(report.converged(), "{start}: {report:?}");
        let y = x;
        assert!((off(&x, &y, sums) - report.residual).abs() < 1e-14, "{report:?}");
        steps.push(report.steps);
    }
    for norm in [balance::ruiz::Norm::Largest, balance::ruiz::Norm::Sum] {
        let problem = balance::ruiz::Problem::new::<f64>(&matrix, norm).expect("a problem");
        let (mut x, mut y) = ([1.0; 3], [1.0; 3]);
        let work = balance::ruiz::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let scalings = balance::Scalings { x: &mut x, y: &mut y };
        let report = balance::ruiz::solve(&problem, &options, scalings, work, &mut ()).expect("valid");
        assert!(report.converged(), "{norm:?}: {report:?}");
        for i in 0..3 {
            let row = [0, 1, 2].map(|j| x[i] * a[3 * i + j] * y[j]);
            let line = match norm {
                balance::ruiz::Norm::Largest => row.into_iter().fold(0.0, f64::max),
                _ => row.iter().sum(),
            };
            assert!((line - 1.0).abs() < 1e-10, "{norm:?}: {line}");
        }
        steps.push(report.steps);
    }
    assert_eq!(steps, [43, 22, 22, 22, 1, 21]);
}
