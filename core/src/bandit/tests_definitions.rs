//! Every tuner against its definition, written down a second time by plain loops.

use super::*;

/// Sums hold twice the digits: what is far below the sum is there again when the rest is taken away.
#[test]
fn a_sum_keeps_what_its_value_cannot_show() {
    let tiny = 2.0_f64.powi(-90);
    let of = |terms: &[f64]| {
        let mut sum = Sum::ZERO;
        terms.iter().for_each(|&x| sum.add(x));
        sum
    };
    for terms in [[1.0, tiny], [tiny, 1.0]] {
        let mut sum = of(&terms);
        assert_eq!(sum.value(), 1.0);
        sum.sub(of(&[1.0]));
        assert_eq!(sum.value(), tiny);
    }
    // Both parts of what is subtracted count.
    let (mut sum, third) = (of(&[3.0, 1.0]), of(&[1.0, tiny]));
    sum.sub(third);
    assert_eq!(sum.value(), 3.0);
    sum.add(-3.0);
    assert_eq!(sum.value(), -tiny);
    // A factor is one of both parts.
    let mut sum = of(&[1.0, tiny]);
    sum.scale(0.25);
    sum.add(-0.25);
    assert_eq!(sum.value(), 0.25 * tiny);
    // Half a unit of the last place and a little more is rounded up.
    assert_eq!(of(&[1.0, f64::EPSILON / 2.0, tiny]).value(), 1.0 + f64::EPSILON);
    let mut tenths = Sum::<f32>::ZERO;
    (0..1_000_000).for_each(|_| tenths.add(0.1));
    assert_eq!(tenths.value(), (1e6 * f64::from(0.1_f32)) as f32);
}

fn walk_follows_its_definition(discount: f64, caution: f64, seed: u64) {
    const ARMS: usize = 9;
    let options = UnimodalOptions { caution, discount, trial_cap: None };
    let mut tuner = Unimodal::<f64, ARMS, 1>::new(0.0, 1.0, |_| 2, options).expect("sound");
    let mut rng = rng(seed);
    let (mut mean, mut weight, mut deviations, mut leader) = ([0.0; ARMS], [0.0; ARMS], (0.0, 0.0), 2_usize);
    let least =
        |values: &[f64]| (0..values.len()).fold(0, |at, i| if values[i] < values[at] { i } else { at });
    for round in 0..400 {
        let mut expected = leader;
        if weight[leader] > 0.0 {
            let sigma = if deviations.1 > 0.5 { (deviations.0 / deviations.1).sqrt() } else { 0.0 };
            let rounds: f64 = weight.iter().sum();
            let width = mean[leader] * (0.02 + caution * sigma) * (1.0 + rounds).ln().sqrt();
            let from = leader.saturating_sub(1);
            let index: Vec<f64> = (from..(leader + 2).min(ARMS))
                .map(|i| if weight[i] > 0.0 { mean[i] - width / weight[i].sqrt() } else { f64::NEG_INFINITY })
                .collect();
            expected = from + least(&index);
        }
        let arm = tuner.choose_with(0.5, 0);
        assert_eq!(arm, expected, "γ {discount}, κ {caution}, round {round}");
        let best = if round < 200 { 6.0 } else { 1.0 };
        let noise = 1.0 + 0.4 * f64::unit_from_bits(rng.next_u64());
        let loss = (3.0 + (arm as f64 - best).abs()) * noise;
        tuner.learn(loss);
        weight.iter_mut().for_each(|w| *w *= discount);
        deviations = (deviations.0 * discount, deviations.1 * discount);
        if weight[arm] > 0.0 {
            let relative = (loss - mean[arm]) / mean[arm];
            deviations.0 += relative * relative * weight[arm] / (weight[arm] + 1.0);
            deviations.1 += 1.0;
            weight[arm] += 1.0;
            mean[arm] += (loss - mean[arm]) / weight[arm];
        } else {
            (mean[arm], weight[arm]) = (loss, 1.0);
        }
        let known: Vec<f64> =
            (0..ARMS).map(|i| if weight[i] > 0.0 { mean[i] } else { f64::INFINITY }).collect();
        leader = least(&known);
        assert_eq!(tuner.incumbent(), leader, "γ {discount}, κ {caution}, round {round}");
    }
}

#[test]
fn a_walk_follows_its_definition() {
    for (discount, caution) in [(1.0, 1.0), (0.98, 1.0), (0.9, 1.5), (0.95, 0.0), (1.0, 0.3), (0.5, 1.0)] {
        for seed in 1..4 {
            walk_follows_its_definition(discount, caution, seed);
        }
    }
}

