extern crate std;

use std::format;
use std::vec::Vec;

use proptest::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::tsallis_inf::{mean, simplex};
use super::*;

fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

fn tsallis<T: Real, const D: usize>() -> TsallisInf<T, D> {
    TsallisInf::new(TsallisOptions::default()).expect("default options are sound")
}

fn cheb<T: Real, const D: usize, const M: usize>() -> ChebCb<T, D, M> {
    ChebCb::new(T::ZERO, T::ONE, ChebOptions::default()).expect("default options are sound")
}

fn unimodal<T: Real, const D: usize, const B: usize>() -> Unimodal<T, D, B> {
    let options = UnimodalOptions { discount: T::ONE, trial_cap: Some(T::TWO), ..Default::default() };
    Unimodal::new(T::ZERO, T::ONE, |_| D / 2, options).expect("these options are sound")
}

fn binned<T: Real, const D: usize, const B: usize>() -> BinnedTsallisInf<T, D, B> {
    let options = TsallisOptions {
        estimator: Estimator::ReducedVariance,
        discount: T::from_f64(0.99),
        trial_cap: Some(T::from_f64(3.0)),
    };
    BinnedTsallisInf::new(T::ZERO, T::ONE, options).expect("these options are sound")
}

#[test]
fn the_grid_is_the_decimal_one() {
    let grid = Grid::<f64>::RELAXATION;
    let small = Grid::<f32>::RELAXATION;
    for arm in 0..20_u8 {
        let decimal: f64 = format!("{}.{:02}", 1 + arm / 20, 5 * arm % 100).parse().expect("a number");
        assert!((grid.value(arm.into()) - decimal).abs() <= f64::EPSILON, "{decimal}");
        assert!((small.value(arm.into()) - decimal as f32).abs() <= f32::EPSILON, "{decimal}");
        assert_eq!(grid.at_or_above(decimal - 0.01), usize::from(arm));
    }
    assert_eq!((grid.value(99), grid.at_or_above(9.0), grid.at_or_above(f64::NAN)), (1.95, 19, 19));
    assert_eq!(Grid::new(1.5, 1.5, 1).expect("one arm").value(0), 1.5);
    assert!(Grid::new(1.0, 2.0, 0).is_err() && Grid::new(2.0, 1.0, 3).is_err());
    assert!(Grid::new(f64::NAN, 1.0, 3).is_err() && Grid::new(-f64::MAX, f64::MAX, 3).is_err());
}

#[test]
fn equal_estimates_give_the_uniform_distribution() {
    let mut p = [0.0; 20];
    let x = simplex(&[0.0; 20], 0.25, &mut p);
    assert!((x + 2.0 * 20.0_f64.sqrt() / 0.25).abs() < 1e-11, "{x}");
    assert!(p.iter().all(|p| (p - 0.05).abs() < 1e-15), "{p:?}");
}

#[test]
fn of_two_arms_the_better_one_wins_in_the_end() {
    let mut last = 0.5;
    for exponent in -3..12 {
        let mut p = [0.0; 2];
        simplex(&[0.0, 10.0_f64.powi(exponent)], 1.0, &mut p);
        assert!(p[0] >= last && p[1] < p[0], "{exponent}: {p:?}");
        last = p[0];
    }
    assert_eq!(last, 1.0);
}

#[test]
fn newton_finds_the_root_over_twelve_decades() {
    let mut rng = rng(3);
    for case in 0..2000 {
        let eta = 10.0_f64.powf(-3.0 * f64::unit_from_bits(rng.next_u64()));
        let mut u = [0.0; 20];
        u.iter_mut()
            .skip(1)
            .for_each(|u| *u = 10.0_f64.powf(12.0 * f64::unit_from_bits(rng.next_u64()) - 6.0));
        let mut p = [0.0; 20];
        let x = simplex(&u, eta, &mut p);
        // Before normalisation: the root itself is good.
        let total: f64 = u.iter().map(|u| 4.0 / (eta * (u - x)).powi(2)).sum();
        assert!((total - 1.0).abs() < 1e-12, "case {case}: {total}");
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-14);
    }
}

