//! `southwell recover`, run as its users run it, and the archives that it reads and writes.

use std::fs;
use std::path::Path;

use serde_json::Value;
use southwell::subgradient::counter::{normal, sign, stream, uniform};
use southwell_std::files::archive::Archive;

use crate::{Folder, document, run};

/// Exit code, standard output, standard error of `southwell recover`.
fn southwell(arguments: &[&str]) -> (i32, String, String) {
    run("recover", arguments)
}

fn json(arguments: &[&str]) -> (i32, Value) {
    document("recover", &[arguments, &["--json"]].concat())
}

fn numbers(tag: u64, n: usize) -> Vec<f64> {
    (0..n as u64).map(|k| normal(stream(9, tag), k)).collect()
}

/// Σ_k u_k v_kᵀ of factors by rows.
fn product(u: &[f64], v: &[f64], rank: usize) -> Vec<f64> {
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| u * v).sum::<f64>();
    u.chunks(rank).flat_map(|u| v.chunks(rank).map(move |v| dot(u, v))).collect()
}

/// A quarter of the measurements is replaced.
fn spoil(clean: impl Iterator<Item = f64>) -> Vec<f64> {
    let spoilt = |(i, y)| if uniform(stream(9, 30), i) < 0.25 { 20.0 * normal(stream(9, 31), i) } else { y };
    (0_u64..).zip(clean).map(spoilt).collect()
}

fn dot(a: &[f64], x: &[f64]) -> f64 {
    a.iter().zip(x).map(|(a, x)| a * x).sum()
}

fn outer(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().flat_map(|a| b.iter().map(move |b| a * b)).collect()
}

const D: usize = 8;
const M: usize = 240;

/// One archive for every operator, with the truth in it.
fn archives(folder: &Folder) -> Vec<(&'static str, String)> {
    let u = numbers(1, D * 2);
    let x = product(&u, &u, 2);
    let square: &[usize] = &[D, D];
    let a = numbers(2, M * D * D);
    let y = spoil(a.chunks(D * D).map(|a| dot(a, &x)));
    let write = |name: &str, operator: &[(&str, &[usize], &[f64])], y: &[f64], x: &[f64], shape: &[usize]| {
        let common: [(&str, &[usize], &[f64]); 2] = [("y", &[y.len()], y), ("X", shape, x)];
        folder.archive(name, &[operator, &common[..]].concat())
    };
    let mut all = vec![("dense", write("dense.npz", &[("A", &[M, D, D], &a)], &y, &x, square))];
    let triangle = D * (D + 1) / 2;
    let packed = numbers(3, M * triangle);
    let unpack = |p: &[f64]| -> Vec<f64> {
        let at = |i: usize, j: usize| p[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)];
        (0..D * D).map(|k| at(k / D, k % D)).collect()
    };
    let y = spoil(packed.chunks(triangle).map(|p| dot(&unpack(p), &x)));
    all.push(("packed", write("packed.npz", &[("P", &[M, triangle], &packed)], &y, &x, square)));
    let (a, b) = (numbers(4, M * D), numbers(5, M * D));
    let y = spoil(a.chunks(D).map(|a| dot(&outer(a, a), &x)));
    all.push(("rank one", write("one.npz", &[("a", &[M, D], &a)], &y, &x, square)));
    let pairs = || a.chunks(D).zip(b.chunks(D));
    let y = spoil(pairs().map(|(a, b)| dot(&outer(a, a), &x) - dot(&outer(b, b), &x)));
    all.push((
        "paired",
        write("paired.npz", &[("a", &[M, D], &a), ("a_minus", &[M, D], &b)], &y, &x, square),
    ));
    let signs = |i: usize| -> Vec<f64> {
        (0..D * D).map(|k| sign::<f64>(stream(7, 3), (i * D * D + k) as u64)).collect()
    };
    let y = spoil((0..M).map(|i| dot(&signs(i), &x)));
    let seeded: [(&str, &[usize], &[f64]); 2] = [("signs", &[2], &[7.0, 3.0]), ("shape", &[2], &[8.0, 8.0])];
    all.push(("signs", write("signs.npz", &seeded, &y, &x, square)));

    let v = numbers(6, 20);
    let x = product(&u, &v, 2);
    let b = numbers(7, M * 10);
    let y = spoil(a.chunks(D).zip(b.chunks(10)).map(|(a, b)| dot(&outer(a, b), &x)));
    let operator: [(&str, &[usize], &[f64]); 2] = [("a", &[M, D], &a), ("b", &[M, 10], &b)];
    all.push(("bilinear", write("bilinear.npz", &operator, &y, &x, &[D, 10])));

    let (u, v) = (numbers(10, 40 * 2), numbers(11, 30 * 2));
    let x = product(&u, &v, 2);
    let whole = spoil(x.iter().copied());
    let arrays: [(&str, &[usize], &[f64]); 2] = [("M", &[40, 30], &whole), ("X", &[40, 30], &x)];
    all.push(("all entries", folder.archive("all.npz", &arrays)));
    let seen: Vec<usize> = (0..1200).filter(|&n| uniform(stream(9, 12), n as u64) < 0.7).collect();
    let i: Vec<f64> = seen.iter().map(|n| (n / 30) as f64).collect();
    let j: Vec<f64> = seen.iter().map(|n| (n % 30) as f64).collect();
    let y: Vec<f64> = seen.iter().map(|&n| whole[n]).collect();
    let operator: [(&str, &[usize], &[f64]); 3] =
        [("i", &[i.len()], &i), ("j", &[j.len()], &j), ("shape", &[2], &[40.0, 30.0])];
    all.push(("entries", write("entries.npz", &operator, &y, &x, &[40, 30])));
    all
}

