//! Robust fits over rows in a file: the proven fit of the rows in memory, interrupted, and from the command line.

use std::ops::ControlFlow;
use std::process::{Command, Stdio};

use serde_json::Value;
use southwell::Status;
use southwell_std::files::DenseMatrix;
use southwell_std::on_disk::Fault;
use southwell_std::on_disk::fit::{DiskFit, Kept};
use southwell_std::owned::{Loss, Robust, Settings};

use super::common::{Folder, bits, random, rows};

const ROWS: usize = 6000;
const COLUMNS: usize = 4;

/// Rows with a column of ones, and observations of which a third is far above.
fn data(folder: &Folder) -> (Vec<f64>, Vec<f64>) {
    let mut values = random(1, ROWS * COLUMNS);
    values.iter_mut().step_by(COLUMNS).for_each(|x| *x = 1.0);
    let noise = random(2, 2 * ROWS);
    let y: Vec<f64> = values
        .chunks(COLUMNS)
        .zip(noise.chunks(2))
        .map(|(x, e)| {
            1.0 + 2.0 * x[1] - x[2] + 0.3 * x[3] + 0.2 * (e[0] - 0.5) + if e[1] < 0.3 { 9.0 } else { 0.0 }
        })
        .collect();
    folder.matrix("x.npy", ROWS, COLUMNS, &values);
    folder.array("y.npy", "<f8", false, &[ROWS], &y);
    (values, y)
}

#[test]
fn proven_as_in_memory_and_resumed_with_the_same_bits() {
    let folder = Folder::new();
    let (values, y) = data(&folder);
    for q in [0.5, 0.9] {
        let table = DenseMatrix { rows: ROWS, columns: COLUMNS, values: values.clone() };
        let memory = Robust::new(table, y.clone(), Vec::new());
        let memory = memory.fit(Loss::Quantile(q), &Settings::default(), &mut ()).expect("valid");
        assert_eq!(memory.report.status, Status::Optimal);
        let file = rows::<f64>(&folder.path("x.npy"));
        let disk = DiskFit::new(&file, &y, q, ROWS).expect("finite");
        let mut seen = Vec::new();
        let mut watch = |kept: &Kept| {
            seen.push(kept.clone());
            ControlFlow::Continue(())
        };
        let whole = disk.solve(None, 20, &mut watch).expect("valid");
        assert_eq!((whole.status, whole.fault), (Status::Optimal, None));
        let found = whole.kept.expect("a fit");
        assert!((found.value - memory.objective).abs() <= 1e-12 * memory.objective, "{q}");
        let off =
            found.beta.iter().zip(&memory.coefficients).fold(0.0_f64, |off, (a, b)| off.max((a - b).abs()));
        assert!(off < 1e-9, "{q}: {off}");
        assert!(seen.len() <= 4 && seen.iter().all(|kept| kept.near < ROWS), "{} rounds", seen.len());
        for kept in &seen {
            kept.write(&folder.path("run.npz")).expect("a file");
            let kept = Kept::read(&folder.path("run.npz")).expect("the same");
            let resumed = disk.solve(Some(&kept), 20, &mut |_| ControlFlow::Continue(())).expect("valid");
            assert_eq!(bits(&resumed.kept.expect("a fit").beta), bits(&found.beta));
        }
        let other = DiskFit::new(&file, &y, 0.7, ROWS).expect("finite");
        assert!(other.solve(Some(&seen[0]), 20, &mut |_| ControlFlow::Continue(())).is_err());
        // Too few rows may be kept.
        let small = DiskFit::new(&file, &y, q, 50).expect("finite");
        let solved = small.solve(None, 20, &mut |_| ControlFlow::Continue(())).expect("valid");
        assert_eq!(solved.status, Status::Stalled);
    }
}

