//! Red-black sweeps and products on grids, against the serial views of core.

use proptest::prelude::*;
use southwell::linear::update::CgUpdate;
use southwell::linear::{Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::update::SsorCgUpdate;
use southwell::relaxation::{Fixed, Problem, RedBlack, Relax, Split, cg, sor, ssor_cg};
use southwell::{Real, Stop};
use southwell_std::threads::Threaded;

use super::{bits, in_both, noise, pools};

/// An M-matrix star, everywhere the same.
fn star<T: Real>() -> Star<T> {
    let c = |x: f64| T::from_f64(x);
    Star {
        centre: c(6.5),
        west: c(-1.1),
        east: c(-0.9),
        south: c(-1.3),
        north: c(-0.7),
        down: c(-0.8),
        up: c(-1.2),
    }
}

/// One for each cell, diagonally dominant.
fn stars<T: Real>(n: usize) -> Star<Vec<T>> {
    let half = |seed| noise::<T>(seed, n);
    let centre = noise::<T>(0, n).into_iter().map(|c| T::from_f64(7.0) + c).collect();
    Star { centre, west: half(1), east: half(2), south: half(3), north: half(4), down: half(5), up: half(6) }
}

fn slices<T>(star: &Star<Vec<T>>) -> Star<&[T]> {
    let Star { centre, west, east, south, north, down, up } = star;
    Star { centre, west, east, south, north, down, up }
}

/// Sweeps of both directions, one and several at a time, and all products, of `$view` on threads and alone.
macro_rules! agree {
    ($kind:ident, $view:expr, $what:expr) => {{
        let view: $kind<'_, T> = $view;
        let serial = RedBlack::<$kind<'_, T>>::new(view);
        let n = view.order();
        let (rhs, start) = (noise::<T>(7, n), noise::<T>(8, n));
        let mut inverse = vec![T::NAN; serial.scratch_len()];
        serial.prepare(&mut inverse).expect("a diagonal");
        let (mut y, mut r) = (vec![T::NAN; n], vec![T::NAN; n]);
        view.apply(&start, &mut y);
        view.residual(&rhs, &start, &mut r);
        let mut squares = Vec::new();
        for pool in &pools() {
            let threads = pool.threads();
            let shared = Threaded::new(pool, serial);
            let mut scratch = vec![T::NAN; shared.scratch_len()];
            shared.prepare(&mut scratch).expect("a diagonal");
            for (reversed, count) in [(false, 1), (true, 1), (false, 3), (true, 9)] {
                let (mut x, mut expected) = (start.clone(), start.clone());
                serial.sweeps(reversed, T::from_f64(1.3), &mut inverse, &rhs, &mut expected, count);
                shared.sweeps(reversed, T::from_f64(1.3), &mut scratch, &rhs, &mut x, count);
                assert!(bits(&x) == bits(&expected), "{} {threads} threads, {count} sweeps", $what);
            }
            let mut out = vec![T::NAN; n];
            shared.apply(&start, &mut out);
            assert!(bits(&out) == bits(&y), "{} {threads} threads: a product", $what);
            Threaded::new(pool, view).residual(&rhs, &start, &mut out);
            assert!(bits(&out) == bits(&r), "{} {threads} threads: a residual", $what);
            squares.push(shared.residual_square(&rhs, &start));
        }
        let square = view.residual_square(&rhs, &start).to_f64();
        assert!(squares.iter().all(|s| bits(&[*s]) == bits(&[squares[0]])), "{}: {squares:?}", $what);
        let off = (squares[0].to_f64() - square).abs();
        assert!(off <= 1e3 * T::EPSILON.to_f64() * square, "{}: {off:e} of {square}", $what);
    }};
}

/// The halves of SSOR in natural order, of any view, and what a step of SSOR-CG does after them.
fn halves<T: Real, A: Split<T>>(matrix: &A, omega: f64) -> Vec<(&'static str, Vec<u64>)> {
    let n = matrix.order();
    let [mut p, mut r, mut r_hat, mut x] = [7, 8, 9, 10].map(|seed| noise::<T>(seed, n));
    let omega = T::from_f64(omega);
    let mut scratch = vec![T::NAN; matrix.split_len()];
    matrix.prepare(&mut scratch);
    let (mut t, mut y, mut w) = (vec![T::NAN; n], vec![T::NAN; n], vec![T::NAN; n]);
    matrix.solve_upper(omega, &scratch, &p, &mut t);
    matrix.solve_lower(omega, &scratch, &p, &t, &mut y, &mut w);
    let mut found = vec![("t", bits(&t)), ("y", bits(&y)), ("w", bits(&w))];
    let sums = matrix.combine(&t, &p, &mut y);
    found.push(("combined", bits(&y)));
    found.push(("tᵀt, pᵀz", bits(&[sums.0, sums.1])));
    let sums = matrix.update_ssor_cg(SsorCgUpdate {
        alpha: T::from_f64(0.3),
        weight: omega,
        diagonal: matrix.weights(&scratch),
        rho: T::from_f64(0.7),
        t: &t,
        z: &y,
        w: &w,
        r: &mut r,
        x: &mut x,
        r_hat: &mut r_hat,
        p: &mut p,
    });
    found.push(("rᵀr, ρ", bits(&[sums.0, sums.1])));
    found.extend([("r", bits(&r)), ("x", bits(&x)), ("r̂", bits(&r_hat)), ("p", bits(&p))]);
    found
}

/// The same on threads.
fn agree_in_halves<T: Real, A: Split<T> + Copy>(view: A, omega: f64, what: &str)
where
    for<'p> Threaded<'p, A>: Split<T>,
{
    let expected = halves(&view, omega);
    for pool in &pools() {
        let found = halves(&Threaded::new(pool, view), omega);
        for ((name, found), (_, expected)) in found.iter().zip(&expected) {
            assert!(found == expected, "{what}, {} threads: {name}", pool.threads());
        }
    }
}

fn agree_in_the_plane<T: Real>(rows: usize, columns: usize, omega: f64) {
    let what = format!("{rows} x {columns}, omega {omega}");
    let view = Stencil2d::constant(rows, columns, star::<T>()).expect("a grid");
    agree_in_halves(view, omega, &what);
    let stars = stars::<T>(rows * columns);
    let view = Stencil2d::per_cell(rows, columns, slices(&stars)).expect("a grid");
    agree_in_halves(view, omega, &format!("{what}, by cells"));
}

fn agree_in_space<T: Real>(planes: usize, rows: usize, columns: usize, omega: f64) {
    let what = format!("{planes} x {rows} x {columns}, omega {omega}");
    let view = Stencil3d::constant(planes, rows, columns, star::<T>()).expect("a grid");
    agree_in_halves(view, omega, &what);
    let stars = stars::<T>(planes * rows * columns);
    let view = Stencil3d::per_cell(planes, rows, columns, slices(&stars)).expect("a grid");
    agree_in_halves(view, omega, &format!("{what}, by cells"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn halves_of_any_plane_have_the_bits_of_one_thread(
        columns in 120_usize..800, more in 0_usize..60, omega in 0.05..1.95,
    ) {
        // Just enough to be shared out, and more.
        let rows = 32_768_usize.div_ceil(columns) + more;
        agree_in_the_plane::<f64>(rows, columns, omega);
        agree_in_the_plane::<f32>(rows, columns, omega);
    }

    #[test]
    fn halves_of_any_space_have_the_bits_of_one_thread(
        planes in 1_usize..50, columns in 1_usize..300, more in 0_usize..20, omega in 0.05..1.95,
    ) {
        let rows = 32_768_usize.div_ceil(columns * planes) + more;
        agree_in_space::<f64>(planes, rows, columns, omega);
        agree_in_space::<f32>(planes, rows, columns, omega);
    }
}

mod check {
    use super::*;

    pub(super) fn halves_in_natural_order<T: Real>() {
        let planes =
            [(1, 1), (1, 40_009), (40_009, 1), (1021, 63), (259, 127), (256, 128), (257, 191), (33, 1000)];
        for (rows, columns) in planes {
            agree_in_the_plane::<T>(rows, columns, 1.5);
        }
        let spaces = [
            (1, 129, 128),
            (2, 65, 200),
            (33, 17, 63),
            (64, 64, 64),
            (130, 9, 21),
            (1021, 1, 19),
            (17, 1, 1021),
        ];
        for (planes, rows, columns) in spaces {
            agree_in_space::<T>(planes, rows, columns, 1.5);
        }
    }

    pub(super) fn gradients_in_natural_order<T: Real>() {
        let around = Star { centre: c(4.02), west: c(-1.0), east: c(-1.0), ..Star::default() };
        let star = Star { south: c(-1.0), north: c(-1.0), ..around };
        let view = Stencil2d::constant(170, 210, star).expect("a grid");
        let rhs = noise::<T>(3, view.order());
        let alone = gradients(&view, &rhs);
        for pool in &pools() {
            assert!(gradients(&Threaded::new(pool, view), &rhs) == alone, "{} threads", pool.threads());
        }
        let star = Star { centre: c(6.1), down: c(-1.0), up: c(-1.0), ..star };
        let view = Stencil3d::constant(40, 30, 50, star).expect("a grid");
        let rhs = noise::<T>(4, view.order());
        let alone = gradients(&view, &rhs);
        for pool in &pools() {
            assert!(gradients(&Threaded::new(pool, view), &rhs) == alone, "{} threads", pool.threads());
        }
    }

    /// A whole run, its report included.
    fn gradients<T: Real, A: Split<T>>(matrix: &A, rhs: &[T]) -> (Vec<u64>, u32, u64) {
        let problem = Problem::new(matrix, rhs).expect("a problem");
        let len = ssor_cg::Workspace::<T>::required_len(rhs.len(), matrix.split_len());
        let mut storage = vec![T::NAN; len];
        let workspace = ssor_cg::Workspace::new(&problem, &mut storage).expect("long enough");
        let mut x = vec![T::ZERO; rhs.len()];
        let options = ssor_cg::Options { stop: Stop::relative(c(1e-4)), ..Default::default() };
        let rule = &mut Fixed(c(1.4));
        let report = ssor_cg::solve(&problem, &options, rule, &mut x, workspace, &mut ()).expect("valid");
        assert!(report.converged() && report.steps > 5);
        (bits(&x), report.steps, report.residual.to_f64().to_bits())
    }

    fn c<T: Real>(x: f64) -> T {
        T::from_f64(x)
    }

    pub(super) fn planes<T: Real>() {
        for (rows, columns) in
            [(1, 1), (1, 63), (65, 1), (63, 65), (1, 20_021), (20_021, 1), (1021, 63), (257, 129)]
        {
            agree!(
                Stencil2d,
                Stencil2d::constant(rows, columns, star()).expect("a grid"),
                format!("{rows} x {columns}")
            );
            let stars = stars::<T>(rows * columns);
            let view = Stencil2d::per_cell(rows, columns, slices(&stars)).expect("a grid");
            agree!(Stencil2d, view, format!("{rows} x {columns} by cells"));
        }
    }

    pub(super) fn spaces<T: Real>() {
        for (planes, rows, columns) in
            [(1, 201, 97), (2, 100, 100), (33, 17, 63), (130, 9, 21), (1021, 1, 19)]
        {
            let what = format!("{planes} x {rows} x {columns}");
            agree!(Stencil3d, Stencil3d::constant(planes, rows, columns, star()).expect("a grid"), what);
            let stars = stars::<T>(planes * rows * columns);
            let view = Stencil3d::per_cell(planes, rows, columns, slices(&stars)).expect("a grid");
            agree!(Stencil3d, view, format!("{what} by cells"));
        }
    }

    pub(super) fn solves<T: Real>() {
        let view = Stencil2d::constant(200, 130, star::<T>()).expect("a grid");
        let rhs = noise::<T>(3, view.order());
        let options = sor::Options {
            stop: Stop { check_every: 5, ..Stop::relative(T::from_f64(1e-4)) },
            ..Default::default()
        };
        let alone = sweep(&RedBlack::<Stencil2d<'_, T>>::new(view), &rhs, &options);
        for pool in &pools() {
            let shared = sweep(&Threaded::new(pool, RedBlack::<Stencil2d<'_, T>>::new(view)), &rhs, &options);
            assert_eq!(bits(&shared), bits(&alone), "{} threads", pool.threads());
        }
    }

    fn sweep<T: Real, A: Relax<T>>(matrix: &A, rhs: &[T], options: &sor::Options<T>) -> Vec<T> {
        let problem = Problem::new(matrix, rhs).expect("a problem");
        let mut storage = vec![T::NAN; sor::Workspace::<T>::required_len(rhs.len(), matrix.scratch_len())];
        let workspace = sor::Workspace::new(&problem, &mut storage).expect("long enough");
        let mut x = vec![T::ZERO; rhs.len()];
        let report = sor::solve(&problem, options, &mut Fixed(T::from_f64(1.2)), &mut x, workspace, &mut ());
        assert!(report.expect("valid").converged());
        x
    }
}

in_both! { planes spaces solves halves_in_natural_order gradients_in_natural_order }

/// A whole run of CG.
fn conjugate<T: Real, A: Matrix<T>>(matrix: &A, rhs: &[T]) -> (Vec<u64>, u32) {
    let problem = Problem::new(matrix, rhs).expect("a problem");
    let mut storage = vec![T::NAN; cg::Workspace::<T>::required_len(rhs.len())];
    let workspace = cg::Workspace::new(&problem, &mut storage).expect("long enough");
    let mut x = vec![T::ZERO; rhs.len()];
    let options = cg::Options { stop: Stop::relative(T::from_f64(1e-4)), ..Default::default() };
    let report = cg::solve(&problem, &options, &mut x, workspace, &mut ()).expect("valid");
    assert!(report.converged());
    (bits(&x), report.steps)
}

/// Of the lengths of none, one and some blocks, and of what is shared out and what is not.
#[test]
fn conjugate_gradients_have_the_bits_of_one_thread() {
    fn check<T: Real>() {
        let star = Star { centre: 4.2, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
        let star = star.map(T::from_f64);
        for (rows, columns) in [(20, 50), (32, 64), (150, 170), (250, 300)] {
            let view = Stencil2d::constant(rows, columns, star).expect("a grid");
            let rhs = noise::<T>(3, view.order());
            let alone = conjugate(&view, &rhs);
            for pool in &pools() {
                let found = conjugate(&Threaded::new(pool, view), &rhs);
                assert!(found == alone, "{rows} x {columns}, {} threads", pool.threads());
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

/// What is not finite changes nothing but r, whoever finds out.
#[test]
fn an_update_that_is_not_finite_leaves_the_iterate() {
    let n = 70_000;
    let view = Stencil2d::constant(n / 100, 100, Star { centre: 4.0, ..Star::default() }).expect("a grid");
    let q: Vec<f64> = (0..n).map(|i| if i == 60_001 { f64::INFINITY } else { 1.0 }).collect();
    for pool in &pools() {
        let [mut r, mut x, mut p] = [(); 3].map(|()| vec![1.0; n]);
        let update = CgUpdate { alpha: 0.5, rho: 1.0, q: &q, r: &mut r, x: &mut x, p: &mut p };
        assert!(Threaded::new(pool, view).update_cg(update).is_infinite());
        assert!(x.iter().chain(&p).all(|&x| x == 1.0), "{} threads", pool.threads());
        let [mut r_hat, t, z] = [(); 3].map(|()| vec![1.0; n]);
        let update = SsorCgUpdate {
            alpha: 0.5,
            weight: 1.0,
            diagonal: view.weights(&[]),
            rho: 1.0,
            t: &t,
            z: &z,
            w: &q,
            r: &mut r,
            x: &mut x,
            r_hat: &mut r_hat,
            p: &mut p,
        };
        assert!(!Threaded::new(pool, view).update_ssor_cg(update).0.is_finite());
        assert!(x.iter().chain(&p).chain(&r_hat).all(|&x| x == 1.0), "{} threads", pool.threads());
    }
}
