//! A square matrix in compressed sparse row form.

use southwell_simd::csr;

use super::{Matrix, check_finite, check_len};
use crate::{Error, Real, StructureFault};

/// A square matrix in compressed sparse row (CSR) form with `u32` indices.
///
/// ```
/// use southwell::linear::{Csr, Matrix};
/// // [4 −1 0; −1 4 −1; 0 −1 4]
/// let a = Csr::new(&[0, 2, 5, 7], &[0, 1, 0, 1, 2, 1, 2], &[4.0, -1.0, -1.0, 4.0, -1.0, -1.0, 4.0])?;
/// let mut y = [0.0; 3];
/// a.apply(&[1.0, 2.0, 3.0], &mut y);
/// assert_eq!(y, [2.0, 4.0, 10.0]);
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Csr<'a, T> {
    rows: csr::Rows<'a, T>,
}

impl<'a, T: Real> Csr<'a, T> {
    /// A view of `offsets.len() − 1` rows; row i holds entries `offsets[i]..offsets[i + 1]` of
    /// `columns` and `values`.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `offsets` is empty, or if `columns` and `values` differ in length from
    /// each other or from the last offset; [`Error::Structure`] if the first offset is not 0, an
    /// offset decreases, a column does not exist, or the columns of a row are not strictly
    /// increasing; [`Error::Value`] for a NaN or an infinity. Cost: one pass over the three arrays.
    pub fn new(offsets: &'a [u32], columns: &'a [u32], values: &'a [T]) -> Result<Self, Error> {
        let order = offsets.len().saturating_sub(1);
        check_sparse(offsets, ("columns", columns), values, order).map(|rows| Self { rows })
    }

    /// The columns and values of a row; empty if there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> (&'a [u32], &'a [T]) {
        let row = self.rows.row(row);
        (row.columns(), row.values())
    }

    /// Stored entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.rows.values().len()
    }

    /// The entry at (row, column), zero if none is stored. Cost: a binary search in the row.
    #[must_use]
    pub fn get(&self, row: usize, column: usize) -> T {
        self.find(row, column).unwrap_or(T::ZERO)
    }

    fn find(&self, row: usize, column: usize) -> Option<T> {
        let (columns, values) = self.row(row);
        let at = columns.binary_search(&u32::try_from(column).ok()?).ok()?;
        values.get(at).copied()
    }

    /// The rows as the passes of [`southwell_simd::csr`] take them.
    #[must_use]
    pub fn parts(&self) -> csr::Rows<'a, T> {
        self.rows
    }
}

/// Checks compressed rows of a matrix that is `width` wide; `indices` with the name that the caller gave them.
///
/// # Errors
/// As [`Csr::new`].
pub(super) fn check_sparse<'a, T: Real>(
    offsets: &'a [u32],
    (name, indices): (&'static str, &'a [u32]),
    values: &'a [T],
    width: usize,
) -> Result<csr::Rows<'a, T>, Error> {
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
        return Err(Error::Dimension { argument: "offsets", expected: 1, given: 0 });
    };
    if u32::try_from(offsets.len().saturating_sub(1)).is_err() {
        return Err(Error::TooLarge { argument: "offsets" });
    }
    let fault = |argument, index, fault| Err(Error::Structure { argument, index, fault });
    if first != 0 {
        return fault("offsets", 0, StructureFault::FirstNotZero);
    }
    // Sound matrices are the usual ones; what is wrong with another is looked for apart.
    let rows = match csr::Rows::ascending(offsets, indices, values, width) {
        Some(rows) if indices.len() == last as usize => rows,
        _ => return Err(fault_of(offsets, (name, indices), values.len(), width)),
    };
    check_finite("values", values)?;
    Ok(rows)
}

/// The first thing that is wrong with compressed rows whose offsets begin at 0.
#[cold]
fn fault_of(offsets: &[u32], (name, indices): (&'static str, &[u32]), values: usize, width: usize) -> Error {
    let falls = |w: &[u32]| matches!(*w, [a, b] if b < a);
    if let Some(i) = offsets.windows(2).position(falls) {
        let fault = StructureFault::Decreasing;
        return Error::Structure { argument: "offsets", index: i.saturating_add(1), fault };
    }
    let last = offsets.last().map_or(0, |&last| last as usize);
    let lengths = check_len(name, indices.len(), last).and_then(|()| check_len("values", values, last));
    let fault = lengths.and_then(|()| find_fault(offsets, (name, indices), width));
    // A view is refused for nothing else.
    fault.err().unwrap_or(Error::TooLarge { argument: name })
}

/// The first index that is out of range or no larger than the one before it in its row.
fn find_fault(offsets: &[u32], (name, indices): (&'static str, &[u32]), width: usize) -> Result<(), Error> {
    let fault = |index, fault| Err(Error::Structure { argument: name, index, fault });
    for window in offsets.windows(2) {
        let [start, end] = *window else { continue };
        let row = indices.get(start as usize..end as usize).unwrap_or(&[]);
        let mut before = None;
        for (k, &column) in row.iter().enumerate() {
            let index = (start as usize).saturating_add(k);
            if column as usize >= width {
                return fault(index, StructureFault::OutOfRange);
            }
            if before.is_some_and(|before| column <= before) {
                return fault(index, StructureFault::Unsorted);
            }
            before = Some(column);
        }
    }
    Ok(())
}

impl<T: Real> Matrix<T> for Csr<'_, T> {
    fn order(&self) -> usize {
        self.rows.count()
    }
    fn diagonal(&self, row: usize) -> Option<T> {
        self.find(row, row)
    }
    fn off_diagonal(&self, row: usize) -> T {
        let (columns, values) = self.row(row);
        let others = columns.iter().zip(values).filter(|&(&column, _)| column as usize != row);
        others.fold(T::ZERO, |sum, (_, a)| sum + a.abs())
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        csr::apply(self.rows, x, y);
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        csr::residual(self.rows, rhs, x, r);
    }
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        csr::residual_square(self.rows, rhs, x)
    }
}
