//! A million rounds in `f32` against `f64`, and ChebCB against least squares by other means.

use super::*;

const MILLION: u32 = 1_000_000;

/// The loss of an arm: 20 at arm 3, more with the distance from it, and noise of ±2.
fn noisy_loss(arm: usize, rng: &mut impl Rng) -> f64 {
    (20.0 + 1.5 * arm.abs_diff(3) as f64 + 4.0 * f64::unit_from_bits(rng.next_u64()) - 2.0).round()
}

#[test]
fn tsallis_inf_keeps_its_precision_over_a_million_rounds() {
    const D: usize = 8;
    let (mut wide, mut narrow) = (tsallis::<f64, D>(), tsallis::<f32, D>());
    let mut rng = rng(21);
    let mut worst = 0.0_f64;
    for round in 1..=MILLION {
        let arm = wide.choose(0.0, &mut rng);
        if round % 1000 == 0 {
            narrow.prepare();
            // Newton leaves Σp right to d ε, so x to ½ d^{3/2} ε, and p to (d^{3/2} + 6) ε. The weighted
            // losses ℓ/p are rounded to 2 ε each, so k̂ is off by at most 2 ε t S, which is ε √t of the
            // distance 2 S/η = S √t from the pole, twice; p follows the square of that distance.
            let bound =
                ((D as f64).powf(1.5) + 6.0 + 4.0 * f64::from(round).sqrt()) * f64::from(f32::EPSILON);
            for (&p, &q) in wide.probabilities().iter().zip(narrow.probabilities()) {
                worst = worst.max((f64::from(q) / p - 1.0).abs() / bound);
            }
        }
        // Own weights would amplify any difference t-fold, since these draws do not answer to them.
        narrow.imitate(arm, wide.probabilities());
        let loss = noisy_loss(arm, &mut rng);
        wide.learn(loss);
        narrow.learn(loss as f32);
    }
    assert!(worst <= 1.0, "{worst} of the bound");
    assert_eq!((wide.incumbent(), narrow.incumbent()), (3, 3));
}

/// Plays a million rounds; returns the mean loss above the best arm's in the last half.
fn late_regret<T: Real>(seed: u64) -> f64 {
    let mut tuner = tsallis::<T, 8>();
    let mut rng = rng(seed);
    let mut regret = 0.0;
    for round in 0..MILLION {
        let arm = tuner.choose(T::ZERO, &mut rng);
        regret += if round >= MILLION / 2 { arm.abs_diff(3) as f64 } else { 0.0 };
        tuner.learn(T::from_f64(noisy_loss(arm, &mut rng)));
    }
    regret / f64::from(MILLION / 2)
}

#[test]
fn tsallis_inf_plays_as_well_in_f32_as_in_f64() {
    let (wide, narrow) = (late_regret::<f64>(24), late_regret::<f32>(24));
    assert!(narrow < 1.3 * wide && wide < 1.3 * narrow && wide < 0.02, "{wide} {narrow}");
}

#[test]
fn cheb_cb_keeps_its_precision_over_a_million_rounds() {
    let (mut wide, mut narrow) = (cheb::<f64, 2, 3>(), cheb::<f32, 2, 3>());
    let mut rng = rng(22);
    for _ in 0..MILLION {
        let context = f64::from(f32::unit_from_bits(rng.next_u64()));
        let predictions = wide.prepare(context);
        let arm = draw(wide.probabilities(), rng.next_u64());
        wide.settle(arm, &predictions);
        let predictions = narrow.prepare(context as f32);
        narrow.settle(arm, &predictions);
        let loss = noisy_loss(arm + 2, &mut rng) * (1.0 + context * context);
        wide.learn(loss);
        narrow.learn(loss as f32);
    }
    for arm in 0..2 {
        for step in 0..=10 {
            let context = f64::from(step) / 10.0;
            let (exact, got) = (wide.predict(arm, context), narrow.predict(arm, context as f32));
            // Rounded moments (6 of them) and right-hand sides, times the condition number of the
            // normal equations: below 10 for contexts all over the range.
            let bound = 100.0 * f64::from(f32::EPSILON) * exact;
            assert!((exact - f64::from(got)).abs() < bound, "{arm} {context}: {exact} {got}");
        }
    }
}

#[test]
fn unimodal_keeps_its_precision_over_a_million_rounds() {
    let (mut wide, mut narrow) = (unimodal::<f64, 8, 1>(), unimodal::<f32, 8, 1>());
    let mut rng = rng(23);
    for _ in 0..MILLION {
        let arm = wide.choose_with(0.0, 0);
        narrow.prepare(0.0);
        narrow.settle(arm);
        let loss = noisy_loss(arm, &mut rng);
        wide.learn(loss);
        narrow.learn(loss as f32);
    }
    assert_eq!((wide.incumbent(), narrow.incumbent()), (3, 3));
    let (exact, got) = (wide.budget().expect("a cap"), narrow.budget().expect("a cap"));
    // Each update rounds (ℓ − μ)/w to ε: Σ ε |ℓ − μ|/w ≤ ε · 4 · ln 10⁶, and a mean loss is 20.
    assert!((f64::from(got) / exact - 1.0).abs() < 4.0 * f64::from(f32::EPSILON), "{exact} {got}");
}

