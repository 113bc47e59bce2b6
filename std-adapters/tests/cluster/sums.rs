//! Sub-gradients and greedy descent over ranks.

use southwell::Stop;
use southwell::descent::sparse_regression::{self, Penalty};
use southwell::linear::Columns;
use southwell::subgradient::method::{self, Ending, Workspace};
use southwell::subgradient::{Function, Oracle, Problem, step};
use southwell_std::cluster::descent::{by_features, by_samples};
use southwell_std::cluster::oracle::Divided;
use southwell_std::cluster::{Communicator, Counted, Partition, Threads, Traffic};

use crate::ranks::{bits, numbers, run};

const N: usize = 36;
const P: usize = 24;

/// Σ_i |a_i·x − y_i| over some rows, and a sub-gradient added to g.
fn deviations(rows: std::ops::Range<usize>, x: &[f64], g: &mut [f64]) -> f64 {
    let (a, y) = (numbers(1, N * P), numbers(2, N));
    let mut value = 0.0;
    for i in rows {
        let row = &a[i * P..(i + 1) * P];
        let r = row.iter().zip(x).fold(-y[i], |r, (a, x)| r + a * x);
        value += r.abs();
        g.iter_mut().zip(row).for_each(|(g, a)| *g += r.signum() * a);
    }
    value
}

fn minimised(oracle: impl Oracle<f64>, x: &mut [f64]) {
    let problem = Problem::new(oracle, ()).expect("unknowns");
    let mut storage = vec![0.0; Workspace::<f64>::required_len(P, false)];
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let options = method::Options { ending: Ending::after(400), ..method::Options::default() };
    method::solve(problem, &options, step::Diminishing(0.3), x, workspace, &mut ()).expect("valid");
}

#[test]
fn a_method_that_calls_a_divided_oracle_does_not_know_of_ranks() {
    let mut whole = vec![0.0; P];
    let one = Function::new(P, |x: &[f64], g: &mut [f64]| {
        g.fill(0.0);
        deviations(0..N, x, g)
    });
    minimised(one, &mut whole);
    let least = deviations(0..N, &whole, &mut [0.0; P]);
    assert!(least < 0.9 * deviations(0..N, &[0.0; P], &mut [0.0; P]));
    let mut first = None;
    for ranks in 1..=4 {
        let parts = run(ranks, move |comm: &Threads| {
            let blocks = Partition::in_blocks(N, 12, ranks).expect("enough blocks");
            let own: Vec<_> = blocks.blocks_of(comm.rank()).map(|block| blocks.items_in(block)).collect();
            let call = |k: usize, x: &[f64], g: &mut [f64]| deviations(own[k].clone(), x, g);
            let mut oracle = Divided::new(comm, &blocks, P, 0.0, call).expect("unknowns");
            let mut x = vec![0.0; P];
            minimised(&mut oracle, &mut x);
            oracle.sound().expect("no fault");
            x
        });
        assert!(parts.iter().all(|x| bits(x) == bits(&parts[0])), "all ranks have the same x");
        let value = deviations(0..N, &parts[0], &mut [0.0; P]);
        assert!((value - least).abs() < 0.02 * least, "{value} {least}");
        assert_eq!(*first.get_or_insert_with(|| bits(&parts[0])), bits(&parts[0]), "{ranks} ranks");
    }
}

/// A by columns, y, and the minimum that core finds.
fn lasso(lambda: f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (a, y) = (numbers(3, N * P), numbers(4, N));
    let design = Columns::new(&a, N, P).expect("a design");
    let problem =
        sparse_regression::Problem::least_squares(&design, &y, Penalty::Lasso { lambda }).expect("valid");
    let mut storage = vec![0.0; sparse_regression::Workspace::<f64>::required_len(N, P, P)];
    let mut indices = vec![0; sparse_regression::Workspace::<f64>::required_indices(P, P)];
    let workspace =
        sparse_regression::Workspace::new(&problem, P, &mut storage, &mut indices).expect("long enough");
    let mut w = vec![0.0; P];
    let stop = Stop::relative(1e-14);
    let options = sparse_regression::Options { stop, ..Default::default() };
    sparse_regression::solve(&problem, &options, &mut w, workspace, &mut ()).expect("valid");
    (a, y, w)
}

