//! A small Poisson problem by SOR, with Gauss-Seidel's omega, a guess, and Young's.
//!
//! ```text
//! cargo run --example poisson_sor
//! ```

use southwell::linear::{Star, Stencil2d};
use southwell::relaxation::{Fixed, Problem, Young, sor, young_omega};

const N: usize = 31;

fn main() -> Result<(), southwell::Error> {
    // −Δu = 1 on the unit square, u = 0 on its edge: N × N cells inside, scaled by h².
    let h = 1.0 / (N as f64 + 1.0);
    let star = Star { centre: 4.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    let grid = Stencil2d::constant(N, N, star)?;
    let rhs = [h * h; N * N];
    let problem = Problem::new(&grid, &rhs)?;

    // All memory is ours; a constant stencil needs one vector besides the unknowns.
    let mut storage = [0.0; sor::Workspace::<f64>::required_len(N * N, 0)];
    let mut scratch = [0.0; 2 * N * N];

    // Young's formula wants the radius of Jacobi's matrix, here estimated as if we did not know
    // that it is cos(π/(N + 1)).
    let young = Young::estimate(&problem, 200, &mut scratch)?;
    println!("Jacobi radius {:.6}, estimated by 200 passes", young.jacobi_radius);

    for omega in [1.0, 1.5, young_omega(young.jacobi_radius)] {
        let mut u = [0.0; N * N];
        let workspace = sor::Workspace::new(&problem, &mut storage)?;
        let options = sor::Options::default();
        let report = sor::solve(&problem, &options, &mut Fixed(omega), &mut u, workspace, &mut ())?;
        println!(
            "omega {omega:.4}: {:?} after {:4} sweeps, relative residual {:.1e}, u(½, ½) = {:.6}",
            report.status,
            report.steps,
            report.relative_residual(),
            u[(N * N) / 2],
        );
    }
    Ok(())
}
