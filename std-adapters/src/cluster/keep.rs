//! Runs over ranks that leave their state behind every so many steps, and go on from it on another number of ranks.
//!
//! A state is what the next step needs, to the bit: values of this rank's items, and numbers that all ranks have alike. What a
//! rule for omega has learned is not in it but lived through again, from the residuals that it saw.

use southwell::{Observer, Report, Run, Status, Stop, drive};

use super::Fault;

/// What a run goes on from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Steps that were done.
    pub step: u32,
    /// Values an item.
    pub width: usize,
    /// The values of this rank's items, item by item.
    pub items: Vec<f64>,
    /// Tells the problem and the method from others.
    pub identity: Vec<f64>,
    /// What all ranks have alike.
    pub numbers: Vec<f64>,
}

/// Where states go, and where they come from. All ranks have one for the same run; `()` keeps nothing.
pub trait Keep {
    /// Steps from one state that is kept to the next; 0: none is kept.
    fn every(&self) -> u32;

    /// Keeps a state, in place of that before. Made by all ranks together.
    ///
    /// # Errors
    /// [`Fault::Refused`] where it cannot be kept; those of the communicator.
    fn keep(&mut self, state: &State) -> Result<(), Fault>;

    /// What the run goes on from, if it does not begin: a state of this width and identity. Made by all ranks together.
    ///
    /// # Errors
    /// [`Fault::Refused`] where there is none, or one of another run; those of the communicator.
    fn given(&mut self, width: usize, identity: &[f64]) -> Result<Option<State>, Fault>;
}

impl Keep for () {
    fn every(&self) -> u32 {
        0
    }
    fn keep(&mut self, _state: &State) -> Result<(), Fault> {
        Ok(())
    }
    fn given(&mut self, _width: usize, _identity: &[f64]) -> Result<Option<State>, Fault> {
        Ok(None)
    }
}

/// A run whose state can be taken and put back.
pub(crate) trait Kept: Run<Real = f64> {
    /// Values an item.
    const WIDTH: usize;
    /// Tells the problem and the method from others.
    fn identity(&self) -> Vec<f64>;
    /// The values of this rank's items, item by item, and what all ranks have alike.
    fn state(&self) -> (Vec<f64>, Vec<f64>);
    /// Goes on from there; the run has been begun as ever. The words of a refusal are those of all ranks.
    fn go_on(&mut self, items: &[f64], numbers: &[f64]) -> Result<(), Fault>;
}

/// Words for a state that is not of the run.
pub(crate) fn other(what: &str) -> Fault {
    Fault::Refused { rank: 0, message: format!("the checkpoint is of another run: {what} differs") }
}

/// Several vectors, item by item.
pub(crate) fn woven<const N: usize>(vectors: [&[f64]; N]) -> Vec<f64> {
    let items = vectors.iter().map(|vector| vector.len()).min().unwrap_or(0);
    (0..items).flat_map(|item| vectors.map(|vector| vector[item])).collect()
}

/// And back.
pub(crate) fn unwoven<const N: usize>(items: &[f64], vectors: [&mut [f64]; N]) {
    for (place, vector) in vectors.into_iter().enumerate() {
        vector.iter_mut().zip(items.iter().skip(place).step_by(N)).for_each(|(to, &from)| *to = from);
    }
}

/// Drives a run that may go on from a state and leaves states behind, the last one when it ends at its limit or is told to
/// stop. The report is that of the whole run, whose steps before count. Looks are made at every step where states are kept.
pub(crate) fn drive_kept<R: Kept>(
    run: &mut R,
    keep: &mut (impl Keep + ?Sized),
    stop: &Stop<f64>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let every = keep.every();
    let mut begun = None;
    if let Some(state) = keep.given(R::WIDTH, &run.identity())? {
        let [initial, denied, numbers @ ..] = &state.numbers[..] else { return Err(other("its form")) };
        run.go_on(&state.items, numbers)?;
        begun = Some((state.step, *initial, *denied));
    }
    let (before, initial, denied) = begun.unwrap_or((0, f64::NAN, f64::MAX));
    let (mut noticed, mut shifted) = (None, Shifted { observer, before });
    let mut keeping = Keeping {
        inner: run,
        keep,
        every,
        done: before,
        kept: before,
        initial: begun.map(|_| initial),
        denied,
        stalled: false,
        fault: &mut noticed,
    };
    let check_every = if every > 0 { 1 } else { stop.check_every };
    let stop = Stop { max_steps: stop.max_steps.saturating_sub(before), check_every, ..*stop };
    let mut report = drive(&mut keeping, &stop, &mut shifted);
    if matches!(report.status, Status::StepLimit | Status::Stopped) && keeping.kept != keeping.done {
        keeping.keep();
    }
    if begun.is_some() {
        report.initial_residual = initial;
    }
    report.steps = report.steps.saturating_add(before);
    report.checks = report.checks.saturating_add(before);
    noticed.map_or(Ok(report), Err)
}

