//! What block coordinate descent refuses, before anything is touched.

use crate::common::streams::Stream;
use southwell::descent::losses::{
    Huber, LeastSquares, Logistic, Quadratic, Softmax, label_propagation, label_propagation_len,
};
use southwell::descent::penalties::{ElasticNet, Free, Group, Interval, L1, NonNegative, Simplex, Values};
use southwell::descent::selection::{
    Cyclic, Face, Greedy, GreedyForest, GreedyQuadratic, GreedyVariable, HardThreshold, RandomForest,
    RandomVariable, Score, Start, Tournament,
};
use southwell::descent::update::{
    Backtracking, First, Gradient, Matrix, MessagePassing, Newton, ProxNewton, TwoMetric,
};
use southwell::descent::{
    self, Loss, Measure, Options, Partition, Penalty, Problem, Scheme, Selection, Sizes, Update, Workspace,
    pairs,
};
use southwell::linear::{Columns, Csr, Dense};
use southwell::{Error, Stop, StructureFault};

/// The error of a start with this x, which must be left alone.
fn start<L: Loss<f64>, H: Penalty<f64>, S: Selection<f64>, U: Update<f64>>(
    (loss, penalty): (&L, &H),
    (select, update): (S, U),
    options: Options<f64>,
    x: &[f64],
) -> Option<Error> {
    let problem = Problem::new(loss, penalty).expect("a problem");
    let mut scheme = Scheme { select, update };
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![f64::NAN; Workspace::<f64>::required_len(&sizes)];
    let mut indices = vec![u32::MAX; Workspace::<f64>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
    let mut mine = x.to_vec();
    let error = descent::start(&problem, &options, &mut scheme, &mut mine, work).err();
    let same = mine.iter().zip(x).all(|(a, b)| a.to_bits() == b.to_bits());
    assert!(error.is_none() || same, "x was touched");
    error
}

fn option(error: Option<Error>) -> Option<&'static str> {
    match error {
        Some(Error::Option { name, .. }) => Some(name),
        other => panic!("{other:?}"),
    }
}

const A: [f64; 6] = [1.0, 2.0, 0.0, 0.0, 1.0, 1.0];

fn design() -> Columns<'static, f64> {
    Columns::new(&A, 2, 3).expect("a design")
}

#[test]
fn losses() {
    let short = Error::Dimension { argument: "target", expected: 2, given: 1 };
    assert_eq!(LeastSquares::new(design(), &[1.0]).err(), Some(short));
    let nan = Error::Value { argument: "target", index: 1 };
    assert_eq!(LeastSquares::new(design(), &[1.0, f64::NAN]).err(), Some(nan));
    assert_eq!(Huber::new(design(), &[1.0, f64::NAN], 1.0).err(), Some(nan));
    for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(option(Huber::new(design(), &[1.0, 2.0], delta).err()), Some("delta"));
    }
    let outside = |index| Error::Label { argument: "labels", index };
    assert_eq!(Logistic::new(design(), &[1.0, 0.5]).err(), Some(outside(1)));
    assert!(Logistic::new(design(), &[1.0]).is_err());
    assert_eq!(Softmax::new::<f64>(design(), 3, &[3, 0]).err(), Some(outside(0)));
    assert_eq!(option(Softmax::new::<f64>(design(), 1, &[0, 0]).err()), Some("classes"));
    assert!(Softmax::new::<f64>(design(), 3, &[0]).is_err());
    let q = Dense::new(&[1.0, 0.0, 0.0, 1.0], 2, 2).expect("a matrix");
    assert!(Quadratic::new(q, &[1.0]).is_err());
    assert_eq!(
        Quadratic::new(q, &[f64::NAN, 1.0]).err(),
        Some(Error::Value { argument: "linear", index: 0 })
    );
}

