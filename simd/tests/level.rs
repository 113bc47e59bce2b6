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
