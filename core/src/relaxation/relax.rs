//! Matrices that can be swept.

use southwell_simd::{csr, dense};

use crate::linear::{Csr, Dense, Matrix, Stencil2d, Stencil3d};
use crate::{Error, Real};

/// A matrix that knows how to sweep over its unknowns in its own order.
///
/// One sweep in place, for every unknown (or block) in turn, with the newest x everywhere:
/// `x_i ← x_i + ω (b_i − Σ_j a_ij x_j) / a_ii`.
pub trait Relax<T: Real>: Matrix<T> {
    /// Elements that [`prepare`](Relax::prepare) fills and a sweep uses: the reciprocal diagonal,
    /// factorised blocks, nothing.
    fn scratch_len(&self) -> usize;

    /// Fills the scratch before the first sweep. Cost: one pass over the diagonal or the blocks.
    ///
    /// # Errors
    /// [`Error::Diagonal`] for a block that cannot be factorised.
    fn prepare(&self, scratch: &mut [T]) -> Result<(), Error>;

    /// One sweep, in the order of the view or (`reversed`) in the opposite order.
    fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]);

    /// `count` sweeps in the same direction, with the bits of as many [`sweep`](Relax::sweep)s.
    ///
    /// A constant stencil makes several in one pass over memory, eight at most (red-black four); other
    /// views sweep `count` times.
    fn sweeps(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T], count: u32) {
        for _ in 0..count {
            self.sweep(reversed, omega, scratch, rhs, x);
        }
    }
}

/// Writes the reciprocal diagonal.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn invert_diagonal<T: Real>(matrix: &impl Matrix<T>, inverse: &mut [T]) {
    for (row, inverse) in inverse.iter_mut().enumerate() {
        *inverse = T::ONE / matrix.diagonal(row).unwrap_or(T::ONE);
    }
}

/// Scratch that a stencil needs for sweeps: none for a constant star.
macro_rules! relax_stencil {
    ($name:ident) => {
        impl<T: Real> Relax<T> for $name<'_, T> {
            fn scratch_len(&self) -> usize {
                if self.is_constant() { 0 } else { self.order() }
            }
            fn prepare(&self, scratch: &mut [T]) -> Result<(), Error> {
                invert_diagonal(self, scratch);
                Ok(())
            }
            fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]) {
                self.sweeps(reversed, omega, scratch, rhs, x, 1);
            }
            fn sweeps(
                &self,
                reversed: bool,
                omega: T,
                scratch: &mut [T],
                rhs: &[T],
                x: &mut [T],
                count: u32,
            ) {
                self.grid_ref().sor_sweeps(reversed, omega, scratch, rhs, x, count as usize);
            }
        }
    };
}

relax_stencil!(Stencil2d);
relax_stencil!(Stencil3d);

impl<T: Real> Relax<T> for Csr<'_, T> {
    fn scratch_len(&self) -> usize {
        self.order()
    }
    fn prepare(&self, scratch: &mut [T]) -> Result<(), Error> {
        invert_diagonal(self, scratch);
        Ok(())
    }
    fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]) {
        csr::sor_sweep(self.parts(), reversed, omega, scratch, rhs, x);
    }
}

impl<T: Real> Relax<T> for Dense<'_, T> {
    fn scratch_len(&self) -> usize {
        self.order()
    }
    fn prepare(&self, scratch: &mut [T]) -> Result<(), Error> {
        invert_diagonal(self, scratch);
        Ok(())
    }
    fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]) {
        dense::sor_sweep(self.parts(), reversed, omega, scratch, rhs, x);
    }
}

/// Passes the methods of [`Matrix`] on to a field of a wrapper.
macro_rules! matrix_by_field {
    ($field:ident) => {
        fn order(&self) -> usize {
            self.$field.order()
        }
        fn diagonal(&self, row: usize) -> Option<T> {
            self.$field.diagonal(row)
        }
        fn off_diagonal(&self, row: usize) -> T {
            self.$field.off_diagonal(row)
        }
        fn apply(&self, x: &[T], y: &mut [T]) {
            self.$field.apply(x, y);
        }
        fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
            self.$field.residual(rhs, x, r);
        }
        fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
            self.$field.residual_square(rhs, x)
        }
    };
}
pub(super) use matrix_by_field;
