//! The cap on the instruction set: what it allows, and that it changes no bit.
#![cfg(feature = "std")]

mod common;

use common::Numbers;
use southwell_simd::{Level, level_name, levels, max_level, set_max_level, vector};

/// One test, because the cap belongs to the process.
#[test]
fn a_cap_chooses_the_instruction_set_and_no_result() {
    let mut numbers = Numbers(9);
    let (x, y) = (numbers.vector::<f32>(1000), numbers.vector::<f32>(1000));
    assert_eq!(max_level(), Level::Avx512, "no cap to begin with");
    let free = (level_name(), vector::dot(&x, &y).to_bits());
    let widest = levels().max().expect("scalar at least");
    assert_eq!(free.0.to_lowercase().replace('-', ""), widest.name().replace('-', ""));
    for level in Level::ALL {
        set_max_level(level);
        assert_eq!(max_level(), level);
        let expected = levels().filter(|&l| l <= level).max().expect("scalar at least");
        assert_eq!(level_name().to_lowercase().replace('-', ""), expected.name().replace('-', ""));
        assert_eq!(vector::dot(&x, &y).to_bits(), free.1, "{level}");
    }
    set_max_level(Level::Scalar);
    assert_eq!(level_name(), "scalar");
    set_max_level(Level::Avx512);
    assert_eq!(level_name(), free.0);
}

#[test]
fn levels_have_names() {
    for level in Level::ALL {
        assert_eq!(level.to_string().parse(), Ok(level));
    }
    let error = "sse9".parse::<Level>().expect_err("no such level");
    assert!(error.to_string().contains("avx2"));
    assert!(levels().any(|level| level == Level::Scalar));
}
