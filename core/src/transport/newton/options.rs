//! How a run proceeds, and what it counts.

use crate::{Error, Real, Stop};

/// How a run of Newton's method proceeds, sparse or dense.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances against the mass Σ a, step limit, how often to look (a look is free). Default: relative
    /// 1e-9 in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
    /// Sinkhorn steps before the first Newton step. Default 20.
    pub first_steps: u32,
    /// The share of the mass that the linear system may leave out, in [0, 1); at least 16 roundings count.
    /// Default 1e-6 in `f64`, 1e-4 in `f32`. (Of 1e-3 … 1e-8, 1e-5 and 1e-6 cost least on the reference
    /// problems; 1e-4 asks for a fifth fewer entries and 5 to 20 % more steps.)
    pub dropped: T,
    /// σ = damping · min(1, residual/mass). Default 0.1.
    pub damping: T,
    /// Steps of conjugate gradients in a Newton step, at most. Default 1000.
    pub cg_steps: u32,
    /// What conjugate gradients may leave of the right-hand side, at most, in (0, 1]. Default 1: what suits the residual,
    /// between 1e-2 and 1e-3. (1e-10 with nothing [`dropped`](Self::dropped) saves one Newton step in some of the reference
    /// problems, for twice the work or more.)
    pub cg_tolerance: T,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        // EPSILON > 1e-10 tells f32 from f64 without asking for the type.
        let (relative, dropped) = if T::EPSILON.to_f64() > 1e-10 { (1e-5, 1e-4) } else { (1e-9, 1e-6) };
        Self {
            stop: Stop::relative(T::from_f64(relative)),
            first_steps: 20,
            dropped: T::from_f64(dropped),
            damping: T::from_f64(0.1),
            cg_steps: 1000,
            cg_tolerance: T::ONE,
        }
    }
}

impl<T: Real> Options<T> {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.stop.check()?;
        if !(self.dropped >= T::ZERO && self.dropped < T::ONE) {
            return Err(Error::Option { name: "dropped", requirement: "must lie in [0, 1)" });
        }
        if !(self.damping >= T::ZERO && self.damping.is_finite()) {
            return Err(Error::Option { name: "damping", requirement: "must be finite and not negative" });
        }
        if self.cg_steps == 0 {
            return Err(Error::Option { name: "cg_steps", requirement: "must be positive" });
        }
        if !(self.cg_tolerance > T::ZERO && self.cg_tolerance <= T::ONE) {
            return Err(Error::Option { name: "cg_tolerance", requirement: "must lie in (0, 1]" });
        }
        Ok(())
    }
}

/// What a run has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Work {
    /// Sinkhorn steps, those of rescues included.
    pub sinkhorn_steps: u32,
    /// Newton steps.
    pub newton_steps: u32,
    /// Steps of conjugate gradients.
    pub cg_steps: u32,
    /// Readings of the costs, an exponential an entry each.
    pub kernel_reads: u32,
    /// Evaluations of the dual function in line searches; each is one of the readings.
    pub evaluations: u32,
    /// Newton steps that were replaced by Sinkhorn steps.
    pub rescues: u32,
    /// Entries that went through products with the system.
    pub entries: u64,
}
