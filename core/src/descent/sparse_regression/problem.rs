//! What is solved: a design, targets or labels, a loss and a penalty.

use southwell_simd::vector;

use crate::linear::{Design, check_finite, check_len};
use crate::{Error, Real, StructureFault};

/// How far the fit z = A w is from what was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// ½ ‖y − z‖²
    LeastSquares,
    /// Σ log(1 + e^(−y_i z_i)), y_i = ±1
    Logistic,
}

/// What keeps w small and sparse.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Penalty<'a, T> {
    /// λ ‖w‖₁
    Lasso {
        /// λ, positive
        lambda: T,
    },
    /// λ ‖w‖₁ + ½ ridge ‖w‖²
    ElasticNet {
        /// λ, positive
        lambda: T,
        /// Weight of the square, not negative.
        ridge: T,
    },
    /// λ Σ w_j, with w ≥ 0
    NonNegative {
        /// λ, positive
        lambda: T,
    },
    /// λ Σ_g ‖w_g‖₂ over groups of consecutive columns.
    Group {
        /// λ, positive
        lambda: T,
        /// Where each group begins, and the number of columns at the end: 0 first, strictly increasing.
        groups: &'a [u32],
    },
}

/// A column has few entries if there are so many times as many columns.
const MANY: usize = 64;
/// Then a working set grows by one in so many columns,
const SHARE: usize = 32;
/// but by no more than so many times what it grows by else.
const MOST: usize = 16;

/// min_w loss(A w; y) + penalty(w), the loss divided by n if [`averaged`](Problem::averaged).
#[derive(Debug)]
pub struct Problem<'a, T, A> {
    pub(super) design: &'a A,
    pub(super) y: &'a [T],
    pub(super) loss: Loss,
    /// λ and the weight of the square as they go with the sum of the losses.
    pub(super) lambda: T,
    pub(super) ridge: T,
    pub(super) positive: bool,
    pub(super) groups: Option<&'a [u32]>,
    pub(super) weights: Option<&'a [T]>,
    /// What the loss is divided by: n or 1.
    pub(super) divisor: T,
    pub(super) intercept: bool,
}

impl<T: Copy, A> Clone for Problem<'_, T, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, A> Copy for Problem<'_, T, A> {}

impl<'a, T: Real, A: Design<T>> Problem<'a, T, A> {
    /// ½ ‖y − A w‖² + penalty; y has n elements.
    ///
    /// # Errors
    /// [`Error::Dimension`] or [`Error::Value`] for y; [`Error::Option`] if λ is not positive and finite, or
    /// `ridge` negative or not finite; [`Error::Structure`] for groups; [`Error::TooLarge`] for more columns
    /// than 32-bit indices can address.
    pub fn least_squares(design: &'a A, y: &'a [T], penalty: Penalty<'a, T>) -> Result<Self, Error> {
        check_len("y", y.len(), design.rows())?;
        check_finite("y", y)?;
        Self::new(design, y, Loss::LeastSquares, penalty)
    }

    /// Σ log(1 + e^(−y_i (A w)_i)) + penalty; y holds n labels, each −1 or 1.
    ///
    /// # Errors
    /// [`Error::Label`] for another label, and as [`least_squares`](Self::least_squares).
    pub fn logistic(design: &'a A, labels: &'a [T], penalty: Penalty<'a, T>) -> Result<Self, Error> {
        check_len("labels", labels.len(), design.rows())?;
        if let Some(index) = labels.iter().position(|&y| y != T::ONE && y != -T::ONE) {
            return Err(Error::Label { argument: "labels", index });
        }
        Self::new(design, labels, Loss::Logistic, penalty)
    }

    fn new(design: &'a A, y: &'a [T], loss: Loss, penalty: Penalty<'a, T>) -> Result<Self, Error> {
        let columns = design.columns();
        // The two largest indices are marks.
        if u32::try_from(columns).map_or(true, |columns| columns > u32::MAX - 2) {
            return Err(Error::TooLarge { argument: "design" });
        }
        let (lambda, ridge, positive, groups) = match penalty {
            Penalty::Lasso { lambda } => (lambda, T::ZERO, false, None),
            Penalty::ElasticNet { lambda, ridge } => (lambda, ridge, false, None),
            Penalty::NonNegative { lambda } => (lambda, T::ZERO, true, None),
            Penalty::Group { lambda, groups } => (lambda, T::ZERO, false, Some(groups)),
        };
        check_lambda(lambda)?;
        if !(ridge >= T::ZERO && ridge.is_finite()) {
            return Err(Error::Option { name: "ridge", requirement: "must be finite and not negative" });
        }
        if let Some(groups) = groups {
            check_groups(groups, columns)?;
        }
        Ok(Self {
            design,
            y,
            loss,
            lambda,
            ridge,
            positive,
            groups,
            weights: None,
            divisor: T::ONE,
            intercept: false,
        })
    }

