//! Measurement operators: adjoint to themselves, the same however they are stored, and what each can recover.

use crate::common::sensing::{below, corruption, error, errors_by, norm, orthonormal, product};
use crate::common::{Numbers, bits};
use southwell::subgradient::counter::{fill_normal, normal, stream, uniform};
use southwell::subgradient::matrix::operator::{
    AllEntries, Bilinear, Dense, Draw, Entries, Operator, Packed, Paired, RankOne, Seeded,
};
use southwell::subgradient::matrix::{self, Options, Problem, Shape, Start, Step, Workspace};
use southwell::{Real, Run};

/// Σ w_i ⟨A_i, U Vᵀ⟩ and its gradients, by the operator, in one pass and row by row.
fn both_ways<T: Real, O: Operator<T>>(operator: &O, shape: Shape, x: &[T], w: &[T]) -> (Vec<T>, Vec<T>) {
    let (mut scratch, mut values) = (vec![T::NAN; operator.scratch_len(shape)], vec![T::ZERO; w.len()]);
    let (mut g, mut h) = (vec![T::NAN; x.len()], vec![T::NAN; x.len()]);
    let (factors, scale) = (shape.factors(x), T::HALF);
    operator.pass(scale, factors, &mut scratch, &mut shape.gradient(&mut g), |i, s| {
        values[i] = s;
        w[i]
    });
    scratch.fill(T::NAN);
    let mut gradient = shape.gradient(&mut h);
    operator.open(factors, &mut scratch, &mut gradient);
    for (i, (&w, &value)) in w.iter().zip(&values).enumerate() {
        let s = operator.apply_row(i, factors, &mut scratch);
        assert_eq!(s.bits(), value.bits(), "row {i}");
        operator.accumulate(i, w, factors, &mut scratch, &mut gradient);
    }
    operator.close(scale, factors, &mut scratch, &mut gradient);
    assert_eq!(bits(&g), bits(&h), "one pass and row by row");
    (values, g)
}

/// Against plain loops over matrices written out: values, and both gradients.
fn check<O: Operator<f64>>(name: &str, operator: &O, shape: Shape, matrices: &[Vec<f64>]) {
    let (rows, columns, rank) = (shape.rows(), shape.columns(), shape.rank());
    assert_eq!(Operator::<f64>::count(operator), matrices.len(), "{name}");
    let mut numbers = Numbers(5);
    let (x, w) = (numbers.vector(shape.unknowns()), numbers.vector(matrices.len()));
    let (values, g) = both_ways(operator, shape, &x, &w);
    let f = shape.factors(&x);
    let mut expected = vec![0.0; x.len()];
    let behind = if shape.is_symmetric() { 0 } else { rows * rank };
    for ((a, &w), &value) in matrices.iter().zip(&w).zip(&values) {
        let mut sum = 0.0;
        for j in 0..rows {
            for k in 0..columns {
                let entry = a[j * columns + k];
                sum += entry * f.entry(j, k);
                for c in 0..rank {
                    expected[c * rows + j] += 0.5 * w * entry * f.v[c * columns + k];
                    expected[behind + c * columns + k] += 0.5 * w * entry * f.u[c * rows + j];
                }
            }
        }
        assert!((sum - value).abs() < 1e-12, "{name}: {sum} {value}");
    }
    for (g, e) in g.iter().zip(&expected) {
        assert!((g - e).abs() < 1e-12, "{name}: {g} {e}");
    }
}

fn outer(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().flat_map(|a| b.iter().map(move |b| a * b)).collect()
}

