//! Every pass makes the constants' bits on every instruction set, and none is left out.

use std::fs;
use std::path::Path;

use southwell::Real;
use southwell_scenario::{made, passes};
use southwell_simd::{force_level, level_name, levels};

fn all<T: Real>() -> Vec<passes::Made> {
    let mut all = Vec::new();
    passes::run(&mut [T::NAN; passes::REALS], &mut [u32::MAX; passes::INDICES], &mut |made| all.push(made));
    all
}

fn check<T: Real>(expected: &[passes::Made]) {
    if let Some(meant) = option_env!("SOUTHWELL_LEVEL") {
        assert_eq!(level_name(), meant, "the instruction set that is meant runs");
    }
    for level in levels() {
        force_level(Some(level));
        let found = all::<T>();
        let differ = found.iter().zip(expected).filter(|(found, expected)| found != expected);
        let differ: Vec<&str> = differ.map(|(found, _)| found.name).collect();
        assert!(differ.is_empty(), "{level:?}: {differ:?}; if meant, `cargo run --example made -- write`");
        assert_eq!(found.len(), expected.len(), "{level:?}");
    }
    force_level(None);
}

#[test]
fn every_instruction_set_makes_the_constants_in_single_precision() {
    check::<f32>(made::F32);
}

#[test]
fn every_instruction_set_makes_the_constants_in_double_precision() {
    check::<f64>(made::F64);
}

#[test]
fn every_pass_tells_something_of_its_own() {
    for all in [all::<f32>(), all::<f64>()] {
        for (i, one) in all.iter().enumerate() {
            let same = all[..i].iter().find(|other| other.bits == one.bits);
            assert_eq!(same, None, "as {}", one.name);
        }
    }
}
