//! Every option and every rule at least once.

use crate::common::{Plain, bits, poisson};
use core::ops::ControlFlow;
use southwell::linear::Matrix;
use southwell::relaxation::{
    Fixed, OmegaRule, Problem, Reference, Sight, Young, cg, sor, sor::Sweep, ssor_cg, young_omega,
};
use southwell::{Error, Progress, Real, Report, Run, Status, Stop, drive};

/// A rule that plays a list of omegas, one a residual, and writes down what it is told.
#[derive(Default)]
struct Played {
    omegas: Vec<Option<f64>>,
    first: f64,
    begun: Vec<(usize, f64, f64, f64)>,
    offered: Vec<Progress<f64>>,
    ended: Vec<Report<f64>>,
}

impl OmegaRule<f64> for Played {
    fn begin(&mut self, sight: &Sight<'_, f64>) -> f64 {
        assert!(format!("{sight:?}").contains("size"));
        self.begun.push((sight.size, sight.scale, sight.initial_residual, sight.coupling()));
        self.first
    }
    fn revise(&mut self, progress: &Progress<f64>) -> Option<f64> {
        self.offered.push(*progress);
        self.omegas.get(self.offered.len() - 1).copied().flatten()
    }
    fn end(&mut self, report: &Report<f64>) {
        self.ended.push(*report);
    }
}

const N: usize = 7;

fn sor_by(
    rule: &mut dyn OmegaRule<f64>,
    options: &sor::Options<f64>,
    x: &mut [f64],
) -> (Report<f64>, Vec<f64>) {
    let (grid, b) = (poisson::<f64>(N), [1.0; N * N]);
    let problem = Problem::new(&grid, &b).expect("a valid problem");
    let mut storage = [f64::NAN; N * N];
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("enough storage");
    let mut seen = vec![];
    let mut look = |p: &Progress<f64>| {
        seen.push(p.parameter);
        ControlFlow::Continue(())
    };
    (sor::solve(&problem, options, rule, x, workspace, &mut look).expect("valid options"), seen)
}

fn ssor_cg_by(rule: &mut dyn OmegaRule<f64>, stop: Stop<f64>, x: &mut [f64]) -> (Report<f64>, Vec<f64>) {
    let (grid, b) = (poisson::<f64>(N), [1.0; N * N]);
    let problem = Problem::new(&grid, &b).expect("a valid problem");
    let mut storage = [f64::NAN; 6 * N * N];
    let workspace = ssor_cg::Workspace::new(&problem, &mut storage).expect("enough storage");
    let options = ssor_cg::Options { stop, ..ssor_cg::Options::default() };
    let mut seen = vec![];
    let mut look = |p: &Progress<f64>| {
        seen.push(p.parameter);
        ControlFlow::Continue(())
    };
    (ssor_cg::solve(&problem, &options, rule, x, workspace, &mut look).expect("valid options"), seen)
}

#[test]
fn what_the_defaults_are() {
    let single = Stop::<f32>::default();
    let double = Stop::<f64>::default();
    assert_eq!(
        (single.relative, single.absolute, single.max_steps, single.check_every),
        (1e-5, 0.0, 10_000, 1)
    );
    assert_eq!(
        (double.relative, double.absolute, double.max_steps, double.check_every),
        (1e-8, 0.0, 10_000, 1)
    );
    assert_eq!(Stop::relative(1e-3), Stop { relative: 1e-3, ..double });
    let options = sor::Options::<f64>::default();
    assert_eq!(
        (options.sweep, options.reference, options.stop),
        (Sweep::Forward, Reference::RightHandSide, double)
    );
    assert_eq!(
        cg::Options::<f64>::default(),
        cg::Options { reference: Reference::RightHandSide, stop: double }
    );
}

#[test]
fn an_absolute_tolerance_holds_where_it_is_the_larger() {
    let steps = |absolute: f64, relative: f64| {
        let stop = Stop { absolute, relative, ..Stop::default() };
        let options = sor::Options { stop, ..sor::Options::default() };
        let (report, _) = sor_by(&mut Fixed(1.0), &options, &mut [0.0; N * N]);
        assert!(report.converged() && report.residual <= absolute.max(relative * 7.0), "{report:?}");
        assert_eq!(report.scale, 7.0, "‖b‖ for 49 ones");
        assert_eq!(report.relative_residual(), report.residual / 7.0);
        report.steps
    };
    assert_eq!(steps(0.0, 1e-8), 117);
    assert_eq!(steps(7e-8, 0.0), 117);
    assert_eq!(steps(7e-8, 1e-12), 117);
    assert_eq!(steps(1e-13, 1e-8), 117);
    assert_eq!(steps(7.5, 1e-8), 0);
}