#[test]
fn values_and_gradients() {
    let mut numbers = Numbers(1);
    for (rows, columns, rank, m) in
        [(1, 1, 1, 1), (3, 2, 2, 5), (5, 5, 3, 7), (9, 9, 1, 4), (18, 18, 4, 9), (4, 33, 2, 6)]
    {
        let mut shapes = vec![Shape::general(rows, columns, rank)];
        if rows == columns {
            shapes.push(Shape::symmetric(rows, rank));
        }
        for shape in shapes {
            let n = rows * columns;
            let a = numbers.vector(m * n);
            let matrices: Vec<Vec<f64>> = a.chunks(n).map(<[f64]>::to_vec).collect();
            check("dense", &Dense::new(&a, rows, columns).expect("sound"), shape, &matrices);
            for draw in [Draw::Signs, Draw::Normal] {
                let seeded = Seeded::new(draw, 7, m, rows, columns).expect("sound");
                let written = |i| {
                    let mut a = vec![0.0; n];
                    seeded.write(i, &mut a);
                    a
                };
                check("seeded", &seeded, shape, &(0..m).map(written).collect::<Vec<_>>());
            }
            let (a, b) = (numbers.vector(m * rows), numbers.vector(m * columns));
            let pairs = a.chunks(rows).zip(b.chunks(columns));
            let matrices: Vec<Vec<f64>> = pairs.clone().map(|(a, b)| outer(a, b)).collect();
            check("bilinear", &Bilinear::new(&a, &b, rows, columns).expect("sound"), shape, &matrices);
            let i: Vec<u32> = (0..m).map(|_| numbers.below(rows) as u32).collect();
            let j: Vec<u32> = (0..m).map(|_| numbers.below(columns) as u32).collect();
            let unit = |n: usize, i: u32| (0..n).map(|k| f64::from(k == i as usize)).collect::<Vec<f64>>();
            let matrices: Vec<Vec<f64>> =
                i.iter().zip(&j).map(|(&i, &j)| outer(&unit(rows, i), &unit(columns, j))).collect();
            check("entries", &Entries::new(&i, &j, rows, columns).expect("sound"), shape, &matrices);
            let matrices: Vec<Vec<f64>> = (0..n).map(|k| unit(n, k as u32)).collect();
            check("all entries", &AllEntries::new(rows, columns).expect("sound"), shape, &matrices);
            if rows == columns {
                let squares: Vec<Vec<f64>> = a.chunks(rows).map(|a| outer(a, a)).collect();
                check("rank one", &RankOne::new(&a, rows).expect("sound"), shape, &squares);
                let pairs: Vec<Vec<f64>> = pairs
                    .map(|(a, b)| outer(a, a).iter().zip(outer(b, b)).map(|(a, b)| a - b).collect())
                    .collect();
                check("paired", &Paired::new(&a, &b, rows).expect("sound"), shape, &pairs);
                let packed = numbers.vector(m * rows * (rows + 1) / 2);
                let full: Vec<Vec<f64>> =
                    packed.chunks(rows * (rows + 1) / 2).map(|p| unpack(p, rows)).collect();
                check("packed", &Packed::new(&packed, rows).expect("sound"), shape, &full);
            }
        }
    }
}

fn unpack(packed: &[f64], order: usize) -> Vec<f64> {
    let at = |i: usize, j: usize| packed[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)];
    (0..order * order).map(|k| at(k / order, k % order)).collect()
}

/// Matrices that are drawn anew have the bits of stored ones, and so has the whole run.
#[test]
fn regenerated_is_stored() {
    let (m, d, rank) = (60, 6, 2);
    for draw in [Draw::Signs, Draw::Normal] {
        let seeded = Seeded::new(draw, stream(3, 1), m, d, d).expect("sound");
        let mut a = vec![0.0_f32; m * d * d];
        for (i, a) in a.chunks_mut(d * d).enumerate() {
            seeded.write(i, a);
        }
        let stored = Dense::new(&a, d, d).expect("sound");
        let shape = Shape::symmetric(d, rank);
        let x: Vec<f32> = Numbers(2).vector(shape.unknowns()).iter().map(|&x| x as f32).collect();
        let w = vec![1.0; m];
        let (by_seed, by_store) = (both_ways(&seeded, shape, &x, &w), both_ways(&stored, shape, &x, &w));
        assert_eq!((bits(&by_seed.0), bits(&by_seed.1)), (bits(&by_store.0), bits(&by_store.1)));
    }
}

