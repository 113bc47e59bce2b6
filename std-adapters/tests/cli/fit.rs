//! `southwell fit`, run as its users run it.

use std::fs;

use serde_json::Value;
use southwell_std::files::{FileError, csv, npy};

use crate::{Folder, document, run};

const ENGEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/data/engel.csv");
const STACKLOSS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/data/stackloss.csv");

fn southwell(arguments: &[&str]) -> (i32, String, String) {
    run("fit", arguments)
}

fn json(arguments: &[&str]) -> (i32, Value) {
    document("fit", &[arguments, &["--json"]].concat())
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[track_caller]
fn close(found: &Value, expected: f64, relative: f64) {
    let found = number(found);
    assert!((found - expected).abs() <= relative * expected.abs(), "{found} is not {expected}");
}

#[test]
fn engels_food_expenditure_with_the_published_coefficients() {
    // Koenker & Bassett's lines, and the least losses by a linear program.
    let fits = [
        ("0.05", 124.880040, 0.34336106, 2174.317315318),
        ("0.10", 110.141574, 0.40176576, 3869.932161099),
        ("0.25", 95.483540, 0.47410321, 7082.315898974),
        ("0.50", 81.482247, 0.56018055, 8779.966323813),
        ("0.75", 62.396586, 0.64401414, 6529.250283894),
        ("0.90", 67.350872, 0.68629948, 3391.983711028),
        ("0.95", 64.103963, 0.70906852, 1900.244224506),
    ];
    for (q, a, b, least) in fits {
        let (code, found) = json(&[ENGEL, "--loss", &format!("quantile:{q}"), "--certify"]);
        assert_eq!((code, &found["status"]), (0, &"optimal".into()), "{q} {found}");
        close(&found["coefficients"][0], a, 1e-7);
        close(&found["coefficients"][1], b, 1e-7);
        close(&found["objective"], least, 1e-10);
        close(&found["lower_bound"], least, 1e-10);
        assert_eq!(found["names"], serde_json::json!(["intercept", "income"]));
        assert!(number(&found["iterations"]) < 500.0 && number(&found["seconds"]) >= 0.0);
    }
    let (_, lad) = json(&[ENGEL, "--loss", "lad"]);
    close(&lad["objective"], 2.0 * 8779.966323813, 1e-10);
}

#[test]
fn the_stack_loss_by_every_loss() {
    let (code, found) = json(&[STACKLOSS, "--loss", "lad", "--certify"]);
    assert_eq!((code, &found["status"]), (0, &"optimal".into()), "{found}");
    close(&found["objective"], 42.081159420, 1e-10);
    close(&found["coefficients"][0], -39.68985507, 1e-9);
    // A vertex at which more residuals vanish than there are columns.
    let (code, found) = json(&[STACKLOSS, "--loss", "quantile:0.25", "--certify"]);
    assert_eq!((code, &found["status"]), (0, &"optimal".into()), "{found}");
    close(&found["objective"], 16.625, 1e-12);
    let (code, found) = json(&[STACKLOSS, "--loss", "huber", "--certify"]);
    assert_eq!((code, &found["status"]), (0, &"converged".into()), "{found}");
    let gap = number(&found["objective"]) - number(&found["lower_bound"]);
    assert!((0.0..=1e-8 * number(&found["objective"])).contains(&gap), "{found}");
    assert!(number(&found["delta"]) > 1.0, "{found}");
}

/// A line with every third point far above it.
fn wrong_line() -> (Vec<f64>, Vec<f64>) {
    let t = |i: usize| (i as f64 * 0.37).sin() * 3.0;
    let a = (0..90).flat_map(|i| [1.0, t(i)]).collect();
    let lie = |i: usize| if i % 3 == 1 { 20.0 + (i % 7) as f64 } else { 0.0 };
    let y = (0..90).map(|i| 2.0 - 0.5 * t(i) + 0.01 * (i as f64 * 1.3).cos() + lie(i)).collect();
    (a, y)
}

#[test]
fn an_archive_refined_and_written() {
    let folder = Folder::new();
    let (a, y) = wrong_line();
    let data = folder.archive("data.npz", &[("A", &[y.len(), 2], &a), ("y", &[y.len()], &y)]);
    let (out, plot) = (folder.path("x.npy"), folder.path("steps.svg"));
    let (code, found) = json(&[&data, "--loss", "lad", "--refine", "--out", &out, "--plot", &plot]);
    assert_eq!(code, 0, "{found}");
    close(&found["coefficients"][0], 2.0, 2e-3);
    close(&found["coefficients"][1], -0.5, 2e-3);
    assert_eq!(found["refined"]["kept"], 60);
    let written = npy::read_vector(&out).expect("a vector");
    assert_eq!(serde_json::json!(written), found["coefficients"]);
    assert!(fs::read_to_string(&plot).expect("a plot").contains("<svg"));
    // Half as far from the truth as before, at least.
    let robust = number(&found["refined"]["robust_coefficients"][0]);
    assert!((robust - 2.0).abs() > 2.0 * (written[0] - 2.0).abs(), "{robust} {written:?}");
}

#[test]
fn columns_by_name_and_by_number() {
    let folder = Folder::new();
    let data = folder.write("data.csv", "y,t\n1,0\n3,1\n5,2\n 70 ,3\n9,4\n\n11,5\n");
    let (code, found) = json(&[&data, "--loss", "lad", "--target", "y"]);
    assert_eq!(code, 0, "{found}");
    close(&found["coefficients"][1], 2.0, 1e-9);
    let (_, again) = json(&[&data, "--loss", "lad", "--target", "1"]);
    assert_eq!(again["coefficients"], found["coefficients"]);
    let bare = folder.write("bare.csv", "1,2\n2,4\n3,6.5\n4,8\n");
    let (code, found) = json(&[&bare, "--loss", "lad", "--no-intercept"]);
    assert_eq!((code, &found["names"]), (0, &serde_json::json!(["x1"])), "{found}");
    close(&found["coefficients"][0], 2.0, 1e-12);
    let (code, out, _) = southwell(&[&bare, "--loss", "lad", "--quiet"]);
    assert!(code == 0 && out.starts_with("optimal after") && out.contains("intercept"), "{out}");
}

/// A weight is as many rows.
#[test]
fn a_column_of_weights() {
    let folder = Folder::new();
    let (mut weighed, mut repeated) = ("t,count,y\n".to_owned(), "t,y\n".to_owned());
    for i in 0..12_u32 {
        let (t, count) = (f64::from(i), i % 4);
        let y = 1.0 + 0.5 * t + f64::from(i * 7 % 5) / 8.0 + if i % 5 == 0 { 9.0 } else { 0.0 };
        weighed += &format!("{t},{count},{y}\n");
        (0..count).for_each(|_| repeated += &format!("{t},{y}\n"));
    }
    let (weighed, repeated) =
        (folder.write("weighed.csv", &weighed), folder.write("repeated.csv", &repeated));
    for loss in ["lad", "quantile:0.3", "huber"] {
        let (code, found) = json(&[&weighed, "--loss", loss, "--weights", "count"]);
        let (_, expected) = json(&[&repeated, "--loss", loss]);
        assert_eq!((code, &found["names"]), (0, &expected["names"]), "{found}");
        if loss != "huber" {
            assert!(
                (number(&found["objective"]) - number(&expected["objective"])).abs() < 1e-9,
                "{found} {expected}"
            );
        }
        let (_, numbered) = json(&[&weighed, "--loss", loss, "--weights", "2", "--target", "3"]);
        assert_eq!(numbered["coefficients"], found["coefficients"]);
    }
    for (arguments, part) in [
        (&["--weights", "mass"][..], "there is no column mass; there are t, count, y"),
        (&["--weights", "y", "--target", "y"], "cannot be fitted and weigh"),
    ] {
        let (code, _, error) = southwell(&[&[&weighed[..], "--loss", "lad"], arguments].concat());
        assert!(code == 1 && error.contains(part), "{error}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let folder = Folder::new();
    let refused = |content: &str, words: &str| {
        let data = folder.write("bad.csv", content);
        let (code, out, err) = southwell(&[&data, "--loss", "lad"]);
        assert_eq!(code, 1, "{err}");
        assert!(out.is_empty() && err.contains(words), "{err}");
    };
    refused("a,b\n1,2\n3,x\n", "line 3: column 2 is not a number");
    refused("a,b\n1,2\n3,4,5\n", "line 3: 3 columns where the first line has 2");
    refused("1,2\n3,inf\n", "line 2: column 2 is NaN or infinite");
    refused("a,b\n", "no line of numbers");
    refused("", "no line of numbers");
    let data = folder.write("good.csv", "1,2\n2,4\n3,7\n");
    for (arguments, code) in [
        (vec!["--loss", "median"], 2),
        (vec!["--loss", "quantile:1.5"], 2),
        (vec!["--loss", "lad", "--tolerance", "0"], 2),
        (vec!["--loss", "lad", "--target", "z"], 1),
        (vec!["--loss", "lad", "--ratio", "1.5"], 1),
        (vec!["--loss", "lad", "--out", &data], 1),
    ] {
        let (found, _, err) = southwell(&[&[data.as_str()], &arguments[..]].concat());
        assert!(found == code && !err.is_empty(), "{arguments:?} {found} {err}");
    }
    assert_eq!(southwell(&["missing.csv", "--loss", "lad"]).0, 1);
    assert_eq!(southwell(&["data.txt", "--loss", "lad"]).0, 1);
    let few = southwell(&[ENGEL, "--loss", "lad", "--max-iterations", "3"]);
    assert_eq!(few.0, 3, "{few:?}");
}

#[test]
fn tables_are_read_as_they_are() {
    let table = csv::parse("\"a\", b\r\n1e3,-2\r\n0.5,3\r\n".as_bytes()).expect("a table");
    assert_eq!(table.names, ["a", "b"]);
    assert_eq!((table.values.rows, table.values.columns), (2, 2));
    assert_eq!(table.values.values, [1000.0, -2.0, 0.5, 3.0]);
    assert!(matches!(csv::parse(&[0x31, 0x2c, 0xff, 0x0a][..]), Err(FileError::Csv { .. })));
}
