//! Rows of sparse matrices over ranks, beside core in one piece.

use southwell::linear::{Csr, Matrix as _};
use southwell::relaxation::{Auto, Colouring, Fixed, HagemanYoung, Multicolour, Problem, cg, sor, ssor_cg};
use southwell::{Report, Status, Stop};
use southwell_std::cluster::rows::{self, Matrix, Pieces};
use southwell_std::cluster::{Communicator, Counted, Fault, Threads};
use southwell_std::files::{SparseMatrix, matrix_market};

use crate::ranks::{bits, numbers, run};

fn from_entries(n: usize, mut entries: Vec<(u32, u32, f64)>) -> SparseMatrix {
    entries.sort_by_key(|&(row, column, _)| (row, column));
    entries.dedup_by_key(|entry| (entry.0, entry.1));
    let mut matrix =
        SparseMatrix { rows: n, columns: n, row_offsets: vec![0; n + 1], ..SparseMatrix::default() };
    for (row, column, value) in entries {
        matrix.row_offsets[row as usize + 1] += 1;
        matrix.column_indices.push(column);
        matrix.values.push(value);
    }
    (0..n).for_each(|i| matrix.row_offsets[i + 1] += matrix.row_offsets[i]);
    matrix
}

/// Far couplings, stored on one side only; rows dominant.
fn tangled(n: usize) -> SparseMatrix {
    let draws = numbers(n as u64, 6 * n);
    let mut entries = Vec::new();
    for i in 0..n {
        entries.push((i as u32, i as u32, 8.0 + draws[i]));
        for k in 0..2 {
            let j = ((draws[n + 2 * i + k].abs() * n as f64) as usize).min(n - 1);
            if j != i {
                entries.push((i as u32, j as u32, draws[3 * n + 2 * i + k]));
            }
        }
    }
    from_entries(n, entries)
}

pub(crate) fn poisson(side: usize) -> SparseMatrix {
    let mut entries = Vec::new();
    for i in 0..side {
        for j in 0..side {
            let k = (i * side + j) as u32;
            entries.push((k, k, 4.0));
            if j > 0 {
                entries.extend([(k, k - 1, -1.0), (k - 1, k, -1.0)]);
            }
            if i > 0 {
                entries.extend([(k, k - side as u32, -1.0), (k - side as u32, k, -1.0)]);
            }
        }
    }
    from_entries(side * side, entries)
}

fn view(matrix: &SparseMatrix) -> Csr<'_, f64> {
    Csr::new(&matrix.row_offsets, &matrix.column_indices, &matrix.values).expect("valid")
}

