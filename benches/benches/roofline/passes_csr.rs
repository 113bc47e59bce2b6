//! The passes over sparse rows, on the five-point matrix.

use southwell_simd::csr;

use crate::limits::Streams;
use crate::operands::{Data, Limit};
use crate::registers::Word;
use crate::table::{Bench, Cost, Section};
use crate::twins_csr as twin;

/// A share of the matrix beside vectors; operations an entry of that share and a row.
fn cost<T: Word>(
    streams: Streams,
    share: f64,
    (an_entry, a_row): (f64, f64),
) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| {
        let bytes = (share * data.sparse_bytes() as f64) as usize;
        let flops = an_entry * share * data.entries() as f64 + a_row * data.n as f64;
        Cost { streams: streams.long(streams.long * data.n + bytes), n: data.n, flops, chain: 0.0 }
    }
}

pub(crate) fn all<T: Word>(bench: &mut Bench) {
    matrices::<T>(bench);
    vectors::<T>(bench);
}

/// Every fourth element of a vector. A line that is fetched for one element counts as that element.
fn vectors<T: Word>(bench: &mut Bench) {
    if !Section::<T>::wanted(bench, "sparse vector") {
        return;
    }
    let mut s = Section::<T>::new(bench, "sparse vector");
    for entries in [8, 16, 64] {
        s.size(format!("{entries} entries"), Data::sparse_vector(entries), None);
    }
    for entries in [256, 2048, 1 << 22] {
        let limit = Limit::new(entries, entries * (4 + 2 * size_of::<T>()));
        s.size(format!("{entries} entries"), Data::sparse_vector(entries), Some(limit));
    }
    let a = T::from_f64(0.3);
    let cost = |updates: usize, elements: usize| {
        move |data: &Data<T>| {
            let n = data.entries();
            let long = n * (4 + elements * size_of::<T>());
            Cost { streams: Streams::new(0, updates, 0).long(long), n, flops: 2.0 * n as f64, chain: 0.0 }
        }
    };
    s.pass("dot", cost(0, 2), |o| csr::dot(o.rows.row(0), o.x), |o| twin::dot(o.rows.row(0), o.x));
    s.pass(
        "add_scaled",
        cost(1, 1),
        |o| csr::add_scaled(a, o.rows.row(0), o.y),
        |o| twin::add_scaled(a, o.rows.row(0), o.y),
    );
    s.print();
}

fn matrices<T: Word>(bench: &mut Bench) {
    if !Section::<T>::wanted(bench, "csr") {
        return;
    }
    let mut s = Section::<T>::new(bench, "csr");
    for side in [3, 8] {
        s.size(format!("{side}²"), Data::grid(side, false, true), None);
    }
    for side in [16, 64, 256, 2048] {
        let data = Data::grid(side, false, true);
        let long = data.sparse_bytes() + 4 * data.n;
        let limit = Limit::new(data.n, long);
        s.size(format!("{side}²"), data, Some(limit));
    }
    let w = T::from_f64(1.2);
    let mix = Streams::new;
    s.pass(
        "apply",
        cost(mix(1, 0, 1), 1.0, (2.0, 0.0)),
        |o| csr::apply(o.rows, o.x, o.y),
        |o| twin::apply(o.rows, o.x, o.y),
    );
    s.pass(
        "residual",
        cost(mix(2, 0, 1), 1.0, (2.0, 0.0)),
        |o| csr::residual(o.rows, o.z, o.x, o.y),
        |o| twin::residual(o.rows, o.z, o.x, o.y),
    );
    s.pass(
        "residual_square",
        cost(mix(2, 0, 0), 1.0, (2.0, 2.0)),
        |o| csr::residual_square(o.rows, o.z, o.x),
        |o| twin::residual_square(o.rows, o.z, o.x),
    );
    s.pass(
        "sor_sweep",
        cost(mix(2, 1, 0), 1.0, (2.0, 3.0)),
        |o| csr::sor_sweep(o.rows, false, w, o.d, o.x, o.y),
        |o| twin::sor_sweep(o.rows, w, o.d, o.x, o.y),
    );
    s.pass(
        "sor_sweep_in_order (red-black)",
        cost(mix(2, 1, 0).long(4), 1.0, (2.0, 3.0)),
        |o| csr::sor_sweep_in_order(o.rows, o.order, false, w, o.d, o.x, o.y),
        |o| twin::sor_sweep_in_order(o.rows, o.order, w, o.d, o.x, o.y),
    );
    // The upper or lower two of five entries; the diagonal is read as its reciprocal, or once.
    s.pass(
        "solve_upper",
        cost(mix(2, 0, 1), 0.4, (2.0, 2.0)),
        |o| csr::solve_upper(o.rows, w, o.d, o.x, o.y),
        |o| twin::solve_upper(o.rows, w, o.d, o.x, o.y),
    );
    s.pass(
        "solve_lower",
        cost(mix(3, 0, 2), 0.6, (2.0, 10.0)),
        |o| csr::solve_lower(o.rows, w, o.d, o.x, o.z, o.y, o.w),
        |o| twin::solve_lower(o.rows, w, o.d, o.x, o.z, o.y, o.w),
    );
    s.print();
}
