//! Greedy coordinate descent on a device, with the matrix of a quadratic (a Gram matrix, say) there.
//!
//! A step looks at all variables, moves the one that gains most by its exact step ([`Score::Progress`]), and adds a row
//! of Q to the gradient: three dispatches and O(n), in `f32`. At the end the CPU takes x over, recomputes the gradient in
//! the problem's type, confirms the claim or goes on by the same rule; [`Solved::host_steps`] says how far. A greedy step
//! is short, so this pays for many thousands of variables alone.
//!
//! *Residual*: the largest violation, one chunk late. *Memory*: n² + 9 n numbers there; Q is split by rows where a
//! binding ends.
//!
//! *Source*: [`southwell::descent`]; Nutini, Schmidt, Laradji, Friedlander & Koepke 2015 (GS-q).

use southwell::descent::losses::{Loss, Quadratic};
use southwell::descent::penalties::{Penalty, Shape};
use southwell::descent::selection::{GreedyVariable, Score};
use southwell::descent::update::Gradient;
use southwell::descent::{self, Measure, Options, Outcome, Problem, Scheme, Sizes, Workspace};
use southwell::linear::Dense;
use southwell::{Observer, Progress, Real, Report, Run, Status, Stop, drive};

use super::adapter::Device;
use super::chunks::Chunks;
use super::course::Course;
use super::error::Error;
use super::kernel::{GREEDY, Item, workgroups};
use super::operator::narrowed;
use super::relaxation::{Failed, Looks, Settings};

/// How a solve ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solved<T> {
    /// As on the host; the steps of device and host together.
    pub outcome: Outcome<T>,
    /// Steps that the host took at the end.
    pub host_steps: u32,
}

/// Workgroups that look for the best variable.
const GROUPS: usize = 256;
/// Steps of a chunk.
const CHUNK: u32 = 256;
/// Looks between two x that come home, from the first on.
const SNAPSHOT: u32 = 8;
/// Looks without a lower residual that end the device's part.
const PATIENCE: u32 = 40;

