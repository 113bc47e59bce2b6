//! What problems and small runs tell of themselves, and whose memory is whose.

use crate::common::cases::{Case, random};
use southwell::omega::Fixed;
use southwell::transport::balance::{self, Dense, symmetric};
use southwell::transport::newton::{self, dense};
use southwell::transport::{Cost, DenseCost, GridCost, Potentials, Problem};
use southwell::transport::{barycentre, rounding, scaling, sinkhorn};
use southwell::{Error, Run, Status, Stop};

const SIDE: usize = 5;
const EPSILON: f64 = 0.125;
const LEN: usize = 4000;

fn case() -> Case {
    let mut case = random(5, SIDE);
    case.a = vec![0.125, 0.25, 0.125, 0.25, 0.25];
    case
}

#[test]
fn what_a_problem_and_a_run_say_of_themselves() {
    let matrix = [1.0, 2.0, 3.0, 4.0];
    let matrix = Dense::new(&matrix, 2, 2, 2).expect("a matrix");
    let problem = balance::Problem::new(&matrix, &[1.0, 2.5], &[1.5, 2.0]).expect("a problem");
    assert_eq!(problem.mass(), 3.5);

    let (low, high) = ([0.0, 3.0, 3.0, 0.0], [0.0, 0.5, 0.5, 0.0]);
    let [low, high] = [&low, &high].map(|axis| DenseCost::new(axis, 2, 2, 2).expect("costs"));
    assert_eq!(GridCost::new(low, high).expect("small").largest(), 3.5);

    let costs = DenseCost::new(&[0.0, 0.5, 0.5, 0.0], 2, 2, 2).expect("costs");
    let measures = [0.5, 0.5, 0.25, 0.75, 1.0, 0.0];
    let problem = barycentre::Problem::new(&costs, &measures, &[0.5, 0.25, 0.25], 0.75).expect("a problem");
    assert_eq!((problem.places(), problem.count()), (2, 3));
    let mut storage = [f64::NAN; 200];
    let work = barycentre::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut p) = ([0.0; 6], [0.0; 2]);
    let x = barycentre::Iterate { f: &mut f, p: &mut p };
    let run = barycentre::start(&problem, &barycentre::Options::default(), x, work).expect("valid");
    assert_eq!(run.parameter(), 0.75);
}

/// What is left of the marginals once no row and no column carries more than it may.
#[test]
fn what_rounding_hands_out_is_what_scaling_left() {
    let case = case();
    let cost = DenseCost::new(&case.cost, SIDE, SIDE, SIDE).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, EPSILON).expect("a problem");
    let f: Vec<f64> = (0..SIDE).map(|i| 0.125 * i as f64 - 0.5).collect();
    let g: Vec<f64> = (0..SIDE).map(|j| 0.25 - 0.125 * j as f64).collect();
    let mut p = vec![[0.0; SIDE]; SIDE];
    for (i, row) in p.iter_mut().enumerate() {
        let entry = |j: usize| ((f[i] + g[j] - case.cost[SIDE * i + j]) / EPSILON).exp();
        *row = std::array::from_fn(entry);
    }
    let before: f64 = p.iter().flatten().sum();
    for (row, a) in p.iter_mut().zip(&case.a) {
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|p| *p *= (a / sum).min(1.0));
    }
    let down = |p: &[[f64; SIDE]], j: usize| p.iter().map(|row| row[j]).sum::<f64>();
    let shares: Vec<f64> = (0..SIDE).map(|j| (case.b[j] / down(&p, j)).min(1.0)).collect();
    p.iter_mut().for_each(|row| row.iter_mut().zip(&shares).for_each(|(p, s)| *p *= s));
    let left: f64 = case.a.iter().zip(&p).map(|(a, row)| a - row.iter().sum::<f64>()).sum();
    assert!(left > 0.125, "{left}");

    let mut storage = [f64::NAN; LEN];
    let work = rounding::Workspace::new(&problem, &mut storage).expect("memory");
    let rounded = rounding::round(&problem, &f, &g, work).expect("potentials");
    assert!((rounded.corrected() - left).abs() < 1e-15, "{} {left}", rounded.corrected());
    assert!((rounded.mass_before() - before).abs() < 1e-15 * before);
}

