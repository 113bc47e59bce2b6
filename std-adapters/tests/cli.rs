//! The command line, run as its users run it: what it prints, writes and returns.

mod cli_pages;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use southwell_std::files::matrix_market;
use southwell_std::files::npy;

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

#[test]
fn relax_prints_one_json_document() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(10));
    let document = json(&["relax", &matrix, "--json"], 0);
    let object = document.as_object().expect("an object");
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "device",
            "iterations",
            "nonzeros",
            "omega",
            "relative_residual",
            "seconds",
            "simd",
            "status",
            "unknowns"
        ]
    );
    assert_eq!(document["status"], "converged");
    assert_eq!((document["unknowns"].as_u64(), document["nonzeros"].as_u64()), (Some(100), Some(460)));
    assert!(document["iterations"].as_u64().is_some_and(|k| (5..50).contains(&k)));
    assert!(document["relative_residual"].as_f64().is_some_and(|r| r > 0.0 && r <= 1e-8));
    assert!(document["omega"].as_f64().is_some_and(|omega| omega > 0.0 && omega < 2.0));
    assert!(document["seconds"].as_f64().is_some_and(|seconds| seconds >= 0.0));
    assert!(json(&["relax", &matrix, "--json", "--method", "cg"], 0)["omega"].is_null());
    let coloured = json(&["relax", &matrix, "--json", "--method", "red-black"], 0);
    assert_eq!(coloured["colours"], 2);
}

#[test]
fn every_method_solves_the_real_matrices() {
    let folder = Folder::new();
    let x = folder.path("x.npy");
    for name in ["nos3.mtx", "1138_bus.mtx"] {
        for method in ["ssor-cg", "cg", "sor", "multicolour", "red-black"] {
            let document = json(&["relax", &data(name), "--method", method, "--out", &x, "--json"], 0);
            let told = document["relative_residual"].as_f64().expect("a number");
            let recomputed = relative_residual(&data(name), None, &x);
            assert!(recomputed <= 1.001e-8, "{name} {method} {recomputed}");
            assert!((told - recomputed).abs() <= 1e-11, "{name} {method} {told} {recomputed}");
        }
    }
}

#[test]
fn every_method_and_every_omega_solves_with_a_given_right_hand_side() {
    let folder = Folder::new();
    let (matrix, x) = (folder.write("A.mtx", grid(8)), folder.path("x.npy"));
    let b: Vec<f64> = (0..64).map(|i| f64::from(i % 5) - 1.5).collect();
    let npy_path = folder.path("b.npy");
    npy::write_vector(&npy_path, &b).expect("a vector");
    let text: Vec<String> = b.iter().map(f64::to_string).collect();
    let mtx_path = folder
        .write("b.mtx", format!("%%MatrixMarket matrix array real general\n64 1\n{}\n", text.join("\n")));
    for method in ["sor", "ssor", "ssor-cg", "cg", "red-black", "multicolour"] {
        for omega in ["1.3", "young", "learned"] {
            for rhs in [&npy_path, &mtx_path] {
                let told = southwell(&[
                    "relax",
                    &matrix,
                    "--rhs",
                    rhs,
                    "--method",
                    method,
                    "--omega",
                    omega,
                    "--tolerance",
                    "1e-10",
                    "--out",
                    &x,
                ]);
                assert_eq!((told.code, told.err.as_str()), (0, ""), "{method} {omega}");
                assert!(told.out.starts_with("converged after "), "{}", told.out);
                assert!(relative_residual(&matrix, Some(&b), &x) <= 1.001e-10, "{method} {omega}");
            }
        }
    }
}

