//! What a run costs, how much memory it names, whom ties favour, and how it guards itself against its own state.

use std::cell::Cell;

use southwell::descent::losses::Quadratic;
use southwell::descent::penalties::{Free, Interval, L1};
use southwell::descent::selection::{
    Cyclic, Face, Greedy, GreedyForest, GreedyQuadratic, GreedyVariable, HardThreshold, Needs, Proportional,
    RandomForest, RandomVariable, Score, Selection, Shuffled, Start, Tournament, Uniform,
};
use southwell::descent::update::{
    Backtracking, Gradient, Matrix, MessagePassing, Newton, ProxNewton, TwoMetric, Update,
};
use southwell::descent::{
    self, Loss, Measure, Options, Partition, Penalty, Problem, Scheme, Sizes, Workspace, pairs,
};
use southwell::linear::{Csr, Dense};
use southwell::{Run, Status, Stop};

use crate::common::descending::{SCORES, begun, solve};
use crate::common::streams::Stream;

/// Σ i·(x_i − 1)²/2 + (Σ x)²/2, i from 1: a caller's loss of seven methods that counts derivatives, and whose carried
/// state is off by a share of every change.
struct Caller {
    variables: usize,
    drift: f64,
    partials: Cell<u32>,
}

impl Caller {
    fn new(variables: usize, drift: f64) -> Self {
        Self { variables, drift, partials: Cell::new(0) }
    }

    fn slope(&self, i: usize, x: &[f64]) -> f64 {
        (i + 1) as f64 * (x[i] - 1.0) + x.iter().sum::<f64>()
    }

    /// Derivatives asked for since the last call.
    fn asked(&self) -> u32 {
        self.partials.replace(0)
    }
}

impl Loss<f64> for Caller {
    fn variables(&self) -> usize {
        self.variables
    }
    fn state_len(&self) -> usize {
        self.variables
    }
    fn begin(&self, x: &[f64], state: &mut [f64]) {
        state.copy_from_slice(x);
    }
    fn shift(&self, i: usize, delta: f64, state: &mut [f64]) {
        state[i] += delta * (1.0 + self.drift);
    }
    fn value(&self, x: &[f64], _state: &[f64]) -> f64 {
        let each = x.iter().enumerate().map(|(i, x)| 0.5 * (i + 1) as f64 * (x - 1.0) * (x - 1.0));
        each.sum::<f64>() + 0.5 * x.iter().sum::<f64>().powi(2)
    }
    fn partial(&self, i: usize, state: &[f64]) -> f64 {
        self.partials.set(self.partials.get() + 1);
        self.slope(i, state)
    }
    fn lipschitz(&self, i: usize) -> f64 {
        (i + 2) as f64
    }
}

/// The derivatives that a step and a look take: all of them for a rule that looks, and no second time where nothing has
/// moved; those of the block for one that does not.
#[test]
fn no_derivative_is_asked_for_twice() {
    let loss = Caller::new(6, 0.0);
    begun((&loss, &Free), (GreedyVariable::one(Score::Steepest), Gradient), &mut [0.0; 6], |run| {
        assert_eq!(loss.asked(), 6, "the residual at the start");
        run.step();
        assert_eq!(loss.asked(), 0, "which the first step uses");
        run.step();
        assert_eq!(loss.asked(), 6);
        run.residual();
        assert_eq!(loss.asked(), 6, "x has moved");
        run.residual();
        run.identified();
        run.step();
        assert_eq!(loss.asked(), 0, "x had not");
        run.confirm(0.0);
        assert_eq!(loss.asked(), 6, "a claim is checked anew");
        run.step();
        assert_eq!(loss.asked(), 6, "with another state");
    });
    let blocks = Partition::consecutive(6, 2).expect("blocks");
    begun((&loss, &Free), (Cyclic::new(blocks), Gradient), &mut [0.0; 6], |run| {
        loss.asked();
        run.step();
        assert_eq!(loss.asked(), 0, "the residual at the start has them");
        run.step();
        assert_eq!(loss.asked(), 2);
        run.residual();
        assert_eq!(loss.asked(), 6);
        run.step();
        assert_eq!(loss.asked(), 0);
    });
}

