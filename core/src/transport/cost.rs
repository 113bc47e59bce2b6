//! Costs: what it takes to move a unit of mass from row i to column j.

use southwell_simd::{dense, elementary, vector};

use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// Costs C of n rows and m columns, stored or made on the fly; every method of the family reads them by rows.
///
/// A caller's own costs implement the four methods that have no body; entries must be finite and not
/// negative.
pub trait Cost<T: Real> {
    /// Rows n.
    fn rows(&self) -> usize;

    /// Columns m.
    fn columns(&self) -> usize;

    /// An upper bound of the entries, near the largest; above 0 unless all costs are 0.
    fn largest(&self) -> T;

    /// The costs of a row. `buffer` has [`columns`](Cost::columns) elements if
    /// [`is_stored`](Cost::is_stored) is false, and may be empty otherwise.
    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T];

    /// Whether [`row`](Cost::row) hands out memory that exists, so that it needs no buffer.
    fn is_stored(&self) -> bool {
        false
    }

    /// e_j = e^(x_ij − m) of one row with x_ij = (g_j − C_ij)·`inverse`: m, near max_j x_ij, and the sum of e. `g` and
    /// `e` have m elements, `buffer` as for [`row`](Cost::row). Cost: an exponential an entry.
    // Not inlined on a part, whose stack then holds nothing of it while rows are weighed.
    #[cfg_attr(target_os = "none", inline(never))]
    fn exp_row(&self, row: usize, g: &[T], inverse: T, e: &mut [T], buffer: &mut [T]) -> (T, T) {
        elementary::exp_row(g, self.row(row, buffer), inverse, e)
    }

    /// [`exp_row`](Cost::exp_row) of consecutive rows from `first` on, as many as there are pairs in `found`: their e one after
    /// the other in `e`, each m long, and (m_i, Σ e) of each. The same bits, for costs that make several rows together in
    /// less time.
    fn exp_rows(
        &self,
        first: usize,
        g: &[T],
        inverse: T,
        e: &mut [T],
        found: &mut [(T, T)],
        buffer: &mut [T],
    ) {
        for ((row, e), found) in (first..).zip(e.chunks_mut(g.len().max(1))).zip(found) {
            *found = self.exp_row(row, g, inverse, e, buffer);
        }
    }

    /// Elements of scratch that [`pass`](Cost::pass) needs.
    fn scratch_len(&self) -> usize {
        self.columns().saturating_mul(if self.is_stored() { 1 } else { 2 })
    }

    /// One reading of the costs: with x_ij = (g_j − C_ij)/ε, for every row in turn m_i near max_j x_ij and
    /// S_i = Σ_j e^(x_ij − m_i); `weigh(i, m_i, S_i)` answers with w_i, and `columns` becomes
    /// t_j = Σ_i w_i e^(x_ij − m_i). Where threads share a reading, `weigh` may be called on any of them, one row after
    /// the other all the same.
    ///
    /// `g` and `columns` have m elements, `scratch` [`scratch_len`](Cost::scratch_len). A cost with
    /// structure may sum in another order, and give all of m_i + ln S_i as m_i, with S_i = 1. Cost: an
    /// exponential an entry.
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
        let (e, buffer) = scratch.split_at_mut_checked(columns.len()).unwrap_or_default();
        for i in 0..self.rows() {
            let (m, sum) = self.exp_row(i, g, inverse, e, buffer);
            let w = weigh(i, m, sum);
            if w != T::ZERO {
                vector::axpy(w, e, columns);
            }
        }
    }

    /// Makes a kernel, n rows of m: with x_ij, m_i and S_i as in [`pass`](Cost::pass), for every row in turn
    /// `weigh(i, m_i, S_i)` answers with w_i, row i of `kernel` becomes w_i e^(x_ij − m_i), and `columns` what the
    /// columns of the kernel sum to. `buffer` as for [`row`](Cost::row). Cost: an exponential an entry.
    fn make_kernel(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        kernel: &mut [T],
        columns: &mut [T],
        buffer: &mut [T],
    ) {
        let inverse = T::ONE / epsilon;
        columns.fill(T::ZERO);
        for (i, row) in kernel.chunks_mut(columns.len().max(1)).enumerate() {
            let (m, sum) = self.exp_row(i, g, inverse, row, buffer);
            let w = weigh(i, m, sum);
            if w == T::ZERO {
                row.fill(T::ZERO);
            } else {
                vector::scale(w, row);
                vector::axpy(T::ONE, row, columns);
            }
        }
    }

    /// One reading of a kernel that was [made](Cost::make_kernel): for every row `weigh(i, Σ_j K_ij v_j)` answers with u_i
    /// and with e_i; `u` becomes the u_i, `columns` Σ_i u_i K_ij, and Σ_i e_i is returned. Both sums are added up in
    /// [sections](dense::section) of rows, each from zero, and the sections in order, so that threads can share them out:
    /// `weigh` may be called on any of them. `scratch` has m elements; with fewer all rows are one section.
    /// Cost: 4 operations an entry.
    fn read_kernel(
        &self,
        kernel: &[T],
        v: &[T],
        weigh: &(dyn Fn(usize, T) -> (T, T) + Sync),
        u: &mut [T],
        columns: &mut [T],
        scratch: &mut [T],
    ) -> T {
        let m = columns.len();
        let matrix = dense::Matrix { values: kernel, columns: m, stride: m };
        let section = if scratch.len() < m { u.len() } else { dense::section(u.len()) };
        let (u, others) = u.split_at_mut_checked(section).unwrap_or_default();
        columns.fill(T::ZERO);
        let mut sum = dense::update_section(matrix, 0, v, weigh, u, columns);
        if !others.is_empty() {
            scratch.fill(T::ZERO);
        }
        for (k, u) in (1_usize..).zip(others.chunks_mut(section.max(1))) {
            sum += dense::update_section(matrix, k.saturating_mul(section), v, weigh, u, scratch);
            // A plain loop: to dispatch takes as long as some hundred columns, most of which no near cache holds by now.
            for (column, more) in columns.iter_mut().zip(&mut *scratch) {
                *column += *more;
                *more = T::ZERO;
            }
        }
        sum
    }

    /// One row of the coupling: p_j = e^((f_i + g_j − C_ij)/ε), its sum and its largest entry. `buffer`
    /// as for [`row`](Cost::row).
    fn coupling_row(&self, row: usize, epsilon: T, f: T, g: &[T], p: &mut [T], buffer: &mut [T]) -> (T, T) {
        if f == -T::INFINITY {
            p.fill(T::ZERO);
            return (T::ZERO, T::ZERO);
        }
        elementary::exp_coupling(f, g, self.row(row, buffer), T::ONE / epsilon, p)
    }
}

