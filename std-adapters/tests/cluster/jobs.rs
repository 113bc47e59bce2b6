//! From files to files over ranks: the same bytes on any number of ranks, those of one piece to rounding, and runs that are
//! broken off.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use southwell::descent::sparse_regression as sparse;
use southwell::subgradient::matrix::Options;
use southwell::transport::Ground;
use southwell::{Progress, Status, Stop};
use southwell_std::cluster::checkpoint::Saving;
use southwell_std::cluster::job::{Size, lasso, recover, transport};
use southwell_std::cluster::{Communicator, Counted, Fault, Threads};
use southwell_std::files::{DenseMatrix, archive, npy, npz};
use southwell_std::owned::{
    Costs, Coupler, Measurements, Recovery, Regression, Solving, Sparsity, Transport,
};

use crate::ranks::{Folder, bits, numbers, run};

const N: usize = 70;
const M: usize = 41;

/// Stops after so many steps where it is not 0.
fn until(most: u32) -> impl FnMut(&Progress<f64>) -> ControlFlow<()> {
    move |progress| {
        if most > 0 && progress.step >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// A run of transport into files named after `name`: what rank 0 reports.
fn couple(
    folder: &Folder,
    ranks: usize,
    name: &str,
    method: transport::Method,
    points: bool,
    saving: Option<(&str, bool, u32)>,
) -> Result<transport::Coupled, Fault> {
    let file = |name: &str| folder.path(name);
    let (c, a, b, x, y) = (file("C.npy"), file("a.npy"), file("b.npy"), file("x.npy"), file("y.npy"));
    let (plan, potentials) = (file(&format!("{name}.P.npy")), file(&format!("{name}.fg.npz")));
    let saving = saving.map(|(name, resume, most)| (file(name), resume, most));
    let results = run(ranks, move |comm: &Threads| {
        let costs = match points {
            true => transport::Costs::Points { x: &x, y: &y, ground: Ground::Euclidean },
            false => transport::Costs::Matrix(&c),
        };
        let setting = transport::Setting {
            costs,
            a: Some(&a),
            b: Some(&b),
            epsilon: Size::Ratio(0.02),
            method,
            stop: Stop { max_steps: 5000, ..Stop::relative(1e-9) },
            warm_start: None,
            saving: saving.as_ref().map(|(path, resume, _)| Saving { path, every: 7, resume: *resume }),
            plan: Some(&plan),
            potentials: Some(&potentials),
        };
        // One rank alone wants to stop.
        let most = saving.as_ref().map_or(0, |saving| saving.2);
        transport::run(comm, &setting, &mut until(if comm.rank() + 1 == comm.size() { most } else { 0 }))
    });
    let reports: Vec<_> = results.iter().map(|result| result.as_ref().map(|found| found.report)).collect();
    assert!(reports.iter().all(|report| *report == reports[0]), "{reports:?}");
    results.into_iter().next().expect("a rank")
}

fn clouds(folder: &Folder) {
    let mass = |seed, count| {
        let raw: Vec<f64> = numbers(seed, count).iter().map(|x| 1.0 + 0.8 * x).collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|x| x / sum).collect::<Vec<f64>>()
    };
    let costs: Vec<f64> = numbers(5, N * M).iter().map(|x| x.abs()).collect();
    npy::write_matrix(folder.path("C.npy"), N, M, &costs).expect("written");
    npy::write_matrix(folder.path("x.npy"), N, 3, &numbers(6, N * 3)).expect("written");
    npy::write_matrix(folder.path("y.npy"), M, 3, &numbers(7, M * 3)).expect("written");
    npy::write_vector(folder.path("a.npy"), &mass(8, N)).expect("written");
    npy::write_vector(folder.path("b.npy"), &mass(9, M)).expect("written");
}

fn bytes(folder: &Folder, name: &str) -> Vec<u8> {
    fs::read(folder.path(name)).expect("written")
}

#[test]
fn transport_from_files_has_the_same_bytes_on_any_number_of_ranks() {
    use transport::Method;
    let folder = Folder::new("transport");
    clouds(&folder);
    let (a, b) = (npy::read_vector(folder.path("a.npy")), npy::read_vector(folder.path("b.npy")));
    let (a, b) = (a.expect("read"), b.expect("read"));
    for points in [false, true] {
        let costs = match points {
            false => Costs::Matrix(npy::read_matrix(folder.path("C.npy")).expect("read")),
            true => {
                let [x, y] =
                    ["x.npy", "y.npy"].map(|name| npy::read_matrix(folder.path(name)).expect("read"));
                Costs::Points { x, y, ground: Ground::Euclidean }
            }
        };
        let whole = Transport::new(costs, a.clone(), b.clone());
        for method in [Method::Log, Method::OverRelaxed, Method::NewtonSparse] {
            let first = couple(&folder, 1, "1", method, points, None).expect("no fault");
            assert_eq!(first.report.status, Status::Converged, "{method:?} {:?}", first.report);
            assert_eq!(first.newton_steps > 0, method == Method::NewtonSparse);
            for ranks in 2..=4 {
                let name = ranks.to_string();
                let found = couple(&folder, ranks, &name, method, points, None).expect("no fault");
                assert_eq!((found.report, bits(&found.g)), (first.report, bits(&first.g)), "{ranks} ranks");
                assert_eq!((found.cost.to_bits(), found.mass), (first.cost.to_bits(), first.mass));
                for file in ["P.npy", "fg.npz"] {
                    let (one, many) = (format!("1.{file}"), format!("{name}.{file}"));
                    assert!(
                        bytes(&folder, &one) == bytes(&folder, &many),
                        "{file} {method:?} on {ranks} ranks"
                    );
                }
            }
            // What one machine finds.
            let solving = Solving::with(Coupler::OverRelaxedLog, Default::default());
            let one = whole.solve(first.epsilon, &solving, None, &mut ()).expect("valid");
            let plan = npy::read_matrix(folder.path("1.P.npy")).expect("read");
            let other = whole.coupling(first.epsilon, &one.f, &one.g).expect("valid");
            assert_eq!((plan.rows, plan.columns), (N, M));
            let off: f64 = plan.values.iter().zip(&other.values).map(|(p, q)| (p - q).abs()).sum();
            assert!(off < 1e-6, "{method:?}: {off:e}");
            assert!((first.mass - 1.0).abs() < 1e-8 && (first.cost - one.cost).abs() < 1e-6 * one.cost);
        }
    }
}

#[test]
fn transport_goes_on_with_another_number_of_ranks_to_the_same_bytes() {
    let folder = Folder::new("resume");
    clouds(&folder);
    for method in [transport::Method::OverRelaxed, transport::Method::Log] {
        let whole =
            couple(&folder, 2, "whole", method, false, Some(("kept.npz", false, 0))).expect("no fault");
        assert!(whole.report.converged() && whole.report.steps > 25, "{:?}", whole.report);
        let saving = Some(("run.npz", false, 16));
        let broken = couple(&folder, 3, "broken", method, false, saving).expect("no fault");
        assert_eq!(broken.report.status, Status::Stopped);
        assert!((16..19).contains(&broken.report.steps), "{:?}", broken.report);
        for ranks in [2, 4, 1] {
            let found =
                couple(&folder, ranks, "on", method, false, Some(("run.npz", true, 0))).expect("no fault");
            assert!(found.resumed.is_some());
            assert_eq!(found.report.status, Status::Converged);
            assert_eq!(found.report.residual.to_bits(), whole.report.residual.to_bits(), "{ranks} ranks");
            assert_eq!(found.report.initial_residual, whole.report.initial_residual);
            assert_eq!(found.report.steps, whole.report.steps);
            assert!(
                bytes(&folder, "whole.fg.npz") == bytes(&folder, "on.fg.npz"),
                "{method:?}, {ranks} ranks"
            );
        }
        let other = if method == transport::Method::Log {
            transport::Method::OverRelaxed
        } else {
            transport::Method::Log
        };
        let fault = couple(&folder, 2, "on", other, false, Some(("run.npz", true, 0))).expect_err("refused");
        assert!(fault.to_string().contains("another problem"), "{fault}");
    }
}

fn regression(folder: &Folder, n: usize, p: usize) -> (Vec<f64>, Vec<f64>) {
    let matrix = numbers(21, n * p);
    let noise = numbers(22, n);
    let y: Vec<f64> = matrix
        .chunks_exact(p)
        .zip(&noise)
        .map(|(row, noise)| 3.0 * row[0] - 2.0 * row[p / 2] + row[p - 1] + 0.1 * noise)
        .collect();
    npy::write_matrix(folder.path("A.npy"), n, p, &matrix).expect("written");
    npy::write_vector(folder.path("y.npy"), &y).expect("written");
    archive::write(folder.path("data.npz"), &[("A", &[n, p], &matrix), ("y", &[n], &y)]).expect("written");
    (matrix, y)
}

fn fit(
    folder: &Folder,
    ranks: usize,
    by: lasso::By,
    one_file: bool,
    saving: Option<(&str, bool, u32)>,
) -> Result<lasso::Fitted, Fault> {
    let (archive, samples) = (folder.path("data.npz"), folder.path("A.npy"));
    let (targets, out) = (folder.path("y.npy"), folder.path("w.npy"));
    let saving = saving.map(|(name, resume, most)| (folder.path(name), resume, most));
    let results = run(ranks, move |comm: &Threads| {
        let data = match one_file {
            true => lasso::Data::Archive(&archive),
            false => lasso::Data::Files { samples: &samples, targets: &targets },
        };
        let setting = lasso::Setting {
            data,
            by,
            lambda: Size::Ratio(0.005),
            stop: Stop { max_steps: 20_000, ..Stop::relative(1e-9) },
            saving: saving.as_ref().map(|(path, resume, _)| Saving { path, every: 9, resume: *resume }),
            out: Some(&out),
        };
        let most = saving.as_ref().map_or(0, |saving| saving.2);
        lasso::run(comm, &setting, &mut until(if comm.rank() == 0 { most } else { 0 }))
    });
    let reports: Vec<_> = results.iter().map(|result| result.as_ref().map(|found| found.report)).collect();
    assert!(reports.iter().all(|report| *report == reports[0]), "{reports:?}");
    results.into_iter().next().expect("a rank")
}

#[test]
fn the_lasso_from_files_has_the_same_bytes_on_any_number_of_ranks() {
    for (n, p, by) in
        [(30, 50, lasso::By::Features), (90, 12, lasso::By::Samples), (3, 9, lasso::By::Features)]
    {
        let folder = Folder::new(&format!("lasso-{n}"));
        let (matrix, y) = regression(&folder, n, p);
        let mut first = None;
        for ranks in 1..=if n > 3 { 4 } else { 2 } {
            for one_file in [false, true] {
                let found = fit(&folder, ranks, by, one_file, None).expect("no fault");
                assert_eq!((found.report.status, found.shape), (Status::Converged, (n, p)));
                let w = bytes(&folder, "w.npy");
                let facts =
                    (w, found.report, found.objective.to_bits(), found.nonzeros, found.lambda_max.to_bits());
                assert_eq!(*first.get_or_insert_with(|| facts.clone()), facts, "{by:?}, {ranks} ranks");
            }
        }
        let whole = fit(&folder, 2, by, true, None).expect("no fault");
        let model = Regression::dense(
            DenseMatrix { rows: n, columns: p, values: matrix },
            y,
            sparse::Loss::LeastSquares,
        );
        let options = sparse::Options { stop: Stop::relative(1e-10), ..Default::default() };
        let one = model.solve(Sparsity::Lasso, whole.lambda, &options, &mut ()).expect("valid");
        let off = (one.outcome.primal - whole.objective).abs();
        assert!(off < 1e-8 * (1.0 + whole.objective), "{} {}", one.outcome.primal, whole.objective);
        assert_eq!(npy::read_vector(folder.path("w.npy")).expect("read").len(), p);
    }
}

#[test]
fn the_lasso_goes_on_with_another_number_of_ranks_to_the_same_bytes() {
    let folder = Folder::new("lasso-resume");
    for by in [lasso::By::Features, lasso::By::Samples] {
        regression(&folder, 40, 30);
        // Without checkpoints at all: parts do not change the bits.
        let whole = fit(&folder, 3, by, false, None).expect("no fault");
        let w = bytes(&folder, "w.npy");
        assert!(whole.report.steps > 20, "{:?}", whole.report);
        let broken = fit(&folder, 3, by, false, Some(("run.npz", false, 12))).expect("no fault");
        assert_eq!(broken.report.status, Status::Stopped);
        for ranks in [4, 1, 2] {
            let found = fit(&folder, ranks, by, false, Some(("run.npz", true, 0))).expect("no fault");
            assert!(found.resumed.is_some());
            assert_eq!(
                (found.report.steps, found.report.residual),
                (whole.report.steps, whole.report.residual)
            );
            assert_eq!(found.report.initial_residual, whole.report.initial_residual);
            assert!(bytes(&folder, "w.npy") == w, "{by:?}, {ranks} ranks");
        }
        let other = if by == lasso::By::Samples { lasso::By::Features } else { lasso::By::Samples };
        let fault = fit(&folder, 2, other, false, Some(("run.npz", true, 0))).expect_err("refused");
        assert!(fault.to_string().contains("checkpoint"), "{fault}");
    }
}

#[test]
fn recovery_from_files_has_the_same_bytes_on_any_number_of_ranks() {
    let folder = Folder::new("recover");
    let (d, m) = (6, 130);
    let factor = numbers(31, d);
    let entry = |i: usize, j: usize| factor[i] * factor[j];
    let spoilt = |k: usize, y: f64| if k % 9 == 4 { y + 5.0 } else { y };
    let dense = numbers(32, m * d * d);
    let y: Vec<f64> = dense
        .chunks_exact(d * d)
        .enumerate()
        .map(|(k, a)| spoilt(k, a.iter().enumerate().map(|(at, a)| a * entry(at / d, at % d)).sum()))
        .collect();
    let vectors = numbers(33, m * d);
    let squares: Vec<f64> = vectors
        .chunks_exact(d)
        .enumerate()
        .map(|(k, a)| spoilt(k, a.iter().zip(&factor).map(|(a, x)| a * x).sum::<f64>().powi(2)))
        .collect();
    let picture: Vec<f64> =
        (0..9 * d).map(|k| if k == 11 { 9.0 } else { (1.0 + (k / d) as f64) * factor[k % d] }).collect();
    archive::write(folder.path("A.npz"), &[("A", &[m, d, d], &dense), ("y", &[m], &y)]).expect("written");
    archive::write(folder.path("a.npz"), &[("a", &[m, d], &vectors), ("y", &[m], &squares)])
        .expect("written");
    archive::write(folder.path("M.npz"), &[("M", &[9, d], &picture)]).expect("written");
    archive::write(
        folder.path("s.npz"),
        &[("signs", &[2], &[7.0, 1.0]), ("shape", &[2], &[6.0, 6.0]), ("y", &[m], &y)],
    )
    .expect("written");
    let owned = |name: &str| match name {
        "A" => Some((Measurements::Dense { values: dense.clone(), rows: d, columns: d }, y.clone(), true)),
        "a" => Some((Measurements::RankOne { a: vectors.clone(), order: d }, squares.clone(), true)),
        "M" => Some((Measurements::AllEntries { rows: 9, columns: d }, picture.clone(), false)),
        _ => None,
    };
    for name in ["A", "a", "M", "s"] {
        let options =
            Options::<f64> { stop: Stop { max_steps: 400, ..Stop::default() }, ..Options::default() };
        let mut first = None;
        for ranks in 1..=4 {
            let (file, out) = (folder.path(&format!("{name}.npz")), folder.path("UV.npz"));
            let results = run(ranks, move |comm: &Threads| {
                let (rank, saving) = (2, None);
                let setting =
                    recover::Setting { file: &file, rank, symmetric: None, options, saving, out: Some(&out) };
                recover::run(comm, &setting, &mut ()).expect("no fault")
            });
            assert!(results.iter().all(|found| found.found == results[0].found), "{name} on {ranks} ranks");
            let facts = (bytes(&folder, "UV.npz"), results[0].found.recovered);
            assert_eq!(*first.get_or_insert_with(|| facts.clone()), facts, "{name} on {ranks} ranks");
        }
        let (_, ours) = first.expect("four runs");
        if let Some((measurements, y, symmetric)) = owned(name) {
            let one =
                Recovery { measurements, y, symmetric, rank: 2 }.solve(&options, &mut ()).expect("valid");
            let (one, scale) = (one.recovered, 1e-6);
            assert!((one.value - ours.value).abs() < scale, "{name}: {} {}", one.value, ours.value);
            assert_eq!(one.rank, ours.rank, "{name}");
        }
    }
}

#[test]
fn a_step_of_recovery_sends_what_the_documentation_says() {
    let folder = Folder::new("recover-counts");
    let (d, m, ranks) = (6, 120, 3);
    archive::write(
        folder.path("A.npz"),
        &[("A", &[m, d, d], &numbers(12, m * d * d)), ("y", &[m], &numbers(13, m))],
    )
    .expect("written");
    let file = folder.path("A.npz");
    let sent = run(ranks, move |comm: &Threads| {
        [10, 17].map(|steps| {
            let counted = Counted::new(comm);
            let options =
                Options { stop: Stop { max_steps: steps, ..Stop::relative(1e-14) }, ..Options::default() };
            let setting =
                recover::Setting { file: &file, rank: 2, symmetric: None, options, saving: None, out: None };
            let found = recover::run(&counted, &setting, &mut ()).expect("no fault");
            assert_eq!(found.found.recovered.report.steps, steps);
            counted.take()
        })
    });
    // 60 blocks of two measurements, twenty a rank; twelve unknowns and the 36 entries of the sum that dense matrices form.
    let own = (12 + 36) / 3;
    for [few, more] in sent {
        assert_eq!(more.messages - few.messages, 7 * 2);
        assert_eq!(more.bytes - few.bytes, 7 * 8 * 20 * (12 + 36 - own));
        assert_eq!(more.collectives - few.collectives, 7);
        assert_eq!(more.collective_bytes - few.collective_bytes, 7 * 8 * (own + 4 * 20));
    }
}

#[test]
fn what_does_not_fit_is_an_error_on_all_ranks() {
    let folder = Folder::new("misfits");
    clouds(&folder);
    let fails = |words: &str| {
        let fault = couple(&folder, 3, "no", transport::Method::Log, false, None).expect_err("refused");
        assert!(fault.to_string().contains(words), "{fault}");
    };
    npy::write_vector(folder.path("a.npy"), &vec![1.0; N + 1]).expect("written");
    fails("masses for 70 rows");
    let mut bad = vec![1.0 / N as f64; N];
    bad[N - 1] = -1.0;
    npy::write_vector(folder.path("a.npy"), &bad).expect("written");
    fails("rank 2: `a[");
    fs::remove_file(folder.path("a.npy")).expect("removed");
    fails("No such file");
    npz::write(folder.path("data.npz"), &[("A", &[1.0, 2.0]), ("y", &[1.0])]).expect("written");
    let fault = fit(&folder, 1, lasso::By::Samples, true, None).expect_err("refused");
    assert!(fault.to_string().contains("no matrix `A`"), "{fault}");
    // One rank sees another archive.
    let (there, away) = (folder.path("data.npz"), folder.path("nowhere.npz"));
    let faults = run(3, move |comm: &Threads| {
        let file: &Path = if comm.rank() == 1 { &away } else { &there };
        let (options, saving) = (Options::default(), None);
        let setting = recover::Setting { file, rank: 1, symmetric: None, options, saving, out: None };
        recover::run(comm, &setting, &mut ()).err().map(|fault| fault.to_string())
    });
    assert!(faults.iter().all(|fault| *fault == faults[0]), "{faults:?}");
    assert!(faults[0].as_ref().is_some_and(|words| words.starts_with("rank 1: ")), "{faults:?}");
}
