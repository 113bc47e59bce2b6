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
    let none = |(): ()| T::ZERO;
    let mix = Streams::new;
    s.pass(
        "apply",
        cost(mix(1, 0, 1), 1.0, (2.0, 0.0)),
        |o| none(csr::apply(o.rows, o.x, o.y)),
        |o| none(twin::apply(o.rows, o.x, o.y)),
    );
    s.pass(
        "residual",
        cost(mix(2, 0, 1), 1.0, (2.0, 0.0)),
        |o| none(csr::residual(o.rows, o.z, o.x, o.y)),
        |o| none(twin::residual(o.rows, o.z, o.x, o.y)),
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
        |o| none(csr::sor_sweep(o.rows, false, w, o.d, o.x, o.y)),
        |o| none(twin::sor_sweep(o.rows, w, o.d, o.x, o.y)),
    );
    s.pass(
        "sor_sweep_in_order (red-black)",
        cost(mix(2, 1, 0).long(4), 1.0, (2.0, 3.0)),
        |o| none(csr::sor_sweep_in_order(o.rows, o.order, false, w, o.d, o.x, o.y)),
        |o| none(twin::sor_sweep_in_order(o.rows, o.order, w, o.d, o.x, o.y)),
    );
    // The upper or lower two of five entries; the diagonal is read as its reciprocal, or once.
    s.pass(
        "solve_upper",
        cost(mix(2, 0, 1), 0.4, (2.0, 2.0)),
        |o| none(csr::solve_upper(o.rows, w, o.d, o.x, o.y)),
        |o| none(twin::solve_upper(o.rows, w, o.d, o.x, o.y)),
    );
    s.pass(
        "solve_lower",
        cost(mix(3, 0, 2), 0.6, (2.0, 10.0)),
        |o| none(csr::solve_lower(o.rows, w, o.d, o.x, o.z, o.y, o.w)),
        |o| none(twin::solve_lower(o.rows, w, o.d, o.x, o.z, o.y, o.w)),
    );
    s.print();
}
