//! Transport that chooses its method: reference problems, and what it promises of reports.

use core::ops::ControlFlow;

use crate::common::cases::{Case, digits, look, mnist, random};
use southwell::transport::auto::{Method, Options, Outcome, Workspace, solve};
use southwell::transport::{DenseCost, Potentials, Problem};
use southwell::{Error, Progress, Real, Status, Stop};
use southwell_simd::{force_level, levels};

fn run<T: Real>(case: &Case, epsilon: f64, options: &Options<T>) -> (Outcome<T>, Vec<T>, Vec<T>) {
    let (n, m) = (case.rows(), case.columns());
    let values = crate::common::cast::<T>(&case.cost);
    let (a, b) = (crate::common::cast::<T>(&case.a), crate::common::cast::<T>(&case.b));
    let cost = DenseCost::new(&values, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::from_f64(epsilon)).expect("a problem");
    let entries = (64 * n).min(n * m);
    let mut storage = vec![T::NAN; Workspace::<T>::required_len(n, m, true, m, entries)];
    let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(n, m, entries)];
    let workspace = Workspace::new(&problem, entries, &mut storage, &mut indices).expect("memory");
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let mut seen = vec![];
    let mut look = |progress: &Progress<T>| {
        seen.push(progress.step);
        ControlFlow::Continue(())
    };
    let outcome = solve(&problem, options, x, workspace, &mut look).expect("valid options");
    assert_eq!(seen, (0..=outcome.report.steps).collect::<Vec<_>>(), "every step is shown once");
    (outcome, f, g)
}

/// Readings to 1e-10: at most a fifth of plain Sinkhorn's where that takes more than 500, and its own count
/// elsewhere.
#[test]
fn a_fifth_of_the_readings() {
    let (l1, l2, m1, m2) = (digits(1), digits(2), mnist(1), mnist(2));
    let (first, second) = (random(1, 500), random(2, 500));
    for (case, inverse, plain) in [
        (&first, 100.0, 19),
        (&first, 200.0, 33),
        (&first, 400.0, 75),
        (&first, 1200.0, 6801),
        (&second, 1200.0, 31450),
        (&l1, 50.0, 832),
        (&l1, 200.0, 6965),
        (&l1, 1200.0, 17309),
        (&l2, 200.0, 515),
        (&l2, 1200.0, 2983),
        (&m2, 200.0, 305),
        (&m2, 1200.0, 1822),
        (&m1, 200.0, 740),
        (&m1, 1200.0, 2398),
    ] {
        for method in [Method::Auto, Method::OverRelaxed, Method::Newton] {
            let stop = Stop { max_steps: 20_000, ..Stop::relative(1e-10) };
            let (outcome, f, g) = run::<f64>(case, 1.0 / inverse, &Options { stop, method });
            let report = outcome.report;
            assert!(report.converged(), "{inverse} {method:?} {outcome:?}");
            let [rows, columns, ..] = look(case, 1.0 / inverse, &f, &g);
            assert!(
                (rows + columns - report.residual).abs() < 1e-12,
                "{inverse} {outcome:?} {rows} {columns}"
            );
            let allowed = if plain > 500 { plain / 5 } else { plain };
            assert!(outcome.kernel_reads <= allowed + 1, "{inverse} {method:?} {outcome:?}");
            assert_eq!(outcome.iterations + outcome.newton.newton_steps, report.steps, "{outcome:?}");
        }
    }
}

/// The hardest assignment to 1e-12, all work counted in readings of the kernel: 150 are allowed, plain Sinkhorn
/// takes 6801 to 1e-10.
#[test]
fn tiny_epsilon() {
    let case = random(1, 500);
    let options = Options { stop: Stop::relative(1e-12), ..Options::default() };
    let (outcome, ..) = run::<f64>(&case, 1.0 / 1200.0, &options);
    let entries = (case.rows() * case.columns()) as f64;
    let work = f64::from(outcome.kernel_reads) + outcome.newton.entries as f64 / entries;
    assert!(outcome.report.converged() && work <= 40.0, "{work} {outcome:?}");
}

#[test]
fn single_precision() {
    for (case, inverse) in
        [(random(1, 200), 100.0), (digits(1), 200.0), (digits(2), 200.0), (mnist(2), 200.0)]
    {
        let (outcome, ..) = run::<f32>(&case, 1.0 / inverse, &Options::default());
        assert!(outcome.report.converged(), "{inverse} {outcome:?}");
    }
}

#[test]
fn limits_and_repetitions() {
    let case = digits(1);
    for max_steps in [0, 1, 7, 20, 21, 33, 60] {
        let options = Options { stop: Stop { max_steps, ..Stop::relative(1e-12) }, ..Options::default() };
        let (outcome, f, g) = run::<f64>(&case, 1.0 / 1200.0, &options);
        assert_eq!(
            (outcome.report.status, outcome.report.steps),
            (Status::StepLimit, max_steps),
            "{outcome:?}"
        );
        let [rows, columns, ..] = look(&case, 1.0 / 1200.0, &f, &g);
        assert!((rows + columns - outcome.report.residual).abs() < 1e-11, "{outcome:?} {rows} {columns}");
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let case = mnist(2);
    let (outcome, f, g) = run::<f64>(&case, 1.0 / 1200.0, &Options::default());
    for level in levels() {
        force_level(Some(level));
        let (again, h, k) = run::<f64>(&case, 1.0 / 1200.0, &Options::default());
        assert_eq!(again, outcome, "{level:?}");
        assert_eq!(
            (crate::common::bits(&h), crate::common::bits(&k)),
            (crate::common::bits(&f), crate::common::bits(&g)),
            "{level:?}"
        );
    }
    force_level(None);
}

#[test]
fn refusals() {
    let case = random(1, 8);
    let cost = DenseCost::new(&case.cost, 8, 8, 8).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 0.1).expect("a problem");
    let needed = Workspace::<f64>::required_len(8, 8, true, 8, 64);
    let (mut storage, mut indices) =
        (vec![0.0; needed], vec![0; Workspace::<f64>::required_indices(8, 8, 64)]);
    let given = needed - 1;
    let short = Workspace::new(&problem, 64, &mut storage[1..], &mut indices).err();
    assert_eq!(short, Some(Error::Workspace { needed, given }));
    let (mut f, mut g) = ([0.5; 8], [0.5; 7]);
    let workspace = Workspace::new(&problem, 64, &mut storage, &mut indices).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let refused = solve(&problem, &Options::default(), x, workspace, &mut ()).err();
    assert_eq!(refused, Some(Error::Dimension { argument: "g", expected: 8, given: 7 }));
    assert_eq!((f, g), ([0.5; 8], [0.5; 7]));
}