    /// The same with the loss divided by the number of samples, as scikit-learn, celer and skglm have it; λ and
    /// `ridge` then go with the mean. Does nothing the second time.
    ///
    /// # Errors
    /// [`Error::Option`] if n λ, a weight times that or n times `ridge` overflows.
    pub fn averaged(self) -> Result<Self, Error> {
        let n = T::from_usize(self.design.rows().max(1));
        let factor = n / self.divisor;
        let (lambda, ridge) = (self.lambda * factor, self.ridge * factor);
        self.check_weighed(lambda)?;
        if !ridge.is_finite() {
            return Err(Error::Option { name: "ridge", requirement: "must be finite and not negative" });
        }
        Ok(Self { lambda, ridge, divisor: n, ..self })
    }

    /// The same with a weight for the penalty λ of every column, or of every group: λ_j = λ·weight_j.
    ///
    /// # Errors
    /// [`Error::Dimension`] for another number of weights; [`Error::Option`] for one that is not positive and
    /// finite.
    pub fn weighted(self, weights: &'a [T]) -> Result<Self, Error> {
        check_len("weights", weights.len(), self.blocks())?;
        if weights.iter().all(|&w| w > T::ZERO) && in_range(weights, self.lambda) {
            Ok(Self { weights: Some(weights), ..self })
        } else {
            Err(Error::Option { name: "weights", requirement: "must be positive and finite" })
        }
    }

    /// The same with a constant that is added to the fit and not penalised. With least squares columns and y count
    /// less their means; with a logistic loss the constant is the best one for every w that is looked at (a few
    /// evaluations of the loss each time), so that ρ sums to zero, as a feasible dual point does.
    ///
    /// # Errors
    /// [`Error::Option`] for labels of one class only: their constant is infinite.
    pub fn with_intercept(self) -> Result<Self, Error> {
        let has = |label: T| self.y.contains(&label);
        if self.loss == Loss::Logistic && !(has(T::ONE) && has(-T::ONE)) {
            return Err(Error::Option { name: "intercept", requirement: "needs labels of both classes" });
        }
        Ok(Self { intercept: true, ..self })
    }

    /// The loss at w = 0, with the best constant if there is one.
    pub(super) fn loss_of_nothing(&self) -> T {
        let (n, mean) = (T::from_usize(self.y.len()), if self.intercept { self.mean() } else { T::ZERO });
        match self.loss {
            Loss::LeastSquares => {
                T::HALF * self.y.iter().fold(T::ZERO, |sum, &y| sum + (y - mean) * (y - mean))
            }
            Loss::Logistic => {
                // The shares of both classes: 1/2 without a constant.
                let entropy = |share: T| if share > T::ZERO { -share * share.ln() } else { T::ZERO };
                n * (entropy(T::HALF * (T::ONE + mean)) + entropy(T::HALF * (T::ONE - mean)))
            }
        }
    }

    /// The same with another λ. Cost: one pass over the weights, if there are any.
    ///
    /// # Errors
    /// [`Error::Option`] if it is not positive and finite, or n λ (of a loss that is averaged) or a weight times that
    /// overflows.
    pub fn with_lambda(self, lambda: T) -> Result<Self, Error> {
        check_lambda(lambda)?;
        let lambda = lambda * self.divisor;
        self.check_weighed(lambda)?;
        Ok(Self { lambda, ..self })
    }

    /// Refuses a λ of the sum of the losses that overflows, by itself or with a weight.
    fn check_weighed(&self, lambda: T) -> Result<(), Error> {
        check_lambda(if in_range(self.weights.unwrap_or_default(), lambda) { lambda } else { T::INFINITY })
    }