/// Runs a solver on `ranks` ranks: all of x, and the report on which they agree.
fn divided(
    matrix: &SparseMatrix,
    ranks: usize,
    solve: impl Fn(&Matrix<'_, Threads>, &[f64], &mut [f64]) -> Result<Report<f64>, Fault> + Send + Sync + 'static,
) -> (Vec<f64>, Report<f64>) {
    let matrix = matrix.clone();
    let parts = run(ranks, move |comm: &Threads| {
        let part = rows::cut(&view(&matrix), comm.rank(), ranks).expect("enough rows");
        let divided = Matrix::new(comm, &part).expect("valid");
        let own = divided.partition().items_of(comm.rank());
        let rhs = &numbers(3, matrix.rows)[own.clone()];
        let mut x = vec![0.25; own.len()];
        let report = solve(&divided, rhs, &mut x).expect("no fault");
        (x, report)
    });
    let report = parts[0].1;
    assert!(parts.iter().all(|part| part.1 == report), "all ranks report the same");
    (parts.into_iter().flat_map(|part| part.0).collect(), report)
}

fn stop(check_every: u32) -> Stop<f64> {
    Stop { check_every, max_steps: 4000, ..Stop::relative(1e-8) }
}

#[test]
fn multicolour_sweeps_have_the_bits_of_one_piece() {
    let bus = matrix_market::read("tests/data/1138_bus.mtx").expect("read").into_sparse().expect("sparse");
    for (matrix, sweep, every, most) in [
        (tangled(97), sor::Sweep::Symmetric, 1, 4000),
        (tangled(500), sor::Sweep::Backward, 3, 4000),
        (poisson(17), sor::Sweep::Forward, 1, 4000),
        (bus, sor::Sweep::Forward, 10, 50),
    ] {
        let options =
            sor::Options { sweep, stop: Stop { max_steps: most, ..stop(every) }, ..Default::default() };
        let whole = view(&matrix);
        let mut colours = vec![0; Colouring::required_len(matrix.rows)];
        let colouring = Colouring::greedy(&whole, &mut colours).expect("long enough");
        let ordered = Multicolour::new(whole, colouring).expect("the same order");
        let rhs = numbers(3, matrix.rows);
        let problem = Problem::new(&ordered, &rhs).expect("valid");
        let mut storage = vec![f64::NAN; 2 * matrix.rows];
        let workspace = sor::Workspace::new(&problem, &mut storage).expect("long enough");
        let mut x = vec![0.25; matrix.rows];
        let rule = &mut HagemanYoung::default();
        let core = sor::solve(&problem, &options, rule, &mut x, workspace, &mut ()).expect("valid");
        for ranks in 1..=4 {
            let (ours, report) = divided(&matrix, ranks, move |matrix, rhs, x| {
                rows::multicolour(matrix, rhs, &options, &mut HagemanYoung::default(), x, &mut ())
            });
            // The rule sees residuals that differ by rounding: omega may, in its last digits.
            let far = ours.iter().zip(&x).fold(0.0, |far: f64, (a, b)| far.max((a - b).abs()));
            assert!(far <= 1e-9, "{far}");
            assert_eq!((report.status, report.steps, report.checks), (core.status, core.steps, core.checks));
        }
        let mut x = vec![0.25; matrix.rows];
        let workspace = sor::Workspace::new(&problem, &mut storage).expect("long enough");
        let core =
            sor::solve(&problem, &options, &mut Fixed(1.2), &mut x, workspace, &mut ()).expect("valid");
        let mut first = None;
        for ranks in 1..=4 {
            let (ours, report) = divided(&matrix, ranks, move |matrix, rhs, x| {
                rows::multicolour(matrix, rhs, &options, &mut Fixed(1.2), x, &mut ())
            });
            assert_eq!(bits(&ours), bits(&x), "{ranks} ranks, {} rows", matrix.rows);
            assert_eq!((report.status, report.steps, report.checks), (core.status, core.steps, core.checks));
            assert_eq!(*first.get_or_insert(report), report);
        }
    }
}

#[test]
fn conjugate_gradients_do_not_depend_on_the_ranks() {
    let matrix = matrix_market::read("tests/data/nos3.mtx").expect("read").into_sparse().expect("sparse");
    let options = cg::Options { stop: stop(1), ..cg::Options::default() };
    let whole = view(&matrix);
    let rhs = numbers(3, matrix.rows);
    let problem = Problem::new(&whole, &rhs).expect("valid");
    let mut storage = vec![f64::NAN; 3 * matrix.rows];
    let workspace = cg::Workspace::new(&problem, &mut storage).expect("long enough");
    let mut x = vec![0.25; matrix.rows];
    let core = cg::solve(&problem, &options, &mut x, workspace, &mut ()).expect("valid");
    let mut first = None;
    for ranks in 1..=4 {
        let (ours, report) =
            divided(&matrix, ranks, move |matrix, rhs, x| rows::cg(matrix, rhs, &options, x, &mut ()));
        assert!(report.converged());
        assert!(report.steps.abs_diff(core.steps) <= core.steps / 20, "{} {}", report.steps, core.steps);
        assert!(problem.residual_norm(&ours) <= 1e-8 * report.scale * (1.0 + 1e-9));
        let (x, one) = first.get_or_insert_with(|| (bits(&ours), report));
        assert_eq!((&bits(&ours), report), (&*x, *one), "{ranks} ranks");
    }
}

#[test]
fn ssor_inside_pieces_is_core_for_one_and_equal_for_fixed_pieces() {
    for matrix in [
        poisson(40),
        matrix_market::read("tests/data/nos3.mtx").expect("read").into_sparse().expect("sparse"),
    ] {
        let options = cg::Options { stop: stop(1), ..cg::Options::default() };
        let whole = view(&matrix);
        let rhs = numbers(3, matrix.rows);
        let problem = Problem::new(&whole, &rhs).expect("valid");
        let mut storage = vec![f64::NAN; 8 * matrix.rows];
        let workspace = ssor_cg::Workspace::new(&problem, &mut storage).expect("long enough");
        let mut x = vec![0.25; matrix.rows];
        let rule = &mut Auto::new().expect("constants");
        let core = ssor_cg::solve(&problem, &options, rule, &mut x, workspace, &mut ()).expect("valid");
        let solve = move |pieces| {
            move |matrix: &Matrix<'_, Threads>, rhs: &[f64], x: &mut [f64]| {
                let rule = &mut Auto::new().expect("constants");
                rows::ssor_cg(matrix, rhs, &options, pieces, rule, x, &mut ())
            }
        };
        let (ours, one) = divided(&matrix, 1, solve(Pieces::Ranks));
        assert!(one.steps.abs_diff(core.steps) <= 1, "{} {}", one.steps, core.steps);
        assert!(problem.residual_norm(&ours) <= 1e-8 * one.scale * (1.0 + 1e-9));
        let mut first = None;
        for ranks in 1..=4 {
            let (ours, report) = divided(&matrix, ranks, solve(Pieces::Fixed(12)));
            assert!(report.converged() && problem.residual_norm(&ours) <= 1e-8 * report.scale * (1.0 + 1e-9));
            let (x, fixed) = first.get_or_insert_with(|| (bits(&ours), report));
            assert_eq!((&bits(&ours), report), (&*x, *fixed), "{ranks} ranks");
            let (_, own) = divided(&matrix, ranks, solve(Pieces::Ranks));
            assert!(own.converged() && own.steps <= report.steps + 3, "fewer pieces, no more steps");
        }
    }
}

