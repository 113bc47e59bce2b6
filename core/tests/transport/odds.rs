//! What problems and small runs tell of themselves, and whose memory is whose.

use crate::common::cases::{Case, random};
use southwell::transport::balance::{self, Dense};
use southwell::transport::newton::{self, dense};
use southwell::transport::{Cost, DenseCost, GridCost, Potentials, Problem, barycentre, rounding};
use southwell::{Error, Run};

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
