//! Matrices to be balanced: rectangular, read by rows.

use southwell_simd::{csr, dense, vector};

use crate::linear::{check_finite, check_len};
use crate::{Error, Real, StructureFault};

/// A row of a matrix: its entries, and where they stand.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a, T> {
    /// The entries.
    pub values: &'a [T],
    /// Their columns, increasing; `None`: 0, 1, 2, …
    pub columns: Option<&'a [u32]>,
}

impl<'a, T: Real> Row<'a, T> {
    /// Entry `k` in the order of storage, with its column.
    #[must_use]
    pub fn get(&self, k: usize) -> Option<(usize, T)> {
        let &value = self.values.get(k)?;
        match self.columns {
            None => Some((k, value)),
            Some(columns) => columns.get(k).map(|&column| (column as usize, value)),
        }
    }

    /// All entries with their columns.
    pub fn entries(self) -> impl Iterator<Item = (usize, T)> + use<'a, T> {
        (0..self.values.len()).filter_map(move |k| self.get(k))
    }
}

/// A matrix of n rows and m columns that can be read by rows; entries are finite.
///
/// A caller's own matrix implements the three methods that have no body.
pub trait Rows<T: Real> {
    /// Rows n.
    fn rows(&self) -> usize;

    /// Columns m.
    fn columns(&self) -> usize;

    /// Row `row`; empty if there is none.
    fn row(&self, row: usize) -> Row<'_, T>;

    /// One reading: for every row in turn s = Σ_j a_ij y_j and u = `update(i, s)`, and t_j becomes Σ_i u a_ij.
    ///
    /// `y` and `t` have m elements. Cost: 4 operations an entry.
    fn sums(&self, y: &[T], t: &mut [T], update: &mut dyn FnMut(usize, T) -> T) {
        t.fill(T::ZERO);
        for i in 0..self.rows() {
            let row = self.row(i);
            let sum = row.entries().fold(T::ZERO, |s, (j, a)| s + a * y.get(j).copied().unwrap_or(T::ZERO));
            let u = update(i, sum);
            for (j, a) in row.entries() {
                if let Some(t) = t.get_mut(j) {
                    *t += u * a;
                }
            }
        }
    }

    /// y ← A x; x has m elements, y n. Cost: 2 operations an entry.
    fn apply(&self, x: &[T], y: &mut [T]) {
        for (i, y) in y.iter_mut().enumerate() {
            let entries = self.row(i).entries();
            *y = entries.fold(T::ZERO, |s, (j, a)| s + a * x.get(j).copied().unwrap_or(T::ZERO));
        }
    }

    /// The largest absolute value of an entry, 0 if there is none.
    fn largest(&self) -> T {
        (0..self.rows()).fold(T::ZERO, |largest, i| largest.max(vector::max_abs(self.row(i).values)))
    }

    /// Where the first negative entry is stored, entries counted by rows.
    fn first_negative(&self) -> Option<usize> {
        let mut before: usize = 0;
        for i in 0..self.rows() {
            let values = self.row(i).values;
            if let Some(k) = values.iter().position(|&a| a < T::ZERO) {
                return Some(before.saturating_add(k));
            }
            before = before.saturating_add(values.len());
        }
        None
    }
}

/// A reference to a matrix is a matrix.
impl<T: Real, A: Rows<T> + ?Sized> Rows<T> for &A {
    fn rows(&self) -> usize {
        (**self).rows()
    }
    fn columns(&self) -> usize {
        (**self).columns()
    }
    fn row(&self, row: usize) -> Row<'_, T> {
        (**self).row(row)
    }
    fn sums(&self, y: &[T], t: &mut [T], update: &mut dyn FnMut(usize, T) -> T) {
        (**self).sums(y, t, update);
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        (**self).apply(x, y);
    }
    fn largest(&self) -> T {
        (**self).largest()
    }
    fn first_negative(&self) -> Option<usize> {
        (**self).first_negative()
    }
}

/// A dense matrix stored by rows, entry (i, j) at `i·stride + j`.
///
/// ```
/// use southwell::transport::balance::{Dense, Rows};
/// let a = Dense::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3, 3)?;
/// assert_eq!((a.row(1).values, a.largest()), (&[4.0, 5.0, 6.0][..], 6.0));
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a, T: Real> Dense<'a, T> {
    /// A view of `rows` rows of `columns` entries, `stride` apart (the leading dimension). The last row may
    /// lack its padding. Cost: one pass.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `values` has another length than rows·stride or (rows − 1)·stride + columns;
    /// [`Error::Option`] if `stride < columns`; [`Error::Value`] for a NaN or an infinity.
    pub fn new(values: &'a [T], rows: usize, columns: usize, stride: usize) -> Result<Self, Error> {
        if stride < columns {
            let requirement = "must not be smaller than the number of columns";
            return Err(Error::Option { name: "stride", requirement });
        }
        let whole = rows.saturating_mul(stride);
        let least = rows.saturating_sub(1).saturating_mul(stride).saturating_add(columns).min(whole);
        if values.len() != whole {
            check_len("values", values.len(), least)?;
        }
        let matrix = Self { values, rows, columns, stride };
        for i in 0..rows {
            if let Err(Error::Value { argument, index }) = check_finite("values", matrix.row(i).values) {
                return Err(Error::Value { argument, index: matrix.place(i, index) });
            }
        }
        Ok(matrix)
    }

    fn place(&self, row: usize, column: usize) -> usize {
        row.saturating_mul(self.stride).saturating_add(column)
    }

    fn matrix(&self) -> dense::Matrix<'a, T> {
        dense::Matrix { values: self.values, columns: self.columns, stride: self.stride }
    }
}

