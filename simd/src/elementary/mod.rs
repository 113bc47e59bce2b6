//! e^x, ln x and log Σ e^x of whole vectors, with the same bits on every instruction set.
//!
//! Nothing is looked up and nothing fused: reductions and polynomials of own making (`constants.rs` says
//! how), in additions, multiplications and, in ln, one division. A vector of any length gives every
//! element the bits that it would have alone.
//!
//! # Special values
//! | | −∞ | x < 0 | −0, +0 | +∞ | NaN |
//! |---|---|---|---|---|---|
//! | e^x | 0 | | 1 | +∞ | NaN |
//! | ln x | NaN | NaN | −∞ | +∞ | NaN |
//!
//! Subnormal arguments and results are right. ln 1 is +0.

mod constants;
mod exp;
mod ln;
mod log_sum_exp;
mod map;
mod sums;

pub(crate) use constants::Constants;
pub use exp::{exp, exp_coupling, exp_in_place, exp_scalar, exp_sum, exp_sum_in_place};
pub use ln::{ln, ln_in_place, ln_scalar};
pub use log_sum_exp::{exp_row, log_sum_exp, log_sum_exp_rows};
