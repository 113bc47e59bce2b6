//! Which of sixteen detections belongs to which of sixteen tracks, in `f32`, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{SysTick, image, images};

image!("association", |output| images::association(output, &mut SysTick));
