//! The passes over whole vectors.

use southwell_simd::vector;

use crate::limits::Streams;
use crate::operands::Data;
use crate::registers::Word;
use crate::table::{Bench, Cost, Section};
use crate::twins_vector as twin;

/// Streams (read, updated, written) and operations, both per element.
fn per_element<T>(
    reads: usize,
    updates: usize,
    writes: usize,
    flops: usize,
) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| Cost { streams: Streams::new(reads, updates, writes), flops: (flops * data.n) as f64 }
}

pub(crate) fn all<T: Word>(bench: &mut Bench, far: usize) {
    if !Section::<T>::wanted(bench, "vector") {
        return;
    }
    let mut s = Section::<T>::new(bench, "vector");
    for n in [8, 16, 64] {
        s.size(format!("n = {n}"), Data::vectors(n), None);
    }
    for n in [256, 4096, far / size_of::<T>()] {
        let caption = if n > 4096 { format!("{} MiB", far >> 20) } else { format!("n = {n}") };
        s.size(caption, Data::vectors(n), Some(0));
    }
    let (a, b) = (T::from_f64(0.3), T::from_f64(0.6));
    s.pass("dot", per_element(2, 0, 0, 2), |o| vector::dot(o.x, o.z), |o| twin::dot(o.x, o.z));
    s.pass("dot3", per_element(3, 0, 0, 3), |o| vector::dot3(o.x, o.d, o.z), |o| twin::dot3(o.x, o.d, o.z));
    s.pass(
        "dot_square",
        per_element(2, 0, 0, 4),
        |o| {
            let (product, square) = vector::dot_square(o.x, o.z);
            product + square
        },
        |o| twin::dot_square(o.x, o.z),
    );
    s.pass("norm", per_element(1, 0, 0, 2), |o| vector::norm(o.x), |o| twin::norm(o.x));
    s.pass(
        "add_square",
        per_element(1, 1, 0, 3),
        |o| vector::add_square(o.x, o.y),
        |o| twin::add_square(o.x, o.y),
    );
    let map = per_element(1, 1, 0, 2);
    s.pass("axpy", map, |o| none(vector::axpy(a, o.x, o.y)), |o| none(twin::axpy(a, o.x, o.y)));
    s.pass(
        "axpy_dot",
        per_element(2, 1, 0, 4),
        |o| vector::axpy_dot(a, o.x, o.y, o.z),
        |o| twin::axpy_dot(a, o.x, o.y, o.z),
    );
    s.pass(
        "axpy_square",
        per_element(1, 1, 0, 4),
        |o| vector::axpy_square(a, o.x, o.y),
        |o| twin::axpy_square(a, o.x, o.y),
    );
    s.pass("xpby", map, |o| none(vector::xpby(o.x, b, o.y)), |o| none(twin::xpby(o.x, b, o.y)));
    s.pass(
        "axpby",
        per_element(1, 1, 0, 3),
        |o| none(vector::axpby(a, o.x, b, o.y)),
        |o| none(twin::axpby(a, o.x, b, o.y)),
    );
    s.pass(
        "scaled_xpby",
        per_element(2, 1, 0, 4),
        |o| none(vector::scaled_xpby(a, o.d, o.x, b, o.y)),
        |o| none(twin::scaled_xpby(a, o.d, o.x, b, o.y)),
    );
    s.pass("rsub", per_element(1, 1, 0, 1), |o| none(vector::rsub(o.x, o.y)), |o| none(twin::rsub(o.x, o.y)));
    s.pass(
        "first_not_finite",
        per_element(1, 0, 0, 0),
        |o| T::from_usize(vector::first_not_finite(o.x).unwrap_or(o.x.len())),
        |o| T::from_usize(twin::first_not_finite(o.x).unwrap_or(o.x.len())),
    );
    s.print();
}

/// For passes that return nothing.
fn none<T: Word>((): ()) -> T {
    T::ZERO
}
