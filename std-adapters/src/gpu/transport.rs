//! Entropic transport on a device: Sinkhorn's iteration in the log domain, over-relaxed as on the host.
//!
//! A step reads the costs twice, by columns and by rows, each reading a streaming log-sum-exp: pairs of a maximum
//! and a sum that are merged. Costs between points are made on the fly; nothing of the size n × m is stored then.
//! Potentials are in units of ε and in `f32`, marginals divided by their mass.
//!
//! *Residual*: ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁, free, looked at with one chunk of lag. *Memory*: n·m numbers for stored
//! costs, (n + m)(d + 7) or so for points. *Fails* never, but rounding ends it: a residual below
//! 4·2⁻²³·(1 + max C/ε) of the mass that falls no more. A problem in `f64` that asks for less is then finished on
//! the host, in `f64`, from the potentials that are there; [`Solved::host_steps`] says how long that took. (A claim
//! of convergence below that level is confirmed there too.)
//!
//! *Source*: [`southwell::transport::sinkhorn`]; Feydy, Glaunès, Charlier & Bronstein 2020 (streaming reductions).

use southwell::omega::OmegaRule;
use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn};
use southwell::{Observer, Progress, Real, Report, Run, Status, Stop, drive};

use super::adapter::Device;
use super::chunks::Chunks;
use super::costs::{ResidentCost, Uploaded};
use super::course::Course;
use super::error::Error;
use super::kernel::{Item, LINES, workgroups};
use super::operator::narrowed;
use super::relaxation::{Failed, Looks, Settings};

/// How a solve ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solved<T> {
    /// As on the host; the steps of device and host together.
    pub report: Report<T>,
    /// The omega in use at the end.
    pub omega: T,
    /// Steps that the host took at the end, for digits that `f32` has not.
    pub host_steps: u32,
}

/// What stands for −∞ on the device, where infinities are not to be relied on.
const NOTHING: f32 = -3e38;
/// Workgroups of a pass over lines.
const GROUPS: usize = 1024;
/// Terms times steps of a chunk.
const CHUNK: usize = 1 << 31;
/// Looks between two snapshots of the potentials.
const SNAPSHOT: u32 = 16;
/// Looks without a new least residual, below the level of rounding, that end a run.
const PATIENCE: u32 = 20;

/// Sinkhorn's iteration from the g that is handed in; see [`sinkhorn::solve`].
///
/// # Errors
/// What [`sinkhorn::start`] refuses (the potentials are untouched); what the device fails by (the potentials are
/// the last that were seen).
pub fn sinkhorn<T: Real, C: ResidentCost<T>, R: OmegaRule<T> + ?Sized>(
    device: &Device,
    settings: Settings,
    problem: &Problem<'_, T, C>,
    options: &sinkhorn::Options<T>,
    rule: &mut R,
    mut x: Potentials<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Solved<T>, Failed> {
    let (n, m) = (problem.rows(), problem.columns());
    check(problem, options, &x)?;
    let omega = begin(problem, rule)?;
    let resident = Resident::new(device, problem, &x, omega)?;
    let initial = resident.begin(device)?;
    let every = settings.chunk.unwrap_or_else(|| (CHUNK / n.saturating_mul(m).max(1)).clamp(1, 32) as u32);
    let chunks = Chunks::new(device, resident.errors_len)?;
    let stop = Stop { check_every: every.max(options.stop.check_every).max(1), ..options.stop };
    let range = 1.0 + (problem.cost().largest() / problem.epsilon()).to_f64();
    let mut run = Iterations {
        device,
        problem,
        resident,
        chunks,
        rule: &mut *rule,
        omega,
        last: initial,
        lowest: f64::INFINITY,
        level: 4.0 * f64::from(f32::EPSILON) * range,
        idle: 0,
        looks: 0,
        steps: 0,
        limit: stop.max_steps,
        x: x.reborrow(),
        course: Course::default(),
    };
    let report = drive(&mut run, &stop, &mut Looks(&mut *observer));
    if run.course.error.is_none() {
        run.bring_home();
    }
    let (omega, steps, level) = (run.omega, run.steps, run.level * run.resident.mass);
    if let Some(error) = run.course.error.take() {
        return Err(Failed { error, steps });
    }
    // Digits that f32 has not: the host goes on from here, or sees for itself.
    let wide = T::EPSILON.to_f64() < 1e-10;
    let doubtful = report.status == Status::Stalled
        || report.status == Status::Converged && report.residual.to_f64() < level;
    if wide && doubtful {
        return finish(problem, options, rule, x, observer, report);
    }
    rule.end(&report);
    Ok(Solved { report, omega, host_steps: 0 })
}

/// The host's part of a run whose residual has reached the floor of `f32`.
fn finish<T: Real, C: ResidentCost<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'_, T, C>,
    options: &sinkhorn::Options<T>,
    rule: &mut R,
    x: Potentials<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
    before: Report<T>,
) -> Result<Solved<T>, Failed> {
    let lengths = (problem.rows(), problem.columns(), problem.cost().scratch_len());
    let mut storage = vec![T::ZERO; sinkhorn::Workspace::<T>::required_len(lengths.0, lengths.1, lengths.2)];
    let workspace = sinkhorn::Workspace::new(problem, &mut storage)?;
    let stop = Stop { max_steps: options.stop.max_steps - before.steps, ..options.stop };
    let options = sinkhorn::Options { stop };
    let mut run = sinkhorn::start(problem, &options, &mut *rule, x, workspace)?;
    let mut later = |progress: &Progress<T>| {
        observer.observe(&Progress { step: progress.step.saturating_add(before.steps), ..*progress })
    };
    let after = drive(&mut run, &stop, &mut later);
    let omega = run.omega();
    let report = Report {
        steps: before.steps + after.steps,
        checks: before.checks + after.checks,
        initial_residual: before.initial_residual,
        ..after
    };
    rule.end(&report);
    Ok(Solved { report, omega, host_steps: after.steps })
}

