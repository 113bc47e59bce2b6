//! How far to go: rules that choose the step of a sub-gradient method.
//!
//! A sub-gradient's length says little about the distance to a minimum, so most rules choose the *length* of a
//! step, ‖x⁺ − x‖ = η_t before the projection, in units of the run's [`scale`](super::method::Options::scale).
//! With R ≥ ‖x₀ − x*‖ and ‖g‖ ≤ G, for the best value so far after T steps:
//!
//! | rule | length | best value exceeds the least by at most | take it where |
//! |---|---|---|---|
//! | [`Constant`] | h | R² G/(2 h T) + G h/2 | a neighbourhood is enough |
//! | [`Diminishing`] | h/√(t+1) | O(G R ln T/√T) | nothing is known |
//! | [`Geometric`] | h ρ^max(0, t − hold) | falls like ρ^t if f is sharp and ρ is not too small | losses by absolute values: f is sharp |
//! | [`Restarted`] | h ρ^stage, from the best point | the same | the same, ρ hard to guess |
//! | [`Polyak`] | (f − f*)/‖g‖ | R G/√T; linear if sharp | the least value f* is known |
//! | [`PathLevel`] | (f − level)/‖g‖ | O(1/ε²) steps to ε | neither R nor f* is known |
//! | [`StronglyConvex`] | ‖g‖ · 2/(μ (t + 2)) | 2 G²/(μ (T + 1)) | a modulus μ is known |
//!
//! Sharp: f − f* ≥ μ · distance to the minima. [`Raw`] takes a rule's length as a factor of g instead (no
//! division by ‖g‖). *Sources*: Shor 1985; Polyak 1969; Goffin & Kiwiel 1999 (path-based level).

use crate::{Error, Real};

/// What a rule may look at.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sight<T> {
    /// Steps taken so far.
    pub step: u32,
    /// f at the current point.
    pub value: T,
    /// The least value so far.
    pub best: T,
    /// ‖g‖₂ at the current point; positive.
    pub norm: T,
    /// The unit of lengths.
    pub scale: T,
}

/// What a rule chose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice<T> {
    /// x ← Π(x − η g).
    Move(T),
    /// x ← the best point so far, and ask again there.
    Return,
}

/// Chooses steps. One rule serves many runs: it starts anew at [`begin`](StepRule::begin).
pub trait StepRule<T: Real> {
    /// A run begins.
    ///
    /// # Errors
    /// [`Error::Option`] for a parameter outside its range.
    fn begin(&mut self, sight: &Sight<T>) -> Result<(), Error>;

    /// The next step.
    fn next(&mut self, sight: &Sight<T>) -> Choice<T>;
}

impl<T: Real, R: StepRule<T> + ?Sized> StepRule<T> for &mut R {
    fn begin(&mut self, sight: &Sight<T>) -> Result<(), Error> {
        (**self).begin(sight)
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        (**self).next(sight)
    }
}

fn positive<T: Real>(name: &'static str, value: T) -> Result<(), Error> {
    if value > T::ZERO && value.is_finite() {
        Ok(())
    } else {
        Err(Error::Option { name, requirement: "must be positive and finite" })
    }
}

fn ratio<T: Real>(value: T) -> Result<(), Error> {
    if value > T::ZERO && value < T::ONE {
        Ok(())
    } else {
        Err(Error::Option { name: "ratio", requirement: "must lie between 0 and 1" })
    }
}

impl<T: Real> Sight<T> {
    /// A move of this length.
    fn length(&self, length: T) -> Choice<T> {
        Choice::Move(length * self.scale / self.norm)
    }
}

/// Every step is as long: `Constant(length)`. Ends in a neighbourhood of size G h/2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant<T>(pub T);

impl<T: Real> StepRule<T> for Constant<T> {
    fn begin(&mut self, _sight: &Sight<T>) -> Result<(), Error> {
        positive("length", self.0)
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        sight.length(self.0)
    }
}

/// Lengths h/√(t + 1): `Diminishing(h)`. Converges whatever h is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diminishing<T>(pub T);

