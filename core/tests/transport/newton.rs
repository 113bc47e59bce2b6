//! Newton's method, sparse and dense, against the reference figures, and what every run of it keeps.

use crate::common::cases::{Case, digits, look, mnist, random, tracks};
use crate::common::{Numbers, bits, cast};
use southwell::transport::newton::{self, Options, Work};
use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn};
use southwell::{Error, Progress, Real, Report, Run, Status, Stop, drive};
use southwell_simd::{force_level, levels};

/// What a run left.
#[derive(Clone, Debug)]
struct Outcome<T> {
    report: Report<T>,
    work: Work,
    cg_work: f64,
    entries: (usize, bool),
    f: Vec<T>,
    g: Vec<T>,
}

impl<T: Real> Outcome<T> {
    fn same(&self, other: &Self) -> bool {
        let numbers = |o: &Self| (o.report.residual.bits(), bits(&o.f), bits(&o.g), o.work);
        numbers(self) == numbers(other)
    }
}

/// A problem in `T`, how many entries its systems may have (`None`: the dense variant), and options.
#[derive(Clone)]
struct Setup<T> {
    cost: Vec<T>,
    a: Vec<T>,
    b: Vec<T>,
    epsilon: T,
    entries: Option<usize>,
    options: Options<T>,
    /// Where the run begins.
    f: Vec<T>,
    g: Vec<T>,
    /// What the memory holds.
    dirt: T,
}

impl<T: Real> Setup<T> {
    fn new(case: &Case, inverse: f64, per_row: Option<usize>) -> Self {
        let (n, m) = (case.rows(), case.columns());
        Self {
            cost: cast(&case.cost),
            a: cast(&case.a),
            b: cast(&case.b),
            epsilon: T::from_f64(1.0 / inverse),
            entries: per_row.map(|k| k * n),
            options: Options::default(),
            f: vec![T::ZERO; n],
            g: vec![T::ZERO; m],
            dirt: T::NAN,
        }
    }

    fn to(mut self, relative: f64, max_steps: u32) -> Self {
        self.options.stop = Stop { max_steps, ..Stop::relative(T::from_f64(relative)) };
        self
    }

    /// Drives as often as there are limits of steps.
    fn run(&self, limits: &[u32]) -> Outcome<T> {
        let (n, m) = (self.a.len(), self.b.len());
        let cost = DenseCost::new(&self.cost, n, m, m).expect("costs");
        let problem = Problem::new(&cost, &self.a, &self.b, self.epsilon).expect("a problem");
        let (mut f, mut g) = (self.f.clone(), self.g.clone());
        let x = Potentials { f: &mut f, g: &mut g };
        let entries = self.entries.unwrap_or(0);
        let mut storage = vec![self.dirt; newton::Workspace::<T>::required_len(n, m, m, entries)];
        let mut indices = vec![u32::MAX; newton::Workspace::<T>::required_indices(n, m, entries)];
        let mut dense = vec![self.dirt; newton::dense::Workspace::<T>::required_len(n, m, m)];
        let drive_all = |run: &mut dyn Run<Real = T>| {
            let stop = |max_steps| Stop { max_steps, ..self.options.stop };
            limits.iter().map(|&k| drive(run, &stop(k), &mut ())).last().expect("a limit")
        };
        let (report, work, cg_work, entries) = if self.entries.is_some() {
            let workspace =
                newton::Workspace::new(&problem, entries, &mut storage, &mut indices).expect("memory");
            let mut run = newton::start(&problem, &self.options, x, workspace).expect("valid");
            (drive_all(&mut run), run.work(), run.cg_work(), run.entries())
        } else {
            let workspace = newton::dense::Workspace::new(&problem, &mut dense).expect("memory");
            let mut run = newton::dense::start(&problem, &self.options, x, workspace).expect("valid");
            (drive_all(&mut run), run.work(), run.cg_work(), run.entries())
        };
        Outcome { report, work, cg_work, entries, f, g }
    }

    fn solve(&self) -> Outcome<T> {
        self.run(&[self.options.stop.max_steps])
    }

