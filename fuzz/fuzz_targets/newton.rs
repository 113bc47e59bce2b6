//! Newton's method on small transport problems, sparse and dense: the report tells the truth about the
//! potentials that are left, whatever the problem, the budget and the moment at which the run ends.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::transport::{DenseCost, Potentials, Problem, newton};
use southwell::{Error, Real, Report, Status, Stop};
use southwell_fuzz::bits;
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    dense: bool,
    rows: u8,
    columns: u8,
    entries: u8,
    /// Costs and weights, cycled; a weight below 64 is 0.
    costs: Vec<u8>,
    weights: Vec<u8>,
    /// 1/ε in units of the largest cost.
    inverse: u16,
    warm: Vec<i16>,
    first_steps: u8,
    max_steps: u8,
    dropped: u8,
    damping: u8,
    tolerance: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn at<T: Copy>(values: &[T], k: usize, otherwise: T) -> T {
    if values.is_empty() { otherwise } else { values[k % values.len()] }
}

fn check<T: Real>(input: &Input) {
    let (n, m) = (usize::from(input.rows % 9) + 1, usize::from(input.columns % 9) + 1);
    let cost: Vec<T> =
        (0..n * m).map(|k| T::from_f64(f64::from(at(&input.costs, k, k as u8)) / 255.0)).collect();
    let weights = |n: usize, shift: usize| {
        let weight = |k: usize| match at(&input.weights, k + shift, 255) {
            0..64 => 0.0,
            w => f64::from(w),
        };
        let mut weights: Vec<f64> = (0..n).map(weight).collect();
        weights[0] += 1.0;
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| T::from_f64(w / sum)).collect::<Vec<T>>()
    };
    let (a, b) = (weights(n, 0), weights(m, n));
    let costs = DenseCost::new(&cost, n, m, m).expect("sound costs");
    let inverse = f64::from(input.inverse % 3000) + 1.0;
    let Ok(problem) = Problem::new(&costs, &a, &b, T::from_f64(1.0 / inverse)) else { return };
    let stop = Stop {
        max_steps: u32::from(input.max_steps % 48),
        ..Stop::relative(T::from_f64(10_f64.powi(-i32::from(input.tolerance % 12) - 1)))
    };
    let options = newton::Options {
        stop,
        first_steps: u32::from(input.first_steps % 24),
        dropped: T::from_f64(f64::from(input.dropped).powi(3) / 2e7),
        damping: T::from_f64(f64::from(input.damping) / 255.0),
        cg_steps: 100,
        cg_tolerance: T::from_f64(10_f64.powi(-i32::from(input.first_steps % 8))),
    };
    let start = |n: usize, shift: usize| -> Vec<T> {
        (0..n).map(|k| T::from_f64(f64::from(at(&input.warm, k + shift, 0)) / 8192.0)).collect()
    };
    let entries = usize::from(input.entries % 96);
    let needed = if input.dense {
        newton::dense::Workspace::<T>::required_len(n, m, m)
    } else {
        newton::Workspace::<T>::required_len(n, m, m, entries)
    };
    let solve = |f: &mut [T], g: &mut [T], length: usize, dirt: T| -> Result<Report<T>, Error> {
        let mut storage = vec![dirt; length];
        let x = Potentials { f, g };
        if input.dense {
            let workspace = newton::dense::Workspace::new(&problem, &mut storage)?;
            return newton::dense::solve(&problem, &options, x, workspace, &mut ());
        }
        let mut indices = vec![u32::MAX; newton::Workspace::<T>::required_indices(n, m, entries)];
        let workspace = newton::Workspace::new(&problem, entries, &mut storage, &mut indices)?;
        newton::solve(&problem, &options, x, workspace, &mut ())
    };
    let (mut f, mut g) = (start(n, 0), start(m, n));
    let report = solve(&mut f, &mut g, needed, T::NAN).expect("sound input");

    // Finite, or −∞ where there is no mass.
    for (potential, weights) in [(&f, &a), (&g, &b)] {
        for (p, &w) in potential.iter().zip(weights) {
            assert!(if w > T::ZERO { p.is_finite() } else { *p == -T::INFINITY }, "{report:?} left {p:?}");
        }
    }
    // The residual is that of the potentials.
    let (mut rows, mut columns, mut largest) = (vec![0.0; n], vec![0.0; m], 1.0_f64);
    for i in 0..n {
        for j in 0..m {
            let (f, g, c) = (f[i].to_f64(), g[j].to_f64(), cost[i * m + j].to_f64());
            let p = ((f + g - c) * inverse).exp();
            (rows[i], columns[j]) = (rows[i] + p, columns[j] + p);
            if p > 0.0 {
                largest = largest.max(f.abs()).max(g.abs());
            }
        }
    }
    let distance = |sums: &[f64], weights: &[T]| -> f64 {
        sums.iter().zip(weights).map(|(s, w)| (s - w.to_f64()).abs()).sum()
    };
    let residual = distance(&rows, &a) + distance(&columns, &b);
    let mass: f64 = rows.iter().sum();
    let bound = 64.0 * T::EPSILON.to_f64() * (1.0 + inverse * largest) * (1.0 + mass);
    let told = report.residual.to_f64();
    if report.status != Status::NotFinite && bound < 0.1 * (1.0 + mass) {
        assert!((told - residual).abs() <= bound, "{report:?}, but {residual} ± {bound}");
    }
    match report.status {
        Status::Converged => assert!(report.residual <= stop.relative * report.scale),
        Status::StepLimit => assert_eq!(report.steps, stop.max_steps),
        Status::Stalled | Status::Breakdown | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }

    // Another instruction set and clean memory; memory that is too short.
    let (mut f2, mut g2) = (start(n, 0), start(m, n));
    force_level(Some(Level::Scalar));
    let again = solve(&mut f2, &mut g2, needed + 3, T::ONE).expect("as before");
    force_level(None);
    assert_eq!((again.status, again.steps), (report.status, report.steps));
    assert_eq!((bits(&f), bits(&g)), (bits(&f2), bits(&g2)), "{report:?}, scalar {again:?}");
    let (mut f2, mut g2) = (start(n, 0), start(m, n));
    let refused = solve(&mut f2, &mut g2, needed - 1, T::NAN);
    assert!(matches!(refused, Err(Error::Workspace { .. })), "{refused:?}");
    assert_eq!((bits(&f2), bits(&g2)), (bits(&start(n, 0)), bits(&start(m, n))));
}
