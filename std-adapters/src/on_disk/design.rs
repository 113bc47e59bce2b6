//! Designs of regressions in a file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use southwell::Error;
use southwell::linear::Design;
use southwell_simd::{dense, vector};

use super::{Element, Fault, Rows};

/// A design (n × p) in a NumPy file in Fortran order: its columns lie one after the other.
///
/// Products with all columns are passes over the file. Single columns, which coordinate methods ask for again
/// and again, are kept in memory up to a budget, those used last; columns asked for in order are not, so that a
/// look at all of them does not drive out the working set.
#[derive(Debug)]
pub struct DiskDesign<T: Element> {
    file: Rows<T>,
    kept: Mutex<Kept<T>>,
    most: usize,
}

/// Columns in memory, with the time of their last use.
#[derive(Debug)]
struct Kept<T> {
    columns: HashMap<usize, (u64, Arc<[T]>)>,
    now: u64,
    last: Option<usize>,
}

impl<T: Element> DiskDesign<T> {
    /// Looks at all entries of a file that was opened [by columns](Rows::open_columns), and keeps up to
    /// `budget` bytes of columns, two at least. Cost: a pass.
    ///
    /// # Errors
    /// [`Fault::Content`] for a NaN or an infinity; the other faults of a pass.
    pub fn new(file: Rows<T>, budget: usize) -> Result<Self, Fault> {
        let mut bad = None;
        let rows = file.columns();
        file.pass(|first, block| {
            if bad.is_none() {
                bad = vector::first_not_finite(block).map(|index| first * rows + index);
            }
        })?;
        if let Some(index) = bad {
            let source = Error::Value { argument: "values", index };
            return Err(Fault::Content { path: file.path().to_owned(), source });
        }
        let most = (budget / rows.saturating_mul(size_of::<T>()).max(1)).max(2);
        let kept = Kept { columns: HashMap::new(), now: 0, last: None };
        Ok(Self { file, kept: Mutex::new(kept), most })
    }

    /// The columns of the file, as its rows.
    #[must_use]
    pub fn file(&self) -> &Rows<T> {
        &self.file
    }

    /// A column; NaN after a fault, empty if there is no such column.
    fn column(&self, column: usize) -> Arc<[T]> {
        if column >= self.file.rows() {
            return Arc::from([]);
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.now += 1;
        let now = kept.now;
        if self.file.fault().is_none()
            && let Some((used, values)) = kept.columns.get_mut(&column)
        {
            *used = now;
            return Arc::clone(values);
        }
        let mut values = vec![T::NAN; self.file.columns()];
        if self.file.row(column, &mut values).is_err() {
            values.fill(T::NAN);
        }
        let values: Arc<[T]> = values.into();
        let in_order = kept.last.is_some_and(|last| last + 1 == column);
        kept.last = Some(column);
        if !in_order {
            if kept.columns.len() >= self.most {
                let oldest =
                    kept.columns.iter().min_by_key(|(_, (used, _))| *used).map(|(&column, _)| column);
                oldest.and_then(|oldest| kept.columns.remove(&oldest));
            }
            kept.columns.insert(column, (now, Arc::clone(&values)));
        }
        values
    }

    /// Columns of the file that are rows of a matrix: a block.
    fn block<'b>(&self, values: &'b [T]) -> dense::Matrix<'b, T> {
        dense::Matrix { values, columns: self.file.columns(), stride: self.file.columns() }
    }
}

impl<T: Element> Design<T> for DiskDesign<T> {
    fn rows(&self) -> usize {
        self.file.columns()
    }
    fn columns(&self) -> usize {
        self.file.rows()
    }
    fn visit(&self, column: usize, mut each: impl FnMut(usize, T)) {
        for (row, &value) in self.column(column).iter().enumerate() {
            each(row, value);
        }
    }
    fn dot(&self, column: usize, v: &[T]) -> T {
        vector::dot(&self.column(column), v)
    }
    fn add_scaled(&self, column: usize, alpha: T, v: &mut [T]) {
        vector::axpy(alpha, &self.column(column), v);
    }
    fn gram(&self, column: usize, other: usize) -> T {
        vector::dot(&self.column(column), &self.column(other))
    }
    fn weighted_gram(&self, column: usize, other: usize, w: &[T]) -> T {
        vector::dot3(&self.column(column), &self.column(other), w)
    }
    fn add_weighted(&self, column: usize, alpha: T, w: &[T], v: &mut [T]) {
        vector::scaled_xpby(alpha, w, &self.column(column), T::ONE, v);
    }
    fn transposed(&self, v: &[T], out: &mut [T]) {
        out.fill(T::ZERO);
        let read = self.file.pass(|first, values| {
            dense::apply(self.block(values), v, out.get_mut(first..).unwrap_or(&mut []));
        });
        if read.is_err() {
            out.fill(T::NAN);
        }
    }
    fn apply(&self, x: &[T], out: &mut [T]) {
        out.fill(T::ZERO);
        let read = self.file.pass(|first, values| {
            dense::add_transposed(self.block(values), x.get(first..).unwrap_or(&[]), out);
        });
        if read.is_err() {
            out.fill(T::NAN);
        }
    }
}
