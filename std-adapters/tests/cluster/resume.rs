//! Solvers of sparse systems and of matrix recovery that leave their state behind, and go on from it on another number of ranks.

use std::ops::ControlFlow;
use std::path::Path;

use southwell::relaxation::{Auto, Fixed, HagemanYoung, cg, sor};
use southwell::subgradient::matrix::{Options, Precondition, Step};
use southwell::{Progress, Report, Status, Stop};
use southwell_std::cluster::checkpoint::{Files, Saving};
use southwell_std::cluster::job::recover;
use southwell_std::cluster::rows::{self, Matrix, Pieces};
use southwell_std::cluster::{Communicator, Fault, Threads};
use southwell_std::files::archive;

use crate::matrices::poisson;
use crate::ranks::{Folder, bits, numbers, run};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Cg,
    /// CG with a tolerance that recurrences only believe they reach.
    Deep,
    Ssor(Pieces),
    Sweeps,
    /// Omega 1.2.
    Plain,
}

/// How a run ends before its time.
#[derive(Clone, Copy)]
enum Most {
    Steps(u32),
    /// One rank wants to stop.
    Wish(u32),
}

/// All of x, the report that the ranks agree on, and the step that the run went on from.
type Solved = (Vec<f64>, Report<f64>, Option<u32>);

fn solve(
    ranks: usize,
    method: Method,
    scale: f64,
    saving: Option<(&Path, u32, bool)>,
    most: Most,
) -> Result<Solved, Fault> {
    let saving = saving.map(|(path, every, resume)| (path.to_owned(), every, resume));
    let parts = run(ranks, move |comm: &Threads| {
        let whole = poisson(14);
        let csr = southwell::linear::Csr::new(&whole.row_offsets, &whole.column_indices, &whole.values);
        let part = rows::cut(&csr.expect("valid"), comm.rank(), ranks)?;
        let matrix = Matrix::new(comm, &part)?;
        let own = matrix.partition().items_of(comm.rank());
        let rhs: Vec<f64> = numbers(3, 196)[own].iter().map(|b| scale * b).collect();
        let mut x = vec![0.0; rhs.len()];
        let saving =
            saving.as_ref().map(|(path, every, resume)| Saving { path, every: *every, resume: *resume });
        let mut keep = Files::new(comm, matrix.partition().clone(), saving);
        let tolerance = if method == Method::Deep { 1e-16 } else { 1e-9 };
        let limit = if let Most::Steps(steps) = most { steps } else { 10_000 };
        let stop = Stop { max_steps: limit, ..Stop::relative(tolerance) };
        let last = comm.rank() + 1 == ranks;
        let mut observer = |progress: &Progress<f64>| match most {
            Most::Wish(step) if last && progress.step >= step => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let options = cg::Options { stop, ..cg::Options::default() };
        let sweeps = sor::Options { stop, ..sor::Options::default() };
        let report = match method {
            Method::Cg | Method::Deep => {
                rows::cg_kept(&matrix, &rhs, &options, &mut x, &mut keep, &mut observer)
            }
            Method::Ssor(pieces) => {
                let mut rule = Auto::new().expect("constants");
                rows::ssor_cg_kept(
                    &matrix,
                    &rhs,
                    &options,
                    pieces,
                    &mut rule,
                    &mut x,
                    &mut keep,
                    &mut observer,
                )
            }
            Method::Sweeps => {
                let mut rule = HagemanYoung::default();
                rows::multicolour_kept(&matrix, &rhs, &sweeps, &mut rule, &mut x, &mut keep, &mut observer)
            }
            Method::Plain => {
                let mut rule = Fixed(1.2);
                rows::multicolour_kept(&matrix, &rhs, &sweeps, &mut rule, &mut x, &mut keep, &mut observer)
            }
        }?;
        Ok((x, report, keep.resumed()))
    });
    let mut all = Vec::new();
    let mut facts = None;
    for part in parts {
        let (x, report, resumed) = part?;
        assert_eq!(*facts.get_or_insert((report, resumed)), (report, resumed));
        all.extend(x);
    }
    let (report, resumed) = facts.expect("a rank");
    Ok((all, report, resumed))
}

#[test]
fn systems_go_on_with_another_number_of_ranks_to_the_same_bits() {
    let folder = Folder::new("systems");
    let path = folder.0.join("run.npz");
    for method in [Method::Cg, Method::Deep, Method::Ssor(Pieces::Fixed(12)), Method::Sweeps, Method::Plain] {
        let (x, whole, _) = solve(1, method, 1.0, None, Most::Steps(10_000)).expect("no fault");
        assert!(whole.steps > 14, "{method:?}: {whole:?}");
        for (most, kept) in [(Most::Steps(13), 13), (Most::Wish(11), 12), (Most::Steps(10), 10)] {
            let (_, broken, _) = solve(3, method, 1.0, Some((&path, 5, false)), most).expect("no fault");
            assert!(matches!(broken.status, Status::StepLimit | Status::Stopped), "{method:?}: {broken:?}");
            // Once more, from a checkpoint in the middle.
            let (again, from) = (Most::Steps(14), Some((&*path, 7, true)));
            let (_, part, resumed) = solve(2, method, 1.0, from, again).expect("no fault");
            assert_eq!((resumed, part.steps), (Some(kept), 14), "{method:?}");
            for ranks in [1, 4] {
                let resume = Some((&*path, 1000, true));
                let (found, report, resumed) =
                    solve(ranks, method, 1.0, resume, Most::Steps(10_000)).expect("no fault");
                assert_eq!(resumed, Some(14), "{method:?}");
                assert_eq!(bits(&found), bits(&x), "{method:?} on {ranks} ranks");
                assert_eq!(Report { checks: whole.checks, ..report }, whole, "{method:?} on {ranks} ranks");
            }
        }
        // What is not this run.
        let other = if matches!(method, Method::Cg | Method::Deep) { Method::Sweeps } else { Method::Cg };
        for (method, scale) in [(method, 2.0), (other, 1.0)] {
            let fault =
                solve(2, method, scale, Some((&path, 5, true)), Most::Steps(99)).expect_err("refused");
            let words = fault.to_string();
            assert!(words.starts_with("rank 0: ") && words.contains("checkpoint"), "{words}");
        }
    }
    let fault = solve(2, Method::Sweeps, 1.0, Some((&path, 5, true)), Most::Steps(99)).expect_err("refused");
    assert!(fault.to_string().contains("the rule for omega"), "{fault}");
}

#[test]
fn other_pieces_go_on_from_x() {
    let folder = Folder::new("pieces");
    let path = folder.0.join("run.npz");
    let method = Method::Ssor(Pieces::Ranks);
    let (x, whole, _) = solve(1, method, 1.0, None, Most::Steps(10_000)).expect("no fault");
    solve(3, method, 1.0, Some((&path, 5, false)), Most::Steps(12)).expect("no fault");
    for ranks in [1, 2, 4] {
        let resume = Some((&*path, 1000, true));
        let (found, report, resumed) =
            solve(ranks, method, 1.0, resume, Most::Steps(10_000)).expect("no fault");
        assert_eq!((resumed, report.status), (Some(12), Status::Converged));
        assert!(report.steps > 12 && report.residual <= 1e-9 * whole.scale, "{report:?}");
        let off = found.iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-6, "{off:e}");
    }
}

