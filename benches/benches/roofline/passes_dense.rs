//! The passes over dense matrices.

use southwell_simd::dense::{self, Matrix, MatrixMut};

use crate::limits::Streams;
use crate::operands::{Data, Limit};
use crate::registers::Word;
use crate::table::{Bench, Cost, Section};
use crate::twins_dense as twin;

/// The matrix, or a share of it, read once, and `flops` an entry of that share. Vectors are left out:
/// they are short beside it.
fn matrix<T>(share: f64, flops: f64) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| {
        let entries = share * (data.n * data.n) as f64;
        let streams = Streams::default().long(entries as usize * size_of::<T>());
        Cost { streams, n: 0, flops: flops * entries, chain: 0.0 }
    }
}

/// The same for a matrix that is updated in place.
fn updated<T>(share: f64, flops: f64) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| {
        let entries = share * (data.n * data.n) as f64;
        Cost { streams: Streams::new(0, 1, 0), n: entries as usize, flops: flops * entries, chain: 0.0 }
    }
}

/// Products that a rank-k update adds up.
const K: usize = 4;

pub(crate) fn all<T: Word>(bench: &mut Bench) {
    if !Section::<T>::wanted(bench, "dense") {
        return;
    }
    let mut s = Section::<T>::new(bench, "dense");
    for n in [8, 16] {
        s.size(format!("n = {n}"), Data::dense(n), None);
    }
    // First, second, third cache, and memory.
    for n in [64, 256, 1024, if size_of::<T>() == 4 { 8192 } else { 4096 }] {
        s.size(format!("n = {n}"), Data::dense(n), Some(Limit::matrix(n * n)));
    }
    let w = T::from_f64(1.2);
    let none = |(): ()| T::ZERO;
    s.pass(
        "apply",
        matrix(1.0, 2.0),
        |o| none(dense::apply(o.a, o.x, o.y)),
        |o| none(twin::apply(o.a, o.x, o.y)),
    );
    s.pass(
        "residual",
        matrix(1.0, 2.0),
        |o| none(dense::residual(o.a, o.z, o.x, o.y)),
        |o| none(twin::residual(o.a, o.z, o.x, o.y)),
    );
    s.pass(
        "residual_square",
        matrix(1.0, 2.0),
        |o| dense::residual_square(o.a, o.z, o.x),
        |o| twin::residual_square(o.a, o.z, o.x),
    );
    s.pass(
        "sor_sweep",
        matrix(1.0, 2.0),
        |o| none(dense::sor_sweep(o.a, false, w, o.d, o.x, o.y)),
        |o| none(twin::sor_sweep(o.a, w, o.d, o.x, o.y)),
    );
    s.pass(
        "solve_upper",
        matrix(0.5, 2.0),
        |o| none(dense::solve_upper(o.a, w, o.d, o.x, o.y)),
        |o| none(twin::solve_upper(o.a, w, o.d, o.x, o.y)),
    );
    s.pass(
        "solve_lower",
        matrix(0.5, 4.0),
        |o| none(dense::solve_lower(o.a, w, o.d, o.x, o.z, o.y, o.w)),
        |o| none(twin::solve_lower(o.a, w, o.d, o.x, o.z, o.y, o.w)),
    );
    s.pass(
        "apply_transposed",
        matrix(1.0, 2.0),
        |o| none(dense::apply_transposed(o.a, o.x, o.y)),
        |o| none(twin::apply_transposed(o.a, o.x, o.y)),
    );
    s.pass(
        "add_transposed",
        matrix(1.0, 2.0),
        |o| none(dense::add_transposed(o.a, o.x, o.y)),
        |o| none(twin::add_transposed(o.a, o.x, o.y)),
    );
    s.pass(
        "update_rows",
        matrix(1.0, 4.0),
        |o| none(dense::update_rows(o.a, o.x, o.y, |_, sum| w * sum)),
        |o| none(twin::update_rows(o.a, o.x, o.y, |_, sum| w * sum)),
    );
    let small = T::from_f64(1e-3);
    s.pass(
        "rank_one",
        updated(1.0, 2.0),
        |o| none(dense::rank_one(changed(&mut o.changed), small, o.x, o.z)),
        |o| none(twin::rank_one(changed(&mut o.changed), small, o.x, o.z)),
    );
    s.pass(
        "symmetric_rank_one",
        updated(0.5, 2.0),
        |o| none(dense::symmetric_rank_one(changed(&mut o.changed), small, o.x)),
        |o| none(twin::symmetric_rank_one(changed(&mut o.changed), small, o.x)),
    );
    s.pass(
        "rank_k, 4",
        updated(1.0, 2.0 * K as f64),
        |o| {
            let rows = Matrix { values: &o.a.values[..K * o.a.stride], ..o.a };
            none(dense::rank_k(changed(&mut o.changed), small, rows, rows))
        },
        |o| {
            let rows = Matrix { values: &o.a.values[..K * o.a.stride], ..o.a };
            none(twin::rank_k(changed(&mut o.changed), small, rows, rows))
        },
    );
    s.print();
}

fn changed<'b, T: Word>(a: &'b mut MatrixMut<'_, T>) -> MatrixMut<'b, T> {
    let MatrixMut { values, columns, stride } = a;
    MatrixMut { values, columns: *columns, stride: *stride }
}
