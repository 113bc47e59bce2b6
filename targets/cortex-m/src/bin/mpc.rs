//! A cart and a quadrotor under model predictive control, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell::Real;
use southwell_cortex_m::{Counter, Output, check};
use southwell_scenario::golden::{MPC_F32, MPC_F64};
use southwell_scenario::methods::Outcome;
use southwell_scenario::mpc::{REALS, run};

#[cortex_m_rt::entry]
fn main() -> ! {
    check("mpc", |output| {
        let counter = Counter::new();
        let single = control::<f32>("f32", &MPC_F32, &counter, output);
        let double = control::<f64>("f64", &MPC_F64, &counter, output);
        single && double
    })
}

// Not inlined: the memory of one precision goes before that of the other comes.
#[inline(never)]
fn control<T: Real>(precision: &str, expected: &[Outcome], counter: &Counter, output: &mut Output) -> bool {
    let counts = core::cell::Cell::new((0, 0));
    let mut expected = expected.iter();
    let mut good = true;
    run(
        &mut [T::NAN; REALS],
        &mut |step, solve| {
            let ((), count) = counter.count(solve);
            let (cold, warm) = counts.get();
            counts.set(if step == 0 { (count, 0) } else { (cold, warm.max(count)) });
        },
        &mut |found| {
            let agrees = expected.next().is_some_and(|expected| found.agrees(expected));
            good &= agrees;
            let (cold, warm) = counts.get();
            output.text("mpc ").text(precision).text(" ").text(found.name).text(": ").number(found.steps);
            output.text(" steps, instructions if the emulator counts them: cold ").number(cold);
            output.text(", warm at most ").number(warm);
            output.text(if agrees { "" } else { ", NOT as on the host" }).line();
        },
    );
    good && expected.next().is_none()
}
