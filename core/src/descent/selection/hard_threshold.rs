//! τ variables that do well together, by iterative hard thresholding.

use southwell_simd::vector;

use super::score::inverse_root;
use super::variable::{best, check_size};
use super::{Choice, Needs, Selection, Sight};
use crate::descent::{Loss, Penalty, Problem};
use crate::{Error, Real};

/// Rounds of thresholding.
const ROUNDS: usize = 10;

/// Products with H at most for its largest eigenvalue, and the relative change that ends them.
const POWERS: u32 = 500;
const SETTLED: f64 = 1e-7;

/// Where thresholding begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// d = −g_i/L_i on the τ variables with the largest |g_i|/√L_i: never worse than these.
    Diagonal,
    /// d = g_i/√L_i everywhere: the first round prefers variables that reinforce one another. It depends on the units
    /// of the variables and is a heuristic; on least squares it gains orders of magnitude.
    #[default]
    Dense,
}

/// Looks for the `size` variables whose joint exact step gains most, min over ‖d‖₀ ≤ τ of gᵀd + ½dᵀHd (NP-hard), by
/// ten rounds of d ← the τ largest of d − μ(g + Hd), μ = 1/λ_max(H) (GSQ of variable blocks; Blumensath & Davies
/// 2009 on thresholding). Without a penalty only. Cost: a gradient and ten products with H. Memory: 3 p + τ numbers.
#[derive(Clone, Copy, Debug)]
pub struct HardThreshold<T> {
    size: usize,
    start: Start,
    mu: T,
}

impl<T: Real> HardThreshold<T> {
    /// `size` variables from such a start.
    #[must_use]
    pub fn new(size: usize, start: Start) -> Self {
        Self { size, start, mu: T::ZERO }
    }
}

impl<T: Real> Selection<T> for HardThreshold<T> {
    fn largest(&self) -> usize {
        self.size
    }
    fn needs(&self, variables: usize, _smooth: bool) -> Needs {
        Needs { numbers: variables.saturating_mul(3).saturating_add(self.size), indices: 0 }
    }
    fn greedy(&self) -> bool {
        true
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        if !problem.penalty.is_zero() {
            return Err(Error::Option {
                name: "selection",
                requirement: "ranks by exact steps of a smooth problem only",
            });
        }
        check_size(self.size, problem)
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>) {
        let loss = sight.problem.loss;
        let n = loss.variables();
        let Some((weights, rest)) = sight.numbers.split_at_mut_checked(n) else { return };
        let Some((v, rest)) = rest.split_at_mut_checked(n) else { return };
        let Some((product, _)) = rest.split_at_mut_checked(n) else { return };
        for (i, (weight, v)) in weights.iter_mut().zip(v.iter_mut()).enumerate() {
            *weight = inverse_root(loss.lipschitz(i));
            // Signs without a pattern: the top eigenvector of a graph alternates.
            let sign = if (i as u32).wrapping_mul(0x9E37_79B9) & 0x8000 == 0 { T::ONE } else { -T::ONE };
            *v = sign * loss.lipschitz(i).max(T::ZERO).sqrt();
        }
        let mut largest = T::ZERO;
        for _ in 0..POWERS {
            let norm = vector::norm_scaled(v);
            if !(norm > T::ZERO && norm.is_finite()) {
                break;
            }
            vector::scale(T::ONE / norm, v);
            loss.bound_times(v, sight.scratch, product);
            let before = largest;
            largest = vector::norm_scaled(product);
            v.iter_mut().zip(&*product).for_each(|(v, &product)| *v = product);
            if (largest - before).abs() <= T::from_f64(SETTLED) * largest {
                break;
            }
        }
        self.mu = if largest > T::ZERO { T::ONE / largest } else { T::ZERO };
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let (loss, g) = (sight.problem.loss, sight.gradient);
        let n = loss.variables();
        let none = Choice { number: None, len: 0 };
        let Some((weights, rest)) = sight.numbers.split_at_mut_checked(n) else { return none };
        let Some((d, rest)) = rest.split_at_mut_checked(n) else { return none };
        let Some((product, values)) = rest.split_at_mut_checked(n) else { return none };
        let mut choice = none;
        match self.start {
            Start::Dense => {
                for ((d, &g), &weight) in d.iter_mut().zip(g).zip(&*weights) {
                    *d = g * weight;
                }
            }
            Start::Diagonal => {
                choice = best(g, weights, values, block);
                d.fill(T::ZERO);
                for &i in block.iter().take(choice.len) {
                    let i = i as usize;
                    if let (Some(d), Some(&g), Some(&weight)) = (d.get_mut(i), g.get(i), weights.get(i)) {
                        *d = -(g * weight * weight);
                    }
                }
            }
        }
        for _ in 0..ROUNDS {
            loss.bound_times(d, sight.scratch, product);
            for ((d, product), &g) in d.iter_mut().zip(product.iter_mut()).zip(g) {
                *d -= self.mu * (g + *product);
                // Its own weight: squares rank as magnitudes do.
                *product = d.abs();
            }
            choice = best(d, product, values, block);
            product.fill(T::ZERO);
            for &i in block.iter().take(choice.len) {
                if let (Some(kept), Some(&d)) = (product.get_mut(i as usize), d.get(i as usize)) {
                    *kept = d;
                }
            }
            d.iter_mut().zip(&*product).for_each(|(d, &kept)| *d = kept);
        }
        choice
    }
}