fn probabilities_follow_their_definition(discount: f64) {
    const ARMS: usize = 4;
    const FEATURES: usize = 3;
    let (lower, upper) = (2.0, 6.0);
    let mut tuner =
        ChebCb::<f64, ARMS, FEATURES>::new(lower, upper, ChebOptions { discount }).expect("sound");
    let m = FEATURES as f64;
    let spread = 2.0 + 4.0 * (1.0 + m.ln());
    let lebesgue = core::f64::consts::PI + 2.0 / core::f64::consts::PI * (2.0 * m + 1.0).ln();
    let alpha = lebesgue / (2.0 * spread * (m + 1.0));
    let mut rng = rng(9);
    let (mut rounds, mut errors, mut largest, mut tried) = (0.0, 0.0, 0.0_f64, [false; ARMS]);
    for round in 0..200 {
        let context = lower + (upper - lower) * f64::unit_from_bits(rng.next_u64());
        let predictions: Vec<f64> = (0..ARMS).map(|arm| tuner.predict(arm, context)).collect();
        let arm = tuner.choose(context, &mut rng);
        let scale = if largest > 0.0 { largest * spread } else { 1.0 };
        let all = errors / scale / scale + 2.0 * alpha * alpha * rounds;
        let rate = if all > 0.0 { 2.0 * rounds * (ARMS as f64 * rounds / all).sqrt() } else { 0.0 };
        let best = (0..ARMS).fold(0, |at, i| if predictions[i] < predictions[at] { i } else { at });
        let share = |i: usize| 1.0 / (ARMS as f64 + rate * (predictions[i] - predictions[best]) / scale);
        let others: f64 = (0..ARMS).filter(|&i| i != best).map(share).sum();
        for (i, &p) in tuner.probabilities().iter().enumerate() {
            let expected = if i == best { 1.0 - others } else { share(i) };
            assert!((p - expected).abs() < 1e-9, "round {round}, arm {i}: {p} {expected}");
        }
        let known = (0..ARMS).filter(|&i| tried[i]).fold(None, |at: Option<usize>, i| match at {
            Some(at) if predictions[at] <= predictions[i] => Some(at),
            _ => Some(i),
        });
        assert_eq!(tuner.incumbent(), known.unwrap_or(0), "round {round}");
        let loss = 1.0 + (arm as f64 - context).powi(2) * f64::unit_from_bits(rng.next_u64());
        tuner.learn(loss);
        tried[arm] = true;
        rounds = rounds * discount + 1.0;
        errors = errors * discount + (predictions[arm] - loss).powi(2);
        largest = loss.max(largest * discount);
    }
}

#[test]
fn the_probabilities_of_cheb_cb_follow_their_definition() {
    probabilities_follow_their_definition(1.0);
    probabilities_follow_their_definition(0.95);
}

/// A parabola on a range that is not the unit one, and clamped beyond its ends.
#[test]
fn a_context_is_read_within_its_range() {
    let mut tuner = ChebCb::<f64, 1, 3>::new(2.0, 6.0, ChebOptions::default()).expect("sound");
    let loss = |c: f64| 20.0 + (c - 3.0) * (c - 5.5);
    for round in 0..40 {
        let context = 2.0 + f64::from(round) / 10.0;
        tuner.choose_with(context, 0);
        tuner.learn(loss(context));
    }
    for context in [2.0, 2.7, 4.0, 5.9, 6.0] {
        assert!((tuner.predict(0, context) - loss(context)).abs() < 1e-9, "{context}");
    }
    assert_eq!(tuner.predict(0, -9.0), tuner.predict(0, 2.0));
    assert_eq!(tuner.predict(0, 9.0), tuner.predict(0, 6.0));
}

/// One tuner a bin, and nothing else.
#[test]
fn a_binned_tuner_is_as_many_tuners() {
    let options = TsallisOptions { trial_cap: Some(2.5), ..TsallisOptions::default() };
    let mut binned = BinnedTsallisInf::<f64, 5, 3>::new(2.0, 8.0, options).expect("sound");
    let one = || TsallisInf::<f64, 5>::new(options).expect("sound");
    let mut apart = [one(), one(), one()];
    let mut rng = rng(4);
    for round in 0..600 {
        let context = 1.0 + 8.0 * f64::unit_from_bits(rng.next_u64());
        let bin = [4.0, 6.0].iter().filter(|&&edge| context > edge).count();
        let word = rng.next_u64();
        let arm = binned.choose_with(context, word);
        assert_eq!(arm, apart[bin].choose_with(context, word), "round {round}");
        assert_eq!(binned.probabilities(), apart[bin].probabilities(), "round {round}");
        let loss = 2.0 + (arm as f64 - 2.0 * bin as f64).abs();
        binned.learn(loss);
        apart[bin].learn(loss);
        assert_eq!(binned.incumbent(), apart[bin].incumbent(), "round {round}");
        assert_eq!(binned.budget(), apart[bin].budget(), "round {round}");
    }
    let incumbents = apart.each_ref().map(|tuner| tuner.incumbent());
    assert_eq!(incumbents, [0, 2, 4], "they have learnt different things");
    assert_eq!(binned.arms(), 5);
}
