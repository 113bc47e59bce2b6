//! min f(x) + Σ h_b(x_b): descent along blocks of variables.
//!
//! | module | problem |
//! |---|---|
//! | [`box_qp`] | ½ xᵀH x + fᵀx with bounds on every variable, condensed or in stages (model predictive control) |

pub mod box_qp;
