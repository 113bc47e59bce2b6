//! Any loss behind one type: whatever is combined with it is compiled once.

use southwell::Error;
use southwell::descent::Loss;
use southwell::descent::losses::{
    Huber, LeastSquares, Logistic, Quadratic, Softmax, label_propagation, label_propagation_len,
};
use southwell::linear::{Csr, Dense, Matrix};

use super::Smooth;
use crate::owned::samples::SamplesView;

type View<'a> = SamplesView<'a>;

/// A loss that borrows its data.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnyLoss<'a> {
    Squares(LeastSquares<'a, f64, View<'a>>),
    Huber(Huber<'a, f64, View<'a>>),
    Logistic(Logistic<'a, f64, View<'a>>),
    Softmax(Softmax<'a, View<'a>>),
    Sparse(Quadratic<'a, f64, Csr<'a, f64>>),
    Dense(Quadratic<'a, f64, Dense<'a, f64>>),
}

/// Memory of a loss that is put together.
#[derive(Debug, Default)]
pub(super) struct Memory {
    numbers: Vec<f64>,
    indices: Vec<u32>,
}

impl<'a> AnyLoss<'a> {
    /// The loss, and of label propagation which vertex every variable is.
    pub(super) fn new(
        smooth: &'a Smooth,
        memory: &'a mut Memory,
    ) -> Result<(Self, Option<&'a [u32]>), Error> {
        let loss = match smooth {
            Smooth::LeastSquares { samples, y } => Self::Squares(LeastSquares::new(samples.view()?, y)?),
            Smooth::Huber { samples, y, delta } => Self::Huber(Huber::new(samples.view()?, y, *delta)?),
            Smooth::Logistic { samples, y } => Self::Logistic(Logistic::new(samples.view()?, y)?),
            Smooth::Softmax { samples, classes, labels } => {
                Self::Softmax(Softmax::new::<f64>(samples.view()?, *classes, labels)?)
            }
            Smooth::Quadratic { matrix, linear } => {
                let view = Csr::new(&matrix.row_offsets, &matrix.column_indices, &matrix.values)?;
                symmetric(|each| {
                    (0..view.order()).find_map(|i| {
                        let (columns, values) = view.row(i);
                        let mut entries = columns.iter().zip(values);
                        entries.find_map(|(&j, &q)| each(i, j as usize, q, view.get(j as usize, i)))
                    })
                })?;
                Self::Sparse(Quadratic::new(view, linear)?)
            }
            Smooth::DenseQuadratic { matrix, linear } => {
                let (n, q) = (matrix.rows, &matrix.values);
                let view = Dense::new(q, n, matrix.columns)?;
                let mut pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
                symmetric(|each| pairs.find_map(|(i, j)| each(i, j, q[i * n + j], q[j * n + i])))?;
                Self::Dense(Quadratic::new(view, linear)?)
            }
            Smooth::Labels { graph, labelled, values } => {
                let view = Csr::new(&graph.row_offsets, &graph.column_indices, &graph.values)?;
                let (n, m) = label_propagation_len(view.order(), view.entries(), labelled.len());
                memory.numbers = vec![0.0; n];
                memory.indices = vec![0; m];
                let (loss, vertices) =
                    label_propagation(&view, labelled, values, &mut memory.numbers, &mut memory.indices)?;
                return Ok((Self::Sparse(loss), Some(vertices)));
            }
        };
        Ok((loss, None))
    }

    /// The matrix of a sparse quadratic.
    pub(super) fn graph(&self) -> Option<&Csr<'a, f64>> {
        match self {
            Self::Sparse(loss) => Some(loss.matrix()),
            _ => None,
        }
    }
}

/// Refuses a matrix with an entry that differs from its mirror image by more than rounding. `walk` hands entries to
/// its argument and breaks off at the first place that this returns.
fn symmetric(
    walk: impl FnOnce(&dyn Fn(usize, usize, f64, f64) -> Option<(usize, usize)>) -> Option<(usize, usize)>,
) -> Result<(), Error> {
    let differ = |row: usize, column: usize, a: f64, b: f64| {
        ((a - b).abs() > 1e-12 * a.abs().max(b.abs())).then_some((row, column))
    };
    match walk(&differ) {
        Some((row, column)) => Err(Error::Asymmetric { argument: "matrix", row, column }),
        None => Ok(()),
    }
}

macro_rules! each {
    ($self:ident, $it:ident => $call:expr) => {
        match $self {
            AnyLoss::Squares($it) => $call,
            AnyLoss::Huber($it) => $call,
            AnyLoss::Logistic($it) => $call,
            AnyLoss::Softmax($it) => $call,
            AnyLoss::Sparse($it) => $call,
            AnyLoss::Dense($it) => $call,
        }
    };
}

impl Loss<f64> for AnyLoss<'_> {
    fn variables(&self) -> usize {
        each!(self, it => Loss::<f64>::variables(it))
    }
    fn state_len(&self) -> usize {
        each!(self, it => Loss::<f64>::state_len(it))
    }
    fn begin(&self, x: &[f64], state: &mut [f64]) {
        each!(self, it => it.begin(x, state));
    }
    fn shift(&self, i: usize, delta: f64, state: &mut [f64]) {
        each!(self, it => it.shift(i, delta, state));
    }
    fn value(&self, x: &[f64], state: &[f64]) -> f64 {
        each!(self, it => it.value(x, state))
    }
    fn partial(&self, i: usize, state: &[f64]) -> f64 {
        each!(self, it => it.partial(i, state))
    }
    fn lipschitz(&self, i: usize) -> f64 {
        each!(self, it => it.lipschitz(i))
    }
    fn finish(&self, state: &mut [f64]) {
        each!(self, it => it.finish(state));
    }
    fn gradient_len(&self) -> usize {
        each!(self, it => Loss::<f64>::gradient_len(it))
    }
    fn gradient<'s>(&self, state: &'s [f64], out: &'s mut [f64]) -> &'s [f64] {
        each!(self, it => it.gradient(state, out))
    }
    fn bound(&self, block: &[u32], out: &mut [f64]) {
        each!(self, it => it.bound(block, out));
    }
    fn hessian(&self, state: &mut [f64], block: &[u32], out: &mut [f64]) {
        each!(self, it => it.hessian(state, block, out));
    }
    fn row_sum(&self, i: usize) -> f64 {
        each!(self, it => it.row_sum(i))
    }
    fn bound_times(&self, v: &[f64], scratch: &mut [f64], out: &mut [f64]) {
        each!(self, it => it.bound_times(v, scratch, out));
    }
    fn row(&self, i: usize, each: impl FnMut(usize, f64)) -> bool {
        each!(self, it => it.row(i, each))
    }
}
