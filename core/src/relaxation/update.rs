//! What a step of SSOR-CG does with its vectors once the halves are solved.

use southwell_simd::vector;

use crate::Real;
use crate::linear::update::{axpy_square, dot, first, first_mut, some, some_mut};

/// The diagonal of a matrix.
#[derive(Clone, Copy, Debug)]
pub enum Diagonal<'d, T> {
    /// The same in every row.
    Constant(T),
    /// One number a row.
    Stored(&'d [T]),
}

impl<'d, T: Real> Diagonal<'d, T> {
    /// Of the first elements, and of what follows.
    fn split(self, count: usize) -> (Self, Self) {
        match self {
            Self::Constant(_) => (self, self),
            Self::Stored(diagonal) => {
                let (block, rest) = some(diagonal, count);
                (Self::Stored(block), Self::Stored(rest))
            }
        }
    }

    /// xᵀDx of a block without the factor that all rows share.
    fn square(self, x: &[T]) -> T {
        match self {
            Self::Constant(_) => vector::dot(x, x),
            Self::Stored(diagonal) => vector::dot3(diagonal, x, x),
        }
    }

    /// The factor that all rows share.
    #[must_use]
    pub fn factor(self) -> T {
        match self {
            Self::Constant(diagonal) => diagonal,
            Self::Stored(_) => T::ONE,
        }
    }

    /// xᵀDx in blocks. Cost: 2 vectors.
    #[must_use]
    pub fn weighted_square(self, x: &[T]) -> T {
        match self {
            Self::Constant(factor) => factor * dot(x, x),
            Self::Stored(diagonal) => Self::stored_square(diagonal, x),
        }
    }

    /// The same of one number a row.
    // Apart, so that a part's stack holds nothing of it where there are none.
    #[cfg_attr(target_os = "none", inline(never))]
    fn stored_square(mut diagonal: &[T], mut x: &[T]) -> T {
        let mut sum = T::ZERO;
        while !x.is_empty() {
            let ((block, rest), (weights, others)) = (first(x), first(diagonal));
            sum += vector::dot3(weights, block, block);
            (x, diagonal) = (rest, others);
        }
        sum
    }

    /// x ← x + a y; xᵀDx in blocks. Cost: 3 vectors.
    fn axpy_square(self, a: T, mut y: &[T], mut x: &mut [T]) -> T {
        let mut diagonal = match self {
            // One way for both takes less flash.
            _ if cfg!(target_os = "none") => {
                vector::axpy(a, y, x);
                return self.weighted_square(x);
            }
            Self::Constant(factor) => return factor * axpy_square(a, y, x),
            Self::Stored(diagonal) => diagonal,
        };
        let mut sum = T::ZERO;
        while !x.is_empty() {
            let ((y_block, y_rest), (block, rest)) = (first(y), first_mut(x));
            let (weights, others) = first(diagonal);
            vector::axpy(a, y_block, block);
            sum += vector::dot3(weights, block, block);
            (y, x, diagonal) = (y_rest, rest, others);
        }
        sum
    }

    /// p ← γ D r + β p. Cost: 3 vectors.
    pub fn weigh(self, gamma: T, r: &[T], beta: T, p: &mut [T]) {
        match self {
            Self::Constant(diagonal) => vector::axpby(gamma * diagonal, r, beta, p),
            Self::Stored(diagonal) => vector::scaled_xpby(gamma, diagonal, r, beta, p),
        }
    }
}

/// y ← y + t, tᵀt and pᵀy, in blocks. Cost: 4 vectors.
pub fn combine<T: Real>(mut t: &[T], mut p: &[T], mut y: &mut [T]) -> (T, T) {
    if cfg!(target_os = "none") {
        // Two loops that are there already take less flash than one that reads y once.
        vector::axpy(T::ONE, t, y);
        return (dot(t, t), dot(p, y));
    }
    let (mut square, mut curvature) = (T::ZERO, T::ZERO);
    while !y.is_empty() {
        let ((t_block, t_rest), (p_block, p_rest), (y_block, y_rest)) = (first(t), first(p), first_mut(y));
        square += vector::add_square(t_block, y_block);
        curvature += vector::dot(p_block, y_block);
        (t, p, y) = (t_rest, p_rest, y_rest);
    }
    (square, curvature)
}