/// A state that drifts by a tenth of every change: claims of convergence are turned down, the state is put right, and
/// what is reported in the end is true of x.
#[test]
fn a_state_that_drifts_is_put_right() {
    let loss = Caller::new(5, 0.1);
    let slopes = |x: &[f64]| (0..5).map(|i| loss.slope(i, x)).collect::<Vec<f64>>();
    let stop = Stop { max_steps: 4000, ..Stop::relative(1e-9) };
    let mut x = [0.0; 5];
    let scheme = (GreedyVariable::one(Score::Steepest), Gradient);
    let outcome = solve((&loss, &Free), scheme, (stop, Measure::Violation), &mut x);
    let residual = slopes(&x).iter().fold(0.0_f64, |most, g| most.max(g.abs()));
    assert_eq!((outcome.report.status, outcome.report.residual), (Status::Converged, residual));
    assert!(residual <= outcome.tolerance, "{outcome:?}");

    let problem = pairs::Problem::new(&loss, Interval::new(-3.0, 3.0), 2.0).expect("a problem");
    let mut storage = vec![f64::NAN; pairs::Workspace::<f64>::required_len(5, 5)];
    let mut x = [0.0; 5];
    let work = pairs::Workspace::new(&problem, &mut storage).expect("memory");
    let report = pairs::solve(&problem, &stop, &mut x, work, &mut ()).expect("sound");
    let g = slopes(&x);
    let spread = g.iter().copied().fold(f64::MIN, f64::max) - g.iter().copied().fold(f64::MAX, f64::min);
    assert_eq!((report.status, report.residual), (Status::Converged, spread));
    assert!(spread <= 1e-9 * report.scale && (x.iter().sum::<f64>() - 2.0).abs() < 1e-14, "{report:?}");
}

const LATTICE: [f64; 16] =
    [2.0, -0.5, -0.5, 0.0, -0.5, 2.0, 0.0, -0.5, -0.5, 0.0, 2.0, -0.5, 0.0, -0.5, -0.5, 2.0];

fn lattice() -> Csr<'static, f64> {
    Csr::new(
        &[0, 3, 6, 9, 12],
        &[0, 1, 2, 0, 1, 3, 0, 2, 3, 1, 2, 3],
        &[2.0, -0.5, -0.5, -0.5, 2.0, -0.5, -0.5, 2.0, -0.5, -0.5, -0.5, 2.0],
    )
    .expect("a matrix")
}

fn first<H: Penalty<f64>, S: Selection<f64>>(penalty: &H, select: S) -> Vec<u32> {
    let loss = Quadratic::new(lattice(), &[1.0; 4]).expect("a loss");
    begun((&loss, penalty), (select, Gradient), &mut [0.0; 4], |run| {
        run.step();
        run.last_block().to_vec()
    })
}

/// Four variables that are alike: the first ones are taken.
#[test]
fn ties_go_to_the_lower_index() {
    let blocks = Partition::consecutive(4, 2).expect("blocks");
    for score in SCORES {
        assert_eq!(first(&Free, GreedyVariable::one(score)), [0], "{score:?}");
        assert_eq!(first(&L1::new(0.25), GreedyVariable::one(score)), [0], "{score:?}");
        assert_eq!(first(&Free, Tournament::new(score)), [0], "{score:?}");
        assert_eq!(first(&L1::new(0.25), Tournament::new(score)), [0], "{score:?}");
        assert_eq!(first(&Free, Greedy::new(blocks, score)), [0, 1], "{score:?}");
        assert_eq!(first(&L1::new(0.25), Greedy::new(blocks, score)), [0, 1], "{score:?}");
        let mut two = first(&L1::new(0.25), GreedyVariable::new(2, score));
        two.sort_unstable();
        assert_eq!(two, [0, 1], "{score:?}");
    }
    assert_eq!(first(&Free, GreedyQuadratic::new(blocks)), [0, 1]);
    let forest = first(&Free, GreedyForest::new(4, Score::Violation));
    assert_eq!(forest, [0, 1, 2], "the fourth closes the square");
}

/// Where nothing moves any more a run stalls, after as many steps as prove it: one of a rule that looks, a round, two
/// rounds of a shuffle; twice as many and one with a face in between.
#[test]
fn patience() {
    let matrix = Dense::new(&LATTICE, 4, 4).expect("a matrix");
    let loss = Quadratic::new(matrix, &[0.5; 4]).expect("a loss");
    let blocks = Partition::consecutive(4, 1).expect("blocks");
    // λ holds all at 0.
    let l1 = L1::new(1.0);
    assert_eq!(idle(&loss, &l1, Cyclic::new(blocks)), 4);
    assert_eq!(idle(&loss, &l1, Shuffled::new(blocks, Stream::new(1))), 8);
    assert_eq!(idle(&loss, &l1, Uniform::new(blocks, Stream::new(1))), 99);
    assert_eq!(idle(&loss, &l1, GreedyVariable::one(Score::Progress)), 1);
    assert_eq!(idle(&loss, &l1, Greedy::new(blocks, Score::Progress)), 1);
    assert_eq!(idle(&loss, &l1, Face::new(Cyclic::new(blocks), 2, 4)), 9);
    assert_eq!(idle(&loss, &l1, Face::new(GreedyVariable::one(Score::Progress), 2, 4)), 3);
}

