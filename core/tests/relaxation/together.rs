//! Steps taken together give the bits and the report of steps taken one by one.

use core::ops::ControlFlow;

use southwell::linear::{Star, Stencil2d, Stencil3d};
use southwell::relaxation::sor::Sweep;
use southwell::relaxation::{Fixed, OmegaRule, Problem, RedBlack, Relax, Sight, cg, sor};
use southwell::{Observer, Progress, Real, Report, Run, Stop};

fn numbers<T: Real>(n: usize) -> Vec<T> {
    let mut state = 5_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::unit_from_bits(state) - T::HALF
    };
    (0..n).map(|_| next()).collect()
}

fn star<T: Real>(centre: f64) -> Star<T> {
    let minus = -T::ONE;
    Star {
        centre: T::from_f64(centre),
        west: minus,
        east: minus,
        south: minus,
        north: minus,
        down: minus,
        up: minus,
    }
}

/// Another omega at every look.
struct Wandering;

impl<T: Real> OmegaRule<T> for Wandering {
    fn begin(&mut self, _sight: &Sight<'_, T>) -> T {
        T::from_f64(1.1)
    }
    fn revise(&mut self, progress: &Progress<T>) -> Option<T> {
        Some(if progress.step.is_multiple_of(2) { T::from_f64(1.3) } else { T::from_f64(1.2) })
    }
}

fn solve<T: Real, A: Relax<T>>(
    matrix: &A,
    rhs: &[T],
    options: &sor::Options<T>,
    rule: &mut impl OmegaRule<T>,
    observer: &mut impl Observer<T>,
) -> (Vec<u64>, Report<T>) {
    let problem = Problem::new(matrix, rhs).expect("a valid system");
    let mut x = vec![T::ZERO; rhs.len()];
    let mut storage = vec![T::NAN; sor::Workspace::<T>::required_len(rhs.len(), matrix.scratch_len())];
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("long enough");
    let report = sor::solve(&problem, options, rule, &mut x, workspace, observer).expect("a valid start");
    (x.iter().map(|x| x.bits()).collect(), report)
}

fn alike<T: Real, A: Relax<T>>(matrix: &A, name: &str) {
    let rhs = numbers::<T>(matrix.order());
    for sweep in [Sweep::Forward, Sweep::Backward, Sweep::Symmetric] {
        for (check_every, max_steps) in [(1, 7), (4, 23), (5, 17), (8, 30), (16, 16), (100, 9), (9, 4000)] {
            let stop = Stop { check_every, max_steps, ..Stop::relative(T::from_f64(1e-4)) };
            let options = sor::Options { sweep, stop, ..sor::Options::default() };
            let mut seen = 0;
            let mut watch = |p: &Progress<T>| {
                assert_eq!(p.step, seen);
                seen += 1;
                ControlFlow::Continue(())
            };
            let single = solve(matrix, &rhs, &options, &mut Fixed(T::from_f64(1.4)), &mut watch);
            assert_eq!(seen, single.1.steps + 1, "an observer of every step sees every step");
            let together = solve(matrix, &rhs, &options, &mut Fixed(T::from_f64(1.4)), &mut ());
            assert_eq!(single, together, "{name} {sweep:?} {check_every} {max_steps}");
            let mut watch = |_: &Progress<T>| ControlFlow::Continue(());
            let single = solve(matrix, &rhs, &options, &mut Wandering, &mut watch);
            let together = solve(matrix, &rhs, &options, &mut Wandering, &mut ());
            assert_eq!(single, together, "{name} {sweep:?} {check_every} {max_steps}, another omega");
        }
    }
}

fn every_shape<T: Real>() {
    for (rows, columns) in [(1, 90), (90, 1), (70, 6), (16, 130), (37, 81), (8, 8), (131, 530)] {
        let plane = Stencil2d::constant(rows, columns, star::<T>(4.5)).expect("a valid star");
        alike(&plane, &format!("{rows}x{columns}"));
        alike(&RedBlack::<Stencil2d<'_, T>>::new(plane), &format!("red-black {rows}x{columns}"));
    }
    let space = Stencil3d::constant(4, 9, 11, star::<T>(6.5)).expect("a valid star");
    alike(&space, "4x9x11");
    alike(&RedBlack::<Stencil3d<'_, T>>::new(space), "red-black 4x9x11");
}

#[test]
fn sweeps_together_are_sweeps_one_by_one() {
    every_shape::<f64>();
    every_shape::<f32>();
}

/// An observer that is content with the looks sees those alone.
struct Looks(Vec<u32>);

impl<T> Observer<T> for Looks {
    fn observe(&mut self, progress: &Progress<T>) -> ControlFlow<()> {
        assert!(progress.residual.is_some());
        self.0.push(progress.step);
        ControlFlow::Continue(())
    }
    fn every_step(&self) -> bool {
        false
    }
}

#[test]
fn an_observer_may_ask_for_the_looks_alone() {
    let plane = Stencil2d::constant(20, 70, star::<f64>(4.1)).expect("a valid star");
    let rhs = numbers::<f64>(1400);
    let stop = Stop { check_every: 6, max_steps: 20, ..Stop::relative(1e-12) };
    let options = sor::Options { stop, ..sor::Options::default() };
    let mut looks = Looks(Vec::new());
    let (_, report) = solve(&plane, &rhs, &options, &mut Fixed(1.5), &mut looks);
    assert_eq!((looks.0, report.steps), (vec![0, 6, 12, 18, 20], 20));
}

#[test]
fn conjugate_gradients_report_the_same_either_way() {
    let plane = Stencil2d::constant(12, 12, star::<f64>(4.0)).expect("a valid star");
    let rhs = numbers::<f64>(144);
    let problem = Problem::new(&plane, &rhs).expect("a valid system");
    let run = |observer: &mut dyn Observer<f64>| {
        let mut x = vec![0.0; 144];
        let mut storage = vec![f64::NAN; cg::Workspace::<f64>::required_len(144)];
        let workspace = cg::Workspace::new(&problem, &mut storage).expect("long enough");
        let options =
            cg::Options { stop: Stop { check_every: 7, ..Stop::default() }, ..cg::Options::default() };
        let mut run = cg::start(&problem, &options, &mut x, workspace).expect("a valid start");
        let report = southwell::drive(&mut run, &options.stop, observer);
        assert_eq!(run.steps(0), 0);
        (report, x)
    };
    assert_eq!(run(&mut ()), run(&mut |_: &Progress<f64>| ControlFlow::Continue(())));
}