impl<T: Real> StepRule<T> for Diminishing<T> {
    fn begin(&mut self, _sight: &Sight<T>) -> Result<(), Error> {
        positive("length", self.0)
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        sight.length(self.0 / T::from_u32(sight.step.saturating_add(1)).sqrt())
    }
}

/// Lengths h ρ^max(0, t − hold). Starts anew from the best point with √ρ, half as fast, when the length has
/// fallen to √ε of the first, if it may.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometric<T> {
    /// h, the first length. Default 1.
    pub length: T,
    /// ρ, in (0, 1). Default 0.97.
    pub ratio: T,
    /// Steps before the lengths begin to fall. Default 0.
    pub hold: u32,
    /// How many times to start anew. Default 0.
    pub restarts: u32,
    now: T,
    ratio_now: T,
    held: u32,
    left: u32,
}

impl<T: Real> Default for Geometric<T> {
    fn default() -> Self {
        Self::new(T::ONE, T::from_f64(0.97))
    }
}

impl<T: Real> Geometric<T> {
    /// Lengths `length`·`ratio`^t.
    #[must_use]
    pub fn new(length: T, ratio: T) -> Self {
        Self { length, ratio, hold: 0, restarts: 0, now: length, ratio_now: ratio, held: 0, left: 0 }
    }

    /// The same, held for so many steps first.
    #[must_use]
    pub fn held(self, hold: u32) -> Self {
        Self { hold, ..self }
    }

    /// The same, started anew up to so many times.
    #[must_use]
    pub fn restarted(self, restarts: u32) -> Self {
        Self { restarts, ..self }
    }
}

impl<T: Real> StepRule<T> for Geometric<T> {
    fn begin(&mut self, _sight: &Sight<T>) -> Result<(), Error> {
        positive("length", self.length)?;
        ratio(self.ratio)?;
        (self.now, self.ratio_now) = (self.length, self.ratio);
        (self.held, self.left) = (0, self.restarts);
        Ok(())
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        if self.left > 0 && self.now < self.length * T::EPSILON.sqrt() {
            self.left = self.left.saturating_sub(1);
            self.now = self.length;
            self.ratio_now = self.ratio_now.sqrt();
            return Choice::Return;
        }
        let length = self.now;
        if self.held < self.hold {
            self.held = self.held.saturating_add(1);
        } else {
            self.now *= self.ratio_now;
        }
        sight.length(length)
    }
}

/// Stages of equal steps: after `horizon` of them back to the best point, and on with lengths `ratio` times as
/// long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restarted<T> {
    /// The length of the first stage's steps.
    pub length: T,
    /// What a stage's length is multiplied by for the next, in (0, 1).
    pub ratio: T,
    /// Steps of a stage; at least 1.
    pub horizon: u32,
    now: T,
    done: u32,
}

impl<T: Real> Restarted<T> {
    /// Stages of `horizon` steps, the first with this length.
    #[must_use]
    pub fn new(length: T, ratio: T, horizon: u32) -> Self {
        Self { length, ratio, horizon, now: length, done: 0 }
    }
}

impl<T: Real> StepRule<T> for Restarted<T> {
    fn begin(&mut self, _sight: &Sight<T>) -> Result<(), Error> {
        positive("length", self.length)?;
        ratio(self.ratio)?;
        if self.horizon == 0 {
            return Err(Error::Option { name: "horizon", requirement: "must be positive" });
        }
        (self.now, self.done) = (self.length, 0);
        Ok(())
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        if self.done >= self.horizon {
            self.done = 0;
            self.now *= self.ratio;
            return Choice::Return;
        }
        self.done = self.done.saturating_add(1);
        sight.length(self.now)
    }
}

/// η = (f − target)/‖g‖², never longer than `longest`: for a target that is the least value (or a bound that is
/// nearly attained). With a target above f* the run ends there; with one below it does not converge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Polyak<T> {
    /// The least value.
    pub target: T,
    /// The longest step, in units of the scale; +∞ for no limit. A weakly convex f needs one where g vanishes far
    /// from a minimum.
    pub longest: T,
}

