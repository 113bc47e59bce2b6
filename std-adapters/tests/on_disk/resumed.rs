//! Runs that are interrupted and go on, against one that is not.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use southwell::omega::{Eager, Fixed, OmegaRule};
use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn};
use southwell::{Error, Real, Report, Status, Stop};
use southwell_std::checkpoint::Checkpoint;
use southwell_std::files::npz;
use southwell_std::on_disk::transport::{Begin, Solved, Solving, solve, steps_left};
use southwell_std::on_disk::{DiskCost, Element, Fault};

use super::common::{Folder, bits, random, rows, uniform};

const N: usize = 45;
const M: usize = 40;

/// Marginals with a line of each without mass.
fn marginals() -> (Vec<f64>, Vec<f64>) {
    let (mut a, mut b) = (uniform(N - 1), uniform(M - 1));
    a.insert(7, 0.0);
    b.push(0.0);
    (a, b)
}

fn solving(over_relaxed: bool, max_steps: u32) -> Solving {
    Solving { epsilon: 0.004, stop: Stop { max_steps, ..Stop::relative(1e-7) }, over_relaxed }
}

/// The same in memory, by one call.
fn in_memory<T: Real>(values: &[f64], solving: &Solving) -> (Report<T>, Vec<f64>, Vec<f64>) {
    let cast = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>();
    let (a, b) = marginals();
    let (values, a, b) = (cast(values), cast(&a), cast(&b));
    let cost = DenseCost::new(&values, N, M, M).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::from_f64(solving.epsilon)).expect("a problem");
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(N, M, M)];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![T::ZERO; N], vec![T::ZERO; M]);
    let x = Potentials { f: &mut f, g: &mut g };
    let stop =
        Stop { max_steps: solving.stop.max_steps, ..Stop::relative(T::from_f64(solving.stop.relative)) };
    let mut rule: Box<dyn OmegaRule<T>> =
        if solving.over_relaxed { Box::new(Eager::default()) } else { Box::new(Fixed(T::ONE)) };
    let report = sinkhorn::solve(&problem, &sinkhorn::Options { stop }, &mut *rule, x, workspace, &mut ());
    let widen = |values: &[T]| values.iter().map(|value| value.to_f64()).collect();
    (report.expect("a run"), widen(&f), widen(&g))
}

/// A run over a file that is broken off in the middle of some pass, if it comes to it.
fn broken_off<T: Element>(path: &Path, at: u64, solving: &Solving, begin: &Begin<'_>) -> Solved {
    let cost = DiskCost::<T>::new(rows(path).watched(move |reading| {
        if reading.pass >= at && reading.row > 20 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }));
    let (a, b) = marginals();
    let watch = &mut |_: &_, _: &Checkpoint| ControlFlow::Continue(());
    solve(&cost.expect("costs"), (&a, &b), solving, begin, watch).expect("a run")
}

fn interrupted_and_resumed<T: Element>(over_relaxed: bool) {
    let folder = Folder::new();
    let values = random(1, N * M);
    let path = folder.matrix("c.npy", N, M, &values);
    let solving = solving(over_relaxed, 1000);
    let (report, f, g) = in_memory::<T>(&values, &solving);
    assert!(report.steps > 15, "{report:?}");
    let same = |solved: &Solved| {
        assert_eq!((solved.report.status, solved.report.steps), (report.status, report.steps));
        assert_eq!(solved.report.residual, report.residual.to_f64());
        assert_eq!(solved.report.initial_residual, report.initial_residual.to_f64());
        assert_eq!((bits(&solved.potentials.0), bits(&solved.potentials.1)), (bits(&f), bits(&g)));
    };
    same(&broken_off::<T>(&path, u64::MAX, &solving, &Begin::Zero));
    for at in [3, 4, 11] {
        let mut solved = broken_off::<T>(&path, at, &solving, &Begin::Zero);
        let mut parts = 1;
        while solved.fault == Some(Fault::Stopped) {
            assert_eq!(solved.report.status, Status::Stopped);
            let kept = solved.checkpoint.expect("a checkpoint");
            assert!(kept.f.iter().zip(&marginals().0).all(|(f, &a)| f.is_finite() || a == 0.0));
            // Through a file, as a later process would.
            kept.write(folder.path("run.npz")).expect("a place");
            let read = Checkpoint::read(folder.path("run.npz")).expect("a checkpoint");
            assert_eq!(read, kept);
            solved = broken_off::<T>(&path, at + 5, &solving, &Begin::Checkpoint(&read));
            parts += 1;
        }
        assert!(parts > 2, "{parts}");
        same(&solved);
    }
    // Before the first step there is nothing to keep, and the start is handed back.
    let warm = (vec![0.5; N], vec![0.25; M]);
    let solved = broken_off::<T>(&path, 2, &solving, &Begin::Potentials(&warm.0, &warm.1));
    assert_eq!((solved.checkpoint, solved.fault, solved.potentials), (None, Some(Fault::Stopped), warm));
}

