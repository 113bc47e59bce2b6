//! Robust regression over ranks.

use southwell::{Status, Stop};
use southwell_std::cluster::checkpoint::Saving;
use southwell_std::cluster::job::fit::{self, Setting};
use southwell_std::cluster::{Communicator, Counted, Fault, Partition, Threads, fit as divided};
use southwell_std::files::{DenseMatrix, archive};
use southwell_std::owned::{Loss, Robust, Settings};

use crate::ranks::{Folder, bits, numbers, run};

const N: usize = 150;
const P: usize = 4;

/// Rows of columns of very different sizes, the first of ones; observations, a tenth of them far off; weights, some of them 0.
fn data() -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let sizes = [1.0, 1e-3, 40.0, 1e5];
    let mut a = numbers(11, N * P);
    for (place, entry) in a.iter_mut().enumerate() {
        *entry = if place % P == 0 { 1.0 } else { *entry * sizes[place % P] };
    }
    let noise = numbers(12, N);
    let y = (0..N)
        .map(|i| {
            let row = &a[i * P..(i + 1) * P];
            let off = if i % 10 == 3 { 30.0 } else { 0.0 };
            row.iter().zip(sizes).map(|(x, size)| x / size * 2.0).sum::<f64>() + noise[i] + off
        })
        .collect();
    let weights =
        numbers(13, N).iter().enumerate().map(|(i, w)| if i % 17 == 5 { 0.0 } else { 1.5 + w }).collect();
    (a, y, weights)
}

fn written(folder: &Folder, a: &[f64], y: &[f64], weights: &[f64]) {
    let (n, p) = (y.len(), a.len() / y.len());
    let arrays: [(&str, &[usize], &[f64]); 3] = [("A", &[n, p], a), ("y", &[n], y), ("w", &[n], weights)];
    archive::write(folder.0.join("data.npz"), &arrays).expect("written");
}

#[derive(Clone, Copy)]
struct Case {
    loss: Loss,
    weighted: bool,
    most: u32,
    saving: Option<(u32, bool)>,
}

fn fitted(folder: &Folder, ranks: usize, case: Case) -> Result<fit::Fitted, Fault> {
    let (file, path) = (folder.0.join("data.npz"), folder.0.join("run.npz"));
    let out = folder.0.join("x.npy");
    let mut results = run(ranks, move |comm: &Threads| {
        let stop = Stop { max_steps: case.most, ..Stop::relative(1e-10) };
        let setting = Setting {
            file: &file,
            weights: case.weighted.then_some("w"),
            loss: case.loss,
            settings: Settings { stop, ..Settings::default() },
            refine: true,
            saving: case.saving.map(|(every, resume)| Saving { path: &path, every, resume }),
            out: Some(&out),
        };
        fit::run(comm, &setting, &mut ())
    });
    assert!(results.iter().all(|found| *found == results[0]), "all ranks report the same");
    results.remove(0)
}

fn near(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance * (a.abs() + b.abs()).max(1e-3))
}

