//! Proofs that a fit at a quantile is the best there is, or how far it can be from it.
//!
//! For any s with Xᵀs = 0 and w_i (q − 1) ≤ s_i ≤ w_i q, yᵀs ≤ f(β) for every β (the dual linear program).
//!
//! - [`vertex`]: the p rows of smallest residual are interpolated; with s_i = w_i q or w_i (q − 1) by the sign of
//!   every other residual, the s of the p rows follow from Xᵀs = 0. If they lie within their bounds, yᵀs = f(β): the
//!   vertex is a minimum, proven up to rounding. At a degenerate vertex more residuals than p are 0, and their s_i may be
//!   anything within their bounds: s_i = clip(x_iᵀμ) for the μ that reweighting finds (20 rounds of least squares over
//!   these rows, if 0 will not do). Cost: two readings of X and O(p³), 20 p² operations more for each residual of 0.
//! - a bound on the way ([`fit`](super::fit), if its workspace has room): an average of the slopes s along a run, made
//!   orthogonal to X and shrunk into its bounds. Closes slowly, but whatever the data. With steps that fall
//!   geometrically the early slopes outweigh the late ones: take [`Diminishing`](super::step::Diminishing) lengths.
//!   Cost: two readings of Z.

use southwell_simd::{dense, vector};

use super::quantile::Quantile;
use super::small;
use super::sum::Sum;
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// Rows that are looked at for each column.
const CANDIDATES: usize = 3;
/// What rounding may take from a proof, in units of ε · columns · (the sum of what was added).
const ROUNDING: u32 = 64;
/// Rounds of reweighting at a degenerate vertex, and how far inside their bounds slopes are wanted.
const ROUNDS: u32 = 20;
const INSIDE: f64 = 0.999;

/// A vertex and what it proves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vertex<T> {
    /// f at the vertex.
    pub value: T,
    /// No fit has a smaller value than this (up to rounding).
    pub lower_bound: T,
    /// Whether the vertex is a minimum: the bound reaches the value.
    pub optimal: bool,
}

/// Elements that [`vertex`] needs for so many columns.
#[must_use]
pub const fn vertex_len(columns: usize) -> usize {
    columns.saturating_mul(columns).saturating_mul(2).saturating_add(columns.saturating_mul(CANDIDATES + 2))
}

/// Indices that [`vertex`] needs for so many columns.
#[must_use]
pub const fn vertex_indices(columns: usize) -> usize {
    columns.saturating_mul(CANDIDATES)
}

/// Goes to the vertex near β and tries to prove that it is a minimum; β becomes the vertex if its value is not
/// larger. `None` if no vertex was found (columns are dependent, or something overflowed).
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for β; [`Error::Workspace`] for either memory;
/// [`Error::TooLarge`] beyond 2³² − 1 rows.
pub fn vertex<T: Real>(
    loss: &Quantile<'_, T>,
    beta: &mut [T],
    storage: &mut [T],
    indices: &mut [u32],
) -> Result<Option<Vertex<T>>, Error> {
    let p = loss.table.columns();
    check_len("beta", beta.len(), p)?;
    check_finite("beta", beta)?;
    if u32::try_from(loss.table.rows()).is_err() {
        return Err(Error::TooLarge { argument: "table" });
    }
    let square = p.saturating_mul(p);
    let [factor, normal, sizes, corner, dual] =
        carve(storage, [square, square, p.saturating_mul(CANDIDATES), p, p])?;
    let [nearest] = carve(indices, [vertex_indices(p)])?;
    let Some(found) = near(loss, beta, [factor, normal, sizes, corner, dual], nearest) else {
        return Ok(None);
    };
    if found.value <= loss.value(beta) {
        beta.copy_from(corner);
    }
    Ok(Some(found))
}

