//! Every pass in both precisions, called by nobody: `../size.py` reads how many bytes each takes.
#![no_std]
#![no_main]

use core::hint::black_box;

use southwell_cortex_m::check;
use southwell_simd::{csr, dense, stencil, vector};

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
            vector::norm,
            vector::axpy,
            vector::axpy_dot,
            vector::axpy_square,
            vector::xpby,
            vector::axpby,
            vector::scaled_xpby,
            vector::rsub,
            vector::first_not_finite,
            dense::apply,
            dense::residual,
            dense::residual_square,
            dense::sor_sweep,
            dense::solve_upper,
            dense::solve_lower,
            csr::apply,
            csr::residual,
            csr::residual_square,
            csr::row_residual,
            csr::sor_sweep,
            csr::sor_sweep_in_order,
            csr::solve_upper,
            csr::solve_lower,
            stencil::apply,
            stencil::residual,
            stencil::residual_square,
            stencil::sor_sweep,
            stencil::red_black_sweep,
            stencil::solve_upper,
            stencil::solve_lower,
            stencil::factor_lines,
            stencil::line_sweep,
        ]);
        true
    })
}
