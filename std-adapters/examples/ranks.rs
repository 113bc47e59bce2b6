//! Every driver over the ranks that `mpirun` started, one line each: what it ended with, and the bits of x as a number.
//!
//! ```text
//! mpirun -n 3 target/debug/examples/ranks            the lines do not depend on the number of ranks
//! mpirun -n 3 target/debug/examples/ranks panic      rank 1 panics: all ranks end with code 101
//! mpirun -n 3 target/debug/examples/ranks refuse     rank 1 has a bad part: rank 0 says so, all end with code 1
//! mpirun -n 3 target/debug/examples/ranks version    rank 1 claims to be another version
//! mpirun -n 3 target/debug/examples/ranks rows       rank 1 takes the rows of rank 0
//! mpirun -n 3 target/debug/examples/ranks missing    a matrix is not there for rank 1
//! mpirun -n 3 target/debug/examples/ranks endless    says so, and goes on until it is killed
//! target/debug/examples/ranks files FOLDER           writes small problems of every command into a folder, without MPI
//! ```

use std::ops::Range;
use std::process::ExitCode;

use southwell::linear::{Csr, Star};
use southwell::omega::Eager;
use southwell::relaxation::{Auto, Fixed, cg, sor};
use southwell::transport::{self, DenseCost, Potentials};
use southwell::{Report, Stop};
use southwell_std::cluster::rows::{self, Matrix, Pieces};
use southwell_std::cluster::stencil::{self, Couplings, Shape};
use southwell_std::cluster::{
    Communicator, Counted, Fault, Mpi, Partition, descent, newton, read, same_version, sinkhorn, version,
};
use southwell_std::files::{FileError, archive, npy};

