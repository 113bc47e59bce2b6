//! Least absolute deviations and quantile regression.
mod common;
use common::draws::{self, outliers, regression};
use southwell::subgradient::step::*;
use southwell::subgradient::{Quantile, Table, fit};
use southwell::*;

fn run(table: &[f64], y: &[f64], p: usize, q: f64, rule: impl StepRule<f64>, steps: u32, bound: bool) -> (southwell::subgradient::method::Outcome<f64>, Vec<f64>) {
    let n = y.len();
    let loss = Quantile::new(Table::new(table, n, p).unwrap(), y, q).unwrap();
    let w = fit::Whitening::Orthogonal;
    let mut storage = vec![f64::NAN; fit::Workspace::<f64>::required_len(n, p, w, bound)];
    let mut indices = vec![7; fit::Workspace::<f64>::required_indices(p)];
    let ws = fit::Workspace::new(&loss, w, bound, &mut storage, &mut indices).unwrap();
    let mut options = fit::Options::default();
    options.ending.stop.max_steps = steps;
    options.ending.stop.relative = 1e-12;
    let mut beta = vec![0.0; p];
    let o = fit::solve(&loss, &options, rule, &mut beta, ws, &mut ()).unwrap();
    (o, beta)
}

#[test]
fn explore() {
    for (name, csv, qs) in [("engel", draws::ENGEL, vec![0.05,0.1, 0.25, 0.5, 0.75, 0.9,0.95]), ("stack", draws::STACKLOSS, vec![0.25, 0.5, 0.75, 0.9])] {
        let (t, y, p) = regression(csv);
        for rho in [0.95, 0.97, 0.99] {
            for &q in &qs {
                let (o, b) = run(&t, &y, p, q, Geometric::new(1.0, rho), 3000, false);
                println!("{name} q={q} rho={rho} {:?} steps {} value {:.12} bound {:.12} {b:?}", o.report.status, o.report.steps, o.value, o.lower_bound);
            }
        }
    }
    for (n, p) in [(200, 5), (1000, 5), (1000, 10), (5000, 10)] {
        let (t, y, beta) = outliers(1, n, p);
        for rho in [0.95, 0.97] {
            let (o, b) = run(&t, &y, p, 0.5, Geometric::new(1.0, rho), 3000, false);
            let err = b.iter().zip(&beta).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            let loss = Quantile::absolute(Table::new(&t, n, p).unwrap(), &y).unwrap();
            let mut r = b.clone();
            let mut st = vec![0.0; southwell::subgradient::refine::required_len(p)];
            let rf = southwell::subgradient::refine::refine(&loss, 4.0, &mut r, &mut st).unwrap();
            let rerr = r.iter().zip(&beta).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            println!("{n}x{p} rho={rho} {:?} steps {} value {:.12} err {err:.4} refined {rerr:.4} {rf:?}", o.report.status, o.report.steps, o.value);
        }
    }
    let (t, y, p) = regression(draws::ENGEL);
    let best = 8779.966323813;
    for steps in [100, 1000, 10000] {
        let (o, _) = run_nocert(&t, &y, p, 0.5, Diminishing(1.0), steps);
        println!("dim {steps} {:e} bound {:e}", o.value / best - 1.0, 1.0 - o.lower_bound / best);
        let (o, _) = run_nocert(&t, &y, p, 0.5, PathLevel::new(0.0, 2.0), steps);
        println!("path {steps} {:e} bound {:e}", o.value / best - 1.0, 1.0 - o.lower_bound / best);
        let (o, _) = run_nocert(&t, &y, p, 0.5, Polyak::new(best), steps);
        println!("polyak {steps} {:e} bound {:e}", o.value / best - 1.0, 1.0 - o.lower_bound / best);
        let (o, _) = run_nocert(&t, &y, p, 0.5, Geometric::new(1.0, 0.99), steps);
        println!("geom {steps} {:e} bound {:e}", o.value / best - 1.0, 1.0 - o.lower_bound / best);
    }
}
fn run_nocert(table: &[f64], y: &[f64], p: usize, q: f64, rule: impl StepRule<f64>, steps: u32) -> (southwell::subgradient::method::Outcome<f64>, Vec<f64>) {
    let n = y.len();
    let loss = Quantile::new(Table::new(table, n, p).unwrap(), y, q).unwrap();
    let w = fit::Whitening::Orthogonal;
    let mut storage = vec![f64::NAN; fit::Workspace::<f64>::required_len(n, p, w, true)];
    let mut indices = vec![7; fit::Workspace::<f64>::required_indices(p)];
    let ws = fit::Workspace::new(&loss, w, true, &mut storage, &mut indices).unwrap();
    let mut options = fit::Options::default();
    options.certify_every = 0;
    options.ending.stop.max_steps = steps;
    options.ending.stop.relative = 1e-16;
    let mut beta = vec![0.0; p];
    let o = fit::solve(&loss, &options, rule, &mut beta, ws, &mut ()).unwrap();
    (o, beta)
}
