//! Instructions counted by the core itself.

use core::sync::atomic::{Ordering, compiler_fence};

use southwell_scenario::images::Clock;

/// The counter of retired instructions; exact under QEMU's `-icount shift=0`, and meaningless without.
#[derive(Debug)]
pub struct Retired;

impl Clock for Retired {
    fn instructions<R>(&mut self, run: impl FnOnce() -> R) -> (R, u32) {
        let before = riscv::register::minstret::read64();
        compiler_fence(Ordering::SeqCst);
        let result = run();
        compiler_fence(Ordering::SeqCst);
        let after = riscv::register::minstret::read64();
        (result, u32::try_from(after.wrapping_sub(before)).unwrap_or(u32::MAX))
    }
}
