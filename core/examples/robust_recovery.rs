//! Recovers a matrix of rank 2 from measurements of which a third is nonsense, with no more memory for the
//! measurement matrices than their seed takes, and the rank left open; least squares on the same data fails.
//!
//! `cargo run -p southwell --release --example robust_recovery`

use southwell::subgradient::counter::{normal, stream, uniform};
use southwell::subgradient::matrix::operator::{Draw, Operator, Seeded};
use southwell::subgradient::matrix::{self, Options, Problem, Shape, Workspace, singular_values};

const D: usize = 12;
const M: usize = 600;
/// Two would do; nobody said so.
const RANK: usize = 6;
const SHAPE: Shape = Shape::symmetric(D, RANK);

fn main() -> Result<(), southwell::Error> {
    let signs = Seeded::new(Draw::Signs, stream(1, 1), M, D, D)?;
    let factor: [f64; 2 * D] = core::array::from_fn(|k| normal(stream(1, 2), k as u64));
    let truth: [f64; D * D] =
        core::array::from_fn(|k| factor[k / D] * factor[k % D] + factor[D + k / D] * factor[D + k % D]);

    let (mut a, mut y, mut wrong) = ([0.0; D * D], [0.0; M], 0);
    for (i, y) in (0_u64..).zip(&mut y) {
        signs.write(i as usize, &mut a);
        *y = a.iter().zip(&truth).map(|(a, x)| a * x).sum();
        if uniform(stream(1, 3), i) < 0.3 {
            *y = 200.0 * normal(stream(1, 4), i);
            wrong += 1;
        }
    }
    println!("{wrong} of {M} measurements are wrong");

    let problem = Problem::symmetric(&signs, &y, RANK)?;
    let mut memory = [0.0; Workspace::<f64>::required_len(SHAPE, false, Seeded::scratch(SHAPE))];
    let workspace = Workspace::new(&problem, false, &mut memory)?;
    let mut u = [0.0; SHAPE.unknowns()];
    let found = matrix::solve(&problem, &Options::default(), &mut u, workspace, &mut ())?;
    println!(
        "{:?} after {} steps, mean |residual| {:.4}",
        found.report.status, found.report.steps, found.value
    );
    let [met, above, below] = found.signs.map(|share| 100.0 * share);
    println!("measurements met exactly {met:.1} %, exceeded {above:.1} %, not reached {below:.1} %");
    println!("relative error {:.1e}", error(&u, &truth));
    let (mut values, mut storage) = ([0.0; RANK], [0.0; SHAPE.unknowns()]);
    let rank = singular_values(SHAPE, &u, &mut values, &mut storage)?;
    let values: Vec<String> = values.iter().map(|value| format!("{value:.1e}")).collect();
    println!("rank {rank}: singular values {}", values.join(", "));

    // Least squares: the same passes with residuals in place of their signs.
    let mut u: [f64; SHAPE.unknowns()] = core::array::from_fn(|k| 0.01 * normal(7, k as u64));
    let (mut gradient, mut scratch) = ([0.0; SHAPE.unknowns()], [0.0; Seeded::scratch(SHAPE)]);
    for _ in 0..500 {
        let (x, mut sums) = (SHAPE.factors(&u), SHAPE.gradient(&mut gradient));
        signs.pass(1.0 / M as f64, x, &mut scratch, &mut sums, |i, s| s - y[i]);
        u.iter_mut().zip(&gradient).for_each(|(u, g)| *u -= 0.002 * g);
    }
    println!("least squares: relative error {:.1e}", error(&u, &truth));
    Ok(())
}

/// ‖X − truth‖_F/‖truth‖_F.
fn error(u: &[f64], truth: &[f64]) -> f64 {
    let (mut x, mut off, mut size) = ([0.0; D * D], 0.0, 0.0);
    SHAPE.factors(u).multiply_out(&mut x);
    for (x, truth) in x.iter().zip(truth) {
        off += (x - truth) * (x - truth);
        size += truth * truth;
    }
    (off / size).sqrt()
}
