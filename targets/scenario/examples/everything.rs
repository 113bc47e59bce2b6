//! Every scenario on every instruction set of this host, compared with the bits in `golden.rs`, `calibrated.rs` and
//! `made.rs`; the exit status says whether all agree.

use std::process::ExitCode;

use southwell_scenario::images;
use southwell_simd::{force_level, levels};

fn main() -> ExitCode {
    let mut good = true;
    for level in levels() {
        force_level(Some(level));
        let mut said = Vec::new();
        let agrees = images::all(&mut |line: &[u8]| said.extend_from_slice(line), &mut images::Still);
        if !agrees {
            print!("{}", String::from_utf8_lossy(&said));
        }
        println!("{level:?}: {}", if agrees { "every scenario is good" } else { "not the same bits" });
        good &= agrees;
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
