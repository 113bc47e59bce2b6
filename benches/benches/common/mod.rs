//! What the benches that criterion runs have in common.

use std::time::Duration;

use criterion::Criterion;

/// Says what the passes run on; few and short samples, as there are many benches.
pub(crate) fn criterion() -> Criterion {
    println!("passes run on {}", southwell_simd::level_name());
    Criterion::default()
        .sample_size(10)
        .nresamples(2000)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .configure_from_args()
}
