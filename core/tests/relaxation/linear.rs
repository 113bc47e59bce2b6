//! Views of matrices against plain rows.

use crate::common::{
    Numbers, Plain, bits, cast, cast_star, cell_of, conductances, per_cell_2d, per_cell_3d, wide,
};
use southwell::Real;
use southwell::linear::small::{apply, apply_fixed, factorise, substitute, substitute_fixed};
use southwell::linear::{Csr, Dense, Matrix, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{Blocks, Colouring, Lines, Multicolour, RedBlack};

/// Everything that a matrix promises, against the rows that it stands for.
fn stands_for<T: Real, A: Matrix<T>>(name: &str, view: &A, plain: &Plain) {
    let n = plain.order();
    let eps = T::EPSILON.to_f64();
    assert_eq!(view.order(), n, "{name}");
    let mut numbers = Numbers(n as u64);
    let (x, b): (Vec<T>, Vec<T>) = (cast(&numbers.vector(n)), cast(&numbers.vector(n)));
    let (mut y, mut r) = (vec![T::NAN; n], vec![T::NAN; n]);
    view.apply(&x, &mut y);
    view.residual(&b, &x, &mut r);
    let (product, rest) = (plain.apply(&wide(&x)), plain.residual(&wide(&b), &wide(&x)));
    for i in 0..n {
        let size: f64 = plain.0[i].iter().map(|&(j, a)| (a * x[j].to_f64()).abs()).sum();
        let bound = (plain.0[i].len() as f64 + 6.0) * eps * (size + b[i].to_f64().abs());
        assert!((y[i].to_f64() - product[i]).abs() <= bound, "{name} {i}: {} {}", y[i], product[i]);
        assert!((r[i].to_f64() - rest[i]).abs() <= bound, "{name} {i}: {} {}", r[i], rest[i]);
        assert_eq!(view.diagonal(i).map(T::to_f64), Some(plain.get(i, i)), "{name} {i}");
        let off: f64 = plain.0[i].iter().filter(|e| e.0 != i).map(|e| e.1.abs()).sum();
        let found = view.off_diagonal(i).to_f64();
        assert!((found - off).abs() <= bound + 8.0 * eps * off, "{name} {i}: {found} {off}");
    }
    assert!(view.diagonal(n).is_none(), "{name} has no row {n}");
    let (exact, bound) = plain.look(&b, &x);
    let found = view.residual_square(&b, &x).to_f64().sqrt();
    assert!((found - exact).abs() <= bound, "{name}: {found} {exact}");
    // A reference is the same matrix.
    let mut again = vec![T::NAN; n];
    (&view).apply(&x, &mut again);
    assert_eq!(bits(&again), bits(&y), "{name}");
    assert_eq!((&view).residual_square(&b, &x).bits(), view.residual_square(&b, &x).bits(), "{name}");
    assert_eq!(((&view).order(), (&view).diagonal(0)), (n, view.diagonal(0)), "{name}");
}

fn every_view<T: Real>() {
    let mut numbers = Numbers(3);
    let lopsided =
        Star { centre: 4.5, west: -1.5, east: -0.5, south: -0.75, north: -1.25, down: 0.25, up: -2.0 };
    for (planes, rows, columns) in [
        (1, 1, 1),
        (1, 1, 7),
        (1, 7, 1),
        (1, 3, 5),
        (1, 5, 70),
        (1, 16, 16),
        (3, 1, 1),
        (2, 3, 4),
        (3, 4, 65),
    ] {
        let n = planes * rows * columns;
        let star = conductances(&mut numbers, planes, rows, columns);
        let cells = Plain::grid(planes, rows, columns, |k| cell_of(&star, k));
        let same = Plain::grid(planes, rows, columns, |_| lopsided);
        let name = format!("{planes}×{rows}×{columns}");
        let space =
            Stencil3d::<T>::constant(planes, rows, columns, cast_star(lopsided)).expect("a small grid");
        let by_cell = per_cell_3d::<T>(planes, rows, columns, &star);
        stands_for::<T, _>(&format!("{name} constant"), &space, &same);
        stands_for::<T, _>(&format!("{name} by cell"), &by_cell, &cells);
        stands_for::<T, _>(&format!("{name} red-black"), &RedBlack::<Stencil3d<'_, T>>::new(space), &same);
        stands_for::<T, _>(&format!("{name} lines"), &Lines::<Stencil3d<'_, T>>::new(by_cell), &cells);
        assert_eq!((space.planes(), space.rows(), space.columns()), (planes, rows, columns));
        assert!(space.is_constant() && !by_cell.is_constant());
        if planes == 1 {
            let plane = Stencil2d::<T>::constant(rows, columns, cast_star(lopsided)).expect("a small grid");
            let by_cell = per_cell_2d::<T>(rows, columns, &star);
            stands_for::<T, _>(&format!("{name} planar"), &plane, &same);
            stands_for::<T, _>(&format!("{name} planar by cell"), &by_cell, &cells);
            stands_for::<T, _>(
                &format!("{name} planar lines"),
                &Lines::<Stencil2d<'_, T>>::new(plane),
                &same,
            );
            let red_black = RedBlack::<Stencil2d<'_, T>>::new(by_cell);
            stands_for::<T, _>(&format!("{name} planar red-black"), &red_black, &cells);
            assert_eq!((plane.rows(), plane.columns()), (rows, columns));
        }
        if n <= 256 {
            stands_for::<T, _>(&format!("{name} sparse"), &same.csr::<T>(), &same);
            stands_for::<T, _>(&format!("{name} dense"), &same.dense::<T>(), &same);
        }
    }
    for n in [1, 2, 15, 16, 17, 50] {
        let plain = Plain::random(&mut numbers, n, 4, false);
        let csr = plain.csr::<T>();
        stands_for::<T, _>("random sparse", &csr, &plain);
        stands_for::<T, _>("random dense", &plain.dense::<T>(), &plain);
        stands_for::<T, _>("random blocks", &Blocks::new(csr, 3).expect("allowed"), &plain);
        let mut storage = vec![0; Colouring::required_len(n)];
        let colouring = Colouring::greedy(&csr, &mut storage).expect("enough storage");
        stands_for::<T, _>("random colours", &Multicolour::new(csr, colouring).expect("fits"), &plain);
    }
}

#[test]
fn every_view_stands_for_its_rows() {
    every_view::<f32>();
    every_view::<f64>();
}

/// Couplings that lead out of the grid are not read, so they may be anything finite.
#[test]
fn couplings_out_of_the_grid_do_not_count() {
    let mut numbers = Numbers(4);
    let (planes, rows, columns) = (2, 3, 4);
    let clean = conductances(&mut numbers, planes, rows, columns);
    let mut spoilt = clean.clone();
    for k in 0..24 {
        let (p, i, j) = (k / 12, k / 4 % 3, k % 4);
        for (outside, array) in [
            (p == 0, &mut spoilt.down),
            (p + 1 == planes, &mut spoilt.up),
            (i == 0, &mut spoilt.south),
            (i + 1 == rows, &mut spoilt.north),
            (j == 0, &mut spoilt.west),
            (j + 1 == columns, &mut spoilt.east),
        ] {
            if outside {
                array[k] = 1e30;
            }
        }
    }
    let plain = Plain::grid(planes, rows, columns, |k| cell_of(&clean, k));
    stands_for::<f64, _>("spoilt", &per_cell_3d::<f64>(planes, rows, columns, &spoilt), &plain);
}

#[test]
fn entries_of_a_sparse_matrix() {
    let csr = Csr::new(&[0, 2, 2, 4], &[0, 2, 1, 2], &[1.0, 2.0, 3.0, 4.0]).expect("a valid matrix");
    assert_eq!(csr.entries(), 4);
    assert_eq!(csr.row(0), (&[0, 2][..], &[1.0, 2.0][..]));
    assert_eq!(csr.row(1), (&[][..], &[][..]));
    assert_eq!(csr.row(3), (&[][..], &[][..]));
    assert_eq!((csr.get(0, 2), csr.get(0, 1), csr.get(2, 1), csr.get(9, 0)), (2.0, 0.0, 3.0, 0.0));
    assert_eq!(csr.get(0, usize::MAX), 0.0);
    assert_eq!((csr.diagonal(0), csr.diagonal(1), csr.diagonal(2)), (Some(1.0), None, Some(4.0)));
    let dense = Dense::new(&[1.0, 2.0, 9.0, 3.0, 4.0], 2, 3).expect("a valid matrix");
    assert_eq!((dense.row(0), dense.row(1), dense.row(2)), (&[1.0, 2.0][..], &[3.0, 4.0][..], &[][..]));
}

/// A kernel of constant order has the bits of the general one, and both solve.
fn small_order<T: Real, const N: usize>() {
    let mut numbers = Numbers(N as u64);
    let mut a = [[T::ZERO; N]; N];
    let entries: Vec<T> = cast(&numbers.vector(N * N));
    for (i, row) in a.iter_mut().enumerate() {
        for (j, entry) in row.iter_mut().enumerate() {
            *entry = if i == j { T::from_f64(2.0 * N as f64) } else { entries[i.min(j) * N + i.max(j)] };
        }
    }
    let mut x = [T::ZERO; N];
    x.copy_from_slice(&cast::<T>(&numbers.vector(N)));
    let (mut general, mut dense) = ([T::NAN; N], [T::NAN; N]);
    apply(a.as_flattened(), &x, &mut general);
    Dense::new(a.as_flattened(), N, N).expect("sound").apply(&x, &mut dense);
    let fixed = apply_fixed(&a, &x);
    assert_eq!((bits(&fixed), bits(&general)), (bits(&dense), bits(&dense)), "order {N}");
    // Zeros of either sign add up to the same zero.
    let zeros = apply_fixed(&[[-T::ZERO; N]; N], &[T::ONE; N]);
    apply([[-T::ZERO; N]; N].as_flattened(), &[T::ONE; N], &mut general);
    assert_eq!(bits(&zeros), bits(&general), "order {N}");

    let mut factors = a;
    assert!(factorise(factors.as_flattened_mut(), N), "order {N}");
    let (mut one, mut other) = (fixed, fixed);
    substitute(factors.as_flattened(), &mut one);
    substitute_fixed(&factors, &mut other);
    assert_eq!(bits(&one), bits(&other), "order {N}");
    let bound = 64.0 * T::EPSILON.to_f64();
    assert!(one.iter().zip(&x).all(|(a, b)| (a.to_f64() - b.to_f64()).abs() <= bound), "order {N}");

    // Not positive definite, and too short.
    a[N - 1][N - 1] = -T::ONE;
    assert!(!factorise(a.as_flattened_mut(), N), "order {N}");
    assert!(!factorise(&mut factors.as_flattened_mut()[1..], N), "order {N}");
}

#[test]
fn kernels_of_constant_order_have_the_bits_of_the_general_ones() {
    fn all<T: Real>() {
        small_order::<T, 1>();
        small_order::<T, 2>();
        small_order::<T, 3>();
        small_order::<T, 5>();
        small_order::<T, 8>();
        small_order::<T, 11>();
        small_order::<T, 16>();
    }
    all::<f32>();
    all::<f64>();
}
