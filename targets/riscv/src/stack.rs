//! How much memory an image uses: flash and static RAM by the linker's word, the stack by painting.

use core::arch::asm;
use core::ptr::{addr_of, read_volatile, write_volatile};

// The linker script's symbols: only their addresses mean something.
unsafe extern "C" {
    static _stext: u32;
    static __sidata: u32;
    static __sdata: u32;
    static __edata: u32;
    static __sheap: u32;
    static _stack_start: u32;
}

const PAINT: u32 = 0xc0de_face;
/// Bytes below the stack pointer that stay unpainted: the painter's own frame.
const MARGIN: usize = 64;

/// A stack whose unused part has been painted.
pub(crate) struct Painted {
    bottom: usize,
}

/// Bytes in use.
pub(crate) struct Memory {
    /// Code, constants and initial values.
    pub(crate) flash: u32,
    /// Statics.
    pub(crate) fixed: u32,
    /// The stack at its deepest since the painting.
    pub(crate) stack: u32,
    /// What neither needed.
    pub(crate) left: u32,
}

/// Where the stack has grown to.
#[inline(always)]
fn stack_pointer() -> usize {
    let pointer;
    // SAFETY: copies a register and does nothing else.
    unsafe { asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

impl Painted {
    /// Paints from the end of the statics to just below the stack pointer.
    #[inline(never)]
    pub(crate) fn new() -> Self {
        let bottom = addr_of!(__sheap) as usize;
        let top = stack_pointer().saturating_sub(MARGIN);
        let mut at = bottom;
        while at < top {
            // SAFETY: between the end of the statics and the stack pointer lies RAM that nothing
            // uses: there is no heap, no interrupt is enabled, and the red zone does not exist here.
            unsafe { write_volatile(at as *mut u32, PAINT) };
            at += 4;
        }
        Self { bottom }
    }

    /// Counts what is still painted.
    pub(crate) fn memory(&self) -> Memory {
        let top = addr_of!(_stack_start) as usize;
        let mut at = self.bottom;
        // SAFETY: as in `new`; reading RAM up to the top of the stack is sound.
        while at < top && unsafe { read_volatile(at as *const u32) } == PAINT {
            at += 4;
        }
        let data = (addr_of!(__edata) as usize).wrapping_sub(addr_of!(__sdata) as usize);
        Memory {
            // The code is where flash begins, the data where RAM does.
            flash: (addr_of!(__sidata) as usize).wrapping_sub(addr_of!(_stext) as usize).wrapping_add(data)
                as u32,
            fixed: self.bottom.wrapping_sub(addr_of!(__sdata) as usize) as u32,
            stack: top.wrapping_sub(at) as u32,
            left: at.wrapping_sub(self.bottom) as u32,
        }
    }
}
