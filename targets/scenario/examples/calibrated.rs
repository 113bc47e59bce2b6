//! Writes the samples to `src/samples.rs` and what this host finds in them to `src/calibrated.rs` (with the argument
//! `write`), or prints the latter.

use std::fmt::Write;

use southwell::Real;
use southwell_scenario::calibration::{Calibrated, REALS, SQUARES_REALS, least_squares, robust, sense};
use southwell_scenario::methods::Outcome;
use southwell_scenario::nonsmooth;

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Stream `tag` of seed 1: Steele, Lea & Flood's SplitMix64 as a counter.
fn draw(tag: u64, n: usize) -> u64 {
    let key = mix(mix(1_u64.wrapping_add(GOLDEN)).wrapping_add(tag.wrapping_mul(GOLDEN)));
    mix(key.wrapping_add((n as u64 + 1).wrapping_mul(GOLDEN))) >> 11
}

fn uniform(tag: u64, n: usize) -> f64 {
    draw(tag, n) as f64 * 2.0_f64.powi(-53)
}

/// Box and Muller's transform.
fn normal(tag: u64, n: usize) -> f64 {
    let radius = (-2.0 * ((draw(tag, n & !1) + 1) as f64 * 2.0_f64.powi(-53)).ln()).sqrt();
    let angle = 2.0 * std::f64::consts::PI * uniform(tag, n | 1);
    radius * if n.is_multiple_of(2) { angle.cos() } else { angle.sin() }
}

fn sample(i: usize) -> [f64; 3] {
    const SOFT_IRON: [[f64; 3]; 3] = [[1.10, 0.05, -0.03], [0.05, 0.95, 0.04], [-0.03, 0.04, 1.02]];
    const OFFSET: [f64; 3] = [12.0, -8.0, 20.0];
    let g: [f64; 3] = std::array::from_fn(|j| normal(11, 3 * i + j));
    let size = g.iter().map(|g| g * g).sum::<f64>().sqrt();
    let mut x: [f64; 3] = std::array::from_fn(|a| {
        let field: f64 = (0..3).map(|j| SOFT_IRON[a][j] * 50.0 * g[j] / size).sum();
        field + OFFSET[a] + 0.3 * normal(12, 3 * i + a)
    });
    if uniform(13, i) < 0.3 {
        let size = 50.0 + 150.0 * uniform(15, 3 * i + 2);
        let axis = (3.0 * uniform(15, 3 * i)) as usize;
        x[axis] += if uniform(15, 3 * i + 1) < 0.5 { size } else { -size };
    }
    x
}

fn constant(text: &mut String, what: &str, name: &str, found: Calibrated) -> std::fmt::Result {
    let Calibrated { error, agreeing, answer } = found;
    writeln!(text, "\n/// What {what}.")?;
    writeln!(text, "pub const {name}: Calibrated =")?;
    writeln!(text, "    Calibrated {{ error: {error}, agreeing: {agreeing}, answer: {answer:#018x} }};")
}

fn toolbox<T: Real>(text: &mut String, precision: &str) -> std::fmt::Result {
    let name = precision.to_uppercase();
    writeln!(text, "\n/// What [`nonsmooth`](crate::nonsmooth) finds in `{precision}`.")?;
    writeln!(text, "pub const NONSMOOTH_{name}: &[Outcome] = &[")?;
    let mut result = Ok(());
    nonsmooth::run(&mut [T::NAN; nonsmooth::REALS], &mut [u32::MAX; nonsmooth::INDICES], &mut |found| {
        assert_ne!(found.steps, u32::MAX, "{} ends well", found.name);
        let Outcome { name, steps, answer } = found;
        let line = format!("    Outcome {{ name: {name:?}, steps: {steps}, answer: {answer:#018x} }},");
        result = result.and(writeln!(text, "{line}"));
    });
    result.and_then(|()| writeln!(text, "];"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let write = std::env::args().nth(1).as_deref() == Some("write");
    let mut samples = String::from(
        "//! What a magnetometer with spikes says: written by `cargo run --example calibrated -- write`.\n\n\
         /// Raw samples in µT.\npub(crate) const SAMPLES: [[f32; 3]; 200] = [\n",
    );
    for i in 0..200 {
        let [x, y, z] = sample(i).map(|x| x as f32);
        writeln!(samples, "    [{x:?}, {y:?}, {z:?}],")?;
    }
    samples += "];\n";
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    if write {
        std::fs::write(format!("{folder}samples.rs"), &samples)?;
    }
    // What is compiled in may be older: another run writes the constants of new samples.
    let (mut single, mut double) = ([f32::NAN; SQUARES_REALS], [f64::NAN; REALS]);
    sense(&mut single);
    sense(&mut double);
    let mut text = String::from(
        "//! What a host found: written by `cargo run --example calibrated -- write`, confirmed by the tests.\n\n\
         use crate::calibration::Calibrated;\nuse crate::methods::Outcome;\n",
    );
    let by = "finds in `f32`";
    constant(
        &mut text,
        &format!("[`least_squares`](crate::calibration::least_squares) {by}"),
        "SQUARES_F32",
        least_squares(&mut single)?,
    )?;
    constant(
        &mut text,
        &format!("[`robust`](crate::calibration::robust) {by}"),
        "ROBUST_F32",
        robust(&mut single[..REALS])?,
    )?;
    constant(
        &mut text,
        "[`robust`](crate::calibration::robust) finds in `f64`",
        "ROBUST_F64",
        robust(&mut double)?,
    )?;
    toolbox::<f32>(&mut text, "f32")?;
    toolbox::<f64>(&mut text, "f64")?;
    if write {
        std::fs::write(format!("{folder}calibrated.rs"), text)?;
    } else {
        print!("{text}");
    }
    Ok(())
}
