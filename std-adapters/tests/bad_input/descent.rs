//! Block coordinate descent, sparse regression, quadratics in a box.

use southwell::descent::box_qp::{self, Condensed, Plant, Staged};
use southwell::descent::losses::{Huber, LeastSquares, Logistic, Quadratic, Softmax};
use southwell::descent::penalties::{
    ElasticNet, Group as Grouped, Interval, L1, NonNegative, Simplex, Values,
};
use southwell::descent::sparse_regression::{self, Penalty};
use southwell::descent::{Partition, Problem};
use southwell::linear::{Columns, Dense};

use crate::corpus::Group;

const TABLE: [f64; 6] = [1.0, 2.0, 0.0, 0.0, 1.0, 1.0];

pub(crate) fn parts(group: &mut Group<'_>) {
    let design = Columns::new(&TABLE, 2, 3).expect("a design");
    group.bad("a target too few", LeastSquares::new(design, &[1.0]));
    group.bad("a target of NaN", LeastSquares::new(design, &[1.0, f64::NAN]));
    group.bad("a width of zero", Huber::new(design, &[1.0, 2.0], 0.0));
    group.bad("a label that is none", Logistic::new(design, &[1.0, 0.5]));
    group.bad("a class beyond the last", Softmax::new::<f64>(design, 3, &[3, 0]));
    group.bad("a single class", Softmax::new::<f64>(design, 1, &[0, 0]));
    let unit = Dense::new(&[1.0, 0.0, 0.0, 1.0], 2, 2).expect("a matrix");
    group.bad("a linear term too few", Quadratic::new(unit, &[1.0]));
    let loss = LeastSquares::new(design, &[1.0, 2.0]).expect("a loss");
    group.bad("a negative weight", Problem::new(&loss, &L1::new(-1.0)).map(drop));
    group
        .bad("one negative weight", Problem::new(&loss, &L1::new(Values::Each(&[1.0, 1.0, -0.5]))).map(drop));
    group.bad("a weight too few", Problem::new(&loss, &L1::new(Values::Each(&[1.0; 2]))).map(drop));
    group.bad("a weight of NaN", Problem::new(&loss, &NonNegative::new(f64::NAN)).map(drop));
    group.bad("a weight of infinity", Problem::new(&loss, &Grouped::new(f64::INFINITY)).map(drop));
    group.bad("a negative ridge", Problem::new(&loss, &ElasticNet::new(1.0, -1.0)).map(drop));
    group.bad("an empty interval", Problem::new(&loss, &Interval::new(1.0, 0.0)).map(drop));
    group.bad("a bound of NaN", Problem::new(&loss, &Interval::new(f64::NAN, 1.0)).map(drop));
    group.bad("a simplex of no mass", Problem::new(&loss, &Simplex::new(0.0)).map(drop));
    let blocks = |offsets: &[u32], order: &[u32]| Partition::new(offsets, order, &mut [0; 1]).map(drop);
    group.bad("an empty block", blocks(&[0, 1, 1, 3], &[2, 0, 1]));
    group.bad("a variable twice", blocks(&[0, 2, 3], &[2, 0, 2]));
    group.bad("a variable that is none", blocks(&[0, 2, 3], &[2, 0, 3]));
    group.bad("blocks that leave one out", blocks(&[0, 2], &[2, 0, 1]));
    group.bad("blocks of no variables", Partition::consecutive(3, 0));
}

