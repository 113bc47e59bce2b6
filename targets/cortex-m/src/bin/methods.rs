//! Every relaxation method once, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{image, images};

image!("methods", images::methods);
