//! Writes what this host finds to `src/golden.rs` (with the argument `write`), or prints it.

use std::fmt::Write;

use southwell::Real;
use southwell_scenario::heat::Summary;
use southwell_scenario::heat::rules::{Run, auto, binned, cheb, tsallis, tsallis_sor, unimodal};
use southwell_scenario::{association, couplings, descent, heat, methods, mpc};

fn summary(s: &Summary, text: &mut String) -> std::fmt::Result {
    assert_eq!(s.converged, heat::STEPS, "every step converges");
    writeln!(text, "Summary {{\n    rule: {:?},", s.rule)?;
    writeln!(text, "    iterations: {},\n    converged: {},", s.iterations, s.converged)?;
    writeln!(text, "    iterates: {:#018x},\n    choices: {:#018x},", s.iterates, s.choices)?;
    let [a, b, c, d] = s.last;
    write!(text, "    last: [{a:#018x}, {b:#018x}, {c:#018x}, {d:#018x}],\n}}")
}

fn heat_constants<T: Real>(name: &str, text: &mut String) -> std::fmt::Result {
    let real = name.to_lowercase();
    let memory = &mut [T::NAN; heat::REALS];
    let mut sound = |rule: Run<T>| rule(memory).map_err(|_| std::fmt::Error);
    writeln!(
        text,
        "\n/// What [`heat`](crate::heat) finds in `{real}` with Tsallis-INF, by SSOR-CG and by SOR."
    )?;
    writeln!(text, "pub const HEAT_{name}: [Summary; 2] = [")?;
    for rule in [tsallis, tsallis_sor] {
        summary(&sound(rule)?, text)?;
        writeln!(text, ",")?;
    }
    writeln!(text, "];\n\n/// The same with the other rules.")?;
    writeln!(text, "pub const RULES_{name}: [Summary; 4] = [")?;
    for rule in [binned, cheb, unimodal, auto] {
        summary(&sound(rule)?, text)?;
        writeln!(text, ",")?;
    }
    writeln!(text, "];")
}

fn methods_constant<T: Real>(name: &str, text: &mut String) -> std::fmt::Result {
    writeln!(text, "\n/// What [`methods`](crate::methods) finds in `{}`.", name.to_lowercase())?;
    writeln!(text, "pub const METHODS_{name}: [Outcome; METHODS] = [")?;
    let mut result = Ok(());
    methods::run(&mut [T::NAN; methods::REALS], &mut [u32::MAX; methods::INDICES], &mut |found| {
        assert_ne!(found.steps, u32::MAX, "{} converges", found.name);
        let methods::Outcome { name, steps, answer } = found;
        let line = format!("    Outcome {{ name: {name:?}, steps: {steps}, answer: {answer:#018x} }},");
        result = result.and(writeln!(text, "{line}"));
    });
    result.and_then(|()| writeln!(text, "];"))
}

fn couplings_constant<T: Real>(name: &str, text: &mut String) -> std::fmt::Result {
    writeln!(text, "\n/// What [`couplings`](crate::couplings) finds in `{}`.", name.to_lowercase())?;
    writeln!(text, "pub const COUPLINGS_{name}: &[Outcome] = &[")?;
    let mut result = Ok(());
    couplings::run(&mut [T::NAN; couplings::REALS], &mut [u32::MAX; couplings::INDICES], &mut |found| {
        assert_ne!(found.steps, u32::MAX, "{} converges", found.name);
        let methods::Outcome { name, steps, answer } = found;
        let line = format!("    Outcome {{ name: {name:?}, steps: {steps}, answer: {answer:#018x} }},");
        result = result.and(writeln!(text, "{line}"));
    });
    result.and_then(|()| writeln!(text, "];"))
}

fn mpc_constant<T: Real>(name: &str, text: &mut String) -> std::fmt::Result {
    writeln!(text, "\n/// What [`mpc`](crate::mpc) finds in `{}`.", name.to_lowercase())?;
    writeln!(text, "pub const MPC_{name}: [Outcome; {}] = [", mpc::COUNT)?;
    let mut result = Ok(());
    mpc::run(&mut [T::NAN; mpc::REALS], &mut |_, solve| solve(), &mut |found| {
        assert_ne!(found.steps, u32::MAX, "{} converges", found.name);
        let methods::Outcome { name, steps, answer } = found;
        let line = format!("    Outcome {{ name: {name:?}, steps: {steps}, answer: {answer:#018x} }},");
        result = result.and(writeln!(text, "{line}"));
    });
    result.and_then(|()| writeln!(text, "];"))
}

fn descent_constant<T: Real>(name: &str, text: &mut String) -> std::fmt::Result {
    writeln!(text, "\n/// What [`descent`](crate::descent) finds in `{}`.", name.to_lowercase())?;
    writeln!(text, "pub const DESCENT_{name}: &[Outcome] = &[")?;
    let mut result = Ok(());
    descent::run(&mut [T::NAN; descent::REALS], &mut [u32::MAX; descent::INDICES], &mut |found| {
        assert_ne!(found.steps, u32::MAX, "{} converges", found.name);
        let methods::Outcome { name, steps, answer } = found;
        let line = format!("    Outcome {{ name: {name:?}, steps: {steps}, answer: {answer:#018x} }},");
        result = result.and(writeln!(text, "{line}"));
    });
    result.and_then(|()| writeln!(text, "];"))
}

fn association_constant<T: Real>(name: &str, text: &mut String) -> std::fmt::Result {
    let memory = &mut [T::NAN; association::REALS];
    association::sense(memory);
    let found = association::run(memory).map_err(|_| std::fmt::Error)?;
    assert!(found.agrees(&found), "{found:?}");
    let association::Associated { steps, right, potentials } = found;
    writeln!(text, "\n/// What [`association`](crate::association) finds in `{}`.", name.to_lowercase())?;
    writeln!(
        text,
        "pub const ASSOCIATION_{name}: Associated = Associated {{ steps: {steps}, right: {right}, potentials: {potentials:#018x} }};"
    )
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::from(
        "//! What a host found: written by `cargo run --example golden -- write`, confirmed by the tests.\n\n\
         use crate::association::Associated;\nuse crate::heat::Summary;\nuse crate::methods::{METHODS, Outcome};\n",
    );
    heat_constants::<f32>("F32", &mut text)?;
    heat_constants::<f64>("F64", &mut text)?;
    methods_constant::<f32>("F32", &mut text)?;
    methods_constant::<f64>("F64", &mut text)?;
    association_constant::<f32>("F32", &mut text)?;
    association_constant::<f64>("F64", &mut text)?;
    couplings_constant::<f32>("F32", &mut text)?;
    couplings_constant::<f64>("F64", &mut text)?;
    mpc_constant::<f32>("F32", &mut text)?;
    mpc_constant::<f64>("F64", &mut text)?;
    descent_constant::<f32>("F32", &mut text)?;
    descent_constant::<f64>("F64", &mut text)?;
    if std::env::args().nth(1).as_deref() == Some("write") {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/golden.rs"), text)?;
    } else {
        print!("{text}");
    }
    Ok(())
}
