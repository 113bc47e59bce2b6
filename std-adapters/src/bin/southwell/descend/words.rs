//! Names of losses and penalties.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Judge {
    /// ½ (y − z)²
    Squares,
    /// log(1 + e^(−y z)), y = ±1
    Logistic,
    /// ½ (y − z)² up to DELTA, then linear
    Huber,
    /// Classes: log Σ e^(z_c) − z_class
    Softmax,
    /// ½ xᵀQ x − cᵀx, not a mean
    Quadratic,
    /// Labels that spread over a graph: ½ Σ w_ij (x_i − x_j)², not a mean
    Labels,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// No penalty
    None,
    /// ‖w‖₁
    Lasso,
    /// ‖w‖₁, and ½ RIDGE ‖w‖²
    ElasticNet,
    /// Σ w_j, with w ≥ 0
    NonNegative,
    /// Σ ‖w_g‖ over groups of features
    Group,
    /// LOWER ≤ w ≤ UPPER, and ½ RIDGE ‖w‖²
    Box,
    /// w ≥ 0 with sum SUM in every block, and ½ RIDGE ‖w‖²
    Simplex,
}
