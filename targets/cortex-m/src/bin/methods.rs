//! Every relaxation method once, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell::Real;
use southwell_cortex_m::{Output, agree, check};
use southwell_scenario::golden::{METHODS_F32, METHODS_F64};
use southwell_scenario::methods::{INDICES, Outcome, REALS, run};

#[cortex_m_rt::entry]
fn main() -> ! {
    check("methods", |output| {
        let single = methods::<f32>("f32", &METHODS_F32, output);
        let double = methods::<f64>("f64", &METHODS_F64, output);
        single && double
    })
}

// Not inlined: the memory of one precision goes before that of the other comes.
#[inline(never)]
fn methods<T: Real>(precision: &str, expected: &[Outcome], output: &mut Output) -> bool {
    agree("methods", precision, expected, output, |found| {
        run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |outcome| found(outcome));
    })
}
