//! The heat experiment over ranks, and checkpoints that another number of ranks goes on from.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use southwell::Stop;
use southwell::linear::Stencil2d;
use southwell::relaxation::{Auto, OmegaRule, Problem, RedBlack, sor};
use southwell_std::cluster::checkpoint::{restore, save};
use southwell_std::cluster::heat::{Ended, Saving, run as follow};
use southwell_std::cluster::{Communicator, Fault, Partition, Threads};
use southwell_std::heat::{Heat, Policy, Setting};

use crate::ranks::{Folder, numbers, run};

const SETTING: Setting = Setting { grid: 18, steps: 30, tolerance: 1e-8, seed: 3 };

fn all(ranks: usize, policy: Policy, saving: Option<(PathBuf, u32, bool)>, most: u32) -> Vec<Option<Ended>> {
    run(ranks, move |comm: &Threads| {
        let saving =
            saving.as_ref().map(|(path, every, resume)| Saving { path, every: *every, resume: *resume });
        let mut on_step =
            |step| if step >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        follow(comm, policy, &SETTING, saving.as_ref(), &mut on_step).expect("no fault")
    })
}

#[test]
fn heat_over_ranks_is_heat_in_one_piece() {
    let mut heat = Heat::new(SETTING.grid).expect("a grid");
    let mut rule = Auto::new().expect("constants");
    let (mut x, mut storage) = (heat.state().to_vec(), vec![0.0; 2 * heat.unknowns()]);
    let mut steps = Vec::new();
    for _ in 0..SETTING.steps {
        let matrix = RedBlack::<Stencil2d<f64>>::new(heat.matrix().expect("finite"));
        let problem = Problem::new(&matrix, heat.rhs()).expect("valid");
        let workspace = sor::Workspace::new(&problem, &mut storage).expect("long enough");
        let options = sor::Options { stop: Stop::relative(SETTING.tolerance), ..Default::default() };
        let rule: &mut dyn OmegaRule<f64> = &mut rule;
        let report = sor::solve(&problem, &options, rule, &mut x, workspace, &mut ()).expect("valid");
        steps.push(report.steps);
        heat.advance(&x);
    }
    let mut first = None;
    for ranks in 1..=4 {
        for ended in all(ranks, Policy::Auto, None, u32::MAX) {
            let ended = ended.expect("nobody broke off");
            assert_eq!(ended.outcome.by_step, steps, "{ranks} ranks");
            assert_eq!(*first.get_or_insert(ended.fingerprint), ended.fingerprint);
        }
    }
    // Another policy leaves another state.
    let other = all(2, Policy::TsallisInf, None, u32::MAX)[0].clone().expect("nobody broke off");
    assert_ne!(Some(other.fingerprint), first);
}

#[test]
fn a_run_goes_on_from_a_checkpoint_on_another_number_of_ranks() {
    for (policy, name) in [(Policy::Auto, "auto"), (Policy::TsallisInf, "drawn"), (Policy::ChebCb, "told")] {
        let whole = all(1, policy, None, u32::MAX)[0].clone().expect("nobody broke off");
        let folder = Folder::new(name);
        let path = folder.0.join("run.npz");
        assert!(all(3, policy, Some((path.clone(), 7, false)), 16).iter().all(Option::is_none));
        let pieces = fs::read_dir(&folder.0).expect("a folder").count();
        assert_eq!(pieces, 1 + 3, "the common file and the pieces of the last checkpoint");
        for ranks in [1, 2, 4] {
            for ended in all(ranks, policy, Some((path.clone(), 0, true)), u32::MAX) {
                let ended = ended.expect("nobody broke off");
                assert_eq!(ended.resumed, Some(14));
                assert_eq!(ended.fingerprint, whole.fingerprint, "{name}, {ranks} ranks");
                assert_eq!(ended.outcome.by_step, whole.outcome.by_step);
                assert_eq!(ended.outcome.omegas, whole.outcome.omegas);
            }
        }
    }
}

fn saved(path: &Path, ranks: usize, items: usize, step: u64) -> Vec<Result<(), Fault>> {
    let path = path.to_owned();
    run(ranks, move |comm: &Threads| {
        let partition = Partition::new(items, ranks)?;
        let own = partition.items_of(comm.rank());
        let x = &numbers(step, 2 * items)[2 * own.start..2 * own.end];
        save(comm, &path, &partition, 2, step, x, &[("told", &[1.5, 2.5])])
    })
}

fn restored(path: &Path, ranks: usize, items: usize) -> Vec<Result<(u64, Vec<f64>), Fault>> {
    let path = path.to_owned();
    run(ranks, move |comm: &Threads| {
        let partition = Partition::new(items, ranks)?;
        let restored = restore(comm, &path, &partition, 2, &["told"])?;
        assert_eq!(restored.common, [[1.5, 2.5]]);
        Ok((restored.step, restored.x))
    })
}

#[test]
fn every_number_of_ranks_reads_what_any_wrote() {
    let folder = Folder::new("pieces");
    let path = folder.0.join("x.npz");
    for (writers, step) in [(1, 3), (4, 8), (3, 9)] {
        assert!(saved(&path, writers, 50, step).iter().all(Result::is_ok));
        assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 1 + writers, "older pieces are gone");
        for readers in 1..=4 {
            let parts = restored(&path, readers, 50);
            let x: Vec<f64> = parts
                .into_iter()
                .flat_map(|part| {
                    let (found, x) = part.expect("a whole checkpoint");
                    assert_eq!(found, step);
                    x
                })
                .collect();
            assert_eq!(x, numbers(step, 100));
        }
    }
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused_by_all_in_the_words_of_one() {
    let folder = Folder::new("refused");
    let path = folder.0.join("x.npz");
    let words = |items, ranks| {
        let faults = restored(&path, ranks, items);
        assert!(faults.iter().all(|fault| *fault == faults[0]), "{faults:?}");
        faults[0].clone().expect_err("refused").to_string()
    };
    assert!(words(50, 2).contains("No such file"));
    assert!(saved(&path, 3, 50, 1).iter().all(Result::is_ok));
    assert!(words(51, 2).contains("another size"));
    // The third piece is missing: of two ranks the second needs it.
    fs::remove_file(folder.0.join("x.npz.1.2.npz")).expect("a piece");
    let missing = words(50, 2);
    assert!(missing.starts_with("rank 1: ") && missing.contains("x.npz.1.2.npz"), "{missing}");
    fs::write(&path, b"no archive").expect("written");
    assert!(words(50, 3).starts_with("rank 0: "));
    // A place that cannot be written leaves what was there.
    let nowhere = folder.0.join("missing").join("x.npz");
    assert!(
        saved(&nowhere, 2, 50, 1).iter().all(|result| matches!(result, Err(Fault::Refused { rank: 0, .. })))
    );
}
