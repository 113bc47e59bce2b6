//! Orders of sweeping: colourings, blocks, lines.

use crate::common::{
    Lu, Numbers, Plain, bits, cast, cast_star, cell_of, conductances, norm, per_cell_2d, per_cell_3d,
    poisson, poisson_star,
};
use proptest::prelude::*;
use southwell::linear::{Csr, Matrix, Stencil2d, Stencil3d};
use southwell::relaxation::{Blocks, Colouring, Lines, Multicolour, RedBlack, Relax};
use southwell::{DiagonalFault, Error, Real, StructureFault};

fn sweep<T: Real, A: Relax<T>>(a: &A, reversed: bool, omega: f64, b: &[T], x: &mut [T]) {
    let mut scratch = vec![T::NAN; a.scratch_len()];
    a.prepare(&mut scratch).expect("usable blocks");
    a.sweep(reversed, T::from_f64(omega), &mut scratch, b, x);
}

/// Neighbours in the graph of A + Aᵀ, whatever the values.
fn neighbours(plain: &Plain) -> Vec<Vec<usize>> {
    let n = plain.order();
    let mut all = vec![vec![]; n];
    for (i, row) in plain.0.iter().enumerate() {
        for &(j, _) in row.iter().filter(|e| e.0 != i) {
            all[i].push(j);
            all[j].push(i);
        }
    }
    for list in &mut all {
        list.sort_unstable();
        list.dedup();
    }
    all
}

/// First fit in natural order, plainly.
fn first_fit(plain: &Plain) -> Vec<usize> {
    let around = neighbours(plain);
    let mut colours: Vec<usize> = vec![];
    for (i, list) in around.iter().enumerate() {
        let taken: Vec<usize> = list.iter().filter(|&&j| j < i).map(|&j| colours[j]).collect();
        colours.push((0..).find(|c| !taken.contains(c)).expect("colours do not run out"));
    }
    colours
}

/// The colour of every row, each exactly once.
fn colours_of(colouring: &Colouring<'_>, n: usize) -> Vec<usize> {
    let mut colours = vec![usize::MAX; n];
    for colour in 0..colouring.colours() {
        for &row in colouring.rows(colour) {
            assert_eq!(colours[row as usize], usize::MAX, "row {row} twice");
            colours[row as usize] = colour;
        }
    }
    assert!(colours.iter().all(|&c| c != usize::MAX), "a row has no colour");
    colours
}

