//! The five-point star with constant couplings on a row between two others, and its lower half on a row above another, in
//! one pass.
//!
//! Registers begin where the row begins, so that none that is stored lies in two lines of the cache. The first cell has no
//! west and the last no east; what lies there in memory belongs to the rows beside, and is left out by a mask.

use pulp::Simd;

use super::{Coefficients, Grid, Star};
use crate::vectors::lanes;
use crate::{LANES, Real};

/// What the star reaches from the cells of a row: all of the row's length.
#[derive(Clone, Copy)]
pub(super) struct Reach<'x, T> {
    star: Star<T>,
    here: &'x [T],
    west: &'x [T],
    east: &'x [T],
    south: &'x [T],
    north: &'x [T],
}

/// The couplings in registers, and the cells that have no west and no east.
struct Registers<T: Real, S: Simd> {
    star: Star<T::Vector<S>>,
    zero: T::Vector<S>,
    first: T::Mask<S>,
    last: T::Mask<S>,
}

impl<T: Real, S: Simd> Registers<T, S> {
    #[inline(always)]
    fn new(simd: S, star: Star<T>) -> Self {
        let lanes = lanes::<T, S>();
        Self {
            star: star.map(|c| T::splat(simd, c)),
            zero: T::splat(simd, T::ZERO),
            first: T::vbetween(simd, 0, 1),
            last: T::vbetween(simd, lanes.saturating_sub(1), lanes),
        }
    }

    /// The star over a register of cells, one that begins (`first`) or ends (`last`) the row.
    #[inline(always)]
    fn product(&self, simd: S, first: bool, last: bool, [c, w, e, s, n]: [T::Vector<S>; 5]) -> T::Vector<S> {
        let mut sum = T::vadd(simd, self.zero, T::vmul(simd, self.star.centre, c));
        let with_west = T::vadd(simd, sum, T::vmul(simd, self.star.west, w));
        sum = if first { T::vselect(simd, self.first, sum, with_west) } else { with_west };
        let with_east = T::vadd(simd, sum, T::vmul(simd, self.star.east, e));
        sum = if last { T::vselect(simd, self.last, sum, with_east) } else { with_east };
        let sum = T::vadd(simd, sum, T::vmul(simd, self.star.south, s));
        T::vadd(simd, sum, T::vmul(simd, self.star.north, n))
    }
}

impl<'x, T: Real> Reach<'x, T> {
    /// Of a row of a plane with constant couplings that lies between two others.
    #[inline(always)]
    pub(super) fn new(grid: &Grid<'_, T>, x: &'x [T], row: usize) -> Option<Self> {
        let Coefficients::Constant(star) = grid.coefficients else { return None };
        if grid.planes != 1 || row == 0 || row + 1 >= grid.rows {
            return None;
        }
        let columns = grid.columns;
        let of = |start: usize| x.get(start..start + columns);
        let start = row * columns;
        let (west, south) = (of(start.checked_sub(1)?)?, of(start.checked_sub(columns)?)?);
        Some(Self { star, here: of(start)?, west, east: of(start + 1)?, south, north: of(start + columns)? })
    }

    /// (A x) of the cell in a column.
    #[inline(always)]
    fn cell(&self, j: usize) -> T {
        let at = |x: &[T]| x.get(j).copied().unwrap_or(T::ZERO);
        let mut sum = T::ZERO + self.star.centre * at(self.here);
        if j > 0 {
            sum += self.star.west * at(self.west);
        }
        if j + 1 < self.here.len() {
            sum += self.star.east * at(self.east);
        }
        (sum + self.star.south * at(self.south)) + self.star.north * at(self.north)
    }

    /// y ← A x.
    #[inline(always)]
    pub(super) fn product<S: Simd>(&self, simd: S, y: &mut [T]) {
        let registers = Registers::<T, S>::new(simd, self.star);
        let (c, tail) = T::split(simd, self.here);
        let (w, e) = (T::split(simd, self.west).0, T::split(simd, self.east).0);
        let (s, n) = (T::split(simd, self.south).0, T::split(simd, self.north).0);
        let (y, y_tail) = T::split_mut(simd, y);
        let last = if tail.is_empty() { c.len().wrapping_sub(1) } else { usize::MAX };
        for (i, (((((y, &c), &w), &e), &s), &n)) in
            y.iter_mut().zip(c).zip(w).zip(e).zip(s).zip(n).enumerate()
        {
            let cells = [c, w, e, s, n];
            *y = registers.product(simd, i == 0, i == last, cells);
        }
        let from = self.here.len() - tail.len();
        for (j, y) in (from..).zip(y_tail) {
            *y = self.cell(j);
        }
    }

