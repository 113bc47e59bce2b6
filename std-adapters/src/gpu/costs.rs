//! Costs on a device: stored, or made from points, as programs that leave a log-sum-exp for each line.

use std::fmt::Debug;

use southwell::Real;
use southwell::transport::{Cost, DenseCost, Ground, PointCost};

use super::adapter::Device;
use super::error::Error;
use super::kernel::{Item, POINTS, STORED, workgroups};
use super::operator::narrowed;

/// Invocations that a pass should have, so that a device is filled.
const FILLING: usize = 1 << 16;
/// Parts of a line at most.
const PARTS: usize = 256;

/// Costs on the device, divided by ε.
pub(super) trait Uploaded: Debug {
    /// Pairs of each row that [`rows`](Uploaded::rows) leaves, and of each column.
    fn parts(&self) -> [usize; 2];
    /// Reads the costs by rows: pairs for Σ_j e^(g_j − C_ij).
    fn rows(&self, device: &Device, g: &wgpu::Buffer, pairs: &wgpu::Buffer) -> Result<Vec<Item>, Error>;
    /// Reads them by columns: pairs for Σ_i e^(f_i − C_ij).
    fn columns(&self, device: &Device, f: &wgpu::Buffer, pairs: &wgpu::Buffer) -> Result<Vec<Item>, Error>;
}

/// Costs that can be moved to a device: [`DenseCost`], stored there in blocks of rows, and [`PointCost`], of which
/// only the points are.
#[allow(private_interfaces)]
pub trait ResidentCost<T: Real>: Cost<T> {
    /// Uploads the costs, divided by ε.
    #[doc(hidden)]
    fn upload(&self, device: &Device, epsilon: T) -> Result<Box<dyn Uploaded>, Error>;
}

/// A block of rows.
#[derive(Debug)]
struct Block {
    first: usize,
    rows: usize,
    costs: wgpu::Buffer,
}

#[derive(Debug)]
struct Stored {
    columns: usize,
    /// Parts that the rows of every block are cut into for the columns; a block adds to those before it.
    parts: usize,
    blocks: Vec<Block>,
}

impl Block {
    fn parameters(&self, device: &Device, columns: usize, parts: usize) -> Result<wgpu::Buffer, Error> {
        let follows = usize::from(self.first > 0);
        let words = [self.rows, columns, self.first, self.rows.div_ceil(parts), follows, 0, 0, 0];
        device.uniform(&words.map(|word| word as u32))
    }
}

impl Uploaded for Stored {
    fn parts(&self) -> [usize; 2] {
        [1, self.parts]
    }

    fn rows(&self, device: &Device, g: &wgpu::Buffer, pairs: &wgpu::Buffer) -> Result<Vec<Item>, Error> {
        let items = self.blocks.iter().map(|block| {
            let parameters = block.parameters(device, self.columns, self.parts)?;
            let buffers = [(0, &parameters), (1, &block.costs), (2, g), (3, pairs)];
            device.dispatch(STORED, "rows", &buffers, [workgroups(block.rows, 1, usize::MAX), 1, 1])
        });
        items.collect()
    }

    fn columns(&self, device: &Device, f: &wgpu::Buffer, pairs: &wgpu::Buffer) -> Result<Vec<Item>, Error> {
        let items = self.blocks.iter().map(|block| {
            let parameters = block.parameters(device, self.columns, self.parts)?;
            let buffers = [(0, &parameters), (1, &block.costs), (2, f), (3, pairs)];
            let shape = [workgroups(self.columns, 256, usize::MAX), self.parts as u32, 1];
            device.dispatch(STORED, "columns", &buffers, shape)
        });
        items.collect()
    }
}

/// Parts that `lines` lines over `others` terms each are cut into, and the terms of a part; a binding holds
/// `binding` numbers, and two a line and a part must fit.
fn cut(lines: usize, others: usize, binding: usize) -> (usize, usize) {
    let lines = lines.max(1);
    let parts = (FILLING / lines).clamp(1, PARTS).min(others.div_ceil(256)).min(binding / (2 * lines)).max(1);
    let len = others.div_ceil(parts).max(1);
    (others.div_ceil(len), len)
}

#[allow(private_interfaces)]
impl<T: Real> ResidentCost<T> for DenseCost<'_, T> {
    fn upload(&self, device: &Device, epsilon: T) -> Result<Box<dyn Uploaded>, Error> {
        let (n, m) = (self.rows(), self.columns());
        device.check_binding("a row of costs", m)?;
        narrowed("the costs", self.largest() / epsilon)?;
        let most = (device.binding_len() / m.max(1)).clamp(1, n.max(1));
        // All memory first: what does not fit is known before anything is sent.
        let mut blocks = Vec::new();
        for first in (0..n).step_by(most) {
            let rows = most.min(n - first);
            blocks.push(Block { first, rows, costs: device.array("costs", rows * m)? });
        }
        let inverse = 1.0 / epsilon.to_f64();
        for block in &blocks {
            for i in 0..block.rows {
                let row = self.row(block.first + i, &mut []).iter();
                let row = row.map(|cost| ((cost.to_f64() * inverse) as f32).to_ne_bytes());
                device.write(&block.costs, i * m, row)?;
            }
        }
        let (parts, _) = cut(m, most, device.binding_len());
        Ok(Box::new(Stored { columns: m, parts, blocks }))
    }
}

