//! `southwell descend`, run as its users run it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use southwell_std::files::npy;

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("descend-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a plain path").to_owned()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        fs::File::create(self.path(name)).and_then(|mut file| file.write_all(bytes)).expect("a file");
        self.path(name)
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
        command.arg("descend").args(arguments).stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = southwell(&[arguments, &["--json", "--quiet"]].concat());
    assert!(err.is_empty(), "{err}");
    (code, serde_json::from_str(&out).expect("one JSON document"))
}

/// The lines of a data set: features, then what is to be explained.
fn lines(text: &str) -> Vec<Vec<f64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(',').map(|word| word.parse().expect("a number")).collect()).collect()
}

fn svm(lines: &[Vec<f64>]) -> String {
    let mut text = String::new();
    for line in lines {
        let (y, features) = line.split_last().expect("a target");
        text += &format!("{y}");
        for (j, a) in features.iter().enumerate() {
            text += &format!(" {}:{a}", j + 1);
        }
        text += "\n";
    }
    text
}

const DIABETES: &str = include_str!("data/diabetes.csv");
const CANCER: &str = include_str!("data/breast_cancer.csv");

#[test]
fn the_lasso_on_diabetes() {
    let folder = Folder::new("lasso");
    let data = folder.file("diabetes.svm", svm(&lines(DIABETES)).as_bytes());
    let out = folder.path("w.npy");
    let (code, found) =
        json(&[&data, "--intercept", "--lambda-ratio", "0.01", "--gap", "1e-10", "--out", &out]);
    assert_eq!((code, found["status"].as_str()), (0, Some("converged")));
    // The reference: y less its mean, λ_max/100.
    assert!((found["lambda_max"].as_f64().expect("sound input") - 2.148043576).abs() < 1e-8);
    assert!((found["objective"].as_f64().expect("sound input") - 1482.11185934).abs() < 1e-6);
    assert_eq!(found["nonzeros"], 8);
    assert!(found["gap"].as_f64().expect("sound input") <= found["threshold"].as_f64().expect("sound input"));
    assert!((found["intercept"].as_f64().expect("sound input") - 152.13348416).abs() < 1e-6);
    let w = npy::read_vector(&out).expect("weights");
    assert!((w.iter().map(|w| w.abs()).sum::<f64>() - 2060.0157).abs() < 1e-3);
}

#[test]
fn a_path_with_weights_and_a_plot() {
    let folder = Folder::new("path");
    let data = folder.file("diabetes.svm", svm(&lines(DIABETES)).as_bytes());
    let (out, plot) = (folder.path("path.npy"), folder.path("path.svg"));
    let (code, found) = json(&[
        &data,
        "--intercept",
        "--lambda-ratio",
        "0.001",
        "--path",
        "30",
        "--out",
        &out,
        "--plot",
        &plot,
    ]);
    assert_eq!(code, 0);
    let path = found["path"].as_array().expect("points");
    assert_eq!((path.len(), path[0]["nonzeros"].as_u64()), (30, Some(0)));
    let falls = |pair: &[Value]| pair[0]["objective"].as_f64() >= pair[1]["objective"].as_f64();
    assert!(path.windows(2).all(falls));
    let weights = npy::read_matrix(&out).expect("weights");
    assert_eq!((weights.rows, weights.columns), (30, 10));
    assert!(fs::read_to_string(&plot).expect("a plot").contains("<svg"));
    let (code, text, _) = southwell(&[&data, "--intercept", "--path", "5"]);
    assert!(code == 0 && text.lines().count() == 7, "{text}");
}

#[test]
fn logistic_regression_and_the_other_penalties() {
    let folder = Folder::new("logistic");
    let data = folder.file("cancer.svm", svm(&lines(CANCER)).as_bytes());
    let (code, found) = json(&[&data, "--loss", "logistic", "--lambda-ratio", "0.1"]);
    assert_eq!((code, found["status"].as_str()), (0, Some("converged")));
    assert!(found["objective"].as_f64().expect("sound input") < 2.0_f64.ln());
    for penalty in ["elastic-net", "non-negative", "group"] {
        let (code, found) = json(&[&data, "--penalty", penalty, "--ridge", "0.1", "--group-size", "7"]);
        assert_eq!((code, found["status"].as_str()), (0, Some("converged")), "{penalty}");
        assert_eq!(found["features"], 30);
    }
    let plot = folder.path("gap.svg");
    assert_eq!(southwell(&[&data, "--plot", &plot]).0, 0);
}

#[test]
fn bad_input_says_what_to_do() {
    let folder = Folder::new("bad");
    let data = folder.file("a.svm", b"1 1:1 2:1\n2 1:2\n3 2:1\n");
    let cases: [(&[&str], i32, &str); 8] = [
        (&[&data, "--lambda", "-1"], 1, "lambda"),
        (&[&data, "--gap", "2"], 2, "between 0 and 1"),
        (&[&data, "--loss", "logistic"], 1, "two values"),
        (&[&data, "--out", &data], 1, "an input of the run"),
        (&[&data, "--targets", &data], 1, "Matrix Market"),
        (&["nowhere.svm"], 1, "check the name"),
        (&[&data, "--penalty", "elastic-net", "--ridge", "-2"], 1, "ridge"),
        (&[&data, "--path", "1"], 2, "1"),
    ];
    for (arguments, code, part) in cases {
        let found = southwell(arguments);
        assert!(found.0 == code && found.2.contains(part), "{arguments:?}: {found:?}");
    }
    let bad = folder.file("b.svm", b"1 1:1\n1 1:x\n");
    let found = southwell(&[&bad]);
    assert!(found.0 == 1 && found.2.contains("line 2"), "{found:?}");
    let (code, found) = json(&[&data, "--max-steps", "0", "--lambda-ratio", "0.5"]);
    assert_eq!((code, found["status"].as_str()), (3, Some("step-limit")));
}