#[test]
fn the_estimates_follow_their_definition() {
    for estimator in [Estimator::ImportanceWeighted, Estimator::ReducedVariance] {
        let options = TsallisOptions { estimator, ..Default::default() };
        let mut tuner = TsallisInf::<f64, 3>::new(options).expect("sound");
        let mut rng = rng(6);
        let (mut sums, mut total, mut largest) = ([0.0; 3], 0.0, 0.0_f64);
        for round in 1..300 {
            let t = f64::from(round);
            let arm = tuner.choose(0.0, &mut rng);
            let p: Vec<f64> = tuner.probabilities().to_vec();
            let (eta, scale) = match estimator {
                Estimator::ImportanceWeighted if round == 1 => (2.0, 1.0),
                Estimator::ImportanceWeighted => (2.0 / t.sqrt(), total / (t - 1.0)),
                Estimator::ReducedVariance if round == 1 => (4.0, 1.0),
                Estimator::ReducedVariance => (4.0 / t.sqrt(), largest),
            };
            // 2/(η √pᵢ) = k̂ᵢ/S − x, so that the difference of two arms knows no x.
            for i in 1..3 {
                let seen = 2.0 / eta * (p[i].sqrt().recip() - p[0].sqrt().recip());
                assert!((seen - (sums[i] - sums[0]) / scale).abs() < 1e-9 * t, "{estimator:?} {round}");
            }
            let loss = 5.0 + 4.0 * arm as f64 * f64::unit_from_bits(rng.next_u64());
            tuner.learn(loss);
            total += loss;
            largest = largest.max(loss);
            for i in 0..3 {
                let reduced = estimator == Estimator::ReducedVariance && p[i] >= eta * eta;
                let baseline = if reduced { largest / 2.0 } else { 0.0 };
                sums[i] += baseline + if i == arm { (loss - baseline) / p[i] } else { 0.0 };
            }
        }
    }
}

#[test]
fn a_draw_follows_the_probabilities() {
    let mut rng = rng(4);
    let p = [0.1, 0.0, 0.6, 0.3];
    let mut counts = [0.0; 4];
    (0..100_000).for_each(|_| counts[draw(&p, rng.next_u64())] += 1e-5);
    for (count, p) in counts.iter().zip(&p) {
        // Five standard deviations.
        assert!((count - p).abs() <= 5.0 * (p * (1.0 - p) / 1e5_f64).sqrt(), "{counts:?}");
    }
    assert_eq!((draw(&p, 0), draw(&p, u64::MAX), draw::<f64>(&[], 1)), (0, 3, 0));
    assert_eq!(draw(&[0.0, 1.0], 0), 1, "what has no probability is not drawn");
}

#[test]
fn a_context_finds_the_nearest_centre() {
    let bins: Vec<usize> =
        [-9.0, 0.0, 0.19, 0.2, 0.21, 0.99, 9.0, f64::NAN].iter().map(|&c| bin_of(c, 0.0, 1.0, 5)).collect();
    assert_eq!(bins, [0, 0, 0, 0, 1, 4, 4, 0]);
}

#[test]
fn tsallis_inf_finds_the_best_arm_at_a_bounded_regret() {
    let means = [0.5, 0.5, 0.3, 0.5, 0.5];
    let rounds = 20_000_u32;
    for estimator in [Estimator::ImportanceWeighted, Estimator::ReducedVariance] {
        let options = TsallisOptions { estimator, ..Default::default() };
        let mut tuner = TsallisInf::<f64, 5>::new(options).expect("sound");
        let mut rng = rng(11);
        let mut drawn = [0_u32; 5];
        let mut regret = 0.0;
        for _ in 0..rounds {
            let arm = tuner.choose(0.0, &mut rng);
            drawn[arm] += 1;
            regret += means[arm] - 0.3;
            tuner.learn(f64::from(u8::from(f64::unit_from_bits(rng.next_u64()) < means[arm])));
        }
        // Zimmert and Seldin, theorem 1: 4 √(d T) + 1 in any world; a random one costs far less.
        assert!(regret < 0.5 * (4.0 * (5.0 * f64::from(rounds)).sqrt() + 1.0), "{estimator:?}: {regret}");
        assert!(drawn[2] > rounds * 9 / 10, "{estimator:?}: {drawn:?}");
        assert_eq!((tuner.incumbent(), tuner.rounds()), (2, rounds));
    }
}

