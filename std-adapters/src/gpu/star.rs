//! Constant stars on a device: red-black sweeps over slabs of a grid.
//!
//! A slab is as many layers (rows of a plane, planes of a box) as a binding can hold, with a copy of the layer
//! before and after; after each colour the slabs exchange their outermost layers.

use southwell::Real;
use southwell::linear::{Star, Stencil2d, Stencil3d};
use southwell_simd::stencil::Coefficients;

use super::adapter::Device;
use super::error::Error;
use super::kernel::{Item, STAR, workgroups};
use super::operator::{Operator, Resident, Vector, narrowed};

/// Partial sums of a slab at most.
const GROUPS: usize = 1024;

/// Some consecutive layers.
#[derive(Clone, Copy, Debug)]
struct Slab {
    first: usize,
    layers: usize,
}

/// A grid with a constant star.
#[derive(Debug)]
struct Grid {
    star: Star<f32>,
    columns: usize,
    /// Rows of a layer; 1 in the plane.
    rows: usize,
    /// Lines of zeros around the rows of a layer; 0 in the plane.
    ring: usize,
    slabs: Vec<Slab>,
}

impl Grid {
    fn new(
        device: &Device,
        [layers, rows, columns]: [usize; 3],
        ring: usize,
        star: Star<f32>,
    ) -> Result<Self, Error> {
        let mut grid = Self { star, columns, rows, ring, slabs: Vec::new() };
        let layer = grid.layer();
        // One layer and its neighbours must fit.
        device.check_binding("three layers of the grid", layer.saturating_mul(3))?;
        let most = (device.binding_len() / layer.max(1)).saturating_sub(2).max(1);
        let slabs = (0..layers).step_by(most);
        grid.slabs = slabs.map(|first| Slab { first, layers: most.min(layers - first) }).collect();
        Ok(grid)
    }

    /// Numbers from a row to the next.
    fn row(&self) -> usize {
        self.columns + 2
    }

    /// Numbers from a layer to the next.
    fn layer(&self) -> usize {
        (self.rows + 2 * self.ring).saturating_mul(self.row())
    }

    /// Workgroups of a pass over all cells of a slab.
    fn shape(&self, slab: Slab) -> [u32; 3] {
        let x = workgroups(self.columns, 64, 32);
        let y = workgroups(self.rows * slab.layers, 4, GROUPS / x as usize);
        [x, y, 1]
    }

    /// Where the partial sums of each slab begin, and the end of the last.
    fn bases(&self) -> Vec<usize> {
        let mut bases = vec![0];
        for &slab in &self.slabs {
            let [x, y, _] = self.shape(slab);
            bases.push(bases[bases.len() - 1] + (x * y) as usize);
        }
        bases
    }

    fn parameters(&self, device: &Device, slab: usize, colour: usize) -> Result<wgpu::Buffer, Error> {
        let (Slab { first, layers }, star) = (self.slabs[slab], self.star);
        let row_stride = if self.ring == 0 { 0 } else { self.row() };
        let [columns, rows, layers, row_stride, layer_stride, ring, parity, base] = [
            self.columns,
            self.rows,
            layers,
            row_stride,
            self.layer(),
            self.ring,
            first + colour,
            self.bases()[slab],
        ]
        .map(|word| word as u32);
        let couplings = [star.centre, star.west, star.east, star.south, star.north, star.down, star.up, 0.0];
        let mut words = vec![columns, rows, layers, row_stride, layer_stride, ring, parity, base];
        words.extend(couplings.map(f32::to_bits));
        device.uniform(&words)
    }

    /// Copies the outermost layers of the slabs to their neighbours.
    fn exchange(&self, x: &Vector) -> Vec<Item> {
        let len = self.layer();
        let copy = |from: usize, at: usize, to: usize, onto: usize| Item::Copy {
            from: x.0[from].clone(),
            at: at * len,
            to: x.0[to].clone(),
            onto: onto * len,
            len,
        };
        let borders = 1..self.slabs.len();
        let both = borders.map(|k| {
            let before = self.slabs[k - 1].layers;
            [copy(k - 1, before, k, 0), copy(k, 1, k - 1, before + 1)]
        });
        both.flatten().collect()
    }
}

impl Operator for Grid {
    fn vector(&self, device: &Device) -> Result<Vector, Error> {
        let parts = self.slabs.iter().map(|slab| device.array("a slab", (slab.layers + 2) * self.layer()));
        parts.collect::<Result<_, _>>().map(Vector)
    }

    fn spans(&self) -> Vec<(usize, usize)> {
        self.slabs.iter().map(|slab| (self.layer(), slab.layers * self.layer())).collect()
    }

