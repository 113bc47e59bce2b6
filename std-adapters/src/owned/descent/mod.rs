//! Block coordinate descent whose parts are chosen while the program runs, by name.
//!
//! A problem is a [`Smooth`] part and a [`Kink`], both owning their data; a [`Plan`] names a rule, a partition and
//! an update of [`southwell::descent`]. Which go together is for the solver to say; it refuses the others.
//!
//! ```
//! use southwell_std::files::SparseMatrix;
//! use southwell_std::owned::descent::{Descent, Kink, Options, Plan, Select, Smooth};
//!
//! # fn main() -> Result<(), southwell::Error> {
//! // min ½ xᵀQ x − cᵀx, −1 ≤ x ≤ 1, the best coordinate first.
//! let matrix = SparseMatrix {
//!     rows: 2,
//!     columns: 2,
//!     row_offsets: vec![0, 2, 4],
//!     column_indices: vec![0, 1, 0, 1],
//!     values: vec![2.0, -1.0, -1.0, 2.0],
//! };
//! let smooth = Smooth::Quadratic { matrix, linear: vec![4.0, 0.0] };
//! let kink = Kink::Interval { lower: vec![-1.0], upper: vec![1.0], l2: 0.0 };
//! let plan = Plan { select: Select::GsQ, ..Plan::default() };
//! let found = Descent { smooth, kink }.solve(&plan, &Options::default(), &mut ())?;
//! assert_eq!(found.x, [1.0, 0.5]);
//! # Ok(())
//! # }
//! ```

mod loss;
mod names;
#[cfg(feature = "gpu")]
mod on_device;
mod penalty;
mod scheme;
#[cfg(feature = "threads")]
mod share;

use std::ops::ControlFlow;

pub use names::{Blocks, Move, Select, UnknownName};
use southwell::descent::penalties::Block;
use southwell::descent::{self, Loss, Penalty, Problem, Scheme, Sizes, Workspace, pairs};
pub use southwell::descent::{Measure, Options, Outcome};
use southwell::{Error, Observer, Report, Run, Status, Stop};

use self::loss::{AnyLoss, Memory};
use self::penalty::AnyPenalty;
use self::scheme::{AnySelection, AnyUpdate, Lists};
#[cfg(feature = "threads")]
pub use self::share::Share;
use super::Samples;
use crate::files::{DenseMatrix, SparseMatrix};

/// The smooth part f of what is minimised; sums over samples, not means.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Smooth {
    /// ½‖A x − y‖²
    LeastSquares { samples: Samples, y: Vec<f64> },
    /// Σ ρ(rᵢ), ρ quadratic up to δ, then linear.
    Huber { samples: Samples, y: Vec<f64>, delta: f64 },
    /// Σ ln(1 + e^(−yᵢzᵢ)), y = ±1
    Logistic { samples: Samples, y: Vec<f64> },
    /// Σ (ln Σ_c e^(z_ic) − z_i,class); variable j·classes + c belongs to feature j and class c.
    Softmax { samples: Samples, classes: usize, labels: Vec<u32> },
    /// ½ xᵀQ x − cᵀx, Q symmetric.
    Quadratic { matrix: SparseMatrix, linear: Vec<f64> },
    /// The same with a dense Q.
    DenseQuadratic { matrix: DenseMatrix, linear: Vec<f64> },
    /// ½ Σ over pairs of w_ij (x_i − x_j)² with the values of labelled vertices given, less a constant; the other
    /// vertices, in increasing order, are the variables.
    Labels { graph: SparseMatrix, labelled: Vec<u32>, values: Vec<f64> },
}

/// The part h that bends or ends.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub enum Kink {
    /// None.
    #[default]
    Free,
    /// λ ‖x‖₁
    L1(f64),
    /// λ₁ ‖x‖₁ + ½ λ₂ ‖x‖²
    ElasticNet { l1: f64, l2: f64 },
    /// λ Σ x_i, x ≥ 0
    NonNegative(f64),
    /// lower ≤ x ≤ upper and ½ λ₂ ‖x‖²: one bound for all variables or one each.
    Interval { lower: Vec<f64>, upper: Vec<f64>, l2: f64 },
    /// λ Σ ‖x_b‖ over the blocks of the plan.
    Group(f64),
    /// x_b ≥ 0, Σ x_b = sum in every block of the plan, and ½ λ₂ ‖x‖².
    Simplex { sum: f64, l2: f64 },
}

