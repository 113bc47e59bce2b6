//! Calibration of a magnetometer of which three samples in ten are grossly wrong.

use crate::common::cast;
use crate::common::draws::Stream;
use southwell::subgradient::calibration::{Calibration, Ellipsoid, Options, Problem, REQUIRED_LEN, solve};
use southwell::subgradient::method::{self, Ending};
use southwell::subgradient::step::Geometric;
use southwell::subgradient::{self, Function, Oracle, Table};
use southwell::{Error, Real};

const FIELD: f64 = 50.0;
const SOFT_IRON: [[f64; 3]; 3] = [[1.10, 0.05, -0.03], [0.05, 0.95, 0.04], [-0.03, 0.04, 1.02]];
const OFFSET: [f64; 3] = [12.0, -8.0, 20.0];

#[derive(Clone, Copy)]
enum Wrong {
    /// One axis by 50 to 200 µT.
    Spike,
    /// All axes, normal of 40 µT.
    Cloud,
}

/// `n` samples, and how many of them are wrong.
fn sense(seed: u64, n: usize, share: f64, wrong: Wrong) -> (Vec<f64>, usize) {
    let stream = |tag| Stream::new(seed, tag);
    let (direction, noise, hit, cloud, spike) = (stream(11), stream(12), stream(13), stream(14), stream(15));
    let (mut samples, mut count) = (Vec::new(), 0);
    for i in 0..n {
        let g: Vec<f64> = (0..3).map(|j| direction.normal(3 * i + j)).collect();
        let size = crate::common::norm(&g);
        let mut x: Vec<f64> = (0..3)
            .map(|a| {
                let field: f64 = (0..3).map(|j| SOFT_IRON[a][j] * FIELD * g[j] / size).sum();
                field + OFFSET[a] + 0.3 * noise.normal(3 * i + a)
            })
            .collect();
        if hit.uniform(i) < share {
            count += 1;
            match wrong {
                Wrong::Spike => {
                    let axis = (3.0 * spike.uniform(3 * i)) as usize;
                    let size = 50.0 + 150.0 * spike.uniform(3 * i + 2);
                    x[axis] += if spike.uniform(3 * i + 1) < 0.5 { size } else { -size };
                }
                Wrong::Cloud => {
                    x.iter_mut().enumerate().for_each(|(j, x)| *x += 40.0 * cloud.normal(3 * i + j));
                }
            }
        }
        samples.extend(x);
    }
    (samples, count)
}

fn calibrate<T: Real>(samples: &[f64], options: &Options<T>) -> Calibration<T> {
    let samples = cast::<T>(samples);
    let table = Table::new(&samples, samples.len() / 3, 3).expect("samples");
    let problem = Problem::new(table, T::from_f64(FIELD)).expect("a problem");
    solve(&problem, options, &mut [T::NAN; REQUIRED_LEN], &mut ()).expect("sound")
}

/// Four hundred steps, as the published figures were made.
fn patient<T: Real>() -> Options<T> {
    Options { ending: Ending::after(400), ratio: T::from_f64(0.97), ..Options::default() }
}

/// ‖b̂ − b‖ in µT, ‖Ŝ − S‖_F.
fn errors<T: Real>(found: &Calibration<T>) -> (f64, f64) {
    let square = |x: f64| x * x;
    let offset: f64 = found.offset.iter().zip(OFFSET).map(|(b, o)| square(b.to_f64() - o)).sum();
    let pairs = found.soft_iron.iter().flatten().zip(SOFT_IRON.iter().flatten());
    let soft: f64 = pairs.map(|(s, t)| square(s.to_f64() - t)).sum();
    (offset.sqrt(), soft.sqrt())
}

#[test]
fn the_data_are_those_of_the_published_construction() {
    let (samples, wrong) = sense(1, 200, 0.3, Wrong::Spike);
    let expected = [-1.901572, 2.776936, -25.791791, 32.790078, -45.886688, 36.878971];
    assert!(samples.iter().zip(expected).all(|(x, e)| (x - e).abs() < 1e-6), "{:?}", &samples[..6]);
    assert_eq!(wrong, 62);
}

