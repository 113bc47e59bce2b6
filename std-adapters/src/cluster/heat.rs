//! The published heat experiment over ranks: [`crate::heat`] with red-black SOR, rows divided among the ranks.
//!
//! The states have the same bits on every number of ranks, and so has everything that is learned on the way: all
//! ranks see the same iterations, draw from the same seed and choose the same omega without telling one another.

use std::ops::ControlFlow;
use std::time::Instant;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use southwell::bandit::{BinnedTsallisInf, ChebCb, ChebOptions, Grid, TsallisInf, TsallisOptions, Tuner};
use southwell::linear::Star;
use southwell::omega::Sight;
use southwell::relaxation::sor::Options;
use southwell::relaxation::{Auto, Fixed, Learned, OmegaRule};
use southwell::{Error, Report, Status, Stop};

use super::checkpoint;
pub use super::checkpoint::Saving;
use super::stencil::{self, Couplings, Shape};
use super::{Communicator, Fault, Partition, agree};
use crate::heat::{ARMS, Band, DT, Outcome, Policy, Setting, diffusion};

/// The rows of the experiment that this rank has.
#[derive(Debug)]
struct Rows<'a, C: ?Sized> {
    communicator: &'a C,
    partition: Partition,
    band: Band,
    time: f64,
    u: Vec<f64>,
    rhs: Vec<f64>,
    star: Star<f64>,
    /// The neighbours' rows beside ours.
    below: Vec<f64>,
    above: Vec<f64>,
}

impl<'a, C: Communicator + ?Sized> Rows<'a, C> {
    fn new(communicator: &'a C, grid: usize) -> Result<Self, Fault> {
        if !(2..=65_536).contains(&grid) {
            let error = Error::Option { name: "grid", requirement: "must lie in 2..=65536" };
            return Err(Fault::Refused { rank: 0, message: error.to_string() });
        }
        let side = grid - 1;
        let shape = Shape::Plane { rows: side, columns: side };
        let partition = stencil::Problem::<C>::partition(&shape, communicator.size())?;
        let own = partition.items_of(communicator.rank());
        let band = Band { side, first: own.start, rows: own.len(), dx: 1.0 / grid as f64 };
        Ok(Self {
            communicator,
            partition,
            band,
            time: 0.0,
            u: band.start(),
            rhs: vec![0.0; band.rows * side],
            star: Star::default(),
            below: vec![0.0; side],
            above: vec![0.0; side],
        })
    }

    /// The system of the next step, from u; one row to each neighbour.
    fn assemble(&mut self) -> Result<(), Fault> {
        let (band, rank) = (self.band, self.communicator.rank());
        let (side, a) = (band.side, band.coupling(self.time));
        self.star = Band::star(a);
        let (mut sends, mut receives) = (Vec::new(), Vec::new());
        let (u, rhs, last) = (&self.u, &mut self.rhs, band.rows - 1);
        if rank > 0 {
            sends.push((rank - 1, &u[..side]));
            receives.push((rank - 1, &mut self.below[..]));
        }
        if rank + 1 < self.communicator.size() {
            sends.push((rank + 1, &u[last * side..]));
            receives.push((rank + 1, &mut self.above[..]));
        }
        let mut row = |i: usize, below: &[f64], above: &[f64]| band.explicit(a, u, i, (below, above), rhs);
        self.communicator.exchange(&sends, &mut receives, &mut || {
            (1..last).for_each(|i| row(i, &[], &[]));
        })?;
        row(0, &self.below, &self.above);
        if last > 0 {
            row(last, &self.below, &self.above);
        }
        band.add_source(self.time, &mut self.rhs);
        Ok(())
    }

