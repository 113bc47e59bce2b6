//! SOR over ranks: what the drivers of sweeps share, with the rules of [`southwell::relaxation::sor`].

use southwell::relaxation::sor::{Options, Sweep};
use southwell::relaxation::{OmegaRule, Reference};
use southwell::{Observer, Progress, Report, Run, Status};

use super::keep::{Keep, Kept, drive_kept, other, unwoven, woven};
use super::watch::Watch;
use super::{Communicator, Fault, agree};

/// A part of a system that this rank sweeps.
pub(super) trait Swept {
    /// `count` sweeps in place.
    fn sweeps(&mut self, reversed: bool, omega: f64, x: &mut [f64], count: u32) -> Result<(), Fault>;
    /// ‖b − A x‖² of the whole, and whether any rank has raised its flag.
    fn residual_square(&mut self, x: &[f64], flag: bool) -> Result<(f64, bool), Fault>;
    /// Σ (|b_i| + (|a_ii| + Σ_j |a_ij|) · largest)² of the whole.
    fn size_square(&mut self, largest: f64) -> Result<f64, Fault>;
    /// Unknowns of this rank.
    fn len(&self) -> usize;
    /// x is another one now.
    fn forget(&mut self);
}

/// What all ranks know of a system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Unknowns of the whole.
    pub(super) order: usize,
    /// ‖b‖₂
    pub(super) rhs_norm: f64,
    /// The mean of Σ_{j≠i} |a_ij|/|a_ii| over sampled rows.
    pub(super) coupling: f64,
}

/// As in [`southwell::relaxation::sor`].
const IDLE_LOOKS: u32 = 20;
const ROUNDING: f64 = 8.0;

struct Sor<'a, S, C: ?Sized, R: ?Sized> {
    system: &'a mut S,
    communicator: &'a C,
    watch: &'a Watch,
    rule: &'a mut R,
    x: &'a mut [f64],
    kept: Vec<f64>,
    kept_residual: f64,
    sweep: Sweep,
    omega: f64,
    scale: f64,
    steps: u32,
    known: Option<f64>,
    last_residual: f64,
    least_residual: f64,
    idle: u32,
    failure: Option<Status>,
    fault: Option<Fault>,
    seen: Seen,
    /// The method, and what the problem is known by.
    about: [f64; 4],
}

/// What a rule for omega was told, where it is to be lived through again.
#[derive(Debug, Default)]
pub(super) struct Seen(Option<Vec<f64>>);

impl Seen {
    pub(super) fn new(noted: bool) -> Self {
        Self(noted.then(Vec::new))
    }

    /// Another omega, if the rule wants one.
    pub(super) fn revise<R: OmegaRule<f64> + ?Sized>(
        &mut self,
        rule: &mut R,
        step: u32,
        residual: f64,
        omega: f64,
    ) -> Option<f64> {
        if let Some(seen) = &mut self.0 {
            seen.extend([f64::from(step), residual]);
        }
        revise(rule, step, residual, omega)
    }

    /// Steps and residuals in turns.
    pub(super) fn all(&self) -> impl Iterator<Item = f64> {
        self.0.iter().flatten().copied()
    }

    /// Tells a rule that has begun what it was told before; the omega that it has come to.
    pub(super) fn live_through<R: OmegaRule<f64> + ?Sized>(
        &mut self,
        rule: &mut R,
        told: &[f64],
        omega: f64,
    ) -> f64 {
        let pairs = told.chunks_exact(2);
        pairs.fold(omega, |omega, look| self.revise(rule, look[0] as u32, look[1], omega).unwrap_or(omega))
    }
}

/// Solves from the x of this rank.
pub(super) fn solve<S: Swept, C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized>(
    system: &mut S,
    communicator: &C,
    facts: &Facts,
    options: &Options<f64>,
    rule: &mut R,
    x: &mut [f64],
    keep: &mut (impl Keep + ?Sized),
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    agree(communicator, options.stop.check().and_then(|()| check_start(x, system.len())))?;
    let trivial = options.reference == Reference::RightHandSide && facts.rhs_norm == 0.0;
    // Who looks at every step makes all ranks step one by one.
    let (square, every) = if trivial {
        x.fill(0.0);
        (0.0, false)
    } else {
        system.residual_square(x, observer.every_step())?
    };
    let initial = square.sqrt();
    let omega = agree(communicator, begin(rule, facts, initial))?;
    let watch = Watch::new(every);
    let mut run = Sor {
        kept: x.to_vec(),
        system,
        communicator,
        watch: &watch,
        rule: &mut *rule,
        x,
        kept_residual: initial,
        sweep: options.sweep,
        omega,
        scale: if options.reference == Reference::RightHandSide { facts.rhs_norm } else { initial },
        steps: 0,
        known: Some(initial),
        last_residual: initial,
        least_residual: initial,
        idle: 0,
        failure: None,
        fault: None,
        seen: Seen::new(keep.every() > 0),
        about: [2.0, facts.order as f64, facts.rhs_norm, initial],
    };
    let report = drive_kept(&mut run, keep, &options.stop, &mut watch.over(observer));
    let report = run.fault.map_or(report, Err)?;
    rule.end(&report);
    Ok(report)
}

/// Refuses a start that cannot be used.
pub(super) fn check_start(x: &[f64], expected: usize) -> Result<(), southwell::Error> {
    if x.len() != expected {
        return Err(southwell::Error::Dimension { argument: "x", expected, given: x.len() });
    }
    match x.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(index) => Err(southwell::Error::Value { argument: "x", index }),
    }
}

