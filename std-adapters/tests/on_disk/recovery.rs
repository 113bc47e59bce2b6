//! Recovery from measurement matrices in a file: interrupted, resumed, and from the command line.

use std::ops::ControlFlow;
use std::process::{Command, Stdio};

use serde_json::Value;
use southwell::Stop;
use southwell::subgradient::matrix::{Options, Precondition, Step};
use southwell_std::files::archive;
use southwell_std::on_disk::recovery::{DiskRecovery, Kept, Solved};
use southwell_std::on_disk::{DiskMeasurements, Fault, Rows};
use southwell_std::owned::{Measurements, Recovery};

use super::common::{Folder, bits, random};

const COUNT: usize = 120;
const ROWS: usize = 6;
const COLUMNS: usize = 5;

/// Matrices, and what they measure of u vᵀ, an eighth of it nonsense.
fn data(folder: &Folder) -> (Vec<f64>, Vec<f64>) {
    let values: Vec<f64> = random(1, COUNT * ROWS * COLUMNS).iter().map(|a| a - 0.5).collect();
    let (u, v) = (random(2, ROWS), random(3, COLUMNS));
    let measured = |a: &[f64]| a.iter().enumerate().map(|(k, a)| a * u[k / COLUMNS] * v[k % COLUMNS]).sum();
    let mut y: Vec<f64> = values.chunks(ROWS * COLUMNS).map(measured).collect();
    y.iter_mut().step_by(8).for_each(|y| *y += 9.0);
    folder.array("a.npy", "<f8", false, &[COUNT, ROWS, COLUMNS], &values);
    folder.array("y.npy", "<f8", false, &[COUNT], &y);
    (values, y)
}

