//! What each firmware image does, whatever the part: runs a scenario, compares what it finds with the host's
//! constants, prints a line, and says whether all was as expected.

use core::cell::Cell;
use core::hint::black_box;

use southwell::{Error, Real};

use crate::calibrated::{NONSMOOTH_F32, NONSMOOTH_F64, ROBUST_F32, ROBUST_F64, SQUARES_F32};
use crate::calibration::{Calibrated, REALS, SQUARES_REALS, least_squares, robust, sense};
use crate::heat::rules::{self, Run};
use crate::heat::{SUMMARY_BITS, Summary};
use crate::methods::Outcome;
use crate::passes::Made;
use crate::{Output, association, couplings, descent, golden, heat, made, methods, mpc, nonsmooth, passes};

/// Counts the instructions that something takes; 0 where nobody can count.
pub trait Clock {
    /// Runs it.
    fn instructions<R>(&mut self, run: impl FnOnce() -> R) -> (R, u32);
}

/// A clock that does not count.
#[derive(Clone, Copy, Debug)]
pub struct Still;

impl Clock for Still {
    fn instructions<R>(&mut self, run: impl FnOnce() -> R) -> (R, u32) {
        (run(), 0)
    }
}

/// Every image, one after the other, where there is memory for all: lines go to `send`.
// Generic, so that this crate compiles no image for it: what a firmware inlines would depend on that.
pub fn all(send: &mut dyn FnMut(&[u8]), clock: &mut impl Clock) -> bool {
    let mut output = Output::new(send);
    let output = &mut output;
    let mut good = association(output, clock);
    good &= mpc(output, clock);
    good &= calibration(output, clock);
    for image in [couplings, descent, heat, rules, methods, nonsmooth, passes] {
        good &= image(output);
    }
    good
}

/// Which of sixteen detections belongs to which of sixteen tracks, in `f32`.
pub fn association(output: &mut Output<'_>, clock: &mut impl Clock) -> bool {
    let mut memory = [f32::NAN; association::REALS];
    association::sense(&mut memory);
    let (found, count) = clock.instructions(|| association::run(&mut memory));
    let good = found.is_ok_and(|found| found.agrees(&golden::ASSOCIATION_F32));
    output.text("association f32: ").number(found.map_or(0, |found| found.steps)).text(" iterations, ");
    output.number(found.map_or(0, |found| found.right)).text(" tracks right, ");
    output.number(count).text(" instructions if the emulator counts them");
    output.text(verdict(good)).line();
    good
}

/// A magnetometer with spikes calibrated, by weighted absolute deviations and by least squares.
pub fn calibration(output: &mut Output<'_>, clock: &mut impl Clock) -> bool {
    let single = calibration_single(output, clock);
    let double = calibration_by::<f64, REALS>("absolute deviations f64", robust, &ROBUST_F64, output);
    let squares =
        calibration_by::<f32, SQUARES_REALS>("least squares f32", least_squares, &SQUARES_F32, output);
    single && double && squares
}

#[inline(never)]
fn calibration_single(output: &mut Output<'_>, clock: &mut impl Clock) -> bool {
    let mut memory = [f32::NAN; REALS];
    sense(&mut memory);
    let (found, count) = clock.instructions(|| robust(&mut memory));
    output.text("calibration: ").number(count).text(" instructions if the emulator counts them").line();
    calibration_agrees("absolute deviations f32", found, &ROBUST_F32, output)
}

#[inline(never)]
fn calibration_by<T: Real, const N: usize>(
    what: &str,
    run: fn(&mut [T]) -> Result<Calibrated, Error>,
    expected: &Calibrated,
    output: &mut Output<'_>,
) -> bool {
    let mut memory = [T::NAN; N];
    sense(&mut memory);
    calibration_agrees(what, run(&mut memory), expected, output)
}

fn calibration_agrees(
    what: &str,
    found: Result<Calibrated, Error>,
    expected: &Calibrated,
    output: &mut Output<'_>,
) -> bool {
    let good = found == Ok(*expected);
    output.text(what).text(": offset off by ").number(found.map_or(u32::MAX, |found| found.error));
    output.text(" nT, ").number(found.map_or(0, |found| found.agreeing)).text(" of 200 agree");
    output.text(verdict(good)).line();
    good
}

