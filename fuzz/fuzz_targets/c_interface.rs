//! The C interface, called as C calls it: what runs gives the bits of the Rust interface and its report; what the Rust
//! interface refuses is refused with its code; a pointer, a length or a struct's size that is damaged gets the code of
//! that damage, and nothing is touched.
#![no_main]

#[path = "c_interface/more.rs"]
mod more;

use std::ffi::{CStr, c_char, c_void};
use std::{ptr, slice};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
use southwell::bandit::{Grid, TsallisInf, TsallisOptions};
use southwell::descent::penalties::{ElasticNet, Interval, Penalty, Shape, Values};
use southwell::descent::selection::{Cyclic, GreedyVariable, Score};
use southwell::descent::update::Gradient;
use southwell::descent::{self, box_qp, sparse_regression};
use southwell::linear::{self, Columns, Csc, Csr, Dense, Star, Stencil2d};
use southwell::omega::{Fixed, Learned, OmegaRule};
use southwell::relaxation::{self, Relax, Split, ssor_cg};
use southwell::subgradient::projection::Bounds;
use southwell::subgradient::step::{Diminishing, Polyak};
use southwell::subgradient::{
    self, Oracle, Projection, Quantile, Table, calibration, certify, fit, matrix, method,
};
use southwell::transport::{self, DenseCost, Potentials, sinkhorn};
use southwell::{Error, Real, Stop};
use southwell_c as c;
use southwell_fuzz::{Number, cycled, number_bits};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    family: u8,
    wild: bool,
    sizes: [u8; 3],
    numbers: Vec<Number>,
    max_steps: u8,
    absolute: Number,
    damage: u8,
}

fuzz_target!(|input: Input| if input.double { double::check(&input) } else { single::check(&input) });

impl Input {
    fn numbers<T: Real>(&self, from: usize, n: usize) -> Vec<T> {
        let number =
            |k| if self.wild { cycled(&self.numbers, k).wild() } else { cycled(&self.numbers, k).tame() };
        (from..from + n).map(number).collect()
    }

    /// A dense matrix with a diagonal that outweighs tame entries.
    fn matrix<T: Real>(&self, n: usize) -> Vec<T> {
        let entries: Vec<T> = self.numbers(1, n * n);
        let of = |k: usize| entries[(k / n).min(k % n) * n + (k / n).max(k % n)];
        (0..n * n).map(|k| of(k) + T::from_u32(if k / n == k % n { 4096 } else { 0 })).collect()
    }

    fn size(&self, k: usize, most: u8) -> usize {
        usize::from(self.sizes[k] % most) + 1
    }

    fn stop<T: Real>(&self, stop: Stop<T>) -> Stop<T> {
        let absolute = if self.wild { self.absolute.wild() } else { T::ZERO };
        Stop { absolute, max_steps: u32::from(self.max_steps), ..stop }
    }
}

/// What a call is handed, damaged or not.
struct Hands<T> {
    x: *mut T,
    workspace: *mut T,
    len: usize,
    report: *mut c::Report<T>,
    /// The problem is null.
    null: bool,
}

fn text(start: *const c_char, len: usize) -> String {
    // SAFETY: the interface says that so many characters lie there.
    let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) };
    String::from_utf8_lossy(bytes).into_owned()
}

fn off<T>(pointer: *mut T) -> *mut T {
    pointer.wrapping_byte_add(1)
}

fn same<T: Real>(a: &[T], b: &[T]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| number_bits(a) == number_bits(b))
}

