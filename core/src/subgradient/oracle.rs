//! What is minimised: a value and a sub-gradient in one call.

use crate::{Error, Real};

/// A function that can say its value and one sub-gradient at a point.
///
/// A caller's own function implements it with plain methods over slices, or is made of a closure by
/// [`Function`]. It takes `&mut self`, so it may keep scratch of its own or count its calls.
pub trait Oracle<T: Real> {
    /// Unknowns.
    fn dimension(&self) -> usize;

    /// f(x), and g ← a sub-gradient of f at x. Both slices have length [`dimension`](Oracle::dimension);
    /// g comes dirty.
    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T;

    /// The sub-gradient of the last call was used with this factor: x moved by −factor · g. For an oracle that
    /// averages what it saw, to bound the least value. Default: nothing.
    fn weigh(&mut self, _factor: T) {}

    /// A number that f never goes below, if one is known beforehand (0 for a sum of losses). A run that
    /// reaches it has found a minimum. Default −∞.
    fn floor(&self) -> T {
        -T::INFINITY
    }
}

impl<T: Real, O: Oracle<T> + ?Sized> Oracle<T> for &mut O {
    fn dimension(&self) -> usize {
        (**self).dimension()
    }
    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        (**self).value_and_subgradient(x, g)
    }
    fn weigh(&mut self, factor: T) {
        (**self).weigh(factor);
    }
    fn floor(&self) -> T {
        (**self).floor()
    }
}

/// A closure `(x, g) -> f(x)` as an [`Oracle`].
///
/// ```
/// use southwell::subgradient::{Function, Oracle};
/// // |x₀| + |x₁ − 1|
/// let mut f = Function::new(2, |x: &[f64], g: &mut [f64]| {
///     (g[0], g[1]) = (x[0].signum(), (x[1] - 1.0).signum());
///     x[0].abs() + (x[1] - 1.0).abs()
/// });
/// assert_eq!(f.value_and_subgradient(&[2.0, 0.0], &mut [0.0; 2]), 3.0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Function<F> {
    dimension: usize,
    call: F,
}

impl<F> Function<F> {
    /// A function of so many unknowns.
    pub fn new(dimension: usize, call: F) -> Self {
        Self { dimension, call }
    }
}

impl<T: Real, F: FnMut(&[T], &mut [T]) -> T> Oracle<T> for Function<F> {
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        (self.call)(x, g)
    }
}

/// What is minimised, and over which set: the problem of every method in this family.
///
/// Both are held by value; hand in `&mut oracle` and `&mut set` to have them back, and `()` for the whole
/// space.
#[derive(Clone, Copy, Debug)]
pub struct Problem<O, P> {
    pub(crate) oracle: O,
    pub(crate) set: P,
}

impl<O, P> Problem<O, P> {
    /// min f(x) over x in a set.
    ///
    /// # Errors
    /// [`Error::Dimension`] for a set of other vectors; [`Error::Option`] for no unknowns.
    pub fn new<T: Real>(oracle: O, set: P) -> Result<Self, Error>
    where
        O: Oracle<T>,
        P: super::Projection<T>,
    {
        let n = oracle.dimension();
        if n == 0 {
            return Err(Error::Option { name: "oracle", requirement: "must have at least one unknown" });
        }
        if let Some(given) = set.dimension()
            && given != n
        {
            return Err(Error::Dimension { argument: "set", expected: n, given });
        }
        Ok(Self { oracle, set })
    }
}
