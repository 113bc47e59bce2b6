//! Runs of block coordinate descent for the tests.

use southwell::descent::losses::{Quadratic, label_propagation, label_propagation_len};
use southwell::descent::selection::Score;
use southwell::descent::{
    self, Descent, Loss, Measure, Options, Outcome, Penalty, Problem, Scheme, Selection, Sizes, Update,
    Workspace,
};
use southwell::linear::{Csr, Matrix};
use southwell::{Real, Stop};

use super::streams::Graph;

/// Everything that a greedy rule may rank by.
pub(crate) const SCORES: [Score; 6] = [
    Score::Violation,
    Score::Steepest,
    Score::Diagonal,
    Score::Length,
    Score::Progress,
    Score::DiagonalProgress,
];

/// A solve from x.
pub(crate) fn solve<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>>(
    (loss, penalty): (&L, &H),
    (select, update): (S, U),
    (stop, measure): (Stop<T>, Measure),
    x: &mut [T],
) -> Outcome<T> {
    let problem = Problem::new(loss, penalty).expect("a problem");
    let mut scheme = Scheme { select, update };
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![T::NAN; Workspace::<T>::required_len(&sizes)];
    let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
    descent::solve(&problem, &Options { stop, measure }, &mut scheme, x, work, &mut ()).expect("a run")
}

/// Begins a run from x and hands it to `then`.
pub(crate) fn begun<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>, R>(
    (loss, penalty): (&L, &H),
    (select, update): (S, U),
    x: &mut [T],
    then: impl FnOnce(&mut Descent<'_, T, L, H, S, U>) -> R,
) -> R {
    let problem = Problem::new(loss, penalty).expect("a problem");
    let mut scheme = Scheme { select, update };
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![T::NAN; Workspace::<T>::required_len(&sizes)];
    let mut indices = vec![u32::MAX; Workspace::<T>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
    let stop = Stop { absolute: T::MIN_POSITIVE, ..Stop::default() };
    let options = Options { stop, ..Options::default() };
    let mut run = descent::start(&problem, &options, &mut scheme, x, work).expect("a run");
    then(&mut run)
}

/// The quadratic of a graph with labels; it lives as long as the test.
pub(crate) fn quadratic(graph: &Graph) -> Quadratic<'static, f64, Csr<'static, f64>> {
    let view = Csr::new(&graph.offsets, &graph.columns, &graph.weights).expect("a graph");
    let (n, m) = label_propagation_len(view.order(), view.entries(), graph.labelled.len());
    let (numbers, indices) = (vec![f64::NAN; n].leak(), vec![u32::MAX; m].leak());
    label_propagation(&view, &graph.labelled, &graph.values, numbers, indices).expect("labels").0
}