fn recovered(
    folder: &Folder,
    ranks: usize,
    options: Options<f64>,
    saving: Option<(u32, bool)>,
    most: u32,
) -> Result<recover::Recovered, Fault> {
    let (file, path) = (folder.0.join("A.npz"), folder.0.join("run.npz"));
    let mut results = run(ranks, move |comm: &Threads| {
        let saving = saving.map(|(every, resume)| Saving { path: &path, every, resume });
        let options = Options { stop: Stop { max_steps: most, ..options.stop }, ..options };
        let setting = recover::Setting { file: &file, rank: 2, symmetric: None, options, saving, out: None };
        recover::run(comm, &setting, &mut ())
    });
    assert!(results.iter().all(|found| found.as_ref().ok().map(|found| &found.found)
        == results[0].as_ref().ok().map(|found| &found.found)));
    results.remove(0)
}

#[test]
fn recovery_goes_on_with_another_number_of_ranks_to_the_same_bits() {
    let folder = Folder::new("recover");
    let (d, m) = (5, 90);
    let (factor, dense) = (numbers(31, d), numbers(32, m * d * d));
    let value =
        |a: &[f64]| a.iter().enumerate().map(|(at, a)| a * factor[at / d] * factor[at % d]).sum::<f64>();
    let y: Vec<f64> = (0..m)
        .zip(dense.chunks_exact(d * d))
        .map(|(k, a)| value(a) + if k % 9 == 4 { 5.0 } else { 0.0 })
        .collect();
    archive::write(folder.0.join("A.npz"), &[("A", &[m, d, d], &dense), ("y", &[m], &y)]).expect("written");
    let scaled = Precondition::Scaled { damping: 1e-4 };
    for (step, precondition) in [
        (Step::Oscillation { eta0: 0.25, rho: 0.9, restarts: 1 }, Precondition::None),
        (Step::Held { eta0: 0.25, rho: 0.95, hold: 30 }, Precondition::None),
        (Step::Diminishing { eta0: 0.2 }, scaled),
    ] {
        let options = Options { step, precondition, ..Options::default() };
        let whole = recovered(&folder, 1, options, None, 150).expect("no fault");
        for (most, ranks) in [(45, 1), (50, 2), (43, 4)] {
            let broken = recovered(&folder, 3, options, Some((10, false)), most).expect("no fault");
            assert_eq!(broken.found.recovered.report.status, Status::StepLimit);
            let found = recovered(&folder, ranks, options, Some((1000, true)), 150).expect("no fault");
            assert_eq!(found.resumed, Some(most));
            assert_eq!(found.found, whole.found, "{step:?} on {ranks} ranks");
        }
        let other = Options { seed: 7, ..options };
        let fault = recovered(&folder, 2, other, Some((10, true)), 150).expect_err("refused");
        assert!(fault.to_string().contains("another run"), "{fault}");
    }
}