fn near<T: Real>(
    loss: &Quantile<'_, T>,
    beta: &[T],
    [factor, normal, sizes, corner, dual]: [&mut [T]; 5],
    nearest: &mut [u32],
) -> Option<Vertex<T>> {
    let p = loss.table.columns();
    smallest(loss, beta, sizes, nearest);
    independent(loss, factor, nearest)?;
    let basis = nearest.get_mut(..p)?;
    let y = |row: u32| loss.y.get(row as usize).copied().unwrap_or(T::ZERO);
    let rows = factor.chunks_exact_mut(p.max(1)).zip(&*basis);
    rows.for_each(|(to, &row)| to.copy_from(loss.table.row(row as usize)));
    if !small::lu(factor, basis) {
        return None;
    }
    corner.iter_mut().zip(&*basis).for_each(|(b, &row)| *b = y(row));
    small::lu_solve(factor, corner);
    if vector::first_not_finite(corner).is_some() {
        return None;
    }
    // Xᵀs over the rows that are not interpolated, their share of the value and of the bound.
    let (mut value, mut bound, mut added) = (Sum::new(), Sum::new(), Sum::new());
    dual.fill(T::ZERO);
    let mut degenerate = false;
    let unit = T::EPSILON * T::from_u32(ROUNDING) * T::from_usize(p);
    for (row, &y) in loss.y.iter().enumerate() {
        let x = loss.table.row(row);
        let residual = y - vector::dot(x, corner);
        let (share, mut slope) = loss.loss(row, residual);
        value.add(share);
        if contains(basis, row) {
            continue;
        }
        if residual.abs() <= unit * size(x, y, corner) {
            slope = T::ZERO;
            degenerate = true;
        }
        bound.add(slope * y);
        added.add((slope * y).abs());
        vector::axpy(-slope, x, dual);
    }
    sizes.copy_from(dual);
    small::lu_solve_transposed(factor, dual);
    if degenerate && !within(loss, basis, dual) {
        let (target, rest) = sizes.split_at_mut_checked(p)?;
        let (mu, rest) = rest.split_at_mut_checked(p)?;
        let vertex = At { loss, beta: corner, unit, factor, basis };
        if let Some((more, size)) = vertex.spread(target, mu, rest.get_mut(..p)?, normal, dual) {
            bound.add(more);
            added.add(size);
        } else {
            // As it was: nothing is proven, but how far from it is.
            dual.copy_from(target);
            small::lu_solve_transposed(factor, dual);
        }
    }
    // How much s must shrink to fit: Xᵀs stays 0.
    let mut shrink = T::ONE;
    for (&s, &row) in dual.iter().zip(&*basis) {
        let most = most(loss, row, s);
        if s.abs() > most {
            shrink = shrink.min(most / s.abs());
        }
        bound.add(s * y(row));
        added.add((s * y(row)).abs());
    }
    let (value, bound) = (value.value(), bound.value() * shrink);
    let allowed = unit * added.value();
    if !(value.is_finite() && bound.is_finite() && shrink > T::ZERO) {
        return None;
    }
    let optimal = T::ONE - shrink <= unit && (value - bound).abs() <= allowed;
    // Within rounding either may be the larger one.
    Some(Vertex { value, lower_bound: bound.min(value).max(T::ZERO), optimal })
}

/// |y| + Σ |x_j β_j|, the unit of what rounding leaves of a residual.
fn size<T: Real>(x: &[T], y: T, beta: &[T]) -> T {
    x.iter().zip(beta).fold(y.abs(), |sum, (x, b)| sum + (*x * *b).abs())
}

/// The largest |s| of a row on the side of `s`.
fn most<T: Real>(loss: &Quantile<'_, T>, row: u32, s: T) -> T {
    loss.weight(row as usize) * if s < T::ZERO { T::ONE - loss.q } else { loss.q }
}

fn contains(basis: &[u32], row: usize) -> bool {
    basis.iter().any(|&b| b as usize == row)
}

/// Whether the slopes of the basis lie within their bounds.
fn within<T: Real>(loss: &Quantile<'_, T>, basis: &[u32], dual: &[T]) -> bool {
    dual.iter().zip(basis).all(|(&s, &row)| s.abs() <= most(loss, row, s))
}

/// A degenerate vertex.
struct At<'a, T> {
    loss: &'a Quantile<'a, T>,
    beta: &'a [T],
    unit: T,
    factor: &'a [T],
    basis: &'a [u32],
}

