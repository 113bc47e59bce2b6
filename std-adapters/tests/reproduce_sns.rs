//! `southwell reproduce sns`: the reference values, fewer Newton steps than were published, and the plots.
//! `southwell reproduce bcd` on the small twins of its data.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

#[test]
fn the_published_comparison() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sns-{}", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
    let output = command
        .args(["reproduce", "sns", "--json", "--out"])
        .arg(&folder)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let number = |value: &Value| value.as_f64().expect("a number");
    let cases = document["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let (reference, published) = (&case["reference"], &case["published"]);
        for run in case["runs"].as_array().expect("runs") {
            assert!(run["status"] == "converged" && number(&run["marginal_error"]) < 1.02e-10, "{run}");
            assert!((number(&run["dual"]) - number(&reference["dual"])).abs() < 1e-10, "{run} {reference}");
            assert!((number(&run["cost"]) - number(&reference["cost"])).abs() < 1e-8, "{run} {reference}");
            assert!(number(&run["gap"]).abs() < 1e-10, "{run}");
            let plain = number(&reference["sinkhorn_iterations"]);
            match run["method"].as_str() {
                // Ours counts the columns' error as well, which is rounding.
                Some("sinkhorn") => assert!((number(&run["iterations"]) / plain - 1.0).abs() < 0.01, "{run}"),
                Some("auto") => assert!(number(&run["work"]) <= plain / 5.0, "{run}"),
                Some("newton-sparse") if published.is_object() => assert!(
                    number(&run["newton_steps"]) <= number(&published["sns_newton_steps"])
                        && number(&run["iterations"]) <= number(&published["sns_first_iterations"]),
                    "{run} {published}"
                ),
                _ => {}
            }
        }
    }
    let plots = std::fs::read_dir(&folder).expect("the directory").map(|file| file.expect("a file").path());
    let plots: Vec<String> = plots.map(|file| std::fs::read_to_string(file).expect("text")).collect();
    assert!(plots.len() == 6 && plots.iter().all(|plot| plot.contains("newton-sparse")));
    std::fs::remove_dir_all(&folder).expect("tidy");
}

fn bcd(arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
    command.args(["reproduce", "bcd", "--json"]).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("the binary runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// The reference runs on small twins after 100 steps, to 1 %: the same as those of the library's own tests, from other
/// code for the data.
#[test]
fn block_coordinate_descent() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bcd-{}", std::process::id()));
    let plots = folder.to_str().expect("a plain path");
    let document = bcd(&["--small", "--steps", "200", "--figure", "4", "--figure", "6", "--out", plots]);
    let rows = document["rows"].as_array().expect("rows");
    for (set, size, name, expected) in [
        ("A", 5, "cyclic FB", 4.06e4),
        ("A", 20, "GSL FB", 2.10e3),
        ("A", 20, "GSL VB", 150.0),
        ("B", 5, "random FB", 42.9),
        ("B", 20, "GS VB", 13.7),
        ("C", 5, "GSL FB", 204.0),
        ("D", 20, "GS FB", 6.79e7),
        ("E", 5, "cyclic FB", 137.0),
        ("D", 0, "combs", 3.40e2),
        ("D", 0, "red-black", 6.67e4),
        ("E", 0, "trees by L", 1.22e-1),
        ("E", 0, "random forest", 9.97e-1),
    ] {
        let row =
            rows.iter().find(|row| row["set"] == set && row["block_size"] == size && row["name"] == name);
        let found = row.unwrap_or_else(|| panic!("{set} {name}"))["off"][1].as_f64().expect("a number");
        assert!((found / expected - 1.0).abs() < 0.011, "{set} {size} {name}: {found:e} for {expected:e}");
    }
    assert_eq!(std::fs::read_dir(&folder).expect("the directory").count(), 7);
    std::fs::remove_dir_all(&folder).expect("tidy");
    let document = bcd(&["--small", "--steps", "300", "--figure", "7"]);
    let rows = document["rows"].as_array().expect("rows");
    let metric = rows.iter().find(|row| row["name"] == "TMP VB" && row["block_size"] == 5).expect("a row");
    let steps: Vec<u64> =
        metric["steps"].as_array().expect("steps").iter().filter_map(Value::as_u64).collect();
    assert!(
        steps.len() == 3 && steps.iter().zip([73, 253, 64]).all(|(a, b)| a.abs_diff(b) <= 10),
        "{metric}"
    );
}
