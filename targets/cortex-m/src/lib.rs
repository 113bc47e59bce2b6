//! What every firmware shares: a panic handler that does not exist, output, the exit status, and
//! counts of the stack and of instructions.
#![no_std]

mod clock;
#[cfg(feature = "extras")]
mod log;
mod stack;

pub use clock::Counter;
pub use southwell_scenario::Output;
pub use southwell_scenario::images::{self, agree};

use cortex_m_semihosting::{debug, hio};
use stack::Painted;

/// An image: its name, and what it runs (of [`images`]).
#[macro_export]
macro_rules! image {
    ($name:literal, $run:expr) => {
        #[cortex_m_rt::entry]
        fn main() -> ! {
            $crate::check($name, $run)
        }
    };
}

unsafe extern "C" {
    /// Defined nowhere: an image in which some path can panic does not link.
    fn southwell_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: not to be had. An image with this call does not link.
    unsafe { southwell_can_panic() }
}

/// A fault (an overflow of the stack, say) is a failure, not silence.
#[cortex_m_rt::exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    exit(false)
}

/// Ends the emulation with status 0 or 1.
pub fn exit(good: bool) -> ! {
    loop {
        debug::exit(if good { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

/// Runs a check between a painted stack and a report on memory, and exits with its verdict.
pub fn check(name: &str, run: impl FnOnce(&mut Output<'_>) -> bool) -> ! {
    let painted = Painted::new();
    let mut host = hio::hstdout().ok();
    let mut send = |line: &[u8]| {
        if let Some(host) = &mut host {
            // A host that does not listen still gets the exit status.
            let _ = host.write_all(line);
        }
    };
    let mut output = Output::new(&mut send);
    let good = run(&mut output);
    let memory = painted.memory();
    output.text(name).text(if good { ": good; flash " } else { ": BAD; flash " }).number(memory.flash);
    output.text(", static RAM ").number(memory.fixed).text(", stack ").number(memory.stack);
    output.text(", RAM left ").number(memory.left).text(" bytes").line();
    exit(good)
}
