//! Measurement matrices of rank one, and differences of two.

use southwell_simd::{dense, vector};

use super::{Operator, check_dimensions, formed, piece, pieces};
use crate::linear::check_finite;
use crate::subgradient::matrix::shape::{Factors, Gradient, Shape};
use crate::subgradient::matrix::start::Weights;
use crate::{Error, Real};

/// z ← (Uᵀ a, Vᵀ b), and their product ⟨a bᵀ, U Vᵀ⟩.
fn apply<T: Real>(a: &[T], b: &[T], x: Factors<'_, T>, z: &mut [T]) -> T {
    let (of_u, of_v) = formed::halves(z, x.shape.rank());
    dense::apply(x.u_rows(), a, of_u);
    if x.shape.is_symmetric() && core::ptr::eq(a, b) {
        vector::dot(of_u, of_u)
    } else {
        dense::apply(x.v_rows(), b, of_v);
        vector::dot(of_u, of_v)
    }
}

/// Adds w a (Vᵀ b)ᵀ and w b (Uᵀ a)ᵀ.
fn add<T: Real>(w: T, a: &[T], b: &[T], x: Factors<'_, T>, z: &mut [T], gradient: &mut Gradient<'_, T>) {
    let (of_u, of_v) = formed::halves(z, x.shape.rank());
    if x.shape.is_symmetric() && core::ptr::eq(a, b) {
        dense::rank_one(gradient.u_rows(), w + w, of_u, a);
    } else {
        dense::rank_one(gradient.u_rows(), w, of_v, a);
        dense::rank_one(gradient.v_rows(), w, of_u, b);
    }
}

/// Vectors a_i, stored one after the other.
fn vectors<T: Real>(argument: &'static str, values: &[T], length: usize) -> Result<usize, Error> {
    let count = pieces(argument, values.len(), length)?;
    check_finite(argument, values)?;
    Ok(count)
}

/// A_i = a_i a_iᵀ: y_i = a_iᵀ X a_i = ‖Uᵀ a_i‖², as in phase retrieval.
///
/// An iteration reads the a_i once and does 4 d r operations for each (twice that where X is not
/// symmetric). A start is told where y lies above its median.
#[derive(Clone, Copy, Debug)]
pub struct RankOne<'a, T> {
    a: &'a [T],
    order: usize,
    count: usize,
}

impl<'a, T: Real> RankOne<'a, T> {
    /// Entry j of a_i at `i·order + j`.
    ///
    /// # Errors
    /// [`Error::Option`] for order 0; [`Error::Dimension`] if the last vector is not whole;
    /// [`Error::Value`] for a NaN or an infinity.
    pub fn new(a: &'a [T], order: usize) -> Result<Self, Error> {
        check_dimensions(order, order)?;
        Ok(Self { a, order, count: vectors("a", a, order)? })
    }

    /// Elements of scratch.
    #[must_use]
    pub const fn scratch(shape: Shape) -> usize {
        shape.rank().saturating_mul(2)
    }
}

/// A_i = a_i a_iᵀ − b_i b_iᵀ: the difference of two rank-one measurements, whose mean says nothing and spoils
/// nothing. Cost: twice that of [`RankOne`].
#[derive(Clone, Copy, Debug)]
pub struct Paired<'a, T> {
    a: &'a [T],
    b: &'a [T],
    order: usize,
    count: usize,
}

impl<'a, T: Real> Paired<'a, T> {
    /// Entry j of a_i and of b_i at `i·order + j`.
    ///
    /// # Errors
    /// As [`RankOne::new`]; [`Error::Dimension`] if there are not as many b as a.
    pub fn new(a: &'a [T], b: &'a [T], order: usize) -> Result<Self, Error> {
        check_dimensions(order, order)?;
        let count = vectors("a", a, order)?;
        crate::linear::check_len("b", b.len(), a.len())?;
        check_finite("b", b)?;
        Ok(Self { a, b, order, count })
    }

