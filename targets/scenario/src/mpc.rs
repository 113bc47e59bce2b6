//! Model predictive control: a cart and a quadrotor come to rest, a quadratic program in a box at every step.
//!
//! The cart is a double integrator, h = 0.1 s, force within ±1. The quadrotor is linearised about hovering, h = 0.05 s:
//! position, small angles, velocity, rates; four propellers within ±ū of what hovering takes. Its cost and its numbers
//! follow the 20 Hz hovering example of TinyMPC (Nguyen et al. 2024), simplified. The cost of the last state is that of
//! an endless horizon. Every case begins cold and goes on warm: the inputs of the step before, shifted by a stage.

use core::hint::black_box;

use southwell::descent::box_qp::{
    Condensed, Model, Options, Plant, Prepared, Problem, Staged, Workspace, condense, condense_len,
    invert_condensed, shift, solve, terminal_cost, terminal_len,
};
use southwell::{Error, Real, Stop};

use crate::Fnv;
use crate::methods::Outcome;

/// Solves for a state and writes the inputs; the steps that it took.
type Controller<'c, T> = &'c mut dyn FnMut(&[T], &mut [T]) -> Result<u32, Error>;

/// Steps of a loop, the cold one included.
pub const STEPS: usize = 8;

/// What is controlled, from where, and how hard it may be pushed.
struct Case {
    name: &'static str,
    quadrotor: bool,
    /// Condensed, with the inverse made beforehand, in place of stages.
    prepared: bool,
    horizon: usize,
    start: &'static [(usize, f64)],
    bound: f64,
}

const CART_10: Case = Case {
    name: "cart, 10 stages",
    quadrotor: false,
    prepared: false,
    horizon: 10,
    start: &[(0, 0.3), (1, 0.1)],
    bound: 1.0,
};
const CART_20: Case = Case { name: "cart, 20 stages", horizon: 20, start: &[(0, 2.0)], ..CART_10 };
const NEAR: Case = Case {
    name: "quadrotor, near",
    quadrotor: true,
    start: &[(0, 0.3), (1, -0.2), (2, 0.2)],
    bound: 0.1,
    ..CART_10
};
const FAR: Case =
    Case { name: "quadrotor, far", start: &[(0, 1.0), (1, -0.7), (2, 0.5), (5, 0.3)], bound: 0.3, ..NEAR };
const CASES: [Case; 8] = [
    CART_10,
    CART_20,
    NEAR,
    FAR,
    Case { name: "cart, 10 stages, prepared", prepared: true, ..CART_10 },
    Case { name: "cart, 20 stages, prepared", prepared: true, ..CART_20 },
    Case { name: "quadrotor, near, prepared", prepared: true, ..NEAR },
    Case { name: "quadrotor, far, prepared", prepared: true, ..FAR },
];
/// Cases that [`run`] goes through.
pub const COUNT: usize = CASES.len();

/// States and inputs.
const CART: (usize, usize) = (2, 1);
const QUADROTOR: (usize, usize) = (12, 4);

/// Numbers of a case besides what the solver needs: A, B, Q, R, P; state, state behind, inputs, two bounds.
const fn reals((n, m): (usize, usize), horizon: usize) -> usize {
    3 * n * n + n * m + m * m + 2 * n + 3 * m * horizon
}

/// Numbers of H, H⁻¹, f, what f is made of, and the workspace.
const fn prepared_len((n, m): (usize, usize), horizon: usize) -> usize {
    let variables = m * horizon;
    2 * variables * variables + variables + n * variables + Prepared::<f32>::required_len(variables)
}

/// Numbers that a run needs.
pub const REALS: usize = reals(QUADROTOR, 10) + prepared_len(QUADROTOR, 10);
const _: () = assert!(prepared_len(QUADROTOR, 10) > Staged::<f32>::required_len(12, 4, 10));
const _: () = assert!(reals(CART, 20) + prepared_len(CART, 20) < REALS);
// What is borrowed of the workspace before it is one.
const _: () = assert!(condense_len(12, 4, 10) + 40 + 12 < Prepared::<f32>::required_len(40) + 40 * 40);
const _: () = assert!(terminal_len(12, 4) < Staged::<f32>::required_len(12, 4, 10));