#[test]
fn bits_of_an_unbroken_run() {
    interrupted_and_resumed::<f64>(false);
    interrupted_and_resumed::<f64>(true);
}

#[test]
fn bits_of_an_unbroken_run_in_f32() {
    let folder = Folder::new();
    let values = random(1, N * M);
    let path = folder.matrix("c.npy", N, M, &values);
    let solving = Solving { stop: Stop { max_steps: 30, ..Stop::relative(1e-6) }, ..solving(true, 0) };
    let (_, f, g) = in_memory::<f32>(&values, &solving);
    let solved = broken_off::<f32>(&path, 9, &solving, &Begin::Zero);
    let kept = solved.checkpoint.expect("a checkpoint");
    let solved = broken_off::<f32>(&path, u64::MAX, &solving, &Begin::Checkpoint(&kept));
    assert_eq!((bits(&solved.potentials.0), bits(&solved.potentials.1)), (bits(&f), bits(&g)));
}

/// Potentials of −∞ where there is mass now, and an observer that stops between two steps.
#[test]
fn a_warm_start_and_an_observer() {
    let folder = Folder::new();
    let cost = DiskCost::<f64>::new(rows(&folder.matrix("c.npy", N, M, &random(1, N * M)))).expect("costs");
    let (a, b) = (uniform(N), uniform(M));
    let mut warm = (vec![0.0; N], vec![0.0; M]);
    (warm.0[7], warm.1[M - 1]) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let seen = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&seen);
    let mut watch = move |progress: &southwell::Progress<f64>, kept: &Checkpoint| {
        assert_eq!((kept.steps, kept.looks.len()), (progress.step, progress.step as usize + 1));
        count.fetch_add(1, Ordering::Relaxed);
        if progress.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let begin = Begin::Potentials(&warm.0, &warm.1);
    let solved = solve(&cost, (&a, &b), &solving(false, 100), &begin, &mut watch).expect("a run");
    assert_eq!((solved.report.status, solved.report.steps), (Status::Stopped, 3));
    assert_eq!(seen.load(Ordering::Relaxed), 4);
    assert!(solved.potentials.0.iter().chain(&solved.potentials.1).all(|x| x.is_finite()));
}

