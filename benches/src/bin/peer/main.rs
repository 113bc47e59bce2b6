//! Our side of a run beside peers: reads systems, obeys a line at a time, answers a line.
//!
//! ```text
//! level                     the instruction set of the passes
//! load FOLDER               offsets, columns (u32), values, rhs (f64), raw little-endian files    → ok n
//! sweep VIEW K OMEGA        K forward sweeps from x = 0                                 → seconds a sweep
//! store FILE                the current x as raw little-endian f64                                  → ok
//! cg TOLERANCE              conjugate gradients from x = 0
//! ssor_cg VIEW TOLERANCE W  SSOR-CG from x = 0 with omega W
//!                                            → seconds, iterations, true relative residual, how it ended
//! dense FOLDER TYPE         a (square, by rows; may be empty), x, y: raw files of f32 or f64        → ok n
//! time WHAT WHO K           K times WHAT (gemv, gemv_t, dot, exp) by WHO (southwell, faer)  → seconds each
//! recovery FOLDER TYPE D    a (D × D matrices), y, u: raw files of f32 or f64                       → ok m
//! iterate K                 K steps of robust recovery from u                    → seconds each, the last value
//! result FILE               what `time` computed last, raw                                          → ok
//! transport FOLDER TYPE E   cost (n × m by rows), a, b: raw files; E: the weight of the entropy   → ok n m
//! couple METHOD TOL MOST    solves from zero: sinkhorn, log, over-relaxed, over-relaxed-log, newton-sparse,
//!                           auto or greedy
//!       → seconds, steps, Newton steps, kernel reads, CG as kernel reads, relative residual, how it ended
//! iterate METHOD K          K plain iterations after ten, sinkhorn or log            → seconds an iteration
//! potentials FILE           f and g of the last solution, raw f64                                   → ok
//! regression FOLDER LOSS    values by columns, y, offsets and indices (empty if dense); LOSS is squares
//!                           or logistic                                                             → ok p
//! fit GAP K LAMBDA…         K fits from w = 0 for one λ, or K paths for several
//!               → seconds a fit, steps, column visits, updates, second-order steps, non-zeros, working set, how
//!                           the last one ended
//! weights FILE              the w found last, those of a path one after the other                     → ok
//! ```
//! VIEW is `csr`, the loaded matrix, or `stencil`, the five-point stencil (4, −1) of a square grid with
//! as many cells, which the caller knows the loaded matrix to be; `blocked` is the same with all sweeps
//! asked for at once. An answer to a request that failed begins with `error`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;

use southwell::linear::{Csr, Matrix, Star, Stencil2d};
use southwell::relaxation::{Fixed, Problem, Relax, Split, cg, ssor_cg};
use southwell::{Report, Stop};
use southwell_benches::seconds;

mod dense;
mod recovery;
mod regression;
mod transport;

type Answer = Result<String, Box<dyn Error>>;