/// How to go about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The rule that chooses. Default: the largest derivative for its curvature.
    pub select: Select,
    /// What it chooses from. Default: anything.
    pub blocks: Blocks,
    /// Variables of a block. Default 1.
    pub size: usize,
    /// How a block moves. Default: a proximal step.
    pub update: Move,
    /// Of rules that draw. Default 0.
    pub seed: u64,
    /// Rows and columns of the lattice that red-black and combs are about, vertices by columns.
    pub lattice: Option<(usize, usize)>,
    /// Steps without a change in which variables are off their kinks until all of these are the next block;
    /// with an update of second order, Newton's method once the active set is known. Default: never.
    pub face: Option<u32>,
    /// Variables of such a block at most. Default 512.
    pub face_limit: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            select: Select::Gsl,
            blocks: Blocks::Variable,
            size: 1,
            update: Move::Gradient,
            seed: 0,
            lattice: None,
            face: None,
            face_limit: 512,
        }
    }
}

/// A problem that owns its data.
#[derive(Clone, Debug, PartialEq)]
pub struct Descent {
    /// f
    pub smooth: Smooth,
    /// h
    pub kink: Kink,
}

/// Where a descent ended, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Descended {
    /// x
    pub x: Vec<f64>,
    /// How the run ended.
    pub outcome: Outcome<f64>,
    /// Variables at a kink or a bound are left out; of penalties that couple blocks, those that are 0.
    pub free: usize,
    /// A bound of F(x) − F*; infinite where the problem has none.
    pub gap: f64,
}

/// What a run of so many steps shows after each of them.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'r> {
    /// Steps done.
    pub step: u32,
    /// F
    pub objective: f64,
    /// x
    pub x: &'r [f64],
}

type Any<'a> = Problem<'a, AnyLoss<'a>, AnyPenalty<'a>>;

impl Smooth {
    /// Variables.
    ///
    /// # Errors
    /// What the views refuse.
    pub fn variables(&self) -> Result<usize, Error> {
        let mut memory = Memory::default();
        AnyLoss::new(self, &mut memory).map(|(loss, _)| Loss::<f64>::variables(&loss))
    }

    /// Entries of the samples, the matrix or the graph that are stored.
    #[must_use]
    pub fn entries(&self) -> usize {
        match self {
            Self::LeastSquares { samples, .. }
            | Self::Huber { samples, .. }
            | Self::Logistic { samples, .. }
            | Self::Softmax { samples, .. } => samples.entries(),
            Self::Quadratic { matrix, .. } | Self::Labels { graph: matrix, .. } => matrix.values.len(),
            Self::DenseQuadratic { matrix, .. } => matrix.values.len(),
        }
    }

    /// ∇f at zero.
    ///
    /// # Errors
    /// What the views refuse.
    pub fn slopes(&self) -> Result<Vec<f64>, Error> {
        let mut memory = Memory::default();
        let (loss, _) = AnyLoss::new(self, &mut memory)?;
        let mut state = vec![0.0; loss.state_len()];
        loss.begin(&vec![0.0; loss.variables()], &mut state);
        Ok((0..loss.variables()).map(|i| loss.partial(i, &state)).collect())
    }

