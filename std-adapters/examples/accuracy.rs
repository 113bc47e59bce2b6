//! How accurate results are, against the conditioning of the problem: the tables of docs/accuracy.md.
//!
//! ```text
//! cargo run -p southwell-std --no-default-features --example accuracy
//! ```

#[path = "../tests/accuracy/problems.rs"]
mod problems;

use nalgebra::{DMatrix, DVector, RealField};
use problems::{
    Method, Stream, assignment, by_elimination, by_relaxation, cast, conditioned, norm, residual, rounded,
};
use southwell::transport::{DenseCost, Potentials, Problem, auto, certificate};
use southwell::{Real, Stop};

const UNKNOWNS: usize = 24;
const DRAWS: u64 = 10;

fn main() -> Result<(), southwell::Error> {
    println!(
        "| κ | κ ε | `ssor_cg`: residual | error | `cg`: residual | error | nalgebra's Cholesky: residual | error |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    println!("| **f64** | | | | | | | |");
    for decades in [0, 2, 4, 6, 8, 10, 12] {
        systems::<f64>(decades)?;
    }
    println!("| **f32** | | | | | | | |");
    for decades in [0, 1, 2, 3, 4, 5] {
        systems::<f32>(decades)?;
    }
    println!();
    println!("| ε / largest cost | marginals off | above the best cost | bound ε ln(n m) | certified to |");
    println!("|---|---|---|---|---|");
    println!("| **f64** | | | | |");
    for decades in [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0] {
        transport::<f64>(decades)?;
    }
    println!("| **f32** | | | | |");
    for decades in [1.0, 1.5, 2.0, 2.5, 3.0] {
        transport::<f32>(decades)?;
    }
    Ok(())
}

/// Relative residual and relative error, the largest over all draws.
type Worst = [f64; 2];

fn worse(worst: &mut Worst, a: &[f64], b: &[f64], exact: &[f64], x: &[f64]) {
    let apart: Vec<f64> = exact.iter().zip(x).map(|(exact, x)| exact - x).collect();
    let found = [norm(&residual(a, b, x)) / norm(b), norm(&apart) / norm(exact)];
    worst.iter_mut().zip(found).for_each(|(worst, found)| *worst = worst.max(found));
}

fn systems<T: Real + RealField>(decades: i32) -> Result<(), southwell::Error> {
    let condition = 10_f64.powi(decades);
    let (mut ssor_cg, mut cg, mut cholesky) = ([0.0; 2], [0.0; 2], [0.0; 2]);
    for seed in 0..DRAWS {
        let mut stream = Stream(seed);
        let a = rounded::<T>(&conditioned(UNKNOWNS, condition, &mut stream));
        let b = rounded::<T>(&stream.vector(UNKNOWNS));
        let exact = by_elimination(&a, &b);
        // A tolerance at the end of the precision: the run goes on for as long as it gains.
        let stop = Stop { max_steps: 20_000, ..Stop::relative(<T as Real>::EPSILON) };
        for (method, worst) in [(Method::SsorCg, &mut ssor_cg), (Method::Cg, &mut cg)] {
            let (x, _) = by_relaxation::<T>(method, &a, &b, stop)?;
            worse(worst, &a, &b, &exact, &x);
        }
        let factor = DMatrix::<T>::from_row_slice(UNKNOWNS, UNKNOWNS, &cast::<T>(&a)).cholesky();
        let x = factor.map(|factor| factor.solve(&DVector::from_vec(cast::<T>(&b))));
        let x: Vec<f64> = x.iter().flat_map(|x| x.iter().map(|x| x.to_f64())).collect();
        if x.len() == UNKNOWNS {
            worse(&mut cholesky, &a, &b, &exact, &x);
        } else {
            cholesky = [f64::NAN; 2];
        }
    }
    let unit = <T as Real>::EPSILON.to_f64();
    let shown: String = [ssor_cg, cg, cholesky].iter().flatten().map(|x| format!(" {x:.1e} |")).collect();
    println!("| 1e{decades} | {:.1e} |{shown}", condition * unit);
    Ok(())
}

fn transport<T: Real>(decades: f64) -> Result<(), southwell::Error> {
    const N: usize = 12;
    let ratio = 10_f64.powf(-decades);
    let (mut off, mut above, mut gap, mut bound) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for seed in 0..DRAWS {
        let mut stream = Stream(seed);
        let costs = rounded::<T>(&(0..N * N).map(|_| stream.unit()).collect::<Vec<_>>());
        let largest = costs.iter().fold(0.0, |most: f64, &cost| most.max(cost));
        let least = assignment(N, |i, j| costs[i * N + j]) / N as f64;
        let (values, masses) = (cast::<T>(&costs), [T::ONE / T::from_u32(N as u32); N]);
        let cost = DenseCost::new(&values, N, N, N)?;
        let problem = Problem::new(&cost, &masses, &masses, T::from_f64(ratio * largest))?;
        let entries = 64 * N;
        let mut storage = vec![T::ZERO; auto::Workspace::<T>::required_len(N, N, true, N, entries)];
        let mut indices = vec![0; auto::Workspace::<T>::required_indices(N, N, entries)];
        let workspace = auto::Workspace::new(&problem, entries, &mut storage, &mut indices)?;
        let (mut f, mut g) = ([T::ZERO; N], [T::ZERO; N]);
        let x = Potentials { f: &mut f, g: &mut g };
        auto::solve(&problem, &auto::Options::default(), x, workspace, &mut ())?;
        let mut storage = vec![T::ZERO; certificate::certify_len(N, N, true)];
        let found = certificate::certify(&problem, &f, &g, &mut storage)?;
        let mut storage = vec![T::ZERO; certificate::evaluate_len(N, true)];
        let errors = certificate::evaluate(&problem, &f, &g, &mut storage)?;
        off = off.max(errors.error().to_f64());
        above = above.max(found.upper.to_f64() - least);
        gap = gap.max(found.exact_gap().to_f64());
        bound = bound.max(ratio * largest * ((N * N) as f64).ln());
    }
    println!("| {ratio:.1e} | {off:.1e} | {above:.1e} | {bound:.1e} | {gap:.1e} |");
    Ok(())
}
