//! The heat steps under every other rule that learns omega, in both precisions. Needs more than 16 KiB.
#![no_std]
#![no_main]

use southwell::Real;
use southwell_cortex_m::{Output, check, heat};
use southwell_scenario::golden::{RULES_F32, RULES_F64};
use southwell_scenario::heat::Summary;
use southwell_scenario::heat::rules::{Run, auto, binned, cheb, unimodal};

#[cortex_m_rt::entry]
fn main() -> ! {
    check("rules", |output| {
        let single = rules::<f32>("f32", &RULES_F32, output);
        let double = rules::<f64>("f64", &RULES_F64, output);
        single && double
    })
}

fn rules<T: Real>(precision: &str, expected: &[Summary; 4], output: &mut Output) -> bool {
    let rules: [Run<T>; 4] = [binned, cheb, unimodal, auto];
    let mut good = true;
    for (rule, expected) in rules.into_iter().zip(expected) {
        good &= heat::agrees(precision, rule, expected, output);
    }
    good
}
