//! Passes over vectors against plain loops, bit for bit, on every instruction set of the machine.
#![cfg(feature = "force-level")]

mod common;

use common::{
    Exact, FEW, Numbers, bits, bits_of, check_update, dot, in_lanes, lengths, near, on_every_level, operands,
};
use southwell_simd::{LANES, Real, reduce, vector};

fn reductions<T: Real>() {
    let alpha = T::from_f64(0.7);
    operands::<T>(|x, y, z, name| {
        let same = |what: &str, found: T, plain: T| {
            assert_eq!(bits_of(found), bits_of(plain), "{what} {name}");
        };
        same("dot", vector::dot(x, y), dot(x, y));
        let three = in_lanes(x.iter().zip(y).zip(z).map(|((&x, &y), &z)| (x * y) * z));
        same("dot3", vector::dot3(x, y, z), three);
        let (products, squares) = vector::dot_square(x, y);
        same("dot_square", products, dot(x, y));
        same("dot_square", squares, dot(y, y));
        same("norm", vector::norm(x), dot(x, x).sqrt());
        same("sum", vector::sum(x), in_lanes(x.iter().copied()));
        same("sum_abs", vector::sum_abs(x), in_lanes(x.iter().map(|x| x.abs())));
        let scaled = in_lanes(x.iter().map(|&x| (alpha * x) * (alpha * x)));
        same("scaled_square", vector::scaled_square(alpha, x), scaled);
    });
}

#[test]
fn reductions_run_in_sixteen_lanes() {
    assert_eq!(LANES, 16);
    reductions::<f32>();
    reductions::<f64>();
}

fn updates<T: Real>() {
    let (alpha, beta) = (T::from_f64(0.7), T::from_f64(-1.3));
    operands::<T>(|x, y, z, name| {
        let check = |what: &str, pass: &dyn Fn(&mut [T]), plain: &dyn Fn(usize) -> T| {
            check_update(&format!("{what} {name}"), y, pass, plain);
        };
        check("axpy", &|y| vector::axpy(alpha, x, y), &|i| y[i] + alpha * x[i]);
        check("xpby", &|y| vector::xpby(x, beta, y), &|i| x[i] + beta * y[i]);
        check("axpby", &|y| vector::axpby(alpha, x, beta, y), &|i| alpha * x[i] + beta * y[i]);
        check("scaled", &|y| vector::scaled_xpby(alpha, z, x, beta, y), &|i| {
            alpha * (z[i] * x[i]) + beta * y[i]
        });
        check("rsub", &|y| vector::rsub(x, y), &|i| x[i] - y[i]);
        check("scale", &|y| vector::scale(alpha, y), &|i| alpha * y[i]);
        check("multiply", &|y| vector::multiply(x, y), &|i| x[i] * y[i]);
        let updated: Vec<T> = y.iter().zip(x).map(|(&y, &x)| y + alpha * x).collect();
        let squares = |what: &str, found: T, of: &[T]| {
            assert_eq!(bits_of(found), bits_of(dot(of, of)), "{what} {name}");
        };
        let pass = |y: &mut [T]| squares("axpy_square", vector::axpy_square(alpha, x, y), &updated);
        check("axpy_square", &pass, &|i| updated[i]);
        let pass = |y: &mut [T]| squares("add_square", vector::add_square(x, y), x);
        check("add_square", &pass, &|i| y[i] + x[i]);
    });
}

#[test]
fn updates_match_plain_loops() {
    updates::<f32>();
    updates::<f64>();
}

/// A pass works on the common length of its operands and cannot panic.
fn shorter_operands<T: Real>() {
    let mut numbers = Numbers(2);
    let (x, y, z) = (numbers.vector::<T>(80), numbers.vector::<T>(80), numbers.vector::<T>(80));
    on_every_level(|level| {
        for (a, b, c) in [(0, 80, 80), (33, 50, 80), (80, 17, 64), (65, 70, 1), (80, 80, 79)] {
            let n = a.min(b).min(c);
            assert_eq!(vector::dot(&x[..a], &y[..b]).bits(), dot(&x[..a.min(b)], &y[..a.min(b)]).bits());
            let three = in_lanes((0..n).map(|i| (x[i] * y[i]) * z[i]));
            assert_eq!(vector::dot3(&x[..a], &y[..b], &z[..c]).bits(), three.bits(), "{level:?}");
            let mut out = y.clone();
            vector::scaled_xpby(T::TWO, &z[..c], &x[..a], T::HALF, &mut out[..b]);
            let plain: Vec<T> =
                (0..80).map(|i| if i < n { T::TWO * (z[i] * x[i]) + T::HALF * y[i] } else { y[i] }).collect();
            assert_eq!(bits(&out), bits(&plain), "{level:?}");
            let mut out = y.clone();
            vector::axpy(T::TWO, &x[..a], &mut out[..b]);
            let plain: Vec<T> =
                (0..80).map(|i| if i < a.min(b) { y[i] + T::TWO * x[i] } else { y[i] }).collect();
            assert_eq!(bits(&out), bits(&plain), "{level:?}");
        }
    });
}