#[test]
fn a_discount_lets_tsallis_inf_follow_a_jump() {
    let late = |discount| {
        let options = TsallisOptions { discount, ..Default::default() };
        let mut tuner = TsallisInf::<f64, 4>::new(options).expect("sound");
        let mut rng = rng(12);
        (0..6000)
            .map(|round| {
                let arm = tuner.choose(0.0, &mut rng);
                let loss = if arm == usize::from(round >= 3000) { 10.0 } else { 20.0 };
                tuner.learn(loss);
                if round >= 3000 { loss } else { 0.0 }
            })
            .sum::<f64>()
    };
    assert!(late(0.99) < 0.8 * late(1.0), "{} {}", late(0.99), late(1.0));
}

#[test]
fn a_walk_follows_a_drift_without_a_context() {
    let excess = |discount| {
        let options = UnimodalOptions { discount, ..Default::default() };
        let mut tuner = Unimodal::<f64, 20, 1>::new(0.0, 1.0, |_| 10, options).expect("sound");
        let mut excess = 0.0;
        for round in 0..4000 {
            // The best arm goes from 2 to 17 and back, eight times; each arm off it costs 5 %.
            let best = 9.5 + 7.5 * (f64::from(round) * core::f64::consts::PI / 250.0).sin();
            let arm = tuner.choose_with(0.0, 0);
            let loss = 20.0 + (arm as f64 - best).abs();
            tuner.learn(loss.round());
            excess += loss - 20.0;
        }
        excess / 4000.0
    };
    // At 0.09 arms a round and a look at the neighbours every few rounds, a walk lags by one or two.
    assert!(excess(0.9) < 2.0, "{}", excess(0.9));
    assert!(excess(1.0) > 2.0 * excess(0.9), "{} {}", excess(1.0), excess(0.9));
}

/// What weighs too little to divide by counts as nothing: losses, counts, and arms that were forgotten.
#[test]
fn what_is_too_small_to_divide_by_counts_as_nothing() {
    let least = f64::MIN_POSITIVE / f64::EPSILON;
    for (loss, seen) in [(2.0 * f64::MIN_POSITIVE, false), (4.0 * least, true)] {
        for estimator in [Estimator::ImportanceWeighted, Estimator::ReducedVariance] {
            let options = TsallisOptions { estimator, ..Default::default() };
            let mut tuner = TsallisInf::<f64, 2>::new(options).expect("sound");
            tuner.prepare();
            tuner.settle(0);
            tuner.learn(loss);
            tuner.prepare();
            assert_eq!(
                tuner.probabilities()[1] > 0.6,
                seen,
                "{estimator:?} {loss:e}: {:?}",
                tuner.probabilities()
            );
        }
        let mut tuner = cheb::<f64, 2, 2>();
        assert_eq!(tuner.choose_with(0.5, 0), 0);
        tuner.learn(loss);
        tuner.prepare(0.5);
        assert_eq!(tuner.probabilities()[1] > 0.51, seen, "ChebCB {loss:e}: {:?}", tuner.probabilities());
    }
    for (count, known) in [(2.0 * f64::MIN_POSITIVE, None), (2.0 * least, Some(0.5))] {
        let sums = [0.5 * count, count].map(|x| {
            let mut sum = Sum::ZERO;
            sum.add(x);
            sum
        });
        assert_eq!(mean(&(sums[0], sums[1])), known, "{count:e}");
    }
    for (discount, leader) in [(1e-300, 0), (1e-280, 1)] {
        let options = UnimodalOptions { discount, ..Default::default() };
        let mut tuner = Unimodal::<f64, 2, 1>::new(0.0, 1.0, |_| 1, options).expect("sound");
        for (arm, loss) in [(1, 5.0), (0, 9.0)] {
            assert_eq!(tuner.choose_with(0.5, 0), arm);
            tuner.learn(loss);
        }
        assert_eq!(tuner.incumbent(), leader, "{discount:e}: whether the better arm is still known");
    }
}