    /// Elements of scratch.
    #[must_use]
    pub const fn scratch(shape: Shape) -> usize {
        shape.rank().saturating_mul(4)
    }
}

/// A_i = a_i b_iᵀ: y_i = a_iᵀ X b_i.
///
/// An iteration reads the a_i and b_i once and does 4 (d₁ + d₂) r operations for each.
#[derive(Clone, Copy, Debug)]
pub struct Bilinear<'a, T> {
    a: &'a [T],
    b: &'a [T],
    rows: usize,
    columns: usize,
    count: usize,
}

impl<'a, T: Real> Bilinear<'a, T> {
    /// Entry j of a_i at `i·rows + j`, of b_i at `i·columns + j`.
    ///
    /// # Errors
    /// [`Error::Option`] without rows or columns; [`Error::Dimension`] if the last vector is not whole or
    /// there are not as many b as a; [`Error::Value`] for a NaN or an infinity.
    pub fn new(a: &'a [T], b: &'a [T], rows: usize, columns: usize) -> Result<Self, Error> {
        check_dimensions(rows, columns)?;
        let count = vectors("a", a, rows)?;
        crate::linear::check_len("b", b.len(), count.saturating_mul(columns))?;
        check_finite("b", b)?;
        Ok(Self { a, b, rows, columns, count })
    }

    /// Elements of scratch.
    #[must_use]
    pub const fn scratch(shape: Shape) -> usize {
        shape.rank().saturating_mul(2)
    }
}

/// What all of them do alike.
macro_rules! outer {
    () => {
        fn scratch_len(&self, shape: Shape) -> usize {
            Self::scratch(shape)
        }
        fn open(&self, _: Factors<'_, T>, _: &mut [T], gradient: &mut Gradient<'_, T>) {
            gradient.values().fill(T::ZERO);
        }
        fn close(&self, scale: T, _: Factors<'_, T>, _: &mut [T], gradient: &mut Gradient<'_, T>) {
            vector::scale(scale, gradient.values());
        }
        fn count(&self) -> usize {
            self.count
        }
    };
}

impl<T: Real> Operator<T> for RankOne<'_, T> {
    outer!();
    fn dimensions(&self) -> (usize, usize) {
        (self.order, self.order)
    }
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        let a = piece(self.a, i, self.order);
        apply(a, a, x, scratch)
    }
    fn accumulate(&self, i: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], g: &mut Gradient<'_, T>) {
        let a = piece(self.a, i, self.order);
        add(w, a, a, x, scratch, g);
    }
    fn start_weights(&self) -> Weights<T> {
        Weights::AboveMedian
    }
}

impl<T: Real> Operator<T> for Paired<'_, T> {
    outer!();
    fn dimensions(&self) -> (usize, usize) {
        (self.order, self.order)
    }
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        let (a, b) = (piece(self.a, i, self.order), piece(self.b, i, self.order));
        let (first, second) = formed::halves(scratch, RankOne::<T>::scratch(x.shape));
        apply(a, a, x, first) - apply(b, b, x, second)
    }
    fn accumulate(&self, i: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], g: &mut Gradient<'_, T>) {
        let (a, b) = (piece(self.a, i, self.order), piece(self.b, i, self.order));
        let (first, second) = formed::halves(scratch, RankOne::<T>::scratch(x.shape));
        add(w, a, a, x, first, g);
        add(-w, b, b, x, second, g);
    }
}

impl<T: Real> Operator<T> for Bilinear<'_, T> {
    outer!();
    fn dimensions(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        apply(piece(self.a, i, self.rows), piece(self.b, i, self.columns), x, scratch)
    }
    fn accumulate(&self, i: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], g: &mut Gradient<'_, T>) {
        add(w, piece(self.a, i, self.rows), piece(self.b, i, self.columns), x, scratch, g);
    }
}
