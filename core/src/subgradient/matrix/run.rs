//! The run: value and sub-gradient in one pass, the best iterate, a step.

use southwell_simd::vector;

use super::columns::singular_values;
use super::operator::{Operator, formed};
use super::options::{Options, Precondition};
use super::problem::Problem;
use super::scaled::{clip_rows, precondition};
use super::shape::Shape;
use super::start::{self, Plan, Start};
use super::step::{Pace, Step, Unit};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Observer, Real, Report, Run, Status, drive};

/// Polyak's step is at most so many units.
const CAP: f64 = 0.5;

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    current: &'w mut [T],
    gradient: &'w mut [T],
    /// D of the last step.
    direction: &'w mut [T],
    /// Of the power method.
    vector: &'w mut [T],
    gram: &'w mut [T],
    scratch: &'w mut [T],
}

/// The length of the vectors of the power method.
const fn lines(shape: Shape) -> usize {
    shape.rows().saturating_add(shape.columns())
}

/// The Gram matrix of scaled steps.
const fn squares(shape: Shape, scaled: bool) -> usize {
    if scaled { shape.rank().saturating_mul(shape.rank()) } else { 0 }
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for factors of this shape, scaled directions or plain ones, and the operator's scratch
    /// ([`Dense::scratch`](super::operator::Dense::scratch), …).
    #[must_use]
    pub const fn required_len(shape: Shape, scaled: bool, scratch: usize) -> usize {
        let iterates = shape.unknowns().saturating_mul(3);
        let small = lines(shape).saturating_add(squares(shape, scaled));
        iterates.saturating_add(small).saturating_add(scratch)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<O: Operator<T>>(
        problem: &Problem<'_, T, O>,
        scaled: bool,
        storage: &'w mut [T],
    ) -> Result<Self, Error> {
        let shape = problem.shape;
        let (n, scratch) = (shape.unknowns(), problem.operator.scratch_len(shape));
        let lengths = [n, n, n, lines(shape), squares(shape, scaled), scratch];
        let [current, gradient, direction, vector, gram, scratch] = carve(storage, lengths)?;
        Ok(Self { current, gradient, direction, vector, gram, scratch })
    }

    fn lengths(&self) -> [usize; 6] {
        [
            self.current.len(),
            self.gradient.len(),
            self.direction.len(),
            self.vector.len(),
            self.gram.len(),
            self.scratch.len(),
        ]
    }
}

/// How a run ended, and what it found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Recovered<T> {
    /// How it ended; the residual is the relative length of the step that would have come next.
    pub report: Report<T>,
    /// f of the factors that are left, the lowest value seen.
    pub value: T,
    /// The step after which they were seen.
    pub found_at: u32,
    /// f of the last iterate.
    pub last_value: T,
    /// Shares of measurements that the last iterate meets exactly, exceeds, and falls short of.
    pub signs: [T; 3],
    /// The rank that the factors show: [`singular_values`] says how.
    pub rank: usize,
}

/// A run in progress.
#[derive(Debug)]
pub struct Recovery<'a, T, O> {
    problem: Problem<'a, T, O>,
    options: Options<T>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
    pace: Pace<T>,
    value: T,
    best: T,
    found_at: u32,
    counts: [u32; 2],
    step_size: T,
    relative: T,
    steps: u32,
    idle: u32,
    /// Whether no further step makes sense.
    stuck: bool,
    failed: Option<Status>,
}

/// Refuses what a run cannot begin with, but for the numbers in x.
fn check<T: Real, O: Operator<T>>(
    problem: &Problem<'_, T, O>,
    options: &Options<T>,
    x: &[T],
    work: &Workspace<'_, T>,
) -> Result<(), Error> {
    options.check()?;
    let (shape, scaled) = (problem.shape, options.is_scaled());
    check_len("x", x.len(), shape.unknowns())?;
    let (n, scratch) = (shape.unknowns(), problem.operator.scratch_len(shape));
    let lengths = work.lengths();
    let fits = |gram: usize| lengths == [n, n, n, lines(shape), gram, scratch];
    if !(fits(squares(shape, scaled)) || fits(squares(shape, true))) {
        let given = lengths.iter().fold(0_usize, |sum, &n| sum.saturating_add(n));
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(shape, scaled, scratch), given });
    }
    Ok(())
}

