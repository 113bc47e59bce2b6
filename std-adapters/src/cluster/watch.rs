//! One end for all ranks: an observer's wish to stop travels with the sums of the next look.

use std::cell::Cell;
use std::ops::ControlFlow;

use southwell::{Observer, Progress};

/// What the observer of this rank wishes, and what all ranks have agreed on.
#[derive(Debug, Default)]
pub(super) struct Watch {
    wish: Cell<bool>,
    agreed: Cell<bool>,
    every_step: bool,
}

impl Watch {
    pub(super) fn new(every_step: bool) -> Self {
        Self { every_step, ..Self::default() }
    }

    /// Whether this rank wants to stop.
    pub(super) fn wish(&self) -> bool {
        self.wish.get()
    }

    /// Some rank wants to, and all know.
    pub(super) fn agreed(&self, stop: bool) {
        self.agreed.set(self.agreed.get() || stop);
    }

    /// The observer that a drive gets: it breaks on all ranks at the same look.
    pub(super) fn over<'a, O: Observer<f64> + ?Sized>(&'a self, observer: &'a mut O) -> Watched<'a, O> {
        Watched { watch: self, observer }
    }
}

pub(super) struct Watched<'a, O: ?Sized> {
    watch: &'a Watch,
    observer: &'a mut O,
}

impl<O: Observer<f64> + ?Sized> Observer<f64> for Watched<'_, O> {
    fn observe(&mut self, progress: &Progress<f64>) -> ControlFlow<()> {
        if self.observer.observe(progress).is_break() {
            self.watch.wish.set(true);
        }
        if self.watch.agreed.get() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn every_step(&self) -> bool {
        self.watch.every_step
    }
}
