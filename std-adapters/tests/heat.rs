//! The heat experiment's reference totals (dt = 1e-3, tolerance 1e-8·‖b‖, warm starts).

use southwell::Stop;
use southwell::relaxation::{Fixed, Problem, cg, ssor_cg};
use southwell_std::heat::Heat;

/// Iterations over `steps` steps, and the sum and norm of the last state.
fn total(grid: usize, steps: u32, omega: Option<f64>) -> (u32, f64, f64) {
    let mut heat = Heat::new(grid).expect("a valid grid");
    let mut storage = vec![f64::NAN; 6 * heat.unknowns()];
    let options = cg::Options { stop: Stop::relative(1e-8), ..cg::Options::default() };
    let mut total = 0;
    for _ in 0..steps {
        let matrix = heat.matrix().expect("a valid matrix");
        let problem = Problem::new(&matrix, heat.rhs()).expect("a valid problem");
        let mut x = heat.state().to_vec();
        let report = match omega {
            None => {
                let work = cg::Workspace::new(&problem, &mut storage).expect("long enough");
                cg::solve(&problem, &options, &mut x, work, &mut ())
            }
            Some(omega) => {
                let work = ssor_cg::Workspace::new(&problem, &mut storage).expect("long enough");
                ssor_cg::solve(&problem, &options, &mut Fixed(omega), &mut x, work, &mut ())
            }
        };
        let report = report.expect("a valid start");
        assert!(report.converged());
        total += report.steps;
        heat.advance(&x);
    }
    let square: f64 = heat.state().iter().map(|u| u * u).sum();
    (total, heat.state().iter().sum(), square.sqrt())
}

#[test]
fn totals_of_a_thousand_steps_are_the_reference_figures() {
    let (cg, sum, norm) = total(25, 1000, None);
    assert!(
        (sum / 15.515_735_3 - 1.0).abs() < 1e-8 && (norm / 1.200_833_36 - 1.0).abs() < 1e-8,
        "{sum} {norm}"
    );
    let (one, best) = (total(25, 1000, Some(1.0)).0, total(25, 1000, Some(1.4)).0);
    for (given, expected) in [(cg, 17038.0), (one, 6525.0), (best, 5849.0)] {
        assert!((f64::from(given) / expected - 1.0).abs() <= 1e-3, "{given} {expected}");
    }
}