#[test]
fn directions_and_references() {
    let steps = |sweep, reference, x: &mut [f64]| {
        let options = sor::Options { sweep, reference, ..sor::Options::default() };
        let (report, _) = sor_by(&mut Fixed(1.5), &options, x);
        assert!(report.converged());
        report.steps
    };
    use Reference::{InitialResidual, RightHandSide};
    for (sweep, expected) in [(Sweep::Forward, 31), (Sweep::Backward, 31), (Sweep::Symmetric, 34)] {
        let mut x = [0.0; N * N];
        assert_eq!(steps(sweep, RightHandSide, &mut x), expected);
        assert_eq!(steps(sweep, RightHandSide, &mut x), 0, "it is solved");
        assert_eq!(steps(sweep, InitialResidual, &mut [0.0; N * N]), expected, "from zero the same");
        let mut far = [1e6; N * N];
        assert!(steps(sweep, InitialResidual, &mut far) < steps(sweep, RightHandSide, &mut [1e6; N * N]));
    }
}

#[test]
fn a_rule_is_asked_offered_and_told() {
    let mut rule = Played { first: 1.2, ..Played::default() };
    let stop = Stop { max_steps: 5, ..Stop::default() };
    let options = sor::Options { stop, ..sor::Options::default() };
    let mut x = [0.25; N * N];
    let (report, seen) = sor_by(&mut rule, &options, &mut x);
    assert_eq!(seen, [1.2; 6]);
    // Interior rows of (4, −1) couple with 1, the boundary's with less; all 49 are looked at.
    let rows = Plain::poisson(N);
    let coupling = (0..49).map(|i| (rows.0[i].len() - 1) as f64 / 4.0).sum::<f64>() / 49.0;
    let [(order, rhs_norm, initial, seen_coupling)] = rule.begun[..] else { panic!("asked once") };
    assert_eq!((order, rhs_norm, initial), (49, 7.0, report.initial_residual));
    assert!((seen_coupling - coupling).abs() < 1e-15, "{seen_coupling} {coupling}");
    let steps: Vec<u32> = rule.offered.iter().map(|p| p.step).collect();
    assert_eq!(steps, [1, 2, 3, 4, 5], "every residual once");
    assert!(rule.offered.iter().all(|p| p.parameter == 1.2 && p.residual.is_some()));
    assert_eq!(rule.offered[4].residual, Some(report.residual));
    assert_eq!(rule.ended, [report]);

    let mut rule = Played { first: 1.2, ..Played::default() };
    let (report, _) = ssor_cg_by(&mut rule, stop, &mut [0.25; N * N]);
    assert_eq!(rule.begun.len(), 1);
    assert_eq!(rule.offered.iter().map(|p| p.step).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(rule.ended, [report]);
}

/// A revised omega counts from the next step on; one outside of (0, 2) is ignored.
#[test]
fn a_rule_may_change_its_mind() {
    let omegas = vec![None, Some(1.6), Some(2.0), Some(f64::NAN), Some(-1.0), Some(0.9)];
    let mut rule = Played { first: 1.2, omegas: omegas.clone(), ..Played::default() };
    let stop = Stop { max_steps: 8, ..Stop::default() };
    let options = sor::Options { stop, ..sor::Options::default() };
    let mut x = [0.0; N * N];
    let (_, seen) = sor_by(&mut rule, &options, &mut x);
    assert_eq!(seen, [1.2, 1.2, 1.6, 1.6, 1.6, 1.6, 0.9, 0.9, 0.9]);
    // The same by hand.
    let mut y = [0.0; N * N];
    for omega in [1.2, 1.2, 1.6, 1.6, 1.6, 1.6, 0.9, 0.9] {
        let one = sor::Options { stop: Stop { max_steps: 1, ..stop }, ..options };
        sor_by(&mut Fixed(omega), &one, &mut y);
    }
    assert_eq!(bits(&x), bits(&y));

    let mut rule = Played { first: 1.2, omegas, ..Played::default() };
    let mut x = [0.0; N * N];
    let (report, seen) = ssor_cg_by(&mut rule, Stop::default(), &mut x);
    assert_eq!(seen[..8], [1.2, 1.2, 1.6, 1.6, 1.6, 1.6, 0.9, 0.9]);
    assert!(report.converged(), "a new preconditioner restarts, and the run still converges");
    let (matrix, b) = (Plain::poisson(N), [1.0; N * N]);
    let (exact, bound) = matrix.look(&b, &x);
    assert!((report.residual - exact).abs() <= bound, "{report:?} {exact}");
}

#[test]
fn a_rule_is_not_told_of_a_run_that_the_caller_steps() {
    let (grid, b) = (poisson::<f64>(N), [1.0; N * N]);
    let problem = Problem::new(&grid, &b).expect("a valid problem");
    let mut storage = [f64::NAN; N * N];
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("enough storage");
    let mut rule = Played { first: 1.5, ..Played::default() };
    let mut x = [0.0; N * N];
    let mut run =
        sor::start(&problem, &sor::Options::default(), &mut rule, &mut x, workspace).expect("valid options");
    let report = drive(&mut run, &Stop::default(), &mut ());
    assert_eq!(
        (run.omega(), run.parameter(), report.status, report.steps),
        (1.5, 1.5, Status::Converged, 31)
    );
    assert_eq!(run.x().len(), N * N);
    assert!(rule.ended.is_empty());
}

#[test]
fn the_rules_that_come_with_the_crate() {
    let mut x = [0.0; N * N];
    let mu = (core::f64::consts::PI / 8.0).cos();
    let (report, seen) = sor_by(&mut Young { jacobi_radius: mu }, &sor::Options::default(), &mut x);
    assert_eq!((report.steps, seen[0]), (29, young_omega(mu)));
    let (report, seen) = sor_by(&mut Fixed(1.0), &sor::Options::default(), &mut [0.0; N * N]);
    assert_eq!((report.steps, seen[0]), (117, 1.0));
    // One that proposes what cannot be is refused.
    let (grid, b) = (poisson::<f64>(N), [1.0; N * N]);
    let problem = Problem::new(&grid, &b).expect("a valid problem");
    let mut storage = [f64::NAN; N * N];
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("enough storage");
    let mut rule = Played { first: 2.0, ..Played::default() };
    let error = sor::solve(&problem, &sor::Options::default(), &mut rule, &mut [0.0; 49], workspace, &mut ());
    assert_eq!(error, Err(Error::Option { name: "omega", requirement: "must lie in (0, 2)" }));
    assert!(rule.ended.is_empty(), "there was no run");
}

/// The sight of a matrix: at most 64 rows, evenly spaced.
#[test]
fn the_coupling_that_a_rule_sees() {
    struct See<T>(Option<T>);
    impl<T: Real> OmegaRule<T> for See<T> {
        fn begin(&mut self, sight: &Sight<'_, T>) -> T {
            self.0 = Some(sight.coupling());
            T::ONE
        }
    }
    fn coupling<T: Real>(plain: &Plain) -> f64 {
        let csr = plain.csr::<T>();
        let b = vec![T::ONE; csr.order()];
        let problem = Problem::new(&csr, &b).expect("a valid problem");
        let mut storage = vec![T::NAN; 2 * b.len()];
        let workspace = sor::Workspace::new(&problem, &mut storage).expect("enough storage");
        let mut rule = See(None);
        let mut x = vec![T::ZERO; b.len()];
        let run = sor::start(&problem, &sor::Options::default(), &mut rule, &mut x, workspace);
        assert!(run.is_ok());
        rule.0.expect("it was asked").to_f64()
    }
    let diagonal = Plain((0..200).map(|i| vec![(i, 3.0)]).collect());
    assert_eq!((coupling::<f32>(&diagonal), coupling::<f64>(&diagonal)), (0.0, 0.0));
    for n in [3, 10, 40, 100] {
        let found = coupling::<f64>(&Plain::poisson(n));
        assert!((found - coupling::<f32>(&Plain::poisson(n))).abs() < 1e-5);
        // Below the Jacobi radius, as the documentation promises, and near it on fine grids.
        let mu = (core::f64::consts::PI / (n as f64 + 1.0)).cos();
        assert!(found <= mu && found > mu - 1.7 / n as f64, "{n}: {found} {mu}");
    }
}
