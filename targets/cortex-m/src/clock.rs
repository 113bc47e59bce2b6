//! Instructions counted by the SysTick timer of an emulator that ties time to them.

use core::sync::atomic::{Ordering, compiler_fence};

use cortex_m::Peripherals;
use cortex_m::peripheral::syst::SystClkSource;
use southwell_scenario::images::Clock;

/// Instructions a tick: QEMU with `-icount shift=2` takes 4 ns for each, and the boards' clock is 25 MHz.
const PER_TICK: u32 = 10;
/// The timer has 24 bits.
const TICKS: u32 = 0x00ff_ffff;

/// The timer, counting.
#[derive(Debug)]
pub struct Counter {
    running: bool,
}

impl Counter {
    /// Starts the timer. Only the first counter of an image counts.
    pub fn new() -> Self {
        let Some(mut peripherals) = Peripherals::take() else { return Self { running: false } };
        let timer = &mut peripherals.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(TICKS);
        timer.clear_current();
        timer.enable_counter();
        Self { running: true }
    }

    /// To within 20 instructions and up to 167 million: under QEMU's `-icount shift=2`, on a board whose core runs
    /// at 25 MHz. Anywhere else the number means nothing.
    fn count<R>(&self, run: impl FnOnce() -> R) -> (R, u32) {
        let before = cortex_m::peripheral::SYST::get_current();
        compiler_fence(Ordering::SeqCst);
        let result = run();
        compiler_fence(Ordering::SeqCst);
        let after = cortex_m::peripheral::SYST::get_current();
        // It counts down.
        let ticks = before.wrapping_sub(after) & TICKS;
        (result, if self.running { ticks.wrapping_mul(PER_TICK) } else { 0 })
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Counter {
    fn instructions<R>(&mut self, run: impl FnOnce() -> R) -> (R, u32) {
        self.count(run)
    }
}
