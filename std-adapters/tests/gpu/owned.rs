//! Problems that own their memory: on a device, and on the CPU where it fails.

use std::ops::ControlFlow;

use southwell::relaxation::Fixed;
use southwell::transport::Ground;
use southwell::{Status, Stop};
use southwell_std::files::{DenseMatrix, SparseMatrix};
use southwell_std::gpu::owned::{Opened, couple, descend, relax};
use southwell_std::gpu::relaxation::Settings;
use southwell_std::gpu::{Choice, Device, Error};
use southwell_std::owned::descent::{Descent, Kink, Options, Smooth};
use southwell_std::owned::{
    Costs, Coupler, Coupling, Method, Precision, Solution, Solving, System, Transport,
};

use super::descent::gram;
use super::{Draw, device};

const METHODS: [Method; 6] =
    [Method::Sor, Method::Ssor, Method::SsorCg, Method::Cg, Method::RedBlack, Method::Multicolour];

/// The five-point matrix of a square grid as a sparse one.
fn system(side: usize) -> System {
    let mut matrix = SparseMatrix {
        rows: side * side,
        columns: side * side,
        row_offsets: vec![0],
        ..SparseMatrix::default()
    };
    for k in 0..side * side {
        let (i, j) = (k / side, k % side);
        let neighbours = [
            (i > 0, k.wrapping_sub(side), -1.0),
            (j > 0, k.wrapping_sub(1), -1.0),
            (true, k, 4.0),
            (j + 1 < side, k + 1, -1.0),
            (i + 1 < side, k + side, -1.0),
        ];
        for (_, column, value) in neighbours.into_iter().filter(|(there, ..)| *there) {
            matrix.column_indices.push(column as u32);
            matrix.values.push(value);
        }
        matrix.row_offsets.push(matrix.values.len() as u32);
    }
    System::new(matrix, vec![1.0; side * side]).expect("a system")
}

/// A solve with small chunks, and what was told.
fn solved(device: Opened<'_>, system: &System, method: Method) -> (Solution, Vec<(Error, u32)>) {
    let mut heard = Vec::new();
    let mut told = |error: &Error, steps| {
        heard.push((error.clone(), steps));
        ControlFlow::Continue(())
    };
    let settings = Settings { chunk: Some(8) };
    let stop = Stop::relative(1e-9);
    let solution =
        relax(device, settings, system, method, &stop, &mut Fixed(1.5), &mut (), &mut told).expect("a run");
    (solution, heard)
}

fn residual(system: &System, x: &[f64]) -> f64 {
    let view = system.view().expect("a view");
    southwell::relaxation::Problem::new(&view, system.rhs()).expect("a problem").residual_norm(x)
}

#[test]
fn every_method_on_a_device() {
    let Some(device) = device(None) else { return };
    let system = system(21);
    for method in METHODS {
        let (solution, heard) = solved(Ok(&device), &system, method);
        assert!(heard.is_empty() && solution.report.converged(), "{method:?}: {heard:?} {solution:?}");
        assert!(residual(&system, &solution.x) <= 1e-9 * 21.0);
        let coloured = matches!(method, Method::RedBlack | Method::Multicolour);
        assert_eq!(solution.colours, coloured.then_some(2), "{method:?}");
    }
}

#[test]
fn without_a_device_the_cpu_does_what_it_always_does() {
    let system = system(9);
    for method in METHODS {
        let (solution, heard) = solved(Err(Error::NoAdapter), &system, method);
        assert_eq!(heard, [(Error::NoAdapter, 0)]);
        let expected = system.solve(method, &Stop::relative(1e-9), &mut Fixed(1.5), &mut ()).expect("a run");
        assert_eq!((solution.x, solution.report), (expected.x, expected.report), "{method:?}");
    }
}

#[test]
fn a_device_that_is_lost_or_too_small_hands_over_to_the_cpu() {
    let system = system(41);
    for method in METHODS {
        let Some(device) = device(None) else { return };
        device.lose_after(6);
        let (solution, heard) = solved(Ok(&device), &system, method);
        assert!(matches!(heard[..], [(Error::Lost(_), steps)] if steps > 0), "{method:?}: {heard:?}");
        assert!(solution.report.converged() && residual(&system, &solution.x) <= 1e-9 * 41.0);
        // It stays lost.
        let (solution, heard) = solved(Ok(&device), &system, method);
        assert!(matches!(heard[..], [(Error::Lost(_), 0)]) && solution.report.converged(), "{heard:?}");
    }
    let Some(device) = device(Some(4096)) else { return };
    let (solution, heard) = solved(Ok(&device), &system, Method::Cg);
    assert!(matches!(heard[..], [(Error::LimitTooSmall { have: 4096, .. }, 0)]), "{heard:?}");
    assert!(solution.report.converged());
}

