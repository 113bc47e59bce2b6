//! Entropic transport: stored costs and points.

use southwell::omega::{Eager, Fixed, OmegaRule};
use southwell::transport::{Cost, DenseCost, Ground, PointCost, Potentials, Problem, sinkhorn};
use southwell::{Real, Status, Stop};
use southwell_std::gpu::relaxation::{Failed, Settings};
use southwell_std::gpu::transport::{self, Solved};
use southwell_std::gpu::{Device, Error, ResidentCost};

use super::{Draw, device, narrow};

/// A mass distribution; every seventh line has none if `gaps`.
fn weights(n: usize, gaps: bool, draw: &mut Draw) -> Vec<f64> {
    let mut weights: Vec<f64> =
        (0..n).map(|i| if gaps && i % 7 == 3 { 0.0 } else { 0.1 + draw.next() }).collect();
    let mass: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= mass);
    weights
}

/// ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁ by plain loops in `f64`.
fn marginal_error<T: Real, C: Cost<T>>(problem: &Problem<'_, T, C>, f: &[T], g: &[T]) -> f64 {
    let (n, m) = (f.len(), g.len());
    let mut row = vec![T::ZERO; m];
    let (mut rows, mut columns) = (vec![0.0; n], vec![0.0; m]);
    for i in 0..n {
        let costs = problem.cost().row(i, &mut row).to_vec();
        for j in 0..m {
            let z = (f[i].to_f64() + g[j].to_f64() - costs[j].to_f64()) / problem.epsilon().to_f64();
            let p = z.exp();
            rows[i] += p;
            columns[j] += p;
        }
    }
    let off = |sums: &[f64], weights: &[T]| -> f64 {
        sums.iter().zip(weights).map(|(sum, weight)| (sum - weight.to_f64()).abs()).sum()
    };
    off(&rows, problem.a()) + off(&columns, problem.b())
}

fn run<T: Real, C: ResidentCost<T>>(
    device: &Device,
    problem: &Problem<'_, T, C>,
    stop: Stop<T>,
    rule: &mut dyn OmegaRule<T>,
) -> (Result<Solved<T>, Failed>, Vec<T>, Vec<T>) {
    let (mut f, mut g) = (vec![T::ZERO; problem.rows()], vec![T::ZERO; problem.columns()]);
    let x = Potentials { f: &mut f, g: &mut g };
    let settings = Settings { chunk: Some(4) };
    let solved =
        transport::sinkhorn(device, settings, problem, &sinkhorn::Options { stop }, rule, x, &mut ());
    (solved, f, g)
}

/// The same on the CPU.
fn host<T: Real, C: Cost<T>>(problem: &Problem<'_, T, C>, stop: Stop<T>, omega: T) -> (u32, Vec<T>) {
    let (n, m) = (problem.rows(), problem.columns());
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let scratch = problem.cost().scratch_len();
    let mut storage = vec![T::ZERO; sinkhorn::Workspace::<T>::required_len(n, m, scratch)];
    let workspace = sinkhorn::Workspace::new(problem, &mut storage).expect("enough");
    let x = Potentials { f: &mut f, g: &mut g };
    let options = sinkhorn::Options { stop };
    let report = sinkhorn::solve(problem, &options, &mut Fixed(omega), x, workspace, &mut ()).expect("a run");
    (report.steps, g)
}

const SHAPES: [(usize, usize); 6] = [(1, 1), (1, 65), (63, 1), (65, 63), (255, 1021), (1021, 130)];

#[test]
fn stored_costs_of_awkward_sizes_whole_and_in_blocks() {
    let mut draw = Draw(11);
    for (n, m) in SHAPES {
        let cost: Vec<f64> = (0..n * m).map(|_| draw.next()).collect();
        let (a, b) = (weights(n, n > 60, &mut draw), weights(m, m > 60, &mut draw));
        let (cost, a, b) = (narrow(&cost), narrow(&a), narrow(&b));
        let cost = DenseCost::new(&cost, n, m, m).expect("costs");
        let problem = Problem::new(&cost, &a, &b, 0.02).expect("a problem");
        let mut answers = Vec::new();
        // Blocks of a few rows.
        for limit in [None, Some(16_384)] {
            let Some(device) = device(limit) else { return };
            for omega in [1.0, 1.4] {
                let (solved, f, g) = run(&device, &problem, Stop::relative(2e-5), &mut Fixed(omega));
                let solved = solved.expect("a device that works");
                let error = marginal_error(&problem, &f, &g);
                assert!(solved.report.converged(), "{n} × {m}: {solved:?}");
                // f32: z up to 50 rounds to 6e-6.
                assert!(error <= 5e-5, "{n} × {m}, omega {omega}: {error}");
                answers.push((omega, solved.report.steps, error));
            }
        }
        assert_eq!(answers[0].1, answers[2].1, "{n} × {m}: as many steps in blocks");
    }
}

