//! Readings of costs, and couplings by them.

use southwell::omega::{Eager, Fixed, OmegaRule};
use southwell::transport::{
    Cost, DenseCost, Ground, PointCost, Potentials, Problem, batch, scaling, sinkhorn,
};
use southwell::{Real, Report, Status, Stop, drive};
use southwell_std::threads::Threaded;

use super::{bits, in_both, noise, pools};

/// Weights that sum to 1, some of them 0.
fn weights<T: Real>(seed: u64, n: usize) -> Vec<T> {
    let mut w: Vec<f64> = noise::<f64>(seed, n).into_iter().map(|x| (x + 0.9).max(0.0)).collect();
    w[0] += 1.0;
    let sum: f64 = w.iter().sum();
    w.iter().map(|w| T::from_f64(w / sum)).collect()
}

fn reading<T: Real, C: Cost<T>>(cost: &C, g: &[T]) -> [Vec<u64>; 2] {
    let mut scratch = vec![T::NAN; cost.scratch_len()];
    let (mut columns, mut seen) = (vec![T::NAN; g.len()], Vec::new());
    let mut weigh = |i: usize, m: T, sum: T| {
        assert_eq!(seen.len(), 2 * i, "rows in order");
        seen.extend([m, sum]);
        // Every fifth row has no mass.
        if i % 5 == 3 { T::ZERO } else { T::ONE / sum }
    };
    cost.pass(T::from_f64(0.1), g, &mut weigh, &mut columns, &mut scratch);
    [bits(&columns), bits(&seen)]
}

/// Readings of a kernel: in sections, and as one where they have no place of their own.
fn products<T: Real, C: Cost<T>>(cost: &C, kernel: &[T], v: &[T]) -> [[Vec<u64>; 3]; 2] {
    let weigh = |i: usize, sum: T| (if i % 5 == 3 { T::ZERO } else { T::ONE / sum }, sum);
    [v.len(), 0].map(|len| {
        let (mut u, mut columns, mut scratch) =
            (vec![T::NAN; cost.rows()], vec![T::NAN; v.len()], vec![T::NAN; len]);
        let sum = cost.read_kernel(kernel, v, &weigh, &mut u, &mut columns, &mut scratch);
        [bits(&u), bits(&columns), bits(&[sum])]
    })
}

fn potentials<T: Real, C: Cost<T>>(cost: &C, rule: &mut dyn OmegaRule<T>) -> Vec<u64> {
    let (n, m) = (cost.rows(), cost.columns());
    let (a, b) = (weights::<T>(1, n), weights::<T>(2, m));
    let problem = Problem::new(cost, &a, &b, T::from_f64(0.1)).expect("a problem");
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(n, m, cost.scratch_len())];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("long enough");
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = sinkhorn::Options { stop: Stop { max_steps: 30, ..Stop::relative(T::from_f64(1e-4)) } };
    sinkhorn::solve(&problem, &options, rule, x, workspace, &mut ()).expect("valid");
    f.extend(g);
    bits(&f)
}

/// The same on a stored kernel, which is made anew for an ε so small.
fn scalings<T: Real, C: Cost<T>>(cost: &C) -> Vec<u64> {
    let (n, m) = (cost.rows(), cost.columns());
    let (a, b) = (weights::<T>(1, n), weights::<T>(2, m));
    let problem = Problem::new(cost, &a, &b, T::from_f64(0.004)).expect("a problem");
    let mut storage = vec![T::NAN; scaling::Workspace::<T>::required_len(n, m, cost.is_stored())];
    let workspace = scaling::Workspace::new(&problem, &mut storage).expect("long enough");
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = scaling::Options { stop: Stop { max_steps: 60, ..Stop::relative(T::from_f64(1e-4)) } };
    let mut rule = Eager::default();
    let mut run = scaling::start(&problem, &options, &mut rule, x, workspace).expect("valid");
    let report = drive(&mut run, &options.stop, &mut ());
    assert!(report.steps > 5 && (T::EPSILON < T::from_f64(1e-10) || run.absorptions() > 0));
    f.extend(g);
    bits(&f)
}

mod check {
    use super::*;

