//! Samples by features, owned.

use southwell::Error;
use southwell::linear::{Columns, Csc, Design};

use crate::files::{DenseMatrix, SparseMatrix};

/// A design matrix that owns its entries, stored by columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples(Stored);

#[derive(Clone, Debug, PartialEq)]
enum Stored {
    Dense { rows: usize, columns: usize, values: Vec<f64> },
    Sparse { rows: usize, offsets: Vec<u32>, indices: Vec<u32>, values: Vec<f64> },
}

impl Samples {
    /// A dense design, a row a sample. What does not fit is refused where it is used.
    #[must_use]
    pub fn dense(samples: DenseMatrix) -> Self {
        let DenseMatrix { rows, columns, values } = samples;
        let by_columns = if rows.checked_mul(columns) == Some(values.len()) {
            (0..columns)
                .flat_map(|j| (0..rows).map(move |i| (i, j)))
                .map(|(i, j)| values[i * columns + j])
                .collect()
        } else {
            values
        };
        Self(Stored::Dense { rows, columns, values: by_columns })
    }

    /// A sparse design, a row a sample.
    ///
    /// # Errors
    /// What [`SparseView::check`](crate::files::SparseView::check) refuses.
    pub fn sparse(samples: &SparseMatrix) -> Result<Self, Error> {
        samples.view().check()?;
        let mut offsets = vec![0_u32; samples.columns + 1];
        for &column in &samples.column_indices {
            offsets[column as usize + 1] += 1;
        }
        for column in 0..samples.columns {
            offsets[column + 1] += offsets[column];
        }
        let mut next = offsets.clone();
        let (mut indices, mut values) = (vec![0; samples.values.len()], vec![0.0; samples.values.len()]);
        for (row, pair) in samples.row_offsets.windows(2).enumerate() {
            for entry in pair[0] as usize..pair[1] as usize {
                let place = &mut next[samples.column_indices[entry] as usize];
                indices[*place as usize] =
                    u32::try_from(row).map_err(|_| Error::TooLarge { argument: "samples" })?;
                values[*place as usize] = samples.values[entry];
                *place += 1;
            }
        }
        Ok(Self(Stored::Sparse { rows: samples.rows, offsets, indices, values }))
    }

    /// Samples and features.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match &self.0 {
            Stored::Dense { rows, columns, .. } => (*rows, *columns),
            Stored::Sparse { rows, offsets, .. } => (*rows, offsets.len().saturating_sub(1)),
        }
    }

    /// Entries that are stored.
    #[must_use]
    pub fn entries(&self) -> usize {
        match &self.0 {
            Stored::Dense { values, .. } | Stored::Sparse { values, .. } => values.len(),
        }
    }

    /// The design, borrowed and checked.
    ///
    /// # Errors
    /// What [`Columns`] and [`Csc`] refuse.
    pub fn view(&self) -> Result<SamplesView<'_>, Error> {
        Ok(SamplesView(match &self.0 {
            Stored::Dense { rows, columns, values } => View::Dense(Columns::new(values, *rows, *columns)?),
            Stored::Sparse { rows, offsets, indices, values } => {
                View::Sparse(Csc::new(offsets, indices, values, *rows)?)
            }
        }))
    }
}

/// A borrowed design, dense or sparse: solvers that do not care are compiled once for both.
#[derive(Clone, Copy, Debug)]
pub struct SamplesView<'a>(pub(super) View<'a>);

#[derive(Clone, Copy, Debug)]
pub(super) enum View<'a> {
    Dense(Columns<'a, f64>),
    Sparse(Csc<'a, f64>),
}

macro_rules! either {
    ($self:ident, $view:ident => $call:expr) => {
        match &$self.0 {
            View::Dense($view) => $call,
            View::Sparse($view) => $call,
        }
    };
}

impl Design<f64> for SamplesView<'_> {
    fn rows(&self) -> usize {
        either!(self, view => view.rows())
    }
    fn columns(&self) -> usize {
        either!(self, view => Design::columns(view))
    }
    fn visit(&self, column: usize, each: impl FnMut(usize, f64)) {
        either!(self, view => view.visit(column, each));
    }
    fn dot(&self, column: usize, v: &[f64]) -> f64 {
        either!(self, view => view.dot(column, v))
    }
    fn add_scaled(&self, column: usize, alpha: f64, v: &mut [f64]) {
        either!(self, view => view.add_scaled(column, alpha, v));
    }
    fn gram(&self, column: usize, other: usize) -> f64 {
        either!(self, view => view.gram(column, other))
    }
    fn weighted_gram(&self, column: usize, other: usize, w: &[f64]) -> f64 {
        either!(self, view => view.weighted_gram(column, other, w))
    }
    fn transposed(&self, v: &[f64], out: &mut [f64]) {
        either!(self, view => view.transposed(v, out));
    }
    fn transposed_from(&self, first: usize, v: &[f64], out: &mut [f64]) {
        either!(self, view => view.transposed_from(first, v, out));
    }
    fn dots(&self, columns: &[u32], v: &[f64], out: &mut [f64]) {
        either!(self, view => view.dots(columns, v, out));
    }
    fn transposed_squares(&self, v: &[f64], out: &mut [f64], squares: &mut [f64]) {
        either!(self, view => view.transposed_squares(v, out, squares));
    }
    fn apply(&self, x: &[f64], out: &mut [f64]) {
        either!(self, view => view.apply(x, out));
    }
    fn square(&self, column: usize) -> f64 {
        either!(self, view => view.square(column))
    }
    fn add_weighted(&self, column: usize, alpha: f64, w: &[f64], v: &mut [f64]) {
        either!(self, view => view.add_weighted(column, alpha, w, v));
    }
    fn entries(&self, column: usize) -> usize {
        either!(self, view => view.entries(column))
    }
}
