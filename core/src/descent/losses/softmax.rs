//! Multi-class logistic regression.

use southwell_simd::elementary::exp_scalar;
use southwell_simd::vector;

use super::least_squares::gram_row_sum;
use super::{Loss, ln_1p, symmetric};
use crate::linear::{Design, check_len};
use crate::{Error, Real};

/// f(X) = Σ_i (ln Σ_c e^(z_ic) − z_i,class(i)), Z = AX with k classes; variable (feature j, class c) has the
/// index j·k + c. The state is Z and P − Y by classes (n numbers each), and room for weights: 2 n k + n.
///
/// ∇f = Aᵀ(P − Y), L = ¼‖a_j‖², H between (j, c) and (l, d) is ½(δ_cd − 1/k′) a_jᵀa_l, where k′ counts the
/// classes in the block, the others as one (k′ = k for products with all of H).
#[derive(Clone, Copy, Debug)]
pub struct Softmax<'a, A> {
    design: A,
    classes: usize,
    labels: &'a [u32],
}

impl<'a, A> Softmax<'a, A> {
    /// Samples are the rows of the design, `labels` their classes, counted from 0.
    ///
    /// # Errors
    /// [`Error::Option`] for fewer than two classes; [`Error::Dimension`] if there are not as many labels as rows;
    /// [`Error::Label`] for a label outside the classes; [`Error::TooLarge`] for too many variables.
    pub fn new<T: Real>(design: A, classes: usize, labels: &'a [u32]) -> Result<Self, Error>
    where
        A: Design<T>,
    {
        if classes < 2 {
            return Err(Error::Option { name: "classes", requirement: "must be at least 2" });
        }
        check_len("labels", labels.len(), design.rows())?;
        if let Some(index) = labels.iter().position(|&label| label as usize >= classes) {
            return Err(Error::Label { argument: "labels", index });
        }
        if u32::try_from(design.columns().saturating_mul(classes)).is_err() {
            return Err(Error::TooLarge { argument: "design" });
        }
        Ok(Self { design, classes, labels })
    }

    /// Feature and class of a variable.
    fn split(&self, variable: usize) -> (usize, usize) {
        let k = self.classes.max(1);
        (variable / k, variable % k)
    }

    /// The numbers of a class in a part of the state that begins at `part` classes.
    fn of_class<'s, T>(&self, state: &'s [T], class: usize) -> &'s [T] {
        let start = class.saturating_mul(self.labels.len());
        state.get(start..start.saturating_add(self.labels.len())).unwrap_or(&[])
    }

    /// k′ of a block.
    fn effective_classes(&self, block: &[u32]) -> usize {
        let class = |variable: u32| self.split(variable as usize).1;
        let first =
            |i: usize, variable: u32| !block.iter().take(i).any(|&other| class(other) == class(variable));
        let distinct = block.iter().enumerate().filter(|&(i, &variable)| first(i, variable)).count();
        self.classes.min(distinct.saturating_add(1))
    }
}

/// ½(δ_cd − 1/k).
fn weight<T: Real>(c: usize, d: usize, k: usize) -> T {
    let inverse = T::ONE / T::from_usize(k);
    T::HALF * if c == d { T::ONE - inverse } else { -inverse }
}