#[test]
fn each_border_element_goes_once_a_sweep_and_once_a_product() {
    let (side, ranks, sweeps) = (24_usize, 3, 10);
    let matrix = poisson(side);
    let traffic = run(ranks, move |comm: &Threads| {
        let counted = Counted::new(comm);
        let part = rows::cut(&view(&matrix), comm.rank(), ranks).expect("enough rows");
        let divided = Matrix::new(&counted, &part).expect("valid");
        let own = divided.partition().items_of(comm.rank()).len();
        let stop = Stop { max_steps: sweeps, check_every: sweeps, ..Stop::relative(1e-12) };
        let (rhs, mut x) = (vec![1.0; own], vec![0.0; own]);
        counted.take();
        let options = sor::Options { stop, ..sor::Options::default() };
        let report =
            rows::multicolour(&divided, &rhs, &options, &mut Fixed(1.5), &mut x, &mut ()).expect("valid");
        assert_eq!(report.status, Status::StepLimit);
        let sweeping = counted.take();
        let options = cg::Options { stop, ..cg::Options::default() };
        let report = rows::cg(&divided, &rhs, &options, &mut x, &mut ()).expect("valid");
        assert_eq!(report.steps, sweeps);
        let conjugate = counted.take();
        // What a step gathers: the difference between runs.
        let blocks = divided.partition().blocks_of(comm.rank()).len() as u64;
        let gathered = [(3, false), (4, true)].map(|(numbers, ssor)| {
            let traffic = [sweeps, 2 * sweeps].map(|steps| {
                let stop = Stop { max_steps: steps, ..Stop::relative(1e-14) };
                let (options, mut x) = (cg::Options { stop, ..cg::Options::default() }, vec![0.0; own]);
                counted.take();
                let report = match ssor {
                    true => {
                        let pieces = Pieces::Fixed(12);
                        rows::ssor_cg(&divided, &rhs, &options, pieces, &mut Fixed(1.0), &mut x, &mut ())
                    }
                    false => rows::cg(&divided, &rhs, &options, &mut x, &mut ()),
                };
                assert_eq!(report.expect("valid").steps, steps);
                counted.take()
            });
            let [few, more] = traffic;
            let gathered = more.collective_bytes - few.collective_bytes;
            let sent = [more.messages - few.messages, more.bytes - few.bytes];
            (gathered, u64::from(sweeps) * 8 * (numbers * blocks + 2), sent)
        });
        (sweeping, conjugate, gathered)
    });
    for (rank, (sweeping, conjugate, gathered)) in traffic.into_iter().enumerate() {
        let neighbours = if rank == 1 { 2 } else { 1 };
        let (sweeps, border) = (u64::from(sweeps), 8 * side as u64);
        // A chain of colours needs one message to each neighbour; then one fetch, and one a colour and sweep.
        assert_eq!(sweeping.messages, neighbours * (1 + 1 + 2 * sweeps), "rank {rank}");
        assert_eq!(sweeping.bytes, neighbours * border * (1 + 1 + sweeps));
        // The first residual, a product a step, and the confirmation at the end.
        assert_eq!(conjugate.messages, neighbours * (sweeps + 2));
        assert_eq!(conjugate.bytes, neighbours * border * (sweeps + 2));
        assert_eq!(conjugate.collectives, 4 + 1 + 2 * sweeps + 1);
        for (counted, modelled, sent) in gathered {
            assert_eq!(counted, modelled, "numbers a block, and a flag a gather");
            assert_eq!(
                sent,
                [neighbours * sweeps, neighbours * border * sweeps],
                "each border element once a step"
            );
        }
    }
}

#[test]
fn rows_that_cannot_be_used_are_refused_by_all() {
    let refusal = |edit: fn(&mut SparseMatrix), ranks| {
        let faults = run(ranks, move |comm: &Threads| {
            let mut part = rows::cut(&view(&poisson(6)), comm.rank(), ranks).expect("enough rows");
            if comm.rank() == 1 {
                edit(&mut part);
            }
            Matrix::new(comm, &part).err().map(|fault| fault.to_string())
        });
        assert!(faults.iter().all(|fault| *fault == faults[0]), "{faults:?}");
        faults[0].clone().expect("refused")
    };
    let zero = |part: &mut SparseMatrix| {
        let at = part.column_indices[..part.row_offsets[1] as usize].binary_search(&12).expect("a diagonal");
        part.values[at] = 0.0;
    };
    let words = refusal(zero, 3);
    assert!(words.starts_with("rank 1: the diagonal entry of row 12 is zero"), "{words}");
    let words = refusal(|part| part.values[0] = f64::INFINITY, 2);
    assert!(words.starts_with("rank 1: `values[0]` is NaN or infinite"), "{words}");
    let words = refusal(|part| part.row_offsets.truncate(3), 2);
    assert!(words.starts_with("rank 1: `row_offsets` has length 3"), "{words}");
    let whole = poisson(3);
    assert_eq!(view(&whole).order(), 9);
    assert!(matches!(rows::cut(&view(&whole), 0, 10), Err(Fault::Ranks { ranks: 10, most: 9 })));
}
