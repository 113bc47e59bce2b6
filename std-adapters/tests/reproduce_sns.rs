//! `southwell reproduce sns`: the reference values, fewer Newton steps than were published, and the plots.

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
