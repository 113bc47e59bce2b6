//! Which mutant is on: put into `simd` by `build.py`, in a copy of the tree. `SOUTHWELL_MUTANT` names it by its number;
//! `reached` turns none on and appends the numbers of those that are come by to the file `SOUTHWELL_REACHED`.
#![allow(missing_docs, unreachable_pub, clippy::all)]

extern crate std;

use core::sync::atomic::{AtomicU32, AtomicU8, Ordering::Relaxed};
use std::io::Write as _;

const COUNT: usize = 1 << 16;
const NONE: u32 = u32::MAX - 2;
const RECORD: u32 = u32::MAX - 1;
const UNSET: u32 = u32::MAX;

static ACTIVE: AtomicU32 = AtomicU32::new(UNSET);
static REACHED: [AtomicU8; COUNT] = [const { AtomicU8::new(0) }; COUNT];
static FILE: std::sync::Mutex<Option<std::fs::File>> = std::sync::Mutex::new(None);

#[inline(always)]
pub fn on(mutant: u32) -> bool {
    let active = ACTIVE.load(Relaxed);
    active == mutant || (active >= RECORD && slow(mutant))
}

#[cold]
#[inline(never)]
fn slow(mutant: u32) -> bool {
    if ACTIVE.load(Relaxed) == UNSET {
        let active = match std::env::var("SOUTHWELL_MUTANT") {
            Ok(word) if word == "reached" => RECORD,
            Ok(word) => word.parse().expect("the number of a mutant"),
            Err(_) => NONE,
        };
        ACTIVE.store(active, Relaxed);
        return on(mutant);
    }
    if REACHED[mutant as usize].swap(1, Relaxed) == 0 {
        let mut file = FILE.lock().expect("one writer");
        let file = file.get_or_insert_with(|| {
            let path = std::env::var("SOUTHWELL_REACHED").expect("a file to write");
            std::fs::File::options().create(true).append(true).open(path).expect("a file that can be written")
        });
        let _ = std::writeln!(file, "{mutant}");
    }
    false
}
