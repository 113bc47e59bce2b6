//! Methods on a device: each a program for a step, and one for a look.

use std::fmt::Debug;

use super::adapter::Device;
use super::error::Error;
use super::kernel::{Item, SCALARS, VECTOR, workgroups};
use super::operator::{Operator, Vector};

/// A method that solves A d = r for the r that it is given, from d = 0.
pub(super) trait Method: Debug {
    /// Takes another r, and begins with d = 0.
    fn restart(&mut self, device: &Device, r: &[f32]) -> Result<(), Error>;
    /// One step.
    fn step(&self) -> &[Item];
    /// Leaves partial sums of ‖r − A d‖² in [`sums`](Method::sums), and a flag behind them.
    fn look(&self) -> &[Item];
    /// The partial sums and the flag.
    fn sums(&self) -> (&wgpu::Buffer, usize);
    /// Another omega from the next submission on.
    fn set_omega(&mut self, device: &Device, omega: f32) -> Result<(), Error>;
    /// d as it is.
    fn correction(&self, device: &Device) -> Result<Vec<f32>, Error>;
    /// Whether a step depends on d alone, so that nothing is lost by a restart.
    fn is_stationary(&self) -> bool;
    /// Colours of a sweep.
    fn colours(&self) -> usize;
}

/// Directions of the sweeps of a step; false is forward.
pub(super) type Directions<'a> = &'a [bool];

fn omega_buffer(device: &Device, omega: f32) -> Result<wgpu::Buffer, Error> {
    device.uniform(&[omega.to_bits(), 0, 0, 0])
}

/// Sweeps: SOR and SSOR.
#[derive(Debug)]
pub(super) struct Sweeps {
    operator: Box<dyn Operator>,
    b: Vector,
    x: Vector,
    omega: wgpu::Buffer,
    sums: wgpu::Buffer,
    step: Vec<Item>,
    look: Vec<Item>,
}

impl Sweeps {
    pub(super) fn new(
        device: &Device,
        operator: Box<dyn Operator>,
        directions: Directions<'_>,
        omega: f32,
    ) -> Result<Self, Error> {
        let (b, x) = (operator.vector(device)?, operator.vector(device)?);
        let omega = omega_buffer(device, omega)?;
        let sums = device.array("partial sums", operator.groups() + 1)?;
        let mut step = Vec::new();
        for &reversed in directions {
            step.extend(operator.sweep(device, &b, &x, &omega, reversed)?);
        }
        let look = operator.residual(device, &b, &x, &sums)?;
        Ok(Self { operator, b, x, omega, sums, step, look })
    }
}

fn clear(vector: &Vector) -> impl Iterator<Item = Item> + '_ {
    vector.0.iter().cloned().map(Item::Clear)
}

impl Method for Sweeps {
    fn restart(&mut self, device: &Device, r: &[f32]) -> Result<(), Error> {
        self.operator.write(device, &self.b, r)?;
        device.run(&clear(&self.x).collect::<Vec<_>>())
    }
    fn step(&self) -> &[Item] {
        &self.step
    }
    fn look(&self) -> &[Item] {
        &self.look
    }
    fn sums(&self) -> (&wgpu::Buffer, usize) {
        (&self.sums, self.operator.groups())
    }
    fn set_omega(&mut self, device: &Device, omega: f32) -> Result<(), Error> {
        device.upload(&self.omega, 0, &[omega])
    }
    fn correction(&self, device: &Device) -> Result<Vec<f32>, Error> {
        self.operator.read(device, &self.x)
    }
    fn is_stationary(&self) -> bool {
        true
    }
    fn colours(&self) -> usize {
        self.operator.colours()
    }
}

/// Conjugate gradients, plain or preconditioned by a symmetric sweep from zero (SSOR):
///
/// ```text
/// q = A p,  α = ρ/pᵀq,  d ← d + α p,  r ← r − α q,  z = M⁻¹ r,  β = rᵀz/ρ,  p ← z + β p
/// ```
/// α and β are computed on the device, so no step waits for the host.
#[derive(Debug)]
pub(super) struct Conjugate {
    operator: Box<dyn Operator>,
    d: Vector,
    r: Vector,
    omega: wgpu::Buffer,
    sums: wgpu::Buffer,
    groups: usize,
    begin: Vec<Item>,
    step: Vec<Item>,
    look: Vec<Item>,
    preconditioned: bool,
}

/// Partial sums of a scalar product at most, for each part of a vector.
const GROUPS: usize = 1024;

/// The passes over vectors, with what they share.
struct Passes<'a> {
    device: &'a Device,
    /// Parameters and workgroups of each part.
    spans: Vec<(wgpu::Buffer, u32, u32)>,
    sums: wgpu::Buffer,
    scalars: wgpu::Buffer,
    count: wgpu::Buffer,
    groups: usize,
}

impl<'a> Passes<'a> {
    fn new(device: &'a Device, operator: &dyn Operator) -> Result<Self, Error> {
        let (mut spans, mut base) = (Vec::new(), 0);
        for (start, len) in operator.spans() {
            let groups = workgroups(len, 256, GROUPS);
            let parameters = device.uniform(&[start as u32, len as u32, base, 0])?;
            spans.push((parameters, groups, workgroups(len, 256, usize::MAX)));
            base += groups;
        }
        Ok(Self {
            device,
            spans,
            sums: device.array("partial sums", base as usize + 1)?,
            scalars: device.array("scalars", 4)?,
            count: device.uniform(&[base, 0, 0, 0])?,
            groups: base as usize,
        })
    }

