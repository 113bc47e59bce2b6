//! Block descent on sparse quadratics, blocks that do not touch minimised side by side.
//!
//! ```text
//! min ½ xᵀQx − cᵀx + Σ h_i(x_i),   x_i ← argmin over x_i alone = prox_{h_i/Q_ii}((c_i − Σ_{j≠i} Q_ij x_j)/Q_ii)
//! ```
//! with Q symmetric, sparse and positive definite (positive on its diagonal at least) and penalties that treat variables
//! one by one: boxes, λ‖x‖₁, labels that spread over a graph
//! ([`label_propagation`](southwell::descent::losses::label_propagation)). Two ways, as one [`Run`]:
//!
//! - [`by_colours`]: no two variables of a colour are coupled, so that all threads minimise over those of one colour at
//!   once. *Step*: a sweep over all colours. Iterates have the bits of a serial sweep over the matrix in the order of its
//!   colours.
//! - [`greedy`]: variables are cut into parts, consecutive ones. Inside its part a thread minimises over the variable
//!   that gains most, again and again; it keeps away from variables that are coupled to another part, so that no thread
//!   meets another. Those are the calling thread's, greedily as well, when the others are done. *Step*: so many
//!   minimisations in each part, and as many between the parts. This is another method than one greedy choice among all
//!   variables; what it does depends on the number of parts, which is an option, and not on the number of threads.
//!
//! Every minimisation lowers the objective, or leaves it. *Residual*: the largest dist(−g_i, ∂h_i(x_i)). *Memory*: `by_colours` a copy of
//! the matrix and 4 vectors; `greedy` 1 vector and an index a variable.
//!
//! *Fails* to share anything out: `by_colours` where there are many colours of few variables; `greedy` on a graph without an
//! order of narrow band, where almost all variables lie between parts and one thread works. A greedy choice looks at all
//! variables of its part.
//!
//! *Source*: Nutini, Laradji & Schmidt 2022 (greedy rules); colour classes are textbook.

use std::ops::Range;

use southwell::descent::Penalty;
use southwell::descent::penalties::Shape;
use southwell::linear::{Csr, Matrix};
use southwell::{DiagonalFault, Error, Observer, Real, Report, Run, Status, Stop, drive};
use southwell_simd::vector;

use super::coloured::Proximal;
use super::{Coloured, ColouredSweeps, Pool};

/// min ½ xᵀQx − cᵀx + Σ h_i(x_i).
#[derive(Debug)]
struct Checked<'a, T> {
    matrix: Csr<'a, T>,
    linear: &'a [T],
    shapes: Vec<Shape<T>>,
}

/// Refuses what cannot be minimised variable by variable.
fn check<'a, T: Real>(
    matrix: &Csr<'a, T>,
    linear: &'a [T],
    penalty: &impl Penalty<T>,
    stop: &Stop<T>,
    x: &[T],
) -> Result<Checked<'a, T>, Error> {
    let n = matrix.order();
    for (argument, vector) in [("linear", linear), ("x", x)] {
        if vector.len() != n {
            return Err(Error::Dimension { argument, expected: n, given: vector.len() });
        }
        if let Some(index) = vector::first_not_finite(vector) {
            return Err(Error::Value { argument, index });
        }
    }
    stop.check()?;
    penalty.check(n)?;
    if let Some(row) = (0..n).find(|&row| matrix.diagonal(row).is_none_or(|d| d <= T::ZERO)) {
        return Err(Error::Diagonal { row, fault: DiagonalFault::NotPositive });
    }
    let coupled = Error::Option { name: "penalty", requirement: "must treat variables one by one" };
    let shapes = (0..n).map(|i| penalty.shape(i).ok_or(coupled)).collect::<Result<_, _>>()?;
    Ok(Checked { matrix: *matrix, linear, shapes })
}

/// The largest violation; g may be handed over with the other sign.
fn largest<T: Real>(shapes: &[Shape<T>], x: &[T], g: &[T], sign: T) -> T {
    shapes.iter().zip(x.iter().zip(g)).fold(T::ZERO, |most, (shape, (&x, &g))| {
        let violation = shape.violation(x, sign * g);
        if violation > most || violation.partial_cmp(&violation).is_none() { violation } else { most }
    })
}

/// Minimises over the variables of one colour after the other from the x that is handed in; see the
/// [module](self). x holds the last iterate.
///
/// # Errors
/// [`Error::Dimension`] and [`Error::Value`] for c and x, [`Error::Diagonal`] for a diagonal that is not positive,
/// [`Error::Option`] for tolerances and for a penalty that couples variables, and what the penalty refuses. x is untouched then.
pub fn by_colours<T: Real>(
    pool: &Pool,
    (matrix, linear): (&Csr<'_, T>, &[T]),
    penalty: &impl Penalty<T>,
    stop: &Stop<T>,
    x: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let Checked { shapes, .. } = check(matrix, linear, penalty, stop, x)?;
    let coloured = Coloured::greedy(matrix)?;
    let shapes: Vec<Shape<T>> = coloured.order_of_rows().iter().map(|&row| shapes[row as usize]).collect();
    let linear = coloured.permute(linear);
    let mut place = coloured.permute(x);
    let (rest, sweeps) = (vec![T::ZERO; x.len()], coloured.sweeps(pool));
    let mut run = Colours { sweeps, shapes: &shapes, linear: &linear, x: &mut place, rest };
    let report = drive(&mut run, stop, observer);
    if report.status != Status::NotFinite {
        x.copy_from_slice(&coloured.restore(&place));
    }
    Ok(report)
}

#[derive(Debug)]
struct Colours<'a, T> {
    sweeps: ColouredSweeps<'a, T>,
    shapes: &'a [Shape<T>],
    linear: &'a [T],
    x: &'a mut [T],
    rest: Vec<T>,
}