#[test]
fn spikes_on_a_third_of_the_samples_hardly_matter() {
    for (seed, offset, soft) in [(1, 0.0725, 0.0072), (2, 0.1735, 0.0075), (3, 0.1775, 0.0057)] {
        let (samples, wrong) = sense(seed, 200, 0.3, Wrong::Spike);
        let double = errors(&calibrate::<f64>(&samples, &patient()));
        assert!(double.0 <= offset && double.1 <= soft, "{seed}: {double:?}");
        let single = errors(&calibrate::<f32>(&samples, &patient()));
        assert!(single.0 <= 1.01 * offset && single.1 <= 1.01 * soft, "{seed}: {single:?}");
        // A hundred steps, as a microcontroller takes them.
        let quick = errors(&calibrate::<f32>(&samples, &Options::default()));
        assert!(quick.0 <= 1.05 * offset && quick.1 <= 1.05 * soft, "{seed}: {quick:?}");
        let found = calibrate::<f64>(&samples, &patient());
        assert!(found.agreeing <= 200 - wrong + 6 && found.agreeing >= 190 - wrong, "{found:?}");
        assert!(found.deviation < 0.7, "{found:?}");
        // A clean sample comes out with the length of the field.
        let length = crate::common::norm(&found.apply([samples[0], samples[1], samples[2]]));
        assert!((length - FIELD).abs() < 2.0, "{length}");
    }
    let (samples, _) = sense(1, 200, 0.3, Wrong::Spike);
    let value = calibrate::<f64>(&samples, &patient()).outcome.value;
    assert!((value - 0.108670).abs() < 1e-6, "{value}");
}

#[test]
fn thirty_seeds_of_spikes_and_of_clouds() {
    for (wrong, middle, worst) in [(Wrong::Spike, 0.0875, 0.1825), (Wrong::Cloud, 0.0915, 0.2555)] {
        let found = |seed| errors(&calibrate::<f64>(&sense(seed, 200, 0.3, wrong).0, &patient())).0;
        let mut all: Vec<f64> = (1..=30).map(found).collect();
        all.sort_by(f64::total_cmp);
        let median = 0.5 * (all[14] + all[15]);
        assert!(median <= middle && all[29] <= worst, "{median} {}", all[29]);
    }
    for (seed, offset, soft) in [(1, 0.0610, 0.0086), (2, 0.1325, 0.0070), (3, 0.2105, 0.0050)] {
        let found = errors(&calibrate::<f64>(&sense(seed, 200, 0.3, Wrong::Cloud).0, &patient()));
        assert!(found.0 <= offset && found.1 <= soft, "{seed}: {found:?}");
    }
}

#[test]
fn the_slope_is_that_of_the_value() {
    let (samples, _) = sense(2, 60, 0.2, Wrong::Cloud);
    let problem = Problem::new(Table::new(&samples, 60, 3).expect("samples"), FIELD).expect("a problem");
    let mut oracle = Ellipsoid::new(&problem);
    let mut x = [1.1, 0.1, 0.0, 0.1, 0.9, -0.2, 0.0, -0.2, 1.0, 0.05, -0.1, 0.2];
    let (mut g, mut other) = ([0.0; 12], [0.0; 12]);
    oracle.value_and_subgradient(&x, &mut g);
    for k in 0..12 {
        // Off the diagonal W changes on both sides; the slope there is spread over the two.
        let twin = if k < 9 { k % 3 * 3 + k / 3 } else { k };
        let before = x;
        let mut at = |h: f64| {
            x = before;
            x[k] += h;
            if twin != k {
                x[twin] += h;
            }
            oracle.value_and_subgradient(&x, &mut other)
        };
        let slope = (at(1e-7) - at(-1e-7)) / 2e-7;
        let expected = if twin == k { g[k] } else { g[k] + g[twin] };
        assert!((slope - expected).abs() < 1e-6, "{k}: {slope} {expected}");
        x = before;
    }
}

#[test]
fn clean_samples_and_samples_that_say_nothing() {
    let (samples, _) = sense(4, 200, 0.0, Wrong::Spike);
    let (offset, soft) = errors(&calibrate::<f64>(&samples, &patient()));
    assert!(offset < 0.2 && soft < 0.01, "{offset} {soft}");
    let table = |samples: &'static [f64], columns: usize| {
        Table::new(samples, samples.len() / columns, columns).expect("a table")
    };
    let same = crate::common::leak(vec![1.0; 60]);
    assert!(matches!(Problem::new(table(same, 3), FIELD), Err(Error::Option { name: "samples", .. })));
    assert!(matches!(
        Problem::new(table(same, 2), FIELD),
        Err(Error::Dimension { expected: 3, given: 2, .. })
    ));
    assert!(matches!(Problem::new(table(&same[..24], 3), FIELD), Err(Error::Option { name: "samples", .. })));
    let samples = crate::common::leak(samples);
    for field in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Problem::new(table(samples, 3), field), Err(Error::Option { name: "field", .. })));
    }
    let problem = Problem::new(table(samples, 3), FIELD).expect("a problem");
    let short = solve(&problem, &Options::default(), &mut [0.0; REQUIRED_LEN - 1], &mut ());
    assert!(matches!(short, Err(Error::Workspace { needed: 36, given: 35 })));
}

