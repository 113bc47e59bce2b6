//! Who chooses omega, the factor of over-relaxation, in every family that has one.
//!
//! | rule | knows | learns |
//! |---|---|---|
//! | [`Fixed`] | – | – |
//! | [`HagemanYoung`] | – | within a run, from how fast the residual falls |
//! | [`Eager`] | – | the same, and does not wait |
//! | [`Learned`] | a context, if there is one | over a sequence of runs, by any [tuner](crate::bandit) |
//! | [`Auto`] | what the solver sees anyway | over a sequence of runs |

mod eager;
mod learned;
#[cfg(test)]
mod tests;
mod young;

pub use eager::Eager;
pub use learned::{Auto, Cost, Learned};
pub use young::{HagemanYoung, young_omega};

use crate::{Error, Progress, Real, Report};

/// Chooses the relaxation factor, on two time scales: within a run, and over a sequence of runs.
///
/// A solver asks [`begin`](OmegaRule::begin) before a run, offers [`revise`](OmegaRule::revise) every
/// residual that it evaluates, and tells [`end`](OmegaRule::end) how the run ended (a caller who
/// steps a run by hand tells it himself).
pub trait OmegaRule<T: Real> {
    /// Omega for the run that begins; must lie in (0, 2).
    fn begin(&mut self, sight: &Sight<'_, T>) -> T;

    /// Another omega from here on, or `None` to keep it. A value outside (0, 2) is ignored.
    fn revise(&mut self, _progress: &Progress<T>) -> Option<T> {
        None
    }

    /// How the run ended.
    fn end(&mut self, _report: &Report<T>) {}
}

/// What a solver sees anyway when a run begins, for rules that look.
#[derive(Clone, Copy)]
pub struct Sight<'a, T> {
    /// Unknowns.
    pub size: usize,
    /// What the relative tolerance refers to: ‖b‖₂ of a linear system, the mass to be moved.
    pub scale: T,
    /// The residual at the start, or a bound where it is not known yet.
    pub initial_residual: T,
    /// Evaluated only for a rule that asks.
    pub(crate) coupling: &'a dyn Fn() -> T,
}

impl<T: Real> core::fmt::Debug for Sight<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sight").field("size", &self.size).finish_non_exhaustive()
    }
}

impl<'a, T: Real> Sight<'a, T> {
    /// What a solver outside this crate sees; `coupling` is called only for a rule that asks.
    #[must_use]
    pub fn new(size: usize, scale: T, initial_residual: T, coupling: &'a dyn Fn() -> T) -> Self {
        Self { size, scale, initial_residual, coupling }
    }

    /// How strongly the unknowns hang together, a number in [0, 1] that costs next to nothing; the nearer
    /// to 1 the harder. Each family says what it is: a linear system takes the ratio of off-diagonal to
    /// diagonal weight ([`relaxation`](crate::relaxation)), transport 1 − ε/max C.
    #[must_use]
    pub fn coupling(&self) -> T {
        (self.coupling)()
    }
}

/// The same omega for every run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed<T>(pub T);

impl<T: Real> OmegaRule<T> for Fixed<T> {
    fn begin(&mut self, _sight: &Sight<'_, T>) -> T {
        self.0
    }
}

/// Whether omega can be used: 0 < ω < 2 (Kahan 1958: no sweep converges outside).
pub(crate) fn is_valid<T: Real>(omega: T) -> bool {
    omega > T::ZERO && omega < T::TWO
}

/// Asks a rule for the omega of a run that begins.
pub(crate) fn begin<T: Real, R: OmegaRule<T> + ?Sized>(
    rule: &mut R,
    sight: &Sight<'_, T>,
) -> Result<T, Error> {
    let omega = rule.begin(sight);
    if is_valid(omega) {
        Ok(omega)
    } else {
        Err(Error::Option { name: "omega", requirement: "must lie in (0, 2)" })
    }
}

/// Offers a rule the residual of a check; a new omega if it wants one.
pub(crate) fn revise<T: Real, R: OmegaRule<T> + ?Sized>(
    rule: &mut R,
    step: u32,
    residual: T,
    omega: T,
) -> Option<T> {
    let progress = Progress { step, residual: Some(residual), parameter: omega };
    rule.revise(&progress).filter(|&new| is_valid(new) && new != omega)
}