impl<T: Real> Polyak<T> {
    /// Steps for a known least value, without a limit.
    #[must_use]
    pub fn new(target: T) -> Self {
        Self { target, longest: T::INFINITY }
    }
}

impl<T: Real> StepRule<T> for Polyak<T> {
    fn begin(&mut self, _sight: &Sight<T>) -> Result<(), Error> {
        if !self.target.is_finite() {
            return Err(Error::Option { name: "target", requirement: "must be finite" });
        }
        if self.longest > T::ZERO {
            Ok(())
        } else {
            Err(Error::Option { name: "longest", requirement: "must be positive" })
        }
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        let length = ((sight.value - self.target) / sight.norm).max(T::ZERO);
        Choice::Move(length.min(self.longest * sight.scale) / sight.norm)
    }
}

/// Polyak's step towards a level that is estimated: δ below the record. If the path since the record grew longer
/// than `bound` without half of δ gained, the level was out of reach: δ is halved and the run goes on from its
/// best point. Converges for any positive `bound`; the expected distance is a good one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathLevel<T> {
    /// The first δ; 0 (default) stands for half of |f| at the start.
    pub delta: T,
    /// How long a path may be without success, in units of the scale. Default 2.
    pub bound: T,
    now: T,
    record: T,
    path: T,
}

impl<T: Real> Default for PathLevel<T> {
    fn default() -> Self {
        Self::new(T::ZERO, T::TWO)
    }
}

impl<T: Real> PathLevel<T> {
    /// A first δ (0: half of |f| at the start) and a bound of paths.
    #[must_use]
    pub fn new(delta: T, bound: T) -> Self {
        Self { delta, bound, now: delta, record: T::INFINITY, path: T::ZERO }
    }
}

impl<T: Real> StepRule<T> for PathLevel<T> {
    fn begin(&mut self, sight: &Sight<T>) -> Result<(), Error> {
        positive("bound", self.bound)?;
        if !(self.delta >= T::ZERO && self.delta.is_finite()) {
            return Err(Error::Option { name: "delta", requirement: "must be finite and not negative" });
        }
        let half = (sight.value.abs() * T::HALF).max(T::MIN_POSITIVE);
        self.now = if self.delta > T::ZERO { self.delta } else { half };
        (self.record, self.path) = (sight.best, T::ZERO);
        Ok(())
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        if sight.best <= self.record - self.now * T::HALF {
            (self.record, self.path) = (sight.best, T::ZERO);
        } else if self.path > self.bound * sight.scale {
            self.now *= T::HALF;
            (self.record, self.path) = (sight.best, T::ZERO);
            return Choice::Return;
        }
        let length = (sight.value - (self.record - self.now)) / sight.norm;
        self.path += length;
        Choice::Move(length / sight.norm)
    }
}

/// η = 2/(μ (t + 2)) for an f of which f − μ‖x‖²/2 is convex: `StronglyConvex(μ)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StronglyConvex<T>(pub T);

impl<T: Real> StepRule<T> for StronglyConvex<T> {
    fn begin(&mut self, _sight: &Sight<T>) -> Result<(), Error> {
        positive("modulus", self.0)
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        Choice::Move(T::TWO / (self.0 * T::from_u32(sight.step.saturating_add(2))))
    }
}

/// A rule whose lengths are factors of g: the step is not divided by ‖g‖. `Raw(Constant(h))` is the plain
/// sub-gradient method with step h.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raw<R>(pub R);

impl<T: Real, R: StepRule<T>> StepRule<T> for Raw<R> {
    fn begin(&mut self, sight: &Sight<T>) -> Result<(), Error> {
        self.0.begin(sight)
    }
    fn next(&mut self, sight: &Sight<T>) -> Choice<T> {
        self.0.next(&Sight { norm: T::ONE, ..*sight })
    }
}

#[cfg(test)]
mod tests;
