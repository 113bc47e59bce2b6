//! A x = b on a device: sweeps in `f32` there, refinement in the problem's own type here.
//!
//! ```text
//! r = b − A x                         on the host, in the problem's type
//! A d = 2^−e r                        on the device, in f32, from d = 0
//! x ← x + 2^e d                       on the host; and again
//! ```
//! Plain `f32` sweeps stop at a residual of about 2⁻²⁴ ‖A‖ ‖x‖, which for a fine Poisson grid is near 1; small
//! corrections pass through the same rounding unharmed. A round ends when its residual has fallen a thousandfold
//! (ten thousandfold in conjugate gradients, which lose their directions by it), when it falls no more, or after
//! 64 looks (1024).
//!
//! *Step*: as on the host, in red-black or colour order. *Residual*: ‖b − A x‖₂; looks come from the device,
//! one chunk late, and a claim of convergence is confirmed on the host in the problem's type. *Fails* as on the
//! host; and where κ(A)·2⁻²⁴ > 1 a round brings nothing: [`Status::Stalled`].
//!
//! *Source*: Wilkinson 1963 (refinement); Göddeke, Strzodka & Turek 2007 (on GPUs).

use southwell::relaxation::{OmegaRule, Problem, Split, cg, sor, ssor_cg};
use southwell::{Observer, Progress, Real, Report, Run, Status, Stop, drive};

use super::adapter::Device;
use super::chunks::Chunks;
use super::course::Course;
use super::error::Error;
use super::method::{Conjugate, Method, Sweeps};
use super::operator::{Resident, narrowed};

/// How a device is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Steps between two looks, a chunk. `None`: 8 to 64, fewer for larger problems. `stop.check_every` counts
    /// where it is larger.
    pub chunk: Option<u32>,
}

/// How a solve on a device ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solved<T> {
    /// As on the host; `steps` are those that were executed.
    pub report: Report<T>,
    /// The omega in use at the end; `None` for a method without.
    pub omega: Option<T>,
    /// Colours of a sweep there.
    pub colours: usize,
}

/// A solve that a device did not finish. x is the last good iterate.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// What happened.
    pub error: Error,
    /// Steps until then.
    pub steps: u32,
}

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { error: error.into(), steps: 0 }
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failed {}

/// Cells times steps of a chunk.
const CHUNK: usize = 1 << 27;

impl Settings {
    fn chunk(self, order: usize, stop: u32) -> u32 {
        let fitting = (CHUNK / order.max(1)).clamp(8, 64) as u32;
        self.chunk.unwrap_or(fitting).max(stop).max(1)
    }
}

