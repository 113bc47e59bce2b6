//! Which mutant is on: put into `simd` by `build.py`, in a copy of the tree. `SOUTHWELL_MUTANT` names it by its number;
//! `reached` turns none on and appends the numbers of those that are come by to the file `SOUTHWELL_REACHED`.
#![allow(missing_docs, unreachable_pub, clippy::all)]

extern crate std;

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::io::Write as _;
use std::sync::{Mutex, OnceLock};

const COUNT: usize = 1 << 16;
const NONE: u32 = u32::MAX;

/// Whether it is still to be asked about a mutant: the first time that it is come by, and always about the one that is on.
static OPEN: [AtomicU8; COUNT] = [const { AtomicU8::new(1) }; COUNT];
static MODE: OnceLock<Mode> = OnceLock::new();

enum Mode {
    On(u32),
    Record(Mutex<std::fs::File>),
}

#[inline(always)]
pub fn on(mutant: u32) -> bool {
    OPEN[mutant as usize].load(Relaxed) != 0 && slow(&[mutant]) == mutant
}

/// The one of these mutants, which are of one place, that is on; another number if none is.
#[inline(always)]
pub fn at<const N: usize>(mutants: &'static [u32; N]) -> u32 {
    if OPEN[mutants[0] as usize].load(Relaxed) == 0 { NONE } else { slow(mutants) }
}

#[cold]
#[inline(never)]
fn slow(mutants: &[u32]) -> u32 {
    let mode = MODE.get_or_init(|| match std::env::var("SOUTHWELL_MUTANT") {
        Ok(word) if word == "reached" => {
            let path = std::env::var("SOUTHWELL_REACHED").expect("a file to write");
            let file = std::fs::File::options().create(true).append(true).open(path);
            Mode::Record(Mutex::new(file.expect("a file that can be written")))
        }
        Ok(word) => Mode::On(word.parse().expect("the number of a mutant")),
        Err(_) => Mode::On(NONE),
    });
    if let Mode::On(mutant) = mode {
        if mutants.contains(mutant) {
            return *mutant;
        }
    }
    let closed = OPEN[mutants[0] as usize].swap(0, Relaxed) == 0;
    if let (Mode::Record(file), false) = (mode, closed) {
        let mut file = file.lock().expect("one writer");
        for mutant in mutants {
            let _ = std::writeln!(file, "{mutant}");
        }
    }
    NONE
}
