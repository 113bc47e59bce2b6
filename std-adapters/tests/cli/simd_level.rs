//! The cap on the instruction set from the command line: it is obeyed, and no bit depends on it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

fn relax(level: Option<&str>, by_variable: bool, out: &str) -> (i32, Value, Vec<u8>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_southwell"));
    command.stdin(Stdio::null()).env_remove("SOUTHWELL_SIMD");
    let matrix = format!("{}/tests/data/nos3.mtx", env!("CARGO_MANIFEST_DIR"));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(out);
    let path = path.to_str().expect("a plain path");
    command.args(["relax", &matrix, "--json", "--out", path]);
    match level {
        Some(level) if by_variable => drop(command.env("SOUTHWELL_SIMD", level)),
        Some(level) => drop(command.args(["--simd", level])),
        None => {}
    }
    let output = command.output().expect("the binary runs");
    let document = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let x = fs::read(path).unwrap_or_default();
    let _ = fs::remove_file(path);
    (output.status.code().expect("an exit code"), document, x, String::from_utf8_lossy(&output.stderr).into())
}

#[test]
fn every_level_gives_the_same_bits() {
    let (code, free, x, _) = relax(None, false, "free.npy");
    assert_eq!(code, 0);
    for level in ["scalar", "avx2", "avx512"] {
        let (code, document, same, _) = relax(Some(level), false, &format!("{level}.npy"));
        assert_eq!((code, &document["iterations"]), (0, &free["iterations"]), "{level}");
        assert!(same == x && !x.is_empty(), "{level}: other bits");
    }
    assert_eq!(relax(Some("scalar"), false, "by_option.npy").1["simd"], "scalar");
    assert_eq!(relax(Some("scalar"), true, "by_variable.npy").1["simd"], "scalar");
}

#[test]
fn a_level_that_does_not_exist_is_refused() {
    for by_variable in [false, true] {
        let (code, _, _, message) = relax(Some("mmx"), by_variable, "refused.npy");
        assert_eq!(code, 2, "{message}");
        assert!(message.contains("avx2") && message.contains("mmx"), "{message}");
    }
}