/// Every method of transport once, in both precisions.
pub fn couplings(output: &mut Output<'_>) -> bool {
    let single = couplings_in::<f32>("f32", golden::COUPLINGS_F32, output);
    let double = couplings_in::<f64>("f64", golden::COUPLINGS_F64, output);
    single && double
}

// Not inlined, here and below: the memory of one precision goes before that of the other comes.
#[inline(never)]
fn couplings_in<T: Real>(precision: &str, expected: &[Outcome], output: &mut Output<'_>) -> bool {
    use couplings::{INDICES, REALS, run};
    agree("couplings", precision, expected, output, |found| {
        run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |outcome| found(outcome));
    })
}

/// Every part of block coordinate descent once, in both precisions.
pub fn descent(output: &mut Output<'_>) -> bool {
    let single = descent_in::<f32>("f32", golden::DESCENT_F32, output);
    let double = descent_in::<f64>("f64", golden::DESCENT_F64, output);
    single && double
}

#[inline(never)]
fn descent_in<T: Real>(precision: &str, expected: &[Outcome], output: &mut Output<'_>) -> bool {
    use descent::{INDICES, REALS, run};
    agree("descent", precision, expected, output, |found| {
        run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |outcome| found(outcome));
    })
}

/// Implicit heat steps with omega learned by Tsallis-INF, by conjugate gradients and by sweeps, in both precisions.
pub fn heat(output: &mut Output<'_>) -> bool {
    let single = heat_in::<f32>("f32", &golden::HEAT_F32, output);
    let double = heat_in::<f64>("f64", &golden::HEAT_F64, output);
    single && double
}

fn heat_in<T: Real>(precision: &str, expected: &[Summary; 2], output: &mut Output<'_>) -> bool {
    let rules: [Run<T>; 2] = [rules::tsallis, rules::tsallis_sor];
    let mut good = true;
    for (rule, expected) in rules.into_iter().zip(expected) {
        good &= heat_under(precision, rule, expected, output);
    }
    good
}

/// The heat steps under every other rule that learns omega, in both precisions. Needs more than 16 KiB.
pub fn rules(output: &mut Output<'_>) -> bool {
    let single = rules_in::<f32>("f32", &golden::RULES_F32, output);
    let double = rules_in::<f64>("f64", &golden::RULES_F64, output);
    single && double
}

fn rules_in<T: Real>(precision: &str, expected: &[Summary; 4], output: &mut Output<'_>) -> bool {
    let rules: [Run<T>; 4] = [rules::binned, rules::cheb, rules::unimodal, rules::auto];
    let mut good = true;
    for (rule, expected) in rules.into_iter().zip(expected) {
        good &= heat_under(precision, rule, expected, output);
    }
    good
}

#[inline(never)]
fn heat_under<T: Real>(precision: &str, rule: Run<T>, expected: &Summary, output: &mut Output<'_>) -> bool {
    output.text("heat ").text(expected.rule).text(" ").text(precision);
    let Ok(found) = rule(&mut [T::NAN; heat::REALS]) else {
        output.text(": refused").line();
        return false;
    };
    let good = found.agrees(expected) && lies_are_noticed(&found, expected);
    output.text(": iterations ").number(found.iterations);
    output.text(", iterates ").bits(found.iterates).text(", choices ").bits(found.choices);
    output.text(verdict(good)).line();
    good
}

/// The comparison itself is put to the test: a wrong bit, whichever it is, must not pass.
fn lies_are_noticed(found: &Summary, expected: &Summary) -> bool {
    (0..SUMMARY_BITS).all(|bit| !black_box(found.with_flipped_bit(bit)).agrees(expected))
}

/// Every relaxation method once, in both precisions.
pub fn methods(output: &mut Output<'_>) -> bool {
    let single = methods_in::<f32>("f32", &golden::METHODS_F32, output);
    let double = methods_in::<f64>("f64", &golden::METHODS_F64, output);
    single && double
}