impl<T: Real> Rows<T> for Dense<'_, T> {
    fn rows(&self) -> usize {
        self.rows
    }
    fn columns(&self) -> usize {
        self.columns
    }
    fn row(&self, row: usize) -> Row<'_, T> {
        let start = self.place(row, 0);
        let values = self.values.get(start..start.saturating_add(self.columns)).unwrap_or(&[]);
        Row { values, columns: None }
    }
    fn sums(&self, y: &[T], t: &mut [T], update: &mut dyn FnMut(usize, T) -> T) {
        t.fill(T::ZERO);
        dense::update_rows(self.matrix(), y, t, update);
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        dense::apply(self.matrix(), x, y);
    }
    fn first_negative(&self) -> Option<usize> {
        let in_row = |i: usize| {
            let column = self.row(i).values.iter().position(|&a| a < T::ZERO)?;
            Some(self.place(i, column))
        };
        (0..self.rows).find_map(in_row)
    }
}

/// A matrix in compressed sparse row form with `u32` indices, rectangular.
///
/// ```
/// use southwell::transport::balance::{Csr, Rows};
/// // [2 0 1; 0 3 0]
/// let a = Csr::new(&[0, 2, 3], &[0, 2, 1], &[2.0, 1.0, 3.0], 3)?;
/// let mut y = [0.0; 2];
/// a.apply(&[1.0, 1.0, 1.0], &mut y);
/// assert_eq!(y, [3.0, 3.0]);
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Csr<'a, T> {
    rows: csr::Rows<'a, T>,
}

impl<'a, T: Real> Csr<'a, T> {
    /// A view of `offsets.len() − 1` rows of `width` columns; row i holds entries `offsets[i]..offsets[i + 1]`
    /// of `columns` and `values`. Cost: one pass over the three arrays.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `offsets` is empty, or if `columns` and `values` differ in length from each other
    /// or from the last offset; [`Error::Structure`] if the first offset is not 0, an offset decreases, a
    /// column does not exist, or the columns of a row are not strictly increasing; [`Error::Value`] for a NaN
    /// or an infinity; [`Error::TooLarge`] for rows or columns that `u32` cannot count.
    pub fn new(offsets: &'a [u32], columns: &'a [u32], values: &'a [T], width: usize) -> Result<Self, Error> {
        let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
            return Err(Error::Dimension { argument: "offsets", expected: 1, given: 0 });
        };
        for (argument, count) in [("offsets", offsets.len()), ("width", width)] {
            if u32::try_from(count).is_err() {
                return Err(Error::TooLarge { argument });
            }
        }
        let fault = |argument, index, fault| Err(Error::Structure { argument, index, fault });
        if first != 0 {
            return fault("offsets", 0, StructureFault::FirstNotZero);
        }
        if let Some(i) = offsets.windows(2).position(|w| matches!(*w, [a, b] if b < a)) {
            return fault("offsets", i.saturating_add(1), StructureFault::Decreasing);
        }
        check_len("columns", columns.len(), last as usize)?;
        check_len("values", values.len(), columns.len())?;
        if let Some(index) = columns.iter().position(|&column| column as usize >= width) {
            return fault("columns", index, StructureFault::OutOfRange);
        }
        check_finite("values", values)?;
        let Some(rows) = csr::Rows::new(offsets, columns, values, width) else {
            return Err(Error::TooLarge { argument: "columns" });
        };
        for (i, &start) in offsets.iter().enumerate() {
            let unsorted = rows.row(i).columns().windows(2).position(|w| matches!(*w, [a, b] if b <= a));
            if let Some(k) = unsorted {
                let index = (start as usize).saturating_add(k).saturating_add(1);
                return fault("columns", index, StructureFault::Unsorted);
            }
        }
        Ok(Self { rows })
    }
}

impl<T: Real> Rows<T> for Csr<'_, T> {
    fn rows(&self) -> usize {
        self.rows.count()
    }
    fn columns(&self) -> usize {
        self.rows.width()
    }
    fn row(&self, row: usize) -> Row<'_, T> {
        let row = self.rows.row(row);
        Row { values: row.values(), columns: Some(row.columns()) }
    }
    fn sums(&self, y: &[T], t: &mut [T], update: &mut dyn FnMut(usize, T) -> T) {
        t.fill(T::ZERO);
        for i in 0..self.rows.count() {
            let row = self.rows.row(i);
            csr::add_scaled(update(i, csr::dot(row, y)), row, t);
        }
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        csr::apply(self.rows, x, y);
    }
    fn largest(&self) -> T {
        vector::max_abs(self.rows.values())
    }
    fn first_negative(&self) -> Option<usize> {
        self.rows.values().iter().position(|&a| a < T::ZERO)
    }
}