/// As many columns and as long a scratch are not the same problem.
#[test]
fn newton_refuses_the_memory_of_another_problem() {
    let case = case();
    let cost = DenseCost::new(&case.cost, SIDE, SIDE, SIDE).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, EPSILON).expect("a problem");
    let lower = DenseCost::new(&case.cost[..2 * SIDE], 2, SIDE, SIDE).expect("costs");
    let lower = Problem::new(&lower, &[0.5, 0.5], &case.b, EPSILON).expect("a problem");
    let (mut storage, mut indices) = ([f64::NAN; LEN], [7; LEN]);
    let (mut f, mut g) = ([0.5; SIDE], [0.25; SIDE]);
    let options = newton::Options::default();
    let work = newton::Workspace::new(&lower, 10, &mut storage, &mut indices).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let refused = newton::solve(&problem, &options, x, work, &mut ());
    assert!(matches!(refused, Err(Error::Workspace { .. })), "{refused:?}");
    let work = dense::Workspace::new(&lower, &mut storage).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let refused = dense::solve(&problem, &options, x, work, &mut ());
    assert!(matches!(refused, Err(Error::Workspace { .. })), "{refused:?}");
    assert_eq!((f, g), ([0.5; SIDE], [0.25; SIDE]));
}

/// Masses may differ by rounding. What one side has left over the other has no room for: nothing is handed out.
#[test]
fn what_one_side_alone_has_left_is_not_handed_out() {
    let cost = DenseCost::new(&[0.0], 1, 1, 1).expect("a cost");
    let less = 1.0 - f64::EPSILON;
    for (a, b) in [(1.0, less), (less, 1.0)] {
        let (a, b) = ([a], [b]);
        let problem = Problem::new(&cost, &a, &b, 1.0).expect("equal up to rounding");
        let mut storage = [f64::NAN; 20];
        let work = rounding::Workspace::new(&problem, &mut storage).expect("memory");
        // A coupling of e, of which both sides are cut off.
        let mut rounded = rounding::round(&problem, &[1.0], &[0.0], work).expect("potentials");
        let mut row = [f64::NAN];
        rounded.row(0, &mut row).expect("a row");
        assert_eq!((rounded.corrected(), row), (0.0, [less]));
    }
}

/// A run that is stepped by hand says itself that what is left is rounding.
#[test]
fn a_run_says_that_rounding_is_all_that_is_left() {
    let case = case();
    let cost = DenseCost::new(&case.cost, SIDE, SIDE, SIDE).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, EPSILON).expect("a problem");
    let stop = Stop::relative(1e-30);
    let (mut storage, mut indices) = ([f64::NAN; LEN], [7; LEN]);
    macro_rules! ends {
        ($name:literal, $run:expr) => {{
            let mut run = $run;
            let mut steps = 0;
            while run.failure().is_none() && steps < 2000 {
                run.step();
                assert!(run.residual().is_finite());
                steps += 1;
            }
            assert_eq!(run.failure(), Some(Status::Stalled), "{}: {} {steps}", $name, run.residual());
            assert!(run.residual() < 1e-14 && steps > 20, "{}: {} {steps}", $name, run.residual());
        }};
    }
    for omega in [1.0, 1.25] {
        let (mut f, mut g, mut rule) = ([0.0; SIDE], [0.0; SIDE], Fixed(omega));
        let x = Potentials { f: &mut f, g: &mut g };
        let work = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
        let options = sinkhorn::Options { stop };
        ends!("sinkhorn", sinkhorn::start(&problem, &options, &mut rule, x, work).expect("valid"));
        let x = Potentials { f: &mut f, g: &mut [0.0; SIDE] };
        let work = scaling::Workspace::new(&problem, &mut storage).expect("memory");
        ends!("scaling", scaling::start(&problem, &options, &mut rule, x, work).expect("valid"));
    }
    let options = newton::Options { stop, ..newton::Options::default() };
    let (mut f, mut g) = ([0.0; SIDE], [0.0; SIDE]);
    let x = Potentials { f: &mut f, g: &mut g };
    let work = newton::Workspace::new(&problem, 25, &mut storage, &mut indices).expect("memory");
    ends!("newton", newton::start(&problem, &options, x, work).expect("valid"));
    let (mut f, mut g) = ([0.0; SIDE], [0.0; SIDE]);
    let x = Potentials { f: &mut f, g: &mut g };
    let work = dense::Workspace::new(&problem, &mut storage).expect("memory");
    ends!("dense", dense::start(&problem, &options, x, work).expect("valid"));
}

/// What stands in a line that carries nothing is not looked at, and becomes 0.
#[test]
fn a_scaling_may_be_anything_where_nothing_is_carried() {
    let matrix = Dense::new(&[2.0, 1.0, 1.0, 3.0], 2, 2, 2).expect("a matrix");
    let problem = balance::Problem::new(&matrix, &[8.0, 0.0], &[8.0, 0.0]).expect("a problem");
    for dirt in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let (mut storage, mut indices) = ([f64::NAN; 4], [7; 10]);
        let work = symmetric::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let mut x = [1.0, dirt];
        let options = symmetric::Options { stop: Stop::relative(1e-14) };
        let report = symmetric::solve(&problem, &options, &mut x, work, &mut ()).expect("valid");
        // 2 x² = 8.
        assert_eq!((report.status, x[1]), (Status::Converged, 0.0));
        assert!((x[0] - 2.0).abs() < 1e-13, "{x:?}");
    }
}
