//! Costs of transport in a file.

use southwell::Error;
use southwell::transport::Cost;
use southwell_simd::{elementary, vector};

use super::{Element, Fault, Rows};

/// Costs C (n × m) in a NumPy file in C order, read row after row.
///
/// A reading of the costs is a pass over the file; a step of
/// [`sinkhorn`](southwell::transport::sinkhorn) makes one, and nothing of the size of the costs is kept. After a
/// [`fault`](Rows::fault) of its rows every answer is NaN, and runs end as `NotFinite`.
#[derive(Debug)]
pub struct DiskCost<T: Element> {
    file: Rows<T>,
    largest: T,
    sum: T,
}

impl<T: Element> DiskCost<T> {
    /// Looks at all costs. Cost: a pass.
    ///
    /// # Errors
    /// [`Fault::Content`] for a NaN, an infinity or a negative cost, with what
    /// [`DenseCost`](southwell::transport::DenseCost) says of it; the other faults of a pass.
    pub fn new(file: Rows<T>) -> Result<Self, Fault> {
        let (mut largest, mut sum, mut bad) = (T::ZERO, T::ZERO, None);
        let columns = file.columns();
        file.pass(|first, block| {
            for (k, row) in block.chunks_exact(columns.max(1)).enumerate() {
                if bad.is_some() {
                    return;
                }
                let index = |position| (first + k) * columns + position;
                if let Some(position) = vector::first_not_finite(row) {
                    bad = Some(Error::Value { argument: "cost", index: index(position) });
                } else if let Some(position) = row.iter().position(|&c| c < T::ZERO) {
                    bad = Some(Error::Negative { argument: "cost", index: index(position) });
                }
                largest = largest.max(vector::max_abs(row));
                sum += vector::sum(row);
            }
        })?;
        match bad {
            Some(source) => Err(Fault::Content { path: file.path().to_owned(), source }),
            None => Ok(Self { file, largest, sum }),
        }
    }

    /// The rows of the file.
    #[must_use]
    pub fn file(&self) -> &Rows<T> {
        &self.file
    }

    /// The sum of all costs, in a fixed order: with the shape and the largest cost it tells one file from another.
    #[must_use]
    pub fn sum(&self) -> T {
        self.sum
    }
}

impl<T: Element> Cost<T> for DiskCost<T> {
    fn rows(&self) -> usize {
        self.file.rows()
    }
    fn columns(&self) -> usize {
        self.file.columns()
    }
    fn largest(&self) -> T {
        self.largest
    }
    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
        if self.file.row(row, buffer).is_err() {
            buffer.fill(T::NAN);
        }
        buffer
    }
    fn scratch_len(&self) -> usize {
        self.columns()
    }
    fn pass(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        columns: &mut [T],
        scratch: &mut [T],
    ) {
        let inverse = T::ONE / epsilon;
        columns.fill(T::ZERO);
        let width = columns.len();
        let e = &mut scratch[..width];
        let read = self.file.pass(|first, block| {
            for (k, row) in block.chunks_exact(width.max(1)).enumerate() {
                let (m, sum) = elementary::exp_row(g, row, inverse, e);
                let w = weigh(first + k, m, sum);
                if w != T::ZERO {
                    vector::axpy(w, e, columns);
                }
            }
        });
        if read.is_err() {
            // Whatever the rows before the fault have given must not pass for the whole.
            for row in 0..self.rows() {
                weigh(row, T::NAN, T::NAN);
            }
            columns.fill(T::NAN);
        }
    }
}