/// Omega for the run that begins: all ranks see the same and so choose the same.
pub(super) fn begin<R: OmegaRule<f64> + ?Sized>(
    rule: &mut R,
    facts: &Facts,
    initial: f64,
) -> Result<f64, southwell::Error> {
    let coupling = || facts.coupling;
    let sight = southwell::omega::Sight::new(facts.order, facts.rhs_norm, initial, &coupling);
    let omega = rule.begin(&sight);
    if omega > 0.0 && omega < 2.0 {
        Ok(omega)
    } else {
        Err(southwell::Error::Option { name: "omega", requirement: "must lie in (0, 2)" })
    }
}

/// Another omega, if the rule wants one.
pub(super) fn revise<R: OmegaRule<f64> + ?Sized>(
    rule: &mut R,
    step: u32,
    residual: f64,
    omega: f64,
) -> Option<f64> {
    let progress = Progress { step, residual: Some(residual), parameter: omega };
    rule.revise(&progress).filter(|&new| new > 0.0 && new < 2.0 && new != omega)
}

impl<S: Swept, C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized> Sor<'_, S, C, R> {
    fn sweep(&mut self, reversed: bool, count: u32) {
        if self.fault.is_none() {
            self.fault = self.system.sweeps(reversed, self.omega, self.x, count).err();
        }
        self.known = None;
    }

    /// Whether the residual is what rounding leaves; all ranks say the same.
    fn is_rounding(&mut self, residual: f64) -> Result<bool, Fault> {
        let mut largest = [self.x.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()))];
        self.communicator.max(&mut largest)?;
        let rounding = ROUNDING * f64::EPSILON * self.system.size_square(largest[0])?.sqrt();
        Ok(rounding.is_finite() && residual <= rounding)
    }
}

impl<S: Swept, C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized> Run for Sor<'_, S, C, R> {
    type Real = f64;

    fn step(&mut self) {
        self.steps(1);
    }

    fn steps(&mut self, count: u32) -> u32 {
        if self.failure().is_some() || count == 0 {
            return 0;
        }
        match self.sweep {
            Sweep::Forward => self.sweep(false, count),
            Sweep::Backward => self.sweep(true, count),
            Sweep::Symmetric => {
                for _ in 0..count {
                    self.sweep(false, 1);
                    self.sweep(true, 1);
                }
            }
        }
        self.steps = self.steps.saturating_add(count);
        count
    }

    fn residual(&mut self) -> f64 {
        if let Some(residual) = self.known {
            return residual;
        }
        if self.fault.is_some() {
            return f64::NAN;
        }
        let residual = match self.system.residual_square(self.x, self.watch.wish()) {
            Ok((square, flag)) => {
                self.watch.agreed(flag);
                square.sqrt()
            }
            Err(fault) => {
                self.fault = Some(fault);
                return f64::NAN;
            }
        };
        if residual.is_finite() && residual > self.last_residual && residual < self.kept_residual {
            self.kept.copy_from_slice(self.x);
            self.kept_residual = residual;
        }
        self.idle = if residual < self.least_residual { 0 } else { self.idle + 1 };
        self.least_residual = self.least_residual.min(residual);
        if self.idle >= IDLE_LOOKS {
            self.idle = 0;
            match self.is_rounding(residual) {
                Ok(stalled) => self.failure = stalled.then_some(Status::Stalled),
                Err(fault) => self.fault = Some(fault),
            }
        }
        self.last_residual = residual;
        self.known = Some(residual);
        if let Some(omega) = self.seen.revise(self.rule, self.steps, residual, self.omega) {
            self.omega = omega;
        }
        residual
    }

    fn parameter(&self) -> f64 {
        self.omega
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn failure(&self) -> Option<Status> {
        if self.fault.is_some() { Some(Status::Breakdown) } else { self.failure }
    }

    fn settle(&mut self, status: Status) -> Option<f64> {
        if status != Status::NotFinite || self.fault.is_some() {
            return None;
        }
        self.x.copy_from_slice(&self.kept);
        self.known = Some(self.kept_residual);
        Some(self.kept_residual)
    }
}

impl<S: Swept, C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized> Kept for Sor<'_, S, C, R> {
    const WIDTH: usize = 2;

    fn identity(&self) -> Vec<f64> {
        self.about.to_vec()
    }

    fn state(&self) -> (Vec<f64>, Vec<f64>) {
        let counts = [f64::from(self.steps), f64::from(self.idle)];
        // No residual is negative.
        let looks = [self.known.unwrap_or(-1.0), self.last_residual, self.least_residual];
        let numbers = counts.into_iter().chain(looks).chain([self.kept_residual, self.omega]);
        (woven([self.x, &self.kept]), numbers.chain(self.seen.all()).collect())
    }

    fn go_on(&mut self, items: &[f64], numbers: &[f64]) -> Result<(), Fault> {
        let &[steps, idle, known, last, least, kept_residual, omega, ref seen @ ..] = numbers else {
            return Err(other("its form"));
        };
        unwoven(items, [&mut *self.x, &mut self.kept]);
        self.system.forget();
        self.omega = self.seen.live_through(self.rule, seen, self.omega);
        if self.omega != omega {
            return Err(other("the rule for omega"));
        }
        (self.steps, self.idle, self.known) = (steps as u32, idle as u32, (known >= 0.0).then_some(known));
        (self.last_residual, self.least_residual, self.kept_residual) = (last, least, kept_residual);
        Ok(())
    }
}
