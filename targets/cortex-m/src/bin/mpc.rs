//! A cart and a quadrotor under model predictive control, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{Counter, image, images};

image!("mpc", |output| images::mpc(output, &mut Counter::new()));
