//! Every scenario with vectors of 128 bits, compared with the host's bits; the exit status says whether all agree.

use std::process::ExitCode;

use southwell_scenario::images;
use southwell_simd::level_name;

fn main() -> ExitCode {
    if level_name() != "128-bit" {
        println!("the passes run on {}, not on vectors of 128 bits", level_name());
        return ExitCode::FAILURE;
    }
    let mut send = |line: &[u8]| print!("{}", String::from_utf8_lossy(line));
    if images::all(&mut send, &mut images::Still) {
        println!("every scenario is good");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
