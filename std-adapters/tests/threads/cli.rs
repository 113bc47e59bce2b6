//! `--device`, through the built binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn southwell(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_southwell")).args(arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// What a JSON document says of a key, as it is written.
fn value(output: &Output, key: &str) -> String {
    let text = text(&output.stdout);
    let line = text.lines().find(|line| line.trim_start().starts_with(&format!("\"{key}\":")));
    let line = line.unwrap_or_else(|| panic!("no {key} in {text} {:?}", output.stderr));
    line.split_once(':').map(|(_, value)| value.trim().trim_end_matches(',').to_owned()).unwrap_or_default()
}

fn data(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect();
    path.to_str().expect("text").to_owned()
}

fn place(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("threads-{name}"));
    path.to_str().expect("text").to_owned()
}

#[test]
fn relax_gives_the_same_on_any_number_of_threads() {
    let matrix = data("nos3.mtx");
    for method in ["red-black", "multicolour", "ssor-cg", "cg"] {
        let solve = |device: &str| {
            let out = place(&format!("{method}-{}.npy", device.replace(':', "-")));
            let limit = "--max-iterations=300";
            let arguments =
                ["relax", &matrix, "--method", method, limit, "--json", "--out", &out, "--device", device];
            let output = southwell(&arguments);
            assert_eq!(value(&output, "device"), format!("\"{device}\""));
            (value(&output, "relative_residual"), std::fs::read(&out).expect("x was written"))
        };
        let two = solve("threads:2");
        assert_eq!(two, solve("threads:3"), "{method}");
        assert_eq!(two, solve("threads:1"), "{method}");
        if method == "cg" {
            assert_eq!(two.1, solve("cpu").1);
        }
    }
}

#[test]
fn transport_and_descend_give_the_same_as_one_thread() {
    let cost = place("cost.npy");
    let entries: Vec<f64> = (0..200 * 300).map(|k| f64::from(k % 977 * (k % 977) % 1009) / 1009.0).collect();
    southwell_std::files::npy::write_matrix(Path::new(&cost), 200, 300, &entries).expect("a file");
    for method in ["auto", "log", "sinkhorn"] {
        let solve = |device: &str| {
            let device = format!("--device={device}");
            let output = southwell(&["transport", "--cost", &cost, "--method", method, "--json", &device]);
            assert!(output.status.success(), "{}", text(&output.stderr));
            ["cost", "gap", "iterations"].map(|key| value(&output, key))
        };
        assert_eq!(solve("cpu"), solve("threads:3"), "{method}");
        assert_eq!(solve("cpu"), solve("auto"), "{method}");
    }
    let samples = place("samples.svm");
    let a: Vec<f64> = (0..40 * 900).map(|k| f64::from(k % 977 * (k % 977) % 1009) / 500.0 - 1.0).collect();
    let line = |row: &[f64]| {
        let entries: Vec<String> = (1..).zip(row).map(|(j, a)| format!("{j}:{a}")).collect();
        format!("{} {}\n", row[3] - 2.0 * row[77], entries.join(" "))
    };
    std::fs::write(&samples, a.chunks(900).map(line).collect::<String>()).expect("a file");
    let fit = |device: &str| {
        let output = southwell(&["descend", &samples, "--json", "--device", device]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        ["objective", "gap", "nonzeros", "steps"].map(|key| value(&output, key))
    };
    assert_eq!(fit("cpu"), fit("threads:2"));
}

#[test]
fn fits_do_not_depend_on_the_number_of_threads() {
    let table = place("table.csv");
    let n = 3000;
    let noise = super::noise::<f64>(5, 4 * n);
    let line = |row: &[f64]| {
        let outlier = if row[3] > 0.8 { 50.0 } else { 0.0 };
        format!("{},{},{}\n", row[0], row[1], 1.0 + 2.0 * row[0] - 3.0 * row[1] + 0.1 * row[2] + outlier)
    };
    std::fs::write(&table, noise.chunks(4).map(line).collect::<String>()).expect("a file");
    for loss in ["lad", "quantile:0.8"] {
        // A few steps, which threads on busy cores need not wait for one another long in.
        let fit = |device: &str| {
            let limit = "--max-iterations=30";
            let output = southwell(&["fit", &table, "--loss", loss, limit, "--json", "--device", device]);
            let differs = |line: &&str| !line.contains("\"seconds\"") && !line.contains("\"device\"");
            let found = text(&output.stdout).lines().filter(differs).map(str::to_owned).collect::<Vec<_>>();
            (found, value(&output, "device"), value(&output, "objective").parse::<f64>().expect("a number"))
        };
        let two = fit("threads:2");
        assert_eq!(two.1, "\"threads:2\"");
        assert_eq!(two.0, fit("threads:1").0, "{loss}");
        let alone = fit("cpu");
        assert!((two.2 - alone.2).abs() <= 1e-9 * alone.2, "{loss}: {} {}", two.2, alone.2);
        // Too small to share out.
        assert_eq!(fit("auto").0, alone.0);
    }
}

#[test]
fn heat_tries_arms_side_by_side_and_counts_the_same() {
    let counts = |grid: &str, steps: &str, device: &str| {
        let output = southwell(&["heat", grid, steps, "--json", "--device", device]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(value(&output, "device"), format!("\"{device}\""));
        let differs = |line: &&str| !line.contains("\"seconds\"") && !line.contains("\"device\"");
        text(&output.stdout).lines().filter(differs).map(str::to_owned).collect::<Vec<_>>()
    };
    // Small grids; and one whose products are shared out.
    for (grid, steps) in [("--grid=24", "--steps=6"), ("--grid=190", "--steps=2")] {
        let alone = counts(grid, steps, "cpu");
        assert!(alone.iter().filter(|line| line.contains("\"iterations\"")).count() == 8);
        assert_eq!(alone, counts(grid, steps, "threads:1"));
        assert_eq!(alone, counts(grid, steps, "threads:3"));
    }
}

#[test]
fn devices_that_cannot_be_are_refused() {
    let matrix = data("1138_bus.mtx");
    let refused = |arguments: &[&str], code: i32, words: &[&str]| {
        let output = southwell(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(output.stdout.is_empty() && words.iter().all(|word| said.contains(word)), "{said}");
    };
    refused(&["relax", &matrix, "--device", "threads:0"], 2, &["--device", "zero threads"]);
    refused(&["relax", &matrix, "--device", "cuda"], 2, &["there is no device `cuda`"]);
    refused(&["relax", &matrix, "--device", "threads:9999"], 1, &["--device", "4096 or fewer"]);
    refused(
        &["relax", &matrix, "--device", "threads", "--method", "sor"],
        1,
        &["method", "red-black", "in order"],
    );
    refused(&["balance", "a.mtx", "--device", "threads:2"], 1, &["balance runs on one thread"]);
    refused(&["heat", "--cluster", "--device", "threads:2"], 1, &["heat --cluster runs on one thread"]);
}

/// (Where tests are built with support, the binary's own say so.)
#[test]
#[cfg(not(feature = "gpu"))]
fn a_graphics_processor_needs_the_feature() {
    let output = southwell(&["relax", &data("nos3.mtx"), "--device", "gpu"]);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("--features gpu"), "{said}");
}
