//! Policies that choose omega along the experiment, and the survey of what each arm would have cost.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::time::{Duration, Instant};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use southwell::bandit::{BinnedTsallisInf, ChebCb, ChebOptions, Grid, TsallisInf, TsallisOptions, Tuner};
use southwell::linear::Matrix;
use southwell::relaxation::{Auto, Fixed, Learned, OmegaRule, Problem, Split, cg, ssor_cg};
use southwell::{Error, Report, Stop};

use super::Heat;
#[cfg(feature = "threads")]
use crate::threads::{Pool, Threaded};

/// Candidates for omega: 1.00, 1.05 … 1.95.
pub const ARMS: usize = 20;
/// Features of the regression, and bins of the binned tuner, as published.
const FEATURES: usize = 6;
const BINS: usize = 6;

/// The omega of an arm.
#[must_use]
pub fn arm_omega(arm: usize) -> f64 {
    Grid::<f64>::RELAXATION.value(arm)
}

/// How each step's system is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    /// Plain conjugate gradients.
    Cg,
    /// SSOR-CG with one omega.
    Fixed(f64),
    /// SSOR-CG with the arm that is best over the whole run (known afterwards only).
    BestFixed,
    /// SSOR-CG, omega by Tsallis-INF.
    TsallisInf,
    /// SSOR-CG, omega by one Tsallis-INF for each of six ranges of κ.
    TsallisInfCb,
    /// SSOR-CG, omega by Chebyshev regression on κ.
    ChebCb,
    /// SSOR-CG, omega by [`Auto`], which is told nothing.
    Auto,
    /// SSOR-CG with the best arm at every step (known afterwards only).
    InstanceOptimal,
}

/// The names that [`Policy`] is spelled with.
const NAMES: [(&str, Policy); 7] = [
    ("cg", Policy::Cg),
    ("best-fixed", Policy::BestFixed),
    ("tsallis-inf", Policy::TsallisInf),
    ("tsallis-inf-cb", Policy::TsallisInfCb),
    ("cheb-cb", Policy::ChebCb),
    ("auto", Policy::Auto),
    ("instance-optimal", Policy::InstanceOptimal),
];

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(&(_, policy)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(policy);
        }
        if let Some(omega) = text.strip_prefix("fixed:") {
            return match omega.parse::<f64>() {
                Ok(omega) if omega > 0.0 && omega < 2.0 => Ok(Policy::Fixed(omega)),
                _ => Err(format!("`{omega}` is not an omega: give a number in (0, 2), as in fixed:1.5")),
            };
        }
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        Err(format!("no policy `{text}`: choose from {}, fixed:OMEGA", names.join(", ")))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Policy::Fixed(omega) = self {
            return write!(f, "fixed:{omega}");
        }
        let name = NAMES.iter().find(|(_, policy)| policy == self).map_or("", |(name, _)| *name);
        f.write_str(name)
    }
}

/// What a policy did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Iterations of all steps.
    pub iterations: u64,
    /// Time spent choosing and solving, without building the systems.
    pub elapsed: Duration,
    /// Iterations of each step.
    pub by_step: Vec<u32>,
    /// Omega of each step (0 for plain CG).
    pub omegas: Vec<f64>,
}

impl Outcome {
    fn add(&mut self, report: &Report<f64>, omega: f64, elapsed: Duration) {
        self.iterations += u64::from(report.steps);
        self.elapsed += elapsed;
        self.by_step.push(report.steps);
        self.omegas.push(omega);
    }
}

/// What every arm would have cost along one trajectory.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Iterations of each arm over all steps.
    pub totals: [u64; ARMS],
    /// The best arm at every step.
    pub instance_optimal: Outcome,
}

impl Survey {
    /// The arm with the least total; the lower one on a tie.
    #[must_use]
    pub fn best_arm(&self) -> usize {
        (0..ARMS).min_by_key(|&arm| self.totals[arm]).unwrap_or(0)
    }

    /// Its total.
    #[must_use]
    pub fn best_fixed(&self) -> u64 {
        self.totals[self.best_arm()]
    }
}

/// What a run needs to know besides the policy.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Intervals a side: (grid − 1)² unknowns.
    pub grid: usize,
    /// Time steps.
    pub steps: u32,
    /// Relative to ‖b‖.
    pub tolerance: f64,
    /// Of the learners.
    pub seed: u64,
}

