//! The other tests say something about an instruction set only where it really runs.
#![cfg(feature = "force-level")]

use southwell_simd::{Level, force_level, level_name, levels};

/// The instruction set that this build is meant to run on: the compiler is told by a script, or the
/// target has no other.
fn meant() -> Option<&'static str> {
    let always = cfg!(any(target_arch = "aarch64", target_feature = "simd128")).then_some("128-bit");
    option_env!("SOUTHWELL_LEVEL").or(always)
}

#[test]
fn the_instruction_set_that_is_meant_runs() {
    if let Some(meant) = meant() {
        assert_eq!(level_name(), meant);
        let mut names = levels().map(|level| {
            force_level(Some(level));
            level_name()
        });
        assert!(names.any(|name| name == meant), "the tests of passes try it");
        force_level(None);
    }
}

#[test]
fn a_level_can_be_forced() {
    assert!(levels().any(|level| level == Level::Scalar));
    force_level(Some(Level::Scalar));
    assert_eq!(level_name(), "scalar");
    force_level(None);
}

/// Without it nothing would notice that the passes' tests try an instruction set less.
#[test]
#[cfg(target_arch = "x86_64")]
fn levels_have_no_gap() {
    let has = |level| levels().any(|found| found == level);
    // All of the third level of x86-64, which every machine with AVX-512 has.
    assert!(has(Level::Avx2) || !has(Level::Avx512));
    let third = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
    assert_eq!(has(Level::Avx2), third);
}