/// What the Rust interface found, against what a call of the C interface finds from the same start.
fn compare<T: Real>(
    input: &Input,
    start: &[T],
    found: Result<(southwell::Report<T>, Vec<T>), Error>,
    len: usize,
    call: impl Fn(&Hands<T>, *mut c::Fault) -> c::Code,
) {
    // One element more, for a pointer into the middle of one.
    let mut x: Vec<T> = start.iter().copied().chain([T::ZERO]).collect();
    let mut workspace = vec![T::NAN; len + 1];
    let mut report = c::Report::from(&southwell::Report {
        status: southwell::Status::Stalled,
        steps: 0,
        checks: 0,
        initial_residual: T::ZERO,
        residual: T::ZERO,
        scale: T::ZERO,
    });
    let before = report;
    let mut hands =
        Hands { x: x.as_mut_ptr(), workspace: workspace.as_mut_ptr(), len, report: &mut report, null: false };
    let damage = match input.damage % 16 {
        1 => {
            hands.null = true;
            Some(c::Code::Null)
        }
        2 if !start.is_empty() => {
            hands.x = ptr::null_mut();
            Some(c::Code::Null)
        }
        3 if len > 0 => {
            hands.workspace = ptr::null_mut();
            Some(c::Code::Null)
        }
        4 if len > 0 => {
            hands.len = len - 1;
            Some(c::Code::Workspace)
        }
        5 if !start.is_empty() => {
            hands.x = off(hands.x);
            Some(c::Code::Misaligned)
        }
        6 if len > 0 => {
            hands.workspace = off(hands.workspace);
            Some(c::Code::Misaligned)
        }
        7 => {
            report.size ^= usize::from(input.sizes[0]) + 1;
            Some(c::Code::Size)
        }
        8 => {
            hands.report = off(hands.report);
            Some(c::Code::Misaligned)
        }
        9 => {
            hands.len = usize::MAX / 2;
            Some(c::Code::TooLong)
        }
        10 if !start.is_empty() && len > 0 => {
            hands.workspace = hands.x;
            Some(c::Code::Overlap)
        }
        11 => {
            hands.report = ptr::null_mut();
            None
        }
        _ => None,
    };
    let size = report.size;
    let mut fault = None;
    let code = with_fault(&mut fault, |fault| call(&hands, fault));
    let fault = fault.expect("a fault is always written");
    assert_eq!(code, fault.code);
    let left = &x[..start.len()];
    if let Some(expected) = damage {
        // A problem that is refused by itself may be refused first.
        assert!(
            code == expected || (found.is_err() && code != c::Code::Ok),
            "{code:?} in place of {expected:?}"
        );
        assert!(same(left, start) && report.steps == before.steps && report.size == size);
        return;
    }
    match found {
        Ok((core, theirs)) => {
            assert_eq!(code, c::Code::Ok, "{fault:?}: {}", text(fault.argument, fault.argument_len));
            assert!(same(left, &theirs), "{left:?} and {theirs:?}");
            if input.damage % 16 != 11 {
                let expected = c::Report::from(&core);
                assert_eq!(
                    (report.status, report.steps, report.checks),
                    (expected.status, expected.steps, expected.checks)
                );
                assert!(same(&[report.residual, report.scale], &[core.residual, core.scale]));
            }
        }
        Err(error) => {
            let expected = c::Fault::from(error);
            assert_eq!(code, expected.code, "{error}");
            assert_eq!(
                (fault.index, fault.needed, fault.given),
                (expected.index, expected.needed, expected.given)
            );
            let name = |fault: &c::Fault| text(fault.argument, fault.argument_len);
            assert_eq!(name(&fault), name(&expected), "{error}");
            assert!(same(left, start) && report.steps == before.steps);
        }
    }
}

fn with_fault(place: &mut Option<c::Fault>, call: impl FnOnce(*mut c::Fault) -> c::Code) -> c::Code {
    let mut fault = std::mem::MaybeUninit::<c::Fault>::uninit();
    let code = call(fault.as_mut_ptr());
    // SAFETY: a call writes its fault, whatever comes of it.
    *place = Some(unsafe { fault.assume_init() });
    code
}

/// Options of a call: these tolerances and limits.
fn options<T: Real>(stop: &Stop<T>) -> c::Options<T> {
    c::Options {
        size: size_of::<c::Options<T>>(),
        absolute: stop.absolute,
        relative: stop.relative,
        omega: T::ZERO,
        max_steps: stop.max_steps,
        check_every: stop.check_every,
        observe: None,
        context: ptr::null_mut(),
    }
}

