//! Two jobs that share a part: a cart under model predictive control, a tick at a time, and a field that is solved
//! whenever there is time.
//!
//! The cart (a double integrator, h = 0.1 s, force within ±1) follows a target that jumps to the other side every
//! [`JUMP`] ticks. The field is an implicit heat step, 24 × 24, solved by SSOR-preconditioned conjugate gradients in
//! steps. Whatever interrupts what, and wherever: both find the bits that they find alone ([`CART`], [`FIELD`]).

use core::hint::black_box;

use southwell::descent::box_qp::{
    Condensed, Model, Options, Plant, Prepared, Staged, Workspace, condense, condense_len, invert_condensed,
    shift, terminal_cost,
};
use southwell::linear::{Star, Stencil2d};
use southwell::relaxation::{self, Fixed, ssor_cg};
use southwell::{Error, Status, Stop, drive};

use crate::Fnv;
use crate::mpc::tick;

/// Stages of a prediction.
const STAGES: usize = 10;
const SQUARE: usize = STAGES * STAGES;
/// Ticks that the target stays where it is.
pub const JUMP: u32 = 16;
/// Ticks of the whole course.
pub const TICKS: u32 = 64;
/// The cart's course, as a host hashed it.
pub const CART: u64 = 0xaaf7_82e6_50ed_b2f9;
/// The fields' bits, as a host hashed them, and the steps of all solves.
pub const FIELD: (u64, u32) = (0x7a6a_0ad2_4af4_737e, 47);

/// The cart and its controller: everything of a fixed size, so that it fits into a static.
#[derive(Clone, Debug)]
pub struct Cart {
    hessian: [f32; SQUARE],
    inverse: [f32; SQUARE],
    /// What the linear term is made of: a row for each state.
    effects: [[f32; STAGES]; 2],
    storage: [f32; Prepared::<f32>::required_len(STAGES)],
    /// Position and speed.
    state: [f32; 2],
    inputs: [f32; STAGES],
    ticks: u32,
    course: Fnv,
}

impl Cart {
    /// The cart at rest, its controller prepared. Cost: once, a few thousand multiply–adds.
    ///
    /// # Errors
    /// None that this plant could meet.
    pub fn new() -> Result<Self, Error> {
        let (a, b) = ([1.0, 0.1, 0.0, 1.0], [0.005, 0.1]);
        let (q, r) = ([1.0, 0.0, 0.0, 0.1], [0.01]);
        let plant = Plant { states: 2, inputs: 1, a: &a, b: &b, q: &q, r: &r };
        let mut cart = Self {
            hessian: [0.0; SQUARE],
            inverse: [0.0; SQUARE],
            effects: [[0.0; STAGES]; 2],
            storage: [0.0; Prepared::<f32>::required_len(STAGES)],
            state: [0.0; 2],
            inputs: [0.0; STAGES],
            ticks: 0,
            course: Fnv::default(),
        };
        let (mut last, storage) = ([0.0; 4], &mut cart.storage);
        let stop = Stop { relative: 16.0 * f32::EPSILON, max_steps: 1000, ..Stop::default() };
        terminal_cost(&plant, &mut last, storage, &stop)?;
        let staged = Staged::new(plant, &last, STAGES)?;
        let none = [0.0; STAGES];
        for (i, effect) in cart.effects.iter_mut().enumerate() {
            let unit = [f32::from(u8::from(i == 0)), f32::from(u8::from(i == 1))];
            staged.evaluate(&unit, &none, false, effect, storage);
        }
        condense(&staged, &[0.0; 2], &mut cart.hessian, &mut [0.0; STAGES], storage)?;
        invert_condensed(&Condensed::new(&cart.hessian, STAGES)?, &mut cart.inverse, storage)?;
        Ok(cart)
    }

    /// Ticks so far.
    #[must_use]
    pub fn ticks(&self) -> u32 {
        self.ticks
    }

    /// A hash of every state and every input so far.
    #[must_use]
    pub fn course(&self) -> u64 {
        self.course.value()
    }

