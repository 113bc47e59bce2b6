//! `southwell balance`, run as its users run it, and what it writes.

use std::fs;

use serde_json::Value;
use southwell_std::files::{matrix_market, npy, npz};

use crate::{Folder, document, random, run};

fn southwell(arguments: &[&str]) -> (i32, String, String) {
    run("balance", arguments)
}

fn json(arguments: &[&str]) -> (i32, Value) {
    document("balance", &[arguments, &["--json"]].concat())
}

#[test]
fn the_reference_matrix_by_every_method() {
    let folder = Folder::new();
    let values = random(5, 10_000);
    let plain = folder.matrix("m.npy", 100, 100, &values);
    let both: Vec<f64> = (0..10_000).map(|k| values[k] + values[k % 100 * 100 + k / 100]).collect();
    let both = folder.matrix("both.npy", 100, 100, &both);
    for (matrix, method, tolerance, steps) in [
        (&plain, "sinkhorn-knopp", "1e-12", 6),
        (&both, "symmetric", "2e-12", 38),
        (&both, "ruiz", "1e-10", 30),
    ] {
        let (scalings, out) = (folder.path("xy.npz"), folder.path("out.npy"));
        let (code, found) = json(&[
            matrix,
            "--method",
            method,
            "--tolerance",
            tolerance,
            "--scalings",
            &scalings,
            "--out",
            &out,
        ]);
        assert_eq!((code, &found["status"], &found["iterations"]), (0, &"converged".into(), &steps.into()));
        assert_eq!((&found["rows"], &found["entries"]), (&100.into(), &10_000.into()));
        let [x, y] = npz::read(&scalings, ["x", "y"]).expect("an archive");
        let scaled = npy::read_matrix(&out).expect("a matrix");
        let read = npy::read_matrix(matrix).expect("the input");
        for (k, (p, a)) in scaled.values.iter().zip(&read.values).enumerate() {
            assert_eq!(*p, a * (x[k / 100] * y[k % 100]));
        }
        let line = |i: usize| scaled.values[i * 100..(i + 1) * 100].iter();
        for i in 0..100 {
            let most = line(i).fold(0.0, |most: f64, p| most.max(*p));
            let norm = if method == "ruiz" { most } else { line(i).sum() };
            assert!((norm - 1.0).abs() < 1e-9, "{method} {i} {norm}");
        }
    }
}

#[test]
fn sparse_in_and_out_and_a_plot() {
    let folder = Folder::new();
    let trips = folder.write(
        "trips.mtx",
        "%%MatrixMarket matrix coordinate real general\n2 3 5\n1 1 4\n1 2 1\n2 1 2\n2 2 3\n2 3 5\n",
    );
    let (rows, columns) = (folder.vector("r.npy", &[3.0, 7.0]), folder.vector("c.npy", &[2.0, 3.0, 5.0]));
    let (out, dense, plot) = (folder.path("out.mtx"), folder.path("out.npy"), folder.path("curve.svg"));
    for out in [&out, &dense] {
        let (code, text, err) = southwell(&[
            &trips,
            "--rows",
            &rows,
            "--columns",
            &columns,
            "--out",
            out,
            "--plot",
            &plot,
            "--quiet",
        ]);
        assert_eq!((code, err.as_str()), (0, ""), "{text}");
        assert!(text.starts_with("converged after ") && text.contains("2 × 3, 5 entries"), "{text}");
    }
    let scaled = matrix_market::read(&out).and_then(|m| m.into_sparse()).expect("a sparse matrix");
    assert_eq!(scaled.column_indices, [0, 1, 0, 1, 2]);
    let v = &scaled.values;
    assert!((v[0] + v[1] - 3.0).abs() < 1e-8 && (v[2] + v[3] + v[4] - 7.0).abs() < 1e-8, "{v:?}");
    assert!((v[0] + v[2] - 2.0).abs() < 1e-8 && (v[4] - 5.0).abs() < 1e-8, "{v:?}");
    let full = npy::read_matrix(&dense).expect("a matrix");
    assert_eq!(full.values, [v[0], v[1], 0.0, v[2], v[3], v[4]]);
    assert!(fs::read_to_string(&plot).expect("a plot").contains("<svg"));
}

#[test]
fn what_cannot_be_balanced_says_so() {
    let folder = Folder::new();
    let arrow = folder.matrix("arrow.npy", 3, 3, &[0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    let scalings = folder.path("xy.npz");
    for method in ["sinkhorn-knopp", "symmetric", "ruiz-sum"] {
        let (code, found) = json(&[&arrow, "--method", method, "--scalings", &scalings]);
        assert_eq!((code, &found["status"]), (3, &"no-support".into()), "{method}");
        let [x, y] = npz::read(&scalings, ["x", "y"]).expect("the best scalings are written");
        assert!(x.iter().chain(&y).all(|s| s.is_finite() && *s > 0.0));
    }
    let (code, _, err) = southwell(&[&arrow]);
    assert!(code == 3 && err.starts_with("hint: no scaling has these sums"), "{code} {err}");
    let triangle = folder.matrix("triangle.npy", 2, 2, &[1.0, 1.0, 0.0, 1.0]);
    let (code, found) = json(&[&triangle, "--max-iterations", "100"]);
    assert_eq!((code, &found["status"]), (3, &"step-limit".into()));
}

#[test]
fn refusals_name_file_and_line() {
    let folder = Folder::new();
    let refused = |arguments: &[&str], expected: &str| {
        let (code, out, err) = southwell(arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.starts_with("error: ") && err.contains(expected), "{err}");
    };
    let wide = folder.matrix("wide.npy", 2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    refused(&[&wide], "wide.npy: the matrix is 2 × 3, and only a square one");
    refused(&[&wide, "--method", "ruiz-sum"], "needs a square one");
    let signs = folder
        .write("signs.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 4\n2 1 2\n2 2 -3\n");
    refused(&[&signs], "signs.mtx: the entry in row 2 and column 2 is negative");
    let (code, ..) = southwell(&[&signs, "--method", "ruiz", "--quiet"]);
    assert_eq!(code, 0, "signs do not matter");
    refused(&[&folder.path("none.mtx")], "none.mtx");
    let empty = folder.matrix("empty.npy", 2, 2, &[1.0, 0.0, 1.0, 0.0]);
    refused(&[&empty], "empty.npy: column 2 has no entry");
    let skew = folder.matrix("skew.npy", 2, 2, &[1.0, 2.0, 3.0, 4.0]);
    refused(&[&skew, "--method", "symmetric"], "row 1 and column 2 differs from its mirror image");
    let (two, three) = (folder.vector("two.npy", &[1.0, 1.0]), folder.vector("three.npy", &[1.0; 3]));
    refused(&[&wide, "--rows", &two, "--columns", &three], "three.npy: the mass of `c` must equal");
    refused(&[&wide, "--rows", &three, "--columns", &two], "three.npy: `r` has length 3");
    refused(&[&wide, "--method", "ruiz", "--rows", &two, "--columns", &three], "asks for norms of 1");
    refused(&[&skew, "--out", &skew], "this is an input of the run");
    refused(&[&skew, "--out", &folder.path("out.txt")], "name a .mtx or a .npy file");
    let (code, ..) = southwell(&[&wide, "--rows", &two]);
    assert_eq!(code, 2, "rows without columns");
    assert_eq!(southwell(&[&skew, "--tolerance", "0"]).0, 2);
}
