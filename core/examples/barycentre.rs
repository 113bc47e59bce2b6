//! The mean of two pictures: halfway between a ring and a bar, blurred by the entropy and sharp again.
//!
//! ```text
//! cargo run --release --example barycentre
//! ```

use southwell::transport::{Cost, DenseCost, GridCost, barycentre};
use southwell::{Error, Stop};

const SIDE: usize = 24;
const PIXELS: usize = SIDE * SIDE;

/// A picture as a distribution, with a little everywhere.
fn picture(inside: impl Fn(f64, f64) -> bool) -> Vec<f64> {
    let place = |k: usize| (k as f64 + 0.5) / SIDE as f64 - 0.5;
    let weight = |k: usize| if inside(place(k % SIDE), place(k / SIDE)) { 1.0 } else { 1e-3 };
    let weights: Vec<f64> = (0..PIXELS).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

fn show(p: &[f64]) {
    let largest = p.iter().fold(0.0, |m: f64, &p| m.max(p));
    for row in p.chunks(SIDE) {
        let shade = |p: &f64| [' ', '.', ':', 'o', '#'][((p / largest * 4.99) as usize).min(4)];
        println!("  {}", row.iter().flat_map(|p| [shade(p); 2]).collect::<String>().trim_end());
    }
}

fn main() -> Result<(), Error> {
    let ring = picture(|x, y| (0.25..0.4).contains(&x.hypot(y)));
    let bar = picture(|x, y| x.abs() < 0.08 && y.abs() < 0.4);
    let measures = [ring, bar].concat();

    // Squared Euclidean distances between pixels, axis by axis: 576 numbers instead of 331 776.
    let distance = |k: usize| ((k / SIDE) as f64 - (k % SIDE) as f64).powi(2) / (SIDE * SIDE) as f64;
    let axis: Vec<f64> = (0..SIDE * SIDE).map(distance).collect();
    let axis = DenseCost::new(&axis, SIDE, SIDE, SIDE)?;
    let cost = GridCost::new(axis, axis)?;

    let length = barycentre::Workspace::<f64>::required_len(PIXELS, 2, cost.scratch_len());
    let mut storage = vec![0.0; length];
    let blurred = barycentre::Problem::new(&cost, &measures, &[0.5, 0.5], 0.004)?;
    for (name, problem) in [("blurred", blurred), ("debiased", blurred.debiased())] {
        let (mut f, mut p) = (vec![0.0; 2 * PIXELS], vec![0.0; PIXELS]);
        let x = barycentre::Iterate { f: &mut f, p: &mut p };
        let workspace = barycentre::Workspace::new(&problem, &mut storage)?;
        let options = barycentre::Options { stop: Stop::relative(1e-4) };
        let report = barycentre::solve(&problem, &options, x, workspace, &mut ())?;
        println!(
            "{name}: {:?} after {} steps, residual {:.1e}",
            report.status, report.steps, report.residual
        );
        show(&p);
    }
    Ok(())
}