/// T₀ … T_{M−1} by their definition.
fn chebyshev<const M: usize>(context: f64) -> [f64; M] {
    core::array::from_fn(|j| (j as f64 * (2.0 * context - 1.0).clamp(-1.0, 1.0).acos()).cos())
}

/// The coefficients of a prediction, from its values at Chebyshev's nodes.
fn coefficients<const M: usize>(tuner: &ChebCb<f64, 1, M>) -> [f64; M] {
    core::array::from_fn(|j| {
        let values = (0..M).map(|k| {
            let angle = core::f64::consts::PI * (k as f64 + 0.5) / M as f64;
            tuner.predict(0, (angle.cos() + 1.0) / 2.0) * (j as f64 * angle).cos()
        });
        values.sum::<f64>() * if j == 0 { 1.0 } else { 2.0 } / M as f64
    })
}

/// Least squares in a box by trying every set of active bounds, on the history itself.
fn box_least_squares<const M: usize>(data: &[(f64, f64)], bounds: &[f64; M]) -> f64 {
    let rows: Vec<([f64; M], f64)> = data.iter().map(|&(c, loss)| (chebyshev(c), loss)).collect();
    let mut best = f64::INFINITY;
    for code in 0..3_usize.pow(M as u32) {
        let state: [usize; M] = core::array::from_fn(|j| code / 3_usize.pow(j as u32) % 3);
        let mut theta: [f64; M] = core::array::from_fn(|j| [0.0, -bounds[j], bounds[j]][state[j]]);
        let free: Vec<usize> = (0..M).filter(|&j| state[j] == 0).collect();
        // Modified Gram-Schmidt of the free columns, the rest of the losses as right-hand side.
        let mut rest: Vec<f64> =
            rows.iter().map(|(phi, loss)| loss - (0..M).map(|j| phi[j] * theta[j]).sum::<f64>()).collect();
        let mut columns: Vec<Vec<f64>> =
            free.iter().map(|&j| rows.iter().map(|(phi, _)| phi[j]).collect()).collect();
        let n = columns.len();
        let (mut r, mut y) = (std::vec![std::vec![0.0; n]; n], std::vec![0.0; n]);
        for k in 0..n {
            let norm = columns[k].iter().map(|v| v * v).sum::<f64>().sqrt();
            r[k][k] = norm;
            columns[k].iter_mut().for_each(|v| *v /= norm);
            let pivot = columns[k].clone();
            for l in k + 1..n {
                r[k][l] = pivot.iter().zip(&columns[l]).map(|(a, b)| a * b).sum();
                let factor = r[k][l];
                columns[l].iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
            }
            y[k] = pivot.iter().zip(&rest).map(|(a, b)| a * b).sum();
            let factor = y[k];
            rest.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
        }
        for k in (0..n).rev() {
            let sum: f64 = (k + 1..n).map(|l| r[k][l] * theta[free[l]]).sum();
            theta[free[k]] = (y[k] - sum) / r[k][k];
        }
        if free.iter().all(|&j| theta[j].abs() <= bounds[j] * (1.0 + 1e-9)) {
            best = best.min(rest.iter().map(|v| v * v).sum());
        }
    }
    best
}

#[test]
fn with_one_arm_cheb_cb_is_least_squares_in_a_box() {
    const M: usize = 4;
    let mut held = 0;
    for case in 0..40 {
        let mut rng = rng(100 + case);
        let mut unit = || f64::unit_from_bits(rng.next_u64());
        let mut tuner = cheb::<f64, 1, M>();
        let mut data = Vec::new();
        // Contexts close together and noise: without the box the fit would swing wildly.
        let width = 0.3 + 0.7 * unit();
        for _ in 0..12 {
            let (context, loss) = (0.1 + 0.8 * width * unit(), 5.0 + 20.0 * unit());
            tuner.choose_with(context, 0);
            tuner.learn(loss);
            data.push((context, loss));
        }
        let largest = data.iter().fold(0.0, |largest: f64, &(_, loss)| largest.max(loss));
        let bounds: [f64; M] =
            core::array::from_fn(|j| if j == 0 { largest } else { 2.0 * largest / j as f64 });
        let theta = coefficients(&tuner);
        assert!(theta.iter().zip(&bounds).all(|(t, b)| t.abs() <= b * (1.0 + 1e-9)), "{theta:?}");
        held += u32::from(theta.iter().zip(&bounds).any(|(t, b)| t.abs() > b * (1.0 - 1e-9)));
        let objective: f64 = data.iter().map(|&(c, loss)| (tuner.predict(0, c) - loss).powi(2)).sum();
        let best = box_least_squares(&data, &bounds);
        assert!((objective - best).abs() <= 1e-6 * best, "case {case}: {objective} {best}");
    }
    assert!((5..35).contains(&held), "the box was active in {held} of 40 cases");
}

