//! Every order and every view of a grid of three by four cells, and how many steps each takes. So small that Miri runs
//! them too.

use crate::common::methods::{cg_by, sor_by, ssor_cg_by};
use crate::common::{Numbers, Plain, cast_star, leak, leak_star, poisson_star};
use southwell::linear::{Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{
    Blocks, Colouring, Fixed, Lines, Multicolour, RedBlack, Relax, Split, sor, sor::Sweep,
};
use southwell::{Status, Stop};

const ROWS: usize = 3;
const COLUMNS: usize = 4;

/// A second step is like all that follow, which is enough for Miri.
fn stop() -> Stop<f64> {
    if cfg!(miri) { Stop { max_steps: 2, ..Stop::default() } } else { Stop::relative(1e-10) }
}

/// What is compared with where a run is long enough to come there.
fn exact(plain: &Plain, b: &[f64]) -> Vec<f64> {
    if cfg!(miri) { vec![] } else { plain.solve(b) }
}

/// Steps of SOR forward, backward and both ways.
fn sweeps<A: Relax<f64>>(view: &A, plain: &Plain, b: &[f64]) -> [u32; 3] {
    let exact = exact(plain, b);
    [Sweep::Forward, Sweep::Backward, Sweep::Symmetric].map(|sweep| {
        let options = sor::Options { sweep, stop: stop(), ..sor::Options::default() };
        let mut x = vec![0.25; b.len()];
        let report = sor_by(view, b, &mut Fixed(1.25), &options, &mut x);
        let (residual, bound) = plain.look(b, &x);
        assert!((report.residual - residual).abs() <= bound, "{report:?} {residual}");
        if !cfg!(miri) {
            assert_eq!(report.status, Status::Converged);
            assert!(x.iter().zip(&exact).all(|(x, e)| (x - e).abs() < 1e-8), "{x:?} {exact:?}");
        }
        report.steps
    })
}

/// Steps of SSOR-CG with two omegas, and of CG.
fn gradients<A: Split<f64>>(view: &A, plain: &Plain, b: &[f64]) -> [u32; 3] {
    let exact = exact(plain, b);
    let check = |x: &[f64], report: southwell::Report<f64>| {
        let (residual, bound) = plain.look(b, x);
        assert!((report.residual - residual).abs() <= bound, "{report:?} {residual}");
        if !cfg!(miri) {
            assert_eq!(report.status, Status::Converged);
            assert!(x.iter().zip(&exact).all(|(x, e)| (x - e).abs() < 1e-8), "{x:?} {exact:?}");
        }
        report.steps
    };
    let mut at = |omega: f64| {
        let mut x = vec![0.25; b.len()];
        let (report, _) = ssor_cg_by(view, b, omega, &stop(), &mut x);
        check(&x, report)
    };
    let [first, second] = [0.75, 1.5].map(&mut at);
    let mut x = vec![0.25; b.len()];
    let report = cg_by(view, b, &stop(), &mut x);
    [first, second, check(&x, report)]
}

#[test]
fn every_order_ends_at_the_solution_after_as_many_steps() {
    let star: Star<f64> = poisson_star(4.25);
    let plain = Plain::grid(1, ROWS, COLUMNS, |_| star);
    let b = Numbers(3).vector(ROWS * COLUMNS);
    let (csr, dense) = (plain.csr::<f64>(), plain.dense::<f64>());
    let grid = Stencil2d::constant(ROWS, COLUMNS, cast_star(star)).expect("a small grid");
    let flat = Stencil3d::constant(1, ROWS, COLUMNS, cast_star(star)).expect("a small grid");
    let cells = leak_star::<f64>(&star.map(|c| vec![c; ROWS * COLUMNS]));
    let cells = Stencil2d::per_cell(ROWS, COLUMNS, cells).expect("a small grid");
    let colours = leak_colours(&csr);
    let found = [
        sweeps(&csr, &plain, &b),
        sweeps(&dense, &plain, &b),
        sweeps(&grid, &plain, &b),
        sweeps(&flat, &plain, &b),
        sweeps(&cells, &plain, &b),
        sweeps(&RedBlack::<Stencil2d<'_, f64>>::new(grid), &plain, &b),
        sweeps(&RedBlack::<Stencil3d<'_, f64>>::new(flat), &plain, &b),
        sweeps(&Lines::<Stencil2d<'_, f64>>::new(grid), &plain, &b),
        sweeps(&Lines::<Stencil2d<'_, f64>>::new(cells), &plain, &b),
        sweeps(&Blocks::new(csr, 4).expect("allowed"), &plain, &b),
        sweeps(&Blocks::new(csr, 5).expect("allowed"), &plain, &b),
        sweeps(&Multicolour::new(csr, colours).expect("fits"), &plain, &b),
    ];
    // Lines are blocks of four; two colours are red and black.
    assert_eq!(found[7], found[9]);
    assert_eq!(found[5], found[11]);
    if !cfg!(miri) {
        assert_eq!(
            found,
            [
                [18, 19, 18],
                [18, 19, 18],
                [18, 19, 18],
                [18, 19, 18],
                [18, 19, 18],
                [18, 18, 41],
                [18, 18, 41],
                [18, 18, 16],
                [18, 18, 16],
                [18, 18, 16],
                [18, 18, 20],
                [18, 18, 41]
            ]
        );
    }
    let found = [
        gradients(&csr, &plain, &b),
        gradients(&dense, &plain, &b),
        gradients(&grid, &plain, &b),
        gradients(&flat, &plain, &b),
        gradients(&cells, &plain, &b),
    ];
    if !cfg!(miri) {
        assert_eq!(found, [[10, 10, 12], [10, 10, 12], [10, 10, 12], [10, 10, 12], [10, 10, 12]]);
    }
}

fn leak_colours(csr: &southwell::linear::Csr<'static, f64>) -> Colouring<'static> {
    let storage = vec![0; Colouring::required_len(csr.order())].leak();
    let colouring = Colouring::greedy(csr, storage).expect("enough storage");
    assert_eq!((colouring.colours(), colouring.rows(2)), (2, &[][..]));
    let black: Vec<u32> = (0..12).filter(|k| (k / 4 + k % 4) % 2 == 1).collect();
    assert_eq!(colouring.rows(1), leak(black));
    colouring
}

/// Three planes, constant and cell by cell, and a matrix that is neither symmetric nor a grid.
#[test]
fn planes_and_matrices_that_are_no_grid() {
    let star = Star { down: -1.0, up: -1.0, ..poisson_star(6.5) };
    let plain = Plain::grid(2, 3, 2, |_| star);
    let b = Numbers(4).vector(12);
    let solid = Stencil3d::constant(2, 3, 2, star).expect("a small grid");
    let cells = leak_star::<f64>(&star.map(|c| vec![c; 12]));
    let cells = Stencil3d::per_cell(2, 3, 2, cells).expect("a small grid");
    let mut numbers = Numbers(5);
    let random = Plain::random(&mut numbers, 8, 3, false);
    let (csr, dense) = (random.csr::<f64>(), random.dense::<f64>());
    let c = numbers.vector(8);
    let found = [
        sweeps(&solid, &plain, &b),
        sweeps(&cells, &plain, &b),
        sweeps(&RedBlack::<Stencil3d<'_, f64>>::new(solid), &plain, &b),
        sweeps(&Lines::<Stencil3d<'_, f64>>::new(cells), &plain, &b),
        sweeps(&csr, &random, &c),
        sweeps(&dense, &random, &c),
        sweeps(&Blocks::new(csr, 3).expect("allowed"), &random, &c),
    ];
    if !cfg!(miri) {
        assert_eq!(
            found,
            [
                [19, 19, 14],
                [19, 19, 14],
                [18, 18, 24],
                [19, 19, 13],
                [153, 52, 19],
                [153, 52, 19],
                [433, 49, 17]
            ]
        );
    }
    let found = [gradients(&solid, &plain, &b), gradients(&cells, &plain, &b)];
    if !cfg!(miri) {
        assert_eq!(found, [[8, 10, 9], [8, 10, 9]]);
    }
}
