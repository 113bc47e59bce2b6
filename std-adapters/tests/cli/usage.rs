//! Wrong usage, places that cannot be written, help, readers that go away.

use super::*;

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(2));
    let relax = |more: &[&str], pieces: &[&str]| {
        refused(2, &[&["relax", matrix.as_str()], more].concat(), pieces);
    };
    for omega in ["0", "2", "nan", "abc", "", "-1", "inf"] {
        relax(&["--omega", omega], &["--omega", "a number in (0, 2), `young` or `learned`"]);
    }
    for tolerance in ["0", "-1e-8", "nan", "1", "abc"] {
        relax(&["--tolerance", tolerance], &["--tolerance", "between 0 and 1"]);
    }
    relax(&["--max-iterations", "-1"], &["--max-iterations"]);
    relax(&["--method", "jacobi"], &["jacobi", "multicolour"]);
    relax(&["--frobnicate"], &["--frobnicate"]);
    refused(2, &["relax"], &["A.mtx"]);
    let heat = |more: &[&str], pieces: &[&str]| refused(2, &[&["heat"], more].concat(), pieces);
    for policy in ["sor", "fixed:", "fixed:2", "fixed:nan", "CG"] {
        heat(&["--policy", policy], &["--policy", "fixed:"]);
    }
    heat(&["--grid", "1"], &["--grid", "2..=4096"]);
    heat(&["--steps", "0"], &["--steps"]);
    heat(&["--tolerance", "0"], &["--tolerance", "between 0 and 1"]);
    heat(&["--seed", "x"], &["--seed"]);
    assert_eq!(southwell(&[]).code, 2);
    refused(2, &["solve"], &["solve"]);
}

#[test]
fn places_that_cannot_be_written_are_refused_before_the_run() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(2));
    let nowhere = folder.path("nowhere/x.npy");
    // The matrix does not even exist: nothing is read before the place is found wanting.
    refused(1, &["relax", "missing.mtx", "--out", &nowhere], &["--out", &nowhere, "create the directory"]);
    refused(1, &["relax", &matrix, "--out", &folder.path("")], &["--out", "directory"]);
    refused(1, &["relax", &matrix, "--out", &matrix], &["--out", "input"]);
    refused(1, &["relax", &matrix, "--out", &folder.path("x.mtx")], &["--out", ".npy"]);
    // Days of work, if it began.
    let long = ["heat", "--grid", "1000", "--steps", "100000", "--plot"];
    let plot = folder.path("nowhere/h.svg");
    refused(1, &[&long[..], &[plot.as_str()]].concat(), &["--plot", &plot, "create the directory"]);
    refused(1, &[&long[..], &[folder.path("").as_str()]].concat(), &["--plot", "directory"]);
    // Looking at a place leaves nothing there, and what is there untouched.
    let (fresh, kept) = (folder.path("fresh.npy"), folder.write("kept.npy", "precious"));
    for out in [&fresh, &kept] {
        refused(1, &["relax", &folder.path("missing.mtx"), "--out", out], &["missing.mtx"]);
    }
    assert!(!Path::new(&fresh).exists());
    assert_eq!(fs::read_to_string(&kept).expect("still there"), "precious");
    assert_eq!(southwell(&["relax", &matrix, "--out", &kept]).code, 0);
    assert_eq!(npy::read_vector(&kept).expect("x").len(), 4);
}

#[test]
fn help_is_complete() {
    for (arguments, words) in [
        (vec!["--help"], vec!["heat", "relax"]),
        (vec!["relax", "--help"], vec!["--rhs", "--omega", "--out", "multicolour", "Exit codes", "Ctrl-C"]),
        (vec!["heat", "--help"], vec!["--policy", "instance-optimal", "--plot", "Exit codes"]),
        (vec!["--version"], vec!["southwell", env!("CARGO_PKG_VERSION")]),
    ] {
        let told = southwell(&arguments);
        assert_eq!(told.code, 0);
        assert!(words.iter().all(|word| told.out.contains(word)), "{}", told.out);
    }
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(3));
    for arguments in [
        vec!["relax", matrix.as_str()],
        vec!["relax", matrix.as_str(), "--json"],
        vec!["relax", matrix.as_str(), "--max-iterations", "1"],
        vec!["relax", "missing.mtx"],
        vec!["heat", "--grid", "5", "--steps", "5"],
    ] {
        let expected = southwell(&arguments).code;
        let mut child = command(&arguments).spawn().expect("the binary runs");
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().expect("an end").code(), Some(expected), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::new();
    let matrix = folder.write("A.mtx", grid(3));
    refused(1, &["relax", &matrix, "--out", "/dev/full"], &["/dev/full"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    let told: Told = command(&["relax", &matrix]).stdout(full).output().expect("the binary runs").into();
    assert_eq!(told.code, 1);
    assert!(told.err.contains("standard output"), "{}", told.err);
}

/// Over ranks there is nothing to run without MPI: the message says what to build, and nothing is read. (Where tests are
/// built with MPI, the binary's own say so.)
#[test]
#[cfg(not(feature = "mpi"))]
fn without_mpi_a_cluster_is_refused_with_what_to_build() {
    for words in [
        &["heat"][..],
        &["relax", "nowhere.mtx"],
        &["transport", "--cost", "nowhere.npy"],
        &["descend", "nowhere.npz"],
        &["recover", "nowhere.npz", "--rank", "1"],
        &["fit", "nowhere.npz", "--loss", "lad"],
    ] {
        let told = southwell(&[words, &["--cluster"]].concat());
        assert_eq!((told.code, told.out.as_str()), (1, ""), "{words:?}: {}", told.err);
        assert!(told.err.contains("--features mpi") && told.err.contains("libopenmpi-dev"), "{}", told.err);
        assert_eq!(told.err.lines().count(), 1, "{}", told.err);
    }
}