/// Minimises ½xᵀQx − cᵀx + Σ h_i(x_i) from the x that is handed in, by the rule
/// `GreedyVariable::one(Score::Progress)` and exact steps.
///
/// # Errors
/// What [`descent::start`] refuses, [`Error::Unsupported`] for penalties of blocks and for a gap (x is untouched);
/// what the device fails by (x is the last that came home).
pub fn greedy<T: Real, H: Penalty<T>>(
    device: &Device,
    settings: Settings,
    problem: &Problem<'_, Quadratic<'_, T, Dense<'_, T>>, H>,
    options: &Options<T>,
    x: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Solved<T>, Failed> {
    if !problem.penalty().separable() || options.measure != Measure::Violation {
        return Err(Error::Unsupported("descent on blocks, or to a gap").into());
    }
    let mut memory = Memory::new(problem);
    // The host checks, projects x and knows the scale.
    let (scale, initial) = {
        let mut run = memory.start(problem, options, x)?;
        (run.scale(), run.residual())
    };
    let tolerance = options.stop.absolute.max(options.stop.relative * scale);
    let mut before = Report {
        status: Status::Converged,
        steps: 0,
        checks: 1,
        initial_residual: initial,
        residual: initial,
        scale,
    };
    if initial > tolerance {
        let resident = Resident::new(device, problem, x)?;
        let every = settings.chunk.unwrap_or(CHUNK).max(options.stop.check_every).max(1);
        let chunks = Chunks::new(device, 4 * resident.groups)?;
        let stop = Stop { absolute: tolerance, relative: T::ZERO, check_every: every, ..options.stop };
        let mut run = Greedy {
            device,
            resident,
            chunks,
            last: initial,
            least: initial,
            idle: 0,
            steps: 0,
            limit: stop.max_steps,
            looks: 0,
            n: x.len(),
            home: None,
            course: Course::default(),
        };
        // Zero tolerances are what a caller may have asked for where there is nothing to be relative to.
        before = drive(&mut run, &stop, &mut Looks(&mut *observer));
        if run.course.error.is_none() {
            run.bring_home();
        }
        let (steps, home) = run.home.take().unwrap_or_default();
        x.iter_mut().zip(home).for_each(|(x, value)| *x = T::from_f64(value.into()));
        if let Some(error) = run.course.error.take() {
            return Err(Failed { error, steps });
        }
    }
    finish(problem, options, (&mut memory, x), observer, before, tolerance)
}

/// The host confirms, or goes on.
fn finish<T: Real, H: Penalty<T>>(
    problem: &Problem<'_, Quadratic<'_, T, Dense<'_, T>>, H>,
    options: &Options<T>,
    (memory, x): (&mut Memory<T>, &mut [T]),
    observer: &mut (impl Observer<T> + ?Sized),
    before: Report<T>,
    tolerance: T,
) -> Result<Solved<T>, Failed> {
    let left = if before.status == Status::Stopped { 0 } else { options.stop.max_steps - before.steps };
    let absolute = tolerance.max(T::MIN_POSITIVE);
    let stop = Stop { absolute, relative: T::ZERO, max_steps: left, ..options.stop };
    let later = Options { stop, ..*options };
    let mut run = memory.start(problem, &later, x)?;
    let mut shown = |progress: &Progress<T>| {
        observer.observe(&Progress { step: progress.step.saturating_add(before.steps), ..*progress })
    };
    let after = drive(&mut run, &stop, &mut shown);
    let stopped = before.status == Status::Stopped && after.status == Status::StepLimit;
    let report = Report {
        status: if stopped { Status::Stopped } else { after.status },
        steps: before.steps + after.steps,
        checks: before.checks + after.checks,
        initial_residual: before.initial_residual,
        residual: after.residual,
        scale: before.scale,
    };
    let outcome = Outcome { report, objective: run.objective(), tolerance, measure: options.measure };
    Ok(Solved { outcome, host_steps: after.steps })
}

/// What the host's run needs.
struct Memory<T> {
    scheme: Scheme<GreedyVariable, Gradient>,
    numbers: Vec<T>,
    indices: Vec<u32>,
}

type Host<'a, T, H> = descent::Descent<'a, T, Quadratic<'a, T, Dense<'a, T>>, H, GreedyVariable, Gradient>;

impl<T: Real> Memory<T> {
    fn new<H: Penalty<T>>(problem: &Problem<'_, Quadratic<'_, T, Dense<'_, T>>, H>) -> Self {
        let scheme = Scheme { select: GreedyVariable::one(Score::Progress), update: Gradient };
        let sizes = Sizes::of(problem, &scheme);
        let numbers = vec![T::ZERO; Workspace::<T>::required_len(&sizes)];
        Self { scheme, numbers, indices: vec![0; Workspace::<T>::required_indices(&sizes)] }
    }

    fn start<'a, H: Penalty<T>>(
        &'a mut self,
        problem: &Problem<'a, Quadratic<'a, T, Dense<'a, T>>, H>,
        options: &Options<T>,
        x: &'a mut [T],
    ) -> Result<Host<'a, T, H>, southwell::Error> {
        let work = Workspace::new(problem, &self.scheme, &mut self.numbers, &mut self.indices)?;
        descent::start(problem, options, &mut self.scheme, x, work)
    }
}

/// The problem on the device.
#[derive(Debug)]
struct Resident {
    x: wgpu::Buffer,
    choices: wgpu::Buffer,
    groups: usize,
    step: Vec<Item>,
    look: Vec<Item>,
}

impl Resident {
    fn new<T: Real, H: Penalty<T>>(
        device: &Device,
        problem: &Problem<'_, Quadratic<'_, T, Dense<'_, T>>, H>,
        start: &[T],
    ) -> Result<Self, Error> {
        let (loss, n) = (problem.loss(), start.len());
        let q = loss.matrix();
        device.check_binding("a row of the matrix", n)?;
        let most = (device.binding_len() / n).clamp(1, n);
        // All memory first.
        let shapes = device.array("penalties", 6 * n)?;
        let (x, gradient) = (device.array("x", n)?, device.array("the gradient", n)?);
        let groups = workgroups(n, 256, GROUPS);
        let (choices, chosen) =
            (device.array("choices", 4 * groups as usize)?, device.array("the choice", 4)?);
        let blocks: Vec<_> = (0..n)
            .step_by(most)
            .map(|first| {
                Ok((first, most.min(n - first), device.array("the matrix", most.min(n - first) * n)?))
            })
            .collect::<Result<_, Error>>()?;
        for (first, rows, values) in &blocks {
            for i in *first..first + rows {
                let row = q.row(i).iter().take(n).map(|&value| narrowed("the matrix", value));
                device.upload(values, (i - first) * n, &row.collect::<Result<Vec<f32>, Error>>()?)?;
            }
        }
        let mut words = Vec::with_capacity(6 * n);
        for i in 0..n {
            let shape = problem.penalty().shape(i).ok_or(Error::Unsupported("this penalty"))?;
            words.extend(shape_words(&shape, loss.lipschitz(i)));
        }
        device.upload(&shapes, 0, &words)?;
        let mut state = vec![T::ZERO; n];
        loss.begin(start, &mut state);
        for (buffer, values) in [(&x, start), (&gradient, &state)] {
            let values: Vec<f32> = values.iter().map(|value| value.to_f64() as f32).collect();
            if values.iter().any(|value| !value.is_finite()) {
                return Err(Error::Range { argument: "x or the gradient" });
            }
            device.upload(buffer, 0, &values)?;
        }

        let uniform =
            |first: usize, rows: usize| device.uniform(&[n as u32, first as u32, rows as u32, groups]);
        let all = uniform(0, 0)?;
        let vectors = [(0, &all), (2, &shapes), (3, &x), (4, &gradient), (5, &choices)];
        let look = device.dispatch(GREEDY, "look", &vectors, [groups, 1, 1])?;
        let vectors = [(0, &all), (3, &x), (5, &choices), (6, &chosen)];
        let choose = device.dispatch(GREEDY, "choose", &vectors, [1, 1, 1])?;
        let mut step = vec![look.clone(), choose];
        for (first, rows, values) in &blocks {
            let parameters = uniform(*first, *rows)?;
            let buffers = [(0, &parameters), (1, values), (4, &gradient), (6, &chosen)];
            step.push(device.dispatch(GREEDY, "shift", &buffers, [workgroups(n, 256, usize::MAX), 1, 1])?);
        }
        Ok(Self { x, choices, groups: groups as usize, step, look: vec![look] })
    }
}

