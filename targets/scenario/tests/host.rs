//! The host finds the constants on every instruction set, and a wrong bit is noticed.

use southwell::Real;
use southwell_scenario::heat::rules::{auto, binned, cheb, tsallis, tsallis_sor, unimodal};
use southwell_scenario::{association, couplings, descent, golden, heat, methods, mpc};
use southwell_simd::{force_level, levels};

fn check<T: Real>(
    heat_expected: [heat::Summary; 2],
    rules_expected: [heat::Summary; 4],
    methods_expected: &[methods::Outcome],
    association_expected: association::Associated,
    couplings_expected: &[methods::Outcome],
    mpc_expected: &[methods::Outcome],
    descent_expected: &[methods::Outcome],
) {
    for level in levels() {
        force_level(Some(level));
        let rules = [tsallis, tsallis_sor, binned, cheb, unimodal, auto].into_iter();
        for (rule, expected) in rules.zip(heat_expected.into_iter().chain(rules_expected)) {
            let found = rule(&mut [T::NAN; heat::REALS]).expect("a sound library");
            assert!(found.agrees(&expected), "{level:?}: {found:?}");
        }
        let mut all = Vec::new();
        methods::run(&mut [T::NAN; methods::REALS], &mut [u32::MAX; methods::INDICES], &mut |found| {
            all.push(found)
        });
        assert_eq!(all, methods_expected, "{level:?}");
        assert!(all.iter().zip(methods_expected).all(|(found, expected)| found.agrees(expected)));
        let mut all = Vec::new();
        couplings::run(&mut [T::NAN; couplings::REALS], &mut [u32::MAX; couplings::INDICES], &mut |found| {
            all.push(found)
        });
        assert_eq!(all, couplings_expected, "{level:?}");
        assert!(all.iter().zip(couplings_expected).all(|(found, expected)| found.agrees(expected)));
        let mut all = Vec::new();
        mpc::run(&mut [T::NAN; mpc::REALS], &mut |_, solve| solve(), &mut |found| all.push(found));
        assert_eq!(all, mpc_expected, "{level:?}");
        assert!(all.iter().zip(mpc_expected).all(|(found, expected)| found.agrees(expected)));
        let mut all = Vec::new();
        descent::run(&mut [T::NAN; descent::REALS], &mut [u32::MAX; descent::INDICES], &mut |found| {
            all.push(found)
        });
        assert_eq!(all, descent_expected, "{level:?}");
        assert!(all.iter().zip(descent_expected).all(|(found, expected)| found.agrees(expected)));
        let memory = &mut [T::NAN; association::REALS];
        association::sense(memory);
        let found = association::run(memory).expect("a sound library");
        assert!(found.agrees(&association_expected), "{level:?}: {found:?}");
    }
    force_level(None);
}

#[test]
fn every_instruction_set_finds_the_constants_in_single_precision() {
    check::<f32>(
        golden::HEAT_F32,
        golden::RULES_F32,
        &golden::METHODS_F32,
        golden::ASSOCIATION_F32,
        golden::COUPLINGS_F32,
        &golden::MPC_F32,
        golden::DESCENT_F32,
    );
}

#[test]
fn every_instruction_set_finds_the_constants_in_double_precision() {
    check::<f64>(
        golden::HEAT_F64,
        golden::RULES_F64,
        &golden::METHODS_F64,
        golden::ASSOCIATION_F64,
        golden::COUPLINGS_F64,
        &golden::MPC_F64,
        golden::DESCENT_F64,
    );
}

#[test]
fn one_wrong_bit_is_noticed() {
    let [expected, _] = golden::HEAT_F32;
    assert!(expected.agrees(&expected));
    for bit in 0..heat::SUMMARY_BITS {
        let wrong = expected.with_flipped_bit(bit);
        assert!(!wrong.agrees(&expected) && !expected.agrees(&wrong), "bit {bit}");
    }
    for expected in golden::METHODS_F32 {
        let wrong = methods::Outcome { answer: expected.answer ^ 1, ..expected };
        assert!(expected.agrees(&expected) && !wrong.agrees(&expected));
    }
    let refused = methods::Outcome { name: "", steps: u32::MAX, answer: 0 };
    assert!(!refused.agrees(&refused), "an answer that both lack is no agreement");
}
