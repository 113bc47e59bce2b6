//! Entropic transport between what files hold, over ranks.

use std::path::Path;

use southwell::omega::{Eager, Fixed, OmegaRule};
use southwell::transport::{self, Cost, DenseCost, Ground, PointCost, Potentials};
use southwell::{Observer, Progress, Report, Status, Stop};
use southwell_simd::elementary::exp_scalar;

use super::{BLOCKS, Saving, Size, refused, until};
use crate::cluster::partition::Sums;
use crate::cluster::{Communicator, Fault, Partition, agree, checkpoint, newton, read, sinkhorn};
use crate::files::{self, FileError, npy, npz};

/// Where costs come from.
#[derive(Clone, Copy, Debug)]
pub enum Costs<'a> {
    /// A NumPy matrix.
    Matrix(&'a Path),
    /// Two NumPy matrices of points, a row a point; costs are made when they are needed. All ranks hold y.
    Points {
        /// The points of the rows.
        x: &'a Path,
        /// The points of the columns.
        y: &'a Path,
        /// What a distance is.
        ground: Ground,
    },
}

/// How it is solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Sinkhorn's iteration in the log domain.
    Log,
    /// The same over-relaxed, omega found on the way ([`Eager`]).
    OverRelaxed,
    /// Sinkhorn-Newton-Sparse. It takes few steps and keeps no checkpoints.
    NewtonSparse,
}

/// The problem, and where its parts go.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The costs.
    pub costs: Costs<'a>,
    /// The masses of the rows (NumPy). None: the same for all.
    pub a: Option<&'a Path>,
    /// The masses of the columns; all ranks hold them.
    pub b: Option<&'a Path>,
    /// The weight of the entropy, or a share of the largest cost.
    pub epsilon: Size,
    /// The method.
    pub method: Method,
    /// Tolerances, and the steps of the whole run. Every step is looked at.
    pub stop: Stop<f64>,
    /// An archive of f and g to begin with.
    pub warm_start: Option<&'a Path>,
    /// Checkpoints.
    pub saving: Option<Saving<'a>>,
    /// Where the coupling goes, rank by rank.
    pub plan: Option<&'a Path>,
    /// Where f and g go.
    pub potentials: Option<&'a Path>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Coupled {
    /// How the run ended; steps of the whole run.
    pub report: Report<f64>,
    /// Rows and columns of the costs.
    pub shape: (usize, usize),
    /// The weight of the entropy.
    pub epsilon: f64,
    /// The omega of the last step; of Newton's method its step length.
    pub parameter: f64,
    /// Newton steps.
    pub newton_steps: u32,
    /// ⟨P, C⟩ of the coupling as it is, its marginals off by the residual.
    pub cost: f64,
    /// Σ P
    pub mass: f64,
    /// The step that was gone on from.
    pub resumed: Option<u32>,
    /// The potentials of this rank's rows.
    pub f: Vec<f64>,
    /// The potentials of all columns.
    pub g: Vec<f64>,
}

