//! Every relaxation method once, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell::Real;
use southwell_cortex_m::{Output, check};
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
    let mut expected = expected.iter();
    let (mut agreed, mut differed) = (0, 0);
    run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |found| {
        if expected.next().is_some_and(|expected| found.agrees(expected)) {
            agreed += 1;
        } else {
            differed += 1;
            output.text(precision).text(" ").text(found.name).text(": steps ").number(found.steps);
            output.text(", answer ").bits(found.answer).text(", NOT as on the host").line();
        }
    });
    output.text("methods ").text(precision).text(": ").number(agreed).text(" as on the host").line();
    differed == 0 && expected.next().is_none()
}
