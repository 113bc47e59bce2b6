//! Which variables are where h bends or ends, and how safely.
//!
//! With Z the variables at kinks, [l_i, u_i] = ∂h_i(x_i), the margin is δ = min over Z of min(−g_i − l_i, u_i + g_i). Once
//! ‖x − x*‖ stays below δ/(2L), every proximal step on a variable of Z keeps it there, and the problem on the others is
//! smooth: that is when [`Face`](super::selection::Face) turns to Newton steps (Nutini, Laradji & Schmidt 2022).

use super::losses::Loss;
use super::penalties::Penalty;
use super::run::Descent;
use super::selection::Selection;
use super::update::Update;
use crate::Real;

/// The active set of an iterate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identified<T> {
    /// Variables off their kinks and bounds.
    pub free: usize,
    /// δ: by how much a derivative may be off before a variable at a kink leaves it; +∞ if none is at one. With
    /// curvatures of at most L, proximal steps keep the set for good once ‖x − x*‖ ≤ δ/(2L) (δ that of x*).
    pub margin: T,
}

impl<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>> Descent<'_, T, L, H, S, U> {
    /// Which variables are off their kinks and bounds, and how safely the others are where they are; for penalties
    /// that treat variables one by one. Cost: a gradient, unless it is there.
    pub fn identified(&mut self) -> Identified<T> {
        let (penalty, (x, g)) = (self.problem().penalty, self.gradient());
        let mut found = Identified { free: 0, margin: T::INFINITY };
        for (i, (&x, &g)) in x.iter().zip(g).enumerate() {
            match penalty.shape(i) {
                Some(shape) if shape.at_kink(x) => found.margin = found.margin.min(shape.margin(x, g)),
                _ => found.free = found.free.saturating_add(1),
            }
        }
        found
    }
}