/// Reads, solves and writes. Made by all ranks together.
///
/// # Errors
/// [`Fault::Refused`] for files that cannot be read or written or do not fit, for what the method refuses, and for checkpoints of
/// another problem; [`Fault::Ranks`] for more ranks than 64 or rows; those of the communicator.
pub fn run<C: Communicator + ?Sized>(
    communicator: &C,
    setting: &Setting<'_>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Coupled, Fault> {
    let (rank, size) = (communicator.rank(), communicator.size());
    let by = |items| Partition::in_blocks(items, BLOCKS, size);
    match setting.costs {
        Costs::Matrix(path) => {
            let (values, m, rows) = read::npy_by(communicator, path, by)?;
            let mut rest = &values[..];
            let views = rows.blocks_of(rank).map(|block| {
                let n = rows.items_in(block).len();
                let (here, after) = rest.split_at(n * m);
                rest = after;
                DenseCost::new(here, n, m, m)
            });
            let views = agree(communicator, views.collect::<Result<Vec<_>, _>>())?;
            solve(communicator, setting, &rows, &views, m, observer)
        }
        Costs::Points { x, y, ground } => {
            let (x, dimension, rows) = read::npy_by(communicator, x, by)?;
            let y = agree(communicator, npy::read_matrix(y))?;
            if y.columns != dimension {
                let words = format!("the points of x have {dimension} coordinates, those of y {}", y.columns);
                return agree(communicator, Err(words));
            }
            let m = y.rows;
            let blocks = rows.blocks_of(rank);
            let each = PointCost::<f64>::required_len(m, dimension).max(1);
            let mut storage = vec![0.0; each * blocks.len()];
            let mut rest = &x[..];
            let views = blocks.zip(storage.chunks_exact_mut(each)).map(|(block, storage)| {
                let (here, after) = rest.split_at(rows.items_in(block).len() * dimension);
                rest = after;
                PointCost::new(here, &y.values, dimension, ground, storage)
            });
            let views = agree(communicator, views.collect::<Result<Vec<_>, _>>())?;
            solve(communicator, setting, &rows, &views, m, observer)
        }
    }
}

/// This rank's masses of rows and all masses of columns, uniform where none are given.
fn marginals<C: Communicator + ?Sized>(
    communicator: &C,
    setting: &Setting<'_>,
    rows: &Partition,
    m: usize,
) -> Result<(Vec<f64>, Vec<f64>), Fault> {
    let b = setting.b.map(|path| agree(communicator, files::read_vector(path))).transpose()?;
    let a = match setting.a {
        Some(path) => {
            let by = |items| match items == rows.items() {
                true => Ok(rows.clone()),
                false => {
                    let n = rows.items();
                    Err(refused(format!("{}: {items} masses for {n} rows of costs", path.display())))
                }
            };
            read::npy_by(communicator, path, by)?.0
        }
        None => {
            let mass = b.as_ref().map_or(1.0, |b| b.iter().sum());
            vec![mass / rows.items() as f64; rows.items_of(communicator.rank()).len()]
        }
    };
    let b = match b {
        Some(b) => b,
        None => {
            let mut sums = Sums::new(rows, communicator.rank(), 1);
            let ([mass], _) =
                sums.total(communicator, false, |own| [southwell_simd::vector::sum(&a[own])])?;
            vec![mass / m as f64; m]
        }
    };
    Ok((a, b))
}

