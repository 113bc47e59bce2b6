//! Entropic transport by every method, in either precision; what is timed begins at the caller's arrays.

use std::error::Error;
use std::path::Path;

use southwell::omega::{Eager, Fixed};
use southwell::transport::{
    Cost, DenseCost, Potentials, Problem, auto, greenkhorn, newton, scaling, sinkhorn,
};
use southwell::{Real, Report, Run, Stop};
use southwell_benches::seconds;

use crate::Answer;
use crate::dense::Scalar;

/// Entries a row that Newton's method may keep.
const BUDGET: usize = 64;
/// Iterations between two looks at the residual, as the peers do.
const TOGETHER: u32 = 10;

/// A problem of either type.
pub(crate) trait Coupled {
    /// Rows and columns.
    fn shape(&self) -> (usize, usize);
    fn solve(&mut self, method: &str, relative: f64, most: u32) -> Answer;
    fn iterate(&mut self, method: &str, count: u32) -> Answer;
    /// f and g of the last solution as raw little-endian `f64`.
    fn potentials(&self) -> Vec<u8>;
}

struct Operands<T> {
    cost: Vec<T>,
    a: Vec<T>,
    b: Vec<T>,
    epsilon: T,
    f: Vec<T>,
    g: Vec<T>,
}

/// Reads `cost`, `a` and `b`.
pub(crate) fn read<T: Scalar>(
    folder: &Path,
    of_bytes: fn(T::Bytes) -> T,
    epsilon: f64,
) -> Result<Box<dyn Coupled>, Box<dyn Error>> {
    let file = |name: &str| -> Result<Vec<T>, Box<dyn Error>> {
        let bytes = std::fs::read(folder.join(name))?;
        let numbers = bytes.chunks_exact(size_of::<T>()).map(|b| Ok(of_bytes(b.try_into().ok().ok_or("?")?)));
        numbers.collect()
    };
    let (cost, a, b) = (file("cost")?, file("a")?, file("b")?);
    let (n, m) = (a.len(), b.len());
    if n.checked_mul(m) != Some(cost.len()) {
        return Err("cost is not n × m".into());
    }
    let (f, g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    Ok(Box::new(Operands { cost, a, b, epsilon: Real::from_f64(epsilon), f, g }))
}

/// What a run took.
struct Taken<T> {
    report: Report<T>,
    newton: newton::Work,
    /// Readings of the kernel or of the costs.
    reads: u32,
}

impl<T: Real> Taken<T> {
    fn plain(report: Report<T>) -> Self {
        Self { report, newton: newton::Work::default(), reads: report.steps.saturating_add(1) }
    }
}

impl<T: Scalar> Coupled for Operands<T> {
    fn shape(&self) -> (usize, usize) {
        (self.a.len(), self.b.len())
    }

    fn solve(&mut self, method: &str, relative: f64, most: u32) -> Answer {
        self.f.fill(T::ZERO);
        self.g.fill(T::ZERO);
        let stop = Stop { max_steps: most, ..Stop::relative(Real::from_f64(relative)) };
        let (n, m) = (self.a.len(), self.b.len());
        let mut taken: Option<Result<Taken<T>, Box<dyn Error>>> = None; // set by the timed call
        let time = seconds(|| {
            taken = Some((|| {
                let cost = DenseCost::new(&self.cost, n, m, m)?;
                let problem = Problem::new(&cost, &self.a, &self.b, self.epsilon)?;
                let x = Potentials { f: &mut self.f, g: &mut self.g };
                couple(&problem, method, stop, x)
            })());
        });
        let Taken { report, newton, reads } = taken.ok_or("not run")??;
        // Conjugate gradients as the readings that they amount to.
        let cg = newton.entries as f64 / (n * m).max(1) as f64;
        let (steps, newton_steps) = (report.steps, newton.newton_steps);
        let residual = report.relative_residual().to_f64();
        Ok(format!("{time:e} {steps} {newton_steps} {reads} {cg} {residual:e} {:?}", report.status))
    }

    fn iterate(&mut self, method: &str, count: u32) -> Answer {
        self.g.fill(T::ZERO);
        let (n, m) = (self.a.len(), self.b.len());
        let cost = DenseCost::new(&self.cost, n, m, m)?;
        let problem = Problem::new(&cost, &self.a, &self.b, self.epsilon)?;
        let x = Potentials { f: &mut self.f, g: &mut self.g };
        let mut rule = Fixed(T::ONE);
        match method {
            "sinkhorn" => {
                let mut storage = vec![T::ZERO; scaling::Workspace::<T>::required_len(n, m, true)];
                let workspace = scaling::Workspace::new(&problem, &mut storage)?;
                let options = scaling::Options::default();
                each(&mut scaling::start(&problem, &options, &mut rule, x, workspace)?, count)
            }
            "log" => {
                let length = sinkhorn::Workspace::<T>::required_len(n, m, cost.scratch_len());
                let mut storage = vec![T::ZERO; length];
                let workspace = sinkhorn::Workspace::new(&problem, &mut storage)?;
                let options = sinkhorn::Options::default();
                each(&mut sinkhorn::start(&problem, &options, &mut rule, x, workspace)?, count)
            }
            _ => Err(format!("no method `{method}`").into()),
        }
    }

    fn potentials(&self) -> Vec<u8> {
        self.f.iter().chain(&self.g).flat_map(|x| x.to_f64().to_le_bytes()).collect()
    }
}

/// Seconds an iteration, of at least `count` of them after the first ten, which make the kernel.
fn each<R: Run>(run: &mut R, count: u32) -> Answer {
    run.steps(TOGETHER);
    let turns = count.div_ceil(TOGETHER).max(1);
    let mut taken = 0;
    let time = seconds(|| {
        for _ in 0..turns {
            taken += run.steps(TOGETHER);
            run.residual();
        }
    });
    if taken < turns * TOGETHER {
        return Err("the run ended".into());
    }
    Ok(format!("{:e}", time / f64::from(taken)))
}

fn couple<T: Scalar>(
    problem: &Problem<'_, T, DenseCost<'_, T>>,
    method: &str,
    stop: Stop<T>,
    x: Potentials<'_, T>,
) -> Result<Taken<T>, Box<dyn Error>> {
    let (n, m, scratch) = (problem.rows(), problem.columns(), problem.cost().scratch_len());
    let options = sinkhorn::Options { stop };
    let method = match method {
        "sinkhorn" => {
            let mut storage = vec![T::ZERO; scaling::Workspace::<T>::required_len(n, m, true)];
            let workspace = scaling::Workspace::new(problem, &mut storage)?;
            let mut rule = Fixed(T::ONE);
            return Ok(Taken::plain(scaling::solve(problem, &options, &mut rule, x, workspace, &mut ())?));
        }
        "log" | "over-relaxed-log" => {
            let mut storage = vec![T::ZERO; sinkhorn::Workspace::<T>::required_len(n, m, scratch)];
            let workspace = sinkhorn::Workspace::new(problem, &mut storage)?;
            let report = if method == "log" {
                sinkhorn::solve(problem, &options, &mut Fixed(T::ONE), x, workspace, &mut ())?
            } else {
                sinkhorn::solve(problem, &options, &mut Eager::default(), x, workspace, &mut ())?
            };
            return Ok(Taken::plain(report));
        }
        "greedy" => {
            let mut storage = vec![T::ZERO; greenkhorn::Workspace::<T>::required_len(n, m, scratch)];
            let workspace = greenkhorn::Workspace::new(problem, &mut storage)?;
            return Ok(Taken::plain(greenkhorn::solve(problem, &options, x, workspace, &mut ())?));
        }
        "over-relaxed" => auto::Method::OverRelaxed,
        "newton-sparse" => auto::Method::Newton,
        "auto" => auto::Method::Auto,
        _ => return Err(format!("no method `{method}`").into()),
    };
    let entries = n * m.min(BUDGET);
    let mut storage = vec![T::ZERO; auto::Workspace::<T>::required_len(n, m, true, scratch, entries)];
    let mut indices = vec![0; auto::Workspace::<T>::required_indices(n, m, entries)];
    let workspace = auto::Workspace::new(problem, entries, &mut storage, &mut indices)?;
    let outcome = auto::solve(problem, &auto::Options { stop, method }, x, workspace, &mut ())?;
    Ok(Taken { report: outcome.report, newton: outcome.newton, reads: outcome.kernel_reads })
}