    pub(super) fn readings<T: Real>() {
        for (n, m) in [(1, 1), (1, 20_000), (20_000, 1), (63, 1021), (1021, 65), (400, 333)] {
            let values: Vec<T> = noise::<T>(1, n * m).into_iter().map(Real::abs).collect();
            let dense = DenseCost::new(&values, n, m, m).expect("costs");
            let (x, y) = (noise::<T>(2, 3 * n), noise::<T>(3, 3 * m));
            let mut storage = vec![T::NAN; PointCost::<T>::required_len(m, 3)];
            let points = PointCost::new(&x, &y, 3, Ground::Euclidean, &mut storage).expect("points");
            let g = noise::<T>(4, m);
            let expected = [reading(&dense, &g), reading(&points, &g)];
            for pool in &pools() {
                let what = format!("{n} x {m}, {} threads", pool.threads());
                assert!(reading(&Threaded::new(pool, dense), &g) == expected[0], "{what}");
                assert!(reading(&Threaded::new(pool, points), &g) == expected[1], "{what}, points");
            }
        }
    }

    pub(super) fn kernels<T: Real>() {
        let sections = [(128, 520), (129, 2100), (400, 171), (1100, 67), (2050, 40), (100_003, 3)];
        let others = [(601, 499), (63, 4200), (127, 2100), (3, 100_003), (1, 300_000)];
        for (n, m) in sections.into_iter().chain(others) {
            let kernel: Vec<T> = noise::<T>(1, n * m).into_iter().map(Real::abs).collect();
            let dense = DenseCost::new(&kernel, n, m, m).expect("costs");
            let v = noise::<T>(4, m);
            let expected = products(&dense, &kernel, &v);
            for pool in &pools() {
                let found = products(&Threaded::new(pool, dense), &kernel, &v);
                assert!(found == expected, "{n} x {m}, {} threads", pool.threads());
            }
        }
    }

    /// A cost whose rows are a caller's code, which may panic.
    struct Broken;

    impl<T: Real> Cost<T> for Broken {
        fn rows(&self) -> usize {
            200
        }
        fn columns(&self) -> usize {
            1000
        }
        fn largest(&self) -> T {
            T::ONE
        }
        fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
            assert!(row != 117, "no such row");
            buffer.fill(T::ONE);
            buffer
        }
    }

    pub(super) fn a_panic_ends_the_pass<T: Real>() {
        for pool in &pools() {
            let cost = Threaded::new(pool, Broken);
            let mut scratch = vec![T::ZERO; Cost::<T>::scratch_len(&cost)];
            let mut columns = vec![T::ZERO; 1000];
            let pass =
                || cost.pass(T::ONE, &[T::ZERO; 1000], &mut |_, _, _| T::ONE, &mut columns, &mut scratch);
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(pass));
            assert!(ended.is_err(), "{} threads", pool.threads());
        }
    }

    /// So may what weighs rows.
    pub(super) fn a_panic_ends_the_reading<T: Real>() {
        for (n, m) in [(400, 400), (100, 3000)] {
            let kernel = vec![T::ONE; n * m];
            let dense = DenseCost::new(&kernel, n, m, m).expect("costs");
            for (pool, row) in pools().iter().flat_map(|pool| [(pool, 5), (pool, n - 5)]) {
                let cost = Threaded::new(pool, dense);
                let weigh = |i: usize, _| {
                    assert!(i != row, "no such row");
                    (T::ONE, T::ZERO)
                };
                let (mut u, mut columns, mut scratch) =
                    (vec![T::ZERO; n], vec![T::ZERO; m], vec![T::ZERO; m]);
                let read = || {
                    cost.read_kernel(&kernel, &vec![T::ONE; m], &weigh, &mut u, &mut columns, &mut scratch)
                };
                let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
                assert!(ended.is_err(), "{} threads, row {row} of {n}", pool.threads());
            }
        }
    }

    pub(super) fn couplings<T: Real>() {
        let (x, y) = (noise::<T>(2, 2 * 211), noise::<T>(3, 2 * 190));
        let mut storage = vec![T::NAN; PointCost::<T>::required_len(190, 2)];
        let cost = PointCost::new(&x, &y, 2, Ground::SquaredEuclidean, &mut storage).expect("points");
        let plain = potentials(&cost, &mut Fixed(T::ONE));
        let eager = potentials(&cost, &mut Eager::default());
        let values: Vec<T> = (0..211).flat_map(|i| cost.row(i, &mut [T::NAN; 190]).to_vec()).collect();
        let dense = DenseCost::new(&values, 211, 190, 190).expect("costs");
        let kernels = scalings(&cost);
        assert!(kernels == scalings(&dense));
        for pool in &pools() {
            let shared = Threaded::new(pool, &cost);
            assert!(potentials(&shared, &mut Fixed(T::ONE)) == plain, "{} threads", pool.threads());
            assert!(potentials(&shared, &mut Eager::default()) == eager, "{} threads, omega", pool.threads());
            assert!(scalings(&shared) == kernels, "{} threads, kernel", pool.threads());
            assert!(scalings(&Threaded::new(pool, dense)) == kernels, "{} threads, kernel", pool.threads());
        }
    }
}

