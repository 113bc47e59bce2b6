//! Rows of costs between points, in two and in eight dimensions.

use southwell_simd::dense::Matrix;
use southwell_simd::points as p;

use crate::limits::Streams;
use crate::operands::{Data, Limit};
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
        s.size(format!("n = {n}"), Data::vectors(n), Some(Limit::new(n, 0)));
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
    s.print();
}