#[test]
fn resumed_with_the_bits_of_a_run_in_memory() {
    let folder = Folder::new();
    let (values, y) = data(&folder);
    let measurements = Measurements::Dense { values, rows: ROWS, columns: COLUMNS };
    let memory = Recovery { measurements, y: y.clone(), symmetric: false, rank: 2 };
    let stop = Stop { max_steps: 300, ..Stop::relative(1e-6) };
    let plain = Options::<f64> { stop, ..Options::default() };
    let held = Step::Held { eta0: 0.2, rho: 0.9, hold: 20 };
    let scaled = Precondition::Scaled { damping: 1e-3 };
    for options in [plain, Options { step: held, ..plain }, Options { precondition: scaled, ..plain }] {
        let whole = memory.solve(&options, &mut ()).expect("valid");
        let solve = |begin: Option<&Kept>, most: u32| -> Solved {
            let rows =
                Rows::open(folder.path("a.npy")).and_then(|rows| rows.in_blocks_of(1000)).expect("a file");
            let measurements = DiskMeasurements::new(rows, ROWS, COLUMNS).expect("finite");
            let disk = DiskRecovery { measurements: &measurements, y: &y, symmetric: false, rank: 2 };
            let mut observer = |progress: &southwell::Progress<f64>, _: &Kept| match progress.step >= most {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
            disk.solve(&options, begin, &mut observer).expect("valid")
        };
        let unbroken = solve(None, u32::MAX);
        let mut kept: Option<Kept> = None;
        for most in [0, 1, 30, 77] {
            let part = solve(kept.as_ref(), most);
            let now = part.kept.expect("a step");
            assert_eq!(now.counts[0], most);
            let path = folder.path("run.npz");
            now.write(&path).expect("a file");
            assert_eq!(Kept::read(&path).expect("the same"), now);
            kept = Some(now);
        }
        let resumed = solve(kept.as_ref(), u32::MAX);
        assert_eq!(resumed, unbroken);
        let found = resumed.found.expect("factors");
        for (ours, theirs) in [(&found.u, &whole.u), (&found.v, &whole.v)] {
            assert_eq!(bits(&ours.values), bits(&theirs.values), "{options:?}");
        }
        assert_eq!(found.recovered.report.steps, whole.recovered.report.steps);
        assert_eq!(found.recovered.report.status, whole.recovered.report.status);
        assert!(found.recovered.value == whole.recovered.value);
    }
}

#[test]
fn what_is_refused() {
    let folder = Folder::new();
    let (_, y) = data(&folder);
    let open =
        || DiskMeasurements::<f64>::new(Rows::open(folder.path("a.npy")).expect("a file"), ROWS, COLUMNS);
    let measurements = open().expect("finite");
    let disk = DiskRecovery { measurements: &measurements, y: &y, symmetric: false, rank: 2 };
    let options = Options::<f64> { stop: Stop { max_steps: 2, ..Stop::default() }, ..Options::default() };
    let mut quiet = |_: &southwell::Progress<f64>, _: &Kept| ControlFlow::Continue(());
    let kept = disk.solve(&options, None, &mut quiet).expect("valid").kept.expect("two steps");
    // Another rank, other measurements, another rule; a limit may differ.
    assert!(DiskRecovery { rank: 3, ..disk }.solve(&options, Some(&kept), &mut quiet).is_err());
    assert!(DiskRecovery { y: &vec![1.0; COUNT], ..disk }.solve(&options, Some(&kept), &mut quiet).is_err());
    let other = Options { seed: 9, ..options };
    assert!(disk.solve(&other, Some(&kept), &mut quiet).is_err());
    let more = Options { stop: Stop { max_steps: 4, ..Stop::default() }, ..options };
    assert!(disk.solve(&more, Some(&kept), &mut quiet).is_ok());
    // Parts that do not belong together.
    let mut torn = kept.clone();
    torn.direction.pop();
    assert!(disk.solve(&options, Some(&torn), &mut quiet).is_err());
    let path = folder.path("run.npz");
    kept.write(&path).expect("a file");
    std::fs::write(&path, &std::fs::read(&path).expect("bytes")[..100]).expect("a file");
    assert!(Kept::read(&path).is_err());
    // A watcher that asks to stop before there is anything to keep.
    let rows = Rows::open(folder.path("a.npy")).expect("a file");
    let stopped = rows
        .watched(|reading| if reading.pass > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
    let measurements = DiskMeasurements::<f64>::new(stopped, ROWS, COLUMNS).expect("the first pass");
    let disk = DiskRecovery { measurements: &measurements, y: &y, symmetric: false, rank: 2 };
    let solved = disk.solve(&options, None, &mut quiet).expect("valid");
    assert_eq!((solved.fault, solved.kept), (Some(Fault::Stopped), None));
}

#[test]
fn the_command_finds_what_it_finds_in_memory() {
    let folder = Folder::new();
    let (values, y) = data(&folder);
    let arrays: [(&str, &[usize], &[f64]); 2] =
        [("A", &[COUNT, ROWS, COLUMNS], &values), ("y", &[COUNT], &y)];
    archive::write(folder.path("all.npz"), &arrays).expect("an archive");
    let southwell = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
        command.current_dir(folder.path(".")).arg("recover").args(arguments).stdin(Stdio::null());
        let output = command.output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code().expect("a code"), text(output.stdout), text(output.stderr))
    };
    let disk = ["a.npy", "--targets", "y.npy", "--out-of-core", "--rank", "2", "--json"];
    let document = |text: &str| serde_json::from_str::<Value>(text).expect("one JSON document");
    let (code, memory, _) = southwell(&["all.npz", "--rank", "2", "--json"]);
    let memory = document(&memory);
    let same = |found: &Value| {
        for key in ["status", "value", "iterations", "rank", "singular_values", "signs", "measurements"] {
            assert_eq!(found[key], memory[key], "{key}");
        }
    };
    let (same_code, out, err) = southwell(&disk);
    assert_eq!((same_code, err.as_str()), (code, ""));
    same(&document(&out));
    let (stopped, ..) =
        southwell(&[&disk[..], &["--max-iterations", "7", "--checkpoint", "run.npz"]].concat());
    assert_eq!(stopped, 3);
    let (resumed, out, _) = southwell(&[&disk[..], &["--resume", "run.npz"]].concat());
    assert_eq!(resumed, code);
    same(&document(&out));
    let refused = |arguments: &[&str], code: i32, text: &str| {
        let (found, out, err) = southwell(arguments);
        assert_eq!((found, out.as_str()), (code, ""), "{err}");
        assert!(err.contains(text), "{err}");
    };
    refused(&["all.npz", "--targets", "y.npy", "--out-of-core", "--rank", "2"], 1, "three axes");
    refused(&["a.npy", "--out-of-core", "--rank", "2"], 2, "--targets");
    refused(&["all.npz", "--rank", "2", "--resume", "run.npz"], 2, "--out-of-core");
    refused(&[&disk[..5], &["2", "--seed", "5", "--resume", "run.npz"]].concat(), 1, "run.npz");
    refused(
        &[&disk[..5], &["2", "--device", "threads"]].concat(),
        1,
        "recover --out-of-core runs on one thread",
    );
    refused(&[&disk[..5], &["2", "--checkpoint", "a.npy"]].concat(), 1, "an input of the run");
}
