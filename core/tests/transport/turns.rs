//! Transport that chooses its method takes its turns as its page says: the same schedule by hand, from the methods that
//! it is made of, gives the same bits, counts and statuses.

use core::ops::ControlFlow;

use crate::common::bits;
use crate::common::cases::{Case, random};
use southwell::omega::Eager;
use southwell::transport::auto::{self, Method, Outcome, solve};
use southwell::transport::{DenseCost, Potentials, Problem, newton, scaling};
use southwell::{Error, Observer, Progress, Report, Run, Status, Stop, drive};

/// A problem and how it is solved.
#[derive(Clone, Debug)]
struct Setup {
    case: Case,
    epsilon: f64,
    /// The budget of Newton's method.
    entries: usize,
    options: auto::Options<f64>,
}

/// What a run leaves.
#[derive(Clone, Debug, PartialEq)]
struct Left {
    outcome: Outcome<f64>,
    f: Vec<u64>,
    g: Vec<u64>,
}

impl Setup {
    /// Hands a problem to `then` that is set up as here.
    fn with<R>(&self, then: impl FnOnce(&Problem<'_, f64, DenseCost<'_, f64>>) -> R) -> R {
        let (n, m) = (self.case.rows(), self.case.columns());
        let cost = DenseCost::new(&self.case.cost, n, m, m).expect("costs");
        then(&Problem::new(&cost, &self.case.a, &self.case.b, self.epsilon).expect("a problem"))
    }

    fn solve(&self, observer: &mut impl Observer<f64>) -> Left {
        self.with(|problem| {
            let (n, m) = (problem.rows(), problem.columns());
            let mut storage =
                vec![f64::NAN; auto::Workspace::<f64>::required_len(n, m, true, m, self.entries)];
            let mut indices = vec![7; auto::Workspace::<f64>::required_indices(n, m, self.entries)];
            let memory = auto::Workspace::new(problem, self.entries, &mut storage, &mut indices);
            let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
            let x = Potentials { f: &mut f, g: &mut g };
            let outcome = solve(problem, &self.options, x, memory.expect("memory"), observer).expect("valid");
            Left { outcome, f: bits(&f), g: bits(&g) }
        })
    }
}

/// The schedule by hand.
struct Hand {
    stop: Stop<f64>,
    report: Option<Report<f64>>,
    iterations: u32,
    reads: u32,
    work: newton::Work,
    omega: f64,
    /// Turns that ended for the other method: iterations that were too slow, Newton steps that did not pay.
    slow: u32,
    unpaid: u32,
}

impl Hand {
    fn left(&self) -> u32 {
        self.stop.max_steps - self.report.map_or(0, |report| report.steps)
    }

    /// Drives for so many steps, or as many as are left; the report of these.
    fn drive(&mut self, run: &mut dyn Run<Real = f64>, steps: u32) -> Report<f64> {
        let part = drive(run, &Stop { max_steps: steps.min(self.left()), ..self.stop }, &mut ());
        self.report = Some(match self.report {
            None => part,
            Some(all) => Report {
                steps: all.steps + part.steps,
                checks: all.checks + part.checks,
                initial_residual: all.initial_residual,
                ..part
            },
        });
        part
    }

    fn ended(&self, part: &Report<f64>) -> bool {
        part.status != Status::StepLimit || self.left() == 0
    }
}