#[test]
fn fits_have_the_same_bits_on_any_number_of_ranks_and_end_where_one_piece_does() {
    let folder = Folder::new("fits");
    let (a, y, weights) = data();
    written(&folder, &a, &y, &weights);
    for (loss, weighted) in [
        (Loss::Absolute, false),
        (Loss::Quantile(0.8), false),
        (Loss::Quantile(0.3), true),
        (Loss::Huber, false),
        (Loss::Huber, true),
    ] {
        let table = DenseMatrix { rows: N, columns: P, values: a.clone() };
        let model = Robust::new(table, y.clone(), if weighted { weights.clone() } else { Vec::new() });
        let stop = Stop { max_steps: 5000, ..Stop::relative(1e-10) };
        let settings = Settings { stop, ..Settings::default() };
        let core = model.fit(loss, &settings, &mut ()).expect("valid");
        let mut coefficients = core.coefficients.clone();
        let refined = model.refined(&mut coefficients).expect("valid");
        let case = Case { loss, weighted, most: 5000, saving: None };
        let mut first = None;
        for ranks in 1..=4 {
            let found = fitted(&folder, ranks, case).expect("no fault");
            let fit = &found.fitted;
            assert_eq!(
                (fit.report.status, found.shape),
                (core.report.status, (N, P)),
                "{loss:?}: {fit:?} {core:?}"
            );
            // A vertex is proven to be the best; a smooth minimum is found to half the digits of its value.
            let digits = if loss == Loss::Huber { 1e-5 } else { 1e-11 };
            assert!(near(&fit.coefficients, &core.coefficients, digits), "{loss:?}: {fit:?} {core:?}");
            assert!(near(&[fit.objective, fit.lower_bound], &[core.objective, core.lower_bound], 1e-9));
            if loss != Loss::Huber {
                assert_eq!(fit.report.status, Status::Optimal);
            } else {
                assert!(near(&[fit.delta.expect("of Huber")], &[core.delta.expect("of Huber")], 1e-9));
            }
            let rest = found.refined.expect("asked for");
            assert_eq!(rest.kept, refined.kept, "{loss:?}");
            assert!(near(&[rest.deviation, rest.rms], &[refined.deviation, refined.rms], 1e-5));
            assert!(near(&found.coefficients, &coefficients, 1e-9), "{loss:?}");
            let all = (bits(&found.coefficients), found);
            assert_eq!(*first.get_or_insert_with(|| all.clone()), all, "{loss:?} on {ranks} ranks");
        }
    }
}

#[test]
fn dependent_columns_have_no_coefficient_and_exact_rows_are_fitted() {
    let folder = Folder::new("dependent");
    let (a, _, weights) = data();
    // The third column is the sum of the first and twice the second; the fourth is nothing.
    let a: Vec<f64> =
        a.chunks_exact(P).flat_map(|row| [row[0], row[1], row[0] + 2.0 * row[1], 0.0]).collect();
    let y: Vec<f64> = a.chunks_exact(P).map(|row| 3.0 * row[0] - 500.0 * row[1]).collect();
    written(&folder, &a, &y, &weights);
    let case = Case { loss: Loss::Absolute, weighted: true, most: 5000, saving: None };
    let mut first = None;
    for ranks in 1..=4 {
        let found = fitted(&folder, ranks, case).expect("no fault");
        let x = &found.fitted.coefficients;
        assert!(near(&x[..2], &[3.0, -500.0], 1e-9) && x[2..] == [0.0, 0.0], "{found:?}");
        assert!(found.fitted.objective < 1e-9, "{found:?}");
        assert_eq!(*first.get_or_insert_with(|| bits(x)), bits(x), "{ranks} ranks");
    }
}

#[test]
fn nearly_dependent_columns_are_told_apart() {
    let folder = Folder::new("nearly");
    let (mut a, noise) = (numbers(21, N * 2), numbers(22, N));
    for row in a.chunks_exact_mut(2) {
        row[1] = row[0] + 1e-7 * row[1];
    }
    let y: Vec<f64> =
        a.chunks_exact(2).zip(&noise).map(|(row, e)| row[0] + 1e5 * row[1] + 1e-3 * e).collect();
    written(&folder, &a, &y, &[1.0; N]);
    let case = Case { loss: Loss::Absolute, weighted: false, most: 5000, saving: None };
    let model = Robust::new(DenseMatrix { rows: N, columns: 2, values: a }, y, Vec::new());
    let core = model.fit(Loss::Absolute, &Settings::default(), &mut ()).expect("valid");
    let found = fitted(&folder, 3, case).expect("no fault").fitted;
    assert_eq!(found.report.status, Status::Optimal);
    assert!(found.objective <= core.objective * (1.0 + 1e-9), "{found:?} {core:?}");
    assert!(found.objective >= core.lower_bound * (1.0 - 1e-9), "{found:?} {core:?}");
}

