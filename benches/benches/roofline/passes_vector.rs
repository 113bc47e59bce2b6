//! The passes over whole vectors.

use southwell_simd::LANES;
use southwell_simd::vector::{self, Kink, Rank};

use crate::limits::Streams;
use crate::operands::{Data, Limit};
use crate::registers::Word;
use crate::table::{Bench, Cost, Section};
use crate::twins_scores as scores;
use crate::twins_vector as twin;

/// Streams (read, updated, written) and operations, both per element.
fn map<T>(reads: usize, updates: usize, flops: usize) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| Cost {
        streams: Streams::new(reads, updates, 0),
        n: data.n,
        flops: (flops * data.n) as f64,
        chain: 0.0,
    }
}

/// The same where every lane of a sum waits for its last addition.
fn sum<T>(reads: usize, updates: usize, flops: usize) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| Cost { chain: (data.n / LANES) as f64, ..map(reads, updates, flops)(data) }
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
        s.size(caption, Data::vectors(n), Some(Limit::new(n, 0)));
    }
    sums(&mut s);
    updates(&mut s);
    proximal(&mut s);
    extremes(&mut s);
    s.print();
}

fn sums<T: Word>(s: &mut Section<'_, T>) {
    s.pass("dot", sum(2, 0, 2), |o| vector::dot(o.x, o.z), |o| twin::dot(o.x, o.z));
    s.pass("dot3", sum(3, 0, 3), |o| vector::dot3(o.x, o.d, o.z), |o| twin::dot3(o.x, o.d, o.z));
    s.pass("dot_square", sum(2, 0, 4), |o| vector::dot_square(o.x, o.z), |o| twin::dot_square(o.x, o.z));
    s.pass("sum", sum(1, 0, 1), |o| vector::sum(o.x), |o| twin::sum(o.x));
    s.pass("sum_abs", sum(1, 0, 2), |o| vector::sum_abs(o.x), |o| twin::sum_abs(o.x));
    s.pass("norm", sum(1, 0, 2), |o| vector::norm(o.x), |o| twin::norm(o.x));
    s.pass("norm_scaled", sum(1, 0, 2), |o| vector::norm_scaled(o.x), |o| twin::norm(o.x));
    let a = T::from_f64(0.3);
    s.pass("scaled_square", sum(1, 0, 3), |o| vector::scaled_square(a, o.x), |o| twin::scaled_square(a, o.x));
}

fn updates<T: Word>(s: &mut Section<'_, T>) {
    let (a, b) = (T::from_f64(0.3), T::from_f64(0.6));
    s.pass("axpy", map(1, 1, 2), |o| vector::axpy(a, o.x, o.y), |o| twin::axpy(a, o.x, o.y));
    s.pass("xpby", map(1, 1, 2), |o| vector::xpby(o.x, b, o.y), |o| twin::xpby(o.x, b, o.y));
    s.pass("axpby", map(1, 1, 3), |o| vector::axpby(a, o.x, b, o.y), |o| twin::axpby(a, o.x, b, o.y));
    s.pass(
        "scaled_xpby",
        map(2, 1, 4),
        |o| vector::scaled_xpby(a, o.d, o.x, b, o.y),
        |o| twin::scaled_xpby(a, o.d, o.x, b, o.y),
    );
    s.pass("rsub", map(1, 1, 1), |o| vector::rsub(o.x, o.y), |o| twin::rsub(o.x, o.y));
    // Factors that leave the numbers where they are, however often.
    let turn = -T::ONE;
    s.pass("scale", map(0, 1, 1), |o| vector::scale(turn, o.y), |o| twin::scale(turn, o.y));
    s.pass("multiply", map(1, 1, 1), |o| vector::multiply(o.d, o.y), |o| twin::multiply(o.d, o.y));
    s.pass("add_square", sum(1, 1, 3), |o| vector::add_square(o.x, o.y), |o| twin::add_square(o.x, o.y));
    s.pass(
        "axpy_square",
        sum(1, 1, 4),
        |o| vector::axpy_square(a, o.x, o.y),
        |o| twin::axpy_square(a, o.x, o.y),
    );
}