impl<T: Real> Run for Colours<'_, T> {
    type Real = T;
    fn step(&mut self) {
        self.sweeps.minimise(&Proximal { rhs: self.linear, shapes: self.shapes }, self.x);
    }
    fn residual(&mut self) -> T {
        self.sweeps.residual(self.linear, self.x, &mut self.rest);
        largest(self.shapes, self.x, &self.rest, -T::ONE)
    }
    fn parameter(&self) -> T {
        T::ONE
    }
}

/// How [`greedy`] cuts a problem up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Parts, of consecutive variables. As many as there are cores, or a few times as many; at least 1.
    pub count: usize,
    /// Minimisations in a part, and between the parts, that make a step; at least 1.
    pub steps: usize,
}

impl Default for Parts {
    fn default() -> Self {
        Self { count: 16, steps: 64 }
    }
}

/// Minimises over the variables that gain most, part by part, from the x that is handed in; see the [module](self).
/// x holds the last iterate.
///
/// # Errors
/// As [`by_colours`]; [`Error::Option`] for no parts or no steps.
pub fn greedy<T: Real>(
    pool: &Pool,
    parts: Parts,
    (matrix, linear): (&Csr<'_, T>, &[T]),
    penalty: &impl Penalty<T>,
    stop: &Stop<T>,
    x: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    if parts.count == 0 || parts.steps == 0 {
        return Err(Error::Option {
            name: "parts",
            requirement: "must be at least one, of at least one step",
        });
    }
    let problem = check(matrix, linear, penalty, stop, x)?;
    let size = x.len().div_ceil(parts.count).max(1);
    let within = |row: usize| {
        let part = row / size;
        matrix.row(row).0.iter().all(|&column| column as usize / size == part)
    };
    let (mut inner, mut between) = (Vec::new(), Vec::new());
    for first in (0..x.len()).step_by(size) {
        let range = first..(first + size).min(x.len());
        let (own, others): (Vec<u32>, Vec<u32>) =
            range.clone().map(|row| row as u32).partition(|&row| within(row as usize));
        inner.push((range, own));
        between.extend(others);
    }
    let mut start = x.to_vec();
    let mut run =
        Greedy { pool, problem, inner, between, size, steps: parts.steps, x: &mut start, g: Vec::new() };
    run.gradient();
    let report = drive(&mut run, stop, observer);
    if report.status != Status::NotFinite {
        x.copy_from_slice(&start);
    }
    Ok(report)
}

#[derive(Debug)]
struct Greedy<'a, T> {
    pool: &'a Pool,
    problem: Checked<'a, T>,
    /// The parts, and those of their variables that are coupled to no other part.
    inner: Vec<(Range<usize>, Vec<u32>)>,
    between: Vec<u32>,
    size: usize,
    steps: usize,
    x: &'a mut [T],
    /// Qx − c, kept up.
    g: Vec<T>,
}

impl<T: Real> Checked<'_, T> {
    /// Minimises over the variable that gains most, so many times; x and g begin at variable `first`, and hold all that
    /// these variables are coupled with.
    fn minimise(&self, variables: &[u32], steps: usize, first: usize, x: &mut [T], g: &mut [T]) {
        for _ in 0..steps {
            let mut best = (T::ZERO, None);
            for &i in variables {
                let (shape, at) = (&self.shapes[i as usize], i as usize - first);
                let l = self.matrix.diagonal(i as usize).unwrap_or(T::ONE);
                let d = shape.prox(T::ONE / l, x[at] - g[at] / l) - x[at];
                let gain = shape.progress(x[at], d, g[at], l);
                if gain > best.0 {
                    best = (gain, Some((i as usize, d)));
                }
            }
            let Some((i, d)) = best.1 else { return };
            let before = x[i - first];
            x[i - first] += d;
            // What x has really moved by, so that g is its gradient.
            let d = x[i - first] - before;
            if d == T::ZERO {
                return;
            }
            let (columns, values) = self.matrix.row(i);
            columns.iter().zip(values).for_each(|(&j, &a)| g[j as usize - first] += d * a);
        }
    }
}

impl<T: Real> Greedy<'_, T> {
    fn gradient(&mut self) {
        self.g.resize(self.x.len(), T::ZERO);
        self.problem.matrix.apply(self.x, &mut self.g);
        vector::axpy(-T::ONE, self.problem.linear, &mut self.g);
    }
}

impl<T: Real> Run for Greedy<'_, T> {
    type Real = T;
    fn step(&mut self) {
        let Self { pool, problem, inner, between, size, steps, x, g } = self;
        let parts = inner.iter().zip(x.chunks_mut(*size).zip(g.chunks_mut(*size)));
        pool.each(parts, |((range, variables), (x, g))| {
            problem.minimise(variables, *steps, range.start, x, g)
        });
        problem.minimise(between, *steps, 0, x, g);
    }
    fn residual(&mut self) -> T {
        largest(&self.problem.shapes, self.x, &self.g, T::ONE)
    }
    fn confirm(&mut self, _tolerance: T) -> Option<T> {
        self.gradient();
        Some(self.residual())
    }
    fn parameter(&self) -> T {
        T::ONE
    }
}
