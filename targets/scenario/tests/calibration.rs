//! The host finds the calibration on every instruction set.

use southwell_scenario::calibrated::{ROBUST_F32, ROBUST_F64, SQUARES_F32};
use southwell_scenario::calibration::{REALS, SQUARES_REALS, least_squares, robust, sense};
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

#[test]
fn spikes_hardly_matter_to_one_and_break_the_other() {
    assert!(ROBUST_F32.error < 80 && ROBUST_F64.error < 80, "nT");
    assert!((130..150).contains(&ROBUST_F32.agreeing), "138 samples have no spike");
    assert!(SQUARES_F32.error > 20_000, "nT");
}
