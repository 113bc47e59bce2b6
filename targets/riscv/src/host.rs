//! The emulator's host, by semihosting calls: a character out, and the end. The crates that wrap these calls
//! hold paths that can panic, which no image here may have.
//!
//! *Source*: RISC-V International, "Semihosting for RISC-V", 2024; Arm, "Semihosting for AArch32 and AArch64".

use core::arch::asm;

const WRITE_CHARACTER: usize = 0x03;
const EXIT_EXTENDED: usize = 0x20;
/// The program ended by itself; the word after it is its status.
const APPLICATION_EXIT: usize = 0x2_0026;

/// One call.
///
/// # Safety
/// `argument` must point to what the operation reads.
unsafe fn call(operation: usize, argument: *const ()) {
    // SAFETY: the three instructions, uncompressed and in this order, hand over to the host, which reads what
    // `argument` points to (the caller's word) and writes register a0 alone.
    unsafe {
        asm!(
            ".balign 16",
            ".option push",
            ".option norvc",
            "slli zero, zero, 0x1f",
            "ebreak",
            "srai zero, zero, 0x7",
            ".option pop",
            inout("a0") operation => _,
            in("a1") argument,
            options(nostack),
        );
    }
}

/// Sends a line.
pub(crate) fn send(line: &[u8]) {
    for byte in line {
        // SAFETY: the host reads one byte.
        unsafe { call(WRITE_CHARACTER, core::ptr::from_ref(byte).cast()) };
    }
}

/// Ends the emulation with status 0 or 1.
pub(crate) fn exit(good: bool) -> ! {
    loop {
        let block = [APPLICATION_EXIT, usize::from(!good)];
        // SAFETY: the host reads two words.
        unsafe { call(EXIT_EXTENDED, block.as_ptr().cast()) };
    }
}