    /// The residual by plain loops in `f64`.
    fn recomputed(&self, outcome: &Outcome<T>) -> f64 {
        let wide = |x: &[T]| x.iter().map(|x| x.to_f64()).collect();
        let case = Case { cost: wide(&self.cost), a: wide(&self.a), b: wide(&self.b) };
        let [rows, columns, ..] = look(&case, self.epsilon.to_f64(), &outcome.f, &outcome.g);
        rows + columns
    }
}

/// To 1e-12 from 20 Sinkhorn steps: Newton steps, the cost in readings, D* and ⟨P, C⟩ to ten digits.
/// (Newton steps of the reference experiments in brackets in the tests.)
fn check(case: &Case, inverse: f64, steps: u32, total: f64, dual: f64, cost: f64) {
    let setup = Setup::<f64>::new(case, inverse, Some(128)).to(1e-12, 200);
    let outcome = setup.solve();
    let Outcome { report, work, cg_work, .. } = &outcome;
    assert!(report.converged(), "{inverse}: {report:?}");
    assert_eq!(work.newton_steps, steps, "{inverse}: {outcome:?}");
    let readings = work.sinkhorn_steps + work.evaluations + 1;
    assert!((readings..readings + 4).contains(&work.kernel_reads), "nearly always one a trial: {work:?}");
    assert_eq!((work.sinkhorn_steps, work.rescues), (20, 0));
    let spent = f64::from(work.kernel_reads) + cg_work;
    assert!((spent - total).abs() <= 0.1, "{inverse}: {spent} {total}");
    let [rows, columns, moved, value] = look(case, 1.0 / inverse, &outcome.f, &outcome.g);
    assert!((rows + columns - report.residual).abs() < 1e-12, "{rows} {columns} {report:?}");
    assert!((moved - cost).abs() < 2e-10 && (value - dual).abs() < 2e-10, "{moved} {value}");
}

#[test]
fn random_assignment() {
    let case = random(1, 500);
    check(&case, 200.0, 2, 23.6, -0.039_347_763_7, 0.006_608_603_2); // 2
    check(&case, 400.0, 3, 24.7, -0.017_004_610_8, 0.004_587_953_2); // 3
    check(&case, 1200.0, 7, 29.2, -0.003_087_436_8, 0.003_579_318_4); // 8
    check(&random(2, 500), 1200.0, 8, 30.3, -0.003_033_458_3, 0.003_625_593_3); // 10
}

#[test]
fn handwritten_digits() {
    let (l1, l2) = (digits(1), digits(2));
    check(&l1, 50.0, 6, 55.0, -0.042_880_659_6, 0.068_685_441_8); // 6
    check(&l1, 200.0, 18, 83.3, 0.038_400_016_6, 0.065_142_697_4); // 25
    check(&l1, 1200.0, 71, 204.3, 0.060_685_575_3, 0.065_142_687_0); // 82
    check(&l2, 200.0, 6, 43.4, -0.015_821_223_4, 0.012_253_300_4); // 7
    check(&l2, 1200.0, 17, 55.9, 0.006_572_865_3, 0.010_954_135_1); // 24
    let (l1, l2) = (mnist(1), mnist(2));
    check(&l1, 200.0, 9, 38.6, 0.022_395_143_2, 0.064_380_532_6); // 13
    check(&l1, 1200.0, 47, 93.4, 0.057_037_446_3, 0.063_948_116_1); // 53
    check(&l2, 200.0, 5, 36.6, -0.037_251_504_3, 0.010_782_613_4); // 6
    check(&l2, 1200.0, 10, 39.6, 0.000_739_301_8, 0.007_579_691_5); // 14
}

