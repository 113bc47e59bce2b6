//! Where a run begins: near zero, in a direction that the measurements suggest.

use southwell_simd::{Lanes, vector};

use super::columns::{orthonormalise, rotate};
use super::operator::{Operator, formed};
use super::problem::Problem;
use super::shape::Shape;
use crate::copy::CopyFrom;
use crate::subgradient::counter;
use crate::{Error, Real};

/// Products with C that [`Start::Spectral`] takes where Q is formed once and for all.
const PRODUCTS: u32 = 60;
/// Products where each is a pass over the measurements.
const PASSES: u32 = 12;
/// The stream of random starts.
const STREAM: u64 = 6;

/// The direction of the start. C = (1/m) Σ w_i A_i, symmetrised where X is; Γ is drawn from a seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Start {
    /// C Γ, and Cᵀ of it for V: one pass over the measurements (two where X is general), no
    /// decomposition, and as good as [`Spectral`](Start::Spectral).
    #[default]
    PowerStep,
    /// The leading eigenvectors of C times the roots of the eigenvalues that are positive; from the singular
    /// value decomposition where X is general. By orthogonal iteration: one pass over the measurements and 60
    /// products where the operator forms Q, a dozen passes where it does not.
    Spectral,
    /// Γ.
    Random,
    /// The factors that are handed in, as they are.
    Given,
}

/// The weights w_i of C.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Weights<T> {
    /// sign y_i: indifferent to outliers.
    Sign,
    /// sign (y_i − median y), for measurements that are all positive.
    AboveMedian,
    /// y_i: for entries.
    Value,
    /// y_i, but 0 for all but this share of the smallest |y_i|; in (0, 1].
    Smallest(T),
}

/// A number's place in the order of all numbers.
fn order<T: Real>(x: T) -> u64 {
    let top = 1_u64 << (8 * size_of::<T>() - 1);
    let bits = x.bits();
    if bits & top == 0 { bits | top } else { !bits & (top | (top - 1)) }
}

/// The value of rank k, counted from the smallest, of `key` of finite numbers. No memory; 32 or 64 passes.
fn nth<T: Real>(values: &[T], k: usize, key: impl Fn(T) -> T) -> T {
    let mut place = 0_u64;
    for bit in (0..8 * size_of::<T>()).rev() {
        let candidate = place | (1 << bit);
        if values.iter().filter(|&&x| order(key(x)) < candidate).count() <= k {
            place = candidate;
        }
    }
    values.iter().map(|&x| key(x)).find(|&x| order(x) == place).unwrap_or(T::ZERO)
}

impl<T: Real> Weights<T> {
    pub(super) fn check(&self) -> Result<(), Error> {
        match *self {
            Weights::Smallest(share) if !(share > T::ZERO && share <= T::ONE) => {
                Err(Error::Option { name: "weights", requirement: "must keep a share in (0, 1]" })
            }
            _ => Ok(()),
        }
    }

    /// The number that the rule compares with.
    fn threshold(&self, y: &[T]) -> T {
        let last = y.len().saturating_sub(1);
        match *self {
            Weights::Sign | Weights::Value => T::ZERO,
            Weights::AboveMedian => nth(y, last / 2, |y| y),
            Weights::Smallest(share) => {
                let kept = T::from_usize(y.len()) * share;
                let below = (0..y.len()).take_while(|&n| T::from_usize(n.saturating_add(1)) < kept).count();
                nth(y, below.min(last), T::abs)
            }
        }
    }

    fn weight(&self, y: T, threshold: T) -> T {
        match self {
            Weights::Sign | Weights::AboveMedian => sign(y - threshold),
            Weights::Value => y,
            Weights::Smallest(_) => {
                if y.abs() <= threshold {
                    y
                } else {
                    T::ZERO
                }
            }
        }
    }
}

/// −1, 0 or 1.
pub(super) fn sign<T: Real>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    }
}

/// Products with C.
struct Measured<'a, T, O> {
    problem: &'a Problem<'a, T, O>,
    weights: Weights<T>,
    threshold: T,
    scratch: &'a mut [T],
    gathered: bool,
}

