//! Matrix balancing: a step of every method, on dense and sparse matrices, and whole solves.
//!
//! Throughput is in bytes of the matrix, so that it can be held against the bandwidth of the machine: a step reads the
//! matrix once.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod common;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use southwell::transport::balance::{Csr, Dense, Problem, Rows, Scalings, ruiz, sinkhorn_knopp, symmetric};
use southwell::{Real, Run};
use southwell_benches::numbers;

/// Rows and columns of dense matrices.
const DENSE: [usize; 2] = [256, 1500];
/// Rows and columns of sparse ones, with so many entries a row.
const SPARSE: (usize, usize) = (50_000, 12);

fn main() {
    let mut criterion = common::criterion();
    dense::<f64>(&mut criterion, "f64");
    dense::<f32>(&mut criterion, "f32");
    sparse::<f64>(&mut criterion, "f64");
    sparse::<f32>(&mut criterion, "f32");
    criterion.final_summary();
}

/// Positive and symmetric.
fn dense<T: Real>(criterion: &mut Criterion, real: &str) {
    for n in DENSE {
        let half = numbers::<T>(1, n * n);
        let values: Vec<T> = (0..n * n).map(|k| T::ONE + half[k] * half[k % n * n + k / n]).collect();
        let view = Dense::new(&values, n, n, n).expect("a matrix");
        methods(criterion, &format!("balance/dense/{real}/{n}"), &view, n, size_of_val(&values[..]));
    }
}

/// A diagonal, and entries at fixed distances on both sides of it.
fn sparse<T: Real>(criterion: &mut Criterion, real: &str) {
    let (n, entries) = SPARSE;
    let (mut offsets, mut columns, mut values) = (vec![0_u32], vec![], vec![]);
    for i in 0..n {
        let mut row: Vec<usize> = (0..entries / 2)
            .flat_map(|k| [i.checked_sub(k * k * 31 + 1), Some(i + k * k * 31 + 1)])
            .flatten()
            .filter(|&j| j < n)
            .chain([i])
            .collect();
        row.sort_unstable();
        values.extend(row.iter().map(|&j| T::ONE / T::from_usize(1 + (i + j) % 7)));
        columns.extend(row.iter().map(|&j| j as u32));
        offsets.push(columns.len() as u32);
    }
    let view = Csr::new(&offsets, &columns, &values, n).expect("a matrix");
    let bytes = size_of_val(&values[..]) + size_of_val(&columns[..]);
    methods(criterion, &format!("balance/sparse/{real}/{n}"), &view, n, bytes);
}

fn methods<T: Real, A: Rows<T>>(criterion: &mut Criterion, name: &str, view: &A, n: usize, bytes: usize) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes as u64));
    let problem = Problem::unit(view).expect("a problem");
    let options = sinkhorn_knopp::Options::default();
    let mut indices = vec![0; sinkhorn_knopp::Workspace::<T>::required_indices(n, n)];
    let mut storage = vec![
        T::ZERO;
        sinkhorn_knopp::Workspace::<T>::required_len(n, n)
            .max(ruiz::Workspace::<T>::required_len(n, n))
    ];
    {
        let (mut x, mut y) = (vec![T::ONE; n], vec![T::ONE; n]);
        let work = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let scalings = Scalings { x: &mut x, y: &mut y };
        let mut run = sinkhorn_knopp::start(&problem, &options, scalings, work).expect("a run");
        group.bench_function("Sinkhorn-Knopp, step", |bencher| bencher.iter(|| step(&mut run)));
    }
    {
        let mut x = vec![T::ONE; n];
        let work = symmetric::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let mut run = symmetric::start(&problem, &options, &mut x, work).expect("a run");
        group.bench_function("symmetric, step", |bencher| bencher.iter(|| step(&mut run)));
    }
    {
        let (mut x, mut y) = (vec![T::ONE; n], vec![T::ONE; n]);
        let problem = ruiz::Problem::new::<T>(view, ruiz::Norm::Largest).expect("a problem");
        let work = ruiz::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let scalings = Scalings { x: &mut x, y: &mut y };
        let mut run = ruiz::start(&problem, &options, scalings, work).expect("a run");
        group.bench_function("Ruiz, step", |bencher| bencher.iter(|| step(&mut run)));
    }
    group.bench_function("Sinkhorn-Knopp, solve", |bencher| {
        bencher.iter(|| {
            let (mut x, mut y) = (vec![T::ONE; n], vec![T::ONE; n]);
            let work = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
            let scalings = Scalings { x: &mut x, y: &mut y };
            sinkhorn_knopp::solve(&problem, &options, scalings, work, &mut ()).expect("a run").steps
        });
    });
    group.finish();
}

fn step(run: &mut impl Run) {
    run.step();
    black_box(run.residual());
}