/// What follows the halves in a step of SSOR-CG, z being t + y, in the place of y:
/// ```text
/// r ← r − α w;  x ← x + α t,  r̂ ← r̂ − α z,  ρ' = r̂ᵀ K r̂;  p ← K r̂ + (ρ'/ρ) p     unless rᵀr is not finite
/// ```
#[derive(Debug)]
#[allow(missing_docs)]
pub struct SsorCgUpdate<'v, T> {
    pub alpha: T,
    /// (2 − ω)/ω, so that K is that times D.
    pub weight: T,
    pub diagonal: Diagonal<'v, T>,
    /// r̂ᵀ K r̂ before.
    pub rho: T,
    pub t: &'v [T],
    pub z: &'v [T],
    pub w: &'v [T],
    pub r: &'v mut [T],
    pub x: &'v mut [T],
    pub r_hat: &'v mut [T],
    pub p: &'v mut [T],
}

impl<'v, T: Real> SsorCgUpdate<'v, T> {
    /// The first elements, `count` of them if there are as many, and those that follow.
    #[must_use]
    pub fn split(self, count: usize) -> (Self, Self) {
        let Self { alpha, weight, diagonal, rho, t, z, w, r, x, r_hat, p } = self;
        let ((t, t_rest), (z, z_rest), (w, w_rest)) = (some(t, count), some(z, count), some(w, count));
        let ((r, r_rest), (x, x_rest)) = (some_mut(r, count), some_mut(x, count));
        let ((r_hat, r_hat_rest), (p, p_rest)) = (some_mut(r_hat, count), some_mut(p, count));
        let (diagonal, others) = diagonal.split(count);
        let rest = Self {
            alpha,
            weight,
            diagonal: others,
            rho,
            t: t_rest,
            z: z_rest,
            w: w_rest,
            r: r_rest,
            x: x_rest,
            r_hat: r_hat_rest,
            p: p_rest,
        };
        (Self { alpha, weight, diagonal, rho, t, z, w, r, x, r_hat, p }, rest)
    }

