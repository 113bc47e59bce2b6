//! `southwell transport --out-of-core`, run as its users run it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use southwell_std::files::npz;

use super::common::{Folder, bits, random};

/// Exit code, standard output, standard error.
fn southwell(arguments: &[&str], folder: &Folder) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
    command.current_dir(folder.path(".")).arg("transport").args(arguments).stdin(Stdio::null());
    let output = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str], folder: &Folder) -> (i32, Value) {
    let (code, out, err) = southwell(&[arguments, &["--json"]].concat(), folder);
    assert!(err.is_empty(), "{err}");
    (code, serde_json::from_str(&out).expect("one JSON document"))
}

fn potentials(path: &Path) -> [Vec<u64>; 2] {
    npz::read_potentials(path, ["f", "g"]).expect("potentials").map(|values| bits(&values))
}

/// The same numbers from the file as from memory, and after an interruption.
#[test]
fn interrupted_or_not() {
    let folder = Folder::new();
    folder.matrix("c.npy", 60, 50, &random(1, 3000));
    for method in ["log", "over-relaxed-log"] {
        let common = ["--cost", "c.npy", "--epsilon", "0.01", "--method", method];
        let with = |more: &[&'static str]| [&common[..], more].concat();
        let (code, memory) = json(&with(&["--potentials", "m.npz"]), &folder);
        assert_eq!(code, 0);
        let (code, disk) = json(&with(&["--out-of-core", "--potentials", "d.npz"]), &folder);
        assert_eq!(code, 0);
        for key in ["status", "iterations", "kernel_reads", "marginal_error", "cost", "dual", "gap", "mass"] {
            assert_eq!(disk[key], memory[key], "{key}");
        }
        assert_eq!(disk["omega"].is_null(), method == "log");
        assert_eq!(potentials(&folder.path("d.npz")), potentials(&folder.path("m.npz")));
        let stop = ["--out-of-core", "--max-iterations", "9", "--checkpoint", "run.npz"];
        let (code, _, note) = southwell(&with(&stop), &folder);
        assert_eq!(code, 3, "{note}");
        assert!(note.contains("a step") && note.contains("--resume run.npz"), "{note}");
        let (code, resumed) =
            json(&with(&["--out-of-core", "--resume", "run.npz", "--potentials", "r.npz"]), &folder);
        assert_eq!((code, &resumed["iterations"]), (0, &memory["iterations"]));
        assert_eq!(potentials(&folder.path("r.npz")), potentials(&folder.path("m.npz")));
    }
    // The run is in f32, its value in f64.
    let (code, found) = json(
        &["--cost", "c.npy", "--epsilon", "0.01", "--out-of-core", "--precision", "f32", "--plot", "e.svg"],
        &folder,
    );
    assert_eq!(code, 0, "{found}");
    let number = |key: &str| found[key].as_f64().expect("a number");
    assert!(number("gap").abs() < 1e-5 && number("marginal_error") < 1e-4, "{found}");
    assert!(folder.path("e.svg").exists());
}

#[test]
fn what_is_refused() {
    let folder = Folder::new();
    folder.matrix("c.npy", 3, 2, &random(1, 6));
    folder.array("f.npy", "<f8", true, &[3, 2], &random(1, 6));
    folder.matrix("n.npy", 1, 2, &[1.0, -1.0]);
    let refused = |arguments: &[&str], code: i32, text: &str| {
        let (found, out, err) = southwell(arguments, &folder);
        assert_eq!((found, out.as_str()), (code, ""), "{err}");
        assert!(err.contains(text), "{err}");
    };
    refused(&["--cost", "c.npy", "--out-of-core", "--method", "newton-sparse"], 1, "over-relaxed-log");
    refused(&["--cost", "f.npy", "--out-of-core"], 1, "ascontiguousarray");
    refused(&["--cost", "n.npy", "--out-of-core"], 1, "n.npy");
    refused(&["--cost", "none.npy", "--out-of-core"], 1, "check the name");
    refused(&["--cost", "c.npy", "--out-of-core", "--plan", "p.npy"], 2, "--plan");
    refused(&["--cost", "c.npy", "--resume", "run.npz"], 2, "--out-of-core");
    refused(&["--cost", "c.npy", "--out-of-core", "--resume", "c.npy"], 1, "c.npy");
    refused(&["--cost", "c.npy", "--out-of-core", "--checkpoint", "c.npy"], 1, "an input of the run");
    refused(&["--cost", "c.npy", "--out-of-core", "--checkpoint", "no/run.npz"], 1, "create the directory");
    let (code, ..) = southwell(&["--cost", "c.npy", "--out-of-core", "--max-iterations", "0"], &folder);
    assert_eq!(code, 3);
    let other =
        ["--cost", "c.npy", "--out-of-core", "--epsilon", "3", "--resume", "transport-checkpoint.npz"];
    refused(&other, 1, "`epsilon` must be as in the run");
}

#[cfg(unix)]
#[test]
fn the_keyboard() {
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    let folder = Folder::new();
    folder.matrix("c.npy", 300, 300, &random(2, 90_000));
    // 31450 plain steps at 1/1200; this is harder still.
    let common = ["transport", "--cost", "c.npy", "--epsilon", "0.0003", "--method", "log", "--out-of-core"];
    let binary = env!("CARGO_BIN_EXE_southwell");
    for wait in [300, 1000, 3000, 9000] {
        let mut command = Command::new(binary);
        command.current_dir(folder.path(".")).args(common).args(["--checkpoint", "run.npz"]);
        let mut child =
            command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
        sleep(Duration::from_millis(wait));
        assert!(child.try_wait().expect("a child").is_none(), "it ended by itself");
        let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        let start = Instant::now();
        let output = child.wait_with_output().expect("an end");
        assert!(start.elapsed() < Duration::from_secs(60));
        // Before the handler, or before the first step: later, then.
        if output.status.code() != Some(130) || !folder.path("run.npz").exists() {
            continue;
        }
        let kept = southwell_std::checkpoint::Checkpoint::read(folder.path("run.npz")).expect("a checkpoint");
        let more = (kept.steps + 5).to_string();
        let run = |arguments: &[&str]| {
            let (code, out, err) = southwell(&[&common[1..], arguments].concat(), &folder);
            assert_eq!(code, 3, "{out} {err}");
        };
        run(&["--max-iterations", &more, "--potentials", "whole.npz", "--checkpoint", "other.npz"]);
        run(&["--max-iterations", &more, "--potentials", "resumed.npz", "--resume", "run.npz"]);
        assert_eq!(potentials(&folder.path("resumed.npz")), potentials(&folder.path("whole.npz")));
        return;
    }
    panic!("it never began");
}