/// Sums and squares of as many losses as are counted stay in range.
#[test]
fn absurd_losses_are_cut() {
    assert_eq!((accept(1e138), accept(1e12_f32), accept(0.0)), (Some(1e138), Some(1e12), Some(0.0)));
    for absurd in [1e140, f64::MAX] {
        assert!(accept(absurd).is_some_and(|cut| cut > 1e138 && cut < 1e139));
    }
    for absurd in [1e14, f32::MAX] {
        assert!(accept(absurd).is_some_and(|cut| cut > 1e12 && cut < 1e13));
    }
    assert_eq!((accept(f64::INFINITY), accept(-1.0), accept(f64::NAN)), (None, None, None));
}

#[test]
fn losses_of_zero_are_no_trouble() {
    let mut tuner = tsallis::<f32, 4>();
    let mut rng = rng(5);
    for _ in 0..1000 {
        tuner.choose(0.0, &mut rng);
        tuner.learn(0.0);
    }
    assert!(tuner.probabilities().iter().all(|p| (p - 0.25).abs() < 1e-6));
}

#[test]
fn a_trial_cap_bounds_by_the_best_mean() {
    let options = TsallisOptions { trial_cap: Some(3.0), ..Default::default() };
    let mut tuner = TsallisInf::<f64, 3>::new(options).expect("sound");
    assert_eq!(tuner.budget(), None);
    for (arm, loss) in [(0, 8.0), (1, 4.0), (1, 6.0), (2, 9.0)] {
        tuner.prepare();
        tuner.settle(arm);
        tuner.learn(loss);
    }
    assert_eq!(tuner.budget(), Some(15.0));
    let mut tuner = TsallisInf::<f64, 3>::new(options).expect("sound");
    tuner.choose_with(0.0, 0);
    tuner.learn(0.0);
    assert_eq!(tuner.budget(), None, "nothing costs so little");
    assert_eq!(tsallis::<f64, 2>().budget(), None);
    let mut walk = unimodal::<f64, 3, 1>();
    assert_eq!(walk.budget(), None);
    walk.choose_with(0.0, 0);
    walk.learn(7.0);
    assert_eq!(walk.budget(), Some(14.0));
    let mut free = unimodal::<f64, 3, 1>();
    free.choose_with(0.0, 0);
    free.learn(0.0);
    assert_eq!(free.budget(), None, "nothing costs so little");
    assert_eq!(cheb::<f64, 3, 2>().budget(), None, "this one has no trials");
}

#[test]
fn options_out_of_range_are_refused() {
    for discount in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(TsallisInf::<f64, 2>::new(TsallisOptions { discount, ..Default::default() }).is_err());
        assert!(ChebCb::<f64, 2, 2>::new(0.0, 1.0, ChebOptions { discount }).is_err());
        let options = UnimodalOptions { discount, ..Default::default() };
        assert!(Unimodal::<f64, 2, 2>::new(0.0, 1.0, |_| 0, options).is_err());
    }
    for cap in [1.0, f64::INFINITY, f64::NAN] {
        let options = TsallisOptions { trial_cap: Some(cap), ..Default::default() };
        assert!(TsallisInf::<f64, 2>::new(options).is_err());
    }
    for (lower, upper) in [(0.0, 0.0), (1.0, 0.0), (f64::NAN, 1.0), (-f64::MAX, f64::MAX)] {
        assert!(ChebCb::<f64, 2, 2>::new(lower, upper, ChebOptions::default()).is_err());
        assert!(BinnedTsallisInf::<f64, 2, 2>::new(lower, upper, TsallisOptions::default()).is_err());
    }
    for caution in [-0.1, f64::NAN, f64::INFINITY] {
        let options = UnimodalOptions { caution, ..Default::default() };
        assert!(Unimodal::<f64, 2, 2>::new(0.0, 1.0, |_| 0, options).is_err());
    }
}

