//! Matrices, and linear systems.

use southwell::linear::{Columns, Csc, Csr, Dense, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{Blocks, Colouring, Fixed, Problem, cg, jacobi_radius, sor, ssor_cg};
use southwell::{Error, Stop};

use crate::corpus::Group;

pub(crate) fn views(group: &mut Group<'_>) {
    let ones = [1.0; 3];
    let csr = |offsets: &[u32], columns: &[u32], values: &[f64]| Csr::new(offsets, columns, values).map(drop);
    group.bad("no offsets", csr(&[], &[], &[]));
    group.bad("a first offset of one", csr(&[1, 2], &[0], &[1.0]));
    group.bad("offsets that decrease", csr(&[0, 2, 1], &[0, 1], &[1.0; 2]));
    group.bad("fewer columns than offsets say", csr(&[0, 1, 2], &[0], &[1.0]));
    group.bad("fewer values than columns", csr(&[0, 1, 2], &[0, 1], &[1.0]));
    group.bad("a column beyond the last", csr(&[0, 1, 2], &[0, 2], &[1.0; 2]));
    group.bad("columns out of order", csr(&[0, 1, 3], &[0, 1, 0], &ones));
    group.bad("a column twice", csr(&[0, 1, 3], &[0, 1, 1], &ones));
    group.bad("NaN in a sparse matrix", csr(&[0, 1, 2], &[0, 1], &[1.0, f64::NAN]));
    group.bad("infinity in single precision", Csr::new(&[0, 1], &[0], &[f32::INFINITY]));
    group.bad("a row of columns that is none", Csc::new(&[0, 1], &[4], &[1.0], 4));
    group.bad("a short table of columns", Columns::new(&ones, 2, 2));
    group.bad("a table of columns with NaN", Columns::new(&[1.0, f64::NAN], 1, 2));
    group.bad("a stride below the order", Dense::new(&[1.0; 6], 3, 2));
    group.bad("a short dense matrix", Dense::new(&[1.0; 8], 3, 3));
    group.bad("an order beyond memory", Dense::new(&[1.0], usize::MAX, usize::MAX));
    group.bad("a dense matrix with infinity", Dense::new(&[1.0, f64::NEG_INFINITY, 0.0, 1.0], 2, 2));
    let star = Star { centre: 4.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
    group.bad("a stencil with NaN", Stencil2d::constant(3, 3, Star { north: f64::NAN, ..star }));
    group.bad("a grid beyond 32 bits", Stencil2d::constant(1 << 16, 1 << 16, star));
    group.bad("a box beyond 32 bits", Stencil3d::constant(1 << 11, 1 << 11, 1 << 11, star));
    let short = Star {
        centre: &ones[..],
        west: &ones,
        east: &ones,
        south: &ones,
        north: &ones[..2],
        ..Star::default()
    };
    group.bad("a short array of cells", Stencil2d::per_cell(3, 1, short));
    let pair = Csr::new(&[0, 2, 4], &[0, 1, 0, 1], &[2.0, 1.0, 1.0, 2.0]).expect("a matrix");
    group.bad("blocks of no rows", Blocks::new(pair, 0));
    group.bad("blocks of nine rows", Blocks::new(pair, 9));
    group.bad("coupled rows of one colour", Colouring::new(&pair, &[0, 2], &[0, 1], &mut [0; 2]));
    group.bad("a row coloured twice", Colouring::new(&pair, &[0, 1, 2], &[0, 0], &mut [0; 2]));
}

pub(crate) fn runs(group: &mut Group<'_>) {
    let values = [4.0, -1.0, -1.0, 4.0];
    let a = Dense::new(&values, 2, 2).expect("a matrix");
    group.bad("a short right-hand side", Problem::new(&a, &[1.0]));
    group.bad("NaN on the right", Problem::new(&a, &[1.0, f64::NAN]));
    group.bad("a right-hand side that overflows", Problem::new(&a, &[f64::MAX; 2]));
    group.bad("a right-hand side that underflows", Problem::new(&a, &[1e-200, 0.0]));
    let missing = Csr::new(&[0, 1, 2], &[0, 0], &[1.0, 1.0]).expect("a matrix");
    group.bad("no diagonal entry", Problem::new(&missing, &[1.0; 2]));
    let zero = Dense::new(&[0.0, 1.0, 1.0, 0.0], 2, 2).expect("a matrix");
    group.bad("a diagonal of zeros", Problem::new(&zero, &[1.0; 2]));
    let subnormal = Dense::new(&[1.0, 0.0, 0.0, 1e-310], 2, 2).expect("a matrix");
    group.bad("a diagonal that cannot be inverted", Problem::new(&subnormal, &[1.0; 2]));

    let rhs = [1.0, 2.0];
    let problem = Problem::new(&a, &rhs).expect("a problem");
    let relax = |x: &mut [f64], omega: f64, stop: Stop<f64>, length: usize| -> Result<(), Error> {
        let before = x.to_vec();
        let mut storage = vec![0.0; length];
        let options = sor::Options { stop, ..sor::Options::default() };
        let workspace = sor::Workspace::new(&problem, &mut storage)?;
        let result = sor::solve(&problem, &options, &mut Fixed(omega), x, workspace, &mut ()).map(drop);
        assert!(result.is_ok() || before.iter().zip(x).all(|(a, b)| a.to_bits() == b.to_bits()), "touched");
        result
    };
    let good = Stop::default();
    group.bad("a short x", relax(&mut [0.0], 1.0, good, 99));
    group.bad("x with infinity", relax(&mut [f64::INFINITY, 0.0], 1.0, good, 99));
    group.bad("omega of two", relax(&mut [0.0; 2], 2.0, good, 99));
    group.bad("omega of zero", relax(&mut [0.0; 2], 0.0, good, 99));
    group.bad("omega of NaN", relax(&mut [0.0; 2], f64::NAN, good, 99));
    group.bad("a workspace too short", relax(&mut [0.0; 2], 1.0, good, 1));
    group.bad("a negative tolerance", relax(&mut [0.0; 2], 1.0, Stop::relative(-1.0), 99));
    group.bad("a tolerance of NaN", relax(&mut [0.0; 2], 1.0, Stop { absolute: f64::NAN, ..good }, 99));
    group.bad("no tolerance at all", relax(&mut [0.0; 2], 1.0, Stop::relative(0.0), 99));
    let negative = Dense::new(&[-4.0, 0.0, 0.0, 4.0], 2, 2).expect("a matrix");
    let indefinite = Problem::new(&negative, &rhs).expect("a problem");
    let mut storage = [0.0; 99];
    let workspace = ssor_cg::Workspace::new(&indefinite, &mut storage).expect("memory");
    let options = ssor_cg::Options::default();
    group.bad(
        "a negative diagonal for conjugate gradients",
        ssor_cg::solve(&indefinite, &options, &mut Fixed(1.0), &mut [0.0; 2], workspace, &mut ()),
    );
    group.bad("no workspace for conjugate gradients", cg::Workspace::new(&problem, &mut []).map(drop));
    group.bad("an estimate in no steps", jacobi_radius(&problem, 0, &mut [0.0; 4]));
    let singular = Csr::new(&[0, 2, 4], &[0, 1, 0, 1], &[1.0; 4]).expect("a matrix");
    let blocks = Blocks::new(singular, 2).expect("blocks");
    let block = Problem::new(&blocks, &rhs).expect("a problem");
    let workspace = sor::Workspace::new(&block, &mut storage).expect("memory");
    let options = sor::Options::default();
    group.bad(
        "a singular block",
        sor::solve(&block, &options, &mut Fixed(1.0), &mut [0.0; 2], workspace, &mut ()),
    );
}
