//! From a robust fit to an accurate one: reject what is far away, then least squares on the rest.
//!
//! Least absolute deviations is hardly moved by outliers, but it is moved when they lie on one side, and it is less
//! accurate than least squares on clean data. So: σ = 1.4826 · median |y − Xβ| (Gaussian noise has that standard
//! deviation), rows with |y − Xβ| > 4 σ are left out, σ again from those kept, until no row comes or goes, and
//! one least-squares fit of the kept rows. Exact where the good rows are most of the rows and the bad ones are far;
//! against outliers in X it does nothing.
//!
//! *Cost*: a few readings of X for each round of rejection (ten at most), 2 p² operations a row for the fit.

use southwell_simd::vector;

use super::quantile::Quantile;
use super::select::median;
use super::small;
use super::whiten::column_scales;
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// Gaussian standard deviations in a median absolute deviation: 1/Φ⁻¹(¾), in the digits in use.
pub const MAD: f64 = 1.4826;
/// Rounds of rejection at most, of which each finds the deviation of the rows that the one before kept.
pub const ROUNDS: u32 = 10;
/// Corrections of the least-squares fit to the rows that are kept.
pub const CORRECTIONS: u32 = 3;

/// What was kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refined<T> {
    /// Rows that agree with the fit.
    pub kept: usize,
    /// The standard deviation of the good rows, estimated from their median.
    pub deviation: T,
    /// The root mean square of the kept rows' residuals after the fit.
    pub rms: T,
}

/// Elements needed for so many columns.
#[must_use]
pub const fn required_len(columns: usize) -> usize {
    columns.saturating_mul(columns).saturating_add(columns.saturating_mul(4))
}

/// Refines a robust fit β of a loss's rows; `cut` is the number of standard deviations beyond which a row is left
/// out (4 is a good one). Weights count in the fit, their rows of weight 0 nowhere. If the kept rows do not determine a fit, β
/// stays.
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for β; [`Error::Option`] unless `cut` is positive and finite;
/// [`Error::Workspace`].
pub fn refine<T: Real>(
    loss: &Quantile<'_, T>,
    cut: T,
    beta: &mut [T],
    storage: &mut [T],
) -> Result<Refined<T>, Error> {
    let p = loss.table.columns();
    check_len("beta", beta.len(), p)?;
    check_finite("beta", beta)?;
    if !(cut > T::ZERO && cut.is_finite()) {
        return Err(Error::Option { name: "cut", requirement: "must be positive and finite" });
    }
    let [normal, scales, rhs, row, fitted] = carve(storage, [p.saturating_mul(p), p, p, p, p])?;
    let kept_within = |beta: &[T], limit: T| {
        let sizes = loss.y.iter().enumerate().filter(|&(i, _)| loss.weight(i) > T::ZERO);
        let beta_sizes = sizes.map(|(i, &y)| (y - vector::dot(loss.table.row(i), beta)).abs());
        let kept = beta_sizes.clone().filter(move |&r| r <= limit);
        (median(kept.clone()), kept.count())
    };
    let (middle, mut kept) = kept_within(beta, T::INFINITY);
    let mut deviation = T::from_f64(MAD) * middle;
    for _ in 0..ROUNDS {
        let (middle, count) = kept_within(beta, cut * deviation);
        deviation = T::from_f64(MAD) * middle;
        if count == kept {
            break;
        }
        kept = count;
    }
    let limit = cut * deviation;
    fitted.copy_from(beta);
    column_scales(loss.table.values(), p, scales);
    // Normal equations of scaled columns, corrected: what their condition costs in digits comes back.
    let mut residual_square = T::ZERO;
    let used = |i: usize, y: T| {
        let size = (y - vector::dot(loss.table.row(i), beta)).abs();
        if size <= limit { loss.weight(i) } else { T::ZERO }
    };
    normal.fill(T::ZERO);
    for (i, &y) in loss.y.iter().enumerate() {
        let weight = used(i, y);
        if weight > T::ZERO {
            scaled(loss.table.row(i), scales, row);
            for (entries, &x) in normal.chunks_exact_mut(p.max(1)).zip(&*row) {
                vector::axpy(weight * x, row, entries);
            }
        }
    }
    let solvable = small::cholesky(normal, p);
    for correction in 0..CORRECTIONS.saturating_add(1) {
        rhs.fill(T::ZERO);
        residual_square = T::ZERO;
        for (i, &y) in loss.y.iter().enumerate() {
            let weight = used(i, y);
            if weight > T::ZERO {
                let residual = y - vector::dot(loss.table.row(i), fitted);
                residual_square += residual * residual;
                scaled(loss.table.row(i), scales, row);
                vector::axpy(weight * residual, row, rhs);
            }
        }
        if !solvable || correction == CORRECTIONS {
            break;
        }
        small::cholesky_solve(normal, rhs);
        for ((fitted, &change), &scale) in fitted.iter_mut().zip(&*rhs).zip(&*scales) {
            *fitted += change / scale;
        }
    }
    if solvable && vector::first_not_finite(fitted).is_none() {
        beta.copy_from(fitted);
    }
    let rms = (residual_square / T::from_usize(kept.max(1))).sqrt();
    Ok(Refined { kept, deviation, rms })
}

fn scaled<T: Real>(x: &[T], scales: &[T], row: &mut [T]) {
    row.iter_mut().zip(x).zip(scales).for_each(|((row, &x), &scale)| *row = x / scale);
}