/// Twenty steps are watched, a rate is that of ten; an attempt of Newton's is worth ninety steps, and left when twelve of
/// its steps do not reduce the error to a tenth. After it, at least two hundred steps before the next.
fn by_hand(setup: &Setup) -> (Left, Hand) {
    let method = setup.options.method;
    let mut hand = Hand {
        stop: setup.options.stop,
        report: None,
        iterations: 0,
        reads: 0,
        work: newton::Work::default(),
        omega: 1.0,
        slow: 0,
        unpaid: 0,
    };
    let (n, m) = (setup.case.rows(), setup.case.columns());
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
    setup.with(|problem| {
        let goal = hand.stop.absolute.max(hand.stop.relative * problem.mass());
        let mut stretch = 20;
        loop {
            if method != Method::Newton {
                let mut storage = vec![0.0; scaling::Workspace::<f64>::required_len(n, m, true)];
                let memory = scaling::Workspace::new(problem, &mut storage).expect("memory");
                let x = Potentials { f: &mut f, g: &mut g };
                let (options, mut rule) = (scaling::Options { stop: hand.stop }, Eager::default());
                let mut run = scaling::start(problem, &options, &mut rule, x, memory).expect("valid");
                let before = hand.left();
                let first = if method == Method::OverRelaxed { u32::MAX } else { stretch - 10 };
                let mut ended = {
                    let part = hand.drive(&mut run, first);
                    hand.ended(&part)
                };
                while !ended {
                    let part = hand.drive(&mut run, 10);
                    ended = hand.ended(&part);
                    // At the rate of these ten, as many again for every such factor that is missing.
                    let falls = part.residual < part.initial_residual;
                    let tens = (part.residual / goal).ln() / (part.initial_residual / part.residual).ln();
                    let near = falls && 10.0 * tens <= 90.0;
                    if !ended && !near {
                        break;
                    }
                }
                hand.iterations += before - hand.left();
                hand.reads += run.kernel_reads();
                hand.omega = run.omega();
                if ended {
                    break;
                }
                hand.slow += 1;
            }
            let mut storage = vec![0.0; newton::Workspace::<f64>::required_len(n, m, m, setup.entries)];
            let mut indices = vec![0; newton::Workspace::<f64>::required_indices(n, m, setup.entries)];
            let memory = newton::Workspace::new(problem, setup.entries, &mut storage, &mut indices);
            let first_steps = if method == Method::Newton { 20 } else { 0 };
            let options = newton::Options { stop: hand.stop, first_steps, ..newton::Options::default() };
            let x = Potentials { f: &mut f, g: &mut g };
            let mut run = newton::start(problem, &options, x, memory.expect("memory")).expect("valid");
            let before = hand.left();
            let ended = loop {
                let part = hand.drive(&mut run, if method == Method::Newton { u32::MAX } else { 12 });
                if part.status == Status::Breakdown && method != Method::Newton {
                    break hand.left() == 0;
                }
                if hand.ended(&part) {
                    break true;
                }
                if part.residual > 0.1 * part.initial_residual {
                    break false;
                }
            };
            let work = run.work();
            hand.iterations += before - hand.left() - work.newton_steps;
            hand.reads += work.kernel_reads;
            let all = &mut hand.work;
            all.sinkhorn_steps += work.sinkhorn_steps;
            all.newton_steps += work.newton_steps;
            all.cg_steps += work.cg_steps;
            all.kernel_reads += work.kernel_reads;
            all.evaluations += work.evaluations;
            all.rescues += work.rescues;
            all.entries += work.entries;
            if ended {
                break;
            }
            hand.unpaid += 1;
            stretch = (2 * stretch).max(200);
        }
    });
    let outcome = Outcome {
        report: hand.report.expect("a turn"),
        iterations: hand.iterations,
        kernel_reads: hand.reads,
        newton: hand.work,
        omega: hand.omega,
    };
    (Left { outcome, f: bits(&f), g: bits(&g) }, hand)
}

/// Problems of twelve lines that take all kinds of turns: with a budget of all entries and of one a row.
fn setups() -> Vec<Setup> {
    let mut setups = vec![];
    for (seed, inverse) in [(1, 10.0), (2, 40.0), (3, 150.0), (4, 600.0), (5, 600.0), (6, 3000.0)] {
        for entries in [12, 144] {
            for method in [Method::Auto, Method::OverRelaxed, Method::Newton] {
                let stop = Stop { max_steps: 700, ..Stop::relative(1e-11) };
                let options = auto::Options { stop, method };
                let mut case = random(seed, 12);
                // Some lines weigh more than others.
                let weights: Vec<f64> = (0..12).map(|k| f64::from(1 + (k * k + 1) % 5) / 36.0).collect();
                let mass: f64 = weights.iter().sum();
                case.a = weights.iter().map(|w| w / mass).collect();
                setups.push(Setup { case, epsilon: 1.0 / inverse, entries, options });
            }
        }
    }
    setups
}

#[test]
fn turns_are_those_of_the_schedule_by_hand() {
    let (mut slow, mut unpaid, mut again) = (0, 0, 0);
    for mut setup in setups() {
        let (expected, hand) = by_hand(&setup);
        assert_eq!(setup.solve(&mut ()), expected, "{setup:?}");
        slow += u32::from(hand.slow > 0);
        unpaid += u32::from(hand.unpaid > 0);
        again += u32::from(hand.slow > 1);
        // A limit anywhere cuts the same run short.
        let steps = expected.outcome.report.steps;
        for max_steps in [0, 1, 9, 10, 11, 20, 21, 30, 32, 33, steps / 2, steps - steps.min(1)] {
            setup.options.stop.max_steps = max_steps;
            assert_eq!(setup.solve(&mut ()), by_hand(&setup).0, "{max_steps} {setup:?}");
        }
    }
    assert!(slow >= 6 && unpaid >= 3 && again >= 2, "{slow} {unpaid} {again}");
}

