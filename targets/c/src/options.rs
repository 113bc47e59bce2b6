//! Options, reports, and an observer that is a C function.

use core::ffi::{CStr, c_char, c_void};
use core::ops::ControlFlow;

use southwell::{Observer, Progress, Real, Stop};

use crate::Fault;
use crate::border;

/// How a run proceeds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Options<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Absolute tolerance, in units of the residual; not negative.
    pub absolute: T,
    /// Tolerance relative to the run's scale; not negative.
    pub relative: T,
    /// The over-relaxation, in (0, 2); 0 lets the method decide (SSOR-CG and SOR: 1; Sinkhorn: found on the way).
    /// Not read where an omega is learned, and by methods that relax nothing.
    pub omega: T,
    /// The run ends after this many steps whatever happens.
    pub max_steps: u32,
    /// The residual is looked at every so many steps (0 counts as 1).
    pub check_every: u32,
    /// Called after every step with `context`, the steps done, the residual (NaN where it was not looked at) and
    /// omega; another answer than 0 ends the run. May be null.
    pub observe: Option<extern "C" fn(*mut c_void, u32, T, T) -> i32>,
    /// Handed to `observe`.
    pub context: *mut c_void,
}

/// How a run ended. Every status leaves a usable iterate.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The tolerance was met, confirmed by a residual recomputed from scratch.
    Converged = 0,
    /// The step limit came first; the best iterate so far is kept.
    StepLimit = 1,
    /// The precision of the type is exhausted.
    Stalled = 2,
    /// The method met a situation that its theory excludes.
    Breakdown = 3,
    /// A residual was NaN or infinite; the last good iterate is kept.
    NotFinite = 4,
    /// The observer asked to stop.
    Stopped = 5,
    /// No scaling exists: the entries of the matrix cannot carry the sums that were asked for.
    NoSupport = 6,
    /// The iterate is a minimum, and a proof of it was found; the tolerance did not decide.
    Optimal = 7,
    /// Something that this version of the interface has no word for.
    Unknown = 99,
}

/// How a run ended and what it did.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Report<T> {
    /// sizeof of this struct, set by the caller before the call.
    pub size: usize,
    /// How the run ended.
    pub status: Status,
    /// Steps done.
    pub steps: u32,
    /// Residuals evaluated on the way.
    pub checks: u32,
    /// The residual at the start.
    pub initial_residual: T,
    /// The residual of the iterate that the run left.
    pub residual: T,
    /// What the relative tolerance was measured against.
    pub scale: T,
}

impl From<southwell::Status> for Status {
    fn from(status: southwell::Status) -> Self {
        match status {
            southwell::Status::Converged => Self::Converged,
            southwell::Status::StepLimit => Self::StepLimit,
            southwell::Status::Stalled => Self::Stalled,
            southwell::Status::Breakdown => Self::Breakdown,
            southwell::Status::NotFinite => Self::NotFinite,
            southwell::Status::Stopped => Self::Stopped,
            southwell::Status::NoSupport => Self::NoSupport,
            southwell::Status::Optimal => Self::Optimal,
            _ => Self::Unknown,
        }
    }
}

impl<T: Real> Options<T> {
    /// The defaults around a method's own.
    pub(crate) fn with(stop: Stop<T>) -> Self {
        Self {
            size: size_of::<Self>(),
            absolute: stop.absolute,
            relative: stop.relative,
            omega: T::ZERO,
            max_steps: stop.max_steps,
            check_every: stop.check_every,
            observe: None,
            context: core::ptr::null_mut(),
        }
    }

    /// The options that a caller gave, or the defaults for null.
    ///
    /// # Safety
    /// As [`border::sized`].
    pub(crate) unsafe fn read(pointer: *const Self, stop: Stop<T>) -> Result<Self, Fault> {
        if pointer.is_null() {
            return Ok(Self::with(stop));
        }
        // SAFETY: handed on.
        unsafe { border::sized(pointer, "options") }.copied()
    }

    pub(crate) fn stop(&self) -> Stop<T> {
        Stop {
            absolute: self.absolute,
            relative: self.relative,
            max_steps: self.max_steps,
            check_every: self.check_every,
        }
    }
}

impl<T: Real> Observer<T> for Options<T> {
    fn observe(&mut self, progress: &Progress<T>) -> ControlFlow<()> {
        let Some(observe) = self.observe else { return ControlFlow::Continue(()) };
        let residual = progress.residual.unwrap_or(T::NAN);
        match observe(self.context, progress.step, residual, progress.parameter) {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
    fn every_step(&self) -> bool {
        self.observe.is_some()
    }
}

impl<T: Real> From<&southwell::Report<T>> for Report<T> {
    fn from(report: &southwell::Report<T>) -> Self {
        Self {
            size: size_of::<Self>(),
            status: report.status.into(),
            steps: report.steps,
            checks: report.checks,
            initial_residual: report.initial_residual,
            residual: report.residual,
            scale: report.scale,
        }
    }
}

impl<T: Real> Report<T> {
    /// Refuses a report of another version before anything runs; null is allowed.
    ///
    /// # Safety
    /// As [`border::check_size`].
    pub(crate) unsafe fn check(pointer: *const Self) -> Result<(), Fault> {
        if pointer.is_null() {
            return Ok(());
        }
        // SAFETY: handed on. Not `sized`: what is in a status that nobody wrote yet may be no status.
        unsafe { border::check_size(pointer, "report") }
    }

    /// Stores a report, if someone wants it.
    ///
    /// # Safety
    /// `pointer` must have passed [`check`](Report::check).
    pub(crate) unsafe fn write(pointer: *mut Self, report: &southwell::Report<T>) {
        if pointer.is_null() {
            return;
        }
        // SAFETY: not null, aligned and whole by the check.
        unsafe { pointer.write(Self::from(report)) };
    }
}

/// The default options for linear systems: relative tolerance 1e-5, 10 000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_options_f32() -> Options<f32> {
    Options::with(Stop::default())
}

/// The default options for linear systems: relative tolerance 1e-8, 10 000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_options_f64() -> Options<f64> {
    Options::with(Stop::default())
}

/// What a status means, in a few words; never null. Any number is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_status_text(status: i32) -> *const c_char {
    let text: &CStr = match status {
        0 => c"converged",
        1 => c"the step limit came first; the best iterate is kept",
        2 => c"the precision of the type is exhausted",
        3 => c"the method does not apply to this problem",
        4 => c"a residual was not finite; the last good iterate is kept",
        5 => c"stopped by the observer",
        6 => c"no scaling exists: the entries cannot carry the sums",
        7 => c"a minimum, proven",
        _ => c"unknown",
    };
    text.as_ptr()
}