#[test]
fn what_did_not_converge_is_written_all_the_same() {
    let folder = Folder::new();
    let (matrix, x) = (folder.write("A.mtx", grid(20)), folder.path("x.npy"));
    for method in ["sor", "ssor", "ssor-cg", "cg", "red-black", "multicolour"] {
        let limited = ["relax", &matrix, "--method", method, "--max-iterations", "5", "--out", &x];
        let document = json(&[&limited[..], &["--json"]].concat(), 3);
        assert_eq!((&document["status"], &document["iterations"]), (&"step-limit".into(), &5.into()));
        let told = document["relative_residual"].as_f64().expect("a number");
        let recomputed = relative_residual(&matrix, None, &x);
        assert!(recomputed > 1e-8 && (told / recomputed - 1.0).abs() < 1e-9, "{told} {recomputed}");
        let told = southwell(&limited);
        assert_eq!(told.code, 3);
        assert!(told.out.starts_with("step-limit after 5 iterations"), "{}", told.out);
        assert!(told.err.starts_with("hint: allow more --max-iterations"), "{}", told.err);
        assert_eq!(southwell(&[&limited[..], &["--quiet"]].concat()).err, "");
    }
    let none = json(&["relax", &matrix, "--max-iterations", "0", "--out", &x, "--json"], 3);
    assert_eq!((&none["iterations"], &none["relative_residual"]), (&0.into(), &1.0.into()));
    assert!(npy::read_vector(&x).expect("x").iter().all(|&x| x == 0.0));
}

#[test]
fn trouble_on_the_way_is_a_status() {
    let folder = Folder::new();
    let x = folder.path("x.npy");
    // Eigenvalues 4 and −2.
    let indefinite = folder.write("indefinite.mtx", format!("{SYMMETRIC}2 2 3\n1 1 1\n2 1 3\n2 2 1\n"));
    let rhs = folder.write("b.mtx", "%%MatrixMarket matrix array real general\n2 1\n1\n-1\n");
    for method in ["ssor-cg", "cg"] {
        let arguments = ["relax", &indefinite, "--rhs", &rhs, "--method", method, "--out", &x];
        let document = json(&[&arguments[..], &["--json"]].concat(), 3);
        assert_eq!(document["status"], "breakdown", "{method}");
        assert!(southwell(&arguments).err.contains("try --method sor"));
    }
    for (limit, status) in [("1000000", "not-finite"), ("30", "step-limit")] {
        let arguments =
            ["relax", &indefinite, "--method", "sor", "--omega", "1", "--max-iterations", limit, "--out", &x];
        let document = json(&[&arguments[..], &["--json"]].concat(), 3);
        assert_eq!(document["status"], status);
        // Sweeps that diverge leave the best they had: no worse than the start.
        assert!(relative_residual(&indefinite, None, &x) <= 1.0);
        assert!(document["relative_residual"].as_f64().is_some_and(|r| r <= 1.0));
        assert!(southwell(&arguments).err.starts_with("hint: "));
    }
    // More than 64 bits can hold here.
    let told = southwell(&["relax", &data("nos3.mtx"), "--method", "cg", "--tolerance", "1e-14"]);
    assert_eq!(told.code, 3, "{}", told.out);
    assert!(
        told.out.starts_with("stalled after ") && told.err.contains("larger --tolerance"),
        "{}",
        told.err
    );
}