    /// One tick: a step of the controller, and the plant moves. Nothing once the course is done.
    ///
    /// # Errors
    /// None that this plant could meet.
    pub fn tick(&mut self) -> Result<(), Error> {
        if self.ticks >= TICKS {
            return Ok(());
        }
        let target = if (self.ticks / JUMP).is_multiple_of(2) { 1.5 } else { -1.5 };
        let away = [self.state[0] - target, self.state[1]];
        let mut linear = [0.0; STAGES];
        for (&x, effect) in away.iter().zip(&self.effects) {
            linear.iter_mut().zip(effect).for_each(|(f, &effect)| *f += effect * x);
        }
        let model = Prepared::compact(Condensed::new(&self.hessian, STAGES)?, &self.inverse)?;
        let bounds = [-1.0; STAGES];
        let upper = [1.0; STAGES];
        let mut workspace = Workspace::new(&model, &mut self.storage)?;
        tick(&model, &Options::default(), &linear, &bounds, &upper, &mut self.inputs, &mut workspace)?;
        let ([position, speed], [force, ..]) = (self.state, self.inputs);
        self.state = [(position + 0.1 * speed) + 0.005 * force, speed + 0.1 * force];
        self.course.reals(&self.state);
        self.course.reals(&self.inputs);
        shift(&mut self.inputs, 1);
        self.ticks = self.ticks.wrapping_add(1);
        Ok(())
    }
}

// What preparing borrows of the controller's own memory.
const _: () = assert!(condense_len(2, 1, STAGES) <= Prepared::<f32>::required_len(STAGES));

/// Points a side.
pub const SIDE: usize = 24;
const POINTS: usize = SIDE * SIDE;
/// Heat steps, a solve each.
const SOLVES: u32 = 4;
/// Numbers that [`field`] needs.
pub const REALS: usize = 2 * POINTS + ssor_cg::Workspace::<f32>::required_len(POINTS, 0);

/// Solves a few heat steps in memory of [`REALS`] numbers, which may be dirty: a hash of the fields, and all steps.
/// In pieces of `piece` steps, each handed to `between`, which must take it and may do something else before and after;
/// a piece of at least 10 000 steps is a whole solve.
///
/// # Errors
/// [`Error::Workspace`] if the memory is shorter.
pub fn field(
    memory: &mut [f32],
    piece: u32,
    between: &mut dyn FnMut(&mut dyn FnMut()),
) -> Result<(u64, u32), Error> {
    let given = memory.len();
    let short = Error::Workspace { needed: REALS, given };
    let (u, rest) = black_box(memory).split_at_mut_checked(POINTS).ok_or(short)?;
    let (rhs, work) = rest.split_at_mut_checked(POINTS).ok_or(short)?;
    for (i, u) in u.iter_mut().enumerate() {
        *u = f32::from(u8::from(i % 7 == 0));
    }
    let star = Star { centre: 81.0, west: -20.0, east: -20.0, south: -20.0, north: -20.0, ..Star::default() };
    let matrix = Stencil2d::constant(SIDE, SIDE, star)?;
    let (mut hash, mut steps) = (Fnv::default(), 0_u32);
    for _ in 0..SOLVES {
        rhs.iter_mut().zip(&*u).for_each(|(b, &u)| *b = u);
        let problem = relaxation::Problem::new(&matrix, rhs)?;
        let workspace = ssor_cg::Workspace::new(&problem, work)?;
        let options = ssor_cg::Options::default();
        let mut omega = Fixed(1.7);
        let mut run = ssor_cg::start(&problem, &options, &mut omega, u, workspace)?;
        let stop = Stop { max_steps: piece, ..options.stop };
        let mut status = Status::StepLimit;
        while status == Status::StepLimit && steps < 10_000 {
            between(&mut || {
                let report = drive(&mut run, &stop, &mut ());
                status = report.status;
                steps = steps.wrapping_add(report.steps);
            });
        }
        hash.reals(u);
    }
    Ok((hash.value(), steps))
}