#[test]
fn every_operator() {
    let folder = Folder::new();
    for (name, file) in archives(&folder) {
        let (code, found) = json(&[&file, "--rank", "2", "--restarts", "2", "--rho", "0.97"]);
        assert_eq!(
            (code, &found["status"], &found["rank"]),
            (0, &"converged".into(), &2.into()),
            "{name} {found}"
        );
        let error = found["relative_error"].as_f64().expect("a number");
        assert!(error < 1e-6, "{name} {found}");
        let (code, found) = json(&[&file, "--rank", "2", "--restarts", "2", "--rho", "0.97", "--single"]);
        let error = found["relative_error"].as_f64().expect("a number");
        assert!(code == 0 && error < 1e-3, "{name} in single precision: {found}");
    }
}

#[test]
fn what_is_written() {
    let folder = Folder::new();
    let all = archives(&folder);
    let dense = &all[0].1;
    let (out, plot) = (folder.path("uv.npz"), folder.path("value.svg"));
    let (code, found) = json(&[dense, "--rank", "3", "--out", &out, "--plot", &plot]);
    assert_eq!((code, &found["rank"]), (0, &2.into()), "{found}");
    let mut archive = Archive::open(&out).expect("an archive");
    let u = archive.array("U").expect("readable").expect("U");
    let v = archive.array("V").expect("readable").expect("V");
    let values = archive.array("singular_values").expect("readable").expect("values");
    assert_eq!((&u.shape[..], &v, &values.shape[..]), (&[D, 3][..], &u, &[3][..]));
    let truth = Archive::open(dense).expect("an archive").array("X").expect("readable").expect("X");
    let x = product(&u.values, &v.values, 3);
    let off: f64 = x.iter().zip(&truth.values).map(|(x, t)| (x - t) * (x - t)).sum();
    let size: f64 = truth.values.iter().map(|t| t * t).sum();
    let error = found["relative_error"].as_f64().expect("a number");
    assert!(((off / size).sqrt() - error).abs() < 1e-12 && error < 0.05, "{found}");
    assert!(values.values.is_sorted_by(|a, b| a >= b) && values.values[2] < 0.1 * values.values[1]);
    let svg = fs::read_to_string(&plot).expect("a plot");
    assert!(svg.contains("<svg") && svg.contains("relative error"), "{svg}");
    let (code, line, _) = southwell(&[dense, "--rank", "3"]);
    assert!(code == 0 && line.starts_with("converged after") && line.contains("rank 2"), "{line}");
}