const H: f64 = 0.05;
const G: f64 = 9.81;
const THRUST: f64 = 0.14715;
const LIFT: f64 = THRUST / 0.035;
const TILT: f64 = 0.0325 * THRUST / 1.66e-5;
const TURN: f64 = 0.006 * THRUST / 2.93e-5;

/// Entries of the quadrotor's A that are not on its diagonal of ones, by row and column.
const DYNAMICS: [(usize, usize, f64); 14] = [
    (0, 6, H),
    (1, 7, H),
    (2, 8, H),
    (3, 9, H),
    (4, 10, H),
    (5, 11, H),
    (6, 4, G * H),
    (7, 3, -G * H),
    (0, 4, G * H * H / 2.0),
    (1, 3, -G * H * H / 2.0),
    (6, 10, G * H * H / 2.0),
    (7, 9, -G * H * H / 2.0),
    (0, 10, G * H * H * H / 6.0),
    (1, 9, -G * H * H * H / 6.0),
];

/// What a propeller does to a state, and the signs of the four.
const EFFECTS: [(usize, f64, [f64; 4]); 12] = [
    (2, H * H / 2.0 * LIFT, [1.0; 4]),
    (8, H * LIFT, [1.0; 4]),
    (9, H * TILT, [-1.0, -1.0, 1.0, 1.0]),
    (3, H * H / 2.0 * TILT, [-1.0, -1.0, 1.0, 1.0]),
    (7, -G * H * H * H / 6.0 * TILT, [-1.0, -1.0, 1.0, 1.0]),
    (1, -G * H * H * H * H / 24.0 * TILT, [-1.0, -1.0, 1.0, 1.0]),
    (10, H * TILT, [-1.0, 1.0, 1.0, -1.0]),
    (4, H * H / 2.0 * TILT, [-1.0, 1.0, 1.0, -1.0]),
    (6, G * H * H * H / 6.0 * TILT, [-1.0, 1.0, 1.0, -1.0]),
    (0, G * H * H * H * H / 24.0 * TILT, [-1.0, 1.0, 1.0, -1.0]),
    (11, H * TURN, [-1.0, 1.0, -1.0, 1.0]),
    (5, H * H / 2.0 * TURN, [-1.0, 1.0, -1.0, 1.0]),
];
const COSTS: [f64; 12] = [100.0, 100.0, 100.0, 1.0, 1.0, 100.0, 4.0, 4.0, 4.0, 0.5, 0.5, 1.0];

/// Arrays of a plant, cut from the memory.
struct Arrays<'m, T> {
    a: &'m mut [T],
    b: &'m mut [T],
    q: &'m mut [T],
    r: &'m mut [T],
    p: &'m mut [T],
}

fn set<T: Real>(matrix: &mut [T], at: usize, value: f64) {
    if let Some(entry) = matrix.get_mut(at) {
        *entry = T::from_f64(value);
    }
}

fn diagonal<T: Real>(matrix: &mut [T], n: usize, values: impl Iterator<Item = f64>) {
    matrix.fill(T::ZERO);
    matrix.iter_mut().step_by(n.wrapping_add(1)).zip(values).for_each(|(d, value)| *d = T::from_f64(value));
}

fn cart<T: Real>(arrays: &mut Arrays<'_, T>) {
    diagonal(arrays.a, 2, [1.0, 1.0].into_iter());
    set(arrays.a, 1, 0.1);
    set(arrays.b, 0, 0.005);
    set(arrays.b, 1, 0.1);
    diagonal(arrays.q, 2, [1.0, 0.1].into_iter());
    set(arrays.r, 0, 0.01);
}

