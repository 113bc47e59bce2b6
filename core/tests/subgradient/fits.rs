//! Robust fits: who may stop them, Huber's and its gap.

use std::ops::ControlFlow;

use southwell::subgradient::{Quantile, Table, fit, huber};
use southwell::{Error, Progress, Run, Status, Stop};

use crate::common::draws::outliers;
use crate::common::{bits, dot};

#[test]
fn an_observer_may_stop_a_fit() {
    let (table, y, _) = outliers(1, 100, 3);
    let loss = Quantile::absolute(Table::new(&table, 100, 3).expect("a table"), &y).expect("a loss");
    let whitening = fit::Whitening::Orthogonal;
    let mut storage = vec![f64::NAN; fit::Workspace::<f64>::required_len(100, 3, whitening, false)];
    let mut indices = [0; 9];
    let work = fit::Workspace::new(&loss, whitening, false, &mut storage, &mut indices).expect("memory");
    let mut beta = [0.0; 3];
    let mut stop =
        |p: &Progress<f64>| if p.step == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let outcome = fit::solve(&loss, &fit::Options::default(), fit::rule(), &mut beta, work, &mut stop);
    let outcome = outcome.expect("sound");
    assert_eq!((outcome.report.status, outcome.report.steps), (Status::Stopped, 7));
    assert_eq!(outcome.value, loss.value(&beta));
}

#[test]
fn hubers_regression_closes_its_gap() {
    let (table, y, beta) = outliers(1, 1000, 10);
    let table = Table::new(&table, 1000, 10).expect("a table");
    let mut storage = vec![f64::NAN; huber::Workspace::<f64>::required_len(10)];
    let mut x = vec![0.0; 10];
    let loss = huber::Huber::new(table, &y, 0.5).expect("a loss");
    let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
    let outcome = huber::solve(&loss, &Stop::relative(1e-10), &mut x, work, &mut ()).expect("sound");
    assert!(outcome.report.converged() && outcome.report.steps < 200, "{outcome:?}");
    assert!(outcome.lower_bound <= outcome.value && outcome.gap() <= 1e-9 * outcome.value);
    assert!((outcome.value - loss.value(&x)).abs() <= 1e-12 * outcome.value);
    // The slopes of the loss at a minimum: Xᵀψ(r) = 0.
    let psi: Vec<f64> =
        (table.values().chunks(10).zip(&y)).map(|(a, y)| (y - dot(a, &x)).clamp(-0.5, 0.5)).collect();
    for j in 0..10 {
        let slope: f64 = (0..1000).map(|i| table.row(i)[j] * psi[i]).sum();
        assert!(slope.abs() < 1e-2, "{j}: {slope}");
    }
    let off: f64 = x.iter().zip(&beta).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    assert!(off < 0.3, "{off}");
    // Bounds hold at once, with a δ beyond all residuals it is least squares in one step.
    let loss = huber::Huber::new(table, &y, 1e6).expect("a loss");
    let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
    x.fill(0.0);
    let outcome = huber::solve(&loss, &Stop::relative(1e-10), &mut x, work, &mut ()).expect("sound");
    assert!(outcome.report.converged() && outcome.report.steps == 1, "{outcome:?}");
    assert!(matches!(huber::Huber::new(table, &y, 0.0), Err(Error::Option { name: "delta", .. })));
}

#[test]
fn a_fit_that_gets_no_further_says_how_many_steps_led_to_it() {
    let mut stalled = 0;
    for seed in 1..20 {
        let (table, y, _) = outliers(seed, 40, 3);
        let table = Table::new(&table, 40, 3).expect("a table");
        let loss = huber::Huber::new(table, &y, 0.5).expect("a loss");
        let len = huber::Workspace::<f64>::required_len(3);
        // No gap closes to this: what is left is rounding.
        let stop = Stop::relative(1e-300);
        let (mut x, mut storage) = ([0.0; 3], vec![f64::NAN; len]);
        let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
        let outcome = huber::solve(&loss, &stop, &mut x, work, &mut ()).expect("sound");
        let ended = (outcome.report.status == Status::Stalled).then_some(Status::Stalled);
        stalled += u32::from(ended.is_some());
        assert!(outcome.seen_at <= outcome.report.steps, "{outcome:?}");
        let (mut by_hand, mut storage) = ([0.0; 3], vec![f64::NAN; len]);
        let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
        let mut run = huber::start(&loss, &stop, &mut by_hand, work).expect("sound");
        (0..outcome.report.steps).for_each(|_| run.step());
        assert_eq!(run.failure(), ended, "{outcome:?}");
        assert_eq!(bits(&x), bits(&by_hand), "{outcome:?}");
    }
    assert!(stalled > 2, "{stalled} runs test little");
}
