//! `southwell transport`, run as its users run it, and the archives that it writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use southwell_std::files::{npy, npz};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("transport-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a plain path").to_owned()
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize, values: &[f64]) -> String {
        let path = self.path(name);
        npy::write_matrix(&path, rows, columns, values).expect("a file");
        path
    }

    fn vector(&self, name: &str, values: &[f64]) -> String {
        let path = self.path(name);
        npy::write_vector(&path, values).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit code, standard output, standard error.
fn southwell(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
    let output =
        command.arg("transport").args(arguments).stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = southwell(&[arguments, &["--json"]].concat());
    assert!(err.is_empty(), "{err}");
    (code, serde_json::from_str(&out).expect("one JSON document"))
}

/// Steele, Lea & Flood's SplitMix64, values in [0, 1).
fn random(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn the_reference_assignment_by_every_method() {
    let folder = Folder::new();
    let cost = folder.matrix("c.npy", 500, 500, &random(1, 250_000));
    for method in ["auto", "sinkhorn", "log", "over-relaxed", "over-relaxed-log", "newton-sparse"] {
        let (code, found) =
            json(&["--cost", &cost, "--epsilon", "0.0025", "--method", method, "--tolerance", "1e-10"]);
        assert_eq!((code, &found["status"]), (0, &"converged".into()), "{method} {found}");
        let number = |key: &str| found[key].as_f64().expect("a number");
        assert!((number("cost") - 0.004_587_953_2).abs() < 1e-8, "{method} {found}");
        assert!((number("dual") + 0.017_004_610_8).abs() < 1e-9, "{method} {found}");
        assert!(number("marginal_error") <= 1.01e-10 && number("gap").abs() < 1e-9, "{method} {found}");
        assert!(number("lower_bound") <= 0.003_341_804_981 + 1e-12, "{method} {found}");
        match method {
            "sinkhorn" | "log" => assert_eq!(found["iterations"], 75, "{found}"),
            "newton-sparse" => assert!(number("newton_steps") >= 1.0, "{found}"),
            _ => assert!(number("kernel_reads") < 60.0, "{found}"),
        }
    }
}

#[test]
fn what_is_written() {
    let folder = Folder::new();
    let cost = folder.matrix("c.npy", 2, 3, &[0.0, 1.0, 4.0, 1.0, 0.0, 1.0]);
    let (a, b) = (folder.vector("a.npy", &[0.25, 0.75]), folder.vector("b.npy", &[0.5, 0.0, 0.5]));
    let (plan, fg, plot) = (folder.path("p.npy"), folder.path("fg.npz"), folder.path("e.svg"));
    let inputs = ["--cost", &cost, "--a", &a, "--b", &b, "--epsilon", "0.5"];
    let outputs = ["--plan", &plan, "--potentials", &fg, "--plot", &plot];
    let (code, found) = json(&[&inputs[..], &outputs[..]].concat());
    assert_eq!(code, 0, "{found}");
    let written = npy::read_matrix(&plan).expect("a matrix");
    assert_eq!((written.rows, written.columns), (2, 3));
    for (row, a) in written.values.chunks(3).zip([0.25, 0.75]) {
        assert!((row.iter().sum::<f64>() - a).abs() < 1e-8 && row[1] == 0.0, "{written:?}");
    }
    assert!(fs::read_to_string(&plot).expect("a plot").contains("<svg"));
    // A potential of −∞ is not finite, which a reader of vectors refuses: the archive is kept for tools.
    assert!(npz::read(&fg, ["f"]).is_ok());
    let lines = ["--cost", &cost, "--epsilon", "0.5", "--potentials", &fg];
    assert_eq!(json(&lines).0, 0);
    let [f, g] = npz::read(&fg, ["f", "g"]).expect("an archive");
    assert_eq!((f.len(), g.len()), (2, 3));
    let (_, again) = json(&["--cost", &cost, "--epsilon", "0.5", "--warm-start", &fg]);
    assert_eq!(again["iterations"], 0, "{again}");
    assert!(npz::read(&fg, ["h"]).expect_err("no such name").to_string().contains("no array `h`"));
    let (code, _, err) = southwell(&["--cost", &cost, "--warm-start", &cost]);
    assert!(code == 1 && err.contains("c.npy"), "{code} {err}");
}

#[test]
fn points() {
    let folder = Folder::new();
    let x = folder.matrix("x.npy", 40, 2, &random(3, 80));
    let y = folder.matrix("y.npy", 50, 2, &random(4, 100));
    for ground in ["squared-euclidean", "euclidean", "l1"] {
        let mut values = vec![];
        for method in ["auto", "log", "newton-sparse"] {
            let (code, found) =
                json(&["--points", &x, &y, "--ground", ground, "--epsilon", "0.01", "--method", method]);
            assert_eq!(code, 0, "{ground} {found}");
            values.push(found["dual"].as_f64().expect("a number"));
        }
        assert!(values.iter().all(|value| (value - values[0]).abs() < 1e-9), "{ground} {values:?}");
    }
    let three = folder.matrix("z.npy", 50, 3, &random(4, 150));
    let (code, _, err) = southwell(&["--points", &x, &three]);
    assert!(code == 1 && err.contains("coordinates"), "{err}");
}

#[test]
fn not_converged_is_an_exit_code_and_a_hint() {
    let folder = Folder::new();
    let cost = folder.matrix("c.npy", 30, 30, &random(1, 900));
    let arguments = ["--cost", &cost, "--epsilon", "1e-3", "--method", "sinkhorn", "--max-iterations", "3"];
    let (code, out, err) = southwell(&arguments);
    assert!(
        code == 3 && out.starts_with("step-limit after 3 iterations") && err.contains("hint"),
        "{out} {err}"
    );
    let (code, _, err) = southwell(&[&arguments[..], &["--quiet"]].concat());
    assert!(code == 3 && err.is_empty(), "{err}");
}

#[test]
fn bad_input() {
    let folder = Folder::new();
    let cost = folder.matrix("c.npy", 2, 2, &[0.0, 1.0, 1.0, 0.0]);
    let negative = folder.matrix("n.npy", 2, 2, &[0.0, -1.0, 1.0, 0.0]);
    let (short, light) = (folder.vector("s.npy", &[1.0]), folder.vector("l.npy", &[0.5, 0.4]));
    let unit = folder.vector("u.npy", &[0.5, 0.5]);
    let minus = folder.vector("m.npy", &[1.5, -0.5]);
    for (arguments, what) in [
        (&["--cost", &negative][..], "`cost[1]` is negative"),
        (&["--cost", "nowhere.npy"], "nowhere.npy"),
        (&["--cost", &cost, "--a", &short], "length 1"),
        (&["--cost", &cost, "--a", &minus], "`a[1]` is negative"),
        (&["--cost", &cost, "--a", &unit, "--b", &light], "the mass of `b` must equal"),
        (&["--cost", &cost, "--epsilon", "0"], "`epsilon` must be positive"),
        (&["--cost", &cost, "--epsilon", "-1"], "`epsilon` must be positive"),
        (&["--cost", &cost, "--plan", "no/such/folder.npy"], "--plan"),
        (&["--cost", &cost, "--plan", &cost], "is an input"),
    ] {
        let (code, out, err) = southwell(arguments);
        assert!(code == 1 && err.contains(what) && out.is_empty(), "{arguments:?}: {code} {err}");
    }
    for arguments in [
        &[][..],
        &["--cost", &cost, "--points", &cost, &cost],
        &["--cost", &cost, "--epsilon", "1", "--epsilon-ratio", "1"],
        &["--cost", &cost, "--tolerance", "0"],
        &["--cost", &cost, "--method", "greedy"],
    ] {
        assert_eq!(southwell(arguments).0, 2, "{arguments:?}");
    }
}
