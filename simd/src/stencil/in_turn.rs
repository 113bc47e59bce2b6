//! The recurrences over grids with rows too short for registers, a cell after the other, as in [`small`](super::small).

use super::small::{Entry, Row, Rows, Same, value};
use super::{Coefficients, Grid, Star};
use crate::Real;

/// What is known of a cell before its row runs, but for the row behind it.
trait Known<T: Real> {
    /// Of cell k in column j. `x` is the row, `beside` the rows beside it.
    fn at(&mut self, k: usize, j: usize, x: &[T], beside: &Star<&[T]>) -> Option<T>;
}

/// Of a sweep: all couplings to cells ahead.
struct Sweep<'a, T, E> {
    star: Star<E>,
    reversed: bool,
    rhs: &'a [T],
}

impl<T: Real, E: Entry<T>> Known<T> for Sweep<'_, T, E> {
    #[inline(always)]
    fn at(&mut self, k: usize, j: usize, here: &[T], x: &Star<&[T]>) -> Option<T> {
        let mut t = value(self.rhs, k)?;
        if let Some(&x) = x.down.get(j) {
            t -= self.star.down.at(k)? * x;
        }
        if let Some(&x) = x.up.get(j) {
            t -= self.star.up.at(k)? * x;
        }
        if self.reversed {
            if let Some(&x) = x.south.get(j) {
                t -= self.star.south.at(k)? * x;
            }
            if j > 0 {
                t -= self.star.west.at(k)? * value(here, j - 1)?;
            }
        } else {
            if let Some(&x) = x.north.get(j) {
                t -= self.star.north.at(k)? * x;
            }
            if let Some(&x) = here.get(j + 1) {
                t -= self.star.east.at(k)? * x;
            }
        }
        Some(t)
    }
}

/// Of the upper half.
struct Upper<'a, T, E> {
    up: E,
    p: &'a [T],
}

impl<T: Real, E: Entry<T>> Known<T> for Upper<'_, T, E> {
    #[inline(always)]
    fn at(&mut self, k: usize, j: usize, _here: &[T], x: &Star<&[T]>) -> Option<T> {
        let p = value(self.p, k)?;
        x.up.get(j).map_or(Some(p), |&x| Some(p - self.up.at(k)? * x))
    }
}

/// Of the lower half, whose product with A it leaves in w.
struct Lower<'a, T, E> {
    star: Star<E>,
    columns: usize,
    plane: usize,
    weight: T,
    share: T,
    p: &'a [T],
    t: &'a [T],
    w: &'a mut [T],
}

impl<T: Real, E: Entry<T>> Known<T> for Lower<'_, T, E> {
    #[inline(always)]
    fn at(&mut self, k: usize, j: usize, _here: &[T], y: &Star<&[T]>) -> Option<T> {
        let (p, c, here) = (value(self.p, k)?, self.star.centre.at(k)?, value(self.t, k)?);
        let mut product = p + self.share * (c * here);
        if j > 0 {
            product += self.star.west.at(k)? * value(self.t, k - 1)?;
        }
        if j < y.south.len() {
            product += self.star.south.at(k)? * value(self.t, k - self.columns)?;
        }
        let mut known = p - (self.weight * c) * here;
        if let Some(&y) = y.down.get(j) {
            let down = self.star.down.at(k)?;
            product += down * value(self.t, k - self.plane)?;
            known -= down * y;
        }
        *self.w.get_mut(k)? = product;
        Some(known)
    }
}

/// `count` lexicographic sweeps of SOR.
#[inline(always)]
pub(super) fn sweeps<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
    count: usize,
) {
    let keep = Some(T::ONE - omega);
    for _ in 0..count {
        match grid.coefficients {
            Coefficients::Constant(star) => {
                let path = Blocks::new(star, omega, keep, reversed);
                run(grid, reversed, &path, &mut Sweep { star: star.map(Same), reversed, rhs }, x);
            }
            Coefficients::PerCell(star) => {
                let path = Cells::new(star, omega, inverse, keep, reversed);
                run(grid, reversed, &path, &mut Sweep { star, reversed, rhs }, x);
            }
        }
    }
}

/// t ← (D/ω + U)⁻¹ p.
#[inline(always)]
pub(super) fn upper<T: Real>(grid: &Grid<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let path = Blocks::new(star, omega, None, true);
            run(grid, true, &path, &mut Upper { up: Same(star.up), p }, t);
        }
        Coefficients::PerCell(star) => {
            let path = Cells::new(star, omega, inverse, None, true);
            run(grid, true, &path, &mut Upper { up: star.up, p }, t);
        }
    }
}