/// Numbers that look random and belong to their place.
fn number(place: usize) -> f64 {
    let mut word = (place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (word >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

/// A number for the bits of x, the same whoever has which part.
fn fingerprint(comm: &impl Communicator, places: Range<usize>, x: &[f64]) -> Result<u64, Fault> {
    let mix = |(place, x): (usize, &f64)| (x.to_bits() ^ place as u64).wrapping_mul(0x94d0_49bb_1331_11eb);
    let sum = places.zip(x).map(mix).fold(0_u64, |sum, word| sum.wrapping_add(word ^ (word >> 29)));
    let (size, mut all) = (comm.size(), vec![0.0; 2 * comm.size()]);
    comm.gather(&[(sum >> 32) as f64, (sum & 0xffff_ffff) as f64], &vec![2; size], &mut all)?;
    Ok(all.chunks_exact(2).fold(0, |sum, half| sum.wrapping_add(((half[0] as u64) << 32) | half[1] as u64)))
}

fn say(
    comm: &impl Communicator,
    name: &str,
    report: &Report<f64>,
    places: Range<usize>,
    x: &[f64],
) -> Result<(), Fault> {
    let bits = fingerprint(comm, places, x)?;
    if comm.rank() == 0 {
        let residual = report.residual.to_bits();
        println!(
            "{name:<22} {:?} {:>5} steps, residual {residual:016x}, x {bits:016x}",
            report.status, report.steps
        );
    }
    Ok(())
}

fn grids(comm: &impl Communicator, bad: bool) -> Result<(), Fault> {
    let star = Star { centre: 5.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    let space = Star { centre: 7.0, down: -1.0, up: -1.0, ..star };
    let plane = (Shape::Plane { rows: 200, columns: 150 }, star);
    for (name, (shape, star), every) in [
        ("plane", plane, 1),
        ("plane, four at once", plane, 4),
        ("space", (Shape::Space { planes: 30, rows: 20, columns: 25 }, space), 2),
    ] {
        let layers = stencil::Problem::<Mpi>::partition(&shape, comm.size())?.items_of(comm.rank());
        let cells = layers.start * shape.layer()..layers.end * shape.layer();
        let mut rhs: Vec<f64> = cells.clone().map(number).collect();
        if bad && comm.rank() == 1 {
            rhs[3] = f64::NAN;
        }
        let problem = stencil::Problem::new(comm, shape, Couplings::Constant(star), &rhs)?;
        let mut x = vec![0.0; rhs.len()];
        let stop = Stop { check_every: every, ..Stop::relative(1e-10) };
        let options = sor::Options { stop, ..sor::Options::default() };
        let report = stencil::solve(
            &problem,
            &options,
            &mut Auto::new().map_err(|_| Fault::Start("auto"))?,
            &mut x,
            &mut (),
        )?;
        say(comm, name, &report, cells, &x)?;
    }
    Ok(())
}

fn matrices(comm: &impl Communicator, mode: &str) -> Result<(), Fault> {
    let odd = comm.rank() == 1;
    if mode == "missing" {
        let name = if odd { "nowhere.mtx" } else { "std-adapters/tests/data/nos3.mtx" };
        read::matrix_market(comm, std::path::Path::new(name))?;
    }
    let side = 60_usize;
    let (mut offsets, mut columns, mut values) = (vec![0_u32], Vec::new(), Vec::new());
    for k in 0..side * side {
        let (i, j) = (k / side, k % side);
        for (there, column, value) in [
            (i > 0, k.wrapping_sub(side), -1.0),
            (j > 0, k.wrapping_sub(1), -1.0),
            (true, k, 4.1),
            (j + 1 < side, k + 1, -1.0),
            (i + 1 < side, k + side, -1.0),
        ] {
            if there {
                columns.push(column as u32);
                values.push(value);
            }
        }
        offsets.push(columns.len() as u32);
    }
    let whole = Csr::new(&offsets, &columns, &values).map_err(|_| Fault::Start("a valid matrix"))?;
    let theirs = if odd && mode == "rows" { 0 } else { comm.rank() };
    let part = rows::cut(&whole, theirs, comm.size())?;
    let matrix = Matrix::new(comm, &part)?;
    let own = matrix.partition().items_of(comm.rank());
    let rhs: Vec<f64> = own.clone().map(number).collect();
    let sweeps = sor::Options { stop: Stop::relative(1e-9), ..sor::Options::default() };
    let conjugate = cg::Options { stop: Stop::relative(1e-9), ..cg::Options::default() };
    let mut x = vec![0.0; rhs.len()];
    let report = rows::multicolour(&matrix, &rhs, &sweeps, &mut Fixed(1.7), &mut x, &mut ())?;
    say(comm, "multicolour", &report, own.clone(), &x)?;
    x.fill(0.0);
    let report = rows::cg(&matrix, &rhs, &conjugate, &mut x, &mut ())?;
    say(comm, "cg", &report, own.clone(), &x)?;
    x.fill(0.0);
    let report =
        rows::ssor_cg(&matrix, &rhs, &conjugate, Pieces::Fixed(12), &mut Fixed(1.5), &mut x, &mut ())?;
    say(comm, "ssor-cg, 12 pieces", &report, own, &x)
}

fn couplings(comm: &impl Communicator) -> Result<(), Fault> {
    let (n, m, epsilon) = (96, 70, 0.02);
    let part = Partition::in_blocks(n, 12, comm.size())?;
    let own = part.items_of(comm.rank());
    let values: Vec<f64> = (own.start * m..own.end * m).map(|place| number(place).abs()).collect();
    let (mut views, mut rest) = (Vec::new(), &values[..]);
    for block in part.blocks_of(comm.rank()) {
        let rows = part.items_in(block).len();
        let (here, after) = rest.split_at(rows * m);
        views.push(DenseCost::new(here, rows, m, m).map_err(|_| Fault::Start("valid costs"))?);
        rest = after;
    }
    let (a, b) = (vec![1.0 / n as f64; own.len()], vec![1.0 / m as f64; m]);
    let problem = sinkhorn::Problem::new(comm, part, &views, &a, &b, epsilon)?;
    let (mut f, mut g) = (vec![0.0; own.len()], vec![0.0; m]);
    let options = transport::sinkhorn::Options::default();
    let x = Potentials { f: &mut f, g: &mut g };
    let report = sinkhorn::solve(&problem, &options, &mut Eager::default(), x, &mut ())?;
    say(comm, "sinkhorn", &report, own.clone(), &f)?;
    g.fill(0.0);
    let options = transport::newton::Options { first_steps: 5, ..Default::default() };
    let x = Potentials { f: &mut f, g: &mut g };
    let (report, _) = newton::solve(&problem, &options, m, x, &mut ())?;
    say(comm, "newton, sparse", &report, own, &f)
}

fn regressions(comm: &impl Communicator) -> Result<(), Fault> {
    let (n, p, lambda) = (60, 48, 0.5);
    let stop = Stop { max_steps: 5000, ..Stop::relative(1e-9) };
    let y: Vec<f64> = (0..n).map(|i| number(7 * i + 100_000)).collect();
    let features = Partition::new(p, comm.size())?;
    let own = features.items_of(comm.rank());
    let columns: Vec<f64> = (own.start * n..own.end * n).map(number).collect();
    let mut w = vec![0.0; own.len()];
    let report = descent::by_features(comm, &features, &columns, &y, lambda, &stop, &mut w, &mut ())?;
    say(comm, "lasso, by features", &report, own, &w)?;
    let samples = Partition::in_blocks(n, 12, comm.size())?;
    let own = samples.items_of(comm.rank());
    let columns: Vec<f64> = (0..p).flat_map(|j| own.clone().map(move |i| number(j * n + i))).collect();
    let mut w = vec![0.0; p];
    let report = descent::by_samples(comm, &samples, &columns, &y[own], lambda, &stop, &mut w, &mut ())?;
    // All ranks have all of w: each counts its share.
    let share = features.items_of(comm.rank());
    say(comm, "lasso, by samples", &report, share.clone(), &w[share])
}

fn all(comm: &Mpi, mode: &str) -> Result<(), Fault> {
    let odd = comm.rank() == 1;
    same_version(comm, if odd && mode == "version" { [9, 9, 9] } else { version() })?;
    let counted = Counted::new(comm);
    if mode == "endless" {
        // Standard output is not told before its end where it is no terminal.
        eprintln!("rank {} has begun", comm.rank());
        loop {
            counted.max(&mut [0.0])?;
        }
    }
    grids(&counted, mode == "refuse")?;
    assert!(!(odd && mode == "panic"), "rank 1 panics as it was told to");
    matrices(&counted, mode)?;
    couplings(&counted)?;
    regressions(&counted)
}

/// Costs, points, samples and measurements.
fn files(folder: &str) -> Result<(), FileError> {
    let path = |name: &str| std::path::Path::new(folder).join(name);
    let numbers = |seed: usize, count: usize| -> Vec<f64> { (0..count).map(|k| number(seed + k)).collect() };
    let (n, m, d) = (150, 90, 5);
    let costs: Vec<f64> = numbers(0, n * m).iter().map(|x| x.abs()).collect();
    npy::write_matrix(path("C.npy"), n, m, &costs)?;
    npy::write_matrix(path("X.npy"), n, 3, &numbers(1_000_000, 3 * n))?;
    npy::write_matrix(path("Y.npy"), m, 3, &numbers(2_000_000, 3 * m))?;
    let a = numbers(3_000_000, n * m);
    let noise = numbers(4_000_000, n);
    let y: Vec<f64> = a
        .chunks_exact(m)
        .zip(noise)
        .map(|(row, noise)| 3.0 * row[1] - 2.0 * row[m / 2] + 0.1 * noise)
        .collect();
    npy::write_matrix(path("A.npy"), n, m, &a)?;
    npy::write_vector(path("y.npy"), &y)?;
    archive::write(path("data.npz"), &[("A", &[n, m], &a), ("y", &[n], &y)])?;
    let (rows, p) = (600, 5);
    let a = numbers(7_000_000, rows * p);
    let noise = numbers(8_000_000, rows);
    let y: Vec<f64> = a
        .chunks_exact(p)
        .zip(&noise)
        .enumerate()
        .map(|(k, (row, noise))| row[0] - 2.0 * row[3] + 0.3 * noise + if k % 9 == 2 { 7.0 } else { 0.0 })
        .collect();
    let weights: Vec<f64> = noise.iter().map(|noise| 1.0 + noise).collect();
    archive::write(path("rows.npz"), &[("A", &[rows, p], &a), ("y", &[rows], &y), ("w", &[rows], &weights)])?;
    let (matrices, x) = (numbers(5_000_000, n * d * d), numbers(6_000_000, d));
    let measured = |a: &[f64]| a.iter().enumerate().map(|(k, a)| a * x[k / d] * x[k % d]).sum::<f64>();
    let y: Vec<f64> = matrices
        .chunks_exact(d * d)
        .enumerate()
        .map(|(k, a)| measured(a) + if k % 8 == 3 { 4.0 } else { 0.0 })
        .collect();
    archive::write(path("measurements.npz"), &[("A", &[n, d, d], &matrices), ("y", &[n], &y)])
}

fn main() -> ExitCode {
    if let (Some("files"), Some(folder)) =
        (std::env::args().nth(1).as_deref(), std::env::args().nth(2).as_deref())
    {
        return match files(folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let mode = std::env::args().nth(1).unwrap_or_default();
    let comm = match Mpi::start() {
        Ok(comm) => comm,
        Err(fault) => {
            eprintln!("error: {fault}");
            return ExitCode::FAILURE;
        }
    };
    match all(&comm, &mode) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            if comm.rank() == 0 {
                eprintln!("error: {fault}");
            }
            ExitCode::FAILURE
        }
    }
}
