//! e^x, ln x and log Σ e^x of whole vectors, with the same bits on every instruction set.
//!
//! Nothing is fused: reductions and polynomials of own making (`constants.rs` says how), in additions, multiplications
//! and, in ln, one division. e^x in `f64` looks up one of sixteen roots of 2 besides. A vector of any length gives every
//! element the bits that it would have alone.
//!
//! # Special values
//! | | −∞ | x < 0 | −0, +0 | +∞ | NaN |
//! |---|---|---|---|---|---|
//! | e^x | 0 | | 1 | +∞ | NaN |
//! | ln x | NaN | NaN | −∞ | +∞ | NaN |
//!
//! Subnormal arguments and results are right. ln 1 is +0. Signs and payloads of NaN are free.
//!
//! # Errors
//! The largest found, in units in the last place (ulp) of the true value:
//! | | `f32`, all 2³² numbers | `f64`, about 600 000 numbers each |
//! |---|---|---|
//! | e^x | 0.934 ulp | 0.858 ulp |
//! | ln x | 0.840 ulp | 0.783 ulp |
//!
//! `f32` was measured against the `f64` functions of the standard library, `f64` against pairs of `f64`
//! good for 100 bits: over the whole range, at both sides of every change of exponent, among subnormal
//! arguments and results, and near 1 (ln) and 0 (exp). The analysis of rounding bounds e^x by
//! 1.1 ulp everywhere in `f32` (½ for the last sum, ¼ for the one before it, 0.3 for the rest), and in `f64` where the
//! result is normal by 0.9 (½ for the last sum, 0.15 for the root, 0.11 for the polynomial, 0.1 for the rest).
//!
//! A [row](exp_row()) of exponentials relative to one near their largest is made of powers of 2, within 1.2 ulp of those in `f64` and
//! 1.7 in `f32`; `exp_row.rs` says how.
//!
//! log Σ e^(xⱼ) of n terms is within (n/16 + n/128 + 8 + ln n + |m|)·[`EPSILON`](crate::Real::EPSILON) of
//! the truth, m = max xⱼ: additions in a lane, rescalings, two ulp for each exponential, the rounding of
//! xⱼ − m (its mean, weighted by the terms, is at most ln n), and that of the result. A fifth of it was
//! the most that was met.

mod constants;
mod coupling;
mod exp;
mod exp_row;
mod ln;
mod log_sum_exp;
mod map;
mod sums;
mod turn;

pub(crate) use constants::Constants;
pub use coupling::exp_coupling;
pub use exp::{exp, exp_in_place, exp_scalar, exp_sum, exp_sum_in_place};
pub(crate) use exp_row::{Made, exp_row_made, exponentials};
pub use exp_row::{exp_row, exp_row_before};
pub use ln::{ln, ln_in_place, ln_scalar};
pub use log_sum_exp::{log_sum_exp, log_sum_exp_rows};
pub(crate) use sums::{largest, maximum};
pub use turn::cos_sin_turn;