/// y ← (D/ω + L)⁻¹ (p − K t), w ← A t.
#[inline(always)]
pub(super) fn lower<T: Real>(
    grid: &Grid<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let path = Blocks::new(star, omega, None, false);
            let star = star.map(Same);
            run(grid, false, &path, &mut Lower { star, columns, plane, weight, share, p, t, w }, y);
        }
        Coefficients::PerCell(star) => {
            let path = Cells::new(star, omega, inverse, None, false);
            run(grid, false, &path, &mut Lower { star, columns, plane, weight, share, p, t, w }, y);
        }
    }
}

/// How a row is relaxed.
trait Path<T: Real> {
    fn relax(&self, row: Row, reversed: bool, known: &mut impl Known<T>, x: &mut [T]) -> Option<()>;
}

#[inline(always)]
fn run<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    path: &impl Path<T>,
    known: &mut impl Known<T>,
    x: &mut [T],
) {
    if grid.planes == 1 {
        for row in Rows::<false>::of(grid, reversed) {
            if path.relax(row, reversed, known, x).is_none() {
                return;
            }
        }
    } else {
        for row in Rows::<true>::of(grid, reversed) {
            if path.relax(row, reversed, known, x).is_none() {
                return;
            }
        }
    }
}

/// Couplings by cell: t ← `known` − behind·x_behind, x ← ([keep·x +] f·t) − (f·before)·x_before.
struct Cells<'a, T> {
    omega: T,
    inverse: &'a [T],
    keep: Option<T>,
    behind: &'a [T],
    before: &'a [T],
}

impl<'a, T: Real> Cells<'a, T> {
    #[inline(always)]
    fn new(star: Star<&'a [T]>, omega: T, inverse: &'a [T], keep: Option<T>, reversed: bool) -> Self {
        let (behind, before) = if reversed { (star.north, star.east) } else { (star.south, star.west) };
        Self { omega, inverse, keep, behind, before }
    }
}

impl<T: Real> Path<T> for Cells<'_, T> {
    #[inline(always)]
    fn relax(&self, row: Row, reversed: bool, known: &mut impl Known<T>, x: &mut [T]) -> Option<()> {
        let (here, beside) = row.of_mut(x)?;
        let behind = if reversed { beside.north } else { beside.south };
        let mut last = T::ZERO;
        for step in 0..here.len() {
            let j = if reversed { here.len() - 1 - step } else { step };
            let k = row.start + j;
            let mut t = known.at(k, j, here, &beside)?;
            if let Some(&x) = behind.get(j) {
                t -= value(self.behind, k)? * x;
            }
            let f = self.omega * value(self.inverse, k)?;
            let mut q = f * t;
            let x = here.get_mut(j)?;
            if let Some(keep) = self.keep {
                q = keep * *x + q;
            }
            last = q - (f * value(self.before, k)?) * last;
            *x = last;
        }
        Some(())
    }
}

/// Constant couplings, a row in a single block of the [doubling](super::doubling): q ← ([keep·x +] f·t) − across·x_behind,
/// and the cells before it in the row doubled.
struct Blocks<T> {
    factor: T,
    keep: Option<T>,
    across: T,
    /// c, c², c⁴
    along: [T; 3],
}

impl<T: Real> Blocks<T> {
    #[inline(always)]
    fn new(star: Star<T>, omega: T, keep: Option<T>, reversed: bool) -> Self {
        let factor = omega * (T::ONE / star.centre);
        let (behind, before) = if reversed { (star.north, star.east) } else { (star.south, star.west) };
        let c = factor * before;
        Self { factor, keep, across: factor * behind, along: [c, c * c, (c * c) * (c * c)] }
    }
}

impl<T: Real> Path<T> for Blocks<T> {
    #[inline(always)]
    fn relax(&self, row: Row, reversed: bool, known: &mut impl Known<T>, x: &mut [T]) -> Option<()> {
        let (here, beside) = row.of_mut(x)?;
        let behind = if reversed { beside.north } else { beside.south };
        let [c, c2, c4] = self.along;
        // q one cell before, y¹ one and two before, y² one to four before.
        let (mut q1, mut once, mut twice) = (T::ZERO, [T::ZERO; 2], [T::ZERO; 4]);
        let mut power = -c;
        for step in 0..here.len() {
            let j = if reversed { here.len() - 1 - step } else { step };
            let mut q = self.factor * known.at(row.start + j, j, here, &beside)?;
            let x = here.get_mut(j)?;
            if let Some(keep) = self.keep {
                q = keep * *x + q;
            }
            if let Some(&x) = behind.get(j) {
                q -= self.across * x;
            }
            let y1 = if step >= 1 { q - c * q1 } else { q };
            let y2 = if step >= 2 { y1 + c2 * once[1] } else { y1 };
            let y3 = if step >= 4 { y2 + c4 * twice[3] } else { y2 };
            *x = y3 + power * T::ZERO;
            power *= -c;
            q1 = q;
            once = [y1, once[0]];
            twice = [y2, twice[0], twice[1], twice[2]];
        }
        Some(())
    }
}