fn quadrotor<T: Real>(arrays: &mut Arrays<'_, T>) {
    diagonal(arrays.a, 12, [1.0; 12].into_iter());
    for (row, column, value) in DYNAMICS {
        set(arrays.a, row.wrapping_mul(12).wrapping_add(column), value);
    }
    arrays.b.fill(T::ZERO);
    for (row, effect, signs) in EFFECTS {
        for (propeller, sign) in signs.into_iter().enumerate() {
            set(arrays.b, row.wrapping_mul(4).wrapping_add(propeller), effect * sign);
        }
    }
    diagonal(arrays.q, 12, COSTS.into_iter());
    diagonal(arrays.r, 4, [4.0; 4].into_iter());
}

/// Something that watches one step: which one of its case, and the step itself.
pub type Watch<'w> = &'w mut dyn FnMut(usize, &mut dyn FnMut());
/// Something that is shown every step: the name of its case, the state, and the inputs found for it.
pub type Show<'s, T> = &'s mut dyn FnMut(&str, &[T], &[T]);

/// Runs every case in memory of [`REALS`] numbers, which may be dirty. Every solve is handed to `watch`, which must
/// call it; what a case found, first the cold step and then the warm ones, to `found`.
pub fn run<T: Real>(memory: &mut [T], watch: Watch<'_>, found: &mut dyn FnMut(Outcome)) {
    run_shown(memory, watch, &mut |_, _, _| (), found);
}

/// The same, and shows every step.
pub fn run_shown<T: Real>(
    memory: &mut [T],
    watch: Watch<'_>,
    show: Show<'_, T>,
    found: &mut dyn FnMut(Outcome),
) {
    for case in &CASES {
        let memory = black_box(&mut *memory);
        let (steps, answer) = control(case, memory, watch, show).unwrap_or((u32::MAX, 0));
        found(Outcome { name: case.name, steps, answer });
    }
}

/// Cuts the next elements off.
fn take<'m, T>(rest: &mut &'m mut [T], n: usize) -> Result<&'m mut [T], Error> {
    let given = rest.len();
    let (piece, tail) =
        core::mem::take(rest).split_at_mut_checked(n).ok_or(Error::Workspace { needed: n, given })?;
    *rest = tail;
    Ok(piece)
}

/// One case: steps of all its solves, and a hash of inputs and states.
// Not inlined: the frames of the two plants need not add up.
#[inline(never)]
fn control<T: Real>(
    case: &Case,
    memory: &mut [T],
    watch: Watch<'_>,
    show: Show<'_, T>,
) -> Result<(u32, u64), Error> {
    let (n, m) = black_box(if case.quadrotor { QUADROTOR } else { CART });
    let variables = m.wrapping_mul(case.horizon);
    let mut rest = memory;
    let mut arrays = Arrays {
        a: take(&mut rest, n.wrapping_mul(n))?,
        b: take(&mut rest, n.wrapping_mul(m))?,
        q: take(&mut rest, n.wrapping_mul(n))?,
        r: take(&mut rest, m.wrapping_mul(m))?,
        p: take(&mut rest, n.wrapping_mul(n))?,
    };
    let (state, behind) = (take(&mut rest, n)?, take(&mut rest, n)?);
    let (u, lower, upper) =
        (take(&mut rest, variables)?, take(&mut rest, variables)?, take(&mut rest, variables)?);
    if case.quadrotor {
        quadrotor(&mut arrays)
    } else {
        cart(&mut arrays)
    }
    let Arrays { a, b, q, r, p } = arrays;
    let plant = Plant { states: n, inputs: m, a, b, q, r };
    let stop = Stop { relative: T::from_u32(16) * T::EPSILON, max_steps: 1000, ..Stop::default() };
    terminal_cost(&plant, p, rest, &stop)?;
    let model = Staged::new(plant, p, case.horizon)?;
    lower.fill(T::from_f64(-case.bound));
    upper.fill(T::from_f64(case.bound));
    u.fill(T::ZERO);
    state.fill(T::ZERO);
    case.start.iter().for_each(|&(at, value)| set(state, at, value));
    let (mut steps, mut hash) = (0_u32, Fnv::default());
    let mut control = |solve: Controller<'_, T>| {
        for step in 0..STEPS {
            let mut taken = Err(Error::TooLarge { argument: "" });
            watch(step, &mut || taken = solve(state, u));
            steps = steps.saturating_add(taken?);
            show(case.name, state, u);
            hash.reals(u);
            // The plant moves as the model says.
            for (i, next) in behind.iter_mut().enumerate() {
                let (a, b) = (plant.a.get(i.wrapping_mul(n)..), plant.b.get(i.wrapping_mul(m)..));
                let states = a.unwrap_or(&[]).iter().zip(&*state).fold(T::ZERO, |sum, (&a, &x)| sum + a * x);
                let inputs = b.unwrap_or(&[]).iter().zip(u.iter().take(m));
                *next = inputs.fold(states, |sum, (&b, &u)| sum + b * u);
            }
            state.iter_mut().zip(&*behind).for_each(|(x, &next)| *x = next);
            hash.reals(state);
            shift(u, m);
        }
        Ok(())
    };
    if case.prepared {
        prepared(&model, (n, variables), lower, upper, rest, &mut control)?;
    } else {
        let (options, mut workspace) = (Options::default(), Workspace::new(&model, rest)?);
        control(&mut |state, u| tick(&model, &options, state, lower, upper, u, &mut workspace))?;
    }
    Ok((steps, hash.value()))
}

