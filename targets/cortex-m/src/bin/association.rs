//! Which of sixteen detections belongs to which of sixteen tracks, in `f32`, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{check, instructions};
use southwell_scenario::association::{REALS, run, sense};
use southwell_scenario::golden::ASSOCIATION_F32;

#[cortex_m_rt::entry]
fn main() -> ! {
    check("association", |output| {
        let mut memory = [f32::NAN; REALS];
        sense(&mut memory);
        let (found, count) = instructions(|| run(&mut memory));
        let good = found.is_ok_and(|found| found.agrees(&ASSOCIATION_F32));
        output.text("association f32: ").number(found.map_or(0, |found| found.steps)).text(" iterations, ");
        output.number(found.map_or(0, |found| found.right)).text(" tracks right, ");
        output.number(count).text(" instructions if the emulator counts them");
        output.text(if good { ", as on the host" } else { ", NOT as on the host" }).line();
        good
    })
}
