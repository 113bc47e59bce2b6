//! Every part of block coordinate descent once, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell::Real;
use southwell_cortex_m::{Output, agree, check};
use southwell_scenario::descent::{INDICES, REALS, run};
use southwell_scenario::golden::{DESCENT_F32, DESCENT_F64};
use southwell_scenario::methods::Outcome;

#[cortex_m_rt::entry]
fn main() -> ! {
    check("descent", |output| {
        let single = blocks::<f32>("f32", DESCENT_F32, output);
        let double = blocks::<f64>("f64", DESCENT_F64, output);
        single && double
    })
}

// Not inlined: the memory of one precision goes before that of the other comes.
#[inline(never)]
fn blocks<T: Real>(precision: &str, expected: &[Outcome], output: &mut Output) -> bool {
    agree("descent", precision, expected, output, |found| {
        run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |outcome| found(outcome));
    })
}