impl<T: Real, O: Operator<T>> Measured<'_, T, O> {
    /// `to` ← (C V, Cᵀ U) of the factors in `from`.
    fn product(&mut self, from: &[T], to: &mut [T]) {
        let Problem { operator, y, shape } = *self.problem;
        let (x, mut gradient) = (shape.factors(from), shape.gradient(to));
        if self.gathered
            && let Some(q) = operator.formed(shape, self.scratch)
        {
            return formed::multiply(q, x, &mut gradient);
        }
        let (weights, threshold) = (self.weights, self.threshold);
        let scale = T::ONE / T::from_usize(y.len());
        operator.pass(scale, x, self.scratch, &mut gradient, |i, _| {
            y.get(i).map_or(T::ZERO, |&y| weights.weight(y, threshold))
        });
        self.gathered = true;
    }

    /// How many products [`Start::Spectral`] takes.
    fn products(&self) -> u32 {
        if self.problem.operator.formed(self.problem.shape, self.scratch).is_some() {
            PRODUCTS
        } else {
            PASSES
        }
    }
}

/// Γ: entry (j, k) of V (of U where X is symmetric) is normal number j·r + k of the stream, U follows.
fn random<T: Real>(shape: Shape, seed: u64, x: &mut [T]) {
    let key = counter::stream(seed, STREAM);
    let fill = |columns: &mut [T], length: usize, from: u64| {
        let rank = shape.rank() as u64;
        for (k, column) in (0_u64..).zip(columns.chunks_exact_mut(length.max(1))) {
            for (j, entry) in (0_u64..).zip(column) {
                let n = j.wrapping_mul(rank).wrapping_add(k).wrapping_add(from);
                *entry = T::from_f64(counter::normal(key, n));
            }
        }
    };
    let Some((u, v)) = x.split_at_mut_checked(shape.of_u()) else { return };
    fill(u, shape.rows(), v.len() as u64);
    fill(v, shape.columns(), 0);
}

/// Orthonormal columns in each factor.
fn orthonormal<T: Real>(shape: Shape, x: &mut [T]) {
    let Some((u, v)) = x.split_at_mut_checked(shape.of_u()) else { return };
    orthonormalise(u, shape.rows(), shape.rank());
    if !shape.is_symmetric() {
        orthonormalise(v, shape.columns(), shape.rank());
    }
}

/// V as long as U.
fn balance<T: Real>(shape: Shape, x: &mut [T]) {
    let Some((u, v)) = x.split_at_mut_checked(shape.of_u()) else { return };
    let ratio = vector::norm_scaled(u) / vector::norm_scaled(v);
    if ratio.is_finite() && ratio > T::ZERO {
        vector::scale(ratio, v);
    }
}

/// `x` ← C Γ; V ← Cᵀ of that.
fn power_step<T: Real, O: Operator<T>>(c: &mut Measured<'_, T, O>, x: &mut [T], product: &mut [T]) {
    let shape = c.problem.shape;
    c.product(x, product);
    if !shape.is_symmetric() {
        let n = shape.of_u();
        x.get_mut(..n).unwrap_or(&mut []).copy_from(product);
        c.product(x, product);
        x.get_mut(n..).unwrap_or(&mut []).copy_from(product.get(n..).unwrap_or(&[]));
        return balance(shape, x);
    }
    x.copy_from(product);
}

/// `x` ← the root of the largest positive part of C that fits.
fn spectral<T: Real, O: Operator<T>>(c: &mut Measured<'_, T, O>, x: &mut [T], product: &mut [T]) {
    let shape = c.problem.shape;
    let (rows, columns, rank) = (shape.rows(), shape.columns(), shape.rank());
    orthonormal(shape, x);
    // With the largest eigenvalue added, none is negative, and their order is that of their sizes.
    let mut shift = T::ZERO;
    for left in (0..c.products()).rev() {
        c.product(x, product);
        if shape.is_symmetric() {
            let norms = product.chunks_exact(rows.max(1)).map(vector::norm_scaled);
            shift = norms.fold(shift, |shift, norm| shift.max(norm));
            vector::axpy(shift, x, product);
        }
        if left > 0 {
            orthonormal(shape, product);
            x.copy_from(product);
        }
    }
    if shape.is_symmetric() {
        rotate(product, rows, rank, x, rows);
        let mut of_x = x.chunks_exact_mut(rows.max(1));
        for p in product.chunks_exact(rows.max(1)) {
            let Some(u) = of_x.next() else { break };
            vector::scale((vector::norm_scaled(p) - shift).max(T::ZERO).sqrt(), u);
        }
        return;
    }
    let Some((u, v)) = x.split_at_mut_checked(shape.of_u()) else { return };
    let p = product.get_mut(..shape.of_u()).unwrap_or(&mut []);
    rotate(p, rows, rank, v, columns);
    u.copy_from(p);
    let mut of_v = v.chunks_exact_mut(columns.max(1));
    for u in u.chunks_exact_mut(rows.max(1)) {
        let Some(v) = of_v.next() else { break };
        let root = vector::norm_scaled(u).sqrt();
        let inverse = T::ONE / root;
        vector::scale(if inverse.is_finite() { inverse } else { T::ZERO }, u);
        vector::scale(root, v);
    }
}