/// With every entry and exact solves no more Newton steps than the reference experiments with damping take, in brackets
/// (fifteen entries a row; MNIST's are met by the defaults, above).
#[test]
fn exact_solves() {
    let (l1, l2) = (digits(1), digits(2));
    for (case, inverse, steps, reference) in [
        (&l1, 50.0, 6, 6),
        (&l1, 200.0, 17, 21),
        (&l1, 1200.0, 66, 71),
        (&l2, 200.0, 5, 5),
        (&l2, 1200.0, 16, 16),
    ] {
        let mut setup = Setup::<f64>::new(case, inverse, Some(64)).to(1e-12, 200);
        (setup.options.dropped, setup.options.cg_tolerance) = (0.0, 1e-10);
        let outcome = setup.solve();
        assert!(outcome.report.converged(), "{inverse}: {outcome:?}");
        assert_eq!(outcome.work.newton_steps, steps, "{inverse}: {:?}", outcome.work);
        assert!(steps <= reference);
    }
    // The reference with fifteen entries a row takes 6, ours by default 7.
    let mut setup = Setup::<f64>::new(&random(1, 500), 1200.0, Some(128)).to(1e-12, 200);
    setup.options.cg_tolerance = 1e-5;
    assert_eq!(setup.solve().work.newton_steps, 6);
}

/// The dense variant: Newton steps, each with one reading. (Reference experiments in brackets.)
#[test]
fn dense() {
    let (l1, l2, tracks) = (digits(1), digits(2), tracks());
    let uniform = Case { a: vec![1.0; 16], b: vec![1.0; 16], ..random(16, 16) };
    for (case, inverse, tolerance, first, steps) in [
        (&l1, 50.0, 1e-12, 20, 6),                // 6
        (&l1, 200.0, 1e-12, 20, 17),              // 21
        (&l1, 1200.0, 1e-12, 20, 66),             // 71, with 104 trials
        (&l2, 200.0, 1e-12, 20, 5),               // 5
        (&l2, 1200.0, 1e-12, 20, 16),             // 16
        (&uniform, 20.0, 1e-10 / 16.0, 10, 4),    // 4
        (&uniform, 50.0, 1e-10 / 16.0, 10, 7),    // 9
        (&uniform, 100.0, 1e-10 / 16.0, 10, 13),  // 19
        (&uniform, 1200.0, 1e-10 / 16.0, 10, 32), // 72
        (&tracks, 100.0, 1e-10 / 16.0, 10, 11),   // 17
    ] {
        let mut setup = Setup::<f64>::new(case, inverse, None).to(tolerance, 200);
        setup.options.first_steps = first;
        let outcome = setup.solve();
        let work = outcome.work;
        assert!(outcome.report.converged(), "{inverse}: {outcome:?}");
        assert_eq!((work.newton_steps, work.evaluations, work.rescues), (steps, steps, 0), "{inverse}");
        assert!((setup.recomputed(&outcome) - outcome.report.residual).abs() < 1e-12);
    }
}

/// An assignment problem in `f32` by both variants.
#[test]
fn single_precision() {
    for (case, inverse) in [(random(1, 100), 100.0), (tracks(), 50.0), (digits(2), 200.0)] {
        for per_row in [Some(32), None] {
            let setup = Setup::<f32>::new(&case, inverse, per_row).to(1e-4, 100);
            let outcome = setup.solve();
            assert!(outcome.report.converged(), "{inverse} {per_row:?}: {:?}", outcome.report);
            let mass: f64 = case.a.iter().sum();
            let error = (setup.recomputed(&outcome) - f64::from(outcome.report.residual)).abs();
            assert!(error <= 1e-4 * mass, "{error}");
        }
    }
}

/// A small problem, rectangular, with lines of mass 0 and costs of any scale.
fn small(numbers: &mut Numbers) -> Case {
    let (n, m) = (1 + numbers.below(12), 1 + numbers.below(12));
    let scale = [1.0, 16.0, 0.125][numbers.below(3)];
    let cost = (0..n * m).map(|_| (numbers.next() + 0.5) * scale).collect();
    let mut weights = |n: usize| {
        let mut weights: Vec<f64> =
            (0..n).map(|_| if numbers.below(4) == 0 { 0.0 } else { numbers.next() + 0.75 }).collect();
        weights[numbers.below(n)] = 1.0;
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| w / sum).collect::<Vec<f64>>()
    };
    let (a, b) = (weights(n), weights(m));
    Case { cost, a, b }
}

