//! How fast a device is, beside what its own memory can do: `cargo run --release --features gpu --example gpu`.
//!
//! Prints the adapter's name, the bandwidth of a plain copy on it, and of each solver the time of a step (of a
//! difference of two runs, so that nothing but steps is counted), the bytes that a step has to move, and the share
//! of the copy's bandwidth that it reached. `SOUTHWELL_SOFTWARE_GPU=1` allows software, whose numbers say nothing
//! about cards. `benches/peers/gpu.py` runs the same iterations with PyTorch or CuPy.
//!
//! Optional arguments: cells a side of the grid (default 4096), points (default 100000).

use std::error::Error;
use std::time::Instant;

use southwell::Stop;
use southwell::linear::{Csr, Star, Stencil2d};
use southwell::omega::Fixed;
use southwell::relaxation::{Problem, cg, sor};
use southwell::transport::{self, Ground, PointCost, Potentials, sinkhorn};
use southwell_std::gpu::relaxation::Settings;
use southwell_std::gpu::{self, Choice, Device, Resident};

/// No residual meets this.
fn stop(steps: u32) -> Stop<f32> {
    Stop { max_steps: steps, ..Stop::relative(f32::MIN_POSITIVE) }
}

/// Seconds of a step, from runs of `few` and of four times as many.
fn seconds(few: u32, mut run: impl FnMut(u32) -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    run(few)?;
    let mut time = |steps| -> Result<f64, Box<dyn Error>> {
        let start = Instant::now();
        run(steps)?;
        Ok(start.elapsed().as_secs_f64())
    };
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let (short, long) = (time(few)?, time(4 * few)?);
        best = best.min((long - short) / f64::from(3 * few));
    }
    Ok(best)
}

fn row(name: &str, seconds: f64, bytes: f64, copy: f64) {
    let rate = bytes / seconds / 1e9;
    println!("{name:<44}{:>12.1} us{rate:>10.1} GB/s{:>8.2} of a copy", seconds * 1e6, rate / copy);
}

fn linear<A: Resident<f32>>(
    device: &Device,
    a: &A,
    few: u32,
    conjugate: bool,
) -> Result<f64, Box<dyn Error>> {
    let b = vec![1.0_f32; a.order()];
    let problem = Problem::new(a, &b)?;
    let settings = Settings::default();
    seconds(few, |steps| {
        let mut x = vec![0.0; b.len()];
        if conjugate {
            let options = cg::Options { stop: stop(steps), ..cg::Options::default() };
            gpu::relaxation::cg(device, settings, &problem, &options, &mut x, &mut ())?;
        } else {
            let options = sor::Options { stop: stop(steps), ..sor::Options::default() };
            let mut rule = Fixed(1.5);
            gpu::relaxation::sor(device, settings, &problem, &options, &mut rule, &mut x, &mut ())?;
        }
        Ok(())
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let side = arguments.next().transpose()?.unwrap_or(4096);
    let points = arguments.next().transpose()?.unwrap_or(100_000);
    let device = Device::open(&Choice::from_environment())?;
    let adapter = device.adapter();
    println!("{} ({}), {}", adapter.name, adapter.kind.name(), adapter.driver);
    let copy = device.copy_bandwidth(1 << 26)? / 1e9;
    println!("{:<44}{:>25.1} GB/s, read and written", "copy of 256 MiB", copy);

    let star = Star { centre: 4.0_f32, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    let grid = Stencil2d::constant(side, side, star)?;
    let n = (side * side) as f64;
    // Either colour reads and writes x and reads b, whose cells lie between the other colour's.
    row(&format!("red-black sweep, {side} x {side}"), linear(&device, &grid, 50, false)?, 24.0 * n, copy);
    // q = A p: 2; pq: 2; d, r: 6; rr: 1; p: 3 numbers a cell.
    row(&format!("CG step, {side} x {side}"), linear(&device, &grid, 50, true)?, 56.0 * n, copy);

    let (offsets, columns, values) = five_point(side / 2);
    let matrix = Csr::new(&offsets, &columns, &values)?;
    let unknowns = (offsets.len() - 1) as f64;
    // Entries besides the diagonal with their columns; x twice, b and the diagonal.
    let bytes = 8.0 * (values.len() as f64 - unknowns) + 16.0 * unknowns;
    row(
        &format!("two-colour sweep, sparse, {unknowns} unknowns"),
        linear(&device, &matrix, 50, false)?,
        bytes,
        copy,
    );

    let coordinates = |shift: u32| -> Vec<f32> {
        (0..3 * points as u32)
            .map(|k| (k.wrapping_mul(2_654_435_761) ^ shift) as f32 / u32::MAX as f32)
            .collect()
    };
    let (x, y, weight) = (coordinates(0), coordinates(0x5555_5555), vec![1.0 / points as f32; points]);
    let mut storage = vec![0.0; PointCost::<f32>::required_len(points, 3)];
    let cost = PointCost::new(&x, &y, 3, Ground::SquaredEuclidean, &mut storage)?;
    let problem = transport::Problem::new(&cost, &weight, &weight, 0.05)?;
    let time = seconds(2, |steps| {
        let (mut f, mut g) = (vec![0.0; points], vec![0.0; points]);
        let potentials = Potentials { f: &mut f, g: &mut g };
        let options = sinkhorn::Options { stop: stop(steps) };
        let settings = Settings { chunk: Some(1) };
        gpu::transport::sinkhorn(
            &device,
            settings,
            &problem,
            &options,
            &mut Fixed(1.0),
            potentials,
            &mut (),
        )?;
        Ok(())
    })?;
    let pairs = 2.0 * (points as f64) * (points as f64) / time / 1e9;
    println!(
        "{:<44}{:>12.1} ms{pairs:>10.2} billion costs and exponentials a second",
        format!("Sinkhorn step, {points} x {points} points in space"),
        time * 1e3
    );
    Ok(())
}

/// The five-point matrix of a square grid.
fn five_point(side: usize) -> (Vec<u32>, Vec<u32>, Vec<f32>) {
    let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for k in 0..side * side {
        let (i, j) = (k / side, k % side);
        let mut push = |there: bool, column: usize, value: f32| {
            if there {
                columns.push(column as u32);
                values.push(value);
            }
        };
        push(i > 0, k.wrapping_sub(side), -1.0);
        push(j > 0, k.wrapping_sub(1), -1.0);
        push(true, k, 4.0);
        push(j + 1 < side, k + 1, -1.0);
        push(i + 1 < side, k + side, -1.0);
        offsets.push(columns.len() as u32);
    }
    (offsets, columns, values)
}
