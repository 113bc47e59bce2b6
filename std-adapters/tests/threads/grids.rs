//! Red-black sweeps and products on grids, against the serial views of core.

use southwell::linear::{Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{Fixed, Problem, RedBlack, Relax, cg, sor};
use southwell::{Real, Stop};
use southwell_std::threads::{Pool, Threaded};

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

mod check {
    use super::*;

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

in_both! { planes spaces solves }

#[test]
fn conjugate_gradients_take_the_products() {
    let symmetric = Star { centre: 4.2, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    let view = Stencil2d::constant(150, 170, symmetric).expect("a grid");
    let rhs = noise::<f64>(3, view.order());
    let solve = |pool: &Pool| {
        let matrix = Threaded::new(pool, view);
        let problem = Problem::new(&matrix, &rhs).expect("a problem");
        let mut storage = vec![f64::NAN; cg::Workspace::<f64>::required_len(rhs.len())];
        let workspace = cg::Workspace::new(&problem, &mut storage).expect("long enough");
        let mut x = vec![0.0; rhs.len()];
        let report = cg::solve(&problem, &cg::Options::default(), &mut x, workspace, &mut ()).expect("valid");
        assert!(report.converged());
        bits(&x)
    };
    let solutions = pools().map(|pool| solve(&pool));
    assert!(solutions.iter().all(|x| *x == solutions[0]));
}