/// A learn that must be ignored leaves no trace, and a bad loss withdraws its choice.
fn ignores_what_it_must<T: Real>(mut tuner: impl Tuner<T> + core::fmt::Debug) {
    let fresh = format!("{tuner:?}");
    tuner.learn(T::ONE);
    assert_eq!(format!("{tuner:?}"), fresh);
    tuner.choose_with(T::HALF, 7);
    tuner.learn(T::TWO);
    tuner.choose_with(T::HALF, 7);
    tuner.learn(T::ONE);
    tuner.learn(T::ONE);
    let arm = tuner.choose_with(T::HALF, 9);
    let probabilities = tuner.probabilities().to_vec();
    for loss in [T::NAN, T::INFINITY, -T::ONE, -T::INFINITY] {
        tuner.learn(loss);
        tuner.learn(T::ONE);
        assert_eq!((tuner.choose_with(T::HALF, 9), tuner.probabilities()), (arm, &probabilities[..]));
    }
    // A change of context, or an absurd loss, is survived.
    tuner.choose_with(T::NAN, u64::MAX);
    tuner.choose_with(T::INFINITY, 0);
    tuner.learn(T::MAX);
    for round in 0..100_u64 {
        tuner.choose_with(T::ONE, round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        tuner.learn(if round % 2 == 0 { T::MIN_POSITIVE } else { T::MAX });
        let total: T = tuner.probabilities().iter().copied().sum();
        assert!((total - T::ONE).abs() <= T::from_f64(32.0) * T::EPSILON, "{total}");
    }
}

#[test]
fn bad_losses_and_learning_without_a_choice_are_ignored() {
    ignores_what_it_must(tsallis::<f64, 4>());
    ignores_what_it_must(tsallis::<f32, 4>());
    ignores_what_it_must(binned::<f64, 4, 3>());
    ignores_what_it_must(binned::<f32, 4, 3>());
    ignores_what_it_must(cheb::<f64, 4, 3>());
    ignores_what_it_must(cheb::<f32, 4, 3>());
    ignores_what_it_must(unimodal::<f64, 4, 3>());
    ignores_what_it_must(unimodal::<f32, 4, 3>());
}

/// Plays a game; checks the probabilities on the way; returns the choices and all probabilities' bits.
fn play<T: Real>(mut tuner: impl Tuner<T>, game: &[(f64, f64)], seed: u64) -> Vec<(usize, u64)> {
    let mut rng = rng(seed);
    let mut seen = Vec::new();
    for &(context, loss) in game {
        let arm = tuner.choose(T::from_f64(context), &mut rng);
        assert!(arm < tuner.arms() && tuner.incumbent() < tuner.arms());
        let p = tuner.probabilities();
        assert_eq!(p.len(), tuner.arms());
        assert!(p[arm] > T::ZERO && p.iter().all(|&p| (T::ZERO..=T::ONE).contains(&p)), "{p:?}");
        let total: T = p.iter().copied().sum();
        assert!((total - T::ONE).abs() <= T::from_f64(16.0) * T::EPSILON, "{total}");
        seen.extend(p.iter().map(|p| (arm, p.bits())));
        tuner.learn(T::from_f64(loss * (1.0 + arm as f64)));
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn probabilities_sum_to_one_and_a_seed_repeats(
        game in prop::collection::vec((-0.5..1.5, prop_oneof![0.0..1e-3, 0.0..100.0, 0.0..1e9]), 1..120),
        seed: u64,
    ) {
        prop_assert_eq!(play(tsallis::<f64, 6>(), &game, seed), play(tsallis::<f64, 6>(), &game, seed));
        prop_assert_eq!(play(tsallis::<f32, 6>(), &game, seed), play(tsallis::<f32, 6>(), &game, seed));
        prop_assert_eq!(play(binned::<f64, 6, 3>(), &game, seed), play(binned::<f64, 6, 3>(), &game, seed));
        prop_assert_eq!(play(binned::<f32, 6, 3>(), &game, seed), play(binned::<f32, 6, 3>(), &game, seed));
        prop_assert_eq!(play(cheb::<f64, 6, 4>(), &game, seed), play(cheb::<f64, 6, 4>(), &game, seed));
        prop_assert_eq!(play(cheb::<f32, 6, 4>(), &game, seed), play(cheb::<f32, 6, 4>(), &game, seed));
        prop_assert_eq!(play(unimodal::<f64, 6, 3>(), &game, seed), play(unimodal::<f64, 6, 3>(), &game, seed));
        prop_assert_eq!(play(unimodal::<f32, 6, 3>(), &game, seed), play(unimodal::<f32, 6, 3>(), &game, seed));
    }
}

#[path = "tests_definitions.rs"]
mod definitions;
#[path = "tests_precision.rs"]
mod precision;
