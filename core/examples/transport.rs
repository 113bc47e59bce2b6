//! Assigns detections to tracks softly: solves, rounds to exact marginals, and certifies how good the result is.
//!
//! `cargo run -p southwell --release --example transport`

use southwell::omega::HagemanYoung;
use southwell::transport::{DenseCost, Potentials, Problem, certificate, rounding, sinkhorn};

const N: usize = 6;

fn main() -> Result<(), southwell::Error> {
    // Tracks on a line and where they were seen, in another order.
    let tracks = [0.5, 2.0, 3.1, 4.4, 6.0, 7.2_f64];
    let seen = [4.1, 0.7, 7.3, 1.8, 6.4, 3.3_f64];
    let costs: Vec<f64> = tracks.iter().flat_map(|t| seen.map(|s| (t - s).powi(2) / 64.0)).collect();
    let ones = [1.0; N];

    let cost = DenseCost::new(&costs, N, N, N)?;
    let problem = Problem::new(&cost, &ones, &ones, 0.01)?;
    let mut memory = [0.0; sinkhorn::Workspace::<f64>::required_len(N, N, N)];
    let workspace = sinkhorn::Workspace::new(&problem, &mut memory)?;
    let (mut f, mut g) = ([0.0; N], [0.0; N]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = sinkhorn::Options::default();
    let report = sinkhorn::solve(&problem, &options, &mut HagemanYoung::default(), x, workspace, &mut ())?;
    println!("{:?} after {} steps, marginals off by {:.1e}", report.status, report.steps, report.residual);

    let mut memory = [0.0; rounding::Workspace::<f64>::required_len(N, N, true)];
    let mut rounded = rounding::round(&problem, &f, &g, rounding::Workspace::new(&problem, &mut memory)?)?;
    let mut row = [0.0; N];
    for (i, track) in tracks.iter().enumerate() {
        rounded.row(i, &mut row)?;
        let shares: Vec<String> = row.iter().map(|p| format!("{p:6.3}")).collect();
        println!("track at {track}: {}", shares.join(" "));
    }
    let value = rounded.evaluate();
    println!("rounded: marginals off by {:.1e}", value.row_error + value.column_error);

    let mut memory = [0.0; certificate::certify_len(N, N, true)];
    let bounds = certificate::certify(&problem, &f, &g, &mut memory)?;
    println!("with entropy:    {:.6} ≤ best ≤ {:.6} (gap {:.1e})", bounds.dual, bounds.primal, bounds.gap());
    println!("without entropy: {:.6} ≤ best ≤ {:.6}", bounds.lower, bounds.upper);
    Ok(())
}
