//! Every pass in both precisions, called by nobody: `../size.py` reads how many bytes each takes.
#![no_std]
#![no_main]

use core::hint::black_box;

use southwell_cortex_m::check;
use southwell_simd::{csr, points, short, stencil, vector};

/// The dense passes; one that takes a function is given a short one.
mod dense {
    pub(crate) use southwell_simd::dense::*;

    pub(crate) fn update_rows<T: southwell_simd::Real>(a: Matrix<'_, T>, v: &[T], t: &mut [T]) {
        southwell_simd::dense::update_rows(a, v, t, |_, sum| sum * T::HALF);
    }

    pub(crate) fn update_section<T: southwell_simd::Real>(
        a: Matrix<'_, T>,
        first: usize,
        v: &[T],
        u: &mut [T],
        t: &mut [T],
    ) -> T {
        southwell_simd::dense::update_section(a, first, v, |_, sum| (sum * T::HALF, sum), u, t)
    }
}

/// The elementary passes; one that knows `f64` alone is given another face.
mod elementary {
    pub(crate) use southwell_simd::elementary::*;

    pub(crate) fn cos_sin_turn<T: southwell_simd::Real>(u: T) -> (T, T) {
        let (cos, sin) = southwell_simd::elementary::cos_sin_turn(u.to_f64());
        (T::from_f64(cos), T::from_f64(sin))
    }
}

macro_rules! sizes {
    ($($module:ident::$pass:ident,)*) => {
        [$([$module::$pass::<f32> as *const (), $module::$pass::<f64> as *const ()]),*]
    };
}

#[cortex_m_rt::entry]
fn main() -> ! {
    check("sizes", |_| {
        black_box(sizes![
            vector::dot,
            vector::dot3,
            vector::dot_square,
            vector::add_square,
            vector::sum,
            vector::sum_abs,
            vector::norm,
            vector::norm_scaled,
            vector::scaled_square,
            vector::axpy,
            vector::axpy_square,
            vector::xpby,
            vector::axpby,
            vector::scaled_xpby,
            vector::rsub,
            vector::scale,
            vector::multiply,
            vector::soft_threshold,
            vector::soft_threshold_each,
            vector::clamp,
            vector::clamp_each,
            vector::sign_sum,
            vector::kink_violations,
            vector::kink_lengths,
            vector::kink_gains,
            vector::kink_largest,
            vector::axpy_ranked,
            vector::largest_weights,
            vector::best_step,
            vector::max_abs,
            vector::largest,
            vector::k_largest,
            vector::first_not_finite,
            dense::apply,
            dense::dots_of,
            dense::residual,
            dense::residual_square,
            dense::apply_transposed,
            dense::add_transposed,
            dense::update_rows,
            dense::update_section,
            dense::rank_one,
            dense::symmetric_rank_one,
            dense::rank_k,
            dense::sor_sweep,
            dense::solve_upper,
            dense::solve_lower,
            short::axpy,
            short::add_two,
            short::dot,
            short::factorise,
            short::substitute,
            csr::apply,
            csr::residual,
            csr::residual_square,
            csr::row_residual,
            csr::dot,
            csr::dots,
            csr::dots_of,
            csr::dots_squares,
            csr::add_scaled,
            csr::sor_sweep,
            csr::sor_sweep_in_order,
            csr::solve_upper,
            csr::solve_lower,
            elementary::exp,
            elementary::exp_in_place,
            elementary::exp_scalar,
            elementary::cos_sin_turn,
            elementary::exp_sum,
            elementary::exp_sum_in_place,
            elementary::exp_coupling,
            elementary::exp_row,
            elementary::exp_row_before,
            elementary::ln,
            elementary::ln_in_place,
            elementary::ln_scalar,
            elementary::log_sum_exp,
            elementary::log_sum_exp_rows,
            points::squared_euclidean_row,
            points::euclidean_row,
            points::l1_row,
            points::squared_euclidean_exp_row,
            points::euclidean_exp_row,
            points::l1_exp_row,
            points::squared_euclidean_exp_rows,
            points::euclidean_exp_rows,
            points::l1_exp_rows,
            stencil::apply,
            stencil::residual,
            stencil::residual_square,
            stencil::sor_sweep,
            stencil::sor_sweeps,
            stencil::red_black_sweeps,
            stencil::red_black_sweep,
            stencil::solve_upper,
            stencil::solve_lower,
            stencil::factor_lines,
            stencil::line_sweep,
        ]);
        true
    })
}