fn solve<C: Communicator + ?Sized, K: Cost<f64>>(
    communicator: &C,
    setting: &Setting<'_>,
    rows: &Partition,
    costs: &[K],
    m: usize,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Coupled, Fault> {
    let rank = communicator.rank();
    let n = rows.items();
    if n == 0 || m == 0 {
        return Err(refused(format!("the costs are {n} × {m}: there is nothing to transport")));
    }
    let (a, b) = marginals(communicator, setting, rows, m)?;
    let mut largest = [costs.iter().map(Cost::largest).fold(0.0, f64::max)];
    communicator.max(&mut largest)?;
    let epsilon = setting.epsilon.of(largest[0]);
    let problem = sinkhorn::Problem::new(communicator, rows.clone(), costs, &a, &b, epsilon)?;
    let own = rows.items_of(rank);
    let (mut f, mut g) = (vec![0.0; own.len()], vec![0.0; m]);
    if let Some(path) = setting.warm_start {
        let [all, columns] = agree(communicator, npz::read_potentials(path, ["f", "g"]))?;
        if all.len() != n || columns.len() != m {
            let words = format!("{}: {} and {} potentials", path.display(), all.len(), columns.len());
            return Err(refused(format!("{words}, but the costs are {n} × {m}")));
        }
        f.copy_from_slice(&all[own.clone()]);
        g = columns;
        // A line that had no mass when they were found has none to start from.
        for (x, weight) in f.iter_mut().zip(&a).chain(g.iter_mut().zip(&b)) {
            if *weight > 0.0 && *x == f64::NEG_INFINITY {
                *x = 0.0;
            }
        }
    }
    let saving = setting.saving.as_ref();
    let identity = [epsilon, largest[0], problem.mass, f64::from(setting.method as u8)];
    let (mut looks, mut resumed) = (Vec::new(), None);
    if let Some(saving) = saving.filter(|saving| saving.resume) {
        let names = ["identity", "g", "steps", "residuals"];
        let restored = checkpoint::restore(communicator, saving.path, rows, 1, &names)?;
        let mut common = restored.common.into_iter();
        let mut array = || common.next().unwrap_or_default();
        let (stored, columns, steps, residuals) = (array(), array(), array(), array());
        // The potential of a line without mass is kept as 0: archives hold finite numbers.
        let fits = stored == identity && columns.len() == m && steps.len() == residuals.len();
        let why = "the checkpoint is of another problem: the costs, the masses, epsilon or the method differ";
        agree(communicator, if fits && !steps.is_empty() { Ok(()) } else { Err(why) })?;
        (f, g) = (restored.x, columns);
        looks = steps.iter().map(|&step| step as u32).zip(residuals).collect();
        resumed = Some(restored.step as u32);
    }
    let x = Potentials { f: &mut f, g: &mut g };
    let (report, parameter, newton_steps) = if setting.method == Method::NewtonSparse {
        if saving.is_some() {
            return Err(refused("Newton's method takes few steps and keeps no checkpoints".to_owned()));
        }
        let options = transport::newton::Options { stop: setting.stop, ..Default::default() };
        let mut sigma = 0.0;
        let mut observer = Noting { seen: &mut sigma, done: 0, inner: observer };
        let (report, work) = newton::solve(&problem, &options, m, x, &mut observer)?;
        (report, sigma, work.newton_steps)
    } else {
        let (report, omega) = iterate(&problem, setting, x, &mut looks, &identity, observer)?;
        (report, omega, 0)
    };
    let (cost, mass) = value(communicator, rows, costs, epsilon, &f, &g)?;
    let coupled =
        Coupled { report, shape: (n, m), epsilon, parameter, newton_steps, cost, mass, resumed, f, g };
    write(communicator, setting, rows, costs, &coupled)?;
    Ok(coupled)
}

/// Sinkhorn's iteration from one checkpoint to the next.
fn iterate<C: Communicator + ?Sized, K: Cost<f64>>(
    problem: &sinkhorn::Problem<'_, C, K>,
    setting: &Setting<'_>,
    x: Potentials<'_, f64>,
    looks: &mut Vec<(u32, f64)>,
    identity: &[f64],
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<(Report<f64>, f64), Fault> {
    let (saving, most) = (setting.saving.as_ref(), setting.stop.max_steps);
    let (mut omega, mut done) = (1.0, looks.last().map_or(0, |look| look.0));
    loop {
        let stop = Stop { max_steps: until(saving, done, most), check_every: 1, ..setting.stop };
        let options = transport::sinkhorn::Options { stop };
        let mut rule: Box<dyn OmegaRule<f64>> = match setting.method {
            Method::OverRelaxed => Box::new(Eager::default()),
            _ => Box::new(Fixed(1.0)),
        };
        let mut noting = Noting { seen: &mut omega, done, inner: &mut *observer };
        let part = Potentials { f: &mut *x.f, g: &mut *x.g };
        let mut report = sinkhorn::solve_on(problem, &options, &mut *rule, part, looks, &mut noting)?;
        done += report.steps;
        if let Some(saving) = saving {
            let finite = |values: &[f64]| -> Vec<f64> {
                values.iter().map(|&x| if x == f64::NEG_INFINITY { 0.0 } else { x }).collect()
            };
            let (f, g) = (finite(x.f), finite(x.g));
            let (steps, residuals): (Vec<f64>, Vec<f64>) =
                looks.iter().map(|&(step, residual)| (f64::from(step), residual)).unzip();
            let common: [(&str, &[f64]); 4] =
                [("identity", identity), ("g", &g), ("steps", &steps), ("residuals", &residuals)];
            let (communicator, rows) = (problem.communicator, &problem.rows);
            checkpoint::save(communicator, saving.path, rows, 1, u64::from(done), &f, &common)?;
        }
        if report.status != Status::StepLimit || done >= most {
            report.steps = done;
            report.initial_residual = looks.first().map_or(report.residual, |look| look.1);
            return Ok((report, omega));
        }
    }
}

/// An observer that counts the steps of the parts before, and notes the parameter.
struct Noting<'a, O: ?Sized> {
    seen: &'a mut f64,
    done: u32,
    inner: &'a mut O,
}

impl<O: Observer<f64> + ?Sized> Observer<f64> for Noting<'_, O> {
    fn observe(&mut self, progress: &Progress<f64>) -> std::ops::ControlFlow<()> {
        *self.seen = progress.parameter;
        self.inner.observe(&Progress { step: progress.step + self.done, ..*progress })
    }
    fn every_step(&self) -> bool {
        self.inner.every_step()
    }
}

