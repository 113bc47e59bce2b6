//! The families beyond the first eight: one text for both precisions, which is included with `T` and the functions of
//! each precision by one name.

pub mod single {
    use super::super::*;
    use c::blocks::southwell_descend_f32 as descend;
    use c::box_qp::{
        southwell_box_qp_options_f32 as box_qp_options, southwell_box_qp_prepared_f32 as box_qp_prepared,
    };
    use c::calibration::southwell_calibrate_options_f32 as calibrate_options;
    use c::control::{
        southwell_box_qp_condense_f32 as condense, southwell_box_qp_invert_f32 as invert,
        southwell_box_qp_shift_f32 as shift_inputs, southwell_box_qp_terminal_f32 as terminal,
    };
    use c::fit::{southwell_fit_certify_f32 as fit_certify, southwell_fit_options_f32 as fit_options};
    use c::own::{southwell_cg_f32 as cg, southwell_minimise_f32 as minimise};
    use c::recovery::{
        southwell_recover_bilinear_f32 as recover_bilinear, southwell_recover_entries_f32 as recover_entries,
        southwell_recover_rank_one_f32 as recover_rank_one,
        southwell_recovery_options_f32 as recovery_options, southwell_recovery_start_f32 as recovery_start,
    };
    use c::regression::{
        southwell_regression_lambda_max_sparse_f32 as lambda_max_sparse,
        southwell_regression_options_f32 as regression_options,
        southwell_regression_sparse_f32 as regression_sparse,
    };
    use c::relaxation::{
        southwell_sor_csr_f32 as sor_csr, southwell_sor_dense_f32 as sor_dense,
        southwell_sor_stencil_f32 as sor_stencil, southwell_ssor_cg_csr_f32 as ssor_cg_csr,
        southwell_ssor_cg_stencil_f32 as ssor_cg_stencil,
    };
    use c::transport::{
        southwell_coupling_row_f32 as coupling_row, southwell_sinkhorn_options_f32 as sinkhorn_options,
    };
    use c::{
        OmegaF32 as Omega, southwell_omega_init_f32 as omega_init, southwell_options_f32 as southwell_options,
    };

    type T = f32;

    include!("own.rs");
    include!("views.rs");
    include!("rest.rs");
}

pub mod double {
    use super::super::*;
    use c::blocks::southwell_descend_f64 as descend;
    use c::box_qp::{
        southwell_box_qp_options_f64 as box_qp_options, southwell_box_qp_prepared_f64 as box_qp_prepared,
    };
    use c::calibration::southwell_calibrate_options_f64 as calibrate_options;
    use c::control::{
        southwell_box_qp_condense_f64 as condense, southwell_box_qp_invert_f64 as invert,
        southwell_box_qp_shift_f64 as shift_inputs, southwell_box_qp_terminal_f64 as terminal,
    };
    use c::fit::{southwell_fit_certify_f64 as fit_certify, southwell_fit_options_f64 as fit_options};
    use c::own::{southwell_cg_f64 as cg, southwell_minimise_f64 as minimise};
    use c::recovery::{
        southwell_recover_bilinear_f64 as recover_bilinear, southwell_recover_entries_f64 as recover_entries,
        southwell_recover_rank_one_f64 as recover_rank_one,
        southwell_recovery_options_f64 as recovery_options, southwell_recovery_start_f64 as recovery_start,
    };
    use c::regression::{
        southwell_regression_lambda_max_sparse_f64 as lambda_max_sparse,
        southwell_regression_options_f64 as regression_options,
        southwell_regression_sparse_f64 as regression_sparse,
    };
    use c::relaxation::{
        southwell_sor_csr_f64 as sor_csr, southwell_sor_dense_f64 as sor_dense,
        southwell_sor_stencil_f64 as sor_stencil, southwell_ssor_cg_csr_f64 as ssor_cg_csr,
        southwell_ssor_cg_stencil_f64 as ssor_cg_stencil,
    };
    use c::transport::{
        southwell_coupling_row_f64 as coupling_row, southwell_sinkhorn_options_f64 as sinkhorn_options,
    };
    use c::{
        OmegaF64 as Omega, southwell_omega_init_f64 as omega_init, southwell_options_f64 as southwell_options,
    };

    type T = f64;

    include!("own.rs");
    include!("views.rs");
    include!("rest.rs");
}
