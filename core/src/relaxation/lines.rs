//! Line SOR: the rows of a stencil as blocks.

use southwell_simd::stencil;

use super::relax::{Relax, matrix_by_field};
use crate::carve::carve;
use crate::linear::{Matrix, Stencil2d, Stencil3d};
use crate::{DiagonalFault, Error, Real};

/// A stencil relaxed a row of the grid at a time, each row solved exactly (Thomas algorithm; Varga
/// 1962, §6.4).
///
/// Needs a third fewer sweeps than point SOR at the best omega of each, and far fewer where the
/// coupling along rows is the strong one; turn the grid so that it is. Block Jacobi's radius on the
/// model problem is c/(2 − c), c = cos(π/(N+1)).
///
/// Scratch: three rows for a constant star, else two values a cell and a row.
#[derive(Clone, Copy, Debug)]
pub struct Lines<A> {
    stencil: A,
}

macro_rules! lines {
    ($name:ident) => {
        impl<'a, T: Real> Lines<$name<'a, T>> {
            /// The line order of a stencil.
            #[must_use]
            pub fn new(stencil: $name<'a, T>) -> Self {
                Self { stencil }
            }

            fn lengths(&self) -> [usize; 3] {
                let columns = self.stencil.columns();
                let factors = if self.stencil.is_constant() { columns } else { self.stencil.order() };
                [factors, factors, columns]
            }
        }

        impl<T: Real> Matrix<T> for Lines<$name<'_, T>> {
            matrix_by_field!(stencil);
        }

        impl<T: Real> Relax<T> for Lines<$name<'_, T>> {
            fn scratch_len(&self) -> usize {
                self.lengths().iter().fold(0, |sum: usize, &n| sum.saturating_add(n))
            }
            fn prepare(&self, scratch: &mut [T]) -> Result<(), Error> {
                let [gamma, pivot, _] = carve(scratch, self.lengths())?;
                // A constant star has its factors even where there is no row to be singular.
                if self.order() == 0 {
                    return Ok(());
                }
                match stencil::factor_lines(&self.stencil.grid(), gamma, pivot) {
                    None => Ok(()),
                    Some(row) => Err(Error::Diagonal { row, fault: DiagonalFault::SingularBlock }),
                }
            }
            fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]) {
                if let Ok([gamma, pivot, line]) = carve(scratch, self.lengths()) {
                    stencil::line_sweep(self.stencil.grid(), reversed, omega, gamma, pivot, line, rhs, x);
                }
            }
        }
    };
}

lines!(Stencil2d);
lines!(Stencil3d);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Star;

    #[test]
    fn a_grid_without_rows_has_no_singular_row() {
        let star = Star { centre: 0.0, ..Star::default() };
        for rows in [0, 1] {
            let lines = Lines::<Stencil2d<'_, f64>>::new(Stencil2d::constant(rows, 3, star).expect("finite"));
            assert_eq!(lines.prepare(&mut [0.0; 9]).is_ok(), rows == 0);
        }
    }
}