/// A penalty of one variable, infinities as the largest numbers, and the curvature of f.
fn shape_words<T: Real>(shape: &Shape<T>, curvature: T) -> [f32; 6] {
    let Shape { l1, l2, linear, lower, upper } = *shape;
    [l1, l2, linear, lower, upper, curvature].map(|value| (value.to_f64() as f32).clamp(-3e38, 3e38))
}

/// Greedy steps in progress.
struct Greedy<'a, T> {
    device: &'a Device,
    resident: Resident,
    chunks: Chunks<()>,
    last: T,
    least: T,
    idle: u32,
    steps: u32,
    limit: u32,
    looks: u32,
    n: usize,
    /// The last x that came home without a number that is none, and the steps up to it.
    home: Option<(u32, Vec<f32>)>,
    course: Course,
}

impl<T: Real> Greedy<'_, T> {
    /// x as it is after all steps that were submitted.
    fn bring_home(&mut self) {
        let downloaded = self.device.download(&self.resident.x, 0, self.n);
        if let Some(x) = self.course.note(downloaded)
            && x.iter().all(|value| value.is_finite())
        {
            self.home = Some((self.steps, x));
        }
    }

    fn take(&mut self) -> bool {
        let taken = self.chunks.take(self.device);
        let Some(Some((choices, ()))) = self.course.note(taken) else { return false };
        // The third of each four.
        let worst =
            choices.iter().skip(2).step_by(4).fold(0.0_f32, |worst, &v| if v <= worst { worst } else { v });
        self.last = T::from_f64(worst.into());
        let lower = self.last < self.least;
        self.idle = if lower { 0 } else { self.idle + 1 };
        self.least = if lower { self.last } else { self.least };
        self.looks = self.looks.wrapping_add(1);
        if self.idle >= PATIENCE {
            self.course.failure.get_or_insert(Status::Stalled);
        }
        true
    }
}

impl<T: Real> Run for Greedy<'_, T> {
    type Real = T;

    fn step(&mut self) {
        self.steps(1);
    }

    fn steps(&mut self, count: u32) -> u32 {
        if self.course.failure.is_some() || count == 0 {
            return 0;
        }
        let Resident { step, look, choices, .. } = &self.resident;
        let submitted = self.chunks.submit(self.device, (step, count), look, choices, ());
        if self.course.note(submitted).is_none() {
            return 0;
        }
        self.steps = self.steps.saturating_add(count);
        count
    }

    fn residual(&mut self) -> T {
        let kept = usize::from(self.steps < self.limit);
        while self.chunks.waiting() > kept && self.take() {}
        if self.course.error.is_none() && self.looks % SNAPSHOT == 1 {
            self.bring_home();
        }
        self.last
    }

    fn parameter(&self) -> T {
        T::ONE
    }

    fn confirm(&mut self, _tolerance: T) -> Option<T> {
        while self.chunks.waiting() > 0 && self.take() {}
        Some(self.last)
    }

    fn failure(&self) -> Option<Status> {
        self.course.failure
    }
}