#[test]
fn labels_on_a_graph() {
    let graph = Csr::new(&[0, 1, 3, 4], &[1, 0, 2, 1], &[1.0, 1.0, 2.0, 2.0]).expect("a graph");
    let (n, m) = label_propagation_len(3, 4, 1);
    let assemble = |labelled: &[u32], values: &[f64], n: usize, m: usize| {
        label_propagation(&graph, labelled, values, &mut vec![f64::NAN; n], &mut vec![u32::MAX; m]).err()
    };
    assert_eq!(assemble(&[0], &[1.0], n, m), None);
    let fault = |index, fault| Some(Error::Structure { argument: "labelled", index, fault });
    assert_eq!(assemble(&[3], &[1.0], n, m), fault(0, StructureFault::OutOfRange));
    assert_eq!(assemble(&[1, 1], &[1.0, 2.0], n, m), fault(1, StructureFault::NotAPermutation));
    assert_eq!(assemble(&[0], &[f64::INFINITY], n, m), Some(Error::Value { argument: "values", index: 0 }));
    assert!(assemble(&[0], &[], n, m).is_some());
    assert_eq!(assemble(&[0], &[1.0], n - 1, m), Some(Error::Workspace { needed: n, given: n - 1 }));
    assert_eq!(assemble(&[0], &[1.0], n, m - 1), Some(Error::Workspace { needed: m, given: m - 1 }));
    let negative = Csr::new(&[0, 1, 2], &[1, 0], &[-1.0, -1.0]).expect("a graph");
    let error = label_propagation(&negative, &[0], &[1.0], &mut [0.0; 9], &mut [0; 12]).err();
    assert!(matches!(error, Some(Error::Negative { argument: "graph", .. })), "{error:?}");
}

#[test]
fn penalties() {
    let loss = LeastSquares::new(design(), &[1.0, 2.0]).expect("a loss");
    let negative = |argument, index| Some(Error::Negative { argument, index });
    assert_eq!(Problem::new(&loss, &L1::new(-1.0)).err(), negative("lambda", 0));
    let weights = [1.0, -0.5, 1.0];
    assert_eq!(Problem::new(&loss, &L1::new(Values::Each(&weights))).err(), negative("lambda", 1));
    let short = Error::Dimension { argument: "lambda", expected: 3, given: 2 };
    assert_eq!(Problem::new(&loss, &L1::new(Values::Each(&weights[..2]))).err(), Some(short));
    let nan = Error::Value { argument: "lambda", index: 0 };
    assert_eq!(Problem::new(&loss, &NonNegative::new(f64::NAN)).err(), Some(nan));
    assert_eq!(Problem::new(&loss, &Group::new(f64::INFINITY)).err(), Some(nan));
    assert_eq!(Problem::new(&loss, &ElasticNet::new(1.0, -1.0)).err(), negative("l2", 0));
    assert_eq!(option(Problem::new(&loss, &Interval::new(1.0, 0.0)).err()), Some("lower"));
    let lower = [0.0, 2.0, 0.0];
    assert_eq!(option(Problem::new(&loss, &Interval::new(Values::Each(&lower), 1.0)).err()), Some("lower"));
    for (lower, upper) in [(f64::NAN, 1.0), (f64::INFINITY, f64::INFINITY), (0.0, f64::NAN)] {
        let error = Problem::new(&loss, &Interval::new(lower, upper)).err();
        assert!(matches!(error, Some(Error::Value { .. })), "{error:?}");
    }
    for sum in [0.0, -1.0, f64::NAN] {
        assert_eq!(option(Problem::new(&loss, &Simplex::new(sum)).err()), Some("sum"));
    }
}

