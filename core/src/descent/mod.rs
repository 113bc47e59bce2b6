//! min f(x) + Σ_b h_b(x_b): descent along blocks of coordinates, f smooth and every h_b simple.
//!
//! | method | problem |
//! |---|---|
//! | [`sparse_regression`] | lasso, elastic net, non-negative and group lasso, sparse logistic regression |

pub mod sparse_regression;
