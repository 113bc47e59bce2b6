//! Measurement matrices of a recovery in a file.

use southwell::Error;
use southwell::subgradient::matrix::operator::{Dense, Operator};
use southwell::subgradient::matrix::{Factors, Gradient, Shape};
use southwell_simd::{dense, vector};

use super::{Element, Fault, Rows};

/// Dense matrices A_i in a NumPy file of shape (m, d₁, d₂) in C order: an iteration is one pass over it.
#[derive(Debug)]
pub struct DiskMeasurements<T: Element> {
    file: Rows<T>,
    rows: usize,
    columns: usize,
    square: T,
}

impl<T: Element> DiskMeasurements<T> {
    /// Looks at all entries. The file has three axes, or two where a row holds a matrix of `rows` × `columns`.
    /// Cost: a pass.
    ///
    /// # Errors
    /// [`Fault::Content`] for a shape that does not fit ([`Error::Dimension`]), and for a NaN or an infinity;
    /// the other faults of a pass.
    pub fn new(file: Rows<T>, rows: usize, columns: usize) -> Result<Self, Fault> {
        let content = |source| Fault::Content { path: file.path().to_owned(), source };
        let (expected, given) = (rows.saturating_mul(columns), file.columns());
        let fits = match *file.axes() {
            [_, d1, d2] => (d1, d2) == (rows, columns),
            ref axes => axes.len() == 2 && expected == given,
        };
        if !fits {
            return Err(content(Error::Dimension { argument: "values", expected, given }));
        }
        // What a view in memory says of the shape.
        Dense::<T>::new(&[], rows, columns).map_err(content)?;
        let (mut bad, mut square) = (None, T::ZERO);
        file.pass(|first, block| {
            // Matrix by matrix, so that the sum does not depend on the blocks.
            block.chunks(given.max(1)).for_each(|row| square += vector::dot(row, row));
            if bad.is_none() {
                bad = vector::first_not_finite(block).map(|index| first * given + index);
            }
        })?;
        match bad {
            Some(index) => Err(content(Error::Value { argument: "values", index })),
            None => Ok(Self { file, rows, columns, square }),
        }
    }

    /// The rows of the file, a matrix each.
    #[must_use]
    pub fn file(&self) -> &Rows<T> {
        &self.file
    }

    /// The sum of the squares of all entries: what tells one file from another.
    #[must_use]
    pub fn square(&self) -> T {
        self.square
    }

    /// All that does not depend on the entries, by the operator in memory.
    fn without_entries<R>(&self, call: impl FnOnce(&Dense<'_, T>) -> R) -> Option<R> {
        Dense::new(&[], self.rows, self.columns).ok().map(|dense| call(&dense))
    }

    /// A_i, NaN after a fault.
    fn entries(&self, i: usize) -> Vec<T> {
        let mut values = vec![T::NAN; self.file.columns()];
        if self.file.row(i, &mut values).is_err() {
            values.fill(T::NAN);
        }
        values
    }
}

impl<T: Element> Operator<T> for DiskMeasurements<T> {
    fn count(&self) -> usize {
        self.file.rows()
    }
    fn dimensions(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        Dense::<T>::scratch(shape)
    }
    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        self.without_entries(|dense| dense.open(x, scratch, gradient));
    }
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        // X is formed in front of Q.
        vector::dot(&self.entries(i), &scratch[..x.shape.entries()])
    }
    fn accumulate(&self, i: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        let n = x.shape.entries();
        vector::axpy(w, &self.entries(i), &mut scratch[n..2 * n]);
    }
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        self.without_entries(|dense| dense.close(scale, x, scratch, gradient));
    }
    fn formed<'s>(&self, shape: Shape, scratch: &'s [T]) -> Option<&'s [T]> {
        scratch.get(shape.entries()..)
    }
    fn pass(
        &self,
        scale: T,
        x: Factors<'_, T>,
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
        mut weigh: impl FnMut(usize, T) -> T,
    ) {
        self.open(x, scratch, gradient);
        let n = x.shape.entries();
        let (formed, rest) = scratch.split_at_mut(n);
        let q = &mut rest[..n];
        let read = self.file.pass(|first, values| {
            let block = dense::Matrix { values, columns: n, stride: n };
            dense::update_rows(block, formed, q, |k, product| weigh(first + k, product));
        });
        if read.is_err() {
            for i in 0..self.count() {
                weigh(i, T::NAN);
            }
            q.fill(T::NAN);
        }
        self.close(scale, x, scratch, gradient);
    }
}
