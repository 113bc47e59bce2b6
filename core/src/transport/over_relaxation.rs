//! How far a half-step may go without losing ground.
//!
//! With δ = (f* − f)/ε, f* the potential that would make a line exact, a half-step by ωδ changes the dual
//! value by ε Σ a φ_ω(δ), φ_ω(δ) = e^(−δ) − e^((ω−1)δ) + ωδ: one term a line. φ_ω ≥ 0 for δ ≤ 0 and up to a
//! root δ_ω > 0 above. So a line is moved by the full ω up to δ_ω, and beyond by the largest factor that
//! keeps its own term from being negative: the dual value never falls, which is what makes
//! over-relaxation converge from anywhere. (Thibault, Chizat, Dossal & Papadakis 2021 bound one ω for
//! all lines; a bound for each lets the others run, and needs no second reading of the costs.)

use southwell_simd::elementary::exp_scalar;

use crate::Real;

/// Halvings that find a factor, and the root for an omega.
const BISECTIONS: u32 = 8;
const ROOT_BISECTIONS: u32 = 24;

/// A factor ω and up to where it is safe.
#[derive(Clone, Copy, Debug)]
pub struct Reach<T> {
    omega: T,
    /// δ_ω
    root: T,
}

/// φ_ω(δ)
fn gain<T: Real>(omega: T, delta: T) -> T {
    exp_scalar(-delta) - exp_scalar((omega - T::ONE) * delta) + omega * delta
}

impl<T: Real> Reach<T> {
    /// Finds δ_ω by bisection, from below.
    #[must_use]
    pub fn new(omega: T) -> Self {
        let mut reach = Self { omega, root: T::INFINITY };
        if omega <= T::ONE {
            return reach;
        }
        // φ rises like ω(2 − ω)δ²/2 first and falls like −e^((ω−1)δ) later: with y = (ω − 1)δ, the root has
        // e^y ≈ ωy/(ω − 1), and y < 48 for any ω − 1 that the type can express.
        let high = T::from_u32(48) / (omega - T::ONE);
        let (mut low, mut high) = (T::ZERO, high);
        for _ in 0..ROOT_BISECTIONS {
            let middle = (low + high) * T::HALF;
            if gain(omega, middle) >= T::ZERO { low = middle } else { high = middle }
        }
        reach.root = low;
        reach
    }

    /// The factor in use where nothing forbids it.
    #[must_use]
    pub fn omega(&self) -> T {
        self.omega
    }

    /// The factor for a line that is δ away from being exact.
    #[inline]
    #[must_use]
    pub fn factor(&self, delta: T) -> T {
        if delta <= self.root { self.omega } else { self.search(delta) }
    }

    /// The largest factor that loses nothing, by bisection.
    // Apart, so that a part's stack holds nothing of it while rows are read.
    #[cfg_attr(target_os = "none", inline(never))]
    fn search(&self, delta: T) -> T {
        let (mut low, mut high) = (T::ONE, self.omega);
        for _ in 0..BISECTIONS {
            let middle = (low + high) * T::HALF;
            if gain(middle, delta) >= T::ZERO { low = middle } else { high = middle }
        }
        low
    }
}
