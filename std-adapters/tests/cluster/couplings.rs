//! Sinkhorn's iteration over ranks.

use southwell::omega::Eager;
use southwell::relaxation::{Fixed, OmegaRule};
use southwell::transport::newton;
use southwell::transport::sinkhorn::{self, Options, Workspace};
use southwell::transport::{DenseCost, Ground, PointCost, Potentials, Problem};
use southwell::{Report, Status, Stop};
use southwell_std::cluster::newton as divided_newton;
use southwell_std::cluster::sinkhorn as divided;
use southwell_std::cluster::{Communicator, Counted, Partition, Threads};

use crate::ranks::{bits, numbers, run};

const N: usize = 60;
const M: usize = 45;
const EPSILON: f64 = 0.02;

fn masses(seed: u64, count: usize) -> Vec<f64> {
    let mut masses: Vec<f64> = numbers(seed, count).iter().map(|x| 1.0 + 0.9 * x).collect();
    // A line without mass.
    masses[count / 2] = 0.0;
    let sum: f64 = masses.iter().sum();
    masses.iter().map(|mass| mass / sum).collect()
}

fn costs() -> Vec<f64> {
    numbers(8, N * M).iter().map(|x| x.abs()).collect()
}

fn options() -> Options<f64> {
    Options { stop: Stop { max_steps: 3000, ..Stop::relative(1e-9) } }
}

/// f, g and the report of a solve on `ranks` ranks with costs in `blocks` blocks.
fn solve<R: OmegaRule<f64>>(
    ranks: usize,
    blocks: usize,
    on_the_fly: bool,
    rule: impl Fn() -> R + Send + Sync + 'static,
) -> (Vec<f64>, Vec<f64>, Report<f64>) {
    let parts = run(ranks, move |comm: &Threads| {
        let rows = Partition::in_blocks(N, blocks, ranks).expect("enough blocks");
        let own = rows.items_of(comm.rank());
        let (a, b) = (masses(1, N)[own.clone()].to_vec(), masses(2, M));
        let (mut f, mut g) = (vec![0.0; own.len()], vec![0.0; M]);
        let (x, y) = (numbers(5, 2 * N), numbers(6, 2 * M));
        let (costs, mut storage) = (costs(), vec![vec![0.0; 2 * M]; blocks]);
        let report = if on_the_fly {
            let views: Vec<PointCost<'_, f64>> = rows
                .blocks_of(comm.rank())
                .zip(&mut storage)
                .map(|(block, storage)| {
                    let rows = rows.items_in(block);
                    let x = &x[2 * rows.start..2 * rows.end];
                    PointCost::new(x, &y, 2, Ground::SquaredEuclidean, storage).expect("points")
                })
                .collect();
            let problem = divided::Problem::new(comm, rows, &views, &a, &b, EPSILON).expect("valid");
            let x = Potentials { f: &mut f, g: &mut g };
            divided::solve(&problem, &options(), &mut rule(), x, &mut ()).expect("no fault")
        } else {
            let views: Vec<DenseCost<'_, f64>> = rows
                .blocks_of(comm.rank())
                .map(|block| {
                    let rows = rows.items_in(block);
                    DenseCost::new(&costs[rows.start * M..rows.end * M], rows.len(), M, M).expect("costs")
                })
                .collect();
            let problem = divided::Problem::new(comm, rows, &views, &a, &b, EPSILON).expect("valid");
            let x = Potentials { f: &mut f, g: &mut g };
            divided::solve(&problem, &options(), &mut rule(), x, &mut ()).expect("no fault")
        };
        (f, g, report)
    });
    assert!(parts.iter().all(|part| part.2 == parts[0].2 && bits(&part.1) == bits(&parts[0].1)));
    let (g, report) = (parts[0].1.clone(), parts[0].2);
    (parts.into_iter().flat_map(|part| part.0).collect(), g, report)
}

