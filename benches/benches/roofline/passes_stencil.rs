//! The passes over grids: five-point stars, constant and by cell, and seven-point stars.

use southwell_simd::stencil::{self, Coefficients, Grid, Star};

use crate::limits::Streams;
use crate::operands::{Data, Limit};
use crate::registers::Word;
use crate::table::{Bench, Cost, Section};
use crate::{twins_cells, twins_space, twins_stencil as twin};

/// Streams and operations a cell, and `arrays` of couplings beside the vectors.
fn a_cell<T>(streams: Streams, arrays: usize, flops: usize) -> impl Fn(&Data<T>) -> Cost + Copy {
    move |data| Cost {
        streams: streams.long(arrays * data.n * size_of::<T>()),
        n: data.n,
        flops: (flops * data.n) as f64,
        chain: 0.0,
    }
}

pub(crate) fn all<T: Word>(bench: &mut Bench) {
    constant::<T>(bench);
    by_cell::<T>(bench);
    in_space::<T>(bench);
}

fn constant<T: Word>(bench: &mut Bench) {
    if !Section::<T>::wanted(bench, "stencil") {
        return;
    }
    let mut s = Section::<T>::new(bench, "stencil");
    for side in [3, 8] {
        s.size(format!("{side}²"), Data::grid(side, false, false), None);
    }
    for side in [16, 32, 128, 512, 4096] {
        s.size(format!("{side}²"), Data::grid(side, false, false), Some(Limit::new(side * side, 0)));
    }
    let w = T::from_f64(1.2);
    let mix = Streams::new;
    s.pass(
        "apply",
        a_cell(mix(1, 0, 1), 0, 9),
        |o| stencil::apply(o.grid, o.x, o.y),
        |o| twin::apply(star(o.grid), o.grid.columns, o.x, o.y),
    );
    s.pass(
        "residual",
        a_cell(mix(2, 0, 1), 0, 10),
        |o| stencil::residual(o.grid, o.z, o.x, o.y),
        |o| twin::residual(star(o.grid), o.grid.columns, o.z, o.x, o.y),
    );
    s.pass(
        "residual_square",
        a_cell(mix(2, 0, 0), 0, 12),
        |o| stencil::residual_square(o.grid, o.z, o.x),
        |o| twin::residual_square(star(o.grid), o.grid.columns, o.z, o.x, o.line),
    );
    s.pass_unlike(
        "sor_sweep",
        a_cell(mix(1, 1, 0), 0, 15),
        |o| stencil::sor_sweep(o.grid, false, w, &[], o.x, o.y),
        |o| twin::sor_sweep(star(o.grid), o.grid.columns, w, o.x, o.y),
    );
    s.pass(
        "red_black_sweep",
        a_cell(mix(1, 1, 0), 0, 13),
        |o| stencil::red_black_sweep(o.grid, false, w, &[], o.x, o.y),
        |o| twin::red_black_sweep(star(o.grid), o.grid.columns, w, o.x, o.y),
    );
    // Their recurrence is doubled; the plain loops run it one cell after the other.
    // Four sweeps that read and write once; the plain loop goes four times.
    s.pass_unlike(
        "sor_sweeps, 4",
        a_cell(mix(1, 1, 0), 0, 4 * 15),
        |o| stencil::sor_sweeps(o.grid, false, w, &[], o.x, o.y, 4),
        |o| (0..4).for_each(|_| twin::sor_sweep(star(o.grid), o.grid.columns, w, o.x, o.y)),
    );
    s.pass(
        "red_black_sweeps, 4",
        a_cell(mix(1, 1, 0), 0, 4 * 13),
        |o| stencil::red_black_sweeps(o.grid, false, w, &[], o.x, o.y, 4),
        |o| (0..4).for_each(|_| twin::red_black_sweep(star(o.grid), o.grid.columns, w, o.x, o.y)),
    );
    s.pass(
        "line_sweep",
        a_cell(mix(1, 1, 0), 0, 17),
        |o| stencil::line_sweep(o.grid, false, w, o.factors.0, o.factors.1, o.line, o.x, o.y),
        |o| twin::line_sweep(star(o.grid), o.grid.columns, w, o.factors, o.line, o.x, o.y),
    );
    s.pass_unlike(
        "solve_upper",
        a_cell(mix(1, 0, 1), 0, 9),
        |o| stencil::solve_upper(o.grid, w, &[], o.x, o.y),
        |o| twin::solve_upper(star(o.grid), o.grid.columns, w, o.x, o.y),
    );
    s.pass_unlike(
        "solve_lower",
        a_cell(mix(2, 0, 2), 0, 17),
        |o| stencil::solve_lower(o.grid, w, &[], o.x, o.z, o.y, o.w),
        |o| twin::solve_lower(star(o.grid), o.grid.columns, w, o.x, o.z, o.y, o.w),
    );
    s.print();
}