pub(crate) fn regression(group: &mut Group<'_>) {
    let design = Columns::new(&[1.0, 2.0, 3.0, 4.0], 2, 2).expect("a design");
    let squares = |y: &[f64], penalty: Penalty<'_, f64>| {
        sparse_regression::Problem::least_squares(&design, y, penalty).map(drop)
    };
    let lasso = |lambda| Penalty::Lasso { lambda };
    group.bad("a target too few", squares(&[1.0], lasso(1.0)));
    group.bad("a target of NaN", squares(&[1.0, f64::NAN], lasso(1.0)));
    for (name, lambda) in [("lambda of zero", 0.0), ("a negative lambda", -1.0), ("lambda of NaN", f64::NAN)]
    {
        group.bad(name, squares(&[1.0; 2], lasso(lambda)));
    }
    group.bad("a negative ridge", squares(&[1.0; 2], Penalty::ElasticNet { lambda: 1.0, ridge: -1.0 }));
    for (name, groups) in [
        ("no groups", &[][..]),
        ("groups from one", &[1, 2]),
        ("an empty group", &[0, 1, 1, 2]),
        ("a group beyond the last", &[0, 3]),
        ("a variable without group", &[0, 1]),
    ] {
        group.bad(name, squares(&[1.0; 2], Penalty::Group { lambda: 1.0, groups }));
    }
    let classes =
        |labels: &[f64]| sparse_regression::Problem::logistic(&design, labels, lasso(1.0)).map(drop);
    group.bad("labels of zero and one", classes(&[1.0, 0.0]));
    let classified =
        sparse_regression::Problem::logistic(&design, &[1.0, -1.0], lasso(1.0)).expect("a problem");
    let of_one_class =
        sparse_regression::Problem::logistic(&design, &[1.0, 1.0], lasso(1.0)).expect("a problem");
    group.bad("a constant and one class", of_one_class.with_intercept().map(drop));
    group.bad("a weight of zero", classified.weighted(&[1.0, 0.0]).map(drop));
    let mut indices = [0; 99];
    group
        .bad("no memory", sparse_regression::Workspace::new(&classified, 2, &mut [], &mut indices).map(drop));
    let mut storage = [0.0; 99];
    group.bad(
        "no indices",
        sparse_regression::Workspace::new(&classified, 2, &mut storage, &mut []).map(drop),
    );
    let positive =
        sparse_regression::Problem::least_squares(&design, &[1.0; 2], Penalty::NonNegative { lambda: 1.0 })
            .expect("a problem");
    let workspace =
        sparse_regression::Workspace::new(&positive, 2, &mut storage, &mut indices).expect("memory");
    let options = sparse_regression::Options::default();
    let started = sparse_regression::solve(&positive, &options, &mut [1.0, -1.0], workspace, &mut ());
    group.bad("a negative start where none is allowed", started.map(drop));
}

pub(crate) fn box_qp(group: &mut Group<'_>) {
    let h = |h: &[f64]| Condensed::new(h, 2).map(drop);
    group.bad("a short matrix", h(&[2.0, 0.5, 0.5]));
    group.bad("NaN in the matrix", h(&[2.0, f64::NAN, 0.5, 1.0]));
    group.bad("not symmetric", h(&[2.0, 0.5, 0.4, 1.0]));
    group.bad("a diagonal of zero", h(&[2.0, 0.0, 0.0, 0.0]));
    group.bad("a negative diagonal", h(&[-2.0, 0.5, 0.5, 1.0]));
    let model = Condensed::new(&[2.0, 0.5, 0.5, 1.0], 2).expect("a model");
    let boxed =
        |f: &[f64], lower: &[f64], upper: &[f64]| box_qp::Problem::new(&model, f, lower, upper).map(drop);
    group.bad("a linear term too few", boxed(&[1.0], &[-1.0; 2], &[1.0; 2]));
    group.bad("a linear term of NaN", boxed(&[f64::NAN, 0.0], &[-1.0; 2], &[1.0; 2]));
    group.bad("a bound too few", boxed(&[0.0; 2], &[-1.0], &[1.0; 2]));
    group.bad("a bound of NaN", boxed(&[0.0; 2], &[-1.0; 2], &[f64::NAN, 1.0]));
    group.bad(
        "a lower bound of plus infinity",
        boxed(&[0.0; 2], &[f64::INFINITY, 0.0], &[f64::INFINITY, 1.0]),
    );
    group.bad("an empty box", boxed(&[0.0; 2], &[-1.0, 1.5], &[1.0; 2]));
    const P: [f64; 4] = [1.0, 0.0, 0.0, 1.0];
    let plant = Plant { states: 2, inputs: 1, a: &[1.0, 0.1, 0.0, 1.0], b: &[0.0, 0.1], q: &P, r: &[0.01] };
    let staged = |plant: Plant<'_, f64>, horizon| Staged::new(plant, &P, horizon).map(drop);
    group.bad("no states", staged(Plant { states: 0, ..plant }, 3));
    group.bad("no inputs", staged(Plant { inputs: 0, ..plant }, 3));
    group.bad("no horizon", staged(plant, 0));
    group.bad("a plant of another size", staged(Plant { a: &P[..3], ..plant }, 3));
    group.bad("a plant with infinity", staged(Plant { b: &[0.0, f64::INFINITY], ..plant }, 3));
    group.bad("a cost that is not symmetric", staged(Plant { q: &[1.0, 0.5, -0.5, 1.0], ..plant }, 3));
    group.bad("an input that costs nothing", staged(Plant { r: &[0.0], ..plant }, 3));
}