/// Points on the device, in groups of four coordinates.
#[derive(Debug)]
struct Clouds {
    x: wgpu::Buffer,
    y: wgpu::Buffer,
    sizes: [usize; 2],
    quads: usize,
    ground: u32,
    scale: f32,
    binding: usize,
}

impl Clouds {
    /// Pairs for one cloud's points over the other's.
    fn pass(
        &self,
        device: &Device,
        (mine, lines): (&wgpu::Buffer, usize),
        (theirs, others): (&wgpu::Buffer, usize),
        potential: &wgpu::Buffer,
        pairs: &wgpu::Buffer,
    ) -> Result<Vec<Item>, Error> {
        let (parts, part_len) = cut(lines, others, self.binding);
        let [lines_word, others_word, quads, part_len] =
            [lines, others, self.quads, part_len].map(|word| word as u32);
        let words = [lines_word, others_word, quads, self.ground, part_len, self.scale.to_bits(), 0, 0];
        let parameters = device.uniform(&words)?;
        let entry = if self.quads <= 2 { "near" } else { "far" };
        let buffers = [(0, &parameters), (1, mine), (2, theirs), (3, potential), (4, pairs)];
        let shape = [workgroups(lines, 256, usize::MAX), parts as u32, 1];
        device.dispatch(POINTS, entry, &buffers, shape).map(|item| vec![item])
    }
}

impl Uploaded for Clouds {
    fn parts(&self) -> [usize; 2] {
        let [n, m] = self.sizes;
        [cut(n, m, self.binding).0, cut(m, n, self.binding).0]
    }

    fn rows(&self, device: &Device, g: &wgpu::Buffer, pairs: &wgpu::Buffer) -> Result<Vec<Item>, Error> {
        let [n, m] = self.sizes;
        self.pass(device, (&self.x, n), (&self.y, m), g, pairs)
    }

    fn columns(&self, device: &Device, f: &wgpu::Buffer, pairs: &wgpu::Buffer) -> Result<Vec<Item>, Error> {
        let [n, m] = self.sizes;
        self.pass(device, (&self.y, m), (&self.x, n), f, pairs)
    }
}

#[allow(private_interfaces)]
impl<T: Real> ResidentCost<T> for PointCost<'_, T> {
    fn upload(&self, device: &Device, epsilon: T) -> Result<Box<dyn Uploaded>, Error> {
        let (n, m, d) = (self.rows(), self.columns(), self.dimension());
        let quads = d.div_ceil(4);
        let ground = match self.ground() {
            Ground::SquaredEuclidean => 0,
            Ground::Euclidean => 1,
            Ground::L1 => 2,
            _ => return Err(Error::Unsupported("this ground cost")),
        };
        // An invocation a point, and no striding in the kernels.
        let most = u64::from(device.adapter().workgroups) * 256;
        for points in [n, m] {
            if points as u64 > most {
                return Err(Error::LimitTooSmall { what: "points", need: points as u64, have: most });
            }
        }
        narrowed("the costs", self.largest() / epsilon)?;
        let scale = narrowed("the scale of the costs over epsilon", self.scale() / epsilon)?;
        let padded = |points: usize| points.saturating_mul(4 * quads);
        let (x, y) = (device.array("points", padded(n))?, device.array("points", padded(m))?);
        // Far from the origin the differences would lose their digits: what all points share is taken off.
        let centre: Vec<f64> = (0..d).map(|k| self.x().get(k).map_or(0.0, |x| x.to_f64())).collect();
        let upload = |buffer: &wgpu::Buffer, points: usize, at: &dyn Fn(usize, usize) -> T| {
            let coordinates = (0..points).flat_map(|i| (0..4 * quads).map(move |k| (i, k)));
            let moved =
                coordinates.map(|(i, k)| if k < d { (at(i, k).to_f64() - centre[k]) as f32 } else { 0.0 });
            device.write(buffer, 0, moved.map(f32::to_ne_bytes))
        };
        upload(&x, n, &|i, k| self.x()[i * d + k])?;
        upload(&y, m, &|j, k| self.y()[k * m + j])?;
        Ok(Box::new(Clouds { x, y, sizes: [n, m], quads, ground, scale, binding: device.binding_len() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_terms_once() {
        for lines in [1, 63, 1000, 1 << 16, 1 << 20] {
            for others in [1, 255, 256, 257, 1021, 100_000] {
                let (parts, len) = cut(lines, others, 1 << 29);
                assert!((1..=PARTS).contains(&parts), "{lines} {others}");
                assert!(parts * len >= others && (parts - 1) * len < others, "{lines} {others}");
            }
        }
        assert_eq!(cut(1 << 16, 1 << 20, 1 << 29).0, 1);
        assert_eq!(cut(1000, 100_000, 8000).0, 4);
    }
}
