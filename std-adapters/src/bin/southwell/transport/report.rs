//! What a run of transport has found, for people and for machines.

use serde::Serialize;
use southwell::Status;
use southwell_std::owned::{Coupling, Precision, Solving};

use super::Arguments;
use crate::output::{self, Failure};
use crate::relax::name;

/// Numbers that JSON cannot say are `null`.
#[derive(Serialize)]
struct Document {
    status: &'static str,
    iterations: u32,
    kernel_reads: u32,
    newton_steps: u32,
    cg_steps: u32,
    /// ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁ of the potentials, in `f64`; unbalanced, how far they are from optimal.
    marginal_error: Option<f64>,
    /// The same as the run saw it, in its own precision.
    residual: Option<f64>,
    /// Σ P
    mass: Option<f64>,
    /// ⟨P̂, C⟩ of the rounded coupling; unbalanced, of the coupling.
    cost: Option<f64>,
    dual: Option<f64>,
    /// What its value exceeds the least one by, at most.
    gap: Option<f64>,
    /// A lower bound of the cost of transport without entropy, where masses are given.
    lower_bound: Option<f64>,
    epsilon: f64,
    unbalanced: Option<f64>,
    precision: &'static str,
    tolerance: f64,
    /// What the gap was compared with, and which test the run had to pass.
    gap_tolerance: Option<f64>,
    test: &'static str,
    rows: usize,
    columns: usize,
    omega: Option<f64>,
    seconds: f64,
    /// The instruction set that the passes ran on.
    simd: &'static str,
    device: String,
}

/// Prints it, and a hint where the run has not converged.
pub(super) fn print(
    arguments: &Arguments,
    solving: &Solving,
    coupling: &Coupling,
    epsilon: f64,
    (rows, columns): (usize, usize),
    seconds: f64,
    device: String,
) -> Result<(), Failure> {
    let status = name(coupling.report.status);
    let number = |value: f64| value.is_finite().then_some(value);
    if arguments.json {
        return output::print_json(&Document {
            status,
            iterations: coupling.iterations,
            kernel_reads: coupling.kernel_reads,
            newton_steps: coupling.newton.newton_steps,
            cg_steps: coupling.newton.cg_steps,
            marginal_error: number(coupling.marginal_error),
            residual: number(coupling.report.residual),
            mass: number(coupling.mass),
            cost: number(coupling.cost),
            dual: number(coupling.dual),
            gap: number(coupling.gap()),
            lower_bound: coupling.lower_bound.and_then(number),
            epsilon,
            unbalanced: solving.unbalanced,
            precision: if solving.precision == Precision::Single { "f32" } else { "f64" },
            tolerance: solving.stop.relative,
            gap_tolerance: solving.gap,
            test: match (solving.gap, solving.both) {
                (None, _) => "marginals",
                (Some(_), false) => "gap",
                (Some(_), true) => "gap and marginals",
            },
            rows,
            columns,
            omega: coupling.omega,
            seconds,
            simd: southwell_simd::level_name(),
            device,
        });
    }
    let newton = match coupling.newton.newton_steps {
        0 => String::new(),
        steps => format!(" and {steps} Newton steps"),
    };
    output::print(&format!(
        "{status} after {} iterations{newton}, {} readings of the costs: marginal error {:.3e}, cost {:.10e}, \
         dual value {:.10e}, gap {:.3e}, {seconds:.3} s\n",
        coupling.iterations,
        coupling.kernel_reads,
        coupling.marginal_error,
        coupling.cost,
        coupling.dual,
        coupling.gap(),
    ))?;
    let advice = match coupling.report.status {
        Status::StepLimit => Some("allow more --max-iterations, try --method auto, or a larger --epsilon"),
        Status::Stalled => Some("the precision is exhausted; ask for a larger --tolerance or --epsilon"),
        _ => None,
    };
    output::hint(advice, arguments.quiet);
    Ok(())
}