    /// Samples n and columns p.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.design.rows(), self.design.columns())
    }

    /// λ
    #[must_use]
    pub fn lambda(&self) -> T {
        self.lambda / self.divisor
    }

    /// Columns, or groups of them.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.groups.map_or(self.design.columns(), |groups| groups.len().saturating_sub(1))
    }

    /// The least λ for which w = 0 is a solution (0 if it always is one). Cost: one pass over the matrix, or two
    /// with an intercept.
    #[must_use]
    pub fn lambda_max(&self) -> T {
        let mean = if self.intercept { self.mean() } else { T::ZERO };
        let half = if self.loss == Loss::Logistic { T::HALF } else { T::ONE };
        let slope = |column: usize| {
            let product = half * self.design.dot(column, self.y);
            if !self.intercept {
                return product;
            }
            let mut sum = T::ZERO;
            self.design.visit(column, |_, a| sum += a);
            product - half * mean * sum
        };
        let mut largest = T::ZERO;
        for block in 0..self.blocks() {
            let size = match self.columns_of(block) {
                None if self.positive => slope(block),
                None => slope(block).abs(),
                Some(columns) => columns.map(slope).fold(T::ZERO, |sum, c| sum + c * c).sqrt(),
            };
            let weight = self.weight(block);
            largest = largest.max(size / weight);
        }
        largest / self.divisor
    }

    /// By how many columns a working set grows at least, if by `least` where nothing is known: by more where columns have few
    /// entries, for a look at all of them costs many sweeps over a set then, and where no Gram matrix grows with the set.
    pub(super) fn growth(&self, least: usize) -> usize {
        let p = self.design.columns();
        if self.groups.is_some() {
            return least;
        }
        if self.loss == Loss::Logistic {
            return if p < 8 * MANY { least } else { least.saturating_mul(2) };
        }
        let entries = (0..p).fold(0_usize, |sum, column| sum.saturating_add(self.design.entries(column)));
        if entries > p.saturating_mul(p / MANY) {
            return least;
        }
        least.max((p / SHARE).min(least.saturating_mul(MOST)))
    }

    /// The columns of a group; `None` if columns stand for themselves.
    pub(super) fn columns_of(&self, block: usize) -> Option<core::ops::Range<usize>> {
        let groups = self.groups?;
        let from = groups.get(block).map_or(0, |&g| g as usize);
        Some(from..groups.get(block.saturating_add(1)).map_or(from, |&g| g as usize))
    }

    /// The group of a column, or the column itself.
    pub(super) fn block_of(&self, column: usize) -> usize {
        self.groups.map_or(column, |groups| {
            let after = groups.partition_point(|&first| first as usize <= column);
            after.saturating_sub(1)
        })
    }

    /// The weight of a block's penalty.
    pub(super) fn weight(&self, block: usize) -> T {
        self.weights.and_then(|weights| weights.get(block)).copied().unwrap_or(T::ONE)
    }

    /// ‖a_j‖² + ridge and the mean of a_j; less the mean, with an intercept (else it is said to be 0).
    pub(super) fn square(&self, column: usize, scratch: &mut [T]) -> (T, T) {
        if !self.intercept {
            return (self.design.square(column) + self.ridge, T::ZERO);
        }
        scratch.fill(T::ZERO);
        self.design.add_scaled(column, T::ONE, scratch);
        let whole = vector::dot(scratch, scratch);
        let mean = vector::sum(scratch) / T::from_usize(scratch.len().max(1));
        scratch.iter_mut().for_each(|a| *a -= mean);
        let centred = vector::dot(scratch, scratch);
        // A column that is constant but for its last bits explains nothing: what is left of it is rounding.
        let rounding = T::from_u32(64) * T::EPSILON;
        let square = if centred > rounding * rounding * whole { centred } else { T::ZERO };
        (square + self.ridge, mean)
    }

    /// The mean of y.
    pub(super) fn mean(&self) -> T {
        vector::sum(self.y) / T::from_usize(self.y.len().max(1))
    }
}

/// Whether every λ_j = λ·weight_j is finite.
fn in_range<T: Real>(weights: &[T], lambda: T) -> bool {
    weights.iter().all(|&w| (w * lambda).is_finite())
}

fn check_lambda<T: Real>(lambda: T) -> Result<(), Error> {
    if lambda > T::ZERO && lambda.is_finite() {
        return Ok(());
    }
    Err(Error::Option {
        name: "lambda",
        requirement: "must be positive and finite, for the gap is not, else",
    })
}

fn check_groups(groups: &[u32], columns: usize) -> Result<(), Error> {
    let fault = |index, fault| Err(Error::Structure { argument: "groups", index, fault });
    let Some((&first, rest)) = groups.split_first() else {
        return Err(Error::Dimension { argument: "groups", expected: 1, given: 0 });
    };
    if first != 0 {
        return fault(0, StructureFault::FirstNotZero);
    }
    let mut last = first;
    for (index, &next) in rest.iter().enumerate() {
        if next <= last {
            let what = if next == last { StructureFault::EmptyBlock } else { StructureFault::Decreasing };
            return fault(index.saturating_add(1), what);
        }
        if next as usize > columns {
            return fault(index.saturating_add(1), StructureFault::OutOfRange);
        }
        last = next;
    }
    check_len("groups", last as usize, columns)
}