/// Steps from the optimum until the run fails.
fn idle<L: Loss<f64>, H: Penalty<f64>, S: Selection<f64>>(loss: &L, penalty: &H, select: S) -> u32 {
    begun((loss, penalty), (select, ProxNewton::default()), &mut [0.0; 4], |run| {
        let mut steps = 0;
        while run.failure().is_none() && steps < 99 {
            run.step();
            steps += 1;
        }
        assert!(steps == 99 || run.failure() == Some(Status::Stalled));
        steps
    })
}

/// A face counts what is off its kinks, of forty variables: x_i = (i − 20)/4 cut by 1 is 0 for nine of them.
#[test]
fn the_size_of_a_face() {
    let mut h = vec![0.0; 40 * 40];
    (0..40).for_each(|i| h[41 * i] = 1.0);
    let b: Vec<f64> = (0..40).map(|i| 0.25 * (f64::from(i) - 20.0)).collect();
    let loss = Quadratic::new(Dense::new(&h, 40, 40).expect("a matrix"), &b).expect("a loss");
    let l1 = L1::new(1.0);
    let problem = Problem::new(&loss, &l1).expect("a problem");
    let select = Face::new(Cyclic::new(Partition::consecutive(40, 1).expect("blocks")), 1000, 40);
    let mut scheme = Scheme { select, update: ProxNewton::default() };
    let sizes = Sizes::of(&problem, &scheme);
    let mut numbers = vec![f64::NAN; Workspace::<f64>::required_len(&sizes)];
    let mut indices = vec![u32::MAX; Workspace::<f64>::required_indices(&sizes)];
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
    let stop = Stop { max_steps: 41, absolute: 0.0, relative: 1e-300, check_every: 100 };
    let options = Options { stop, ..Options::default() };
    let mut x = [0.0; 40];
    descent::solve(&problem, &options, &mut scheme, &mut x, work, &mut ()).expect("a run");
    assert_eq!(x.iter().filter(|x| **x != 0.0).count(), 31);
    assert_eq!(scheme.select.free(), 31);
}

/// The memory that rules and updates name: numbers and indices, for 10 variables in blocks of 4, 4 and 2.
#[test]
fn memory_of_rules_and_updates() {
    let blocks = Partition::consecutive(10, 4).expect("blocks");
    let rng = || Stream::new(1);
    fn of<S: Selection<f64>>(select: S) -> (usize, usize, usize) {
        let Needs { numbers, indices } = select.needs(10, true);
        (select.largest(), numbers, indices)
    }
    assert_eq!(of(Cyclic::new(blocks)), (4, 0, 0));
    assert_eq!(of(Uniform::new(blocks, rng())), (4, 0, 0));
    assert_eq!(of(Shuffled::new(blocks, rng())), (4, 0, 3));
    assert_eq!(of(Proportional::new(blocks, rng())), (4, 3, 0));
    assert_eq!(of(RandomVariable::new(10, 3, rng())), (3, 0, 10));
    assert_eq!(of(RandomVariable::new(10, 30, rng())), (10, 0, 10));
    assert_eq!(of(Tournament::new(Score::Progress)), (1, 20, 32));
    assert_eq!(of(GreedyForest::new(10, Score::Violation)), (10, 10, 30));
    assert_eq!(of(RandomForest::new(10, rng())), (10, 0, 30));
    assert_eq!(of(HardThreshold::new(3, Start::Dense)), (3, 33, 0));
    assert_eq!(of(Face::new(Cyclic::new(blocks), 2, 7)), (7, 0, 1));
    let needs = |numbers, indices| Needs { numbers, indices };
    assert_eq!(Update::<f64>::needs(&Gradient, 10, 4), needs(24, 0));
    assert_eq!(Update::<f64>::needs(&Gradient, 10, 1), needs(0, 0));
    assert_eq!(Update::<f64>::needs(&Backtracking::<f64>::default(), 10, 4), needs(10, 0), "a length each");
    assert_eq!(Update::<f64>::needs(&ProxNewton::<f64>::default(), 10, 4), needs(24, 0));
    assert_eq!(Update::<f64>::needs(&TwoMetric::<f64>::default(), 10, 4), needs(28, 8));
}