/// The typical size of a measurement: the median of |y_i|, their mean where that is 0.
fn typical<T: Real>(y: &[T]) -> T {
    let median = nth(y, y.len().saturating_sub(1) / 2, T::abs);
    if median > T::ZERO { median } else { vector::sum_abs(y) / T::from_usize(y.len()) }
}

/// How to start, besides the memory.
pub(super) struct Plan<T> {
    pub(super) start: Start,
    pub(super) alpha: T,
    pub(super) seed: u64,
    pub(super) weights: Option<Weights<T>>,
}

/// Writes the start of a run to `x`: its measurements are, on average, α² times the typical one.
/// `product` is as long as `x`.
pub(super) fn make<'a, T: Real, O: Operator<T>>(
    problem: &'a Problem<'a, T, O>,
    plan: &Plan<T>,
    x: &mut [T],
    product: &'a mut [T],
    scratch: &'a mut [T],
) {
    let Problem { operator, y, shape } = *problem;
    let weights = plan.weights.unwrap_or(operator.start_weights());
    let mut c = Measured { problem, weights, threshold: weights.threshold(y), scratch, gathered: false };
    random(shape, plan.seed, x);
    match plan.start {
        Start::PowerStep => power_step(&mut c, x, product),
        Start::Spectral => spectral(&mut c, x, product),
        Start::Random | Start::Given => {}
    }
    // Measurements that cancel give no direction.
    if vector::max_abs(x) <= T::ZERO {
        random(shape, plan.seed, x);
    }
    let mut sizes = Lanes::default();
    operator.pass(T::ZERO, shape.factors(x), c.scratch, &mut shape.gradient(product), |i, s| {
        sizes.add_at(i, s.abs());
        T::ZERO
    });
    let mean = sizes.sum() / T::from_usize(y.len());
    let factor = plan.alpha * (typical(y) / mean).sqrt();
    vector::scale(if factor.is_finite() { factor } else { plan.alpha }, x);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_statistics() {
        let y = [3.0, -1.0, 0.0, -0.0, 7.5, -20.0_f64];
        let sorted = [-20.0, -1.0, 0.0, 0.0, 3.0, 7.5];
        for (k, &expected) in sorted.iter().enumerate() {
            assert_eq!(nth(&y, k, |y| y), expected);
            assert_eq!(nth(&y.map(|y| y as f32), k, |y| y), expected as f32);
        }
        assert_eq!(nth(&y, 5, f64::abs), 20.0);
        assert_eq!((Weights::AboveMedian.threshold(&y), Weights::Smallest(0.5).threshold(&y)), (0.0, 1.0));
        assert_eq!(typical(&[0.0, 0.0, 0.0, 8.0]), 2.0);
    }

    #[test]
    fn factors_of_one_length_unless_one_has_none() {
        let shape = Shape::general(2, 3, 1);
        for (before, after) in [
            ([3.0, 4.0, 0.0, 2.0, 0.0], [3.0, 4.0, 0.0, 5.0, 0.0]),
            ([0.0, 0.0, 1.0, 2.0, 2.0], [0.0, 0.0, 1.0, 2.0, 2.0]),
            ([3.0, 4.0, 0.0, 0.0, 0.0], [3.0, 4.0, 0.0, 0.0, 0.0]),
        ] {
            let mut x = before;
            balance(shape, &mut x);
            assert_eq!(x, after, "{before:?}");
        }
    }
}
