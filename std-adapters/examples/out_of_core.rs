//! How fast passes over a file are, beside a plain sequential read of the same file.
//!
//! ```text
//! cargo run --release --example out_of_core -- FOLDER [GIGABYTES] [--cold]
//! ```
//! Writes a matrix of random numbers there (default 2 GB) and deletes it afterwards. Each repetition reads the file
//! plainly, megabyte by megabyte into one buffer, and then makes one pass of each kind; ratios are of the two times
//! of a repetition, and the median of them is shown. `--cold` asks the system (through `dd`, so Linux) to forget
//! the file before each of them; otherwise it is in the system's cache where there is room for it.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use southwell::subgradient::Oracle;
use southwell::transport::{Cost, DenseCost};
use southwell_std::on_disk::{DiskCost, DiskQuantile, Rows};

/// Elements of a row.
const COLUMNS: usize = 8192;
const REPETITIONS: usize = 5;

/// Bytes of costs that are held in memory beside the file.
const IN_MEMORY: usize = 200_000_000;

/// The file, deleted whatever happens.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn write(path: &Path, rows: usize) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {COLUMNS}), }}");
    while !(10 + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(text.len() as u16).to_le_bytes())?;
    file.write_all(text.as_bytes())?;
    let mut state = 1_u64;
    for _ in 0..rows * COLUMNS {
        // Numerical Recipes' linear congruence: any numbers in [0, 1) will do.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        file.write_all(&((state >> 11) as f64 / (1_u64 << 53) as f64).to_le_bytes())?;
    }
    file.into_inner()?.sync_all()
}

fn plain_read(path: &Path) -> std::io::Result<u64> {
    let (mut file, mut buffer, mut total) = (File::open(path)?, vec![0_u8; 1 << 20], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(total),
            read => total += read as u64,
        }
    }
}

fn forget(path: &Path) -> std::io::Result<()> {
    let of = format!("of={}", path.display());
    Command::new("dd")
        .args([&of, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"])
        .status()?;
    Ok(())
}

fn seconds(cold: bool, path: &Path, work: impl FnOnce()) -> std::io::Result<f64> {
    if cold {
        forget(path)?;
    }
    let start = Instant::now();
    work();
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut words, mut cold) = (Vec::new(), false);
    for word in std::env::args().skip(1) {
        if word == "--cold" { cold = true } else { words.push(word) }
    }
    let folder = words.first().ok_or("usage: out_of_core FOLDER [GIGABYTES] [--cold]")?;
    let gigabytes: f64 = words.get(1).map_or(Ok(2.0), |word| word.parse())?;
    let rows = (gigabytes * 1e9 / (8 * COLUMNS) as f64) as usize;
    let path = Path::new(folder).join("southwell-out-of-core.npy");
    let file = Temporary(path.clone());
    write(&path, rows)?;

    let cost = DiskCost::<f64>::new(Rows::open(&path)?)?;
    let y: Vec<f64> = (0..rows).map(|i| (i % 7) as f64).collect();
    let table = Rows::<f64>::open(&path)?;
    let mut quantile = DiskQuantile::new(&table, &y, 0.5)?;
    let narrow = Rows::<f64>::open(&path)?;

    // As many of the costs as fit anywhere, for the same pass from memory.
    let few = rows.min(IN_MEMORY / (8 * COLUMNS));
    let mut values = vec![0.0; few * COLUMNS];
    for (i, row) in values.chunks_exact_mut(COLUMNS).enumerate() {
        cost.row(i, row);
    }
    let memory = DenseCost::new(&values, few, COLUMNS, COLUMNS)?;

    let (g, mut sums, mut scratch) = (vec![0.0; COLUMNS], vec![0.0; COLUMNS], vec![0.0; COLUMNS]);
    let x: Vec<f64> = (0..COLUMNS).map(|j| (j % 5) as f64).collect();
    let names = ["transport, a reading", "robust fit, a call", "the largest element"];
    let (mut plain, mut slower, mut times) = (Vec::new(), Vec::new(), vec![Vec::new(); names.len()]);
    for _ in 0..REPETITIONS {
        let mut read = Ok(0);
        let plainly = seconds(cold, &path, || read = plain_read(&path))?;
        read?;
        plain.push(plainly);
        let mut pass = |cost: &dyn Cost<f64>, cold| {
            seconds(cold, &path, || cost.pass(0.05, &g, &mut |_, _, sum| 1.0 / sum, &mut sums, &mut scratch))
        };
        let computed = pass(&memory, false)? * rows as f64 / few as f64;
        let transport = pass(&cost, cold)?;
        slower.push(plainly.max(computed) / transport);
        let fit = seconds(cold, &path, || {
            quantile.value_and_subgradient(&x, &mut sums);
        })?;
        let mut largest = 0.0;
        let look = seconds(cold, &path, || {
            let _ =
                narrow.pass(|_, block| largest = f64::max(largest, southwell_simd::vector::max_abs(block)));
        })?;
        assert!(largest > 0.0 && narrow.fault().is_none());
        for (times, pass) in times.iter_mut().zip([transport, fit, look]) {
            times.push(plainly / pass);
        }
    }
    let bytes = fs::metadata(&path)?.len() as f64;
    let state = if cold { "cold" } else { "warm" };
    println!("{:.2} GB, {state}: plain read {:.2} GB/s", bytes / 1e9, bytes / 1e9 / median(plain));
    for (name, times) in names.iter().zip(times) {
        println!("{name:<22} {:.2} of it", median(times));
    }
    println!("transport: {:.2} of the slower of a plain read and the same pass from memory", median(slower));
    drop(file);
    Ok(())
}
