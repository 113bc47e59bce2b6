//! Passes over compressed sparse rows.
//!
//! A row is short and its columns are scattered, so a plain loop is the honest form: gathers cost as
//! much as the loads they replace. What is tuned is the *order* inside a row: a sweep subtracts the
//! products that it has to wait for as late as it can.
//!
//! *Cost* of a pass over all rows, with u32 indices: 12 bytes an entry in `f64` (8 in `f32`), 4 a row.

use crate::{Lanes, Real, dispatch::pass};

/// The three arrays of a matrix in compressed sparse row form. Columns increase within a row.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// Row i holds entries `offsets[i]..offsets[i + 1]`.
    pub offsets: &'a [u32],
    /// The column of every entry.
    pub columns: &'a [u32],
    /// The value of every entry.
    pub values: &'a [T],
}

impl<'a, T: Real> Rows<'a, T> {
    /// The entries of the row between two offsets.
    #[inline(always)]
    fn entries(&self, window: &[u32]) -> (&'a [u32], &'a [T]) {
        let [from, to] = *window else { return (&[], &[]) };
        let range = from as usize..to as usize;
        (self.columns.get(range.clone()).unwrap_or(&[]), self.values.get(range).unwrap_or(&[]))
    }

    /// The columns and values of row `row`; empty if there is no such row.
    #[inline(always)]
    #[must_use]
    pub fn row(&self, row: usize) -> (&'a [u32], &'a [T]) {
        self.entries(self.offsets.get(row..row.saturating_add(2)).unwrap_or(&[]))
    }

    /// All rows, first to last (a double-ended iterator).
    #[inline(always)]
    fn iter(&self) -> impl DoubleEndedIterator<Item = (&'a [u32], &'a [T])> + ExactSizeIterator + use<'a, T> {
        let this = *self;
        self.offsets.windows(2).map(move |window| this.entries(window))
    }
}

#[inline(always)]
fn at<T: Real>(x: &[T], column: u32) -> T {
    // A validated column exists; the compare is what a program without unsafe code pays for that.
    x.get(column as usize).copied().unwrap_or(T::ZERO)
}

/// b − Σ a_j x_j, first column first.
#[inline(always)]
fn ascending<T: Real>(b: T, (columns, values): (&[u32], &[T]), x: &[T]) -> T {
    columns.iter().zip(values).fold(b, |sum, (&column, &a)| sum - a * at(x, column))
}

/// b − Σ a_j x_j, last column first.
#[inline(always)]
fn descending<T: Real>(b: T, (columns, values): (&[u32], &[T]), x: &[T]) -> T {
    columns.iter().zip(values).rev().fold(b, |sum, (&column, &a)| sum - a * at(x, column))
}

/// y ← A x, each row summed from its first column.
pub fn apply<T: Real>(rows: Rows<'_, T>, x: &[T], y: &mut [T]) {
    for (y, (columns, values)) in y.iter_mut().zip(rows.iter()) {
        *y = columns.iter().zip(values).fold(T::ZERO, |sum, (&column, &a)| sum + a * at(x, column));
    }
}

/// r ← b − A x, each row from its first column.
pub fn residual<T: Real>(rows: Rows<'_, T>, rhs: &[T], x: &[T], r: &mut [T]) {
    for ((r, &b), row) in r.iter_mut().zip(rhs).zip(rows.iter()) {
        *r = ascending(b, row, x);
    }
}

/// ‖b − A x‖₂² without storing the residual; row i goes to lane i mod [`LANES`](crate::LANES).
#[must_use]
pub fn residual_square<T: Real>(rows: Rows<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut lanes = Lanes::default();
    for (i, (&b, row)) in rhs.iter().zip(rows.iter()).enumerate() {
        let r = ascending(b, row, x);
        lanes.add_at(i, r * r);
    }
    lanes.sum()
}

/// b_i − Σ_j a_ij x_j of one row, from its first column.
#[inline]
#[must_use]
pub fn row_residual<T: Real>(rows: Rows<'_, T>, row: usize, b: T, x: &[T]) -> T {
    ascending(b, rows.row(row), x)
}

