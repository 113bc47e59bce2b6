//! Every part of the toolbox for functions with kinks once, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell::Real;
use southwell_cortex_m::{Output, agree, check};
use southwell_scenario::calibrated::{NONSMOOTH_F32, NONSMOOTH_F64};
use southwell_scenario::methods::Outcome;
use southwell_scenario::nonsmooth::{INDICES, REALS, run};

#[cortex_m_rt::entry]
fn main() -> ! {
    check("nonsmooth", |output| {
        let single = nonsmooth::<f32>("f32", NONSMOOTH_F32, output);
        let double = nonsmooth::<f64>("f64", NONSMOOTH_F64, output);
        single && double
    })
}

// Not inlined: the memory of one precision goes before that of the other comes.
#[inline(never)]
fn nonsmooth<T: Real>(precision: &str, expected: &[Outcome], output: &mut Output) -> bool {
    agree("nonsmooth", precision, expected, output, |found| {
        run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |outcome| found(outcome));
    })
}