#[test]
fn matrices_that_cannot_be_used_are_refused_with_the_place_and_a_word_of_advice() {
    let folder = Folder::new();
    let case = |name: &str, content: &str, more: &[&str], pieces: &[&str]| {
        let path = folder.write(name, content);
        let arguments = [&["relax", path.as_str()], more].concat();
        refused(1, &arguments, &[&[path.as_str()], pieces].concat());
    };
    let missing = folder.path("missing.mtx");
    refused(1, &["relax", &missing], &[&missing, "check the name"]);
    refused(1, &["relax", &folder.path("")], &["directory"]);
    case("empty.mtx", "", &[], &["line 1", "must begin with"]);
    case("prose.mtx", "Dear reader\n", &[], &["line 1", "must begin with"]);
    case("truncated.mtx", &format!("{GENERAL}2 2 4\n1 1 1.5\n2 2 1.5\n1 2 0.25\n"), &[], &["complete?"]);
    case("cut.mtx", GENERAL, &[], &["before the line with the sizes"]);
    case("more.mtx", &format!("{GENERAL}2 2 1\n1 1 1\n2 2 1\n"), &[], &["line 4", "only 1 entries"]);
    case("oblong.mtx", &format!("{SYMMETRIC}2 3 1\n1 1 1\n"), &[], &["line 2", "square", "correct"]);
    case("index.mtx", &format!("{GENERAL}2 2 1\n3 1 1\n"), &[], &["line 3", "row 3", "correct"]);
    case("claim.mtx", &format!("{GENERAL}9 9 999999999999\n1 1 1\n"), &[], &["line 2", "room for"]);
    case("hollow.mtx", &format!("{GENERAL}4000000000 4000000000 1\n1 1 1\n"), &[], &["line 2", "at most"]);
    case("nan.mtx", &format!("{GENERAL}2 2 2\n1 1 1\n2 2 NaN\n"), &[], &["line 4", "`NaN`", "replace"]);
    case("huge.mtx", &format!("{GENERAL}2 2 2\n1 1 1\n2 2 1e999\n"), &[], &["line 4", "1e999"]);
    case("wide.mtx", &format!("{GENERAL}1 2 2\n1 1 1\n1 2 1\n"), &[], &["1 × 2", "square", "relax AᵀA"]);
    case("hole.mtx", &format!("{GENERAL}2 2 2\n1 1 1\n2 1 1\n"), &[], &["row 2", "no diagonal", "reorder"]);
    case("zero.mtx", &format!("{GENERAL}2 2 2\n1 1 0\n2 2 1\n"), &[], &["row 1", "zero", "reorder"]);
    let negative = format!("{SYMMETRIC}2 2 2\n1 1 1\n2 2 -1\n");
    let pieces = ["row 2", "not positive", "--method sor"];
    case("negative.mtx", &negative, &["--method", "ssor-cg"], &pieces);
    let kinds = ["complex general", "real hermitian"];
    for kind in kinds {
        case(
            "kind.mtx",
            &format!("%%MatrixMarket matrix coordinate {kind}\n1 1 1\n1 1 1 0\n"),
            &[],
            &["line 1"],
        );
    }
}

#[test]
fn right_hand_sides_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(2));
    let case = |path: &str, pieces: &[&str]| {
        refused(1, &["relax", &matrix, "--rhs", path], &[&[path], pieces].concat());
    };
    let vector = |name, values: &[f64]| {
        let path = folder.path(name);
        npy::write_vector(&path, values).expect("a vector");
        path
    };
    case(&vector("short.npy", &[1.0; 3]), &["3 entries", "4 rows"]);
    case(&vector("nan.npy", &[1.0, f64::NAN, 1.0, 1.0]), &["element 1", "replace"]);
    let array = "%%MatrixMarket matrix array real general\n";
    case(&folder.write("long.mtx", format!("{array}5 1\n1\n1\n1\n1\n1\n")), &["5 entries", "4 rows"]);
    case(&folder.write("nan.mtx", format!("{array}4 1\n1\nnan\n1\n1\n")), &["line 4", "nan"]);
    case(&folder.write("matrix.mtx", format!("{array}2 2\n1\n1\n1\n1\n")), &["2 × 2", "must be 1"]);
    case(&folder.write("b.txt", "1 1 1 1"), &[".npy", ".mtx"]);
    case(&folder.write("empty.npy", ""), &["NumPy"]);
    case(&folder.path("missing.npy"), &["check the name"]);
    let overflowing = vector("overflowing.npy", &[1e200; 4]);
    refused(1, &["relax", &matrix, "--rhs", &overflowing], &["scale"]);
    // Zero is answered by zero.
    let zero = vector("zero.npy", &[0.0; 4]);
    let document = json(&["relax", &matrix, "--rhs", &zero, "--json"], 0);
    assert_eq!((&document["iterations"], &document["relative_residual"]), (&0.into(), &0.0.into()));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(2));
    let relax = |more: &[&str], pieces: &[&str]| {
        refused(2, &[&["relax", matrix.as_str()], more].concat(), pieces);
    };
    for omega in ["0", "2", "nan", "abc", "", "-1", "inf"] {
        relax(&["--omega", omega], &["--omega", "a number in (0, 2), `young` or `learned`"]);
    }
    for tolerance in ["0", "-1e-8", "nan", "1", "abc"] {
        relax(&["--tolerance", tolerance], &["--tolerance", "between 0 and 1"]);
    }
    relax(&["--max-iterations", "-1"], &["--max-iterations"]);
    relax(&["--method", "jacobi"], &["jacobi", "multicolour"]);
    relax(&["--frobnicate"], &["--frobnicate"]);
    refused(2, &["relax"], &["A.mtx"]);
    let heat = |more: &[&str], pieces: &[&str]| refused(2, &[&["heat"], more].concat(), pieces);
    for policy in ["sor", "fixed:", "fixed:2", "fixed:nan", "CG"] {
        heat(&["--policy", policy], &["--policy", "fixed:"]);
    }
    heat(&["--grid", "1"], &["--grid", "2..=4096"]);
    heat(&["--steps", "0"], &["--steps"]);
    heat(&["--tolerance", "0"], &["--tolerance", "between 0 and 1"]);
    heat(&["--seed", "x"], &["--seed"]);
    assert_eq!(southwell(&[]).code, 2);
    refused(2, &["solve"], &["solve"]);
}

