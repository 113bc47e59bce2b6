//! Every part of block coordinate descent once, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{image, images};

image!("descent", images::descent);
