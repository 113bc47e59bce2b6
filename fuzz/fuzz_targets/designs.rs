//! Rectangular designs from arbitrary arrays: accepted exactly if sound, multiplied as plain loops do, with the
//! same bits on every instruction set; a dense and a sparse view of one matrix agree.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::Real;
use southwell::linear::{Columns, Csc, Design};
use southwell_fuzz::{Number, bit, bits, check_error, cycled, number_bits};
use southwell_simd::{force_level, levels};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    wild: bool,
    rows: u8,
    columns: u8,
    pattern: Vec<u8>,
    entries: Vec<Number>,
    vectors: Vec<Number>,
    /// What is done to the arrays before they are looked at: which, where, what.
    damage: Option<(u8, u8, u8)>,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

/// A matrix by columns, as (row, value).
type Plain<T> = Vec<Vec<(usize, T)>>;

fn check<T: Real>(input: &Input) {
    let (n, p) = (usize::from(input.rows % 40), usize::from(input.columns % 20));
    let entry = |k: usize| {
        let number = cycled(&input.entries, k);
        let value: T = if input.wild { number.wild() } else { number.tame() };
        if value.is_finite() { value } else { T::ONE }
    };
    let plain: Plain<T> = (0..p)
        .map(|j| (0..n).filter(|i| bit(&input.pattern, j * n + i)).map(|i| (i, entry(j * n + i))).collect())
        .collect();
    let mut dense = vec![T::ZERO; n * p];
    let (mut offsets, mut indices, mut values) = (vec![0_u32], Vec::new(), Vec::new());
    for (j, column) in plain.iter().enumerate() {
        for &(i, a) in column {
            dense[j * n + i] = a;
            indices.push(i as u32);
            values.push(a);
        }
        offsets.push(indices.len() as u32);
    }
    if let Some(damage) = input.damage {
        return check_damaged(damage, (n, p), dense, offsets, indices, values);
    }
    let dense = Columns::new(&dense, n, p).expect("sound arrays");
    let sparse = Csc::new(&offsets, &indices, &values, n).expect("sound arrays");
    check_design(input, &dense, &plain, n);
    check_design(input, &sparse, &plain, n);
}

/// Acceptance by a plain look at the arrays.
fn check_damaged<T: Real>(
    (which, place, value): (u8, u8, u8),
    (n, p): (usize, usize),
    mut dense: Vec<T>,
    mut offsets: Vec<u32>,
    mut indices: Vec<u32>,
    mut values: Vec<T>,
) {
    let number = Number::Special(value).wild::<T>();
    let at = |length: usize| usize::from(place) % length.max(1);
    match which % 8 {
        0 => {
            dense.pop();
        }
        1 => dense.push(number),
        2 => {
            values.pop();
        }
        3 => {
            indices.pop();
        }
        4 => {
            offsets.pop();
        }
        5 => {
            let k = at(offsets.len());
            offsets[k] = value.into();
        }
        6 if !indices.is_empty() => {
            let k = at(indices.len());
            indices[k] = value.into();
        }
        _ if !values.is_empty() => {
            let k = at(values.len());
            values[k] = number;
            let k = at(dense.len());
            dense[k] = number;
        }
        _ => {}
    }
    let sound = dense.len() == n * p && dense.iter().all(|a| a.is_finite());
    match Columns::new(&dense, n, p) {
        Ok(_) => assert!(sound, "accepted {dense:?} as {n} × {p}"),
        Err(error) => {
            assert!(!sound, "{error:?} for sound arrays");
            check_error(error, |_| dense.len());
        }
    }
    let ordered = offsets.first() == Some(&0)
        && offsets.windows(2).all(|pair| pair[0] <= pair[1])
        && offsets.last().is_some_and(|&last| last as usize == indices.len())
        && indices.len() == values.len();
    let sound = ordered
        && offsets.windows(2).all(|pair| {
            let rows = &indices[pair[0] as usize..pair[1] as usize];
            rows.windows(2).all(|pair| pair[0] < pair[1]) && rows.iter().all(|&row| (row as usize) < n)
        })
        && values.iter().all(|a| a.is_finite());
    match Csc::new(&offsets, &indices, &values, n) {
        Ok(view) => {
            assert!(sound, "accepted {offsets:?} {indices:?} {values:?} of {n} rows");
            assert_eq!((view.rows(), view.columns()), (n, offsets.len() - 1));
        }
        Err(error) => {
            assert!(!sound, "{error:?} for sound arrays");
            check_error(error, |name| match name {
                "values" => values.len(),
                "indices" => indices.len(),
                _ => offsets.len(),
            });
        }
    }
}

