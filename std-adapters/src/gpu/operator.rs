//! What every matrix on a device can do, as programs.

use std::fmt::Debug;

use southwell::Real;
use southwell::relaxation::Relax;

use super::adapter::Device;
use super::error::Error;
use super::kernel::Item;

/// A vector on the device, in the parts of its operator.
#[derive(Clone, Debug)]
pub(super) struct Vector(pub(super) Vec<wgpu::Buffer>);

/// A matrix on the device. Programs that it hands out hold on to the buffers that they were made for.
pub(super) trait Operator: Debug {
    /// A vector of zeros.
    fn vector(&self, device: &Device) -> Result<Vector, Error>;

    /// Where the numbers of each part of a vector lie: first and count. What lies between them is zero.
    fn spans(&self) -> Vec<(usize, usize)>;

    /// Writes a vector, given in the order of the problem.
    fn write(&self, device: &Device, vector: &Vector, values: &[f32]) -> Result<(), Error>;

    /// Reads a vector, in the order of the problem.
    fn read(&self, device: &Device, vector: &Vector) -> Result<Vec<f32>, Error>;

    /// One sweep over all colours, or over them in the opposite order, of A x = b; omega stands first in its buffer.
    fn sweep(
        &self,
        device: &Device,
        b: &Vector,
        x: &Vector,
        omega: &wgpu::Buffer,
        reversed: bool,
    ) -> Result<Vec<Item>, Error>;

    /// Partial sums of ‖b − A x‖², [`groups`](Operator::groups) of them.
    fn residual(
        &self,
        device: &Device,
        b: &Vector,
        x: &Vector,
        partials: &wgpu::Buffer,
    ) -> Result<Vec<Item>, Error>;

    /// y ← A x
    fn apply(&self, device: &Device, x: &Vector, y: &Vector) -> Result<Vec<Item>, Error>;

    /// Partial sums of a residual.
    fn groups(&self) -> usize;

    /// Colours of a sweep.
    fn colours(&self) -> usize;
}

/// A matrix that can be moved to a device.
///
/// | view | order of its sweeps there |
/// |---|---|
/// | [`Stencil2d`](southwell::linear::Stencil2d), [`Stencil3d`](southwell::linear::Stencil3d), constant | red-black |
/// | [`Csr`](southwell::linear::Csr) | colours found breadth first: two if the graph is bipartite |
#[allow(private_interfaces)]
pub trait Resident<T: Real>: Relax<T> {
    /// Uploads the matrix. Every size is checked before.
    #[doc(hidden)]
    fn operator(&self, device: &Device) -> Result<Box<dyn Operator>, Error>;
}

/// A number of the matrix in the device's type.
pub(super) fn narrowed<T: Real>(argument: &'static str, value: T) -> Result<f32, Error> {
    let wide = value.to_f64();
    let narrow = wide as f32;
    let vanishes = narrow.abs() < f32::MIN_POSITIVE && wide != 0.0;
    if narrow.is_finite() && !vanishes { Ok(narrow) } else { Err(Error::Range { argument }) }
}