#[test]
fn partitions() {
    let new = |offsets: &[u32], order: &[u32]| Partition::new(offsets, order, &mut [0; 1]).err();
    let fault = |argument, index, fault| Some(Error::Structure { argument, index, fault });
    assert_eq!(new(&[0, 1, 3], &[2, 0, 1]), None);
    assert_eq!(new(&[0, 1, 1, 3], &[2, 0, 1]), fault("offsets", 2, StructureFault::EmptyBlock));
    assert_eq!(new(&[1, 3], &[2, 0, 1]), fault("offsets", 0, StructureFault::FirstNotZero));
    assert_eq!(new(&[0, 2, 3], &[2, 0, 2]), fault("order", 2, StructureFault::NotAPermutation));
    assert_eq!(new(&[0, 2, 3], &[2, 0, 3]), fault("order", 2, StructureFault::OutOfRange));
    assert!(matches!(new(&[0, 2], &[2, 0, 1]), Some(Error::Dimension { argument: "order", .. })));
    assert!(matches!(new(&[], &[]), Some(Error::Dimension { argument: "offsets", .. })));
    assert_eq!(Partition::new(&[0, 1], &[0], &mut []).err(), Some(Error::Workspace { needed: 1, given: 0 }));
    assert_eq!(option(Partition::consecutive(3, 0).err()), Some("size"));
    assert_eq!(option(Partition::sorted(&[1.0, 2.0], 0, &mut [0; 9]).err()), Some("size"));
    let needed = Error::Workspace { needed: 5, given: 4 };
    assert_eq!(Partition::sorted(&[1.0, 2.0], 1, &mut [0; 4]).err(), Some(needed));
    assert_eq!(option(Partition::combs(1, 1, &mut [0; 9]).err()), Some("rows"));
    assert!(matches!(
        Partition::red_black(3, 3, &mut [0; 11]),
        Err(Error::Workspace { needed: 12, given: 11 })
    ));
}

#[test]
fn starts() {
    let loss = LeastSquares::new(design(), &[1.0, 2.0]).expect("a loss");
    let (lasso, options) = (L1::new(0.1), Options::default());
    let three = Partition::consecutive(3, 2).expect("blocks");
    let cyclic = || Cyclic::new(three);
    let zero = [0.0; 3];
    let nan = Some(Error::Value { argument: "x", index: 1 });
    assert_eq!(start((&loss, &lasso), (cyclic(), Gradient), options, &[0.0, f64::NAN, 0.0]), nan);
    let short = Some(Error::Dimension { argument: "x", expected: 3, given: 2 });
    assert_eq!(start((&loss, &lasso), (cyclic(), Gradient), options, &[0.0; 2]), short);
    let stop = Stop { relative: -1.0, ..Stop::default() };
    let bad = Options { stop, measure: Measure::Violation };
    assert_eq!(option(start((&loss, &lasso), (cyclic(), Gradient), bad, &zero)), Some("relative"));
    let other = Cyclic::new(Partition::consecutive(4, 2).expect("blocks"));
    let error = start((&loss, &lasso), (other, Gradient), options, &zero);
    assert_eq!(error, Some(Error::Dimension { argument: "partition", expected: 3, given: 4 }));
    // Rules and updates that a penalty does not allow.
    let (group, simplex) = (Group::new(0.1), Simplex::new(1.0));
    let each = [0.1; 3];
    let weights = Group::new(Values::Each(&each));
    let error = start((&loss, &weights), (cyclic(), Gradient), options, &zero);
    assert_eq!(error, Some(Error::Dimension { argument: "partition", expected: 3, given: 2 }));
    let selections = [
        start((&loss, &group), (GreedyVariable::one(Score::Progress), Gradient), options, &zero),
        start((&loss, &simplex), (RandomVariable::new(3, 2, Stream::new(1)), Gradient), options, &zero),
        start((&loss, &lasso), (GreedyQuadratic::new(three), Gradient), options, &zero),
        start((&loss, &lasso), (HardThreshold::new(2, Start::Dense), Gradient), options, &zero),
        start((&loss, &lasso), (Tournament::new(Score::Progress), Gradient), options, &zero),
        start((&loss, &Free), (GreedyForest::new(3, Score::Violation), Gradient), options, &zero),
        start((&loss, &Free), (RandomForest::new(3, Stream::new(1)), Gradient), options, &zero),
        start((&loss, &group), (Face::new(cyclic(), 1, 3), Gradient), options, &zero),
    ];
    assert!(selections.iter().all(|error| option(*error) == Some("selection")), "{selections:?}");
    let updates = [
        start((&loss, &lasso), (cyclic(), Matrix), options, &zero),
        start((&loss, &lasso), (cyclic(), Newton::default()), options, &zero),
        start((&loss, &Free), (cyclic(), MessagePassing), options, &zero),
        start((&loss, &group), (cyclic(), ProxNewton::default()), options, &zero),
        start((&loss, &group), (cyclic(), TwoMetric::default()), options, &zero),
    ];
    assert!(updates.iter().all(|error| option(*error) == Some("update")), "{updates:?}");
    let score = start((&loss, &group), (Greedy::new(three, Score::Diagonal), Gradient), options, &zero);
    assert_eq!(option(score), Some("score"));
    for size in [0, 4] {
        let error =
            start((&loss, &lasso), (GreedyVariable::new(size, Score::Progress), Gradient), options, &zero);
        assert_eq!(option(error), Some("size"));
    }
    for first in [First::Value(0.0), First::Share(1.5), First::Share(f64::NAN), First::Value(f64::INFINITY)] {
        let error = start((&loss, &lasso), (cyclic(), Backtracking { first }), options, &zero);
        assert_eq!(option(error), Some("first"));
    }
    for armijo in [0.0, 0.5, f64::NAN] {
        let error = start((&loss, &Free), (cyclic(), Newton { armijo }), options, &zero);
        assert_eq!(option(error), Some("armijo"));
    }
    let near = TwoMetric { near: -1.0, ..TwoMetric::default() };
    assert_eq!(option(start((&loss, &lasso), (cyclic(), near), options, &zero)), Some("near"));
    let inner = ProxNewton { inner: 1.0, ..ProxNewton::default() };
    assert_eq!(option(start((&loss, &lasso), (cyclic(), inner), options, &zero)), Some("inner"));
    let gap = Options { measure: Measure::Gap, ..options };
    assert_eq!(option(start((&loss, &lasso), (cyclic(), Gradient), gap, &zero)), Some("measure"));
}

