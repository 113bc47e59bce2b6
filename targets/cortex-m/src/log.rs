//! defmt's frames on the host's standard error: text has standard output to itself.

use core::cell::UnsafeCell;

use cortex_m::{interrupt, register::primask};
use cortex_m_semihosting::hio;

/// The log: one writer at a time, since interrupts wait while a frame is written.
#[defmt::global_logger]
struct Log;

struct Shared(UnsafeCell<State>);

struct State {
    encoder: defmt::Encoder,
    /// Whether interrupts were on when the frame began.
    interrupts: bool,
}

// SAFETY: touched between `acquire` and `release` only, on a part with one core whose interrupts are off then.
unsafe impl Sync for Shared {}

static STATE: Shared = Shared(UnsafeCell::new(State { encoder: defmt::Encoder::new(), interrupts: false }));

/// Hands bytes to the host. One that does not listen misses the log.
fn send(bytes: &[u8]) {
    if let Ok(mut host) = hio::hstderr() {
        let _ = host.write_all(bytes);
    }
}

// SAFETY: `acquire` turns interrupts off, and the part has one core: nothing else gets here before `release`.
unsafe impl defmt::Logger for Log {
    fn acquire() {
        let interrupts = primask::read().is_active();
        interrupt::disable();
        // SAFETY: interrupts are off; the reference ends with the function.
        let state = unsafe { &mut *STATE.0.get() };
        state.interrupts = interrupts;
        state.encoder.start_frame(send);
    }

    unsafe fn flush() {}

    unsafe fn release() {
        // SAFETY: defmt calls this after `acquire`, so interrupts are still off.
        let state = unsafe { &mut *STATE.0.get() };
        state.encoder.end_frame(send);
        if state.interrupts {
            // SAFETY: they were on when the frame began.
            unsafe { interrupt::enable() };
        }
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: as in `release`.
        let state = unsafe { &mut *STATE.0.get() };
        state.encoder.write(bytes, send);
    }
}