    /// A number that tells states apart, and does not depend on who has which rows. One gather.
    fn fingerprint(&self) -> Result<u64, Fault> {
        let mix = |place: usize, value: f64| {
            let mut word = value.to_bits() ^ (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        };
        let first = self.band.first * self.band.side;
        let mine = self.u.iter().enumerate().fold(0_u64, |sum, (k, &u)| sum.wrapping_add(mix(first + k, u)));
        // Halves are whole numbers that a float holds.
        let size = self.communicator.size();
        let mut all = vec![0.0; 2 * size];
        let halves = [(mine >> 32) as f64, (mine & 0xffff_ffff) as f64];
        self.communicator.gather(&halves, &vec![2; size], &mut all)?;
        let words = all.chunks_exact(2).map(|halves| ((halves[0] as u64) << 32) | halves[1] as u64);
        Ok(words.fold(0, u64::wrapping_add))
    }
}

/// What a policy did, over ranks.
#[derive(Clone, Debug)]
pub struct Ended {
    /// As in one piece; after a resumption the steps before it count, but not their time.
    pub outcome: Outcome,
    /// Tells the bits of the last state apart from others.
    pub fingerprint: u64,
    /// The step that was gone on from.
    pub resumed: Option<u32>,
}

/// Called after every step on all ranks; `Break` on any of them ends the run on all at the next step.
pub type OnStep<'a> = &'a mut dyn FnMut(u32) -> ControlFlow<()>;

/// Follows a policy along the experiment. Made by all ranks together. `None`: it was broken off.
///
/// A rule's state is not written to a checkpoint but lived through again from what its choices cost, which is.
///
/// # Errors
/// [`Fault::Refused`] for a policy that sweeps do not offer (`cg`, and those that are known afterwards only), for
/// what the solver refuses, and for a checkpoint that does not fit; those of the communicator.
pub fn run<C: Communicator + ?Sized>(
    communicator: &C,
    policy: Policy,
    setting: &Setting,
    saving: Option<&Saving<'_>>,
    on_step: OnStep<'_>,
) -> Result<Option<Ended>, Fault> {
    let rng = || Xoshiro256PlusPlus::seed_from_u64(setting.seed);
    let arms = Grid::<f64>::RELAXATION;
    let (low, high) = crate::heat::Heat::context_range(setting.steps);
    let refused = |error: Error| Fault::Refused { rank: 0, message: error.to_string() };
    let tsallis = TsallisOptions::default;
    let mut follow = Follow { communicator, setting, saving, on_step };
    match policy {
        Policy::Fixed(omega) => follow.with(Fixed(omega), |_, _| {}),
        Policy::Auto => follow.with(Auto::new().map_err(refused)?, |_, _| {}),
        Policy::TsallisInf => {
            let tuner = TsallisInf::<f64, ARMS>::new(tsallis()).map_err(refused)?;
            follow.with(Learned::new(tuner, arms, rng()), |_, _| {})
        }
        Policy::TsallisInfCb => {
            let tuner = BinnedTsallisInf::<f64, ARMS, 6>::new(low, high, tsallis()).map_err(refused)?;
            follow.with(Learned::new(tuner, arms, rng()), set_context)
        }
        Policy::ChebCb => {
            let tuner = ChebCb::<f64, ARMS, 6>::new(low, high, ChebOptions::default()).map_err(refused)?;
            follow.with(Learned::new(tuner, arms, rng()), set_context)
        }
        Policy::Cg | Policy::BestFixed | Policy::InstanceOptimal => Err(Fault::Refused {
            rank: 0,
            message: format!(
                "the policy `{policy}` is not there over ranks; take auto, fixed:OMEGA, tsallis-inf, tsallis-inf-cb or cheb-cb"
            ),
        }),
    }
}

fn set_context<B: Tuner<f64>, G>(rule: &mut Learned<f64, B, G>, context: f64) {
    rule.context = context;
}

struct Follow<'a, 'b, C: ?Sized> {
    communicator: &'a C,
    setting: &'a Setting,
    saving: Option<&'a Saving<'a>>,
    on_step: OnStep<'b>,
}

impl<C: Communicator + ?Sized> Follow<'_, '_, C> {
    fn with<R: OmegaRule<f64>>(
        &mut self,
        mut rule: R,
        mut tell_context: impl FnMut(&mut R, f64),
    ) -> Result<Option<Ended>, Fault> {
        let setting = self.setting;
        let mut rows = Rows::new(self.communicator, setting.grid)?;
        let shape = Shape::Plane { rows: rows.band.side, columns: rows.band.side };
        let mut outcome = Outcome::default();
        // What a rule saw and what it cost, to be lived through again.
        let (mut couplings, mut costs) = (Vec::new(), Vec::new());
        let identity = [setting.seed as f64, setting.tolerance, f64::from(setting.steps)];
        let mut resumed = None;
        if let Some(saving) = self.saving.filter(|saving| saving.resume) {
            let names = ["identity", "couplings", "costs"];
            let restored =
                checkpoint::restore(self.communicator, saving.path, &rows.partition, rows.band.side, &names)?;
            let mut common = restored.common.into_iter();
            let mut array = || common.next().unwrap_or_default();
            let (stored, seen, paid) = (array(), array(), array());
            let step = restored.step as usize;
            let fits = stored == identity && seen.len() == step && paid.len() == step;
            let why =
                "the checkpoint is of another run: the seed, the tolerance or the number of steps differs";
            agree(self.communicator, if fits { Ok(()) } else { Err(why) })?;
            for (&coupling, &cost) in seen.iter().zip(&paid) {
                tell_context(&mut rule, diffusion(rows.time));
                let seen = || coupling;
                let omega = rule.begin(&Sight::new(rows.band.side * rows.band.side, 0.0, 0.0, &seen));
                let report = Report {
                    status: Status::Converged,
                    steps: cost as u32,
                    checks: 0,
                    initial_residual: 0.0,
                    residual: 0.0,
                    scale: 0.0,
                };
                rule.end(&report);
                record(&mut outcome, &report, omega);
                rows.time += DT;
            }
            rows.u.copy_from_slice(&restored.x);
            (couplings, costs) = (seen, paid);
            resumed = Some(restored.step as u32);
        }
        let options = Options {
            stop: Stop { max_steps: 10_000, ..Stop::relative(setting.tolerance) },
            ..Options::default()
        };
        let mut x = rows.u.clone();
        for step in resumed.unwrap_or(0)..setting.steps {
            rows.assemble()?;
            let start = Instant::now();
            let star = Couplings::Constant(rows.star);
            let problem = stencil::Problem::new(self.communicator, shape, star, &rows.rhs)?;
            tell_context(&mut rule, diffusion(rows.time));
            let mut used = 0.0;
            let mut observer = |progress: &southwell::Progress<f64>| {
                used = progress.parameter;
                ControlFlow::Continue(())
            };
            let report = stencil::solve(&problem, &options, &mut rule, &mut x, &mut observer)?;
            outcome.elapsed += start.elapsed();
            record(&mut outcome, &report, used);
            couplings.push(problem.coupling_seen());
            costs.push(f64::from(report.steps));
            rows.u.copy_from_slice(&x);
            rows.time += DT;
            let done = step + 1;
            if let Some(saving) = self.saving.filter(|s| s.every > 0 && done % s.every == 0) {
                let common: [(&str, &[f64]); 3] =
                    [("identity", &identity), ("couplings", &couplings), ("costs", &costs)];
                let (step, side) = (u64::from(done), rows.band.side);
                checkpoint::save(
                    self.communicator,
                    saving.path,
                    &rows.partition,
                    side,
                    step,
                    &rows.u,
                    &common,
                )?;
            }
            let mut stop = [f64::from(u8::from((self.on_step)(done).is_break()))];
            self.communicator.max(&mut stop)?;
            if stop[0] > 0.0 {
                return Ok(None);
            }
        }
        Ok(Some(Ended { outcome, fingerprint: rows.fingerprint()?, resumed }))
    }
}

fn record(outcome: &mut Outcome, report: &Report<f64>, omega: f64) {
    outcome.iterations += u64::from(report.steps);
    outcome.by_step.push(report.steps);
    outcome.omegas.push(omega);
}
