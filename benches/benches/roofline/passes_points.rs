//! Rows of costs between points, in two and in eight dimensions.

use southwell_simd::dense::Matrix;
use southwell_simd::points as p;

use crate::limits::Streams;
use crate::operands::{Data, Limit, Operands};
use crate::registers::Word;
use crate::table::{Bench, Cost, Section};
use crate::twins_points as twin;

/// D coordinates read and a cost written, of n/D points: the coordinates take the whole of a vector.
fn each<T, const D: usize>(flops: usize) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| {
        let points = data.n / D;
        Cost { streams: Streams::new(D, 0, 1), n: points, flops: (flops * points) as f64, chain: 0.0 }
    }
}

fn cloud<const D: usize, T>(values: &[T]) -> Matrix<'_, T> {
    let columns = values.len() / D;
    Matrix { values: &values[..D * columns], columns, stride: columns }
}

pub(crate) fn all<T: Word>(bench: &mut Bench) {
    if !Section::<T>::wanted(bench, "points") {
        return;
    }
    let mut s = Section::<T>::new(bench, "points");
    for n in [64, 512] {
        s.size(format!("n = {n}"), Data::vectors(n), None);
    }
    for n in [2048, 1 << 15] {
        s.size(format!("n = {n}"), Data::vectors(n), Some(Limit::new(n, 3 * n / 4 * size_of::<T>())));
    }
    let w = T::from_f64(1.2);
    s.pass(
        "squared_euclidean_row, 2",
        each::<T, 2>(6),
        |o| p::squared_euclidean_row(w, &o.z[..2], cloud::<2, T>(o.x), o.y),
        |o| twin::squared_euclidean_row(w, &o.z[..2], cloud::<2, T>(o.x), o.y),
    );
    s.pass(
        "squared_euclidean_row, 8",
        each::<T, 8>(24),
        |o| p::squared_euclidean_row(w, &o.z[..8], cloud::<8, T>(o.x), o.y),
        |o| twin::squared_euclidean_row(w, &o.z[..8], cloud::<8, T>(o.x), o.y),
    );
    s.pass(
        "euclidean_row, 2",
        each::<T, 2>(7),
        |o| p::euclidean_row(w, &o.z[..2], cloud::<2, T>(o.x), o.y),
        |o| twin::euclidean_row(w, &o.z[..2], cloud::<2, T>(o.x), o.y),
    );
    s.pass(
        "l1_row, 2",
        each::<T, 2>(6),
        |o| p::l1_row(w, &o.z[..2], cloud::<2, T>(o.x), o.y),
        |o| twin::l1_row(w, &o.z[..2], cloud::<2, T>(o.x), o.y),
    );
    // Operations of e^x and what comes before and after it.
    let exp = if size_of::<T>() == 8 { 31 } else { 27 };
    s.pass(
        "squared_euclidean_exp_row, 2",
        in_the_plane::<T, 1>(exp),
        |o| one(o, w, p::squared_euclidean_exp_row),
        |o| one(o, w, twin::squared_euclidean_exp_row),
    );
    s.pass(
        "squared_euclidean_exp_rows",
        in_the_plane::<T, { p::ROWS }>(exp),
        |o| together(o, w, p::squared_euclidean_exp_rows),
        |o| together(o, w, twin::squared_euclidean_exp_rows),
    );
    s.print();
}

/// ROWS rows that share n numbers: two coordinates and a potential a column are read, an exponential an entry is written.
fn in_the_plane<T, const ROWS: usize>(flops: usize) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| {
        let n = data.n / 4 * ROWS;
        let streams = Streams::new(0, 0, 1).long(3 * n / ROWS * size_of::<T>());
        Cost { streams, n, flops: (flops * n) as f64, chain: 0.0 }
    }
}

fn one<T: Word, R>(
    o: &mut Operands<'_, T>,
    s: T,
    row: impl for<'a> Fn(T, &'a [T], Matrix<'a, T>, &'a [T], T, &'a mut [T]) -> R,
) -> R {
    let columns = o.y.len() / 4;
    row(s, &o.z[..2], cloud::<2, T>(&o.x[..2 * columns]), &o.z[..columns], T::HALF, &mut o.y[..columns])
}

fn together<T: Word, R>(
    o: &mut Operands<'_, T>,
    s: T,
    rows: impl for<'a> Fn(T, [[T; 2]; p::ROWS], Matrix<'a, T>, &'a [T], T, &'a mut [T]) -> R,
) -> R {
    let columns = o.y.len() / p::ROWS;
    let x = std::array::from_fn(|k| [o.z[k], o.z[k + 1]]);
    rows(s, x, cloud::<2, T>(&o.x[..2 * columns]), &o.z[..columns], T::HALF, o.y)
}