#[test]
fn descent_carries_on_from_the_last_x_that_came_home() {
    let (n, mut draw) = (65, Draw(57));
    let (values, linear) = gram(n, &mut draw);
    let smooth = Smooth::DenseQuadratic { matrix: DenseMatrix { rows: n, columns: n, values }, linear };
    let problem = Descent { smooth, kink: Kink::L1(0.5) };
    let stop = Stop { max_steps: 1_000_000, ..Stop::relative(1e-9) };
    let options = Options { stop, ..Options::default() };
    let run = |device: Opened<'_>| {
        let mut heard = Vec::new();
        let mut told = |error: &Error, steps| {
            heard.push((error.clone(), steps));
            ControlFlow::Continue(())
        };
        let settings = Settings { chunk: Some(2) };
        let found = descend(device, settings, &problem, &options, &mut (), &mut told).expect("a run");
        (found, heard)
    };
    let (alone, heard) = run(Err(Error::NoAdapter));
    assert!(matches!(heard[..], [(Error::NoAdapter, 0)]), "{heard:?}");
    let steps = alone.outcome.report.steps;
    assert!(alone.outcome.report.converged() && steps > 64, "{steps}");
    let Some(device) = device(None) else { return };
    // Some forty chunks of two steps: x came home more than once.
    device.lose_after(45);
    let (found, heard) = run(Ok(&device));
    let [(Error::Lost(_), before)] = heard[..] else { panic!("{heard:?}") };
    assert!((16..=90).contains(&before), "{before}");
    let report = found.outcome.report;
    assert!(report.converged() && report.scale == alone.outcome.report.scale, "{report:?}");
    assert!(report.residual <= alone.outcome.tolerance && found.outcome.tolerance == alone.outcome.tolerance);
    // What the device had done is not done again.
    assert!(report.steps <= steps + steps / 10, "{} of {steps}", report.steps);
    let off = alone.x.iter().zip(&found.x).fold(0.0_f64, |off, (a, b)| off.max((a - b).abs()));
    assert!(off <= 1e-6 * alone.x.iter().fold(0.0_f64, |largest, x| largest.max(x.abs())), "{off}");
}

fn coupled(device: Opened<'_>, problem: &Transport, solving: &Solving) -> (Coupling, Vec<(Error, u32)>) {
    let mut heard = Vec::new();
    let mut told = |error: &Error, steps| {
        heard.push((error.clone(), steps));
        ControlFlow::Continue(())
    };
    let settings = Settings { chunk: Some(4) };
    let coupling = couple(device, settings, problem, 0.01, solving, None, &mut (), &mut told).expect("a run");
    (coupling, heard)
}

#[test]
fn transport_begins_on_a_device_and_ends_in_the_precision_that_was_asked_for() {
    let mut draw = Draw(21);
    let matrix = |rows: usize, columns: usize, draw: &mut Draw| DenseMatrix {
        rows,
        columns,
        values: (0..rows * columns).map(|_| draw.next()).collect(),
    };
    let costs = [
        Costs::Matrix(matrix(70, 50, &mut draw)),
        Costs::Points {
            x: matrix(70, 2, &mut draw),
            y: matrix(50, 2, &mut draw),
            ground: Ground::SquaredEuclidean,
        },
    ];
    for costs in costs {
        let problem = Transport::new(costs, vec![1.0 / 70.0; 70], vec![1.0 / 50.0; 50]);
        let reference = problem.solve(0.01, &Solving::default(), None, &mut ()).expect("a run");
        for coupler in [Coupler::Auto, Coupler::Log, Coupler::OverRelaxed] {
            for precision in [Precision::Single, Precision::Double] {
                let solving = Solving::with(coupler, precision);
                let Some(device) = device(None) else { return };
                let (whole, heard) = coupled(Ok(&device), &problem, &solving);
                assert!(heard.is_empty() && whole.report.converged(), "{coupler:?} {precision:?} {heard:?}");
                let bound = if precision == Precision::Single { 1e-4 } else { 2e-9 };
                assert!(whole.marginal_error <= bound, "{coupler:?} {precision:?}: {}", whole.marginal_error);
                assert!(
                    (whole.cost - reference.cost).abs() <= bound.max(1e-8),
                    "{}",
                    whole.cost - reference.cost
                );
                device.lose_after(8);
                let (rescued, heard) = coupled(Ok(&device), &problem, &solving);
                assert!(matches!(heard[..], [(Error::Lost(_), _)]), "{heard:?}");
                assert!(rescued.report.converged() && rescued.marginal_error <= bound);
            }
        }
        let solving = Solving::with(Coupler::NewtonSparse, Precision::Double);
        let (coupling, heard) = coupled(Err(Error::NoAdapter), &problem, &solving);
        assert!(
            matches!(heard[..], [(Error::Unsupported(_), 0)]) && coupling.report.converged(),
            "{heard:?}"
        );
    }
}

#[test]
fn an_observer_that_stops_is_heard_on_the_device() {
    let Some(device) = device(None) else { return };
    let system = system(41);
    let mut looks = 0;
    let mut observer = |_: &southwell::Progress<f64>| {
        looks += 1;
        if looks == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let (stop, settings) = (Stop::relative(1e-12), Settings { chunk: Some(8) });
    let solution = relax(
        Ok(&device),
        settings,
        &system,
        Method::Sor,
        &stop,
        &mut Fixed(1.2),
        &mut observer,
        &mut |error, _| panic!("{error}"),
    )
    .expect("a run");
    assert_eq!((solution.report.status, solution.report.steps), (Status::Stopped, 32));
    // The report is about the x that came home.
    let truth = residual(&system, &solution.x);
    assert!((solution.report.residual - truth).abs() <= 1e-12 * truth, "{solution:?}");
}

#[test]
fn names_that_do_not_exist_say_which_do() {
    let Some(device) = device(None) else { return };
    let wrong = Choice { name: Some("no such card".to_owned()), software: true, ..Choice::default() };
    let error = Device::open(&wrong).expect_err("no such card");
    assert!(error.to_string().contains(&device.adapter().name), "{error}");
    let part = device.adapter().name[..4].to_uppercase();
    let right = Choice { name: Some(part), software: true, ..Choice::default() };
    assert_eq!(Device::open(&right).expect("a part of a name").adapter().name, device.adapter().name);
}
