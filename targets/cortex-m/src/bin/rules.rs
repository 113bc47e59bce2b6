//! The heat steps under every other rule that learns omega, in both precisions. Needs more than 16 KiB.
#![no_std]
#![no_main]

use southwell_cortex_m::{image, images};

image!("rules", images::rules);