/// A system as it was read.
#[derive(Default)]
struct System {
    offsets: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
    rhs: Vec<f64>,
    x: Vec<f64>,
    dense: Option<Box<dyn dense::Timed>>,
    transport: Option<Box<dyn transport::Coupled>>,
    regression: Option<regression::Regression>,
    recovery: Option<Box<dyn recovery::Iterated>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut system = System::default();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = system.obey(&line?).unwrap_or_else(|error| format!("error {error}"));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

impl System {
    fn obey(&mut self, line: &str) -> Answer {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["level"] => Ok(southwell_simd::level_name().into()),
            ["load", folder] => self.load(Path::new(folder)),
            ["sweep", view, count, omega] => self.sweep(view, count.parse()?, omega.parse()?),
            ["store", file] => {
                let bytes: Vec<u8> = self.x.iter().flat_map(|x| x.to_le_bytes()).collect();
                std::fs::write(file, bytes)?;
                Ok("ok".into())
            }
            ["cg", tolerance] => self.solve("csr", tolerance.parse()?, None),
            ["ssor_cg", view, tolerance, omega] => self.solve(view, tolerance.parse()?, Some(omega.parse()?)),
            ["dense", folder, real] => {
                let folder = Path::new(folder);
                let (operands, n) = match real {
                    "f32" => dense::read::<f32>(folder, f32::from_le_bytes)?,
                    "f64" => dense::read::<f64>(folder, f64::from_le_bytes)?,
                    _ => return Err(format!("no type `{real}`").into()),
                };
                self.dense = Some(operands);
                Ok(format!("ok {n}"))
            }
            ["time", what, who, count] => self.operands()?.time(what, who, count.parse()?),
            ["recovery", folder, real, order] => {
                let (folder, order) = (Path::new(folder), order.parse()?);
                let (measured, m) = match real {
                    "f32" => recovery::read(folder, order, f32::from_le_bytes)?,
                    "f64" => recovery::read(folder, order, f64::from_le_bytes)?,
                    _ => return Err(format!("no type `{real}`").into()),
                };
                self.recovery = Some(measured);
                Ok(format!("ok {m}"))
            }
            ["iterate", count] => self
                .recovery
                .as_deref()
                .ok_or("no measurements: `recovery` comes first")?
                .iterate(count.parse()?),
            ["result", file] => {
                std::fs::write(file, self.operands()?.result())?;
                Ok("ok".into())
            }
            ["transport", folder, real, epsilon] => {
                let (folder, epsilon) = (Path::new(folder), epsilon.parse()?);
                // One at a time: they are large.
                self.transport = None;
                let problem = match real {
                    "f32" => transport::read::<f32>(folder, f32::from_le_bytes, epsilon)?,
                    "f64" => transport::read::<f64>(folder, f64::from_le_bytes, epsilon)?,
                    _ => return Err(format!("no type `{real}`").into()),
                };
                let (n, m) = problem.shape();
                self.transport = Some(problem);
                Ok(format!("ok {n} {m}"))
            }
            ["couple", method, relative, most] => {
                self.problem()?.solve(method, relative.parse()?, most.parse()?)
            }
            ["iterate", method, count] => self.problem()?.iterate(method, count.parse()?),
            ["potentials", file] => {
                std::fs::write(file, self.problem()?.potentials())?;
                Ok("ok".into())
            }
            ["regression", folder, loss] => {
                let read = regression::Regression::read(Path::new(folder), loss == "logistic")?;
                let answer = format!("ok {}", read.columns());
                self.regression = Some(read);
                Ok(answer)
            }
            ["fit", gap, count, ref lambdas @ ..] => {
                let lambdas = lambdas.iter().map(|word| word.parse()).collect::<Result<Vec<f64>, _>>()?;
                self.regression()?.fit(&lambdas, gap.parse()?, count.parse()?)
            }
            ["weights", file] => self.regression()?.store(Path::new(file)),
            _ => Err(format!("what is `{line}`?").into()),
        }
    }

    fn regression(&mut self) -> Result<&mut regression::Regression, Box<dyn Error>> {
        Ok(self.regression.as_mut().ok_or("no regression: `regression` comes first")?)
    }

    fn operands(&mut self) -> Result<&mut dyn dense::Timed, Box<dyn Error>> {
        Ok(self.dense.as_deref_mut().ok_or("no operands: `dense` comes first")?)
    }

    fn problem(&mut self) -> Result<&mut dyn transport::Coupled, Box<dyn Error>> {
        Ok(self.transport.as_deref_mut().ok_or("no problem: `transport` comes first")?)
    }

    fn load(&mut self, folder: &Path) -> Answer {
        let words = |name: &str| -> std::io::Result<Vec<u32>> {
            Ok(std::fs::read(folder.join(name))?
                .as_chunks()
                .0
                .iter()
                .map(|&b| u32::from_le_bytes(b))
                .collect())
        };
        let reals = |name: &str| -> std::io::Result<Vec<f64>> {
            Ok(std::fs::read(folder.join(name))?
                .as_chunks()
                .0
                .iter()
                .map(|&b| f64::from_le_bytes(b))
                .collect())
        };
        let rhs = reals("rhs")?;
        let (offsets, columns, values) = (words("offsets")?, words("columns")?, reals("values")?);
        *self = Self { offsets, columns, values, x: vec![0.0; rhs.len()], rhs, ..Self::default() };
        Ok(format!("ok {}", self.rhs.len()))
    }