/// SOR or SSOR from the x that is handed in; see [`sor::solve`].
///
/// # Errors
/// What [`sor::start`] refuses (x is untouched); what the device fails by (x is the last good iterate).
pub fn sor<T: Real, A: Resident<T>, R: OmegaRule<T> + ?Sized>(
    device: &Device,
    settings: Settings,
    problem: &Problem<'_, T, A>,
    options: &sor::Options<T>,
    rule: &mut R,
    x: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Solved<T>, Failed> {
    // The host checks the input, asks the rule and knows the scale; its run is dropped before it begins.
    let begun = {
        let scratch = problem.matrix().scratch_len();
        let mut storage = vec![T::ZERO; sor::Workspace::<T>::required_len(problem.order(), scratch)];
        let workspace = sor::Workspace::new(problem, &mut storage)?;
        let mut run = sor::start(problem, options, &mut *rule, &mut *x, workspace)?;
        Begun { omega: Some(run.omega()), scale: run.scale(), initial: run.residual() }
    };
    let directions: &[bool] = match options.sweep {
        sor::Sweep::Forward => &[false],
        sor::Sweep::Backward => &[true],
        sor::Sweep::Symmetric => &[false, true],
    };
    let make = |omega| {
        Ok(Box::new(Sweeps::new(device, problem.matrix().operator(device)?, directions, omega)?)
            as Box<dyn Method>)
    };
    solve(device, settings, problem, &options.stop, rule, x, observer, begun, make)
}

/// Conjugate gradients preconditioned by SSOR in colour order; see [`ssor_cg::solve`]. Step: two sweeps and one
/// product. In colour order it takes more steps than the host does in natural order.
///
/// # Errors
/// What [`ssor_cg::start`] refuses (x is untouched); what the device fails by (x is the last good iterate).
pub fn ssor_cg<T: Real, A: Resident<T> + Split<T>, R: OmegaRule<T> + ?Sized>(
    device: &Device,
    settings: Settings,
    problem: &Problem<'_, T, A>,
    options: &ssor_cg::Options<T>,
    rule: &mut R,
    x: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Solved<T>, Failed> {
    let begun = {
        let scratch = problem.matrix().split_len();
        let mut storage = vec![T::ZERO; ssor_cg::Workspace::<T>::required_len(problem.order(), scratch)];
        let workspace = ssor_cg::Workspace::new(problem, &mut storage)?;
        let run = ssor_cg::start(problem, options, &mut *rule, &mut *x, workspace)?;
        Begun { omega: Some(run.omega()), scale: run.scale(), initial: T::ZERO }
    };
    let begun = Begun { initial: problem.residual_norm(x), ..begun };
    let make = |omega| {
        Ok(Box::new(Conjugate::new(device, problem.matrix().operator(device)?, Some(omega))?)
            as Box<dyn Method>)
    };
    solve(device, settings, problem, &options.stop, rule, x, observer, begun, make)
}

/// Conjugate gradients; see [`cg::solve`].
///
/// # Errors
/// What [`cg::start`] refuses (x is untouched); what the device fails by (x is the last good iterate).
pub fn cg<T: Real, A: Resident<T>>(
    device: &Device,
    settings: Settings,
    problem: &Problem<'_, T, A>,
    options: &cg::Options<T>,
    x: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Solved<T>, Failed> {
    let begun = {
        let mut storage = vec![T::ZERO; cg::Workspace::<T>::required_len(problem.order())];
        let workspace = cg::Workspace::new(problem, &mut storage)?;
        let mut run = cg::start(problem, options, &mut *x, workspace)?;
        Begun { omega: None, scale: run.scale(), initial: run.residual() }
    };
    let make = |_| {
        Ok(Box::new(Conjugate::new(device, problem.matrix().operator(device)?, None)?) as Box<dyn Method>)
    };
    let rule = &mut southwell::omega::Fixed(T::ONE);
    solve(device, settings, problem, &options.stop, rule, x, observer, begun, make)
}

/// What the host's own start found.
struct Begun<T> {
    omega: Option<T>,
    scale: T,
    initial: T,
}

/// Looks alone, since a device shows nothing else.
pub(super) struct Looks<'a, O: ?Sized>(pub(super) &'a mut O);

impl<T, O: Observer<T> + ?Sized> Observer<T> for Looks<'_, O> {
    fn observe(&mut self, progress: &Progress<T>) -> std::ops::ControlFlow<()> {
        self.0.observe(progress)
    }
    fn every_step(&self) -> bool {
        false
    }
}

fn solve<T: Real, A: Resident<T>, R: OmegaRule<T> + ?Sized>(
    device: &Device,
    settings: Settings,
    problem: &Problem<'_, T, A>,
    stop: &Stop<T>,
    rule: &mut R,
    x: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
    begun: Begun<T>,
    make: impl FnOnce(f32) -> Result<Box<dyn Method>, Error>,
) -> Result<Solved<T>, Failed> {
    let first = begun.omega.unwrap_or(T::ONE);
    let tolerance = stop.absolute.max(stop.relative * begun.scale);
    // An answer that is there needs no device; neither does an order of 0.
    if begun.initial <= tolerance || begun.initial == T::ZERO {
        let (scale, initial) = (begun.scale, begun.initial);
        let report = Report {
            status: Status::Converged,
            steps: 0,
            checks: 1,
            initial_residual: initial,
            residual: initial,
            scale,
        };
        rule.end(&report);
        return Ok(Solved { report, omega: begun.omega, colours: 1 });
    }
    let method = make(narrowed("omega", first)?)?;
    let every = settings.chunk(problem.order(), stop.check_every);
    let chunks = Chunks::new(device, method.sums().1 + 1)?;
    let mut run = Rounds {
        device,
        problem,
        method,
        chunks,
        rule: &mut *rule,
        omega: first,
        scale: begun.scale,
        exponent: 0,
        truth: begun.initial,
        last: begun.initial,
        least: begun.initial,
        started: begun.initial,
        best: begun.initial,
        idle: 0,
        looks: 0,
        patience: PATIENCE,
        fruitless: 0,
        steps: 0,
        limit: stop.max_steps,
        snapshot: Vec::new(),
        x,
        course: Course::default(),
    };
    run.restart();
    let stop = Stop { check_every: every, ..*stop };
    let report = drive(&mut run, &stop, &mut Looks(observer));
    let (omega, colours, steps) = (begun.omega.map(|_| run.omega), run.method.colours(), run.steps);
    if let Some(error) = run.course.error.take() {
        run.salvage();
        return Err(Failed { error, steps });
    }
    rule.end(&report);
    Ok(Solved { report, omega, colours })
}

/// Looks of a stationary round without a lower residual before it is ended.
const PATIENCE: u32 = 3;
/// A round is ended by this reduction; conjugate gradients, which lose their directions by it, by the second.
const REDUCTION: f64 = 1e-3;
const LONG_REDUCTION: f64 = 1e-4;
/// Looks of a round at most.
const LOOKS: u32 = 64;
const LONG_LOOKS: u32 = 1024;
/// Rounds in a row that bring nothing before rounding is suspected.
const FRUITLESS: u32 = 3;
/// What rounding may leave of a residual, in units of ε·(|b| + |A| |x|).
const ROUNDING: u32 = 8;

/// Rounds of refinement in progress.
struct Rounds<'a, T, A, R: ?Sized> {
    device: &'a Device,
    problem: &'a Problem<'a, T, A>,
    method: Box<dyn Method>,
    /// Each marked with the steps until its end and the omega that it was run with.
    chunks: Chunks<(u32, T)>,
    rule: &'a mut R,
    omega: T,
    scale: T,
    /// r on the device is r on the host times 2^−exponent.
    exponent: i32,
    /// ‖b − A x‖ of the x on the host.
    truth: T,
    last: T,
    /// Of this round, so far.
    least: T,
    started: T,
    best: T,
    idle: u32,
    looks: u32,
    patience: u32,
    fruitless: u32,
    steps: u32,
    limit: u32,
    /// x with the correction of some looks ago, for conjugate gradients, whose rounds are long.
    snapshot: Vec<T>,
    x: &'a mut [T],
    course: Course,
}