fn properties<T: Real>() {
    let mut numbers = Numbers(7);
    for round in 0..150 {
        let case = small(&mut numbers);
        let largest = case.cost.iter().fold(0.0, |most: f64, c| most.max(*c));
        let inverse = [5.0, 50.0, 500.0][numbers.below(3)] / largest;
        let per_row = [Some(0), Some(2), Some(12), None][numbers.below(4)];
        let relative = T::EPSILON.to_f64() * 1e4;
        let mut setup = Setup::<T>::new(&case, inverse, per_row).to(relative, 60);
        setup.options.first_steps = [0, 1, 20][numbers.below(3)];
        let outcome = setup.solve();
        let told = outcome.report.residual.to_f64();
        let label = format!("{round}: {per_row:?} {outcome:?}");
        // Potentials are rounded relative to the largest cost; so is the coupling, by that over ε.
        let rounding = 64.0 * T::EPSILON.to_f64() * (1.0 + inverse * largest) * (1.0 + told);
        assert!((setup.recomputed(&outcome) - told).abs() <= rounding, "{label}");
        for (potential, weights) in [(&outcome.f, &case.a), (&outcome.g, &case.b)] {
            for (p, &w) in potential.iter().zip(weights) {
                assert!(if w > 0.0 { p.is_finite() } else { *p == -T::INFINITY }, "{label}");
            }
        }
        let known = matches!(
            outcome.report.status,
            Status::Converged | Status::StepLimit | Status::Stalled | Status::Breakdown
        );
        assert!(known, "{label}");
        if per_row.is_none() || per_row == Some(12) && T::EPSILON.to_f64() < 1e-10 {
            let near = rounding.max(relative);
            assert!(outcome.report.converged() || told <= near, "whole couplings converge; {label}");
        }
        // Clean memory, one step at a time, and every instruction set.
        let clean = Setup { dirt: T::ONE, ..setup.clone() };
        assert!(clean.solve().same(&outcome), "dirt; {label}");
        let split = setup.run(&[outcome.report.steps / 2, outcome.report.steps - outcome.report.steps / 2]);
        assert!(split.same(&outcome), "in two; {label}, {split:?}");
        for level in levels() {
            force_level(Some(level));
            let there = setup.solve();
            force_level(None);
            assert!(there.same(&outcome), "{level:?}; {label}");
        }
    }
}

#[test]
fn small_problems() {
    properties::<f64>();
    properties::<f32>();
}

#[test]
fn equal_bits_everywhere() {
    for per_row in [Some(16), None] {
        let setup = Setup::<f64>::new(&digits(2), 1200.0, per_row).to(1e-12, 100);
        let outcome = setup.solve();
        let single = Setup::<f32>::new(&random(3, 67), 200.0, per_row).to(1e-4, 40);
        let short = single.solve();
        for level in levels() {
            force_level(Some(level));
            let (there, short_there) = (setup.solve(), single.solve());
            force_level(None);
            assert!(there.same(&outcome) && short_there.same(&short), "{level:?}");
        }
    }
}

