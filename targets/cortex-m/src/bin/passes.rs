//! Every pass over memory, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{image, images};

image!("passes", images::passes);
