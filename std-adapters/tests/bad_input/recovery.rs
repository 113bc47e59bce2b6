//! Low-rank recovery.

use southwell::subgradient::matrix::operator::{
    AllEntries, Dense, Draw, Entries, Packed, Paired, RankOne, Seeded,
};
use southwell::subgradient::matrix::{self, Options, Problem, Step, Weights, Workspace};
use southwell::{Error, Stop};

use crate::corpus::Group;

const A: [f64; 12] = [1.0, 0.0, 0.5, 1.0, 2.0, 1.0, 0.0, -1.0, 0.5, 0.25, 1.0, 3.0];

pub(crate) fn rows(group: &mut Group<'_>) {
    group.bad("half a measurement", Dense::new(&A[..7], 2, 2));
    group.bad("matrices without rows", Dense::new(&A, 0, 2));
    group.bad("matrices beyond memory", Dense::new(&A, usize::MAX, 2));
    let mut spoilt = A;
    spoilt[5] = f64::NAN;
    group.bad("a measurement with NaN", Dense::new(&spoilt, 2, 2));
    group.bad("half a packed measurement", Packed::new(&A[..7], 2));
    group.bad("half a vector", RankOne::new(&A[..7], 2));
    group.bad("vectors that do not pair", Paired::new(&A, &A[..10], 2));
    group.bad("rows without columns", Entries::new(&[0, 1], &[0], 2, 2));
    group.bad("an entry outside", Entries::new(&[0, 2], &[0, 1], 2, 2));
    group.bad("no entries", AllEntries::new(0, 2));
    group.bad("drawn matrices without columns", Seeded::new(Draw::Signs, 1, 5, 2, 0));
    let (square, y) = (Dense::new(&A, 2, 2).expect("an operator"), [1.0, 2.0, 3.0]);
    group.bad("a rank of zero", Problem::symmetric(&square, &y, 0).map(drop));
    group.bad("a rank above the size", Problem::symmetric(&square, &y, 3).map(drop));
    group.bad("a value too few", Problem::symmetric(&square, &y[..2], 1).map(drop));
    group.bad("a value of infinity", Problem::symmetric(&square, &[1.0, f64::INFINITY, 0.0], 1).map(drop));
    let wide = Dense::new(&A, 2, 3).expect("an operator");
    group.bad("symmetric and not square", Problem::symmetric(&wide, &y[..2], 1).map(drop));
    let none = Dense::new(&[] as &[f64], 2, 2).expect("no matrices");
    group.bad("no measurements", Problem::symmetric(&none, &[], 1).map(drop));

    let problem = Problem::symmetric(&square, &y, 1).expect("a problem");
    let run = |options: Options<f64>, x: &mut [f64], length: usize| -> Result<(), Error> {
        let mut storage = vec![0.0; length];
        let workspace = Workspace::new(&problem, true, &mut storage)?;
        matrix::solve(&problem, &options, x, workspace, &mut ()).map(drop)
    };
    let default = Options::default();
    group.bad("a start of no size", run(Options { alpha: 0.0, ..default }, &mut [0.0; 2], 99));
    group.bad(
        "a step above one",
        run(Options { step: Step::Diminishing { eta0: 1.1 }, ..default }, &mut [0.0; 2], 99),
    );
    let held = Step::Held { eta0: 0.2, rho: 0.0, hold: 3 };
    group.bad("a step that dies at once", run(Options { step: held, ..default }, &mut [0.0; 2], 99));
    group.bad("a negative target", run(Options { target: -1.0, ..default }, &mut [0.0; 2], 99));
    let weights = Some(Weights::Smallest(1.5));
    group.bad("a share above one", run(Options { weights, ..default }, &mut [0.0; 2], 99));
    group.bad("a bound of zero", run(Options { row_bound: 0.0, ..default }, &mut [0.0; 2], 99));
    group.bad(
        "a negative tolerance",
        run(Options { stop: Stop::relative(-1.0), ..default }, &mut [0.0; 2], 99),
    );
    group.bad("an x too many", run(default, &mut [0.0; 3], 99));
    group.bad("a workspace too short", run(default, &mut [0.0; 2], 5));
}