impl<T: Real, A: Resident<T>, R: OmegaRule<T> + ?Sized> Rounds<'_, T, A, R> {
    /// Begins a round from the x on the host.
    fn restart(&mut self) {
        let mut r = vec![T::ZERO; self.x.len()];
        self.problem.matrix().residual(self.problem.rhs(), self.x, &mut r);
        self.begin(&r);
    }

    fn begin(&mut self, r: &[T]) {
        let largest = r.iter().fold(0.0_f64, |largest, r| largest.max(r.to_f64().abs()));
        self.exponent = if largest > 0.0 { libm::ilogb(largest) } else { 0 };
        let narrow: Vec<f32> = r.iter().map(|r| libm::scalbn(r.to_f64(), -self.exponent) as f32).collect();
        let result = self.method.restart(self.device, &narrow);
        self.course.note(result);
        (self.started, self.least, self.idle, self.looks) = (self.truth, self.truth, 0, 0);
    }

    /// Reads the oldest chunk. False if there was none, or none can be read.
    fn take(&mut self) -> bool {
        let taken = self.chunks.take(self.device);
        let Some(Some((mut numbers, (step, omega)))) = self.course.note(taken) else { return false };
        let flag = numbers.pop().unwrap_or(0.0);
        // In the order of the workgroups.
        let square = numbers.iter().fold(0.0, |sum, &part| sum + f64::from(part));
        self.last = T::from_f64(libm::scalbn(square.sqrt(), self.exponent));
        self.looks += 1;
        let lower = self.last < self.least * T::from_f64(0.9);
        self.idle = if lower { 0 } else { self.idle + 1 };
        self.least = self.least.min(self.last);
        if flag != 0.0 {
            self.course.failure.get_or_insert(Status::Breakdown);
        }
        let progress = Progress { step, residual: Some(self.last), parameter: omega };
        let revised = self.rule.revise(&progress);
        if let Some(omega) = revised.filter(|&o| o > T::ZERO && o < T::TWO && o != self.omega) {
            self.omega = omega;
            // Directions that are conjugate under one preconditioner are not under another.
            if !self.method.is_stationary() {
                self.fold();
            }
            let set = self.method.set_omega(self.device, omega.to_f64() as f32);
            self.course.note(set);
            if !self.method.is_stationary() {
                self.restart();
            }
        }
        true
    }

    /// Whether the round has done what it can.
    fn is_over(&self) -> bool {
        let (reduction, looks) =
            if self.method.is_stationary() { (REDUCTION, LOOKS) } else { (LONG_REDUCTION, LONG_LOOKS) };
        let idle = self.method.is_stationary() && self.idle >= self.patience;
        self.last <= self.started * T::from_f64(reduction) || self.looks >= looks || idle
    }

    /// x with the correction that is on the device; the host's x stays.
    fn corrected(&mut self) -> Option<Vec<T>> {
        let correction = self.method.correction(self.device);
        let d = self.course.note(correction)?;
        let add = |(x, d): (&T, f32)| T::from_f64(x.to_f64() + libm::scalbn(f64::from(d), self.exponent));
        Some(self.x.iter().zip(d).map(add).collect())
    }

    /// Ends a round: x takes its correction, and the true residual is known.
    fn fold(&mut self) {
        while self.chunks.waiting() > 0 && self.course.error.is_none() {
            let taken = self.chunks.take(self.device);
            let flag = self.course.note(taken).flatten().and_then(|(numbers, _)| numbers.last().copied());
            if flag.is_some_and(|flag| flag != 0.0) {
                self.course.failure.get_or_insert(Status::Breakdown);
            }
        }
        let Some(x) = self.corrected() else { return };
        let mut r = vec![T::ZERO; x.len()];
        self.problem.matrix().residual(self.problem.rhs(), &x, &mut r);
        let truth = southwell_simd::vector::norm(&r);
        self.last = truth;
        if !truth.is_finite() {
            // x keeps the last good iterate.
            return;
        }
        self.x.copy_from_slice(&x);
        self.snapshot.clear();
        self.truth = truth;
        let useful = truth < self.best * T::from_f64(0.9);
        self.patience = if useful { PATIENCE } else { self.patience.saturating_mul(2).min(LOOKS) };
        self.fruitless = if useful { 0 } else { self.fruitless + 1 };
        self.best = self.best.min(truth);
        if self.fruitless >= FRUITLESS {
            let rounding = self.rounding();
            if rounding.is_finite() && truth <= rounding {
                self.course.failure.get_or_insert(Status::Stalled);
            }
        }
        self.begin(&r);
    }

    /// The part of a residual that rounding alone can make: ε·‖|b| + |A| ‖x‖∞‖₂ with a small factor.
    fn rounding(&self) -> T {
        let largest = self.x.iter().fold(T::ZERO, |largest, x| largest.max(x.abs()));
        let matrix = self.problem.matrix();
        let square = self.problem.rhs().iter().enumerate().fold(T::ZERO, |sum, (row, b)| {
            let weight = matrix.diagonal(row).unwrap_or(T::ZERO).abs() + matrix.off_diagonal(row);
            let size = b.abs() + weight * largest;
            sum + size * size
        });
        T::from_u32(ROUNDING) * T::EPSILON * square.sqrt()
    }

    /// After a loss: the better one of x and the snapshot.
    fn salvage(&mut self) {
        if self.snapshot.len() == self.x.len() {
            let residual = self.problem.residual_norm(&self.snapshot);
            if residual < self.truth {
                self.x.copy_from_slice(&self.snapshot);
                self.truth = residual;
            }
        }
    }
}