#[test]
fn points_on_the_fly_of_any_dimension_and_ground() {
    let Some(device) = device(None) else { return };
    let mut draw = Draw(12);
    for (d, ground) in [
        (1, Ground::SquaredEuclidean),
        (3, Ground::Euclidean),
        (4, Ground::L1),
        (8, Ground::SquaredEuclidean),
        (11, Ground::Euclidean),
    ] {
        for (n, m) in SHAPES {
            // Far from the origin, as coordinates on a map are.
            let points = |n: usize, draw: &mut Draw| {
                narrow(&draw.centred(n * d)).iter().map(|x| x + 16.0).collect::<Vec<_>>()
            };
            let (x, y) = (points(n, &mut draw), points(m, &mut draw));
            let (a, b) = (narrow(&weights(n, n > 60, &mut draw)), narrow(&weights(m, false, &mut draw)));
            let mut storage = vec![0.0; PointCost::<f32>::required_len(m, d)];
            let cost = PointCost::new(&x, &y, d, ground, &mut storage).expect("points");
            let epsilon = (cost.largest() * 0.05).max(0.01);
            let problem = Problem::new(&cost, &a, &b, epsilon).expect("a problem");
            let (solved, f, g) = run(&device, &problem, Stop::relative(2e-5), &mut Eager::default());
            let solved = solved.expect("a device that works");
            let error = marginal_error(&problem, &f, &g);
            assert!(
                solved.report.converged() && error <= 5e-5,
                "{d} {ground:?} {n} × {m}: {error} {solved:?}"
            );
            for (i, &a) in a.iter().enumerate() {
                assert_eq!(a == 0.0, f[i] == -f32::INFINITY);
            }
        }
    }
}

#[test]
fn as_many_steps_as_the_cpu_takes_and_the_same_potentials() {
    let Some(device) = device(None) else { return };
    let mut draw = Draw(13);
    let (n, m) = (130, 97);
    let cost: Vec<f64> = (0..n * m).map(|_| draw.next()).collect();
    let cost = DenseCost::new(&cost, n, m, m).expect("costs");
    let (a, b) = (weights(n, false, &mut draw), weights(m, false, &mut draw));
    let problem = Problem::new(&cost, &a, &b, 0.01).expect("a problem");
    for omega in [1.0, 1.5] {
        let stop = Stop { check_every: 4, ..Stop::relative(1e-3) };
        let (theirs, g) = host(&problem, stop, omega);
        let (solved, _, ours) = run(&device, &problem, stop, &mut Fixed(omega));
        let steps = solved.expect("a device").report.steps;
        assert!(
            steps == theirs + 4 || steps == theirs + 8 || steps == theirs,
            "{steps}, {theirs} on the CPU"
        );
        // After as many steps, up to a constant.
        let stop = Stop { max_steps: theirs, ..Stop::relative(1e-12) };
        let (solved, _, exact) = run(&device, &problem, stop, &mut Fixed(omega));
        assert_eq!(solved.expect("a device").report.steps, theirs);
        let shift = g[0] - exact[0];
        let off = g.iter().zip(&exact).fold(0.0_f64, |off, (g, e)| off.max((g - e - shift).abs()));
        assert!(off <= 0.01 * 2e-4, "{off}");
        assert_eq!(ours.len(), m);
    }
}

#[test]
fn digits_that_f32_has_not_come_from_the_host() {
    let Some(device) = device(None) else { return };
    let mut draw = Draw(14);
    let (n, m) = (65, 63);
    let cost: Vec<f64> = (0..n * m).map(|_| draw.next()).collect();
    let cost = DenseCost::new(&cost, n, m, m).expect("costs");
    let (a, b) = (weights(n, true, &mut draw), weights(m, false, &mut draw));
    let problem = Problem::new(&cost, &a, &b, 0.02).expect("a problem");
    let (solved, f, g) = run(&device, &problem, Stop::relative(1e-11), &mut Eager::default());
    let solved = solved.expect("a device");
    assert!(solved.report.converged() && solved.host_steps > 0, "{solved:?}");
    assert!(solved.host_steps < solved.report.steps);
    let error = marginal_error(&problem, &f, &g);
    assert!(error <= 2e-11, "{error}");
    // In f32 the device is its own judge, and the run ends.
    let (values, a, b): (Vec<f32>, _, _) =
        ((0..n * m).map(|k| cost.row(k / m, &mut [])[k % m] as f32).collect(), narrow(&a), narrow(&b));
    let cost = DenseCost::new(&values, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &a, &b, 0.02).expect("a problem");
    let (solved, f, g) = run(&device, &problem, Stop::relative(1e-9), &mut Fixed(1.2));
    let solved = solved.expect("a device");
    assert!(matches!(solved.report.status, Status::Stalled | Status::Converged), "{solved:?}");
    assert!(solved.host_steps == 0 && marginal_error(&problem, &f, &g) <= 5e-5);
}

#[test]
fn refusals_limits_and_a_lost_device() {
    let mut draw = Draw(15);
    let (n, m) = (65, 63);
    let cost: Vec<f64> = (0..n * m).map(|_| draw.next()).collect();
    let cost = DenseCost::new(&cost, n, m, m).expect("costs");
    let (a, b) = (weights(n, false, &mut draw), weights(m, false, &mut draw));
    let problem = Problem::new(&cost, &a, &b, 0.02).expect("a problem");
    let Some(whole) = device(None) else { return };
    let (solved, ..) = run(&whole, &problem, Stop::relative(1e-3), &mut Fixed(2.5));
    assert!(matches!(solved, Err(Failed { error: Error::Refused(southwell::Error::Option { .. }), .. })));
    let Some(small) = device(Some(200)) else { return };
    let (solved, f, _) = run(&small, &problem, Stop::relative(1e-3), &mut Fixed(1.0));
    let limit = Error::LimitTooSmall { what: "a row of costs", need: 252, have: 200 };
    assert_eq!(solved.map_err(|failed| failed.error), Err(limit));
    assert!(f.iter().all(|&f| f == 0.0));
    // Lost after a snapshot: what is left is better than the start.
    let problem = problem.with_epsilon(0.003).expect("a problem");
    whole.lose_after(60);
    let (solved, f, g) = run(&whole, &problem, Stop::relative(1e-14), &mut Fixed(1.0));
    let failed = solved.expect_err("a loss");
    assert!(matches!(failed.error, Error::Lost(_)) && failed.steps > 0);
    let error = marginal_error(&problem, &f, &g);
    assert!(error < 0.1, "{error}");
}