/// Value, agreement and deviation again, from the correction alone: rotations cannot be seen in lengths.
#[test]
fn what_is_reported_is_that_of_the_samples() {
    let middle = |mut x: Vec<f64>| {
        x.sort_by(f64::total_cmp);
        0.5 * (x[(x.len() - 1) / 2] + x[x.len() / 2])
    };
    for (seed, n, wrong) in [(1, 80, Wrong::Spike), (5, 61, Wrong::Cloud), (7, 9, Wrong::Spike)] {
        let (samples, _) = sense(seed, n, 0.25, wrong);
        let problem = Problem::new(Table::new(&samples, n, 3).expect("samples"), FIELD).expect("a problem");
        let centre = [0, 1, 2].map(|k| middle(samples.iter().skip(k).step_by(3).copied().collect()));
        let from = |x: &[f64], c: &[f64; 3]| [x[0] - c[0], x[1] - c[1], x[2] - c[2]];
        let spread = middle(samples.chunks(3).map(|x| crate::common::norm(&from(x, &centre))).collect());
        assert_eq!(problem.robust_centre().0, centre);
        assert!((problem.robust_centre().1 - spread).abs() < 1e-12);
        let options = Options { ending: Ending::after(40), ..Options::default() };
        let found = calibrate::<f64>(&samples, &options);
        let (s, c) = (found.soft_iron, found.correction);
        for (i, j) in (0..9).map(|k| (k / 3, k % 3)) {
            let product: f64 = (0..3).map(|k| s[i][k] * c[k][j]).sum();
            assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12, "{s:?} {c:?}");
            assert!((c[i][j] - c[j][i]).abs() < 1e-13 && (s[i][j] - s[j][i]).abs() < 1e-13);
        }
        // Positive definite, by its leading minors.
        let two = s[0][0] * s[1][1] - s[0][1] * s[1][0];
        let three = (0..3).map(|j| {
            let (k, l) = ((j + 1) % 3, (j + 2) % 3);
            s[0][j] * (s[1][k] * s[2][l] - s[1][l] * s[2][k])
        });
        assert!(s[0][0] > 0.0 && two > 0.0 && three.sum::<f64>() > 0.0, "{s:?}");
        let (mut value, mut total, mut errors) = (0.0, 0.0, vec![]);
        for x in samples.chunks(3) {
            let q = from(x, &centre).map(|x| x / spread);
            let weight = 1.0 / q.iter().map(|q| q * q).sum::<f64>().max(1.0);
            let off = from(x, &found.offset);
            let calibrated = [0, 1, 2].map(|i| (0..3).map(|k| c[i][k] * off[k]).sum::<f64>());
            let applied = found.apply([x[0], x[1], x[2]]);
            assert!((0..3).all(|k| (applied[k] - calibrated[k]).abs() < 1e-12));
            let error = (crate::common::norm(&calibrated) - FIELD).abs();
            value += weight * error / FIELD;
            total += weight;
            errors.push(error);
        }
        assert!((found.outcome.value - value / total).abs() < 1e-12, "{seed}: {found:?} {}", value / total);
        assert_eq!(found.outcome.lower_bound, 0.0, "a sum of losses");
        let deviation = 1.4826 * middle(errors.clone());
        assert!((found.deviation - deviation).abs() < 1e-11, "{seed}: {found:?} {deviation}");
        let near = errors.iter().filter(|&&error| error <= 4.0 * deviation).count();
        assert_eq!(found.agreeing, near, "{seed}");
        assert!(near < n, "some do not agree");
    }
    let (samples, _) = sense(1, 80, 0.25, Wrong::Spike);
    let problem = Problem::new(Table::new(&samples, 80, 3).expect("samples"), FIELD).expect("a problem");
    // A run ends as it is told: at a value, or without progress.
    let all = calibrate::<f64>(&samples, &patient());
    let target = Ending { target: 1.5 * all.outcome.value, ..patient().ending };
    let early = calibrate::<f64>(&samples, &Options { ending: target, ..patient() });
    assert_eq!(early.outcome.report.status, southwell::Status::Converged);
    assert!(early.outcome.report.steps < 100 && early.outcome.value <= target.target, "{early:?}");
    for (length, ratio, named) in [(0.0, 0.9, "length"), (0.3, 1.0, "ratio"), (0.3, 0.0, "ratio")] {
        let options = Options { length, ratio, ..Options::default() };
        let refused = solve(&problem, &options, &mut [0.0; REQUIRED_LEN], &mut ());
        assert!(matches!(refused, Err(Error::Option { name, .. }) if name == named), "{refused:?}");
    }
}

