//! What was measured: y_i = ⟨A_i, X⟩ + s_i, Σ_jk (A_i)_jk X_jk for each i.
//!
//! | operator | A_i | stored | read an iteration | scratch |
//! |---|---|---|---|---|
//! | [`Dense`] | any matrices, by rows | m d₁ d₂ | that | 2 d₁ d₂ |
//! | [`Packed`] | symmetric ones, lower triangles by rows | m d (d + 1)/2 | that | d² + d (d + 1)/2 |
//! | [`RankOne`] | a aᵀ | m d | that | 2 r |
//! | [`Paired`] | a aᵀ − b bᵀ | 2 m d | that | 2 r |
//! | [`Bilinear`] | a bᵀ | m (d₁ + d₂) | that | 2 r |
//! | [`Entries`] | e_i e_jᵀ, some entries of X | 2 m indices | that, and rows of U and V | factors, twice |
//! | [`AllEntries`] | every entry of X, by rows | nothing | y | d₁ d₂ |
//! | [`Seeded`] | signs or normal numbers, drawn anew every time | a seed | y | 3 d₁ d₂ |
//!
//! The operators with a scratch of the size of X make Q = (1/m) Σ w_i A_i and multiply it by the factors; the
//! others add to the gradients directly. Rank-one measurements a aᵀ have a mean that says nothing
//! about X beyond its trace: prefer [`Paired`] where you can choose. Entries say nothing about a matrix whose
//! weight is in few entries.

mod dense;
mod entries;
pub(super) mod formed;
mod outer;
mod packed;
mod seeded;

pub use dense::Dense;
pub use entries::{AllEntries, Entries};
pub use outer::{Bilinear, Paired, RankOne};
pub use packed::Packed;
pub use seeded::{Draw, Seeded};

use super::shape::{Factors, Gradient, Shape};
use super::start::{Weights, sign};
use crate::{Error, Real};
use southwell_simd::Lanes;

/// How far measurements are off, Σ |r_i| of their residuals, and how many are too large and too small.
#[derive(Clone, Debug)]
pub struct Misfit<T> {
    sizes: Lanes<T>,
    /// How many residuals are above 0, and below.
    pub counts: [u32; 2],
}

impl<T: Real> Default for Misfit<T> {
    fn default() -> Self {
        Self { sizes: Lanes::default(), counts: [0; 2] }
    }
}

impl<T: Real> Misfit<T> {
    /// Takes up the residual of measurement i, and answers with its sign.
    #[inline]
    pub fn take(&mut self, i: usize, residual: T) -> T {
        self.sizes.add_at(i, residual.abs());
        let sign = sign(residual);
        let [above, below] = &mut self.counts;
        *above = above.saturating_add(u32::from(sign > T::ZERO));
        *below = below.saturating_add(u32::from(sign < T::ZERO));
        sign
    }

    /// Σ |r_i|, residual i in lane i mod [`LANES`](southwell_simd::LANES).
    #[must_use]
    pub fn sum(&self) -> T {
        self.sizes.sum()
    }
}

/// A linear map from matrices to m numbers, X ↦ ⟨A_i, X⟩, and its adjoint.
///
/// One iteration is [`open`](Operator::open), then every i once, in order,
/// [`apply_row`](Operator::apply_row) and [`accumulate`](Operator::accumulate) while A_i is in cache, then
/// [`close`](Operator::close): [`pass`](Operator::pass) does all of it.
/// Slices that come in have the lengths that [`scratch_len`](Operator::scratch_len) and the shape say, and
/// the shape is one that [`Problem`](super::Problem) accepted.
pub trait Operator<T: Real> {
    /// Measurements m.
    fn count(&self) -> usize;

    /// Rows and columns of X.
    fn dimensions(&self) -> (usize, usize);

    /// Elements of scratch for factors of this shape.
    fn scratch_len(&self, shape: Shape) -> usize;

    /// Gets ready for these factors; nothing has been accumulated.
    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>);

    /// ⟨A_i, U Vᵀ⟩ for the factors that were opened.
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T;

    /// Adds w A_i; follows `apply_row` of the same i.
    fn accumulate(&self, i: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], g: &mut Gradient<'_, T>);

    /// Leaves scale·(Q V, Qᵀ U), Q = Σ w_i A_i, as the gradients; where X is symmetric, scale·(Q + Qᵀ) U.
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>);

    /// scale·Q by rows, scale·(Q + Qᵀ) where X is symmetric, after `close`; `None` if it is not formed.
    fn formed<'s>(&self, _shape: Shape, _scratch: &'s [T]) -> Option<&'s [T]> {
        None
    }

    /// The weights that a start should give these measurements.
    fn start_weights(&self) -> Weights<T> {
        Weights::Sign
    }

    /// All of it: for every i in order, w_i = `weigh(i, ⟨A_i, U Vᵀ⟩)`; then the gradients of Σ w_i ⟨A_i, U
    /// Vᵀ⟩, times `scale`.
    fn pass(
        &self,
        scale: T,
        x: Factors<'_, T>,
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
        mut weigh: impl FnMut(usize, T) -> T,
    ) where
        Self: Sized,
    {
        self.open(x, scratch, gradient);
        for i in 0..self.count() {
            let s = self.apply_row(i, x, scratch);
            self.accumulate(i, weigh(i, s), x, scratch, gradient);
        }
        self.close(scale, x, scratch, gradient);
    }

    /// The sub-gradients of Σ |⟨A_i, U Vᵀ⟩ − y_i|, times `scale`: a [`pass`](Operator::pass) whose weights are the signs
    /// of the residuals. Returns the sum, and how many residuals are above 0 and below.
    fn misfit(
        &self,
        scale: T,
        x: Factors<'_, T>,
        y: &[T],
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
    ) -> (T, [u32; 2])
    where
        Self: Sized,
    {
        let mut misfit = Misfit::default();
        self.pass(scale, x, scratch, gradient, |i, s| misfit.take(i, y.get(i).map_or(T::ZERO, |&y| s - y)));
        (misfit.sum(), misfit.counts)
    }
}

/// How many pieces of a length a slice holds.
///
/// # Errors
/// [`Error::Dimension`] if they leave a rest.
fn pieces(argument: &'static str, given: usize, length: usize) -> Result<usize, Error> {
    let count = given.checked_div(length).unwrap_or(0);
    let expected = count.saturating_mul(length);
    if given == expected {
        Ok(count)
    } else {
        Err(Error::Dimension { argument, expected: expected.saturating_add(length), given })
    }
}

/// Piece i of a slice of pieces.
#[inline(always)]
fn piece<T>(values: &[T], i: usize, length: usize) -> &[T] {
    let start = i.saturating_mul(length);
    values.get(start..start.saturating_add(length)).unwrap_or(&[])
}

/// Refuses a matrix without entries, or too many.
fn check_dimensions(rows: usize, columns: usize) -> Result<usize, Error> {
    let entries = rows.checked_mul(columns).ok_or(Error::TooLarge { argument: "the matrix" })?;
    if entries == 0 {
        return Err(Error::Option { name: "rows and columns", requirement: "must be at least 1" });
    }
    Ok(entries)
}
