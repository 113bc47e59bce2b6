//! Small least-squares problems given by their normal equations: minimise ½ θᵀGθ − rhs·θ.
//!
//! * Without bounds: the shortest of all minimisers, by the eigen-decomposition of G. Cyclic Jacobi
//!   rotations each make one off-diagonal pair zero, a sweep rotates every pair once. Convergence is
//!   quadratic at the end: 6 × 6 takes 5 or 6 sweeps, the cap is 30. A sweep costs about 6 m³ flops.
//! * In a box: a primal active-set method. Coordinates held at a bound are set aside, the others go to
//!   their minimum or to the first bound on the way, and a held one whose slope points inwards is let go.
//!   (Coordinate descent is shorter, but needs thousands of rounds when contexts lie close together.)
//!
//! Sources: Golub and Van Loan, Matrix Computations (4th edition), sections 5.5 and 8.5; Nocedal and
//! Wright, Numerical Optimization (2nd edition), algorithm 16.3.

use crate::Real;

/// Sweeps at most.
const MAX_SWEEPS: u32 = 30;
/// Changes of the set of held coordinates at most; a few times their number is usual.
const MAX_CHANGES: u32 = 100;

/// The shortest θ that minimises ½ θᵀGθ − rhs·θ.
pub(super) fn shortest_solution<T: Real, const M: usize>(gram: &[[T; M]; M], rhs: &[T; M]) -> [T; M] {
    let mut a = *gram;
    let vectors = diagonalise(&mut a);
    let values = || a.iter().enumerate().map(|(i, row)| row.get(i).copied().unwrap_or(T::ZERO));
    let negligible = values().fold(T::ZERO, T::max) * T::from_f64(1e-11).max(T::from_f64(32.0) * T::EPSILON);
    let mut theta = [T::ZERO; M];
    for (value, vector) in values().zip(&vectors) {
        if value > negligible {
            let share = dot(vector, rhs) / value;
            theta.iter_mut().zip(vector).for_each(|(theta, &v)| *theta += share * v);
        }
    }
    theta
}

/// Minimises ½ θᵀGθ − rhs·θ in the box |θⱼ| ≤ boundⱼ, beginning at the point of the box nearest to θ.
pub(super) fn move_into_box<T: Real, const M: usize>(
    gram: &[[T; M]; M],
    rhs: &[T; M],
    bounds: &[T; M],
    theta: &mut [T; M],
) {
    let mut free = [true; M];
    for ((theta, &bound), free) in theta.iter_mut().zip(bounds).zip(&mut free) {
        *free = theta.abs() < bound;
        *theta = theta.max(-bound).min(bound);
    }
    let negligible = T::from_f64(32.0) * T::EPSILON * rhs.iter().fold(T::ZERO, |most, r| most.max(r.abs()));
    for _ in 0..MAX_CHANGES {
        let target = minimise_free(gram, rhs, theta, &free);
        // Go towards the target until the first bound.
        let mut share = T::ONE;
        let mut blocking = None;
        for (j, ((&theta, &target), &bound)) in theta.iter().zip(&target).zip(bounds).enumerate() {
            if target.abs() > bound {
                let bound = if target > T::ZERO { bound } else { -bound };
                let reach = (bound - theta) / (target - theta);
                if reach < share {
                    share = reach;
                    blocking = Some((j, bound));
                }
            }
        }
        theta.iter_mut().zip(&target).for_each(|(theta, &target)| *theta += share * (target - *theta));
        if let Some((j, bound)) = blocking {
            if let (Some(theta), Some(free)) = (theta.get_mut(j), free.get_mut(j)) {
                (*theta, *free) = (bound, false);
            }
            continue;
        }
        // At the target: let go of the bound that holds θ back most, or be done.
        let mut strongest = negligible;
        let mut release = None;
        for (j, ((row, &r), &own)) in gram.iter().zip(rhs).zip(theta.iter()).enumerate() {
            let slope = dot(row, theta) - r;
            let pull = if own > T::ZERO { slope } else { -slope };
            if free.get(j) == Some(&false) && pull > strongest {
                strongest = pull;
                release = Some(j);
            }
        }
        match release.and_then(|j| free.get_mut(j)) {
            Some(free) => *free = true,
            None => break,
        }
    }
}

/// The minimiser over the free coordinates, the others staying where they are.
fn minimise_free<T: Real, const M: usize>(
    gram: &[[T; M]; M],
    rhs: &[T; M],
    theta: &[T; M],
    free: &[bool; M],
) -> [T; M] {
    let mut held = *theta;
    held.iter_mut().zip(free).filter(|(_, free)| **free).for_each(|(theta, _)| *theta = T::ZERO);
    // A zero row and column for a held coordinate is an eigenvector that the solution leaves out.
    let mut reduced = *gram;
    let mut rest = [T::ZERO; M];
    for (((row, &r), &row_free), rest) in reduced.iter_mut().zip(rhs).zip(free).zip(&mut rest) {
        *rest = if row_free { r - dot(row, &held) } else { T::ZERO };
        for (entry, &free) in row.iter_mut().zip(free) {
            if !(free && row_free) {
                *entry = T::ZERO;
            }
        }
    }
    let mut target = shortest_solution(&reduced, &rest);
    for ((target, &held), &free) in target.iter_mut().zip(&held).zip(free) {
        if !free {
            *target = held;
        }
    }
    target
}

fn dot<T: Real, const M: usize>(a: &[T; M], b: &[T; M]) -> T {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}