/// A Newton run goes on where Sinkhorn's ended, without steps of its own.
#[test]
fn warm_start() {
    let case = random(1, 200);
    let (n, epsilon) = (200, 1.0 / 400.0);
    let cost = DenseCost::new(&case.cost, n, n, n).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, epsilon).expect("a problem");
    let mut storage = vec![0.0; sinkhorn::Workspace::<f64>::required_len(n, n, n)];
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; n]);
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let stop = Stop { max_steps: 15, ..Stop::default() };
    let x = Potentials { f: &mut f, g: &mut g };
    let options = sinkhorn::Options { stop };
    let before =
        sinkhorn::solve(&problem, &options, &mut southwell::omega::Fixed(1.0), x, workspace, &mut ())
            .expect("valid");
    for per_row in [Some(32), None] {
        let mut setup = Setup::<f64>::new(&case, 400.0, per_row).to(1e-10, 50);
        setup.options.first_steps = 0;
        (setup.f, setup.g) = (f.clone(), g.clone());
        let outcome = setup.solve();
        assert!((outcome.report.initial_residual - before.residual).abs() < 1e-12, "{before:?} {outcome:?}");
        assert!(outcome.report.converged() && outcome.work.sinkhorn_steps == 0);
        assert_eq!(outcome.work.kernel_reads, outcome.work.evaluations + 1);
        // Converged potentials need one reading.
        (setup.f, setup.g) = (outcome.f.clone(), outcome.g.clone());
        let again = setup.solve();
        assert_eq!((again.report.steps, again.work.kernel_reads), (0, 1));
        assert_eq!((bits(&again.f), bits(&again.g)), (bits(&outcome.f), bits(&outcome.g)));
        // Potentials that are far off, even those that express no coupling, are no obstacle.
        for far in [3.0, -3.0, 1e6, -1e6] {
            setup.f = vec![far; n];
            setup.g = vec![0.0; n];
            assert!(setup.solve().report.converged(), "{far}: {:?}", setup.solve().report);
        }
    }
}

/// The budget bounds the entries; what it costs is steps.
#[test]
fn budget() {
    let case = random(1, 200);
    let mut before = u32::MAX;
    for per_row in [1, 3, 6, 12, 40] {
        let outcome = Setup::<f64>::new(&case, 400.0, Some(per_row)).to(1e-9, 300).solve();
        let (kept, clipped) = outcome.entries;
        assert!(kept <= (per_row + 2) * 200, "{kept}");
        assert_eq!(clipped, per_row < 9, "{per_row}: {kept}");
        assert!(outcome.report.converged() && outcome.work.newton_steps <= before, "{per_row} {outcome:?}");
        before = outcome.work.newton_steps;
    }
}