#[test]
fn places_that_cannot_be_written_are_refused_before_the_run() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(2));
    let nowhere = folder.path("nowhere/x.npy");
    // The matrix does not even exist: nothing is read before the place is found wanting.
    refused(1, &["relax", "missing.mtx", "--out", &nowhere], &["--out", &nowhere, "create the directory"]);
    refused(1, &["relax", &matrix, "--out", &folder.path("")], &["--out", "directory"]);
    refused(1, &["relax", &matrix, "--out", &matrix], &["--out", "input"]);
    refused(1, &["relax", &matrix, "--out", &folder.path("x.mtx")], &["--out", ".npy"]);
    // Days of work, if it began.
    let long = ["heat", "--grid", "1000", "--steps", "100000", "--plot"];
    let plot = folder.path("nowhere/h.svg");
    refused(1, &[&long[..], &[plot.as_str()]].concat(), &["--plot", &plot, "create the directory"]);
    refused(1, &[&long[..], &[folder.path("").as_str()]].concat(), &["--plot", "directory"]);
    // Looking at a place leaves nothing there, and what is there untouched.
    let (fresh, kept) = (folder.path("fresh.npy"), folder.write("kept.npy", "precious"));
    for out in [&fresh, &kept] {
        refused(1, &["relax", &folder.path("missing.mtx"), "--out", out], &["missing.mtx"]);
    }
    assert!(!Path::new(&fresh).exists());
    assert_eq!(fs::read_to_string(&kept).expect("still there"), "precious");
    assert_eq!(southwell(&["relax", &matrix, "--out", &kept]).code, 0);
    assert_eq!(npy::read_vector(&kept).expect("x").len(), 4);
}

#[test]
fn red_black_says_when_two_colours_do_not_do() {
    let folder = Folder::new();
    let triangle = "3 3 6\n1 1 4\n2 2 4\n3 3 4\n2 1 -1\n3 1 -1\n3 2 -1\n";
    let matrix = folder.write("A.mtx", format!("{SYMMETRIC}{triangle}"));
    let run =
        |more: &[&str]| southwell(&[&["relax", matrix.as_str(), "--method", "red-black"], more].concat());
    let told = run(&[]);
    assert_eq!(told.code, 0);
    assert!(told.err.starts_with("note: ") && told.err.contains("3 colours"), "{}", told.err);
    assert!(told.out.contains("3 colours"), "{}", told.out);
    assert_eq!(run(&["--quiet"]).err, "");
    assert_eq!(run(&["--json"]).err, "");
    let bipartite = folder.write("B.mtx", grid(3));
    assert_eq!(southwell(&["relax", &bipartite, "--method", "red-black"]).err, "");
    assert_eq!(southwell(&["relax", &matrix, "--method", "multicolour"]).err, "");
}

