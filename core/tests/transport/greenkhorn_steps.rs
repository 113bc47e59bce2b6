//! Greenkhorn's lines, one by one, against its formula in plain loops.

use core::ops::ControlFlow;

use crate::common::cases::random;
use southwell::omega::Fixed;
use southwell::transport::{DenseCost, Potentials, Problem, certificate, gap, greenkhorn, sinkhorn};
use southwell::{Observer, Progress, Run, Status, Stop, drive};

const EPSILON: f64 = 0.125;

/// What a line of weight w violates that sums to s.
fn violation(w: f64, s: f64) -> f64 {
    if w == 0.0 { 0.0 } else { s - w + w * (w / s).ln() }
}

/// The line that violates its weight most, the first of equals.
fn worst(weights: &[f64], sums: &[f64]) -> (usize, f64) {
    let mut most = (0, 0.0);
    for (k, (&w, &s)) in weights.iter().zip(sums).enumerate() {
        if violation(w, s) > most.1 {
            most = (k, violation(w, s));
        }
    }
    most
}

#[test]
fn the_worst_line_is_made_exact() {
    let (n, m) = (4, 5);
    let mut case = random(7, 5);
    case.cost.truncate(n * m);
    case.a = vec![0.5, 0.0, 0.125, 0.375];
    case.b = vec![0.25, 0.125, 0.0, 0.5, 0.125];
    let cost = DenseCost::new(&case.cost, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, EPSILON).expect("a problem");
    let mut storage = vec![f64::NAN; greenkhorn::Workspace::<f64>::required_len(n, m, m)];
    let work = greenkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![7.0; n], vec![0.5, 0.0, 3.0, -0.25, 0.125]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = greenkhorn::Options { stop: Stop { max_steps: 9, ..Stop::relative(1e-13) } };
    let mut run = greenkhorn::start(&problem, &options, x, work).expect("valid");
    assert_eq!((run.parameter(), run.scale(), run.failure()), (1.0, 1.0, None));
    let mut g = [0.5, 0.0, f64::NEG_INFINITY, -0.25, 0.125];
    let entry = |f: &[f64], g: &[f64], k: usize| ((f[k / m] + g[k % m] - case.cost[k]) / EPSILON).exp();
    let sums = |f: &[f64], g: &[f64]| -> (Vec<f64>, Vec<f64>) {
        let row = |i: usize| (0..m).map(|j| entry(f, g, i * m + j)).sum();
        let column = |j: usize| (0..n).map(|i| entry(f, g, i * m + j)).sum();
        ((0..n).map(row).collect(), (0..m).map(column).collect())
    };
    let mut f = vec![0.0; n];
    let rows = sums(&f, &g).0;
    for i in 0..n {
        f[i] = if case.a[i] > 0.0 { EPSILON * (case.a[i] / rows[i]).ln() } else { f64::NEG_INFINITY };
    }
    for step in 0..6 {
        if step > 0 {
            for _ in 0..n + m {
                let (rows, columns) = sums(&f, &g);
                let ((i, row), (j, column)) = (worst(&case.a, &rows), worst(&case.b, &columns));
                if row >= column {
                    f[i] += EPSILON * (case.a[i] / rows[i]).ln();
                } else {
                    g[j] += EPSILON * (case.b[j] / columns[j]).ln();
                }
            }
            run.step();
        }
        let (rows, columns) = sums(&f, &g);
        let off = |sums: &[f64], weights: &[f64]| -> f64 {
            sums.iter().zip(weights).map(|(s, w)| (s - w).abs()).sum()
        };
        let residual = off(&rows, &case.a) + off(&columns, &case.b);
        assert!((run.residual() - residual).abs() < 1e-12, "{step}: {residual} {}", run.residual());
        assert_eq!(run.updates(), step * (n + m) as u64, "{step}");
        for (ours, theirs) in [(run.potentials().0, &f[..]), (run.potentials().1, &g[..])] {
            let same = |(x, y): (&f64, &f64)| x == y || (x - y).abs() < 1e-12;
            assert!(ours.iter().zip(theirs).all(same), "{step}: {ours:?} {theirs:?}");
        }
        let coupling = (0..n * m).map(|k| entry(&f, &g, k));
        assert!(run.coupling().iter().zip(coupling).all(|(p, q)| (p - q).abs() < 1e-12), "{step}");
    }
}

/// A run under a gap shows an observer that does not ask for every step what is looked at, as one run.
#[test]
fn gaps_are_no_seams() {
    struct Quiet(Vec<u32>);
    impl Observer<f64> for Quiet {
        fn observe(&mut self, progress: &Progress<f64>) -> ControlFlow<()> {
            assert!(progress.residual.is_some(), "nobody asked for {progress:?}");
            self.0.push(progress.step);
            ControlFlow::Continue(())
        }
        fn every_step(&self) -> bool {
            false
        }
    }
    let case = random(2, 5);
    let cost = DenseCost::new(&case.cost, 5, 5, 5).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 0.0625).expect("a problem");
    let mut storage = vec![f64::NAN; sinkhorn::Workspace::<f64>::required_len(5, 5, 5)];
    let work = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![0.0; 5], vec![0.0; 5]);
    let x = Potentials { f: &mut f, g: &mut g };
    let stop = Stop { max_steps: 20, check_every: 4, ..Stop::relative(1e-14) };
    let (options, mut rule) = (sinkhorn::Options { stop }, Fixed(1.0));
    let mut run = sinkhorn::start(&problem, &options, &mut rule, x, work).expect("valid");
    let gap = gap::GapStop { tolerance: 0.0, every: 8, ..gap::GapStop::default() };
    let mut memory = vec![f64::NAN; certificate::certify_len(5, 5, true)];
    let mut quiet = Quiet(vec![]);
    let done = gap::drive(&mut run, &problem, (&stop, &gap), &mut memory, &mut quiet).expect("valid");
    assert_eq!(quiet.0, [0, 4, 8, 12, 16, 20]);
    assert_eq!((done.report.status, done.report.steps, done.certificates), (Status::StepLimit, 20, 4));
}

/// At the level of rounding a run ends by itself, and one that has nothing to do takes no line.
#[test]
fn runs_end_at_the_level_of_rounding() {
    let case = random(2, 4);
    let cost = DenseCost::new(&case.cost, 4, 4, 4).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 0.5).expect("a problem");
    let mut storage = vec![f64::NAN; greenkhorn::Workspace::<f64>::required_len(4, 4, 4)];
    let work = greenkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![0.0; 4], vec![0.0; 4]);
    let x = Potentials { f: &mut f, g: &mut g };
    let stop = Stop { max_steps: 500, ..Stop::relative(1e-30) };
    let mut run = greenkhorn::start(&problem, &greenkhorn::Options { stop }, x, work).expect("valid");
    let report = drive(&mut run, &stop, &mut ());
    assert!(report.residual < 1e-14 && report.steps < 100, "{report:?}");
    assert!(report.status == Status::Stalled || report.residual == 0.0, "{report:?}");
    // One row and one column: exact from the start.
    let cost = DenseCost::new(&[0.25], 1, 1, 1).expect("costs");
    let problem = Problem::new(&cost, &[2.0], &[2.0], 0.5).expect("a problem");
    let mut storage = [f64::NAN; 8];
    let work = greenkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = ([0.0], [0.0]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = greenkhorn::Options { stop: Stop::relative(1e-12) };
    let report = greenkhorn::solve(&problem, &options, x, work, &mut ()).expect("valid");
    assert_eq!((report.status, report.steps, report.scale), (Status::Converged, 0, 2.0));
}
