//! The double integrator and the quadrotor, in `f64`, by plain loops.

use southwell::descent::box_qp::{Plant, Staged, terminal_cost, terminal_len};
use southwell::{Real, Stop};

/// A plant in one type, with the cost of the last state.
#[derive(Clone, Debug)]
pub(crate) struct Made<T> {
    pub(crate) states: usize,
    pub(crate) inputs: usize,
    pub(crate) a: Vec<T>,
    pub(crate) b: Vec<T>,
    pub(crate) q: Vec<T>,
    pub(crate) r: Vec<T>,
    pub(crate) p: Vec<T>,
}

impl<T: Real> Made<T> {
    pub(crate) fn plant(&self) -> Plant<'_, T> {
        let Self { states, inputs, a, b, q, r, .. } = self;
        Plant { states: *states, inputs: *inputs, a, b, q, r }
    }
    pub(crate) fn staged(&self, horizon: usize) -> Staged<'_, T> {
        Staged::new(self.plant(), &self.p, horizon).expect("a sound plant")
    }
    /// A x + B u.
    pub(crate) fn next(&self, x: &[T], u: &[T]) -> Vec<T> {
        (0..self.states)
            .map(|i| {
                let states = (0..self.states).fold(T::ZERO, |s, j| s + self.a[i * self.states + j] * x[j]);
                (0..self.inputs).fold(states, |s, j| s + self.b[i * self.inputs + j] * u[j])
            })
            .collect()
    }
    pub(crate) fn to<U: Real>(&self) -> Made<U> {
        let to = |x: &[T]| x.iter().map(|x| U::from_f64(x.to_f64())).collect();
        let Self { states, inputs, a, b, q, r, p } = self;
        Made { states: *states, inputs: *inputs, a: to(a), b: to(b), q: to(q), r: to(r), p: to(p) }
    }
}

/// The diagonal matrix.
fn diagonal(d: &[f64]) -> Vec<f64> {
    let n = d.len();
    let mut a = vec![0.0; n * n];
    (0..n).for_each(|i| a[i * n + i] = d[i]);
    a
}

fn with_terminal(mut made: Made<f64>) -> Made<f64> {
    let (n, m) = (made.states, made.inputs);
    let mut p = vec![0.0; n * n];
    let mut storage = vec![f64::NAN; terminal_len(n, m)];
    let stop = Stop { absolute: 0.0, relative: 1e-14, max_steps: 10_000, check_every: 1 };
    let report = terminal_cost(&made.plant(), &mut p, &mut storage, &stop).expect("a sound plant");
    assert!(report.converged(), "{report:?}");
    made.p = p;
    made
}

/// A double integrator, h = 0.1.
pub(crate) fn double_integrator() -> Made<f64> {
    let h = 0.1;
    with_terminal(Made {
        states: 2,
        inputs: 1,
        a: vec![1.0, h, 0.0, 1.0],
        b: vec![h * h / 2.0, h],
        q: diagonal(&[1.0, 0.1]),
        r: vec![0.01],
        p: Vec::new(),
    })
}

/// A quadrotor about hovering: position, small angles, velocity, rates; four propellers.
pub(crate) fn quadrotor() -> Made<f64> {
    let (g, mass, inertia, arm, thrust, h) =
        (9.81, 0.035, [1.66e-5, 1.66e-5, 2.93e-5], 0.0325, 0.14715, 0.05);
    let torque = 0.006 * thrust;
    let (n, m) = (12, 4);
    let (mut ac, mut bc) = (vec![0.0; n * n], vec![0.0; n * m]);
    for i in 0..3 {
        ac[i * n + 6 + i] = 1.0;
        ac[(3 + i) * n + 9 + i] = 1.0;
    }
    ac[6 * n + 4] = g;
    ac[7 * n + 3] = -g;
    let signs = [[-1.0, -1.0, 1.0, 1.0], [-1.0, 1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]];
    for j in 0..m {
        bc[8 * m + j] = thrust / mass;
        for (axis, force) in [arm * thrust, arm * thrust, torque].into_iter().enumerate() {
            bc[(9 + axis) * m + j] = force / inertia[axis] * signs[axis][j];
        }
    }
    // Σ_{k≤4} (A_c h)^k/k! and Σ_{k≤4} A_c^k h^{k+1}/(k+1)! · B_c.
    let (mut a, mut integral) = (diagonal(&[0.0; 12]), diagonal(&[0.0; 12]));
    let (mut power, mut factor) = (diagonal(&[1.0; 12]), 1.0);
    for k in 0..5 {
        for (i, &power) in power.iter().enumerate() {
            a[i] += power * factor;
            integral[i] += power * factor * h / f64::from(k + 1);
        }
        power = product(&power, &ac, n);
        factor *= h / f64::from(k + 1);
    }
    let b = product(&integral, &bc, m);
    let q = diagonal(&[100.0, 100.0, 100.0, 1.0, 1.0, 100.0, 4.0, 4.0, 4.0, 0.5, 0.5, 1.0]);
    with_terminal(Made { states: n, inputs: m, a, b, q, r: diagonal(&[4.0; 4]), p: Vec::new() })
}

/// A B, B with so many columns.
fn product(a: &[f64], b: &[f64], columns: usize) -> Vec<f64> {
    let inner = b.len() / columns;
    let mut c = vec![0.0; a.len() / inner * columns];
    for (c, a) in c.chunks_mut(columns).zip(a.chunks(inner)) {
        for (&a, b) in a.iter().zip(b.chunks(columns)) {
            c.iter_mut().zip(b).for_each(|(c, b)| *c += a * b);
        }
    }
    c
}