/// A worker that shares out a pass finds the others busy, and does it all.
#[test]
fn passes_within_a_batch() {
    let (n, m) = (300, 200);
    let values: Vec<f64> = noise::<f64>(1, n * m).into_iter().map(f64::abs).collect();
    let dense = DenseCost::new(&values, n, m, m).expect("costs");
    let g = noise::<f64>(4, m);
    let expected = reading(&dense, &g);
    for pool in &pools() {
        let mut found = vec![None; 9];
        pool.batch(
            found.iter_mut(),
            || (),
            |(), found| *found = Some(reading(&Threaded::new(pool, dense), &g)),
        );
        assert!(found.iter().all(|found| found.as_ref() == Some(&expected)), "{} threads", pool.threads());
    }
}

in_both! { readings kernels couplings a_panic_ends_the_pass a_panic_ends_the_reading }

/// Each by one thread, with the bits of one after the other.
#[test]
fn small_problems_are_shared_out_whole() {
    const SIDE: usize = 7;
    const COUNT: usize = 65;
    let costs: Vec<f64> = noise::<f64>(9, COUNT * SIDE * SIDE).into_iter().map(f64::abs).collect();
    let costs: Vec<DenseCost<'_, f64>> =
        costs.chunks(SIDE * SIDE).map(|c| DenseCost::new(c, SIDE, SIDE, SIDE).expect("costs")).collect();
    let (a, b) = (weights::<f64>(1, SIDE), weights::<f64>(2, SIDE));
    let problem = |cost| Problem::new(cost, &a, &b, 0.1).expect("a problem");
    let options = sinkhorn::Options::default();
    let len = sinkhorn::Workspace::<f64>::required_len(SIDE, SIDE, costs[0].scratch_len());
    let (mut f, mut g) = (vec![0.0; COUNT * SIDE], vec![0.0; COUNT * SIDE]);
    let mut reports = vec![
        Report {
            status: Status::Stopped,
            steps: 0,
            checks: 0,
            initial_residual: 0.0,
            residual: 0.0,
            scale: 0.0
        };
        COUNT
    ];
    let x = Potentials { f: &mut f, g: &mut g };
    let storage = &mut vec![f64::NAN; len];
    batch::solve(costs.iter().map(problem), &options, &mut Fixed(1.0), x, storage, &mut reports)
        .expect("valid");
    for pool in &pools() {
        let (mut own_f, mut own_g) = (vec![0.0; f.len()], vec![0.0; g.len()]);
        let mut found = vec![None; COUNT];
        let jobs = costs.iter().zip(own_f.chunks_mut(SIDE)).zip(own_g.chunks_mut(SIDE)).zip(&mut found);
        pool.batch(
            jobs,
            || vec![f64::NAN; len],
            |storage, (((cost, f), g), report)| {
                let problem = problem(cost);
                let workspace = sinkhorn::Workspace::new(&problem, storage).expect("long enough");
                let x = Potentials { f, g };
                *report = sinkhorn::solve(&problem, &options, &mut Fixed(1.0), x, workspace, &mut ()).ok();
            },
        );
        assert!(found.iter().zip(&reports).all(|(found, report)| *found == Some(*report)));
        assert_eq!((bits(&own_f), bits(&own_g)), (bits(&f), bits(&g)), "{} threads", pool.threads());
    }
}
