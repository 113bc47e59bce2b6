//! Every method of transport once, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell::Real;
use southwell_cortex_m::{Output, agree, check};
use southwell_scenario::couplings::{INDICES, REALS, run};
use southwell_scenario::golden::{COUPLINGS_F32, COUPLINGS_F64};
use southwell_scenario::methods::Outcome;

#[cortex_m_rt::entry]
fn main() -> ! {
    check("couplings", |output| {
        let single = couplings::<f32>("f32", COUPLINGS_F32, output);
        let double = couplings::<f64>("f64", COUPLINGS_F64, output);
        single && double
    })
}

// Not inlined: the memory of one precision goes before that of the other comes.
#[inline(never)]
fn couplings<T: Real>(precision: &str, expected: &[Outcome], output: &mut Output) -> bool {
    agree("couplings", precision, expected, output, |found| {
        run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |outcome| found(outcome));
    })
}