/// Broken off in every pass in turn, and in a file that changes.
#[test]
fn broken_off_within_a_pass() {
    let folder = Folder::new();
    let (_, y) = data(&folder);
    let path = folder.path("x.npy");
    let go_on = || |_: &Kept| ControlFlow::Continue(());
    let file = rows::<f64>(&path);
    let disk = DiskFit::new(&file, &y, 0.5, ROWS).expect("finite");
    let whole = disk.solve(None, 20, &mut go_on()).expect("valid").kept.expect("a fit");
    // Opening, the least-squares fit, three passes of a round.
    for at in 2..=5 {
        let broken = rows::<f64>(&path).watched(move |reading| {
            if reading.pass >= at && reading.row > 2000 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let disk = DiskFit::new(&broken, &y, 0.5, ROWS).expect("finite");
        let solved = disk.solve(None, 20, &mut go_on()).expect("valid");
        assert_eq!((solved.status, solved.fault), (Status::Stopped, Some(Fault::Stopped)), "{at}");
        let resumed = DiskFit::new(&file, &y, 0.5, ROWS).expect("finite");
        let resumed = resumed.solve(solved.kept.as_ref(), 20, &mut go_on()).expect("valid");
        assert_eq!(bits(&resumed.kept.expect("a fit").beta), bits(&whole.beta), "{at}");
    }
    let file = rows::<f64>(&path);
    let disk = DiskFit::new(&file, &y, 0.5, ROWS).expect("finite");
    let mut change = |_: &Kept| {
        folder.matrix("x.npy", ROWS, COLUMNS, &random(9, ROWS * COLUMNS));
        let file = std::fs::File::options().write(true).open(&path).expect("the file");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("a time");
        ControlFlow::Continue(())
    };
    let solved = disk.solve(None, 20, &mut change).expect("valid");
    assert!(matches!(solved.fault, Some(Fault::Changed { .. })), "{:?}", solved.fault);
    assert_eq!(solved.status, Status::NotFinite);
    // The checkpoint of the file as it was is none of this one's.
    let file = rows::<f64>(&path);
    let disk = DiskFit::new(&file, &y, 0.5, ROWS).expect("finite");
    assert!(disk.solve(Some(&whole), 20, &mut go_on()).is_err());
}

#[test]
fn the_command() {
    let folder = Folder::new();
    data(&folder);
    let southwell = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
        command.current_dir(folder.path(".")).arg("fit").args(arguments).stdin(Stdio::null());
        let output = command.output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code().expect("a code"), text(output.stdout), text(output.stderr))
    };
    let disk = ["x.npy", "--targets", "y.npy", "--loss", "lad", "--out-of-core"];
    let (code, out, err) = southwell(&[&disk[..], &["--json", "--certify", "--out", "beta.npy"]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    let found: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!((&found["status"], &found["rows"]), (&"optimal".into(), &ROWS.into()));
    assert_eq!(found["objective"], found["lower_bound"]);
    assert!(folder.path("beta.npy").exists());
    let none = ["--max-iterations", "0", "--checkpoint", "run.npz"];
    let (code, _, err) = southwell(&[&disk[..], &none].concat());
    assert!(code == 3 && err.contains("--resume run.npz"), "{code} {err}");
    let (code, out, _) = southwell(&[&disk[..], &["--resume", "run.npz", "--json"]].concat());
    let resumed: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!((code, &resumed["coefficients"]), (0, &found["coefficients"]));
    let refused = |arguments: &[&str], code: i32, text: &str| {
        let (found, out, err) = southwell(arguments);
        assert_eq!((found, out.as_str()), (code, ""), "{err}");
        assert!(err.contains(text), "{err}");
    };
    refused(&["x.csv", "--targets", "y.npy", "--loss", "lad", "--out-of-core"], 1, "in C order");
    refused(&["x.npy", "--targets", "y.npy", "--loss", "huber", "--out-of-core"], 1, "in memory");
    refused(&["x.npy", "--loss", "lad", "--out-of-core"], 2, "--targets");
    refused(&["x.npy", "--loss", "lad", "--resume", "run.npz"], 2, "--out-of-core");
    refused(&[&disk[..], &["--device", "threads"]].concat(), 1, "fit --out-of-core runs on one thread");
    refused(&[&disk[..], &["--checkpoint", "y.npy"]].concat(), 1, "an input of the run");
}
