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
    let document = bcd(&["--small", "--steps", "100", "--figure", "4", "--figure", "6", "--out", plots]);
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

/// What the paper's figures show, on the small twins: which rule, partition or update is ahead after 500 steps.
#[test]
fn rankings_of_block_coordinate_descent() {
    let small = |arguments: &[&str]| {
        let document = bcd(&[&["--small"], arguments].concat());
        let rows = document["rows"].as_array().expect("rows").clone();
        move |set: &str, size: u64, name: &str| -> f64 {
            let row = rows
                .iter()
                .find(|row| row["set"] == set && row["block_size"] == size && row["name"] == name)
                .unwrap_or_else(|| panic!("{set} {size} {name}"));
            row["last"].as_f64().expect("a number")
        }
    };
    // Sorted blocks with the rules that know scales; on the lattice, where all scales are alike, any blocks.
    let last = small(&["--figure", "10", "--set", "A", "--set", "B", "--set", "D"]);
    let arms =
        ["GS", "GSD", "GSL"].map(|rule| ["sort", "order", "average"].map(|kind| format!("{rule} {kind}")));
    for size in [5, 20] {
        let of = |set: &str| arms.concat().iter().map(|arm| last(set, size, arm)).collect::<Vec<f64>>();
        for set in ["A", "B"] {
            let best = of(set).into_iter().fold(f64::INFINITY, f64::min);
            for arm in ["GSL sort", "GSD sort"] {
                assert!(last(set, size, arm) <= 1.5 * best, "{set} {size} {arm}");
            }
            assert!(last(set, size, "GS sort") > 1.5 * best, "{set} {size}");
        }
        let (low, high) = of("D")
            .into_iter()
            .fold((f64::INFINITY, 0.0_f64), |(low, high), off| (low.min(off), high.max(off)));
        assert!(high <= 1.1 * low, "{size}: {low} {high}");
    }
    assert!(last("A", 5, "GSD average") > 100.0 * last("A", 5, "GSL average"));
    // Constants by trial where the bounds are loose, and Newton steps: the better the rule knows the curvature, the better.
    let last = small(&["--figure", "9", "--figure", "12", "--set", "B"]);
    for rule in ["cyclic", "GSL"] {
        let [bound, trial] = ["Lb", "LA"].map(|kind| last("B", 20, &format!("{rule} {kind}")));
        assert!(trial < 0.5 * bound, "{rule}: {trial} {bound}");
    }
    for size in [5, 20] {
        let [gs, gsd, gsq] = ["GS VB", "GSD VB", "GSQ VB"].map(|arm| last("B", size, arm));
        assert!(gsq < 0.1 * gsd && gsd < 0.1 * gs, "{size}: {gs} {gsd} {gsq}");
    }
    // Greedy before all others, and the larger the blocks, the more is gained by choosing their variables.
    let last = small(&["--figure", "4", "--set", "A", "--set", "E"]);
    for size in [5, 20] {
        let others = ["cyclic FB", "random FB", "Lipschitz FB", "random VB"].map(|arm| last("A", size, arm));
        let other = others.into_iter().fold(f64::INFINITY, f64::min);
        let [fixed, variable] = ["GSL FB", "GSL VB"].map(|arm| last("A", size, arm));
        assert!(fixed.min(variable) < 0.02 * other, "{size}: {variable} {fixed} {other}");
        assert!(size == 5 || variable < 0.01 * fixed, "{size}: {variable} {fixed}");
    }
    for blocks in ["FB", "VB"] {
        let [gs, gsl] = ["GS", "GSL"].map(|rule| last("E", 20, &format!("{rule} {blocks}")));
        assert!((gs / gsl - 1.0).abs() < 0.1, "{blocks}: {gs} {gsl}");
    }
}
