//! The loss of a robust fit whose rows are in a file.

use southwell::Error;
use southwell::subgradient::Oracle;
use southwell_simd::dense;

use super::{Element, Fault, Rows};

/// Least absolute deviations and quantiles, f(β) = Σ ρ_q(y_i − x_iᵀβ), as
/// [`Quantile`](southwell::subgradient::Quantile), with the rows x_i in a NumPy file (n × p) in C order.
///
/// For the methods that ask an oracle ([`method`](southwell::subgradient::method) and the like): a call is one
/// pass over the file. After a fault the value is NaN.
#[derive(Debug)]
pub struct DiskQuantile<'a, T: Element> {
    file: &'a Rows<T>,
    y: &'a [T],
    q: T,
}

impl<'a, T: Element> DiskQuantile<'a, T> {
    /// Observations y_i and the quantile q in (0, 1); ½ is half of the sum of absolute deviations. Cost: a pass, which
    /// looks for NaN.
    ///
    /// # Errors
    /// [`Fault::Content`] with [`Error::Dimension`] or [`Error::Value`] for y, [`Error::Option`] for q and for a file
    /// without rows or columns, [`Error::Value`] for the rows; the other faults of a pass.
    pub fn new(file: &'a Rows<T>, y: &'a [T], q: T) -> Result<Self, Fault> {
        let refused = |source| Err(Fault::Content { path: file.path().to_owned(), source });
        let (rows, columns) = (file.rows(), file.columns());
        if rows == 0 || columns == 0 {
            return refused(Error::Option { name: "values", requirement: "must have a row and a column" });
        }
        if y.len() != rows {
            return refused(Error::Dimension { argument: "y", expected: rows, given: y.len() });
        }
        if let Some(index) = southwell_simd::vector::first_not_finite(y) {
            return refused(Error::Value { argument: "y", index });
        }
        if !(q > T::ZERO && q < T::ONE) {
            return refused(Error::Option { name: "quantile", requirement: "must lie between 0 and 1" });
        }
        let mut bad = None;
        file.pass(|first, block| {
            if bad.is_none() {
                bad = southwell_simd::vector::first_not_finite(block).map(|index| first * columns + index);
            }
        })?;
        match bad {
            Some(index) => refused(Error::Value { argument: "values", index }),
            None => Ok(Self { file, y, q }),
        }
    }

    /// ρ_q(r), and its slope.
    fn loss(&self, residual: T) -> (T, T) {
        let slope = if residual > T::ZERO {
            self.q
        } else if residual < T::ZERO {
            self.q - T::ONE
        } else {
            // Zero, or a NaN, which goes on.
            return (residual, T::ZERO);
        };
        (slope * residual, slope)
    }
}

impl<T: Element> Oracle<T> for DiskQuantile<'_, T> {
    fn dimension(&self) -> usize {
        self.file.columns()
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        // Kahan's sum, as in memory.
        let (mut sum, mut lost) = (T::ZERO, T::ZERO);
        let mut add = |term: T| {
            let term = term - lost;
            let next = sum + term;
            lost = if next.is_finite() { (next - sum) - term } else { T::ZERO };
            sum = next;
        };
        g.fill(T::ZERO);
        let columns = self.file.columns();
        let read = self.file.pass(|first, values| {
            dense::update_rows(dense::Matrix { values, columns, stride: columns }, x, g, |k, product| {
                let Some(&y) = self.y.get(first + k) else { return T::ZERO };
                let (loss, slope) = self.loss(y - product);
                add(loss);
                -slope
            });
        });
        if read.is_err() {
            g.fill(T::NAN);
            return T::NAN;
        }
        sum
    }

    fn floor(&self) -> T {
        T::ZERO
    }
}