/// In place: after the first call the numbers no longer change, and no branch depends on them.
fn proximal<T: Word>(s: &mut Section<'_, T>) {
    let (t, low) = (T::from_f64(0.01), T::from_f64(-0.2));
    s.pass(
        "soft_threshold",
        map(0, 1, 2),
        |o| vector::soft_threshold(t, o.y),
        |o| twin::soft_threshold(t, o.y),
    );
    s.pass(
        "soft_threshold_each",
        map(1, 1, 2),
        |o| vector::soft_threshold_each(o.d, o.y),
        |o| twin::soft_threshold_each(o.d, o.y),
    );
    s.pass("clamp", map(0, 1, 2), |o| vector::clamp(low, t, o.y), |o| twin::clamp(low, t, o.y));
    s.pass(
        "clamp_each",
        map(2, 1, 2),
        |o| vector::clamp_each(o.x, o.d, o.y),
        |o| twin::clamp_each(o.x, o.d, o.y),
    );
    s.pass("sign_sum", sum(0, 1, 2), |o| vector::sign_sum(o.y), |o| twin::sign_sum(o.y));
    // The weights are the gradients: two operands are read.
    let kink = Kink { l1: t, l2: T::ZERO, linear: T::ZERO, lower: -T::INFINITY, upper: T::INFINITY };
    s.pass(
        "kink_violations",
        map(2, 1, 9),
        |o| vector::kink_violations(kink, o.x, o.d, o.d, o.y),
        |o| scores::kink_violations(kink, o.x, o.d, o.d, o.y),
    );
    s.pass(
        "kink_lengths",
        map(2, 1, 14),
        |o| vector::kink_lengths(kink, o.x, o.d, o.d, o.y),
        |o| scores::kink_lengths(kink, o.x, o.d, o.d, o.y),
    );
    s.pass(
        "kink_gains",
        map(2, 1, 25),
        |o| vector::kink_gains(kink, o.x, o.d, o.d, o.y),
        |o| scores::kink_gains(kink, o.x, o.d, o.d, o.y),
    );
    s.pass(
        "kink_largest",
        sum(2, 0, 10),
        |o| vector::kink_largest(kink, o.x, o.d),
        |o| scores::kink_largest(kink, o.x, o.d),
    );
    for (name, rank, cost) in [
        ("axpy_ranked, slopes", Rank::Slope, sum(2, 1, 5)),
        ("axpy_ranked, violations", Rank::Violation(kink), sum(3, 1, 12)),
        ("axpy_ranked, gains", Rank::Gain(kink), sum(3, 1, 28)),
    ] {
        s.pass(
            name,
            cost,
            |o| vector::axpy_ranked(rank, low, o.x, o.y, o.z, o.d),
            |o| scores::axpy_ranked(rank, low, o.x, o.y, o.z, o.d),
        );
    }
}

/// Entries of the list of the largest.
const K: usize = 8;

fn extremes<T: Word>(s: &mut Section<'_, T>) {
    s.pass("max_abs", sum(1, 0, 2), |o| vector::max_abs(o.x), |o| twin::max_abs(o.x));
    s.pass("largest", sum(2, 0, 3), |o| vector::largest(o.x, o.d), |o| twin::largest(o.x, o.d));
    s.pass(
        "k_largest, 8",
        map(2, 0, 3),
        |o| {
            let (mut indices, mut values) = ([0; K], [T::ZERO; K]);
            vector::k_largest(o.x, o.d, &mut indices, &mut values);
            values[K - 1] + T::from_u32(indices[K - 1])
        },
        |o| {
            let (mut indices, mut values) = ([0; K], [T::ZERO; K]);
            twin::k_largest(o.x, o.d, &mut indices, &mut values);
            values[K - 1] + T::from_u32(indices[K - 1])
        },
    );
    s.pass(
        "first_not_finite",
        sum(1, 0, 2),
        |o| vector::first_not_finite(o.x),
        |o| twin::first_not_finite(o.x),
    );
}
