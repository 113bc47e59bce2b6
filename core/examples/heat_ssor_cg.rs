//! Heat flowing out of a plate: one linear system a time step, each solved by SSOR-CG from the state
//! before it.
//!
//! ```text
//! cargo run --example heat_ssor_cg
//! ```

use southwell::linear::{Matrix, Star, Stencil2d};
use southwell::relaxation::{Fixed, Problem, ssor_cg};

const N: usize = 24;
const CELLS: usize = N * N;
const STEPS: usize = 8;

/// I + weight·(−Δ), scaled to the grid.
fn heat(weight: f64) -> Result<Stencil2d<'static, f64>, southwell::Error> {
    let (centre, c) = (1.0 + 4.0 * weight, -weight);
    Stencil2d::constant(N, N, Star { centre, west: c, east: c, south: c, north: c, ..Star::default() })
}

fn main() -> Result<(), southwell::Error> {
    let h = 1.0 / (N as f64 + 1.0);
    let dt = 2e-3;
    let mut storage = [0.0; ssor_cg::Workspace::<f64>::required_len(CELLS, 0)];

    for omega in [1.0, 1.4, 1.8] {
        // A hot square in the middle of a cold plate.
        let mut u = [0.0; CELLS];
        for (k, u) in u.iter_mut().enumerate() {
            let inside = |i: usize| (N / 3..2 * N / 3).contains(&i);
            *u = if inside(k / N) && inside(k % N) { 1.0 } else { 0.0 };
        }
        let mut iterations = 0;
        for step in 0..STEPS {
            // The plate conducts better as it cools, so every step has a matrix of its own.
            let a = 0.5 * dt / (h * h) * (1.0 + 0.5 * step as f64);
            // Crank-Nicolson: (I + a(−Δ)) u⁺ = (I − a(−Δ)) u.
            let mut rhs = [0.0; CELLS];
            heat(-a)?.apply(&u, &mut rhs);
            let matrix = heat(a)?;
            let problem = Problem::new(&matrix, &rhs)?;
            let workspace = ssor_cg::Workspace::new(&problem, &mut storage)?;
            let options = ssor_cg::Options::default();
            // u is the start and becomes the answer.
            let report = ssor_cg::solve(&problem, &options, &mut Fixed(omega), &mut u, workspace, &mut ())?;
            assert!(report.converged(), "{report:?}");
            iterations += report.steps;
        }
        let left = u.iter().sum::<f64>() * h * h;
        println!("omega {omega}: {iterations} iterations in {STEPS} steps, heat left {left:.6}");
    }
    Ok(())
}