#[test]
fn one_block_is_the_iteration_in_one_piece_and_more_are_equal_on_all_ranks() {
    let (a, b, values) = (masses(1, N), masses(2, M), costs());
    let cost = DenseCost::new(&values, N, M, M).expect("costs");
    let problem = Problem::new(&cost, &a, &b, EPSILON).expect("valid");
    for omega in [1.0, 1.4] {
        let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(N, M, M)];
        let workspace = Workspace::new(&problem, &mut storage).expect("long enough");
        let (mut f, mut g) = (vec![0.0; N], vec![0.0; M]);
        let x = Potentials { f: &mut f, g: &mut g };
        let core =
            sinkhorn::solve(&problem, &options(), &mut Fixed(omega), x, workspace, &mut ()).expect("valid");
        assert!(core.converged());
        let (one_f, one_g, one) = solve(1, 1, false, move || Fixed(omega));
        assert_eq!((bits(&one_f), bits(&one_g), one), (bits(&f), bits(&g), core), "omega {omega}");
        let mut first = None;
        for ranks in 1..=4 {
            let (more_f, more_g, more) = solve(ranks, 12, false, move || Fixed(omega));
            let far = more_f.iter().zip(&f).filter(|(_, f)| f.is_finite());
            assert!(far.fold(0.0, |far: f64, (a, b)| far.max((a - b).abs())) < 1e-9);
            assert_eq!((more.status, more.steps), (core.status, core.steps));
            let all = (bits(&more_f), bits(&more_g), more);
            assert_eq!(*first.get_or_insert_with(|| all.clone()), all, "{ranks} ranks");
        }
    }
}

#[test]
fn costs_on_the_fly_and_an_omega_that_is_found_do_not_depend_on_the_ranks() {
    let mut first = None;
    let plain = solve(1, 12, true, || Fixed(1.0)).2;
    for ranks in 1..=4 {
        let (f, g, report) = solve(ranks, 12, true, Eager::<f64>::default);
        assert_eq!(report.status, Status::Converged);
        assert!(report.steps < plain.steps, "{} {}", report.steps, plain.steps);
        let all = (bits(&f), bits(&g), report);
        assert_eq!(*first.get_or_insert_with(|| all.clone()), all, "{ranks} ranks");
    }
}

#[test]
fn a_step_sends_what_the_documentation_says() {
    let (ranks, blocks, steps) = (3, 12, 7);
    let traffic = run(ranks, move |comm: &Threads| {
        let counted = Counted::new(comm);
        let rows = Partition::in_blocks(N, blocks, ranks).expect("enough blocks");
        let own = rows.items_of(comm.rank());
        let (a, b, costs) = (masses(1, N)[own.clone()].to_vec(), masses(2, M), costs());
        let views: Vec<DenseCost<'_, f64>> = rows
            .blocks_of(comm.rank())
            .map(|block| {
                let rows = rows.items_in(block);
                DenseCost::new(&costs[rows.start * M..rows.end * M], rows.len(), M, M).expect("costs")
            })
            .collect();
        let problem = divided::Problem::new(&counted, rows, &views, &a, &b, EPSILON).expect("valid");
        counted.take();
        let stop = Stop { max_steps: steps, ..Stop::relative(1e-14) };
        let (mut f, mut g) = (vec![0.0; own.len()], vec![0.0; M]);
        let x = Potentials { f: &mut f, g: &mut g };
        let rule = &mut Fixed(1.0);
        divided::solve(&problem, &Options { stop }, rule, x, &mut ()).expect("no fault");
        counted.take()
    });
    // Four columns a piece, and one in the last.
    for (traffic, columns) in traffic.into_iter().zip([16, 16, 13]) {
        let (passes, looks) = (u64::from(steps) + 1, u64::from(steps) + 1);
        assert_eq!(traffic.messages, passes * 2);
        // Every block's sums, but those of this rank's own columns.
        assert_eq!(traffic.bytes, passes * 8 * (blocks / ranks * (M - columns)) as u64);
        assert_eq!(traffic.collectives, 2 + u64::from(steps) + looks);
    }
}