#[test]
fn a_larger_loss_elsewhere_widens_the_box_of_an_arm() {
    const M: usize = 4;
    let mut tuner = cheb::<f64, 2, M>();
    let data = [(0.4, 9.0), (0.45, 1.0), (0.5, 8.0), (0.55, 2.0), (0.6, 9.0)];
    for (context, loss) in data {
        let predictions = tuner.prepare(context);
        tuner.settle(0, &predictions);
        tuner.learn(loss);
    }
    let objective = |tuner: &ChebCb<f64, 2, M>| -> f64 {
        data.iter().map(|&(c, loss)| (tuner.predict(0, c) - loss).powi(2)).sum()
    };
    for largest in [9.0, 20.0, 1e6] {
        let predictions = tuner.prepare(0.0);
        tuner.settle(1, &predictions);
        tuner.learn(largest);
        let bounds: [f64; M] = core::array::from_fn(|j| largest * if j == 0 { 1.0 } else { 2.0 / j as f64 });
        let best = box_least_squares(&data, &bounds);
        assert!((objective(&tuner) - best).abs() < 1e-6 * best, "{largest}: {} {best}", objective(&tuner));
    }
}

#[test]
fn a_discount_weighs_old_losses_less() {
    let mut tuner = ChebCb::<f64, 1, 1>::new(0.0, 1.0, ChebOptions { discount: 0.5 }).expect("sound");
    for loss in [1.0, 3.0] {
        tuner.choose_with(0.5, 0);
        tuner.learn(loss);
    }
    assert!((tuner.predict(0, 0.5) - (0.5 + 3.0) / 1.5).abs() < 1e-15);
}

#[test]
fn cheb_cb_reproduces_polynomials() {
    let loss = |arm: usize, c: f64| 30.0 + arm as f64 * (2.0 + c) + 6.0 * (c - 0.4) * (c - 0.9) * (c + 0.3);
    let mut tuner = cheb::<f64, 3, 4>();
    let mut rng = rng(31);
    for round in 0..60 {
        let context = f64::unit_from_bits(rng.next_u64());
        let predictions = tuner.prepare(context);
        tuner.settle(round % 3, &predictions);
        tuner.learn(loss(round % 3, context));
    }
    for arm in 0..3 {
        for step in 0..=20 {
            let context = f64::from(step) / 20.0;
            let got = tuner.predict(arm, context);
            assert!((got - loss(arm, context)).abs() < 1e-9, "{arm} {context}: {got}");
        }
    }
}

#[test]
fn cheb_cb_tries_every_arm_before_it_compares() {
    let mut tuner = cheb::<f64, 5, 3>();
    let mut rng = rng(32);
    let mut tried = [false; 5];
    for round in 0..60 {
        let context = f64::unit_from_bits(rng.next_u64());
        tried[tuner.choose(context, &mut rng)] = true;
        if round == 0 {
            assert!(tuner.probabilities().iter().all(|p| (p - 0.2).abs() < 1e-15));
        }
        tuner.learn(10.0);
    }
    assert_eq!(tried, [true; 5]);
    assert_eq!(tuner.predict(9, 0.5), 0.0, "an arm that does not exist");
}

#[test]
fn a_walk_starts_where_it_is_told_and_carries_its_shift_to_new_bins() {
    let mut tuner =
        Unimodal::<f64, 20, 4>::new(0.0, 1.0, |c| (c * 16.0) as usize, UnimodalOptions::default())
            .expect("sound");
    // The centres are 1/8, 3/8 …: starts 2, 6, 10, 14. The best arm lies 3 above the start.
    for _ in 0..30 {
        let arm = tuner.choose_with(0.4, 0);
        tuner.learn(10.0 + 2.0 * arm.abs_diff(9) as f64);
    }
    assert_eq!(tuner.incumbent(), 9);
    assert_eq!(tuner.choose_with(0.6, 0), 13);
    assert_eq!(tuner.choose_with(0.1, 0), 5);
    assert_eq!(tuner.choose_with(0.9, 0), 17);
    // It never looks beyond the start, where the cost rises already.
    let mut farthest = 0;
    for _ in 0..500 {
        let arm = tuner.choose_with(0.9, 0);
        farthest = farthest.max(arm);
        tuner.learn(10.0 + 2.0 * arm.abs_diff(16) as f64);
    }
    assert_eq!((tuner.incumbent(), farthest), (16, 17));
}
