//! Implicit heat steps with omega learned by Tsallis-INF, in both precisions, compared with the host's bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{image, images};

image!("heat", images::heat);