impl Setting {
    fn stop(&self) -> Stop<f64> {
        Stop { max_steps: 10_000, ..Stop::relative(self.tolerance) }
    }
}

/// Called after every step; `Break` abandons the run (`Ok(None)` comes back).
pub type OnStep<'a> = &'a mut dyn FnMut(u32) -> ControlFlow<()>;

/// Where the systems are solved: here, or on a device.
pub(super) trait Place {
    /// One system by conjugate gradients.
    fn cg(
        &mut self,
        problem: &StencilProblem<'_>,
        stop: &Stop<f64>,
        x: &mut [f64],
        storage: &mut [f64],
    ) -> Result<Report<f64>, Error>;
    /// One system by SSOR-CG, and its omega; the rule is told how it ended.
    fn ssor_cg(
        &mut self,
        problem: &StencilProblem<'_>,
        stop: &Stop<f64>,
        rule: &mut dyn OmegaRule<f64>,
        x: &mut [f64],
        storage: &mut [f64],
    ) -> Result<(Report<f64>, f64), Error>;
}

/// The calling thread.
pub(super) struct Here;

impl Place for Here {
    fn cg(
        &mut self,
        problem: &StencilProblem<'_>,
        stop: &Stop<f64>,
        x: &mut [f64],
        storage: &mut [f64],
    ) -> Result<Report<f64>, Error> {
        gradients(problem, stop, x, storage)
    }

    fn ssor_cg(
        &mut self,
        problem: &StencilProblem<'_>,
        stop: &Stop<f64>,
        rule: &mut dyn OmegaRule<f64>,
        x: &mut [f64],
        storage: &mut [f64],
    ) -> Result<(Report<f64>, f64), Error> {
        preconditioned(problem, stop, rule, x, storage)
    }
}

/// Several threads, which share out every system.
#[cfg(feature = "threads")]
struct Shared<'p>(&'p Pool);

#[cfg(feature = "threads")]
impl Place for Shared<'_> {
    fn cg(
        &mut self,
        problem: &StencilProblem<'_>,
        stop: &Stop<f64>,
        x: &mut [f64],
        storage: &mut [f64],
    ) -> Result<Report<f64>, Error> {
        let matrix = Threaded::new(self.0, *problem.matrix());
        gradients(&Problem::new(&matrix, problem.rhs())?, stop, x, storage)
    }

    fn ssor_cg(
        &mut self,
        problem: &StencilProblem<'_>,
        stop: &Stop<f64>,
        rule: &mut dyn OmegaRule<f64>,
        x: &mut [f64],
        storage: &mut [f64],
    ) -> Result<(Report<f64>, f64), Error> {
        let matrix = Threaded::new(self.0, *problem.matrix());
        preconditioned(&Problem::new(&matrix, problem.rhs())?, stop, rule, x, storage)
    }
}

fn gradients<A: Matrix<f64>>(
    problem: &Problem<'_, f64, A>,
    stop: &Stop<f64>,
    x: &mut [f64],
    storage: &mut [f64],
) -> Result<Report<f64>, Error> {
    let workspace = cg::Workspace::new(problem, storage)?;
    let options = cg::Options { stop: *stop, ..cg::Options::default() };
    cg::solve(problem, &options, x, workspace, &mut ())
}

fn preconditioned<A: Split<f64>>(
    problem: &Problem<'_, f64, A>,
    stop: &Stop<f64>,
    rule: &mut dyn OmegaRule<f64>,
    x: &mut [f64],
    storage: &mut [f64],
) -> Result<(Report<f64>, f64), Error> {
    let workspace = ssor_cg::Workspace::new(problem, storage)?;
    let options = ssor_cg::Options { stop: *stop, ..ssor_cg::Options::default() };
    let mut run = ssor_cg::start(problem, &options, &mut *rule, x, workspace)?;
    let report = southwell::drive(&mut run, &options.stop, &mut ());
    let omega = run.omega();
    rule.end(&report);
    Ok((report, omega))
}

/// Follows a policy along the experiment.
///
/// # Errors
/// What the solvers refuse: a grid, tolerance or omega out of range.
pub fn run(
    policy: Policy,
    setting: &Setting,
    survey: Option<&Survey>,
    on_step: OnStep<'_>,
) -> Result<Option<Outcome>, Error> {
    run_at(&mut Here, policy, setting, survey, on_step)
}

