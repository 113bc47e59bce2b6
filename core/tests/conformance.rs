//! What every method must satisfy, written once and called for each.
//!
//! A new family joins by implementing [`Method`] for a small adapter and adding its cases to
//! [`every`]; nothing else here changes. What only linear systems promise asks for [`Linear`].

mod common;

use core::ops::ControlFlow;

use common::{Numbers, Plain, bits, cast, cast_star, cell_of, norm, poisson_star, wide};
use southwell::linear::{Stencil2d, Stencil3d};
use southwell::relaxation::{
    Blocks, Colouring, Fixed, Lines, Multicolour, Problem, RedBlack, Reference, Relax, Split, cg, sor,
    sor::Sweep, ssor_cg,
};
use southwell::{Error, Observer, Progress, Real, Report, Run, Status, Stop, drive};
use southwell_simd::{force_level, levels};

/// What a property does with a run that has begun.
type Then<'f, T> = &'f mut dyn FnMut(&mut dyn Run<Real = T>);

/// A method with a problem and options: everything but the tolerance, the iterate and the memory.
trait Method<T: Real> {
    fn name(&self) -> String;
    /// Where runs begin. An iterate of several parts is laid out in one slice.
    fn first(&self) -> Vec<T>;
    fn required_len(&self) -> usize;
    /// Begins a run and hands it to `then`.
    fn begin(&self, stop: &Stop<T>, x: &mut [T], storage: &mut [T], then: Then<'_, T>) -> Result<(), Error>;
    fn solve(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>, Error>;
    /// The residual of x recomputed by plain loops in `f64`, and by how much rounding in `T` may make
    /// the reported one differ.
    fn look(&self, x: &[T]) -> (f64, f64);
    /// A tolerance that the method reaches within the precision.
    fn stop(&self) -> Stop<T> {
        Stop { max_steps: 3000, ..Stop::default() }
    }
    /// The largest rounding error of one step, in units of EPSILON times the largest |x_i|.
    fn rounding_per_step(&self) -> f64 {
        64.0
    }
}

/// A linear system A x = b behind a method.
trait Linear<T: Real>: Method<T> {
    fn matrix(&self) -> &Plain;
    fn rhs(&self) -> &[T];
    fn with(&self, rhs: Vec<T>, reference: Reference) -> Box<dyn Linear<T>>;
}

/// The system that the linear adapters share.
#[derive(Clone)]
struct System<T> {
    plain: Plain,
    rhs: Vec<T>,
    first: Vec<T>,
    reference: Reference,
}

impl<T: Real> System<T> {
    fn new(plain: Plain) -> Self {
        let mut numbers = Numbers(plain.order() as u64);
        let rhs = cast(&numbers.vector(plain.order()));
        let first = cast(&numbers.vector(plain.order()));
        Self { plain, rhs, first, reference: Reference::RightHandSide }
    }
}

/// SOR in any direction over any view.
#[derive(Clone)]
struct Sweeps<T, A> {
    label: &'static str,
    view: A,
    system: System<T>,
    sweep: Sweep,
    omega: f64,
}

/// SSOR-CG over any view that can be split.
#[derive(Clone)]
struct SsorCg<T, A> {
    label: &'static str,
    view: A,
    system: System<T>,
    omega: f64,
}

/// CG over any view.
#[derive(Clone)]
struct Cg<T, A> {
    label: &'static str,
    view: A,
    system: System<T>,
}

/// The parts of the adapters that do not depend on the method.
macro_rules! linear_method {
    () => {
        fn first(&self) -> Vec<T> {
            self.system.first.clone()
        }
        fn look(&self, x: &[T]) -> (f64, f64) {
            self.system.plain.look(&self.system.rhs, x)
        }
    };
}

macro_rules! linear_parts {
    () => {
        fn matrix(&self) -> &Plain {
            &self.system.plain
        }
        fn rhs(&self) -> &[T] {
            &self.system.rhs
        }
        fn with(&self, rhs: Vec<T>, reference: Reference) -> Box<dyn Linear<T>> {
            let system = System { rhs, reference, ..self.system.clone() };
            Box::new(Self { system, ..self.clone() })
        }
    };
}

impl<T: Real, A: Relax<T>> Sweeps<T, A> {
    fn options(&self, stop: &Stop<T>) -> sor::Options<T> {
        sor::Options { sweep: self.sweep, reference: self.system.reference, stop: *stop }
    }
}

impl<T: Real, A: Relax<T>> Method<T> for Sweeps<T, A> {
    linear_method!();
    fn name(&self) -> String {
        format!("sor {:?} {}", self.sweep, self.label)
    }
    fn required_len(&self) -> usize {
        sor::Workspace::<T>::required_len(self.view.order(), self.view.scratch_len())
    }
    fn begin(&self, stop: &Stop<T>, x: &mut [T], storage: &mut [T], then: Then<'_, T>) -> Result<(), Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = sor::Workspace::new(&problem, storage)?;
        let mut rule = Fixed(T::from_f64(self.omega));
        then(&mut sor::start(&problem, &self.options(stop), &mut rule, x, workspace)?);
        Ok(())
    }
    fn solve(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>, Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = sor::Workspace::new(&problem, storage)?;
        sor::solve(&problem, &self.options(stop), &mut Fixed(T::from_f64(self.omega)), x, workspace, observer)
    }
}

impl<T: Real, A: Relax<T> + Clone + 'static> Linear<T> for Sweeps<T, A> {
    linear_parts!();
}

impl<T: Real, A: Split<T>> Method<T> for SsorCg<T, A> {
    linear_method!();
    fn name(&self) -> String {
        format!("ssor-cg {}", self.label)
    }
    fn required_len(&self) -> usize {
        ssor_cg::Workspace::<T>::required_len(self.view.order(), self.view.split_len())
    }
    fn begin(&self, stop: &Stop<T>, x: &mut [T], storage: &mut [T], then: Then<'_, T>) -> Result<(), Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = ssor_cg::Workspace::new(&problem, storage)?;
        let options = ssor_cg::Options { reference: self.system.reference, stop: *stop };
        let mut rule = Fixed(T::from_f64(self.omega));
        then(&mut ssor_cg::start(&problem, &options, &mut rule, x, workspace)?);
        Ok(())
    }
    fn solve(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>, Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = ssor_cg::Workspace::new(&problem, storage)?;
        let options = ssor_cg::Options { reference: self.system.reference, stop: *stop };
        ssor_cg::solve(&problem, &options, &mut Fixed(T::from_f64(self.omega)), x, workspace, observer)
    }
}

impl<T: Real, A: Split<T> + Clone + 'static> Linear<T> for SsorCg<T, A> {
    linear_parts!();
}

