//! The damped linear system, reduced to the columns and solved by conjugate gradients.

use southwell::transport::Cost;
use southwell_simd::{csr, vector};

use super::Newton;
use crate::cluster::sinkhorn::Problem;
use crate::cluster::{Communicator, Fault};

/// As in [`southwell::transport::newton`]: the coarsest and the finest residual of the system, relatively.
const COARSEST: f64 = 1e-2;
const FINEST: f64 = 1e-3;

fn reciprocal(x: f64) -> f64 {
    let inverse = 1.0 / x;
    if x > 0.0 && inverse.is_finite() { inverse } else { 0.0 }
}

impl<C: Communicator + ?Sized, K: Cost<f64>> Newton<'_, C, K> {
    /// Σ_b of a product of P̃ᵀ with a number a row, by blocks: `of(row of P̃, its number)`.
    fn transposed(
        &mut self,
        of: impl Fn(csr::Row<'_, f64>, usize) -> f64,
        sums: &mut [f64],
    ) -> Result<(), Fault> {
        let &Problem { communicator, costs, b, .. } = self.problem;
        let m = b.len();
        let Self { pattern, columns, .. } = self;
        let rows = pattern.rows(m);
        let mut i = 0;
        for (cost, vector) in costs.iter().zip(columns.vectors.chunks_mut(m.max(1))) {
            vector.fill(0.0);
            for _ in 0..cost.rows() {
                let row = rows.row(i);
                csr::add_scaled(of(row, i), row, vector);
                i += 1;
            }
        }
        let none = vec![[0.0; 0]; costs.len()];
        columns.add_all(communicator, &none, sums)?;
        Ok(())
    }

    /// d = M⁻¹ ∇ in units of ε, and its product with ∇.
    pub(super) fn direction(&mut self) -> Result<f64, Fault> {
        let &Problem { communicator, costs, a, b, mass, .. } = self.problem;
        let m = b.len();
        let relative = (self.residual / mass).min(1.0);
        self.sigma = self.options.damping * relative;
        let forcing = (0.1 * relative).clamp(FINEST, COARSEST).min(self.options.cg_tolerance);
        let damped = 1.0 + self.sigma;
        let inverse_rows: Vec<f64> = self.row_sums.iter().map(|&r| reciprocal(damped * r)).collect();
        for (((d, &w), &a), &r) in self.d_f.iter_mut().zip(&inverse_rows).zip(a).zip(&self.row_sums) {
            *d = if w > 0.0 { a - r } else { 0.0 };
        }
        let diagonal: Vec<f64> = self.column_sums.iter().map(|&c| damped * c).collect();
        let mut residual: Vec<f64> =
            self.column_sums.iter().zip(b).map(|(&c, &b)| if c > 0.0 { b - c } else { 0.0 }).collect();
        let gradient = std::mem::take(&mut self.d_f);
        let ([square], _) = self
            .sums
            .total(communicator, false, |rows| [vector::dot(&gradient[rows.clone()], &gradient[rows])])?;
        let square = square + vector::dot(&residual, &residual);
        // The right-hand side of the reduced system, and its diagonal.
        let mut added = vec![0.0; m];
        self.transposed(|_, i| -(inverse_rows[i] * gradient[i]), &mut added)?;
        vector::axpy(1.0, &added, &mut residual);
        let mut row = 0;
        for (cost, vector) in costs.iter().zip(self.columns.vectors.chunks_mut(m.max(1))) {
            vector.fill(0.0);
            for _ in 0..cost.rows() {
                let entries = self.pattern.offsets[row] as usize..self.pattern.offsets[row + 1] as usize;
                for at in entries {
                    let p = self.pattern.values[at];
                    vector[self.pattern.columns[at] as usize] -= inverse_rows[row] * p * p;
                }
                row += 1;
            }
        }
        let none = vec![[0.0; 0]; costs.len()];
        self.columns.add_all(communicator, &none, &mut added)?;
        let inverse: Vec<f64> =
            added.iter().zip(&diagonal).map(|(s, c)| reciprocal((c + s).max(c * f64::EPSILON))).collect();

        let mut d_g = std::mem::take(&mut self.d_g);
        d_g.fill(0.0);
        let mut along: Vec<f64> = residual.iter().zip(&inverse).map(|(r, w)| r * w).collect();
        let mut weighted = vector::dot3(&residual, &residual, &inverse);
        let (mut steps, enough) = (0, forcing * forcing * square);
        while steps < self.options.cg_steps && vector::dot(&residual, &residual) > enough {
            self.transposed(|row, i| -(inverse_rows[i] * csr::dot(row, &along)), &mut added)?;
            added.iter_mut().zip(along.iter().zip(&diagonal)).for_each(|(q, (d, c))| *q += c * d);
            let curvature = vector::dot(&along, &added);
            let step = weighted / curvature;
            if !(curvature > 0.0 && step.is_finite()) {
                break;
            }
            steps += 1;
            vector::axpy(step, &along, &mut d_g);
            vector::axpy(-step, &added, &mut residual);
            let next = vector::dot3(&residual, &residual, &inverse);
            let beta = next / weighted;
            weighted = next;
            for ((d, r), w) in along.iter_mut().zip(&residual).zip(&inverse) {
                *d = r * w + beta * *d;
            }
        }
        self.work.cg_steps = self.work.cg_steps.saturating_add(steps);
        let rows = self.pattern.rows(m);
        self.d_f = gradient;
        for (i, (d, &w)) in self.d_f.iter_mut().zip(&inverse_rows).enumerate() {
            *d = w * (*d - csr::dot(rows.row(i), &d_g));
        }
        self.d_g = d_g;
        let Self { d_f, d_g, row_sums, column_sums, sums, .. } = self;
        let slope = |weights: &[f64], sums: &[f64], d: &[f64]| {
            weights.iter().zip(sums).zip(d).fold(0.0, |sum, ((w, s), d)| sum + (w - s) * d)
        };
        let ([of_rows], _) = sums.total(communicator, false, |rows| {
            [slope(&a[rows.clone()], &row_sums[rows.clone()], &d_f[rows])]
        })?;
        Ok(of_rows + slope(b, column_sums, d_g))
    }
}