impl<T: Real, A: Design<T>> Loss<T> for Softmax<'_, A> {
    fn variables(&self) -> usize {
        self.design.columns().saturating_mul(self.classes)
    }
    fn state_len(&self) -> usize {
        self.labels.len().saturating_mul(self.classes.saturating_mul(2).saturating_add(1))
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        state.fill(T::ZERO);
        for (variable, &x) in x.iter().enumerate() {
            if x != T::ZERO {
                self.shift(variable, x, state);
            }
        }
        self.finish(state);
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        let (feature, class) = self.split(variable);
        let n = self.labels.len();
        let start = class.saturating_mul(n);
        if let Some(z) = state.get_mut(start..start.saturating_add(n)) {
            self.design.add_scaled(feature, delta, z);
        }
    }
    fn finish(&self, state: &mut [T]) {
        let (n, k) = (self.labels.len(), self.classes);
        let Some((z, rest)) = state.split_at_mut_checked(n.saturating_mul(k)) else { return };
        let Some((slopes, sums)) = rest.split_at_mut_checked(n.saturating_mul(k)) else { return };
        // `sums` first holds the largest z of a sample, then the sum of the exponentials.
        sums.fill(-T::INFINITY);
        for z in z.chunks_exact(n.max(1)) {
            sums.iter_mut().zip(z).for_each(|(largest, &z)| *largest = largest.max(z));
        }
        for (slopes, z) in slopes.chunks_exact_mut(n.max(1)).zip(z.chunks_exact(n.max(1))) {
            for ((slope, &z), &largest) in slopes.iter_mut().zip(z).zip(&*sums) {
                *slope = exp_scalar(z - largest);
            }
        }
        // The sum of the other classes first: p − 1 is minus that over the whole sum, sharp where p is nearly 1.
        sums.fill(T::ZERO);
        for (class, slopes) in slopes.chunks_exact(n.max(1)).enumerate() {
            for ((sum, &e), &label) in sums.iter_mut().zip(slopes).zip(self.labels) {
                *sum += if label as usize == class { T::ZERO } else { e };
            }
        }
        for (i, (sum, &label)) in sums.iter_mut().zip(self.labels).enumerate() {
            if let Some(own) = slopes.get_mut((label as usize).saturating_mul(n).saturating_add(i)) {
                let whole = *sum + *own;
                *own = -*sum / whole;
                *sum = whole;
            }
        }
        for (class, slopes) in slopes.chunks_exact_mut(n.max(1)).enumerate() {
            for ((slope, &sum), &label) in slopes.iter_mut().zip(&*sums).zip(self.labels) {
                if label as usize != class {
                    *slope /= sum;
                }
            }
        }
    }
    fn value(&self, _x: &[T], state: &[T]) -> T {
        let mut total = T::ZERO;
        for (i, &label) in self.labels.iter().enumerate() {
            let z = |class| self.of_class(state, class).get(i).copied().unwrap_or(T::ZERO);
            let own = z(label as usize);
            // ln Σ e^(z − own) = ln(1 + Σ of the others), or from the largest where that overflows.
            let others = (0..self.classes).filter(|&class| class != label as usize);
            let largest = others.clone().fold(own, |m, class| m.max(z(class)));
            let sum = others.fold(T::ZERO, |sum, class| sum + exp_scalar(z(class) - largest));
            let own_share = exp_scalar(own - largest);
            total += if largest == own { ln_1p(sum) } else { (largest - own) + (sum + own_share).ln() };
        }
        total
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        let (feature, class) = self.split(variable);
        self.design.dot(feature, self.of_class(state, self.classes.saturating_add(class)))
    }
    fn lipschitz(&self, variable: usize) -> T {
        T::HALF * T::HALF * self.design.square(self.split(variable).0)
    }
    fn bound(&self, block: &[u32], out: &mut [T]) {
        let k = self.effective_classes(block);
        symmetric(block, out, |a, b| {
            let ((i, c), (j, d)) = (self.split(a), self.split(b));
            weight::<T>(c, d, k) * self.design.gram(i, j)
        });
    }
    fn hessian(&self, state: &mut [T], block: &[u32], out: &mut [T]) {
        let (n, k) = (self.labels.len(), self.classes);
        let Some((state, weights)) = state.split_at_mut_checked(n.saturating_mul(k).saturating_mul(2)) else {
            return;
        };
        symmetric(block, out, |a, b| {
            let ((i, c), (j, d)) = (self.split(a), self.split(b));
            let of = |class: usize| self.of_class(state, k.saturating_add(class)).iter().zip(self.labels);
            let both = of(c).zip(of(d));
            for (weight, ((&p, &label), (&q, _))) in weights.iter_mut().zip(both) {
                // P out of P − Y; 1 − p is what is missing of the own class.
                let own = label as usize;
                let p_c = if own == c { T::ONE + p } else { p };
                let rest = if own == c { -p } else { T::ONE - p };
                let q_d = if own == d { T::ONE + q } else { q };
                *weight = if c == d { p_c * rest } else { -(p_c * q_d) };
            }
            self.design.weighted_gram(i, j, weights)
        });
    }
    fn row_sum(&self, variable: usize) -> T {
        // Σ_d |δ_cd − 1/k| = 2(k − 1)/k.
        let k = T::from_usize(self.classes);
        (k - T::ONE) / k * gram_row_sum(&self.design, self.split(variable).0)
    }
    fn bound_times(&self, v: &[T], scratch: &mut [T], out: &mut [T]) {
        // S = A V by classes, minus the mean of the classes, then Aᵀ of that, halved.
        let (n, k) = (self.labels.len(), self.classes);
        scratch.fill(T::ZERO);
        let Some((products, rest)) = scratch.split_at_mut_checked(n.saturating_mul(k)) else { return };
        let Some(mean) = rest.get_mut(..n) else { return };
        for (variable, &v) in v.iter().enumerate() {
            let (feature, class) = self.split(variable);
            let start = class.saturating_mul(n);
            if let Some(product) = products.get_mut(start..start.saturating_add(n)).filter(|_| v != T::ZERO) {
                self.design.add_scaled(feature, v, product);
            }
        }
        for product in products.chunks_exact(n.max(1)) {
            vector::axpy(T::ONE / T::from_usize(k), product, mean);
        }
        for product in products.chunks_exact_mut(n.max(1)) {
            vector::axpy(-T::ONE, mean, product);
        }
        for (variable, out) in out.iter_mut().enumerate() {
            let (feature, class) = self.split(variable);
            *out = T::HALF * self.design.dot(feature, self.of_class(products, class));
        }
    }
}
