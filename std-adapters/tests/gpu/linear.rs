//! A x = b: sweeps and conjugate gradients.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use southwell::bandit::{Grid, TsallisInf, TsallisOptions};
use southwell::linear::{Csr, Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{Fixed, HagemanYoung, OmegaRule, Problem, RedBlack, Relax, cg, sor, ssor_cg};
use southwell::{Progress, Real, Status, Stop};
use southwell_std::files::SparseMatrix;
use southwell_std::gpu::relaxation::{self, Settings};
use southwell_std::gpu::{Device, Error, Resident, Trials};

use super::{Draw, device, narrow};

fn star<T: Real>(centre: f64) -> Star<T> {
    let c = |value: f64| T::from_f64(value);
    Star {
        centre: c(centre),
        west: c(-1.0),
        east: c(-0.9),
        south: c(-1.1),
        north: c(-1.0),
        down: c(-0.8),
        up: c(-1.0),
    }
}

/// Exactly `steps` steps of `sweep`: no residual can meet this tolerance.
fn fixed<T: Real>(steps: u32, sweep: sor::Sweep) -> sor::Options<T> {
    let stop = Stop { max_steps: steps, ..Stop::relative(T::MIN_POSITIVE) };
    sor::Options { sweep, stop, ..sor::Options::default() }
}

/// So many sweeps on the device and on the CPU in the same order, both in `f32`; the largest difference.
fn difference<A: Resident<f32>, B: Relax<f32>>(
    device: &Device,
    (ours, theirs): (&A, &B),
    b: &[f32],
    start: &[f32],
    sweep: sor::Sweep,
) -> f32 {
    let options = fixed(21, sweep);
    let mut x = start.to_vec();
    let problem = Problem::new(ours, b).expect("a problem");
    let settings = Settings { chunk: Some(5) };
    let solved = relaxation::sor(device, settings, &problem, &options, &mut Fixed(1.3), &mut x, &mut ())
        .expect("a device that works");
    // A single unknown may be exact before.
    let all = (solved.report.steps, solved.report.status) == (21, Status::StepLimit);
    assert!(all || b.len() == 1 && solved.report.residual == 0.0, "{solved:?}");
    let truth = problem.residual_norm(&x);
    assert!((solved.report.residual - truth).abs() <= 1e-6 * truth.abs(), "the residual is that of x");

    let mut y = start.to_vec();
    let problem = Problem::new(theirs, b).expect("a problem");
    let mut storage = vec![0.0; sor::Workspace::<f32>::required_len(b.len(), theirs.scratch_len())];
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("enough");
    sor::solve(&problem, &options, &mut Fixed(1.3), &mut y, workspace, &mut ()).expect("a run");
    x.iter().zip(&y).fold(0.0, |largest, (x, y)| largest.max((x - y).abs()))
}

/// 21 sweeps with ω = 1.3 multiply a rounding error of 6e-8 by little; ten of them leave 1e-6.
const BOUND: f32 = 1e-6;

#[test]
fn red_black_sweeps_are_those_of_the_cpu_at_awkward_sizes() {
    let Some(device) = device(None) else { return };
    let mut draw = Draw(1);
    let shapes = [(1, 1), (1, 63), (63, 1), (2, 3), (65, 63), (5, 1021), (1021, 7), (130, 129)];
    for (rows, columns) in shapes {
        let a = Stencil2d::constant(rows, columns, star(4.2)).expect("a grid");
        let n = rows * columns;
        let (b, x) = (narrow(&draw.centred(n)), narrow(&draw.centred(n)));
        for sweep in [sor::Sweep::Forward, sor::Sweep::Backward, sor::Sweep::Symmetric] {
            let off = difference(&device, (&a, &RedBlack::<Stencil2d<'_, f32>>::new(a)), &b, &x, sweep);
            assert!(off <= BOUND, "{rows} × {columns}, {sweep:?}: {off}");
        }
    }
}

#[test]
fn the_seven_point_star_too() {
    let Some(device) = device(None) else { return };
    let mut draw = Draw(2);
    for (planes, rows, columns) in [(1, 1, 1), (3, 1, 65), (7, 9, 11), (2, 65, 63)] {
        let a = Stencil3d::constant(planes, rows, columns, star(6.3)).expect("a grid");
        let n = planes * rows * columns;
        let (b, x) = (narrow(&draw.centred(n)), narrow(&draw.centred(n)));
        let off =
            difference(&device, (&a, &RedBlack::<Stencil3d<'_, f32>>::new(a)), &b, &x, sor::Sweep::Symmetric);
        assert!(off <= BOUND, "{planes} × {rows} × {columns}: {off}");
    }
}

#[test]
fn a_grid_beyond_a_binding_is_split_into_slabs_with_the_same_bits() {
    // 65 columns: a row of 67 numbers, 268 bytes; slabs of 5 rows at 2 kB, of 1 row at 804 bytes.
    let mut draw = Draw(3);
    let (rows, columns) = (63, 65);
    let a = Stencil2d::constant(rows, columns, star(4.2)).expect("a grid");
    let b = narrow(&draw.centred(rows * columns));
    let options = fixed::<f32>(17, sor::Sweep::Symmetric);
    let answers = [None, Some(4096), Some(2048), Some(804)].map(|limit| {
        let device = device(limit)?;
        let problem = Problem::new(&a, &b).expect("a problem");
        let mut x = vec![0.0; b.len()];
        relaxation::sor(&device, Settings::default(), &problem, &options, &mut Fixed(1.5), &mut x, &mut ())
            .expect("a device that works");
        Some(x)
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let Some(device) = device(Some(803)) else { return };
    let problem = Problem::new(&a, &b).expect("a problem");
    let mut x = vec![7.0; b.len()];
    let failed =
        relaxation::sor(&device, Settings::default(), &problem, &options, &mut Fixed(1.5), &mut x, &mut ());
    let limit = Error::LimitTooSmall { what: "three layers of the grid", need: 804, have: 803 };
    assert_eq!(failed.map_err(|failed| failed.error), Err(limit));
    assert!(x.iter().all(|&x| x == 7.0));
}

/// −Δu = 1 with h² f on the right, as the developers' reference run had it.
fn poisson(side: usize) -> (Stencil2d<'static, f64>, Vec<f64>) {
    let star = Star { centre: 4.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    let h = 1.0 / (side + 1) as f64;
    (Stencil2d::constant(side, side, star).expect("a grid"), vec![h * h; side * side])
}

#[test]
fn refinement_reaches_what_f32_cannot() {
    let Some(device) = device(None) else { return };
    let side = 127;
    let (a, b) = poisson(side);
    let problem = Problem::new(&a, &b).expect("a problem");
    let options = sor::Options { stop: Stop::relative(1e-11), ..sor::Options::default() };
    let omega = 2.0 / (1.0 + (std::f64::consts::PI / (side + 1) as f64).sin());
    let mut x = vec![0.0; b.len()];
    let settings = Settings { chunk: Some(16) };
    let solved = relaxation::sor(&device, settings, &problem, &options, &mut Fixed(omega), &mut x, &mut ())
        .expect("a device that works");
    let truth = problem.residual_norm(&x);
    assert!(solved.report.converged() && truth <= 1e-11 * solved.report.scale, "{solved:?}, {truth}");
    assert_eq!(solved.report.residual, truth);
    // The middle of the plate, from the series of sines.
    let middle = x[(side / 2) * side + side / 2];
    assert!((middle - 0.073_671_353).abs() < 1e-5, "{middle}");
    // The CPU takes about as many: a round costs a look or two, and a run ends two chunks late at most.
    let mut storage = vec![0.0; sor::Workspace::<f64>::required_len(b.len(), 0)];
    let red_black = RedBlack::<Stencil2d<'_, f64>>::new(a);
    let problem = Problem::new(&red_black, &b).expect("a problem");
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("enough");
    let mut y = vec![0.0; b.len()];
    let report =
        sor::solve(&problem, &options, &mut Fixed(omega), &mut y, workspace, &mut ()).expect("a run");
    let (ours, theirs) = (solved.report.steps, report.steps);
    assert!(ours >= theirs && ours <= theirs + theirs / 4 + 32, "{ours} steps, {theirs} on the CPU");
}

/// A symmetric, diagonally dominant matrix with about `degree` random neighbours a row, and one long row.
fn graph(n: usize, degree: usize, draw: &mut Draw) -> SparseMatrix {
    let mut rows = vec![std::collections::BTreeMap::new(); n];
    let mut join = |i: usize, j: usize, value: f64| {
        if i != j {
            rows[i].insert(j as u32, -value);
            rows[j].insert(i as u32, -value);
        }
    };
    for i in 0..n {
        for _ in 0..degree / 2 {
            join(i, (draw.next() * n as f64) as usize, draw.next());
        }
        if i % 3 == 0 {
            join(0, i, draw.next());
        }
    }
    let mut matrix = SparseMatrix { rows: n, columns: n, row_offsets: vec![0], ..SparseMatrix::default() };
    for (i, mut row) in rows.into_iter().enumerate() {
        let weight: f64 = row.values().map(|value: &f64| value.abs()).sum();
        row.insert(i as u32, weight + 0.1);
        matrix.column_indices.extend(row.keys());
        matrix.values.extend(row.values());
        matrix.row_offsets.push(matrix.values.len() as u32);
    }
    matrix
}

fn view(matrix: &SparseMatrix) -> Csr<'_, f64> {
    Csr::new(&matrix.row_offsets, &matrix.column_indices, &matrix.values).expect("a valid matrix")
}

/// A method, run on the x that it is given.
type Solve<'s> = &'s mut dyn FnMut(&mut [f64]) -> Result<relaxation::Solved<f64>, relaxation::Failed>;

#[test]
fn sparse_systems_of_awkward_sizes_split_or_not() {
    let mut draw = Draw(5);
    for (n, limit) in [
        (1, None),
        (2, None),
        (63, None),
        (65, None),
        (1021, None),
        (1021, Some(50_000)),
        (300, Some(14_000)),
    ] {
        let Some(device) = device(limit) else { return };
        let matrix = graph(n, 6, &mut draw);
        let a = view(&matrix);
        let exact = draw.centred(n);
        let mut b = vec![0.0; n];
        a.apply(&exact, &mut b);
        let problem = Problem::new(&a, &b).expect("a problem");
        let stop = Stop::relative(1e-10);
        let check = |name: &str, solve: Solve<'_>| {
            let mut x = vec![0.0; n];
            match solve(&mut x) {
                Ok(solved) => {
                    let truth = problem.residual_norm(&x);
                    assert!(
                        solved.report.converged() && truth <= 1e-10 * solved.report.scale,
                        "{name} {n}: {solved:?}"
                    );
                    // The smallest eigenvalue is 0.1 at least.
                    let off = x.iter().zip(&exact).fold(0.0_f64, |off, (x, y)| off.max((x - y).abs()));
                    assert!(off <= 10.0 * truth + 1e-12, "{name} {n}: {off}");
                }
                Err(failed) => panic!("{name} {n}: {failed}"),
            }
        };
        let settings = Settings { chunk: Some(8) };
        let options = sor::Options { stop, ..sor::Options::default() };
        check("sor", &mut |x| {
            relaxation::sor(&device, settings, &problem, &options, &mut HagemanYoung::default(), x, &mut ())
        });
        let options = cg::Options { stop, ..cg::Options::default() };
        check("cg", &mut |x| relaxation::cg(&device, settings, &problem, &options, x, &mut ()));
        let options = ssor_cg::Options { stop, ..ssor_cg::Options::default() };
        check("ssor-cg", &mut |x| {
            relaxation::ssor_cg(&device, settings, &problem, &options, &mut Fixed(1.2), x, &mut ())
        });
    }
}

#[test]
fn a_row_or_a_vector_beyond_a_binding_is_refused_before_anything_happens() {
    let Some(device) = device(Some(2048)) else { return };
    let mut draw = Draw(6);
    let settings = Settings::default();
    for (n, what, need) in [(1021, "the unknowns", 4224), (400, "32 rows of the matrix", 0)] {
        let matrix = graph(n, 6, &mut draw);
        let (a, b) = (view(&matrix), vec![1.0; n]);
        let problem = Problem::new(&a, &b).expect("a problem");
        let mut x = vec![3.0; n];
        let failed = relaxation::cg(&device, settings, &problem, &cg::Options::default(), &mut x, &mut ());
        match failed.map_err(|failed| failed.error) {
            Err(Error::LimitTooSmall { what: found, need: bytes, have: 2048 }) => {
                assert_eq!(found, what);
                assert!(bytes >= need && bytes > 2048, "{bytes}");
            }
            other => panic!("{other:?}"),
        }
        assert!(x.iter().all(|&x| x == 3.0));
    }
}

#[test]
fn conjugate_gradients_on_grids_whole_and_in_slabs() {
    for limit in [None, Some(4096)] {
        let Some(device) = device(limit) else { return };
        let (a, b) = poisson(65);
        let problem = Problem::new(&a, &b).expect("a problem");
        let settings = Settings { chunk: Some(4) };
        let stop = Stop::relative(1e-10);
        let (mut x, mut y) = (vec![0.0; b.len()], vec![0.0; b.len()]);
        let options = cg::Options { stop, ..cg::Options::default() };
        let plain = relaxation::cg(&device, settings, &problem, &options, &mut x, &mut ()).expect("a device");
        let options = ssor_cg::Options { stop, ..ssor_cg::Options::default() };
        let better =
            relaxation::ssor_cg(&device, settings, &problem, &options, &mut Fixed(1.0), &mut y, &mut ())
                .expect("a device");
        assert!(plain.report.converged() && better.report.converged(), "{plain:?} {better:?}");
        assert!(better.report.steps < plain.report.steps, "{better:?} {plain:?}");
        for x in [&x, &y] {
            assert!(problem.residual_norm(x) <= 1e-10 * plain.report.scale);
        }
        let off = x.iter().zip(&y).fold(0.0_f64, |off, (x, y)| off.max((x - y).abs()));
        assert!(off < 1e-9, "{off}");
    }
}

#[test]
fn what_the_cpu_refuses_is_refused_and_what_fails_says_how() {
    let Some(device) = device(None) else { return };
    let (a, b) = poisson(9);
    let problem = Problem::new(&a, &b).expect("a problem");
    let settings = Settings::default();
    let mut x = vec![0.5; 80];
    let options = sor::Options::default();
    let failed = relaxation::sor(&device, settings, &problem, &options, &mut Fixed(1.0), &mut x, &mut ());
    let dimension = southwell::Error::Dimension { argument: "x", expected: 81, given: 80 };
    assert_eq!(failed.map_err(|failed| failed.error), Err(Error::Refused(dimension)));
    // An indefinite matrix: 1 in the centre, −1 around.
    let indefinite = Stencil2d::constant(9, 9, star::<f64>(1.0)).expect("a grid");
    let problem = Problem::new(&indefinite, &b).expect("a problem");
    let mut x = vec![0.0; 81];
    let solved =
        relaxation::cg(&device, settings, &problem, &cg::Options::default(), &mut x, &mut ()).expect("a run");
    assert_eq!(solved.report.status, Status::Breakdown);
    // Sweeps that diverge leave the last good iterate.
    let mut x = vec![0.0; 81];
    let options = fixed(100_000, sor::Sweep::Forward);
    let solved = relaxation::sor(&device, settings, &problem, &options, &mut Fixed(1.5), &mut x, &mut ())
        .expect("a run");
    assert_eq!(solved.report.status, Status::NotFinite);
    assert!(x.iter().all(|x| x.is_finite()) && solved.report.residual == problem.residual_norm(&x));
    // Numbers that f32 has not.
    let huge = Star { centre: 1e60, ..Star::default() };
    let a = Stencil2d::constant(9, 9, huge).expect("a grid");
    let problem = Problem::new(&a, &b).expect("a problem");
    let failed = relaxation::cg(&device, settings, &problem, &cg::Options::default(), &mut x, &mut ());
    assert_eq!(failed.map_err(|failed| failed.error), Err(Error::Range { argument: "the star" }));
}

#[test]
fn a_lost_device_leaves_the_last_good_iterate() {
    let (a, b) = poisson(65);
    let problem = Problem::new(&a, &b).expect("a problem");
    let settings = Settings { chunk: Some(8) };
    let options = sor::Options { stop: Stop::relative(1e-12), ..sor::Options::default() };
    for submissions in [0, 1, 2, 5, 40] {
        let Some(device) = device(None) else { return };
        device.lose_after(submissions);
        let mut x = vec![0.0; b.len()];
        let failed = relaxation::sor(&device, settings, &problem, &options, &mut Fixed(1.9), &mut x, &mut ())
            .expect_err("a loss");
        assert!(matches!(failed.error, Error::Lost(_)), "{failed:?}");
        assert!(failed.steps <= 8 * submissions);
        let (left, start) = (problem.residual_norm(&x), problem.residual_norm(&vec![0.0; b.len()]));
        assert!(left <= start, "{submissions}: {left}");
        // A thousandfold reduction had been brought home by then.
        assert!(submissions < 40 || left < start * 1e-2, "{left} of {start}");
    }
    // By an observer, half-way.
    let Some(device) = device(None) else { return };
    let mut x = vec![0.0; b.len()];
    let mut looks = 0;
    let mut observer = |_: &Progress<f64>| {
        looks += 1;
        if looks == 7 {
            device.lose_after(0);
        }
        std::ops::ControlFlow::Continue(())
    };
    let options = cg::Options { stop: Stop::relative(1e-12), ..cg::Options::default() };
    let failed = relaxation::cg(&device, settings, &problem, &options, &mut x, &mut observer);
    assert!(matches!(failed.expect_err("a loss").error, Error::Lost(_)));
}

#[test]
fn omega_is_learned_within_a_run() {
    let Some(device) = device(None) else { return };
    let (a, b) = poisson(95);
    let problem = Problem::new(&a, &b).expect("a problem");
    let options = sor::Options { stop: Stop::relative(1e-8), ..sor::Options::default() };
    let settings = Settings { chunk: Some(16) };
    let steps = |rule: &mut dyn OmegaRule<f64>| {
        let mut x = vec![0.0; b.len()];
        let solved =
            relaxation::sor(&device, settings, &problem, &options, rule, &mut x, &mut ()).expect("a device");
        assert!(solved.report.converged(), "{solved:?}");
        solved.report.steps
    };
    let tuner = TsallisInf::<f64, 20>::new(TsallisOptions::default()).expect("a tuner");
    let mut rule = Trials::new(tuner, Grid::<f64>::RELAXATION, Xoshiro256PlusPlus::seed_from_u64(1));
    let (first, second) = (steps(&mut rule), steps(&mut rule));
    let (plain, best) = (steps(&mut Fixed(1.5)), steps(&mut Fixed(1.93)));
    assert!(first < plain && second < plain, "{first} {second}, {plain} with 1.5, {best} with the best");
    // The rule that knows the theory is told late as well, and finds it all the same.
    let informed = steps(&mut HagemanYoung::default());
    assert!(informed < plain / 2, "{informed} of {plain}");
}