/// A sum of terms, and how far rounding may carry any order of summation from it.
fn check_sum<T: Real>(computed: T, terms: impl Iterator<Item = f64> + Clone, factors: f64, what: &str) {
    let (value, size) = terms.clone().fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
    let count = terms.count() as f64 + factors;
    let tiny = T::MIN_POSITIVE.to_f64();
    // Products of three numbers may leave the type on the way, and come back.
    if !size.is_finite() || size >= 0.25 * T::MAX.to_f64() {
        return;
    }
    let bound = 1.01 * count * T::EPSILON.to_f64() * size + count * tiny;
    assert!((computed.to_f64() - value).abs() <= bound, "{what}: {computed} instead of {value} ± {bound}");
}

fn check_design<T: Real, A: Design<T>>(input: &Input, design: &A, plain: &Plain<T>, n: usize) {
    let p = plain.len();
    assert_eq!((design.rows(), design.columns()), (n, p));
    let finite = |k: usize| {
        let value: T = cycled(&input.vectors, k).tame();
        value
    };
    let v: Vec<T> = (0..n).map(finite).collect();
    let x: Vec<T> = (0..p).map(|k| finite(k + 5)).collect();
    let alpha = finite(3);
    let mut expected: Option<Vec<Vec<u64>>> = None;
    for level in levels() {
        force_level(Some(level));
        let (mut transposed, mut applied) = (vec![T::NAN; p], vec![T::NAN; n]);
        design.transposed(&v, &mut transposed);
        design.apply(&x, &mut applied);
        let mut found = vec![bits(&transposed), bits(&applied)];
        for (j, column) in plain.iter().enumerate() {
            let dot = design.dot(j, &v);
            assert_eq!(number_bits(dot), number_bits(transposed[j]), "the bits of a dot");
            check_sum(dot, column.iter().map(|&(i, a)| a.to_f64() * v[i].to_f64()), 2.0, "dot");
            let mut moved = v.clone();
            design.add_scaled(j, alpha, &mut moved);
            for &(i, a) in column {
                let terms = [v[i].to_f64(), alpha.to_f64() * a.to_f64()];
                check_sum(moved[i], terms.into_iter(), 2.0, "add_scaled");
            }
            let stored: Vec<(usize, T)> = {
                let mut seen = Vec::new();
                design.visit(j, |i, a| seen.push((i, a)));
                seen
            };
            assert!(stored.windows(2).all(|pair| pair[0].0 < pair[1].0), "first row first");
            let nonzero = |entries: &[(usize, T)]| -> Vec<(usize, u64)> {
                let kept = entries.iter().filter(|(_, a)| *a != T::ZERO);
                kept.map(|&(i, a)| (i, number_bits(a))).collect()
            };
            assert_eq!(nonzero(&stored), nonzero(column));
            let other = (j * 7 + 3) % p;
            let shared = column.iter().filter_map(|&(i, a)| {
                let (_, b) = plain[other].iter().find(|(row, _)| *row == i)?;
                Some((i, a.to_f64() * b.to_f64()))
            });
            let shared: Vec<(usize, f64)> = shared.collect();
            let gram = design.gram(j, other);
            check_sum(gram, shared.iter().map(|&(_, ab)| ab), 2.0, "gram");
            let weighted = design.weighted_gram(j, other, &v);
            // Both products must stay within the type for the sum to mean anything.
            if shared.iter().all(|(_, ab)| ab.abs() < 0.25 * T::MAX.to_f64()) {
                let room = shared.iter().filter(|(_, ab)| ab.abs() < T::MIN_POSITIVE.to_f64()).count();
                if room == 0 {
                    check_sum(
                        weighted,
                        shared.iter().map(|&(i, ab)| ab * v[i].to_f64()),
                        3.0,
                        "weighted gram",
                    );
                }
            }
            check_sum(design.square(j), column.iter().map(|&(_, a)| a.to_f64() * a.to_f64()), 2.0, "square");
            found.push(vec![number_bits(gram), number_bits(weighted), number_bits(design.square(j))]);
            found.push(bits(&moved));
        }
        for (i, &applied) in applied.iter().enumerate() {
            let terms = plain.iter().zip(&x).filter_map(|(column, x)| {
                let (_, a) = column.iter().find(|(row, _)| *row == i)?;
                Some(a.to_f64() * x.to_f64())
            });
            check_sum(applied, terms.collect::<Vec<_>>().into_iter(), 2.0 + p as f64, "apply");
        }
        // A column that does not exist is empty.
        design.visit(p, |_, _| panic!("no such column"));
        force_level(None);
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "{level:?} has other bits");
    }
}
