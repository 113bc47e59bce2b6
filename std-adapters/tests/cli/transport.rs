//! `southwell transport`, run as its users run it, and the archives that it writes.

use std::fs;

use serde_json::Value;
use southwell_std::files::{DenseMatrix, npy, npz};
use southwell_std::owned::{Costs, Coupler, Precision, Solving, Transport};

use crate::{Folder, document, random, run};

fn southwell(arguments: &[&str]) -> (i32, String, String) {
    run("transport", arguments)
}

fn json(arguments: &[&str]) -> (i32, Value) {
    document("transport", &[arguments, &["--json"]].concat())
}

#[test]
fn the_reference_assignment_by_every_method() {
    let folder = Folder::new();
    let cost = folder.matrix("c.npy", 500, 500, &random(1, 250_000));
    for method in ["auto", "sinkhorn", "log", "over-relaxed", "over-relaxed-log", "newton-sparse", "greedy"] {
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
            "greedy" => assert!(number("kernel_reads") < 200.0, "{found}"),
            "newton-sparse" => assert!(number("newton_steps") >= 1.0, "{found}"),
            _ => assert!(number("kernel_reads") < 60.0, "{found}"),
        }
    }
}

/// The run ends where the certificate says that no coupling is better by more than was asked for.
#[test]
fn to_a_certified_gap() {
    let folder = Folder::new();
    let cost = folder.matrix("c.npy", 200, 200, &random(4, 40_000));
    let problem = ["--cost", &cost, "--epsilon", "0.004"];
    let number = |found: &Value, key: &str| found[key].as_f64().expect("a number");
    for method in ["auto", "sinkhorn", "log", "over-relaxed", "over-relaxed-log", "newton-sparse", "greedy"] {
        let (code, rough) = json(&[&problem[..], &["--method", method, "--gap", "1e-3"]].concat());
        assert_eq!((code, &rough["status"]), (0, &"converged".into()), "{method} {rough}");
        let (code, fine) = json(&[&problem[..], &["--method", method, "--gap", "1e-7"]].concat());
        assert_eq!((code, &fine["test"]), (0, &"gap".into()), "{method} {fine}");
        assert!(number(&rough, "gap") <= 1e-3 && number(&fine, "gap") <= 1.001e-7, "{method} {rough} {fine}");
        assert!(number(&rough, "kernel_reads") <= number(&fine, "kernel_reads"), "{method} {rough} {fine}");
    }
    let both = ["--gap", "1e-3", "--tolerance", "1e-8"];
    let (code, found) = json(&[&problem[..], &both].concat());
    assert_eq!((code, &found["test"]), (0, &"gap and marginals".into()), "{found}");
    assert!(number(&found, "marginal_error") <= 1.01e-8, "{found}");
    for (arguments, code, part) in
        [(&["--gap", "-1"][..], 1, "positive"), (&["--gap", "1", "--unbalanced", "1"], 2, "unbalanced")]
    {
        let (found, _, error) = southwell(&[&problem[..], arguments].concat());
        assert!(found == code && error.contains(part), "{error}");
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
    // The column without mass has the potential −∞: no vector, but a potential, and a start.
    assert!(npz::read(&fg, ["f"]).is_ok() && npz::read(&fg, ["g"]).is_err());
    let [f, g] = npz::read_potentials(&fg, ["f", "g"]).expect("an archive");
    assert!(f.iter().all(|f| f.is_finite()) && g[1] == f64::NEG_INFINITY, "{f:?} {g:?}");
    let (code, again) = json(&[&inputs[..], &["--warm-start", &fg]].concat());
    assert_eq!((code, &again["iterations"]), (0, &0.into()), "{again}");
    // Where there is mass now, the run begins at 0.
    let (code, found) = json(&["--cost", &cost, "--epsilon", "0.5", "--warm-start", &fg]);
    assert_eq!((code, &found["status"]), (0, &"converged".into()), "{found}");
    let [nan, short] = [folder.path("nan.npz"), folder.path("short.npz")];
    npz::write(&nan, &[("f", &[0.0, f64::NAN]), ("g", &[0.0; 3])]).expect("an archive");
    npz::write(&short, &[("f", &[0.0]), ("g", &[0.0; 3])]).expect("an archive");
    for (archive, what) in [(&nan, "nan.npz"), (&short, "short.npz")] {
        let (code, _, err) = southwell(&["--cost", &cost, "--warm-start", archive]);
        assert!(code == 1 && err.contains(what), "{code} {err}");
    }
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

/// The curve of a plot has as many readings as the report; a turn of `Auto` may begin one late.
#[test]
fn readings_are_counted_as_the_run_goes() {
    let costs = Costs::Matrix(DenseMatrix { rows: 60, columns: 60, values: random(1, 3600) });
    let transport = Transport::new(costs, vec![1.0 / 60.0; 60], vec![1.0 / 60.0; 60]);
    for coupler in
        [Coupler::Auto, Coupler::Sinkhorn, Coupler::Log, Coupler::OverRelaxed, Coupler::NewtonSparse]
    {
        for precision in [Precision::Double, Precision::Single] {
            let mut shown = vec![];
            let mut look = |progress: &southwell::Progress<f64>| {
                shown.push(progress.residual.expect("a look at every step"));
                std::ops::ControlFlow::Continue(())
            };
            let solving = Solving::with(coupler, precision);
            // Iterations alone would go on to their limit, a hundred thousand readings.
            let hard = matches!(coupler, Coupler::Auto | Coupler::NewtonSparse);
            let epsilon = if hard && precision == Precision::Double { 1e-3 } else { 1e-2 };
            let found = transport.solve(epsilon, &solving, None, &mut look).expect("a problem");
            let (reads, residual) = *found.curve.last().expect("a curve");
            let missed = f64::from(found.kernel_reads) - reads;
            assert!((0.0..=2.0).contains(&missed), "{coupler:?} {reads} {}", found.kernel_reads);
            assert!(coupler == Coupler::Auto || missed == 0.0, "{coupler:?} {missed}");
            assert_eq!(residual, found.report.residual);
            assert_eq!(found.curve.iter().map(|point| point.1).collect::<Vec<_>>(), shown);
        }
    }
}

#[test]
fn single_precision() {
    let folder = Folder::new();
    let cost = folder.matrix("c.npy", 100, 100, &random(1, 10_000));
    let (_, exact) = json(&["--cost", &cost, "--tolerance", "1e-12"]);
    for method in ["auto", "sinkhorn", "log", "over-relaxed", "over-relaxed-log", "newton-sparse", "greedy"] {
        let (code, found) = json(&["--cost", &cost, "--precision", "f32", "--method", method]);
        assert_eq!((code, &found["precision"]), (0, &"f32".into()), "{method} {found}");
        let number = |key: &str| found[key].as_f64().expect("a number");
        assert_eq!(number("tolerance"), 1e-5);
        // Costs and potentials are rounded to one part in 2²⁴, which is a hundred times that in P.
        assert!(number("residual") <= 1e-5 && number("marginal_error") <= 5e-5, "{method} {found}");
        let dual = exact["dual"].as_f64().expect("a number");
        assert!((number("dual") - dual).abs() < 1e-7 && number("gap") >= 0.0, "{method} {found} {exact}");
    }
}

/// The spec's digits at a price; core's tests count the steps.
#[test]
fn masses_that_differ() {
    const DIGITS: [&str; 2] = [
        "005d910000dfaf5003f20b8004c008800580098004b01c7002e5ac00006da000",
        "000cd500000bg900003fg60007fgg200001gg300001gg600001gg600000bga00",
    ];
    let folder = Folder::new();
    let mass = |text: &str| -> Vec<f64> {
        let pixels = text.chars().map(|c| f64::from(c.to_digit(17).expect("a digit")));
        pixels.map(|x| (x + 0.16) / 100.0).collect()
    };
    let (a, b) = (folder.vector("a.npy", &mass(DIGITS[0])), folder.vector("b.npy", &mass(DIGITS[1])));
    let apart = |i: usize, j: usize| (i as f64 - j as f64).powi(2);
    let cost = (0..64 * 64).map(|k| (k / 64, k % 64)).map(|(i, j)| apart(i / 8, j / 8) + apart(i % 8, j % 8));
    let cost: Vec<f64> = cost.map(|c| c / 98.0).collect();
    let cost = folder.matrix("c.npy", 64, 64, &cost);
    for (rho, value, moved) in [("0.1", -0.115_740_609_1, 3.539_145_7), ("1", -0.104_647_788_1, 3.173_854_6)]
    {
        let inputs = ["--cost", &cost, "--a", &a, "--b", &b, "--epsilon", "0.01", "--unbalanced", rho];
        let (code, found) = json(&[&inputs[..], &["--tolerance", "1e-10"]].concat());
        assert_eq!((code, &found["status"]), (0, &"converged".into()), "{found}");
        let number = |key: &str| found[key].as_f64().expect("a number");
        assert!((number("dual") - value).abs() < 1e-9 && (number("mass") - moved).abs() < 1e-6, "{found}");
        assert!(number("gap").abs() < 1e-12, "{found}");
        let (code, found) = json(&[&inputs[..], &["--precision", "f32", "--method", "log"]].concat());
        assert_eq!(code, 0, "{found}");
        assert!((found["dual"].as_f64().expect("a number") - value).abs() < 1e-6, "{found}");
    }
    let (code, _, err) = southwell(&["--cost", &cost, "--a", &a, "--b", &b]);
    assert!(code == 1 && err.contains("mass"), "{err}");
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
        (&["--cost", &cost, "--unbalanced", "0"], "`unbalanced` must be positive"),
        (&["--cost", &cost, "--unbalanced", "inf"], "`unbalanced` must be positive and finite"),
        (&["--cost", &cost, "--unbalanced", "1", "--method", "greedy"], "`method` must be auto or log"),
        (&["--cost", &cost, "--epsilon", "1e-60", "--precision", "f32"], "`epsilon`"),
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
        &["--cost", &cost, "--method", "guess"],
        &["--cost", &cost, "--precision", "f16"],
    ] {
        assert_eq!(southwell(arguments).0, 2, "{arguments:?}");
    }
}
