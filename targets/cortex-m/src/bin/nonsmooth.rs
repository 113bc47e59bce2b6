//! Every part of the toolbox for functions with kinks once, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{image, images};

image!("nonsmooth", images::nonsmooth);