    fn sum(&self, entry: &'static str, p: &Vector, q: Option<&Vector>) -> Result<Vec<Item>, Error> {
        let items = self.spans.iter().enumerate().map(|(k, (span, groups, _))| {
            let mut buffers = vec![(0, span), (1, &p.0[k]), (6, &self.sums)];
            buffers.extend(q.map(|q| (2, &q.0[k])));
            self.device.dispatch(VECTOR, entry, &buffers, [*groups, 1, 1])
        });
        items.collect()
    }

    /// pᵀq into what `then` makes of it.
    fn dot(&self, p: &Vector, q: Option<&Vector>, then: &'static str) -> Result<Vec<Item>, Error> {
        let mut program = self.sum(if q.is_some() { "dot" } else { "square" }, p, q)?;
        let buffers = [(0, &self.sums), (1, &self.scalars), (2, &self.count)];
        program.push(self.device.dispatch(SCALARS, then, &buffers, [1, 1, 1])?);
        Ok(program)
    }

    /// d ← d + α p, r ← r − α q
    fn advance(&self, [p, q, d, r]: [&Vector; 4]) -> Result<Vec<Item>, Error> {
        let items = self.spans.iter().enumerate().map(|(k, (span, _, groups))| {
            let vectors = [(1, &p.0[k]), (2, &q.0[k]), (3, &d.0[k]), (4, &r.0[k])];
            let mut buffers = vec![(0, span), (5, &self.scalars)];
            buffers.extend(vectors);
            self.device.dispatch(VECTOR, "advance", &buffers, [*groups, 1, 1])
        });
        items.collect()
    }

    /// p ← z + β p
    fn direct(&self, z: &Vector, p: &Vector) -> Result<Vec<Item>, Error> {
        let items = self.spans.iter().enumerate().map(|(k, (span, _, groups))| {
            let buffers = [(0, span), (1, &z.0[k]), (4, &p.0[k]), (5, &self.scalars)];
            self.device.dispatch(VECTOR, "direct", &buffers, [*groups, 1, 1])
        });
        items.collect()
    }
}

/// p ← z
fn copies<'a>(operator: &dyn Operator, z: &'a Vector, p: &'a Vector) -> Vec<Item> {
    let parts = operator.spans().into_iter().zip(z.0.iter().zip(&p.0));
    let copy = |((at, len), (z, p)): (_, (&wgpu::Buffer, &wgpu::Buffer))| Item::Copy {
        from: z.clone(),
        at,
        to: p.clone(),
        onto: at,
        len,
    };
    parts.map(copy).collect()
}

impl Conjugate {
    /// Plain for `omega` = `None`.
    pub(super) fn new(
        device: &Device,
        operator: Box<dyn Operator>,
        omega: Option<f32>,
    ) -> Result<Self, Error> {
        let vector = || operator.vector(device);
        let (d, r, p, q) = (vector()?, vector()?, vector()?, vector()?);
        let z = if omega.is_some() { Some(vector()?) } else { None };
        let knob = omega_buffer(device, omega.unwrap_or(1.0))?;
        let passes = Passes::new(device, &*operator)?;
        let (mut begin, mut step) = (clear(&d).collect::<Vec<_>>(), operator.apply(device, &p, &q)?);
        step.extend(passes.dot(&p, Some(&q), "alpha")?);
        step.extend(passes.advance([&p, &q, &d, &r])?);
        let preconditioned = z.is_some();
        match &z {
            Some(z) => {
                let mut solve = clear(z).collect::<Vec<_>>();
                for reversed in [false, true] {
                    solve.extend(operator.sweep(device, &r, z, &knob, reversed)?);
                }
                begin.extend(solve.iter().cloned());
                begin.extend(passes.dot(&r, Some(z), "begin")?);
                begin.extend(copies(&*operator, z, &p));
                step.extend(solve);
                step.extend(passes.dot(&r, Some(z), "beta")?);
                step.extend(passes.direct(z, &p)?);
            }
            None => {
                begin.extend(passes.dot(&r, None, "begin")?);
                begin.extend(copies(&*operator, &r, &p));
                step.extend(passes.dot(&r, None, "beta")?);
                step.extend(passes.direct(&r, &p)?);
            }
        }
        let mut look = passes.sum("square", &r, None)?;
        let (groups, sums) = (passes.groups, passes.sums.clone());
        // The flag is the last of the four scalars.
        let (from, to) = (passes.scalars.clone(), sums.clone());
        look.push(Item::Copy { from, at: 3, to, onto: groups, len: 1 });
        Ok(Self { operator, d, r, omega: knob, sums, groups, begin, step, look, preconditioned })
    }
}

impl Method for Conjugate {
    fn restart(&mut self, device: &Device, r: &[f32]) -> Result<(), Error> {
        self.operator.write(device, &self.r, r)?;
        device.run(&self.begin)
    }
    fn step(&self) -> &[Item] {
        &self.step
    }
    fn look(&self) -> &[Item] {
        &self.look
    }
    fn sums(&self) -> (&wgpu::Buffer, usize) {
        (&self.sums, self.groups)
    }
    fn set_omega(&mut self, device: &Device, omega: f32) -> Result<(), Error> {
        device.upload(&self.omega, 0, &[omega])
    }
    fn correction(&self, device: &Device) -> Result<Vec<f32>, Error> {
        self.operator.read(device, &self.d)
    }
    fn is_stationary(&self) -> bool {
        false
    }
    fn colours(&self) -> usize {
        if self.preconditioned { self.operator.colours() } else { 1 }
    }
}
