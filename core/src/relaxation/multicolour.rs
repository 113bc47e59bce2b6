//! Multicolour order of a sparse matrix.

use southwell_simd::csr;

use super::relax::{Relax, invert_diagonal, matrix_by_field};
use crate::carve::carve;
use crate::linear::{Csr, Matrix, check_len};
use crate::{Error, Real, StructureFault};

/// Rows grouped into colours: no two rows of a colour are coupled, in either direction.
#[derive(Clone, Copy, Debug)]
pub struct Colouring<'a> {
    order: &'a [u32],
    starts: &'a [u32],
}

/// Marks a row without a colour.
const NONE: u32 = u32::MAX;

impl<'a> Colouring<'a> {
    /// A colouring of the caller's: colour c holds rows `order[starts[c]..starts[c + 1]]`.
    /// `storage` is scratch of at least the matrix's order.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Workspace`]; [`Error::Structure`] if the starts decrease or do
    /// not cover `order`, if a row occurs twice or not at all, or if two rows of a colour are coupled
    /// (`order` is named, with the first position whose row has an entry for the other). Cost: one pass over the matrix.
    pub fn new<T: Real>(
        matrix: &Csr<'_, T>,
        order: &'a [u32],
        starts: &'a [u32],
        storage: &mut [u32],
    ) -> Result<Self, Error> {
        let n = matrix.order();
        check_len("order", order.len(), n)?;
        let [colours] = carve(storage, [n])?;
        colours.fill(NONE);
        let fault = |argument, index, fault| Err(Error::Structure { argument, index, fault });
        let (Some(&first), Some(&last)) = (starts.first(), starts.last()) else {
            return Err(Error::Dimension { argument: "starts", expected: 1, given: 0 });
        };
        if first != 0 {
            return fault("starts", 0, StructureFault::FirstNotZero);
        }
        if last as usize != n {
            return fault("starts", starts.len().saturating_sub(1), StructureFault::OutOfRange);
        }
        if let Some(i) = starts.iter().position(|&start| start as usize > n) {
            return fault("starts", i, StructureFault::OutOfRange);
        }
        if let Some(i) = starts.windows(2).position(|w| matches!(*w, [a, b] if b < a)) {
            return fault("starts", i.saturating_add(1), StructureFault::Decreasing);
        }
        for (colour, window) in starts.windows(2).enumerate() {
            let [from, to] = *window else { continue };
            let rows = order.get(from as usize..to as usize).unwrap_or(&[]);
            for (k, &row) in rows.iter().enumerate() {
                let position = (from as usize).saturating_add(k);
                match colours.get_mut(row as usize) {
                    None => return fault("order", position, StructureFault::OutOfRange),
                    Some(c) if *c != NONE => {
                        return fault("order", position, StructureFault::NotAPermutation);
                    }
                    Some(c) => *c = colour as u32,
                }
            }
        }
        for (position, &row) in order.iter().enumerate() {
            let mine = colours.get(row as usize).copied();
            let (columns, _) = matrix.row(row as usize);
            if columns.iter().any(|&j| j != row && colours.get(j as usize).copied() == mine) {
                return fault("order", position, StructureFault::SameColour);
            }
        }
        Ok(Self { order, starts })
    }

    /// Elements of `u32` storage that [`greedy`](Colouring::greedy) needs for a matrix of this order.
    #[must_use]
    pub const fn required_len(order: usize) -> usize {
        order.saturating_mul(3).saturating_add(1)
    }