#[inline(never)]
fn methods_in<T: Real>(precision: &str, expected: &[Outcome], output: &mut Output<'_>) -> bool {
    use methods::{INDICES, REALS, run};
    agree("methods", precision, expected, output, |found| {
        run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |outcome| found(outcome));
    })
}

/// Every part of the toolbox for functions with kinks once, in both precisions.
pub fn nonsmooth(output: &mut Output<'_>) -> bool {
    let single = nonsmooth_in::<f32>("f32", NONSMOOTH_F32, output);
    let double = nonsmooth_in::<f64>("f64", NONSMOOTH_F64, output);
    single && double
}

#[inline(never)]
fn nonsmooth_in<T: Real>(precision: &str, expected: &[Outcome], output: &mut Output<'_>) -> bool {
    use nonsmooth::{INDICES, REALS, run};
    agree("nonsmooth", precision, expected, output, |found| {
        run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |outcome| found(outcome));
    })
}

/// A cart and a quadrotor under model predictive control, in both precisions; counts cold and warm steps.
pub fn mpc(output: &mut Output<'_>, clock: &mut impl Clock) -> bool {
    let single = mpc_in::<f32>("f32", &golden::MPC_F32, output, clock);
    let double = mpc_in::<f64>("f64", &golden::MPC_F64, output, clock);
    single && double
}

#[inline(never)]
fn mpc_in<T: Real>(
    precision: &str,
    expected: &[Outcome],
    output: &mut Output<'_>,
    clock: &mut impl Clock,
) -> bool {
    let counts = Cell::new((0, 0));
    let mut expected = expected.iter();
    let mut good = true;
    mpc::run(
        &mut [T::NAN; mpc::REALS],
        &mut |step, solve| {
            let ((), count) = clock.instructions(solve);
            let (cold, warm) = counts.get();
            counts.set(if step == 0 { (count, 0) } else { (cold, warm.max(count)) });
        },
        &mut |found| {
            let agrees = expected.next().is_some_and(|expected| found.agrees(expected));
            good &= agrees;
            let (cold, warm) = counts.get();
            output.text("mpc ").text(precision).text(" ").text(found.name).text(": ").number(found.steps);
            output.text(" steps, warm at most ").number(warm).text(" and cold ").number(cold);
            output.text(" instructions if the emulator counts them").text(verdict(agrees)).line();
        },
    );
    good && expected.next().is_none()
}

/// Every pass over memory, in both precisions.
pub fn passes(output: &mut Output<'_>) -> bool {
    let single = passes_in::<f32>("f32", made::F32, output);
    let double = passes_in::<f64>("f64", made::F64, output);
    single && double
}

#[inline(never)]
fn passes_in<T: Real>(precision: &str, expected: &[Made], output: &mut Output<'_>) -> bool {
    use passes::{INDICES, REALS, run};
    let mut expected = expected.iter();
    let (mut agreed, mut differed) = (0, 0);
    run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |found| {
        if expected.next() == Some(&found) {
            agreed += 1;
        } else {
            differed += 1;
            output.text(precision).text(" ").text(found.name).text(": ").bits(found.bits);
            output.text(", NOT as on the host").line();
        }
    });
    output.text("passes ").text(precision).text(": ").number(agreed).text(" as on the host").line();
    differed == 0 && expected.next().is_none()
}

/// Runs methods, which hand over what each found, and prints what differs from what was expected.
pub fn agree(
    what: &str,
    precision: &str,
    expected: &[Outcome],
    output: &mut Output<'_>,
    run: impl FnOnce(&mut dyn FnMut(Outcome)),
) -> bool {
    let mut expected = expected.iter();
    let (mut agreed, mut differed) = (0, 0);
    run(&mut |found| {
        if expected.next().is_some_and(|expected| found.agrees(expected)) {
            agreed += 1;
        } else {
            differed += 1;
            output.text(precision).text(" ").text(found.name).text(": steps ").number(found.steps);
            output.text(", answer ").bits(found.answer).text(", NOT as on the host").line();
        }
    });
    output.text(what).text(" ").text(precision).text(": ").number(agreed).text(" as on the host").line();
    differed == 0 && expected.next().is_none()
}

fn verdict(good: bool) -> &'static str {
    if good { ", as on the host" } else { ", NOT as on the host" }
}