macro_rules! precision {
    ($module:ident, $t:ident, $ssor_cg:ident, $sinkhorn:ident, $condensed:ident, $staged:ident,
     $regression:ident, $fit:ident, $calibrate:ident, $recover:ident) => {
        mod $module {
            use super::*;

            type T = $t;

            pub(super) fn check(input: &Input) {
                match input.family % 16 {
                    0 => linear(input),
                    1 => coupling(input),
                    2 => quadratic(input),
                    3 => control(input),
                    4 => sparse(input),
                    5 => robust(input),
                    6 => magnetometer(input),
                    7 => low_rank(input),
                    _ => more::$module::check(input),
                }
            }

            fn linear(input: &Input) {
                let n = input.size(0, 6);
                let (a, rhs, start): (Vec<T>, _, _) = (input.matrix(n), input.numbers(3, n), input.numbers(5, n));
                let stop = input.stop(Stop::default());
                let len = c::relaxation::southwell_ssor_cg_workspace(n);
                let run = || -> Result<_, Error> {
                    let (view, mut x, mut work) = (Dense::new(&a, n, n)?, start.clone(), vec![T::NAN; len]);
                    let problem = relaxation::Problem::new(&view, &rhs)?;
                    let work = ssor_cg::Workspace::new(&problem, &mut work)?;
                    let inner = ssor_cg::Options { stop, ..Default::default() };
                    Ok((ssor_cg::solve(&problem, &inner, &mut Fixed(T::ONE), &mut x, work, &mut ())?, x))
                };
                let matrix = c::relaxation::DenseMatrix { size: size_of::<c::relaxation::DenseMatrix<T>>(), order: n, stride: n, values: a.as_ptr() };
                compare(input, &start, run(), len, |hands, fault| {
                    let matrix = if hands.null { ptr::null() } else { &raw const matrix };
                    // SAFETY: arrays as long as said, or refused.
                    unsafe { c::relaxation::$ssor_cg(matrix, rhs.as_ptr(), hands.x, &options(&stop), ptr::null_mut(), hands.workspace, hands.len, hands.report, fault) }
                });
            }

            fn coupling(input: &Input) {
                let (n, m) = (input.size(0, 5), input.size(1, 5));
                let cost: Vec<T> = input.numbers(1, n * m);
                let weights = |from, n: usize| -> Vec<T> {
                    if input.wild { input.numbers(from, n) } else { vec![T::from_f64(1.0 / n as f64); n] }
                };
                let (a, b, start): (_, _, Vec<T>) = (weights(2, n), weights(4, m), input.numbers(6, m));
                let epsilon: T = input.numbers(9, 1)[0];
                let stop = input.stop(sinkhorn::Options::default().stop);
                let len = c::transport::southwell_sinkhorn_workspace(n, m);
                let run = || -> Result<_, Error> {
                    let (costs, mut f, mut g) = (DenseCost::new(&cost, n, m, m)?, vec![T::ZERO; n], start.clone());
                    let problem = transport::Problem::new(&costs, &a, &b, epsilon)?;
                    let mut work = vec![T::NAN; len];
                    let work = sinkhorn::Workspace::new(&problem, &mut work)?;
                    let (x, inner) = (Potentials { f: &mut f, g: &mut g }, sinkhorn::Options { stop });
                    let report = sinkhorn::solve(&problem, &inner, &mut Fixed(T::ONE), x, work, &mut ())?;
                    Ok((report, g))
                };
                let problem = c::transport::Transport { size: size_of::<c::transport::Transport<T>>(), rows: n, columns: m, stride: m, cost: cost.as_ptr(), a: a.as_ptr(), b: b.as_ptr(), epsilon };
                compare(input, &start, run(), len, |hands, fault| {
                    let problem = if hands.null { ptr::null() } else { &raw const problem };
                    let (mut f, mut options) = (vec![T::ZERO; n], options(&stop));
                    options.omega = T::ONE;
                    // SAFETY: as above.
                    unsafe { c::transport::$sinkhorn(problem, f.as_mut_ptr(), hands.x, &options, hands.workspace, hands.len, hands.report, fault) }
                });
            }

            fn quadratic(input: &Input) {
                let n = input.size(0, 5);
                let (h, f, start): (Vec<T>, _, _) = (input.matrix(n), input.numbers(3, n), input.numbers(5, n));
                let (lower, upper): (Vec<T>, Vec<T>) = (input.numbers(7, n), input.numbers(11, n));
                let stop = input.stop(box_qp::Options::default().stop);
                let len = c::box_qp::southwell_box_qp_condensed_workspace(n);
                let run = || -> Result<_, Error> {
                    let (model, mut x, mut work) = (box_qp::Condensed::new(&h, n)?, start.clone(), vec![T::NAN; len]);
                    let problem = box_qp::Problem::new(&model, &f, &lower, &upper)?;
                    let (mut work, inner) = (box_qp::Workspace::new(&model, &mut work)?, box_qp::Options { stop, ..Default::default() });
                    Ok((box_qp::solve(&problem, &inner, &mut x, &mut work, &mut ())?.report, x))
                };
                let problem = c::box_qp::BoxQp { size: size_of::<c::box_qp::BoxQp<T>>(), variables: n, h: h.as_ptr(), inverse: ptr::null(), f: f.as_ptr(), lower: lower.as_ptr(), upper: upper.as_ptr() };
                compare(input, &start, run(), len, |hands, fault| {
                    let problem = if hands.null { ptr::null() } else { &raw const problem };
                    // SAFETY: as above.
                    unsafe { c::box_qp::$condensed(problem, hands.x, &options(&stop), hands.workspace, hands.len, hands.report, ptr::null_mut(), fault) }
                });
            }

            fn control(input: &Input) {
                let (n, m, horizon) = (input.size(0, 3), input.size(1, 2), input.size(2, 4));
                let (a, b, q, r): (Vec<T>, Vec<T>, Vec<T>, Vec<T>) = (input.numbers(1, n * n), input.numbers(2, n * m), input.matrix(n), input.matrix(m));
                let (x0, start): (Vec<T>, Vec<T>) = (input.numbers(4, n), input.numbers(5, m * horizon));
                let (lower, upper) = (vec![-T::ONE; m * horizon], vec![T::ONE; m * horizon]);
                let stop = input.stop(box_qp::Options::default().stop);
                let len = c::box_qp::southwell_box_qp_staged_workspace(n, m, horizon);
                let run = || -> Result<_, Error> {
                    let plant = box_qp::Plant { states: n, inputs: m, a: &a, b: &b, q: &q, r: &r };
                    let (model, mut x, mut work) = (box_qp::Staged::new(plant, &q, horizon)?, start.clone(), vec![T::NAN; len]);
                    let problem = box_qp::Problem::new(&model, &x0, &lower, &upper)?;
                    let (mut work, inner) = (box_qp::Workspace::new(&model, &mut work)?, box_qp::Options { stop, ..Default::default() });
                    Ok((box_qp::solve(&problem, &inner, &mut x, &mut work, &mut ())?.report, x))
                };
                let plant = c::box_qp::Plant { size: size_of::<c::box_qp::Plant<T>>(), states: n, inputs: m, horizon, a: a.as_ptr(), b: b.as_ptr(), q: q.as_ptr(), r: r.as_ptr(), p: q.as_ptr() };
                compare(input, &start, run(), len, |hands, fault| {
                    let plant = if hands.null { ptr::null() } else { &raw const plant };
                    let control = c::box_qp::Control { size: size_of::<c::box_qp::Control<T>>(), plant, x0: x0.as_ptr(), lower: lower.as_ptr(), upper: upper.as_ptr() };
                    // SAFETY: as above.
                    unsafe { c::box_qp::$staged(&control, hands.x, &options(&stop), hands.workspace, hands.len, hands.report, ptr::null_mut(), fault) }
                });
            }

            fn sparse(input: &Input) {
                let (n, p, capacity) = (input.size(0, 5), input.size(1, 5), input.size(2, 5) - 1);
                let (a, y, start): (Vec<T>, Vec<T>, Vec<T>) = (input.numbers(1, n * p), input.numbers(2, n), input.numbers(3, p));
                let lambda: T = input.numbers(8, 1)[0];
                let averaged = u32::from(input.sizes[0] / 128);
                let stop = input.stop(sparse_regression::Options::default().stop);
                let len = c::regression::southwell_regression_workspace(n, p, capacity);
                let count = c::regression::southwell_regression_indices(p, capacity);
                let run = || -> Result<_, Error> {
                    let (design, mut x) = (Columns::new(&a, n, p)?, start.clone());
                    let mut problem = sparse_regression::Problem::least_squares(&design, &y, sparse_regression::Penalty::Lasso { lambda })?;
                    if averaged != 0 {
                        problem = problem.averaged()?;
                    }
                    let (mut work, mut indices) = (vec![T::NAN; len], vec![u32::MAX; count]);
                    let work = sparse_regression::Workspace::new(&problem, capacity, &mut work, &mut indices)?;
                    let inner = sparse_regression::Options { stop, ..Default::default() };
                    Ok((sparse_regression::solve(&problem, &inner, &mut x, work, &mut ())?.report, x))
                };
                let design = c::regression::DenseDesign { size: size_of::<c::regression::DenseDesign<T>>(), rows: n, columns: p, values: a.as_ptr() };
                let problem = c::regression::Regression { size: size_of::<c::regression::Regression<T>>(), y: y.as_ptr(), loss: 0, penalty: 0, lambda, ridge: T::NAN, groups: ptr::null(), groups_len: 9, weights: ptr::null(), averaged, intercept: 0, capacity };
                compare(input, &start, run(), len, |hands, fault| {
                    let problem = if hands.null { ptr::null() } else { &raw const problem };
                    let mut indices = vec![7_u32; count];
                    // SAFETY: as above.
                    unsafe { c::regression::$regression(&design, problem, hands.x, &options(&stop), hands.workspace, hands.len, indices.as_mut_ptr(), count, hands.report, ptr::null_mut(), fault) }
                });
            }

            fn robust(input: &Input) {
                let (n, p, bound) = (input.size(0, 7), input.size(1, 3), input.sizes[2] % 2);
                let (rows, y, start): (Vec<T>, Vec<T>, Vec<T>) = (input.numbers(1, n * p), input.numbers(2, n), input.numbers(3, p));
                let quantile = T::from_f64(f64::from(input.sizes[2]) / 128.0);
                let mut inner = fit::Options::default();
                inner.ending.stop = input.stop(inner.ending.stop);
                let len = c::fit::southwell_fit_workspace(n, p, bound.into());
                let count = c::fit::southwell_fit_indices(p);
                let run = || -> Result<_, Error> {
                    let (loss, mut x) = (Quantile::new(Table::new(&rows, n, p)?, &y, quantile)?, start.clone());
                    let (mut work, mut indices) = (vec![T::NAN; len], vec![u32::MAX; count]);
                    let work = fit::Workspace::new(&loss, fit::Whitening::Orthogonal, bound == 1, &mut work, &mut indices)?;
                    Ok((fit::solve(&loss, &inner, fit::rule(), &mut x, work, &mut ())?.report, x))
                };
                let problem = c::fit::Fit { size: size_of::<c::fit::Fit<T>>(), rows: n, columns: p, x: rows.as_ptr(), y: y.as_ptr(), weights: ptr::null(), quantile, bound: bound.into() };
                compare(input, &start, run(), len, |hands, fault| {
                    let problem = if hands.null { ptr::null() } else { &raw const problem };
                    let mut indices = vec![7_u32; count];
                    // SAFETY: as above.
                    unsafe { c::fit::$fit(problem, hands.x, &options(&inner.ending.stop), hands.workspace, hands.len, indices.as_mut_ptr(), count, hands.report, ptr::null_mut(), fault) }
                });
            }

            fn magnetometer(input: &Input) {
                let n = input.size(0, 24);
                let (values, field): (Vec<T>, T) = (input.numbers(1, 3 * n), input.numbers(0, 1)[0]);
                let mut inner = calibration::Options::default();
                inner.ending.stop = input.stop(inner.ending.stop);
                // What was found, as one list of numbers.
                let list = |offset: [T; 3], correction: [[T; 3]; 3]| [&offset[..], correction.as_flattened()].concat();
                let run = || -> Result<_, Error> {
                    let problem = calibration::Problem::new(Table::new(&values, n, 3)?, field)?;
                    let found = calibration::solve(&problem, &inner, &mut [T::NAN; calibration::REQUIRED_LEN], &mut ())?;
                    Ok((found.outcome.report, list(found.offset, found.correction)))
                };
                let samples = c::calibration::Samples { size: size_of::<c::calibration::Samples<T>>(), count: n, values: values.as_ptr(), field };
                let found = c::calibration::Calibration { size: size_of::<c::calibration::Calibration<T>>(), offset: [T::ZERO; 3], correction: [[T::ZERO; 3]; 3], soft_iron: [[T::ZERO; 3]; 3], agreeing: 0, deviation: T::ZERO, value: T::ZERO };
                compare(input, &list(found.offset, found.correction), run(), calibration::REQUIRED_LEN, |hands, fault| {
                    let samples = if hands.null { ptr::null() } else { &raw const samples };
                    let mut found = found;
                    // The list stands for the struct, damage and all.
                    let place = if hands.x.is_null() {
                        ptr::null_mut()
                    } else if hands.x.is_aligned() {
                        &raw mut found
                    } else {
                        off(&raw mut found)
                    };
                    let workspace = if hands.workspace == hands.x && !hands.x.is_null() { place.cast() } else { hands.workspace };
                    // SAFETY: as above.
                    let code = unsafe { c::calibration::$calibrate(samples, &options(&inner.ending.stop), workspace, hands.len, place, hands.report, fault) };
                    if code == c::Code::Ok {
                        let numbers = list(found.offset, found.correction);
                        // SAFETY: so many were handed in.
                        unsafe { ptr::copy_nonoverlapping(numbers.as_ptr(), hands.x, numbers.len()) };
                    }
                    code
                });
            }

            fn low_rank(input: &Input) {
                let (d, count, rank) = (input.size(0, 4), input.size(1, 12), input.size(2, 3));
                let (a, y): (Vec<T>, Vec<T>) = (input.numbers(1, count * d * d), input.numbers(2, count));
                let inner = matrix::Options { stop: input.stop(Stop::default()), ..Default::default() };
                let len = c::recovery::southwell_recovery_dense_workspace(d, d, rank, 1);
                let start: Vec<T> = input.numbers(3, d * rank);
                let run = || -> Result<_, Error> {
                    let (operator, mut x) = (matrix::operator::Dense::new(&a, d, d)?, start.clone());
                    let problem = matrix::Problem::symmetric(&operator, &y, rank)?;
                    let mut work = vec![T::NAN; len];
                    let work = matrix::Workspace::new(&problem, false, &mut work)?;
                    Ok((matrix::solve(&problem, &inner, &mut x, work, &mut ())?.report, x))
                };
                let problem = c::recovery::Measurements { size: size_of::<c::recovery::Measurements<T>>(), count, rows: d, columns: d, rank, symmetric: 1, y: y.as_ptr(), a: a.as_ptr(), b: ptr::null(), row_of: ptr::null(), column_of: ptr::null() };
                compare(input, &start, run(), len, |hands, fault| {
                    let problem = if hands.null { ptr::null() } else { &raw const problem };
                    // SAFETY: as above.
                    unsafe { c::recovery::$recover(problem, ptr::null(), hands.x, &options(&inner.stop), hands.workspace, hands.len, hands.report, ptr::null_mut(), fault) }
                });
            }
        }
    };
}

precision!(
    single,
    f32,
    southwell_ssor_cg_dense_f32,
    southwell_sinkhorn_f32,
    southwell_box_qp_condensed_f32,
    southwell_box_qp_staged_f32,
    southwell_regression_dense_f32,
    southwell_fit_f32,
    southwell_calibrate_f32,
    southwell_recover_dense_f32
);
precision!(
    double,
    f64,
    southwell_ssor_cg_dense_f64,
    southwell_sinkhorn_f64,
    southwell_box_qp_condensed_f64,
    southwell_box_qp_staged_f64,
    southwell_regression_dense_f64,
    southwell_fit_f64,
    southwell_calibrate_f64,
    southwell_recover_dense_f64
);
