//! The sparse kind: the large entries of the coupling, conjugate gradients.

use southwell_simd::elementary::exp_scalar;

use super::curvature::{Balance, Curvature};
use super::select::Pattern;
use super::system::{self, Vectors};
use crate::Real;

/// The large entries of a coupling, and what is needed to solve with them.
#[derive(Debug)]
pub struct Sparse<'w, T> {
    pub(super) pattern: Pattern<'w, T>,
    pub(super) vectors: Vectors<'w, T>,
    pub(super) most_steps: u32,
}

impl<T: Real> Curvature<T> for Sparse<'_, T> {
    fn begin(&mut self) {
        self.pattern.begin();
    }

    fn row(&mut self, i: usize, p: &[T], largest: T) {
        self.pattern.row(i, p, largest);
    }

    fn settle(&mut self, total: T) -> bool {
        self.pattern.settle(total)
    }

    fn solve(&mut self, balance: &Balance<'_, T>, d_f: &mut [T], d_g: &mut [T]) -> u32 {
        let Some(rows) = self.pattern.rows() else { return 0 };
        system::solve(rows, balance, self.most_steps, &mut self.vectors, d_f, d_g)
    }

    fn excess(&self, step: T, d_f: &[T], d_g: &[T]) -> T {
        let Some(rows) = self.pattern.rows() else { return T::ZERO };
        let mut sum = T::ZERO;
        for (i, &d) in d_f.iter().enumerate() {
            let row = rows.row(i);
            for (&j, &p) in row.columns().iter().zip(row.values()) {
                let t = d + d_g.get(j as usize).map_or(T::ZERO, |&d| d);
                sum += p * (t * (exp_scalar(step * t) - T::ONE));
            }
        }
        sum
    }

    fn len(&self) -> usize {
        self.pattern.len()
    }

    fn clipped(&self) -> bool {
        self.pattern.clipped()
    }
}