/// A general problem at some steps of its run.
fn general_errors<O: Operator<f64>>(
    operator: &O,
    (y, truth): (&[f64], &[f64]),
    rank: usize,
    options: &Options<f64>,
    at: &[u32],
) -> Vec<f64> {
    let problem = Problem::general(operator, y, rank).expect("a problem");
    let shape = problem.shape();
    let mut storage =
        vec![f64::NAN; Workspace::<f64>::required_len(shape, false, operator.scratch_len(shape))];
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let mut x = vec![0.0; shape.unknowns()];
    let mut run = matrix::start(&problem, options, &mut x, workspace).expect("sound options");
    let mut steps = 0;
    let look = |&until: &u32| {
        while steps < until {
            run.step();
            steps += 1;
        }
        let f = shape.factors(run.current());
        error(f.u, f.v, rank, truth)
    };
    at.iter().map(look).collect()
}

fn gaussian(tag: u64, n: usize) -> Vec<f64> {
    let mut a = vec![0.0; n];
    fill_normal(stream(1, tag), 0, &mut a);
    a
}

fn corrupted(clean: impl Iterator<Item = f64>, p: f64, truth: &[f64]) -> (Vec<f64>, f64) {
    let signal = norm(truth);
    let (mut y, mut best) = (Vec::new(), 0.0);
    for (i, clean) in clean.enumerate() {
        let s = corruption(1, i, p, 0.0, signal);
        y.push(clean + s);
        best += s.abs();
    }
    let m = y.len() as f64;
    (y, best / m)
}

fn form(a: &[f64], x: &[f64], b: &[f64]) -> f64 {
    outer(a, b).iter().zip(x).map(|(a, x)| a * x).sum()
}

fn oscillation(start: Start) -> Options<f64> {
    let step = Step::Oscillation { eta0: 0.25, rho: 0.9, restarts: 0 };
    Options { start, step, ..Options::default() }
}

#[test]
fn phase_retrieval() {
    let (d, m) = (50, 400);
    let a = gaussian(1, m * d);
    let u = orthonormal(stream(1, 2), d, 1);
    let truth = product(&u, &u);
    let operator = RankOne::new(&a, d).expect("sound");
    for (p, figure) in [(0.0, 3.6e-13), (0.2, 1.7e-7)] {
        let (y, best) = corrupted(a.chunks(d).map(|a| form(a, &truth, a)), p, &truth);
        let polyak = Options {
            alpha: 1.0,
            start: Start::Spectral,
            step: Step::Polyak { target: best },
            ..Options::default()
        };
        below(&errors_by(&operator, &y, &truth, 1, &polyak, &[100]), &[figure], 2.0, "Polyak");
        let step = Step::Held { eta0: 0.3, rho: 0.97, hold: 20 };
        let held = Options { step, ..polyak };
        below(&errors_by(&operator, &y, &truth, 1, &held, &[500]), &[1.7e-7], 2.0, "held");
        below(&errors_by(&operator, &y, &truth, 1, &Options::default(), &[500]), &[1e-14], 1.0, "default");
    }
}

