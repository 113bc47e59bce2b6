//! Robust fits, sets to project onto, sub-gradient methods, calibration.

use southwell::Error;
use southwell::subgradient::calibration;
use southwell::subgradient::fit::{self, Options, Whitening, Workspace};
use southwell::subgradient::huber::Huber;
use southwell::subgradient::projection::{Affine, Ball, Bounds, HalfSpace, Interval, L1Ball, Simplex};
use southwell::subgradient::step::{Constant, Diminishing, Geometric, Polyak, Restarted, StepRule};
use southwell::subgradient::{Function, Problem, Quantile, Table, method};

use crate::corpus::Group;

pub(crate) fn fits(group: &mut Group<'_>) {
    group.bad("no rows", Table::<f64>::new(&[], 0, 2));
    group.bad("half a row", Table::new(&[1.0; 5], 3, 2));
    group.bad("NaN in a row", Table::new(&[1.0, f64::NAN], 1, 2));
    let rows = [1.0, 2.0, 1.0, 3.0, 1.0, 4.0];
    let (table, y) = (Table::new(&rows, 3, 2).expect("a table"), [1.0, 2.0, 3.0]);
    group.bad("a quantile of one", Quantile::new(table, &y, 1.0));
    group.bad("a quantile of percent", Quantile::new(table, &y, 90.0));
    group.bad("a target too few", Quantile::absolute(table, &y[..2]));
    group.bad("a target of infinity", Quantile::absolute(table, &[1.0, f64::INFINITY, 0.0]));
    group.bad("a width of zero", Huber::new(table, &y, 0.0));
    let loss = Quantile::absolute(table, &y).expect("a loss");
    group.bad("a negative weight", loss.weighted(&[1.0, -1.0, 0.0]));
    group.bad("weights of zero", loss.weighted(&[0.0; 3]));
    let (mut storage, mut indices) = ([0.0; 100], [0; 6]);
    group.bad(
        "a bound without its whitening",
        Workspace::new(&loss, Whitening::Columns, true, &mut storage, &mut indices).map(drop),
    );
    group.bad(
        "a workspace too short",
        Workspace::new(&loss, Whitening::Orthogonal, true, &mut storage[..5], &mut indices).map(drop),
    );
    let mut run = |beta: &mut [f64], options: Options<f64>, rule: Geometric<f64>| -> Result<(), Error> {
        let workspace = Workspace::new(&loss, Whitening::Orthogonal, true, &mut storage, &mut indices)?;
        fit::solve(&loss, &options, rule, beta, workspace, &mut ()).map(drop)
    };
    let default = Options::default();
    group.bad("a step of zero", run(&mut [0.0; 2], default, Geometric::new(0.0, 0.9)));
    group.bad("steps that do not shrink", run(&mut [0.0; 2], default, Geometric::new(1.0, 1.0)));
    group.bad("a coefficient too many", run(&mut [0.0; 3], default, Geometric::new(1.0, 0.9)));
    group.bad("a coefficient of NaN", run(&mut [0.0, f64::NAN], default, Geometric::new(1.0, 0.9)));
    group.bad(
        "a negative gap",
        run(&mut [0.0; 2], Options { gap: -1.0, ..default }, Geometric::new(1.0, 0.9)),
    );

    let same = [1.0; 60];
    let samples =
        |rows: usize, columns: usize| Table::new(&same[..rows * columns], rows, columns).expect("a table");
    group.bad("samples of two axes", calibration::Problem::new(samples(30, 2), 1.0));
    group.bad("eight samples", calibration::Problem::new(samples(8, 3), 1.0));
    group.bad("samples that coincide", calibration::Problem::new(samples(20, 3), 1.0));
    group.bad("a field of zero", calibration::Problem::new(samples(20, 3), 0.0));
}

pub(crate) fn sets(group: &mut Group<'_>) {
    group.bad("an empty interval", Interval::new(1.0, 0.5));
    group.bad("an interval of NaN", Interval::new(f64::NAN, 0.5));
    group.bad("an empty box", Bounds::new(&[0.0, 1.0], &[1.0, 0.0]));
    group.bad("a bound too few", Bounds::new(&[0.0, 1.0], &[1.0]));
    group.bad("a ball of negative radius", Ball::new(&[0.0], -1.0));
    group.bad("a ball about NaN", Ball::new(&[f64::NAN], 1.0));
    group.bad("a simplex of no mass", Simplex::new(0.0));
    group.bad("an L1 ball of infinite radius", L1Ball::new(f64::INFINITY));
    group.bad("a half-space without direction", HalfSpace::new(&[0.0, 0.0], -1.0));
    group.bad("a half-space at NaN", HalfSpace::new(&[1.0], f64::NAN));
    let rows = [1.0, 1.0, 2.0, 2.0];
    let table = Table::new(&rows, 2, 2).expect("a table");
    group.bad(
        "equations that depend on one another",
        Affine::new(table, &[1.0, 3.0], &mut [0.0; 6]).map(drop),
    );
    let nothing = Function::new(0, |_: &[f64], _: &mut [f64]| 0.0);
    group.bad("no unknowns", Problem::new::<f64>(nothing, ()).map(drop));
    let plain = || {
        Function::new(2, |_: &[f64], g: &mut [f64]| {
            g.fill(0.0);
            0.0
        })
    };
    group.bad(
        "a set of another dimension",
        Problem::new(plain(), Ball::new(&[0.0; 3], 1.0).expect("a ball")).map(drop),
    );
    let run = |rule: &mut dyn StepRule<f64>, x: &mut [f64]| -> Result<(), Error> {
        let mut storage = [0.0; 4];
        let problem = Problem::new(plain(), ())?;
        let work = method::Workspace::new(&problem, false, &mut storage)?;
        method::solve(problem, &method::Options::default(), rule, x, work, &mut ()).map(drop)
    };
    group.bad("a step of zero", run(&mut Constant(0.0), &mut [0.0; 2]));
    group.bad("a step of NaN", run(&mut Diminishing(f64::NAN), &mut [0.0; 2]));
    group.bad("a ratio of one", run(&mut Geometric::new(1.0, 1.0), &mut [0.0; 2]));
    group.bad("restarts at once", run(&mut Restarted::new(1.0, 0.5, 0), &mut [0.0; 2]));
    group.bad("an infinite target", run(&mut Polyak::new(f64::INFINITY), &mut [0.0; 2]));
    group.bad("an x too few", run(&mut Constant(1.0), &mut [0.0]));
    group.bad("an x of NaN", run(&mut Constant(1.0), &mut [0.0, f64::NAN]));
}