impl<T: Real> At<'_, T> {
    /// Slopes of all rows whose residual is 0 that make Xᵀs = 0, `target` being what the others leave: for the
    /// basis in `dual`; for the rest Σ s_i y_i and Σ |s_i y_i|. `None` if none were found.
    ///
    /// Σ clip(x_iᵀμ) x_i = target is the equation of a Huber regression for μ, solved as such.
    fn spread(
        &self,
        target: &[T],
        mu: &mut [T],
        rest: &mut [T],
        normal: &mut [T],
        dual: &mut [T],
    ) -> Option<(T, T)> {
        let p = target.len();
        mu.fill(T::ZERO);
        for _ in 0..ROUNDS {
            normal.fill(T::ZERO);
            rest.copy_from(target);
            dual.copy_from(target);
            let (mut bound, mut added) = (Sum::new(), Sum::new());
            for (row, &y) in self.loss.y.iter().enumerate() {
                let x = self.loss.table.row(row);
                let basic = contains(self.basis, row);
                let residual = (y - vector::dot(x, self.beta)).abs();
                if !basic && residual > self.unit * size(x, y, self.beta) {
                    continue;
                }
                let wanted = vector::dot(x, mu);
                let limit = T::from_f64(INSIDE) * most(self.loss, row as u32, wanted);
                if limit == T::ZERO {
                    continue;
                }
                let pull = if wanted.abs() <= limit { T::ONE } else { limit / wanted.abs() };
                let s = pull * wanted;
                vector::axpy(-s, x, rest);
                for (entries, &entry) in normal.chunks_exact_mut(p.max(1)).zip(x) {
                    vector::axpy(pull * entry, x, entries);
                }
                if !basic {
                    vector::axpy(-s, x, dual);
                    bound.add(s * y);
                    added.add((s * y).abs());
                }
            }
            small::lu_solve_transposed(self.factor, dual);
            if within(self.loss, self.basis, dual) {
                return Some((bound.value(), added.value()));
            }
            if !small::cholesky(normal, p) {
                return None;
            }
            small::cholesky_solve(normal, rest);
            vector::axpy(T::ONE, rest, mu);
        }
        None
    }
}

/// The rows of smallest residual, smallest first; `u32::MAX` where there are fewer.
fn smallest<T: Real>(loss: &Quantile<'_, T>, beta: &[T], sizes: &mut [T], nearest: &mut [u32]) {
    sizes.fill(T::INFINITY);
    nearest.fill(u32::MAX);
    for (row, &y) in loss.y.iter().enumerate() {
        let size = (y - vector::dot(loss.table.row(row), beta)).abs();
        let enters = sizes.last().is_some_and(|&last| size < last);
        if !enters || loss.weight(row) == T::ZERO {
            continue;
        }
        let mut carried = (size, row as u32);
        for (size, place) in sizes.iter_mut().zip(&mut *nearest) {
            if carried.0 < *size {
                core::mem::swap(&mut carried.0, size);
                core::mem::swap(&mut carried.1, place);
            }
        }
    }
}

/// Brings the first p independent ones of the nearest rows to the front.
fn independent<T: Real>(loss: &Quantile<'_, T>, reduced: &mut [T], nearest: &mut [u32]) -> Option<()> {
    let p = loss.table.columns();
    let tiny = T::EPSILON * T::from_u32(ROUNDING) * T::from_usize(p);
    let mut found = 0_usize;
    for candidate in 0..nearest.len() {
        let row = *nearest.get(candidate)?;
        if row == u32::MAX {
            return None;
        }
        let (done, rest) = reduced.split_at_mut_checked(found.saturating_mul(p))?;
        let this = rest.get_mut(..p)?;
        this.copy_from(loss.table.row(row as usize));
        let size = vector::max_abs(this);
        for earlier in done.chunks_exact(p.max(1)) {
            let most = vector::max_abs(earlier);
            let pivot = earlier.iter().zip(&*this).find(|(e, _)| e.abs() == most);
            let Some((&pivot, &target)) = pivot else { continue };
            vector::axpy(-(target / pivot), earlier, this);
        }
        if vector::max_abs(this) <= tiny * size {
            continue;
        }
        *nearest.get_mut(found)? = row;
        found = found.saturating_add(1);
        if found == p {
            return Some(());
        }
    }
    None
}

/// A lower bound from slopes `mean` whose length is that of y: each the average of the s_i along a run, times
/// `total`. Rows of `z` must be orthogonal columns of square n, or 0. `scratch` has two rows' length.
pub(crate) fn dual_bound<T: Real>(
    loss: &Quantile<'_, T>,
    z: dense::Matrix<'_, T>,
    mean: &[T],
    total: T,
    scratch: &mut [T],
) -> T {
    let n = T::from_usize(loss.y.len().max(1));
    dense::apply_transposed(z, mean, scratch);
    vector::scale(T::ONE / (n * total), scratch);
    let (mut bound, mut shrink) = (Sum::new(), T::ONE);
    for (row, (&mean, &y)) in mean.iter().zip(loss.y).enumerate() {
        let weight = loss.weight(row);
        if weight == T::ZERO {
            continue;
        }
        let s = mean / total - vector::dot(z.row(row), scratch);
        let most = weight * if s < T::ZERO { T::ONE - loss.q } else { loss.q };
        if s.abs() > most {
            shrink = shrink.min(most / s.abs());
        }
        bound.add(s * y);
    }
    let bound = bound.value() * shrink;
    if bound.is_finite() { bound.max(T::ZERO) } else { T::ZERO }
}