#[test]
fn heat_prints_one_json_document_with_names_as_typed() {
    let names = ["fixed:1.50", "cg", "tsallis-inf", "fixed:1.5", "best-fixed", "auto", "instance-optimal"];
    let mut arguments = vec!["heat", "--grid", "10", "--steps", "100", "--seed", "3", "--json"];
    for name in names {
        arguments.extend(["--policy", name]);
    }
    let document = json(&arguments, 0);
    assert_eq!(
        (&document["grid"], &document["unknowns"], &document["steps"]),
        (&10.into(), &81.into(), &100.into())
    );
    let policies = document["policies"].as_array().expect("an array");
    let told: Vec<&str> = policies.iter().filter_map(|policy| policy["name"].as_str()).collect();
    assert_eq!(told, names);
    let of = |name: &str, key: &str| {
        let policy = policies.iter().find(|policy| policy["name"] == name).expect("a policy");
        policy[key].as_f64().expect("a number")
    };
    let best = of("best-fixed", "iterations");
    for name in names {
        let regret = of(name, "iterations") - best;
        // The best fixed total is known along another trajectory, the same to a step or two.
        assert!((of(name, "regret_to_best_fixed") - regret).abs() <= 2.0, "{name}");
        assert!(of(name, "seconds") >= 0.0);
    }
    assert_eq!(of("fixed:1.50", "iterations"), of("fixed:1.5", "iterations"));
    assert!(of("instance-optimal", "regret_to_best_fixed") <= 0.0);
    let again = json(&arguments, 0);
    let iterations = |document: &Value| -> Vec<u64> {
        let policies = document["policies"].as_array().expect("an array");
        policies.iter().filter_map(|policy| policy["iterations"].as_u64()).collect()
    };
    assert_eq!(iterations(&document), iterations(&again));
}

