//! The same solvers on one thread and on all cores: the potentials of a transport between 3000 and 2000 points, and, on a
//! grid, a red-black solve and conjugate gradients preconditioned in natural order.
//!
//! ```sh
//! cargo run --release -p southwell-std --example threads
//! ```

use std::time::{Duration, Instant};

use southwell::linear::{Star, Stencil2d};
use southwell::omega::Eager;
use southwell::relaxation::{self, Fixed, RedBlack, Relax, Split, Young, sor, ssor_cg};
use southwell::transport::{self, Cost, Ground, PointCost, Potentials, sinkhorn};
use southwell::{Error, Stop};
use southwell_std::threads::{Pool, Threaded};

/// Points on a spiral.
fn spiral(count: usize, turns: f64) -> Vec<f64> {
    let at = |i: usize| i as f64 / count as f64;
    (0..count).flat_map(|i| [at(i) * (turns * at(i)).cos(), at(i) * (turns * at(i)).sin()]).collect()
}

/// The potentials of even masses on both sides.
fn couple(cost: &impl Cost<f64>) -> Result<(Vec<f64>, Duration), Error> {
    let (n, m) = (cost.rows(), cost.columns());
    let (a, b) = (vec![1.0 / n as f64; n], vec![1.0 / m as f64; m]);
    let problem = transport::Problem::new(cost, &a, &b, 0.01)?;
    let mut storage = vec![0.0; sinkhorn::Workspace::<f64>::required_len(n, m, cost.scratch_len())];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage)?;
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
    let options = sinkhorn::Options { stop: Stop { max_steps: 40, ..Stop::relative(1e-6) } };
    let start = Instant::now();
    let x = Potentials { f: &mut f, g: &mut g };
    sinkhorn::solve(&problem, &options, &mut Eager::default(), x, workspace, &mut ())?;
    Ok((f, start.elapsed()))
}

/// −Δu = 1 on a grid, by red-black sweeps.
fn relax(matrix: &impl Relax<f64>) -> Result<(Vec<f64>, Duration), Error> {
    let rhs = vec![1.0; matrix.order()];
    let problem = relaxation::Problem::new(matrix, &rhs)?;
    let mut storage = vec![0.0; sor::Workspace::<f64>::required_len(rhs.len(), matrix.scratch_len())];
    let workspace = sor::Workspace::new(&problem, &mut storage)?;
    let mut x = vec![0.0; rhs.len()];
    let stop = Stop { check_every: 40, max_steps: 2000, ..Stop::relative(1e-6) };
    let mut rule = Young { jacobi_radius: (std::f64::consts::PI / 512.0).cos() };
    let start = Instant::now();
    sor::solve(
        &problem,
        &sor::Options { stop, ..Default::default() },
        &mut rule,
        &mut x,
        workspace,
        &mut (),
    )?;
    Ok((x, start.elapsed()))
}

/// The same by SSOR-CG.
fn precondition(matrix: &impl Split<f64>) -> Result<(Vec<f64>, Duration), Error> {
    let rhs = vec![1.0; matrix.order()];
    let problem = relaxation::Problem::new(matrix, &rhs)?;
    let mut storage = vec![0.0; ssor_cg::Workspace::<f64>::required_len(rhs.len(), matrix.split_len())];
    let workspace = ssor_cg::Workspace::new(&problem, &mut storage)?;
    let mut x = vec![0.0; rhs.len()];
    let options = ssor_cg::Options { stop: Stop::relative(1e-8), ..Default::default() };
    let start = Instant::now();
    ssor_cg::solve(&problem, &options, &mut Fixed(1.95), &mut x, workspace, &mut ())?;
    Ok((x, start.elapsed()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new(None)?;
    println!("{} threads", pool.threads());

    let (x, y) = (spiral(3000, 20.0), spiral(2000, 9.0));
    let mut storage = vec![0.0; PointCost::<f64>::required_len(2000, 2)];
    let cost = PointCost::new(&x, &y, 2, Ground::SquaredEuclidean, &mut storage)?;
    let (alone, slow) = couple(&cost)?;
    let (shared, fast) = couple(&Threaded::new(&pool, cost))?;
    assert!(alone == shared, "the same bits");
    println!("40 steps of Sinkhorn between points: {slow:.2?} on one thread, {fast:.2?} on all");

    let star = Star { centre: 4.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    let natural = Stencil2d::constant(511, 511, star)?;
    let grid = RedBlack::<Stencil2d<'_, f64>>::new(natural);
    let (alone, slow) = relax(&grid)?;
    let (shared, fast) = relax(&Threaded::new(&pool, grid))?;
    assert!(alone == shared, "the same bits");
    println!("red-black sweeps over 511 x 511 cells: {slow:.2?} on one thread, {fast:.2?} on all");

    let (alone, slow) = precondition(&natural)?;
    let (shared, fast) = precondition(&Threaded::new(&pool, natural))?;
    assert!(alone == shared, "the same bits");
    println!("SSOR-CG over them in natural order: {slow:.2?} on one thread, {fast:.2?} on all");
    Ok(())
}