/// Constants are stored where a rule or an update looks at them, one a block, and only if blocks are known.
#[test]
fn constants_that_are_stored() {
    let loss = Quadratic::new(lattice(), &[1.0; 4]).expect("a loss");
    let blocks = Partition::consecutive(4, 2).expect("blocks");
    fn of<S: Selection<f64>, U: Update<f64>>(
        loss: &Quadratic<'_, f64, Csr<'_, f64>>,
        select: S,
        update: U,
    ) -> usize {
        let problem = Problem::new(loss, &Free).expect("a problem");
        Sizes::of(&problem, &Scheme { select, update }).constants
    }
    assert_eq!(of(&loss, Cyclic::new(blocks), Gradient), 2);
    assert_eq!(of(&loss, Cyclic::new(blocks), Matrix), 0);
    assert_eq!(of(&loss, Cyclic::new(blocks), Newton::<f64>::default()), 0);
    assert_eq!(of(&loss, Greedy::new(blocks, Score::Steepest), Matrix), 2);
    assert_eq!(of(&loss, Greedy::new(blocks, Score::Violation), Matrix), 0);
    assert_eq!(of(&loss, Greedy::new(blocks, Score::Diagonal), Matrix), 0);
    assert_eq!(of(&loss, Proportional::new(blocks, Stream::new(1)), Matrix), 2);
    assert_eq!(of(&loss, GreedyVariable::one(Score::Violation), Gradient), 4);
    assert_eq!(of(&loss, GreedyVariable::new(2, Score::Violation), Gradient), 0);
    assert_eq!(of(&loss, RandomForest::new(4, Stream::new(1)), MessagePassing), 0);
}

/// A scheme that is used again begins anew; a shuffle within a face still takes every block once a round.
#[test]
fn schemes_begin_anew() {
    let loss = Quadratic::new(lattice(), &[1.0, 2.0, 3.0, 4.0]).expect("a loss");
    let problem = Problem::new(&loss, &Free).expect("a problem");
    let blocks = Partition::consecutive(4, 1).expect("blocks");
    fn seen<S: Selection<f64>>(
        problem: &Problem<'_, Quadratic<'_, f64, Csr<'_, f64>>, Free>,
        scheme: &mut Scheme<S, Gradient>,
        steps: usize,
    ) -> Vec<u32> {
        let sizes = Sizes::of(problem, scheme);
        let mut numbers = vec![f64::NAN; Workspace::<f64>::required_len(&sizes)];
        let mut indices = vec![u32::MAX; Workspace::<f64>::required_indices(&sizes)];
        let work = Workspace::new(problem, scheme, &mut numbers, &mut indices).expect("memory");
        let mut x = [0.0; 4];
        let mut run = descent::start(problem, &Options::default(), scheme, &mut x, work).expect("a run");
        let step = |_| {
            run.step();
            run.last_block()[0]
        };
        (0..steps).map(step).collect()
    }
    let mut cyclic = Scheme { select: Cyclic::new(blocks), update: Gradient };
    assert_eq!(seen(&problem, &mut cyclic, 6), [0, 1, 2, 3, 0, 1]);
    assert_eq!(seen(&problem, &mut cyclic, 3), [0, 1, 2]);
    let mut shuffled = Scheme { select: Shuffled::new(blocks, Stream::new(5)), update: Gradient };
    let inner = Shuffled::new(blocks, Stream::new(6));
    let mut face = Scheme { select: Face::new(inner, 1000, 4), update: Gradient };
    for steps in [8, 3, 12] {
        for found in [seen(&problem, &mut shuffled, steps), seen(&problem, &mut face, steps)] {
            for round in found.chunks(4) {
                let mut sorted = round.to_vec();
                sorted.sort_unstable();
                sorted.dedup();
                assert_eq!(sorted.len(), round.len(), "{found:?}");
            }
        }
    }
}

/// Where no pair gains any more, a further step says so.
#[test]
fn pairs_that_gain_nothing_stall() {
    let loss = Quadratic::new(lattice(), &[1.0; 4]).expect("a loss");
    let problem = pairs::Problem::new(&loss, Interval::new(-3.0, 3.0), 2.0).expect("a problem");
    let mut storage = vec![f64::NAN; pairs::Workspace::<f64>::required_len(4, 4)];
    let work = pairs::Workspace::new(&problem, &mut storage).expect("memory");
    let mut x = [0.5; 4];
    let mut run = pairs::start(&problem, &Stop::default(), &mut x, work).expect("sound");
    assert_eq!((run.residual(), run.failure()), (0.0, None));
    run.step();
    assert_eq!((run.failure(), run.x()), (Some(Status::Stalled), &[0.5; 4][..]));
}
