//! Elementary functions in `f32`: what a call takes of ours, of `libm` and of `micromath`, whose results are far off
//! (`../README.md`) and which nothing in the library uses.
#![no_std]
#![no_main]

use core::hint::black_box;

use southwell_cortex_m::images::Clock;
use southwell_cortex_m::{Counter, Output, check};
use southwell_simd::elementary;

/// Calls that are counted together.
const CALLS: u32 = 1000;

/// Functions of their own, so that `../stack.py` sees what each takes.
macro_rules! functions {
    ($($name:ident = $what:literal, $call:expr;)*) => {
        $(
            #[inline(never)]
            fn $name(x: f32) -> f32 {
                let call: fn(f32) -> f32 = $call;
                call(x)
            }
        )*
        const ALL: [(&str, fn(f32) -> f32); 8] = [$(($what, $name)),*];
    };
}

functions! {
    exp_ours = "exp: ours", elementary::exp_scalar;
    exp_libm = "exp: libm", libm::expf;
    exp_micromath = "exp: micromath", |x| micromath::F32(x).exp().0;
    ln_ours = "ln: ours", elementary::ln_scalar;
    ln_libm = "ln: libm", libm::logf;
    ln_micromath = "ln: micromath", |x| micromath::F32(x).ln().0;
    sqrt_libm = "sqrt: libm", libm::sqrtf;
    sqrt_micromath = "sqrt: micromath", |x| micromath::F32(x).sqrt().0;
}

/// Instructions of a call, its loop included. The argument goes through 0.5 … 2.5, negative for exp.
fn count(clock: &mut Counter, sign: f32, function: fn(f32) -> f32) -> u32 {
    let function = black_box(function);
    let (_, instructions) = clock.instructions(|| {
        let mut x = 0.5_f32;
        for _ in 0..CALLS {
            black_box(function(black_box(sign * x)));
            x += 2e-3;
        }
    });
    instructions
}

fn run(output: &mut Output<'_>) -> bool {
    let clock = &mut Counter::new();
    let nothing = count(clock, 1.0, |x| x);
    for (what, function) in ALL {
        let sign = if what.starts_with("exp") { -1.0 } else { 1.0 };
        // To the nearest.
        let instructions = count(clock, sign, function).saturating_sub(nothing);
        output.text("function ").text(what).text(" ").number((instructions + CALLS / 2) / CALLS).line();
    }
    // What the library uses agrees to a few units in the last place; micromath does not, and is not asked to.
    let close = |a: f32, b: f32| (a - b).abs() <= 4.0 * f32::EPSILON * b.abs();
    close(exp_ours(-0.7), exp_libm(-0.7)) & close(ln_ours(0.7), ln_libm(0.7))
}

#[cortex_m_rt::entry]
fn main() -> ! {
    check("functions", run)
}
