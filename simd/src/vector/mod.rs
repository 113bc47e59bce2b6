//! Passes over whole vectors.
//!
//! *Cost* counts elements moved between memory and registers (r: read, w: written) and operations
//! per element.

mod extremes;
mod proximal;
mod ranked;
mod scores;
mod steps;
mod sums;
mod updates;

pub use extremes::{first_not_finite, k_largest, largest, max_abs};
pub use proximal::{clamp, clamp_each, sign_sum, soft_threshold, soft_threshold_each};
pub use ranked::{Rank, WEIGHTS, axpy_ranked, largest_weights};
pub use scores::{Kink, kink_gains, kink_largest, kink_lengths, kink_violations};
pub use steps::{Coordinates, best_step};
pub use sums::{dot, dot_square, dot3, norm, norm_scaled, scaled_square, sum, sum_abs};
pub(crate) use sums::{dot_kernel, sum_abs_kernel};
pub use updates::{add_square, axpby, axpy, axpy_square, multiply, rsub, scale, scaled_xpby, xpby};
pub(crate) use updates::{axpy_kernel, axpy_plain, rsub_kernel};
