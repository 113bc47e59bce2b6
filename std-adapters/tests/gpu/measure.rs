//! Passes over measurements: stored, and drawn on the device.

use southwell::subgradient::counter::{normal, stream, uniform};
use southwell::subgradient::matrix::operator::{Dense, Draw, Operator, Seeded};
use southwell::subgradient::matrix::{self, Options, Problem, Shape, Workspace};
use southwell_std::gpu::{Error, Measured};

use super::{Draw as Numbers, device};

/// What a pass gives: the products, and the gradient for weights that are their signs, and 0 for every fifth.
fn pass(operator: &impl Operator<f64>, shape: Shape, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut scratch = vec![f64::NAN; operator.scratch_len(shape)];
    let mut gradient = vec![f64::NAN; shape.unknowns()];
    let mut products = Vec::new();
    operator.pass(0.25, shape.factors(x), &mut scratch, &mut shape.gradient(&mut gradient), |i, s| {
        assert_eq!(i, products.len(), "in order");
        products.push(s);
        // Not the sign of s, which rounding may turn.
        if i % 5 == 0 { 0.0 } else { 1.0 + (i % 3) as f64 }
    });
    (products, gradient)
}

/// Largest difference over largest number.
fn off(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(f64::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    ours.iter().zip(theirs).fold(0.0_f64, |off, (a, b)| off.max((a - b).abs())) / largest
}

fn same(
    ours: &impl Operator<f64>,
    theirs: &impl Operator<f64>,
    shape: Shape,
    draw: &mut Numbers,
    what: &str,
) {
    // Of any size: what is sent is scaled.
    for size in [1.0, 1e-60, 1e60] {
        let x: Vec<f64> = draw.centred(shape.unknowns()).iter().map(|x| x * size).collect();
        let (ours, theirs) = (pass(ours, shape, &x), pass(theirs, shape, &x));
        let (products, gradients) = (off(&ours.0, &theirs.0), off(&ours.1, &theirs.1));
        assert!(products <= 4e-6 && gradients <= 4e-6, "{what}, {size}: {products} {gradients}");
    }
}

#[test]
fn what_a_seed_stands_for_is_the_same_on_a_device() {
    let Some(device) = device(None) else { return };
    let mut numbers = Numbers(41);
    for draw in [Draw::Signs, Draw::Normal] {
        for (count, rows, columns) in [(1, 1, 1), (63, 3, 3), (65, 9, 7), (200, 13, 13), (17, 1, 1021)] {
            let key = stream(7, count as u64);
            let ours = Measured::seeded(&device, draw, key, count, rows, columns).expect("room");
            let theirs = Seeded::new(draw, key, count, rows, columns).expect("an operator");
            let shape = Shape::general(rows, columns, 1);
            same(&ours, &theirs, shape, &mut numbers, &format!("{draw:?} {count} × {rows} × {columns}"));
            assert_eq!(ours.failure(), None);
        }
    }
}

#[test]
fn stored_measurements_whole_and_in_blocks() {
    let mut numbers = Numbers(42);
    for (count, rows, columns) in [(1, 1, 1), (63, 8, 8), (65, 3, 21), (1021, 2, 5)] {
        let values = numbers.centred(count * rows * columns);
        let theirs = Dense::new(&values, rows, columns).expect("an operator");
        for limit in [None, Some(4096)] {
            let Some(device) = device(limit) else { return };
            let ours = Measured::dense(&device, &values, rows, columns).expect("room");
            let shape = Shape::general(rows, columns, rows.min(2));
            same(&ours, &theirs, shape, &mut numbers, &format!("{count} × {rows} × {columns}, {limit:?}"));
            if rows == columns {
                same(&ours, &theirs, Shape::symmetric(rows, 1), &mut numbers, "symmetric");
            }
        }
    }
    let Some(device) = device(Some(200)) else { return };
    let values = vec![1.0; 64];
    let limit = Error::LimitTooSmall { what: "a measurement matrix", need: 256, have: 200 };
    assert_eq!(Measured::dense(&device, &values, 8, 8).map(drop), Err(limit));
    let whole = Measured::dense(&device, &values, 0, 8).map(drop);
    assert!(matches!(whole, Err(Error::Refused(_))), "{whole:?}");
}

/// x xᵀ from signs of which a fifth is nonsense, as in the documentation of the family.
fn recovered(operator: &impl Operator<f64>) -> (f64, Vec<f64>) {
    let truth: Vec<f64> = (0..8).map(|j| normal(2, j)).collect();
    let signs = Seeded::new(Draw::Signs, stream(1, 1), 200, 8, 8).expect("an operator");
    let mut a = vec![0.0; 64];
    let y: Vec<f64> = (0..200)
        .map(|i| {
            signs.write(i, &mut a);
            let clean: f64 = (0..64).map(|k| a[k] * truth[k / 8] * truth[k % 8]).sum();
            if uniform(3, i as u64) < 0.2 { 100.0 * normal(4, i as u64) } else { clean }
        })
        .collect();
    let problem = Problem::symmetric(operator, &y, 2).expect("a problem");
    let shape = Shape::symmetric(8, 2);
    let mut memory = vec![0.0; Workspace::<f64>::required_len(shape, false, operator.scratch_len(shape))];
    let workspace = Workspace::new(&problem, false, &mut memory).expect("enough");
    let mut u = vec![0.0; shape.unknowns()];
    let found = matrix::solve(&problem, &Options::default(), &mut u, workspace, &mut ()).expect("a run");
    assert_eq!(found.rank, 1);
    let x = shape.factors(&u);
    let off = (0..64).map(|k| (x.entry(k / 8, k % 8) - truth[k / 8] * truth[k % 8]).abs());
    (off.fold(0.0, f64::max), u)
}

#[test]
fn a_matrix_is_recovered_there_and_here_when_the_device_is_lost() {
    let Some(device) = device(None) else { return };
    let on_device = Measured::seeded(&device, Draw::Signs, stream(1, 1), 200, 8, 8).expect("room");
    let (error, _) = recovered(&on_device);
    assert!(error < 1e-2, "{error}");
    assert_eq!(on_device.failure(), None);
    // Four submissions a pass: lost before, between and after the products and the sums.
    for submissions in [0, 1, 2, 3, 50] {
        let Some(device) = super::device(None) else { return };
        let on_device = Measured::seeded(&device, Draw::Signs, stream(1, 1), 200, 8, 8).expect("room");
        device.lose_after(submissions);
        let (error, u) = recovered(&on_device);
        assert!(error < 1e-2, "{submissions}: {error}");
        assert!(matches!(on_device.failure(), Some(Error::Lost(_))));
        if submissions == 0 {
            // Never used: the bits of the CPU.
            assert_eq!(u, recovered(on_device.inner()).1);
        }
    }
}
