//! Linear systems A x = b: the adapters of the relaxation family, and what only linear systems promise.

use southwell::linear::{Stencil2d, Stencil3d};
use southwell::relaxation::{
    Blocks, Colouring, Fixed, Lines, Multicolour, Problem, RedBlack, Reference, Relax, Split, cg, sor,
    sor::Sweep, ssor_cg,
};
use southwell::{Error, Real, Report, Status, Stop};

use crate::common::{self, Numbers, Plain, bits, cast, cast_star, cell_of, norm, poisson_star, wide};
use crate::{Call, Method, solved};

/// A linear system A x = b behind a method.
pub(crate) trait Linear<T: Real>: Method<T> {
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
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        call: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = sor::Workspace::new(&problem, storage)?;
        let options = self.options(stop);
        let mut rule = Fixed(T::from_f64(self.omega));
        answer!(call, stop, sor::start(&problem, &options, &mut rule, x, workspace), observer => sor::solve(&problem, &options, &mut rule, x, workspace, observer))
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
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        call: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = ssor_cg::Workspace::new(&problem, storage)?;
        let options = ssor_cg::Options { reference: self.system.reference, stop: *stop };
        let mut rule = Fixed(T::from_f64(self.omega));
        answer!(call, stop, ssor_cg::start(&problem, &options, &mut rule, x, workspace), observer => ssor_cg::solve(&problem, &options, &mut rule, x, workspace, observer))
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
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        call: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error> {
        let problem = Problem::new(&self.view, &self.system.rhs)?;
        let workspace = cg::Workspace::new(&problem, storage)?;
        let options = cg::Options { reference: self.system.reference, stop: *stop };
        answer!(call, stop, cg::start(&problem, &options, x, workspace), observer => cg::solve(&problem, &options, x, workspace, observer))
    }
}

impl<T: Real, A: southwell::linear::Matrix<T> + Clone + 'static> Linear<T> for Cg<T, A> {
    linear_parts!();
}

/// Every linear method over every view that it takes.
pub(crate) fn linear<T: Real>() -> Vec<Box<dyn Linear<T>>> {
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

pub(crate) fn zero_right_hand_side<T: Real>(method: &dyn Linear<T>) {
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
pub(crate) fn exact_start<T: Real>(method: &dyn Linear<T>) {
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

pub(crate) fn against_the_first_residual<T: Real>(method: &dyn Linear<T>) {
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

pub(crate) fn right_answer<T: Real>(method: &dyn Linear<T>) {
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