pass! {
    /// One SOR sweep in place, x_i ← x_i + (ω·(1/a_ii))·(b_i − Σ_j a_ij x_j), from the first row or
    /// (`reversed`) from the last. A forward sweep sums a row from its last column, a backward one
    /// from its first, so that the newest value is waited for last. Cost besides the matrix: 3 r, 1 w a row.
    pub fn sor_sweep<'a, T>(
        rows: Rows<'a, T>,
        reversed: bool,
        omega: T,
        inverse: &'a [T],
        rhs: &'a [T],
        x: &'a mut [T],
    ) -> () = |_simd, rows, reversed, omega, inverse, rhs, x| sweep_kernel(rows, reversed, omega, inverse, rhs, x)
}

#[inline(always)]
fn sweep_kernel<T: Real>(rows: Rows<'_, T>, reversed: bool, omega: T, inverse: &[T], rhs: &[T], x: &mut [T]) {
    let n = rhs.len().min(inverse.len()).min(x.len()).min(rows.offsets.len().saturating_sub(1));
    let Some(offsets) = rows.offsets.get(..n + 1) else { return };
    let rows = Rows { offsets, ..rows };
    let all = rows.iter().zip(&rhs[..n]).zip(&inverse[..n]).enumerate();
    if reversed {
        for (i, ((row, &b), &inverse)) in all.rev() {
            let sigma = ascending(b, row, x);
            if let Some(x) = x.get_mut(i) {
                *x += (omega * inverse) * sigma;
            }
        }
    } else {
        for (i, ((row, &b), &inverse)) in all {
            let sigma = descending(b, row, x);
            if let Some(x) = x.get_mut(i) {
                *x += (omega * inverse) * sigma;
            }
        }
    }
}

/// One SOR sweep over the rows that `order` lists, in that order or (`reversed`) from its end; each
/// row is summed from its first column. Cost as [`sor_sweep`], with scattered rows.
pub fn sor_sweep_in_order<T: Real>(
    rows: Rows<'_, T>,
    order: &[u32],
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    let mut relax = |&i: &u32| {
        let i = i as usize;
        if let (Some(&b), Some(&inverse)) = (rhs.get(i), inverse.get(i)) {
            let sigma = ascending(b, rows.row(i), x);
            if let Some(x) = x.get_mut(i) {
                *x += (omega * inverse) * sigma;
            }
        }
    };
    if reversed { order.iter().rev().for_each(&mut relax) } else { order.iter().for_each(&mut relax) }
}

/// t ← (D/ω + U)⁻¹ p, from the last row; reads the upper half of the matrix.
pub fn solve_upper<T: Real>(rows: Rows<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    let n = p.len().min(inverse.len()).min(t.len()).min(rows.offsets.len().saturating_sub(1));
    let Some(offsets) = rows.offsets.get(..n + 1) else { return };
    let rows = Rows { offsets, ..rows };
    for (i, (((columns, values), &p), &inverse)) in
        rows.iter().zip(&p[..n]).zip(&inverse[..n]).enumerate().rev()
    {
        let upper = columns.iter().zip(values).rev().take_while(|&(&column, _)| column as usize > i);
        let sum = upper.fold(p, |sum, (&column, &a)| sum - a * at(t, column));
        if let Some(t) = t.get_mut(i) {
            *t = sum * (omega * inverse);
        }
    }
}

/// y ← (D/ω + L)⁻¹ (p − K t) with K = ((2 − ω)/ω) D, and w ← A t = p + (1 − 1/ω) D t + L t, given
/// t = (D/ω + U)⁻¹ p; reads the lower half of the matrix once for both.
pub fn solve_lower<T: Real>(
    rows: Rows<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    let operands = rows.iter().zip(p).zip(t).zip(inverse).zip(w);
    for (i, (((((columns, values), &p), &t_i), &inverse), w)) in operands.enumerate() {
        let mut along_t = T::ZERO;
        let mut along_y = T::ZERO;
        let mut diagonal = T::ZERO;
        for (&column, &a) in columns.iter().zip(values) {
            if column as usize >= i {
                diagonal = if column as usize == i { a } else { T::ZERO };
                break;
            }
            along_t += a * at(t, column);
            along_y += a * at(y, column);
        }
        let v = p - (weight * diagonal) * t_i;
        *w = (p + share * (diagonal * t_i)) + along_t;
        if let Some(y) = y.get_mut(i) {
            *y = (v - along_y) * (omega * inverse);
        }
    }
}