/// The same, every system shared out among threads, in natural order: products, and both halves of SSOR-CG in strips of
/// the grid. What comes out is the same.
///
/// # Errors
/// As [`run`].
#[cfg(feature = "threads")]
pub fn run_on(
    pool: &Pool,
    policy: Policy,
    setting: &Setting,
    survey: Option<&Survey>,
    on_step: OnStep<'_>,
) -> Result<Option<Outcome>, Error> {
    run_at(&mut Shared(pool), policy, setting, survey, on_step)
}

pub(super) fn run_at(
    place: &mut dyn Place,
    policy: Policy,
    setting: &Setting,
    survey: Option<&Survey>,
    on_step: OnStep<'_>,
) -> Result<Option<Outcome>, Error> {
    let rng = || Xoshiro256PlusPlus::seed_from_u64(setting.seed);
    let arms = Grid::<f64>::RELAXATION;
    let (low, high) = Heat::context_range(setting.steps);
    match policy {
        Policy::Cg => follow(setting, on_step, |problem, x, storage, _| {
            Ok((place.cg(problem, &setting.stop(), x, storage)?, 0.0))
        }),
        Policy::Fixed(omega) => with_rule(place, setting, on_step, Fixed(omega), |_, _| {}),
        Policy::BestFixed => {
            let owned;
            let survey = match survey {
                Some(survey) => survey,
                None => {
                    owned = survey_at(&mut *place, setting, &mut *on_step)?;
                    let Some(owned) = &owned else { return Ok(None) };
                    owned
                }
            };
            with_rule(place, setting, on_step, Fixed(arm_omega(survey.best_arm())), |_, _| {})
        }
        Policy::InstanceOptimal => match survey {
            Some(survey) => Ok(Some(survey.instance_optimal.clone())),
            None => Ok(survey_at(place, setting, on_step)?.map(|survey| survey.instance_optimal)),
        },
        Policy::Auto => with_rule(place, setting, on_step, Auto::new()?, |_, _| {}),
        Policy::TsallisInf => {
            let tuner = TsallisInf::<f64, ARMS>::new(TsallisOptions::default())?;
            with_rule(place, setting, on_step, Learned::new(tuner, arms, rng()), |_, _| {})
        }
        Policy::TsallisInfCb => {
            let tuner = BinnedTsallisInf::<f64, ARMS, BINS>::new(low, high, TsallisOptions::default())?;
            with_rule(place, setting, on_step, Learned::new(tuner, arms, rng()), set_context)
        }
        Policy::ChebCb => {
            let tuner = ChebCb::<f64, ARMS, FEATURES>::new(low, high, ChebOptions::default())?;
            with_rule(place, setting, on_step, Learned::new(tuner, arms, rng()), set_context)
        }
    }
}

fn set_context<B: Tuner<f64>, G>(rule: &mut Learned<f64, B, G>, context: f64) {
    rule.context = context;
}

pub(super) type StencilProblem<'a> = Problem<'a, f64, southwell::linear::Stencil2d<'static, f64>>;