#[test]
fn rules_and_starts() {
    let folder = Folder::new();
    let dense = &archives(&folder)[0].1;
    for arguments in [
        &["--step", "held"][..],
        &["--start", "spectral", "--step", "held", "--hold", "90", "--rho", "0.97"],
        &["--start", "random", "--seed", "5"],
        &["--general", "--init-scale", "1e-2"],
        &["--scaled", "--start", "spectral", "--damping", "0"],
    ] {
        let (code, found) = json(&[&[dense.as_str(), "--rank", "2"], arguments].concat());
        let error = found["relative_error"].as_f64().expect("a number");
        assert!(code == 0 && error < 1e-5, "{arguments:?} {found}");
    }
    let arguments = [dense.as_str(), "--rank", "2", "--step", "constant", "--max-iterations", "50"];
    let (code, _, err) = southwell(&arguments);
    assert!(code == 3 && err.contains("hint"), "{err}");
    assert!(southwell(&[&arguments[..], &["--quiet"]].concat()).2.is_empty());
    // Of any length, in the factors' own unit; the error falls as the steps do.
    let arguments = [dense, "--rank", "2", "--step", "normalised", "--eta", "2", "--max-iterations", "2000"];
    let (code, found) = json(&arguments);
    let error = found["relative_error"].as_f64().expect("a number");
    assert!(code == 3 && error < 0.05, "{found}");
    assert!(southwell(&[dense, "--rank", "2", "--eta", "2"]).2.contains("`eta0`"));
    let target = ["--rank", "2", "--step", "polyak", "--target"];
    let (_, found) = json(&[dense, "--rank", "2"]);
    let best = (found["value"].as_f64().expect("a number") * (1.0 + 1e-9)).to_string();
    let start = ["--init-scale", "1", "--start", "spectral"];
    let (code, found) = json(&[&[dense.as_str()], &target[..], &[&best], &start[..]].concat());
    assert!(code == 0 && found["iterations"].as_u64().expect("a count") < 150, "{found}");
}