/// Counts the steps before.
struct Shifted<'a, O: ?Sized> {
    observer: &'a mut O,
    before: u32,
}

impl<O: Observer<f64> + ?Sized> Observer<f64> for Shifted<'_, O> {
    fn observe(&mut self, progress: &southwell::Progress<f64>) -> std::ops::ControlFlow<()> {
        let step = progress.step.saturating_add(self.before);
        self.observer.observe(&southwell::Progress { step, ..*progress })
    }
    fn every_step(&self) -> bool {
        self.observer.every_step()
    }
}

struct Keeping<'a, R, K: ?Sized> {
    inner: &'a mut R,
    keep: &'a mut K,
    every: u32,
    /// Steps of the whole run, and the step that was kept last.
    done: u32,
    kept: u32,
    initial: Option<f64>,
    /// The true residual of the last claim that was denied, which a drive would have forgotten.
    denied: f64,
    stalled: bool,
    fault: &'a mut Option<Fault>,
}

impl<R: Kept, K: Keep + ?Sized> Keeping<'_, R, K> {
    /// A step, and the state after it if it is time to keep one; 0 if it does not count.
    fn advance(&mut self) -> u32 {
        let taken = self.inner.steps(1);
        self.done = self.done.saturating_add(1);
        if self.every > 0 && self.done.is_multiple_of(self.every) {
            self.keep();
        }
        taken
    }

    fn keep(&mut self) {
        if self.every == 0 || self.failure().is_some() {
            return;
        }
        let (items, state) = self.inner.state();
        let mut numbers = vec![self.initial.unwrap_or(0.0), self.denied];
        numbers.extend(state);
        // Archives hold finite numbers.
        numbers.iter_mut().for_each(|x| *x = if *x == f64::INFINITY { f64::MAX } else { *x });
        let (step, width) = (self.done, R::WIDTH);
        let state = State { step, width, items, identity: self.inner.identity(), numbers };
        *self.fault = self.keep.keep(&state).err();
        self.kept = self.done;
    }
}

impl<R: Kept, K: Keep + ?Sized> Run for Keeping<'_, R, K> {
    type Real = f64;

    fn step(&mut self) {
        if self.failure().is_some() {
            return;
        }
        self.advance();
    }

    fn steps(&mut self, count: u32) -> u32 {
        if self.every == 0 {
            return if self.failure().is_some() { 0 } else { self.inner.steps(count) };
        }
        for done in 0..count {
            if self.failure().is_some() {
                return done;
            }
            // Whether a step that ended the run counts is the method's to say.
            let taken = self.advance();
            if self.failure().is_some() {
                return done.saturating_add(taken);
            }
        }
        count
    }

    fn residual(&mut self) -> f64 {
        let residual = self.inner.residual();
        self.initial.get_or_insert(residual);
        residual
    }

    fn parameter(&self) -> f64 {
        self.inner.parameter()
    }

    fn scale(&self) -> f64 {
        self.inner.scale()
    }

    fn confirm(&mut self, tolerance: f64) -> Option<f64> {
        let confirmed = self.inner.confirm(tolerance)?;
        if tolerance.is_finite() && confirmed > tolerance {
            // As a drive judges.
            self.stalled = confirmed > self.denied * 0.5;
            self.denied = confirmed;
        }
        Some(confirmed)
    }

    fn failure(&self) -> Option<Status> {
        match (&self.fault, self.stalled) {
            (Some(_), _) => Some(Status::Breakdown),
            (None, true) => Some(Status::Stalled),
            (None, false) => self.inner.failure(),
        }
    }

    fn settle(&mut self, status: Status) -> Option<f64> {
        self.inner.settle(status)
    }
}