/// Makes the start, in x as well, and takes a first look: two or three passes over the measurements.
/// With [`Start::Given`] x is where the run begins.
///
/// # Errors
/// [`Error::Option`] for options outside their range; [`Error::Dimension`] for x; [`Error::Value`] for a
/// NaN or an infinity in a start that is given; [`Error::Workspace`] if the workspace was carved for
/// another problem or for plain directions. x is untouched then.
pub fn start<'a, T: Real, O: Operator<T>>(
    problem: &Problem<'a, T, O>,
    options: &Options<T>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Recovery<'a, T, O>, Error> {
    check(problem, options, x, &work)?;
    if options.start == Start::Given {
        check_finite("x", x)?;
        work.current.copy_from(x);
    } else {
        let Options { start, alpha, seed, weights, .. } = *options;
        let plan = Plan { start, alpha, seed, weights };
        start::make(problem, &plan, work.current, work.gradient, work.scratch);
        // Numbers near the end of the type: nothing is known, and 0 is a number.
        if vector::first_not_finite(work.current).is_some() {
            work.current.fill(T::ZERO);
        }
        x.copy_from(work.current);
    }
    work.vector.fill(T::ZERO);
    work.direction.fill(T::ZERO);
    let mut run = Recovery {
        problem: *problem,
        options: *options,
        x,
        work,
        pace: Pace::new(options.step),
        value: T::INFINITY,
        best: T::INFINITY,
        found_at: 0,
        counts: [0; 2],
        step_size: T::ZERO,
        relative: T::ONE,
        steps: 0,
        idle: 0,
        stuck: false,
        failed: None,
    };
    run.look();
    Ok(run)
}

/// What it takes to go on with a run later, besides x, the best factors: to be kept between two steps and handed to
/// [`resume`] as it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pause<'p, T> {
    /// The current factors.
    pub current: &'p [T],
    /// The direction of the step that comes next.
    pub direction: &'p [T],
    /// Of the power method.
    pub vector: &'p [T],
    /// Value, least value, length and relative length of the coming step, and the rule's own.
    pub numbers: [T; 5],
    /// Steps, when the least value was seen, steps since, whether the run is stuck, measurements above and below, and the
    /// rule's steps and restarts.
    pub counts: [u32; 8],
}

/// Goes on from where a run was paused, with the bits of one that was not; x holds what it held then.
///
/// # Errors
/// As [`start`]; [`Error::Dimension`] and [`Error::Value`] for the vectors that were kept.
pub fn resume<'a, T: Real, O: Operator<T>>(
    problem: &Problem<'a, T, O>,
    options: &Options<T>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
    pause: &Pause<'_, T>,
) -> Result<Recovery<'a, T, O>, Error> {
    check(problem, options, x, &work)?;
    check_finite("x", x)?;
    let mut run = Recovery {
        problem: *problem,
        options: *options,
        x,
        work,
        pace: Pace::paused(options.step, T::ZERO, 0, 0),
        value: T::ZERO,
        best: T::ZERO,
        found_at: 0,
        counts: [0, 0],
        step_size: T::ZERO,
        relative: T::ZERO,
        steps: 0,
        idle: 0,
        stuck: false,
        failed: None,
    };
    run.set(pause)?;
    Ok(run)
}

/// Recovers X: the factors that are left in x are the best that were seen.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, O: Operator<T>>(
    problem: &Problem<'_, T, O>,
    options: &Options<T>,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Recovered<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    let report = drive(&mut run, &options.stop, observer);
    Ok(run.finish(report))
}