    fn write(&self, device: &Device, vector: &Vector, values: &[f32]) -> Result<(), Error> {
        let all = self.slabs.iter().map(|slab| slab.layers).sum::<usize>();
        for (slab, part) in self.slabs.iter().zip(&vector.0) {
            let mut padded = vec![0.0; (slab.layers + 2) * self.layer()];
            // With the layers before and after, where they exist.
            for l in slab.first.saturating_sub(1)..(slab.first + slab.layers + 1).min(all) {
                for r in 0..self.rows {
                    let to = (l + 1 - slab.first) * self.layer() + (r + self.ring) * self.row() + 1;
                    let from = (l * self.rows + r) * self.columns;
                    padded[to..to + self.columns].copy_from_slice(&values[from..from + self.columns]);
                }
            }
            device.upload(part, 0, &padded)?;
        }
        Ok(())
    }

    fn read(&self, device: &Device, vector: &Vector) -> Result<Vec<f32>, Error> {
        let mut values = Vec::new();
        for (slab, part) in self.slabs.iter().zip(&vector.0) {
            let padded = device.download(part, self.layer(), slab.layers * self.layer())?;
            for l in 0..slab.layers {
                for r in 0..self.rows {
                    let from = l * self.layer() + (r + self.ring) * self.row() + 1;
                    values.extend_from_slice(&padded[from..from + self.columns]);
                }
            }
        }
        Ok(values)
    }

    fn sweep(
        &self,
        device: &Device,
        b: &Vector,
        x: &Vector,
        omega: &wgpu::Buffer,
        reversed: bool,
    ) -> Result<Vec<Item>, Error> {
        let mut program = Vec::new();
        for colour in if reversed { [1, 0] } else { [0, 1] } {
            for (k, slab) in self.slabs.iter().enumerate() {
                let parameters = self.parameters(device, k, colour)?;
                let shape = [
                    workgroups(self.columns.div_ceil(2), 64, usize::MAX),
                    workgroups(self.rows * slab.layers, 4, usize::MAX),
                    1,
                ];
                let buffers = [(0, &parameters), (1, &x.0[k]), (2, &b.0[k]), (3, omega)];
                program.push(device.dispatch(STAR, "sweep", &buffers, shape)?);
            }
            program.extend(self.exchange(x));
        }
        Ok(program)
    }

    fn residual(
        &self,
        device: &Device,
        b: &Vector,
        x: &Vector,
        partials: &wgpu::Buffer,
    ) -> Result<Vec<Item>, Error> {
        let items = self.slabs.iter().enumerate().map(|(k, &slab)| {
            let parameters = self.parameters(device, k, 0)?;
            let buffers = [(0, &parameters), (1, &x.0[k]), (2, &b.0[k]), (4, partials)];
            device.dispatch(STAR, "residual", &buffers, self.shape(slab))
        });
        items.collect()
    }

    fn apply(&self, device: &Device, x: &Vector, y: &Vector) -> Result<Vec<Item>, Error> {
        let mut program = self.exchange(x);
        for (k, slab) in self.slabs.iter().enumerate() {
            let parameters = self.parameters(device, k, 0)?;
            let shape = [
                workgroups(self.columns, 64, usize::MAX),
                workgroups(self.rows * slab.layers, 4, usize::MAX),
                1,
            ];
            program.push(device.dispatch(
                STAR,
                "apply",
                &[(0, &parameters), (1, &x.0[k]), (5, &y.0[k])],
                shape,
            )?);
        }
        Ok(program)
    }

    fn groups(&self) -> usize {
        self.bases().last().copied().unwrap_or(0)
    }

    fn colours(&self) -> usize {
        2
    }
}

/// The star in the device's type, the couplings named as the caller knows them.
fn star<T: Real>(coefficients: Coefficients<'_, T>) -> Result<Star<f32>, Error> {
    let Coefficients::Constant(star) = coefficients else {
        return Err(Error::Unsupported("stencils whose couplings vary; make a sparse matrix of it"));
    };
    let narrow = |value| narrowed("the star", value);
    Ok(Star {
        centre: narrow(star.centre)?,
        west: narrow(star.west)?,
        east: narrow(star.east)?,
        south: narrow(star.south)?,
        north: narrow(star.north)?,
        down: narrow(star.down)?,
        up: narrow(star.up)?,
    })
}

#[allow(private_interfaces)]
impl<T: Real> Resident<T> for Stencil2d<'_, T> {
    fn operator(&self, device: &Device) -> Result<Box<dyn Operator>, Error> {
        let star = star(self.grid().coefficients)?;
        // The layers of the kernel are the rows.
        let turned = Star { south: 0.0, north: 0.0, down: star.south, up: star.north, ..star };
        let grid = Grid::new(device, [self.rows(), 1, self.columns()], 0, turned)?;
        Ok(Box::new(grid))
    }
}

#[allow(private_interfaces)]
impl<T: Real> Resident<T> for Stencil3d<'_, T> {
    fn operator(&self, device: &Device) -> Result<Box<dyn Operator>, Error> {
        let star = star(self.grid().coefficients)?;
        let grid = Grid::new(device, [self.planes(), self.rows(), self.columns()], 1, star)?;
        Ok(Box::new(grid))
    }
}