/// Refuses what the host refuses, without reading the costs.
fn check<T: Real, C: ResidentCost<T>>(
    problem: &Problem<'_, T, C>,
    options: &sinkhorn::Options<T>,
    x: &Potentials<'_, T>,
) -> Result<(), southwell::Error> {
    options.stop.check()?;
    for (argument, potential, weights) in [("f", &*x.f, problem.a()), ("g", &*x.g, problem.b())] {
        if potential.len() != weights.len() {
            let (expected, given) = (weights.len(), potential.len());
            return Err(southwell::Error::Dimension { argument, expected, given });
        }
        let bad = potential.iter().zip(weights).position(|(p, &w)| w > T::ZERO && !p.is_finite());
        if let Some(index) = bad {
            return Err(southwell::Error::Value { argument, index });
        }
    }
    Ok(())
}

/// Asks the rule, by way of the host's start of a problem with one row and one column, the same largest cost, ε
/// and mass: these are all that a rule can see of a problem.
fn begin<T: Real, C: ResidentCost<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'_, T, C>,
    rule: &mut R,
) -> Result<T, southwell::Error> {
    let (cost, mass) = ([problem.cost().largest()], [problem.mass()]);
    let cost = DenseCost::new(&cost, 1, 1, 1)?;
    let small = Problem::new(&cost, &mass, &mass, problem.epsilon())?;
    let mut storage = vec![T::ZERO; sinkhorn::Workspace::<T>::required_len(1, 1, 1)];
    let workspace = sinkhorn::Workspace::new(&small, &mut storage)?;
    let (mut f, mut g) = ([T::ZERO], [T::ZERO]);
    let x = Potentials { f: &mut f, g: &mut g };
    let run = sinkhorn::start(&small, &sinkhorn::Options::default(), rule, x, workspace)?;
    Ok(run.omega())
}

/// Up to which δ a line may move by all of ω: the root of e^(−δ) − e^((ω − 1)δ) + ωδ above 0.
fn root(omega: f64) -> f64 {
    if omega <= 1.0 {
        return f64::from(f32::MAX);
    }
    let gain = |delta: f64| libm::exp(-delta) - libm::exp((omega - 1.0) * delta) + omega * delta;
    let (mut low, mut high) = (0.0, 48.0 / (omega - 1.0));
    for _ in 0..24 {
        let middle = (low + high) * 0.5;
        if gain(middle) >= 0.0 { low = middle } else { high = middle }
    }
    low
}

/// The problem on the device.
struct Resident {
    /// The costs must outlive the programs that read them.
    _costs: Box<dyn Uploaded>,
    f: wgpu::Buffer,
    next: wgpu::Buffer,
    g: wgpu::Buffer,
    errors: wgpu::Buffer,
    errors_len: usize,
    reach: wgpu::Buffer,
    begin: Vec<Item>,
    step: Vec<Item>,
    epsilon: f64,
    mass: f64,
}

fn reach_words(omega: f64) -> [u32; 4] {
    [(omega as f32).to_bits(), (root(omega) as f32).to_bits(), 0, 0]
}