/// A reference to costs is a cost.
impl<T: Real, C: Cost<T> + ?Sized> Cost<T> for &C {
    fn rows(&self) -> usize {
        (**self).rows()
    }
    fn columns(&self) -> usize {
        (**self).columns()
    }
    fn largest(&self) -> T {
        (**self).largest()
    }
    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
        (**self).row(row, buffer)
    }
    fn exp_row(&self, row: usize, g: &[T], inverse: T, e: &mut [T], buffer: &mut [T]) -> (T, T) {
        (**self).exp_row(row, g, inverse, e, buffer)
    }
    fn exp_rows(
        &self,
        first: usize,
        g: &[T],
        inverse: T,
        e: &mut [T],
        found: &mut [(T, T)],
        buffer: &mut [T],
    ) {
        (**self).exp_rows(first, g, inverse, e, found, buffer);
    }
    fn is_stored(&self) -> bool {
        (**self).is_stored()
    }
    fn scratch_len(&self) -> usize {
        (**self).scratch_len()
    }
    fn pass(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        columns: &mut [T],
        scratch: &mut [T],
    ) {
        (**self).pass(epsilon, g, weigh, columns, scratch);
    }
    fn make_kernel(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        kernel: &mut [T],
        columns: &mut [T],
        buffer: &mut [T],
    ) {
        (**self).make_kernel(epsilon, g, weigh, kernel, columns, buffer);
    }
    fn read_kernel(
        &self,
        kernel: &[T],
        v: &[T],
        weigh: &(dyn Fn(usize, T) -> (T, T) + Sync),
        u: &mut [T],
        columns: &mut [T],
        scratch: &mut [T],
    ) -> T {
        (**self).read_kernel(kernel, v, weigh, u, columns, scratch)
    }
    fn coupling_row(&self, row: usize, epsilon: T, f: T, g: &[T], p: &mut [T], buffer: &mut [T]) -> (T, T) {
        (**self).coupling_row(row, epsilon, f, g, p, buffer)
    }
}

