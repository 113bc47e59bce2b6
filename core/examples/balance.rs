//! Balances a table of flows: first to unit sums, then to sums that are known from elsewhere; and shows what
//! becomes of a table that no scaling can balance.
//!
//! `cargo run -p southwell --release --example balance`

use southwell::transport::balance::{Dense, Problem, Scalings, ruiz, sinkhorn_knopp};

const N: usize = 3;

fn main() -> Result<(), southwell::Error> {
    let mut storage = [0.0; sinkhorn_knopp::Workspace::<f64>::required_len(N, N)];
    let mut indices = [0; sinkhorn_knopp::Workspace::<f64>::required_indices(N, N)];
    let options = sinkhorn_knopp::Options::default();

    // Trips between three towns as they were counted, and how many leave and arrive today.
    let counted = [40.0, 30.0, 20.0, 35.0, 140.0, 25.0, 10.0, 30.0, 60.0];
    let (leave, arrive) = ([120.0, 210.0, 90.0], [100.0, 220.0, 100.0]);
    let table = Dense::new(&counted, N, N, N)?;
    for problem in [Problem::unit(&table)?, Problem::new(&table, &leave, &arrive)?] {
        let (mut x, mut y) = ([1.0; N], [1.0; N]);
        let workspace = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices)?;
        let scalings = Scalings { x: &mut x, y: &mut y };
        let report = sinkhorn_knopp::solve(&problem, &options, scalings, workspace, &mut ())?;
        println!("{:?} after {} steps, sums off by {:.1e}", report.status, report.steps, report.residual);
        for (row, x) in counted.chunks(N).zip(x) {
            let scaled: Vec<String> = row.iter().zip(y).map(|(a, y)| format!("{:9.3}", x * a * y)).collect();
            println!("{}", scaled.join(" "));
        }
    }

    // Two towns whose trips all end in the third: no scaling gives every column the sum 1.
    let lopsided = Dense::new(&[0.0, 0.0, 5.0, 0.0, 0.0, 7.0, 1.0, 2.0, 3.0], N, N, N)?;
    let problem = Problem::unit(&lopsided)?;
    let (mut x, mut y) = ([1.0; N], [1.0; N]);
    let workspace = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices)?;
    let scalings = Scalings { x: &mut x, y: &mut y };
    let report = sinkhorn_knopp::solve(&problem, &options, scalings, workspace, &mut ())?;
    println!("{:?} after {} steps, sums off by {:.3}", report.status, report.steps, report.residual);

    // Equilibration asks for less: the largest entry of every line becomes 1, whatever the signs and scales.
    let stiff = Dense::new(&[1e6, -2.0, 0.0, 3e3, 4e-3, 1.0, 0.0, -7.0, 5e-5], N, N, N)?;
    let problem = ruiz::Problem::new::<f64>(&stiff, ruiz::Norm::Largest)?;
    let (mut x, mut y) = ([1.0; N], [1.0; N]);
    let workspace = ruiz::Workspace::new(&problem, &mut storage, &mut [])?;
    let scalings = Scalings { x: &mut x, y: &mut y };
    let report = ruiz::solve(&problem, &options, scalings, workspace, &mut ())?;
    println!("{:?} after {} steps", report.status, report.steps);
    let line = |scaling: [f64; N]| scaling.map(|s| format!("{s:.2e}")).join(" ");
    println!("x = {}\ny = {}", line(x), line(y));
    Ok(())
}