impl Resident {
    fn new<T: Real, C: ResidentCost<T>>(
        device: &Device,
        problem: &Problem<'_, T, C>,
        x: &Potentials<'_, T>,
        omega: T,
    ) -> Result<Self, Error> {
        let (n, m, epsilon) = (problem.rows(), problem.columns(), problem.epsilon());
        let mass = problem.mass().to_f64();
        let costs = problem.cost().upload(device, epsilon)?;
        let parts = costs.parts();
        let pairs = device.array("log-sum-exps", 2 * (parts[0] * n).max(parts[1] * m))?;
        let groups = [n, m].map(|lines| workgroups(lines, 256, GROUPS));
        let errors_len = (groups[0] + groups[1]) as usize;
        let errors = device.array("errors", errors_len)?;
        let (f, next, g) = (device.array("f", n)?, device.array("f", n)?, device.array("g", m)?);
        let masses = [marginal(device, "a", problem.a(), mass)?, marginal(device, "b", problem.b(), mass)?];
        let potentials = |values: &[T], weights: &[T]| -> Vec<f32> {
            let unit = |(&value, &weight): (&T, &T)| match weight > T::ZERO {
                true => (value / epsilon).to_f64() as f32,
                false => NOTHING,
            };
            values.iter().zip(weights).map(unit).collect()
        };
        device.upload(&next, 0, &potentials(x.f, problem.a()))?;
        device.upload(&g, 0, &potentials(x.g, problem.b()))?;

        let reach = device.uniform(&reach_words(omega.to_f64()))?;
        let spans = [
            device.uniform(&[n as u32, parts[0] as u32, 0, 0])?,
            device.uniform(&[m as u32, parts[1] as u32, groups[0], 0])?,
        ];
        let rows = |reach: &wgpu::Buffer| -> Result<Vec<Item>, Error> {
            let mut program = costs.rows(device, &g, &pairs)?;
            let lines =
                [(0, &spans[0]), (1, &pairs), (2, &masses[0]), (3, &f), (4, &next), (5, &errors), (6, reach)];
            program.push(device.dispatch(LINES, "rows", &lines, [groups[0], 1, 1])?);
            Ok(program)
        };
        let columns = |reach: &wgpu::Buffer| -> Result<Vec<Item>, Error> {
            let mut program = costs.columns(device, &next, &pairs)?;
            let lines = [(0, &spans[1]), (1, &pairs), (2, &masses[1]), (3, &g), (5, &errors), (6, reach)];
            program.push(device.dispatch(LINES, "columns", &lines, [groups[1], 1, 1])?);
            Ok(program)
        };
        // The rows made exact, and the columns measured.
        let mut first = rows(&device.uniform(&reach_words(1.0))?)?;
        first.extend(columns(&device.uniform(&reach_words(0.0))?)?);
        first.push(Item::Copy { from: next.clone(), at: 0, to: f.clone(), onto: 0, len: n });
        let mut step = columns(&reach)?;
        step.extend(rows(&reach)?);
        let epsilon = epsilon.to_f64();
        Ok(Self { _costs: costs, f, next, g, errors, errors_len, reach, begin: first, step, epsilon, mass })
    }

    /// Makes the rows exact; the error of the columns then.
    fn begin(&self, device: &Device) -> Result<f64, Error> {
        device.run(&self.begin)?;
        let errors = device.download(&self.errors, 0, self.errors_len)?;
        // The rows' own errors are those from before they were made exact.
        let groups = workgroups((self.next.size() / 4) as usize, 256, GROUPS) as usize;
        Ok(errors.iter().skip(groups.min(self.errors_len)).map(|&e| f64::from(e)).sum())
    }

    /// A potential, in the unit of the costs.
    fn potential<T: Real>(
        &self,
        device: &Device,
        buffer: &wgpu::Buffer,
        len: usize,
    ) -> Result<Vec<T>, Error> {
        let shift = if std::ptr::eq(buffer, &self.g) { 0.0 } else { libm::log(self.mass) };
        let wide = |value: f32| match value <= NOTHING * 0.5 {
            true => -T::INFINITY,
            false => T::from_f64(self.epsilon * (f64::from(value) + shift)),
        };
        Ok(device.download(buffer, 0, len)?.into_iter().map(wide).collect())
    }
}