#[test]
fn greedy_descent_by_features_and_by_samples_ends_where_core_does() {
    let lambda = 1.0;
    let (a, y, best) = lasso(lambda);
    assert!(best.iter().filter(|w| **w != 0.0).count() > 3);
    let stop = Stop { max_steps: 5000, ..Stop::relative(1e-12) };
    let (mut first, mut by_rows) = (None, None);
    for ranks in 1..=4 {
        let (columns, y_all) = (a.clone(), y.clone());
        let parts = run(ranks, move |comm: &Threads| {
            let features = Partition::new(P, ranks).expect("enough features");
            let own = features.items_of(comm.rank());
            let mut w = vec![0.0; own.len()];
            w.iter_mut().take(1).for_each(|w| *w = if own.start == 0 { 0.1 } else { 0.0 });
            let part = &columns[own.start * N..own.end * N];
            let report = by_features(comm, &features, part, &y_all, lambda, &stop, &mut w, &mut ());
            (w, report.expect("no fault"))
        });
        let report = parts[0].1;
        assert!(report.converged() && parts.iter().all(|part| part.1 == report), "{report:?}");
        let w: Vec<f64> = parts.into_iter().flat_map(|part| part.0).collect();
        assert!(w.iter().zip(&best).all(|(a, b)| (a - b).abs() < 1e-5), "{w:?} {best:?}");
        let all = (bits(&w), report);
        assert_eq!(*first.get_or_insert_with(|| all.clone()), all, "{ranks} ranks");

        let (columns, y_all) = (a.clone(), y.clone());
        let parts = run(ranks, move |comm: &Threads| {
            let samples = Partition::in_blocks(N, 12, ranks).expect("enough blocks");
            let own = samples.items_of(comm.rank());
            let part: Vec<f64> =
                columns.chunks_exact(N).flat_map(|column| column[own.clone()].to_vec()).collect();
            let mut w = vec![0.05; P];
            let report = by_samples(comm, &samples, &part, &y_all[own], lambda, &stop, &mut w, &mut ())
                .expect("no fault");
            (w, report)
        });
        assert!(parts[0].1.converged() && parts.iter().all(|part| part == &parts[0]));
        assert!(parts[0].0.iter().zip(&best).all(|(a, b)| (a - b).abs() < 1e-5));
        let all = (bits(&parts[0].0), parts[0].1);
        assert_eq!(*by_rows.get_or_insert_with(|| all.clone()), all, "{ranks} ranks");
    }
}

#[test]
fn a_step_of_descent_sends_what_the_documentation_says() {
    let (ranks, steps) = (3, 5);
    let traffic = run(ranks, move |comm: &Threads| {
        let (a, y) = (numbers(3, N * P), numbers(4, N));
        let stop = Stop { max_steps: steps, check_every: steps, ..Stop::relative(1e-14) };
        let counted = Counted::new(comm);
        let features = Partition::new(P, ranks).expect("enough features");
        let own = features.items_of(comm.rank());
        let part = &a[own.start * N..own.end * N];
        by_features(&counted, &features, part, &y, 0.1, &stop, &mut vec![0.0; own.len()], &mut ())
            .expect("no fault");
        let first = counted.take();
        let samples = Partition::in_blocks(N, 12, ranks).expect("enough blocks");
        let own = samples.items_of(comm.rank());
        let part: Vec<f64> = a.chunks_exact(N).flat_map(|column| column[own.clone()].to_vec()).collect();
        by_samples(&counted, &samples, &part, &y[own], 0.1, &stop, &mut [0.0; P], &mut ()).expect("no fault");
        (first, counted.take())
    });
    let steps = u64::from(steps);
    for (features, samples) in &traffic {
        assert_eq!(features.messages, 0);
        // Lengths, every step and the start agreed on; a best and a column a step; two sums a look.
        assert_eq!(features.collectives, 1 + 1 + 1 + 2 * steps + 2 * 2);
        // Norms, the first c, and c a step: each to two others, and a gather of the sums.
        let sums = 2 + steps;
        assert_eq!(samples.messages, 2 * sums);
        assert_eq!(samples.bytes, 8 * sums * (12 / ranks * (P - P / ranks)) as u64);
        assert_eq!(samples.collectives, 1 + 1 + 1 + sums + 2);
    }
    let broadcast: u64 = traffic.iter().map(|(features, _)| features.collective_bytes).sum();
    assert!(broadcast >= steps * 8 * N as u64, "each step sends one column from its owner");
}

#[test]
fn a_call_of_an_oracle_sends_what_the_documentation_says() {
    let ranks = 3;
    let traffic = run(ranks, move |comm: &Threads| {
        let counted = Counted::new(comm);
        let blocks = Partition::in_blocks(N, 12, ranks).expect("enough blocks");
        let own: Vec<_> = blocks.blocks_of(comm.rank()).map(|block| blocks.items_in(block)).collect();
        let call = |k: usize, x: &[f64], g: &mut [f64]| deviations(own[k].clone(), x, g);
        let mut oracle = Divided::new(&counted, &blocks, P, 0.0, call).expect("unknowns");
        counted.take();
        oracle.value_and_subgradient(&[0.5; P], &mut [0.0; P]);
        counted.take()
    });
    let (blocks, share) = ((12 / ranks) as u64, (P / ranks) as u64);
    let expected = Traffic {
        messages: 2,
        bytes: 8 * blocks * (P as u64 - share),
        collectives: 1,
        collective_bytes: 8 * (share + blocks),
    };
    assert!(traffic.iter().all(|traffic| *traffic == expected), "{traffic:?} {expected:?}");
}