    /// r ← b − A x.
    #[inline(always)]
    pub(super) fn residual<S: Simd>(&self, simd: S, rhs: &[T], r: &mut [T]) {
        let registers = Registers::<T, S>::new(simd, self.star);
        let (c, tail) = T::split(simd, self.here);
        let (w, e) = (T::split(simd, self.west).0, T::split(simd, self.east).0);
        let (s, n) = (T::split(simd, self.south).0, T::split(simd, self.north).0);
        let (b, b_tail) = T::split(simd, rhs);
        let (r, r_tail) = T::split_mut(simd, r);
        let last = if tail.is_empty() { c.len().wrapping_sub(1) } else { usize::MAX };
        for (i, ((((((r, &b), &c), &w), &e), &s), &n)) in
            r.iter_mut().zip(b).zip(c).zip(w).zip(e).zip(s).zip(n).enumerate()
        {
            let cells = [c, w, e, s, n];
            let product = registers.product(simd, i == 0, i == last, cells);
            *r = T::vsub(simd, b, product);
        }
        let from = self.here.len() - tail.len();
        for (j, (r, &b)) in (from..).zip(r_tail.iter_mut().zip(b_tail)) {
            *r = b - self.cell(j);
        }
    }

    /// Adds the squares of b − A x to running sums, column j to lane j mod [`LANES`].
    #[inline(always)]
    pub(super) fn add_square<S: Simd>(&self, simd: S, rhs: &[T], lanes: &mut [T; LANES]) {
        let registers = Registers::<T, S>::new(simd, self.star);
        let (b, b_tail) = rhs.as_chunks::<LANES>();
        let blocks = self.here.as_chunks::<LANES>().0;
        let (w, e) = (self.west.as_chunks::<LANES>().0, self.east.as_chunks::<LANES>().0);
        let (s, n) = (self.south.as_chunks::<LANES>().0, self.north.as_chunks::<LANES>().0);
        let last = if b_tail.is_empty() { blocks.len().wrapping_sub(1) } else { usize::MAX };
        // A copy that lives in registers while the loop runs.
        let mut sums = *lanes;
        for (i, (((((b, c), w), e), s), n)) in b.iter().zip(blocks).zip(w).zip(e).zip(s).zip(n).enumerate() {
            let (b, c) = (T::split(simd, b.as_slice()).0, T::split(simd, c.as_slice()).0);
            let (w, e) = (T::split(simd, w.as_slice()).0, T::split(simd, e.as_slice()).0);
            let (s, n) = (T::split(simd, s.as_slice()).0, T::split(simd, n.as_slice()).0);
            let count = b.len();
            let sums = T::split_mut(simd, &mut sums).0;
            for (k, ((((((sum, &b), &c), &w), &e), &s), &n)) in
                sums.iter_mut().zip(b).zip(c).zip(w).zip(e).zip(s).zip(n).enumerate()
            {
                let (first, last) = (i == 0 && k == 0, i == last && k + 1 == count);
                let cells = [c, w, e, s, n];
                let product = registers.product(simd, first, last, cells);
                let r = T::vsub(simd, b, product);
                *sum = T::vadd(simd, *sum, T::vmul(simd, r, r));
            }
        }
        let from = rhs.len() - b_tail.len();
        for (lane, (j, &b)) in sums.iter_mut().zip((from..).zip(b_tail)) {
            let r = b - self.cell(j);
            *lane += r * r;
        }
        *lanes = sums;
    }
}

/// w ← p + (s·(c·t)) + west·t_W + south·t_S on a piece of a row above another: the lower half of the star. All pieces are
/// of one length; one that `begins` the row has no west in its first cell.
#[inline(always)]
pub(super) fn lower_row<T: Real, S: Simd>(
    simd: S,
    star: Star<T>,
    share: T,
    p: &[T],
    [here, west, south]: [&[T]; 3],
    begins: bool,
    w: &mut [T],
) {
    let c = [star.centre, star.west, star.south].map(|c| T::splat(simd, c));
    let share_of = T::splat(simd, share);
    let first = T::vbetween(simd, 0, 1);
    let (known, p_tail) = T::split(simd, p);
    let (t, t_tail) = T::split(simd, here);
    let (t_west, west_tail) = T::split(simd, west);
    let (t_south, south_tail) = T::split(simd, south);
    let (out, w_tail) = T::split_mut(simd, w);
    let whole = out.len();
    for (i, ((((w, &p), &t), &west), &south)) in
        out.iter_mut().zip(known).zip(t).zip(t_west).zip(t_south).enumerate()
    {
        let sum = T::vadd(simd, p, T::vmul(simd, share_of, T::vmul(simd, c[0], t)));
        let with_west = T::vadd(simd, sum, T::vmul(simd, c[1], west));
        let sum = if begins && i == 0 { T::vselect(simd, first, sum, with_west) } else { with_west };
        *w = T::vadd(simd, sum, T::vmul(simd, c[2], south));
    }
    let beside = west_tail.iter().zip(south_tail);
    for (i, (((w, &p), &t), (&west, &south))) in
        w_tail.iter_mut().zip(p_tail).zip(t_tail).zip(beside).enumerate()
    {
        let mut sum = p + share * (star.centre * t);
        if !begins || whole > 0 || i > 0 {
            sum += star.west * west;
        }
        *w = sum + star.south * south;
    }
}
