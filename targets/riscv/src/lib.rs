//! What every firmware shares: a panic handler that does not exist, output, the exit status, and
//! counts of the stack and of instructions.
#![no_std]

mod clock;
mod host;
mod stack;

pub use clock::Retired;
pub use southwell_scenario::{Output, images};

use stack::Painted;

unsafe extern "C" {
    /// Defined nowhere: an image in which some path can panic does not link.
    fn southwell_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: not to be had. An image with this call does not link.
    unsafe { southwell_can_panic() }
}

/// A fault is a failure, not silence.
#[riscv_rt::exception(riscv::interrupt::Exception::LoadFault)]
fn load_fault(_: &riscv_rt::TrapFrame) -> ! {
    host::exit(false)
}

/// As [`load_fault`].
#[riscv_rt::exception(riscv::interrupt::Exception::StoreFault)]
fn store_fault(_: &riscv_rt::TrapFrame) -> ! {
    host::exit(false)
}

/// As [`load_fault`].
#[riscv_rt::exception(riscv::interrupt::Exception::IllegalInstruction)]
fn illegal_instruction(_: &riscv_rt::TrapFrame) -> ! {
    host::exit(false)
}

/// An image: its name, and what it runs (of [`images`]).
#[macro_export]
macro_rules! image {
    ($name:literal, $run:expr) => {
        #[riscv_rt::entry]
        fn main() -> ! {
            $crate::check($name, $run)
        }
    };
}

/// Runs a check between a painted stack and a report on memory, and exits with its verdict.
pub fn check(name: &str, run: impl FnOnce(&mut Output<'_>) -> bool) -> ! {
    let painted = Painted::new();
    let mut send = host::send;
    let mut output = Output::new(&mut send);
    let good = run(&mut output);
    let memory = painted.memory();
    output.text(name).text(if good { ": good; flash " } else { ": BAD; flash " }).number(memory.flash);
    output.text(", static RAM ").number(memory.fixed).text(", stack ").number(memory.stack);
    output.text(", RAM left ").number(memory.left).text(" bytes").line();
    host::exit(good)
}