#[test]
fn broken_off_fits_go_on_with_another_number_of_ranks_to_the_same_bits() {
    let folder = Folder::new("fit-again");
    let (a, y, weights) = data();
    written(&folder, &a, &y, &weights);
    for loss in [Loss::Quantile(0.8), Loss::Huber] {
        let case = Case { loss, weighted: true, most: 5000, saving: None };
        let whole = fitted(&folder, 1, case).expect("no fault");
        for (most, ranks) in [(25, 1), (37, 2), (61, 4)] {
            let broken =
                Case { loss: Loss::Quantile(if loss == Loss::Huber { 0.5 } else { 0.8 }), most, ..case };
            let broken = fitted(&folder, 3, Case { saving: Some((10, false)), ..broken }).expect("no fault");
            assert_eq!(broken.fitted.report.status, Status::StepLimit);
            let found =
                fitted(&folder, ranks, Case { saving: Some((1000, true)), ..case }).expect("no fault");
            assert_eq!(found.resumed, Some(most));
            assert_eq!(bits(&found.coefficients), bits(&whole.coefficients), "{loss:?} on {ranks} ranks");
            assert_eq!(found.fitted.report.steps, whole.fitted.report.steps);
            assert_eq!(found.fitted.objective.to_bits(), whole.fitted.objective.to_bits());
        }
        let other = Case { loss: Loss::Quantile(0.7), saving: Some((10, true)), ..case };
        let fault = fitted(&folder, 2, other).expect_err("refused");
        assert!(fault.to_string().contains("another run"), "{fault}");
    }
}

#[test]
fn a_step_of_a_fit_sends_what_the_documentation_says() {
    let ranks = 3;
    let traffic = |steps: u32| {
        run(ranks, move |comm: &Threads| {
            let counted = Counted::new(comm);
            let (a, y, _) = data();
            let rows = Partition::in_blocks(N, 12, ranks).expect("enough blocks");
            let own = rows.items_of(comm.rank());
            let a = &a[own.start * P..own.end * P];
            let problem = divided::Problem::new(&counted, rows, a, P, &y[own], &[]).expect("valid");
            let stop = Stop { max_steps: steps, ..Stop::relative(1e-14) };
            let settings = Settings { stop, ..Settings::default() };
            divided::solve(&problem, Loss::Absolute, &settings, &mut (), &mut ()).expect("no fault");
            counted.take()
        })
    };
    let (few, more) = (traffic(5), traffic(12));
    // Two columns of the four on the first rank and on the second.
    for ((few, more), columns) in few.into_iter().zip(more).zip([1, 1, 2]) {
        assert_eq!(more.messages - few.messages, 7 * 2);
        assert_eq!(more.bytes - few.bytes, 7 * 8 * (12 / 3 * (P - columns)) as u64);
        assert_eq!(more.collectives - few.collectives, 7);
        assert_eq!(more.collective_bytes - few.collective_bytes, 7 * 8 * (columns + 2 * 4) as u64);
    }
}

/// Makes observations and weights what they must not be.
type Spoil = fn(&mut Vec<f64>, &mut Vec<f64>);

#[test]
fn what_is_wrong_on_one_rank_is_refused_by_all() {
    let faults = |bad: Spoil| {
        run(3, move |comm: &Threads| {
            let rows = Partition::in_blocks(N, 12, 3).expect("enough blocks");
            let own = rows.items_of(comm.rank());
            let (a, y, weights) = data();
            let (mut y, mut weights) = (y[own.clone()].to_vec(), weights[own.clone()].to_vec());
            if comm.rank() == 1 {
                bad(&mut y, &mut weights);
            }
            divided::Problem::new(comm, rows, &a[own.start * P..own.end * P], P, &y, &weights).err()
        })
    };
    let cases: [(Spoil, &str); 3] = [
        (|y, _| y[2] = f64::NAN, "`y[2]`"),
        (|_, weights| weights[1] = -1.0, "`weights[1]`"),
        (|y, _| y.truncate(3), "y"),
    ];
    for (bad, words) in cases {
        for fault in faults(bad) {
            let said = fault.expect("refused").to_string();
            assert!(said.starts_with("rank 1: ") && said.contains(words), "{said}");
        }
    }
}
