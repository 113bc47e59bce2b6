//! A cart with a weak motor is brought to rest, a quadratic program in a box at every step.
//!
//! `cargo run --example mpc`

use southwell::Stop;
use southwell::descent::box_qp::{
    self, Options, Plant, Problem, Staged, Workspace, shift, terminal_cost, terminal_len,
};

const STAGES: usize = 20;
const FORCE: f64 = 1.0;

fn main() -> Result<(), southwell::Error> {
    // Position and velocity, sampled every 0.1 s; the force acts on the velocity.
    let plant = Plant {
        states: 2,
        inputs: 1,
        a: &[1.0, 0.1, 0.0, 1.0],
        b: &[0.005, 0.1],
        q: &[1.0, 0.0, 0.0, 0.1],
        r: &[0.01],
    };
    // Once: what happens behind the horizon costs as much as without bounds.
    let mut p = [0.0; 4];
    let mut scratch = [0.0; terminal_len(2, 1)];
    let report = terminal_cost(&plant, &mut p, &mut scratch, &Stop::relative(1e-12))?;
    println!("the cost behind the horizon, after {} steps: {p:.4?}", report.steps);

    let model = Staged::new(plant, &p, STAGES)?;
    let mut storage = [0.0; Staged::<f64>::required_len(2, 1, STAGES)];
    let mut workspace = Workspace::new(&model, &mut storage)?;
    let (lower, upper) = ([-FORCE; STAGES], [FORCE; STAGES]);
    let (mut x, mut u) = ([2.0, 0.0], [0.0; STAGES]);
    println!("\n   t  position  velocity   force  steps  at bounds  found by");
    for step in 0..50 {
        let problem = Problem::new(&model, &x, &lower, &upper)?;
        let found = box_qp::solve(&problem, &Options::default(), &mut u, &mut workspace, &mut ())?;
        assert!(found.report.converged());
        if step % 5 == 0 || found.report.steps > 2 {
            let (t, steps, bounds) =
                (0.1 * f64::from(step), found.report.steps, found.at_lower + found.at_upper);
            let method = found.method;
            println!("{t:4.1} {:9.4} {:9.4} {:7.3} {steps:6} {bounds:10}  {method:?}", x[0], x[1], u[0]);
        }
        // Only the first input is used; the others, moved a stage forward, are where the next step begins.
        x = [x[0] + 0.1 * x[1] + 0.005 * u[0], x[1] + 0.1 * u[0]];
        shift(&mut u, 1);
    }
    assert!(x[0].abs() < 0.05 && x[1].abs() < 0.1, "the cart is nearly at rest");
    Ok(())
}
