//! How far to go along a direction.

use southwell::Status;
use southwell::transport::Cost;
use southwell_simd::elementary::exp_scalar;

use super::Newton;
use crate::cluster::sinkhorn::Problem;
use crate::cluster::{Communicator, Fault};

/// As in [`southwell::transport::newton`].
const ARMIJO: f64 = 1e-4;
const MOST_HALVINGS: u32 = 12;
const OVERSHOOT: f64 = 1.5;
const BISECTIONS: u32 = 12;

/// Σ over lines with weight of x y.
fn inner(weights: &[f64], x: &[f64], y: &[f64]) -> f64 {
    let lines = weights.iter().zip(x).zip(y);
    lines.fold(0.0, |sum, ((&w, &x), &y)| if w > 0.0 { sum + x * y } else { sum })
}

impl<C: Communicator + ?Sized, K: Cost<f64>> Newton<'_, C, K> {
    /// What the kept entries ask for at a step, beyond the linear.
    fn excess(&mut self, step: f64) -> Result<f64, Fault> {
        let Self { problem, pattern, sums, d_f, d_g, .. } = self;
        let ([excess], _) = sums.total(problem.communicator, false, |rows| {
            let mut sum = 0.0;
            for i in rows {
                for at in pattern.offsets[i] as usize..pattern.offsets[i + 1] as usize {
                    let t = d_f[i] + d_g[pattern.columns[at] as usize];
                    sum += pattern.values[at] * (t * (exp_scalar(step * t) - 1.0));
                }
            }
            [sum]
        })?;
        Ok(excess)
    }

    fn predicted(&mut self, slope: f64) -> Result<f64, Fault> {
        if self.excess(1.0)? <= slope * OVERSHOOT {
            return Ok(1.0);
        }
        let (mut low, mut high) = (0.0_f64, 1.0);
        for _ in 0..BISECTIONS {
            let middle = (low + high) * 0.5;
            if self.excess(middle)? <= slope {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low.max(high * 0.5))
    }

    /// A guarded search along d; false if no step was found.
    pub(super) fn search(&mut self, slope: f64) -> Result<bool, Fault> {
        let &Problem { communicator, a, b, epsilon, .. } = self.problem;
        let Self { d_f, d_g, sums, .. } = self;
        let ([of_rows], _) =
            sums.total(communicator, false, |rows| [inner(&a[rows.clone()], &a[rows.clone()], &d_f[rows])])?;
        let linear = of_rows + inner(b, b, d_g);
        let mut step = self.predicted(slope)?;
        for _ in 0..=MOST_HALVINGS {
            let Self { trial, f, g, d_f, d_g, .. } = self;
            let move_on = |trial: &mut [f64], x: &[f64], d: &[f64]| {
                for ((trial, &x), &d) in trial.iter_mut().zip(x).zip(d) {
                    *trial = x + epsilon * (step * d);
                }
            };
            move_on(&mut trial.f, f, d_f);
            move_on(&mut trial.g, g, d_g);
            self.work.evaluations += 1;
            let (total, residual) = self.read_trial()?;
            let gain = step * linear - (total - self.total);
            let expected = ARMIJO * step * slope;
            let level = self.level;
            if gain.is_finite()
                && (gain >= expected.max(level) || (gain.abs() <= level && residual < self.residual))
            {
                self.accept(total, residual);
                return Ok(true);
            }
            if step * slope <= level {
                if self.residual <= level {
                    self.failure = Some(Status::Stalled);
                }
                return Ok(false);
            }
            step *= 0.5;
        }
        Ok(false)
    }
}
