//! Sweeps over a coloured matrix.

use southwell::descent::penalties::Shape;
use southwell::linear::{Csr, Matrix};
use southwell::relaxation::{Blocks, Relax};
use southwell::{Error, Real};
use southwell_simd::csr;

use super::half::ColourRows;
use super::{Coloured, LEAST, MOST};
use crate::threads::Pool;

/// A [`Coloured`] matrix, swept colour by colour; the unknowns of a colour (or its blocks) are shared out.
#[derive(Clone, Debug)]
pub struct ColouredSweeps<'a, T> {
    pub(super) rows: Vec<ColourRows<'a, T>>,
    pub(super) matrix: &'a Coloured<T>,
    pub(super) pool: &'a Pool,
}

/// Operands of a part of a colour: what it reads.
struct Sweep<'a, T> {
    rows: &'a ColourRows<'a, T>,
    omega: T,
    size: usize,
    /// From the colour's first unknown.
    inverse: &'a [T],
    rhs: &'a [T],
    /// x of the colours before and after.
    before: &'a [T],
    after: &'a [T],
}

impl<T: Real> Sweep<'_, T> {
    /// Relaxes unknowns from the colour's k-th on, one by one.
    fn unknowns(&self, k: usize, diagonal: &[T], x: &mut [T]) {
        match (self.rows.lower.columns().is_empty(), self.rows.upper.columns().is_empty()) {
            (false, true) => self.unknowns_beside::<true, false>(k, diagonal, x),
            (true, false) => self.unknowns_beside::<false, true>(k, diagonal, x),
            _ => self.unknowns_beside::<true, true>(k, diagonal, x),
        }
    }

    /// The same, looking for couplings to colours before, and after, where there are any.
    #[inline(always)]
    fn unknowns_beside<const BEFORE: bool, const AFTER: bool>(&self, k: usize, diagonal: &[T], x: &mut [T]) {
        let operands = self.inverse[k..].iter().zip(&self.rhs[k..]).zip(&diagonal[k..]);
        for (i, (x, ((&inverse, &b), &d))) in x.iter_mut().zip(operands).enumerate() {
            let r = if BEFORE { csr::row_residual(self.rows.lower, k + i, b, self.before) } else { b };
            let r = r - d * *x;
            let r = if AFTER { csr::row_residual(self.rows.upper, k + i, r, self.after) } else { r };
            *x += (self.omega * inverse) * r;
        }
    }

    /// Relaxes blocks, the first of which is the colour's k-th. Some at a time, one half of the couplings after the other.
    fn blocks(&self, k: usize, x: &mut [T]) {
        let (size, ColourRows { lower, within, upper, .. }) = (self.size, *self.rows);
        let some = MOST * MOST / size * size;
        let (mut r, mut s) = ([T::ZERO; MOST * MOST], [T::ZERO; MOST * MOST]);
        for (first, x) in (k * size..).step_by(some).zip(x.chunks_mut(some)) {
            let (r, s, rows) = (&mut r[..x.len()], &mut s[..x.len()], first..first + x.len());
            let b = &self.rhs[rows.clone()];
            if lower.columns().is_empty() {
                r.copy_from_slice(b);
            } else {
                csr::residual(lower.part(rows.clone()), b, self.before, r);
            }
            let blocks = x.chunks(size).zip(r.chunks_mut(size));
            for (first, (x, r)) in (first..).step_by(size).zip(blocks) {
                let mut own = [T::ZERO; MOST];
                own.iter_mut().zip(x).for_each(|(own, &x)| *own = x);
                for (row, r) in (first..).zip(r) {
                    *r = csr::row_residual(within, row, *r, &own);
                }
            }
            let r = if upper.columns().is_empty() {
                r
            } else {
                csr::residual(upper.part(rows), r, self.after, s);
                s
            };
            let inverse = self.inverse[first * size..].chunks(size * size);
            for ((x, r), inverse) in x.chunks_mut(size).zip(r.chunks(size)).zip(inverse) {
                for (x, row) in x.iter_mut().zip(inverse.chunks(size)) {
                    let change = row.iter().zip(r).fold(T::ZERO, |sum, (&a, &r)| sum + a * r);
                    *x += self.omega * change;
                }
            }
        }
    }
}