/// Diagonalises `a`, reading both triangles: afterwards aᵢᵢ is an eigenvalue, and row i of the result its
/// eigenvector, of length 1.
fn diagonalise<T: Real, const M: usize>(a: &mut [[T; M]; M]) -> [[T; M]; M] {
    let mut vectors = [[T::ZERO; M]; M];
    for (i, row) in vectors.iter_mut().enumerate() {
        if let Some(entry) = row.get_mut(i) {
            *entry = T::ONE;
        }
    }
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for p in 0..M {
            for q in p + 1..M {
                rotated |= rotate(a, &mut vectors, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    vectors
}

/// Makes a_pq zero; false if it was negligible.
fn rotate<T: Real, const M: usize>(a: &mut [[T; M]; M], v: &mut [[T; M]; M], p: usize, q: usize) -> bool {
    // The compiler knows neither index: one test up front serves all accesses below.
    if p >= M || q >= M {
        return false;
    }
    let (app, aqq, apq) = (a[p][p], a[q][q], a[p][q]);
    if apq.abs() <= T::EPSILON * T::EPSILON * (app.abs() + aqq.abs()) {
        return false;
    }
    // The smaller root of t² + 2τt − 1 = 0 is the tangent of the rotation.
    let tau = (aqq - app) / (T::TWO * apq);
    let root = T::ONE / (tau.abs() + (T::ONE + tau * tau).sqrt());
    let tan = if tau < T::ZERO { -root } else { root };
    let cos = T::ONE / (T::ONE + tan * tan).sqrt();
    let sin = tan * cos;
    for row in a.iter_mut() {
        (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
    }
    for k in 0..M {
        (a[p][k], a[q][k]) = (cos * a[p][k] - sin * a[q][k], sin * a[p][k] + cos * a[q][k]);
        (v[p][k], v[q][k]) = (cos * v[p][k] - sin * v[q][k], sin * v[p][k] + cos * v[q][k]);
    }
    a[p][q] = T::ZERO;
    a[q][p] = T::ZERO;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_the_second_difference_and_orthonormal_vectors() {
        const M: usize = 6;
        let mut a = [[0.0; M]; M];
        for i in 0..M {
            a[i][i] = 2.0;
            if i + 1 < M {
                a[i][i + 1] = -1.0;
                a[i + 1][i] = -1.0;
            }
        }
        let original = a;
        let v = diagonalise(&mut a);
        let mut values: [f64; M] = core::array::from_fn(|i| a[i][i]);
        values.sort_by(f64::total_cmp);
        for (k, value) in values.iter().enumerate() {
            let exact = 4.0 * ((k + 1) as f64 * core::f64::consts::PI / 14.0).sin().powi(2);
            assert!((value - exact).abs() < 1e-14, "{value} {exact}");
        }
        for i in 0..M {
            for j in 0..M {
                let dot: f64 = (0..M).map(|k| v[i][k] * v[j][k]).sum();
                assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-14);
                let image: f64 = (0..M).map(|k| original[j][k] * v[i][k]).sum();
                assert!((image - a[i][i] * v[i][j]).abs() < 1e-14);
            }
        }
    }

    /// Slopes vanish where θ is free, and push outwards where it is held; from inside and from far outside.
    #[test]
    fn in_a_box_no_slope_points_inwards() {
        const M: usize = 4;
        let mut word = 7_u64;
        let mut next = move || {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (word >> 40) as f64 / f64::from(1 << 23) - 1.0
        };
        let mut held = 0;
        // Miri is slow, and judges no counts.
        let cases = if cfg!(miri) { 6 } else { 400 };
        for case in 0..cases {
            let rows: [[f64; M]; 6] = core::array::from_fn(|_| core::array::from_fn(|_| next()));
            let gram: [[f64; M]; M] = core::array::from_fn(|i| {
                core::array::from_fn(|j| rows.iter().map(|row| row[i] * row[j]).sum())
            });
            let rhs: [f64; M] = core::array::from_fn(|_| 3.0 * next());
            let bounds = [1.0, 0.5, 0.25, 0.125];
            let mut theta = if case % 2 == 0 { shortest_solution(&gram, &rhs) } else { [0.0; M] };
            move_into_box(&gram, &rhs, &bounds, &mut theta);
            for j in 0..M {
                let slope = dot(&gram[j], &theta) - rhs[j];
                assert!(theta[j].abs() <= bounds[j], "{case}, {j}: {theta:?}");
                if theta[j].abs() < bounds[j] {
                    assert!(slope.abs() < 1e-12, "{case}, {j}: {theta:?} {slope}");
                } else {
                    held += 1;
                    assert!(slope * theta[j] < 1e-12, "{case}, {j}: {theta:?} {slope}");
                }
            }
        }
        assert!(cfg!(miri) || (cases..3 * cases).contains(&held), "{held} of {} are held", 4 * cases);
    }

    #[test]
    fn a_zero_matrix_and_a_singular_one_are_no_trouble() {
        let mut zero = [[0.0_f32; 3]; 3];
        assert_eq!(diagonalise(&mut zero)[0], [1.0, 0.0, 0.0]);
        let mut ones = [[1.0_f32; 3]; 3];
        diagonalise(&mut ones);
        let mut values = [ones[0][0], ones[1][1], ones[2][2]];
        values.sort_by(f32::total_cmp);
        assert!((values[2] - 3.0).abs() < 1e-6 && values[1].abs() < 1e-6 && values[0].abs() < 1e-6);
    }
}