/// A pattern as it comes: with or without diagonal entries, symmetric or not, with explicit zeros.
fn pattern(numbers: &mut Numbers, n: usize, per_row: usize, symmetric: bool) -> Plain {
    let mut rows = vec![std::collections::BTreeMap::new(); n];
    for k in 0..n * per_row {
        let (i, j) = (k % n, numbers.below(n));
        let value = if numbers.below(8) == 0 { 0.0 } else { numbers.next() };
        rows[i].insert(j, value);
        if symmetric {
            rows[j].insert(i, value);
        }
    }
    Plain(rows.into_iter().map(|row| row.into_iter().collect()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn greedy_colouring_is_first_fit(n in 1_usize..60, per_row in 0_usize..7, seed in any::<u64>(), symmetric: bool) {
        let plain = pattern(&mut Numbers(seed), n, per_row, symmetric);
        let matrix = plain.csr::<f64>();
        let mut storage = vec![u32::MAX; Colouring::required_len(n)];
        let colouring = Colouring::greedy(&matrix, &mut storage).expect("enough storage");
        let colours = colours_of(&colouring, n);
        let around = neighbours(&plain);
        for (i, list) in around.iter().enumerate() {
            prop_assert!(list.iter().all(|&j| colours[j] != colours[i]), "row {} has a neighbour's colour", i);
        }
        let most = around.iter().map(Vec::len).max().unwrap_or(0) + 1;
        prop_assert!(colouring.colours() <= most);
        prop_assert_eq!(colours, first_fit(&plain));
        for colour in 0..colouring.colours() {
            prop_assert!(!colouring.rows(colour).is_empty());
            prop_assert!(colouring.rows(colour).is_sorted());
        }
        prop_assert!(colouring.rows(colouring.colours()).is_empty());
        // What greedy gives, `new` accepts.
        let order: Vec<u32> = (0..colouring.colours()).flat_map(|c| colouring.rows(c)).copied().collect();
        let mut starts = vec![0];
        (0..colouring.colours()).for_each(|c| starts.push(starts[c] + colouring.rows(c).len() as u32));
        prop_assert!(Colouring::new(&matrix, &order, &starts, &mut vec![0; n]).is_ok());
    }

    /// Rows of one colour may run in any order.
    #[test]
    fn a_multicolour_sweep_does_not_depend_on_the_order_within_a_colour(n in 1_usize..40, seed in any::<u64>()) {
        let mut numbers = Numbers(seed);
        let plain = Plain::random(&mut numbers, n, 3, false);
        let matrix = plain.csr::<f64>();
        let mut storage = vec![0; Colouring::required_len(n)];
        let greedy = Colouring::greedy(&matrix, &mut storage).expect("enough storage");
        let mut shuffled: Vec<u32> = vec![];
        let mut starts = vec![0];
        for colour in 0..greedy.colours() {
            let mut rows: Vec<(u64, u32)> = greedy.rows(colour).iter().map(|&r| (numbers.word() >> 9, r)).collect();
            rows.sort_unstable();
            shuffled.extend(rows.iter().map(|r| r.1));
            starts.push(shuffled.len() as u32);
        }
        let other = Colouring::new(&matrix, &shuffled, &starts, &mut vec![0; n]).expect("the same colours");
        let (b, first) = (numbers.vector(n), numbers.vector(n));
        for reversed in [false, true] {
            let (mut x, mut y) = (first.clone(), first.clone());
            sweep(&Multicolour::new(matrix, greedy).expect("fits"), reversed, 1.2, &b, &mut x);
            sweep(&Multicolour::new(matrix, other).expect("fits"), reversed, 1.2, &b, &mut y);
            prop_assert_eq!(bits(&x), bits(&y));
        }
    }
}

fn greedy<T: Real>(matrix: Csr<'static, T>) -> Multicolour<'static, T> {
    let storage = vec![0; Colouring::required_len(matrix.order())].leak();
    let colouring = Colouring::greedy(&matrix, storage).expect("enough storage");
    Multicolour::new(matrix, colouring).expect("of this matrix")
}

#[test]
fn colours_of_known_graphs() {
    let colours = |plain: &Plain| {
        let matrix = plain.csr::<f64>();
        let storage = vec![0; Colouring::required_len(plain.order())].leak();
        Colouring::greedy(&matrix, storage).expect("enough storage").colours()
    };
    assert_eq!(colours(&Plain::poisson(9)), 2, "five-point");
    assert_eq!(colours(&Plain::grid(4, 5, 6, |_| poisson_star(6.0))), 2, "seven-point");
    let (n, m) = (7_usize, 8_usize);
    let nine = (0..n * m).map(|k| {
        let near = |l: &usize| (k / m).abs_diff(l / m) <= 1 && (k % m).abs_diff(l % m) <= 1;
        (0..n * m).filter(near).map(|l| (l, if l == k { 8.0 } else { -1.0 })).collect()
    });
    assert_eq!(colours(&Plain(nine.collect())), 4, "nine-point");
    let cube = (0..125_usize).map(|k| {
        let near = |l: &usize| {
            (k / 25).abs_diff(l / 25) <= 1
                && (k / 5 % 5).abs_diff(l / 5 % 5) <= 1
                && (k % 5).abs_diff(l % 5) <= 1
        };
        (0..125).filter(near).map(|l| (l, if l == k { 26.0 } else { -1.0 })).collect()
    });
    assert_eq!(colours(&Plain(cube.collect())), 8, "27-point");
    assert_eq!(colours(&Plain(vec![vec![(0, 1.0)]; 1])), 1);
    let empty = Csr::<f64>::new(&[0], &[], &[]).expect("an empty matrix");
    assert_eq!(Colouring::greedy(&empty, &mut [7]).expect("enough storage").colours(), 0);
    // A full matrix needs as many colours as rows; one coupled in one direction alone, two.
    let full = Plain(vec![(0..5).map(|j| (j, 1.0)).collect(); 5]);
    assert_eq!(colours(&full), 5);
    let one_way = Plain(vec![vec![(0, 1.0), (1, 1.0)], vec![(1, 1.0)]]);
    assert_eq!(colours(&one_way), 2);
}

fn multicolour_is_red_black_on_a_grid<T: Real>() {
    let mut numbers = Numbers(2);
    let star = conductances(&mut numbers, 1, 7, 9);
    let plain = Plain::grid(1, 7, 9, |k| cell_of(&star, k));
    let (many, two) =
        (greedy(plain.csr::<T>()), RedBlack::<Stencil2d<'_, T>>::new(per_cell_2d::<T>(7, 9, &star)));
    let (b, mut x): (Vec<T>, Vec<T>) = (cast(&numbers.vector(63)), cast(&numbers.vector(63)));
    let mut y = x.clone();
    for k in 0..6 {
        sweep(&many, k % 2 == 1, 1.4, &b, &mut x);
        sweep(&two, k % 2 == 1, 1.4, &b, &mut y);
        for (x, y) in x.iter().zip(&y) {
            assert!((x.to_f64() - y.to_f64()).abs() < 100.0 * T::EPSILON.to_f64(), "{k}: {x} {y}");
        }
    }
}

#[test]
fn the_multicolour_sweep_of_a_grid_is_red_black() {
    multicolour_is_red_black_on_a_grid::<f32>();
    multicolour_is_red_black_on_a_grid::<f64>();
}

#[test]
fn a_colouring_is_checked() {
    // 0 – 1 – 2, and 3 alone; row 2 couples to row 3 in one direction.
    let plain = Plain(vec![
        vec![(0, 4.0), (1, 1.0)],
        vec![(0, 1.0), (1, 4.0), (2, 1.0)],
        vec![(1, 1.0), (2, 4.0), (3, 1.0)],
        vec![(3, 4.0)],
    ]);
    let matrix = plain.csr::<f64>();
    let check = |order: &[u32], starts: &[u32]| Colouring::new(&matrix, order, starts, &mut [9; 4]).err();
    let fault = |argument, index, fault| Some(Error::Structure { argument, index, fault });
    assert_eq!(check(&[0, 2, 1, 3], &[0, 2, 4]), None);
    assert_eq!(check(&[2, 0, 3, 1], &[0, 2, 4]), None);
    assert_eq!(check(&[0, 2, 1, 3], &[0, 2, 2, 4]), None, "a colour may be empty");
    let short = Error::Dimension { argument: "order", expected: 4, given: 3 };
    assert_eq!(check(&[0, 2, 1], &[0, 2, 3]), Some(short));
    let none = Error::Dimension { argument: "starts", expected: 1, given: 0 };
    assert_eq!(check(&[0, 2, 1, 3], &[]), Some(none));
    assert_eq!(check(&[0, 2, 1, 3], &[1, 2, 4]), fault("starts", 0, StructureFault::FirstNotZero));
    assert_eq!(check(&[0, 2, 1, 3], &[0, 2]), fault("starts", 1, StructureFault::OutOfRange));
    assert_eq!(check(&[0, 2, 1, 3], &[0, 2, 3]), fault("starts", 2, StructureFault::OutOfRange));
    assert_eq!(check(&[0, 2, 1, 3], &[0, 3, 2, 4]), fault("starts", 2, StructureFault::Decreasing));
    assert_eq!(check(&[0, 2, 1, 3], &[0, 2, 5]), fault("starts", 2, StructureFault::OutOfRange));
    assert_eq!(check(&[0, 2, 1, 3], &[0, 5, 4]), fault("starts", 1, StructureFault::OutOfRange));
    assert_eq!(check(&[0, 2, 1, 4], &[0, 2, 4]), fault("order", 3, StructureFault::OutOfRange));
    assert_eq!(check(&[0, 2, 2, 3], &[0, 2, 4]), fault("order", 2, StructureFault::NotAPermutation));
    assert_eq!(check(&[0, 1, 2, 3], &[0, 2, 4]), fault("order", 0, StructureFault::SameColour));
    // Coupled by row 2's entry alone, whichever comes first.
    assert_eq!(check(&[0, 1, 2, 3], &[0, 1, 2, 4]), fault("order", 2, StructureFault::SameColour));
    assert_eq!(check(&[0, 1, 3, 2], &[0, 1, 2, 4]), fault("order", 3, StructureFault::SameColour));
    let workspace = Colouring::new(&matrix, &[0, 2, 1, 3], &[0, 2, 4], &mut [0; 3]).err();
    assert_eq!(workspace, Some(Error::Workspace { needed: 4, given: 3 }));
    let workspace = Colouring::greedy(&matrix, &mut [0; 12]).err();
    assert_eq!(workspace, Some(Error::Workspace { needed: 13, given: 12 }));
    let other = Plain::poisson(3).csr::<f64>();
    let mut storage = [0; 28];
    let colouring = Colouring::greedy(&other, &mut storage).expect("enough storage");
    let expected = Error::Dimension { argument: "colouring", expected: 4, given: 9 };
    assert_eq!(Multicolour::new(matrix, colouring).err(), Some(expected));
}

fn blocks_by_elimination<T: Real>() {
    let mut numbers = Numbers(12);
    let tolerance = 400.0 * T::EPSILON.to_f64();
    for n in [1, 2, 5, 7, 8, 11, 16, 19] {
        let plain = Plain::random(&mut numbers, n, 3, false);
        let (b, first): (Vec<T>, Vec<T>) = (cast(&numbers.vector(n)), cast(&numbers.vector(n)));
        for size in 1..=8 {
            let view = Blocks::new(plain.csr::<T>(), size).expect("allowed");
            for (omega, reversed) in [(1.0, false), (1.3, true), (0.7, false)] {
                let mut x = first.clone();
                sweep(&view, reversed, omega, &b, &mut x);
                let mut plain_x: Vec<f64> = crate::common::wide(&first);
                let mut blocks: Vec<usize> = (0..n).step_by(size).collect();
                if reversed {
                    blocks.reverse();
                }
                for from in blocks {
                    let rows: Vec<usize> = (from..n.min(from + size)).collect();
                    let r = plain.residual(&crate::common::wide(&b), &plain_x);
                    let block: Vec<Vec<f64>> =
                        rows.iter().map(|&i| rows.iter().map(|&j| plain.get(i, j)).collect()).collect();
                    let change = Lu::new(block).solve(&r[from..from + rows.len()]);
                    rows.iter().zip(change).for_each(|(&i, d)| plain_x[i] += omega * d);
                }
                for (x, p) in x.iter().zip(&plain_x) {
                    assert!((x.to_f64() - p).abs() < tolerance, "n = {n}, size {size}, ω = {omega}: {x} {p}");
                }
            }
        }
    }
}

#[test]
fn blocks_are_eliminated() {
    blocks_by_elimination::<f32>();
    blocks_by_elimination::<f64>();
}

/// Blocks of one are points; one block of all is elimination.
#[test]
fn the_extremes_of_blocks() {
    let mut numbers = Numbers(13);
    for n in 1..=8 {
        let plain = Plain::random(&mut numbers, n, 3, false);
        let b = numbers.vector(n);
        let mut x = numbers.vector(n);
        sweep(&Blocks::new(plain.csr::<f64>(), n).expect("allowed"), false, 1.0, &b, &mut x);
        let exact = plain.solve(&b);
        for (x, e) in x.iter().zip(&exact) {
            assert!((x - e).abs() <= 1e-13 * norm(&exact).max(1.0), "n = {n}: {x} {e}");
        }
    }
    let plain = Plain::random(&mut numbers, 33, 3, false);
    let b = numbers.vector(33);
    let mut x = numbers.vector(33);
    let mut y = x.clone();
    for reversed in [false, true, false] {
        sweep(&Blocks::new(plain.csr::<f64>(), 1).expect("allowed"), reversed, 1.3, &b, &mut x);
        sweep(&plain.csr::<f64>(), reversed, 1.3, &b, &mut y);
        for (x, y) in x.iter().zip(&y) {
            assert!((x - y).abs() <= 1e-14, "{x} {y}");
        }
    }
    // A zero diagonal inside a block is no obstacle to elimination: rows are exchanged.
    let swapped = Plain::from_dense(&[&[0.0, 1.0], &[1.0, 1.0]]);
    let mut x = [0.0; 2];
    sweep(&Blocks::new(swapped.csr::<f64>(), 2).expect("allowed"), false, 1.0, &[3.0, 5.0], &mut x);
    assert_eq!(x, [2.0, 3.0]);
}

#[test]
fn blocks_are_checked() {
    let csr = Plain::poisson(3).csr::<f64>();
    for size in [0, 9, usize::MAX] {
        let refused = Error::Option { name: "size", requirement: "must lie in 1..=8" };
        assert_eq!(Blocks::new(csr, size).err(), Some(refused));
    }
    let singular = Plain::from_dense(&[
        &[1.0, 0.0, 0.0, 0.0],
        &[0.0, 1.0, 0.0, 0.0],
        &[1.0, 0.0, 1.0, 2.0],
        &[0.0, 1.0, 2.0, 4.0],
    ]);
    let view = Blocks::new(singular.csr::<f64>(), 2).expect("allowed");
    let refused = Error::Diagonal { row: 2, fault: DiagonalFault::SingularBlock };
    assert_eq!(view.prepare(&mut [0.0; 8]), Err(refused));
    assert_eq!(view.scratch_len(), 8);
    let short = Error::Dimension { argument: "scratch", expected: 8, given: 7 };
    assert_eq!(view.prepare(&mut [0.0; 7]), Err(short));
}

/// A line at a time, by dense elimination of each line.
fn lines_by_elimination<T: Real, A: Relax<T>>(view: &A, plain: &Plain, columns: usize) {
    let n = plain.order();
    let mut numbers = Numbers(14);
    let (b, first): (Vec<T>, Vec<T>) = (cast(&numbers.vector(n)), cast(&numbers.vector(n)));
    for (omega, reversed) in [(1.0, false), (1.4, false), (0.8, true), (1.4, true)] {
        let mut x = first.clone();
        sweep(view, reversed, omega, &b, &mut x);
        let mut plain_x = crate::common::wide(&first);
        let mut starts: Vec<usize> = (0..n).step_by(columns).collect();
        if reversed {
            starts.reverse();
        }
        for from in starts {
            let r = plain.residual(&crate::common::wide(&b), &plain_x);
            let cells = from..from + columns;
            let line: Vec<Vec<f64>> =
                cells.clone().map(|i| cells.clone().map(|j| plain.get(i, j)).collect()).collect();
            let change = Lu::new(line).solve(&r[cells.clone()]);
            cells.zip(change).for_each(|(i, d)| plain_x[i] += omega * d);
        }
        for (x, p) in x.iter().zip(&plain_x) {
            assert!((x.to_f64() - p).abs() < 200.0 * T::EPSILON.to_f64(), "ω = {omega}: {x} {p}");
        }
    }
}

fn every_line<T: Real>() {
    let mut numbers = Numbers(15);
    let lopsided = southwell::linear::Star {
        centre: 4.5,
        west: -1.5,
        east: -0.5,
        south: -0.75,
        north: -1.25,
        down: 0.25,
        up: -0.125,
    };
    let flat = southwell::linear::Star { down: 0.0, up: 0.0, ..lopsided };
    for (rows, columns) in [(1, 1), (1, 9), (9, 1), (4, 6), (3, 17), (2, 80)] {
        let grid = Stencil2d::<T>::constant(rows, columns, cast_star(flat)).expect("a small grid");
        let plain = Plain::grid(1, rows, columns, |_| flat);
        lines_by_elimination(&Lines::<Stencil2d<'_, T>>::new(grid), &plain, columns);
        let star = conductances(&mut numbers, 1, rows, columns);
        let plain = Plain::grid(1, rows, columns, |k| cell_of(&star, k));
        let grid = per_cell_2d::<T>(rows, columns, &star);
        lines_by_elimination(&Lines::<Stencil2d<'_, T>>::new(grid), &plain, columns);
    }
    let grid = Stencil3d::<T>::constant(3, 4, 5, cast_star(lopsided)).expect("a small grid");
    let plain = Plain::grid(3, 4, 5, |_| lopsided);
    lines_by_elimination(&Lines::<Stencil3d<'_, T>>::new(grid), &plain, 5);
    let star = conductances(&mut numbers, 3, 2, 6);
    let plain = Plain::grid(3, 2, 6, |k| cell_of(&star, k));
    let grid = per_cell_3d::<T>(3, 2, 6, &star);
    lines_by_elimination(&Lines::<Stencil3d<'_, T>>::new(grid), &plain, 6);
}

#[test]
fn lines_are_eliminated() {
    every_line::<f32>();
    every_line::<f64>();
}

#[test]
fn a_line_that_cannot_be_factorised_is_refused() {
    // 1 − 1·1 = 0 at the second cell.
    let star = southwell::linear::Star { centre: 1.0, west: 1.0, east: 1.0, ..Default::default() };
    let lines = Lines::<Stencil2d<'_, f64>>::new(Stencil2d::constant(2, 3, star).expect("a small grid"));
    let refused = Error::Diagonal { row: 1, fault: DiagonalFault::SingularBlock };
    assert_eq!(lines.prepare(&mut vec![0.0; lines.scratch_len()]), Err(refused));
    let lines = Lines::<Stencil2d<'_, f64>>::new(poisson(4));
    assert_eq!(lines.scratch_len(), 12);
    assert_eq!(lines.prepare(&mut [0.0; 11]), Err(Error::Workspace { needed: 12, given: 11 }));
}