#[test]
fn lengths_are_cut_to_the_shortest() {
    shorter_operands::<f32>();
    shorter_operands::<f64>();
}

fn exact_sums<T: Real>() {
    let mut numbers = Numbers(3);
    for n in lengths().chain((!FEW).then_some(5000)) {
        let (x, y) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
        let mut exact = Exact::default();
        x.iter().zip(&y).for_each(|(x, y)| exact.add_product(x.to_f64(), y.to_f64()));
        let found = vector::dot(&x, &y);
        assert!(near(found, &exact, n), "n = {n}: {found} {}", exact.value());
        let mut exact = Exact::default();
        x.iter().for_each(|x| exact.add_product(x.to_f64(), x.to_f64()));
        let found = vector::norm(&x).to_f64();
        let bound = (n as f64 / 2.0 + 1.0) * T::EPSILON.to_f64() * exact.value().sqrt();
        assert!((found - exact.value().sqrt()).abs() <= bound, "n = {n}: {found}");
    }
}

#[test]
fn reductions_are_near_the_exact_sum() {
    exact_sums::<f32>();
    exact_sums::<f64>();
}

/// Nothing is fused: a product is rounded before it is added.
#[test]
fn products_are_rounded_before_they_are_added() {
    let (x, y) = ([1.0 + f64::EPSILON; 40], [1.0 - f64::EPSILON; 40]);
    on_every_level(|level| {
        // (1 + ε)(1 − ε) = 1 − ε² rounds to 1; fused with −1 it would leave −ε².
        let mut out = [-1.0; 40];
        vector::axpy(x[0], &y, &mut out);
        assert_eq!(out, [0.0; 40], "{level:?}");
        let lanes = [x, [-1.0; 40]].map(|v| vector::dot(&v, &y));
        assert_eq!(lanes[0], 40.0, "{level:?}");
    });
}

fn tree<T: Real>() {
    let mut numbers = Numbers(4);
    for _ in 0..100 {
        let lanes: [T; 16] = core::array::from_fn(|_| numbers.next());
        assert_eq!(reduce(&lanes).bits(), in_lanes(lanes.iter().copied()).bits());
    }
}

#[test]
fn lanes_are_added_by_halves() {
    tree::<f32>();
    tree::<f64>();
}

/// The scalar type itself: what the solvers rely on.
#[test]
fn scalars() {
    fn both<T: Real>(bits: u32) {
        assert_eq!(T::NAN.max(T::ONE), T::ONE);
        assert_eq!(T::ONE.max(T::NAN), T::ONE);
        assert_eq!(T::NAN.min(T::ONE), T::ONE);
        assert_eq!(T::ONE.min(T::NAN), T::ONE);
        assert_eq!((T::ONE.max(T::TWO), T::ONE.min(T::TWO)), (T::TWO, T::ONE));
        assert!(!T::NAN.is_finite() && !T::INFINITY.is_finite() && T::MAX.is_finite());
        assert_eq!(T::ONE + T::EPSILON * T::HALF, T::ONE);
        assert!(T::ONE + T::EPSILON > T::ONE);
        assert_eq!(T::from_f64(2.25).sqrt().to_f64(), 1.5);
        assert_eq!(T::from_usize(1 << 20).to_f64(), f64::from(T::from_u32(1 << 20).to_f64() as u32));
        assert!((T::ONE.exp().ln() - T::ONE).abs() <= T::EPSILON);
        assert_eq!(T::unit_from_bits(0), T::ZERO);
        assert_eq!(T::unit_from_bits(1 << 63), T::HALF);
        assert!(T::unit_from_bits(u64::MAX) < T::ONE);
        assert_eq!(T::unit_from_bits(u64::MAX).to_f64(), 1.0 - 0.5_f64.powi(bits as i32));
        assert_ne!(T::ZERO.bits(), (-T::ZERO).bits());
    }
    both::<f32>(24);
    both::<f64>(53);
    assert!(!southwell_simd::level_name().is_empty());
}