/// Goes through the steps, each of which is handed a state and the inputs to begin with.
type Control<'c, T> =
    &'c mut dyn FnMut(&mut dyn FnMut(&[T], &mut [T]) -> Result<u32, Error>) -> Result<(), Error>;

/// Control by the condensed model with its inverse, all made beforehand.
#[inline(never)]
fn prepared<T: Real>(
    staged: &Staged<'_, T>,
    (n, variables): (usize, usize),
    lower: &[T],
    upper: &[T],
    mut rest: &mut [T],
    control: Control<'_, T>,
) -> Result<(), Error> {
    let square = variables.wrapping_mul(variables);
    let (h, linear) = (take(&mut rest, square)?, take(&mut rest, variables)?);
    let effects = take(&mut rest, variables.wrapping_mul(n))?;
    // f of every unit state: a column of what f is made of, kept as a row.
    let (still, work) = rest.split_at_mut_checked(n).ok_or(Error::Workspace { needed: n, given: 0 })?;
    let effect = |i: usize| i.wrapping_mul(variables)..i.wrapping_add(1).wrapping_mul(variables);
    for i in 0..n {
        still.fill(T::ZERO);
        set(still, i, 1.0);
        linear.fill(T::ZERO);
        staged.evaluate(still, linear, false, effects.get_mut(effect(i)).unwrap_or(&mut []), work);
    }
    still.fill(T::ZERO);
    condense(staged, still, h, linear, work)?;
    let (inverse, rest) =
        rest.split_at_mut_checked(square).ok_or(Error::Workspace { needed: square, given: 0 })?;
    let condensed = Condensed::new(h, variables)?;
    invert_condensed(&condensed, inverse, rest)?;
    let model = Prepared::new(condensed, inverse)?;
    let mut workspace = Workspace::new(&model, rest)?;
    let options = Options::default();
    control(&mut |state, u| {
        linear.fill(T::ZERO);
        for (i, &x) in state.iter().enumerate() {
            let effect = effects.get(effect(i)).unwrap_or(&[]);
            linear.iter_mut().zip(effect).for_each(|(f, &effect)| *f += effect * x);
        }
        tick(&model, &options, linear, lower, upper, u, &mut workspace)
    })
}

/// One control step: what a part does at every tick. Steps of the solver; `u32::MAX` if it did not converge.
// Not inlined, so that its size can be seen.
#[inline(never)]
pub(crate) fn tick<T: Real, M: Model<T>>(
    model: &M,
    options: &Options<T>,
    data: &[T],
    lower: &[T],
    upper: &[T],
    u: &mut [T],
    workspace: &mut Workspace<'_, T, M>,
) -> Result<u32, Error> {
    let problem = Problem::new(model, data, lower, upper)?;
    let solved = solve(&problem, options, u, workspace, &mut ())?;
    Ok(if solved.report.converged() { solved.report.steps } else { u32::MAX })
}