/// An absolute tolerance counts as well where it is the larger one.
#[test]
fn turns_go_by_the_larger_tolerance() {
    for mut setup in setups() {
        setup.options.stop = Stop { absolute: 1e-5, ..setup.options.stop };
        let (expected, _) = by_hand(&setup);
        assert_eq!(setup.solve(&mut ()), expected, "{setup:?}");
    }
}

/// Every step once to an observer that wants all, in order, whatever turns were taken; those that are looked at to one
/// that does not; and a wish to stop is obeyed at once.
#[test]
fn observers_see_one_run() {
    /// Steps, of which every one has a residual.
    struct Quiet(Vec<u32>);
    impl Observer<f64> for Quiet {
        fn observe(&mut self, progress: &Progress<f64>) -> ControlFlow<()> {
            assert!(progress.residual.is_some(), "nobody asked for {progress:?}");
            self.0.push(progress.step);
            ControlFlow::Continue(())
        }
        fn every_step(&self) -> bool {
            false
        }
    }
    for mut setup in setups() {
        let left = setup.solve(&mut ());
        let steps = left.outcome.report.steps;
        let mut seen = vec![];
        let mut look = |progress: &Progress<f64>| {
            seen.push(progress.step);
            ControlFlow::Continue(())
        };
        assert_eq!(setup.solve(&mut look), left);
        assert_eq!(seen, (0..=steps).collect::<Vec<_>>(), "{setup:?}");
        for last in [0, 5, 10, 14, steps / 2, steps] {
            let mut look = |progress: &Progress<f64>| {
                if progress.step == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let report = setup.solve(&mut look).outcome.report;
            // What the last step achieved counts more.
            let whole = last == steps && left.outcome.report.converged();
            let status = if whole { Status::Converged } else { Status::Stopped };
            assert_eq!((report.status, report.steps), (status, last), "{setup:?}");
        }
        setup.options.stop.check_every = 3;
        let mut seen = vec![];
        let mut look = |progress: &Progress<f64>| {
            seen.push(progress.step);
            ControlFlow::Continue(())
        };
        let steps = setup.solve(&mut look).outcome.report.steps;
        assert!(seen.iter().copied().eq(0..seen.len() as u32) && seen.len() as u32 + 1 >= steps, "{seen:?}");
        let mut quiet = Quiet(vec![]);
        let report = setup.solve(&mut quiet).outcome.report;
        assert_eq!(quiet.0.first(), Some(&0), "{setup:?}");
        assert!(quiet.0.last().is_some_and(|last| report.steps - last < 3), "{report:?}");
        assert!(quiet.0.is_sorted() && quiet.0.len() < report.steps.max(2) as usize, "{:?}", quiet.0);
    }
}

#[test]
fn memory_is_that_of_one_method_at_a_time() {
    for (n, m, entries) in [(3, 4, 12), (100, 50, 200), (4, 90, 4)] {
        for (stored, scratch) in [(true, m), (false, 2 * m)] {
            let kernel = scaling::Workspace::<f64>::required_len(n, m, stored);
            let system = newton::Workspace::<f64>::required_len(n, m, scratch, entries);
            let needed = auto::Workspace::<f64>::required_len(n, m, stored, scratch, entries);
            assert_eq!(needed, kernel.max(system));
            let indices = auto::Workspace::<f64>::required_indices(n, m, entries);
            assert_eq!(indices, newton::Workspace::<f64>::required_indices(n, m, entries));
        }
    }
    let setup = &setups()[0];
    setup.with(|problem| {
        let (mut f, mut g, mut storage, mut indices) = ([0.5; 12], [0.5; 12], [0.0; 2000], [0; 2000]);
        let memory = auto::Workspace::new(problem, 20, &mut storage, &mut indices).expect("memory");
        let stop = Stop { relative: 0.0, ..Stop::default() };
        let options = auto::Options { stop, method: Method::Auto };
        let x = Potentials { f: &mut f, g: &mut g };
        let refused = solve(problem, &options, x, memory, &mut ()).err();
        assert!(matches!(refused, Some(Error::Option { name: "relative", .. })), "{refused:?}");
        assert_eq!((f, g), ([0.5; 12], [0.5; 12]));
    });
    assert_eq!(auto::Options::<f64>::default().stop, Stop::relative(1e-9));
    assert_eq!(auto::Options::<f32>::default().stop, Stop::relative(1e-5));
    assert_eq!(auto::Options::<f32>::default().method, Method::Auto);
}