fn refused<T: Real>() {
    let (cost, a, b) = (cast::<T>(&[0.5; 6]), cast::<T>(&[0.5, 0.5]), cast::<T>(&[0.5, 0.25, 0.25]));
    let cost = DenseCost::new(&cost, 2, 3, 3).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::ONE).expect("a problem");
    let needed = newton::Workspace::<T>::required_len(2, 3, 3, 4);
    let indices_needed = newton::Workspace::<T>::required_indices(2, 3, 4);
    let dense_needed = newton::dense::Workspace::<T>::required_len(2, 3, 3);
    let short = |needed: usize| Some(Error::Workspace { needed, given: needed - 1 });
    let refusal = |length: usize, indices: usize| {
        newton::Workspace::new(&problem, 4, &mut vec![T::NAN; length], &mut vec![7; indices]).err()
    };
    assert_eq!(refusal(needed, indices_needed), None);
    assert_eq!(refusal(needed - 1, indices_needed), short(needed));
    assert_eq!(refusal(needed, indices_needed - 1), short(indices_needed));
    let dense = |length: usize| newton::dense::Workspace::new(&problem, &mut vec![T::NAN; length]).err();
    assert_eq!((dense(dense_needed), dense(dense_needed - 1)), (None, short(dense_needed)));
    let huge = newton::Workspace::new(&problem, u32::MAX as usize, &mut [], &mut []).err();
    assert_eq!(huge, Some(Error::TooLarge { argument: "entries" }));

    let good = Options::<T>::default();
    let option = |name, requirement| Some(Error::Option { name, requirement });
    let finite = "must be finite and not negative";
    let bad_stop = Stop { relative: T::NAN, ..good.stop };
    let start = [T::from_f64(0.25); 3];
    for (options, f, expected) in [
        (Options { stop: bad_stop, ..good }, &start[..2], option("relative", finite)),
        (Options { dropped: T::ONE, ..good }, &start[..2], option("dropped", "must lie in [0, 1)")),
        (Options { dropped: T::NAN, ..good }, &start[..2], option("dropped", "must lie in [0, 1)")),
        (Options { damping: -T::ONE, ..good }, &start[..2], option("damping", finite)),
        (Options { cg_steps: 0, ..good }, &start[..2], option("cg_steps", "must be positive")),
        (
            Options { cg_tolerance: T::ZERO, ..good },
            &start[..2],
            option("cg_tolerance", "must lie in (0, 1]"),
        ),
        (Options { cg_tolerance: T::TWO, ..good }, &start[..2], option("cg_tolerance", "must lie in (0, 1]")),
        (good, &start[..3], Some(Error::Dimension { argument: "f", expected: 2, given: 3 })),
        (good, &[T::ONE, T::NAN], Some(Error::Value { argument: "f", index: 1 })),
    ] {
        let (mut storage, mut indices) = (vec![T::NAN; needed], vec![7; indices_needed]);
        let mut dense = vec![T::NAN; dense_needed];
        let (mut x, mut y) = (f.to_vec(), start.to_vec());
        let workspace = newton::Workspace::new(&problem, 4, &mut storage, &mut indices).expect("memory");
        let dense = newton::dense::Workspace::new(&problem, &mut dense).expect("memory");
        let potentials = Potentials { f: &mut x, g: &mut y };
        assert_eq!(newton::solve(&problem, &options, potentials, workspace, &mut ()).err(), expected);
        let potentials = Potentials { f: &mut x, g: &mut y };
        assert_eq!(newton::dense::solve(&problem, &options, potentials, dense, &mut ()).err(), expected);
        assert_eq!((bits(&x), bits(&y)), (bits(f), bits(&start)), "untouched");
    }
    // A workspace of another problem.
    let other = Problem::new(&cost, &a, &b, T::TWO).expect("a problem");
    let swapped = cast::<T>(&[0.5; 6]);
    let swapped = DenseCost::new(&swapped, 3, 2, 2).expect("costs");
    let transposed = Problem::new(&swapped, &b, &a, T::ONE).expect("a problem");
    let (mut storage, mut indices) = (vec![T::NAN; 2000], vec![7; 2000]);
    let (mut x, mut y) = (start.to_vec(), start[..2].to_vec());
    let workspace = newton::Workspace::new(&other, 4, &mut storage, &mut indices).expect("memory");
    let refusal = newton::start(&transposed, &good, Potentials { f: &mut x, g: &mut y }, workspace).err();
    assert!(matches!(refusal, Some(Error::Workspace { .. })), "{refusal:?}");
    assert_eq!((bits(&x), bits(&y)), (bits(&start), bits(&start[..2])));
}

#[test]
fn refusals() {
    refused::<f32>();
    refused::<f64>();
}

#[test]
fn an_observer_sees_every_step_and_ends_a_run() {
    let case = digits(2);
    let cost = DenseCost::new(&case.cost, 64, 64, 64).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 1.0 / 200.0).expect("a problem");
    let mut storage = vec![0.0; newton::Workspace::<f64>::required_len(64, 64, 64, 1000)];
    let mut indices = vec![0; newton::Workspace::<f64>::required_indices(64, 64, 1000)];
    let workspace = newton::Workspace::new(&problem, 1000, &mut storage, &mut indices).expect("memory");
    let (mut f, mut g) = (vec![0.0; 64], vec![0.0; 64]);
    let mut seen = vec![];
    let mut keep = |p: &Progress<f64>| {
        seen.push((p.step, p.residual.expect("every step is looked at")));
        if p.step == 23 { core::ops::ControlFlow::Break(()) } else { core::ops::ControlFlow::Continue(()) }
    };
    let x = Potentials { f: &mut f, g: &mut g };
    let report = newton::solve(&problem, &Options::default(), x, workspace, &mut keep).expect("valid");
    assert_eq!((report.status, report.steps, seen.len()), (Status::Stopped, 23, 24));
    assert!(seen.last().is_some_and(|&(_, residual)| residual == report.residual));
    let [rows, columns, ..] = look(&case, 1.0 / 200.0, &f, &g);
    assert!((rows + columns - report.residual).abs() < 1e-13);
}
