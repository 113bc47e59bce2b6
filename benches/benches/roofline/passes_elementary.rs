//! Exponentials and logarithms.

use southwell_simd::elementary::{self as e};

use crate::limits::Streams;
use crate::operands::{Data, Limit};
use crate::registers::Word;
use crate::table::{Bench, Cost, Section};
use crate::twins_elementary as twin;

/// Streams and operations an element; `f64` and `f32` have polynomials of different degrees.
fn each<T>(
    reads: usize,
    updates: usize,
    writes: usize,
    (f64s, f32s): (usize, usize),
) -> impl Fn(&Data<T>) -> Cost + Copy {
    let flops = if size_of::<T>() == 8 { f64s } else { f32s };
    move |data| Cost {
        streams: Streams::new(reads, updates, writes),
        n: data.n,
        flops: (flops * data.n) as f64,
        chain: 0.0,
    }
}

/// Operations of e^x, of e^x with care for its range, of a row of powers and of ln x, in `f64` and in `f32`.
const EXP: (usize, usize) = (25, 24);
const TERM: (usize, usize) = (37, 32);
const ROW: (usize, usize) = (25, 21);
const LN: (usize, usize) = (49, 41);

fn more(than: (usize, usize), operations: usize) -> (usize, usize) {
    (than.0 + operations, than.1 + operations)
}

pub(crate) fn all<T: Word>(bench: &mut Bench, far: usize) {
    vectors::<T>(bench, far);
    matrices::<T>(bench);
}

fn vectors<T: Word>(bench: &mut Bench, far: usize) {
    if !Section::<T>::wanted(bench, "elementary") {
        return;
    }
    let mut s = Section::<T>::new(bench, "elementary");
    for n in [8, 16, 64] {
        s.size(format!("n = {n}"), Data::positive(n), None);
    }
    for n in [256, 4096, far / size_of::<T>()] {
        let caption = if n > 4096 { format!("{} MiB", far >> 20) } else { format!("n = {n}") };
        s.size(caption, Data::positive(n), Some(Limit::new(n, 0)));
    }
    let two = T::TWO;
    s.pass("exp", each(1, 0, 1, EXP), |o| e::exp(o.x, o.y), |o| twin::exp(o.x, o.y));
    s.pass_unlike("exp, beside std", each(1, 0, 1, EXP), |o| e::exp(o.x, o.y), |o| twin::exp_std(o.x, o.y));
    s.pass("ln", each(1, 0, 1, LN), |o| e::ln(o.x, o.y), |o| twin::ln(o.x, o.y));
    s.pass_unlike("ln, beside std", each(1, 0, 1, LN), |o| e::ln(o.x, o.y), |o| twin::ln_std(o.x, o.y));
    // One after the other, for neither alone leaves the numbers in their range.
    s.pass(
        "exp_in_place, ln_in_place",
        each(0, 2, 0, (EXP.0 + LN.0, EXP.1 + LN.1)),
        |o| {
            e::exp_in_place(o.y);
            e::ln_in_place(o.y)
        },
        |o| {
            twin::exp_in_place(o.y);
            twin::ln_in_place(o.y)
        },
    );
    s.pass(
        "exp_sum",
        each(1, 0, 1, more(EXP, 2)),
        |o| e::exp_sum(o.x, two, o.y),
        |o| twin::exp_sum(o.x, two, o.y),
    );
    // x ← e^(x − 2) has a stable point.
    s.pass(
        "exp_sum_in_place",
        each(0, 1, 0, more(EXP, 2)),
        |o| e::exp_sum_in_place(two, o.y),
        |o| twin::exp_sum_in_place(two, o.y),
    );
    s.pass(
        "exp_coupling",
        each(2, 0, 1, more(TERM, 5)),
        |o| e::exp_coupling(two, o.x, o.z, two, o.y),
        |o| twin::exp_coupling(two, o.x, o.z, two, o.y),
    );
    s.pass(
        "exp_row",
        each(2, 0, 1, ROW),
        |o| e::exp_row(o.x, o.z, two, o.y),
        |o| twin::exp_row(o.x, o.z, two, o.y),
    );
    // The plain loops go over the terms twice, without blocks.
    s.pass_unlike(
        "log_sum_exp",
        each(1, 0, 0, more(TERM, 4)),
        |o| e::log_sum_exp(o.x),
        |o| twin::log_sum_exp(o.x),
    );
    s.print();
}

fn matrices<T: Word>(bench: &mut Bench) {
    if !Section::<T>::wanted(bench, "elementary rows") {
        return;
    }
    let mut s = Section::<T>::new(bench, "elementary rows");
    for n in [8, 16] {
        s.size(format!("n = {n}"), Data::dense(n), None);
    }
    for n in [64, 256, 1024, if size_of::<T>() == 4 { 8192 } else { 4096 }] {
        s.size(format!("n = {n}"), Data::dense(n), Some(Limit::matrix(n * n)));
    }
    let every_entry = |(f64s, f32s): (usize, usize)| {
        let flops = if size_of::<T>() == 8 { f64s } else { f32s };
        move |data: &Data<T>| {
            let entries = data.n * data.n;
            let streams = Streams::default().long(entries * size_of::<T>());
            Cost { streams, n: 0, flops: (flops * entries) as f64, chain: 0.0 }
        }
    };
    s.pass(
        "exp_row_before",
        every_entry(ROW),
        |o| {
            let mut rows = o.a.values.chunks(o.a.stride).peekable();
            while let Some(row) = rows.next() {
                let next = rows.peek().copied().unwrap_or_default();
                e::exp_row_before(o.x, row, next, T::TWO, o.y);
            }
        },
        |o| {
            for row in o.a.values.chunks(o.a.stride) {
                twin::exp_row(o.x, row, T::TWO, o.y);
            }
        },
    );
    s.pass_unlike(
        "log_sum_exp_rows",
        every_entry(more(TERM, 6)),
        |o| e::log_sum_exp_rows(o.x, o.a, T::TWO, o.y),
        |o| twin::log_sum_exp_rows(o.x, o.a, T::TWO, o.y),
    );
    s.print();
}