    /// The same update, to be split again.
    #[must_use]
    pub fn reborrow(&mut self) -> SsorCgUpdate<'_, T> {
        let Self { alpha, weight, diagonal, rho, t, z, w, .. } = *self;
        let Self { r, x, r_hat, p, .. } = self;
        SsorCgUpdate { alpha, weight, diagonal, rho, t, z, w, r, x, r_hat, p }
    }

    /// r ← r − α w of a block; rᵀr.
    pub fn residual(&mut self) -> T {
        vector::axpy_square(-self.alpha, self.w, self.r)
    }

    /// x ← x + α t and r̂ ← r̂ − α z of a block; r̂ᵀ D r̂ without the [factor](Diagonal::factor) that all rows share.
    pub fn advance(&mut self) -> T {
        vector::axpy(self.alpha, self.t, self.x);
        vector::axpy(-self.alpha, self.z, self.r_hat);
        self.diagonal.square(self.r_hat)
    }

    /// p ← K r̂ + (ρ'/ρ) p of a block, or of several.
    pub fn direct(&mut self, rho: T) {
        self.diagonal.weigh(self.weight, self.r_hat, rho / self.rho, self.p);
    }

    /// All of it by the calling thread; rᵀr and ρ'. Cost: 13 vectors.
    #[must_use]
    pub fn run(self) -> (T, T) {
        let Self { alpha, weight, diagonal, rho: before, t, z, w, r, x, r_hat, p } = self;
        let square = axpy_square(-alpha, w, r);
        if !square.is_finite() {
            return (square, T::ZERO);
        }
        vector::axpy(alpha, t, x);
        let rho = weight * diagonal.axpy_square(-alpha, z, r_hat);
        diagonal.weigh(weight, r_hat, rho / before, p);
        (square, rho)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::linear::update::tests::numbers;
    use crate::linear::update::{BLOCK, dot};

    #[test]
    fn an_update_is_its_lines() {
        for n in [1, BLOCK, 2 * BLOCK + 5] {
            let [t, z, w, r, x, r_hat, p, d] = [1, 2, 3, 4, 5, 6, 7, 8].map(|seed| numbers(seed, n));
            for diagonal in [Diagonal::Constant(1.5), Diagonal::Stored(&d[..])] {
                let d = |i: usize| if let Diagonal::Stored(d) = diagonal { d[i] } else { 1.5 };
                let (mut r_new, mut x_new, mut hat, mut p_new) =
                    (r.clone(), x.clone(), r_hat.clone(), p.clone());
                let (square, rho) = SsorCgUpdate {
                    alpha: 0.3,
                    weight: 0.8,
                    diagonal,
                    rho: 0.7,
                    t: &t,
                    z: &z,
                    w: &w,
                    r: &mut r_new,
                    x: &mut x_new,
                    r_hat: &mut hat,
                    p: &mut p_new,
                }
                .run();
                let (beta, factor) = (rho / 0.7, 0.8 * diagonal.factor());
                for i in 0..n {
                    assert_eq!((r_new[i], x_new[i]), (r[i] + -0.3 * w[i], x[i] + 0.3 * t[i]));
                    assert_eq!(hat[i], r_hat[i] + -0.3 * z[i]);
                    let scaled = match diagonal {
                        Diagonal::Constant(_) => factor * hat[i],
                        Diagonal::Stored(_) => 0.8 * (d(i) * hat[i]),
                    };
                    assert_eq!(p_new[i], scaled + beta * p[i]);
                }
                assert_eq!(square.to_bits(), dot(&r_new, &r_new).to_bits());
                assert_eq!(rho.to_bits(), (0.8 * diagonal.weighted_square(&hat)).to_bits());
                let exact: f64 = (0..n).map(|i| d(i) * hat[i] * hat[i]).sum();
                assert!((diagonal.weighted_square(&hat) - exact).abs() <= 1e-10 * n as f64);
            }
        }
    }

    /// Block by block, as several threads do it, an update has the bits of one that was made at once.
    #[test]
    fn an_update_may_be_made_in_blocks() {
        for n in [1, BLOCK, 2 * BLOCK + 5] {
            let [t, z, w, d] = [1, 2, 3, 8].map(|seed| numbers(seed, n));
            let vectors = || [4, 5, 6, 7].map(|seed| numbers(seed, n));
            for diagonal in [Diagonal::Constant(1.5), Diagonal::Stored(&d[..])] {
                let (mut whole, mut parts) = (vectors(), vectors());
                let [[r, x, r_hat, p], [r_part, x_part, r_hat_part, p_part]] =
                    [&mut whole, &mut parts].map(|all| all.each_mut().map(|v| &mut v[..]));
                let (alpha, weight, rho, t, z, w) = (0.3, 0.8, 0.7, &t[..], &z[..], &w[..]);
                let update = SsorCgUpdate { alpha, weight, diagonal, rho, t, z, w, r, x, r_hat, p };
                let (square, after) = update.run();
                let (r, x, r_hat, p) = (r_part, x_part, r_hat_part, p_part);
                let mut left = SsorCgUpdate { alpha, weight, diagonal, rho, t, z, w, r, x, r_hat, p };
                let (mut sums, mut blocks) = ([0.0; 2], std::vec![]);
                while !left.t.is_empty() {
                    let (mut block, rest) = left.split(BLOCK);
                    assert_eq!(block.t.len(), (n - BLOCK * blocks.len()).min(BLOCK));
                    sums[0] += block.residual();
                    sums[1] += block.advance();
                    blocks.push(block);
                    left = rest;
                }
                sums[1] *= weight * diagonal.factor();
                assert!((sums[0] - square).abs() <= 1e-14 * square, "{sums:?} {square}");
                assert!((sums[1] - after).abs() <= 1e-14 * after.abs(), "{sums:?} {after}");
                blocks.iter_mut().for_each(|block| block.direct(after));
                assert_eq!(parts, whole);
            }
        }
    }

    #[test]
    fn halves_are_combined() {
        let n = BLOCK + 9;
        let [t, p, y] = [1, 2, 3].map(|seed| numbers(seed, n));
        let mut z = y.clone();
        let (square, curvature) = combine(&t, &p, &mut z);
        assert!(z.iter().zip(&y).zip(&t).all(|((z, y), t)| *z == y + t));
        assert_eq!(square.to_bits(), dot(&t, &t).to_bits());
        assert_eq!(curvature.to_bits(), dot(&p, &z).to_bits());
    }

    #[test]
    fn what_overflows_leaves_all_but_r() {
        let (mut r, mut x, mut r_hat, mut p) = ([1.0; 2], [2.0; 2], [3.0; 2], [4.0; 2]);
        let (square, _) = SsorCgUpdate {
            alpha: 1.0,
            weight: 1.0,
            diagonal: Diagonal::Constant(1.0),
            rho: 1.0,
            t: &[1.0; 2],
            z: &[1.0; 2],
            w: &[-f64::MAX; 2],
            r: &mut r,
            x: &mut x,
            r_hat: &mut r_hat,
            p: &mut p,
        }
        .run();
        assert!(square.is_infinite());
        assert_eq!((x, r_hat, p), ([2.0; 2], [3.0; 2], [4.0; 2]));
    }
}