    /// Colours the graph of A + Aᵀ greedily: rows in natural order, each the smallest colour that none
    /// of its neighbours has (at most the largest degree + 1 colours; two for a five-point grid).
    ///
    /// Deterministic. Cost: one pass over the rows that are still without colour, a colour.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is shorter than [`required_len`](Colouring::required_len).
    pub fn greedy<T: Real>(matrix: &Csr<'_, T>, storage: &'a mut [u32]) -> Result<Self, Error> {
        let n = matrix.order();
        let [order, starts, blocked] = carve(storage, [n, n.saturating_add(1), n])?;
        // First fit in natural order gives colour c to the rows that are free when c's turn comes;
        // so one colour can be dealt out at a time. blocked[i] is the colour that i may not have
        // now, with the top half of the range for rows that have got theirs.
        const DONE: u32 = 1 << 31;
        blocked.fill(NONE);
        let mut placed = 0_usize;
        let mut colour = 0_u32;
        if let Some(first) = starts.first_mut() {
            *first = 0;
        }
        while placed < n && colour < DONE - 1 {
            for row in 0..n {
                let mark = blocked.get(row).copied().unwrap_or(NONE);
                let coloured = mark != NONE && mark >= DONE;
                if coloured || mark == colour {
                    continue;
                }
                let (columns, _) = matrix.row(row);
                // A neighbour by this row's own entries; those by the other rows' entries blocked it.
                let taken = DONE | colour;
                if columns.iter().any(|&j| j as usize != row && blocked.get(j as usize) == Some(&taken)) {
                    continue;
                }
                if let (Some(mark), Some(slot)) = (blocked.get_mut(row), order.get_mut(placed)) {
                    *mark = taken;
                    *slot = row as u32;
                    placed = placed.saturating_add(1);
                }
                for &j in columns {
                    if let Some(mark) =
                        blocked.get_mut(j as usize).filter(|mark| **mark == NONE || **mark < DONE)
                    {
                        *mark = colour;
                    }
                }
            }
            colour = colour.saturating_add(1);
            if let Some(start) = starts.get_mut(colour as usize) {
                *start = placed as u32;
            }
        }
        let starts = starts.get(..(colour as usize).saturating_add(1)).unwrap_or(&[]);
        Ok(Self { order, starts })
    }

    /// Colours.
    #[must_use]
    pub fn colours(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The rows of a colour; empty if there is no such colour.
    #[must_use]
    pub fn rows(&self, colour: usize) -> &'a [u32] {
        match self.starts.get(colour..colour.saturating_add(2)) {
            Some(&[from, to]) => self.order.get(from as usize..to as usize).unwrap_or(&[]),
            _ => &[],
        }
    }
}

/// A sparse matrix swept colour by colour; rows of one colour are independent.
///
/// More colours make another ordering, so another convergence; a five-point grid gets red-black.
#[derive(Clone, Copy, Debug)]
pub struct Multicolour<'a, T> {
    matrix: Csr<'a, T>,
    colouring: Colouring<'a>,
}

impl<'a, T: Real> Multicolour<'a, T> {
    /// The matrix in the order of a colouring.
    ///
    /// # Errors
    /// [`Error::Dimension`] if the colouring is of another order.
    pub fn new(matrix: Csr<'a, T>, colouring: Colouring<'a>) -> Result<Self, Error> {
        check_len("colouring", colouring.order.len(), matrix.order())?;
        Ok(Self { matrix, colouring })
    }
}

impl<T: Real> Matrix<T> for Multicolour<'_, T> {
    matrix_by_field!(matrix);
}

impl<T: Real> Relax<T> for Multicolour<'_, T> {
    fn scratch_len(&self) -> usize {
        self.order()
    }
    fn prepare(&self, scratch: &mut [T]) -> Result<(), Error> {
        invert_diagonal(&self.matrix, scratch);
        Ok(())
    }
    fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]) {
        csr::sor_sweep_in_order(self.matrix.parts(), self.colouring.order, reversed, omega, scratch, rhs, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_fault_in_the_starts_is_where_it_says() {
        let a = Csr::new(&[0, 1, 2, 3], &[0, 1, 2], &[1.0, 1.0, 1.0]).expect("diagonal");
        let mut storage = [0; 3];
        let mut new = |starts| Colouring::new(&a, &[0, 1, 2], starts, &mut storage).err();
        let fault = |index, fault| Some(Error::Structure { argument: "starts", index, fault });
        assert_eq!(new(&[0, 7, 2, 3]), fault(1, StructureFault::OutOfRange), "there is no row 7");
        assert_eq!(new(&[0, 2, 1, 3]), fault(2, StructureFault::Decreasing));
        assert_eq!(new(&[0, 2]), fault(1, StructureFault::OutOfRange));
        assert_eq!(new(&[1, 3]), fault(0, StructureFault::FirstNotZero));
        assert_eq!(new(&[]), Some(Error::Dimension { argument: "starts", expected: 1, given: 0 }));
        assert_eq!(new(&[0, 1, 1, 3]), None);
    }
}
