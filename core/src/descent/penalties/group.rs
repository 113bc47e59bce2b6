//! λ_b‖x_b‖₂.

use southwell_simd::vector;

use super::{Block, Penalty, Shape, Values};
use crate::{Error, Real};

/// h = Σ_b λ_b ‖x_b‖₂ over the blocks of a fixed partition, λ ≥ 0 (Yuan & Lin 2006): keeps or drops blocks whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group<'a, T> {
    /// λ, one for all blocks or one for each.
    pub lambda: Values<'a, T>,
}

impl<'a, T: Real> Group<'a, T> {
    /// λ for all blocks, or one each.
    pub fn new(lambda: impl Into<Values<'a, T>>) -> Self {
        Self { lambda: lambda.into() }
    }
}

impl<T: Real> Penalty<T> for Group<'_, T> {
    fn check(&self, _variables: usize) -> Result<(), Error> {
        let count = self.blocks().unwrap_or(0);
        self.lambda.check_weights("lambda", count)
    }
    fn shape(&self, _variable: usize) -> Option<Shape<T>> {
        None
    }
    fn separable(&self) -> bool {
        false
    }
    fn blocks(&self) -> Option<usize> {
        match self.lambda {
            Values::Same(_) => None,
            Values::Each(lambda) => Some(lambda.len()),
        }
    }
    fn value(&self, block: Block<'_>, x: &[T]) -> T {
        self.lambda.get(block.number) * vector::norm_scaled(x)
    }
    fn prox(&self, block: Block<'_>, step: T, x: &mut [T]) {
        let (norm, threshold) = (vector::norm_scaled(x), step * self.lambda.get(block.number));
        if norm <= threshold {
            x.fill(T::ZERO);
        } else {
            vector::scale(T::ONE - threshold / norm, x);
        }
    }
    fn violation(&self, block: Block<'_>, x: &[T], g: &[T]) -> T {
        let (lambda, norm) = (self.lambda.get(block.number), vector::norm_scaled(x));
        if norm == T::ZERO {
            let over = vector::norm_scaled(g) - lambda;
            // NaN stays NaN.
            return if over <= T::ZERO { T::ZERO } else { over * over };
        }
        x.iter().zip(g).fold(T::ZERO, |sum, (&x, &g)| {
            let v = g + lambda * (x / norm);
            sum + v * v
        })
    }
    fn progress(&self, block: Block<'_>, (x, next): (&[T], &[T]), g: &[T], l: T) -> T {
        // ‖u‖ − ‖x‖ = (u − x)ᵀ(u + x)/(‖u‖ + ‖x‖).
        let (mut slope, mut square, mut rise) = (T::ZERO, T::ZERO, T::ZERO);
        for ((&x, &next), &g) in x.iter().zip(next).zip(g) {
            let d = next - x;
            slope += g * d;
            square += d * d;
            rise += d * (next + x);
        }
        let norms = vector::norm_scaled(x) + vector::norm_scaled(next);
        let rise = if norms > T::ZERO { rise / norms } else { T::ZERO };
        -(slope + T::HALF * l * square + self.lambda.get(block.number) * rise)
    }
    fn gap(&self, block: Block<'_>, x: &[T], g: &[T]) -> T {
        // min over u of gᵀu + λ‖u‖ is 0 where ‖g‖ ≤ λ, and −∞ elsewhere.
        if vector::norm_scaled(g) > self.lambda.get(block.number) {
            return T::INFINITY;
        }
        (vector::dot(g, x) + self.value(block, x)).max(T::ZERO)
    }
}