#[test]
fn paired_measurements() {
    let (d, m, rank) = (40, 1200, 2);
    let (a, b) = (gaussian(1, m * d), gaussian(7, m * d));
    let u = orthonormal(stream(1, 2), d, rank);
    let truth = product(&u, &u);
    let clean = a.chunks(d).zip(b.chunks(d)).map(|(a, b)| form(a, &truth, a) - form(b, &truth, b));
    let (y, best) = corrupted(clean, 0.25, &truth);
    let operator = Paired::new(&a, &b, d).expect("sound");
    let polyak = Options {
        alpha: 1.0,
        start: Start::Spectral,
        step: Step::Polyak { target: best },
        ..Options::default()
    };
    below(&errors_by(&operator, &y, &truth, rank, &polyak, &[55]), &[1e-10], 2.0, "Polyak");
    let held = Options {
        step: Step::Held { eta0: 0.25, rho: 0.97, hold: 60 },
        start: Start::Spectral,
        ..Options::default()
    };
    below(&errors_by(&operator, &y, &truth, rank, &held, &[500]), &[5.4e-7], 2.0, "held");
    below(&errors_by(&operator, &y, &truth, 10, &held, &[500]), &[2.7e-2], 3.0, "over-estimated");
}

#[test]
fn bilinear_measurements() {
    let (rows, columns, m, rank) = (40, 30, 1120, 2);
    let (a, b) = (gaussian(1, m * rows), gaussian(7, m * columns));
    let truth = product(&orthonormal(stream(1, 2), rows, rank), &orthonormal(stream(1, 8), columns, rank));
    let clean = a.chunks(rows).zip(b.chunks(columns)).map(|(a, b)| form(a, &truth, b));
    let (y, best) = corrupted(clean, 0.25, &truth);
    assert!((y[0] - 4.959_953_80).abs() < 1e-8 && (best - 2.782_964_94).abs() < 1e-8);
    let operator = Bilinear::new(&a, &b, rows, columns).expect("sound");
    let polyak = Options {
        alpha: 1.0,
        start: Start::Spectral,
        step: Step::Polyak { target: best },
        ..Options::default()
    };
    let errors =
        |rank, options: &Options<f64>, at: &[u32]| general_errors(&operator, (&y, &truth), rank, options, at);
    below(&errors(rank, &polyak, &[100]), &[5.3e-11], 2.0, "Polyak");
    below(&errors(rank, &oscillation(Start::Spectral), &[100, 200]), &[2.8e-4, 7.7e-9], 2.0, "spectral");
    below(&errors(rank, &oscillation(Start::PowerStep), &[100, 200]), &[5.9e-4, 1.6e-8], 2.0, "power step");
    below(&errors(4, &oscillation(Start::PowerStep), &[300]), &[1.4e-2], 3.0, "over-estimated");
    assert!(errors(10, &polyak, &[200])[0] > 0.3, "a large start with too many columns is lost");
}

/// A fifth of the entries is replaced by numbers twenty times as large; then two in five are not seen either.
#[test]
fn entries_and_all_entries() {
    let (rows, columns, rank) = (60, 50, 3);
    let truth = product(&orthonormal(stream(1, 2), rows, rank), &orthonormal(stream(1, 8), columns, rank));
    let wrong = |n| (uniform(stream(1, 3), n) < 0.2).then(|| normal(stream(1, 4), n));
    let y: Vec<f64> = (0..).zip(&truth).map(|(n, &x)| wrong(n).unwrap_or(x)).collect();
    let all = AllEntries::new(rows, columns).expect("sound");
    let options = Options::default();
    below(&general_errors(&all, (&y, &truth), rank, &options, &[500]), &[1e-14], 1.0, "all entries");
    below(&general_errors(&all, (&y, &truth), 6, &options, &[500]), &[1.2e-3], 3.0, "all entries, rank 6");
    let seen: Vec<usize> = (0..rows * columns).filter(|&n| uniform(stream(1, 9), n as u64) < 0.6).collect();
    let i: Vec<u32> = seen.iter().map(|n| (n / columns) as u32).collect();
    let j: Vec<u32> = seen.iter().map(|n| (n % columns) as u32).collect();
    let some = Entries::new(&i, &j, rows, columns).expect("sound");
    let y: Vec<f64> = seen.iter().map(|&n| y[n]).collect();
    below(&general_errors(&some, (&y, &truth), rank, &options, &[500]), &[1e-6], 1.0, "three in five");
}