/// Solves every step with `solve(problem, x, storage, κ)`, which returns its report and its omega.
fn follow(
    setting: &Setting,
    on_step: OnStep<'_>,
    mut solve: impl FnMut(&StencilProblem<'_>, &mut [f64], &mut [f64], f64) -> Result<(Report<f64>, f64), Error>,
) -> Result<Option<Outcome>, Error> {
    let mut heat = Heat::new(setting.grid)?;
    let mut storage = storage(heat.unknowns());
    let mut x = heat.state().to_vec();
    let mut outcome = Outcome::default();
    for step in 0..setting.steps {
        let matrix = heat.matrix()?;
        let start = Instant::now();
        let problem = Problem::new(&matrix, heat.rhs())?;
        let (report, omega) = solve(&problem, &mut x, &mut storage, heat.context())?;
        outcome.add(&report, omega, start.elapsed());
        heat.advance(&x);
        if on_step(step + 1).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(outcome))
}

fn with_rule<R: OmegaRule<f64>>(
    place: &mut dyn Place,
    setting: &Setting,
    on_step: OnStep<'_>,
    mut rule: R,
    mut tell_context: impl FnMut(&mut R, f64),
) -> Result<Option<Outcome>, Error> {
    follow(setting, on_step, |problem, x, storage, context| {
        tell_context(&mut rule, context);
        place.ssor_cg(problem, &setting.stop(), &mut rule, x, storage)
    })
}

/// Solves every step with every arm; the state goes on with the best arm's solution.
///
/// # Errors
/// What the solvers refuse.
pub fn survey(setting: &Setting, on_step: OnStep<'_>) -> Result<Option<Survey>, Error> {
    survey_at(&mut Here, setting, on_step)
}

pub(super) fn survey_at(
    place: &mut dyn Place,
    setting: &Setting,
    on_step: OnStep<'_>,
) -> Result<Option<Survey>, Error> {
    survey_by(place, setting, on_step, |place, trials, problem, start| {
        let mut storage = storage(start.len());
        trials.iter_mut().for_each(|trial| trial.make(place, problem, setting, start, &mut storage));
    })
}

/// The same, arms shared out among threads; what comes out is the same.
///
/// # Errors
/// As [`survey`].
#[cfg(feature = "threads")]
pub fn survey_on(pool: &Pool, setting: &Setting, on_step: OnStep<'_>) -> Result<Option<Survey>, Error> {
    survey_by(&mut Shared(pool), setting, on_step, |_, trials, problem, start| {
        pool.batch(
            trials.iter_mut(),
            || storage(start.len()),
            |storage, trial| {
                trial.make(&mut Here, problem, setting, start, storage);
            },
        );
    })
}

/// What came of an arm at a step.
struct Trial {
    arm: usize,
    x: Vec<f64>,
    found: Result<(Report<f64>, f64), Error>,
}

impl Trial {
    fn make(
        &mut self,
        place: &mut dyn Place,
        problem: &StencilProblem<'_>,
        setting: &Setting,
        start: &[f64],
        storage: &mut [f64],
    ) {
        self.x.clear();
        self.x.extend_from_slice(start);
        let mut rule = Fixed(arm_omega(self.arm));
        self.found = place.ssor_cg(problem, &setting.stop(), &mut rule, &mut self.x, storage);
    }
}

fn storage(unknowns: usize) -> Vec<f64> {
    vec![0.0; ssor_cg::Workspace::<f64>::required_len(unknowns, 0)]
}

fn survey_by(
    place: &mut dyn Place,
    setting: &Setting,
    on_step: OnStep<'_>,
    all: impl Fn(&mut dyn Place, &mut [Trial], &StencilProblem<'_>, &[f64]),
) -> Result<Option<Survey>, Error> {
    let mut totals = [0_u64; ARMS];
    let none = Error::Option { name: "arms", requirement: "must not be empty" };
    let trial = |arm| Trial { arm, x: Vec::new(), found: Err(none) };
    let mut trials: Vec<Trial> = (0..ARMS).map(trial).collect();
    let instance_optimal = follow(setting, &mut *on_step, |problem, x, _, _| {
        all(&mut *place, &mut trials, problem, x);
        let mut best: Option<(Report<f64>, f64, &[f64])> = None;
        for (trial, total) in trials.iter().zip(&mut totals) {
            let (report, omega) = trial.found?;
            *total += u64::from(report.steps);
            if best.is_none_or(|(least, ..)| report.steps < least.steps) {
                best = Some((report, omega, &trial.x));
            }
        }
        let (report, omega, solution) = best.ok_or(none)?;
        x.copy_from_slice(solution);
        Ok((report, omega))
    })?;
    let Some(mut instance_optimal) = instance_optimal else { return Ok(None) };
    // The survey's clock counted all arms: the best ones alone are timed by following them once more.
    let omegas = instance_optimal.omegas.clone();
    let mut omegas = omegas.into_iter();
    let again = follow(setting, &mut |_| on_step(setting.steps), |problem, x, storage, _| {
        let omega = omegas.next().unwrap_or(1.0);
        place.ssor_cg(problem, &setting.stop(), &mut Fixed(omega), x, storage)
    })?;
    let Some(again) = again else { return Ok(None) };
    instance_optimal.elapsed = again.elapsed;
    Ok(Some(Survey { totals, instance_optimal }))
}
