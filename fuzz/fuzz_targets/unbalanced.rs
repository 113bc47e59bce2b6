//! Unbalanced transport on small problems, from any start, with prices of any size: the report tells the truth
//! about the potentials that are left, whatever underflowed on the way and whenever the run ends.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::transport::{DenseCost, Potentials, unbalanced};
use southwell::{Error, Real, Report, Status, Stop};
use southwell_fuzz::{Number, bits, check_error, cycled};
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    translate: bool,
    /// Whether numbers may be anything; an error is an answer then.
    wild: bool,
    rows: u8,
    columns: u8,
    /// Costs and weights, cycled; a weight below 64 is 0.
    costs: Vec<u8>,
    weights: Vec<u8>,
    /// 1/ε in units of the largest cost.
    inverse: u16,
    /// Binary exponents of the prices; the highest are infinite.
    prices: [i8; 2],
    start: Vec<i16>,
    numbers: Vec<Number>,
    max_steps: u8,
    tolerance: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn at<T: Copy>(values: &[T], k: usize, otherwise: T) -> T {
    if values.is_empty() { otherwise } else { values[k % values.len()] }
}

fn check<T: Real>(input: &Input) {
    let (n, m) = (usize::from(input.rows % 7) + 1, usize::from(input.columns % 7) + 1);
    // In a wild problem every fifth number is.
    let number = |k: usize, tame: f64| match input.wild && k.is_multiple_of(5) {
        true => cycled(&input.numbers, k).wild(),
        false => T::from_f64(tame),
    };
    let cost: Vec<T> =
        (0..n * m).map(|k| number(k + 1, f64::from(at(&input.costs, k, k as u8)) / 255.0)).collect();
    let weights = |n: usize, shift: usize| -> Vec<T> {
        let weight = |k: usize| match at(&input.weights, k + shift, 255) {
            0..64 if k > 0 => 0.0,
            w => f64::from(w) + 1.0,
        };
        (0..n).map(|k| number(k + shift + 2, weight(k) / 64.0)).collect()
    };
    let (a, b) = (weights(n, 0), weights(m, n));
    let epsilon: T = number(usize::from(input.inverse), 1.0 / (f64::from(input.inverse % 8000) + 1.0));
    let price = |which: usize| match input.prices[which] {
        96.. => T::INFINITY,
        exponent => number(which + 3, f64::from(exponent / 8).exp2()),
    };
    let start = |n: usize, shift: usize| -> Vec<T> {
        (0..n).map(|k| number(k + shift + 4, f64::from(at(&input.start, k + shift, 0)) / 1024.0)).collect()
    };
    let stop = Stop {
        max_steps: u32::from(input.max_steps % 96),
        ..Stop::relative(T::from_f64(10_f64.powi(-i32::from(input.tolerance % 12) - 1)))
    };
    let options = unbalanced::Options { stop, translate: input.translate };
    let length = |argument: &str| match argument {
        "a" | "f" => n,
        "b" | "g" => m,
        _ => n * m,
    };
    let costs = match DenseCost::new(&cost, n, m, m) {
        Ok(costs) => costs,
        Err(error) => return check_error(error, length),
    };
    let problem = match unbalanced::Problem::new(&costs, &a, &b, epsilon, (price(0), price(1))) {
        Ok(problem) => problem,
        Err(error) => return check_error(error, length),
    };
    let needed = unbalanced::Workspace::<T>::required_len(n, m, m);
    let solve = |f: &mut [T], g: &mut [T], length: usize, dirt: T| -> Result<Report<T>, Error> {
        let mut storage = vec![dirt; length];
        let workspace = unbalanced::Workspace::new(&problem, &mut storage)?;
        unbalanced::solve(&problem, &options, Potentials { f, g }, workspace, &mut ())
    };
    let untouched = |f: &[T], g: &[T]| (bits(f), bits(g)) == (bits(&start(n, 0)), bits(&start(m, n)));
    let (mut f, mut g) = (start(n, 0), start(m, n));
    let report = match solve(&mut f, &mut g, needed, T::NAN) {
        Ok(report) => report,
        Err(error) => {
            assert!(untouched(&f, &g), "{error:?}");
            return check_error(error, length);
        }
    };

    // Finite, or −∞ where there is no mass.
    for (potential, weights) in [(&f, &a), (&g, &b)] {
        for (p, &w) in potential.iter().zip(weights) {
            assert!(if w > T::ZERO { p.is_finite() } else { *p == -T::INFINITY }, "{report:?} left {p:?}");
        }
    }
    assert!(report.residual >= T::ZERO && report.residual.is_finite(), "{report:?}");

    // The residual is that of the potentials.
    let epsilon = epsilon.to_f64();
    let rho = [price(0).to_f64(), price(1).to_f64()];
    let (mut rows, mut columns) = (vec![0.0; n], vec![0.0; m]);
    // Before its shift a potential may have been larger by this much, and rounded so; after a longer one sums are
    // read anew.
    let largest = cost.iter().fold(0.0, |most: f64, c| most.max(c.to_f64()));
    let shifted = 4.0 * (epsilon + largest);
    let mut rounding = 0.0;
    for i in 0..n {
        for j in 0..m {
            let (f, g, c) = (f[i].to_f64(), g[j].to_f64(), cost[i * m + j].to_f64());
            let p = ((f + g - c) / epsilon).exp();
            (rows[i], columns[j]) = (rows[i] + p, columns[j] + p);
            if p > 0.0 {
                rounding += p * (1.0 + (f.abs() + g.abs() + c + shifted) / epsilon);
            }
        }
    }
    let mut exact = 0.0;
    for (sums, weights, potential, rho) in [(&rows, &a, &f, rho[0]), (&columns, &b, &g, rho[1])] {
        for ((s, w), p) in sums.iter().zip(weights).zip(potential).filter(|((_, w), _)| **w > T::ZERO) {
            let wanted = w.to_f64() * (-p.to_f64() / rho).exp();
            exact += (s - wanted).abs();
            rounding += wanted * (1.0 + p.to_f64().abs() / rho);
        }
    }
    let (told, mass) = (report.residual.to_f64(), report.scale.to_f64());
    // What is below the smallest number is 0 in the type: an entry, a sum's term, what a line shall sum to.
    let vanished = 64.0 * (n + m) as f64 * T::MIN_POSITIVE.to_f64() * (1.0 + mass + told);
    let bound = 32.0 * T::EPSILON.to_f64() * rounding + vanished;
    let label =
        || format!("{report:?}, but {exact} ± {bound}; f {f:?} g {g:?} ε {epsilon} ρ {rho:?} {cost:?}");
    if !input.wild {
        // Beyond the range, in which exponents are cut, nothing but that is said.
        if told > 1e9 * mass || exact.is_nan() || exact > 1e9 * mass {
            assert!(told > 1e5 * mass && (exact.is_nan() || exact > 1e5 * mass), "{}", label());
        } else if bound < 0.1 * (mass + told) {
            assert!((told - exact).abs() <= bound, "{}", label());
        }
    }
    match report.status {
        Status::Converged => assert!(report.residual <= stop.relative * report.scale),
        Status::StepLimit => assert_eq!(report.steps, stop.max_steps),
        Status::Stalled => {}
        status => panic!("{status:?}"),
    }

    // Another instruction set and other dirt; memory that is too short.
    let (mut f2, mut g2) = (start(n, 0), start(m, n));
    force_level(Some(Level::Scalar));
    let again = solve(&mut f2, &mut g2, needed + 3, T::ONE).expect("as before");
    force_level(None);
    assert_eq!((again.status, again.steps), (report.status, report.steps));
    assert_eq!((bits(&f), bits(&g)), (bits(&f2), bits(&g2)), "{report:?}, scalar {again:?}");
    let (mut f2, mut g2) = (start(n, 0), start(m, n));
    let refused = solve(&mut f2, &mut g2, needed - 1, T::NAN);
    assert!(matches!(refused, Err(Error::Workspace { .. })), "{refused:?}");
    assert!(untouched(&f2, &g2));
}
