//! Any rule and any update behind one type each, made from their names.

use core::convert::Infallible;

use rand_core::TryRng;
use southwell::descent::partitions::Visit;
use southwell::descent::selection::{
    Choice, Cyclic, Face, Greedy, GreedyForest, GreedyQuadratic, GreedyVariable, HardThreshold, Needs,
    Proportional, RandomForest, RandomVariable, Score, Shuffled, Sight, Start, Tournament, Uniform,
};
use southwell::descent::update::{
    Backtracking, Gradient, Matrix, MessagePassing, Newton, Place, ProxNewton, TwoMetric,
};
use southwell::descent::{Loss, Partition, Penalty, Problem, Selection, Update};
use southwell::subgradient::counter::draw;
use southwell::{Error, Status};

use super::loss::AnyLoss;
use super::{Blocks, Move, Plan, Select};

/// Words of a counter generator.
#[derive(Clone, Debug)]
pub(super) struct Words {
    seed: u64,
    next: u64,
}

impl TryRng for Words {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let word = draw(self.seed, self.next);
        self.next = self.next.wrapping_add(1);
        Ok(word)
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for bytes in out.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            bytes.iter_mut().zip(word).for_each(|(out, byte)| *out = byte);
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) enum AnySelection<'a> {
    Cyclic(Cyclic<'a>),
    Shuffled(Shuffled<'a, Words>),
    Uniform(Uniform<'a, Words>),
    Proportional(Proportional<'a, Words>),
    RandomVariable(RandomVariable<Words>),
    Greedy(Greedy<'a>),
    Variable(GreedyVariable),
    Tournament(Tournament),
    Quadratic(GreedyQuadratic<'a>),
    Threshold(HardThreshold<f64>),
    Forest(GreedyForest),
    RandomForest(RandomForest<Words>),
    Face(Box<Face<AnySelection<'a>>>),
}

/// What a name asks for does not go together.
fn refused(name: &'static str, requirement: &'static str) -> Error {
    Error::Option { name, requirement }
}

/// Memory of a partition.
#[derive(Debug, Default)]
pub(super) struct Lists {
    storage: Vec<u32>,
    offsets: Vec<u32>,
    order: Vec<u32>,
}

fn score(select: Select) -> Option<Score> {
    Some(match select {
        Select::Gs => Score::Violation,
        Select::Gsl => Score::Steepest,
        Select::Gsd => Score::Diagonal,
        Select::GsR => Score::Length,
        Select::GsQ => Score::Progress,
        Select::GsqDiagonal => Score::DiagonalProgress,
        _ => return None,
    })
}

impl<'a> AnySelection<'a> {
    /// The rule of a plan. `vertices` says which vertex of a lattice every variable is; none: they are the same.
    pub(super) fn new(
        plan: &Plan,
        loss: &AnyLoss<'_>,
        vertices: Option<&[u32]>,
        lists: &'a mut Lists,
    ) -> Result<Self, Error> {
        let variables = loss.variables();
        let inner = Self::plain(plan, loss, vertices, lists)?;
        Ok(match plan.face {
            Some(after) => Self::Face(Box::new(Face::new(inner, after, variables.min(plan.face_limit)))),
            None => inner,
        })
    }

    fn plain(
        plan: &Plan,
        loss: &AnyLoss<'_>,
        vertices: Option<&[u32]>,
        lists: &'a mut Lists,
    ) -> Result<Self, Error> {
        let (variables, size) = (loss.variables(), plan.size);
        let words = || Words { seed: plan.seed, next: 0 };
        match plan.select {
            Select::Forest => return Ok(Self::Forest(GreedyForest::new(variables, Score::Violation))),
            Select::RandomForest => return Ok(Self::RandomForest(RandomForest::new(variables, words()))),
            _ => {}
        }
        if plan.blocks == Blocks::Variable {
            return match (plan.select, score(plan.select)) {
                // The same choices by a tree of matches, where a step changes few derivatives.
                (_, Some(score)) if size == 1 && loss.graph().is_some() => {
                    Ok(Self::Tournament(Tournament::new(score)))
                }
                (_, Some(score)) => Ok(Self::Variable(GreedyVariable::new(size, score))),
                (Select::Random, _) => {
                    Ok(Self::RandomVariable(RandomVariable::new(variables, size, words())))
                }
                (Select::Gsq, _) => Ok(Self::Threshold(HardThreshold::new(size, Start::Dense))),
                (Select::GsqSafe, _) => Ok(Self::Threshold(HardThreshold::new(size, Start::Diagonal))),
                _ => Err(refused(
                    "partition",
                    "must be a fixed one for this rule: `variable` is for greedy ones",
                )),
            };
        }
        let partition = partition(plan, loss, vertices, lists)?;
        Ok(match (plan.select, score(plan.select)) {
            (_, Some(score)) => Self::Greedy(Greedy::new(partition, score)),
            (Select::Cyclic, _) => Self::Cyclic(Cyclic::new(partition)),
            (Select::Shuffled, _) => Self::Shuffled(Shuffled::new(partition, words())),
            (Select::Random, _) => Self::Uniform(Uniform::new(partition, words())),
            (Select::Lipschitz, _) => Self::Proportional(Proportional::new(partition, words())),
            (Select::Gsq | Select::GsqSafe, _) => Self::Quadratic(GreedyQuadratic::new(partition)),
            _ => return Err(refused("select", "does not choose from a partition")),
        })
    }
}

fn partition<'a>(
    plan: &Plan,
    loss: &AnyLoss<'_>,
    vertices: Option<&[u32]>,
    lists: &'a mut Lists,
) -> Result<Partition<'a>, Error> {
    let (p, size) = (loss.variables(), plan.size);
    let graph = || loss.graph().ok_or(refused("partition", "of this kind needs a sparse quadratic"));
    let lipschitz = || (0..p).map(|i| loss.lipschitz(i)).collect::<Vec<f64>>();
    match plan.blocks {
        Blocks::Order => Partition::consecutive(p, size),
        Blocks::Sort | Blocks::Average => {
            lists.storage = vec![0; 3 * p + 1];
            match plan.blocks {
                Blocks::Sort => Partition::sorted(&lipschitz(), size, &mut lists.storage),
                _ => Partition::averaged(&lipschitz(), size, &mut lists.storage),
            }
        }
        Blocks::Colours | Blocks::ColoursInOrder | Blocks::Trees | Blocks::TreesInOrder => {
            lists.storage = vec![0; Partition::graph_len(p)];
            let visit = match plan.blocks {
                Blocks::Colours | Blocks::Trees => Visit::Descending,
                _ => Visit::InOrder,
            };
            match plan.blocks {
                Blocks::Colours | Blocks::ColoursInOrder => {
                    Partition::coloured(graph()?, visit, &mut lists.storage)
                }
                _ => Partition::forests(graph()?, visit, &mut lists.storage),
            }
        }
        Blocks::RedBlack | Blocks::Combs => {
            let (rows, columns) = plan
                .lattice
                .ok_or(refused("lattice", "must be given for this partition: rows and columns"))?;
            let n = rows.checked_mul(columns).ok_or(Error::TooLarge { argument: "lattice" })?;
            let all: Vec<u32> = (0..p as u32).collect();
            let vertices = vertices.unwrap_or(&all);
            if vertices.last().is_some_and(|&last| last as usize >= n) || (p == all.len() && p > n) {
                return Err(refused("lattice", "must hold every vertex"));
            }
            let mut storage = vec![0; Partition::required_len(n, 2)];
            let whole = match plan.blocks {
                Blocks::RedBlack => Partition::red_black(rows, columns, &mut storage)?,
                _ => Partition::combs(rows, columns, &mut storage)?,
            };
            restrict(&whole, n, vertices, lists);
            Partition::new(&lists.offsets, &lists.order, &mut vec![0; p.div_ceil(32)])
        }
        Blocks::Variable => Err(refused("partition", "must be a fixed one here")),
    }
}

/// What is left of the blocks when some vertices are no variables.
fn restrict(whole: &Partition<'_>, n: usize, vertices: &[u32], lists: &mut Lists) {
    let mut variable = vec![None; n];
    for (i, &vertex) in (0_u32..).zip(vertices) {
        variable[vertex as usize] = Some(i);
    }
    let mut block = vec![0; whole.largest()];
    lists.offsets = vec![0];
    lists.order.clear();
    for number in 0..whole.len() {
        let len = whole.fill(number, &mut block);
        lists.order.extend(block[..len].iter().filter_map(|&vertex| variable[vertex as usize]));
        let end = lists.order.len() as u32;
        if lists.offsets.last() != Some(&end) {
            lists.offsets.push(end);
        }
    }
}

macro_rules! rule {
    ($self:ident, $it:ident by $unboxed:ident => $call:expr) => {
        match $self {
            AnySelection::Cyclic($it) => $call,
            AnySelection::Shuffled($it) => $call,
            AnySelection::Uniform($it) => $call,
            AnySelection::Proportional($it) => $call,
            AnySelection::RandomVariable($it) => $call,
            AnySelection::Greedy($it) => $call,
            AnySelection::Variable($it) => $call,
            AnySelection::Tournament($it) => $call,
            AnySelection::Quadratic($it) => $call,
            AnySelection::Threshold($it) => $call,
            AnySelection::Forest($it) => $call,
            AnySelection::RandomForest($it) => $call,
            AnySelection::Face(face) => {
                let $it = face.$unboxed();
                $call
            }
        }
    };
}

impl Selection<f64> for AnySelection<'_> {
    fn partition(&self) -> Option<&Partition<'_>> {
        rule!(self, it by as_ref => Selection::<f64>::partition(it))
    }
    fn largest(&self) -> usize {
        rule!(self, it by as_ref => Selection::<f64>::largest(it))
    }
    fn needs(&self, variables: usize, smooth: bool) -> Needs {
        rule!(self, it by as_ref => Selection::<f64>::needs(it, variables, smooth))
    }
    fn greedy(&self) -> bool {
        rule!(self, it by as_ref => Selection::<f64>::greedy(it))
    }
    fn patience(&self) -> Option<u32> {
        rule!(self, it by as_ref => Selection::<f64>::patience(it))
    }
    fn wants_constants(&self) -> bool {
        rule!(self, it by as_ref => Selection::<f64>::wants_constants(it))
    }
    fn check<L: Loss<f64>, H: Penalty<f64>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        rule!(self, it by as_ref => it.check(problem))
    }
    fn begin<L: Loss<f64>, H: Penalty<f64>>(&mut self, sight: Sight<'_, f64, L, H>) {
        rule!(self, it by as_mut => it.begin(sight));
    }
    fn choose<L: Loss<f64>, H: Penalty<f64>>(
        &mut self,
        sight: Sight<'_, f64, L, H>,
        block: &mut [u32],
    ) -> Choice {
        rule!(self, it by as_mut => it.choose(sight, block))
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum AnyUpdate {
    Gradient(Gradient),
    Backtracking(Backtracking<f64>),
    Matrix(Matrix),
    Newton(Newton<f64>),
    Prox(ProxNewton<f64>),
    TwoMetric(TwoMetric<f64>),
    Messages(MessagePassing),
}

impl AnyUpdate {
    pub(super) fn new(update: Move) -> Self {
        match update {
            Move::Gradient => Self::Gradient(Gradient),
            Move::Backtracking => Self::Backtracking(Backtracking::default()),
            Move::Matrix => Self::Matrix(Matrix),
            Move::Newton => Self::Newton(Newton::default()),
            Move::ProxNewton => Self::Prox(ProxNewton::default()),
            Move::TwoMetric => Self::TwoMetric(TwoMetric::default()),
            Move::MessagePassing => Self::Messages(MessagePassing),
        }
    }
}

macro_rules! update {
    ($self:ident, $it:ident => $call:expr) => {
        match $self {
            AnyUpdate::Gradient($it) => $call,
            AnyUpdate::Backtracking($it) => $call,
            AnyUpdate::Matrix($it) => $call,
            AnyUpdate::Newton($it) => $call,
            AnyUpdate::Prox($it) => $call,
            AnyUpdate::TwoMetric($it) => $call,
            AnyUpdate::Messages($it) => $call,
        }
    };
}

impl Update<f64> for AnyUpdate {
    fn needs(&self, variables: usize, largest: usize) -> Needs {
        update!(self, it => Update::<f64>::needs(it, variables, largest))
    }
    fn wants_constants(&self) -> bool {
        update!(self, it => Update::<f64>::wants_constants(it))
    }
    fn check<L: Loss<f64>, H: Penalty<f64>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        update!(self, it => it.check(problem))
    }
    fn begin<L: Loss<f64>, H: Penalty<f64>>(
        &self,
        problem: &Problem<'_, L, H>,
        memory: (&mut [f64], &mut [u32]),
    ) {
        update!(self, it => it.begin(problem, memory));
    }
    fn apply<L: Loss<f64>, H: Penalty<f64>>(&self, place: &mut Place<'_, f64, L, H>) -> Result<(), Status> {
        update!(self, it => it.apply(place))
    }
}