/// What is minimised over one unknown at a time, in the order of the colours.
#[derive(Debug)]
pub(in crate::threads) struct Proximal<'a, T> {
    pub(in crate::threads) rhs: &'a [T],
    pub(in crate::threads) shapes: &'a [Shape<T>],
}

impl<T: Real> ColouredSweeps<'_, T> {
    /// x_i ← prox((b_i − Σ_{j≠i} a_ij x_j)/a_ii), colour by colour.
    pub(in crate::threads) fn minimise(&self, problem: &Proximal<'_, T>, x: &mut [T]) {
        for rows in &self.rows {
            let (before, rest) = x.split_at_mut(rows.start);
            let (x, after) = rest.split_at_mut(rows.end - rows.start);
            let (before, after) = (&*before, &*after);
            let part = self.pool.part(x.len(), LEAST);
            self.pool.each(x.chunks_mut(part).enumerate(), |(k, x)| {
                let first = rows.start + k * part;
                let known = problem.rhs[first..].iter().zip(&problem.shapes[first..]);
                let known = known.zip(&self.matrix.diagonal[first..]);
                for (i, (x, ((&b, shape), &d))) in x.iter_mut().zip(known).enumerate() {
                    let r = csr::row_residual(rows.lower, k * part + i, b, before);
                    let r = csr::row_residual(rows.upper, k * part + i, r, after);
                    *x = shape.prox(T::ONE / d, r / d);
                }
            });
        }
    }
}

impl<T: Real> Relax<T> for ColouredSweeps<'_, T> {
    fn scratch_len(&self) -> usize {
        self.order() * self.matrix.size
    }

    fn prepare(&self, scratch: &mut [T]) -> Result<(), Error> {
        if self.matrix.size == 1 {
            for (inverse, &d) in scratch.iter_mut().zip(&self.matrix.diagonal) {
                *inverse = T::ONE / d;
            }
            return Ok(());
        }
        // The blocks on the diagonal alone, inverted where all blocks are.
        let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for (at, k, colour) in
            self.rows.iter().flat_map(|c| (c.start..c.end).map(move |at| (at, at - c.start, c)))
        {
            let row = colour.within.row(k);
            let block = (at - k % self.matrix.size) as u32;
            columns.extend(row.columns().iter().map(|column| block + column));
            values.extend_from_slice(row.values());
            offsets.push(columns.len() as u32);
        }
        Blocks::new(Csr::new(&offsets, &columns, &values)?, self.matrix.size)?.prepare(scratch)
    }

    fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]) {
        let size = self.matrix.size;
        let scratch = &*scratch;
        let mut relax = |rows: &ColourRows<'_, T>| {
            let (before, rest) = x.split_at_mut(rows.start);
            let (x, after) = rest.split_at_mut(rows.end - rows.start);
            let inverse = &scratch[rows.start * size..];
            let rhs = &rhs[rows.start..];
            let sweep = Sweep { rows, omega, size, inverse, rhs, before, after };
            let diagonal = &self.matrix.diagonal[rows.start..];
            let part = self.pool.part(x.len(), LEAST).next_multiple_of(size);
            self.pool.each(x.chunks_mut(part).enumerate(), |(k, x)| {
                if size == 1 {
                    sweep.unknowns(k * part, diagonal, x);
                } else {
                    sweep.blocks(k * part / size, x);
                }
            });
        };
        if reversed {
            self.rows.iter().rev().for_each(&mut relax)
        } else {
            self.rows.iter().for_each(&mut relax)
        }
    }
}
