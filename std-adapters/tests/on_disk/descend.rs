//! Sparse regression over a design in a file: interrupted, resumed, and from the command line.

use std::ops::ControlFlow;
use std::process::{Command, Stdio};

use serde_json::Value;
use southwell::Stop;
use southwell::descent::sparse_regression::Loss;
use southwell_std::on_disk::descent::{DiskRegression, Kept};
use southwell_std::on_disk::{DiskDesign, Fault, Rows};
use southwell_std::owned::Sparsity;

use super::common::{Folder, bits, random};

const SAMPLES: usize = 60;
const FEATURES: usize = 150;

/// A design by columns, and targets that some of them explain.
fn data(folder: &Folder) -> (Vec<f64>, Vec<f64>) {
    let columns: Vec<f64> = random(1, SAMPLES * FEATURES).iter().map(|a| a - 0.5).collect();
    folder.array("a.npy", "<f8", true, &[SAMPLES, FEATURES], &columns);
    let mut y: Vec<f64> = random(2, SAMPLES).iter().map(|noise| 0.2 * noise).collect();
    for (j, column) in columns.chunks(SAMPLES).enumerate().step_by(11) {
        y.iter_mut().zip(column).for_each(|(y, a)| *y += (1.0 + j as f64 / 50.0) * a);
    }
    folder.array("y.npy", "<f8", false, &[SAMPLES], &y);
    (columns, y)
}

#[test]
fn resumed_with_the_bits_of_a_run_that_was_not_interrupted() {
    let folder = Folder::new();
    let (_, y) = data(&folder);
    let open = || DiskDesign::new(Rows::open_columns(folder.path("a.npy")).expect("a file"), 1 << 16);
    let stop = Stop::relative(1e-12);
    for sparsity in [Sparsity::Lasso, Sparsity::Groups(5), Sparsity::ElasticNet(0.1)] {
        let design = open().expect("finite");
        let regression =
            DiskRegression::new(&design, y.clone(), Loss::LeastSquares, false, sparsity).in_legs_of(2);
        let lambda_max = regression.lambda_max().expect("a problem");
        let fresh = regression.begin(0.02 * lambda_max, lambda_max);
        let solve = |kept: Kept, most: u32| {
            let mut observer = |progress: &southwell::Progress<f64>, _: &Kept| match progress.step >= most {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
            regression.solve(&fresh, kept, &stop, &mut observer).expect("valid")
        };
        let whole = solve(fresh.clone(), u32::MAX);
        let report = whole.outcome.expect("a leg").report;
        assert!(report.converged() && report.steps > 3, "{sparsity:?} {report:?}");
        let mut kept = fresh.clone();
        for most in [1, 3, 4] {
            let part = solve(kept, most);
            assert_eq!(part.fault, Some(Fault::Stopped));
            let path = folder.path("run.npz");
            part.kept.write(&path).expect("a file");
            kept = Kept::read(&path).expect("the same");
            assert_eq!(kept, part.kept);
            assert!(kept.steps.is_multiple_of(2) && kept.steps <= most);
        }
        let resumed = solve(kept, u32::MAX);
        assert_eq!(bits(&resumed.w), bits(&whole.w), "{sparsity:?}");
        assert_eq!(resumed.kept, whole.kept);
        let again = resumed.outcome.expect("a leg").report;
        assert_eq!((again.steps, again.residual.to_bits()), (report.steps, report.residual.to_bits()));
        // Another λ is another problem.
        let other = regression.begin(0.03 * lambda_max, lambda_max);
        assert!(
            regression.solve(&other, resumed.kept, &stop, &mut |_, _| ControlFlow::Continue(())).is_err()
        );
    }
}

#[test]
fn the_command_finds_what_it_finds_in_memory() {
    let folder = Folder::new();
    let (columns, _) = data(&folder);
    let by_rows: Vec<f64> =
        (0..SAMPLES).flat_map(|i| columns.iter().skip(i).step_by(SAMPLES).copied()).collect();
    folder.matrix("rows.npy", SAMPLES, FEATURES, &by_rows);
    let southwell = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
        command.current_dir(folder.path(".")).arg("descend").args(arguments).stdin(Stdio::null());
        let output = command.output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let common = ["--targets", "y.npy", "--lambda-ratio", "0.02", "--gap", "1e-10"];
    let json = |arguments: &[&str]| {
        let (code, out, err) = southwell(&[arguments, &common, &["--json"]].concat());
        assert_eq!((code, err.as_str()), (Some(0), ""));
        serde_json::from_str::<Value>(&out).expect("one JSON document")
    };
    let (memory, disk) = (json(&["rows.npy"]), json(&["a.npy", "--out-of-core"]));
    let number = |document: &Value, key: &str| document[key].as_f64().expect("a number");
    let [ours, theirs] = [&disk, &memory].map(|document| number(document, "objective"));
    assert!((ours - theirs).abs() <= 1e-9 * theirs, "{ours} {theirs}");
    assert_eq!(disk["nonzeros"], memory["nonzeros"]);
    // Out of steps: what it takes to go on is left, and another problem cannot use it.
    let limited = ["a.npy", "--out-of-core", "--max-steps", "1", "--checkpoint", "run.npz"];
    let (code, _, err) = southwell(&[&limited[..], &common].concat());
    assert!(code == Some(3) && err.contains("--resume run.npz") && err.contains("a pass"), "{err}");
    let resumed = json(&["a.npy", "--out-of-core", "--resume", "run.npz"]);
    for key in ["objective", "gap", "steps", "nonzeros"] {
        assert_eq!(resumed[key], disk[key], "{key}");
    }
    let refused = |arguments: &[&str], text: &str| {
        let (code, out, err) = southwell(arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(err.contains(text), "{err}");
    };
    let resume = ["a.npy", "--out-of-core", "--targets", "y.npy", "--lambda", "7", "--resume", "run.npz"];
    refused(&resume, "run.npz");
    refused(&["rows.npy", "--out-of-core", "--targets", "y.npy"], "asfortranarray");
    refused(&["a.csv", "--out-of-core", "--targets", "y.npy"], "Fortran order");
    refused(&["a.npy", "--out-of-core", "--targets", "y.npy", "--loss", "huber"], "lasso and its relatives");
}
