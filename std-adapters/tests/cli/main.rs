//! The command line, run as its users run it: what it prints, writes and returns.

mod balance;
#[cfg(feature = "images")]
mod colour_transfer;
mod descend;
mod fit;
mod heat;
#[cfg(unix)]
mod interrupted;
mod pages;
mod recover;
mod relax;
mod reproduce;
mod simd_level;
mod transport;
mod usage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use southwell_std::files::{archive, matrix_market, npy};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a plain path").to_owned()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("a file for the test");
        path
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize, values: &[f64]) -> String {
        let path = self.path(name);
        npy::write_matrix(&path, rows, columns, values).expect("a file for the test");
        path
    }

    fn vector(&self, name: &str, values: &[f64]) -> String {
        let path = self.path(name);
        npy::write_vector(&path, values).expect("a file for the test");
        path
    }

    fn archive(&self, name: &str, arrays: &[(&str, &[usize], &[f64])]) -> String {
        let path = self.path(name);
        archive::write(&path, arrays).expect("a file for the test");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

struct Told {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let told = Self {
            code: output.status.code().expect("an exit code"),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!told.err.contains("panicked"), "{}", told.err);
        told
    }
}

fn southwell(arguments: &[&str]) -> Told {
    command(arguments).output().expect("the binary runs").into()
}

/// Exit code, standard output, standard error of `southwell COMMAND`.
fn run(command: &str, arguments: &[&str]) -> (i32, String, String) {
    let told = southwell(&[&[command], arguments].concat());
    (told.code, told.out, told.err)
}

/// Exit code and the document of `southwell COMMAND`, which prints nothing else.
fn document(command: &str, arguments: &[&str]) -> (i32, Value) {
    let (code, out, err) = run(command, arguments);
    assert!(err.is_empty(), "{err}");
    (code, serde_json::from_str(&out).expect("one JSON document"))
}

fn json(arguments: &[&str], code: i32) -> Value {
    let told = southwell(arguments);
    assert_eq!(told.code, code, "{arguments:?}: {} {}", told.out, told.err);
    assert_eq!(told.err, "", "{arguments:?}: nothing but JSON");
    serde_json::from_str(&told.out).expect("one JSON document")
}

/// Refused with `code`, nothing printed, and every piece in the message.
fn refused(code: i32, arguments: &[&str], pieces: &[&str]) {
    let told = southwell(arguments);
    assert_eq!(told.code, code, "{arguments:?}: {} {}", told.out, told.err);
    assert_eq!(told.out, "", "{arguments:?}");
    assert!(told.err.starts_with("error: "), "{arguments:?}: {}", told.err);
    for piece in pieces {
        assert!(told.err.contains(piece), "{arguments:?}: {} lacks {piece}", told.err);
    }
}

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// ‖b − A x‖ / ‖b‖ from the files themselves.
fn relative_residual(matrix: &str, rhs: Option<&[f64]>, x: &str) -> f64 {
    let a = matrix_market::read(matrix).expect("a matrix").into_sparse().expect("a sparse matrix");
    let x = npy::read_vector(x).expect("x");
    let ones = vec![1.0; a.rows];
    let b = rhs.unwrap_or(&ones);
    let row = |i: usize| {
        let entries = a.row_offsets[i] as usize..a.row_offsets[i + 1] as usize;
        b[i] - entries.map(|k| a.values[k] * x[a.column_indices[k] as usize]).sum::<f64>()
    };
    let square: f64 = (0..a.rows).map(|i| row(i) * row(i)).sum();
    (square / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
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

const GENERAL: &str = "%%MatrixMarket matrix coordinate real general\n";
const SYMMETRIC: &str = "%%MatrixMarket matrix coordinate real symmetric\n";

/// The five-point matrix of a `side` × `side` grid.
fn grid(side: usize) -> String {
    let n = side * side;
    let mut entries = String::new();
    let mut count = 0;
    for k in 1..=n {
        let mut add = |column: usize, value| {
            entries += &format!("{k} {column} {value}\n");
            count += 1;
        };
        add(k, 4);
        if (k - 1) % side > 0 {
            add(k - 1, -1);
        }
        if k > side {
            add(k - side, -1);
        }
    }
    format!("{SYMMETRIC}{n} {n} {count}\n{entries}")
}