impl<T: Real, A: southwell::linear::Matrix<T>> Method<T> for Cg<T, A> {
    linear_method!();
    fn name(&self) -> String {
        format!("cg {}", self.label)
    }
    fn required_len(&self) -> usize {
        cg::Workspace::<T>::required_len(self.view.order())
    }
    fn begin(&self, stop: &Stop<T>, x: &mut [T], storage: &mut [T], then: Then<'_, T>) -> Result<(), Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = cg::Workspace::new(&problem, storage)?;
        let options = cg::Options { reference: self.system.reference, stop: *stop };
        then(&mut cg::start(&problem, &options, x, workspace)?);
        Ok(())
    }
    fn solve(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>, Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = cg::Workspace::new(&problem, storage)?;
        let options = cg::Options { reference: self.system.reference, stop: *stop };
        cg::solve(&problem, &options, x, workspace, observer)
    }
}

impl<T: Real, A: southwell::linear::Matrix<T> + Clone + 'static> Linear<T> for Cg<T, A> {
    linear_parts!();
}

/// Every linear method over every view that it takes.
fn linear<T: Real>() -> Vec<Box<dyn Linear<T>>> {
    let mut numbers = Numbers(1);
    let mut all: Vec<Box<dyn Linear<T>>> = vec![];
    let crooked = Plain::random(&mut numbers, 45, 3, false);
    let symmetric = Plain::random(&mut numbers, 37, 3, true);
    let plane = conductances_2d(&mut numbers, 6, 9);
    let (flat_star, solid_star) = (poisson_star(4.25), poisson_star(6.25));
    let flat = Plain::grid(1, 5, 70, |_| flat_star);
    let solid = Plain::grid(3, 4, 5, |_| solid_star);
    let space = common::conductances(&mut numbers, 4, 3, 5);
    let space_plain = Plain::grid(4, 3, 5, |k| cell_of(&space, k));
    let flat_view = Stencil2d::<T>::constant(5, 70, cast_star(flat_star)).expect("a small grid");
    let solid_view = Stencil3d::<T>::constant(3, 4, 5, cast_star(solid_star)).expect("a small grid");
    let plane_view = common::per_cell_2d::<T>(6, 9, &plane.1);
    let space_view = common::per_cell_3d::<T>(4, 3, 5, &space);

    macro_rules! relax {
        ($label:literal, $view:expr, $plain:expr) => {
            for (sweep, omega) in [(Sweep::Forward, 1.25), (Sweep::Backward, 0.75), (Sweep::Symmetric, 1.25)]
            {
                let system = System::new($plain.clone());
                all.push(Box::new(Sweeps { label: $label, view: $view, system, sweep, omega }));
            }
        };
    }
    macro_rules! gradients {
        ($label:literal, $view:expr, $plain:expr) => {
            let system = System::<T>::new($plain.clone());
            all.push(Box::new(Cg { label: $label, view: $view, system: system.clone() }));
            all.push(Box::new(SsorCg { label: $label, view: $view, system, omega: 1.375 }));
        };
    }
    relax!("csr", crooked.csr::<T>(), crooked);
    relax!("dense", crooked.dense::<T>(), crooked);
    relax!("2-d constant", flat_view, flat);
    relax!("2-d by cell", plane_view, plane.0);
    relax!("3-d constant", solid_view, solid);
    relax!("3-d by cell", space_view, space_plain);
    relax!("2-d constant red-black", RedBlack::<Stencil2d<'_, T>>::new(flat_view), flat);
    relax!("2-d by cell red-black", RedBlack::<Stencil2d<'_, T>>::new(plane_view), plane.0);
    relax!("3-d constant red-black", RedBlack::<Stencil3d<'_, T>>::new(solid_view), solid);
    relax!("3-d by cell red-black", RedBlack::<Stencil3d<'_, T>>::new(space_view), space_plain);
    relax!("2-d constant lines", Lines::<Stencil2d<'_, T>>::new(flat_view), flat);
    relax!("2-d by cell lines", Lines::<Stencil2d<'_, T>>::new(plane_view), plane.0);
    relax!("3-d constant lines", Lines::<Stencil3d<'_, T>>::new(solid_view), solid);
    relax!("3-d by cell lines", Lines::<Stencil3d<'_, T>>::new(space_view), space_plain);
    relax!("blocks of 4", Blocks::new(crooked.csr::<T>(), 4).expect("4 is allowed"), crooked);
    relax!("multicolour", multicolour::<T>(&crooked), crooked);

    gradients!("csr", symmetric.csr::<T>(), symmetric);
    gradients!("dense", symmetric.dense::<T>(), symmetric);
    gradients!("2-d constant", flat_view, flat);
    gradients!("2-d by cell", plane_view, plane.0);
    gradients!("3-d constant", solid_view, solid);
    gradients!("3-d by cell", space_view, space_plain);
    all
}

fn multicolour<T: Real>(plain: &Plain) -> Multicolour<'static, T> {
    let matrix = plain.csr::<T>();
    let storage = vec![0; Colouring::required_len(plain.order())].leak();
    let colouring = Colouring::greedy(&matrix, storage).expect("storage of the required length");
    Multicolour::new(matrix, colouring).expect("a colouring of this matrix")
}

fn conductances_2d(
    numbers: &mut Numbers,
    rows: usize,
    columns: usize,
) -> (Plain, southwell::linear::Star<Vec<f64>>) {
    let star = common::conductances(numbers, 1, rows, columns);
    (Plain::grid(1, rows, columns, |k| cell_of(&star, k)), star)
}

/// Every method of every family.
fn every<T: Real>() -> Vec<Box<dyn Method<T>>> {
    linear().into_iter().map(|method| method as Box<dyn Method<T>>).collect()
}

/// Calls a property for every method in both precisions.
macro_rules! conforms {
    ($(#[$meta:meta])* $test:ident, $all:ident, $property:ident) => {
        $(#[$meta])*
        #[test]
        fn $test() {
            $all::<f32>().iter().for_each(|method| $property(&**method));
            $all::<f64>().iter().for_each(|method| $property(&**method));
        }
    };
}

/// A whole solve from the method's own start; x, report.
fn solved<T: Real, M: Method<T> + ?Sized>(method: &M, stop: &Stop<T>) -> (Vec<T>, Report<T>) {
    let (mut x, mut storage) = (method.first(), vec![T::ZERO; method.required_len()]);
    let report = method.solve(stop, &mut x, &mut storage, &mut ()).expect("a valid problem");
    (x, report)
}

fn dirty_memory<T: Real>(method: &dyn Method<T>) {
    let (clean, report) = solved(method, &method.stop());
    assert_eq!(report.status, Status::Converged, "{}: {report:?}", method.name());
    assert!(report.steps >= 5, "{}: {} steps test little", method.name(), report.steps);
    for rubbish in [T::NAN, T::INFINITY, T::from_f64(1e30)] {
        let (mut x, mut storage) = (method.first(), vec![rubbish; method.required_len() + 5]);
        let again = method.solve(&method.stop(), &mut x, &mut storage, &mut ()).expect("a valid problem");
        assert_eq!(bits(&x), bits(&clean), "{} with {rubbish}", method.name());
        assert_eq!(again, report, "{} with {rubbish}", method.name());
        assert_eq!(
            bits(&storage[method.required_len()..]),
            bits(&[rubbish; 5]),
            "{} writes past its memory",
            method.name()
        );
    }
}

fn short_memory<T: Real>(method: &dyn Method<T>) {
    let needed = method.required_len();
    for given in [0, needed / 2, needed - 1] {
        let (mut x, mut storage) = (method.first(), vec![T::ZERO; given]);
        let expected = Err(Error::Workspace { needed, given });
        let solved = method.solve(&method.stop(), &mut x, &mut storage, &mut ());
        assert_eq!(solved, expected.map(|()| unreachable!()), "{}", method.name());
        let mut begun = false;
        let started = method.begin(&method.stop(), &mut x, &mut storage, &mut |_| begun = true);
        assert_eq!((started, begun), (expected, false), "{}", method.name());
        assert_eq!(bits(&x), bits(&method.first()), "{} touched x", method.name());
    }
}

fn steps_by_hand<T: Real>(method: &dyn Method<T>) {
    let (whole, report) = solved(method, &method.stop());
    let (mut x, mut storage) = (method.first(), vec![T::NAN; method.required_len()]);
    let mut by_hand = |run: &mut dyn Run<Real = T>| {
        assert_eq!(run.residual().bits(), report.initial_residual.bits(), "{}", method.name());
        assert_eq!(run.scale().bits(), report.scale.bits(), "{}", method.name());
        for _ in 0..report.steps {
            run.step();
            assert_eq!(run.failure(), None, "{}", method.name());
        }
        let carried = run.residual();
        let confirmed = run.confirm(T::INFINITY).unwrap_or(carried);
        assert_eq!(confirmed.bits(), report.residual.bits(), "{}", method.name());
    };
    method.begin(&method.stop(), &mut x, &mut storage, &mut by_hand).expect("a valid problem");
    assert_eq!(bits(&x), bits(&whole), "{}", method.name());
}

fn continued<T: Real>(method: &dyn Method<T>) {
    let (whole, report) = solved(method, &method.stop());
    for first in [0, 1, report.steps / 2, report.steps - 1, report.steps] {
        let (mut x, mut storage) = (method.first(), vec![T::NAN; method.required_len()]);
        let mut twice = |run: &mut dyn Run<Real = T>| {
            let short = Stop { max_steps: first, ..method.stop() };
            let begun = drive(run, &short, &mut ());
            let expected = if first == report.steps { Status::Converged } else { Status::StepLimit };
            assert_eq!((begun.status, begun.steps), (expected, first), "{}", method.name());
            let ended = drive(run, &method.stop(), &mut ());
            assert_eq!(begun.steps + ended.steps, report.steps, "{} after {first}", method.name());
            assert_eq!(ended.status, report.status, "{} after {first}", method.name());
            assert_eq!(ended.residual.bits(), report.residual.bits(), "{} after {first}", method.name());
            assert_eq!(ended.scale.bits(), report.scale.bits(), "{} after {first}", method.name());
        };
        method.begin(&method.stop(), &mut x, &mut storage, &mut twice).expect("a valid problem");
        assert_eq!(bits(&x), bits(&whole), "{} after {first}", method.name());
    }
}

fn observed<T: Real>(method: &dyn Method<T>) {
    let (_, report) = solved(method, &method.stop());
    for (last, every) in [(0, 1), (1, 1), (4, 1), (4, 3), (u32::MAX, 1), (u32::MAX, 4)] {
        let mut seen = vec![];
        let mut look = |progress: &Progress<T>| {
            seen.push(*progress);
            if progress.step == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (mut x, mut storage) = (method.first(), vec![T::NAN; method.required_len()]);
        let stop = Stop { check_every: every, ..method.stop() };
        let ended = method.solve(&stop, &mut x, &mut storage, &mut look).expect("a valid problem");
        let status = if last == u32::MAX { Status::Converged } else { Status::Stopped };
        assert_eq!(ended.status, status, "{}", method.name());
        if last != u32::MAX {
            assert_eq!(ended.steps, last, "{}", method.name());
        } else if every == 1 {
            assert_eq!(ended.steps, report.steps, "{}", method.name());
        }
        let steps: Vec<u32> = seen.iter().map(|p| p.step).collect();
        assert_eq!(steps, (0..=ended.steps).collect::<Vec<_>>(), "{} every {every}", method.name());
        for progress in &seen {
            assert_eq!(progress.residual.is_some(), progress.step % every == 0, "{}", method.name());
        }
        assert_eq!(seen[0].residual.map(T::bits), Some(ended.initial_residual.bits()), "{}", method.name());
        // Whatever ended it, the report speaks of the x that is left.
        let (exact, bound) = method.look(&x);
        assert!((ended.residual.to_f64() - exact).abs() <= bound, "{} {ended:?} {exact}", method.name());
    }
}

fn honest_residual<T: Real>(method: &dyn Method<T>) {
    for max_steps in [0, 1, 2, 5, 3000] {
        for check_every in [1, 3] {
            let (x, report) = solved(method, &Stop { max_steps, check_every, ..method.stop() });
            let (exact, bound) = method.look(&x);
            let off = (report.residual.to_f64() - exact).abs();
            assert!(off <= bound, "{} {report:?}: {exact} ± {bound}", method.name());
            let (exact, bound) = method.look(&method.first());
            let off = (report.initial_residual.to_f64() - exact).abs();
            assert!(off <= bound, "{} {report:?}: {exact} ± {bound}", method.name());
            assert_eq!(report.converged(), report.residual <= method.stop().relative * report.scale);
        }
    }
}

fn same_bits_again<T: Real>(method: &dyn Method<T>) {
    let (first, report) = solved(method, &method.stop());
    let (second, again) = solved(method, &method.stop());
    assert_eq!((bits(&first), report), (bits(&second), again), "{}", method.name());
}

fn same_bits_everywhere<T: Real>(method: &dyn Method<T>) {
    let run = |level| {
        force_level(Some(level));
        let out = solved(method, &method.stop());
        force_level(None);
        out
    };
    let (plain, report) = run(levels().next().expect("scalar is always there"));
    for level in levels().skip(1) {
        let (x, here) = run(level);
        assert_eq!((bits(&x), here), (bits(&plain), report), "{} on {level:?}", method.name());
    }
}

fn seldom_looks<T: Real>(method: &dyn Method<T>) {
    let (_, report) = solved(method, &method.stop());
    for check_every in [0, 1, 2, 5, 9] {
        let (_, seldom) = solved(method, &Stop { check_every, ..method.stop() });
        assert_eq!(seldom.status, Status::Converged, "{} every {check_every}", method.name());
        let expected = report.steps.next_multiple_of(check_every.max(1));
        assert_eq!(seldom.steps, expected, "{} every {check_every}", method.name());
        assert!(check_every < 2 || seldom.checks < report.checks, "{} every {check_every}", method.name());
    }
}

fn zero_right_hand_side<T: Real>(method: &dyn Linear<T>) {
    let zero = method.with(vec![T::ZERO; method.rhs().len()], Reference::RightHandSide);
    let (x, report) = solved(&*zero, &zero.stop());
    assert_eq!(bits(&x), vec![T::ZERO.bits(); x.len()], "{}", method.name());
    assert_eq!((report.status, report.steps), (Status::Converged, 0), "{}", method.name());
    assert_eq!((report.residual, report.relative_residual()), (T::ZERO, T::ZERO), "{}", method.name());
    // Against the first residual there is something to do.
    let zero = method.with(vec![T::ZERO; method.rhs().len()], Reference::InitialResidual);
    let (x, report) = solved(&*zero, &zero.stop());
    assert!(report.converged() && report.steps > 0, "{} {report:?}", method.name());
    let (exact, bound) = zero.look(&x);
    assert!((report.residual.to_f64() - exact).abs() <= bound, "{} {report:?}", method.name());
}

/// A solution of small integers, for which b = A x is exact in both precisions.
fn exact_start<T: Real>(method: &dyn Linear<T>) {
    let n = method.rhs().len();
    let solution: Vec<f64> = (0..n).map(|i| f64::from((i % 5) as u8) - 2.0).collect();
    let rhs = method.matrix().apply(&solution);
    if cast::<T>(&rhs).iter().zip(&rhs).any(|(r, &b)| r.to_f64() != b) {
        return;
    }
    for reference in [Reference::RightHandSide, Reference::InitialResidual] {
        let method = method.with(cast(&rhs), reference);
        let (mut x, mut storage) = (cast::<T>(&solution), vec![T::NAN; method.required_len()]);
        let report = method.solve(&method.stop(), &mut x, &mut storage, &mut ()).expect("a valid problem");
        let name = method.name();
        assert!(report.residual.to_f64() <= method.look(&x).1, "{name}: {report:?}");
        if report.initial_residual == T::ZERO || reference == Reference::RightHandSide {
            assert_eq!((report.status, report.steps), (Status::Converged, 0), "{name}: {report:?}");
            assert_eq!(bits(&x), bits(&cast::<T>(&solution)), "{name}");
        }
    }
}

fn against_the_first_residual<T: Real>(method: &dyn Linear<T>) {
    let method = method.with(method.rhs().to_vec(), Reference::InitialResidual);
    let (mut x, mut storage) = (method.first(), vec![T::NAN; method.required_len()]);
    let stop = Stop { relative: T::from_f64(1e-2), ..method.stop() };
    let cold = method.solve(&stop, &mut x, &mut storage, &mut ()).expect("a valid problem");
    assert_eq!(cold.scale.bits(), cold.initial_residual.bits(), "{}", method.name());
    // From where that ended, the same factor is asked for again.
    let warm = method.solve(&stop, &mut x, &mut storage, &mut ()).expect("a valid problem");
    assert_eq!(warm.initial_residual.bits(), cold.residual.bits(), "{}", method.name());
    for report in [cold, warm] {
        assert!(report.converged() && report.steps > 0, "{}: {report:?}", method.name());
        let bound = 1.001e-2 * report.initial_residual.to_f64();
        assert!(report.residual.to_f64() <= bound, "{}: {report:?}", method.name());
    }
}

fn right_answer<T: Real>(method: &dyn Linear<T>) {
    let (x, report) = solved(method, &method.stop());
    let exact = method.matrix().solve(&wide(method.rhs()));
    // ‖x − x*‖ ≤ ‖A⁻¹‖₂ ‖r‖ ≤ ‖A⁻¹‖_F ‖r‖.
    let lu = common::Lu::new(method.matrix().dense_rows());
    let n = exact.len();
    let column = |k: usize| lu.solve(&(0..n).map(|i| f64::from(u8::from(i == k))).collect::<Vec<_>>());
    let inverse = (0..n).map(|k| norm(&column(k)).powi(2)).sum::<f64>().sqrt();
    let error: Vec<f64> = wide(&x).iter().zip(&exact).map(|(x, e)| x - e).collect();
    let bound = inverse * (report.residual.to_f64() + method.look(&x).1);
    assert!(norm(&error) <= bound, "{}: {} > {bound}", method.name(), norm(&error));
}

conforms!(a_dirty_workspace_changes_nothing, every, dirty_memory);
conforms!(a_workspace_one_too_short_is_refused_and_x_untouched, every, short_memory);
conforms!(start_and_steps_make_a_solve, every, steps_by_hand);
conforms!(a_continued_run_equals_one_long_run, every, continued);
conforms!(an_observer_sees_every_step_and_may_end_the_run, every, observed);
conforms!(the_reported_residual_is_that_of_x, every, honest_residual);
conforms!(the_same_run_gives_the_same_bits, every, same_bits_again);
conforms!(every_instruction_set_gives_the_same_bits, every, same_bits_everywhere);
conforms!(looking_seldom_overshoots_by_less_than_the_interval, every, seldom_looks);
conforms!(a_zero_right_hand_side_is_answered_by_zero, linear, zero_right_hand_side);
conforms!(a_start_at_the_solution_takes_no_step, linear, exact_start);
conforms!(a_tolerance_against_the_first_residual_starts_anew, linear, against_the_first_residual);
conforms!(the_answer_is_that_of_elimination, linear, right_answer);

/// Steps that both precisions take together, and how far apart they may be: the rounding of a step in
/// `f32`, as often as there were steps.
#[test]
fn both_precisions_agree_to_that_of_f32() {
    const STEPS: u32 = 6;
    for (single, double) in every::<f32>().iter().zip(&every::<f64>()) {
        assert_eq!(single.name(), double.name());
        let (x, _) = solved(&**single, &Stop { max_steps: STEPS, ..single.stop() });
        let (exact, report) = solved(&**double, &Stop { max_steps: STEPS, ..double.stop() });
        assert_eq!(report.steps, STEPS, "{}", double.name());
        let size = exact.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
        let bound = double.rounding_per_step() * f64::from(STEPS) * f64::from(f32::EPSILON) * size;
        for (x, exact) in x.iter().zip(&exact) {
            let off = (f64::from(*x) - exact).abs();
            assert!(off <= bound, "{}: {x} {exact} {off} {bound}", double.name());
        }
    }
}