    /// Which vertex of a graph every variable is; nothing for other problems.
    #[must_use]
    pub fn vertices(&self) -> Vec<u32> {
        match self {
            Self::Labels { graph, labelled, .. } => {
                let mut given = vec![false; graph.rows];
                for &vertex in labelled {
                    given.get_mut(vertex as usize).into_iter().for_each(|given| *given = true);
                }
                (0_u32..).zip(&given).filter(|(_, given)| !**given).map(|(vertex, _)| vertex).collect()
            }
            _ => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let square = |rows: usize, columns: usize| match rows == columns {
            true => Ok(()),
            false => Err(Error::Dimension { argument: "matrix", expected: rows, given: columns }),
        };
        match self {
            Self::Quadratic { matrix, .. } | Self::Labels { graph: matrix, .. } => {
                matrix.view().check()?;
                square(matrix.rows, matrix.columns)
            }
            Self::DenseQuadratic { matrix, .. } => square(matrix.rows, matrix.columns),
            _ => Ok(()),
        }
    }
}

impl Descent {
    /// Makes the problem and the scheme of a plan, with memory for a run, and hands them over.
    fn with<R>(
        &self,
        plan: &Plan,
        then: impl FnOnce(&Any<'_>, &mut Scheme<AnySelection<'_>, AnyUpdate>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.smooth.check()?;
        let (mut memory, mut lists) = (Memory::default(), Lists::default());
        let (loss, vertices) = AnyLoss::new(&self.smooth, &mut memory)?;
        let penalty = AnyPenalty::new(&self.kink);
        let problem = Problem::new::<f64>(&loss, &penalty)?;
        let select = AnySelection::new(plan, &loss, vertices, &mut lists)?;
        then(&problem, &mut Scheme { select, update: AnyUpdate::new(plan.update) })
    }

    /// Solves from zero.
    ///
    /// # Errors
    /// What the views, the problem, the plan and the run refuse.
    pub fn solve(
        &self,
        plan: &Plan,
        options: &Options<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Descended, Error> {
        self.with(plan, |problem, scheme| {
            let mut x = vec![0.0; problem.loss().variables()];
            let sizes = Sizes::of(problem, scheme);
            let mut numbers = vec![0.0; Workspace::<f64>::required_len(&sizes)];
            let mut indices = vec![0; Workspace::<f64>::required_indices(&sizes)];
            let work = Workspace::new(problem, scheme, &mut numbers, &mut indices)?;
            let outcome = descent::solve(problem, options, scheme, &mut x, work, observer)?;
            let (free, gap) = look(problem, &x);
            Ok(Descended { x, outcome, free, gap })
        })
    }

    /// Takes so many steps from zero and shows the objective after each, and before the first. How the run ended, if
    /// it did.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn trace(
        &self,
        plan: &Plan,
        steps: u32,
        each: &mut dyn FnMut(Trace<'_>) -> ControlFlow<()>,
    ) -> Result<Option<Status>, Error> {
        self.with(plan, |problem, scheme| {
            let mut x = vec![0.0; problem.loss().variables()];
            let sizes = Sizes::of(problem, scheme);
            let mut numbers = vec![0.0; Workspace::<f64>::required_len(&sizes)];
            let mut indices = vec![0; Workspace::<f64>::required_indices(&sizes)];
            let work = Workspace::new(problem, scheme, &mut numbers, &mut indices)?;
            let mut run = descent::start(problem, &Options::default(), scheme, &mut x, work)?;
            for step in 0..=steps {
                let objective = run.objective();
                if each(Trace { step, objective, x: run.x() }).is_break() || run.failure().is_some() {
                    break;
                }
                if step < steps {
                    run.step();
                }
            }
            Ok(run.failure())
        })
    }

    /// Solves with Σ x = `sum` beside an interval (or no penalty), by greedy pairs; the residual is the largest
    /// difference of two derivatives that a pair could still use. Returns x, F and the report.
    ///
    /// # Errors
    /// [`Error::Option`] for another penalty, and what the views, the problem and the run refuse.
    pub fn solve_with_sum(
        &self,
        sum: f64,
        stop: &Stop<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<(Vec<f64>, f64, Report<f64>), Error> {
        self.smooth.check()?;
        let free = Kink::Interval { lower: vec![f64::NEG_INFINITY], upper: vec![f64::INFINITY], l2: 0.0 };
        let kink = if self.kink == Kink::Free { &free } else { &self.kink };
        let AnyPenalty::Interval(bounds) = AnyPenalty::new(kink) else {
            return Err(Error::Option {
                name: "penalty",
                requirement: "must be an interval, or none, beside a sum",
            });
        };
        let mut memory = Memory::default();
        let (loss, _) = AnyLoss::new(&self.smooth, &mut memory)?;
        let problem = pairs::Problem::new(&loss, bounds, sum)?;
        let len = pairs::Workspace::<f64>::required_len(loss.state_len(), loss.gradient_len());
        let mut storage = vec![0.0; len];
        let work = pairs::Workspace::new(&problem, &mut storage)?;
        let mut x = vec![0.0; loss.variables()];
        let report = pairs::solve(&problem, stop, &mut x, work, observer)?;
        let mut state = vec![0.0; loss.state_len()];
        loss.begin(&x, &mut state);
        let objective = loss.value(&x, &state);
        Ok((x, objective, report))
    }
}

/// Variables off their kinks, and a bound of what can still be gained, from scratch.
fn look(problem: &Any<'_>, x: &[f64]) -> (usize, f64) {
    let (loss, penalty) = (problem.loss(), problem.penalty());
    if !penalty.separable() {
        return (x.iter().filter(|x| **x != 0.0).count(), f64::INFINITY);
    }
    let (mut state, mut g) = (vec![0.0; loss.state_len()], vec![0.0; loss.gradient_len()]);
    loss.begin(x, &mut state);
    let g = loss.gradient(&state, &mut g);
    let (mut free, mut gap) = (0, 0.0);
    for ((i, x), g) in (0_u32..).zip(x).zip(g) {
        let block = Block { number: 0, variables: &[i] };
        gap += penalty.gap(block, std::slice::from_ref(x), std::slice::from_ref(g));
        let at_kink = penalty.shape(i as usize).is_some_and(|shape| shape.at_kink(*x));
        free += usize::from(!at_kink && (*x != 0.0 || penalty.is_zero()));
    }
    (free, if gap.is_nan() { f64::INFINITY } else { gap })
}