impl<T: Real, A: Resident<T>, R: OmegaRule<T> + ?Sized> Run for Rounds<'_, T, A, R> {
    type Real = T;

    fn step(&mut self) {
        self.steps(1);
    }

    fn steps(&mut self, count: u32) -> u32 {
        if self.course.failure.is_some() || count == 0 {
            return 0;
        }
        let mark = (self.steps.saturating_add(count), self.omega);
        let (sums, _) = self.method.sums();
        let submitted =
            self.chunks.submit(self.device, (self.method.step(), count), self.method.look(), sums, mark);
        if self.course.note(submitted).is_none() {
            return 0;
        }
        self.steps = self.steps.saturating_add(count);
        count
    }

    fn residual(&mut self) -> T {
        // One chunk stays on its way; at the limit there will be no other.
        let kept = usize::from(self.steps < self.limit);
        while self.chunks.waiting() > kept && self.take() {}
        if self.last.is_finite() && self.course.error.is_none() {
            if self.looks > 0 && self.is_over() {
                self.fold();
            } else if !self.method.is_stationary() && self.looks > 0 && self.looks.is_multiple_of(LOOKS) {
                self.snapshot = self.corrected().unwrap_or_default();
            }
        }
        self.last
    }

    fn parameter(&self) -> T {
        self.omega
    }

    fn scale(&self) -> T {
        self.scale
    }

    fn confirm(&mut self, _tolerance: T) -> Option<T> {
        if self.course.error.is_none() && (self.looks > 0 || self.chunks.waiting() > 0) {
            self.fold();
        }
        Some(if self.course.error.is_some() { self.truth } else { self.last })
    }

    fn failure(&self) -> Option<Status> {
        self.course.failure
    }

    fn settle(&mut self, status: Status) -> Option<T> {
        self.salvage();
        (status == Status::NotFinite).then_some(self.truth)
    }
}