#[test]
fn checkpoints_of_other_problems() {
    let folder = Folder::new();
    let path = folder.matrix("c.npy", N, M, &random(1, N * M));
    let kept =
        broken_off::<f64>(&path, 6, &solving(true, 100), &Begin::Zero).checkpoint.expect("a checkpoint");
    let refused = |path: &Path, marginals: (&[f64], &[f64]), solving: Solving, kept: &Checkpoint| {
        let cost = DiskCost::<f64>::new(rows(path)).expect("costs");
        let go_on = &mut |_: &_, _: &Checkpoint| ControlFlow::Continue(());
        match solve(&cost, marginals, &solving, &Begin::Checkpoint(kept), go_on) {
            Err(Error::Option { name, .. }) => name,
            other => panic!("{other:?}"),
        }
    };
    let (a, b) = marginals();
    let other = folder.matrix("d.npy", N, M, &random(2, N * M));
    let (same, flat) = (solving(true, 100), uniform(N));
    assert_eq!(refused(&other, (&a, &b), same, &kept), "costs");
    assert_eq!(refused(&path, (&flat, &b), same, &kept), "marginals");
    assert_eq!(refused(&path, (&a, &b), Solving { epsilon: 0.005, ..same }, &kept), "epsilon");
    assert_eq!(refused(&path, (&a, &b), solving(false, 100), &kept), "method");
    let mut single = kept.clone();
    single.problem.precision = 32;
    assert_eq!(refused(&path, (&a, &b), same, &single), "precision");
}

#[test]
fn files_that_are_no_checkpoints() {
    let folder = Folder::new();
    let path = folder.matrix("c.npy", N, M, &random(1, N * M));
    let kept =
        broken_off::<f64>(&path, 6, &solving(true, 100), &Begin::Zero).checkpoint.expect("a checkpoint");
    let file = folder.path("run.npz");
    kept.write(&file).expect("a place");
    assert!(!folder.path("run.npz.part").exists());
    let names = ["version", "problem", "state", "f", "g", "next", "sums", "steps", "residuals"];
    let good = npz::read_potentials(&file, names).expect("an archive");
    let refused = |which: usize, values: &[f64]| {
        let mut vectors: Vec<&[f64]> = good.iter().map(Vec::as_slice).collect();
        vectors[which] = values;
        let named: Vec<_> = names.into_iter().zip(vectors).collect();
        npz::write(&file, &named).expect("a place");
        Checkpoint::read(&file).err().map(|error| error.to_string())
    };
    assert_eq!(refused(0, &[1.0]), None);
    assert!(refused(0, &[2.0]).is_some_and(|text| text.contains("version")));
    let changed = |which: usize, place: usize, value: f64| {
        let mut values = good[which].clone();
        values[place] = value;
        values
    };
    for (which, values) in [
        (1, changed(1, 0, 44.0)),
        (1, changed(1, 1, 40.5)),
        (1, changed(1, 5, -1.0)),
        (1, changed(1, 8, 2.0)),
        (1, good[1][1..].to_vec()),
        (2, changed(2, 2, 5e9)),
        (2, changed(2, 2, 1.0)),
        (2, vec![0.0]),
        (3, good[3][1..].to_vec()),
        (6, good[6][..3].to_vec()),
        (7, changed(7, 1, 0.0)),
        (7, good[7][1..].to_vec()),
    ] {
        let text = refused(which, &values).unwrap_or_else(|| panic!("{} {values:?}", names[which]));
        assert!(text.contains("fit together") && text.contains("run.npz"), "{text}");
    }
    // Half of a file, and none.
    kept.write(&file).expect("a place");
    let bytes = fs::read(&file).expect("a file");
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&file, &bytes[..length]).expect("a file");
        assert!(Checkpoint::read(&file).is_err(), "{length}");
    }
    assert!(Checkpoint::read(folder.path("none.npz")).is_err());
    assert!(kept.write(folder.path("no/folder.npz")).is_err());
}

#[test]
fn how_long_it_will_take() {
    let looks: Vec<(u32, f64)> = (0..30).map(|k| (k, 0.5_f64.powi(k as i32))).collect();
    let left = steps_left(&looks, 0.5_f64.powi(40)).expect("a rate");
    assert!((left - 11.0).abs() < 1e-9, "{left}");
    assert_eq!(steps_left(&looks, 1.0), Some(0.0));
    assert_eq!(steps_left(&looks[..1], 1e-3), None);
    assert_eq!(steps_left(&[(0, 1.0), (1, 1.0)], 1e-3), None);
    assert_eq!(steps_left(&[], 1e-3), None);
}
