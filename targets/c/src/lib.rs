//! southwell behind a C interface: the caller's arrays in, a code and a report out.
//!
//! | file | holds |
//! |---|---|
//! | `code` | what a function returns, and where the input was wrong |
//! | `border` | pointers from C, checked |
//! | `options` | options, reports, and an observer that is a C function |
//! | `omega` | an omega that is learned over a sequence of systems |
//! | `relaxation`, `transport` | a function for each method, view and precision |
//! | `box_qp`, `control` | programs in a box, model predictive control and what it prepares |
//! | `regression` | sparse regression |
//! | `fit`, `calibration`, `recovery` | robust fits with a proof, a magnetometer, low-rank matrices |
//! | `own`, `blocks` | functions of the caller's own: an operator, an oracle; descent by blocks |
//! | `call` | what the calls of the latter have in common |
//!
//! A function for each combination, so that a linker keeps what is called and nothing else. Without the feature
//! `std`, a program links only if no function that it calls can panic: the panic handler calls a function that
//! nobody defines.
#![cfg_attr(not(any(test, feature = "std")), no_std)]

pub mod blocks;
mod border;
pub mod box_qp;
pub mod calibration;
mod call;
mod code;
pub mod control;
pub mod fit;
mod omega;
mod options;
pub mod own;
pub mod recovery;
pub mod regression;
pub mod relaxation;
pub mod transport;
mod views;

pub use code::{Code, Fault, southwell_code_text};
pub use omega::{OmegaF32, OmegaF64, southwell_omega_init_f32, southwell_omega_init_f64};
pub use options::{
    Options, Report, Status, southwell_options_f32, southwell_options_f64, southwell_status_text,
};

#[cfg(not(any(test, feature = "std")))]
mod panic {
    unsafe extern "C" {
        /// Defined nowhere: a program in which some path can panic does not link.
        fn southwell_can_panic() -> !;
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        // SAFETY: not to be had. A program with this call does not link.
        unsafe { southwell_can_panic() }
    }
}

/// Panics where `index` is 3 or more: the test of the proof that a program which links cannot.
#[cfg(feature = "can-panic")]
#[unsafe(no_mangle)]
pub extern "C" fn southwell_example_that_can_panic(index: usize) -> u32 {
    let numbers = [1, 2, 3];
    numbers[index]
}