/// A marginal divided by the mass, with logarithms.
fn marginal<T: Real>(
    device: &Device,
    argument: &'static str,
    weights: &[T],
    mass: f64,
) -> Result<wgpu::Buffer, Error> {
    let mut pairs = Vec::with_capacity(2 * weights.len());
    for &weight in weights {
        let share = weight.to_f64() / mass;
        let log = if share > 0.0 { libm::log(share) as f32 } else { NOTHING };
        pairs.extend([narrowed(argument, share)?, log]);
    }
    let buffer = device.array("masses", pairs.len())?;
    device.upload(&buffer, 0, &pairs)?;
    Ok(buffer)
}

/// Iterations in progress; residuals are relative to the mass.
struct Iterations<'a, 'x, T, C, R: ?Sized> {
    device: &'a Device,
    problem: &'a Problem<'a, T, C>,
    resident: Resident,
    chunks: Chunks<(u32, T)>,
    rule: &'a mut R,
    omega: T,
    last: f64,
    lowest: f64,
    level: f64,
    idle: u32,
    looks: u32,
    steps: u32,
    limit: u32,
    x: Potentials<'x, T>,
    course: Course,
}

impl<T: Real, C: ResidentCost<T>, R: OmegaRule<T> + ?Sized> Iterations<'_, '_, T, C, R> {
    /// The residual in the unit of the marginals.
    fn residual_now(&self) -> T {
        T::from_f64(self.last * self.resident.mass)
    }

    /// Reads the oldest chunk; false if there is none.
    fn take(&mut self) -> bool {
        let taken = self.chunks.take(self.device);
        let Some(Some((errors, (step, omega)))) = self.course.note(taken) else { return false };
        self.last = errors.iter().map(|&error| f64::from(error)).sum();
        self.looks += 1;
        if self.last < self.lowest {
            (self.lowest, self.idle) = (self.last, 0);
        } else if self.last <= self.level {
            self.idle += 1;
        }
        if self.idle >= PATIENCE {
            self.course.failure.get_or_insert(Status::Stalled);
        }
        let progress = Progress { step, residual: Some(self.residual_now()), parameter: omega };
        let revised = self.rule.revise(&progress);
        if let Some(omega) = revised.filter(|&o| o > T::ZERO && o < T::TWO && o != self.omega) {
            self.omega = omega;
            let words = reach_words(omega.to_f64()).map(u32::to_ne_bytes);
            let written = self.device.write(&self.resident.reach, 0, words.into_iter());
            self.course.note(written);
        }
        true
    }

    /// The potentials as they are on the device.
    fn bring_home(&mut self) {
        let (n, m) = (self.problem.rows(), self.problem.columns());
        let f = self.resident.potential(self.device, &self.resident.f, n);
        let Some(f) = self.course.note(f) else { return };
        let g = self.resident.potential(self.device, &self.resident.g, m);
        let Some(g) = self.course.note(g) else { return };
        let sound = |values: &[T], weights: &[T]| {
            values.iter().zip(weights).all(|(value, &weight)| weight == T::ZERO || value.is_finite())
        };
        if sound(&f, self.problem.a()) && sound(&g, self.problem.b()) {
            self.x.f.copy_from_slice(&f);
            self.x.g.copy_from_slice(&g);
        }
    }
}

impl<T: Real, C: ResidentCost<T>, R: OmegaRule<T> + ?Sized> Run for Iterations<'_, '_, T, C, R> {
    type Real = T;

    fn step(&mut self) {
        self.steps(1);
    }

    fn steps(&mut self, count: u32) -> u32 {
        if self.course.failure.is_some() || count == 0 {
            return 0;
        }
        let mark = (self.steps.saturating_add(count), self.omega);
        let resident = &self.resident;
        let submitted = self.chunks.submit(self.device, (&resident.step, count), &[], &resident.errors, mark);
        if self.course.note(submitted).is_none() {
            return 0;
        }
        self.steps = self.steps.saturating_add(count);
        count
    }

    fn residual(&mut self) -> T {
        let kept = usize::from(self.steps < self.limit);
        while self.chunks.waiting() > kept && self.take() {}
        if self.course.error.is_none() && self.looks > 0 && self.looks.is_multiple_of(SNAPSHOT) {
            self.bring_home();
        }
        self.residual_now()
    }

    fn parameter(&self) -> T {
        self.omega
    }

    fn scale(&self) -> T {
        self.problem.mass()
    }

    fn confirm(&mut self, _tolerance: T) -> Option<T> {
        while self.chunks.waiting() > 0 && self.take() {}
        Some(self.residual_now())
    }

    fn failure(&self) -> Option<Status> {
        self.course.failure
    }
}