#[test]
fn heat_prints_a_table_and_draws() {
    let folder = Folder::new();
    let plot = folder.path("h<&>.svg");
    let told = southwell(&["heat", "--grid", "8", "--steps", "50", "--plot", &plot]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let names = [
        "cg",
        "fixed:1.0",
        "best-fixed",
        "tsallis-inf",
        "tsallis-inf-cb",
        "cheb-cb",
        "auto",
        "instance-optimal",
    ];
    for name in names {
        assert!(told.out.lines().any(|line| line.split_whitespace().next() == Some(name)), "{}", told.out);
    }
    let cg: Vec<&str> = told.out.lines().filter(|line| line.starts_with("cg ")).collect();
    assert!(cg[0].contains("1.000"), "{}", told.out);
    let svg = fs::read_to_string(&plot).expect("a plot");
    assert!(svg.contains("<svg") && names.iter().all(|name| svg.contains(name)));
    let alone = southwell(&["heat", "--grid", "8", "--steps", "5", "--policy", "cheb-cb"]);
    assert_eq!(alone.code, 0);
    assert!(
        alone.out.lines().any(|line| line.starts_with("cheb-cb") && line.contains(" - ")),
        "{}",
        alone.out
    );
}

#[test]
fn help_is_complete() {
    for (arguments, words) in [
        (vec!["--help"], vec!["heat", "relax"]),
        (vec!["relax", "--help"], vec!["--rhs", "--omega", "--out", "multicolour", "Exit codes", "Ctrl-C"]),
        (vec!["heat", "--help"], vec!["--policy", "instance-optimal", "--plot", "Exit codes"]),
        (vec!["--version"], vec!["southwell", env!("CARGO_PKG_VERSION")]),
    ] {
        let told = southwell(&arguments);
        assert_eq!(told.code, 0);
        assert!(words.iter().all(|word| told.out.contains(word)), "{}", told.out);
    }
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(3));
    for arguments in [
        vec!["relax", matrix.as_str()],
        vec!["relax", matrix.as_str(), "--json"],
        vec!["relax", matrix.as_str(), "--max-iterations", "1"],
        vec!["relax", "missing.mtx"],
        vec!["heat", "--grid", "5", "--steps", "5"],
    ] {
        let expected = southwell(&arguments).code;
        let mut child = command(&arguments).spawn().expect("the binary runs");
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().expect("an end").code(), Some(expected), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(3));
    refused(1, &["relax", &matrix, "--out", "/dev/full"], &["/dev/full"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    let told: Told = command(&["relax", &matrix]).stdout(full).output().expect("the binary runs").into();
    assert_eq!(told.code, 1);
    assert!(told.err.contains("standard output"), "{}", told.err);
}

#[cfg(unix)]
mod interrupted {
    use std::process::Child;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::*;

    fn interrupt(child: &Child) {
        let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Starts a run that would take very long and interrupts it, later if it had not begun.
    fn interrupted(arguments: &[&str], begun: impl Fn(&Told) -> bool) -> Told {
        for wait in [300, 1000, 3000, 9000] {
            let mut child = command(arguments).spawn().expect("the binary runs");
            sleep(Duration::from_millis(wait));
            assert!(child.try_wait().expect("a child").is_none(), "{arguments:?} ended by itself");
            interrupt(&child);
            let start = Instant::now();
            let output = child.wait_with_output().expect("an end");
            assert!(start.elapsed() < Duration::from_secs(60));
            if output.status.code().is_none() {
                continue; // The signal came before the handler.
            }
            let told = Told::from(output);
            if begun(&told) {
                return told;
            }
        }
        panic!("{arguments:?} never began");
    }

    #[test]
    fn relax_writes_what_it_has() {
        let folder = Folder::new();
        let (matrix, x) = (folder.write("A.mtx", grid(150)), folder.path("x.npy"));
        let arguments = [
            "relax",
            &matrix,
            "--method",
            "sor",
            "--omega",
            "0.01",
            "--tolerance",
            "1e-12",
            "--out",
            &x,
            "--json",
        ];
        let steps = |told: &Told| {
            let document: Value = serde_json::from_str(&told.out).expect("one JSON document");
            document["iterations"].as_u64().expect("a number")
        };
        let told = interrupted(&arguments, |told| steps(told) > 0);
        assert_eq!((told.code, told.err.as_str()), (130, ""));
        let document: Value = serde_json::from_str(&told.out).expect("one JSON document");
        assert_eq!(document["status"], "stopped");
        let claimed = document["relative_residual"].as_f64().expect("a number");
        let recomputed = relative_residual(&matrix, None, &x);
        assert!(recomputed < 1.0 && (claimed / recomputed - 1.0).abs() < 1e-9, "{claimed} {recomputed}");
    }

    #[test]
    fn heat_prints_what_is_finished() {
        let arguments = [
            "heat",
            "--grid",
            "12",
            "--steps",
            "40",
            "--policy",
            "cg",
            "--policy",
            "auto",
            "--tolerance",
            "1e-8",
        ];
        assert_eq!(southwell(&arguments).code, 0);
        let long = ["heat", "--grid", "600", "--steps", "100000", "--policy", "auto"];
        let told = interrupted(&long, |_| true);
        assert_eq!((told.code, told.out.as_str()), (130, ""));
        assert_eq!(told.err, "interrupted: 0 of 1 policies finished\n");
        let survey = ["heat", "--grid", "300", "--steps", "100000", "--json"];
        let told = interrupted(&survey, |_| true);
        assert_eq!((told.code, told.out.as_str(), told.err.as_str()), (130, "", ""));
    }

    #[test]
    fn a_second_signal_ends_the_process_at_once() {
        let long = ["heat", "--grid", "4096", "--steps", "100000", "--policy", "cg"];
        for wait in [500, 2000, 8000] {
            let mut child = command(&long).spawn().expect("the binary runs");
            sleep(Duration::from_millis(wait));
            interrupt(&child);
            sleep(Duration::from_millis(100));
            if child.try_wait().expect("a child").is_none() {
                interrupt(&child);
            }
            let code = child.wait().expect("an end").code();
            if code.is_some() {
                assert_eq!(code, Some(130));
                return;
            }
        }
        panic!("no run was begun");
    }
}

/// Over ranks there is nothing to run without MPI: the message says what to build, and nothing is read.
#[test]
#[cfg(not(feature = "mpi"))]
fn without_mpi_a_cluster_is_refused_with_what_to_build() {
    for words in [
        &["heat"][..],
        &["relax", "nowhere.mtx"],
        &["transport", "--cost", "nowhere.npy"],
        &["descend", "nowhere.npz"],
        &["recover", "nowhere.npz", "--rank", "1"],
    ] {
        let told = southwell(&[words, &["--cluster"]].concat());
        assert_eq!((told.code, told.out.as_str()), (1, ""), "{words:?}: {}", told.err);
        assert!(told.err.contains("--features mpi") && told.err.contains("libopenmpi-dev"), "{}", told.err);
        assert_eq!(told.err.lines().count(), 1, "{}", told.err);
    }
}
