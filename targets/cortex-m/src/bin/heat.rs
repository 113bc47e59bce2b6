//! Implicit heat steps with omega learned by Tsallis-INF, in both precisions, compared with the host's
//! bits.
#![no_std]
#![no_main]

use southwell_cortex_m::{check, heat};
use southwell_scenario::golden::{HEAT_F32, HEAT_F64};
use southwell_scenario::heat::rules::tsallis;

#[cortex_m_rt::entry]
fn main() -> ! {
    check("heat", |output| {
        let single = heat::agrees::<f32>("f32", tsallis, &HEAT_F32, output);
        let double = heat::agrees::<f64>("f64", tsallis, &HEAT_F64, output);
        single && double
    })
}