#[test]
fn bad_input() {
    let folder = Folder::new();
    let a = numbers(2, 2 * 4);
    let y: (&str, &[usize], &[f64]) = ("y", &[2], &[1.0, 2.0]);
    let good = folder.archive("good.npz", &[("A", &[2, 2, 2], &a), y]);
    let short = folder.archive("short.npz", &[("A", &[2, 2, 2], &a), ("y", &[3], &[1.0, 2.0, 3.0])]);
    let flat = folder.archive("flat.npz", &[("A", &[2, 4], &a), y]);
    let none = folder.archive("none.npz", &[y, ("B", &[1], &[0.0])]);
    let no_y = folder.archive("no_y.npz", &[("A", &[2, 2, 2], &a)]);
    let no_j = folder.archive("no_j.npz", &[("i", &[2], &[0.0, 1.0]), y]);
    let shape: (&str, &[usize], &[f64]) = ("shape", &[2], &[2.0, 2.0]);
    let far = folder.archive("far.npz", &[("i", &[2], &[0.0, 2.0]), ("j", &[2], &[0.0, 1.0]), shape, y]);
    let half = folder.archive("half.npz", &[("i", &[2], &[0.0, 0.5]), ("j", &[2], &[0.0, 1.0]), shape, y]);
    let packed = folder.archive("packed.npz", &[("P", &[2, 4], &a), y]);
    let empty = folder.archive("empty.npz", &[("A", &[0, 2, 2], &[]), ("y", &[0], &[])]);
    let other = folder.archive("other.npz", &[("A", &[2, 2, 2], &a), y, ("X", &[1, 2], &[1.0, 2.0])]);
    let wide = folder.archive("wide.npz", &[("A", &[1, 2, 4], &a), ("y", &[1], &[1.0])]);
    let text = folder.path("text.npz");
    fs::write(&text, "no archive").expect("a file");
    let nan = folder.archive("nan.npz", &[("A", &[2, 2, 2], &a), ("y", &[2], &[1.0, f64::NAN])]);
    for (arguments, what) in [
        (&[good.as_str(), "--rank", "3"][..], "`rank` must not exceed"),
        (&[&good, "--rank", "0"], "`rank` must be at least 1"),
        (&[&short, "--rank", "1"], "`y` has length 3"),
        (&[&flat, "--rank", "1"], "`A` must have three axes"),
        (&[&none, "--rank", "1"], "no operator"),
        (&[&no_y, "--rank", "1"], "no array `y`"),
        (&[&no_j, "--rank", "1"], "no array `j`"),
        (&[&far, "--rank", "1"], "out of range"),
        (&[&half, "--rank", "1"], "whole numbers"),
        (&[&packed, "--rank", "1"], "lower triangles"),
        (&[&empty, "--rank", "1"], "`measurements` must be at least one"),
        (&[&other, "--rank", "1"], "`X` is 1 × 2"),
        (&[&wide, "--rank", "1", "--symmetric"], "`columns` has length 4"),
        (&[&text, "--rank", "1"], "text.npz"),
        (&[&nan, "--rank", "1"], "nan.npz"),
        (&["nowhere.npz", "--rank", "1"], "nowhere.npz"),
        (&[&good, "--rank", "1", "--eta", "0"], "`eta0`"),
        (&[&good, "--rank", "1", "--eta", "-1"], "`eta0`"),
        (&[&good, "--rank", "1", "--rho", "1.5"], "`rho`"),
        (&[&good, "--rank", "1", "--init-scale", "-1"], "`alpha`"),
        (&[&good, "--rank", "1", "--target", "-1"], "`target`"),
        (&[&good, "--rank", "1", "--scaled", "--damping", "-1"], "`damping`"),
        (&[&good, "--rank", "1", "--out", "no/such/folder.npz"], "--out"),
        (&[&good, "--rank", "1", "--out", &good], "is the input"),
    ] {
        let (code, out, err) = southwell(arguments);
        assert!(code == 1 && err.contains(what) && out.is_empty(), "{arguments:?}: {code} {err}");
    }
    for arguments in [
        &[good.as_str()][..],
        &[&good, "--rank", "1", "--general", "--symmetric"],
        &[&good, "--rank", "1", "--step", "leap"],
        &[&good, "--rank", "1", "--tolerance", "0"],
        &[&good, "--rank", "1", "--damping", "1"],
    ] {
        assert_eq!(southwell(arguments).0, 2, "{arguments:?}");
    }
}

/// The sub-gradient method against its reference, with least squares failing beside it.
#[test]
fn reproduction() {
    let folder = Folder::new();
    let out = folder.path("figures");
    let (code, text, err) = run("reproduce", &["subgm", "--json", "--out", &out]);
    assert!(code == 0 && err.is_empty(), "{code} {err}");
    let found: Value = serde_json::from_str(&text).expect("one JSON document");
    let rows = found["experiments"][0][1].as_array().expect("rows");
    assert_eq!(rows.len(), 8, "four shares of outliers, two methods");
    for row in rows {
        let last = row["last"].as_f64().expect("a number");
        let by_squares = row["method"] == "least squares";
        let spoilt = row["outliers"].as_f64().expect("a share") > 0.0;
        assert_eq!(last > 1.0, by_squares && spoilt, "{row}");
    }
    for file in ["outliers.svg", "ranks.svg", "noise.svg"] {
        let svg = fs::read_to_string(Path::new(&out).join(file)).expect("a plot");
        assert!(svg.contains("<svg") && svg.contains("least squares"), "{file}");
    }
    let (code, text, _) = run("reproduce", &["subgm", "--iterations", "120", "--quiet"]);
    assert!(code == 0 && text.contains("Gaussian noise") && text.contains("sub-gradient"), "{text}");
    assert_eq!(run("reproduce", &["subgm", "--iterations", "0"]).0, 2);
}
