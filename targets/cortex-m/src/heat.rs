//! A run of the heat scenario, compared with what the host found.

use core::hint::black_box;

use southwell::Real;
use southwell_scenario::heat::rules::Run;
use southwell_scenario::heat::{REALS, SUMMARY_BITS, Summary};

use crate::Output;

/// Runs the scenario under a rule and prints what came out.
// Not inlined: the memory of one precision goes before that of the other comes.
#[inline(never)]
pub fn agrees<T: Real>(precision: &str, rule: Run<T>, expected: &Summary, output: &mut Output) -> bool {
    output.text("heat ").text(expected.rule).text(" ").text(precision);
    let Ok(found) = rule(&mut [T::NAN; REALS]) else {
        output.text(": refused").line();
        return false;
    };
    let good = found.agrees(expected) && lies_are_noticed(&found, expected);
    output.text(": iterations ").number(found.iterations);
    output.text(", iterates ").bits(found.iterates).text(", choices ").bits(found.choices);
    output.text(if good { ", as on the host" } else { ", NOT as on the host" }).line();
    good
}

/// The comparison itself is put to the test: a wrong bit, whichever it is, must not pass.
fn lies_are_noticed(found: &Summary, expected: &Summary) -> bool {
    (0..SUMMARY_BITS).all(|bit| !black_box(found.with_flipped_bit(bit)).agrees(expected))
}
