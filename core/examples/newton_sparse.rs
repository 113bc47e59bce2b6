//! Random assignment at a small ε: Sinkhorn's iteration, over-relaxed, and Newton's method with the large
//! entries of the coupling, each to a marginal error of 1e-9.
//!
//! ```text
//! cargo run --release --example newton_sparse
//! ```

use southwell::omega::{Fixed, HagemanYoung, OmegaRule};
use southwell::transport::{DenseCost, Potentials, Problem, newton, sinkhorn};
use southwell::{Stop, drive};

const N: usize = 300;
/// Entries a row that the linear systems may have.
const PER_ROW: usize = 24;

fn main() -> Result<(), southwell::Error> {
    // Costs from [0, 1) by a linear congruential generator.
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let costs: Vec<f64> = (0..N * N).map(|_| next()).collect();
    let weights = [1.0 / N as f64; N];
    let cost = DenseCost::new(&costs, N, N, N)?;
    let problem = Problem::new(&cost, &weights, &weights, 1.0 / 800.0)?;
    let stop = Stop { max_steps: 50_000, ..Stop::relative(1e-9) };

    let rules: [(&str, &mut dyn OmegaRule<f64>); 2] =
        [("Sinkhorn", &mut Fixed(1.0)), ("over-relaxed", &mut HagemanYoung::default())];
    for (name, rule) in rules {
        let (mut f, mut g) = ([0.0; N], [0.0; N]);
        let mut storage = vec![0.0; sinkhorn::Workspace::<f64>::required_len(N, N, N)];
        let workspace = sinkhorn::Workspace::new(&problem, &mut storage)?;
        let x = Potentials { f: &mut f, g: &mut g };
        let options = sinkhorn::Options { stop };
        let report = sinkhorn::solve(&problem, &options, rule, x, workspace, &mut ())?;
        println!("{name:12} {:?}, {} readings of the costs", report.status, report.steps + 1);
    }

    let (mut f, mut g) = ([0.0; N], [0.0; N]);
    let entries = PER_ROW * N;
    let mut storage = vec![0.0; newton::Workspace::<f64>::required_len(N, N, N, entries)];
    let mut indices = vec![0; newton::Workspace::<f64>::required_indices(N, N, entries)];
    let workspace = newton::Workspace::new(&problem, entries, &mut storage, &mut indices)?;
    let x = Potentials { f: &mut f, g: &mut g };
    let mut run = newton::start(&problem, &newton::Options::default(), x, workspace)?;
    let report = drive(&mut run, &stop, &mut ());
    let (work, (kept, _)) = (run.work(), run.entries());
    println!(
        "{:12} {:?}, {} readings of the costs and the work of {:.1} more in {} steps of conjugate gradients; \
         {} Newton steps, {kept} of {} entries kept",
        "Newton",
        report.status,
        work.kernel_reads,
        run.cg_work(),
        work.cg_steps,
        work.newton_steps,
        N * N,
    );
    Ok(())
}
