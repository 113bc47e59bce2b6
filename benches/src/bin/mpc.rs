//! Our side of `peers/mpc.py`: solves model predictive control problems that come as lines on standard input.
//!
//! A line holds states, inputs, stages, repetitions, the bound, and then A, B, Q, R, P by rows and x₀. The answer is a
//! line too: seconds a cold solve in stages, its steps, seconds a cold solve of the condensed form, its steps, the same
//! with the inverse prepared, and the inputs found in stages.

use std::io::{BufRead, Write};
use std::time::Instant;

use southwell::descent::box_qp::{
    Condensed, Model, Options, Plant, Prepared, Problem, Staged, Workspace, condense, condense_len,
    invert_condensed, solve,
};
use southwell::{Error, Real};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let numbers: Vec<f64> = line?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        writeln!(out, "{}", answer(&numbers)?)?;
        out.flush()?;
    }
    Ok(())
}

fn answer(numbers: &[f64]) -> Result<String, Failure> {
    let (head, mut rest) = numbers.split_at_checked(5).ok_or("a short line")?;
    let (n, m, horizon, repetitions, bound) =
        (head[0] as usize, head[1] as usize, head[2] as usize, head[3] as usize, head[4]);
    let mut take = |len: usize| -> Result<&[f64], Failure> {
        let (piece, tail) = rest.split_at_checked(len).ok_or("a short line")?;
        rest = tail;
        Ok(piece)
    };
    let (a, b, q, r, p, x0) =
        (take(n * n)?, take(n * m)?, take(n * n)?, take(m * m)?, take(n * n)?, take(n)?);
    let plant = Plant { states: n, inputs: m, a, b, q, r };
    let model = Staged::new(plant, p, horizon)?;
    let variables = m * horizon;
    let (mut h, mut f) = (vec![0.0; variables * variables], vec![0.0; variables]);
    condense(&model, x0, &mut h, &mut f, &mut vec![0.0; condense_len(n, m, horizon)])?;
    let dense = Condensed::new(&h, variables)?;
    let len = Staged::<f64>::required_len(n, m, horizon);
    let (seconds, steps, u) = time(&model, x0, bound, len, repetitions)?;
    let (condensed, condensed_steps, _) =
        time(&dense, &f, bound, Condensed::<f64>::required_len(variables), repetitions)?;
    let mut inverse = vec![0.0; h.len()];
    invert_condensed(&dense, &mut inverse, &mut vec![0.0; h.len()])?;
    let ready = Prepared::new(dense, &inverse)?;
    let len = Prepared::<f64>::required_len(variables);
    let (prepared, prepared_steps, _) = time(&ready, &f, bound, len, repetitions)?;
    let inputs: Vec<String> = u.iter().map(|u| format!("{u:e}")).collect();
    let times = format!("{seconds:e} {steps} {condensed:e} {condensed_steps} {prepared:e} {prepared_steps}");
    Ok(format!("{times} {}", inputs.join(" ")))
}

/// Seconds a cold solve, its steps, and the answer. Nothing is kept from one solve to the next.
fn time<T: Real, M: Model<T>>(
    model: &M,
    data: &[T],
    bound: T,
    len: usize,
    repetitions: usize,
) -> Result<(f64, u32, Vec<T>), Error> {
    let n = model.variables();
    let (lower, upper, mut storage) = (vec![-bound; n], vec![bound; n], vec![T::ZERO; len]);
    let mut x = vec![T::ZERO; n];
    let mut steps = 0;
    let start = Instant::now();
    for _ in 0..repetitions.max(1) {
        x.fill(T::ZERO);
        let problem = Problem::new(model, data, &lower, &upper)?;
        let mut workspace = Workspace::new(model, &mut storage)?;
        let found = solve(&problem, &Options::default(), &mut x, &mut workspace, &mut ())?;
        steps = if found.report.converged() { found.report.steps } else { u32::MAX };
    }
    Ok((start.elapsed().as_secs_f64() / repetitions.max(1) as f64, steps, x))
}
