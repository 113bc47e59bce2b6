//! Every pass makes the constants' bits on every instruction set, and none is left out.

#[cfg(not(target_arch = "wasm32"))]
use std::{fs, path::Path};

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
            // `exp_scalar` makes the bits of `exp`, by definition.
            let mut others = all[..i].iter().filter(|other| !one.name.starts_with(other.name));
            let same = others.find(|other| other.bits == one.bits);
            assert_eq!(same, None, "as {}", one.name);
        }
    }
}

/// A pass that the library has and the table lacks is not proved to be the same anywhere.
#[test]
#[cfg(not(target_arch = "wasm32"))]
fn no_pass_is_left_out() {
    let known: Vec<&str> = all::<f32>().iter().filter_map(|made| made.name.split(' ').next()).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sizes = fs::read_to_string(here.join("../cortex-m/src/bin/sizes.rs")).expect("a source file");
    let simd = here.join("../../simd/src");
    let mut missing = Vec::new();
    for module in ["csr", "dense", "elementary", "points", "short", "stencil", "vector"] {
        let mut source = fs::read_to_string(simd.join(module).with_extension("rs")).unwrap_or_default();
        for file in fs::read_dir(simd.join(module)).into_iter().flatten().flatten() {
            source += &fs::read_to_string(file.path()).expect("a source file");
        }
        for function in source.split("pub fn ").skip(1) {
            let head = function.split('{').next().unwrap_or_default();
            let (name, _) = head.split_once(['<', '(']).unwrap_or_default();
            let name = format!("{module}::{name}");
            let method = ["(self", "(&self", "(&mut self"].iter().any(|receiver| head.contains(receiver));
            // Strips are for threads, so for hosts: `simd/tests/strips.rs` compares them with the whole, which is here.
            // And what makes a view makes no numbers.
            if method || head.contains("Option<Self>") || name.ends_with("_strip") {
                continue;
            }
            if !known.contains(&name.as_str()) {
                missing.push(format!("{name} in scenario/src/passes.rs"));
            }
            if !sizes.contains(&format!(" {name},")) {
                missing.push(format!("{name} in cortex-m/src/bin/sizes.rs"));
            }
        }
    }
    assert!(missing.is_empty(), "no line for {missing:#?}");
}