/// A workspace that was carved for other parts.
#[test]
fn a_foreign_workspace() {
    let loss = LeastSquares::new(design(), &[1.0, 2.0]).expect("a loss");
    let problem = Problem::new(&loss, &Free).expect("a problem");
    let one = Scheme { select: GreedyVariable::one(Score::Violation), update: Gradient };
    let two = Scheme { select: GreedyVariable::new(2, Score::Violation), update: Gradient };
    let (mut numbers, mut indices) = (vec![0.0; 100], vec![0; 100]);
    let work = Workspace::new(&problem, &one, &mut numbers, &mut indices).expect("memory");
    let mut scheme = two;
    let mut x = [0.5; 3];
    let error = descent::start(&problem, &Options::default(), &mut scheme, &mut x, work).err();
    assert!(matches!(error, Some(Error::Workspace { .. })), "{error:?}");
    let needed = Workspace::<f64>::required_indices(&Sizes::of(&problem, &two));
    let given = needed - 1;
    let error = Workspace::new(&problem, &two, &mut numbers, &mut indices[..given]).err();
    assert_eq!(error, Some(Error::Workspace { needed, given }));
}

#[test]
fn sums() {
    let loss = LeastSquares::new(design(), &[1.0, 2.0]).expect("a loss");
    for (lower, upper, sum) in [(0.0, 1.0, 4.0), (0.0, 1.0, -1.0), (0.0, 1.0, f64::NAN)] {
        let error = pairs::Problem::new(&loss, Interval::new(lower, upper), sum).err();
        assert!(matches!(error, Some(Error::Mass { argument: "sum", .. })), "{error:?}");
    }
    assert_eq!(option(pairs::Problem::new(&loss, Interval::new(1.0, 0.0), 1.0).err()), Some("lower"));
    let problem = pairs::Problem::new(&loss, Interval::new(0.0, 1.0), 1.0).expect("a problem");
    let mut storage = [0.0; 7];
    let work = pairs::Workspace::new(&problem, &mut storage).expect("memory");
    let mut x = [0.0, f64::NAN, 0.0];
    let error = pairs::start(&problem, &Stop::default(), &mut x, work).err();
    assert_eq!(error, Some(Error::Value { argument: "x", index: 1 }));
    assert!(pairs::Workspace::new(&problem, &mut storage[1..]).is_err());
}
