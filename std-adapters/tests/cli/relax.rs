//! Systems in files: what `relax` solves, refuses, writes and says.

use super::*;

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