impl<T: Real, O: Operator<T>> Recovery<'_, T, O> {
    /// Value and sub-gradient of the current iterate; keeps it if it is the best; decides on the next step.
    fn look(&mut self) {
        let Problem { operator, y, shape } = self.problem;
        let work = &mut self.work;
        let scale = T::ONE / T::from_usize(y.len());
        let mut gradient = shape.gradient(&mut *work.gradient);
        let (sum, counts) =
            operator.misfit(scale, shape.factors(&*work.current), y, work.scratch, &mut gradient);
        self.counts = counts;
        self.value = sum * scale;
        if !self.value.is_finite() {
            self.failed = Some(Status::NotFinite);
            return;
        }
        if self.value < self.best {
            (self.best, self.found_at, self.idle) = (self.value, self.steps, 0);
            self.x.copy_from(work.current);
        } else {
            self.idle = self.idle.saturating_add(1);
            self.stuck = self.idle >= self.options.patience;
        }
        self.decide();
    }

    /// The direction and the length of the next step.
    fn decide(&mut self) {
        let (shape, work) = (self.problem.shape, &mut self.work);
        let turned = vector::dot(work.gradient, work.direction) < T::ZERO;
        work.direction.copy_from(work.gradient);
        if let Precondition::Scaled { damping } = self.options.precondition {
            precondition(shape, damping, work.current, work.direction, work.gram);
        }
        let length = vector::norm_scaled(work.direction);
        let of_x = vector::norm_scaled(work.current);
        let size = self.pace.next(turned);
        if length == T::ZERO {
            (self.step_size, self.relative) = (T::ZERO, T::ZERO);
            return;
        }
        let polyak = match self.options.step {
            Step::Polyak { target } => Some(target),
            _ => None,
        };
        let wanted = self.options.unit.resolved(&self.options.step, self.options.is_scaled());
        let norm = match (wanted, self.problem.operator.formed(shape, work.scratch)) {
            (Unit::Spectral, Some(q)) => match polyak {
                Some(_) => vector::norm_scaled(q),
                None => formed::spectral_norm(shape, q, work.vector),
            },
            _ => T::ZERO,
        };
        let relative = length / of_x;
        let (unit, measure) = match wanted {
            Unit::Length => (T::ONE / length, T::ONE / of_x),
            _ if norm > T::ZERO => (T::ONE / norm, T::ONE),
            _ => (T::ONE / relative, T::ONE),
        };
        if let Some(target) = polyak {
            let slope = vector::dot(work.gradient, work.direction);
            let whole = (self.value - target).max(T::ZERO) / slope;
            let most = T::from_f64(CAP) / if norm > T::ZERO { norm } else { relative };
            self.step_size = whole.min(most);
            self.relative = self.step_size * relative;
        } else {
            self.step_size = size * unit;
            self.relative = size * measure;
        }
        if !(self.step_size.is_finite() && self.relative.is_finite()) {
            // The sub-gradient is too small for its reciprocal.
            (self.step_size, self.relative, self.stuck) = (T::ZERO, T::ONE, true);
        }
    }

    /// What it takes to go on later: see [`resume`].
    #[must_use]
    pub fn pause(&self) -> Pause<'_, T> {
        let (size, paced, restarts) = self.pace.state();
        let [above, below] = self.counts;
        Pause {
            current: self.work.current,
            direction: self.work.direction,
            vector: self.work.vector,
            numbers: [self.value, self.best, self.step_size, self.relative, size],
            counts: [
                self.steps,
                self.found_at,
                self.idle,
                u32::from(self.stuck),
                above,
                below,
                paced,
                restarts,
            ],
        }
    }

    /// Goes on from where another run of the same problem and options was paused, with the bits that it would have had: for
    /// runs that were begun already. x: what was in it then.
    ///
    /// # Errors
    /// As [`resume`]; the run is untouched then.
    pub fn go_on(&mut self, x: &[T], pause: &Pause<'_, T>) -> Result<(), Error> {
        check_len("x", x.len(), self.x.len())?;
        check_finite("x", x)?;
        self.set(pause)?;
        self.x.copy_from(x);
        Ok(())
    }

    fn set(&mut self, pause: &Pause<'_, T>) -> Result<(), Error> {
        let Workspace { current, direction, vector, .. } = &mut self.work;
        let kept = [
            ("current", pause.current, &mut **current),
            ("direction", pause.direction, &mut **direction),
            ("vector", pause.vector, &mut **vector),
        ];
        for (argument, from, to) in &kept {
            check_len(argument, from.len(), to.len())?;
            check_finite(argument, from)?;
        }
        check_finite("numbers", &pause.numbers)?;
        for (_, from, to) in kept {
            to.copy_from(from);
        }
        let [value, best, step_size, relative, size] = pause.numbers;
        let [steps, found_at, idle, stuck, above, below, paced, restarts] = pause.counts;
        self.pace = Pace::paused(self.options.step, size, paced, restarts);
        (self.value, self.best, self.step_size, self.relative) = (value, best, step_size, relative);
        (self.steps, self.found_at, self.idle, self.stuck) = (steps, found_at, idle, stuck != 0);
        (self.counts, self.failed) = ([above, below], None);
        Ok(())
    }

    /// f of the current iterate.
    #[must_use]
    pub fn value(&self) -> T {
        self.value
    }

    /// The lowest f that was seen, which is that of x, and the step after which it was.
    #[must_use]
    pub fn best(&self) -> (T, u32) {
        (self.best, self.found_at)
    }

    /// The current iterate; x holds the best one.
    #[must_use]
    pub fn current(&self) -> &[T] {
        self.work.current
    }

    /// The best iterate so far.
    #[must_use]
    pub fn x(&self) -> &[T] {
        self.x
    }

    /// The relative length of the step that comes next.
    #[must_use]
    pub fn relative_step(&self) -> T {
        self.relative
    }

    /// Shares of measurements that the current iterate meets exactly, exceeds, and falls short of.
    #[must_use]
    pub fn signs(&self) -> [T; 3] {
        let count = self.problem.y.len();
        let [positive, negative] = self.counts;
        let others =
            u32::try_from(count).unwrap_or(u32::MAX).saturating_sub(positive.saturating_add(negative));
        [others, positive, negative].map(|n| T::from_u32(n) / T::from_usize(count))
    }

    /// Ends the run: what `report` says, and what was found. Takes the rank from x.
    #[must_use]
    pub fn finish(self, report: Report<T>) -> Recovered<T> {
        let (shape, signs) = (self.problem.shape, self.signs());
        let values = self.work.vector.get_mut(..shape.rank()).unwrap_or(&mut []);
        Recovered {
            report,
            value: self.best,
            found_at: self.found_at,
            last_value: self.value,
            signs,
            rank: singular_values(shape, self.x, values, self.work.gradient).unwrap_or(0),
        }
    }
}

impl<T: Real, O: Operator<T>> Run for Recovery<'_, T, O> {
    type Real = T;

    fn step(&mut self) {
        if self.stuck {
            self.failed = Some(Status::Stalled);
            return;
        }
        vector::axpy(-self.step_size, self.work.direction, self.work.current);
        if self.options.row_bound < T::INFINITY {
            clip_rows(self.problem.shape, self.options.row_bound, self.work.current);
        }
        self.steps = self.steps.saturating_add(1);
        self.look();
    }

    fn residual(&mut self) -> T {
        if !self.value.is_finite() {
            T::NAN
        } else if self.best <= self.options.target || self.step_size == T::ZERO && !self.stuck {
            T::ZERO
        } else {
            // A run is not at its end while a restart is left.
            self.pace.coming().unwrap_or(self.relative)
        }
    }

    fn parameter(&self) -> T {
        self.step_size
    }

    fn failure(&self) -> Option<Status> {
        self.failed
    }
}