fn by_cell<T: Word>(bench: &mut Bench) {
    if !Section::<T>::wanted(bench, "stencil by cell") {
        return;
    }
    let mut s = Section::<T>::new(bench, "stencil by cell");
    for side in [3, 8] {
        s.size(format!("{side}²"), Data::grid(side, true, false), None);
    }
    for side in [16, 64, 256, 2048] {
        let n = side * side;
        let limit = Limit::new(n, 5 * n * size_of::<T>());
        s.size(format!("{side}²"), Data::grid(side, true, false), Some(limit));
    }
    let w = T::from_f64(1.2);
    let mix = Streams::new;
    s.pass(
        "apply",
        a_cell(mix(1, 0, 1), 5, 9),
        |o| stencil::apply(o.grid, o.x, o.y),
        |o| twins_cells::apply(arrays(o.grid), o.grid.columns, o.x, o.y),
    );
    s.pass(
        "sor_sweep",
        a_cell(mix(1, 1, 0), 5, 13),
        |o| stencil::sor_sweep(o.grid, false, w, o.d, o.x, o.y),
        |o| twins_cells::sor_sweep(arrays(o.grid), o.grid.columns, w, o.d, o.x, o.y),
    );
    s.pass(
        "red_black_sweep",
        a_cell(mix(1, 1, 0), 5, 12),
        |o| stencil::red_black_sweep(o.grid, false, w, o.d, o.x, o.y),
        |o| twins_cells::red_black_sweep(arrays(o.grid), o.grid.columns, w, o.d, o.x, o.y),
    );
    s.pass(
        "solve_upper",
        a_cell(mix(1, 0, 1), 3, 7),
        |o| stencil::solve_upper(o.grid, w, o.d, o.x, o.y),
        |o| twins_cells::solve_upper(arrays(o.grid), o.grid.columns, w, o.d, o.x, o.y),
    );
    s.pass(
        "solve_lower",
        a_cell(mix(2, 0, 2), 4, 18),
        |o| stencil::solve_lower(o.grid, w, o.d, o.x, o.z, o.y, o.w),
        |o| twins_cells::solve_lower(arrays(o.grid), o.grid.columns, w, o.d, o.x, o.z, o.y, o.w),
    );
    s.print();
}

fn in_space<T: Word>(bench: &mut Bench) {
    if !Section::<T>::wanted(bench, "stencil in space") {
        return;
    }
    let mut s = Section::<T>::new(bench, "stencil in space");
    for side in [2, 4] {
        s.size(format!("{side}³"), Data::cube(side), None);
    }
    for side in [8, 24, 80, 256] {
        s.size(format!("{side}³"), Data::cube(side), Some(Limit::new(side * side * side, 0)));
    }
    let w = T::from_f64(1.2);
    s.pass(
        "apply",
        a_cell(Streams::new(1, 0, 1), 0, 13),
        |o| stencil::apply(o.grid, o.x, o.y),
        |o| twins_space::apply(star(o.grid), o.grid.columns, o.x, o.y),
    );
    s.pass_unlike(
        "sor_sweep",
        a_cell(Streams::new(1, 1, 0), 0, 19),
        |o| stencil::sor_sweep(o.grid, false, w, &[], o.x, o.y),
        |o| twins_space::sor_sweep(star(o.grid), o.grid.columns, w, o.x, o.y),
    );
    s.print();
}

fn star<T: Word>(grid: Grid<'_, T>) -> Star<T> {
    match grid.coefficients {
        Coefficients::Constant(star) => star,
        Coefficients::PerCell(_) => Star::default(),
    }
}

fn arrays<'a, T: Word>(grid: Grid<'a, T>) -> Star<&'a [T]> {
    match grid.coefficients {
        Coefficients::PerCell(star) => star,
        Coefficients::Constant(_) => Star::default(),
    }
}
