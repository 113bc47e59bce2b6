//! `southwell descend`, run as its users run it.

use std::fs;

use serde_json::Value;
use southwell_std::files::npy;

use crate::{Folder, document, run};

fn southwell(arguments: &[&str]) -> (i32, String, String) {
    run("descend", arguments)
}

fn json(arguments: &[&str]) -> (i32, Value) {
    document("descend", &[arguments, &["--json", "--quiet"]].concat())
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

const DIABETES: &str = include_str!("../data/diabetes.csv");
const CANCER: &str = include_str!("../data/breast_cancer.csv");

#[test]
fn the_lasso_on_diabetes() {
    let folder = Folder::new();
    let data = folder.write("diabetes.svm", svm(&lines(DIABETES)).as_bytes());
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
    let folder = Folder::new();
    let data = folder.write("diabetes.svm", svm(&lines(DIABETES)).as_bytes());
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
    let folder = Folder::new();
    let data = folder.write("cancer.svm", svm(&lines(CANCER)).as_bytes());
    let (code, found) = json(&[&data, "--loss", "logistic", "--lambda-ratio", "0.1"]);
    assert_eq!((code, found["status"].as_str()), (0, Some("converged")));
    assert!(found["objective"].as_f64().expect("sound input") < 2.0_f64.ln());
    let (code, with) = json(&[&data, "--loss", "logistic", "--lambda-ratio", "0.1", "--intercept"]);
    assert_eq!((code, with["status"].as_str()), (0, Some("converged")));
    assert!(
        value(&with, "intercept").abs() > 0.1 && value(&with, "objective") < value(&found, "objective"),
        "{with}"
    );
    for penalty in ["elastic-net", "non-negative", "group"] {
        let (code, found) = json(&[&data, "--penalty", penalty, "--ridge", "0.1", "--group-size", "7"]);
        assert_eq!((code, found["status"].as_str()), (0, Some("converged")), "{penalty}");
        assert_eq!(found["features"], 30);
    }
    let plot = folder.path("gap.svg");
    assert_eq!(southwell(&[&data, "--plot", &plot]).0, 0);
}

/// A chain of `n` springs: 2 on the diagonal, −1 beside it, as a Matrix Market file.
fn chain(n: usize) -> String {
    let mut text = format!("%%MatrixMarket matrix coordinate real symmetric\n{n} {n} {}\n", 2 * n - 1);
    for i in 1..=n {
        text += &format!("{i} {i} 2\n");
        if i > 1 {
            text += &format!("{i} {} -1\n", i - 1);
        }
    }
    text
}

fn value(found: &Value, name: &str) -> f64 {
    found[name].as_f64().unwrap_or_else(|| panic!("{name} of {found}"))
}

#[test]
fn quadratics_by_every_rule_and_update() {
    let folder = Folder::new();
    let (q, out) = (folder.write("q.mtx", chain(40).as_bytes()), folder.path("x.npy"));
    // Q x = 1 with x_0 = x_41 = 0: a parabola, and f = −½ Σ x.
    let exact: Vec<f64> = (1..=40).map(|i| 0.5 * f64::from(i) * (41.0 - f64::from(i))).collect();
    let least = -0.5 * exact.iter().sum::<f64>();
    for parts in [
        "cyclic order gradient 1",
        "shuffled sort matrix 5",
        "random average backtracking 4",
        "lipschitz order newton 8",
        "random variable matrix 10",
        "gs variable gradient 1",
        "gsl sort matrix 10",
        "gsd variable prox-newton 10",
        "gs-r order two-metric 10",
        "gs-q variable gradient 3",
        "gsq-diagonal variable matrix 10",
        "gsq order matrix 10",
        "gsq variable matrix 10",
        "gsq-safe variable matrix 10",
        "cyclic colours message-passing 1",
        "cyclic trees-in-order message-passing 1",
        "forest variable message-passing 1",
        "random-forest variable message-passing 1",
    ] {
        let [select, partition, update, size] = parts.split(' ').collect::<Vec<_>>()[..] else { panic!() };
        let names = ["--select", select, "--partition", partition, "--update", update, "--block-size", size];
        let (code, found) = json(&[&[&q[..], "--tolerance", "1e-9", "--out", &out], &names[..]].concat());
        assert_eq!((code, found["status"].as_str()), (0, Some("converged")), "{parts}: {found}");
        assert_eq!((found["select"].as_str(), found["update"].as_str()), (Some(select), Some(update)));
        assert!((value(&found, "objective") - least).abs() < 1e-6, "{parts}: {found}");
        let x = npy::read_vector(&out).expect("x");
        assert!(x.iter().zip(&exact).all(|(x, exact)| (x - exact).abs() < 1e-5), "{parts}");
    }
}

/// By colours and in parts, on any number of threads.
#[test]
fn quadratics_shared_out() {
    let folder = Folder::new();
    let (q, out) = (folder.write("q.mtx", chain(60).as_bytes()), folder.path("x.npy"));
    let least = |share: &str, device: &str, penalty: &[&str]| {
        let names = ["--share", share, "--device", device, "--tolerance", "1e-9", "--out", &out];
        let (code, found) = json(&[&[&q[..]], penalty, &names[..]].concat());
        assert_eq!((code, found["select"].as_str()), (0, share.split(':').next()), "{found}");
        assert_eq!(found["device"].as_str(), Some(if device == "auto" { "cpu" } else { device }));
        let bits: Vec<u64> = npy::read_vector(&out).expect("x").into_iter().map(f64::to_bits).collect();
        (found["steps"].clone(), bits, value(&found, "objective"))
    };
    for penalty in
        [&[][..], &["--penalty", "lasso", "--lambda", "0.5"], &["--penalty", "box", "--upper", "9"]]
    {
        let (_, parts) = json(&[&[&q[..], "--select", "gs-q", "--tolerance", "1e-9"], penalty].concat());
        for share in ["colours", "parts:4"] {
            let one = least(share, "cpu", penalty);
            assert_eq!(one, least(share, "threads:1", penalty), "{share}");
            assert_eq!(one, least(share, "threads:3", penalty), "{share}");
            assert_eq!(one, least(share, "auto", penalty), "{share}");
            assert!((one.2 - value(&parts, "objective")).abs() < 1e-6, "{share} {penalty:?}: {}", one.2);
        }
    }
    let refused: [(&[&str], i32, &str); 6] = [
        (&[&q, "--share", "parts:0"], 2, "parts:8"),
        (&[&q, "--share", "colours", "--select", "gs"], 2, "--select"),
        (&[&q, "--share", "colours", "--penalty", "group"], 1, "one by one"),
        (&[&q, "--select", "gs", "--device", "threads"], 1, "--share colours"),
        (&[&q, "--penalty", "box", "--device", "threads"], 1, "--share colours"),
        (&[&q, "--share", "colours", "--out-of-core"], 2, "--targets"),
    ];
    for (arguments, code, part) in refused {
        let found = southwell(arguments);
        assert!(found.0 == code && found.2.contains(part), "{arguments:?}: {found:?}");
    }
}

#[test]
fn boxes_sums_and_faces() {
    let folder = Folder::new();
    let q = folder.write("q.mtx", chain(40).as_bytes());
    let (upper, plot) = (folder.path("hi.npy"), folder.path("box.svg"));
    npy::write_vector(&upper, &[3.25; 40]).expect("a file");
    let bounds = ["--penalty", "box", "--lower", "-1", "--upper", &upper];
    let (code, exact) = json(&[&[&q[..], "--plot", &plot], &bounds[..]].concat());
    assert_eq!((code, exact["status"].as_str()), (0, Some("converged")), "{exact}");
    assert!(value(&exact, "gap") < 1e-9 && value(&exact, "at_upper") > 30.0, "{exact}");
    assert_eq!(exact["device"].as_str(), Some("cpu"), "{exact}");
    let parts = ["--select", "gs-q", "--face", "3", "--update", "prox-newton", "--gap", "1e-9"];
    let (code, found) = json(&[&[&q[..]], &bounds[..], &parts[..]].concat());
    assert_eq!((code, found["measure"].as_str()), (0, Some("gap")), "{found}");
    assert!((value(&found, "objective") - value(&exact, "objective")).abs() < 1e-7, "{found} {exact}");
    assert_eq!(value(&found, "free"), 40.0 - value(&exact, "at_upper") - value(&exact, "at_lower"));
    // x = 1/40 of a parabola whose sum is 1; with a box as well, nothing exceeds it.
    let out = folder.path("x.npy");
    let (code, _) = json(&[&q, "--sum", "1", "--tolerance", "1e-8", "--out", &out]);
    let x = npy::read_vector(&out).expect("x");
    assert!(code == 0 && (x.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{x:?}");
    let (code, _) = json(&[&[&q[..], "--sum", "100", "--out", &out], &bounds[..]].concat());
    let x = npy::read_vector(&out).expect("x");
    assert!(code == 0 && x.iter().all(|x| (-1.0..=3.25).contains(x)), "{x:?}");
    let (code, found) = json(&[&q, "--penalty", "simplex", "--sum", "1", "--tolerance", "1e-7"]);
    assert_eq!((code, found["block_size"].as_u64()), (0, Some(40)), "{found}");
}

#[test]
fn labels_spread_over_a_lattice() {
    let folder = Folder::new();
    // 6 × 5, by columns; two corners have labels.
    let (rows, columns) = (6, 5);
    let mut edges = vec![];
    for k in 0..rows * columns {
        edges.extend((k % rows + 1 < rows).then_some((k + 1, k)));
        edges.extend((k + rows < rows * columns).then_some((k + rows, k)));
    }
    let mut text = format!("%%MatrixMarket matrix coordinate real symmetric\n30 30 {}\n", edges.len());
    edges.iter().for_each(|(i, j)| text += &format!("{} {} 1\n", i + 1, j + 1));
    let graph = folder.write("graph.mtx", text.as_bytes());
    let (known, values) = (folder.path("known.npy"), folder.path("values.npy"));
    npy::write_vector(&known, &[0.0, 29.0])
        .and_then(|()| npy::write_vector(&values, &[-1.0, 1.0]))
        .expect("files");
    let out = folder.path("x.npy");
    let problem =
        [&graph[..], "--loss", "labels", "--labelled", &known, "--targets", &values, "--tolerance", "1e-10"];
    let message = ["--update", "message-passing", "--out", &out];
    for names in [
        &["--select", "forest"][..],
        &["--select", "cyclic", "--partition", "combs", "--lattice", "6x5"],
        &["--select", "cyclic", "--partition", "red-black", "--lattice", "6x5"],
    ] {
        let (code, found) = json(&[&problem[..], names, &message].concat());
        assert_eq!((code, found["variables"].as_u64()), (0, Some(28)), "{found}");
        let x = npy::read_vector(&out).expect("values");
        assert_eq!((x[0], x[29]), (-1.0, 1.0));
        // Every other vertex is the mean of its neighbours, and the middle changes sign.
        for k in 1..29 {
            let near: Vec<f64> = edges
                .iter()
                .filter_map(|&(i, j)| if i == k { Some(x[j]) } else { (j == k).then(|| x[i]) })
                .collect();
            let mean = near.iter().sum::<f64>() / near.len() as f64;
            assert!((x[k] - mean).abs() < 1e-8 && (x[k] + x[29 - k]).abs() < 1e-7, "{k}: {x:?}");
        }
    }
    let (code, _, error) =
        southwell(&[&problem[..], &["--select", "cyclic", "--partition", "combs"]].concat());
    assert!(code == 1 && error.contains("lattice"), "{error}");
}

/// What is put together from parts finds what the solver with working sets finds; other losses reach their conditions.
#[test]
fn regressions_of_parts() {
    let folder = Folder::new();
    let data = folder.write("diabetes.svm", svm(&lines(DIABETES)).as_bytes());
    let parts = ["--select", "gs-q", "--update", "prox-newton", "--tolerance", "1e-9"];
    for penalty in ["lasso", "elastic-net", "non-negative", "group"] {
        let same = [&data[..], "--penalty", penalty, "--ridge", "0.01", "--group-size", "5"];
        let (_, exact) = json(&[&same[..], &["--gap", "1e-10"]].concat());
        let update = if penalty == "group" { "gradient" } else { "prox-newton" };
        let (code, found) = json(&[&same[..], &parts[..3], &[update], &parts[4..]].concat());
        assert_eq!(code, 0, "{penalty}: {found}");
        for name in ["objective", "lambda_max"] {
            let (a, b) = (value(&found, name), value(&exact, name));
            assert!((a - b).abs() < 1e-7 * b, "{penalty} {name}: {a} {b}");
        }
        assert_eq!(found["nonzeros"], exact["nonzeros"], "{penalty}");
        // The variables have no bounds: the gap is the dual's.
        assert!(
            (0.0..1e-6 * value(&found, "objective")).contains(&value(&found, "gap")),
            "{penalty}: {found}"
        );
    }
    let (code, found) = json(&[&data, "--loss", "huber", "--delta", "30", "--select", "gsl"]);
    assert_eq!((code, found["status"].as_str()), (0, Some("converged")), "{found}");
    // Three classes by where the target lies.
    let class = |row: &Vec<f64>| {
        let (y, features) = row.split_last().expect("a target");
        let mut row: Vec<f64> = features.iter().map(|a| 10.0 * a).collect();
        row.push(if *y < 100.0 { 3.0 } else { 4.0 + f64::from(u8::from(*y > 200.0)) });
        row
    };
    let classes: Vec<Vec<f64>> = lines(DIABETES).iter().map(class).collect();
    let (data, out) = (folder.write("classes.svm", svm(&classes).as_bytes()), folder.path("w.npy"));
    let (code, found) =
        json(&[&data, "--loss", "softmax", "--block-size", "6", "--update", "prox-newton", "--out", &out]);
    assert_eq!((code, found["classes"].as_array().map(Vec::len)), (0, Some(3)), "{found}");
    let w = npy::read_matrix(&out).expect("weights");
    assert_eq!((w.rows, w.columns), (10, 3));
    assert!(value(&found, "objective") < 3.0_f64.ln());
}

#[test]
fn bad_input_says_what_to_do() {
    let folder = Folder::new();
    let data = folder.write("a.svm", b"1 1:1 2:1\n2 1:2\n3 2:1\n");
    let q = folder.write("q.mtx", chain(3).as_bytes());
    let skew = folder.write("skew.mtx", b"%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n");
    let cases: [(&[&str], i32, &str); 16] = [
        (&[&data, "--lambda", "-1"], 1, "lambda"),
        (&[&data, "--gap", "2"], 2, "between 0 and 1"),
        (&[&data, "--loss", "logistic"], 1, "two values"),
        (&[&data, "--out", &data], 1, "an input of the run"),
        (&[&data, "--targets", &data], 1, "Matrix Market"),
        (&["nowhere.svm"], 1, "check the name"),
        (&[&data, "--penalty", "elastic-net", "--ridge", "-2"], 1, "ridge"),
        (&[&data, "--path", "1"], 2, "1"),
        (&[&q, "--select", "greedy"], 2, "gs-q"),
        (&[&q, "--update", "fast"], 2, "message-passing"),
        (&[&q, "--partition", "any"], 2, "red-black"),
        (&[&q, "--select", "cyclic", "--partition", "variable"], 1, "fixed"),
        (&[&q, "--penalty", "box", "--lower", "2", "--upper", "1"], 1, "bound"),
        (&[&skew, "--select", "gsl"], 1, "symmetric"),
        (&[&data, "--select", "forest"], 1, "sparse"),
        (&[&q, "--rhs", &skew], 1, "skew.mtx"),
    ];
    for (arguments, code, part) in cases {
        let found = southwell(arguments);
        assert!(found.0 == code && found.2.contains(part), "{arguments:?}: {found:?}");
    }
    let bad = folder.write("b.svm", b"1 1:1\n1 1:x\n");
    let found = southwell(&[&bad]);
    assert!(found.0 == 1 && found.2.contains("line 2"), "{found:?}");
    let (code, found) = json(&[&data, "--max-steps", "0", "--lambda-ratio", "0.5"]);
    assert_eq!((code, found["status"].as_str()), (3, Some("step-limit")));
}
