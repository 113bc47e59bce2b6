//! Writes what this host makes of the passes to `src/made.rs` (with the argument `write`), or prints it.

use std::fmt::Write;

use southwell::Real;
use southwell_scenario::passes::{INDICES, Made, REALS, run};

fn constant<T: Real>(name: &str, text: &mut String) -> std::fmt::Result {
    writeln!(text, "pub const {name}: &[Made] = &[")?;
    let mut result = Ok(());
    run(&mut [T::NAN; REALS], &mut [u32::MAX; INDICES], &mut |Made { name, bits }| {
        let line = format!("    Made {{ name: {name:?}, bits: {bits:#018x} }},");
        result = result.and(writeln!(text, "{line}"));
    });
    result.and_then(|()| writeln!(text, "];"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::from(
        "//! What a host made of the passes: written by `cargo run --example made -- write`, confirmed by the tests.\n\n\
         use crate::passes::Made;\n\n/// What [`passes`](crate::passes) make in `f32`.\n",
    );
    constant::<f32>("F32", &mut text)?;
    text.push_str("\n/// The same in `f64`.\n");
    constant::<f64>("F64", &mut text)?;
    if std::env::args().nth(1).as_deref() == Some("write") {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/made.rs"), text)?;
    } else {
        print!("{text}");
    }
    Ok(())
}
