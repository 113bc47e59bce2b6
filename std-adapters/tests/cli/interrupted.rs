//! Runs that are broken off by a signal write what they have.

use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

/// Starts a run that would take very long and interrupts it, later if it had not begun.
fn interrupted(arguments: &[&str], begun: impl Fn(&Told) -> bool) -> Told {
    for wait in [300, 1000, 3000, 9000] {
        let mut child = command(arguments).spawn().expect("the binary runs");
        sleep(Duration::from_millis(wait));
        assert!(child.try_wait().expect("a child").is_none(), "{arguments:?} ended by itself");
        interrupt(&child);
        let start = Instant::now();
        let output = child.wait_with_output().expect("an end");
        assert!(start.elapsed() < Duration::from_secs(60));
        if output.status.code().is_none() {
            continue; // The signal came before the handler.
        }
        let told = Told::from(output);
        if begun(&told) {
            return told;
        }
    }
    panic!("{arguments:?} never began");
}

#[test]
fn relax_writes_what_it_has() {
    let folder = Folder::new();
    let (matrix, x) = (folder.write("A.mtx", grid(150)), folder.path("x.npy"));
    let arguments = [
        "relax",
        &matrix,
        "--method",
        "sor",
        "--omega",
        "0.01",
        "--tolerance",
        "1e-12",
        "--out",
        &x,
        "--json",
    ];
    let steps = |told: &Told| {
        let document: Value = serde_json::from_str(&told.out).expect("one JSON document");
        document["iterations"].as_u64().expect("a number")
    };
    let told = interrupted(&arguments, |told| steps(told) > 0);
    assert_eq!((told.code, told.err.as_str()), (130, ""));
    let document: Value = serde_json::from_str(&told.out).expect("one JSON document");
    assert_eq!(document["status"], "stopped");
    let claimed = document["relative_residual"].as_f64().expect("a number");
    let recomputed = relative_residual(&matrix, None, &x);
    assert!(recomputed < 1.0 && (claimed / recomputed - 1.0).abs() < 1e-9, "{claimed} {recomputed}");
}

#[test]
fn heat_prints_what_is_finished() {
    let arguments = [
        "heat",
        "--grid",
        "12",
        "--steps",
        "40",
        "--policy",
        "cg",
        "--policy",
        "auto",
        "--tolerance",
        "1e-8",
    ];
    assert_eq!(southwell(&arguments).code, 0);
    let long = ["heat", "--grid", "600", "--steps", "100000", "--policy", "auto"];
    let told = interrupted(&long, |_| true);
    assert_eq!((told.code, told.out.as_str()), (130, ""));
    assert_eq!(told.err, "interrupted: 0 of 1 policies finished\n");
    let survey = ["heat", "--grid", "300", "--steps", "100000", "--json"];
    let told = interrupted(&survey, |_| true);
    assert_eq!((told.code, told.out.as_str(), told.err.as_str()), (130, "", ""));
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let long = ["heat", "--grid", "4096", "--steps", "100000", "--policy", "cg"];
    for wait in [500, 2000, 8000] {
        let mut child = command(&long).spawn().expect("the binary runs");
        sleep(Duration::from_millis(wait));
        interrupt(&child);
        sleep(Duration::from_millis(100));
        if child.try_wait().expect("a child").is_none() {
            interrupt(&child);
        }
        let code = child.wait().expect("an end").code();
        if code.is_some() {
            assert_eq!(code, Some(130));
            return;
        }
    }
    panic!("no run was begun");
}
