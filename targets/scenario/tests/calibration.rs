//! The host finds the calibration, and what the toolbox finds, on every instruction set.

use southwell::Real;
use southwell_scenario::calibrated::{NONSMOOTH_F32, NONSMOOTH_F64, ROBUST_F32, ROBUST_F64, SQUARES_F32};
use southwell_scenario::calibration::{REALS, SQUARES_REALS, least_squares, robust, sense};
use southwell_scenario::methods::Outcome;
use southwell_scenario::nonsmooth;
use southwell_simd::{force_level, levels};

#[test]
fn every_instruction_set_finds_the_calibration() {
    for level in levels() {
        force_level(Some(level));
        let (mut single, mut double) = ([f32::NAN; SQUARES_REALS], [f64::NAN; REALS]);
        sense(&mut single);
        sense(&mut double);
        assert_eq!(least_squares(&mut single).expect("sound"), SQUARES_F32, "{level:?}");
        assert_eq!(robust(&mut single[..REALS]).expect("sound"), ROBUST_F32, "{level:?}");
        assert_eq!(robust(&mut double).expect("sound"), ROBUST_F64, "{level:?}");
    }
    force_level(None);
}

fn toolbox<T: Real>() -> Vec<Outcome> {
    let mut all = Vec::new();
    nonsmooth::run(&mut [T::NAN; nonsmooth::REALS], &mut [u32::MAX; nonsmooth::INDICES], &mut |o| {
        all.push(o)
    });
    all
}

#[test]
fn every_instruction_set_finds_what_the_toolbox_finds() {
    for level in levels() {
        force_level(Some(level));
        assert_eq!(toolbox::<f32>(), NONSMOOTH_F32, "{level:?}");
        assert_eq!(toolbox::<f64>(), NONSMOOTH_F64, "{level:?}");
        assert!(toolbox::<f32>().iter().zip(NONSMOOTH_F32).all(|(found, expected)| found.agrees(expected)));
    }
    force_level(None);
}

#[test]
fn spikes_hardly_matter_to_one_and_break_the_other() {
    const { assert!(ROBUST_F32.error < 80 && ROBUST_F64.error < 80, "nT") };
    assert!((130..150).contains(&ROBUST_F32.agreeing), "138 samples have no spike");
    const { assert!(SQUARES_F32.error > 20_000, "nT") };
}