/// Costs stored by rows, entry (i, j) at `i·stride + j`.
///
/// ```
/// use southwell::transport::{Cost, DenseCost};
/// let cost = DenseCost::new(&[0.0, 1.0, 4.0, 1.0, 0.0, 1.0], 2, 3, 3)?;
/// assert_eq!((cost.row(1, &mut []), cost.largest()), (&[1.0, 0.0, 1.0][..], 4.0));
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DenseCost<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    stride: usize,
    largest: T,
}

impl<'a, T: Real> DenseCost<'a, T> {
    /// A view of `rows` rows of `columns` entries, `stride` apart (the leading dimension). The last row
    /// may lack its padding. Cost: one pass.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `values` has another length than rows·stride or (rows − 1)·stride +
    /// columns; [`Error::Option`] if `stride < columns`; [`Error::Value`] for a NaN or an infinity and
    /// [`Error::Negative`] for a negative entry.
    pub fn new(values: &'a [T], rows: usize, columns: usize, stride: usize) -> Result<Self, Error> {
        if stride < columns {
            return Err(Error::Option {
                name: "stride",
                requirement: "must not be smaller than the number of columns",
            });
        }
        let whole = rows.saturating_mul(stride);
        let least = rows.saturating_sub(1).saturating_mul(stride).saturating_add(columns).min(whole);
        if values.len() != whole {
            check_len("cost", values.len(), least)?;
        }
        let mut largest = T::ZERO;
        for (i, row) in values.chunks(stride.max(1)).enumerate() {
            let row = row.get(..columns).unwrap_or(row);
            let place = |index: usize| i.saturating_mul(stride).saturating_add(index);
            if let Err(Error::Value { argument, index }) = check_finite("cost", row) {
                return Err(Error::Value { argument, index: place(index) });
            }
            if let Some(index) = row.iter().position(|&c| c < T::ZERO) {
                return Err(Error::Negative { argument: "cost", index: place(index) });
            }
            largest = largest.max(vector::max_abs(row));
        }
        Ok(Self { values, rows, columns, stride, largest })
    }

    /// The matrix behind the view.
    pub(crate) fn matrix(&self) -> dense::Matrix<'a, T> {
        dense::Matrix { values: self.values, columns: self.columns, stride: self.stride }
    }
}

impl<T: Real> Cost<T> for DenseCost<'_, T> {
    fn rows(&self) -> usize {
        self.rows
    }
    fn columns(&self) -> usize {
        self.columns
    }
    fn largest(&self) -> T {
        self.largest
    }
    fn row<'s>(&'s self, row: usize, _buffer: &'s mut [T]) -> &'s [T] {
        self.matrix().row(row)
    }
    fn is_stored(&self) -> bool {
        true
    }
    /// What comes from memory is asked for while exponentials are made, a row ahead. On a part there is nobody to ask.
    #[cfg(not(target_os = "none"))]
    fn exp_row(&self, row: usize, g: &[T], inverse: T, e: &mut [T], _buffer: &mut [T]) -> (T, T) {
        let costs = self.matrix();
        elementary::exp_row_before(g, costs.row(row), costs.row(row.saturating_add(1)), inverse, e)
    }
}
