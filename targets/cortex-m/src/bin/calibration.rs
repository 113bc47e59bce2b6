//! A magnetometer with spikes calibrated, by weighted absolute deviations and by least squares, compared with the
//! host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{Counter, image, images};

image!("calibration", |output| images::calibration(output, &mut Counter::new()));
