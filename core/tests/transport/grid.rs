//! Costs on grids against the same costs stored.

use crate::common::cases::{SplitMix64, digits};
use crate::common::cast;
use southwell::omega::Fixed;
use southwell::transport::{Cost, DenseCost, GridCost, Potentials, Problem, sinkhorn};
use southwell::{Real, Report, Stop};

/// |i − j|^power between n places and m, divided by `largest`.
fn axis(n: usize, m: usize, power: i32, largest: f64) -> Vec<f64> {
    (0..n * m).map(|k| ((k / m) as f64 - (k % m) as f64).abs().powi(power) / largest).collect()
}

/// All costs, made row by row.
fn stored<T: Real>(cost: &impl Cost<T>) -> Vec<T> {
    let mut buffer = vec![T::NAN; cost.columns()];
    (0..cost.rows()).flat_map(|i| cost.row(i, &mut buffer).to_vec()).collect()
}

fn solve<T: Real, C: Cost<T>>(
    cost: &C,
    a: &[T],
    b: &[T],
    epsilon: f64,
    stop: Stop<T>,
) -> (Report<T>, Vec<T>) {
    let problem = Problem::new(cost, a, b, T::from_f64(epsilon)).expect("a problem");
    let (n, m) = (a.len(), b.len());
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(n, m, cost.scratch_len())];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let mut x = vec![T::ZERO; n + m];
    let (f, g) = x.split_at_mut(n);
    let options = sinkhorn::Options { stop };
    let x_view = Potentials { f, g };
    let report = sinkhorn::solve(&problem, &options, &mut Fixed(T::ONE), x_view, workspace, &mut ());
    (report.expect("valid options"), x)
}

#[test]
fn digits_take_the_same_steps() {
    for (power, inverse, count) in [(1, 50.0, 832), (1, 200.0, 6965), (2, 200.0, 515), (2, 1200.0, 2983)] {
        let case = digits(power);
        let largest = if power == 1 { 14.0 } else { 98.0 };
        let line = axis(8, 8, power as i32, largest);
        let view = DenseCost::new(&line, 8, 8, 8).expect("costs");
        let cost = GridCost::new(view, view).expect("small");
        assert!(stored(&cost).iter().zip(&case.cost).all(|(x, y)| (x - y).abs() < 1e-15));
        let stop = Stop { max_steps: 10_000, ..Stop::relative(1e-10) };
        let (report, _) = solve(&cost, &case.a, &case.b, 1.0 / inverse, stop);
        assert!(report.converged() && report.steps.abs_diff(count) <= 1, "{power} {inverse} {report:?}");
    }
}

/// Grids of different shapes, zero weights, both types: the potentials of the stored costs.
fn agree<T: Real>(h: [usize; 2], w: [usize; 2], epsilon: f64, tolerance: f64) {
    let (vertical, horizontal) =
        (cast::<T>(&axis(h[0], h[1], 2, 20.0)), cast::<T>(&axis(w[0], w[1], 1, 9.0)));
    let vertical = DenseCost::new(&vertical, h[0], h[1], h[1]).expect("costs");
    let horizontal = DenseCost::new(&horizontal, w[0], w[1], w[1]).expect("costs");
    let cost = GridCost::new(vertical, horizontal).expect("small");
    let (n, m) = (h[0] * w[0], h[1] * w[1]);
    let mut numbers = SplitMix64(5);
    let mut weights = |n: usize| {
        let mut weights = numbers.take(n);
        weights[n / 2] = 0.0;
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| T::from_f64(w / sum)).collect::<Vec<T>>()
    };
    let (a, b) = (weights(n), weights(m));
    let values = stored(&cost);
    let dense = DenseCost::new(&values, n, m, m).expect("costs");
    let stop = Stop { max_steps: 30, ..Stop::relative(T::from_f64(1e-30)) };
    let ((one, x), (other, y)) = (solve(&cost, &a, &b, epsilon, stop), solve(&dense, &a, &b, epsilon, stop));
    assert!((one.residual - other.residual).to_f64().abs() < tolerance, "{one:?} {other:?}");
    for (x, y) in x.iter().zip(&y) {
        assert!(x == y || (*x - *y).to_f64().abs() < tolerance, "{x} {y}");
    }
}

#[test]
fn the_stored_costs_say_the_same() {
    for epsilon in [0.5, 0.02, 0.003] {
        agree::<f64>([7, 5], [6, 9], epsilon, 1e-11);
        agree::<f64>([3, 20], [4, 2], epsilon, 1e-11);
        agree::<f32>([7, 5], [6, 9], epsilon, 2e-4);
    }
}

/// Time of a step, on request: `cargo test --release --test transport grid -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn time_of_a_step() {
    for side in [28, 64] {
        let line = axis(side, side, 2, 2.0 * ((side - 1) * (side - 1)) as f64);
        let view = DenseCost::new(&line, side, side, side).expect("costs");
        let cost = GridCost::new(view, view).expect("small");
        let n = side * side;
        let a = vec![1.0 / n as f64; n];
        let mut b = SplitMix64(3).take(n);
        let sum: f64 = b.iter().sum();
        b.iter_mut().for_each(|b| *b /= sum);
        let values = stored(&cost);
        let dense = DenseCost::new(&values, n, n, n).expect("costs");
        let stop = Stop { max_steps: if side == 28 { 50 } else { 5 }, ..Stop::relative(1e-30) };
        let (mut grid, mut full) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..7 {
            let clock = std::time::Instant::now();
            let report = solve(&cost, &a, &b, 0.01, stop).0;
            grid = grid.min(clock.elapsed().as_secs_f64() / f64::from(report.steps + 1));
            let clock = std::time::Instant::now();
            let report = solve(&dense, &a, &b, 0.01, stop).0;
            full = full.min(clock.elapsed().as_secs_f64() / f64::from(report.steps + 1));
        }
        println!(
            "{side} x {side}: grid {:.1} us, dense {:.1} us, {:.1}x",
            grid * 1e6,
            full * 1e6,
            full / grid
        );
    }
}
