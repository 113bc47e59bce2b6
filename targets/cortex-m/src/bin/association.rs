//! Which of sixteen detections belongs to which of sixteen tracks, in `f32`, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{Counter, image, images};

image!("association", |output| images::association(output, &mut Counter::new()));