    fn sweep(&mut self, view: &str, count: u32, omega: f64) -> Answer {
        let matrix = Csr::new(&self.offsets, &self.columns, &self.values)?;
        self.x.fill(0.0);
        match view {
            "csr" => sweeps(&matrix, count, 1, omega, &self.rhs, &mut self.x),
            "stencil" => sweeps(&stencil(self.rhs.len())?, count, 1, omega, &self.rhs, &mut self.x),
            "blocked" => sweeps(&stencil(self.rhs.len())?, 1, count, omega, &self.rhs, &mut self.x),
            _ => Err(format!("no view `{view}`").into()),
        }
    }

    fn solve(&mut self, view: &str, tolerance: f64, omega: Option<f64>) -> Answer {
        let matrix = Csr::new(&self.offsets, &self.columns, &self.values)?;
        self.x.fill(0.0);
        match view {
            "csr" => solve(&matrix, tolerance, omega, &self.rhs, &mut self.x),
            "stencil" => solve(&stencil(self.rhs.len())?, tolerance, omega, &self.rhs, &mut self.x),
            _ => Err(format!("no view `{view}`").into()),
        }
    }
}

/// The model problem on a square grid of `cells` cells.
fn stencil(cells: usize) -> Result<Stencil2d<'static, f64>, southwell::Error> {
    let side = cells.isqrt();
    let star = Star { centre: 4.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    Stencil2d::constant(side, side, star)
}

/// `calls` times `together` sweeps.
fn sweeps(
    matrix: &impl Relax<f64>,
    calls: u32,
    together: u32,
    omega: f64,
    rhs: &[f64],
    x: &mut [f64],
) -> Answer {
    let problem = Problem::new(matrix, rhs)?;
    let mut scratch = vec![0.0; matrix.scratch_len()];
    matrix.prepare(&mut scratch)?;
    let time = seconds(|| {
        for _ in 0..calls {
            if together == 1 {
                problem.matrix().sweep(false, omega, &mut scratch, rhs, x);
            } else {
                problem.matrix().sweeps(false, omega, &mut scratch, rhs, x, together);
            }
        }
    });
    Ok(format!("{:e}", time / f64::from((calls * together).max(1))))
}

fn solve<A: Matrix<f64> + Split<f64>>(
    matrix: &A,
    tolerance: f64,
    omega: Option<f64>,
    rhs: &[f64],
    x: &mut [f64],
) -> Answer {
    let problem = Problem::new(matrix, rhs)?;
    let stop = Stop { max_steps: 1_000_000, ..Stop::relative(tolerance) };
    let mut report: Option<Result<Report<f64>, southwell::Error>> = None; // set by the timed call
    let time = match omega {
        None => {
            let mut storage = vec![0.0; cg::Workspace::<f64>::required_len(problem.order())];
            let work = cg::Workspace::new(&problem, &mut storage)?;
            let options = cg::Options { stop, ..cg::Options::default() };
            seconds(|| report = Some(cg::solve(&problem, &options, x, work, &mut ())))
        }
        Some(omega) => {
            let length = ssor_cg::Workspace::<f64>::required_len(problem.order(), matrix.split_len());
            let mut storage = vec![0.0; length];
            let work = ssor_cg::Workspace::new(&problem, &mut storage)?;
            let options = ssor_cg::Options { stop, ..ssor_cg::Options::default() };
            seconds(|| {
                report = Some(ssor_cg::solve(&problem, &options, &mut Fixed(omega), x, work, &mut ()));
            })
        }
    };
    let report = report.ok_or("not run")??;
    Ok(format!("{time:e} {} {:e} {:?}", report.steps, report.relative_residual(), report.status))
}
