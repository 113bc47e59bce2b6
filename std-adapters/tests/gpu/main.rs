//! Solvers on a device against the CPU's, on whatever Vulkan device there is; software will do.
//!
//! Without one the tests say so and pass, but fail where `CI` or `SOUTHWELL_REQUIRE_GPU` is set.

#[cfg(feature = "cli")]
mod cli;
mod descent;
mod linear;
mod measure;
mod owned;
mod transport;

use southwell_std::gpu::{Choice, Device, Error};

/// A device with this limit on bindings, if there is any.
fn device(largest_binding: Option<u64>) -> Option<Device> {
    match Device::open(&Choice { software: true, largest_binding, ..Choice::default() }) {
        Ok(device) => Some(device),
        Err(error @ (Error::NoAdapter | Error::Driver(_))) => {
            let wanted = |name| std::env::var_os(name).is_some();
            assert!(!wanted("CI") && !wanted("SOUTHWELL_REQUIRE_GPU"), "{error}");
            eprintln!("not tested: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Numbers in [0, 1), the same on every machine (a 64-bit linear congruence).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn centred(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next() - 0.5).collect()
    }
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
