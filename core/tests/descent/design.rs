//! Designs by columns against plain loops.

use crate::common::{Numbers, bits, cast};
use southwell::linear::{Columns, Csc, Design};
use southwell::{Error, Real, StructureFault};

/// A matrix by columns, about half of its entries zero.
fn plain(rows: usize, columns: usize) -> Vec<Vec<f64>> {
    let mut numbers = Numbers((rows * 31 + columns) as u64);
    let mut entry = move || if numbers.next() > 0.0 { numbers.next() } else { 0.0 };
    (0..columns).map(|_| (0..rows).map(|_| entry()).collect()).collect()
}

/// Everything that a design promises, against the columns that it stands for.
fn stands_for<T: Real>(name: &str, a: &impl Design<T>, plain: &[Vec<f64>], rows: usize) {
    assert_eq!((a.rows(), a.columns()), (rows, plain.len()), "{name}");
    let mut numbers = Numbers(5);
    let (v, w, x) = (numbers.vector(rows), numbers.vector(rows), numbers.vector(plain.len()));
    let (tv, tw, tx): (Vec<T>, Vec<T>, Vec<T>) = (cast(&v), cast(&w), cast(&x));
    // Everything is below 1 in size.
    let bound = |terms: usize| (terms as f64 + 4.0) * (terms as f64) * T::EPSILON.to_f64();
    let near = |found: T, exact: f64, terms: usize| {
        assert!((found.to_f64() - exact).abs() <= bound(terms), "{name}: {found} {exact}");
    };
    let mut all = vec![T::NAN; plain.len()];
    a.transposed(&tv, &mut all);
    let (mut again, mut squares) = (vec![T::NAN; plain.len()], vec![T::NAN; plain.len()]);
    a.transposed_squares(&tv, &mut again, &mut squares);
    assert_eq!(bits(&again), bits(&all), "{name}: with squares");
    for (j, column) in plain.iter().enumerate() {
        let dot = |other: &[f64]| column.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
        near(a.dot(j, &tv), dot(&v), rows);
        assert_eq!(all[j].bits(), a.dot(j, &tv).bits(), "{name}: a pass has the bits of its columns");
        near(a.square(j), dot(column), rows);
        near(squares[j], dot(column), rows);
        for (k, other) in plain.iter().enumerate() {
            near(a.gram(j, k), dot(other), rows);
            let weighted: Vec<f64> = other.iter().zip(&w).map(|(a, w)| a * w).collect();
            near(a.weighted_gram(j, k, &tw), dot(&weighted), rows);
        }
        let mut moved = tv.clone();
        a.add_scaled(j, T::HALF, &mut moved);
        for ((&moved, v), a) in moved.iter().zip(&v).zip(column) {
            near(moved, v + 0.5 * a, 1);
        }
        let mut moved = tv.clone();
        a.add_weighted(j, T::HALF, &tw, &mut moved);
        for (i, moved) in moved.iter().enumerate() {
            let exact = tv[i] + T::HALF * (tw[i] * T::from_f64(column[i]));
            assert_eq!(moved.bits(), exact.bits(), "{name}: weighted, {i}");
        }
        let stored = column.iter().filter(|a| **a != 0.0).count();
        assert!(a.entries(j) == stored || a.entries(j) == rows, "{name}: entries");
        let mut seen = vec![0.0; rows];
        let mut last = None;
        a.visit(j, |row, value| {
            assert!(last < Some(row), "{name}: rows in order");
            (seen[row], last) = (value.to_f64(), Some(row));
        });
        assert_eq!(seen, *column, "{name}");
    }
    let mut y = vec![T::NAN; rows];
    a.apply(&tx, &mut y);
    for (i, &y) in y.iter().enumerate() {
        near(y, plain.iter().zip(&x).map(|(column, x)| column[i] * x).sum(), plain.len());
    }
    let nowhere = plain.len();
    assert_eq!((a.dot(nowhere, &tv), a.square(nowhere)), (T::ZERO, T::ZERO), "{name}");
    let mut unmoved = tv.clone();
    a.add_scaled(nowhere, T::ONE, &mut unmoved);
    assert_eq!(bits(&unmoved), bits(&tv), "{name}");
}

fn both_forms<T: Real>() {
    for (rows, columns) in [(0, 0), (1, 1), (3, 7), (17, 5), (40, 33), (5, 0), (0, 4)] {
        let plain = plain(rows, columns);
        let values: Vec<T> = cast(&plain.concat());
        let dense = Columns::new(&values, rows, columns).expect("a valid matrix");
        stands_for("dense", &dense, &plain, rows);
        let (mut offsets, mut indices, mut entries) = (vec![0], vec![], vec![]);
        for column in &plain {
            for (row, &value) in column.iter().enumerate().filter(|e| *e.1 != 0.0) {
                indices.push(row as u32);
                entries.push(T::from_f64(value));
            }
            offsets.push(indices.len() as u32);
        }
        let sparse = Csc::new(&offsets, &indices, &entries, rows).expect("a valid matrix");
        stands_for("sparse", &sparse, &plain, rows);
        stands_for("a reference", &&sparse, &plain, rows);
    }
}

#[test]
fn designs_stand_for_their_columns() {
    both_forms::<f32>();
    both_forms::<f64>();
}

#[test]
fn refusals() {
    let length = Error::Dimension { argument: "values", expected: 6, given: 5 };
    assert_eq!(Columns::new(&[1.0; 5], 2, 3).err(), Some(length));
    let nan = Error::Value { argument: "values", index: 4 };
    assert_eq!(Columns::new(&[1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0], 2, 3).err(), Some(nan));
    assert!(Columns::<f32>::new(&[], usize::MAX, 2).is_err());
    let fault = |index, fault| Some(Error::Structure { argument: "indices", index, fault });
    let outside = Csc::new(&[0, 2, 3], &[0, 3, 1], &[1.0_f64, 2.0, 3.0], 3).err();
    assert_eq!(outside, fault(1, StructureFault::OutOfRange));
    let unsorted = Csc::new(&[0, 2, 3], &[1, 1, 1], &[1.0_f64, 2.0, 3.0], 3).err();
    assert_eq!(unsorted, fault(1, StructureFault::Unsorted));
    let infinite = Csc::new(&[0, 1], &[0], &[f64::INFINITY], 1).err();
    assert_eq!(infinite, Some(Error::Value { argument: "values", index: 0 }));
}
