//! What a caller may see of a run while it runs.

use core::ops::ControlFlow;

/// A look at a run after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Progress<T> {
    /// Steps done so far in this drive (0: before the first step).
    pub step: u32,
    /// The residual, at the steps where it was evaluated.
    pub residual: Option<T>,
    /// The parameter that adapts (omega, a step size, ε …).
    pub parameter: T,
}

/// Sees every step and may end the run. `()` sees nothing and costs nothing.
///
/// Any `FnMut(&Progress<T>) -> ControlFlow<()>` is an observer.
pub trait Observer<T> {
    /// Called once before the first step and after every step, or after every look at the residual
    /// (and the last step) if [`every_step`](Observer::every_step) says so.
    fn observe(&mut self, progress: &Progress<T>) -> ControlFlow<()>;

    /// Whether every step matters. Where it does not, a run may take all steps up to the next look
    /// together ([`Run::steps`](crate::Run::steps)), which costs less for some methods; what it
    /// computes and reports is the same. True unless overridden; false for `()`.
    fn every_step(&self) -> bool {
        true
    }
}

impl<T> Observer<T> for () {
    #[inline(always)]
    fn observe(&mut self, _progress: &Progress<T>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    #[inline(always)]
    fn every_step(&self) -> bool {
        false
    }
}

impl<T, F: FnMut(&Progress<T>) -> ControlFlow<()>> Observer<T> for F {
    #[inline]
    fn observe(&mut self, progress: &Progress<T>) -> ControlFlow<()> {
        self(progress)
    }
}
