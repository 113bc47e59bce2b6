//! Omega learned within a run: a trial is a chunk of steps.

use rand_core::Rng;
use southwell::bandit::{Grid, Tuner};
use southwell::omega::{OmegaRule, Sight};
use southwell::{Progress, Real, Report};

/// Any tuner of [`southwell::bandit`] as a rule that tries omegas while a run goes on.
///
/// An arm is drawn, and its loss is how long the residual would take to fall tenfold at the pace that it had
/// since the last look, in steps, relative to the chunk: small is good, and a residual that grows costs the most
/// there is, `WORST` chunks. On a device a look speaks of the chunk before the one that was just sent, so an arm is
/// kept for a chunk more than the one that it is judged by; the first look after a change judges nothing.
///
/// In a long run this finds an omega without a rule for the spectrum; a short one is over before. What was learned is
/// kept for the next run.
#[derive(Clone, Debug)]
pub struct Trials<T, B, G> {
    tuner: B,
    grid: Grid<T>,
    rng: G,
    omega: T,
    /// The last look: steps, residual, and the omega that it speaks of.
    last: Option<(u32, T, T)>,
}

/// The largest loss.
const WORST: f64 = 64.0;

impl<T: Real, B: Tuner<T>, G: Rng> Trials<T, B, G> {
    /// A rule that draws from `grid` with `tuner` and `rng`.
    #[must_use]
    pub fn new(tuner: B, grid: Grid<T>, rng: G) -> Self {
        Self { tuner, grid, rng, omega: T::ONE, last: None }
    }

    /// The tuner, to look at.
    #[must_use]
    pub fn tuner(&self) -> &B {
        &self.tuner
    }

    fn draw(&mut self) -> T {
        let arm = self.tuner.choose_with(T::ZERO, self.rng.next_u64());
        self.omega = self.grid.value(arm);
        self.omega
    }
}

/// Chunks that a tenfold reduction takes at the pace of this one.
fn loss(before: f64, after: f64) -> f64 {
    let decades = libm::log10(before / after);
    if decades > 1.0 / WORST { 1.0 / decades } else { WORST }
}

impl<T: Real, B: Tuner<T>, G: Rng> OmegaRule<T> for Trials<T, B, G> {
    fn begin(&mut self, _sight: &Sight<'_, T>) -> T {
        self.last = None;
        self.draw()
    }

    fn revise(&mut self, progress: &Progress<T>) -> Option<T> {
        let residual = progress.residual?;
        let now = (progress.step, residual, progress.parameter);
        let before = self.last.replace(now);
        let (step, earlier, parameter) = before?;
        // Both looks speak of chunks with the omega that is on trial.
        let judged = parameter == self.omega && progress.parameter == self.omega && progress.step > step;
        if !judged || earlier <= T::ZERO || residual <= T::ZERO {
            return None;
        }
        self.tuner.learn(T::from_f64(loss(earlier.to_f64(), residual.to_f64())));
        Some(self.draw())
    }

    fn end(&mut self, _report: &Report<T>) {
        // An arm whose trial was cut short is not judged.
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::loss;

    #[test]
    fn losses() {
        assert_eq!(loss(1.0, 0.1), 1.0);
        assert!((loss(1.0, 0.01) - 0.5).abs() < 1e-15);
        assert_eq!([loss(1.0, 1.0), loss(1.0, 2.0), loss(1.0, f64::NAN)], [64.0; 3]);
    }
}