/// On a sphere about the centre nothing pulls, and a sample off it pulls alone.
#[test]
fn a_sphere_has_no_slope() {
    let mut samples: Vec<f64> = (0..12)
        .flat_map(|i| {
            [0, 1, 2].map(|k| {
                if k != i % 3 {
                    0.0
                } else if i < 6 {
                    2.0
                } else {
                    -2.0
                }
            })
        })
        .collect();
    let slope = |samples: &[f64]| {
        let problem = Problem::new(Table::new(samples, 12, 3).expect("samples"), FIELD).expect("a problem");
        assert_eq!(problem.robust_centre(), ([0.0; 3], 2.0));
        let mut g = [f64::NAN; 12];
        let value = Ellipsoid::new(&problem)
            .value_and_subgradient(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &mut g);
        (value, g)
    };
    assert_eq!(slope(&samples), (0.0, [0.0; 12]));
    samples[0] = 4.0;
    // It lies at (2, 0, 0) and weighs a quarter, the eleven others 1.
    let (value, g) = slope(&samples);
    let share = 0.25 / 11.25;
    let mut expected = [0.0; 12];
    (expected[0], expected[9]) = (2.0 * share, -share);
    assert!((value - share).abs() < 1e-15);
    assert!(g.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-15), "{g:?}");
}

/// Beacons on the edge of a square of ten metres.
const BEACONS: [[f64; 2]; 8] =
    [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [5.0, 0.0], [10.0, 5.0], [5.0, 10.0], [0.0, 5.0]];

/// Where trial k is, and the distances that `count` beacons say, a share of them late echoes.
fn ranges(k: usize, count: usize, share: f64) -> ([f64; 2], Vec<f64>) {
    let stream = |tag| Stream::new(1, tag);
    let x = [0, 1].map(|j| 1.0 + 8.0 * stream(41).uniform(2 * k + j));
    let range = |i: usize| {
        let [a, b] = BEACONS[i % 8];
        let n = k * count + i;
        let late = if stream(43).uniform(n) < share { 1.0 + 4.0 * stream(44).uniform(n) } else { 0.0 };
        (x[0] - a).hypot(x[1] - b) + 0.05 * stream(42).normal(n) + late
    };
    (x, (0..count).map(range).collect())
}

/// The position by least absolute deviations of the distances, and their sum.
fn position(ranges: &[f64]) -> ([f64; 2], f64) {
    let oracle = Function::new(2, |x: &[f64], g: &mut [f64]| {
        g.fill(0.0);
        let mut sum = 0.0;
        for (&[a, b], &range) in BEACONS.iter().cycle().zip(ranges) {
            let (dx, dy) = (x[0] - a, x[1] - b);
            let distance = dx.hypot(dy);
            let off = distance - range;
            sum += off.abs();
            if off != 0.0 && distance > 0.0 {
                let sign = off.signum() / distance;
                g[0] += sign * dx;
                g[1] += sign * dy;
            }
        }
        sum
    });
    let problem = subgradient::Problem::new(oracle, ()).expect("sound");
    let mut memory = [f64::NAN; 16];
    let workspace = method::Workspace::new(&problem, false, &mut memory).expect("long enough");
    let options = method::Options { ending: Ending::after(150), scale: 1.0, ..method::Options::default() };
    let mut x = [5.0, 5.0];
    let found = method::solve(problem, &options, Geometric::new(2.0, 0.95), &mut x, workspace, &mut ());
    (x, found.expect("sound").value)
}

/// The general method on a function of one's own: medians and 95 % points of the errors of 300 positions in metres, from
/// distances of which some are late echoes.
#[test]
fn positions_from_distances() {
    let (x, distances) = ranges(0, 8, 0.3);
    assert!((x[0] - 4.159_060_6).abs() < 1e-6 && (distances[0] - 5.051_751_35).abs() < 1e-7);
    let (found, value) = position(&distances);
    assert!((value - 4.269_114_28).abs() < 1e-4 && (found[0] - 4.2369).abs() < 1e-2, "{found:?} {value}");
    let figures = [
        (8, 0.0, 0.034, 0.075),
        (8, 0.1, 0.039, 0.093),
        (8, 0.2, 0.046, 2.05),
        (8, 0.3, 0.060, 3.8),
        (8, 0.4, 0.080, 4.3),
        (16, 0.0, 0.025, 0.053),
        (16, 0.1, 0.028, 0.064),
        (16, 0.2, 0.033, 0.075),
        (16, 0.3, 0.040, 0.149),
        (16, 0.4, 0.056, 3.45),
    ];
    for (count, share, median, most) in figures {
        let mut errors: Vec<f64> = (0..300)
            .map(|k| {
                let (x, distances) = ranges(k, count, share);
                let (found, _) = position(&distances);
                (found[0] - x[0]).hypot(found[1] - x[1])
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        // Between the order statistics at 0.5 and 0.95 of the way.
        let (middle, high) =
            (0.5 * (errors[149] + errors[150]), errors[284] + 0.05 * (errors[285] - errors[284]));
        assert!(middle <= 1.05 * median && high <= 1.05 * most, "{count} {share}: {middle} {high}");
    }
}