/// A row of the coupling.
fn couple(epsilon: f64, f: f64, g: &[f64], costs: &[f64], to: &mut [f64]) {
    for ((p, &g), &c) in to.iter_mut().zip(g).zip(costs) {
        let exponent = (f + g - c) / epsilon;
        *p = if exponent == f64::NEG_INFINITY { 0.0 } else { exp_scalar(exponent) };
    }
}

/// ⟨P, C⟩ and Σ P: one reading.
fn value<C: Communicator + ?Sized, K: Cost<f64>>(
    communicator: &C,
    rows: &Partition,
    costs: &[K],
    epsilon: f64,
    f: &[f64],
    g: &[f64],
) -> Result<(f64, f64), Fault> {
    let (mut buffer, mut p, mut views) = (vec![0.0; g.len()], vec![0.0; g.len()], costs.iter());
    let ([cost, mass], _) = Sums::new(rows, communicator.rank(), 1).total(communicator, false, |own| {
        let (mut cost, mut mass) = (0.0, 0.0);
        if let Some(view) = views.next() {
            for (i, &f) in f[own].iter().enumerate() {
                let row = view.row(i, &mut buffer);
                couple(epsilon, f, g, row, &mut p);
                cost += southwell_simd::vector::dot(row, &p);
                mass += southwell_simd::vector::sum(&p);
            }
        }
        [cost, mass]
    })?;
    Ok((cost, mass))
}

fn write<C: Communicator + ?Sized, K: Cost<f64>>(
    communicator: &C,
    setting: &Setting<'_>,
    rows: &Partition,
    costs: &[K],
    found: &Coupled,
) -> Result<(), Fault> {
    let Coupled { f, g, epsilon, .. } = found;
    if let Some(path) = setting.potentials {
        let counts: Vec<usize> = (0..rows.ranks()).map(|rank| rows.items_of(rank).len()).collect();
        let mut all = vec![0.0; rows.items()];
        communicator.gather(f, &counts, &mut all)?;
        let written = match communicator.rank() {
            0 => npz::write(path, &[("f", &all), ("g", g)]),
            _ => Ok::<_, FileError>(()),
        };
        agree(communicator, written)?;
    }
    if let Some(path) = setting.plan {
        let each = rows.items_in(0).len().max(1);
        let mut buffer = vec![0.0; g.len()];
        read::write_npy_rows(communicator, path, rows, g.len(), |k, to| {
            if let Some(view) = costs.get(k / each) {
                couple(*epsilon, f[k], g, view.row(k % each, &mut buffer), to);
            }
        })?;
    }
    Ok(())
}
