//! Products and factorisations of small order, general and of constant order: the same bits, and how many instructions
//! each takes. `../peers` counts CMSIS-DSP's on the same matrices.
#![no_std]
#![no_main]

use core::hint::black_box;

use southwell::linear::small::{apply, apply_fixed, factorise, substitute, substitute_fixed};
use southwell_cortex_m::images::Clock;
use southwell_cortex_m::{Counter, Output, check};

/// Entry (i, j) is 1 / (1 + i + j), and n more on the diagonal; x is 1 / (1 + i).
fn matrix<const N: usize>() -> ([[f32; N]; N], [f32; N]) {
    let mut a = [[0.0; N]; N];
    let mut x = [0.0; N];
    for (i, (row, x)) in a.iter_mut().zip(&mut x).enumerate() {
        for (j, entry) in row.iter_mut().enumerate() {
            *entry = 1.0 / (1 + i + j) as f32 + if i == j { N as f32 } else { 0.0 };
        }
        *x = 1.0 / (1 + i) as f32;
    }
    (a, x)
}

/// Instructions of a product, a factorisation and a substitution.
fn line(output: &mut Output<'_>, n: usize, what: &str, counts: [u32; 3]) {
    output.text("small f32, order ").number(n as u32).text(", ").text(what).text(":");
    for (name, count) in [" product ", ", factorisation ", ", substitution "].into_iter().zip(counts) {
        if count > 0 {
            output.text(name).number(count);
        }
    }
    output.text(" instructions if the emulator counts them").line();
}

/// Any order by rows. Operands are hidden where they are counted: what is pure would move out of there.
#[inline(never)]
fn general<const N: usize>(output: &mut Output<'_>, clock: &mut Counter) -> ([[f32; N]; N], [f32; N]) {
    let (mut a, x) = black_box(matrix::<N>());
    let mut y = black_box([0.0; N]);
    let n = black_box(N);
    let ((), product) =
        clock.instructions(|| apply(black_box(a.as_flattened()), black_box(&x), black_box(&mut y)));
    let (good, factors) = clock.instructions(|| black_box(factorise(black_box(a.as_flattened_mut()), n)));
    let ((), solve) = clock.instructions(|| substitute(black_box(a.as_flattened()), black_box(&mut y)));
    line(output, N, "general", [product, factors, solve]);
    if good { (a, y) } else { ([[0.0; N]; N], y) }
}

/// Constant order; whether it finds the general one's bits.
#[inline(never)]
fn both<const N: usize>(output: &mut Output<'_>, clock: &mut Counter) -> bool {
    let (by_rows, solved) = general::<N>(output, clock);
    let (a, x) = black_box(matrix::<N>());
    let (mut y, product) = clock.instructions(|| black_box(apply_fixed(black_box(&a), black_box(&x))));
    let ((), solve) = clock.instructions(|| substitute_fixed(black_box(&by_rows), black_box(&mut y)));
    line(output, N, "constant", [product, 0, solve]);
    y == solved
}

fn run(output: &mut Output<'_>) -> bool {
    let clock = &mut Counter::new();
    let mut good = both::<4>(output, clock) & both::<8>(output, clock);
    good &= both::<12>(output, clock) & both::<16>(output, clock);
    let (_, x) = general::<40>(output, clock);
    good & x.iter().all(|x| x.is_finite())
}

#[cortex_m_rt::entry]
fn main() -> ! {
    check("small", run)
}
