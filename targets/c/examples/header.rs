//! Writes `include/southwell.h` (with the argument `write`), or says whether it is that of the sources.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = here.join("include/southwell.h");
    let bindings = match cbindgen::generate(here) {
        Ok(bindings) => bindings,
        Err(error) => {
            eprintln!("the sources cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    if std::env::args().any(|argument| argument == "write") {
        bindings.write_to_file(header);
        return ExitCode::SUCCESS;
    }
    let mut text = Vec::new();
    bindings.write(&mut text);
    if std::fs::read(header).is_ok_and(|there| there == text) {
        return ExitCode::SUCCESS;
    }
    eprintln!("include/southwell.h is not that of the sources: cargo run --example header -- write");
    ExitCode::FAILURE
}
