//! What a call of descent or of sub-gradients hands over besides its problem.

use southwell::{Real, Report as CoreReport, Stop};

use crate::border::{Answer, Arrays};
use crate::{Fault, Options, Report};

/// No indices.
pub(crate) const NONE: (*mut u32, usize) = (core::ptr::null_mut(), 0);

/// The iterate, options, memory and where answers go, as they came.
pub(crate) struct Call<T, F> {
    pub(crate) x: *mut T,
    pub(crate) options: *const Options<T>,
    pub(crate) workspace: (*mut T, usize),
    /// Null and 0 where a method needs none.
    pub(crate) indices: (*mut u32, usize),
    pub(crate) report: *mut Report<T>,
    /// What the family has to say beyond the report.
    pub(crate) found: *mut F,
}

/// The same, checked.
pub(crate) struct Checked<'a, T, F> {
    pub(crate) x: &'a mut [T],
    pub(crate) options: Options<T>,
    pub(crate) workspace: &'a mut [T],
    pub(crate) indices: &'a mut [u32],
    pub(crate) answers: Answers<T, F>,
}

/// Where answers go.
pub(crate) struct Answers<T, F> {
    report: Answer<Report<T>>,
    found: Answer<F>,
}

impl<T: Real, F> Call<T, F> {
    /// Checks all that is written against all that `arrays` knows to be read, and hands it out. `name` and `len` are
    /// those of the iterate.
    ///
    /// # Safety
    /// Pointers must be null or point to what the interface says; arrays that are written belong to this call
    /// alone.
    pub(crate) unsafe fn check<'a>(
        self,
        arrays: &mut Arrays,
        (name, len): (&'static str, usize),
        stop: Stop<T>,
    ) -> Result<Checked<'a, T, F>, Fault> {
        let x = arrays.output(self.x, len, name)?;
        let options = if self.options.is_null() {
            Options::with(stop)
        } else {
            // SAFETY: the caller's word, here and below.
            *unsafe { arrays.sized(self.options, "options") }?
        };
        let workspace = arrays.output(self.workspace.0, self.workspace.1, "workspace")?;
        let indices = arrays.output(self.indices.0, self.indices.1, "indices")?;
        // SAFETY: as above.
        let report = unsafe { arrays.answer(self.report, "report") }?;
        // SAFETY: as above.
        let found = unsafe { arrays.answer(self.found, "found") }?;
        arrays.apart()?;
        // SAFETY: each is taken once, and after `apart`.
        let (x, workspace, indices) = unsafe { (x.take()?, workspace.take()?, indices.take()?) };
        Ok(Checked { x, options, workspace, indices, answers: Answers { report, found } })
    }
}

impl<T: Real, F> Answers<T, F> {
    /// Stores the findings of a call that has no report.
    pub(crate) fn tell(self, found: F) {
        // SAFETY: as in `store`.
        unsafe { self.found.store(found) };
    }

    /// Stores report and findings of a call that ran, where someone wants them.
    pub(crate) fn store(self, report: &CoreReport<T>, found: F) {
        // SAFETY: `check` saw that they are the caller's to write, and apart from all else.
        unsafe {
            self.report.store(report.into());
            self.found.store(found);
        }
    }
}