#[test]
fn newton_steps_end_where_core_does_and_do_not_depend_on_the_ranks() {
    const TINY: f64 = 0.004;
    let (a, b, values) = (masses(1, N), masses(2, M), costs());
    let cost = DenseCost::new(&values, N, M, M).expect("costs");
    let problem = Problem::new(&cost, &a, &b, TINY).expect("valid");
    let options = newton::Options::default();
    let entries = N * M;
    let mut storage = vec![f64::NAN; newton::Workspace::<f64>::required_len(N, M, M, entries)];
    let mut indices = vec![0; newton::Workspace::<f64>::required_indices(N, M, entries)];
    let workspace =
        newton::Workspace::new(&problem, entries, &mut storage, &mut indices).expect("long enough");
    let (mut f, mut g) = (vec![0.0; N], vec![0.0; M]);
    let x = Potentials { f: &mut f, g: &mut g };
    let core = newton::solve(&problem, &options, x, workspace, &mut ()).expect("valid");
    assert!(core.converged());
    for (per_row, most) in [(M, core.steps + 4), (4, core.steps + 60)] {
        let mut first = None;
        for ranks in 1..=4 {
            let parts = run(ranks, move |comm: &Threads| {
                let rows = Partition::in_blocks(N, 12, ranks).expect("enough blocks");
                let own = rows.items_of(comm.rank());
                let (a, b, costs) = (masses(1, N)[own.clone()].to_vec(), masses(2, M), costs());
                let views: Vec<DenseCost<'_, f64>> = rows
                    .blocks_of(comm.rank())
                    .map(|block| {
                        let rows = rows.items_in(block);
                        DenseCost::new(&costs[rows.start * M..rows.end * M], rows.len(), M, M).expect("costs")
                    })
                    .collect();
                let problem = divided::Problem::new(comm, rows, &views, &a, &b, TINY).expect("valid");
                let (mut f, mut g) = (vec![0.0; own.len()], vec![0.0; M]);
                let x = Potentials { f: &mut f, g: &mut g };
                let (report, work) =
                    divided_newton::solve(&problem, &options, per_row, x, &mut ()).expect("no fault");
                (f, g, report, work)
            });
            assert!(parts.iter().all(|part| part.2 == parts[0].2 && bits(&part.1) == bits(&parts[0].1)));
            let (ours_g, report, work) = (parts[0].1.clone(), parts[0].2, parts[0].3);
            let ours_f: Vec<f64> = parts.into_iter().flat_map(|part| part.0).collect();
            assert!(report.converged() && report.steps <= most, "{report:?} {work:?} {core:?}");
            assert!(work.newton_steps > 0);
            // The same coupling: f + g does not know how much of a constant went to either.
            for (i, j) in (0..N).flat_map(|i| (0..M).map(move |j| (i, j))) {
                let (p, q) = (f[i] + g[j], ours_f[i] + ours_g[j]);
                assert!(p == q || ((p - q) / TINY).abs() < 1e-2, "{i} {j} {p} {q}");
            }
            let all = (bits(&ours_f), bits(&ours_g), report, work);
            assert_eq!(*first.get_or_insert_with(|| all.clone()), all, "{ranks} ranks");
        }
    }
}

#[test]
fn newton_steps_send_what_the_documentation_says() {
    const TINY: f64 = 0.004;
    let (ranks, blocks) = (3, 12);
    let sent = run(ranks, move |comm: &Threads| {
        let counted = Counted::new(comm);
        let rows = Partition::in_blocks(N, blocks, ranks).expect("enough blocks");
        let own = rows.items_of(comm.rank());
        let (a, b, costs) = (masses(1, N)[own.clone()].to_vec(), masses(2, M), costs());
        let views: Vec<DenseCost<'_, f64>> = rows
            .blocks_of(comm.rank())
            .map(|block| {
                let rows = rows.items_in(block);
                DenseCost::new(&costs[rows.start * M..rows.end * M], rows.len(), M, M).expect("costs")
            })
            .collect();
        let problem = divided::Problem::new(&counted, rows, &views, &a, &b, TINY).expect("valid");
        counted.take();
        let (mut f, mut g) = (vec![0.0; own.len()], vec![0.0; M]);
        let x = Potentials { f: &mut f, g: &mut g };
        let (report, work) =
            divided_newton::solve(&problem, &newton::Options::default(), M, x, &mut ()).expect("no fault");
        (report, work, counted.take())
    });
    // Four columns a piece, and one in the last.
    for ((report, work, traffic), columns) in sent.into_iter().zip([16, 16, 13]) {
        assert!(report.converged() && work.newton_steps > 0 && work.cg_steps > 0, "{report:?} {work:?}");
        // A reading, a step of conjugate gradients; and a right-hand side and a diagonal of every system.
        let sums = u64::from(work.kernel_reads + work.cg_steps + 2 * work.newton_steps);
        assert_eq!(traffic.messages, 2 * sums, "{work:?}");
        assert_eq!(traffic.bytes, sums * 8 * (blocks / ranks * (M - columns)) as u64);
    }
}
