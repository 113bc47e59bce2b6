//! A magnetometer with spikes calibrated, by weighted absolute deviations and by least squares, compared with the
//! host's bits.
#![no_std]
#![no_main]

use southwell::{Error, Real};
use southwell_cortex_m::{Output, check, instructions};
use southwell_scenario::calibrated::{ROBUST_F32, ROBUST_F64, SQUARES_F32};
use southwell_scenario::calibration::{Calibrated, REALS, SQUARES_REALS, least_squares, robust, sense};

#[cortex_m_rt::entry]
fn main() -> ! {
    check("calibration", |output| {
        let single = single(output);
        let double = double(output);
        let squares = squares(output);
        single && double && squares
    })
}

// Not inlined: the memory of one goes before that of the next comes.
#[inline(never)]
fn single(output: &mut Output) -> bool {
    let mut memory = [f32::NAN; REALS];
    sense(&mut memory);
    let (found, count) = instructions(|| robust(&mut memory));
    output.number(count).text(" instructions counted: ");
    agrees("absolute deviations f32", found, &ROBUST_F32, output)
}

#[inline(never)]
fn double(output: &mut Output) -> bool {
    agrees("absolute deviations f64", sensed::<f64, REALS>(robust), &ROBUST_F64, output)
}

#[inline(never)]
fn squares(output: &mut Output) -> bool {
    agrees("least squares f32", sensed::<f32, SQUARES_REALS>(least_squares), &SQUARES_F32, output)
}

#[inline(never)]
fn sensed<T: Real, const N: usize>(
    run: fn(&mut [T]) -> Result<Calibrated, Error>,
) -> Result<Calibrated, Error> {
    let mut memory = [T::NAN; N];
    sense(&mut memory);
    run(&mut memory)
}

fn agrees(what: &str, found: Result<Calibrated, Error>, expected: &Calibrated, output: &mut Output) -> bool {
    let good = found == Ok(*expected);
    output
        .text(what)
        .text(": offset off by ")
        .number(found.map_or(u32::MAX, |found| found.error))
        .text(" nT, ");
    output.number(found.map_or(0, |found| found.agreeing)).text(" of 200 agree");
    output.text(if good { ", as on the host" } else { ", NOT as on the host" }).line();
    good
}
