//! Transport, and the scaling of matrices.

use southwell::relaxation::Fixed;
use southwell::transport::balance::{self, Scalings, ruiz, sinkhorn_knopp};
use southwell::transport::{DenseCost, Ground, PointCost, Potentials, Problem, sinkhorn};
use southwell::{Error, Stop};

use crate::corpus::Group;

const COST: [f64; 6] = [0.0, 1.0, 2.0, 1.0, 0.0, 1.0];
const A: [f64; 2] = [0.5, 0.5];
const B: [f64; 3] = [0.25, 0.25, 0.5];

pub(crate) fn problems(group: &mut Group<'_>) {
    let costs = |place: usize, value: f64| {
        let mut costs = COST;
        costs[place] = value;
        DenseCost::new(&costs, 2, 3, 3).map(drop)
    };
    group.bad("a cost of NaN", costs(4, f64::NAN));
    group.bad("a cost of infinity", costs(0, f64::INFINITY));
    group.bad("a negative cost", costs(5, -1e-300));
    group.bad("too few costs", DenseCost::new(&COST[..5], 2, 3, 3));
    group.bad("a stride below the columns", DenseCost::new(&COST, 2, 3, 2));
    let mut storage = [0.0; 99];
    let mut points = |x: &[f64], y: &[f64], dimension| {
        PointCost::new(x, y, dimension, Ground::SquaredEuclidean, &mut storage).map(drop)
    };
    group.bad("points of no dimension", points(&[1.0], &[1.0], 0));
    group.bad("half a point", points(&[1.0, 2.0, 3.0], &[1.0, 2.0], 2));
    group.bad("a point at infinity", points(&[1.0, f64::INFINITY], &[1.0, 2.0], 2));
    group.bad("points whose distance overflows", points(&[1e200, 0.0], &[-1e200, 0.0], 2));
    group.bad("no memory for points", PointCost::new(&A, &A, 2, Ground::L1, &mut []));

    let cost = DenseCost::new(&COST, 2, 3, 3).expect("costs");
    let problem = |a: &[f64], b: &[f64], epsilon| Problem::new(&cost, a, b, epsilon).map(drop);
    group.bad("a mass too few", problem(&A[..1], &B, 0.1));
    group.bad("a mass too many", problem(&B, &B, 0.1));
    group.bad("a mass of NaN", problem(&[0.5, f64::NAN], &B, 0.1));
    group.bad("a negative mass", problem(&A, &[-0.25, 0.75, 0.5], 0.1));
    group.bad("no mass", problem(&[0.0; 2], &[0.0; 3], 0.1));
    group.bad("no mass on one side", problem(&A, &[0.0; 3], 0.1));
    group.bad("masses that overflow", problem(&[f64::MAX; 2], &B, 0.1));
    group.bad("masses that differ", problem(&A, &[0.25, 0.25, 0.6], 0.1));
    group.bad("masses of percent against shares", problem(&[50.0, 50.0], &B, 0.1));
    for (name, epsilon) in [
        ("epsilon of zero", 0.0),
        ("a negative epsilon", -1.0),
        ("epsilon of NaN", f64::NAN),
        ("an infinite epsilon", f64::INFINITY),
        ("a subnormal epsilon", 1e-310),
        ("epsilon below the precision", 1e-17),
    ] {
        group.bad(name, problem(&A, &B, epsilon));
    }
    let sound = Problem::new(&cost, &A, &B, 0.1).expect("a problem");
    let run = |f: &mut [f64], g: &mut [f64], omega, length: usize| -> Result<(), Error> {
        let mut storage = vec![0.0; length];
        let workspace = sinkhorn::Workspace::new(&sound, &mut storage)?;
        let options = sinkhorn::Options { stop: Stop::relative(1e-6) };
        sinkhorn::solve(&sound, &options, &mut Fixed(omega), Potentials { f, g }, workspace, &mut ())
            .map(drop)
    };
    group.bad("a potential too few", run(&mut [0.0], &mut [0.0; 3], 1.0, 99));
    group.bad("a potential of NaN", run(&mut [0.0; 2], &mut [0.0, f64::NAN, 0.0], 1.0, 99));
    group.bad("an omega of two", run(&mut [0.0; 2], &mut [0.0; 3], 2.0, 99));
    group.bad("a workspace too short", run(&mut [0.0; 2], &mut [0.0; 3], 1.0, 2));
}

pub(crate) fn balance(group: &mut Group<'_>) {
    let values = [1.0, 2.0, 0.0, 3.0, 0.0, 4.0];
    let a = balance::Dense::new(&values, 2, 3, 3).expect("a matrix");
    let problem = |r: &[f64], c: &[f64]| balance::Problem::new(&a, r, c).map(drop);
    group.bad("a row sum too many", problem(&[1.0; 3], &[1.0; 3]));
    group.bad("a row sum of NaN", problem(&[f64::NAN, 1.0], &[1.0; 3]));
    group.bad("a negative column sum", problem(&[1.5; 2], &[1.0, 3.0, -1.0]));
    group.bad("sums of zero", problem(&[0.0; 2], &[0.0; 3]));
    group.bad("sums that differ", problem(&[1.5; 2], &[1.0, 1.0, 1.1]));
    group.bad("a matrix that is not square, sums of one", balance::Problem::unit(&a).map(drop));
    let negative = [1.0, -2.0, 3.0, 4.0];
    let signed = balance::Dense::new(&negative, 2, 2, 2).expect("a matrix");
    group.bad("a negative entry", balance::Problem::unit(&signed).map(drop));
    let empty = balance::Dense::<f64>::new(&[], 0, 0, 0).expect("no matrix");
    group.bad("no matrix", ruiz::Problem::new::<f64>(&empty, ruiz::Norm::Sum).map(drop));
    let hole = [1.0, 2.0, 0.0, 0.0];
    let hole = balance::Dense::new(&hole, 2, 2, 2).expect("a matrix");
    group.bad(
        "an empty row that must carry",
        balance::Problem::unit(&hole).and_then(|problem| {
            let (mut storage, mut indices) = ([0.0; 99], [0; 99]);
            let workspace = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices)?;
            let scalings = Scalings { x: &mut [1.0; 2], y: &mut [1.0; 2] };
            sinkhorn_knopp::solve(&problem, &sinkhorn_knopp::Options::default(), scalings, workspace, &mut ())
                .map(drop)
        }),
    );
}
