//! What the library's features add, on a part: a sparse matrix assembled there, an nalgebra matrix as a view, and
//! reports, options and an error in a log. None of it can panic.
#![no_std]
#![no_main]

use core::hint::black_box;

use nalgebra::SMatrix;
use southwell::fixed::{FixedCsr, Storage};
use southwell::linear::{Csr, Dense, Matrix};
use southwell::relaxation::{Fixed, Problem, Split, ssor_cg};
use southwell::{Error, Report, Stop};
use southwell_cortex_m::{Output, check};

/// Nodes of a chain, tied to ground at its ends.
const N: usize = 8;
const ENTRIES: usize = 3 * N - 2;
const LEN: usize = ssor_cg::Workspace::<f32>::required_len(N, 2 * N + ENTRIES);

type Chain = FixedCsr<f32, { N + 1 }, ENTRIES>;

/// A chain of springs: 2 on the diagonal, −1 beside it, assembled spring by spring.
fn assemble() -> Result<Chain, Error> {
    let mut matrix = Chain::new(black_box(N))?;
    for spring in 0..=N {
        let ends = [spring.checked_sub(1), Some(spring).filter(|&end| end < N)];
        for end in ends.into_iter().flatten() {
            matrix.add(end, end, 1.0)?;
        }
        if let [Some(left), Some(right)] = ends {
            matrix.add(right, left, -1.0)?;
            matrix.add(left, right, -1.0)?;
        }
    }
    Ok(matrix)
}

// Not inlined: the solver is in the image once.
#[inline(never)]
fn solve<A: Split<f32>>(
    matrix: &A,
    storage: &mut Storage<f32, LEN>,
) -> Result<(Report<f32>, [u32; N]), Error> {
    let (rhs, mut x) = (black_box([1.0; N]), [0.0; N]);
    let problem = Problem::new(matrix, &rhs)?;
    let memory = storage.prepare(ssor_cg::Workspace::<f32>::required_len(N, matrix.split_len()))?;
    let workspace = ssor_cg::Workspace::new(&problem, memory)?;
    let options = ssor_cg::Options { stop: Stop::relative(1e-5), ..ssor_cg::Options::default() };
    defmt::info!("options {}", options);
    let report = ssor_cg::solve(&problem, &options, &mut Fixed(1.25), &mut x, workspace, &mut ())?;
    defmt::info!("solved {}", report);
    Ok((report, x.map(f32::to_bits)))
}

/// The same chain as constants, assembled by hand, and as an nalgebra matrix; three answers.
fn run(output: &mut Output<'_>) -> Result<bool, Error> {
    let mut storage = Storage::new();
    let chain = assemble()?;
    let (report, assembled) = solve(&chain.view()?, &mut storage)?;

    let (mut offsets, mut columns, mut values) = ([0; N + 1], [0; ENTRIES], [0.0; ENTRIES]);
    let mut entries = columns.iter_mut().zip(&mut values);
    let mut count = 0;
    for (row, end) in (0_u32..).zip(offsets.iter_mut().skip(1)) {
        let beside = row.saturating_sub(1)..=row.saturating_add(1).min(N as u32 - 1);
        for (column, (place, value)) in beside.zip(&mut entries) {
            (*place, *value) = (column, if column == row { 2.0 } else { -1.0 });
            count += 1;
        }
        *end = count;
    }
    let (_, by_hand) = solve(&Csr::new(&offsets, &columns, &values)?, &mut storage)?;

    let dense = SMatrix::<f32, N, N>::from_fn(|i, j| match i.abs_diff(j) {
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    });
    let dense = black_box(dense);
    let view = Dense::from_nalgebra_transposed(&dense)?;
    let (by_nalgebra, _) = solve(&view, &mut storage)?;
    let again = view.to_nalgebra();
    let same = again.iter().zip(dense.iter()).all(|(a, b)| a == b) && view.order() == N;

    // One entry too many: nothing is lost, and the log says why.
    let mut full = chain.clone();
    let refused = full.add(0, N - 1, 1.0);
    if let Err(error) = refused {
        defmt::warn!("refused {}", error);
    }
    output.text("features: ").number(report.steps).text(" steps, ").number(storage.peak() as u32);
    output.text(" numbers of workspace, ").number(chain.entries() as u32).text(" entries").line();
    Ok(report.converged()
        && by_nalgebra.converged()
        && assembled == by_hand
        && same
        && refused == Err(Error::Workspace { needed: ENTRIES + 1, given: ENTRIES }))
}

#[cortex_m_rt::entry]
fn main() -> ! {
    check("features", |output| run(output).unwrap_or(false))
}
